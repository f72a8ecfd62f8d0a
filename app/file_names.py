"""Names of files as text. On Unix a name is bytes, which need not be UTF-8."""


def printable(name: str) -> str:
    r"""Returns a file's name or path in a form that can be printed and written: bytes that are not UTF-8 as `\xff`."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
