"""Writes runs of text with strong, emphasis, code, links, images and the like as inline Markdown (CommonMark).

Where CommonMark would not read a delimiter as such (`**a:**b`), an HTML tag is written instead, which Markdown allows
anywhere.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from soupstate.model.page.render.references import Target, Targets
from soupstate.model.page.stop import SPAN, Watch

FOLD = re.compile(r"[\t\n\f\r ]+")
# Two tildes strike text out in GitHub Flavored Markdown.
ESCAPED = re.compile(r"[\\`*\[\]]|<(?=[A-Za-z/!?]|$)|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w+;)|~(?=~)|(?<=~)~")
LINE_START = re.compile(r"^(\s*+)(#{1,6}(?=\s|$)|[-+](?=\s|$)|[-=]++\s*+$|>|~{3})")
ORDERED_START = re.compile(r"^(\s*+\d{1,9})([.)])(?=\s|$)")


@dataclass(slots=True)
class Piece:
    """A run of text, or an image. link to code: the number of each that is open, or 0."""

    text: str
    link: int = 0
    strong: int = 0
    emphasis: int = 0
    code: int = 0
    others: tuple[tuple[str, int], ...] = ()  # what else is open: "q", or a kind of MARKS, or a tag; and its number
    image: Target | None = None
    line_break: bool = False
    empty_line: bool = False  # a line break that another follows


@dataclass(slots=True)
class _Open:
    kind: str
    number: int
    at: int  # index in the output where its content begins


@dataclass(slots=True)
class _Writer:
    links: Mapping[int, Target | None]
    targets: Targets
    in_cell: bool
    out: list[str] = field(default_factory=list)
    stack: list[_Open] = field(default_factory=list)


# Addresses without a character that Markdown would read otherwise, or that `escape` changes.
AUTOLINK = re.compile(r"(?:https?|ftp)://[^\s<>\\]+")

_Kind = tuple[str, int]  # name and number
_Extents = dict[_Kind, tuple[int, int]]  # the first piece, and the one after the last

# What stands around each kind, and the name of the tag that does the same.
MARKS = {"strong": ("**", "strong"), "emphasis": ("*", "em"), "cite": ("*", "em"), "del": ("~~", "del")}
SPACES = " \xa0"  # white space in a line
SPACES_OR_END = ("", " ", "\xa0", "\n")
# What may stand in the same marks as those around it, as in `***a***` and `**a *b***`.
ONE_INSIDE = re.compile(r"(?:[^*]* )?+(\*{1,2})[^*]+\1(?: [^*]*)?+")
INLINE_KINDS = ("link", "strong", "emphasis", "code")


def escape(text: str) -> str:
    """Puts backslashes before the characters of a text that have a meaning in Markdown."""
    return ESCAPED.sub(lambda m: "\\" + m[0], text)


def escape_line_start(line: str) -> str:
    """Escapes the start of a line that Markdown would read as a heading, a list item, a quote or a rule."""
    return ORDERED_START.sub(r"\1\\\2", LINE_START.sub(r"\1\\\2", line))


def inline(
    pieces: list[Piece],
    links: Mapping[int, Target | None],
    targets: Targets,
    watch: Watch,
    *,
    in_cell: bool = False,
    one_line: bool = False,
) -> str:
    """Returns the Markdown of one block's pieces. It takes time in proportion to their text. Raises Stopped.

    links: the targets of the links by their numbers; a link to None becomes its text. targets: writes them. in_cell:
    whether to escape |. one_line: whether a line break becomes <br>, as in headings and cells.
    """
    pieces = _fold(pieces, watch, one_line=one_line)
    writer = _Writer(links, targets, in_cell)
    extents = _extents(pieces)
    for i, piece in enumerate(pieces):
        watch(SPAN + len(piece.text))
        wanted = _kinds(piece)
        if len(wanted) > 1:
            if piece.code:
                wanted = _outside_code(wanted, extents, piece.code)
            wanted.sort(key=lambda kn: (kn[0] == "code", extents[kn][0] - extents[kn][1], extents[kn][0]))
        keep = 0
        while keep < len(writer.stack) and keep < len(wanted) and _same(writer.stack[keep], wanted[keep]):
            keep += 1
        while len(writer.stack) > keep:
            _close(writer, piece.text[:1])
        for kind, number in wanted[keep:]:
            if kind == "link" and (target := links.get(number)):
                watch(len(target.address))  # which is written
            writer.stack.append(_Open(kind, number, len(writer.out)))
            writer.out.append("")
        _write(writer, piece, one_line=one_line or bool(piece.link), last=i + 1 == len(pieces))
    while writer.stack:
        _close(writer, "")
    return "".join(writer.out).strip(" ")


def _same(opened: _Open, wanted: tuple[str, int]) -> bool:
    return (opened.kind, opened.number) == wanted


def _kinds(piece: Piece) -> list[_Kind]:
    return [(k, n) for k in INLINE_KINDS if (n := getattr(piece, k))] + list(piece.others)


def _extents(pieces: list[Piece]) -> _Extents:
    extents: _Extents = {}
    for i, piece in enumerate(pieces):
        for kind in _kinds(piece):
            first, _ = extents.get(kind, (i, i))
            extents[kind] = first, i + 1
    return extents


def _outside_code(wanted: list[_Kind], extents: _Extents, code: int) -> list[_Kind]:
    """Returns what is open without strong and the like inside of code, where Markdown has nothing but text."""
    first, last = extents["code", code]
    return [kind for kind in wanted if kind[0] == "link" or (extents[kind][0] <= first and extents[kind][1] >= last)]


def _fold(pieces: list[Piece], watch: Watch, *, one_line: bool) -> list[Piece]:
    """Folds white space. Spaces at the edges of strong, emphasis, links and code move out of them."""
    out: list[Piece] = []
    space = True  # at the start of a line
    for p in pieces:
        watch(SPAN + len(p.text))
        if p.image is not None or p.line_break:
            if p.line_break and out and out[-1].line_break:
                out[-1].empty_line = True
            elif out or not p.line_break:
                out.append(p)
            space = p.line_break and not one_line
            continue
        text = FOLD.sub(" ", p.text)
        if space:
            text = text.lstrip(" ")
        if not text:
            continue
        marked = p.link or p.strong or p.emphasis or p.code or p.others
        space = text.endswith(" ")
        if not marked or not text.strip(SPACES):  # `_loosen` decides what is open at white space alone
            out.append(_with(p, text))
        else:
            lead, tail = len(text) - len(text.lstrip(SPACES)), len(text.rstrip(SPACES))
            out += [_with(p, part) for part in (text[:lead], text[lead:tail], text[tail:]) if part]
    return _joined(_loosen(out))


def _joined(pieces: list[Piece]) -> list[Piece]:
    """Makes one of strong and strong, or emphasis and emphasis, that meet inside a word (`<b>a</b><b>b</b>`)."""
    same: dict[_Kind, int] = {}
    for before, p in pairwise(pieces):
        meet = p.image is None and before.text[-1:].isalnum() and p.text[:1].isalnum()
        for kind in ("strong", "emphasis"):
            if number := getattr(p, kind):
                joined = getattr(before, kind) if meet else 0
                setattr(p, kind, same.setdefault((kind, number), joined or number))
    return pieces


def _with(piece: Piece, text: str) -> Piece:
    """Returns a piece with another text."""
    return Piece(text, piece.link, piece.strong, piece.emphasis, piece.code, piece.others)


def _loosen(pieces: list[Piece]) -> list[Piece]:
    """Closes, around spaces and line breaks, what is not open on both sides of them; drops spaces at the end."""
    while pieces and (pieces[-1].line_break or _is_space(pieces[-1])):
        pieces.pop()
    no_break = no_space = 0  # the next piece that is no line break, and the next that is not a space
    for i, p in enumerate(pieces):
        if not p.line_break and not _is_space(p):
            continue
        before = pieces[i - 1] if i else None
        if p.line_break:
            no_break = max(no_break, i + 1)
            while no_break < len(pieces) and pieces[no_break].line_break:
                no_break += 1
            after = pieces[no_break] if no_break < len(pieces) else None
            for kind in ("strong", "emphasis"):
                if before and after and getattr(before, kind) == getattr(after, kind):
                    setattr(p, kind, getattr(before, kind))
        else:
            no_space = max(no_space, i + 1)
            while no_space < len(pieces) and _is_space(pieces[no_space]):
                no_space += 1
            after = pieces[no_space] if no_space < len(pieces) else None
            for kind in INLINE_KINDS:
                n = getattr(p, kind)
                if not (before and after and getattr(before, kind) == n == getattr(after, kind)):
                    setattr(p, kind, 0)
            if p.others:
                p.others = before.others if before and after and before.others == p.others == after.others else ()
    return pieces


def _is_space(piece: Piece) -> bool:
    return piece.image is None and not piece.line_break and not piece.text.strip(SPACES)


def _write(writer: _Writer, piece: Piece, *, one_line: bool, last: bool) -> None:
    if piece.line_break:
        is_paragraph = piece.empty_line and not writer.stack
        if not one_line and writer.out:
            writer.out[-1] = writer.out[-1].rstrip(" ")
        writer.out.append("" if last else "<br>" if one_line else "\n\n" if is_paragraph else "\\\n")
        return
    if piece.image is not None:
        alt = escape(FOLD.sub(" ", piece.text).strip())
        text = f"![{alt}]{writer.targets.written(piece.image, piece.text)}"
    elif writer.stack and writer.stack[-1].kind == "code":
        text = piece.text
    else:
        text = escape(piece.text)
    writer.out.append(_escape_bars(text) if writer.in_cell else text)


def _escape_bars(text: str) -> str:
    """Escapes what would end a cell."""
    return text.replace("|", "\\|")


def _close(writer: _Writer, following: str) -> None:
    opened = writer.stack.pop()
    content = "".join(writer.out[opened.at + 1 :])
    last = opened.at - 1
    while last >= 0 and not writer.out[last]:
        last -= 1
    before = writer.out[last][-1] if last >= 0 else ""
    del writer.out[opened.at :]
    writer.out.append(_wrapped(opened, content, before, following, writer))


def _wrapped(opened: _Open, content: str, before: str, following: str, writer: _Writer) -> str:
    if opened.kind == "link":
        target = writer.links.get(opened.number)
        if target is None:
            return content
        if _is_autolink(content, target.address) and not writer.targets.references:
            return f"<{content}>"
        if before == "!":  # or else the link would become an image
            _escape_last(writer)
        written = writer.targets.written(target, content)
        return f"[{content}]{_escape_bars(written) if writer.in_cell else written}"
    if not content.strip():
        return content
    if opened.kind == "code":
        fence = "`" * (1 + max((len(m) for m in re.findall(r"`+", content)), default=0))
        pad = " " if content.startswith("`") or content.endswith("`") else ""
        apart = "<!-- -->" if before == "`" else ""  # or else two adjacent code spans would become one
        return f"{apart}{fence}{pad}{content}{pad}{fence}"
    if opened.kind == "q":
        return f'"{content}"'
    mark, tag = MARKS.get(opened.kind, ("", opened.kind))
    if mark[:1] == "*" and "*" in (content[0], content[-1]):
        if before in SPACES_OR_END and following in SPACES_OR_END and ONE_INSIDE.fullmatch(content):
            return f"{mark}{content}{mark}"
        mark = mark.replace("*", "_")
    alone = bool(mark) and mark[0] not in (before, following, content[0], content[-1])
    if alone and _flanks(before, content[0], mark) and _flanks(following, content[-1], mark):
        return f"{mark}{content}{mark}"
    return f"<{tag}>{content}</{tag}>"


def _is_autolink(content: str, address: str) -> bool:
    """Whether a link's text is its address, so that it can be written as <address> (CommonMark 0.31, 6.5)."""
    return content == escape(address) and bool(AUTOLINK.fullmatch(content))


def _escape_last(writer: _Writer) -> None:
    """Escapes the last character of the output."""
    last = next(i for i in reversed(range(len(writer.out))) if writer.out[i])
    writer.out[last] = f"{writer.out[last][:-1]}\\{writer.out[last][-1]}"


def _flanks(outside: str, inside: str, mark: str) -> bool:
    """Whether a mark between `outside` and `inside` is a delimiter (CommonMark 0.31, 6.2), whatever is inside."""
    if inside.isspace():
        return False
    apart = not outside or (_is_space_or_punctuation(outside) and outside != "`")
    return apart or (inside.isalnum() and mark[0] != "_")


def _is_space_or_punctuation(c: str) -> bool:
    """As CommonMark defines them; of symbols only those of ASCII, on which its versions agree."""
    return c in "\t\n\f\r$+<=>^`|~" or unicodedata.category(c) == "Zs" or unicodedata.category(c).startswith("P")
