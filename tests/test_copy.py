"""The copy model: what followed the last time."""

import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from kernels import reference
from kernels.compiled import cpp
from kernels.copy import MATCHERS, copies, copy_state

Bytes = NDArray[np.uint8]
FOLLOW, RECENT = 0, 1
Version = Callable[[Bytes, Bytes, Bytes, Bytes], None]


def run(version: Version, ids: Bytes, state: Bytes | None = None) -> tuple[Bytes, Bytes, Bytes]:
    state = copy_state() if state is None else state.copy()
    predicted, length = np.full((2, len(ids), MATCHERS), 99, np.uint8)
    version(ids, state, predicted, length)
    return predicted, length, state


def html(size: int, seed: int = 0) -> Bytes:
    """Text that repeats itself as pages do, not quite."""
    rng = np.random.default_rng(seed)
    words = [bytes(rng.integers(97, 123, rng.integers(2, 9), dtype=np.uint8)) for _ in range(60)]
    parts = []
    for i in range(size // 20):
        word, other = words[rng.integers(60)], words[rng.integers(60)]
        parts.append(
            b'<div class="%s"><a href="/%s/%d">%s</a></div>\n' % (word, other, i % 97, word)
        )
    return np.frombuffer(b"".join(parts)[:size], np.uint8)


compiled = pytest.mark.skipif(cpp is None, reason="pure build")


@pytest.fixture(params=["compiled", "reference"])
def version(request: pytest.FixtureRequest) -> Version:
    if request.param == "reference":
        return reference.copies
    if cpp is None:
        pytest.skip("pure build")
    fast: Version = cpp.copies
    return fast


def test_worked_example(version: Version) -> None:
    """`recent` needs three bytes, `follow` five; the class is one more than the length."""
    ids = np.frombuffer(b"abcdeXabcdeX", np.uint8)
    predicted, length, _ = run(version, ids)
    assert not predicted[:8].any() and not length[:8].any()
    assert predicted[8:, RECENT].tobytes() == b"deXa" and length[8:, RECENT].tolist() == [
        4,
        5,
        6,
        7,
    ]
    assert predicted[10:, FOLLOW].tobytes() == b"Xa" and length[10:, FOLLOW].tolist() == [6, 7]
    assert not length[:10, FOLLOW].any()


@compiled
@pytest.mark.parametrize("kind", ["html", "random", "two letters", "one letter"])
def test_versions_agree(kind: str) -> None:
    rng = np.random.default_rng(3)
    ids = {
        "html": html(40_000),
        "random": rng.integers(0, 256, 40_000, dtype=np.uint8),
        "two letters": rng.integers(0, 2, 40_000, dtype=np.uint8),
        "one letter": np.zeros(2_000, np.uint8),
    }[kind]
    assert cpp is not None
    for fast, plain in zip(run(cpp.copies, ids), run(reference.copies, ids), strict=True):
        assert np.array_equal(fast, plain)


@compiled
def test_versions_agree_beyond_the_ring() -> None:
    """The C++ reads the first half million bytes, both the rest, from the same state."""
    assert cpp is not None
    # The start comes back 8 bytes before it would leave the ring, and again just after.
    page = html(reference.RING - 2_000, seed=4)
    start, noise = page[:1_960], np.random.default_rng(5).integers(0, 256, 3_000, dtype=np.uint8)
    _, _, state = run(cpp.copies, page)
    ids = np.concatenate(
        [start, noise, page[1_000:4_000], noise, page[-3_000:], page[8_000:12_000]]
    )
    for fast, plain in zip(
        run(cpp.copies, ids, state), run(reference.copies, ids, state), strict=True
    ):
        assert np.array_equal(fast, plain)


def test_forgets_what_left_the_ring(version: Version) -> None:
    rng = np.random.default_rng(6)
    passage = rng.integers(0, 128, 64, dtype=np.uint8)
    for gap, known in [(1_000, True), (reference.RING, False)]:
        filler = rng.integers(128, 256, gap, dtype=np.uint8)
        filler[5:] = filler[5 % len(filler)]
        _, _, state = copies(np.concatenate([passage, filler]), copy_state())
        predicted, length, _ = run(version, passage, state)
        assert (length[10:, FOLLOW] > 0).any() == known
        assert (length[10:, RECENT] > 0).any() == known
        if known:
            assert np.array_equal(predicted[10:-1, FOLLOW], passage[11:])


@pytest.mark.parametrize("cut", [0, 1, 2, 4, 5, 777, 3_000])
def test_cut_in_two(version: Version, cut: int) -> None:
    ids = html(3_000)
    whole = run(version, ids)
    first = run(version, ids[:cut])
    second = run(version, ids[cut:], first[2])
    assert np.array_equal(np.concatenate([first[0], second[0]]), whole[0])
    assert np.array_equal(np.concatenate([first[1], second[1]]), whole[1])
    assert np.array_equal(second[2], whole[2])


def test_state_is_left_as_it_was() -> None:
    state = copy_state()
    _, _, new = copies(html(200), state)
    assert not state.any() and new.any()


def test_layout_of_the_state() -> None:
    assert cpp is None or cpp.COPY_STATE_BYTES == reference.COPY_STATE_BYTES


def test_wrong_inputs() -> None:
    ids = html(50)
    with pytest.raises(ValueError, match="ids: int64"):
        copies(ids.astype(np.int64), copy_state())
    with pytest.raises(ValueError, match="ids: uint8"):
        copies(ids[:, None], copy_state())
    with pytest.raises(ValueError, match=r"state: uint8 \(7,\)"):
        copies(ids, np.zeros(7, np.uint8))


@compiled
def test_outputs_are_never_converted() -> None:
    """A converted output would be a copy, and the caller's array stay as it was."""
    assert cpp is not None
    good = np.zeros((50, 2), np.uint8)
    with pytest.raises(TypeError):
        cpp.copies(html(50), copy_state(), good.astype(np.int32), good)
    with pytest.raises(ValueError, match="one row per id"):
        cpp.copies(html(50), copy_state(), good[:-1], good)


def test_without_the_compiled_module() -> None:
    """A pure build reads too; a module that is there and does not load is an error."""
    program = """
import sys
sys.modules["kernels._cpp"] = None
import numpy as np, kernels
from kernels.copy import copies, copy_state
assert kernels.available() == ("reference",)
predicted, length, _ = copies(np.frombuffer(b"abcdeXabcdeX", np.uint8), copy_state())
assert predicted[-1].tobytes() == b"aa" and length[-1].tolist() == [7, 7]
"""
    subprocess.run([sys.executable, "-c", program], check=True)
