"""The language that a page declares."""

from __future__ import annotations

import re

HEAD_CHARACTERS = 16 * 1024  # characters searched for the start tag of <html>
HTML_TAG = re.compile(r"<html\b([^>]*+)>?", re.IGNORECASE)
LANG = re.compile(r"""(?:^|[\s"'])(?:xml:)?lang\s*+=\s*+["']?+\s*+([\w-]+)""", re.IGNORECASE)
TAG = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{1,8})*")  # of RFC 5646: language, then subtags


def language(page: str, header: str | None = None) -> str | None:
    """Returns a language tag in lower case, such as `pt-br`, or None. It trusts the declaration and detects nothing.

    The tag is that of `<html lang>`, else the first of Content-Language.
    """
    tag = HTML_TAG.search(page, 0, HEAD_CHARACTERS)
    declared = LANG.search(tag[1]) if tag else None
    for label in (declared[1] if declared else "", (header or "").partition(",")[0]):
        name = label.strip().lower().replace("_", "-")
        if TAG.fullmatch(name):
            return name
    return None
