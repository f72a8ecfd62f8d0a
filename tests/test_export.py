"""From the network that learns to the weights that are read: they say the same of a page."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from test_crawl_samples import SAMPLES

from soupstate.kernels import Predictions, State, Weights, available, pack
from soupstate.kernels.weights import EMBEDDED, LEARNED, SLOTS
from soupstate.model.net.fold import CLIPPED, fold, rounded, to_int8
from soupstate.model.page.boundaries import BOUNDARY_KINDS, boundary_kinds
from soupstate.model.page.marks import FORMATS, HEADS, IGNORED, OUTPUTS, Syntax
from soupstate.model.train.data.inputs import BYTE, LENGTH, PREDICTED, SLOT, Inputs, input_rows
from soupstate.model.train.data.lessons import byte_rows
from soupstate.model.train.data.shards import MARKS, Shards, write_shard
from soupstate.model.train.data.teacher import teach
from soupstate.model.train.network.network import Network
from soupstate.model.train.run.export import UNSEEN_CHANGE, count_changes, parameters

pytestmark = pytest.mark.usefixtures("one_thread")

UNITS = 24
PAGES = [s.html.encode()[:2000] for s in SAMPLES if s.name in ("news-harbour", "chinese-gb2312", "forum-lost-bracket")]


@cache
def random_network(*, exact: bool) -> tuple[Network, Weights]:
    """And what it folds to. exact: of numbers with few bits, which the rounding there is leaves as they are."""
    torch.manual_seed(5)
    network = Network(UNITS, 8, OUTPUTS)
    with torch.no_grad():
        torch.nn.init.normal_(network.copy_bias)
        torch.nn.init.normal_(network.gate_gain.weight, std=0.2)
        torch.nn.init.normal_(network.context.weight)
        if exact:
            for p in network.parameters():
                scale = 16 if p.ndim > 1 else 256
                p.copy_(torch.round(p.clamp(-0.25, 0.25) * scale) / scale)
            folded = fold(parameters(network))  # of the contexts' embeddings, what is left of them at four bits
            network.context.weight.copy_(torch.from_numpy(folded.context).flatten(0, 1))
            network.context_output.weight.copy_(torch.from_numpy(folded.context_output))
            return network, folded
    return network, fold(parameters(network))


def torch_read(network: Network, rows: Inputs) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Bits of every byte and the heads' outputs after it, by the network that learns."""
    inputs = torch.from_numpy(rows.astype(np.int64))[None]
    with torch.no_grad():
        hidden, _ = network.hidden(inputs, network.zero_state(1, torch.device("cpu")))
        before = torch.zeros_like(inputs[:, :1])  # nothing is expected, and all slots are 0
        first = network.next_byte(torch.zeros(1, 1, UNITS), before)[0]
        logits = torch.cat([first, network.next_byte(hidden, inputs)[0, :-1]])
        assert network.heads is not None
        heads = network.heads(hidden)[0]
    nats = torch.nn.functional.cross_entropy(logits, inputs[0, :, BYTE], reduction="none")
    return (nats / np.log(2)).numpy(), heads.numpy()


def kernel_read(weights: Weights, rows: Inputs, backend: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    ids, predicted, length = (rows[:, c].astype(np.uint8) for c in (BYTE, PREDICTED, LENGTH))
    chunk = pack(weights, backend).read(ids, Predictions(predicted, length, rows[:, SLOT]), State.zeros(UNITS))
    return chunk.bits, chunk.heads


@pytest.mark.parametrize("backend", available())
@pytest.mark.parametrize("page", PAGES, ids=len)
def test_folded_reads_alike(page: bytes, backend: str) -> None:
    """No parameter is rounded but the recurrent ones, to 7 bits as their inputs: what follows is a little off."""
    (network, weights), rows = random_network(exact=True), input_rows(np.frombuffer(page, np.uint8))
    bits, heads = kernel_read(weights, rows, backend)
    wanted_bits, wanted_heads = torch_read(network, rows)
    assert rows[:, LENGTH].any()
    np.testing.assert_allclose(bits, wanted_bits, rtol=0, atol=0.05)
    np.testing.assert_allclose(heads, wanted_heads, rtol=0, atol=0.02)
    assert abs(bits.mean() - wanted_bits.mean()) < 2e-3


def test_rounded_reads_nearly_alike() -> None:
    """Half precision keeps 11 bits: a head, a sum of some dozen terms below 1, moves by some 2**-10.

    Four bits keep steps of about a seventh of a row's largest number, two deviations: a rounding's deviation is 0.09,
    of six summed 0.22, of a logit, 24 of them weighed by 0.12, 0.13, and of the bits some 0.19; rounding up and down
    cancel each other.
    """
    (network, weights), rows = random_network(exact=False), input_rows(np.frombuffer(PAGES[0], np.uint8))
    bits, heads = kernel_read(weights, rows, "reference")
    wanted_bits, wanted_heads = torch_read(network, rows)
    assert np.sqrt(np.mean((bits - wanted_bits) ** 2)) < 0.22
    np.testing.assert_allclose(bits, wanted_bits, rtol=0, atol=1.0)
    np.testing.assert_allclose(heads, wanted_heads, rtol=0, atol=0.02)
    assert abs(bits.mean() - wanted_bits.mean()) < 0.02


def test_rounding_twice_is_rounding_once() -> None:
    """A checkpoint that is read and written again stays as it is."""
    torch.manual_seed(5)
    once = parameters(Network(UNITS, 8, OUTPUTS))
    twice = rounded(once)
    assert set(once) == set(twice) and {"context.codes", "context.factors", "context.scale"} < set(once)
    for name, value in once.items():
        assert value.dtype == twice[name].dtype and np.array_equal(value, twice[name]), name


def test_embeddings_in_eight_bits() -> None:
    """Half a step off at most, or clipped; the step follows from the rows that were ever moved."""
    random = np.random.default_rng(2)
    deviation = np.geomspace(0.1, 10, EMBEDDED).astype(np.float32)
    table = (0.01 * random.normal(size=(5000, EMBEDDED))).astype(np.float32)
    table[::5] = random.normal(size=(1000, EMBEDDED)) * deviation
    table[5, 3], table[10, 4] = 1000, -1000
    rounded, scale = to_int8(table)
    assert rounded.dtype == np.int8 and scale.shape == (EMBEDDED,) and scale.dtype == np.float32
    plain = [k for k in range(EMBEDDED) if k not in (3, 4)]
    np.testing.assert_allclose(scale[plain], CLIPPED / 127 * deviation[plain], rtol=0.15)
    back = rounded * scale
    inside = np.abs(table) <= 127 * scale
    assert inside.mean() > 0.999 and not inside[5, 3] and not inside[10, 4]
    assert (np.abs(back - table) <= 0.5001 * scale)[inside].all()
    assert np.array_equal(back[~inside], (127 * scale * np.sign(table))[~inside])


@pytest.mark.parametrize("untouched", [0.0, 0.05])
def test_embeddings_that_were_never_read(untouched: float) -> None:
    """Of a network that read too little to tell: all rows count."""
    table = (untouched * np.random.default_rng(2).normal(size=(3000, EMBEDDED))).astype(np.float32)
    rounded, scale = to_int8(table)
    assert np.isfinite(scale).all() and (scale > 0).all()
    np.testing.assert_allclose(rounded * scale, table, atol=float(0.51 * scale.max()))


def test_embeddings_stand_where_the_network_has_them() -> None:
    network, weights = random_network(exact=False)
    table = network.context.weight.detach().numpy().reshape(len(LEARNED), SLOTS, EMBEDDED)
    wanted = table[3, 777] @ network.context_output.weight.detach().numpy().T
    got = weights.context[3, 777].astype(np.float32) @ weights.context_output.T
    np.testing.assert_allclose(got, wanted, rtol=0, atol=0.2)
    assert np.abs(wanted).max() > 1


def test_fewer_slots() -> None:
    torch.manual_seed(5)
    kept = parameters(Network(UNITS, 8, OUTPUTS, slots=256))
    assert fold(kept).context.shape == (len(LEARNED), 256, EMBEDDED)


def test_what_cannot_be_read() -> None:
    for network in (Network(UNITS, 8, 0), Network(UNITS, 8, OUTPUTS, copy=False)):
        with pytest.raises(ValueError, match="heads and the copy input"):
            fold(parameters(network))


def test_changes_of_syntax(tmp_path: Path) -> None:
    pages = [s.html[:2000] for s in SAMPLES[:6]]
    lessons = [byte_rows(p, teach(p)) for p in pages]
    lessons[0][7, MARKS] = IGNORED  # a byte without a mark is in no count
    write_shard(tmp_path / "a", [*lessons, lessons[0][:1]], MARKS + len(HEADS))
    table = count_changes(Shards(tmp_path), FORMATS["html"])
    classes = len(Syntax)
    assert table.shape == (BOUNDARY_KINDS, classes, classes) and table.dtype == np.float32
    counts = np.zeros((BOUNDARY_KINDS, classes, classes))
    for rows in lessons:
        kinds = boundary_kinds(np.ascontiguousarray(rows[1:, BYTE]), int(rows[0, BYTE]))
        for kind, a, b in zip(kinds, rows[:-1, MARKS], rows[1:, MARKS], strict=True):
            if IGNORED not in (a, b):
                counts[kind, a, b] += 1
    seen = counts > 0
    np.testing.assert_allclose(
        np.exp(table)[seen], (counts / np.maximum(counts.sum(2, keepdims=True), 1))[seen], rtol=1e-5
    )
    assert (table[~seen] == UNSEEN_CHANGE).all() and (table[seen] > UNSEEN_CHANGE).all()


def test_kinds_of_boundaries() -> None:
    page = np.frombuffer(b"a<b>", np.uint8)
    kinds = boundary_kinds(page, ord(" "))
    assert len(set(kinds.tolist())) == 4 and kinds.max() < BOUNDARY_KINDS
    assert np.array_equal(boundary_kinds(page[1:], ord("a")), kinds[1:])
    assert np.array_equal(boundary_kinds(np.frombuffer(b"z<9>", np.uint8), ord("\n")), kinds)
