"""Checkpoints: a network in one safetensors file, with its settings and figures. They need no torch and no pickle.

The parameters have the names and shapes of the network that is trained, so training can resume from the same file. The
tables and matrices that read a page are folded from them.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from soupstate.kernels.weights import Weights
from soupstate.model.net.depth import TENSORS, Depth, DepthLayer, DepthNeuron
from soupstate.model.net.fold import Parameters, fold, rounded
from soupstate.model.page.boundaries import BOUNDARY_KINDS
from soupstate.model.page.marks import HEADS, OUTPUTS, Syntax

FORMAT = "2"
PREFIX = "network."  # of the names of the network's parameters
LAYER = "depth."  # of the names of the depth layer's parameters
DEFAULT = Path(__file__).parent / "weights" / "soupstate.safetensors"


@dataclass(frozen=True)
class Logistic:
    """A logistic regression: the chance is 1 / (1 + exp(-(weights @ row + bias)))."""

    weights: tuple[float, ...]
    bias: float


@dataclass(frozen=True)
class Checkpoint:
    """A network and what is needed to read pages with it.

    delay: bytes of look-ahead of every head. changes (BOUNDARY_KINDS, classes, classes): log-likelihood of a change of
    syntax, see `Evidence`. depth, ranking: None until they are fitted; see `soupstate.model.faults.ranking` for the
    meaning of the ranking. training, evaluation: figures that the model card prints. backward_file: the network that
    reads pages from their end, where there is one.
    """

    name: str
    version: str
    delay: int
    parameters: Parameters
    changes: NDArray[np.float32]
    depth: Depth | None = None
    ranking: Logistic | None = None
    training: dict[str, Any] = field(default_factory=dict)
    evaluation: dict[str, Any] = field(default_factory=dict)
    backward_file: Path | None = None

    @property
    def reads_backward(self) -> bool:
        """Whether the network reads pages from their end."""
        return bool(self.training.get("experiment", {}).get("backward"))

    @cached_property
    def weights(self) -> Weights:
        """The look-up tables and matrices that read a page."""
        return fold(self.parameters)


def save_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Writes the checkpoint under a temporary name and renames it. `rounded` gives the precision of each parameter."""
    tensors: Parameters = {PREFIX + k: v for k, v in rounded(checkpoint.parameters).items()}
    tensors["changes"] = checkpoint.changes.astype(np.float16)
    depth = checkpoint.depth
    if depth:
        tensors |= {LAYER + name: getattr(depth.layer, name) for name in TENSORS}
    meta = {
        "format": FORMAT,
        "name": checkpoint.name,
        "version": checkpoint.version,
        "delay": str(checkpoint.delay),
        "heads": json.dumps([[h.name, h.classes] for h in HEADS]),
        "depth": json.dumps([asdict(neuron) for neuron in depth.neurons] if depth else []),
        "training": json.dumps(checkpoint.training),
        "evaluation": json.dumps(checkpoint.evaluation),
    }
    if checkpoint.ranking:
        meta["ranking"] = json.dumps(asdict(checkpoint.ranking))
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    save_file({k: np.ascontiguousarray(v) for k, v in tensors.items()}, part, meta)
    part.chmod(0o644)  # safetensors makes it readable for its owner only; the Docker image runs as another user
    part.rename(path)


def load_checkpoint(path: Path = DEFAULT, *, backward: bool = False) -> Checkpoint:
    """Loads the checkpoint of a network that reads pages from their beginning or, with `backward`, from their end.

    NAME-backward.safetensors beside NAME.safetensors is the backward network that goes with it. Raises
    FileNotFoundError, or ValueError that says what is wrong with the file.
    """
    if not path.exists():
        raise FileNotFoundError(f"no weights at {path}")
    try:
        with safe_open(path, "np") as f:
            meta = f.metadata() or {}
            tensors = {k: f.get_tensor(k) for k in f.keys()}  # noqa: SIM118 (not a dict)
    except SafetensorError as e:
        raise ValueError(f"{path} is not a safetensors file: {e}") from e
    if meta.get("format") != FORMAT:
        raise ValueError(f"{path}: checkpoint format {meta.get('format')!r}, this version reads format {FORMAT!r}")
    heads = json.dumps([[h.name, h.classes] for h in HEADS])
    if meta["heads"] != heads:
        raise ValueError(f"{path} was trained with other heads: {meta['heads']}")
    if "changes" not in tensors:
        raise ValueError(f"{path}: missing tensor changes")
    parameters = {k.removeprefix(PREFIX): v for k, v in tensors.items() if k.startswith(PREFIX)}
    changes = tensors["changes"].astype(np.float32)
    checkpoint = Checkpoint(
        name=meta["name"],
        version=meta["version"],
        delay=int(meta["delay"]),
        parameters=parameters,
        changes=changes,
        depth=_depth(meta["depth"], tensors),
        ranking=_ranking(meta.get("ranking")),
        training=json.loads(meta["training"]),
        evaluation=json.loads(meta["evaluation"]),
        backward_file=other if (other := path.with_stem(f"{path.stem}-backward")).exists() else None,
    )
    if checkpoint.reads_backward != backward:
        reads, wanted = ("end", "beginning") if checkpoint.reads_backward else ("beginning", "end")
        needed = f"one that reads from their {wanted} is needed"
        raise ValueError(f"{path}: this network reads pages from their {reads}; {needed}")
    try:
        outputs = checkpoint.weights.outputs
    except ValueError as e:
        raise ValueError(f"{path}: {e}") from None
    if changes.shape != (BOUNDARY_KINDS, len(Syntax), len(Syntax)) or outputs != OUTPUTS:
        raise ValueError(f"{path}: shapes do not fit this version")
    return checkpoint


def _depth(text: str, tensors: Parameters) -> Depth | None:
    """Returns the depth layer; None where none has been fitted."""
    if not all(LAYER + name in tensors for name in TENSORS):
        return None
    layer = DepthLayer(*(tensors[LAYER + name].astype(np.float32) for name in TENSORS))
    return Depth(layer, tuple(DepthNeuron(**neuron) for neuron in json.loads(text)))


def _ranking(text: str | None) -> Logistic | None:
    """Returns the ranking's numbers; None where none has been fitted."""
    if text is None:
        return None
    found = json.loads(text)
    return Logistic(tuple(found["weights"]), found["bias"])


def digest(path: Path) -> str:
    """Returns the SHA-256 of a file in hex. Quality floors name their weights by it."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
