"""Depth neurons: correlation, sum and layer, on cells and pages whose depth is known."""

from pathlib import Path

import numpy as np
import pytest

from soupstate.model.net.checkpoint import DEFAULT, load_checkpoint
from soupstate.model.net.depth import CELLS, Depth, DepthLayer, DepthNeuron, depth_of
from soupstate.model.net.reader import Reader
from soupstate.model.page.marks import COLUMN
from soupstate.model.train.data.teacher import teach
from soupstate.model.train.evaluation.neurons import Traces, correlations, draw, find, measured, r_squared, trace

PAGES = [
    "<html><body>" + "<div>" * k + f"<p>depth {k}, and some <b>bold</b> text</p>" + "</div>" * k + "</body></html>"
    for k in range(1, 30)
]


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader(load_checkpoint(DEFAULT))


@pytest.fixture(scope="module")
def layer(reader: Reader) -> DepthLayer:
    assert reader.checkpoint.depth
    return reader.checkpoint.depth.layer


def test_correlations_and_the_sum_of_cells_that_count(layer: DepthLayer) -> None:
    random = np.random.default_rng(0)
    depth = random.integers(0, 20, 5000).astype(np.float32)
    cells = random.normal(size=(5000, CELLS)).astype(np.float32)
    cells[:, 2] = -0.1 * depth + 0.01 * random.normal(size=5000)
    cells[:, 3] = 1.0  # a cell that never moves has no correlation
    traces = Traces(cells, depth)
    r = correlations(traces)
    assert r[2] == pytest.approx(np.corrcoef(cells[:, 2], depth)[0, 1], abs=1e-5)
    assert r[2] < -0.99
    assert abs(r[0]) < 0.1
    assert r[3] == 0
    assert r_squared(traces) < 0
    exact = np.zeros_like(cells)
    exact[:, 0], exact[:, 5] = depth - 3, 3
    assert r_squared(Traces(exact, depth)) == 1
    exact[:, 6] = random.choice([-1, 1], 5000)
    assert r_squared(Traces(exact, depth)) == pytest.approx(1 - 1 / depth.var(), abs=1e-6)
    exact[:, 6] = 1e6
    assert r_squared(Traces(exact, np.full(5000, 40) - depth)) < 0  # no more than 40
    unknown = Depth(layer, tuple(DepthNeuron(1, k, 0.0) for k in range(CELLS)))
    again, share = measured(unknown, traces)
    assert share == r_squared(traces)
    assert [n.r for n in again.neurons] == pytest.approx(r.tolist(), abs=1e-4)


@pytest.mark.parametrize("sample", [1, 5])
def test_traces_stand_beside_the_teachers_depth(sample: int, reader: Reader, layer: DepthLayer) -> None:
    long = "<div>" * 12 + "<p>a line of text</p>\n" * 900  # more than the reader takes at a time
    pages = [*PAGES[:2], long]
    traces = trace(reader, pages, layer, sample)
    wanted = np.concatenate([teach(page)[::sample, COLUMN["depth"]] for page in pages])
    assert traces.depth.tolist() == wanted.tolist()
    assert traces.outputs.shape == (len(wanted), CELLS)
    alone = trace(reader, pages[2:], layer, sample)
    assert np.array_equal(traces.outputs[-len(alone.depth) :], alone.outputs)
    assert np.array_equal(depth_of(alone.outputs), reader.read(long).depth[::sample])
    units = trace(reader, pages, None, sample)
    assert units.outputs.shape == (len(wanted), reader.checkpoint.weights.units)
    assert np.abs(units.outputs).max() <= 1


def test_the_shipped_layer_counts_what_is_open(reader: Reader) -> None:
    page = "<!DOCTYPE html><html><head><title>t</title></head><body>" + PAGES[5].removeprefix("<html><body>")
    depth = reader.read(page).depth
    wanted = teach(page)[:, COLUMN["depth"]]
    assert np.abs(depth - wanted).mean() < 1
    assert depth[page.index("bold")] > depth[page.index("t</title>")] + 3


@pytest.mark.slow
def test_find_fits_a_layer(reader: Reader) -> None:
    """To pages on which it can be right at nearly all places, those with other depths too."""
    depth = find(reader, PAGES[::2] * 20)
    assert sorted(n.unit for n in depth.neurons) == list(range(CELLS))
    assert all(n.layer == 1 for n in depth.neurons)
    sizes = [abs(n.r) for n in depth.neurons]
    assert sizes == sorted(sizes, reverse=True) and sizes[0] > 0.9
    assert r_squared(trace(reader, PAGES[1::2], depth.layer)) > 0.8
    assert depth.neurons == find(reader, PAGES[::2] * 20).neurons  # the same again


def test_nothing_to_learn_from(reader: Reader) -> None:
    with pytest.raises(ValueError, match="no page"):
        find(reader, ["", "<div>" * 60])


def test_a_page_is_drawn(reader: Reader, tmp_path: Path) -> None:
    draw(reader, PAGES[5], tmp_path / "depth.png")
    assert (tmp_path / "depth.png").read_bytes().startswith(b"\x89PNG")
