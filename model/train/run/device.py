"""The device on which training runs: the processor or a GPU."""

import torch


def choose_device(name: str, threads: int | None = None) -> torch.device:
    """Returns the device `cpu`, `cuda`, or for `auto` CUDA where it exists. Raises ValueError when CUDA is missing."""
    if threads:
        torch.set_num_threads(threads)
    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError("no CUDA device here")
    found = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(found if name == "auto" else name)


def has_bfloat16(device: torch.device) -> bool:
    """Whether the recurrence runs in bfloat16: on any GPU, and on processors that have instructions for it."""
    return device.type != "cpu" or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
