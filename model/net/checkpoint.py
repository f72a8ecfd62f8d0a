"""Checkpoints: a network's parameters in one safetensors file with config, depth units, figures. No torch, no pickle.

The parameters are named and shaped as those of the network that learns, so that training goes on from the same file;
what is read with is folded from them.
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

from kernels.weights import Weights
from model.net.depth import TENSORS, Depth, DepthLayer, DepthNeuron
from model.net.fold import Parameters, fold, rounded
from model.net.ranking import Ranking
from model.page.boundaries import KINDS
from model.page.marks import HEADS, OUTPUTS, Syntax

FORMAT = "2"
PREFIX = "network."  # of the parameters' names
LAYER = "depth."  # of the depth layer's
DEFAULT = Path(__file__).parent / "weights" / "soupstate.safetensors"


@dataclass(frozen=True)
class Checkpoint:
    """A network as it is read. changes: (KINDS, classes, classes) log-likelihood of a change of syntax, see Reader."""

    name: str
    version: str
    delay: int  # bytes of look-ahead of every head
    parameters: Parameters
    changes: NDArray[np.float32]
    depth: Depth | None = None  # until it is fitted there is none
    ranking: Ranking = field(default_factory=Ranking)
    training: dict[str, Any] = field(default_factory=dict)  # figures as the model card prints them
    evaluation: dict[str, Any] = field(default_factory=dict)
    behind: Path | None = None  # file of the network that reads pages from their end, where there is one

    @property
    def backward(self) -> bool:
        """Whether the network reads pages from their end."""
        return bool(self.training.get("experiment", {}).get("backward"))

    @cached_property
    def weights(self) -> Weights:
        """The look-up tables and matrices that a page is read with."""
        return fold(self.parameters)


def save_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Writes the checkpoint under a temporary name and renames it; `rounded` says in what precision."""
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
        "ranking": json.dumps(asdict(checkpoint.ranking)),
        "training": json.dumps(checkpoint.training),
        "evaluation": json.dumps(checkpoint.evaluation),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    save_file({k: np.ascontiguousarray(v) for k, v in tensors.items()}, part, meta)
    part.chmod(0o644)  # safetensors writes for the owner alone; the image reads as another user
    part.rename(path)


def load_checkpoint(path: Path = DEFAULT, *, backward: bool = False) -> Checkpoint:
    """Reads a checkpoint of a network that reads from the beginning or, `backward`, from the end.

    NAME-backward.safetensors beside NAME.safetensors is the network that goes with it. Raises FileNotFoundError, or
    ValueError that says what about the file is wrong.
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
        raise ValueError(f"{path}: checkpoint format {meta.get('format')!r}, this version reads {FORMAT!r}")
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
        behind=behind if (behind := path.with_stem(f"{path.stem}-backward")).exists() else None,
    )
    if checkpoint.backward != backward:
        reads, wanted = ("end", "beginning") if checkpoint.backward else ("beginning", "end")
        raise ValueError(f"{path}: a network that reads pages from their {reads}; one from their {wanted} is needed")
    try:
        outputs = checkpoint.weights.outputs
    except ValueError as e:
        raise ValueError(f"{path}: {e}") from None
    if changes.shape != (KINDS, len(Syntax), len(Syntax)) or outputs != OUTPUTS:
        raise ValueError(f"{path}: shapes do not fit this version")
    return checkpoint


def _depth(text: str, tensors: Parameters) -> Depth | None:
    """As the checkpoint has it; None where no depth layer was fitted yet."""
    if not all(LAYER + name in tensors for name in TENSORS):
        return None
    layer = DepthLayer(*(tensors[LAYER + name].astype(np.float32) for name in TENSORS))
    return Depth(layer, tuple(DepthNeuron(**neuron) for neuron in json.loads(text)))


def _ranking(text: str | None) -> Ranking:
    """As the checkpoint has it; the unfitted one where it has none."""
    if text is None:
        return Ranking()
    found = json.loads(text)
    return Ranking(tuple(found["weights"]), found["bias"])


def digest(path: Path) -> str:
    """SHA-256 of a file, in hex: what quality floors name their weights by."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
