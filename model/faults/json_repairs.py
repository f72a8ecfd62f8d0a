"""Proposes repairs of JSON: single edits after which a text is JSON beyond the place where it stops being so.

All come from the grammar: what it demands at that place, at the tokens before it, and at the members of what is open
there. Which of them is meant is for the networks to say.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from soupstate.model.faults.edits import Repair
from soupstate.model.faults.json_scan import CLOSER, COLON, NEXT, RECENT, Scan, advanced, reach
from soupstate.model.page.stop import Watch

QUOTE, COMMA, COLON_KIND, BRACKET = (
    "json-missing-quote",
    "json-missing-comma",
    "json-missing-colon",
    "json-missing-bracket",
)
EXTRA_COMMA, MISMATCH, ESCAPE = "json-unexpected-comma", "json-mismatched-bracket", "json-wrong-escape"
EXTRA, WORD, COMMENT, BROKEN = "json-unexpected-character", "json-unquoted-word", "json-comment", "invalid-json"
JSON_KINDS = (QUOTE, COMMA, COLON_KIND, BRACKET, EXTRA_COMMA, MISMATCH, ESCAPE, EXTRA, WORD, COMMENT)
MISSING = {'"': QUOTE, ",": COMMA, ":": COLON_KIND, **dict.fromkeys("{}[]", BRACKET), "\\": ESCAPE}

MARKS = '",:{}[]'
STRING_ENDS = re.compile(r"\s*[,}\]:\n]")  # what may follow a string
GOOD = re.compile(r'(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+')  # of a string, as far as it is right
CONTROL = re.compile("[\x00-\x1f]")
NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
BARE = re.compile(r"[A-Za-z_$][\w$.-]*")
LITERALS = {"true", "false", "null"}
OTHER_LITERALS = {"none": "null", "undefined": "null", "nan": "null"}  # of Python and JavaScript
SINGLE = re.compile(r"'([^'\\\n]*(?:\\.[^'\\\n]*)*)'")
TYPOGRAPHIC = re.compile('[“”„‟«»](?:[^“”„‟«»"\\\\\n]|\\\\.)*[“”„‟«»"]')  # a string between such quotes
NUMBER = re.compile(r"\+?(-?)(\d*)(\.\d*)?(?![\w.])")
REMARK = re.compile(r"(?://|#)[^\n\r]*|/\*.*?\*/", re.S)
INSTEAD = {";": ",", "=": ":"}  # what other notations write
ENDS, STARTS = 30, 10  # places of a string, counted from its end and its start, where it may have been meant to end
FRAMES, MEMBERS = 12, 24  # innermost open frames and their last members, at which a bracket may be missing
INNER = 6  # frames that were closed last, from the outermost on, at which a bracket may be missing, too
SURPRISING = 30  # further members of open frames, after which the network is surprised
AFTER = 12  # characters after a member in which it is
NEAR = 200  # characters after the place that an edit must reach to be looked at further
FAR = 20_000  # characters after it that are looked at
LINE = 1000  # characters of a line whose indentation is looked at
KEPT = 60  # edits that the networks compare

Edit = tuple[int, int, str]  # text[start:end] becomes the third


@dataclass(frozen=True, slots=True)
class JsonRepair:
    """A repair, and what the grammar says of it. whole: nothing up to FAR behind the place is wrong after it.

    reached: characters that the text is JSON beyond the place. distance: characters from the repair to the place.
    layout: of a closing bracket that is inserted, see `_layout`.
    """

    repair: Repair
    whole: bool
    reached: int
    distance: int
    layout: int


def proposed(done: Scan, surprisal: NDArray[np.float32], watch: Watch) -> list[JsonRepair]:
    """Returns the repairs of a text that stops being JSON, the most promising first. Raises Stopped.

    surprisal (characters,): of the text. A repair of the last token before the place is more promising than one of an
    earlier token, and one after which the whole text is JSON is more so than all others.
    """
    text, at = done.text, done.at
    assert at is not None
    found: list[tuple[int, int, Edit]] = []
    for edit in dict.fromkeys(_canonical(text, e) for e in _edits(done, surprisal)):
        watch(NEAR)
        start, end, new = edit
        edited = text[:start] + new + text[end:]
        longer = len(new) - (end - start)
        got = reach(edited, done.before(start), max(start, at) + NEAR) - longer
        if got > max(at, end):
            found.append((got, abs(at - start), edit))
    found.sort(key=lambda f: (-f[0], f[1]))
    repairs = []
    for _, distance, (start, end, new) in found[:KEPT]:
        watch(FAR // 4)
        longer = len(new) - (end - start)
        got = reach(text[:start] + new + text[end:], done.before(start), max(start, at) + FAR) - longer
        whole = got > len(text) or got >= max(start, at) + FAR
        repair = Repair(start, end, new, *described(text, start, end, new))
        repairs.append(JsonRepair(repair, whole, max(0, min(got, len(text)) - at), distance, _layout(done, start, new)))
    return sorted(repairs, key=lambda r: (not r.whole, -r.reached, r.distance))


def described(text: str, start: int, end: int, new: str) -> tuple[str, str]:
    """Returns the kind of the fault that an edit mends, and its message."""
    old = text[start:end]
    if REMARK.fullmatch(old):
        return COMMENT, "JSON has no comments"
    if not old:
        return MISSING.get(
            new[:1], EXTRA
        ), f"{new} is missing" if new != "\\" else "a string is not escaped: \\ is missing"
    if not new:
        if old == ",":
            return EXTRA_COMMA, "a comma is one too many"
        return (ESCAPE, "no escape begins with this \\") if old == "\\" else (EXTRA, f"unexpected {old}")
    if old in tuple("{}[]") and new in tuple("{}[]"):
        return MISMATCH, f"{new} was meant, not {old}"
    if CONTROL.search(old):
        return ESCAPE, "a string has line breaks or tabs that are not escaped"
    if BARE.fullmatch(old) or SINGLE.fullmatch(old) or TYPOGRAPHIC.fullmatch(old):
        return (
            WORD,
            f"a string is written in double quotes: {_short(new)}" if '"' in new else f"{new} was meant, not {old}",
        )
    return EXTRA, f"{_short(new)} was meant, not {_short(old)}"


def _short(words: str) -> str:
    return words if len(words) <= 30 else f"{words[:27]}..."


def _canonical(text: str, edit: Edit) -> Edit:
    """Returns the first of the edits that make the same text: a quote may be inserted on either side of a quote."""
    start, end, new = edit
    if start == end and len(new) == 1:
        while start and text[start - 1] == new:
            start -= 1
        return start, start, new
    if not new and end - start == 1:
        while start and text[start - 1] == text[start]:
            start -= 1
        return start, start + 1, new
    return edit


def _edits(done: Scan, surprisal: NDArray[np.float32]) -> Iterator[Edit]:
    """Yields edits that may mend a text."""
    text, at = done.text, done.at
    assert at is not None
    tokens = done.tokens[-RECENT:]
    yield from _of_place(done, at)
    ends = [0, *(end for _, end in tokens)]
    starts = [*(start for start, _ in tokens), at]
    for gap in {p for end, start in zip(ends[-len(starts) :], starts, strict=True) for p in _gap(text, end, start)}:
        yield from ((gap, gap, mark) for mark in MARKS)
    for start, end in tokens:
        if text[start] == '"':
            yield from ((start, start + 1, ""), (end - 1, end, ""))
        elif end - start == 1 and text[start] in MARKS:
            yield start, end, ""
            if text[start] in CLOSER:
                yield start, end, "[" if text[start] == "{" else "{"
    for start, end in [span for span in tokens if text[span[0]] == '"'][-4:]:
        yield from _inside(text, start, end)
    yield from _brackets(done, surprisal)


def _gap(text: str, end: int, start: int) -> set[int]:
    """Returns the places between two tokens where one may be missing: at both ends, and at ends of lines."""
    places = {end, start, min(end + 1, start)}
    for _ in range(3):
        end = text.find("\n", end, start)
        if end < 0:
            break
        places.add(end)
        end += 1
    return places


def _inside(text: str, start: int, end: int) -> Iterator[Edit]:
    """Yields edits of a string: where it may have been meant to end, and quotes that may lack their escape."""
    found = [m.start() for m in STRING_ENDS.finditer(text, start + 1, end)]
    yield from ((k, k, '"') for k in [*found[:STARTS], *found[-ENDS:], start + 1])
    yield end - 1, end - 1, "\\"
    at = end - 1
    for _ in range(STARTS):  # \" where \\" was meant
        at = text.rfind('\\"', start, at)
        if at < 0:
            break
        yield at, at, "\\"


def _of_place(done: Scan, at: int) -> Iterator[Edit]:
    """Yields edits of what stands where the text stops being JSON."""
    text, here = done.text, done.text[at : at + 1]
    if not here:
        return
    if remark := REMARK.match(text, at):
        yield *remark.span(), ""
    if here == '"':
        yield from _bad_string(text, at)
    yield at, at, "\\"
    if (quote := text.find('"', at, at + NEAR)) >= 0:
        yield quote, quote, "\\"
    if here in ",;:\"'}]{[\\.+":
        yield at, at + 1, ""
    if here in "}]" and done.place.frame:
        yield at, at + 1, done.place.frame.closer
    if here in INSTEAD:
        yield at, at + 1, INSTEAD[here]
    if here in ",:" and done.place.expects in (COLON, NEXT):
        yield at, at + 1, ":" if here == "," else ","
    if bare := BARE.match(text, at):
        word = bare[0].lower()
        yield *bare.span(), OTHER_LITERALS.get(word, word if word in LITERALS else f'"{bare[0]}"')
    if single := SINGLE.match(text, at):
        inner = single[1].replace("\\'", "'").replace('"', '\\"')
        yield *single.span(), f'"{inner}"'
    if quoted := TYPOGRAPHIC.match(text, at):
        yield *quoted.span(), f'"{quoted[0][1:-1]}"'
    number = NUMBER.match(text, at)
    if number and number.end() > at:
        whole, rest = number[2].lstrip("0") or "0", number[3] or ""
        yield *number.span(), f"{number[1]}{whole}{rest if rest != '.' else ''}"


def _bad_string(text: str, at: int) -> Iterator[Edit]:
    """Yields edits of a string that begins at text[at] and is not right."""
    good = GOOD.match(text, at + 1)
    stop = good.end() if good else at + 1
    found = [m.start() for m in STRING_ENDS.finditer(text, at + 1, min(stop + 1, at + FAR))]
    yield from ((k, k, '"') for k in [*found[:ENDS], *found[-ENDS:], stop])
    if text[stop : stop + 1] == "\\":
        yield from ((stop, stop, "\\"), (stop, stop + 1, ""))
    elif stop < len(text):  # a control character: all of them up to the quote
        close = text.find('"', stop)
        if 0 < close < stop + FAR:
            yield at + 1, close, CONTROL.sub(_escaped, text[at + 1 : close])


def _escaped(m: re.Match[str]) -> str:
    return NAMED.get(m[0]) or f"\\u{ord(m[0]):04x}"


def _brackets(done: Scan, surprisal: NDArray[np.float32]) -> Iterator[Edit]:
    """Yields brackets that may be missing at members of what is open, or wrong where it was opened."""
    text, frame = done.text, done.place.frame
    if done.at == len(text):
        yield from _cut_off(done)
    levels = list(reversed(done.members))[:FRAMES]
    begun = list(reversed(done.begun))[:FRAMES]
    for start, value in begun:
        yield from _opened(text, {start, value})
    closers: list[str | None] = []
    for members in levels:
        closers.append(frame.closer if frame else None)
        if frame:
            yield frame.at, frame.at + 1, "[" if text[frame.at] == "{" else "{"
            frame = frame.outer
        for member in members[-3:]:
            yield from _opened(text, {member.start, member.value})
        if members:
            yield from _opened(text, {members[0].start})
    depth = len(done.members)
    inner = [done.closed[k] for k in range(depth, depth + INNER) if k in done.closed]
    for closer, members in [*zip(closers, levels, strict=True), *inner]:
        if closer:
            chosen = {m.end for m in members[-MEMBERS:]} | set(_surprising(text, [m.end for m in members], surprisal))
            for end in chosen:
                yield from ((k, k, closer) for k in _gap(text, end, _next(text, end)))


def _cut_off(done: Scan) -> Iterator[Edit]:
    """Yields all brackets that are missing at the end of a text that was cut off."""
    closers, frame, size = "", done.place.frame, len(done.text)
    while frame and len(closers) < FRAMES:
        closers, frame = closers + frame.closer, frame.outer
    if len(closers) > 1 and not frame:
        yield size, size, closers


def _opened(text: str, starts: Iterable[int]) -> Iterator[Edit]:
    for start in starts:
        before = start
        while before and text[before - 1] in " \t\n\r":
            before -= 1
        yield from ((k, k, mark) for k in _gap(text, before, start) for mark in CLOSER)


def _next(text: str, at: int) -> int:
    """Returns where the next token begins."""
    while at < len(text) and text[at] in " \t\n\r":
        at += 1
    return at


def _surprising(text: str, ends: list[int], surprisal: NDArray[np.float32]) -> list[int]:
    """Returns the ends of members after which the network is surprised most, or after which lines are less indented."""
    if len(ends) <= MEMBERS:
        return []
    total = np.append(0.0, np.cumsum(surprisal, dtype=np.float64))
    at = np.array(ends)
    bits = total[np.minimum(at + AFTER, len(surprisal))] - total[at]
    chosen = [ends[k] for k in np.argsort(-bits, kind="stable")[:SURPRISING].tolist()]
    return chosen + list(islice((end for end in ends if _dedents(text, end, "}")), SURPRISING))


def _dedents(text: str, at: int, new: str) -> bool:
    """Whether a closing bracket at text[at] stands where lines become less indented: at the end of a line, or alone.

    Lines of more than LINE characters tell nothing.
    """
    if new not in ("}", "]"):
        return False
    begin = text.rfind("\n", max(0, at - LINE), at) + 1
    if begin and not text[begin:at].strip():  # first in its line
        before = begin
        while before and text[before - 1] in " \t\n\r":
            before -= 1
        last = text.rfind("\n", max(0, before - LINE), before) + 1
        return at - begin < _indent(text, last)
    line_end = text.find("\n", at, at + LINE)
    if line_end < 0 or text[at:line_end].strip(" \t\r,"):
        return False
    follow = _next(text, line_end)
    return follow - (text.rfind("\n", line_end, follow) + 1) < _indent(text, begin)


def _indent(text: str, begin: int) -> int:
    return _next(text, begin) - begin


def _layout(done: Scan, at: int, new: str) -> int:
    """Returns whether the lines of a text have a closing bracket at text[at]: 1 or -1; 0 where they do not tell.

    What opens at the end of a line closes where the lines become less indented. What opens elsewhere closes on the same
    line.
    """
    text = done.text
    if new not in ("}", "]") or "\n" not in text:
        return 0
    frame = advanced(text, done.before(at), at).frame
    if frame is None:
        return 0
    line_end = text.find("\n", frame.at)
    if line_end >= 0 and not text[frame.at + 1 : line_end].strip():
        return 1 if _dedents(text, at, new) else -1
    return 1 if line_end < 0 or at <= line_end else -1
