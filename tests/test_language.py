"""The language that pages say they are in."""

import time

import pytest

from soupstate.model.page.language import language


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
    assert language(page, header) == expected


def test_hostile_tags_take_no_longer() -> None:
    start = time.process_time()
    for page in ("<html " * 5000, "<html " + "lang " * 5000, "<html lang=" + " " * 20_000, "<html" + " x" * 9000):
        assert language(page) is None
    assert time.process_time() - start < 2
