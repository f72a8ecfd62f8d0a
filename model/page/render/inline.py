"""Writes runs of text with strong, emphasis, code, links and images as inline Markdown (CommonMark).

Where CommonMark would not read a delimiter as such (`**a:**b`), an HTML tag is written instead, which Markdown allows
anywhere.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

from soupstate.model.page.stop import SPAN, Watch

FOLD = re.compile(r"[\t\n\f\r \u200b]+")
ESCAPED = re.compile(r"[\\`*\[\]<]|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w+;)|!$|!(?=\[)")
LINE_START = re.compile(r"^(\s*+)(#{1,6}(?=\s|$)|[-+](?=\s|$)|[-=]++\s*+$|>|~{3})")
ORDERED_START = re.compile(r"^(\s*+\d{1,9})([.)])(?=\s|$)")


@dataclass(slots=True)
class Piece:
    """A run of text, or an image with its address in `image`. link to code: the number of each that is open, or 0."""

    text: str
    link: int = 0
    strong: int = 0
    emphasis: int = 0
    code: int = 0
    image: str | None = None
    line_break: bool = False


@dataclass(slots=True)
class _Open:
    kind: str
    number: int
    at: int  # index in the output where its content begins


@dataclass(slots=True)
class _Writer:
    targets: Mapping[int, str | None]
    in_cell: bool
    out: list[str] = field(default_factory=list)
    stack: list[_Open] = field(default_factory=list)


INLINE_KINDS = ("link", "strong", "emphasis", "code")


def escape(text: str) -> str:
    """Puts backslashes before the characters of a text that have a meaning in Markdown."""
    return ESCAPED.sub(lambda m: "\\" + m[0], text)


def escape_line_start(line: str) -> str:
    """Escapes the start of a line that Markdown would read as a heading, a list item, a quote or a rule."""
    return ORDERED_START.sub(r"\1\\\2", LINE_START.sub(r"\1\\\2", line))


def destination(address: str) -> str:
    """Returns a link's destination, in angle brackets when it has spaces or unbalanced parentheses."""
    address = re.sub(r"[\r\n]+", "", address)
    if not address:
        return ""
    # Markdown decodes character references in a destination, so an ampersand that would begin one is escaped.
    plain = re.sub(r"&(?=#?\w+;)", "&amp;", address.replace("\\", "\\\\"))
    if re.search(r"[\s<>\x00-\x1f]", plain) or plain.count("(") != plain.count(")") or ")" in plain.split("(")[0]:
        return "<" + plain.replace("<", "\\<").replace(">", "\\>") + ">"
    return plain


def inline(
    pieces: list[Piece],
    targets: Mapping[int, str | None],
    watch: Watch,
    *,
    in_cell: bool = False,
    one_line: bool = False,
) -> str:
    """Returns the Markdown of one block's pieces. It takes time in proportion to their text. Raises Stopped.

    targets: the addresses of the links by their numbers; a link to None becomes its text. in_cell: whether to escape |.
    one_line: whether a line break becomes <br>, as in headings and cells.
    """
    pieces = _fold(pieces, watch, one_line=one_line)
    writer = _Writer(targets, in_cell)
    extents = _extents(pieces)
    for i, piece in enumerate(pieces):
        watch(SPAN + len(piece.text))
        wanted = [(k, n) for k in INLINE_KINDS if (n := getattr(piece, k))]
        if len(wanted) > 1:
            wanted.sort(key=lambda kn: (kn[0] == "code", extents[kn][0] - extents[kn][1], extents[kn][0]))
        keep = 0
        while keep < len(writer.stack) and keep < len(wanted) and _same(writer.stack[keep], wanted[keep]):
            keep += 1
        while len(writer.stack) > keep:
            _close(writer, piece.text[:1])
        for kind, number in wanted[keep:]:
            writer.stack.append(_Open(kind, number, len(writer.out)))
            writer.out.append("")
        _write(writer, piece, one_line=one_line or bool(piece.link), last=i + 1 == len(pieces))
    while writer.stack:
        _close(writer, "")
    return "".join(writer.out).strip(" ")


def _same(opened: _Open, wanted: tuple[str, int]) -> bool:
    return (opened.kind, opened.number) == wanted


def _extents(pieces: list[Piece]) -> dict[tuple[str, int], tuple[int, int]]:
    extents: dict[tuple[str, int], tuple[int, int]] = {}
    for i, piece in enumerate(pieces):
        for kind in INLINE_KINDS:
            if number := getattr(piece, kind):
                first, _ = extents.get((kind, number), (i, i))
                extents[kind, number] = first, i + 1
    return extents


def _fold(pieces: list[Piece], watch: Watch, *, one_line: bool) -> list[Piece]:
    """Folds white space. Spaces at the edges of strong, emphasis, links and code move out of them."""
    out: list[Piece] = []
    space = True  # at the start of a line
    for p in pieces:
        watch(SPAN + len(p.text))
        if p.image is not None or p.line_break:
            out.append(p)
            space = p.line_break and not one_line
            continue
        text = FOLD.sub(" ", p.text)
        if space:
            text = text.lstrip(" ")
        if not text:
            continue
        marked = p.link or p.strong or p.emphasis or p.code
        lead, tail = text.startswith(" "), text.endswith(" ")
        core = text.strip(" ") if marked else text
        if not core:  # only white space, which belongs to what is open on both sides; `_loosen` decides
            out.append(Piece(" ", p.link, p.strong, p.emphasis, p.code))
        elif not marked:
            out.append(Piece(core))
        else:
            first = Piece(" ", p.link, p.strong, p.emphasis, p.code)
            out += ([first] if lead else []) + [Piece(core, p.link, p.strong, p.emphasis, p.code)]
            out += [Piece(" ", p.link, p.strong, p.emphasis, p.code)] if tail else []
        space = tail or (text == " ")
    return _loosen(out)


def _loosen(pieces: list[Piece]) -> list[Piece]:
    """Closes, around spaces and line breaks, what is not open on both sides of them; drops spaces at the end."""
    while pieces and (pieces[-1].text == " " or pieces[-1].line_break) and pieces[-1].image is None:
        pieces.pop()
    no_break = no_space = 0  # the next piece that is no line break, and the next that is not a space
    for i, p in enumerate(pieces):
        if p.image is not None or not (p.line_break or p.text == " "):
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
            while no_space < len(pieces) and pieces[no_space].text == " ":
                no_space += 1
            after = pieces[no_space] if no_space < len(pieces) else None
            for kind in INLINE_KINDS:
                n = getattr(p, kind)
                if not (before and after and getattr(before, kind) == n == getattr(after, kind)):
                    setattr(p, kind, 0)
    return pieces


def _write(writer: _Writer, piece: Piece, *, one_line: bool, last: bool) -> None:
    if piece.line_break:
        writer.out.append("" if last else "<br>" if one_line else "\\\n")
        return
    if piece.image is not None:
        alt = escape(FOLD.sub(" ", piece.text).strip())
        text = f"![{alt}]({destination(piece.image)})"
    elif writer.stack and writer.stack[-1].kind == "code":
        text = piece.text
    else:
        text = escape(piece.text)
    writer.out.append(text.replace("|", "\\|") if writer.in_cell else text)


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
        target = writer.targets.get(opened.number)
        return content if target is None else f"[{content}]({destination(target)})"
    if not content.strip():
        return content
    if opened.kind == "code":
        fence = "`" * (1 + max((len(m) for m in re.findall(r"`+", content)), default=0))
        pad = " " if content.startswith("`") or content.endswith("`") else ""
        apart = "<!-- -->" if before == "`" else ""  # or else two adjacent code spans would become one
        return f"{apart}{fence}{pad}{content}{pad}{fence}"
    mark, tag = ("**", "strong") if opened.kind == "strong" else ("*", "em")
    if _flanks(before, content[0], content) and _flanks(following, content[-1], content):
        return f"{mark}{content}{mark}"
    return f"<{tag}>{content}</{tag}>"


def _flanks(outside: str, inside: str, content: str) -> bool:
    """Whether asterisks between `outside` and `inside` are a delimiter (CommonMark 0.31, 6.2), whatever is inside."""
    if inside.isspace() or content[0] == "*" or content[-1] == "*" or outside == "*":
        return False
    return inside.isalnum() or not outside or (_is_space_or_punctuation(outside) and outside != "`")


def _is_space_or_punctuation(c: str) -> bool:
    """As CommonMark defines them; of symbols only those of ASCII, on which its versions agree."""
    return c in "\t\n\f\r$+<=>^`|~" or unicodedata.category(c) == "Zs" or unicodedata.category(c).startswith("P")
