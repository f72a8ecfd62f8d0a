"""A unified diff of two versions of a file, which `patch -p0` and `git apply -p0` apply."""

import difflib
import os
import re
from itertools import chain

NO_END = b"\n\\ No newline at end of file\n"
QUOTED = re.compile(rb"[\x00-\x1f\x7f\"\\]")
ESCAPES = {b"\n": b"\\n", b"\t": b"\\t", b'"': b'\\"', b"\\": b"\\\\"}


def file_diff(name: str, old: bytes, new: bytes) -> bytes:
    """Returns the diff with three lines of context, as GNU diffutils define it; b"" where nothing differs.

    Only a line feed ends a line, so a carriage return before it belongs to the line.
    """
    shown = _shown(name)
    lines = difflib.diff_bytes(difflib.unified_diff, _lines(old), _lines(new), shown, shown)
    return b"".join(chain.from_iterable((line, b"" if line.endswith(b"\n") else NO_END) for line in lines))


def _lines(data: bytes) -> list[bytes]:
    return re.findall(rb"[^\n]*\n|[^\n]+", data)


def _shown(name: str) -> bytes:
    """Returns the name as git writes it: quoted where it has control characters, with a tab behind it for spaces."""
    data = os.fsencode(name)
    if QUOTED.search(data):
        return b'"' + QUOTED.sub(lambda m: ESCAPES.get(m[0], b"\\%03o" % m[0][0]), data) + b'"'
    return data + b"\t" if b" " in data else data
