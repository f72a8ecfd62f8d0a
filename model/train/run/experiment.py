"""An experiment: a small TOML file of differences from these defaults. An unknown key is an error."""

import dataclasses
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from soupstate.kernels.weights import SLOTS, is_slots
from soupstate.model.page.marks import FORMATS, HeadTable
from soupstate.model.train.data.lanes import Stretches


@dataclass(frozen=True)
class Experiment:
    """All settings of a training run. The shards are stored separately."""

    name: str
    shards: str  # folder with *.rows.npy
    format: str = "html"  # what the lessons are of: a key of FORMATS
    held_out: str = ""  # such a folder to measure on, and
    held_out_seconds: float = 600.0  # how often
    seed: int = 1
    units: int = 320
    embedding: int = 96
    copy: bool = True  # whether the network has the copy input
    slots: int = SLOTS  # rows of each context's embeddings: a power of two, at most this many
    context_dropout: float = 0.0  # share of these embeddings that training leaves out, each time that one is read
    heads: bool = True  # whether it learns marks beside the next byte
    backward: bool = False  # whether lessons are read from their last byte to their first
    delay: int = 4  # bytes of look-ahead of every head
    lanes: int = 64
    steps: int = 128  # bytes that a lane reads per update
    characters: int = 400_000_000  # bytes to train on, all lanes together
    learning_rate: float = 3e-3
    final_learning_rate: float = 1e-4  # reached at the end of `decay`
    decay: float = 0.6  # last share of training, in which the rate falls (cosine); 0: constant
    warm_up: int = 1_000_000  # bytes
    heads_weight: float = 1.0  # weight of the sum of head losses, in nats, beside the next byte's loss
    depth_weight: float = 1.0  # weight of the depth head's loss among the heads
    depth_changes_weight: float = 0.0  # weight of the error of depth's changes, on all stretches
    depth_units: int = 0  # last units that start as counters; the depth head reads only these; 0: none
    clip: float = 1.0  # norm of the gradient
    init: str = ""  # checkpoint of weights to start from (the optimizer starts fresh)
    log_interval: int = 50  # updates
    init_units: int = 0  # take only this many of its first units, and start further units afresh; 0: all
    checkpoint_seconds: float = 180.0
    stretches: Stretches = field(default_factory=Stretches)

    @property
    def table(self) -> HeadTable:
        """The heads that the network learns."""
        return FORMATS[self.format]


def _build(kind: type[Any], given: dict[str, Any], where: str) -> Any:
    known = {f.name: f for f in dataclasses.fields(kind)}
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise ValueError(f"{where}: unknown key {', '.join(unknown)}; known: {', '.join(known)}")
    values = {}
    for key, value in given.items():
        wanted = known[key].type
        if wanted is Stretches:
            if not isinstance(value, dict):
                raise ValueError(f"{where}: {key} = {value!r} is not a table")
            values[key] = _build(Stretches, value, f"{where} [{key}]")
            continue
        if wanted is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if not isinstance(wanted, type) or type(value) is not wanted:
            raise ValueError(f"{where}: {key} = {value!r} is not a {getattr(wanted, '__name__', wanted)}")
        values[key] = value
    return kind(**values)


def load_experiment(path: Path) -> Experiment:
    """Reads an experiment file. Raises ValueError that names file and key. Folders in it stay relative."""
    try:
        given = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as e:
        raise ValueError(f"{path}: {e}") from e
    missing = [k for k in ("name", "shards") if k not in given]
    if missing:
        raise ValueError(f"{path}: missing key {', '.join(missing)}")
    experiment: Experiment = _build(Experiment, given, str(path))
    if experiment.format not in FORMATS:
        raise ValueError(f"{path}: format = {experiment.format!r}; known: {', '.join(FORMATS)}")
    if experiment.stretches.balanced_share and (experiment.backward or experiment.format != "html"):
        raise ValueError(f"{path}: balanced_share is for HTML that is read from its beginning")
    if not 0 <= experiment.context_dropout < 1:
        raise ValueError(f"{path}: context_dropout = {experiment.context_dropout} is not from 0 to below 1")
    if not is_slots(experiment.slots):
        raise ValueError(f"{path}: slots = {experiment.slots} is not a power of two up to {SLOTS}")
    return experiment
