"""The language that a page says it is in."""

from __future__ import annotations

import re

HEAD = 16 * 1024  # characters in which the start tag of <html> is looked for
HTML_TAG = re.compile(r"<html\b([^>]*+)>?", re.IGNORECASE)
LANG = re.compile(r"""(?:^|[\s"'])(?:xml:)?lang\s*+=\s*+["']?+\s*+([\w-]+)""", re.IGNORECASE)
TAG = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{1,8})*")  # of RFC 5646: language, then subtags


def language(page: str, header: str | None = None) -> str | None:
    """A language tag in lower case, as `pt-br`: that of `<html lang>`, else the first of Content-Language; or None.

    What is said is taken on trust; nothing is detected.
    """
    tag = HTML_TAG.search(page, 0, HEAD)
    said = LANG.search(tag[1]) if tag else None
    for label in (said[1] if said else "", (header or "").partition(",")[0]):
        name = label.strip().lower().replace("_", "-")
        if TAG.fullmatch(name):
            return name
    return None
