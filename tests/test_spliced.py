"""Pages that are put together from two labelled ones."""

import numpy as np
import pytest

from soupstate.model.page.block_figures import described, placed
from soupstate.model.page.blocks import blocks_of
from soupstate.model.page.spans import spans_of_marks
from soupstate.model.page.stop import Watch
from soupstate.model.train.data.block_examples import UNKNOWN, Example, label
from soupstate.model.train.data.spliced import spliced
from soupstate.model.train.data.teacher import teach

FERRY = """<title>Ferry</title><nav><a href=/>Home</a></nav><h1>Night ferry</h1><p>It sails again on Friday evening.</p>
<p>An advertisement.</p><p>Bicycles travel free until the end of March.</p><footer>Imprint</footer>"""
TEA = """<p>Shop<p>Basket<h1>Our offer</h1><div id=t>Two cups of green tea, please.</div><p>Terms</p><p>Help</p>"""


def example(page: str, gold: str) -> Example:
    blocks = blocks_of(page, spans_of_marks(page, teach(page)), Watch())
    texts = blocks.texts
    labels = label(texts, gold)
    known = np.ones(len(texts), np.float32)
    return Example(gold, "x.example", described(page, blocks, Watch()), labels, known, texts, gold, UNKNOWN)


ferry = example(FERRY, "It sails again on Friday evening. Bicycles travel free until the end of March.")
tea = example(TEA, "Two cups of green tea, please.")


def lists(ragged: tuple[np.ndarray, np.ndarray]) -> list[list[int]]:
    return [part.tolist() for part in np.split(ragged[0], ragged[1][1:])]


def test_main_content_of_one_page_stands_in_the_frame_of_the_other() -> None:
    made = spliced(ferry, tea)
    assert made.texts == [
        *("Shop", "Basket", "Our offer"),
        *("It sails again on Friday evening.", "An advertisement.", "Bicycles travel free until the end of March."),
        *("Terms", "Help"),
    ]
    assert made.labels.tolist() == [0, 0, 0, 1, 0, 1, 0, 0] and made.known.tolist() == [1] * 8
    assert (made.gold, made.name) == (ferry.gold, ferry.name)
    for name in ("words", "names"):
        inner, outer = lists(getattr(ferry.blocks, name)), lists(getattr(tea.blocks, name))
        assert lists(getattr(made.blocks, name)) == [*outer[:3], *inner[2:5], *outer[4:]]
    assert made.blocks.weights.tolist() == [
        *tea.blocks.weights[:3].tolist(), *ferry.blocks.weights[2:5].tolist(), *tea.blocks.weights[4:].tolist()
    ]  # fmt: skip


def test_figures_say_where_blocks_stand_on_the_made_page() -> None:
    made = spliced(ferry, tea)
    whole = FERRY[FERRY.index("<p>It") : FERRY.index("<footer>")]
    page = TEA.replace("<div id=t>Two cups of green tea, please.</div>", whole)
    same = example(page, ferry.gold)
    assert same.texts == made.texts
    place = np.r_[14:21, 37:40]
    assert np.allclose(made.blocks.figures[:, place], same.blocks.figures[:, place], atol=1e-5)
    assert not np.allclose(made.blocks.figures[3:6, place], ferry.blocks.figures[2:5, place])


@pytest.mark.parametrize("page", [ferry, tea, example("<p>No heading <p>here", "here")])
def test_blocks_of_one_page_have_their_places(page: Example) -> None:
    assert np.allclose(placed(page.blocks.figures, page.blocks.weights), page.blocks.figures, atol=1e-5)


def test_blocks_of_the_frame_with_unknown_labels_are_left_out() -> None:
    known = tea.known.copy()
    known[[1, 5]] = 0
    made = spliced(ferry, Example("f", "f", tea.blocks, tea.labels, known, tea.texts, "", UNKNOWN))
    assert made.texts[:2] == ["Shop", "Our offer"] and made.texts[-1] == "Terms" and len(made.texts) == 6


def test_a_page_without_main_content_lends_nothing() -> None:
    empty = example("<p>Nothing", "")
    assert spliced(ferry, empty) is ferry and spliced(empty, ferry) is empty
