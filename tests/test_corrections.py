"""The format of corrections, and the store that keeps them."""

import doctest
import json
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soupstate.model.corrections import correction as correction_module
from soupstate.model.corrections import store as store_module
from soupstate.model.corrections.checks import MARKS, NAMED, WrongCorrection, check_text
from soupstate.model.corrections.correction import Corrected, MarkCorrection, read_correction, written
from soupstate.model.corrections.store import BadStore, Store, StoreFailed
from soupstate.model.faults.kinds import KINDS as FAULT_KINDS

PAGE = '<title>Tea</title><p>Sencha &amp; M<b>il</b>k<br>cost <a href="/tea>$12.50</a> a tin.'
LINK = {"html": PAGE, "kind": "link", "start": 61, "end": 67, "right": True}
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
PAGES = st.text(st.sampled_from("<a> &;é\u3042\U0001f375"), min_size=1, max_size=40).map(lambda text: f"<{text}")
SIMPLE = st.none() | st.booleans() | st.integers() | TEXTS
VALUES = SIMPLE | st.lists(SIMPLE, max_size=3) | st.dictionaries(TEXTS, SIMPLE, max_size=3)


@st.composite
def corrections(draw: st.DrawFn) -> dict[str, Any]:
    """An object of the format, of any kind."""
    html = draw(PAGES)
    start = draw(st.integers(0, len(html) - 1))
    end = draw(st.integers(start + 1, len(html)))
    place = {"start": start, "end": end}
    mark = draw(st.sampled_from(sorted(MARKS)))
    classes: Any = [kind.name.lower() for kind in NAMED[mark]] if mark in NAMED else range(MARKS[mark])
    names = [name for name, kind in FAULT_KINDS.items() if not kind.of_json]
    words = draw(st.lists(st.text("a\u3042\u00e9", min_size=1, max_size=5), min_size=1, max_size=8))
    kinds: list[dict[str, Any]] = [
        {"kind": "main", "html": " <b> ".join(words), "right": {"text": " ".join(words)}},
        {"kind": "main", "right": {"spans": [[start, end]] if draw(st.booleans()) else []}},
        {"kind": "link", "right": draw(st.booleans()), **place},
        {"kind": "link", "right": True, "href": draw(TEXTS), **place},
        {"kind": "mark", "mark": mark, "right": draw(st.sampled_from(list(classes))), **place},
        {"kind": "fault", "right": draw(st.booleans()), "id": draw(st.sampled_from(names)), **place},
        {"kind": "fault", "right": False, "start": start, "end": start},
        {"kind": "fix", "start": start, "end": start, "replacement": draw(TEXTS.filter(bool))},
        {"kind": "field", "field": "price", "values": [html] if draw(st.booleans()) else []},
    ]
    given: dict[str, Any] = {"html": html, **draw(st.sampled_from(kinds))}
    if answered := draw(VALUES):
        given["answered"] = answered
    return given


def test_the_examples_in_docstrings() -> None:
    found = doctest.testmod(correction_module)
    assert found.attempted and not found.failed


@given(corrections())
def test_what_is_written_is_read_again(given: dict[str, Any]) -> None:
    read = read_correction(given)
    again = {"html": read.html, "answered": read.answered, **written(read.correction)}
    assert read_correction(json.loads(json.dumps(again))) == read
    assert {name: given[name] for name in written(read.correction)} == written(read.correction)


@given(corrections(), st.sampled_from(["start", "end", "right", "kind", "html", "values", "extra"]), VALUES)
def test_any_value_is_read_or_refused_by_name(given: dict[str, Any], name: str, value: Any) -> None:
    try:
        read = read_correction(given | {name: value})
    except WrongCorrection as error:
        assert error.field and error.detail
    else:
        assert read_correction({"html": read.html, **written(read.correction)}).correction == read.correction


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kind": "rumour"}, "kind"),
        ({"kind": 3}, "kind"),
        ({"colour": 1}, "colour"),
        ({"html": " \n"}, "html"),
        ({"html": "\ud800" + PAGE}, "html"),
        ({"digest": "0" * 64}, "digest"),
        ({"url": "tea.html"}, "url"),
        ({"url": "https://[::1"}, "url"),
        ({"start": -1}, "start"),
        ({"start": True}, "start"),
        ({"start": 67}, "end"),
        ({"end": len(PAGE) + 1}, "end"),
        ({"end": 9.5}, "end"),
        ({"right": 1}, "right"),
        ({"right": False, "href": "/tea"}, "href"),
        ({"href": "x" * 9000}, "href"),
        ({"answered": "x" * 100_001}, "answered"),
        ({"answered": float("nan")}, "answered"),
        ({"kind": "mark", "mark": "colour", "right": 1}, "mark"),
        ({"kind": "mark", "mark": "depth", "right": 1}, "mark"),
        ({"kind": "mark", "mark": "block", "right": "h7"}, "right"),
        ({"kind": "mark", "mark": "block", "right": 1}, "right"),
        ({"kind": "mark", "mark": "list", "right": 7}, "right"),
        ({"kind": "mark", "mark": "strong", "right": True}, "right"),
        ({"kind": "fault", "id": "json-comment"}, "id"),
        ({"kind": "fault", "id": "rumour"}, "id"),
    ],
)
def test_wrong_fields_are_named(change: dict[str, Any], field: str) -> None:
    with pytest.raises(WrongCorrection) as caught:
        read_correction(LINK | change)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"kind": "main"}, "right: is missing"),
        ({"kind": "main", "right": {}}, "right: must be"),
        ({"kind": "main", "right": {"text": "", "spans": []}}, "right: must be"),
        ({"kind": "main", "right": {"text": "Sencha coffee"}}, "text: 'coffee' is not in the page"),
        ({"kind": "main", "right": {"text": "tin. Sencha"}}, "text: 'Sencha' is not in the page, or not in this order"),
        ({"kind": "main", "right": {"text": "Tea " * 100}}, "text: must have at most"),
        ({"kind": "main", "right": {"spans": [[0, 4], [3, 9]]}}, "spans: must not overlap"),
        ({"kind": "main", "right": {"spans": [[0, 999]]}}, "end: 999 is beyond the end of the page"),
        ({"kind": "main", "right": {"spans": [3]}}, "spans: each must be"),
        ({"kind": "fix", "start": 0, "end": 1, "replacement": "<"}, "replacement: is what the page says"),
        ({"kind": "fix", "start": 1, "end": 0, "replacement": "x"}, "end: must be start or more"),
        ({"kind": "field", "field": "Price", "values": []}, "field: 'Price' is no name"),
        ({"kind": "field", "field": "price", "values": ["$13"]}, "values: '\\$13' is not in the page"),
        ({"kind": "field", "field": "price", "values": [" "]}, "values: must be strings"),
        ({"kind": "field", "field": "price", "values": ["$12.50"] * 101}, "values: must have at most"),
    ],
)
def test_what_does_not_fit_the_page_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(WrongCorrection, match=message):
        read_correction({"html": PAGE, **given})


def test_text_and_values_are_found_in_broken_pages() -> None:
    """A tag may interrupt a word, and one that is broken hides nothing."""
    for text in ("", "Sencha & Milk cost $12.50 a tin.", "Milk\n\ncost"):
        read_correction({"html": PAGE, "kind": "main", "right": {"text": text}})
    lost = PAGE.replace("<br>", "<br ")
    read_correction({"html": lost, "kind": "main", "right": {"text": "cost $12.50 a tin."}})
    read_correction({"html": PAGE, "kind": "field", "field": "tea", "values": ["Sencha & Milk", "/tea"]})


@given(st.lists(st.text("abc", min_size=1, max_size=3), min_size=1, max_size=9), st.data())
def test_words_in_the_order_of_the_page_are_its_text(words: list[str], data: st.DataObject) -> None:
    between = st.sampled_from([" ", "<br>", "\n<p>", "&nbsp;", " <a href='/tea'>"])
    html = "<p>" + "".join(word + data.draw(between) for word in words)
    chosen = [word for word in words if data.draw(st.booleans())]
    check_text("\n".join(chosen).upper(), html)
    with pytest.raises(WrongCorrection, match="'tea,' is not in the page"):
        check_text(" ".join([*chosen, "tea,"]), html)


def test_marks_have_the_names_that_the_service_answers() -> None:
    read = read_correction(
        {"html": PAGE, "kind": "mark", "mark": "event", "start": 18, "end": 21, "right": "header_cell"}
    )
    assert isinstance(read.correction, MarkCorrection) and read.correction.label == 7


def one(right: bool, start: int = 61, html: str = PAGE, **more: Any) -> Corrected:
    return read_correction(LINK | {"right": right, "start": start, "html": html, **more})


def test_duplicates_are_merged_and_the_later_of_two_contradictory_corrections_stands(tmp_path: Path) -> None:
    with Store(tmp_path / "corrections.db", create=True) as store:
        added = store.add([one(True), one(True, answered=[1]), one(False, 62), one(False, url="https://example.org/")])
        assert (added.new, added.merged) == (3, 1)
        [contradiction] = added.contradictions
        assert (contradiction.index, contradiction.page) == (3, one(True).digest)
        assert (contradiction.before, contradiction.now) == (one(True).correction, one(False).correction)
        [page] = store.standing()
        assert page == (PAGE, "https://example.org/", (one(False).correction, one(False, 62).correction))
        assert len(store) == 2 and len(list(store.all())) == 3

        again = store.add([one(True)])  # which was there, and stands again
        assert (again.new, again.merged, len(again.contradictions)) == (0, 1, 1)
        assert one(True).correction in next(store.standing()).corrections
        assert len(list(store.all())) == 3


def test_an_empty_text_and_no_spans_say_the_same(tmp_path: Path) -> None:
    given = [{"text": ""}, {"spans": []}, {"text": " \n"}]
    with Store(tmp_path / "corrections.db", create=True) as store:
        added = store.add([read_correction({"html": PAGE, "kind": "main", "right": right}) for right in given])
    assert (added.new, added.merged, added.contradictions) == (1, 2, ())


def test_the_digest_does_not_depend_on_the_order_of_arrival(tmp_path: Path) -> None:
    given = [one(True), one(False, 62), one(True, html=PAGE + "."), one(False, 63, html=PAGE + "!")]
    digests = []
    for name, order in (("a", given), ("b", given[::-1])):
        with Store(tmp_path / name, create=True) as store:
            assert store.digest() not in digests
            for each in order:
                store.add([each])
            digests.append(store.digest())
    assert digests[0] == digests[1]


def test_a_store_is_kept_and_a_page_is_taken_back(tmp_path: Path) -> None:
    file = tmp_path / "corrections.db"
    secret = PAGE + "<p>A secret word: quetzal"
    with Store(file, create=True) as store:
        store.add([one(True), one(True, html=secret, answered="quetzal")])
    with Store(file) as store, Store(file) as other:  # as a service has it open
        assert [each.html for each in other.all()] == [PAGE, secret]
        assert store.remove(one(True, html=secret).digest) == 1
        assert store.remove(one(True, html=secret).digest) == 0
        assert [each.html for each in other.all()] == [PAGE]
        assert b"quetzal" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


def test_files_that_are_no_store_are_refused_and_stay_as_they_are(tmp_path: Path) -> None:
    text, other, newer = tmp_path / "text", tmp_path / "other.db", tmp_path / "newer.db"
    text.write_text("What is right, and what is wrong. " * 40)
    db = sqlite3.connect(other)
    db.executescript("PRAGMA journal_mode = WAL; CREATE TABLE teas (name TEXT); INSERT INTO teas VALUES ('Sencha');")
    db.close()
    Store(newer, create=True).close()
    db = sqlite3.connect(newer)
    db.execute("PRAGMA user_version = 2")
    db.close()
    before = {path: path.read_bytes() for path in (text, other, newer)}
    for path, message in ((text, "no store"), (other, "no store"), (newer, "version 2; this program reads version 1")):
        with pytest.raises(BadStore, match=message):
            Store(path, create=True)
    assert {path: path.read_bytes() for path in before} == before
    with pytest.raises(FileNotFoundError):
        Store(tmp_path / "missing.db")
    with pytest.raises(StoreFailed, match="missing"):
        Store(tmp_path / "missing" / "corrections.db", create=True)


def test_a_row_that_somebody_changed_is_named(tmp_path: Path) -> None:
    file = tmp_path / "corrections.db"
    with Store(file, create=True) as store:
        store.add([one(True)])
    db = sqlite3.connect(file)
    db.execute('UPDATE corrections SET correction = \'{"kind":"link","start":5000,"end":5001,"right":true}\'')
    db.commit()
    db.close()
    with Store(file) as store, pytest.raises(BadStore, match="cannot be read: end: 5001 is beyond"):
        list(store.standing())


def test_a_store_that_is_full_keeps_what_it_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "LARGEST_STORE", 100_000)
    with Store(tmp_path / "corrections.db", create=True) as store:
        store.add([one(True)])
        with pytest.raises(StoreFailed, match="full"):
            store.add([one(True, html=f"{PAGE}{number}{'x' * 20_000}") for number in range(9)])
        assert [each.html for each in store.all()] == [PAGE]
        store.add([one(True, 62)])


WRITER = """
import sys
from pathlib import Path
from soupstate.model.corrections.correction import read_correction
from soupstate.model.corrections.store import Store
name, page = sys.argv[2], "<p>" + "tea " * 99
with Store(Path(sys.argv[1]), create=True) as store:
    for number in range(40):
        link = {"kind": "link", "start": number, "end": 300, "right": name == "a"}
        store.add([read_correction({"html": page + end, **link}) for end in "01"])
"""


def test_several_processes_make_one_store_and_write_at_once(tmp_path: Path) -> None:
    file = tmp_path / "corrections.db"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(file), name]) for name in "aabb"]
    assert [writer.wait() for writer in writers] == [0] * 4
    with Store(file) as store:
        assert len(list(store.all())) == 160  # 2 pages, 40 places, 2 answers
        assert len(store) == 80
