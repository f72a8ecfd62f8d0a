"""Slips: single faults as people make them, on which the ranking of faults is fitted.

Their shares follow edits of people that mended one fault of a page, in the histories of 17 public repositories: 32%
characters, 21% missing end tags, 15% wrong names of tags, 15% stray end tags, 11% missing and 6% stray start tags.
"""

import re
from collections.abc import Callable

import numpy as np

from soupstate.model.faults.edits import END_TAGS
from soupstate.model.page.elements import OPTIONAL_END, RAW_TEXT, VOID
from soupstate.model.page.marks import Syntax
from soupstate.model.train.data.damage import DAMAGE, Damager, Edit, delete_one, found, twice
from soupstate.model.train.data.teacher import Marks

# Names that people confuse. An end tag, or a start tag, gets another name of its row in half of the slips.
ALIKE = (
    ("td", "th", "tr"),
    ("h1", "h2", "h3", "h4", "h5", "h6"),
    ("ul", "ol", "dl", "li"),
    ("div", "span", "p", "section", "article"),
    ("b", "strong", "em", "i", "code"),
    ("dt", "dd"),
    ("thead", "tbody", "table"),
)
TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)\b[^<>]*>")
TRIES = 30  # tags that are looked at for one of the kind that is wanted

Wanted = Callable[[re.Match[str]], bool]


def _tag(page: str, random: np.random.Generator, wanted: Wanted) -> re.Match[str] | None:
    """Returns a tag of the page, other than void ones and those of scripts and the like; None where few are wanted."""
    for _ in range(TRIES):
        m = found(TAG, page, random)
        if m is None:
            return None
        name = m[2].lower()
        if name not in VOID and name not in RAW_TEXT and not m[0].endswith("/>") and wanted(m):
            return m
    return None


def _ends(m: re.Match[str]) -> bool:
    return bool(m[1])


def _starts(m: re.Match[str]) -> bool:
    return not m[1]


def _needed_end(m: re.Match[str]) -> bool:
    return bool(m[1]) and m[2].lower() not in OPTIONAL_END


def _lost(wanted: Wanted) -> Damager:
    """Returns what deletes a tag."""

    def slip(page: str, marks: Marks, random: np.random.Generator) -> Edit | None:
        m = _tag(page, random, wanted)
        return Edit(*m.span()) if m else None

    return slip


def _stray(wanted: Wanted) -> Damager:
    """Returns what repeats a tag of the page after another tag."""

    def slip(page: str, marks: Marks, random: np.random.Generator) -> Edit | None:
        m, after = _tag(page, random, wanted), _tag(page, random, lambda m: True)
        if m is None or after is None:
            return None
        syntax = Syntax.END_TAG if m[1] else Syntax.TAG
        return Edit(after.end(), after.end(), ((m[0], syntax),))

    return slip


def _renamed(wanted: Wanted) -> Damager:
    """Returns what gives a tag a name of another element: one that is like it, or one of the page."""

    def slip(page: str, marks: Marks, random: np.random.Generator) -> Edit | None:
        m, other = _tag(page, random, wanted), _tag(page, random, lambda m: True)
        if m is None or other is None:
            return None
        name = m[2].lower()
        alike = [n for row in ALIKE if name in row for n in row if n != name]
        new = alike[int(random.integers(len(alike)))] if alike and random.random() < 0.5 else other[2].lower()
        syntax = Syntax.END_TAG if m[1] else Syntax.TAG
        return Edit(*m.span(2), ((new, syntax),)) if new != name else None

    return slip


def _swapped(page: str, marks: Marks, random: np.random.Generator) -> Edit | None:
    """Swaps two neighbouring end tags."""
    m = found(END_TAGS, page, random)
    if m is None or m[1].lower() == m[3].lower():
        return None
    return Edit(m.start(), m.end(), ((m[3] + m[2] + m[1], Syntax.END_TAG),))


def _misspelt(page: str, marks: Marks, random: np.random.Generator) -> Edit | None:
    """Swaps two neighbouring letters of a tag's name."""
    m = _tag(page, random, lambda m: len(m[2]) > 2)
    if m is None:
        return None
    k = m.start(2) + int(random.integers(len(m[2]) - 1))
    swapped = page[k + 1] + page[k]
    return Edit(k, k + 2, ((swapped, Syntax.TAG),)) if swapped != page[k : k + 2] else None


# By name: the share, and what makes the slip.
SLIPS: dict[str, tuple[float, Damager]] = {
    "lost quote": (4, DAMAGE["lost quote"][1]),
    "lost first quote": (1.5, DAMAGE["lost first quote"][1]),
    "lost second quote of two": (1, delete_one(r"<[a-z][^<>]*?=\"[^\"<>]*\"\s+[a-z-]+=\"[^\"<>]*(\")", 1)),
    "quote twice": (1.5, twice(r"(?<==)\"(?=\w)", Syntax.ATTRIBUTE)),
    "lost >": (2.5, DAMAGE["lost >"][1]),
    "lost > of an end tag": (2, DAMAGE["lost > of an end tag"][1]),
    "> twice": (1.5, twice(r"(?<=[a-z\"])>", Syntax.TEXT)),
    "lost <": (3, DAMAGE["lost <"][1]),
    "< twice": (1, twice(r"<(?=[a-z])", Syntax.TEXT)),
    "stray <": (1.5, DAMAGE["stray <"][1]),
    "lost ;": (4, delete_one(r"&(?:[a-z]+|#\d+)(;)", 1)),
    "lost &": (1, delete_one(r"(&)[a-z]+;", 1)),
    "lost =": (1, delete_one(r"<[a-z][^<>]*?\s[a-z-]+(=)", 1)),
    "lost /": (4, delete_one(r"<(/)[a-z]", 1)),
    "lost !": (0.5, delete_one(r"<(!)--", 1)),
    "lost - of a comment": (0.5, delete_one(r"<!-(-)", 1)),
    "lost comment end": (0.5, DAMAGE["lost comment end"][1]),
    "lost raw end": (0.5, DAMAGE["lost raw end"][1]),
    "lost end tag": (18, _lost(_needed_end)),
    "lost end tag that may be left out": (3, _lost(lambda m: _ends(m) and not _needed_end(m))),
    "end tag renamed": (7, _renamed(_ends)),
    "start tag renamed": (5, _renamed(_starts)),
    "name misspelt": (3, _misspelt),
    "end tag twice": (7, twice(r"</(?:a|div|p|b|strong|em|i|span|h\d|li|ul)\s*>", Syntax.END_TAG)),
    "stray end tag": (6, _stray(_ends)),
    "end tags swapped": (2, _swapped),
    "lost start tag": (11, _lost(_starts)),
    "stray start tag": (6, _stray(_starts)),
}


def slip(page: str, marks: Marks, random: np.random.Generator) -> Edit | None:
    """Returns one slip of a page with these marks, drawn by the shares; None where it cannot be made."""
    shares = np.array([share for share, _ in SLIPS.values()])
    _, damager = list(SLIPS.values())[int(random.choice(len(shares), p=shares / shares.sum()))]
    return damager(page, marks, random)
