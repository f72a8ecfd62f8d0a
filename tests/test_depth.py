"""The depth layer and its lessons: what is open behind each tag, by the tree; and what is learned of it."""

import dataclasses
import re

import numpy as np
import pytest

import soupstate
from soupstate.kernels.tag_names import SELF_CLOSING
from soupstate.model.net.depth import CELLS, TENSORS, DepthLayer, possible
from soupstate.model.page.elements import COUNTED_KINDS, FOREIGN_KIND, LI_KIND, UL_KIND
from soupstate.model.page.marks import DEEPEST
from soupstate.model.page.nesting import MOST_OPEN
from soupstate.model.page.tag_places import START_OF, tag_places
from soupstate.model.train.data.open_elements import opened
from soupstate.model.train.network.depth_layer import Samples, damaged, fit_layer, moves_of, skimmed, whole

LETTERS = "-pidctfauosTqDrh"  # of the kinds of elements


def told(page: str) -> list[tuple[str, str]]:
    """The text of each tag as far as where it counts, and a letter for each element that is open then, by its kind."""
    encoded, found = page.encode(), []
    ends, counts = opened(page)
    for at, open_now in zip(ends, counts, strict=True):
        tag = encoded[encoded.rindex(b"<", 0, at) : at + 1].decode()
        found.append((tag, "".join(letter * n for letter, n in zip(LETTERS, open_now, strict=True))))
    return found


@pytest.mark.parametrize(
    ("page", "wanted"),
    [
        ("<div class=a>x</div>", [("<div ", "--D"), ("</div>", "--")]),  # html and body are implied, and stay open
        ("<body><p>a<br>b<img src=c>", [("<body>", "--"), ("<p>", "--p"), ("<br>", "--p"), ("<img ", "--p")]),
        ("<body><ul><li>a<li>b</ul>",
         [("<body>", "--"), ("<ul>", "--u"), ("<li>", "--iu"), ("<li>", "--iu"), ("</ul>", "--")]),
        ("<body><p>a<div>b</div>", [("<body>", "--"), ("<p>", "--p"), ("<div>", "--D"), ("</div>", "--")]),
        ("<body><table><tr><td>é</table>",  # the body of the table has no tag
         [("<body>", "--"), ("<table>", "--T"), ("<tr>", "---tT"), ("<td>", "---ctT"), ("</table>", "--")]),
        ("<body><td><b><i>x</p>",
         [("<body>", "--"), ("<td>", "--"), ("<b>", "--a"), ("<i>", "--aa"), ("</p>", "--aa")]),
        ("<body><svg><path d=x /></svg>",
         [("<body>", "--"), ("<svg>", "--f"), ("<path ", "--ff"), ("<path d=x />", "--f"), ("</svg>", "--")]),
        ("<body><script>a='<div>'</script>", [("<body>", "--"), ("<script>", "--r"), ("</script>", "--")]),
        ("<body><!-- <div> --></i>", [("<body>", "--"), ("</i>", "--")]),
    ],
)  # fmt: skip
def test_opened(page: str, wanted: list[tuple[str, str]]) -> None:
    assert told(page) == wanted
    assert len(COUNTED_KINDS) == CELLS


@pytest.mark.parametrize(
    "page", ["<body><ul><li>a<li>b<b><i><u></ul>é</p>", "<svg><path d=x /></svg><A/>x", "<br><DIV\tid=x></div >"]
)
def test_elements_open_and_close_at_places_alone(page: str) -> None:
    assert set(opened(page)[0].tolist()) <= set(tag_places(page.encode())[0].tolist())


def test_lessons_hold_all_moves_and_what_looks_like_one(random: np.random.Generator) -> None:
    page = "<body><script>a='<div>'</script><ul><li>a<li>b<b><i><u></ul>" + "text " * 50
    text, after = whole(page, random)
    assert text == page and after.shape == (len(page), CELLS)
    places, tags = tag_places(page.encode())
    open_after = after[places]
    before = np.concatenate([np.zeros((1, CELLS), np.uint8), open_after[:-1]])
    moves = moves_of(before, open_after, tags)
    at = {int(place): k for k, place in enumerate(places)}
    assert not moves[at[page.index("<div>") + 4]].any()
    body, end = at[5], at[page.index("</ul>") + 4]
    assert moves[body].tolist() == [4] + [0] * 15  # html and body
    assert {kind: n for kind, n in enumerate(before[end].tolist()) if n} == {0: 2, LI_KIND: 1, 7: 3, UL_KIND: 1}
    assert {kind: n for kind, n in enumerate(moves[end].tolist()) if n} == {LI_KIND: 2, 7: 3, UL_KIND: 2}


def test_no_lesson_wants_a_move_that_is_impossible() -> None:
    """An end tag opens nothing, also where the damage took the start tag that did."""
    tags = tag_places(b"</p><p>")[1]
    nothing, one = np.zeros((2, CELLS), np.uint8), np.ones((2, CELLS), np.uint8)
    moves = moves_of(nothing, one, tags)
    assert not moves[0].any()
    assert np.flatnonzero(moves[1]).tolist() == [0, 1, FOREIGN_KIND]


def test_a_damaged_page_holds_what_was_open_before(random: np.random.Generator) -> None:
    page = "<body><ul>" + "".join(f"<li>item {k} of the list<ul><li>inner</ul>" for k in range(300)) + "</ul>end"
    text, after = damaged(page, random)
    assert text != page and len(after) == len(text)
    for word, deep in (("item", 1), ("inner", 2), ("end", 0)):
        for match in re.finditer(word, text):
            assert after[match.start(), LI_KIND] == deep


def test_skimmed_lessons(random: np.random.Generator) -> None:
    page = "<body><script>" + "x = 1; " * 200 + "</script><ul><li>a</ul>"
    text, after = skimmed(page, random)
    assert len(after) == len(text) < len(page) and after[text.index("a</ul>"), LI_KIND] == 1


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture(scope="module")
def learned() -> tuple[Samples, DepthLayer]:
    """Cell 1 goes up at a `<p>` where an output is above zero and down at a `</p>`, to none where it is not."""
    random = np.random.default_rng(1)
    n = 8000
    h = (127 * np.sign(random.normal(size=(n, 6)))).astype(np.int8)
    tags = random.choice(np.array([START_OF[b"p"], START_OF[b"p"] + 1, START_OF[b"br"]], np.uint8), n)
    held = np.zeros((n, CELLS), np.uint8)
    held[:, 1] = random.integers(0, 8, n)
    agree, moves = h[:, 0] > 0, np.zeros((n, CELLS), np.uint8)
    moves[agree & (tags == START_OF[b"p"]), 1] = 1
    moves[(tags == START_OF[b"p"] + 1) & (held[:, 1] > 0), 1] = 3
    moves[(tags == START_OF[b"p"] + 1) & (held[:, 1] > 0) & agree, 1] = 2
    given = Samples(h, tags, held, moves)
    return given, fit_layer(given, epochs=40)


def test_a_layer_learns_its_moves(learned: tuple[Samples, DepthLayer]) -> None:
    given, layer = learned
    cells = layer.advance(given.h / np.float32(127), given.tags, np.zeros(CELLS, np.uint8))
    count, wanted = 0, []
    for tag, h in zip(given.tags.tolist(), given.h.tolist(), strict=True):
        if tag == START_OF[b"p"]:
            count = min(count + (h[0] > 0), MOST_OPEN)
        elif tag == START_OF[b"p"] + 1:
            count = max(count - 1, 0) if h[0] > 0 else 0
        wanted.append(count)
    assert (cells[:, 1] == wanted).mean() > 0.98  # counts of more than six, which it cannot tell apart, among them
    assert not cells[:, 2:].any()


@pytest.mark.parametrize("cut", [0, 1, 31, 999])
def test_a_page_in_two_halves_is_a_page(cut: int, learned: tuple[Samples, DepthLayer]) -> None:
    given, layer = learned
    h, tags, none = given.h[:1000] / np.float32(127), given.tags[:1000], np.zeros(CELLS, np.uint8)
    whole_page = layer.advance(h, tags, none)
    first = layer.advance(h[:cut], tags[:cut], none)
    second = layer.advance(h[cut:], tags[cut:], first[-1] if cut else none)
    assert np.array_equal(np.concatenate([first, second]), whole_page)


def test_deep_divs_are_counted_beyond_the_depth_that_is_shown() -> None:
    opens = "".join(f'<div class="d{i}">' for i in range(44))
    ends = "</div>" * 10 + "<p>Ten fewer.</p>" + "</div>" * 34
    page = f"<!doctype html><html><head><title>Boxes</title></head><body>{opens}<p>Inside.</p>{ends}</body></html>"
    depth = soupstate.read(page).depth
    assert (depth[page.index("Inside") + 3], depth[page.index("fewer")]) == (DEEPEST, 37)  # html, body, 34 div, p


def test_what_tags_may_open() -> None:
    may = possible()
    start = START_OF[b"ul"]
    assert np.flatnonzero(may[start, :, 1]).tolist() == [0, FOREIGN_KIND, UL_KIND]
    assert np.flatnonzero(may[start, :, 4]).tolist() == [0]
    assert not may[start + 1, :, [1, 4]].any() and not may[SELF_CLOSING, :, [1, 4]].any()
    assert may[:, :, [0, 2, 3, 5]].all()


def test_wrong_shapes(learned: tuple[Samples, DepthLayer]) -> None:
    for name in TENSORS:
        with pytest.raises(ValueError, match="depth layer: shapes"):
            dataclasses.replace(learned[1], **{name: getattr(learned[1], name)[:-1]})
