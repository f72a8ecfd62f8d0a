"""Made pages: the same for the same state, healthy in their nesting, and as wide as they promise."""

import dataclasses
import re
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from random import Random
from typing import Any

import html5lib
import numpy as np
import pytest

from soupstate.model.train.data.made import pages as made_pages
from soupstate.model.train.data.made.pages import Texts, made_page
from soupstate.model.train.data.made.pen import Habits, Pen, draw_habits

TEXTS = Texts((tuple(f"w{number:04d}" for number in range(5000)),))
WORD = re.compile(r"w\d{4}")
VOID = set("area base br col embed hr img input link meta param source track wbr".split())
UNWRITTEN = set("html head body tbody colgroup".split())  # a parser adds them
# Errors of html5lib that a healthy page may have. All others fail the tests, so all kinds of false nesting do:
# end tags that match nothing, start tags that end others, adopted and fostered elements, cells outside rows.
HARMLESS_ERRORS = """expected-doctype-but-got-start-tag expected-doctype-but-got-chars unknown-doctype
named-entity-without-semicolon expected-named-entity expected-tag-name-but-got-question-mark""".split()
ELEMENTS = """a abbr address article aside audio b bdi bdo big blockquote br button caption center cite code col
colgroup data dd del details dfn div dl dt em fieldset figcaption figure font footer form h1 h2 h3 h4 h5 h6 head
header hgroup hr html i iframe img input ins kbd label legend li link main mark menu meta nav nobr noscript object
ol optgroup option p param picture pre q rp rt ruby s samp script search section select small source span strike
strong style sub summary sup svg table tbody td template textarea tfoot th thead time title tr track tt u ul var
video wbr path""".split()

Place = tuple[str, str]  # a word and the names of the elements round it, joined


def page_of(seed: int, texts: Texts = TEXTS) -> str:
    return made_page(np.random.default_rng(seed), texts)


@cache
def pages(count: int) -> list[str]:
    return [page_of(seed) for seed in range(count)]


class Written(HTMLParser):
    """The places of words as the page's source says them. An end tag must name the innermost open element."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.places: list[Place] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        path = ">".join(name for name in self.open if name not in UNWRITTEN)
        self.places += [(word, path) for word in WORD.findall(data)]


def written_places(page: str) -> list[Place]:
    parser = Written()
    parser.feed(page)
    parser.close()
    assert parser.open == []
    return parser.places


def parsed_places(page: str) -> tuple[list[Place], set[str]]:
    """The places of words in html5lib's tree, and the errors it reports."""
    parser = html5lib.HTMLParser(namespaceHTMLElements=False)
    tree = parser.parse(page)
    return list(_walk(tree, "")), {code for _, code, _ in parser.errors}


def _walk(element: Any, path: str) -> Iterator[Place]:
    if isinstance(element.tag, str):
        name = element.tag.rpartition("}")[2]
        inner = path if name in UNWRITTEN else f"{path}>{name}".lstrip(">")
        yield from ((word, inner) for word in WORD.findall(element.text or ""))
        for child in element:
            yield from _walk(child, inner)
    yield from ((word, path) for word in WORD.findall(element.tail or ""))


def test_the_same_state_makes_the_same_page() -> None:
    first, second = np.random.default_rng(5), np.random.default_rng(5)
    assert [made_page(first, TEXTS) for _ in range(20)] == [made_page(second, TEXTS) for _ in range(20)]
    assert made_page(first, TEXTS) != made_page(first, TEXTS)


def habits_with_all_end_tags(random: Random) -> Habits:
    habits = draw_habits(random)
    return dataclasses.replace(habits, marks=dataclasses.replace(habits.marks, omitted=frozenset()))


@pytest.mark.slow
def test_html5lib_sees_the_nesting_that_was_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """With all end tags the source says the nesting. Without some of them the words stand in the same places."""
    with monkeypatch.context() as patch:
        patch.setattr(made_pages, "draw_habits", habits_with_all_end_tags)
        complete = [page_of(seed) for seed in range(200)]
    omitting = 0
    for seed, page in enumerate(complete):
        written = written_places(page)
        parsed, errors = parsed_places(page)
        assert parsed == written, seed
        assert errors <= set(HARMLESS_ERRORS), seed
        short = page_of(seed)
        if short != page:
            omitting += 1
            parsed, errors = parsed_places(short)
            assert parsed == written, seed
            assert errors <= set(HARMLESS_ERRORS), seed
    assert omitting > 15


@pytest.mark.parametrize(
    "page", ["<p><b>w0001</p></b>", "<table><p>w0001</p></table>", "<ul><li>w0001</ol></ul>", "<p><div>x</div></p>"]
)
def test_false_nesting_would_be_seen(page: str) -> None:
    assert not parsed_places("<!DOCTYPE html>" + page)[1] <= set(HARMLESS_ERRORS)


def test_words_are_drawn_in_the_order_of_their_run() -> None:
    """A link's `title` may be drawn before its text: nearly all words follow the one before."""
    for page in pages(40):
        words = [int(word[1:]) for word, _ in parsed_places(page)[0]]
        steps = [(after - before) % 5000 for before, after in zip(words, words[1:], strict=False)]
        assert sum(step < 60 for step in steps) >= 0.8 * len(steps)


@pytest.mark.parametrize("hostile", ["a<b>c", "&amp;", "--><p>", "</script>", "\"'>", "x" * 40, "é中\U0001f600", "&"])
def test_any_word_is_escaped(hostile: str) -> None:
    texts = Texts((tuple(f"w{number:04d} {hostile}".split()[number % 2] for number in range(400)),))
    for seed in range(25):
        page = page_of(seed, texts)
        parsed, errors = parsed_places(page)
        assert errors <= set(HARMLESS_ERRORS), seed
        assert parsed == [(word, path) for word, path in parsed if word.startswith("w")]
        shown = "".join(html5lib.parse(page, namespaceHTMLElements=False).itertext())
        assert hostile in shown or len(page) < 500


def test_400_pages_hold_every_element() -> None:
    everything = "".join(pages(400)).lower()
    missing = [name for name in ELEMENTS if f"<{name} " not in everything and f"<{name}>" not in everything]
    assert missing == []


@pytest.mark.parametrize(
    "pattern",
    [
        r"<ol[^>]* start=",
        r"<ol[^>]* type=",
        r"<ol[^>]* reversed",
        r"<code[^>]*>[a-z]</code>",
        r"<kbd[^>]*>[a-z]</kbd>",
        r"<li[^>]*>\s*<p",
        r"<pre[^>]*>\n",
        r"<pre[^>]*>\s*<code[^>]* class=.?(language|lang|highlight)-",
        r"<pre[^>]*>(<code[^>]*>)?\s*<span class",
        r"<td[^>]* colspan=",
        r"<td[^>]* rowspan=",
        r"<th[^>]* scope=",
        r"<td[^>]*></td>",
        r"<img[^>]* data-src=",
        r"<img[^>]* srcset=",
        r"<img[^>]*/>",
        r"<br />",
        r"<a[^>]* href=[^\"' >]+ [a-z]",
        r"<a [^>]*[a-z]=[^>]+ href=",
        r"href=.[^>]*&amp;",
        r"</(b|i|em|strong)>\w",
        r"\w<(b|i|em|strong)>",
        r"&[a-z]+;",
        r"&#\d+;",
        r"&#x[0-9a-f]+;",
        r"&(copy|nbsp|amp|eacute|raquo) ",
        r"<!--\[if lt ie 9\]>",
        r"application/ld\+json",
        r"<!doctype html public .-//w3c//dtd xhtml 1.0",
        r"<!doctype html public .-//w3c//dtd html 4.01",
        r"<(p|div)[^>]* hidden",
        r" style=",
        r" aria-",
        r"property=.?og:",
        r"<dl[^>]*>\s*<div",
        r"\A[^<]*\Z",
    ],
)
def test_400_pages_hold(pattern: str) -> None:
    found = sum(1 for page in pages(400) if re.search(pattern, page, re.IGNORECASE))
    assert found >= 1


def test_400_pages_nest_deeply() -> None:
    lists, quotes, nested_quotation, quote_in_list, list_in_quote, nested_dl = [0] * 8, [0] * 8, 0, 0, 0, 0
    for page in pages(400)[:200]:
        paths = {path for _, path in parsed_places(page)[0]}
        names = [path.split(">") for path in paths]
        lists[max((path.count("ul") + path.count("ol") for path in names), default=0)] += 1
        quotes[max((path.count("blockquote") for path in names), default=0)] += 1
        nested_quotation += any(path.count("q") > 1 for path in names)
        nested_dl += any(path.count("dl") > 1 for path in names)
        quote_in_list += any(re.search(r"\bli>(.*>)?blockquote\b", path) for path in paths)
        list_in_quote += any(re.search(r"\bblockquote>(.*>)?li\b", path) for path in paths)
    assert lists[3] >= 5 and lists[4] >= 5 and sum(lists[5:]) >= 3
    assert quotes[2] >= 3 and quotes[3] >= 1
    assert min(nested_quotation, nested_dl, quote_in_list, list_in_quote) >= 3


def test_sizes() -> None:
    sizes = np.array([len(page.encode()) for page in pages(400)])
    assert sizes.min() >= 30
    assert sizes.max() <= 14_000
    assert 3000 < sizes.mean() < 4000
    assert 0.1 < (sizes < 400).mean() < 0.2


def test_shares_of_styles() -> None:
    starts = [page.lstrip()[:200].lower() for page in pages(400)]
    assert 0.4 < np.mean(["<html" in page.lower() for page in pages(400)]) < 0.8
    assert 0.2 < np.mean([not start.startswith(("<!doctype", "<?xml")) for start in starts]) < 0.6
    assert 0.02 < np.mean([bool(re.search("</[A-Z]", page)) for page in pages(400)]) < 0.12
    assert 0.05 < np.mean([page.strip().count("\n") == 0 for page in pages(400)]) < 0.4


def test_texts_need_one_that_is_long_enough() -> None:
    with pytest.raises(ValueError, match="40 words"):
        Texts.from_texts(["too short", "w " * 39])
    with pytest.raises(ValueError, match="40 words"):
        Texts.from_texts([])
    assert Texts.from_texts(["w " * 39, "v\n" * 40]) == Texts((("v",) * 40,))


def test_control_characters_and_surrogates_leave_the_words() -> None:
    assert Texts.from_texts(["a\x00b\x1b c\ud800 " * 40]).runs[0][:2] == ("ab", "c")


@pytest.mark.parametrize(
    "text",
    [
        "汉字没有空格，所以这里是一个很长的句子。" * 20,
        "ภาษาไทยไม่มีช่องว่างระหว่างคำ" * 20,
        "日本語のテキストは空白 がありません。" * 20,
    ],
)
def test_scripts_without_spaces_are_cut_into_chunks(text: str) -> None:
    texts = Texts.from_texts(["w " * 50, text])
    assert texts.unspaced == {1}
    assert "".join(texts.runs[1]) == "".join(text.split())
    assert all(len(word) <= 12 for word in texts.runs[1])
    alone = Texts.from_texts([text])
    pen = Pen(Random(1), alone, draw_habits(Random(1)))
    pen.habits = dataclasses.replace(pen.habits, references="")
    assert all(pen.words(5, 9) in "".join(alone.runs[0]) for _ in range(20))


def test_latin_words_in_chinese_text_stay_whole() -> None:
    runs = Texts.from_texts(["我们用Python写网页解析器" * 30]).runs
    assert sum("Python" in word for word in runs[0]) == 30


def test_chinese_pages_can_be_parsed() -> None:
    texts = Texts.from_texts(["汉字没有空格，所以这里是一个很长的句子。" * 20])
    for seed in range(20):
        assert parsed_places(page_of(seed, texts))[1] <= set(HARMLESS_ERRORS), seed
