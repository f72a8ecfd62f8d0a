"""The device on which training runs, the processor or a GPU, and how batches come there."""

import warnings
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from soupstate.model.train.data.lanes import Batch


class Tensors(NamedTuple):
    """A batch on the device: inputs (B, T, INPUTS), targets (B, T) and marks (B, T, M) int64, keep (1, B, 1) float32, 0
    where a stretch begins and else 1, and depth_known (B,) bool."""

    inputs: Tensor
    targets: Tensor
    marks: Tensor
    keep: Tensor
    depth_known: Tensor


def to_device(batch: Batch, device: torch.device) -> Tensors:
    """Returns the batch on the device. To a GPU it goes through pinned memory, and nothing waits for it."""
    arrays = (batch.inputs.view(np.int16), batch.targets, batch.marks, batch.fresh, batch.depth_known)
    given = [torch.from_numpy(array) for array in arrays]
    if device.type == "cuda":
        given = [tensor.pin_memory().to(device, non_blocking=True) for tensor in given]
    inputs, targets, marks, fresh, known = given
    # torch knows few operations on uint16, so the inputs come as int16.
    return Tensors(inputs.long() & 0xFFFF, targets, marks.long(), 1.0 - fresh.float()[None, :, None], known)


def choose_device(name: str, threads: int | None = None) -> torch.device:
    """Returns the device `cpu`, `cuda`, or for `auto` CUDA where it exists. Raises ValueError when CUDA is missing."""
    if threads:
        torch.set_num_threads(threads)
    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError("no CUDA device here")
    # `in_type` rounds the weights of the LSTM anew for each update, and cuDNN puts them together.
    warnings.filterwarnings("ignore", "RNN module weights are not part of single contiguous chunk")
    found = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(found if name == "auto" else name)


def has_bfloat16(device: torch.device) -> bool:
    """Whether the recurrence runs in bfloat16: on any GPU, and on processors that have instructions for it."""
    return device.type != "cpu" or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
