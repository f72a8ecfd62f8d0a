"""The network that learns: byte LSTM with a copy input, a next-byte output with copy gains, and heads for the marks."""

import torch
from torch import Tensor, nn

from kernels.copy import LENGTH_CLASSES, MATCHERS
from model.train.shards import BYTE, LENGTH, PREDICTED

BYTES = 256
LSTMState = tuple[Tensor, Tensor]


class Network(nn.Module):
    """One LSTM over bytes. Parameters only: the state is an argument and a return value.

    The input of byte t is the sum of the embeddings of the byte and, of each matcher that has a match, the byte it
    expects next and the class of its match length. The logit of an expected byte gains a term that is linear in
    the hidden state (Grave et al. 2017 mix in a cache likewise; here the mixing is inside the logits).
    """

    def __init__(self, units: int, embedding: int, outputs: int, *, copy: bool = True) -> None:
        super().__init__()
        self.copy = copy
        self.byte = nn.Embedding(BYTES, embedding)
        self.predicted = nn.ModuleList(nn.Embedding(BYTES, embedding) for _ in range(MATCHERS))
        self.length = nn.ModuleList(nn.Embedding(LENGTH_CLASSES, embedding) for _ in range(MATCHERS))
        self.lstm = nn.LSTM(embedding, units, batch_first=True)
        self.output = nn.Linear(units, BYTES)
        self.copy_gain = nn.Linear(units, MATCHERS, bias=False)
        self.copy_bias = nn.Parameter(torch.zeros(MATCHERS, LENGTH_CLASSES))
        self.heads = nn.Linear(units, outputs) if outputs else None
        with torch.no_grad():
            for e in [self.byte, *self.predicted, *self.length]:
                e.weight.mul_(0.5)  # type: ignore[operator]
            self.lstm.bias_ih_l0[units : 2 * units] = 1.0  # forget gates open (Jozefowicz et al. 2015)

    def zero_state(self, lanes: int, device: torch.device) -> LSTMState:
        """(1, lanes, units) twice: h and c before a page."""
        zeros = torch.zeros(1, lanes, self.lstm.hidden_size, device=device)
        return zeros, zeros.clone()

    def hidden(self, inputs: Tensor, state: LSTMState) -> tuple[Tensor, LSTMState]:
        """Hidden states (B, T, units) after each row of inputs (B, T, INPUTS) int64, and the state after the last."""
        x = self.byte(inputs[..., BYTE])
        if self.copy:
            for k in range(MATCHERS):
                length = inputs[..., LENGTH][..., k]
                term = self.predicted[k](inputs[..., PREDICTED][..., k]) + self.length[k](length)
                x = x + term * (length > 0).unsqueeze(-1)
        h, state = self.lstm(x, state)
        return h, state

    def next_byte(self, hidden: Tensor, inputs: Tensor) -> Tensor:
        """Logits (B, T, 256) of the byte after each row."""
        logits: Tensor = self.output(hidden).float()
        if not self.copy:
            return logits
        gains = self.copy_gain(hidden).float()  # (B, T, MATCHERS)
        length = inputs[..., LENGTH]
        bias = torch.stack([self.copy_bias[k][length[..., k]] for k in range(MATCHERS)], -1)
        return logits.scatter_add(-1, inputs[..., PREDICTED], (gains + bias) * (length > 0))
