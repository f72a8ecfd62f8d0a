"""Counting units: the last few units, which start with a long memory. The depth head reads only these."""

import torch
from torch import Tensor

from soupstate.model.page.marks import OUTPUT
from soupstate.model.train.network.network import Network

# Biases of the forget gates. Half of the units never forget, as in the first LSTM (Hochreiter & Schmidhuber 1997), so
# that they do not fall back to the usual depth. The others start with memories of about 150 to 8000 bytes, evenly
# spread, and may learn another (Tallec & Ollivier 2018).
NEVER_FORGET = 20.0
FORGET = (5.0, 9.0)
INPUT = -3.0  # bias of the input gates: units write little until they have learned what to write


def start_counters(network: Network, units: int) -> None:
    """Makes the last `units` units of an untrained network count. Their weights are small, so that biases dominate."""
    lstm = network.lstm
    total = lstm.hidden_size
    forget = torch.cat([torch.full((units // 2,), NEVER_FORGET), torch.linspace(*FORGET, units - units // 2)])
    biases: tuple[Tensor | float, ...] = (torch.full((units,), INPUT), forget, 0.0, 1.0)
    with torch.no_grad():
        for gate, bias in enumerate(biases):
            rows = slice((gate + 1) * total - units, (gate + 1) * total)
            lstm.bias_ih_l0[rows], lstm.bias_hh_l0[rows] = bias, 0.0
            if gate in (1, 3):
                lstm.weight_ih_l0[rows], lstm.weight_hh_l0[rows] = 0.0, 0.0
        if network.heads is not None:
            row = network.heads.weight[OUTPUT["depth"]]
            row[:, :-units] = 0.0
            row[:, -units:] = 0.5


def keep_set_up(network: Network) -> None:
    """Keeps what `start_counters` has set up. Call it between the gradient and the optimizer's step.

    Weights of the depth head that are zero get no gradient, nor do forget gates that must never forget.
    """
    lstm = network.lstm
    if network.heads is not None and network.heads.weight.grad is not None:
        part = OUTPUT["depth"]
        network.heads.weight.grad[part] *= network.heads.weight.detach()[part] != 0
    total = lstm.hidden_size
    rows = slice(total, 2 * total)
    moving = (lstm.bias_ih_l0.detach()[rows] < NEVER_FORGET).float()
    for p in (lstm.weight_ih_l0, lstm.weight_hh_l0, lstm.bias_ih_l0, lstm.bias_hh_l0):
        if p.grad is not None:
            p.grad[rows] *= moving[:, None] if p.ndim == 2 else moving
