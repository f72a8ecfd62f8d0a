"""The QRNN cell (Bradbury et al. 2017, "Quasi-Recurrent Neural Networks"): gates from the input alone, fo-pooling."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from soupstate.kernels.qrnn import GATES
from soupstate.model.train.network.forget_mult import forget_mult

# Biases of the forget gates, evenly spread: memories of about 2 to 150 bytes, which training may change. No gate sees
# the state, so units with a long memory must exist from the start (Tallec & Ollivier 2018, on the LSTM).
FORGET = (0.0, 5.0)


class QrnnState(NamedTuple):
    """The state: c (layers, B, units), and the last input of each layer: of the first `byte` (1, B, inputs), of the
    others `below` (layers - 1, B, units)."""

    c: Tensor
    byte: Tensor
    below: Tensor


class Qrnn(nn.Module):
    """Layers of a convolution of width 2 with fo-pooling. Its output is the last layer's h.

    With a layer's input x (B, T, inputs): z, f, o = tanh, sigmoid, sigmoid of W [x_{t-1}, x_t] + b;
    c_t = f_t c_{t-1} + (1 - f_t) z_t; h_t = o_t c_t.

    zoneout: the share of the forget gates that are set to 1 in a training step (section 2.1 of the paper). Outside of
    training, 1 - f is multiplied by the remaining share.
    """

    def __init__(self, inputs: int, units: int, layers: int, zoneout: float = 0.0) -> None:
        super().__init__()
        self.inputs, self.units, self.zoneout = inputs, units, zoneout
        linears = [nn.Linear(2 * (units if k else inputs), GATES * units) for k in range(layers)]
        self.layers = nn.ModuleList(linears)
        with torch.no_grad():
            for linear in linears:
                linear.bias[units : 2 * units] = torch.linspace(*FORGET, units)

    def zero_state(self, lanes: int, device: torch.device) -> QrnnState:
        """Returns the state before a page."""
        count = len(self.layers)
        shapes = ((count, self.units), (1, self.inputs), (count - 1, self.units))
        return QrnnState(*(torch.zeros(rows, lanes, width, device=device) for rows, width in shapes))

    def forward(self, x: Tensor, state: QrnnState) -> tuple[Tensor, QrnnState]:
        """Returns h (B, T, units) of x (B, T, inputs), and the state after it. T is at least 1."""
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
        """Returns f from the gate's input, with zoneout."""
        if not self.zoneout:
            return torch.sigmoid(gate)
        kept = 1.0 - self.zoneout
        share = torch.full_like(gate, kept).bernoulli() if self.training else kept
        return 1.0 - torch.sigmoid(-gate) * share
