"""Checkpoints: a network in one safetensors file, with its settings and figures. They need no torch and no pickle.

The parameters have the names and shapes of the network that is trained, so training can resume from the same file. The
tables and matrices that read a page are folded from them.
"""

import hashlib
import json
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from soupstate.kernels.weights import Weights
from soupstate.model.net.block_head import BlockHead
from soupstate.model.net.corrected_faults import CorrectedFaults
from soupstate.model.net.corrected_head import CorrectedHead
from soupstate.model.net.corrected_marks import CorrectedMarks
from soupstate.model.net.depth import TENSORS, Depth, DepthLayer, DepthNeuron
from soupstate.model.net.fitted_parts import (
    block_tensors,
    blocks_in,
    fault_meta,
    fault_tensors,
    faults_in,
    mark_tensors,
    marks_in,
)
from soupstate.model.net.fold import Parameters, fold, rounded
from soupstate.model.net.layout import (
    LAYER,
    OLDER_LAYER,
    PREFIX,
    Layout,
    check_layout,
    check_numbers,
)
from soupstate.model.net.learned import Learned, learned_of
from soupstate.model.net.metadata import decoded, exactly, index, number, shown, text, whole
from soupstate.model.page.marks import FORMATS, HeadTable
from soupstate.model.page.nesting import NESTINGS

FORMAT = "3"
# Bytes of look-ahead. The shipped networks use 4. Every page is read that many bytes further, so 64 costs a page of
# 4 kB less than 2%, and a billion would never end.
MOST_DELAY = 64
MOST_LAYERS = 1  # number of the last layer: the LSTM is layer 0, the depth layer is layer 1
STATES = ("byte.", "predicted.", "length.", "lstm.")  # beginnings of the names of parameters that make the states
DEFAULT = Path(__file__).parent / "weights" / "soupstate.safetensors"


def extractor(weights: Path = DEFAULT) -> Path:
    """Returns the file of the network that extracts: NAME-extract.safetensors beside NAME.safetensors, or NAME's own.

    It is narrower and quicker than the network that measures and finds faults.
    """
    beside = weights.with_stem(f"{weights.stem}-extract")
    return beside if beside.exists() else weights


def ranking_file(weights: Path = DEFAULT) -> Path:
    """Returns the file that has the ranking of faults: NAME-backward.safetensors where there is one, or NAME's own."""
    beside = weights.with_stem(f"{weights.stem}-backward")
    return beside if beside.exists() else weights


def json_network(weights: Path = DEFAULT) -> Path:
    """Returns the file of the network that reads JSON: NAME-json.safetensors beside NAME.safetensors, or NAME's own."""
    beside = weights.with_stem(f"{weights.stem}-json")
    return beside if beside.exists() else weights


@dataclass(frozen=True)
class Logistic:
    """A logistic regression: the chance is 1 / (1 + exp(-(weights @ row + bias)))."""

    weights: tuple[float, ...]
    bias: float


class Folded(NamedTuple):
    """What parameters fold to, and the digest of those that make the states, see `Checkpoint.states_digest`."""

    weights: Weights
    states: str


@dataclass(frozen=True)
class Checkpoint:
    """A network and what is needed to read pages with it.

    delay: bytes of look-ahead of every head. changes (BOUNDARY_KINDS, classes, classes): log-likelihood of a change of
    syntax, see `Evidence`. depth, ranking, blocks: None until they are fitted; see `soupstate.model.faults.ranking` for
    the meaning of the ranking. marks, faults: None until corrections have taught any; faults goes with the ranking.
    training, evaluation: figures that the model card prints. corrections: what was learned from corrections, the latest
    last. backward_file: the network that reads pages from their end, where there is one. folded: what is left of the
    parameters, where they were dropped.
    """

    name: str
    version: str
    delay: int
    parameters: Parameters
    changes: NDArray[np.float32]
    depth: Depth | None = None
    ranking: Logistic | None = None
    blocks: BlockHead | CorrectedHead | None = None
    marks: CorrectedMarks | None = None
    faults: CorrectedFaults | None = None
    training: dict[str, Any] = field(default_factory=dict)
    evaluation: dict[str, Any] = field(default_factory=dict)
    corrections: tuple[Learned, ...] = ()
    backward_file: Path | None = None
    folded: Folded | None = None

    def for_reading(self) -> "Checkpoint":
        """Returns the checkpoint with what its parameters fold to, and without them: all that a reader needs.

        It takes about half of the memory, and it cannot be saved.
        """
        return self if self.folded else replace(self, parameters={}, folded=Folded(self.weights, self.states_digest))

    @property
    def reads(self) -> str:
        """The format that the network reads: html or json."""
        return str(self.training.get("experiment", {}).get("format", "html"))

    @property
    def reads_backward(self) -> bool:
        """Whether the network reads pages from their end."""
        return bool(self.training.get("experiment", {}).get("backward"))

    @cached_property
    def weights(self) -> Weights:
        """The look-up tables and matrices that read a page."""
        return self.folded.weights if self.folded else fold(self.parameters)

    @cached_property
    def corrected_weights(self) -> Weights | None:
        """The same with the heads' outputs that corrections have taught, None where none have."""
        if self.marks is None:
            return None
        return replace(self.weights, heads=self.marks.weight, heads_bias=self.marks.bias)

    @cached_property
    def states_digest(self) -> str:
        """The SHA-256 in hex of the parameters that make the states: embeddings, copy input and recurrence.

        A head that was fitted to the states of one network works with any other of the same digest. Marks, the next
        byte and everything else that reads the states are not part of it.
        """
        if self.folded:
            return self.folded.states
        digest = hashlib.sha256()
        for name in sorted(name for name in self.parameters if name.startswith(STATES)):
            digest.update(f"{name}\0".encode() + self.parameters[name].astype(np.float16).tobytes())
        return digest.hexdigest()


def save_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Writes the checkpoint under a temporary name and renames it. `rounded` gives the precision of each parameter.

    Raises ValueError for the checkpoint of a reader, which has no parameters.
    """
    if checkpoint.folded:
        raise ValueError("this checkpoint was made for reading: it has no parameters to save")
    tensors: Parameters = {PREFIX + k: v for k, v in rounded(checkpoint.parameters).items()}
    tensors["changes"] = checkpoint.changes.astype(np.float16)
    depth = checkpoint.depth
    if depth:
        tensors |= {LAYER + name: getattr(depth.layer, name).astype(np.float16) for name in TENSORS}
    tensors |= block_tensors(checkpoint.blocks) | mark_tensors(checkpoint.marks) | fault_tensors(checkpoint.faults)
    meta = {
        "format": FORMAT,
        "name": checkpoint.name,
        "version": checkpoint.version,
        "delay": str(checkpoint.delay),
        "heads": json.dumps(_listed(FORMATS[checkpoint.reads])),
        "depth": json.dumps([asdict(neuron) for neuron in depth.neurons] if depth else []),
        "training": json.dumps(checkpoint.training),
        "evaluation": json.dumps(checkpoint.evaluation),
    }
    if checkpoint.corrections:
        meta["corrections"] = json.dumps([asdict(learned) for learned in checkpoint.corrections])
    meta |= fault_meta(checkpoint.faults)
    if checkpoint.ranking:
        meta["ranking"] = json.dumps(asdict(checkpoint.ranking))
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    save_file({k: np.ascontiguousarray(v) for k, v in tensors.items()}, part, meta)
    part.chmod(0o644)  # safetensors makes it readable for its owner only; the Docker image runs as another user
    part.rename(path)


def _listed(table: HeadTable) -> list[list[str | int]]:
    return [[head.name, head.classes] for head in table.heads]


def load_checkpoint(
    path: Path = DEFAULT, *, backward: bool = False, ranked: int | None = None, reads: str = "html"
) -> Checkpoint:
    """Loads the checkpoint of a network that reads pages from their beginning or, with `backward`, from their end.

    reads: the format that it must read, a key of FORMATS.
    NAME-backward.safetensors beside NAME.safetensors is the backward network that goes with it; it is checked too.
    A depth layer of a version before 2.6 is left out; `soupstate neurons` fits a new one. ranked: numbers that a
    ranking must weigh; None for any. Raises FileNotFoundError or another OSError for a file that cannot be read, and
    ValueError that names the tensor or the key of metadata that is wrong with it.
    """
    checkpoint = _loaded(path, backward, ranked, reads)
    other = ranking_file(path)
    if backward or other == path:
        return checkpoint
    _loaded(other, True, ranked, reads)
    return replace(checkpoint, backward_file=other)


def load_any(path: Path) -> Checkpoint:
    """Loads a checkpoint of any format, whichever end it reads from. The backward network beside it stays out.

    Raises what `load_checkpoint` raises.
    """
    _look(path)
    with suppress(SafetensorError, ValueError), safe_open(path, "np") as f:
        experiment = decoded(f.metadata() or {}, "training", dict).get("experiment")
        if isinstance(experiment, dict) and experiment.get("format", "html") in (*FORMATS,):
            return _loaded(path, bool(experiment.get("backward")), None, experiment.get("format", "html"))
    return _loaded(path, False, None, "html")


def _loaded(path: Path, backward: bool, ranked: int | None, reads: str) -> Checkpoint:
    """Returns a checkpoint without its backward network."""
    _look(path)
    try:
        with safe_open(path, "np") as f:
            meta = f.metadata() or {}
            if meta.get("format") != FORMAT:
                found = shown(meta.get("format"))
                raise ValueError(f"checkpoint format {found}, this version reads format {FORMAT!r}")
            _check_format(meta, reads)
            slices = {name: f.get_slice(name) for name in f.keys()}  # noqa: SIM118 (not a dict)
            if OLDER_LAYER in slices:
                slices = {name: s for name, s in slices.items() if not name.startswith(LAYER)}
                meta["depth"] = "[]"
            check_layout(
                {name: Layout(s.get_dtype(), tuple(s.get_shape())) for name, s in slices.items()},
                FORMATS[reads],
                NESTINGS[reads],
            )
            tensors = {name: f.get_tensor(name) for name in slices}
        for name, tensor in tensors.items():
            check_numbers(name, tensor)
        checkpoint = _made(meta, tensors, ranked)
    except SafetensorError as e:
        raise ValueError(f"{path} is not a safetensors file: {e}") from e
    except ValueError as e:
        raise ValueError(f"{path}: {e}") from None
    if checkpoint.reads_backward != backward:
        reads, wanted = ("end", "beginning") if checkpoint.reads_backward else ("beginning", "end")
        needed = f"one that reads from their {wanted} is needed"
        raise ValueError(f"{path}: this network reads pages from their {reads}; {needed}")
    return checkpoint


def _look(path: Path) -> None:
    """Raises OSError with a message that names the file, where it is no file that can be read."""
    if not path.exists():
        raise FileNotFoundError(f"no weights at {path}")
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder, not a file of weights")
    if not path.is_file():
        raise OSError(f"{path} is not a regular file")
    try:
        path.open("rb").close()
    except OSError as error:
        raise type(error)(f"{path}: {error.strerror}") from None


def _check_format(meta: dict[str, str], reads: str) -> None:
    """Raises ValueError for the metadata of a network that reads another format, or has other heads."""
    experiment = decoded(meta, "training", dict).get("experiment", {})
    if not isinstance(experiment, dict) or not isinstance(experiment.get("backward", False), bool):
        raise ValueError(f"training: experiment is {shown(experiment)}, expected an object whose backward is a bool")
    known = experiment.get("format", "html")
    if known not in FORMATS:
        raise ValueError(f"training: experiment.format is {shown(known)}, expected one of {', '.join(FORMATS)}")
    if known != reads:
        raise ValueError(f"this network reads {known}; one that reads {reads} is needed")
    if decoded(meta, "heads", list) != _listed(FORMATS[reads]):
        raise ValueError(f"heads: the network was trained with other heads: {shown(meta['heads'])}")


def _made(meta: dict[str, str], tensors: Parameters, ranked: int | None) -> Checkpoint:
    """Returns the checkpoint of a file's metadata and tensors, whose layout has been checked."""
    training = decoded(meta, "training", dict)
    return Checkpoint(
        name=text(meta, "name"),
        version=text(meta, "version"),
        delay=whole(meta, "delay", MOST_DELAY),
        parameters={k.removeprefix(PREFIX): v for k, v in tensors.items() if k.startswith(PREFIX)},
        changes=tensors["changes"].astype(np.float32),
        depth=_depth(meta, tensors),
        ranking=_ranking(decoded(meta, "ranking", dict), ranked) if "ranking" in meta else None,
        blocks=blocks_in(tensors),
        marks=marks_in(tensors),
        faults=faults_in(meta, tensors),
        training=training,
        evaluation=decoded(meta, "evaluation", dict),
        corrections=_corrections(decoded(meta, "corrections", list)) if "corrections" in meta else (),
    )


def _depth(meta: dict[str, str], tensors: Parameters) -> Depth | None:
    """Returns the depth layer; None where none has been fitted. Older files then hold an object for the neurons."""
    if LAYER + TENSORS[0] not in tensors:
        unfitted = decoded(meta, "depth", object)
        if unfitted != [] and not isinstance(unfitted, dict):
            raise ValueError(f"depth: {shown(meta['depth'])}, but the file has no tensors of the layer")
        return None
    neurons = decoded(meta, "depth", list)
    nesting = NESTINGS[str(decoded(meta, "training", dict).get("experiment", {}).get("format", "html"))]
    layer = DepthLayer(nesting=nesting, **{name: tensors[LAYER + name].astype(np.float32) for name in TENSORS})
    if len(neurons) > nesting.cells:
        raise ValueError(f"depth: {len(neurons)} neurons, expected at most {nesting.cells}")
    return Depth(layer, tuple(_neuron(f"depth[{i}]", neuron, nesting.cells) for i, neuron in enumerate(neurons)))


def _corrections(found: list[Any]) -> tuple[Learned, ...]:
    return tuple(learned_of(f"corrections[{i}]", value) for i, value in enumerate(found))


def _neuron(key: str, value: Any, cells: int) -> DepthNeuron:
    found = exactly(key, value, ("layer", "unit", "r"))
    layer, unit = index(f"{key}.layer", found["layer"], MOST_LAYERS), index(f"{key}.unit", found["unit"], cells - 1)
    return DepthNeuron(layer, unit, number(f"{key}.r", found["r"]))


def _ranking(value: dict[str, Any], ranked: int | None) -> Logistic:
    """Returns the ranking's numbers."""
    found = exactly("ranking", value, ("weights", "bias"))
    weights = found["weights"]
    if not isinstance(weights, list) or not weights:
        raise ValueError(f"ranking.weights: {shown(weights)}, expected a list of numbers")
    if ranked is not None and len(weights) != ranked:
        raise ValueError(f"ranking.weights: {len(weights)} numbers, expected {ranked}")
    numbers = tuple(number(f"ranking.weights[{i}]", weight) for i, weight in enumerate(weights))
    return Logistic(numbers, number("ranking.bias", found["bias"]))


def digest(path: Path) -> str:
    """Returns the SHA-256 of a file in hex. Quality floors name their weights by it."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
