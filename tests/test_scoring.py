"""What edits save, seen from both ends of a page: each figure against readings of the whole page."""

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import two_readers
from test_crawl_samples import SAMPLES

from soupstate.kernels import State
from soupstate.model.faults.edits import Repair
from soupstate.model.faults.find import find_candidates
from soupstate.model.faults.ranking import FIGURES, probability, ranking_of
from soupstate.model.faults.scoring import LONG, SHORT, WARM_UP, ScoredEdit, Side, read_sides, score_edits
from soupstate.model.net import reading_loop
from soupstate.model.net.checkpoint import load_checkpoint
from soupstate.model.net.reader import Reader
from soupstate.model.net.reading_loop import KEPT_BYTES, MOST_KEPT
from soupstate.model.page.stop import Stopped

PAGE = "\ufeff日本語 " + next(s.html for s in SAMPLES if s.name == "news-harbour")[:1500] + " 😀<p>é</b></p>"


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    return two_readers(tmp_path_factory.mktemp("both"))


def bits_from_the_end(reader: Reader, page: str) -> np.ndarray:
    """Of every character of a page of one byte each, by reading all of it turned round."""
    assert page.isascii()
    return reader.read(page[::-1]).surprisal[::-1]


EDITS = [
    ScoredEdit(40, Repair(40, 40, '"', "k", "m")),
    ScoredEdit(300, Repair(290, 310, "", "k", "m")),
    ScoredEdit(300, Repair(302, 303, "é😀", "k", "m"), mismatch=True),
    ScoredEdit(0, Repair(0, 0, "<p>", "k", "m")),
    ScoredEdit(len(PAGE), Repair(len(PAGE), len(PAGE), "-->", "k", "m")),
    ScoredEdit(len(PAGE) - 3, Repair(len(PAGE) - 9, len(PAGE) - 3, "x", "k", "m")),
]


def test_surprisal_from_the_end(reader: Reader) -> None:
    page = PAGE.encode("ascii", "ignore").decode()
    side = Side(reader.packed, page, backward=True)
    side.prepare([], lambda: False)
    np.testing.assert_allclose(side.surprisal, bits_from_the_end(reader, page), rtol=1e-4, atol=1e-4)
    wide = Side(reader.packed, PAGE, backward=True)
    wide.prepare(EDITS, lambda: False)
    assert wide.surprisal.shape == (len(PAGE),)
    ids = np.frombuffer(PAGE.encode()[::-1], np.uint8)
    assert wide.surprisal.sum() == pytest.approx(sum(chunk.sum() for chunk in wide.bits), rel=1e-5)
    assert sum(len(chunk) for chunk in wide.bits) == len(ids)


@pytest.mark.parametrize("horizon", [SHORT, LONG])
@pytest.mark.parametrize("number", range(len(EDITS)))
@pytest.mark.parametrize("backward", [False, True])
def test_an_edit_saves_what_two_readings_differ_by(reader: Reader, backward: bool, number: int, horizon: int) -> None:
    """From the edit to the horizon, with what stands before it read in both pages alike."""
    page = PAGE.encode("ascii", "replace").decode()
    edit = dataclasses.replace(EDITS[number])
    r = edit.repair
    r = edit.repair = dataclasses.replace(r, replacement=r.replacement.encode("ascii", "replace").decode())
    edited = page[: r.start] + r.replacement + page[r.end :]
    side = Side(reader.packed, page, backward=backward)
    side.prepare([edit], lambda: False, None if backward else reader.read(page).surprisal)
    if backward:
        before, after = bits_from_the_end(reader, page), bits_from_the_end(reader, edited)
        first = max(0, min(edit.at, r.start) - horizon)
        was = before[first : r.start].sum()
        becomes = after[first : r.start + len(r.replacement)].sum()
    else:
        before, after = reader.read(page).surprisal, reader.read(edited).surprisal
        last = max(edit.at, r.end) + horizon
        was = before[r.end : last].sum()
        becomes = after[r.start : last + len(edited) - len(page)].sum()
    own = before[r.start : r.end].sum()
    expected = (own if r.replacement else min(own, 1.0)) + was - becomes
    assert side.saved([edit], horizon) == pytest.approx([expected], abs=2e-2)
    around = Side(reader.packed, page, backward=backward)
    around.prepare([edit], lambda: False, everywhere=False)
    assert around.saved([edit], horizon) == pytest.approx([expected], abs=2e-2)
    assert np.isnan(around.surprisal).any()
    np.testing.assert_allclose(around.surprisal[around.near(edit.at)], before[side.near(edit.at)], atol=1e-2)


def test_what_was_read_for_a_short_horizon_is_not_read_again(reader: Reader) -> None:
    """The figures over LONG are the same whether or not those over SHORT were asked for before."""
    reading, edits = reader.read(PAGE), [dataclasses.replace(t) for t in EDITS]
    for one, two in zip(*(read_sides(reader, reading, edits, lambda: False) for _ in range(2)), strict=True):
        one.saved(edits, SHORT)
        assert {len(one.edited[e].piece.ids) < len(two.edited[e].piece.ids) for e in edits} == {True}
        assert one.saved(edits, LONG) == pytest.approx(two.saved(edits, LONG), abs=1e-3)
        assert not any(len(one.edited[e].piece.ids) for e in edits)


@pytest.mark.parametrize("most", [MOST_KEPT, 5])
def test_kept_states_change_no_figure(reader: Reader, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """The recurrence goes on from them, and reads less. In a long page they lie farther apart."""
    monkeypatch.setattr(reading_loop, "MOST_KEPT", most)
    page = PAGE * 3
    reading, edits = reader.read(page), [dataclasses.replace(t) for t in EDITS]
    sides = [Side(reader.packed, page) for _ in range(2)]
    near = int(np.searchsorted(sides[0].starts, reading.states[-1][0])) + 1  # a few bytes behind the last one
    edits.append(ScoredEdit(near, Repair(near, near, "<b>", "k", "m")))
    size = len(page.encode())
    assert len(reading.states) == size // max(KEPT_BYTES, -(-size // most)) > 3
    for side, kept in zip(sides, (reading.states, ()), strict=True):
        side.prepare(edits, lambda: False, reading.surprisal, kept=kept)
    assert sides[0].saved(edits, LONG) == sides[1].saved(edits, LONG)
    from_zeros = [(at, State.zeros(reader.packed.weights.units)) for at, _ in reading.states]
    other = Side(reader.packed, page)
    other.prepare(edits, lambda: False, reading.surprisal, kept=from_zeros)
    assert other.saved(edits, LONG) != sides[1].saved(edits, LONG)


def test_far_from_all_edits_the_page_is_not_read_from_its_end(reader: Reader) -> None:
    """The copy model sees all of it, and the recurrence begins some bytes before it is needed."""
    page = PAGE.encode("ascii", "ignore").decode() * 5
    edits = [ScoredEdit(at, Repair(at, at, "<b>", "k", "m")) for at in (300, 5000)]
    whole, near = (Side(reader.packed, page, backward=True) for _ in range(2))
    whole.prepare(edits, lambda: False)
    near.prepare(edits, lambda: False, everywhere=False)
    assert [(len(page) - end, len(page) - start) for start, end in near.stretches] == [
        (5000 - LONG, 5002 + WARM_UP),
        (300 - LONG, 302 + WARM_UP),
    ]
    known = ~np.isnan(near.surprisal)
    assert np.flatnonzero(known).tolist() == [*range(300 - LONG, 302), *range(5000 - LONG, 5002)]
    np.testing.assert_allclose(near.surprisal[known], whole.surprisal[known], atol=0.05)
    for edit in edits:
        one, two = whole.edited[edit].piece, near.edited[edit].piece
        assert np.array_equal(one.found.predicted, two.found.predicted)
        assert np.array_equal(one.state.last.predicted, two.state.last.predicted)
        np.testing.assert_allclose(one.state.h, two.state.h, atol=0.05)
    assert near.saved(edits, LONG) == pytest.approx(whole.saved(edits, LONG), abs=0.5)
    none = Side(reader.packed, page, backward=True)
    none.prepare([], lambda: False, everywhere=False)
    assert none.stretches == [] and np.isnan(none.surprisal).all() and len(none.surprisal) == len(page)


def test_both_sides_count(reader: Reader) -> None:
    reading = reader.read(PAGE)
    edits = [dataclasses.replace(t) for t in EDITS]
    sides = read_sides(reader, reading, edits, lambda: False)
    assert [side.backward for side in sides] == [False, True]
    few = score_edits(sides, edits, lambda: False)
    again = read_sides(reader, reading, edits, lambda: False)
    for edit in edits:
        assert edit.short == pytest.approx([side.saved([edit], SHORT)[0] for side in again], abs=1e-3)
        assert edit.saved_short == pytest.approx(sum(edit.short) / 2)
    for edit in (t for tried in few.values() for t in tried):
        assert edit.long == pytest.approx([side.saved([edit], LONG)[0] for side in again], abs=1e-3)
        assert edit.saved_short > 0 or edit.mismatch
    alone = Reader(dataclasses.replace(reader.checkpoint, backward_file=None))
    assert alone.backward is None
    assert len(read_sides(alone, reading, edits, lambda: False)) == 1


def test_the_network_from_the_end_is_loaded_once_and_ranks(reader: Reader) -> None:
    other = reader.backward
    assert other is not None and other is reader.backward and other.packed.backend == reader.packed.backend
    assert other.checkpoint.reads_backward and not reader.checkpoint.reads_backward
    found = find_candidates(reader, reader.read(PAGE))
    assert found
    for candidate in found:
        expected = probability(ranking_of(other.checkpoint), candidate.row)
        assert candidate.fault.probability == pytest.approx(expected, abs=1e-4)
    rows = np.array([c.row for c in found if c.fault.fixes])
    ahead, behind, agreed, bits = (rows[:, FIGURES.index(n)] for n in ("forward", "backward", "both", "backward bits"))
    assert (agreed == np.minimum(ahead, behind)).all() and (ahead != behind).any() and (bits > 0).any()
    alone = Reader(dataclasses.replace(reader.checkpoint, backward_file=None))
    rows = np.array([c.row for c in find_candidates(alone, alone.read(PAGE))])
    assert not rows[:, [FIGURES.index("backward"), FIGURES.index("backward bits")]].any()


def test_a_search_from_the_end_can_be_stopped(reader: Reader) -> None:
    side = Side(reader.packed, PAGE * 20, backward=True)
    asked = iter([False, True])
    with pytest.raises(Stopped):
        side.prepare([], lambda: next(asked))


def test_networks_that_read_the_other_way_are_refused(reader: Reader, tmp_path: Path) -> None:
    assert reader.checkpoint.backward_file is not None
    for file in reader.checkpoint.backward_file.parent.iterdir():
        shutil.copy(file, tmp_path)
    path = tmp_path / "w-backward.safetensors"
    with pytest.raises(ValueError, match="reads pages from their end; one that reads from their beginning is needed"):
        load_checkpoint(path)
    ahead = path.with_name("w.safetensors")
    with pytest.raises(ValueError, match="reads pages from their beginning; one that reads from their end is needed"):
        load_checkpoint(ahead, backward=True)
    path.write_bytes(b"not weights")
    with pytest.raises(ValueError, match="not a safetensors file"):
        load_checkpoint(ahead)
