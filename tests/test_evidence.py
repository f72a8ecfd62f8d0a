"""Evidence decides long pages part by part, as it would decide them as a whole, and keeps little of them."""

import numpy as np
import pytest
from numpy.typing import NDArray

from soupstate.kernels.viterbi import viterbi_back, viterbi_forward
from soupstate.model.net.checkpoint import Checkpoint
from soupstate.model.net.evidence import COMMENT_PRICE, DECIDED_AT_ONCE, RAW_PRICE, TITLE_PRICE, UNDECIDED, Evidence
from soupstate.model.page.boundaries import BOUNDARY_KINDS, boundary_kinds
from soupstate.model.page.elements import RAW_TEXT
from soupstate.model.page.marks import OUTPUT, OUTPUTS, Syntax
from soupstate.model.page.raw_text import may_be_open
from soupstate.model.page.spans import TEXT_HEADS, TagSpan, TextSpan
from soupstate.model.page.well_formed import settle_syntax

LENGTH = 3 * DECIDED_AT_ONCE
SETTLED = ("block", "visible", "strong", "emphasis", "code")  # heads that tags may overrule
RANDOM = np.random.default_rng(7)
PAGES = {
    "brackets": bytes(RANDOM.choice(list(b"<>a "), LENGTH)),
    "letters of two bytes": "<a>é</a> ü".encode() * (LENGTH // 12),
    "one text": b"<p>" + b">" * LENGTH,
    "one tag": b"<p" + b" a=b" * (LENGTH // 4) + b">x",
    "a comment": b"<!--" + b"<b>" * (LENGTH // 3) + b"--> y",
}


def syntax_of(page: bytes) -> NDArray[np.uint8]:
    """A plausible syntax for each byte."""
    syntax = np.full(len(page), Syntax.TEXT, np.uint8)
    if page.startswith(b"<!--"):
        syntax[: page.index(b"-->") + 3] = Syntax.COMMENT
    elif page.startswith(b"<p "):
        syntax[:2], syntax[2:-1] = Syntax.TAG, np.tile([3, 3, 3, 4], LENGTH)[: len(page) - 3]
        syntax[-2] = Syntax.TAG
    else:
        inside = False
        for at, c in enumerate(page):
            inside = inside or c == ord("<")
            syntax[at] = Syntax.TAG if inside else Syntax.TEXT
            inside = inside and c != ord(">")
    return syntax


@pytest.fixture
def changes() -> NDArray[np.float32]:
    return np.log(RANDOM.dirichlet(np.ones(len(Syntax)), (BOUNDARY_KINDS, len(Syntax)))).astype(np.float32)


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("piece", [700, 8192])
@pytest.mark.slow
def test_a_long_page_is_decided_as_a_whole(name: str, piece: int, changes: NDArray[np.float32]) -> None:
    page, delay = PAGES[name], 4
    ids = np.frombuffer(page, np.uint8)
    outputs = RANDOM.normal(size=(len(ids) + delay, OUTPUTS)).astype(np.float32)
    outputs[delay:, OUTPUT["syntax"]][np.arange(len(ids)), syntax_of(page)] += 30  # so that the paths meet soon
    evidence = Evidence(ids, Checkpoint("x", "1", delay, {}, changes))
    begins, most = evidence.begins_later, 0
    for at in range(0, len(outputs), piece):
        some = slice(at, at + piece)
        sums = np.zeros((1 + np.count_nonzero(begins[some]), OUTPUTS), np.float32)
        np.add.at(sums, np.cumsum(begins[some]), outputs[some])
        evidence.add(at, outputs[some, OUTPUT["syntax"]], sums)
        most = max(most, len(evidence.atoms))
    assert most <= DECIDED_AT_ONCE + UNDECIDED + piece
    syntax, spans = evidence.decided()

    emissions = outputs[delay:, OUTPUT["syntax"]].copy()
    emissions[:, Syntax.COMMENT] -= COMMENT_PRICE
    emissions[~may_be_open(ids, ("title",)), Syntax.TITLE] -= TITLE_PRICE
    emissions[~may_be_open(ids, RAW_TEXT), Syntax.RAW] -= RAW_PRICE
    start = np.zeros(len(Syntax), np.float32)
    pointers, scores = viterbi_forward(emissions, boundary_kinds(ids, ord(" ")), changes, start)
    first = np.flatnonzero((ids & 0xC0) != 0x80)
    path = viterbi_back(pointers, int(scores.argmax()))
    path = settle_syntax(ids, 0, path, path, may_be_open(ids, RAW_TEXT), last=True)
    assert np.array_equal(syntax, path[first])

    begins = np.flatnonzero((ids == ord("<")) | (np.concatenate([[ord(">")], ids[:-1]]) == ord(">")))
    sums = np.cumsum(np.concatenate([np.zeros((1, OUTPUTS)), outputs[delay:]]), 0, dtype=np.float64)
    place = np.append(first, len(ids))
    for span in spans:
        begin = begins[np.searchsorted(begins, place[span.start], "right") - 1]
        end = np.append(begins, len(ids))[np.searchsorted(begins, place[span.end], "left")]
        found = sums[end] - sums[begin]
        if isinstance(span, TagSpan):
            asked = [("event", span.event)]
        elif isinstance(span, TextSpan) and not span.blank:
            asked = [(head, getattr(span, head)) for head in TEXT_HEADS if head not in SETTLED]
        else:
            asked = []
        for head, decided in asked:
            assert found[OUTPUT[head]].max() - found[OUTPUT[head]][decided] < 0.1, (head, span)
    assert len(spans) > (0 if name == "a comment" else 1)
