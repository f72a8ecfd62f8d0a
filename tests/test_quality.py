"""The shipped weights read the sample pages as well as they did."""

import json
from dataclasses import asdict
from pathlib import Path

import quality

from soupstate.model.net.checkpoint import DEFAULT, extractor, load_checkpoint
from soupstate.model.net.reader import Reader
from soupstate.model.train.evaluation.evaluate import evaluate_teacher

MEASURED = {"clean, bits per character": 1.0, "clean, text F1": 0.9}


def test_floors_are_of_these_weights_and_samples() -> None:
    floors = quality.load_floors()
    assert floors.samples == quality.samples_digest(), "run python tests/quality.py --update"
    assert floors.weights == quality.weights_digest(), "run python tests/quality.py --update"


def test_no_figure_is_under_its_floor() -> None:
    figures = quality.measure(Reader(load_checkpoint(DEFAULT)), Reader(load_checkpoint(extractor())))
    floors = quality.load_floors()
    assert not quality.fallen(figures, floors)
    assert set(figures) == {*floors.least, *floors.most}


def test_the_teacher_alone_is_far_above_any_floor() -> None:
    """What the figures are measured with can reach nearly 1."""
    ceiling = evaluate_teacher(quality.clean_pages())
    assert min(ceiling["href F1"], ceiling["link F1"], ceiling["text F1"]) > 0.999
    assert ceiling["Markdown mean"] > 0.94


def test_every_broken_sample_has_a_kind_of_damage() -> None:
    broken = quality.broken_pages()
    assert {page.kind for page in broken} == set(quality.DAMAGE)
    assert len(broken) == sum(map(len, quality.DAMAGE.values()))
    assert all(page.page != page.undamaged for page in broken)


def test_floors_rise_and_are_lowered_only_when_that_is_allowed(tmp_path: Path) -> None:
    path = tmp_path / "floors.json"

    def update(allow_regression: bool = False, **changes: float) -> list[str]:
        figures = MEASURED | {name.replace("_", " ").replace("clean", "clean,"): v for name, v in changes.items()}
        return quality.update(figures, "w", allow_regression=allow_regression, path=path)

    def floors() -> tuple[float, float]:
        read = quality.Floors(**json.loads(path.read_text()))
        assert set(asdict(read)["least"]) == {"clean, text F1"}
        return read.most["clean, bits per character"], read.least["clean, text F1"]

    assert update() == []
    assert floors() == (1.005, 0.8955)
    assert update(clean_text_F1=0.896) == []  # above the floor, though not by the slack: the floor stays
    assert floors() == (1.005, 0.8955)
    assert update(clean_text_F1=0.95, clean_bits_per_character=0.9) == []
    assert floors() == (0.9045, 0.9452)
    lower = update(clean_bits_per_character=0.92)
    assert sorted(lower) == [
        "clean, bits per character: 0.92 is more than 0.9045",
        "clean, text F1: 0.9 is less than 0.9452",
    ]
    assert floors() == (0.9045, 0.9452)
    assert len(update(allow_regression=True, clean_bits_per_character=0.92)) == 2
    assert floors() == (0.9246, 0.8955)


def test_a_figure_that_is_no_longer_measured_counts_as_lower() -> None:
    floors = quality.Floors("w", "s", {"gone": 0.5})
    assert quality.fallen({"clean, text F1": 0.9}, floors) == ["gone: None is less than 0.5"]
