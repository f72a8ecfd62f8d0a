"""Spans: one decision a run of marks; every text and tag of a page in order."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from test_crawl_samples import SAMPLES

from soupstate.model.page.marks import COLUMN, HEADS, IGNORED, Block, Event, Syntax, Visible
from soupstate.model.page.spans import TagSpan, TextSpan, TitleSpan, assemble, find_all, runs, spans_of_marks
from soupstate.model.train.data.teacher import teach


def taught(page: str) -> list[TextSpan | TagSpan | TitleSpan]:
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


def test_asked_once_a_run() -> None:
    page = "<p>one</p> two"
    asked = []

    def decide(names: tuple[str, ...], places: list[tuple[int, int]]) -> list[list[int]]:
        asked.extend((name, page[start:end]) for start, end in places for name in names)
        return [[1] * len(names)] * len(places)

    spans = assemble(page, teach(page)[:, COLUMN["syntax"]], decide)
    assert len(asked) == len(set(asked))
    assert {text for name, text in asked if name == "event"} == {"<p>", "</p>"}
    assert {text for name, text in asked if name != "event"} == {"one", " two"}
    assert all(s.event == 1 for s in spans if isinstance(s, TagSpan))
    assert all(s.strong == s.quote == 1 for s in spans if isinstance(s, TextSpan))


def test_no_page() -> None:
    assert spans_of_marks("", np.zeros((0, len(HEADS)), np.uint8)) == []
    assert runs("", np.zeros(0, np.uint8)) == []
    assert find_all("<a<", "<") == [0, 2] and find_all("", "<") == []


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
