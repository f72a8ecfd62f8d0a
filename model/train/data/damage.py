"""Damages pages the way pages break, and carries the marks of the undamaged page over.

A parser that meets an unclosed comment loses the rest of the page. A network that was trained on such pages, with the
text after the comment marked as text, need not lose it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from soupstate.model.page.marks import COLUMN, HEADS, IGNORED, Event, Syntax, Visible
from soupstate.model.train.data.teacher import Marks

CHARACTERS_PER_DAMAGE = 6000  # so that a window of training text often holds one damage


@dataclass(frozen=True)
class Edit:
    """page[start:end] becomes `insert`: pieces of (text, syntax)."""

    start: int
    end: int
    insert: tuple[tuple[str, Syntax], ...] = ()


Damager = Callable[[str, Marks, np.random.Generator], Edit | None]

COMMENT_STARTS = (
    " note ", " ", "", " TODO ", " begin content ", " ad ", "[if IE]>", " old ", " main ", " test -", " #block ",
)  # fmt: skip
SCRIPTS = (
    "var n=1;", "", "window.dataLayer=window.dataLayer||[];", "\nfunction f(){return 0;}\n", "init();", "/* ad */",
)  # fmt: skip
STYLES = ("p{margin:0}", "", ".ad{display:none}", "\nbody { color: #333; }\n", "@media print{a{color:#000}}")
TITLES = ("x", "", "Home", "New page ")
EARLY_ENDS = ("</body></html>", "</div></div></body></html>", "</html>", "</body>", "</div></body>\n</html>\n")
STRAY_BRACKETS = ("<", " < ", "<3", " <= ", "<<", "< ", "<-", "<5")


def _spots(marks: Marks) -> np.ndarray:
    """Returns the places where visible text begins after a tag. Insertions there do the same harm as in real pages."""
    text = (marks[:, COLUMN["syntax"]] == Syntax.TEXT) & (marks[:, COLUMN["visible"]] == Visible.SHOWN)
    return np.flatnonzero(text[1:] & ~text[:-1]) + 1


def _choice(random: np.random.Generator, items: tuple[str, ...]) -> str:
    return items[int(random.integers(len(items)))]


def _insert(pieces: Callable[[np.random.Generator], tuple[tuple[str, Syntax], ...]]) -> Damager:
    def damage(page: str, marks: Marks, random: np.random.Generator) -> Edit | None:
        spots = _spots(marks)
        if not len(spots):
            return None
        at = int(spots[random.integers(len(spots))])
        return Edit(at, at, pieces(random))

    return damage


def delete_one(pattern: str, group: int = 0) -> Damager:
    """Returns what deletes a group of a match of the pattern, whatever the case of its letters."""
    compiled = re.compile(pattern, re.I)

    def damage(page: str, marks: Marks, random: np.random.Generator) -> Edit | None:
        m = found(compiled, page, random)
        return Edit(*m.span(group)) if m else None

    return damage


def _stray(page: str, marks: Marks, random: np.random.Generator) -> Edit | None:
    places = np.flatnonzero(marks[:, COLUMN["visible"]] == Visible.SHOWN)
    if not len(places):
        return None
    at = int(places[random.integers(len(places))])
    space = page.find(" ", at, at + 60)
    at = space if space > 0 and marks[space, COLUMN["visible"]] == Visible.SHOWN else at
    return Edit(at, at, ((_choice(random, STRAY_BRACKETS), Syntax.TEXT),))


def twice(pattern: str, syntax: Syntax) -> Damager:
    """Returns what repeats a match of the pattern, with this syntax."""
    compiled = re.compile(pattern, re.I)

    def damage(page: str, marks: Marks, random: np.random.Generator) -> Edit | None:
        m = found(compiled, page, random)
        return Edit(m.end(), m.end(), ((m[0], syntax),)) if m else None

    return damage


def found(pattern: re.Pattern[str], page: str, random: np.random.Generator) -> re.Match[str] | None:
    """Returns the first match after a random place, or of the page; None where it has none."""
    return pattern.search(page, int(random.integers(len(page)))) or pattern.search(page)


def _noise(page: str, marks: Marks, random: np.random.Generator) -> Edit | None:
    """Deletes one character of a tag."""
    places = np.flatnonzero(np.isin(marks[:, COLUMN["syntax"]], (Syntax.TAG, Syntax.END_TAG, Syntax.ATTRIBUTE)))
    if not len(places):
        return None
    at = int(places[random.integers(len(places))])
    return Edit(at, at + 1)


TAG_SYNTAX, RAW_SYNTAX = Syntax.TAG, Syntax.RAW
DAMAGE: dict[str, tuple[float, Damager]] = {  # by name: its share, and the function that does it
    "open comment": (3.0, _insert(lambda r: ((f"<!--{_choice(r, COMMENT_STARTS)}", Syntax.COMMENT),))),
    "open script": (2.5, _insert(lambda r: (("<script>", TAG_SYNTAX), (_choice(r, SCRIPTS), RAW_SYNTAX)))),
    "open style": (2.5, _insert(lambda r: (("<style>", TAG_SYNTAX), (_choice(r, STYLES), RAW_SYNTAX)))),
    "open textarea": (1.5, _insert(lambda r: (("<textarea>", TAG_SYNTAX),))),
    "open title": (1.5, _insert(lambda r: (("<title>", TAG_SYNTAX), (_choice(r, TITLES), Syntax.TITLE)))),
    "early end": (1.5, _insert(lambda r: ((_choice(r, EARLY_ENDS), Syntax.END_TAG),))),
    "lost comment end": (1.0, delete_one("-->")),
    "lost raw end": (1.0, delete_one(r"</(?:script|style|textarea|title)\s*>")),
    "lost quote": (2.0, delete_one(r"<[a-z][^<>]*?=\"[^\"<>]*(\")", 1)),
    "lost first quote": (0.5, delete_one(r"<[a-z][^<>]*?=(\")[^\"<>]*\"", 1)),
    "lost >": (1.5, delete_one(r"<[a-z][^<>]*(>)", 1)),
    "lost > of an end tag": (0.5, delete_one(r"</[a-z][a-z0-9]*(>)", 1)),
    "lost <": (0.5, delete_one(r"(<)/?[a-z]", 1)),
    "lost end tag": (2.0, delete_one(r"</(?:a|div|p|b|strong|em|i|span|h\d|li|ul|ol|td|tr|table)\s*>")),
    "stray <": (1.0, _stray),
    "noise": (1.0, _noise),
}


def damage(page: str, marks: Marks, random: np.random.Generator) -> tuple[str, Marks, list[str]]:
    """Returns a damaged page with its marks, and the names of the damages: about one per 6000 characters."""
    names = list(DAMAGE)
    shares = np.array([share for share, _ in DAMAGE.values()])
    wanted = 1 + int(random.poisson(len(page) / CHARACTERS_PER_DAMAGE))
    edits: list[tuple[Edit, str]] = []
    for kind in random.choice(len(names), wanted, p=shares / shares.sum()):
        edit = DAMAGE[names[kind]][1](page, marks, random)
        if edit and all(edit.end < e.start or edit.start > e.end for e, _ in edits):
            edits.append((edit, names[kind]))
    edits.sort(key=lambda pair: pair[0].start, reverse=True)
    for edit, _ in edits:
        page, marks = apply(page, marks, edit)
    if random.random() < 0.1:
        cut = int(random.integers(len(page) // 4, len(page)))
        return page[:cut], marks[:cut], [*(name for _, name in edits), "truncation"]
    return page, marks, [name for _, name in edits]


def apply(page: str, marks: Marks, edit: Edit) -> tuple[str, Marks]:
    """Returns the page after an edit, with its marks. The marks around the edit stay as they were.

    Columns of marks (characters, ..) beyond those of HEADS go on in what is inserted.
    """
    rows = [marks[: edit.start]]
    for text, syntax in edit.insert:
        new = np.full((len(text), marks.shape[1]), IGNORED, np.uint8)
        if syntax == Syntax.TEXT and edit.start < len(marks):
            new[:] = marks[edit.start]
        new[:, COLUMN["syntax"]] = syntax
        if syntax in (Syntax.TAG, Syntax.END_TAG):
            new[:, COLUMN["event"]] = Event.NONE if syntax == Syntax.TAG else Event.BLOCK
        if edit.start:
            new[:, COLUMN["depth"]] = marks[edit.start - 1, COLUMN["depth"]]
            new[:, len(HEADS) :] = marks[edit.start - 1, len(HEADS) :]
        rows.append(new)
    insert = "".join(text for text, _ in edit.insert)
    marks = np.concatenate([*rows, marks[edit.end :]])
    return page[: edit.start] + insert + page[edit.end :], marks
