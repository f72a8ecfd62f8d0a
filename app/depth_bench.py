"""Measures what the depth layer costs, as a share of a reading."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from soupstate.model.net.reader import Marking, Reader
from soupstate.model.page.skim import skim

ROUNDS = 5


def depth_shares(reader: Reader, pages: Sequence[str], rounds: int = ROUNDS) -> dict[str, float]:
    """Returns by how much the depth layer lengthens `read`, and `mark` of skimmed pages, as a share of the rest.

    Processor time of this process, the least of some rounds. Raises ValueError for a checkpoint without a layer.
    """
    if not reader.checkpoint.depth:
        raise ValueError("the checkpoint has no depth layer")
    without = Reader(replace(reader.checkpoint, depth=None), reader.packed.backend)
    skimmed = [skim(page).text for page in pages]
    shares = {}
    for name, texts in (("read", pages), ("mark", skimmed)):
        calls: list[Callable[[str], Marking]] = [getattr(each, name) for each in (without, reader)]
        least = [float("inf")] * 2
        for _ in range(rounds):
            for k, call in enumerate(calls):
                start = time.process_time()
                for text in texts:
                    call(text)
                least[k] = min(least[k], time.process_time() - start)
        shares[name] = least[1] / least[0] - 1
    return shares
