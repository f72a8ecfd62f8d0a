"""Writes the targets of links and images: in place, or as references to a list at the end of the page."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

# Markdown decodes character references in destinations and titles, so an ampersand that would begin one is escaped.
REFERENCE = re.compile(r"&(?=#?\w+;)")
TITLE_ESCAPED = re.compile(r'[\\"]')
SPACE = re.compile(r"\s+")
NO_WORD = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Target:
    """Where a link or an image leads."""

    address: str
    title: str = ""


@dataclass(slots=True)
class Targets:
    """Writes targets. references: whether as references, of which each target has one."""

    references: bool = False
    numbers: dict[str, int] = field(default_factory=dict)

    def written(self, target: Target, content: str) -> str:
        """Returns what follows the brackets around `content`."""
        where = destination(target.address)
        if target.title and _plain(target.title) not in _plain(content):
            where = f'{where or "<>"} "{_title(target.title)}"'
        if not self.references or not where:
            return f"({where})"
        return f"[{self.numbers.setdefault(where, len(self.numbers) + 1)}]"

    def definitions(self) -> Iterator[str]:
        """Yields the lines that say where the references lead."""
        return (f"[{number}]: {where}" for where, number in self.numbers.items())


def destination(address: str) -> str:
    """Returns a link's destination, in angle brackets when it has spaces or unbalanced parentheses."""
    address = re.sub(r"[\r\n]+", "", address)
    if not address:
        return ""
    plain = REFERENCE.sub("&amp;", address.replace("\\", "\\\\"))
    if re.search(r"[\s<>\x00-\x1f]", plain) or plain.count("(") != plain.count(")") or ")" in plain.split("(")[0]:
        return "<" + plain.replace("<", "\\<").replace(">", "\\>") + ">"
    return plain


def _title(title: str) -> str:
    return REFERENCE.sub("&amp;", TITLE_ESCAPED.sub(lambda m: "\\" + m[0], SPACE.sub(" ", title)))


def _plain(text: str) -> str:
    """Returns the letters and digits of a text, by which a title is told from the text it repeats."""
    return NO_WORD.sub("", text).casefold()
