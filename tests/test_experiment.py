"""Experiment files: differences from the defaults; every mistake is an error that names it."""

from pathlib import Path

import pytest

from soupstate.model.train.data.lanes import Stretches
from soupstate.model.train.run.experiment import Experiment, load_experiment

FOLDER = Path(__file__).parents[1] / "experiments"
LEAST = 'name = "n"\nshards = "s"\n'


def load(folder: Path, text: str) -> Experiment:
    path = folder / "e.toml"
    path.write_text(text, "utf-8")
    return load_experiment(path)


def test_defaults_and_differences(tmp_path: Path) -> None:
    assert load(tmp_path, LEAST) == Experiment(name="n", shards="s")
    found = load(
        tmp_path, LEAST + "units = 33\nlearning_rate = 1\ncopy = false\n[stretches]\nwindow = 9\nwhole_share = 0.5\n"
    )
    assert found == Experiment(
        name="n", shards="s", units=33, learning_rate=1.0, copy=False, stretches=Stretches(window=9, whole_share=0.5)
    )
    assert isinstance(found.learning_rate, float)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (LEAST + "unit = 3", "unknown key unit; known: .*units"),
        (LEAST + "a = 1\nb = 2", "unknown key a, b"),
        (LEAST + "[stretches]\nwindows = 3", r"\[stretches\]: unknown key windows; known: window"),
        (LEAST + 'units = "3"', "units = '3' is not a int"),
        (LEAST + "units = 3.5", "units = 3.5 is not a int"),
        (LEAST + "units = true", "units = True is not a int"),
        (LEAST + "copy = 1", "copy = 1 is not a bool"),
        (LEAST + "decay = true", "decay = True is not a float"),
        (LEAST + "[stretches]\nwindow = 1.5", r"\[stretches\]: window = 1.5 is not a int"),
        (LEAST + "context_dropout = 1.0", "context_dropout = 1.0 is not from 0 to below 1"),
        (LEAST + "slots = 1000", "slots = 1000 is not a power of two up to 65536"),
        (LEAST + "stretches = 3", "stretches = 3 is not a table"),
        (
            LEAST + "backward = true\n[stretches]\nbalanced_share = 0.1",
            "balanced_share is for HTML that is read from its beginning",
        ),
        ('name = "n"', "missing key shards"),
        ("units = 3", "missing key name, shards"),
        ("name = ", "Invalid value|line 1"),
    ],
)
def test_mistakes(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as error:
        load(tmp_path, text)
    assert str(tmp_path / "e.toml") in str(error.value)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_experiment(tmp_path / "none.toml")


def test_not_text(tmp_path: Path) -> None:
    path = tmp_path / "e.toml"
    path.write_bytes(b"name = '\xff'")
    with pytest.raises(ValueError, match="e.toml"):
        load_experiment(path)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.toml")), ids=lambda p: p.stem)
def test_shipped_experiments(path: Path) -> None:
    assert load_experiment(path).name
