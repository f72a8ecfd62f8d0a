"""Depth neurons: correlation, probe and choice, on units whose depth is known."""

from pathlib import Path

import numpy as np
import pytest

from model.net.checkpoint import DEFAULT, load_checkpoint
from model.net.reader import Reader
from model.page.marks import COLUMN, OUTPUT
from model.train.neurons import PROBE, Traces, correlations, draw, find, fit, r_squared, trace
from model.train.teacher import teach

PAGES = [
    "<html><body>" + "<div>" * k + f"<p>depth {k}, and some <b>bold</b> text</p>" + "</div>" * k + "</body></html>"
    for k in range(1, 30)
]


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader(load_checkpoint(DEFAULT))


def test_correlations_and_probe_find_the_unit_that_counts() -> None:
    random = np.random.default_rng(0)
    depth = random.integers(0, 20, 5000).astype(np.float64)
    cells = random.normal(size=(5000, 4))
    cells[:, 2] = -0.1 * depth + 0.01 * random.normal(size=5000)
    cells[:, 3] = 1.0  # a unit that never moves has no correlation
    traces = Traces(cells, depth)
    r = correlations(traces)
    assert r[2] == pytest.approx(np.corrcoef(cells[:, 2], depth)[0, 1])
    assert r[2] < -0.99
    assert abs(r[0]) < 0.1
    assert r[3] == 0
    weights, bias = fit(traces, [2])
    assert r_squared(traces, [2], weights, bias) == pytest.approx(r[2] ** 2)
    assert r_squared(traces, [0], *fit(traces, [0])) < 0.01


def test_traces_are_outputs_beside_the_teachers_depth(reader: Reader) -> None:
    units = np.array([3, 7])
    traces = trace(reader, PAGES[:3], units, sample=5)
    wanted = np.concatenate([teach(page)[::5, COLUMN["depth"]] for page in PAGES[:3]])
    assert traces.depth.tolist() == wanted.tolist()
    assert traces.outputs.shape == (len(wanted), 2)
    alone = trace(reader, PAGES[1:2], units, sample=5)
    begin = len(range(0, len(PAGES[0]), 5))
    assert np.allclose(traces.outputs[begin : begin + len(alone.depth)], alone.outputs)


@pytest.mark.parametrize("whose", ["shipped", "tiny"])
def test_find_chooses_on_training_pages_and_measures_on_others(whose: str, reader: Reader, weights: Path) -> None:
    reader = reader if whose == "shipped" else Reader(load_checkpoint(weights))
    depth, share = find(reader, PAGES[::2], PAGES[1::2])
    units = [n.unit for n in depth.neurons]
    assert len(set(units)) == PROBE == len(depth.weights)
    head = reader.checkpoint.weights.heads[OUTPUT["depth"].start]
    if whose == "shipped":  # its depth head reads eight units, and is the probe but for scale and bias
        assert set(units) == set(np.flatnonzero(head).tolist())
        ratios = np.array(depth.weights) / head[units]
        np.testing.assert_allclose(ratios, ratios[0])
    else:
        assert np.count_nonzero(head) > PROBE
    held_out = trace(reader, PAGES[1::2], np.array(units))
    assert [n.r for n in depth.neurons] == pytest.approx(correlations(held_out).tolist(), abs=1e-4)
    assert share == pytest.approx(r_squared(held_out, list(range(PROBE)), np.array(depth.weights), depth.bias))
    seen = np.abs(correlations(trace(reader, PAGES[::2], np.arange(len(head)))))
    assert units[0] == max(units, key=lambda u: seen[u])
    if whose == "tiny":
        assert units[0] == int(np.argmax(seen))


def test_a_page_is_drawn(reader: Reader, tmp_path: Path) -> None:
    draw(reader, PAGES[5], tmp_path / "depth.png")
    assert (tmp_path / "depth.png").read_bytes().startswith(b"\x89PNG")
