"""Spans: one decision a run of marks; every text and tag of a page in order."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from test_crawl_samples import SAMPLES

from soupstate.model.page.cuts import CLOSING, MOST_RUNS, NOTHING, TAG, TEXT, TITLE, Cut, Cutter, joined
from soupstate.model.page.marks import COLUMN, HEADS, IGNORED, Block, Event, Syntax, Visible
from soupstate.model.page.spans import KEPT, Spans, TagSpan, TextSpan, TitleSpan, spans_of_marks
from soupstate.model.train.data.teacher import teach


def taught(page: str) -> Spans:
    return spans_of_marks(page, teach(page))


def test_kinds_and_places() -> None:
    page = '<!doctype html><title>T</title><!--c--><a rel="me" href="/x">y</a> <img src=s alt="a b"><script>z</script>'
    title_tag, title, title_end, a, y, a_end, space, image, script, script_end = taught(page)
    assert title == TitleSpan(page.index("T<"), page.index("T<") + 1)
    assert isinstance(a, TagSpan) and a.event == Event.LINK and not a.closing
    assert page[a.start : a.end] == '<a rel="me" href="/x">'
    assert a.href and a.rel and (page[slice(*a.href)], page[slice(*a.rel)]) == ("/x", "me")
    assert a.src is a.alt is a.base is None
    assert isinstance(y, TextSpan) and page[y.start : y.end] == "y" and y.link == 1 and not y.blank
    assert isinstance(a_end, TagSpan) and a_end.closing and a_end.event == Event.LINK_END
    assert isinstance(space, TextSpan) and space.blank
    assert isinstance(image, TagSpan) and image.src and image.alt and image.event == Event.IMAGE
    assert (page[slice(*image.src)], page[slice(*image.alt)]) == ("s", "a b")
    for span, written in (
        (title_tag, "<title>"),
        (title_end, "</title>"),
        (script, "<script>"),
        (script_end, "</script>"),
    ):
        assert isinstance(span, TagSpan) and page[span.start : span.end] == written


def test_blank_text_is_marked_as_the_text_before() -> None:
    before, blank = (s for s in taught("<p><b>a</b> </p>") if isinstance(s, TextSpan))
    assert before.strong == blank.strong == 1 and blank.blank
    no_text = taught("<p> </p>")[1]
    assert isinstance(no_text, TextSpan) and no_text.blank and no_text.visible == Visible.SHOWN


def test_tags_side_by_side_are_two() -> None:
    tags = [s for s in taught("<b><i></i></b><br><br>") if isinstance(s, TagSpan)]
    assert [(t.start, t.end) for t in tags] == [(0, 3), (3, 6), (6, 10), (10, 14), (14, 18), (18, 22)]


def test_a_bracket_in_a_value_begins_no_tag() -> None:
    page = "<a title='<b>' href='<c>'>x</a>"
    tag = taught(page)[0]
    assert isinstance(tag, TagSpan) and tag.href and (tag.start, tag.end) == (0, page.index("x"))
    assert page[slice(*tag.href)] == "<c>"


def test_one_decision_for_a_run() -> None:
    """A character that disagrees with its run changes nothing."""
    page = "<p>word</p>"
    marks = teach(page)
    marks[4, COLUMN["visible"]] = Visible.HIDDEN
    marks[5, COLUMN["link"]] = 1
    marks[0, COLUMN["event"]] = Event.RULE
    tag, word, _ = spans_of_marks(page, marks)
    assert isinstance(word, TextSpan) and (word.visible, word.link) == (Visible.SHOWN, 0)
    assert isinstance(tag, TagSpan) and tag.event == Event.BLOCK


def test_no_page() -> None:
    assert list(spans_of_marks("", np.zeros((0, len(HEADS)), np.uint8))) == []


def points(page: str) -> NDArray[np.uint32]:
    return np.frombuffer(page.encode("utf-32-le"), np.uint32)


def cut_in_parts(page: str, syntax: NDArray[np.uint8], edges: list[int]) -> Cut:
    """Feeds a page in parts that end at `edges`."""
    cutter, cuts = Cutter(), []
    for first, last in itertools.pairwise([0, *edges, len(page)]):
        cuts.append(cutter.feed(points(page)[first:last], syntax[first:last], last=last == len(page)))
        assert cutter.at == last and cutter.pending <= last
        pending = cutter.pending
        assert all(cut.end.max(initial=0) <= pending for cut in cuts)
    return joined(cuts)


def same(a: Cut, b: Cut) -> bool:
    arrays = [(getattr(a, name), getattr(b, name)) for name in ("kind", "start", "end", "blank")]
    arrays += [pair for name in a.values for pair in zip(a.values[name], b.values[name], strict=True)]
    return all(np.array_equal(x, y) for x, y in arrays)


def slowly(page: str, syntax: NDArray[np.uint8]) -> list[tuple[int, int, int]]:
    """The rules of a cut, one character at a time: (kind, start, end)."""
    spans: list[list[int]] = []
    for at, kind in enumerate(syntax.tolist()):
        named, value = kind in (Syntax.TAG, Syntax.END_TAG), Syntax.ATTRIBUTE <= kind <= Syntax.BASE
        in_tag = bool(spans) and spans[-1][0] in (TAG, CLOSING)
        begins_tag = named and (page[at] == "<" or not in_tag)
        of_kind = {Syntax.TEXT: TEXT, Syntax.TITLE: TITLE}.get(kind, NOTHING)
        if begins_tag:
            spans.append([TAG if kind == Syntax.TAG else CLOSING, at, at + 1])
        elif (in_tag and (named or value)) or (spans and not in_tag and spans[-1][0] == of_kind != NOTHING):
            spans[-1][2] = at + 1
        else:
            spans.append([of_kind, at, at + 1])
    return [(kind, start, end) for kind, start, end in spans if kind != NOTHING]


@given(st.text("<>a /\u00e9", max_size=40), st.integers(0, 2**32 - 1), st.lists(st.integers(0, 40), max_size=4))
@settings(max_examples=300, deadline=None)
def test_a_page_in_parts_is_cut_as_a_whole(page: str, seed: int, edges: list[int]) -> None:
    random = np.random.default_rng(seed)
    syntax = np.repeat(random.integers(0, len(Syntax), len(page)), random.integers(1, 4, len(page)))[: len(page)]
    syntax = syntax.astype(np.uint8)
    whole = Cutter().feed(points(page), syntax, last=True)
    parts = cut_in_parts(page, syntax, sorted(edge for edge in edges if edge < len(page)))
    assert same(parts, whole)
    assert list(zip(*(a.tolist() for a in (whole.kind, whole.start, whole.end)), strict=True)) == slowly(page, syntax)
    for kind, start, end, blank in zip(whole.kind, whole.start, whole.end, whole.blank, strict=True):
        assert blank == (kind == TEXT and not page[start:end].strip("\t\n\f\r "))


def test_a_tag_without_an_end_is_cut_off() -> None:
    """It takes memory and time in proportion to its length."""
    syntax = np.tile([Syntax.ATTRIBUTE, Syntax.VALUE], MOST_RUNS).astype(np.uint8)
    syntax[0] = Syntax.TAG
    cutter = Cutter()
    first = cutter.feed(np.full(len(syntax), ord("a"), np.uint32), syntax)
    assert first.end.tolist() == [len(syntax) - 1] and len(cutter.start) == 1
    rest = cutter.feed(np.full(3, ord("a"), np.uint32), np.full(3, Syntax.ATTRIBUTE, np.uint8), last=True)
    assert len(rest.kind) == 0


def test_a_page_with_very_many_spans_makes_its_objects_anew() -> None:
    page = "<b>x</b>" * KEPT
    spans = spans_of_marks(page, teach(page))
    few = spans_of_marks("<b>x</b>", teach("<b>x</b>"))
    assert len(spans) > KEPT and next(iter(spans)) is not next(iter(spans))
    assert next(iter(few)) is next(iter(few))
    assert [page[s.start : s.end] for s in spans[-3:]] == ["<b>", "x", "</b>"]
    assert spans[len(spans) - 2] == spans[-2] and list(spans)[5000] == spans[5000]
    with pytest.raises(IndexError):
        spans[len(spans)]
    assert few == spans_of_marks("<b>x</b>", teach("<b>x</b>")) and few != spans and few != []


def test_samples_are_covered() -> None:
    """Spans and what has none (comments, doctype, scripts, styles) cover the page, in order."""
    for sample in SAMPLES:
        page, marks = sample.html, teach(sample.html)
        covered = np.zeros(len(page), bool)
        last = 0
        for span in spans_of_marks(page, marks):
            assert last <= span.start < span.end
            last = span.end
            covered[span.start : span.end] = True
            if isinstance(span, TagSpan):
                assert page[span.start] == "<"
                for value in (span.href, span.src, span.alt, span.rel, span.base):
                    assert value is None or span.start < value[0] < value[1] < span.end
        silent = np.isin(marks[:, COLUMN["syntax"]], (Syntax.COMMENT, Syntax.DOCTYPE, Syntax.RAW))
        assert np.array_equal(covered, ~silent), sample.name


@given(st.text("<>a /", max_size=30), st.integers(0, 2**32 - 1))
@settings(max_examples=200, deadline=None)
def test_any_marks_make_spans(page: str, seed: int) -> None:
    """A network may say anything."""
    random = np.random.default_rng(seed)
    marks = np.stack([random.integers(0, h.classes, len(page)) for h in HEADS], 1).astype(np.uint8)
    marks[random.random(marks.shape) < 0.1] = IGNORED
    marks[:, 0] = random.integers(0, len(Syntax), len(page))
    last = 0
    for span in spans_of_marks(page, marks):
        assert last <= span.start < span.end <= len(page)
        last = span.end


def test_text_after_a_preformatted_tag_is_preformatted_up_to_the_next_block() -> None:
    page = "<pre>a <i>b</i></pre>c"
    marks = teach(page)
    marks[page.index("a "), COLUMN["block"]] = Block.BODY  # a reader may miss it on the text, and see the tag
    marks[page.index("b<"), COLUMN["block"]] = Block.BODY
    texts = [s for s in spans_of_marks(page, marks) if isinstance(s, TextSpan)]
    assert [s.block for s in texts] == [Block.PREFORMATTED, Block.PREFORMATTED, Block.BODY]
