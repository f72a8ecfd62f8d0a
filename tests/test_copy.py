"""The copy model: what followed the last time."""

import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from soupstate.kernels import reference
from soupstate.kernels.compiled import MISSING, cpp
from soupstate.kernels.copy import CONTEXTS, MATCHERS, PREDICTIONS, Predictions, copies, copy_state, peek_copies

Bytes = NDArray[np.uint8]
Slots = NDArray[np.uint16]
FOLLOW, RECENT = 0, 1
NEWEST, OLDER = slice(MATCHERS, MATCHERS + CONTEXTS), slice(MATCHERS + CONTEXTS, PREDICTIONS)
LAST_BYTE, LAST_TWO, WORD, ATTRIBUTE, TAGS = 0, 1, 5, 7, 8  # contexts, see successors.h
Version = Callable[[Bytes, Bytes, Bytes, Bytes, Slots], None]


def run(version: Version, ids: Bytes, state: Bytes | None = None) -> tuple[Predictions, Bytes]:
    state = copy_state() if state is None else state.copy()
    predicted, length = np.full((2, len(ids), PREDICTIONS), 99, np.uint8)
    found = Predictions(predicted, length, np.full((len(ids), CONTEXTS), 99, np.uint16))
    version(ids, state, found.predicted, found.length, found.slot)
    return found, state


def assert_same(a: Predictions, b: Predictions) -> None:
    assert np.array_equal(a.predicted, b.predicted)
    assert np.array_equal(a.length, b.length)
    assert np.array_equal(a.slot, b.slot)


def ids_of(text: str | bytes) -> Bytes:
    return np.frombuffer(text if isinstance(text, bytes) else text.encode(), np.uint8)


def html(size: int, seed: int = 0) -> Bytes:
    """Text that repeats itself as pages do, not quite."""
    rng = np.random.default_rng(seed)
    words = [bytes(rng.integers(97, 123, rng.integers(2, 9), dtype=np.uint8)) for _ in range(60)]
    parts = []
    for i in range(size // 20):
        word, other = words[rng.integers(60)], words[rng.integers(60)]
        parts.append(b'<div class="%s"><a href="/%s/%d">%s</a></div>\n' % (word, other, i % 97, word))
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
    found, _ = run(version, ids)
    predicted, length = found.predicted[:, :MATCHERS], found.length[:, :MATCHERS]
    assert not predicted[:8].any() and not length[:8].any()
    assert predicted[8:, RECENT].tobytes() == b"deXa" and length[8:, RECENT].tolist() == [
        4,
        5,
        6,
        7,
    ]
    assert predicted[10:, FOLLOW].tobytes() == b"Xa" and length[10:, FOLLOW].tolist() == [6, 7]
    assert not length[:10, FOLLOW].any()


def expected(found: Predictions, at: int, context: int) -> tuple[str, str, int]:
    """What a context's successors say after the byte at `at`: newest, older ("" if none), class."""
    newest, older = found.predicted[at, NEWEST][context], found.predicted[at, OLDER][context]
    kind, of_older = found.length[at, NEWEST][context], found.length[at, OLDER][context]
    assert of_older in (0, kind) and (kind or not newest) and (of_older or not older)
    return chr(newest) if kind else "", chr(older) if of_older else "", int(kind)


def test_successors_worked_example(version: Version) -> None:
    """The byte that came last in a context; from class 11 on another one came before it, which is told too."""
    found, _ = run(version, ids_of("<p>x</p><p>y</p><p>"))
    assert [expected(found, at, LAST_BYTE) for at in (0, 4)] == [("", "", 0), ("p", "", 1)]
    assert expected(found, 8, LAST_BYTE) == ("/", "p", 11)  # after "<": first "p", then "/"
    assert expected(found, 12, LAST_BYTE) == ("p", "/", 11)
    assert expected(found, 16, LAST_BYTE) == ("/", "p", 11)
    assert expected(found, 10, LAST_TWO) == ("<", "x", 11)  # after "p>"
    assert expected(found, 13, LAST_TWO) == ("p", "", 1)  # after "</"
    assert expected(found, 3, WORD) == expected(found, 11, WORD) == ("", "", 0)  # "x" and "y" are new words
    assert not found.length[0].any() and not found.predicted[0].any()
    assert len(set(found.slot[[0, 4, 8, 12, 16], LAST_BYTE].tolist())) == 1
    assert len(set(found.slot[:, LAST_BYTE].tolist())) == len(set("<p>x/y"))


def test_successors_tell_tags_and_attributes_apart(version: Version) -> None:
    text = "<a href=x><img src=y>=z<a href="
    found, _ = run(version, ids_of(text))
    link, image, bare, last = (i for i, c in enumerate(text) if c == "=")
    assert expected(found, last, LAST_BYTE) == ("z", "y", 11)
    assert expected(found, last, ATTRIBUTE) == ("x", "", 1)
    slots = found.slot[:, ATTRIBUTE]
    assert slots[last] == slots[link] and len({slots[link], slots[image], slots[bare]}) == 3
    assert len(set(found.slot[[link, image, bare, last], LAST_BYTE].tolist())) == 1

    cells = "<tr><td>x<tr><th>y<tr><td>"
    found, _ = run(version, ids_of(cells))
    assert expected(found, len(cells) - 1, LAST_BYTE) == ("<", "y", 11)
    assert expected(found, len(cells) - 1, TAGS) == ("x", "", 1)


@pytest.mark.parametrize(("begin", "more"), [("", 0), ("ac", 10)])
def test_class_of_a_run_grows(version: Version, begin: str, more: int) -> None:
    """After the k-th "ab" the run is k, of at most 255; of a context with an older byte the class is 10 higher."""
    found, _ = run(version, ids_of(begin + "ab" * 300))
    after = found.length[len(begin) + 2 :: 2, NEWEST][:, LAST_BYTE].tolist()
    starts = [1, 2, 3, 4, 5, 6, 9, 16, 32, 128]  # least runs of classes 1 to 10
    assert after == [more + sum(k >= start for start in starts) for k in range(1, 300)]
    assert set(found.predicted[len(begin) + 2 :: 2, NEWEST][:, LAST_BYTE].tolist()) == {ord("b")}
    older = found.predicted[len(begin) + 2 :: 2, OLDER][:, LAST_BYTE].tolist()
    assert set(older) == ({ord("c")} if more else {0})


@compiled
@pytest.mark.parametrize("kind", ["html", "random", "two letters", "one letter"])
def test_versions_agree(kind: str) -> None:
    rng = np.random.default_rng(3)
    ids = {
        "html": html(20_000),
        "random": rng.integers(0, 256, 20_000, dtype=np.uint8),
        "two letters": rng.integers(0, 2, 20_000, dtype=np.uint8),
        "one letter": np.zeros(2_000, np.uint8),
    }[kind]
    assert cpp is not None
    (fast, fast_state), (plain, plain_state) = run(cpp.copies, ids), run(reference.copies, ids)
    assert_same(fast, plain)
    assert np.array_equal(fast_state, plain_state)
    if kind == "html":
        assert fast.length.any(0).all()  # every matcher and every context came to predict


@compiled
def test_versions_agree_beyond_the_ring() -> None:
    """The C++ reads the first half million bytes, both the rest, from the same state."""
    assert cpp is not None
    # The start comes back 8 bytes before it would leave the ring, and again just after.
    page = html(reference.RING - 2_000, seed=4)
    start, noise = page[:1_960], np.random.default_rng(5).integers(0, 256, 3_000, dtype=np.uint8)
    _, state = run(cpp.copies, page)
    ids = np.concatenate([start, noise, page[1_000:4_000], noise, page[-3_000:], page[8_000:12_000]])
    (fast, fast_state), (plain, plain_state) = run(cpp.copies, ids, state), run(reference.copies, ids, state)
    assert_same(fast, plain)
    assert np.array_equal(fast_state, plain_state)


def test_forgets_what_left_the_ring(version: Version) -> None:
    rng = np.random.default_rng(6)
    passage = rng.integers(0, 128, 64, dtype=np.uint8)
    for gap, known in [(1_000, True), (reference.RING, False)]:
        filler = rng.integers(128, 256, gap, dtype=np.uint8)
        filler[5:] = filler[5 % len(filler)]
        _, state = copies(np.concatenate([passage, filler]), copy_state())
        found, _ = run(version, passage, state)
        assert (found.length[10:, FOLLOW] > 0).any() == known
        assert (found.length[10:, RECENT] > 0).any() == known
        if known:
            assert np.array_equal(found.predicted[10:-1, FOLLOW], passage[11:])


@pytest.mark.parametrize("cut", [0, 1, 2, 4, 5, 777, 3_000])
def test_cut_in_two(version: Version, cut: int) -> None:
    ids = html(3_000)
    whole, end = run(version, ids)
    first, middle = run(version, ids[:cut])
    second, state = run(version, ids[cut:], middle)
    assert_same(first, whole[:cut])
    assert_same(second, whole[cut:])
    assert np.array_equal(state, end)


@compiled
def test_one_version_goes_on_where_the_other_stopped() -> None:
    assert cpp is not None
    ids = html(3_000)
    whole, end = run(cpp.copies, ids)
    for one, other in [(cpp.copies, reference.copies), (reference.copies, cpp.copies)]:
        found, state = run(other, ids[1_500:], run(one, ids[:1_500])[1])
        assert_same(found, whole[1_500:])
        assert np.array_equal(state, end)


def test_state_is_left_as_it_was() -> None:
    state = copy_state()
    _, new = copies(html(200), state)
    assert not state.any() and new.any()


@pytest.mark.parametrize("before", [0, 2, 3_000, reference.RING - 10])
@pytest.mark.parametrize("text", ["", "<", "/a></p>", "<p class=x>" * 30])
def test_peek_is_copies_and_leaves_the_state(before: int, text: str) -> None:
    """Also where the history comes round, and where one table entry is written several times."""
    if cpp is None and before > 10_000:
        pytest.skip("slow in a pure build")
    _, state = copies(html(before, seed=7), copy_state())
    wanted, after = copies(ids_of(text), state)
    kept = state.copy()
    assert_same(peek_copies(ids_of(text), state), wanted)
    assert np.array_equal(state, kept)
    assert_same(peek_copies(ids_of(text), state), wanted)
    assert np.array_equal(copies(ids_of(text), state)[1], after)


def test_nothing_is_missing_where_the_module_is_there() -> None:
    assert bool(MISSING) == (cpp is None)


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
    for function in (cpp.copies, cpp.peek_copies):
        good, slot = np.zeros((50, PREDICTIONS), np.uint8), np.zeros((50, CONTEXTS), np.uint16)
        for wrong in (
            (good.astype(np.int32), good, slot),
            (good, good.astype(np.int32), slot),
            (good, good, slot.astype(np.int32)),
            (good[:, :-1], good, slot),
            (good, good, slot[:, :-1]),
            (np.asfortranarray(good), good, slot),
        ):
            with pytest.raises(TypeError):
                function(html(50), copy_state(), *wrong)
        for wrong in ((good[:-1], good, slot), (good, good[:-1], slot), (good, good, slot[:-1])):
            with pytest.raises(ValueError, match="one row per id"):
                function(html(50), copy_state(), *wrong)
        with pytest.raises(ValueError, match="state: expected COPY_STATE_BYTES"):
            function(html(50), copy_state()[:-1].copy(), good, good, slot)


def test_without_the_compiled_module() -> None:
    """A pure build reads too; a module that is there and does not load is an error."""
    program = """
import sys
sys.modules["soupstate.kernels._cpp"] = None
import numpy as np
from soupstate import kernels
from soupstate.kernels.compiled import MISSING
from soupstate.kernels.copy import copies, copy_state
assert kernels.available() == ("reference",) and "C++17 compiler" in MISSING
from soupstate.kernels.copy import peek_copies
ids = np.frombuffer(b"abcdeXabcdeX", np.uint8)
found, _ = copies(ids, copy_state())
assert found.predicted[-1, :4].tobytes() == b"aaaa" and found.length[-1, :4].tolist() == [7, 7, 1, 1]
state = copy_state()
assert np.array_equal(peek_copies(ids, state).slot, found.slot) and not state.any()
"""
    subprocess.run([sys.executable, "-c", program], check=True)
