"""Detects the charset of a page that declares none, or a wrong one.

The detector of resiliparse judges bytes by which letters follow each other. Checks of our own come after it: whether a
charset of two bytes per character makes sense of them, whether a Latin one does, and which of two related charsets
leaves fewer signs inside words. Of 947 training pages without a declaration 933 are then right, and 902 without the
checks (`tests/charsets.py`).
"""

import re
from collections.abc import Iterator

import webencodings

# WHATWG names for which Python's codec has another name, or the name of a subset.
CODECS = {
    "utf-32be": "utf-32-be",
    "utf-32le": "utf-32-le",
    "utf-16be": "utf-16-be",
    "utf-16le": "utf-16-le",
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "shift_jis": "cp932",
    "euc-kr": "cp949",
    "windows-874": "cp874",
    "macintosh": "mac-roman",
    "x-mac-cyrillic": "mac-cyrillic",
    "iso-8859-8-i": "iso8859-8",
}
# Names of the detector that webencodings does not know.
DETECTED_NAMES = {"cp949": "euc-kr", "euc_jp": "euc-jp", "iso8859-11": "windows-874", "iso8859-16": "iso-8859-16"}
EAST_ASIAN = ("shift_jis", "euc-jp", "gb18030", "gbk", "big5", "euc-kr")
CYRILLIC = ("windows-1251", "koi8-r")
LATIN = (
    "windows-1252", "windows-1250", "windows-1254", "windows-1257", "windows-1258", "macintosh",
    *(f"iso-8859-{n}" for n in (2, 3, 4, 10, 13, 14, 15, 16)),
)  # fmt: skip
# Charsets for the same languages that have most letters in common. The detector often takes one for another.
SIBLINGS = (
    ("windows-1253", "iso-8859-7"),
    ("windows-1250", "iso-8859-2"),
    ("windows-1257", "iso-8859-13"),
    ("windows-1251", "koi8-r"),
)
FEW_RUNS = 4  # with fewer runs of bytes beyond ASCII the language cannot be told
WORD = 3  # letters in a row beyond ASCII, which Latin scripts hardly have
SURE_UTF8 = 4  # characters beyond ASCII after which valid UTF-8 is no other charset by chance
HEBREW_LETTERS = 20  # letters after which windows-1251 would have shown one that windows-1255 lacks
SAMPLE_BYTES = 256 * 1024

BEYOND_ASCII = re.compile(rb"[\x80-\xff]+")
LONE = re.compile(rb"[A-Za-z][\x80-\xff][A-Za-z]")
TOUCHING = re.compile(r"(?<=[A-Za-z])[^\x00-\x7f]|[^\x00-\x7f](?=[A-Za-z])|\ufffd")
IN_CONTEXT = re.compile(rb"([\x00-\x7f]?[\x80-\xff]+)(?=([\x00-\x7f]?))")
LETTERS = re.compile(rb"[\xc0-\xff]+")
NOT_HEBREW = re.compile(rb"[\xc0-\xdf\xfb-\xff]")
# What no text has: control characters; a sign within a word or at its start; a capital after a small letter.
ODD = re.compile(
    r"[\x80-\x9f\ufffd]"
    r"|(?<=[^\W\d_])[\xa1-\xac\xae-\xb6\xb8-\xbf\u2000-\u2018\u201a-\u27ff](?=[^\W\d_])"
    r"|(?<![\w.,!?:;)\"'])[\xa1-\xa8\xaa-\xaf\xb1-\xb6\xb8-\xbf\u2019](?=[^\W\d_])"
    r"|(?<=[\s>])[\xb6\u2019](?=[\s<])"
    r"|(?<=[à-ÿα-ώа-я])[À-ßΑ-ΩА-Я]"
)


def codec(charset: str) -> str:
    """Returns Python's codec for a charset's WHATWG name."""
    return CODECS.get(charset, charset)


def likely_charsets(body: bytes) -> Iterator[str]:
    """Yields the WHATWG names of charsets that a page without a declaration may have, the likeliest first.

    The body is no valid UTF-8. Where it has few bytes beyond ASCII, the answer is windows-1252, the web's default.
    """
    runs = BEYOND_ASCII.findall(body)
    if len(runs) < FEW_RUNS and sum(map(len, runs)) < 2 * len(runs):
        yield "windows-1252"
        return
    name = _detected(body)
    if name in EAST_ASIAN and not _is_east_asian(body, name):
        name = _detected(LONE.sub(b" ", body))
    if name is None or (name in LATIN and not is_latin(body)):
        yield from _of_words(body)
    group = next((group for group in SIBLINGS if name in group), (name,) if name else ())
    yield from sorted(group, key=lambda other: (_oddness(body, other), other != name))
    yield from (other for other in EAST_ASIAN if _is_east_asian(body, other))
    yield "windows-1252"


def is_latin(body: bytes) -> bool:
    """Whether the letters beyond ASCII stand between others, as in Latin scripts, and do not form whole words."""
    runs = [len(run) for run in LETTERS.findall(body[:SAMPLE_BYTES])]
    return len(runs) < FEW_RUNS or 2 * sum(run >= WORD for run in runs) <= len(runs)


def contradicts(body: bytes, charset: str) -> bool:
    """Whether a declared charset cannot be true: of valid UTF-8, or of a Latin charset for text in another script."""
    if charset == "utf-8" or body.isascii():
        return False
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return charset in LATIN and not is_latin(body)
    return len(text) - len(text.encode("ascii", "ignore")) >= SURE_UTF8


def _detected(body: bytes) -> str | None:
    from resiliparse.parse.encoding import detect_encoding  # noqa: PLC0415  it takes 3 MB, and most pages need it not

    found = detect_encoding(body, max_len=len(body), html5_compatible=False)
    name = DETECTED_NAMES.get(found or "") or getattr(webencodings.lookup(found or ""), "name", None)
    return None if name == "utf-8" or (name or "").startswith("x-mac") else name


def _is_east_asian(body: bytes, charset: str) -> bool:
    """Whether most characters beyond ASCII do not touch a letter of ASCII, as they would in a word with an accent."""
    text = _sample(body).decode(codec(charset), "replace")
    ascii_only = len(text.encode("ascii", "ignore"))
    return 2 * len(TOUCHING.findall(text)) <= len(text) - ascii_only


def _of_words(body: bytes) -> list[str]:
    """Returns charsets for words of letters beyond ASCII, where the detector found no language."""
    letters = b"".join(LETTERS.findall(body[:SAMPLE_BYTES]))
    if len(letters) >= HEBREW_LETTERS and not NOT_HEBREW.search(letters):
        return ["windows-1255"]
    if 2 * len(letters) < sum(map(len, BEYOND_ASCII.findall(body[:SAMPLE_BYTES]))):
        return []
    return sorted(CYRILLIC, key=lambda name: _oddness(body, name))


def _oddness(body: bytes, charset: str) -> int:
    words = b"\n".join(map(b"".join, IN_CONTEXT.findall(body[:SAMPLE_BYTES])))
    return len(ODD.findall(words.decode(codec(charset), "replace")))


def _sample(body: bytes) -> bytes:
    """Returns the part of the body where its characters beyond ASCII begin."""
    first = BEYOND_ASCII.search(body)
    start = first.start() if first else 0
    return body[start : start + SAMPLE_BYTES // 4]
