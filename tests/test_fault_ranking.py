"""How likely a fault is one: the regression, and the broken pages that it is fitted on."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from conftest import tiny_checkpoint
from test_crawl_samples import SAMPLES

from soupstate.app.cli import main as cli
from soupstate.model.faults.edits import FAULT_KINDS
from soupstate.model.faults.find import find_candidates
from soupstate.model.faults.judging import LEFT_OUT
from soupstate.model.faults.ranking import COLUMNS, FIGURES, UNFITTED, probability, ranking_of, row
from soupstate.model.net.checkpoint import DEFAULT, Logistic, load_checkpoint
from soupstate.model.net.reader import Reader
from soupstate.model.train.evaluation.fault_ranking import (
    LONGEST_PAGE,
    OWN_FAULT,
    Examples,
    examples_of,
    fit,
    gathered,
    log_loss,
    slipped,
)

PAGE = next(s.html for s in SAMPLES if s.name == "news-harbour")
PACKED = Path(__file__).parents[1] / "crawl_samples" / "samples-clean.warc.gz"


def figures(**changed: float) -> dict[str, float]:
    return {**dict.fromkeys(FIGURES, 0.0), **changed}


def test_what_saves_more_is_likelier_without_a_fit() -> None:
    likely = [probability(UNFITTED, row(FAULT_KINDS[0], figures(saved=v))) for v in (0.0, 1.0, 3.0, 5.0)]
    assert likely == sorted(likely) and likely[0] < 0.01 and likely[-1] > 0.99


def test_no_score_is_too_great_for_a_probability() -> None:
    for weight, chance in ((1e300, 1.0), (-1e300, 0.0), (0.0, 0.5)):
        assert probability(Logistic((weight,) * COLUMNS, 0.0), np.ones(COLUMNS)) == chance


def test_a_ranking_of_other_columns_is_refused() -> None:
    with pytest.raises(ValueError, match=f"2 weights, expected {COLUMNS}"):
        ranking_of(dataclasses.replace(tiny_checkpoint(), ranking=Logistic((1.0, 2.0), 0.0)))


def test_a_row_names_its_kind() -> None:
    for k, kind in enumerate(FAULT_KINDS):
        assert np.flatnonzero(row(kind, figures())).tolist() == [len(FIGURES) + k]


def made_examples() -> tuple[Logistic, Examples]:
    """A ranking, and reports that are right as often as it says."""
    random = np.random.default_rng(1)
    rows = np.zeros((4000, COLUMNS))
    rows[:, :2] = random.standard_normal((4000, 2))
    rows[np.arange(4000), len(FIGURES) + random.integers(len(FAULT_KINDS), size=4000)] = 1
    true = Logistic((2.0, -1.0, *(0.0,) * (COLUMNS - 2)), -0.5)
    right = np.array([float(random.random() < probability(true, r)) for r in rows])
    return true, gathered([(rows, right)])


def test_the_fit_finds_what_made_the_labels() -> None:
    true, found = made_examples()
    fitted = fit(found)
    assert fitted.weights[0] == pytest.approx(2.0, abs=0.2) and fitted.weights[1] == pytest.approx(-1.0, abs=0.2)
    assert log_loss(fitted, found) <= log_loss(true, found) + 1e-3
    chance = [probability(fitted, r) for r in found.rows]
    assert np.mean(chance) == pytest.approx(found.right.mean(), abs=0.01)  # calibrated as a whole


def test_faults_that_nobody_made_count_for_little() -> None:
    true, found = made_examples()
    own = np.random.default_rng(2).random(len(found.right)) < 0.3
    known = dataclasses.replace(found, right=np.where(own, 0.0, found.right))  # three faults in ten are the page's own
    error = {}
    for weight in (1.0, OWN_FAULT):
        fitted = fit(known, weight)
        error[weight] = np.mean([abs(probability(fitted, r) - probability(true, r)) for r in found.rows])
    assert error[OWN_FAULT] < 0.6 * error[1.0]


@pytest.mark.parametrize("right", [0.0, 1.0])
def test_examples_of_one_sort_alone_are_refused(right: float) -> None:
    with pytest.raises(ValueError, match="no examples"):
        gathered([(np.zeros((3, COLUMNS)), np.full(3, right))])


@pytest.mark.parametrize(("slips", "seed"), [(0, 0), (1, 1), (1, 2), (1, 3), (3, 4), (3, 5), (3, 6)])
def test_slipped_says_where(slips: int, seed: int) -> None:
    broken, places = slipped(PAGE, slips, np.random.default_rng(seed))
    assert len(places) <= slips and (broken != PAGE) == bool(places)
    cuts = [0, *(k for place in places for k in place), len(broken)]
    kept = [broken[cuts[i] : cuts[i + 1]] for i in range(0, len(cuts), 2)]  # between the slips nothing has changed
    at = 0
    for part in kept:
        at = PAGE.index(part, at) + len(part)
    assert PAGE.startswith(kept[0]) and PAGE.endswith(kept[-1])


def test_examples_are_the_rows_of_what_is_reported() -> None:
    checkpoint = dataclasses.replace(tiny_checkpoint(), ranking=Logistic(UNFITTED.weights, -3.0))
    reader = Reader(checkpoint)
    pages = [PAGE[:3000], "x" * (LONGEST_PAGE + 1), "<p>short</p>", PAGE[:3000], PAGE[500:3500]]
    random = np.random.default_rng(3)
    parts = [found for page in pages if (found := examples_of(reader, page, random))]
    assert len(parts) == 3  # too long and too short ones are left out
    for rows, right in parts:
        assert rows.shape == (len(right), COLUMNS) and set(right.tolist()) <= {0.0, 1.0}
    for candidate in find_candidates(reader, reader.read(PAGE[:3000])):
        chance = probability(ranking_of(reader.checkpoint), candidate.row)
        assert candidate.fault.probability in (pytest.approx(chance, abs=1e-4), LEFT_OUT)


@pytest.mark.parametrize("alone", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_rank_stores_a_ranking(tmp_path: Path, alone: bool) -> None:
    """In the network that reads backward, or in the other one where that is fitted alone."""
    out = tmp_path / "ranked.safetensors"
    arguments = ["rank", "--pages", str(PACKED), "--limit", "16", "--out", str(out), *(["--alone"] if alone else [])]
    arguments += ["--png", str(tmp_path / "reliability.png")]
    done = CliRunner().invoke(cli.soupstate, arguments)
    assert done.exit_code == 0, done.output
    assert "reports on" in done.stdout and "\n| 0.0 to 0.1 | " in done.stdout
    assert (tmp_path / "reliability.png").read_bytes().startswith(b"\x89PNG")
    ahead = load_checkpoint(DEFAULT)
    assert ahead.backward_file is not None
    before = ahead if alone else load_checkpoint(ahead.backward_file, backward=True)
    after = load_checkpoint(out, backward=not alone)
    assert after.ranking != before.ranking and after.version == before.version
    assert all((after.parameters[k] == v).all() for k, v in before.parameters.items())


def test_rank_without_pages_to_learn_from_is_an_error(tmp_path: Path) -> None:
    empty = tmp_path / "empty.warc"
    empty.write_bytes(b"WARC/1.0\r\nWARC-Type: warcinfo\r\nContent-Length: 0\r\n\r\n\r\n\r\n")
    done = CliRunner().invoke(cli.soupstate, ["rank", "--pages", str(empty), "--out", str(tmp_path / "x")])
    assert done.exit_code == 1 and "no examples" in done.stderr
    assert not (tmp_path / "x").exists()
