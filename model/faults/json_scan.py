"""Scans JSON by the grammar of RFC 8259: where a text stops being JSON, and what the grammar demands there.

The scan keeps no recursion, so it takes text of any depth. It can go on from a place that an earlier scan passed, which
makes it cheap to ask how far a text would be JSON after an edit.
"""

import json
import re
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import NamedTuple, NoReturn

from soupstate.model.page.stop import SPAN, Watch

SPACE = re.compile(r"[ \t\n\r]*+")
STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+"')
WORD = re.compile(r"(?:true|false|null)\b|-?(?:0|[1-9]\d*+)(?:\.\d++)?(?:[eE][+-]?\d++)?(?![\w.])")
VALUE, FIRST_VALUE, KEY, FIRST_KEY, COLON, NEXT, END = range(7)  # what is expected
CLOSER = {"{": "}", "[": "]"}
KEPT_EVERY = 256  # tokens between two places from which a scan can go on
DEEPEST = 100_000  # brackets that may be open (RFC 8259, section 9, lets a parser set such a limit)
WATCHED = 4096  # tokens between two looks at the clock
RECENT = 12  # last tokens that are kept, at least


class Frame(NamedTuple):
    """An open object or array: the bracket that closes it, where it opened, and the frame around it."""

    closer: str
    at: int
    outer: "Frame | None"


class Place(NamedTuple):
    """How a scan stands before text[at]: what it expects, and what is open."""

    at: int
    expects: int
    frame: Frame | None


START = Place(0, VALUE, None)


class Member(NamedTuple):
    """A member of an array or object: text[start:end]. value: where its value begins, behind the key if it has one."""

    start: int
    value: int
    end: int


@dataclass
class Scan:
    """A text that was scanned up to `at`, where it stops being JSON; None: it is JSON.

    at: of the first character of the token that does not fit; the text's end where more was expected. place: how the
    scan stands there. tokens: the spans of the last tokens before, in order; places: how it stood before each of them.
    members: for each open frame, from the outermost on, those that have ended; the first list is of the text itself.
    begun: (start, value) of the members that have not ended, the outermost first. closed: by depth, the bracket and the
    members of the frame that was closed last: a bracket that it lacks was taken from a frame around it. too_deep: it
    stops because more than DEEPEST brackets are open.
    """

    text: str
    at: int | None = None
    place: Place = START
    tokens: list[tuple[int, int]] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    members: list[list[Member]] = field(default_factory=lambda: [[]])
    begun: list[tuple[int, int]] = field(default_factory=list)
    closed: dict[int, tuple[str, list[Member]]] = field(default_factory=dict)
    kept: list[Place] = field(default_factory=lambda: [START])
    too_deep: bool = False

    def before(self, at: int) -> Place:
        """Returns the last place known that is not behind text[at]."""
        known = self.places if self.places and self.places[0].at <= at else self.kept
        return known[bisect_right(known, at, key=lambda place: place.at) - 1]

    def take(self, before: Place, at: int, after: Place) -> None:
        """Notes a token from `at` to `after.at`, and the member that begins or ends with it."""
        self.tokens.append((at, after.at))
        self.places.append(before)
        if len(self.tokens) > 4 * RECENT:
            del self.tokens[:-RECENT], self.places[:-RECENT]
        opened = after.frame is not None and after.frame.outer is before.frame
        if opened or after.frame is before.frame:
            if before.expects == VALUE and before.frame is not None and before.frame.closer == "}":
                self.begun[-1] = (self.begun[-1][0], at)  # the value behind a key
            elif before.expects in (VALUE, FIRST_VALUE, KEY, FIRST_KEY):
                self.begun.append((at, at))
        if opened:
            self.members.append([])
            return
        if before.frame is not None and after.frame is not before.frame:
            closed = self.members.pop()
            self.closed[len(self.members)] = before.frame.closer, closed
        if after.expects in (NEXT, END):
            self.members[-1].append(Member(*self.begun.pop(), after.at))


def is_json(text: str) -> bool | None:
    """Returns whether a text is JSON (RFC 8259); None where it is too deep for Python's parser to tell."""
    try:
        json.loads(text, parse_constant=_no_number)
    except RecursionError:
        return None
    except ValueError:
        return False
    return True


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def scan(text: str, watch: Watch) -> Scan:
    """Scans a text from its beginning. Raises Stopped."""
    done = Scan(text)
    place, count, size = START, 0, len(text)
    while True:
        at = _skip(text, place.at)
        if at == size and place.expects == END:
            return done
        step = _step(text, Place(at, place.expects, place.frame))
        done.too_deep = len(done.members) > DEEPEST
        if step is None or done.too_deep:
            done.at, done.place = at, Place(at, place.expects, place.frame)
            return done
        done.take(place, at, step)
        place, count = step, count + 1
        if count % KEPT_EVERY == 0:
            done.kept.append(place)
        if count % WATCHED == 0:
            watch(WATCHED * SPAN)


def reach(text: str, place: Place, most: int) -> int:
    """Returns how far a text is JSON from a place on: where it stops being so, len(text) + 1 where it never does.

    The scan ends at `most`, if it comes so far.
    """
    size = len(text)
    while place.at < most:
        at = _skip(text, place.at)
        if at == size and place.expects == END:
            return size + 1
        step = _step(text, Place(at, place.expects, place.frame))
        if step is None:
            return at
        place = step
    return place.at


def advanced(text: str, place: Place, to: int) -> Place:
    """Returns how a scan stands before the first token at or behind text[to], from a place before it on."""
    while _skip(text, place.at) < to:
        step = _step(text, Place(_skip(text, place.at), place.expects, place.frame))
        if step is None:
            break
        place = step
    return place


def _skip(text: str, at: int) -> int:
    match = SPACE.match(text, at)
    return match.end() if match else at


def _step(text: str, place: Place) -> Place | None:
    """Returns the place after the token at text[place.at], which is no white space; None where it does not fit."""
    at, expects, frame = place
    here = text[at : at + 1]
    if here in ("{", "["):
        if expects not in (VALUE, FIRST_VALUE):
            return None
        return Place(at + 1, FIRST_KEY if here == "{" else FIRST_VALUE, Frame(CLOSER[here], at, frame))
    if here in ("}", "]"):
        if frame is None or frame.closer != here or expects not in (NEXT, FIRST_VALUE, FIRST_KEY):
            return None
        return Place(at + 1, END if frame.outer is None else NEXT, frame.outer)
    if here == ",":
        if expects != NEXT or frame is None:
            return None
        return Place(at + 1, KEY if frame.closer == "}" else VALUE, frame)
    if here == ":":
        return Place(at + 1, VALUE, frame) if expects == COLON else None
    match = (STRING if here == '"' else WORD).match(text, at)
    if match is None or not match[0]:
        return None
    if expects in (KEY, FIRST_KEY):
        return Place(match.end(), COLON, frame) if here == '"' else None
    if expects in (VALUE, FIRST_VALUE):
        return Place(match.end(), END if frame is None else NEXT, frame)
    return None
