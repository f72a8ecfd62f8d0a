"""Answers of pages that are cut short before they are read: their offsets are those of the page as it was given."""

import pytest

from soupstate.app.answers import Asked, extract
from soupstate.model.net.checkpoint import DEFAULT, load_checkpoint
from soupstate.model.net.reader import Reader

SCRIPT = "<script>" + "var ferry = timetable[7];\n" * 40 + "</script>"
ENTRIES = [f'<a href="/boats/{n}.html">Boat é{n}</a>' for n in range(9)]
PAGE = f"<html><head><title>Boats</title>{SCRIPT}</head><body>\n<ul>\n" + f"{SCRIPT}\n".join(
    f"<li>{entry}</li>\n" for entry in ENTRIES
)


@pytest.mark.parametrize("page", [PAGE, PAGE.replace(SCRIPT, ""), PAGE + SCRIPT])
def test_links_stand_where_they_are_said_to(page: str) -> None:
    answer = extract(Reader(load_checkpoint(DEFAULT)), Asked(page, None, frozenset(["links"])))
    assert [page[link.start : link.end] for link in answer.links or ()] == [e.removesuffix("</a>") for e in ENTRIES]
    assert answer.characters == len(page)
