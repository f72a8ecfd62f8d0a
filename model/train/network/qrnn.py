"""The QRNN cell (Bradbury et al. 2017, "Quasi-Recurrent Neural Networks"): gates from the input alone, fo-pooling."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from soupstate.model.train.network.forget_mult import forget_mult

GATES = 3  # z, f, o, in this order
# Biases of the forget gates, evenly spread: memories of some 2 to 150 bytes, which training may change. No gate sees
# the state, so units that remember for long have to be there from the start (Tallec & Ollivier 2018, of the LSTM).
FORGET = (0.0, 5.0)


class QrnnState(NamedTuple):
    """What is carried on. c (layers, B, units), and the last input of each layer: of the first `byte` (1, B, inputs),
    of the further ones `below` (layers - 1, B, units)."""

    c: Tensor
    byte: Tensor
    below: Tensor


class Qrnn(nn.Module):
    """Layers of a convolution of width 2 and fo-pooling; the last one's h is what comes out.

    x (B, T, inputs) a layer's input: z, f, o = tanh, sigmoid, sigmoid of W [x_{t-1}, x_t] + b;
    c_t = f_t c_{t-1} + (1 - f_t) z_t; h_t = o_t c_t.

    zoneout: the share of the forget gates that are 1 at a step of training (section 2.1 of the paper). Outside of
    training 1 - f is multiplied by the share that is left.
    """

    def __init__(self, inputs: int, units: int, layers: int, zoneout: float = 0.0) -> None:
        super().__init__()
        self.inputs, self.units, self.zoneout = inputs, units, zoneout
        self.layers = nn.ModuleList(nn.Linear(2 * (units if k else inputs), GATES * units) for k in range(layers))
        with torch.no_grad():
            for layer in self.layers:
                layer.bias[units : 2 * units] = torch.linspace(*FORGET, units)  # type: ignore[index]

    def zero_state(self, lanes: int, device: torch.device) -> QrnnState:
        """The state before a page."""
        count = len(self.layers)
        shapes = ((count, self.units), (1, self.inputs), (count - 1, self.units))
        return QrnnState(*(torch.zeros(rows, lanes, width, device=device) for rows, width in shapes))

    def forward(self, x: Tensor, state: QrnnState) -> tuple[Tensor, QrnnState]:
        """h (B, T, units) of x (B, T, inputs), and the state after it. T is at least 1."""
        cells, inputs = [], []
        for k, layer in enumerate(self.layers):
            last = state.below[k - 1] if k else state.byte[0]
            before = torch.cat([last[:, None].to(x.dtype), x[:, :-1]], 1)
            inputs.append(x[:, -1].float())
            z, f, o = layer(torch.cat([before, x], -1)).float().chunk(GATES, -1)
            x, c = forget_mult(self._forget(f), torch.tanh(z), torch.sigmoid(o), state.c[k])
            cells.append(c)
        below = torch.stack(inputs[1:]) if inputs[1:] else state.below
        return x, QrnnState(torch.stack(cells), inputs[0][None], below)

    def _forget(self, gate: Tensor) -> Tensor:
        """f of its input, with zoneout."""
        if not self.zoneout:
            return torch.sigmoid(gate)
        kept = 1.0 - self.zoneout
        share = torch.full_like(gate, kept).bernoulli() if self.training else kept
        return 1.0 - torch.sigmoid(-gate) * share
