"""The network to train: a byte LSTM with a copy input, a next-byte output that also copies, and heads for marks."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from soupstate.kernels.weights import (
    BYTES,
    EMBEDDED,
    GATE,
    LEARNED,
    LENGTH_CLASSES,
    LENGTHS,
    MATCHERS,
    PREDICTIONS,
    SLOTS,
)
from soupstate.model.train.data.inputs import BYTE, LENGTH, PREDICTED, SLOT
from soupstate.model.train.network.lstm import in_type, on_processor, runs_on_processor


class LstmState(NamedTuple):
    """h and c, each (1, B, units)."""

    h: Tensor
    c: Tensor


class Lstm(nn.LSTM):
    """One layer, whose forget gates start open (Jozefowicz et al. 2015)."""

    weight_ih_l0: Tensor
    weight_hh_l0: Tensor
    bias_ih_l0: Tensor
    bias_hh_l0: Tensor

    def __init__(self, inputs: int, units: int) -> None:
        super().__init__(inputs, units, batch_first=True)
        with torch.no_grad():
            self.bias_ih_l0[units : 2 * units] = 1.0

    def zero_state(self, lanes: int, device: torch.device) -> LstmState:
        """Returns the state before a page."""
        zeros = torch.zeros(1, lanes, self.hidden_size, device=device)
        return LstmState(zeros, zeros.clone())

    def forward(self, x: Tensor, state: LstmState | None = None) -> tuple[Tensor, LstmState]:  # type: ignore[override]
        """Returns h (B, T, units) of x (B, T, inputs), and the state after it. T is at least 1."""
        if x.is_cuda and torch.is_autocast_enabled("cuda") and state is not None:
            h, (last_h, last_c) = in_type(self, x, state.h, state.c, torch.get_autocast_dtype("cuda"))
            return h, LstmState(last_h, last_c)
        if not runs_on_processor(x):
            h, (last_h, last_c) = super().forward(x, state)
            return h, LstmState(last_h, last_c)
        state = state or self.zero_state(len(x), x.device)
        h, c = on_processor(self, x, state.h[0], state.c[0])
        return h, LstmState(h[:, -1][None], c[None])


class Network(nn.Module):
    """One LSTM over bytes. It holds only parameters: the state is an argument and a return value.

    The input of byte t is a sum of embeddings: of the byte and, for each matcher that has a match, of the byte it
    expects next and of the class of its match length.

    The logit of every predicted byte, by the matchers and by the contexts' successors, gains three terms: one linear in
    the hidden state, a number for its length class, and a small layer of all length classes and the state together.
    (Grave et al. 2017 mix in a cache; PAQ's mixers weigh predictions by a network of such inputs. Here the mixing is
    inside the logits.) Embeddings of some of the contexts, by hash, are added to all logits: they learn what usually
    comes there on any page (hashed n-gram embeddings, as in Pagnoni et al. 2024, "Byte Latent Transformer", section
    3.2.1).
    """

    first_slot: Tensor
    first_length: Tensor

    def __init__(
        self,
        units: int,
        embedding: int,
        outputs: int,
        *,
        copy: bool = True,
        slots: int = SLOTS,
        context_dropout: float = 0.0,
    ) -> None:
        """slots: rows of each context's embeddings, a power of two up to SLOTS.

        context_dropout: share of these embeddings that training leaves out, drawn anew each time that one is read; the
        others grow by as much (Srivastava et al. 2014).
        """
        super().__init__()
        self.copy, self.slots, self.context_dropout = copy, slots, context_dropout
        self.byte = nn.Embedding(BYTES, embedding)
        self.predicted = nn.ModuleList(nn.Embedding(BYTES, embedding) for _ in range(MATCHERS))
        self.length = nn.ModuleList(nn.Embedding(LENGTH_CLASSES, embedding) for _ in range(MATCHERS))
        self.lstm = Lstm(embedding, units)
        self.output = nn.Linear(units, BYTES)
        self.copy_gain = nn.Linear(units, PREDICTIONS, bias=False)
        self.copy_bias = nn.Parameter(torch.zeros(PREDICTIONS, LENGTH_CLASSES))
        self.gate = nn.Linear(units, GATE)
        self.gate_length = nn.Embedding(LENGTHS * LENGTH_CLASSES, GATE)
        self.gate_gain = nn.Linear(GATE, PREDICTIONS, bias=False)
        self.context = nn.EmbeddingBag(len(LEARNED) * slots, EMBEDDED, mode="sum", sparse=True)
        self.context_output = nn.Linear(EMBEDDED, BYTES, bias=False)
        self.heads = nn.Linear(units, outputs) if outputs else None
        with torch.no_grad():
            for e in [self.byte, *self.predicted, *self.length, self.gate_length]:
                e.weight.mul_(0.5)
            self.gate_gain.weight.zero_()
            self.context.weight.mul_(0.05)
        self.register_buffer("first_slot", torch.arange(len(LEARNED)) * slots, persistent=False)
        self.register_buffer("first_length", torch.arange(PREDICTIONS) * LENGTH_CLASSES, persistent=False)

    def zero_state(self, lanes: int, device: torch.device) -> LstmState:
        """Returns the state before a page."""
        return self.lstm.zero_state(lanes, device)

    def hidden(self, inputs: Tensor, state: LstmState) -> tuple[Tensor, LstmState]:
        """Returns hidden states (B, T, units) after each row of inputs (B, T, INPUTS) int64, and the final state."""
        x = self.byte(inputs[..., BYTE])
        if self.copy:
            for k in range(MATCHERS):
                length = inputs[..., LENGTH][..., k]
                term = self.predicted[k](inputs[..., PREDICTED][..., k]) + self.length[k](length)
                x = x + term * (length > 0).unsqueeze(-1)
        h, state = self.lstm(x, state)
        return h, state

    def next_byte(self, hidden: Tensor, inputs: Tensor) -> Tensor:
        """Returns logits (B, T, 256) of the byte after each row."""
        logits: Tensor = self.output(hidden).float()
        if not self.copy:
            return logits
        slots = (inputs[..., SLOT][..., LEARNED] % self.slots + self.first_slot).flatten(0, 1)
        kept = None
        if self.training and self.context_dropout:
            kept = functional.dropout(torch.ones_like(slots, dtype=torch.float32), self.context_dropout)
        logits = logits + self.context_output(self.context(slots, per_sample_weights=kept)).view_as(logits)
        length = inputs[..., LENGTH]
        index = length + self.first_length
        bias = self.copy_bias.flatten().index_select(0, index.flatten()).view_as(index)
        gate = torch.tanh(self.gate(hidden) + self.gate_length(index[..., :LENGTHS]).sum(-2))
        gains = (self.copy_gain(hidden) + self.gate_gain(gate)).float() + bias  # (B, T, PREDICTIONS)
        return logits.scatter_add(-1, inputs[..., PREDICTED], gains * (length > 0))
