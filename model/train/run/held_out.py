"""Measures a network on held-out lessons while it is trained."""

import math
from collections import Counter

import torch
from torch.nn import functional

from soupstate.model.page.marks import IGNORED, HeadTable
from soupstate.model.train.data.lanes import NO_TARGET, Lanes, Stretches
from soupstate.model.train.data.shards import Shards
from soupstate.model.train.network.network import Network

LANES, STEPS, BATCHES = 8, 256, 48  # about 98,000 bytes
STRETCHES = Stretches(beginning_share=0.5)


class HeldOut:
    """Some stretches of held-out lessons, the same ones at each measurement. delay: of the table's heads, in bytes."""

    def __init__(self, shards: Shards, delay: int, table: HeadTable) -> None:
        self.table = table
        lanes = Lanes(shards, LANES, STEPS, delay, STRETCHES, seed=0)
        self.batches = [lanes.next() for _ in range(BATCHES)]

    @torch.no_grad()
    def measure(self, network: Network, device: torch.device) -> dict[str, float]:
        """Returns `held_out_bits` per byte, and `held_out_f1_HEAD` for each head with classes.

        F1 is that of all classes but 0, together.
        """
        state = network.zero_state(LANES, device)
        nats, bytes_ = 0.0, 0
        right, said, true = Counter[str](), Counter[str](), Counter[str]()
        training = network.training
        network.eval()
        for batch in self.batches:
            inputs = torch.from_numpy(batch.inputs).to(device).long()
            targets = torch.from_numpy(batch.targets).to(device)
            keep = 1.0 - torch.from_numpy(batch.fresh).to(device).float()[None, :, None]
            hidden, state = network.hidden(inputs, type(state)(*(s * keep for s in state)))
            logits = network.next_byte(hidden, inputs).float().flatten(0, 1)
            nats += float(functional.cross_entropy(logits, targets.flatten(), ignore_index=NO_TARGET, reduction="sum"))
            bytes_ += int((targets != NO_TARGET).sum())
            if network.heads is None:
                continue
            outputs, marks = network.heads(hidden), torch.from_numpy(batch.marks).to(device).long()
            for head in self.table.heads:
                wanted = marks[..., self.table.column[head.name]]
                if head.classes > 1 and bool((known := wanted != IGNORED).any()):
                    got = outputs[..., self.table.output[head.name]].argmax(-1)
                    right[head.name] += int((known & (got == wanted) & (wanted != 0)).sum())
                    said[head.name] += int((known & (got != 0)).sum())
                    true[head.name] += int((known & (wanted != 0)).sum())
        network.train(training)
        found = {f"held_out_f1_{name}": 2 * right[name] / max(1, said[name] + true[name]) for name in true}
        return {"held_out_bits": nats / math.log(2) / max(1, bytes_)} | found
