"""Where training runs: the processor or a GPU."""

import torch


def choose_device(name: str, threads: int | None = None) -> torch.device:
    """`cpu`, `cuda`, or `auto`: CUDA where there is some. Raises ValueError where CUDA is asked for and missing."""
    if threads:
        torch.set_num_threads(threads)
    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError("no CUDA device here")
    found = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(found if name == "auto" else name)


def has_bfloat16(device: torch.device) -> bool:
    """Whether the recurrence runs in bfloat16 there: any GPU of ours; of processors, those with instructions for it."""
    return device.type != "cpu" or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
