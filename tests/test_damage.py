"""Damage: pages broken the way pages break; the marks of what is left are those of the undamaged page."""

import re
from collections import Counter

import numpy as np
import pytest
from test_crawl_samples import SAMPLES

from soupstate.model.page.marks import COLUMN, HEADS, IGNORED, Event, Syntax, Visible
from soupstate.model.page.render.links import links
from soupstate.model.page.render.text import text
from soupstate.model.page.spans import spans_of_marks
from soupstate.model.train.data.damage import DAMAGE, Edit, apply, damage
from soupstate.model.train.data.teacher import Marks, teach
from soupstate.model.train.evaluation.score import recall, words

PAGES = [(s.html, teach(s.html)) for s in SAMPLES if s.malformed is None and len(s.html) < 5000]
SEEDS = range(2)
INSERTED = {
    "open comment": r"<!--(?!.*-->)",
    "open script": r"<script>(?!.*</script)",
    "open style": r"<style>(?!.*</style)",
    "open textarea": r"<textarea>$",
    "open title": r"<title>(?!.*</title)",
    "early end": r"</(div|body|html)>",
    "stray <": r" ?<",
}
REMOVED = {
    "lost comment end": r"-->$",
    "lost raw end": r"</\w+\s*>$",
    "lost quote": r'"$',
    "lost first quote": r'"$',
    "lost >": r">$",
    "lost > of an end tag": r">$",
    "lost <": r"<$",
    "lost end tag": r"</\w+\s*>$",
    "noise": r".$",
}
NO_HARM = {"open comment", "open script", "open style", "open textarea", "open title", "early end"}


def edits(name: str) -> list[tuple[str, Marks, Edit]]:
    """Edits of one kind on all pages."""
    found = []
    for page, marks in PAGES:
        for seed in SEEDS:
            edit = DAMAGE[name][1](page, marks, np.random.default_rng(seed))
            if edit is not None:
                found.append((page, marks, edit))
    assert len(found) > 10, name
    return found


def shown(page: str, marks: Marks) -> str:
    return text(page, spans_of_marks(page, marks))


def letters(page: str, marks: Marks) -> str:
    return "".join(shown(page, marks).split())


LETTERS = {page: letters(page, marks) for page, marks in PAGES}
TARGETS = {page: [link.href for link in links(page, spans_of_marks(page, marks))] for page, marks in PAGES}
WORDS = {page: words(shown(page, marks)) for page, marks in PAGES}


def test_every_kind_is_tested() -> None:
    assert {*INSERTED, *REMOVED} == set(DAMAGE)


@pytest.mark.parametrize("name", DAMAGE)
def test_marks_around_an_edit_stay(name: str) -> None:
    for page, marks, edit in edits(name):
        broken, carried = apply(page, marks, edit)
        assert len(broken) == len(carried) and carried.shape[1] == len(HEADS) and carried.dtype == np.uint8
        end = len(broken) - (len(page) - edit.end)
        assert broken[: edit.start] == page[: edit.start] and broken[end:] == page[edit.end :]
        assert np.array_equal(carried[: edit.start], marks[: edit.start])
        assert np.array_equal(carried[end:], marks[edit.end :])
        if name in INSERTED:
            assert edit.start == edit.end
            assert re.match(INSERTED[name], broken[edit.start : end], re.S)
        else:
            assert not edit.insert and edit.start < edit.end
            assert re.match(REMOVED[name], page[edit.start : edit.end], re.S)
        assert (carried[:, COLUMN["syntax"]] != IGNORED).all()


@pytest.mark.parametrize("name", sorted(NO_HARM))
def test_no_word_and_no_link_is_lost(name: str) -> None:
    """An element left open swallows the rest of the page for a parser; here every word and target is still one."""
    for page, marks, edit in edits(name):
        broken, carried = apply(page, marks, edit)
        spans = spans_of_marks(broken, carried)
        assert words(text(broken, spans)) == WORDS[page]
        assert [link.href for link in links(broken, spans)] == TARGETS[page]


@pytest.mark.parametrize("name", sorted(set(DAMAGE) - NO_HARM - {"stray <"}))
def test_no_letter_is_lost(name: str) -> None:
    """Where a tag is gone, words may run together, but no letter goes and none comes."""
    for page, marks, edit in edits(name):
        broken, carried = apply(page, marks, edit)
        assert letters(broken, carried) == LETTERS[page]


def test_a_stray_bracket_is_text() -> None:
    for page, marks, edit in edits("stray <"):
        broken, carried = apply(page, marks, edit)
        ((written, kind),) = edit.insert
        assert kind == Syntax.TEXT
        assert (carried[edit.start : edit.start + len(written), COLUMN["visible"]] == Visible.SHOWN).all()
        if not re.search(r"&\w*$", page[: edit.start]):  # a character reference that is cut shows its name
            assert Counter(letters(broken, carried)) == Counter(LETTERS[page] + "".join(written.split()))


def test_what_is_inserted_is_marked() -> None:
    page = "<p>one</p>two"
    marks = teach(page)
    broken, carried = apply(page, marks, Edit(10, 10, (("<script>", Syntax.TAG), ("x()", Syntax.RAW))))
    assert broken == "<p>one</p><script>x()two"
    syntax, event, depth = (carried[:, COLUMN[h]] for h in ("syntax", "event", "depth"))
    assert syntax[10:].tolist() == [Syntax.TAG] * 8 + [Syntax.RAW] * 3 + [Syntax.TEXT] * 3
    assert event[10:].tolist() == [Event.NONE] * 8 + [IGNORED] * 6
    assert depth[10:21].tolist() == [marks[9, COLUMN["depth"]]] * 11
    _, carried = apply(page, marks, Edit(6, 6, (("</body>", Syntax.END_TAG),)))
    assert (carried[6:13, COLUMN["event"]] == Event.BLOCK).all()


def test_insertions_stand_where_text_begins() -> None:
    for page, marks, edit in edits("open comment"):
        assert marks[edit.start, COLUMN["syntax"]] == Syntax.TEXT
        assert marks[edit.start - 1, COLUMN["syntax"]] != Syntax.TEXT
        assert page[edit.start - 1] == ">"


def test_nothing_to_damage() -> None:
    page = "no markup at all"
    marks = teach(page)
    random = np.random.default_rng(0)
    for name in ("lost comment end", "lost raw end", "lost quote", "lost >", "lost <", "lost end tag", "noise"):
        assert DAMAGE[name][1](page, marks, random) is None
    hidden = "<script>x</script>"
    assert DAMAGE["open comment"][1](hidden, teach(hidden), random) is None
    assert DAMAGE["stray <"][1](hidden, teach(hidden), random) is None


def test_damaged_pages() -> None:
    """Several edits at once: deterministic, lengths agree, and hardly a word is lost."""
    kinds: Counter[str] = Counter()
    for number, (page, marks) in enumerate(PAGES * 4):
        broken, carried, names = damage(page, marks, np.random.default_rng(number))
        again = damage(page, marks, np.random.default_rng(number))
        assert broken == again[0] and np.array_equal(carried, again[1]) and names == again[2]
        assert len(broken) == len(carried)
        kinds.update(names)
        if "truncation" in names:
            assert len(page) // 4 <= len(broken) + 60 * len(names)
            continue
        assert (broken != page) == bool(names)
        assert recall(WORDS[page], words(shown(broken, carried))) > 0.97
    assert {*DAMAGE, "truncation"} - set(kinds) <= {
        "lost comment end",
        "lost first quote",
        "lost <",
        "lost > of an end tag",
    }


def test_page_is_left_as_it_was() -> None:
    page, marks = PAGES[0]
    before = marks.copy()
    damage(page, marks, np.random.default_rng(0))
    assert np.array_equal(marks, before)
