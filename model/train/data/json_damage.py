"""Breaks JSON the way people and programs break it, by one slip at a time. The marks of the whole document stay."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from soupstate.model.page.marks import FORMATS
from soupstate.model.train.data.teacher import Marks

CHARACTERS_PER_SLIP = 3000  # of a lesson, so that a window of training text often holds one
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"|-?\d[\d.eE+-]*|\w+|[{}\[\],:]', re.S)
ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{4}|.)", re.S)
JSON = FORMATS["json"]
WORD = re.compile(r"(?<![\\\w])[^\W\d_]\w{2,}")  # not the letter of an escape
STRAY = (",", '"', "}", "]", ":", "{", "[")


@dataclass(frozen=True, slots=True)
class JsonSlip:
    """text[start:end] becomes `new`. name: the kind of slip."""

    name: str
    start: int
    end: int
    new: str = ""

    def applied(self, text: str) -> str:
        """Returns the text with the slip."""
        return text[: self.start] + self.new + text[self.end :]


class Places:
    """Where a valid document can be broken: the spans of its tokens by kind."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = [m.span() for m in TOKEN.finditer(text)]
        self.strings = [span for span in self.tokens if text[span[0]] == '"']
        self.escapes = [m.span() for m in ESCAPE.finditer(text)]

    @property
    def needed_escapes(self) -> list[tuple[int, int]]:
        """The escapes of quotes and backslashes, without which a document is another one."""
        return [span for span in self.escapes if self.text[span[0] + 1] in '"\\']

    def of(self, characters: str) -> list[tuple[int, int]]:
        """Returns the tokens that are one of these characters."""
        return [(a, b) for a, b in self.tokens if b - a == 1 and self.text[a] in characters]


Maker = Callable[[Places, np.random.Generator], tuple[int, int, str] | None]


def _one(random: np.random.Generator, spans: list[tuple[int, int]]) -> tuple[int, int] | None:
    return spans[int(random.integers(len(spans)))] if spans else None


def _lost(characters: str) -> Maker:
    def make(places: Places, random: np.random.Generator) -> tuple[int, int, str] | None:
        span = _one(random, places.of(characters))
        return (*span, "") if span else None

    return make


def _lost_quote(places: Places, random: np.random.Generator) -> tuple[int, int, str] | None:
    span = _one(random, places.strings)
    if span is None:
        return None
    at = span[0] if random.random() < 0.5 else span[1] - 1
    return at, at + 1, ""


def _lost_escape(places: Places, random: np.random.Generator) -> tuple[int, int, str] | None:
    """Deletes the backslash of an escape that matters."""
    span = _one(random, places.needed_escapes)
    return (span[0], span[0] + 1, "") if span else None


def with_escape(text: str, random: np.random.Generator) -> str:
    """Returns a valid document with a word of a string in quotes, or behind a backslash; the same one without words."""
    words = [m.span() for span in Places(text).strings[:2000] for m in WORD.finditer(text, span[0] + 1, span[1] - 1)]
    word = _one(random, words)
    if word is None:
        return text
    start, end = word
    escaped = f'\\"{text[start:end]}\\"' if random.random() < 0.6 else f"\\\\{text[start:end]}"
    return text[:start] + escaped + text[end:]


def _wrong_escape(places: Places, random: np.random.Generator) -> tuple[int, int, str] | None:
    """Puts a backslash before a letter of a string with which no escape begins."""
    span = _one(random, places.strings)
    if span is None or span[1] - span[0] < 3:
        return None
    at = int(random.integers(span[0] + 1, span[1] - 1))
    fit = places.text[at] not in '"\\/bfnrtu' and places.text[at - 1] != "\\"
    return (at, at, "\\") if fit else None


def _trailing_comma(places: Places, random: np.random.Generator) -> tuple[int, int, str] | None:
    text = places.text
    ends = [(b, b) for (a, b), (c, _) in zip(places.tokens, places.tokens[1:], strict=False)
            if text[c] in "}]" and text[a] not in "{["]  # fmt: skip
    span = _one(random, ends)
    return (*span, ",") if span else None


def _swapped_close(places: Places, random: np.random.Generator) -> tuple[int, int, str] | None:
    span = _one(random, places.of("}]"))
    return (*span, "]" if places.text[span[0]] == "}" else "}") if span else None


def _twice(places: Places, random: np.random.Generator) -> tuple[int, int, str] | None:
    """Repeats a mark after a token."""
    span = _one(random, places.tokens)
    return (span[1], span[1], STRAY[int(random.integers(len(STRAY)))]) if span else None


def _line_break(places: Places, random: np.random.Generator) -> tuple[int, int, str] | None:
    """Writes a line break in a string as it is."""
    spaces = [m.span() for m in re.finditer(" |\\\\n", places.text)]
    span = _one(random, [s for s in spaces if any(a < s[0] and s[1] < b for a, b in places.strings[:2000])])
    return (*span, "\n") if span else None


# By name: its share, and what makes it. The first seven are those that `soupstate bench json` measures.
SLIPS: dict[str, tuple[float, Maker]] = {
    "lost quote": (3.0, _lost_quote),
    "lost comma": (3.0, _lost(",")),
    "lost colon": (2.0, _lost(":")),
    "lost bracket": (2.0, _lost("[]")),
    "lost brace": (2.0, _lost("{}")),
    "lost escape": (2.0, _lost_escape),
    "trailing comma": (2.0, _trailing_comma),
    "swapped close": (2.0, _swapped_close),
    "wrong escape": (0.7, _wrong_escape),
    "stray mark": (1.0, _twice),
    "line break": (0.7, _line_break),
}


def _remark(places: Places, random: np.random.Generator) -> tuple[int, int, str] | None:
    """Adds a comment: at the end of a line, or anywhere between two tokens."""
    lines = [m.span() for m in re.finditer(r"(?=\n)", places.text)]
    words = REMARKS[int(random.integers(len(REMARKS)))]
    if lines and random.random() < 0.7:
        at = lines[int(random.integers(len(lines)))][0]
        return at, at, f"// {words}"
    span = _one(random, places.tokens)
    return (span[1], span[1], f"/* {words} */") if span else None


def _single_quotes(places: Places, random: np.random.Generator) -> tuple[int, int, str] | None:
    span = _one(random, [s for s in places.strings[:2000] if not set("'\\") & set(places.text[slice(*s)])])
    return (*span, f"'{places.text[span[0] + 1 : span[1] - 1]}'") if span else None


def _bare_name(places: Places, random: np.random.Generator) -> tuple[int, int, str] | None:
    span = _one(random, [s for s in places.strings[:2000] if NAME.fullmatch(places.text, *s)])
    return (*span, places.text[span[0] + 1 : span[1] - 1]) if span else None


def _other_literal(places: Places, random: np.random.Generator) -> tuple[int, int, str] | None:
    found = [s for s in places.tokens if places.text[slice(*s)] in LITERALS]
    span = _one(random, found)
    return (*span, LITERALS[places.text[slice(*span)]]) if span else None


REMARKS = ("todo", "the old value was 3", "see the manual", "not used yet", "a: b, c")
NAME = re.compile(r'"[A-Za-z_]\w*"')
LITERALS = {"true": "True", "false": "False", "null": "None"}
# What other notations allow, such as JavaScript and Python. The lessons have none of these; the ranking is fitted to
# them, too.
OTHER_NOTATIONS: dict[str, Maker] = {
    "comment": _remark,
    "single quotes": _single_quotes,
    "bare name": _bare_name,
    "other literal": _other_literal,
}


def json_slip(places: Places, random: np.random.Generator, name: str = "") -> JsonSlip | None:
    """Returns a slip of that name, or one drawn by the shares; None where it cannot be made."""
    if not name:
        shares = np.array([share for share, _ in SLIPS.values()])
        name = list(SLIPS)[int(random.choice(len(SLIPS), p=shares / shares.sum()))]
    make = OTHER_NOTATIONS[name] if name in OTHER_NOTATIONS else SLIPS[name][1]
    found = make(places, random)
    return JsonSlip(name, *found) if found else None


def damage_json(text: str, marks: Marks, random: np.random.Generator) -> tuple[str, Marks]:
    """Returns a valid document with some slips, and the marks of the valid one, carried over."""
    places, slips = Places(text), list[JsonSlip]()
    for _ in range(1 + int(random.poisson(len(text) / CHARACTERS_PER_SLIP))):
        slip = json_slip(places, random)
        if slip and all(slip.end < s.start or slip.start > s.end for s in slips):
            slips.append(slip)
    for slip in sorted(slips, key=lambda s: -s.start):
        text = slip.applied(text)
        new = np.repeat(marks[max(0, slip.start - 1)][None], len(slip.new), 0)
        marks = np.concatenate([marks[: slip.start], new, marks[slip.end :]])
    if random.random() < 0.05:
        cut = int(random.integers(len(text) // 2, len(text)))
        return text[:cut], marks[:cut]
    return text, marks
