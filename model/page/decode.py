"""Decodes the bytes of a page to text, and tells which charset it used and where it found it."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

import webencodings

from soupstate.model.page.charset import codec, contradicts, likely_charsets

Source = Literal["bom", "header", "meta", "detected"]


class EmptyPage(ValueError):
    """The body holds nothing but white space."""


class NotText(ValueError):
    """The body is binary: an image, an archive, a PDF."""


class Undecodable(ValueError):
    """The bytes are not text in any charset, declared or detected."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """A page's text. charset: its WHATWG name where it has one. source: where the charset was found."""

    text: str
    charset: str
    source: Source

    @classmethod
    def of_text(cls, text: str) -> Decoded:
        """Returns a page that came as text, whose charset is "". Half a surrogate pair becomes a question mark."""
        return cls(text.encode("utf-8", "replace").decode(), "", "detected")


BOMS = (
    (b"\x00\x00\xfe\xff", "utf-32be"),
    (b"\xff\xfe\x00\x00", "utf-32le"),
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xfe\xff", "utf-16be"),
    (b"\xff\xfe", "utf-16le"),
)
BINARY_STARTS = (
    b"%PDF-", b"\x89PNG", b"GIF87a", b"GIF89a", b"\xff\xd8\xff", b"PK\x03\x04", b"\x1f\x8b",
    b"Rar!\x1a", b"7z\xbc\xaf\x27\x1c", b"BZh", b"\xfd7zXZ", b"\x7fELF", b"OggS", b"wOFF",
    b"wOF2", b"\x00asm", b"%!PS-", b"ID3\x03", b"\x28\xb5\x2f\xfd",
)  # fmt: skip

CONTROLS = bytes(b for b in range(0x20) if b not in b"\t\n\f\r\x1b")
PRESCAN_BYTES = 1024  # bytes in which the standard looks for <meta>
HEAD_BYTES = 32 * 1024
# A body with a greater share of control bytes is binary. Stray NULs of old systems pass when they
# come after the first kilobyte. Of random bytes, 10% are controls.
CONTROL_SHARE = 0.01
# A declared charset is kept while a smaller share of the bytes is bad ...
BAD_SHARE = 0.01
# ... and no more than this many bytes are, or fewer than the characters beyond ASCII that decoded.
FEW_BAD = 8

COMMENT = re.compile(rb"<!--.*?(?:-->|$)", re.DOTALL)
HEAD_END = re.compile(rb"</head|<body", re.IGNORECASE)
META = re.compile(  # {0,1024}: a page of unclosed tags must not take time with the square of its size
    rb"<meta\b[^>]{0,1024}?\bcharset\s*+=\s*+[\"']?\s*+([^\s\"'/>;]+)"
    rb"|^\s*<\?xml\b[^>]*?\bencoding\s*=\s*[\"']([^\"'>]+)",
    re.IGNORECASE,
)
HEADER = re.compile(r"charset\s*+=\s*+[\"']?\s*+([^\s\"';,]+)", re.IGNORECASE)
ISO_2022_JP = re.compile(rb"\x1b\$[@B]")


def decode(body: bytes, content_type: str | None = None) -> Decoded:
    """Decodes the text of a page. It normalises nothing: line ends stay, and a byte order mark stays as U+FEFF.

    The charset comes from the first of these that fits: the HTTP header; a byte order mark; `<meta>` or an XML
    declaration in the first 1024 bytes or in the head; UTF-8 when the bytes are valid UTF-8; detection. When header
    and byte order mark disagree, the mark wins, as the WHATWG standard says. Labels mean what they mean to browsers:
    iso-8859-1 is windows-1252, and gb2312 is read as gb18030.

    A declared charset that the bytes contradict is skipped, but not a mark: any but UTF-8 for valid UTF-8 with at least
    four characters beyond ASCII, and a Latin one where words consist of letters beyond ASCII. So is one that cannot
    decode the bytes. A few bad bytes are allowed and become U+FFFD: they must be under 1% of the bytes, and at most 8
    or fewer than the characters beyond ASCII that did decode. (A page that wrongly declares UTF-8 has none of these.)

    Raises `EmptyPage`, `NotText` or `Undecodable`, which are all `ValueError`.
    """
    mark = next(((bom, name) for bom, name in BOMS if body.startswith(bom)), None)
    if not (body[len(mark[0]) :] if mark else body).strip():
        raise EmptyPage("the page is empty")
    header = _label(content_type and _first(HEADER, content_type))
    wide = _wide(body, header, mark)
    if not wide:
        _refuse_binary(body)

    declared: list[tuple[str | None, Source]] = [(header, "header"), (_meta(body), "meta")]
    if mark:
        declared.insert(0, (mark[1], "bom"))
    elif wide and wide != header:
        declared.append((wide, "detected"))
    for charset, source in declared:
        if charset and (mark or wide or not contradicts(body, charset)) and (text := _declared(body, charset)):
            return Decoded(text, charset, source)
    if wide:
        raise Undecodable("the page has NUL bytes but is not UTF-16")
    return _detect(body)


def encode_changed(page: Decoded, body: bytes, text: str) -> bytes:
    """Encodes a changed page as its body was: returns `text` in the charset that `decode` found in `body`.

    Raises ValueError for a character that the charset lacks, and for a body with bytes that are not valid in it, which
    would be lost.
    """
    if page.text.encode(codec(page.charset)) != body:
        raise ValueError(f"the page has bytes that are not valid {page.charset}, and they would be lost")
    return text.encode(codec(page.charset))


def _first(pattern: re.Pattern[str], text: str) -> str | None:
    found = pattern.search(text)
    return found[1] if found else None


def _label(label: str | None) -> str | None:
    """Returns the WHATWG name of a charset label; None for a label that names nothing we decode."""
    encoding = webencodings.lookup(label) if label and label.isascii() else None
    if encoding is None or encoding.name == "replacement":
        return None
    return str(encoding.name)


def _meta(body: bytes) -> str | None:
    head = body[:HEAD_BYTES]
    end = HEAD_END.search(head)
    head = head[: max(PRESCAN_BYTES, end.start() if end else 0)]
    found = META.search(COMMENT.sub(b"", head))
    name = _label((found[1] or found[2]).decode("ascii", "replace")) if found else None
    # A page whose meta can be read as ASCII is in neither of these (WHATWG, prescan).
    if name in ("utf-16le", "utf-16be"):
        return "utf-8"
    return "windows-1252" if name == "x-user-defined" else name


def decode_json(body: bytes, charset: str | None = None) -> Decoded:
    """Decodes a JSON document. It is UTF-8, unless a byte order mark or `charset` names another (RFC 8259, 8.1).

    A byte order mark stays as U+FEFF. Raises `EmptyPage` or `Undecodable`, which names the first bad byte.
    """
    mark = next(((bom, name) for bom, name in BOMS if body.startswith(bom)), None)
    if not (body[len(mark[0]) :] if mark else body).strip():
        raise EmptyPage("the document is empty")
    name = mark[1] if mark else _label(charset) or "utf-8"
    try:
        return Decoded(body.decode(codec(name)), name, "bom" if mark else "header" if charset else "detected")
    except UnicodeDecodeError as error:
        raise Undecodable(f"byte {error.start} of the document is not {name.upper()}, as JSON has to be") from None


def _wide(body: bytes, header: str | None, mark: tuple[bytes, str] | None) -> str | None:
    """Returns the charset if it has two or four bytes per character."""
    if mark:
        return mark[1] if mark[1] != "utf-8" else None
    if body.startswith((b"<\x00", b"\r\x00", b"\n\x00")):
        return "utf-16le"
    if body.startswith((b"\x00<", b"\x00\r", b"\x00\n")):
        return "utf-16be"
    # Some servers declare utf-16 for pages in ASCII; those have no NUL.
    return header if header in ("utf-16le", "utf-16be") and b"\x00" in body else None


def _refuse_binary(body: bytes) -> None:
    if body.startswith(BINARY_STARTS) or (body.startswith(b"RIFF") and body[8:12] in (b"WEBP", b"WAVE")):
        raise NotText("the body is binary, not HTML")
    if b"\x00" in body[:PRESCAN_BYTES]:
        raise NotText("the body has NUL bytes: binary, not HTML")
    controls = len(body) - len(body.translate(None, CONTROLS))
    if controls > CONTROL_SHARE * len(body):
        raise NotText(f"{controls} of the body's {len(body)} bytes are control bytes: binary")


def _declared(body: bytes, charset: str) -> str | None:
    """Returns the body in this charset, with a few bad bytes as U+FFFD; None when the charset does not fit."""
    if charset.startswith("utf-16") and b"\x00" not in body:
        return None
    try:
        return body.decode(codec(charset))
    except UnicodeDecodeError:
        text = body.decode(codec(charset), "replace")
    except LookupError:
        return None
    bad = text.count("\ufffd")
    beyond = sum(map(len, re.findall(r"[^\x00-\x7f]+", text))) - bad
    if bad < BAD_SHARE * len(body) and (bad <= FEW_BAD or bad < beyond):
        return text
    return None


def _detect(body: bytes) -> Decoded:
    if ISO_2022_JP.search(body):
        text = _declared(body, "iso-2022-jp")
        if text:
            return Decoded(text, "iso-2022-jp", "detected")
    with suppress(UnicodeDecodeError):
        return Decoded(body.decode(), "utf-8", "detected")
    for name in likely_charsets(body):
        text = _declared(body, name)
        if text:
            return Decoded(text, name, "detected")
    raise Undecodable("no charset fits the bytes of the page")
