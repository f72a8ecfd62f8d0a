"""The depth layer and its lessons: what is open behind each tag, by the tree; and what is learned of it."""

import dataclasses

import numpy as np
import pytest

from soupstate.model.net.depth import CELLS, SEEN, TENSORS, DepthLayer, DepthState
from soupstate.model.page.elements import COUNTED_KINDS
from soupstate.model.train.data.open_elements import opened
from soupstate.model.train.network.depth_layer import Samples, fit_layer, lesson


def told(page: str) -> list[tuple[str, str]]:
    """The text of each tag as far as where it counts, and a letter for each element that is open then, by its kind."""
    encoded, found = page.encode(), []
    ends, counts = opened(page)
    for at, open_now in zip(ends, counts, strict=True):
        tag = encoded[encoded.rindex(b"<", 0, at) : at + 1].decode()
        found.append((tag, "".join(letter * n for letter, n in zip("-pictfal", open_now, strict=True))))
    return found


@pytest.mark.parametrize(
    ("page", "wanted"),
    [
        ("<div class=a>x</div>", [("<div ", "---"), ("</div>", "--")]),  # html and body are implied, and stay open
        ("<body><p>a<br>b<img src=c>", [("<body>", "--"), ("<p>", "--p"), ("<br>", "--p"), ("<img ", "--p")]),
        ("<body><ul><li>a<li>b</ul>",
         [("<body>", "--"), ("<ul>", "--l"), ("<li>", "--il"), ("<li>", "--il"), ("</ul>", "--")]),
        ("<body><p>a<div>b</div>", [("<body>", "--"), ("<p>", "--p"), ("<div>", "---"), ("</div>", "--")]),
        ("<body><table><tr><td>é</table>",  # the body of the table has no tag
         [("<body>", "--"), ("<table>", "--l"), ("<tr>", "---tl"), ("<td>", "---ctl"), ("</table>", "--")]),
        ("<body><td><b><i>x</p>",
         [("<body>", "--"), ("<td>", "--"), ("<b>", "--a"), ("<i>", "--aa"), ("</p>", "--aa")]),
        ("<body><svg><path d=x /></svg>",
         [("<body>", "--"), ("<svg>", "--f"), ("<path ", "--ff"), ("<path d=x />", "--f"), ("</svg>", "--")]),
        ("<body><script>a='<div>'</script>", [("<body>", "--"), ("<script>", "---"), ("</script>", "--")]),
        ("<body><!-- <div> --></i>", [("<body>", "--"), ("</i>", "--")]),
    ],
)  # fmt: skip
def test_opened(page: str, wanted: list[tuple[str, str]]) -> None:
    assert told(page) == wanted
    assert len(COUNTED_KINDS) == CELLS


def test_lessons_hold_all_moves_and_what_looks_like_one() -> None:
    page = "<body><script>a='<div>'</script><ul><li>a<li>b<b><i><u></ul>" + "text " * 50
    found = lesson(page.encode(), *opened(page), np.random.default_rng(0))
    assert (np.diff(found.at) > 0).all() and found.at[0] >= 0 and found.at[-1] < len(page)
    assert {*opened(page)[0].tolist(), page.index("<div>") + 4} <= set(found.at.tolist())
    assert len(found.at) > 14 and not found.moves[found.at == page.index("<div>") + 4].any()
    end = found.at.tolist().index(page.index("</ul>") + 4)
    assert found.open[end].tolist() == [2, 0, 1, 0, 0, 0, 3, 1]
    assert found.moves[end].tolist() == [0, 0, 2, 0, 0, 0, 3, 2]
    again = found.at.tolist().index(page.index("<li>b") + 3)
    assert found.moves[again].tolist() == [0] * CELLS and found.open[again].tolist() == [2, 0, 1, 0, 0, 0, 0, 1]


@pytest.fixture(scope="module")
def learned() -> tuple[Samples, DepthLayer]:
    """Cell 0 goes up at an `a` where two outputs agree, down at a `b`; cell 1 likewise, but to one and to nought."""
    random = np.random.default_rng(1)
    n = 30_000
    h = np.sign(random.normal(size=(n, 6))).astype(np.float16)
    ids = random.choice(np.frombuffer(b"abcd", np.uint8), n)
    seen = np.stack([ids, *(np.roll(ids, k) for k in range(1, SEEN))], 1)
    held = np.zeros((n, CELLS), np.uint8)
    held[:, 0], held[:, 1] = random.integers(0, 5, n), random.integers(0, 2, n)
    up, down = (ids == ord("a")) & (h[:, 0] == h[:, 1]), ids == ord("b")
    moves = np.zeros((n, CELLS), np.uint8)
    moves[up, 0], moves[down & (held[:, 0] > 0), 0] = 1, 2
    moves[up & (held[:, 1] == 0), 1], moves[down & (held[:, 1] > 0), 1] = 1, 3
    given = Samples(h, seen, held, moves)
    return given, fit_layer(given, epochs=25)


def test_a_layer_learns_its_moves(learned: tuple[Samples, DepthLayer]) -> None:
    given, layer = learned
    ids = given.seen[:, 0]
    cells, _ = layer.advance(given.h.astype(np.float32), ids, DepthState.start())
    count, one, wanted = 0, 0, []
    for byte, (a, b) in zip(ids.tolist(), (given.h[:, :2] > 0).tolist(), strict=True):
        if byte == ord("a") and a == b:
            count, one = count + 1, 1
        elif byte == ord("b"):
            count, one = max(count - 1, 0), 0
        wanted.append((count, one))
    right = (cells[:, :2] == np.array(wanted)).all(1)
    assert right.mean() > 0.98  # counts of more than six, which it cannot tell apart, among them
    assert not cells[:, 2:].any()


@pytest.mark.parametrize("cut", [1, 2, 9, 31, 500, 999])
def test_a_page_in_two_halves_is_a_page(cut: int, learned: tuple[Samples, DepthLayer]) -> None:
    given, layer = learned
    h, ids = given.h[:1000].astype(np.float32), given.seen[:1000, 0]
    whole, end = layer.advance(h, ids, DepthState.start())
    first, between = layer.advance(h[:cut], ids[:cut], DepthState.start())
    second, last = layer.advance(h[cut:], ids[cut:], between)
    assert np.array_equal(np.concatenate([first, second]), whole)
    assert np.array_equal(last.cells, end.cells) and np.array_equal(last.before, end.before)
    assert end.before.tolist() == ids[:-SEEN:-1].tolist()


def test_wrong_shapes(learned: tuple[Samples, DepthLayer]) -> None:
    for name in TENSORS:
        with pytest.raises(ValueError, match="depth layer: shapes"):
            dataclasses.replace(learned[1], **{name: getattr(learned[1], name)[:-1]})
