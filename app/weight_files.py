"""Files of weights that belong together: NAME.safetensors and what lies beside it."""

import shutil
from pathlib import Path

BESIDE = ("-extract", "-backward", "-json", "-json-backward")  # networks with other tasks, see docs/training.md


def files_beside(weights: Path) -> list[Path]:
    """Returns NAME.safetensors and the networks NAME-extract, NAME-backward and so on that lie beside it."""
    others = (weights.with_stem(weights.stem + end) for end in BESIDE)
    return [weights, *(file for file in others if file.exists())]


def renamed(file: Path, weights: Path, out: Path) -> Path:
    """Returns the file that is to OUT what `file` is to WEIGHTS: its ending stays."""
    return out.with_name(out.stem + file.name.removeprefix(weights.stem))


def copied(file: Path, to: Path) -> None:
    """Copies a file under a temporary name and renames it. Raises OSError."""
    part = to.with_name(to.name + ".part")
    shutil.copyfile(file, part)
    part.rename(to)
