"""Units that can count: the last few, which start with a long memory, and which alone the depth head reads."""

import torch

from model.page.marks import OUTPUT
from model.train.network import Network

# Biases of the forget gates, spread evenly: memories of some 150 to 8000 bytes (Tallec & Ollivier 2018).
FORGET = (5.0, 9.0)
INPUT = -3.0  # bias of the input gates: little is written until it is learned what


def start_counters(network: Network, units: int) -> None:
    """Sets the last `units` units of an untrained network up to count; their weights are small, so that biases rule."""
    lstm, total = network.lstm, network.lstm.hidden_size
    with torch.no_grad():
        for gate, bias in enumerate((torch.full((units,), INPUT), torch.linspace(*FORGET, units), 0.0, 1.0)):
            rows = slice((gate + 1) * total - units, (gate + 1) * total)
            lstm.bias_ih_l0[rows], lstm.bias_hh_l0[rows] = bias, 0.0
            if gate in (1, 3):
                lstm.weight_ih_l0[rows], lstm.weight_hh_l0[rows] = 0.0, 0.0
        if network.heads is not None:
            row = network.heads.weight[OUTPUT["depth"]]
            row[:, :-units] = 0.0
            row[:, -units:] = 0.5


def keep_zeros(network: Network) -> None:
    """Weights of the depth head that are nought stay so: call it between the gradient and the step."""
    if network.heads is not None and network.heads.weight.grad is not None:
        part = OUTPUT["depth"]
        network.heads.weight.grad[part] *= network.heads.weight.detach()[part] != 0
