"""The language that pages are in, and the one that they say they are in."""

import time

import pytest

from soupstate.model.page.language import declared_language, language_of, spoken_language
from soupstate.model.page.spans import spans_of_marks
from soupstate.model.page.stop import Stopped, Watch, never
from soupstate.model.train.data.teacher import teach


@pytest.mark.parametrize(
    ("page", "header", "expected"),
    [
        ('<html lang="de">', None, "de"),
        ("<!doctype html><HTML class=x LANG=pt-BR>", "en", "pt-br"),
        ("<html xml:lang='zh_Hans'>", None, "zh-hans"),
        ('<html data-lang="xx" lang="">', "fr, en", "fr"),
        ('<html lang="{{ lang }}">', None, None),
        ("<p lang=fr>", "de-CH", "de-ch"),
        ("<p>", "none of your business", None),
        ("", None, None),
    ],
)
def test_what_is_said(page: str, header: str | None, expected: str | None) -> None:
    assert declared_language(page, header) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The ferry calls at both islands, and tickets are sold on board.", "en"),
        ("Die Fähre legt an beiden Inseln an, Karten gibt es an Bord.", "de"),
        ("El ferry hace escala en las dos islas y los billetes se venden a bordo.", "es"),
        ("Паром заходит на оба острова, билеты продаются на борту.", "ru"),
        ("渡轮停靠两个岛屿,船票在船上出售。", "zh"),
        ("フェリーは両方の島に寄港し、切符は船内で販売されます。", "ja"),
        ("OK", None),
        ("2026-11-26 12:40", None),
        ("", None),
    ],
)
def test_of_text(text: str, expected: str | None) -> None:
    assert language_of(text) == expected


def test_sentences_count_before_menus_and_hidden_text_not_at_all() -> None:
    sentence = "Die Fähre legt an beiden Inseln an, Karten gibt es nur an Bord."
    hidden = "This text is in English and nobody sees it, however long it may be. " * 3
    menu = "".join(f"<li>{text}" for text in ("Home", "News", "About us", "Sign up") * 10)
    page = f"<p hidden>{hidden}</p><ul>{menu}</ul><p>{sentence}"
    assert spoken_language(page, spans_of_marks(page, teach(page)), Watch(never)) == "de"
    page = f"<p>{sentence}<p>" + "Only the first sentences of a page tell its language, and those of a menu. " * 40
    far = f"{page}<p>{sentence * 100}"
    assert spoken_language(far, spans_of_marks(far, teach(far)), Watch(never)) == "en"
    page = "<li>Home" * 5000
    with pytest.raises(Stopped):
        spoken_language(page, spans_of_marks(page, teach(page)), Watch(lambda: True))


@pytest.mark.timed
def test_hostile_tags_take_no_longer() -> None:
    start = time.process_time()
    for page in ("<html " * 5000, "<html " + "lang " * 5000, "<html lang=" + " " * 20_000, "<html" + " x" * 9000):
        assert declared_language(page) is None
    assert time.process_time() - start < 2
