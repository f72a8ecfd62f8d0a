"""What heads are made of: units and their tokens, states that are gathered while a page is read, regressions, files."""

import doctest
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from conftest import UNITS, tiny_checkpoint
from safetensors.numpy import load_file, save_file

from soupstate.kernels.copy import advance_copies, copy_state
from soupstate.kernels.weights import State
from soupstate.model.heads.align import Occurrence, key, occurrences
from soupstate.model.heads.examples import folds_of
from soupstate.model.heads.logistic import Rows, fit, fit_platt
from soupstate.model.net import fields, head_file
from soupstate.model.net.field_head import FieldHead, HeadTensors
from soupstate.model.net.fields import UnitTable, find_fields, stretches, unit_table
from soupstate.model.net.head_file import load_head, save_head
from soupstate.model.net.probe import MOST_PLACES, Probed, StateProbe
from soupstate.model.net.reader import Marking, Reader
from soupstate.model.page import unit_features
from soupstate.model.page.block_figures import FIGURES
from soupstate.model.page.skim import skim
from soupstate.model.page.spans import spans_of_marks
from soupstate.model.page.unit_features import HASHES, boundary_features, shape
from soupstate.model.page.units import MOST_TOKENS, joined, tokens_of
from soupstate.model.train.data.teacher import teach

PAGE = (
    '<html><head><title>Tea &amp; co</title><meta property="og:title" content="A &quot;tin&quot; of 3"></head><body>'
    '<p class="by-line">By <a rel=author href="/j">Jane&nbsp;Doe</a>, <b>3</b>\n  May 2024</p><p hidden>x</p>'
    "<div>Caf&eacute; 1.299,50\u20ac for \u8336\u53f6</div></body></html>"
)


def table_of(page: str) -> UnitTable:
    """The units of a page by the teacher's marks."""
    skimmed = skim(page)
    at = np.array([i for i, c in enumerate(skimmed.text) if c in "<>"], np.int64)
    probed = Probed(at, np.zeros((len(at), 2), np.float32))
    marking = Marking(skimmed.text, 0.0, spans_of_marks(skimmed.text, teach(skimmed.text)), probed=probed)
    return unit_table(marking, skimmed, None)


def test_units_and_their_values() -> None:
    table = table_of(PAGE)
    found = [(unit.place, joined(tokens_of(unit, table.skimmed))) for unit in table.units]
    assert found == [
        ("title", "Tea & co"),
        ("text", "By Jane Doe, 3 May 2024"),
        ("hidden", "x"),
        ("text", "Caf\u00e9 1.299,50\u20ac for \u8336\u53f6"),
        ("meta content", 'A "tin" of 3'),
        ("a href", "/j"),
    ]
    assert table.texts[4] == 'A "tin" of 3'
    tokens = table.tokens(1)
    assert [token.text for token in tokens] == ["By", "Jane", "Doe", ",", "3", "May", "2024"]
    assert [PAGE[token.start : token.end] for token in tokens] == [token.text for token in tokens]
    assert [len(token.tags) for token in tokens[1:]] == [1, 0, 1, 1, 1, 0]


@pytest.mark.parametrize(
    ("value", "where"),
    [
        ("Jane Doe", [(1, 1, 3)]),
        ("JaneDoe", [(1, 1, 3)]),
        ("3 May\t2024", [(1, 4, 7)]),
        ("Caf\u00e9", [(3, 0, 2)]),
        ("\u8336", [(3, 9, 10)]),
        ("299", [(3, 4, 5)]),
        ('"tin"', [(4, 1, 4)]),
        ("Jan", []),
        ("29", []),
        ("Doe, 3", [(1, 2, 5)]),
    ],
)
def test_values_are_aligned(value: str, where: list[tuple[int, int, int]]) -> None:
    assert occurrences(table_of(PAGE), [value]) == [[Occurrence(*place) for place in where]]


def test_a_skimmed_value_is_whole() -> None:
    value = "Strong tea " * 40
    table = table_of(f'<html><head><meta name=description content="{value}"></head><body><p>Tea</body></html>')
    number = next(i for i, unit in enumerate(table.units) if unit.place == "meta content")
    assert table.value(number, table.tokens(number)) == value.strip()
    assert occurrences(table, [value])[0][0].unit == number


def test_long_units_have_bounded_tokens() -> None:
    table = table_of(f"<p>{'tea ' * 5000}</p>")
    assert len(table.tokens(0)) == MOST_TOKENS


def test_boundaries_have_a_row_each() -> None:
    table = table_of(PAGE)
    tokens = table.tokens(1)
    features = boundary_features(table.page, table.units[1], tokens)
    assert features.shape[0] == len(tokens) + 1
    assert features.max() < HASHES and (features[:, 0] > 0).all()
    assert shape("Ab 12345678 \u00e9") == "Aa 00000 a"


@pytest.mark.parametrize("text", ["<p>Tea</p>", "<p>\u8336 <b>\U0001f600</b> a > b < c</p>\r\n" * 300])
def test_states_are_those_of_the_kernel(backend: str, text: str) -> None:
    """Gathered in pieces while the page is marked, they are what one call returns for every byte."""
    if backend == "reference":
        text = text[:200]
    reader = Reader(tiny_checkpoint(), backend)
    probe = np.random.default_rng(3).standard_normal((UNITS, 3)).astype(np.float32)
    marking = reader.probing(probe).mark(text)
    ids = np.frombuffer(text.encode() + b"\n" * 4, np.uint8)
    history = copy_state()
    chunk = reader.packed.read(ids, advance_copies(ids, history), State.zeros(UNITS), np.arange(UNITS))
    edges = [i for i, byte in enumerate(ids[:-4]) if byte in b"<>"]
    assert marking.probed is not None
    assert marking.probed.at.tolist() == [i for i, c in enumerate(text) if c in "<>"]
    np.testing.assert_allclose(marking.probed.values, chunk.traces[np.array(edges) + 4] @ probe, atol=1e-5)
    plain = reader.mark(text)
    assert plain.probed is None and list(plain.spans) == list(marking.spans) and plain.bits == marking.bits
    together = reader.probing(probe).mark_many([text, "<p>x</p>", text])
    for each in (together[0], together[2]):
        assert each and each.probed
        np.testing.assert_array_equal(each.probed.values, marking.probed.values)


def test_places_of_states_are_bounded() -> None:
    ids = np.full(MOST_PLACES + 9, ord("<"), np.uint8)
    probe = StateProbe(ids, 4, np.ones((UNITS, 2), np.float32))
    assert len(probe.places) == MOST_PLACES
    assert Probed(np.array([2, 5, 9]), np.zeros((3, 2), np.float32)).around(6, 9) == (1, 2)
    assert Probed(np.array([2, 5, 9]), np.zeros((3, 2), np.float32)).around(1, 10) == (-1, -1)


def best_by_trial(begin: list[float], end: list[float], longest: int) -> tuple[int, int]:
    pairs = [(i, j) for i in range(len(begin)) for j in range(i + 1, min(len(begin), i + longest) + 1)]
    return max(pairs, key=lambda pair: begin[pair[0]] + end[pair[1] - 1])


def test_the_best_stretch_is_that_of_all_trials() -> None:
    random = np.random.default_rng(5)
    for _ in range(50):
        n, longest = int(random.integers(1, 9)), int(random.integers(1, 5))
        begin, end = np.log(random.uniform(0.01, 0.99, (2, n))).astype(np.float32)
        assert stretches(begin, end, longest, many=False) == [best_by_trial(begin.tolist(), end.tolist(), longest)]
        many = stretches(begin, end, longest, many=True)
        assert all(a[1] <= b[0] for a, b in zip(many, many[1:], strict=False)) and many


def test_several_stretches() -> None:
    high, low = np.log(0.9), np.log(0.02)
    begin = np.array([low, high, low, high, low], np.float32)
    end = np.array([low, low, high, high, low], np.float32)
    assert stretches(begin, end, 3, many=True) == [(1, 3), (3, 4)]
    assert stretches(begin[:0], end[:0], 3, many=True) == []


def test_a_regression_finds_what_decides() -> None:
    random = np.random.default_rng(1)
    hashes = random.integers(1, 50, (2000, 6)).astype(np.uint16)
    dense = random.standard_normal((2000, 4)).astype(np.float32)
    right = (hashes == 7).any(1) | (dense[:, 2] > 1.5)
    rows = Rows(hashes[:1500], dense[:1500], right[:1500], np.ones(1500, np.float32))
    found = fit(rows, 64)
    odds = found.hashed[hashes[1500:]].sum(1) + dense[1500:] @ found.dense + found.bias
    assert ((odds > 0) == right[1500:]).mean() > 0.9
    assert found.hashed[0] == 0 and found.hashed.argmax() == 7 and found.dense.argmax() == 2


def test_calibration_says_what_is_true() -> None:
    random = np.random.default_rng(2)
    scores = random.normal(0, 3, 4000).astype(np.float32)
    right = random.uniform(size=4000) < 1 / (1 + np.exp(-(0.7 * scores - 1)))
    slope, offset = fit_platt(scores, right)
    assert abs(slope - 0.7) < 0.06 and abs(offset + 1) < 0.12
    slope, offset = fit_platt(np.array([1, 2, 3], np.float32), np.ones(3, np.bool_))  # all right: not certain
    assert slope > 0 and 0.5 < 1 / (1 + np.exp(-(2 * slope + offset))) < 0.99


def test_folds_keep_sites_together() -> None:
    groups = [f"site{k % 12}" for k in range(60)]
    folds = folds_of(groups, 5)
    assert set(folds.tolist()) == set(range(5))
    assert all(len({f for f, g in zip(folds.tolist(), groups, strict=True) if g == name}) == 1 for name in groups)
    assert set(folds_of(["one"] * 20, 5).tolist()) == set(range(5))


def a_head(**given: object) -> FieldHead:
    random = np.random.default_rng(4)
    sizes = {"before": UNITS, "after": UNITS, "unit": HASHES, "begin": HASHES, "end": HASHES, "bias": 3, "reliable": 2}
    sizes |= dict.fromkeys(("mean", "deviation", "figures"), FIGURES)
    tensors = {name: np.abs(random.standard_normal(size)).astype(np.float32) for name, size in sizes.items()}
    values = {"name": "price", "places": frozenset(("text", "meta content")), "longest": 5, "many": False} | given
    return FieldHead(states=tiny_checkpoint().states_digest, tensors=HeadTensors(**tensors), **values)  # type: ignore[arg-type]


def test_a_file_gives_the_head_back(tmp_path: Path) -> None:
    head = a_head(many=True)
    save_head(head, tmp_path / "a.safetensors")
    again = load_head(tmp_path / "a.safetensors")
    assert (again.name, again.places, again.longest, again.many, again.states) == (
        head.name, head.places, head.longest, head.many, head.states,
    )  # fmt: skip
    np.testing.assert_allclose(again.tensors.unit, head.tensors.unit, rtol=1e-3)
    np.testing.assert_array_equal(again.tensors.mean, head.tensors.mean)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"meta": {"format": "x"}}, "format 'x', a head has 'soupstate-head-1'"),
        ({"meta": {"name": "A b"}}, "'A b' is no name for a field"),
        ({"meta": {"states": "abc"}}, "states: 'abc', expected 64 hexadecimal digits"),
        ({"meta": {"places": "{}"}}, "places: '{}', expected a list"),
        ({"meta": {"places": "[1]"}}, "expected at most"),
        ({"meta": {"longest": "-1"}}, "longest: '-1', expected a whole number"),
        ({"meta": {"many": '{"many": 1}'}}, "many: 1, expected true or false"),
        ({"tensors": {"unit": np.zeros(5, np.float16)}}, "unit: shape (5,), expected"),
        ({"tensors": {"bias": np.full(3, np.nan, np.float32)}}, "bias: holds numbers that are not finite"),
        ({"tensors": {"before": np.zeros((2, 2), np.float16)}}, "a tensor is no list of numbers"),
        ({"tensors": {"more": np.zeros(1, np.float32)}}, "more: not known"),
    ],
)
def test_a_file_that_was_changed(change: dict[str, dict[str, object]], says: str, tmp_path: Path) -> None:
    path = tmp_path / "head.safetensors"
    save_head(a_head(), path)
    with head_file.safe_open(path, "np") as file:
        meta = file.metadata()
    save_file(load_file(path) | change.get("tensors", {}), path, meta | change.get("meta", {}))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="head.safetensors: ") as raised:
        load_head(path)
    assert says in str(raised.value)


def test_files_that_are_no_heads(tmp_path: Path) -> None:
    path = tmp_path / "head.safetensors"
    save_head(a_head(), path)
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(ValueError, match="is not a safetensors file"):
        load_head(path)
    with pytest.raises(FileNotFoundError, match="no head at"):
        load_head(tmp_path / "gone")
    with pytest.raises(OSError, match="is not a regular file"):
        load_head(tmp_path)


@pytest.mark.parametrize("page", ["", "x", "<" * 100_000, "<p>" * 20_000, "&#60;" * 20_000, '<a b="' * 20_000])
def test_odd_pages_have_no_fields_or_some(page: str) -> None:
    """By a random network and a random head: whatever it answers is a part of the page."""
    reader = Reader(tiny_checkpoint()).with_heads([a_head(), a_head(name="b", many=True)])
    skimmed = skim(page)
    found = find_fields(reader.mark(skimmed.text), skimmed)
    assert set(found) == {"price", "b"} and len(found["price"]) <= 1
    for value in (*found["price"], *found["b"]):
        assert 0 <= value.start < value.end <= len(page) and key(value.value)


@pytest.mark.parametrize("module", [fields, unit_features], ids=lambda module: module.__name__)
def test_the_examples_in_docstrings(module: ModuleType) -> None:
    found = doctest.testmod(module)
    assert found.attempted and not found.failed
