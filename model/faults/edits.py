"""Proposes repairs: single edits that would mend a page at a place, judged by the markup around it.

The network decides whether an edit is likely; see `soupstate.model.faults.find`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from soupstate.model.page.elements import COMMON, STANDARD

REACH = 64  # characters around a place within which an edit may begin
FAR = 400  # characters within which a tag must end, or else it is not closed
END_TAGS = re.compile(r"(</[a-zA-Z][a-zA-Z0-9]*\s*>)(\s*)(</[a-zA-Z][a-zA-Z0-9]*\s*>)")
END_TAG = re.compile(r"</([a-zA-Z][a-zA-Z0-9]*)")
NAME = re.compile(r"</?([a-zA-Z0-9]+)(?=[\s/>])")
NAME_OF_TAG = re.compile(r"</?([a-zA-Z][a-zA-Z0-9]*)")
# What is missing: the kind of fault and its message. Parse errors of the standard have its names (WHATWG HTML, 13.2.2).
MISSING = {
    ">": ("unclosed-tag", "a tag is not closed: > is missing"),
    "<": ("unopened-tag", "a tag is not opened: < is missing"),
    '"': ("unpaired-quote", "a quote is missing"),
    "'": ("unpaired-quote", "a quote is missing"),
    "=": ("missing-equals-sign", "= is missing between an attribute's name and its value"),
    "/": ("end-tag-written-as-start-tag", "/ is missing: an end tag is written as a start tag"),
    ";": ("missing-semicolon-after-character-reference", "a character reference does not end: ; is missing"),
    "&": ("missing-ampersand", "a character reference does not begin: & is missing"),
    "-": ("broken-comment-delimiter", "a comment's delimiter is not whole: - is missing"),
    "!": ("incorrectly-opened-comment", "a comment does not begin: ! is missing"),
    "-->": ("eof-in-comment", "a comment is not closed: --> is missing"),
    '">': ("unclosed-tag", 'a tag is not closed: "> is missing'),
}
UNEXPECTED = {  # characters that are one too many
    "<": "invalid-first-character-of-tag-name",
    ">": "unexpected-greater-than-sign",
    '"': "unexpected-character-in-attribute-name",
    "=": "unexpected-equals-sign-before-attribute-name",
    "/": "unexpected-solidus-in-tag",
}
UNKNOWN_REFERENCE = "unknown-named-character-reference"
FAULT_KINDS = (
    *dict.fromkeys(kind for kind, _ in MISSING.values()),
    *UNEXPECTED.values(),
    "misordered-end-tags",
    "missing-end-tag",
    "missing-start-tag",
    "unexpected-end-tag",
    "unexpected-start-tag",
    "mismatched-tag-name",
    "misspelt-tag-name",
    UNKNOWN_REFERENCE,
    "unexpected-character",
)
ABOUT_TAGS = (  # the kinds whose repairs add, remove or rename a whole tag
    "missing-end-tag", "missing-start-tag", "unexpected-end-tag", "unexpected-start-tag", "mismatched-tag-name",
    MISSING["/"][0], "misordered-end-tags",
)  # fmt: skip
RENAMED = ("mismatched-tag-name", "misspelt-tag-name")
CHANGES = {  # of the start tags less the end tags of a name, by the kind of the repair
    "missing-end-tag": -1, "missing-start-tag": 1, "unexpected-end-tag": 1, "unexpected-start-tag": -1,
    MISSING["/"][0]: -2, "misordered-end-tags": 0,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Repair:
    """page[start:end] becomes `replacement`."""

    start: int
    end: int
    replacement: str
    kind: str  # one of FAULT_KINDS
    message: str

    @property
    def key(self) -> tuple[int, int, str]:
        """What it changes, without what is said of it."""
        return self.start, self.end, self.replacement


def names_of(page: str, repair: Repair) -> set[str]:
    """Returns the names, in lower case, of the tags that a repair adds, removes or renames; none for other repairs."""
    removed = page[repair.start : repair.end]
    if repair.kind in RENAMED:
        return {repair.replacement.lower(), removed.lower()}
    if repair.kind not in ABOUT_TAGS:
        return set()
    if repair.replacement == "/":
        removed = page[repair.start - 1 : page.find(">", repair.start, repair.start + FAR)]
    return {m[1].lower() for m in NAME_OF_TAG.finditer(repair.replacement + removed)}


def evened(page: str, repair: Repair, surplus: Mapping[str, int]) -> int:
    """Returns how much more even the numbers of start tags and end tags become by a repair; negative for less even.

    surplus: by name in lower case, the start tags less the end tags. 0 for repairs that are not about tags.
    """
    if repair.kind not in (*ABOUT_TAGS, "misspelt-tag-name"):
        return 0
    if repair.kind in RENAMED:
        closes = 1 if page[repair.start - 1] == "/" else -1  # what is renamed is lost
        changes = {page[repair.start : repair.end].lower(): closes, repair.replacement.lower(): -closes}
    else:
        name = next(iter(names_of(page, repair)), "")
        changes = {name: CHANGES[repair.kind]}
    return sum(abs(surplus.get(n, 0)) - abs(surplus.get(n, 0) + change) for n, change in changes.items())


@dataclass(frozen=True, slots=True)
class Around:
    """The markup around a place, found without parsing: the tag that it is in or after, and the next brackets."""

    opened: int  # the last < before the place; -1: none near
    closed: int  # the last > before it; -1: none near
    opens: int  # the next < at or after it; FAR characters on when there is none
    closes: int  # the next >, likewise
    quotes: str  # the text between the last bracket and the next >, in which quotes are counted

    @property
    def in_tag(self) -> bool:
        return self.opened > self.closed

    @property
    def odd(self) -> bool:
        """Whether a quote of the tag has no partner."""
        return self.quotes.count('"') % 2 == 1 or self.quotes.count("'") % 2 == 1


def around(page: str, at: int) -> Around:
    """Returns the markup around page[at]; see `Around`."""
    opened, closed = page.rfind("<", max(0, at - FAR), at), page.rfind(">", max(0, at - FAR), at)
    opens, closes = page.find("<", at, at + FAR), page.find(">", at, at + FAR)
    opens, closes = (k if k >= 0 else at + FAR for k in (opens, closes))
    return Around(opened, closed, opens, closes, page[max(opened, closed, 0) : closes])


def repairs(page: str, at: int, names: list[str]) -> Iterator[Repair]:
    """Yields edits near page[at], a surprising character. names: of the start tags before it, the nearest first."""
    near = around(page, at)
    for text in _insertions(page, at, near):
        yield Repair(at, at, text, *MISSING[text])
    for k in (at, at - 1):
        if k >= 0 and _superfluous(page, k):
            for start, end in _with_spaces(page, k):
                yield Repair(start, end, "", UNEXPECTED[page[k]], f"unexpected {page[k]!r}")
    yield from _word_start(page, at, near)
    yield from _tags(page, at, near, names)
    yield from _name(page, at)
    for m in END_TAGS.finditer(page, max(0, at - REACH), at + REACH):
        if m.start() <= at < m.end() and m[1].lower() != m[3].lower():
            yield _swap(m)


def missing_end(at: int, name: str) -> Repair:
    """Returns the edit that inserts the end tag of `name`."""
    return inserted(at, f"</{name}>", name)


def missing_start(at: int, name: str, usual: Mapping[str, str]) -> Repair:
    """Returns the edit that inserts the start tag of `name`. usual: how the page writes the start tags, by name."""
    return inserted(at, usual.get(name, f"<{name}>"), name)


def inserted(at: int, tag: str, name: str) -> Repair:
    """Returns the edit that inserts a tag of this name, as it is written."""
    if tag.startswith("</"):
        return Repair(at, at, tag, "missing-end-tag", f"the end tag </{name}> is missing")
    return Repair(at, at, tag, "missing-start-tag", f"a start tag <{name}> is missing")


def unexpected_end(start: int, end: int, name: str) -> Repair:
    """Returns the edit that deletes the end tag of `name`."""
    return Repair(start, end, "", "unexpected-end-tag", f"</{name}> closes nothing")


def unexpected_start(start: int, end: int, name: str) -> Repair:
    """Returns the edit that deletes the start tag of `name`."""
    return Repair(start, end, "", "unexpected-start-tag", f"<{name}> is never closed, and may be one too many")


def renamed(at: int, name: str, meant: str) -> Repair:
    """Returns the edit that makes the name of a tag at page[at], `name`, the name `meant` of the tag's partner."""
    if name.lower() not in STANDARD and one_slip_apart(name.lower(), meant.lower()):
        return _misspelt(at, name, meant)
    message = f"the tags <{meant}> and <{name}> do not match: {meant} was meant"
    return Repair(at, at + len(name), meant, "mismatched-tag-name", message)


def misordered(page: str, at: int) -> Repair | None:
    """Returns the edit that swaps the end tag at page[at] and the next one; None where no other follows directly."""
    m = END_TAGS.match(page, at)
    return _swap(m) if m else None


def _swap(m: re.Match[str]) -> Repair:
    message = f"end tags in the wrong order: {m[1]}{m[3]}"
    return Repair(m.start(), m.end(), m[3] + m[2] + m[1], "misordered-end-tags", message)


def _insertions(page: str, at: int, near: Around) -> Iterator[str]:
    """Yields what may be missing at this place."""
    if near.in_tag:
        if near.odd:
            yield from ('"', "'", '">')
        if near.opens <= near.closes:
            yield ">"
        yield "="
        if near.opened == at - 1 and page[at].isalpha():
            yield "/"
    elif near.closes < near.opens:
        yield "<"
    if re.search(r"&#?\w+$", page[max(0, at - 10) : at]):
        yield ";"
    yield from (new for new in "-!" if _completes_delimiter(page, at, new))
    opened, closed = (page.rfind(delimiter, max(0, at - 4000), at) for delimiter in ("<!--", "-->"))
    if opened > closed or "-" in page[max(0, at - 4) : at + 3] or "<!" in page[max(0, at - 4) : at + 2]:
        yield "-->"


def _completes_delimiter(page: str, at: int, new: str) -> bool:
    """Whether a character inserted at page[at] becomes part of a comment's delimiter."""
    before = page[max(0, at - 3) : at]
    found = re.finditer("<!--|-->", before + new + page[at : at + 3])
    return any(delimiter.start() <= len(before) < delimiter.end() for delimiter in found)


def _with_spaces(page: str, k: int) -> list[tuple[int, int]]:
    """Returns page[k] alone; for a < also with the space before it, and with the space after it."""
    before, after = page[k - 1 : k] == " ", page[k + 1 : k + 2] == " "
    if page[k] != "<":
        return [(k, k + 1)]
    found = [(k - b, k + 1 + a) for b in range(before + 1) for a in range(after + 1)]
    return found[:-1] if len(found) == 4 else found  # without both spaces, two words would be one


def _superfluous(page: str, k: int) -> bool:
    """Whether page[k] may be one too many. Other characters vary without breaking anything."""
    near = around(page, k)
    if page[k] == "<":
        following = page[k + 1 : k + 2]
        unclosed = page.find("<", k + 1, k + FAR) < page.find(">", k, k + FAR)
        return unclosed or not (following.isalpha() or following in "/!?")
    if page[k] == ">":  # after a < that is written &lt;, or between spaces, it is text
        text = page[max(0, near.closed + 1, k - FAR) : k]
        return not near.in_tag and "&lt;" not in text and not (text[-1:].isspace() and page[k + 1 : k + 2].isspace())
    return page[k] in "=/" or (page[k] == '"' and near.odd)


def _word_start(page: str, at: int, near: Around) -> Iterator[Repair]:
    """Proposes a < or & before the word that ends here."""
    start = at
    while start > 0 and at - start < 24 and (page[start - 1].isalnum() or page[start - 1] in "/!#-"):
        start -= 1
    if start < at and page[at : at + 1] == ";":
        yield Repair(start, start, "&", *MISSING["&"])
    if near.in_tag or near.closes > near.opens:
        return
    slash = page.rfind("/", start, at)
    for begin in {start, slash} - {at, -1}:
        yield Repair(begin, begin, "<", *MISSING["<"])
    first = max(near.closed + 1, at - FAR)
    word = re.search(r"(?:^|[\s>])(/?[a-zA-Z][a-zA-Z0-9]*)(?:\s+[^<>]*)?$", page[first:at])
    if word:
        begin = first + word.start(1)
        yield Repair(begin, begin, "<", *MISSING["<"])


def _tags(page: str, at: int, near: Around, names: list[str]) -> Iterator[Repair]:
    """Proposes a tag that is missing before this one, and to delete this one."""
    tag = near.opened if near.in_tag and at - near.opened < REACH else at
    if page[tag : tag + 1] == "<" or not near.in_tag:
        for name in list(dict.fromkeys(names))[:6]:
            yield missing_end(tag, name)
    closing = END_TAG.match(page, tag)
    if closing:
        text = page.rfind(">", max(0, tag - REACH), tag) + 1
        if text:
            message = f"the start tag of </{closing[1]}> is missing"
            yield Repair(text, text, f"<{closing[1]}>", "missing-start-tag", message)
        end = page.find(">", tag, tag + 32)
        if end > 0:
            yield unexpected_end(tag, end + 1, closing[1])


def _name(page: str, at: int) -> Iterator[Repair]:
    """Proposes a known name that is near a tag's name, if the page has that name only once."""
    m = NAME.search(page, max(0, page.rfind("<", max(0, at - 16), at + 1)))
    if not m or not m.start(1) <= at <= m.end(1) or m[1].lower() in STANDARD or page.count(f"<{m[1]}") > 1:
        return
    if m[1].istitle():  # such as <Enter>, a key in text
        return
    for name in sorted(COMMON):
        if one_slip_apart(m[1].lower(), name):
            yield _misspelt(m.start(1), m[1], name)


def _misspelt(at: int, name: str, meant: str) -> Repair:
    return Repair(at, at + len(name), meant, "misspelt-tag-name", f"<{name}> is no tag; <{meant}> was meant")


def one_slip_apart(a: str, b: str) -> bool:
    """Whether one insertion, deletion, substitution or swap of neighbours makes a into b (Damerau 1964)."""
    if abs(len(a) - len(b)) > 1:
        return False
    k = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    return (
        a[k + 1 :] == b[k:]
        or a[k:] == b[k + 1 :]
        or a[k + 1 :] == b[k + 1 :]
        or (a[k + 2 :] == b[k + 2 :] and a[k : k + 2] == b[k : k + 2][::-1])
    )
