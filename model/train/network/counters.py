"""Units that can count: the last few, which start with a long memory, and which alone the depth head reads."""

import torch

from soupstate.model.page.marks import OUTPUT
from soupstate.model.train.network.network import Network

# Biases of the forget gates: half of the units never forget, as in the first LSTM (Hochreiter & Schmidhuber 1997):
# they do not fall back to the usual depth; the others start with memories of some 150 to 8000 bytes, evenly spread, and
# may learn another (Tallec & Ollivier 2018).
NEVER = 20.0
FORGET = (5.0, 9.0)
INPUT = -3.0  # bias of the input gates: little is written until it is learned what


def start_counters(network: Network, units: int) -> None:
    """Sets the last `units` units of an untrained network up to count; their weights are small, so that biases rule.

    Raises ValueError for a network without an LSTM.
    """
    lstm = network.lstm
    if lstm is None:
        raise ValueError("depth_units: not for cell = 'qrnn'")
    total = lstm.hidden_size
    forget = torch.cat([torch.full((units // 2,), NEVER), torch.linspace(*FORGET, units - units // 2)])
    with torch.no_grad():
        for gate, bias in enumerate((torch.full((units,), INPUT), forget, 0.0, 1.0)):
            rows = slice((gate + 1) * total - units, (gate + 1) * total)
            lstm.bias_ih_l0[rows], lstm.bias_hh_l0[rows] = bias, 0.0
            if gate in (1, 3):
                lstm.weight_ih_l0[rows], lstm.weight_hh_l0[rows] = 0.0, 0.0
        if network.heads is not None:
            row = network.heads.weight[OUTPUT["depth"]]
            row[:, :-units] = 0.0
            row[:, -units:] = 0.5


def keep_set_up(network: Network) -> None:
    """What is set up stays so: call it between the gradient and the step.

    Weights of the depth head that are nought get no gradient, nor do forget gates that are never to forget. Of a QRNN
    nothing is set up.
    """
    lstm = network.lstm
    if lstm is None:
        return
    if network.heads is not None and network.heads.weight.grad is not None:
        part = OUTPUT["depth"]
        network.heads.weight.grad[part] *= network.heads.weight.detach()[part] != 0
    total = lstm.hidden_size
    rows = slice(total, 2 * total)
    moving = (lstm.bias_ih_l0.detach()[rows] < NEVER).float()
    for p in (lstm.weight_ih_l0, lstm.weight_hh_l0, lstm.bias_ih_l0, lstm.bias_hh_l0):
        if p.grad is not None:
            p.grad[rows] *= moving[:, None] if p.ndim == 2 else moving
