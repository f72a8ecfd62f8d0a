"""Turns a training checkpoint into weights to read with: rounds the parameters and counts changes of syntax."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from torch import Tensor

from soupstate.model.net.checkpoint import Checkpoint, save_checkpoint
from soupstate.model.net.fold import CONTEXT, Parameters, rounded
from soupstate.model.page.boundaries import BOUNDARY_KINDS, boundary_kinds
from soupstate.model.page.marks import IGNORED, HeadTable
from soupstate.model.train.data.shards import BYTE, MARKS, Shards
from soupstate.model.train.network.network import Network
from soupstate.model.train.run.experiment import Experiment
from soupstate.model.train.run.initial_weights import load_weights
from soupstate.model.train.run.loop import build_network

COUNTED_BYTES = 60_000_000  # bytes of lessons in which changes of syntax are counted
UNSEEN_CHANGE = -60.0  # nats of a change that was never counted


def export(
    checkpoint: Path, plan: Experiment, out: Path, *, name: str, version: str, mean_with: Sequence[Path] = ()
) -> None:
    """Writes the weights of a training checkpoint to `out`. The experiment's shards must exist.

    mean_with: other checkpoints, of training or to read with. The weights are then the mean of all. That helps where
    they were trained on from the same weights (Wortsman et al. 2022, "Model soups"). Raises OSError or ValueError for a
    checkpoint, an experiment or shards that cannot be used.
    """
    network = _loaded(plan, checkpoint)
    if mean_with:
        network.load_state_dict(_mean([network, *(_loaded(plan, path) for path in mean_with)]))
    changes = count_changes(Shards(Path(plan.shards), backward=plan.backward), plan.table)
    training = {"experiment": asdict(plan)}
    save_checkpoint(Checkpoint(name, version, plan.delay, parameters(network), changes, training=training), out)


def _loaded(plan: Experiment, path: Path) -> Network:
    """Returns the network of an experiment with a checkpoint's parameters. Raises ValueError unless it has them all."""
    network = build_network(plan)
    own = {k: list(v.shape) for k, v in network.state_dict().items() if k != CONTEXT}
    try:
        with safe_open(path, "pt") as file:
            names = {f"network.{k}" for k in own} & set(file.keys())
            sizes = {name[8:]: file.get_slice(name).get_shape() for name in names}
    except SafetensorError as error:
        raise ValueError(f"{path} is no training checkpoint: {error}") from None
    if sizes != own:
        raise ValueError(f"{path}: not weights of the network of this experiment")
    load_weights(network, path)
    return network


def _mean(networks: Sequence[Network]) -> dict[str, Tensor]:
    states = [network.state_dict() for network in networks]
    return {name: torch.stack([state[name] for state in states]).mean(0) for name in states[0]}


def parameters(network: Network) -> Parameters:
    """Returns a network's parameters as a checkpoint holds them. Raises ValueError for one that no kernel can read."""
    if network.heads is None or not network.copy:
        raise ValueError("only a network with heads and the copy input can be read")
    return rounded({k: v.detach().cpu().float().numpy() for k, v in network.state_dict().items()})


def count_changes(shards: Shards, table: HeadTable) -> NDArray[np.float32]:
    """Returns the log-likelihood (BOUNDARY_KINDS, from, to) of a byte's syntax.

    It is given the syntax of the byte before and the kind of the place between the two.
    """
    classes = table.syntaxes
    counts = np.zeros(BOUNDARY_KINDS * classes * classes, np.float64)
    seen = 0
    order = np.random.default_rng(0).permutation(len(shards))
    for i in order:
        rows = shards.lesson(int(i))
        if len(rows) < 2:
            continue
        syntax = rows[:, MARKS + table.column["syntax"]].astype(np.int64)
        kinds = boundary_kinds(np.ascontiguousarray(rows[1:, BYTE]), int(rows[0, BYTE])).astype(np.int64)
        known = (syntax[1:] != IGNORED) & (syntax[:-1] != IGNORED)
        index = (kinds * classes + syntax[:-1]) * classes + syntax[1:]
        counts += np.bincount(index[known], minlength=len(counts))
        seen += len(rows)
        if seen > COUNTED_BYTES:
            break
    counted = counts.reshape(BOUNDARY_KINDS, classes, classes)
    with np.errstate(divide="ignore"):
        logs = np.log(counted) - np.log(np.maximum(counted.sum(2, keepdims=True), 1))
    floored: NDArray[np.float32] = np.maximum(logs, UNSEEN_CHANGE).astype(np.float32)
    return floored
