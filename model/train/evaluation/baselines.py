"""torch's LSTM, to measure beside the kernels: one thread, an input as wide as the state."""

import torch

from soupstate.kernels.bench import Timed

THREADS = 1


def torch_lstm(units: int, batch: int, length: int) -> Timed:
    """Returns a function that runs `torch.nn.LSTM` in fp32 over batch x length characters, and returns their number."""
    lstm = torch.nn.LSTM(units, units)
    x = torch.randn(length, batch, units)

    def run() -> int:
        before = torch.get_num_threads()
        torch.set_num_threads(THREADS)
        with torch.inference_mode():
            lstm(x)
        torch.set_num_threads(before)
        return batch * length

    return run
