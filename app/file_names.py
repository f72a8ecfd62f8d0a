"""Names of files and text of pages as they are printed. On Unix a name is bytes, which need not be UTF-8."""

CONTROLS = {c: f"\\x{c:02x}" for c in (*range(9), *range(11, 32), *range(127, 160))}  # but for tab and line feed


def visible(text: str) -> str:
    r"""Returns a text with control characters as `\x1b`, so that a page cannot write to the reader's terminal."""
    return text.translate(CONTROLS)


def printable(name: str) -> str:
    r"""Returns a file's name or path in a form that can be printed and written: bytes that are not UTF-8 as `\xff`."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
