"""Settles the syntax of start tags that are well formed: there the rules of HTML say where each value begins and ends.

The network says that a tag begins. If what follows is a whole tag, quotes and all, then its attributes are read by
rule: an unquoted value ends at white space, and of two attributes of one name the first counts. The network keeps all
other tags, because a rule that misses a quote swallows what follows. Of 240 crawl pages with links the hrefs' F1 was
.9886, and is .9905 with this.
"""

import re
from codecs import BOM_UTF8
from typing import Final

import numpy as np
from numpy.typing import NDArray

from soupstate.kernels.marking import NAME, TAG, VALUE, tag_ends
from soupstate.model.page.elements import BLOCKS, COMMON, COUNTED_KINDS, HEADINGS, OBSOLETE_VOID, RAW_TEXT, VOID
from soupstate.model.page.marks import Syntax
from soupstate.model.page.text_after import IN_TAG, LONGEST, Syntaxes, settle_comments, text_after_tags

NEAR = 256  # bytes before an end tag in which its start tag is looked for
LONGEST_SPACE = 256  # bytes of white space between a tag and the next one
LONGEST_DOUBTFUL = 1024  # bytes of a tag with brackets in its values; likewise
TAG_NAME = re.compile(rb"</?([A-Za-z][^\s\"'<>/=]*+)")
ATTRIBUTE = re.compile(rb"[\s/]++(?P<name>" + NAME + rb")(?:\s*+=\s*+(?P<value>" + VALUE + rb"))?+")
# What lost its `>`, if it is a tag at all: no value, and the next `<` or the page's end after it.
UNENDED = re.compile(rb"<[A-Za-z][^<>=]*+(?=<|\Z)")
# The same with values, and what stands between the last of them and the next `<` or the page's end.
UNENDED_VALUES = re.compile(
    rb"<[A-Za-z][\w:-]*+(?:\s++[\w:.@-]++(?:\s*+=\s*+(?:\"[^\"<>]*+\"|'[^'<>]*+'|[^\s\"'<>=]++))?+)*?"
    rb"\s++[\w:.@-]++\s*+=\s*+(?:\"[^\"<>]*+\"|'[^'<>]*+'|[^\s\"'<>=]++)(?P<text>[^<>=\"']*+)(?=<|\Z)"
)
# A start tag that lost its `>`, and what stands between its last value, or its name, and the end tag of the element.
FLAGS = rb"|".join(
    b"async autofocus autoplay checked controls defer disabled hidden itemscope novalidate nowrap readonly required "
    b"reversed".split()
)
NO_WORDS = re.compile(rb"[\s/]*+(?:(?:" + FLAGS + rb")(?![^\s/])[\s/]*+)*+", re.I)  # in an end tag
BEFORE_ITS_END = re.compile(
    rb"<(?P<name>[A-Za-z][A-Za-z0-9]{0,11}?)(?:\s++(?:[\w:.@-]++\s*+=\s*+(?:\"[^\"<>]*+\"|'[^'<>]*+'|[^\s\"'<>=]++)"
    rb"|(?:" + FLAGS + rb")(?=\s)))*+(?=(?P<text>\s*+[^\s<>=\"/'\])}][^<>=\"]*+)(?P<closing></(?P=name)\s*+>))",
    re.I,
)
# A `<` that begins no tag, up to the next bracket: no name can begin so (WHATWG HTML, 13.2.5.6, the tag open state).
# What templates write, such as `<%`, is for the network to say, and so is a known name after a space, as in `< p>`.
NAMELESS = re.compile(rb"<(?=[\s\d<=+*,.;:()&|^~\x80-\xff-])(?!\s+/?[A-Za-z][A-Za-z0-9]*+\s*/?>)[^<>]*+>?")
BRACKETS = re.compile(rb"[<>]")
QUOTED = re.compile(rb"=\s*[\"']")
# An end tag that lost its `>`, up to the next `<` or the end of the page. End tags have no attributes: words are text.
UNENDED_END = re.compile(rb"</(?P<name>[A-Za-z][A-Za-z0-9]*+)(?![-:_.])(?P<text>[^<>=]*+)(?=<|\Z)")
JOINED = re.compile(rb"</(?:h[1-6]|[a-z]+)(?=[A-Z0-9])")  # the name of such a tag, and then a word: </spanOffices
QUOTE_MISSING = re.compile(rb"[\s\"'][\w:-]+\s*=\s*$")  # a value ends so where the next one's first quote ended it
# Values that answers need, by the names of elements and attributes. Those of `img` and `base` count only where the
# network saw one: not every image of a page is shown.
USES: Final = {
    b"a": {b"href": Syntax.HREF, b"rel": Syntax.REL},
    b"img": {b"src": Syntax.SRC, b"alt": Syntax.ALT},
    b"base": {b"href": Syntax.BASE},
}
USELESS: Final = frozenset(name.encode() for name in (*BLOCKS, *HEADINGS, "span", "li", "td", "p", "link"))
LINES: Final = frozenset(name.encode() for name in (*BLOCKS, *HEADINGS, "li", "td", "th"))  # their text begins a line
ELEMENTS: Final = frozenset(
    name.encode() for name in frozenset().union(BLOCKS, HEADINGS, VOID, OBSOLETE_VOID, RAW_TEXT, COMMON, *COUNTED_KINDS)
)
CLOSED: Final = ELEMENTS - {name.encode() for name in (*VOID, *OBSOLETE_VOID)}  # those that have end tags
SEEN: Final = {b"img": Syntax.SRC, b"base": Syntax.BASE}
# What the network may see in an end tag without an end, and in the words after it; and what it sees at the `<`.
IN_WORDS = bytes([*np.flatnonzero(IN_TAG).tolist(), Syntax.TEXT, Syntax.END_TAG])
AT_TAG = bytes([Syntax.TAG, Syntax.END_TAG, Syntax.TEXT])
# By syntax, a byte: whether it is in a tag, text, or something else. Of short stretches, bytes are quicker.
IN, TEXT, ELSE = b"i", b"t", b"e"
TAG_OR_TEXT = bytes(
    TEXT[0] if k == Syntax.TEXT else IN[0] if k < len(IN_TAG) and IN_TAG[k] else ELSE[0] for k in range(256)
)
USED = np.zeros(len(Syntax), np.bool_)  # the syntax of a value that answers need
USED[Syntax.HREF : Syntax.BASE + 1] = True
LT, GT = b"<>"


def settle_syntax(
    ids: NDArray[np.uint8], at: int, path: Syntaxes, before: Syntaxes, raw: NDArray[np.bool_], *, last: bool
) -> Syntaxes:
    """Returns the syntax of bytes at .. at + n - 1, with what rules can settle.

    ids (bytes of the page,). path (n,): their syntax as the network has it. before (bytes of the page,): the settled
    syntax of the bytes before them. raw (bytes of the page,): whether raw text may be open, from `may_be_open`. Where a
    tag goes on beyond path, and the page does too, fewer than n come back: the rest waits for more. It takes time in
    proportion to n.
    """
    settled = _settle_tags(ids, at, path, before, raw, last=last)
    settled = _settle_ends(ids, at, settled, raw, last=last)
    text_after_tags(ids, at, settled, before, raw)
    settle_comments(ids, at, settled, before, raw)
    if not at and ids[:3].tobytes() == BOM_UTF8:  # it is not part of the document
        settled[:3] = Syntax.COMMENT
    return settled


def _settle_tags(
    ids: NDArray[np.uint8], at: int, path: Syntaxes, before: Syntaxes, raw: NDArray[np.bool_], *, last: bool
) -> Syntaxes:
    """Returns the syntax with that of well-formed tags settled, up to a tag that goes on beyond it."""
    settled = path.copy()
    units = ids[at : at + len(path)]
    begins = np.flatnonzero((units == LT) & (path == Syntax.TAG))
    ends = tag_ends(ids, at + begins, LONGEST) - at  # not above 0 where there is no such tag
    whole = np.clip(ends, 1, len(path))
    outside, used, brackets = (
        np.concatenate([[0], np.cumsum(some)]) for some in (~IN_TAG[path], USED[path], (units == LT) | (units == GT))
    )
    goes_out = outside[whole] > outside[begins]
    bracketed = brackets[whole - 1] > brackets[begins + 1]
    names_a = (units[np.minimum(begins + 1, len(units) - 1)] | 32) == ord("a")
    changes = names_a | goes_out | (used[whole] > used[begins]) | (path[whole - 1] != Syntax.TAG)
    until = 0
    looked_at = changes | bracketed | (ends <= begins) | (ends > len(path))  # no rule says more of the others
    columns = (begins, ends, bracketed, goes_out, changes)
    rows = zip(*(each[looked_at].tolist() for each in columns), strict=True)
    for start, end, holds_bracket, leaves, some in rows:
        if start < until:
            continue
        if end <= start:
            if _settle_unended(ids, at, start, settled, before, raw) > len(path) and not last:
                return settled[:start]
            continue
        if end > len(path):
            if last:
                continue
            return settled[:start]
        doubtful = holds_bracket and (leaves or _opens(begins, start, end))
        if doubtful and end - start > LONGEST_DOUBTFUL:
            continue
        tag = TAG.match(ids.data, at + start, at + end) if doubtful or some else None
        if doubtful and tag and not _closes_brackets(tag, ids.data):
            continue  # a quote may be missing; the network sees more here than one tag
        until = end
        if tag and doubtful:
            settled[tag.end("name") - at : end - 1] = Syntax.VALUE  # no tag begins in a value
        if tag:
            _settle(settled[start:end], tag, ids.data)
    return settled


def _settle_unended(
    ids: NDArray[np.uint8], at: int, start: int, settled: Syntaxes, before: Syntaxes, raw: NDArray[np.bool_]
) -> int:
    """Settles what begins at settled[start], where there is no whole tag. Returns where it ends; 0 where no rule holds.

    Where it ends beyond `settled`, what was written counts for nothing.
    """
    found = _no_tag(ids, at + start, raw)
    if tag := _before_its_end(ids, at + start, raw, found):
        end, words, closed = (place - at for place in (tag.end(), tag.end("text"), tag.end("closing")))
        if closed <= len(settled):
            _settle(settled[start:end], tag, ids.data)
            settled[end:words] = Syntax.TEXT
            settled[words:closed] = Syntax.END_TAG
        return closed
    if found:
        end = found.end() - at
        if _is_text(found, settled[start:end]):
            settled[start:end] = Syntax.TEXT
            name = TAG_NAME.match(ids.data, at + start, at + end)
            if name and name[1].lower() in LINES and _begins_line(ids, at, start, settled, before):
                settled[start : name.end() - at] = Syntax.TAG  # <p Take the <a
        return end
    text = _after_values(ids, at + start, raw)
    if text is None:
        return 0
    end = int(text.stop) - at
    settled[text.start - at : end] = Syntax.TEXT
    return end


def _begins_line(ids: NDArray[np.uint8], at: int, start: int, settled: Syntaxes, before: Syntaxes) -> bool:
    """Whether only white space stands between the end of a tag, or the page's start, and settled[start]."""
    place = at + start
    near = ids[max(0, place - LONGEST_SPACE) : place].tobytes()
    last = place - 1 - (len(near) - len(near.rstrip()))
    if last < 0:
        return True
    syntax = settled[last - at] if last >= at else before[last]
    return ids[last] == GT and syntax in (Syntax.TAG, Syntax.END_TAG)


def _closes_brackets(tag: re.Match[bytes], page: memoryview) -> bool:
    """Whether values close the brackets that they open, and then only `>` may stand alone, as in `alt="x > y"`.

    Where a quote is missing, a value goes from the end of a tag to within another one.
    """
    for attribute in ATTRIBUTE.finditer(page, tag.end("name"), tag.end()):
        value = (attribute["value"] or b"").strip(b"\"'")
        brackets = BRACKETS.findall(value)
        pairs = brackets[:1] == [b"<"] and brackets[-1] == b">" and 2 * brackets.count(b"<") == len(brackets)
        if b"<" in brackets and (not pairs or QUOTE_MISSING.search(value)):
            return False
    return True


def _no_tag(ids: NDArray[np.uint8], start: int, raw: NDArray[np.bool_]) -> re.Match[bytes] | None:
    """Returns what begins no tag, or seems to be a start tag without an end.

    Returns None in raw text, and where it is too long to tell.
    """
    if raw[start]:
        return None
    last = min(len(ids), start + LONGEST)
    found = NAMELESS.match(ids.data, start, last) or UNENDED.match(ids.data, start, last)
    return None if found and found.end() == start + LONGEST < len(ids) else found


def _before_its_end(
    ids: NDArray[np.uint8], start: int, raw: NDArray[np.bool_], known: re.Match[bytes] | None
) -> re.Match[bytes] | None:
    """Returns a start tag without an end whose words go up to the end tag of its element, as in `<h2 Prices</h2>`.

    known: what `_no_tag` finds there.
    """
    if raw[start] or (known and bytes(ids.data[known.end() : known.end() + 2]) != b"</"):
        return None
    found = BEFORE_ITS_END.match(ids.data, start, min(len(ids), start + LONGEST))
    if not found or found["name"].lower() not in ELEMENTS:
        return None
    name = TAG_NAME.match(ids.data, start, start + LONGEST)
    joined = name is not None and name[1].lower() != found["name"].lower()  # <h1Boat trips</h1>
    return None if joined and name and name[1].lower() in ELEMENTS else found


def _after_values(ids: NDArray[np.uint8], start: int, raw: NDArray[np.bool_]) -> slice | None:
    """Returns where text is that follows the values of a start tag without an end, as in `<p class="note"One cup<b>`.

    One or two words apart from the value may be attributes without values, such as `checked`.
    """
    last = min(len(ids), start + LONGEST)
    found = None if raw[start] else UNENDED_VALUES.match(ids.data, start, last)
    if not found or found.end() == start + LONGEST < len(ids):
        return None
    text: bytes = found["text"]
    joined = text[:1].strip() and found.string[found.start("text") - 1] in b"\"'"
    return slice(*found.span("text")) if joined or len(text.split()) > 2 else None


def _is_text(found: re.Match[bytes], path: Syntaxes) -> bool:
    """Whether what the network takes for a tag is text, such as `<b then` in `if a <b then c`, or `< 5 and b >`.

    path: its syntax as the network has it. If the name is that of an element, it may be a tag that lost its `>`, and is
    text only where two words more would be lost. Without a name it is text, unless it has a quoted value.
    """
    kinds = path.tobytes().translate(TAG_OR_TEXT)
    if ELSE in kinds:
        return False
    if found.re is NAMELESS:
        return QUOTED.search(found[0]) is None
    first = kinds.find(TEXT)
    length = first if first >= 0 else len(kinds)
    name, *words = found[0][1:length].split() or [b""]
    return len(words) > 1 or not (name.lower() in ELEMENTS or b"-" in name)


def _settle_ends(ids: NDArray[np.uint8], at: int, path: Syntaxes, raw: NDArray[np.bool_], *, last: bool) -> Syntaxes:
    """Returns the syntax with that of end tags that lost their `>` settled, up to one that goes on beyond it.

    Words after its name are text. A tag without words is settled only where the network saw text.
    """
    end = at + len(path)
    for tag in UNENDED_END.finditer(ids.data, at, min(len(ids), end + LONGEST)):
        if tag.start() >= end:
            break
        some = slice(tag.start() - at, tag.end() - at)
        named = _name_end(ids.data, tag)
        if not named or raw[tag.start()] or tag.end() - tag.start() > LONGEST or path[some.start] not in AT_TAG:
            continue
        words = named < tag.end("name") or not NO_WORDS.fullmatch(tag["text"])
        if path[some].tobytes().strip(IN_WORDS if words else bytes([Syntax.TEXT])):
            continue
        if tag.end() > end and not last:
            return path[: some.start]
        path[some] = Syntax.END_TAG
        if words:
            path[named - at : some.stop] = Syntax.TEXT
    return path


def _name_end(page: memoryview, tag: re.Match[bytes]) -> int:
    """Returns where the name of an end tag without an end ends; 0 where it is no known element's.

    A word may follow at once. Then the name is that of the start tag before (<em>Tea</emmanages), or ends before a
    capital or a digit (</spanOffices).
    """
    start, name = tag.start(), tag["name"].lower()
    if name in ELEMENTS:
        return tag.end("name")
    near = page[max(0, start - NEAR) : start].tobytes()
    opened = TAG_NAME.match(near, max(0, near.rfind(b"<")))
    if opened and opened[0][1:2] != b"/" and name.startswith(known := opened[1].lower()) and known in CLOSED:
        return start + len(b"</") + len(known)
    joined = JOINED.match(page, start, tag.end("name"))
    return joined.end() if joined and joined[0][2:] in CLOSED else 0


def _opens(begins: NDArray[np.int64], start: int, end: int) -> bool:
    """Whether the network saw another tag begin between start and end."""
    return bool(np.searchsorted(begins, end) - np.searchsorted(begins, start + 1))


def _settle(syntax: Syntaxes, tag: re.Match[bytes], page: memoryview) -> None:
    """Writes the syntax of one tag, as a lesson has it where its values are used."""
    name = tag["name"].lower()
    uses = USES.get(name, {})
    if not uses or (name in SEEN and not (syntax == SEEN[name]).any()):
        syntax[~IN_TAG[syntax] | (USED[syntax] & (name in USELESS))] = Syntax.VALUE
        syntax[-1] = Syntax.TAG
        return
    found: list[tuple[int, int, int, int, int]] = []  # of an attribute: start, end; of its value: start, end, use
    left: dict[bytes, int] = dict(uses)
    for attribute in ATTRIBUTE.finditer(page, tag.end("name"), tag.end()):
        start, end = attribute.span("value")
        if start >= 0 and page[start] in b"\"'":
            start, end = start + 1, end - 1
            if QUOTE_MISSING.search(page[start:end]):
                return
        use = left.pop(attribute["name"].lower(), Syntax.VALUE)
        found.append((*attribute.span(), start, end, use))
    syntax[:] = Syntax.TAG
    first = tag.start()
    for begin, close, start, end, use in found:
        syntax[begin - first : close - first] = Syntax.ATTRIBUTE
        if start >= 0:
            syntax[start - first : end - first] = use


def tag_name(page: memoryview, start: int, end: int) -> str:
    """Returns the name of the tag at these bytes of a page, in lower case; "" for a tag without one."""
    named = TAG_NAME.match(page, start, end)
    return named[1].decode("utf-8", "replace").lower() if named else ""


def attribute_names(tag: bytes) -> set[bytes]:
    """Returns the names of a start tag's attributes, in lower case; none for a tag that is not well formed."""
    found = TAG.fullmatch(tag)
    if found is None:
        return set()
    return {attribute["name"].lower() for attribute in ATTRIBUTE.finditer(tag, found.end("name"))}
