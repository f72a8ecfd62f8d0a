"""From the network that learns to the weights that are read: they say the same of a page."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from test_crawl_samples import SAMPLES

from kernels import State, Weights, available, pack
from model.page.boundaries import KINDS, boundary_kinds
from model.page.marks import HEADS, IGNORED, OUTPUTS, Syntax
from model.train.export import UNSEEN, count_changes, fold
from model.train.lessons import byte_rows
from model.train.network import Network
from model.train.shards import BYTE, INPUTS, LENGTH, PREDICTED, Rows, Shards, lesson_rows, write_shard
from model.train.teacher import teach

UNITS = 24
PAGES = [s.html.encode()[:2000] for s in SAMPLES if s.name in ("news-harbour", "chinese-gb2312", "forum-lost-bracket")]


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """So small a network is read fastest by one."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def random_network(*, exact: bool) -> Network:
    """exact: of numbers with few bits, so that half precision holds what they fold to without rounding."""
    torch.manual_seed(5)
    network = Network(UNITS, 8, OUTPUTS)
    with torch.no_grad():
        torch.nn.init.normal_(network.copy_bias)
        if exact:
            for p in network.parameters():
                scale = 16 if p.ndim > 1 else 256
                p.copy_(torch.round(p.clamp(-0.25, 0.25) * scale) / scale)
    return network


def torch_read(network: Network, rows: Rows) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Bits of every byte and the heads' outputs after it, by the network that learns."""
    inputs = torch.from_numpy(rows).long()[None]
    with torch.no_grad():
        hidden, _ = network.hidden(inputs, network.zero_state(1, torch.device("cpu")))
        first = network.output(torch.zeros(1, UNITS))
        logits = torch.cat([first, network.next_byte(hidden, inputs)[0, :-1]])
        assert network.heads is not None
        heads = network.heads(hidden)[0]
    nats = torch.nn.functional.cross_entropy(logits, inputs[0, :, BYTE], reduction="none")
    return (nats / np.log(2)).numpy(), heads.numpy()


def kernel_read(weights: Weights, rows: Rows, backend: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    columns = (np.ascontiguousarray(rows[:, c]) for c in (BYTE, PREDICTED, LENGTH))
    chunk = pack(weights, backend).read(*columns, State.zeros(UNITS))
    return chunk.bits, chunk.heads


@pytest.mark.parametrize("backend", available())
@pytest.mark.parametrize("page", PAGES, ids=len)
def test_folded_reads_alike(page: bytes, backend: str) -> None:
    """No rounding on the way, so only the order of float32 sums differs."""
    network, rows = random_network(exact=True), lesson_rows(page)
    bits, heads = kernel_read(fold(network), rows, backend)
    wanted_bits, wanted_heads = torch_read(network, rows)
    assert rows[:, LENGTH].any()
    np.testing.assert_allclose(bits, wanted_bits, rtol=0, atol=1e-4)
    np.testing.assert_allclose(heads, wanted_heads, rtol=0, atol=2e-5)


def test_rounded_reads_nearly_alike() -> None:
    """Half precision keeps 11 bits: a logit, a sum of some dozen terms below 1, moves by some 2**-10."""
    network, rows = random_network(exact=False), lesson_rows(PAGES[0])
    bits, heads = kernel_read(fold(network), rows, "reference")
    wanted_bits, wanted_heads = torch_read(network, rows)
    np.testing.assert_allclose(bits, wanted_bits, rtol=0, atol=0.01)
    np.testing.assert_allclose(heads, wanted_heads, rtol=0, atol=0.005)
    assert abs(bits.mean() - wanted_bits.mean()) < 1e-3


def test_folded_is_what_a_checkpoint_holds() -> None:
    """Tables and matrices are rounded once, here: writing them in half precision changes nothing."""
    weights = fold(random_network(exact=False))
    for name in ("byte", "predicted", "length", "recurrent", "output", "heads"):
        array = getattr(weights, name)
        assert np.array_equal(array, array.astype(np.float16).astype(np.float32))


def test_what_cannot_be_read() -> None:
    for network in (Network(UNITS, 8, 0), Network(UNITS, 8, OUTPUTS, copy=False)):
        with pytest.raises(ValueError, match="heads and the copy input"):
            fold(network)


def test_changes_of_syntax(tmp_path: Path) -> None:
    pages = [s.html[:2000] for s in SAMPLES[:6]]
    lessons = [byte_rows(p, teach(p)) for p in pages]
    lessons[0][7, INPUTS] = IGNORED  # a byte without a mark is in no count
    write_shard(tmp_path / "a", [*lessons, lessons[0][:1]], INPUTS + len(HEADS))
    table = count_changes(Shards(tmp_path))
    classes = len(Syntax)
    assert table.shape == (KINDS, classes, classes) and table.dtype == np.float32
    counts = np.zeros((KINDS, classes, classes))
    for rows in lessons:
        kinds = boundary_kinds(np.ascontiguousarray(rows[1:, BYTE]), int(rows[0, BYTE]))
        for kind, a, b in zip(kinds, rows[:-1, INPUTS], rows[1:, INPUTS], strict=True):
            if IGNORED not in (a, b):
                counts[kind, a, b] += 1
    seen = counts > 0
    np.testing.assert_allclose(
        np.exp(table)[seen], (counts / np.maximum(counts.sum(2, keepdims=True), 1))[seen], rtol=1e-5
    )
    assert (table[~seen] == UNSEEN).all() and (table[seen] > UNSEEN).all()


def test_kinds_of_boundaries() -> None:
    page = np.frombuffer(b"a<b>", np.uint8)
    kinds = boundary_kinds(page, ord(" "))
    assert len(set(kinds.tolist())) == 4 and kinds.max() < KINDS
    assert np.array_equal(boundary_kinds(page[1:], ord("a")), kinds[1:])
    assert np.array_equal(boundary_kinds(np.frombuffer(b"z<9>", np.uint8), ord("\n")), kinds)
