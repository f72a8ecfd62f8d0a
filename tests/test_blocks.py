"""Blocks: where they are cut, what is said of them, and the head over them in numpy as in torch."""

import numpy as np
import pytest
import torch

from soupstate.model.net.block_head import DISTANCES, QUERIES, REACH, SHAPES, BlockHead, distance_bucket
from soupstate.model.net.main_content import main_content
from soupstate.model.net.reader import Marking
from soupstate.model.page.blocks import BUCKETS, FIGURES, MOST_BLOCKS, Block, Described, blocks_of, described
from soupstate.model.page.marks import Visible
from soupstate.model.page.render.text import text
from soupstate.model.page.spans import TextSpan, spans_of_marks
from soupstate.model.page.stop import Stopped, Watch
from soupstate.model.train.data.block_examples import Example, label, word_f1
from soupstate.model.train.data.teacher import teach
from soupstate.model.train.network.block_network import BlockNetwork
from soupstate.model.train.run.block_fit import fit, scores, train_head

PAGE = """<title>Night ferry returns</title><nav class="top"><a href=/>Home</a> <a href=/n>News</a></nav>
<h1>Night ferry</h1><p>It <b>sails</b> again,<br>on Friday.</p><ul><li>One<li>Two</ul>
<table><tr><td>A<td>B</table><p hidden>Not shown</p><noscript><p>No script</p></noscript><p>x<img src=y> y</p>"""


def cut(page: str) -> tuple[list[Block], str]:
    return blocks_of(page, spans_of_marks(page, teach(page)), Watch())


def told(page: str) -> Described:
    blocks, title = cut(page)
    return described(page, blocks, title, Watch())


def test_blocks_end_at_blocks_rows_cells_items_and_breaks() -> None:
    blocks, title = cut(PAGE)
    assert title == "Night ferry returns"
    assert [block.text for block in blocks] == [
        *("Home News", "Night ferry", "It sails again,", "on Friday.", "One", "Two", "A", "B"),
        *("Not shown", "No script", "x y"),
    ]
    assert [block.first.visible for block in blocks[-3:]] == [Visible.HIDDEN, Visible.UNSEEN, Visible.SHOWN]
    menu, _, sentence = blocks[:3]
    assert menu.linked == 8 and menu.characters == 8 and menu.links == 2 and sentence.strong == 5


def test_every_text_is_in_one_block() -> None:
    spans = spans_of_marks(PAGE, teach(PAGE))
    found = [i for block in cut(PAGE)[0] for i in block.spans]
    assert found == [i for i, span in enumerate(spans) if isinstance(span, TextSpan) and not span.blank]


def test_what_is_said_of_blocks() -> None:
    found = told(PAGE)
    assert found.figures.shape == (11, FIGURES) and found.figures.dtype == np.float32
    assert np.isfinite(found.figures).all() and np.abs(found.figures).max() < 30
    for numbers, starts in (found.words, found.names):
        assert len(starts) == 11 and (np.diff(starts) > 0).all()
        assert (numbers >= 0).all() and (numbers < BUCKETS).all()
    assert not np.array_equal(found.figures[0], found.figures[1])


def test_no_blocks_and_stopping() -> None:
    assert cut("") == ([], "") and len(told("<p>").figures) == 0
    with pytest.raises(Stopped):
        blocks_of(PAGE, spans_of_marks(PAGE, teach(PAGE)), Watch(lambda: True))


def network(seed: int = 0) -> BlockNetwork:
    torch.manual_seed(seed)
    made = BlockNetwork(torch.zeros(FIGURES), torch.ones(FIGURES))
    with torch.no_grad():
        made.distance.normal_()
    return made.eval()


@pytest.mark.parametrize("count", [1, 2, QUERIES + REACH + 40])
def test_numpy_computes_what_torch_does(count: int) -> None:
    page = "".join(f"<p class=c{i % 7}>word{i % 50} of <a href=/>text</a>" for i in range(count))
    blocks, made = told(page), network()
    with torch.no_grad():
        expected = torch.sigmoid(made(blocks)).numpy()
    found = made.head().probabilities(blocks)
    assert found.shape == (count,) and np.abs(found - expected).max() < 2e-3  # parameters have half precision
    assert len(made.head().probabilities(told(""))) == 0


def test_distances() -> None:
    buckets = distance_bucket(np.arange(-5000, 5001))
    assert (np.diff(buckets) >= 0).all() and buckets[0] == 0 and buckets[-1] == DISTANCES - 1
    assert distance_bucket(np.array([-1, 0, 1])).tolist() == [12, 13, 14]


def test_wrong_shapes_are_refused() -> None:
    parts = {name: np.zeros(shape, np.float32) for name, shape in SHAPES.items()}
    BlockHead(**parts)
    with pytest.raises(ValueError, match="query: shape"):
        BlockHead(**parts | {"query": np.zeros((3, 3), np.float32)})


def test_labels() -> None:
    gold = "The ferry sails again on Friday. It calls at both islands."
    texts = ["Home", "The ferry sails again on Friday.", "It calls", "at islands both", "Friday", ""]
    assert label(texts, gold).tolist() == [0, 1, 1, 0, 1, 0]
    menu = "Home and news and weather"
    assert label([menu, "Friday", menu, menu, *texts], gold).tolist() == [0, 0, 0, 0, 0, 1, 1, 0, 1, 0]
    assert label(["Friday"], gold).tolist() == [1]
    assert label(["The ferry sails again and then much else follows here"], gold).tolist() == pytest.approx([0.4])
    assert label([], gold).tolist() == [] and label(["a"], "").tolist() == [0]
    assert word_f1("a b c d", ["a b", "x"]) == pytest.approx(4 / 7) and word_f1("a", []) == 0


def example(number: int) -> Example:
    """A page whose content are its sentences, between menus of links. Its site is its own."""
    random = np.random.default_rng(number)
    words = "quay ferry lamp gull harbour bell storm island night tide".split()

    def sentence() -> str:
        return " ".join(random.choice(words, int(random.integers(8, 20)))).capitalize() + "."

    menu = "".join(f"<li><a href=/{i}>{random.choice(words)}</a>" for i in range(int(random.integers(3, 9))))
    content = [sentence() for _ in range(int(random.integers(3, 9)))]
    page = f"<ul>{menu}</ul>{''.join(f'<p>{text}' for text in content)}<ul>{menu}</ul>"
    blocks, title = cut(page)
    texts = [block.text for block in blocks]
    gold = "\n".join(content)
    return Example(
        f"made/{number}", f"site{number}", described(page, blocks, title, Watch()), label(texts, gold), texts, gold
    )


@pytest.fixture(scope="module")
def head() -> BlockHead:
    return train_head([example(number) for number in range(40)], passes=10)


def likely(chances: np.ndarray, texts: object) -> np.ndarray:  # type: ignore[type-arg]
    chosen: np.ndarray = chances > 0.5  # type: ignore[type-arg]
    return chosen


def test_a_head_learns_what_is_content(head: BlockHead) -> None:
    found = scores(head, [example(number) for number in range(100, 120)], likely)
    assert np.mean([score.f1 for score in found]) > 0.9 and np.mean([score.best for score in found]) > 0.95


def test_folds_keep_sites_apart() -> None:
    told_lines: list[str] = []
    fitted = fit([example(number) for number in range(12)], likely, 3, 1, told_lines.append)
    assert len(fitted.scores) == 12 and len(told_lines) == 3 and {score.dataset for score in fitted.scores} == {"made"}
    with pytest.raises(ValueError, match="1 sites, and each of 2 folds"):
        fit([example(0)], likely, 2, 1, told_lines.append)


def test_the_head_decides_main_content(head: BlockHead) -> None:
    page = (
        "<ul><li><a href=/>lamp</a><li><a href=/x>gull</a></ul><p hidden>Bell storm island night tide quay ferry lamp."
    )
    page += (
        "<p>Ferry lamp gull harbour bell storm island night.<p>Gull harbour bell storm island night tide quay ferry."
    )
    spans = spans_of_marks(page, teach(page))
    found = text(page, main_content(Marking(page, 0.0, spans, block_head=head)))
    assert "Ferry lamp gull" in found and "Gull harbour" in found
    long = "<p>lamp" * (MOST_BLOCKS + 10)
    assert isinstance(
        text(long, main_content(Marking(long, 0.0, spans_of_marks(long, teach(long)), block_head=head))), str
    )
