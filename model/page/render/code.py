"""Writes code blocks as fences, with the language that a page's classes name."""

import re

LANGUAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9+#._-]{0,23}")
# A class of these means a language on any element; `lang-en` may also be the language of a page's words.
PREFIXES = ("language-", "highlight-source-", "highlight-")
OWN_PREFIXES = (*PREFIXES, "lang-", "brush:")  # on `pre` and `code`
HINT = re.compile(r"lang|highlight-|brush:", re.I)  # a tag without it names no language
NO_LANGUAGE = frozenset({"none", "default", "nohighlight"})
RUN = re.compile("`+")


def language_of(attributes: dict[str, str], *, own: bool) -> str:
    """Returns the language that a tag's attributes name; "" for none. own: whether the tag is a `pre` or `code`.

    >>> language_of({"class": "hljs language-js"}, own=True), language_of({"class": "lang-en"}, own=False)
    ('js', '')
    """
    named = re.sub(r"brush:\s+", "brush:", attributes.get("class", "")).split()
    prefixes = OWN_PREFIXES if own else PREFIXES
    begun = [(name, next((p for p in prefixes if name.startswith(p)), None)) for name in named]
    found = [name.removeprefix(prefix) for name, prefix in begun if prefix is not None][-1:]
    if own and not found:
        found = [attributes.get("data-lang") or attributes.get("data-language") or ""]
    language = found[0].rstrip(";") if found else ""
    return language if LANGUAGE.fullmatch(language) and language not in NO_LANGUAGE else ""


def fence(code: str, lines: list[str], language: str) -> str:
    """Returns a code block. code: its text; lines: the same without white space at their ends."""
    marks = "`" * max(3, 1 + max((len(m) for m in RUN.findall(code)), default=0))
    return "\n".join([marks + language, *lines, marks])
