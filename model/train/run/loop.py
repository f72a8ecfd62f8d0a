"""A training run: its updates are deterministic for a seed, and it resumes exactly from its checkpoint."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional

from soupstate.model.page.marks import COLUMN, DEEPEST, HEADS, IGNORED, HeadTable
from soupstate.model.train.data.lanes import NO_TARGET, Batch, Lanes
from soupstate.model.train.data.loaders import Loaders
from soupstate.model.train.data.shards import Shards
from soupstate.model.train.network.counters import keep_set_up, start_counters
from soupstate.model.train.network.network import LstmState, Network
from soupstate.model.train.network.rows_adam import RowsAdam
from soupstate.model.train.run.device import Tensors, has_bfloat16, to_device
from soupstate.model.train.run.experiment import Experiment
from soupstate.model.train.run.initial_weights import load_weights


def build_network(experiment: Experiment) -> Network:
    """Returns the untrained network of an experiment. Its weights depend only on the seed."""
    torch.manual_seed(experiment.seed)
    e, outputs = experiment, experiment.table.outputs if experiment.heads else 0
    dropout = e.context_dropout
    network = Network(e.units, e.embedding, outputs, copy=e.copy, slots=e.slots, context_dropout=dropout)
    if experiment.depth_units:
        start_counters(network, experiment.depth_units)
    return network


def learning_rate(experiment: Experiment, characters: int, time_used: float = 0.0) -> float:
    """Returns the rate: linear warm-up, constant, half a cosine over the last `decay` (Loshchilov & Hutter 2017).

    time_used: the share of the time that the training may take. The rate falls by it where it is ahead of the
    characters, so that a training that ends by time ends at the lowest rate, too.
    """
    e = experiment
    if characters < e.warm_up:
        return e.learning_rate * (characters + 1) / e.warm_up
    done = max(characters / e.characters, time_used)
    if e.decay <= 0 or done <= 1 - e.decay:
        return e.learning_rate
    share = min(1.0, (done - 1 + e.decay) / e.decay)
    low = e.final_learning_rate
    return low + (e.learning_rate - low) * 0.5 * (1 + math.cos(math.pi * share))


def head_losses(outputs: Tensor, given: Tensors, batch: Batch, table: HeadTable) -> dict[str, Tensor]:
    """Returns the mean loss of each head in nats (depth: see `depth_losses`). Heads without marks are left out.

    outputs (B, T, those of the table) float; given: the batch on the device of outputs. Which heads have marks is read
    from the batch on the processor, because asking a GPU would mean to wait for it.
    """
    losses: dict[str, Tensor] = {}
    flat = outputs.float().flatten(0, 1)
    for head in table.heads:
        column, output = table.column[head.name], table.output[head.name]
        wanted, marked = given.marks[..., column], batch.marked[:, column]
        if not marked.any():
            continue
        if head.classes == 1:
            found = depth_losses(outputs[..., output].float(), wanted, given.depth_known)
            if not (marked & batch.depth_known).any():
                del found["depth"]
            losses |= found
        else:
            losses[head.name] = functional.cross_entropy(flat[:, output], wanted.flatten(), ignore_index=IGNORED)
    return losses


def depth_losses(outputs: Tensor, marks: Tensor, known: Tensor) -> dict[str, Tensor]:
    """Returns two mean squared errors in units of the head's scale: of depth, and of depth's changes.

    outputs (B, T, 1) float, marks (B, T), known (B,). The first is over stretches that began with their page. The
    second compares depth less its mean over the lane's steps. It teaches the network to count right from wherever the
    lane begins, also in the middle of a page. A loss without marks is 0.
    """
    used = (marks != IGNORED).float()
    error = (outputs[..., 0] - marks.clamp(max=DEEPEST).float() / DEPTH.scale) * used
    change = (error - error.sum(1, keepdim=True) / used.sum(1, keepdim=True).clamp(min=1)) * used
    at = used * known[:, None]
    losses = {"depth": error.square() * at, "depth changes": change.square() * used}
    counts = {"depth": at.sum(), "depth changes": used.sum()}
    return {name: loss.sum() / counts[name].clamp(min=1) for name, loss in losses.items()}


DEPTH = HEADS[COLUMN["depth"]]
TABLE_RATE = 3.0  # learning rate of the contexts' embeddings, as a multiple of the others'


@dataclass
class Shared:
    """What the workers of one training share: the network, the optimizer's moments by parameter, and how far it is."""

    network: Network
    slots: list[dict[str, Tensor]]
    updates: Tensor  # (1,) int64: their number
    time_used: Tensor  # (1,) float32: see `learning_rate`


class Run:
    """A training under way: network, optimizers, lanes, carried state, and progress.

    loaders: processes that prepare batches ahead; 0: the run prepares each batch when it needs it. `close` ends them.
    """

    def __init__(
        self, experiment: Experiment, root: Path, folder: Path, device: torch.device, loaders: int = 0
    ) -> None:
        self.experiment, self.root, self.folder, self.device = experiment, root, folder, device
        e = experiment
        self.network = build_network(e).to(device)
        self.optimizers = _optimizers(self.network, e)
        shards = Shards(root / e.shards, backward=e.backward)
        lanes = Lanes(shards, e.lanes, e.steps, e.delay, e.stretches, e.seed)
        self.lanes: Lanes | Loaders = Loaders(lanes, loaders) if loaders else lanes
        self.state: LstmState = self.network.zero_state(e.lanes, device)
        self._updates = torch.zeros(1, dtype=torch.int64)
        self._time_used = torch.zeros(1)
        self.seconds = 0.0  # of wall-clock time in training, up to the last save
        self.bfloat16 = has_bfloat16(device)
        if e.init:
            load_weights(self.network, root / e.init, e.init_units, heads=e.format == "html")

    @property
    def updates(self) -> int:
        """The number of optimizer steps so far, including those of other workers."""
        return int(self._updates)

    @property
    def characters(self) -> int:
        """The number of bytes read so far, all lanes together."""
        return self.updates * self.experiment.lanes * self.experiment.steps

    @property
    def rate(self) -> float:
        """The learning rate of the next update."""
        return learning_rate(self.experiment, self.characters, float(self._time_used))

    def close(self) -> None:
        """Ends the processes that prepare batches."""
        if isinstance(self.lanes, Loaders):
            self.lanes.close()

    def use_time(self, share: float) -> None:
        """Says which share of its time the training has taken, to all workers."""
        self._time_used.fill_(min(1.0, share))

    def update(self) -> dict[str, Tensor]:
        """Reads one batch and makes one optimizer step. Returns losses by name; `bits` is the next byte's, per byte."""
        e, batch = self.experiment, self.lanes.next()
        given = to_device(batch, self.device)
        state = type(self.state)(*(s * given.keep for s in self.state))
        torch.manual_seed(e.seed + self.updates)  # of what is left out, the same after a resume
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16):
            hidden, state = self.network.hidden(given.inputs, state)
            logits = self.network.next_byte(hidden, given.inputs)
            outputs = self.network.heads(hidden) if self.network.heads is not None else None
        self.state = type(state)(*(s.detach().float() for s in state))
        nats = functional.cross_entropy(logits.flatten(0, 1), given.targets.flatten(), ignore_index=NO_TARGET)
        losses = head_losses(outputs, given, batch, e.table) if outputs is not None else {}
        total = nats + e.heads_weight * self._heads_loss(losses)
        rate = self.rate
        self.network.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]  # torch does not annotate it
        keep_set_up(self.network)
        for optimizer, factor in zip(self.optimizers, (1.0, TABLE_RATE), strict=True):
            group = optimizer.param_groups[0]
            group["lr"] = rate * factor
            if factor == 1.0:
                torch.nn.utils.clip_grad_norm_(group["params"], e.clip)
            if any(p.grad is not None for p in group["params"]):
                optimizer.step()
        self._updates += 1
        return {"bits": nats.detach() / math.log(2), **{k: v.detach() for k, v in losses.items()}}

    def _heads_loss(self, losses: dict[str, Tensor]) -> Tensor:
        """Returns the sum of the heads' losses, that of depth weighted."""
        weights = {"depth": self.experiment.depth_weight, "depth changes": self.experiment.depth_changes_weight}
        total = torch.zeros((), device=self.device)
        for name, loss in losses.items():
            total = total + weights.get(name, 1.0) * loss
        return total

    def share(self) -> Shared:
        """Moves what workers share into shared memory, and returns it."""
        self.network.zero_grad(set_to_none=True)  # each worker has its own gradients; sparse ones cannot be shared
        self.network.share_memory()
        for optimizer in self.optimizers:
            for p in optimizer.param_groups[0]["params"]:
                if p not in optimizer.state:
                    step = 0 if isinstance(optimizer, RowsAdam) else torch.zeros(())
                    zeros = {"exp_avg": torch.zeros_like(p), "exp_avg_sq": torch.zeros_like(p)}
                    optimizer.state[p] = {"step": step, **zeros}
                for slot in optimizer.state[p].values():
                    if isinstance(slot, Tensor):
                        slot.share_memory_()  # type: ignore[no-untyped-call]  # torch does not annotate it
        slots = [o.state[p] for o in self.optimizers for p in o.param_groups[0]["params"]]
        for number in (self._updates, self._time_used):
            number.share_memory_()  # type: ignore[no-untyped-call]  # torch does not annotate it
        return Shared(self.network, slots, self._updates, self._time_used)

    def join(self, shared: Shared) -> None:
        """Continues with another run's network, moments and update count, as one of its workers."""
        self.network, self._updates, self._time_used = shared.network, shared.updates, shared.time_used
        self.optimizers = _optimizers(self.network, self.experiment)
        owners = [(o, p) for o in self.optimizers for p in o.param_groups[0]["params"]]
        for (optimizer, p), slots in zip(owners, shared.slots, strict=True):
            optimizer.state[p] = slots

    def save(self) -> None:
        """Writes the checkpoint under a temporary name and renames it."""
        tensors: dict[str, Tensor] = {f"network.{k}": v for k, v in self.network.state_dict().items()}
        names: dict[Tensor, str] = {p: n for n, p in self.network.named_parameters()}
        for optimizer in self.optimizers:
            for p, slots in optimizer.state.items():
                tensors |= {f"optimizer.{names[p]}.{k}": torch.as_tensor(v) for k, v in slots.items()}
        tensors |= {f"state.{k}": v for k, v in self.state._asdict().items()}
        tensors |= {k: torch.from_numpy(v.view(np.int64)) for k, v in self.lanes.state().items()}
        tensors = {k: v.detach().cpu().contiguous() for k, v in tensors.items()}
        meta = {
            "experiment": json.dumps(_plain(self.experiment)),
            "updates": str(self.updates),
            "seconds": f"{self.seconds:.3f}",
        }
        path = self.folder / "checkpoint.safetensors"
        save_file(tensors, path.with_suffix(".part"), meta)
        path.with_suffix(".part").rename(path)

    def resume(self) -> bool:
        """Resumes from the folder's checkpoint; False without one. Raises ValueError for another experiment's."""
        path = self.folder / "checkpoint.safetensors"
        if not path.exists():
            return False
        with safe_open(path, "pt", device="cpu") as f:
            meta = f.metadata()
            tensors: dict[str, Tensor] = {k: f.get_tensor(k) for k in f.keys()}  # noqa: SIM118 (not a dict)
        # Keys that the checkpoint's version did not know have their defaults.
        was = _plain(Experiment("", "")) | json.loads(meta["experiment"])
        now = json.loads(json.dumps(_plain(self.experiment)))
        free = {
            "characters",
            "log_interval",
            "checkpoint_seconds",
            "init",
            "held_out",
            "held_out_seconds",
        }  # may change between runs
        changed = sorted(k for k in now if k not in free and was.get(k) != now[k])
        if changed:
            raise ValueError(f"{path} was made with other {', '.join(changed)}; choose another --out or remove it")
        self.network.load_state_dict({k[8:]: v for k, v in tensors.items() if k.startswith("network.")})
        names: dict[Tensor, str] = {p: n for n, p in self.network.named_parameters()}
        for optimizer in self.optimizers:
            for p in optimizer.param_groups[0]["params"]:
                name = f"optimizer.{names[p]}"
                step = tensors.get(f"{name}.step")
                if step is not None:
                    moments = {k: tensors[f"{name}.{k}"].to(self.device) for k in ("exp_avg", "exp_avg_sq")}
                    # The step of RowsAdam is a number; that of Adam is a tensor, which stays on the processor.
                    optimizer.state[p] = {"step": int(step) if isinstance(optimizer, RowsAdam) else step, **moments}
        self.state = type(self.state)(*(tensors[f"state.{k}"].to(self.device) for k in self.state._fields))
        self.lanes.restore(tensors["lanes.places"].numpy(), tensors["lanes.random"].numpy().view(np.uint64))
        self._updates.fill_(int(meta["updates"]))
        self.seconds = float(meta.get("seconds", 0))
        return True


def _optimizers(network: Network, experiment: Experiment) -> list[torch.optim.Optimizer]:
    """Returns Adam for everything but the contexts' embeddings, and RowsAdam for those."""
    table = network.context.weight
    dense = [p for p in network.parameters() if p is not table]
    rate = experiment.learning_rate
    return [
        torch.optim.Adam(dense, lr=rate, betas=(0.9, 0.99)),
        RowsAdam([table], lr=rate * TABLE_RATE, betas=(0.9, 0.99)),
    ]


def _plain(experiment: Experiment) -> dict[str, Any]:
    return {**vars(experiment), "stretches": vars(experiment.stretches)}
