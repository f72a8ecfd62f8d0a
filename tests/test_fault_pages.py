"""Every kind of fault that the code can report has its page, and what the page shows is what the networks say."""

import re
from pathlib import Path

import fault_pages
import pytest

from soupstate.app.reports.checked import in_words
from soupstate.model.faults.checks.attributes import DUPLICATE, NO_SPACE
from soupstate.model.faults.checks.json_scripts import INVALID_JSON
from soupstate.model.faults.checks.references import NO_CHARACTER
from soupstate.model.faults.edits import FAULT_KINDS
from soupstate.model.faults.json_find import SEVERAL
from soupstate.model.faults.json_repairs import JSON_KINDS
from soupstate.model.faults.kinds import KINDS

FAULTS = Path(__file__).parents[1] / "model" / "faults"


def test_every_kind_is_described() -> None:
    checks = {NO_SPACE[0], DUPLICATE, INVALID_JSON, *(kind for kind, _, _ in NO_CHARACTER)}
    assert set(KINDS) == {*FAULT_KINDS, *checks, *JSON_KINDS, SEVERAL}


def test_no_other_kind_is_written_in_the_code() -> None:
    """A repair's kind is a constant of those above, or one of these words."""
    source = "\n".join(path.read_text("utf-8") for path in FAULTS.rglob("*.py") if path.name != "kinds.py")
    written = set(re.findall(r'Repair\([^"]*"[^"]*", "([a-z-]+)"|, "([a-z]+(?:-[a-z]+)+)", (?:f"|message|")', source))
    assert {kind for pair in written for kind in pair if kind} <= set(KINDS) and written


@pytest.mark.parametrize("kind", KINDS)
def test_the_example_gives_the_kind_and_the_fix(kind: str) -> None:
    html = fault_pages.example(kind)
    fault = fault_pages.found_in(kind, html)
    page = fault_pages.page_of(kind).read_text("utf-8")
    assert f"`{fault.line}:{fault.column}: {fault.message}`" in page
    assert KINDS[kind].what_in_markdown in page and KINDS[kind].why_in_markdown in page and KINDS[kind].url in page
    if kind not in ("unexpected-character", SEVERAL):
        assert f"The fix: `{in_words(html, fault.fixes[0])}`." in page


def test_the_pages_are_what_the_script_makes() -> None:
    assert not fault_pages.stale(), "run python tests/fault_pages.py --update"


def test_the_folder_has_no_other_page() -> None:
    assert {path.stem for path in fault_pages.FOLDER.glob("*.md")} == {*KINDS, "README"}
