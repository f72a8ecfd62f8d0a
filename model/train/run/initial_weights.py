"""Initial weights from a checkpoint, of training or to read with, of a network as large or smaller."""

from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor

from soupstate.kernels.weights import EMBEDDED, LEARNED
from soupstate.model.net.checkpoint import FORMAT
from soupstate.model.net.fold import CODES, CONTEXT, FACTORS, SCALE
from soupstate.model.net.nibbles import unpack_rows
from soupstate.model.page.marks import OUTPUT
from soupstate.model.train.network.network import Network

GATES = 4


def load_weights(network: Network, path: Path, units: int = 0, *, heads: bool = True) -> None:
    """Fills a network from a checkpoint. Parameters that the checkpoint lacks (new heads) keep their initial values.

    A checkpoint of fewer units, or the first `units` of a checkpoint of more, fill the network's first units. The new
    units keep their initial values, and the old ones do not read them yet. Where the network has fewer slots for the
    contexts' embeddings, each starts as the mean of those that now share it. Without `heads`, those keep their initial
    values: the checkpoint's may be of another format. Raises ValueError when another size differs, or the cell, and for
    a file that another version of the package wrote.
    """
    with safe_open(path, "pt", device="cpu") as f:
        written = (f.metadata() or {}).get("format", FORMAT)
        found = {k[8:]: f.get_tensor(k).float() for k in f.keys() if k.startswith("network.")}  # noqa: SIM118
    if written != FORMAT:
        raise ValueError(f"{path}: checkpoint format {written!r}, this version reads format {FORMAT!r}")
    if not heads:
        found = {k: v for k, v in found.items() if not k.startswith("heads.")}
    codes, factors = (found.pop(name, None) for name in (CODES, FACTORS))
    if codes is not None and factors is not None:  # a checkpoint to read with, whose embeddings have four bits
        table = unpack_rows(codes.byte().numpy(), factors.byte().numpy())
        found[CONTEXT] = torch.from_numpy(table) * found.pop(SCALE)
    own = network.state_dict()
    if not found or "output.weight" not in found:
        raise ValueError(f"{path}: not weights of this network (none found)")
    if CONTEXT in found and found[CONTEXT].shape[0] % own[CONTEXT].shape[0] == 0:
        found[CONTEXT] = _fewer_slots(found[CONTEXT], network.slots)
    if any(k.startswith("lstm.") and k not in found for k in own):
        raise ValueError(f"{path}: not weights of this network (another cell)")
    if units:
        found = {k: _first(k, v, units, found["output.weight"].shape[1]) for k, v in found.items()}
    few, many = found["output.weight"].shape[1], own["output.weight"].shape[1]
    if few < many:
        found = {k: _grown(k, v, own[k], few, many) for k, v in found.items() if k in own}
    wrong = [k for k, v in found.items() if k in own and own[k].shape != v.shape]
    if wrong:
        raise ValueError(f"{path}: not weights of this network ({', '.join(wrong)})")
    network.load_state_dict({**own, **{k: v for k, v in found.items() if k in own}})


def _fewer_slots(embeddings: Tensor, slots: int) -> Tensor:
    """Returns embeddings (6 * slots, 24) of those of more slots, by the low bits of the hash."""
    return embeddings.view(len(LEARNED), -1, slots, EMBEDDED).mean(1).reshape(-1, EMBEDDED)


def _first(name: str, value: Tensor, few: int, many: int) -> Tensor:
    """Returns the first `few` of a parameter's `many` units. Raises ValueError when there are fewer."""
    if few > many:
        raise ValueError(f"init_units = {few}: the checkpoint has {many} units")
    if name.startswith("lstm."):
        gates = value.view(GATES, many, -1)[:, :few]
        gates = gates[..., :few] if name == "lstm.weight_hh_l0" else gates
        return gates.reshape(GATES * few, -1) if value.ndim == 2 else gates.reshape(-1)
    return value[:, :few].clone() if value.ndim == 2 and value.shape[1] == many else value


def _grown(name: str, small: Tensor, start: Tensor, few: int, many: int) -> Tensor:
    """Returns a parameter of `few` units extended to `many`. The new units keep their initial values."""
    if small.shape == start.shape:
        return small
    grown = start.clone()
    if name.startswith("lstm."):  # gate by gate
        gates, old = grown.view(GATES, many, -1), small.view(GATES, few, -1)
        if old.shape[2] != (few if name == "lstm.weight_hh_l0" else gates.shape[2]):
            return small
        gates[:, :few] = 0.0
        gates[:, :few, : old.shape[2]] = old
    elif name == "heads.weight":
        depth = start[OUTPUT["depth"]].clone()
        grown = torch.cat([small, torch.zeros(len(small), many - few)], 1)
        if not bool(depth[:, :few].any()):  # it reads only new units
            grown[OUTPUT["depth"]] = depth
    elif small.ndim == 2 and small.shape[1] == few:
        grown = torch.cat([small, torch.zeros(len(small), many - few)], 1)
    else:  # another size differs
        return small
    return grown
