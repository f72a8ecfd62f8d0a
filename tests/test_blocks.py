"""Blocks: where they are cut, what is said of them, and the head over them in numpy as in torch."""

import dataclasses
from itertools import pairwise

import numpy as np
import pytest
import torch

from soupstate.kernels.words import WORD
from soupstate.model.net.block_head import (
    DISTANCES,
    KNOTS,
    PAGE_TYPES,
    QUERIES,
    REACH,
    SHAPES,
    BlockHead,
    distance_bucket,
)
from soupstate.model.net.main_content import main_content
from soupstate.model.net.reader import Marking
from soupstate.model.page.block_figures import BUCKETS, FIGURES, Described, described
from soupstate.model.page.blocks import MOST_BLOCKS, Blocks, blocks_of, parts_of
from soupstate.model.page.marks import Event, Visible
from soupstate.model.page.render.text import text
from soupstate.model.page.spans import TextSpan, spans_of_marks
from soupstate.model.page.stop import Stopped, Watch
from soupstate.model.train.data.block_examples import UNKNOWN, VOTE, Example, label, labels_of, word_f1
from soupstate.model.train.data.teacher import teach
from soupstate.model.train.network.block_network import BlockNetwork
from soupstate.model.train.run.block_fit import fit, scores
from soupstate.model.train.run.calibration import Judged, calibrated, calibration_error, judge

PAGE = """<title>Night ferry returns</title><nav class="top"><a href=/>Home</a> <a href=/n>News</a></nav>
<h1>Night ferry</h1><p>It <b>sails</b> again,<br>on Friday.</p><ul><li>One<li>Two</ul>
<table><tr><td>A<td>B</table><p hidden>Not shown</p><noscript><p>No script</p></noscript><p>x<img src=y> y</p>"""


def cut(page: str) -> Blocks:
    return blocks_of(page, spans_of_marks(page, teach(page)), Watch())


def told(page: str) -> Described:
    return described(page, cut(page), Watch())


def test_blocks_end_at_blocks_rows_cells_items_and_breaks() -> None:
    blocks = cut(PAGE)
    assert blocks.title == "Night ferry returns"
    assert blocks.texts == [
        *("Home News", "Night ferry", "It sails again,", "on Friday.", "One", "Two", "A", "B"),
        *("Not shown", "No script", "x y"),
    ]
    assert blocks.mark("visible").tolist()[-3:] == [Visible.HIDDEN, Visible.UNSEEN, Visible.SHOWN]
    assert blocks.sizes[:3].tolist() == [8, 11, 15] and blocks.counted[:, 0].tolist()[:3] == [8, 0, 0]
    assert blocks.counted[:, 1].tolist()[:3] == [0, 0, 5]
    before, inside = blocks.counts(blocks.spans.event[blocks.window] == Event.LINK)
    assert before.tolist()[:3] == [1, 0, 0] and inside.tolist()[:3] == [1, 0, 0]
    names = [[PAGE[blocks.spans.cut.start[i] :].split(">")[0] for i in tags] for tags in _tags(blocks)]
    assert names[1:5] == [["</a", "</nav", "<h1"], ["</h1", "<p"], ["<br"], ["</p", "<ul", "<li"]]


def _tags(blocks: Blocks) -> list[list[int]]:
    tags, sizes = blocks.tags()
    return [part.tolist() for part in np.split(tags, np.cumsum(sizes)[:-1])]


def test_every_text_is_in_one_block() -> None:
    blocks = cut(PAGE)
    texts = [i for i, span in enumerate(blocks.spans) if isinstance(span, TextSpan) and not span.blank]
    extents = list(zip(blocks.first.tolist(), blocks.last.tolist(), blocks.end.tolist(), strict=True))
    assert [i for first, last, _ in extents for i in texts if first <= i <= last] == texts
    assert all(first <= last < end for first, last, end in extents)
    assert all(before[2] <= after[0] for before, after in pairwise(extents))


def test_parts_of_a_page_are_its_blocks() -> None:
    """A page of many blocks is cut as one of few is."""
    page = "<title>Tea</title>" + "<p>a <a href=/>b</a>\n<br>c" * (MOST_BLOCKS // 2 + 3)
    parts = list(parts_of(page, spans_of_marks(page, teach(page)), Watch()))
    assert [len(part) for part in parts] == [MOST_BLOCKS, 6]
    assert [part.title for part in parts] == ["Tea", "Tea"]
    assert parts[1].texts == ["a b", "c"] * 3
    few = cut("<title>Tea</title>" + "<p>a <a href=/>b</a>\n<br>c" * 4)
    assert np.array_equal(parts[1].counted, few.counted[2:]) and np.array_equal(parts[1].sizes, few.sizes[2:])
    for part, other in ((parts[1].tags(), few.tags()), (parts[1].tags(1), few.tags(1))):
        assert part[1].tolist() == other[1].tolist()[2:]


def test_what_is_said_of_blocks() -> None:
    found = told(PAGE)
    assert found.figures.shape == (11, FIGURES) and found.figures.dtype == np.float32
    assert np.isfinite(found.figures).all() and np.abs(found.figures).max() < 30
    for numbers, starts in (found.words, found.names):
        assert len(starts) == 11 and (np.diff(starts) > 0).all()
        assert (numbers >= 0).all() and (numbers < BUCKETS).all()
    assert not np.array_equal(found.figures[0], found.figures[1])


def test_long_texts_are_described_in_pieces() -> None:
    """Pieces change nothing: neither the folded text, nor the numbers of words."""
    for words in (["tide", "Ferry,", "tide"] * 30_000, ["x" * 70_000, "tide"] * 2, ["\u6f22" * 200_000, "tide"]):
        page = f"<title>tide gull</title><p>{'  '.join(words)} \n </p>"
        blocks = cut(page)
        assert blocks.texts == [" ".join(words)]
        found = WORD.findall(blocks.texts[0].lower())
        got = described(page, blocks, Watch())
        assert got.weights[0] == pytest.approx(1 + np.log1p(len(found)))
        ends = found if len(found) <= 32 else [*found[:22], *found[-10:]]
        short = dataclasses.replace(blocks, texts=[" ".join(ends)])
        assert got.words[0].tolist() == described(page, short, Watch()).words[0].tolist()


def test_no_blocks_and_stopping() -> None:
    assert len(cut("")) == 0 and told("<p>").figures.shape == (0, FIGURES)
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
        logits, types = made(blocks), made.types(made.of_page(blocks))
    found, kinds = made.head().judge(blocks)
    assert found.shape == (count,) and found.dtype == np.float32
    assert np.abs(found - torch.sigmoid(logits).numpy()).max() < 2e-3  # parameters have half precision
    assert np.abs(kinds - types.softmax(0).numpy()).max() < 2e-3
    assert np.allclose(made.head().reliable(found), found, atol=2e-3)  # not calibrated yet


def test_a_page_without_blocks() -> None:
    chances, kinds = network().head().judge(told(""))
    assert len(chances) == 0 and kinds.sum() == pytest.approx(1)


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


def test_labels_by_votes_and_snippets() -> None:
    texts = [
        "The ferry sails again on Friday.",
        "It calls at both islands.",
        "All rights reserved.",
        "Other news of today",
    ]
    votes = [f"{texts[0]} {texts[1]}", texts[0]]
    labels, known = labels_of({"votes": votes}, texts)
    assert labels.tolist() == [1, 0.5, 0, 0] and known.tolist() == [VOTE, 0, VOTE, VOTE]
    extra = {"with_": ["both  islands", ""], "without": ["All rights"]}
    labels, known = labels_of({"votes": votes, "extra": extra}, texts)
    assert labels.tolist() == [1, 1, 0, 0] and known.tolist() == [VOTE, 1, 1, VOTE]
    labels, known = labels_of({"extra": extra}, texts)
    assert labels.tolist() == [0, 1, 0, 0] and known.tolist() == [0, 1, 1, 0]
    assert labels_of({"text": texts[1], "extra": extra}, texts)[1].tolist() == [1, 1, 1, 1]


def example(number: int, by: str = "person") -> Example:
    """A page whose content are its sentences, between menus of links. Its site is its own."""
    random = np.random.default_rng(number)
    words = "quay ferry lamp gull harbour bell storm island night tide".split()

    def sentence() -> str:
        return " ".join(random.choice(words, int(random.integers(8, 20)))).capitalize() + "."

    menu = "".join(f"<li><a href=/{i}>{random.choice(words)}</a>" for i in range(int(random.integers(3, 9))))
    content = [sentence() for _ in range(int(random.integers(3, 9)))]
    page = f"<ul>{menu}</ul>{''.join(f'<p>{text}' for text in content)}<ul>{menu}</ul>"
    blocks = cut(page)
    texts = blocks.texts
    gold = "\n".join(content)
    row = {"text": gold} if by == "person" else {"votes": [gold, gold]}
    kind = PAGE_TYPES.index("article") if number % 2 else UNKNOWN
    return Example(
        f"made/{number}",
        f"site{number}",
        described(page, blocks, Watch()),
        *labels_of(row, texts),
        texts,
        row.get("text", ""),  # type: ignore[arg-type]
        kind,
    )


@pytest.fixture(scope="module")
def head() -> BlockHead:
    votes = [example(number, "tools") for number in range(200, 240)]
    return fit([example(number) for number in range(40)] + votes, 2, 10, lambda line: None).head


def test_a_head_learns_what_is_content(head: BlockHead) -> None:
    found = scores(head, judge(head, [example(number) for number in range(100, 120)]))
    assert np.mean([score.f1 for score in found]) > 0.9 and np.mean([score.best for score in found]) > 0.95
    assert {score.kind for score in found} == {None, "article"} and all(score.typed for score in found if score.kind)


def test_folds_keep_sites_apart() -> None:
    told_lines: list[str] = []
    pages = [example(number) for number in range(12)]
    fitted = fit(pages, 3, 1, told_lines.append, shares=[0.5])
    assert len(fitted.scores) == 12 and len(told_lines) == 7 and {score.dataset for score in fitted.scores} == {"made"}
    assert [pages for pages, _ in fitted.curve] == [4, 8] and all(0 < f1 <= 1 for _, f1 in fitted.curve)
    assert fitted.curve[-1][1] == np.mean([score.f1 for score in fitted.scores])
    true = sum(float((page.labels * page.blocks.sizes).sum()) for page in pages)
    total = sum(float(page.blocks.sizes.sum()) for page in pages)
    for bins in (fitted.before, fitted.after):
        assert sum(words for words, _, _ in bins) == pytest.approx(1)
        assert sum(words * right for words, _, right in bins) == pytest.approx(true / total, rel=1e-3)
    with pytest.raises(ValueError, match="1 sites, and each of 2 folds"):
        fit([example(0)], 2, 1, told_lines.append)


def test_pages_by_votes_of_judged_sites_are_left_out() -> None:
    told_lines: list[str] = []
    pages = [example(number) for number in range(4)]
    hosts = ["www.site1", "site2", "new.example", "www.held.example", "held.example.org"]
    weak = [dataclasses.replace(example(number, "tools"), site=hosts[number]) for number in range(5)]
    fit(pages + weak, 2, 1, told_lines.append, frozenset({"held.example"}))
    assert told_lines[0].startswith("2 pages by votes")


def test_calibration(head: BlockHead) -> None:
    """Chances that say too much are brought down to how often they are right, and rise all the way."""
    page, random = example(0), np.random.default_rng(0)
    chances = random.random((30, len(page.texts))).astype(np.float32)
    right = random.random(chances.shape) < 0.2 + 0.5 * chances
    judged = [
        Judged(dataclasses.replace(page, labels=labels.astype(np.float32)), said, "article")
        for said, labels in zip(chances, right, strict=True)
    ]
    line = calibrated(head, judged).reliability
    assert line.shape == (2, KNOTS) and (np.diff(line) >= 0).all()
    assert np.interp([0.1, 0.5, 0.9], *line) == pytest.approx([0.25, 0.45, 0.65], abs=0.12)


def test_calibration_error() -> None:
    said, ones = np.array([0.05, 0.05, 0.95, 0.95]), np.ones(4)
    assert calibration_error(said, said, ones) == 0
    assert calibration_error(said, np.array([0, 0.1, 1, 0.9]), ones) == pytest.approx(0)
    assert calibration_error(said, np.array([0.0, 0.0, 0.0, 0.0]), ones) == pytest.approx(0.5)
    assert calibration_error(said, np.array([0.05, 0.05, 0.0, 0.0]), np.array([1, 1, 0, 0])) == 0


def test_the_head_decides_main_content(head: BlockHead) -> None:
    page = (
        "<ul><li><a href=/>lamp</a><li><a href=/x>gull</a></ul><p hidden>Bell storm island night tide quay ferry lamp."
    )
    page += (
        "<p>Ferry lamp gull harbour bell storm island night.<p>Gull harbour bell storm island night tide quay ferry."
    )
    spans = spans_of_marks(page, teach(page))
    main = main_content(Marking(page, 0.0, spans, block_head=head))
    found = text(page, main.spans)
    assert "Ferry lamp gull" in found and "Gull harbour" in found
    assert main.page_type == "article" and main.confidence is not None and 0 < main.confidence <= 1
    assert [page[block.start : block.end][:4] for block in main.blocks] == ["lamp", "gull", "Bell", "Ferr", "Gull"]
    assert [block.main for block in main.blocks[-2:]] == [True, True]
    assert all(0 <= block.probability <= 1 for block in main.blocks)


def test_long_and_empty_pages(head: BlockHead) -> None:
    long = "<p>lamp" * (MOST_BLOCKS + 10)
    found = main_content(Marking(long, 0.0, spans_of_marks(long, teach(long)), block_head=head))
    assert len(found.blocks) == MOST_BLOCKS + 10
    empty = main_content(Marking("<p>", 0.0, spans_of_marks("<p>", teach("<p>")), block_head=head))
    assert empty.blocks == [] and empty.page_type is None and empty.confidence is not None
