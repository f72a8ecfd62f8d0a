"""The search for faults without its parts."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from conftest import A_RANKING, two_readers

from soupstate.kernels.copy import copies, copy_state
from soupstate.kernels.weights import Piece, Predictions, State
from soupstate.model.net.reader import Reader
from soupstate.model.train.evaluation.evaluate import evaluate_faults
from soupstate.model.train.evaluation.fault_ablation import WithoutCopies, ablate_faults, variants

PAGE = "".join(f'<li class="entry"><a href="/boats/{n}.html">Boat {n}</a></li>\n' for n in range(30))


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    return two_readers(tmp_path_factory.mktemp("both"))


def test_variants(reader: Reader) -> None:
    found = dict(variants(reader))
    assert len(found) == 5
    assert found["both networks, ranked"] is reader and reader.backward is not None
    unranked = found["both networks, by bits saved alone"]
    assert unranked.backward is not None and unranked.backward.checkpoint.ranking is None
    assert reader.backward.checkpoint.ranking == A_RANKING
    assert found["forward network alone, ranked"].backward is None
    uncopied = found["as the first, without the copy input"]
    assert uncopied.backward is not None
    assert isinstance(uncopied.packed, WithoutCopies) and isinstance(uncopied.backward.packed, WithoutCopies)
    assert uncopied.backward.checkpoint.ranking == A_RANKING
    assert len(dict(variants(found["forward network alone, ranked"]))) == 3


def test_without_copies_nothing_is_repeated(reader: Reader) -> None:
    without = WithoutCopies(reader.packed.weights, reader.packed.backend)
    ids = np.frombuffer(PAGE.encode(), np.uint8)
    state = State.zeros(without.weights.units)
    found = copies(ids, copy_state())[0]
    blank = Piece(ids, Predictions.none(len(ids)), state)
    (expected,), (chunk,) = reader.packed.read_many([blank]), without.read_many([Piece(ids, found, state)])
    assert np.array_equal(chunk.bits, expected.bits) and not chunk.state.last.length.any()
    ((bits, _),) = without.read_bits([Piece(ids, found, state)])
    assert np.array_equal(bits, expected.bits)
    (after,) = without.read_states([Piece(ids, found, state)])
    assert np.array_equal(after.h, expected.state.h)
    ((bits, _),) = reader.packed.read_bits([Piece(ids, found, state)])
    assert not np.allclose(bits, expected.bits)


def test_the_table_has_the_figures_of_each(reader: Reader, tmp_path: Path) -> None:
    at = PAGE.index(">Boat 7")
    fault = {
        "page": "a", "fault": "drop", "benign": False, "offset": at,
        "edit": {"pos": at, "del": 1, "ins": ""}, "repair": {"pos": at, "del": 0, "ins": ">"},
    }  # fmt: skip
    file = tmp_path / "faults.jsonl.gz"
    file.write_bytes(gzip.compress("\n".join(map(json.dumps, [{"page": "a", "html": PAGE}, fault])).encode()))
    table = ablate_faults(reader, file, 0)
    assert list(table) == [name for name, _ in variants(reader)]
    assert table["both networks, ranked"] == evaluate_faults(reader, file)
    alarms = [figures["faults of 0.5 or more on a whole page"] for figures in table.values()]
    assert len(set(alarms)) > 1  # the rankings differ, and so does what they are of
