"""Words of texts and names in tags: the compiled versions equal the regular expressions."""

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from soupstate.kernels.compiled import cpp
from soupstate.kernels.words import (
    CODE_POINTS,
    WORD,
    Names,
    Words,
    count_characters,
    count_words,
    reference_count_characters,
    reference_count_words,
    reference_tell_names,
    tell_names,
    told_names,
)

SOME = st.lists(st.sampled_from([*"aZ_é9ß²漢の한٣ \u3099-.,。😀𝒳𠀀\ud800\0", "tide ", "Ferry"]), max_size=24).map(
    "".join
)
TEXTS = st.lists(st.one_of(SOME, st.text(max_size=20)), max_size=6)
TAGS = st.lists(
    st.sampled_from(["<", "</", "p", "h1", "ul", " ", "=", '"', "class", "HREF", "/n", "é", "-", "9", ".c"])
)
SEVERAL = st.lists(TAGS.map("".join), max_size=6)


def same(found: Words | Names, expected: Words | Names) -> None:
    for name, value in vars(expected).items():
        got = getattr(found, name)
        assert got.dtype == value.dtype and got.tolist() == value.tolist(), name


@given(TEXTS, SOME, st.integers(0, 3), st.integers(0, 3))
def test_words_equal_the_expression(texts: list[str], title: str, first: int, last: int) -> None:
    same(count_words(texts, title, first, last, 8192), reference_count_words(texts, title, first, last, 8192))


@given(TEXTS)
def test_characters_equal_the_expressions(texts: list[str]) -> None:
    assert count_characters(texts).tolist() == reference_count_characters(texts).tolist()


@given(SEVERAL)
def test_names_equal_the_expression(tags: list[str]) -> None:
    page = np.frombuffer("".join(tags).encode("ascii", "replace"), np.uint8)
    ends = np.cumsum([0, *map(len, tags)])
    same(tell_names(page, ends[:-1], ends[1:], 8192), reference_tell_names(page, ends[:-1], ends[1:], 8192))


def test_every_character_has_its_class() -> None:
    """All of Unicode, each character between two spaces. Beyond CODE_POINTS no character is part of a word."""
    every = [" ".join(map(chr, range(first, first + 32))) for first in range(0, CODE_POINTS, 32)]
    same(count_words(every, "", 22, 10, 8192), reference_count_words(every, "", 22, 10, 8192))
    assert count_characters(every).tolist() == reference_count_characters(every).tolist()
    assert not WORD.search("".join(map(chr, range(CODE_POINTS, sys.maxunicode + 1))))


def test_words_at_both_ends_are_hashed() -> None:
    texts = ["one two three four five six", "one one", ""]
    found = count_words(texts, "two one", 2, 2, 8192)
    assert found.count.tolist() == [6, 2, 0] and found.different.tolist() == [6, 1, 0]
    assert found.common.tolist() == [2, 1, 0] and found.sizes.tolist() == [4, 2, 0]
    one, two, five, six, *rest = found.hashes.tolist()
    assert rest == [one, one] and len({one, two, five, six}) == 4


def test_a_tag_tells_its_names() -> None:
    assert told_names('<LI class="by-line" href=/news>') == ["li", "by.", "line.", "/news."]
    assert told_names("</h1>") == ["/h1"] and told_names("<>") == []
    assert len(told_names("<ul " + "ab " * 50)) == 12


def test_a_long_text_among_short_ones() -> None:
    texts = ["tide gull " * 400_000, "x" * 4_000_000, *["tide"] * 4000]
    assert count_words(texts, "tide", 22, 10, 8192).different.tolist()[:3] == [2, 1, 1]


@pytest.mark.parametrize(("starts", "ends"), [([-1], [2]), ([2], [1]), ([0], [9])])
def test_tags_beyond_the_page_are_refused(starts: list[int], ends: list[int]) -> None:
    page = np.frombuffer(b"<ul>", np.uint8)
    places = np.array(starts, np.int64), np.array(ends, np.int64)
    with pytest.raises(ValueError, match="up to 4"):
        tell_names(page, *places, 8192)
    if cpp is not None:
        kept = {"untold": [], "most": 1, "firsts": np.empty(1, np.uint32), "sizes": np.empty(1, np.int64)}
        with pytest.raises(ValueError, match="beyond the page"):
            cpp.tell_names(page=page, starts=places[0], ends=places[1], buckets=8192, **kept)


@pytest.mark.skipif(cpp is None, reason="the compiled module is not built")
@pytest.mark.parametrize(("ends", "message"), [([2, 1], "not ascending"), ([9], "beyond the texts")])
def test_texts_beyond_their_bytes_are_refused(ends: list[int], message: str) -> None:
    counts = np.empty((len(ends), 3), np.int64)
    with pytest.raises(ValueError, match=message):
        cpp.count_characters(np.zeros(4, np.uint8), np.array(ends, np.int64), np.zeros(4, np.uint8), counts)
