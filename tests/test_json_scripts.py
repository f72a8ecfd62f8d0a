"""JSON in scripts of a page: what is broken there is found and mended."""

import json
import re
import time

import pytest

import soupstate
from soupstate.model.faults.checks.json_scripts import INVALID_JSON, json_scripts
from soupstate.model.page.stop import Stopped, Watch

GOOD = """{
  "@context": "https://schema.org",
  "@type": "Recipe",
  "name": "Nettle \\"soup\\"",
  "recipeIngredient": ["200 g nettles", "1 onion", "2 potatoes"],
  "author": {"@type": "Person", "name": "Ada Holm"},
  "yield": 4
}"""
PAGE = (
    '<!doctype html>\n<html lang="en"><head><title>Nettle soup</title>\n'
    '<script type="application/ld+json">\n{}\n</script>\n</head><body>\n'
    "<h1>Nettle soup</h1>\n<p>Wash the nettles, and wear gloves.</p>\n</body></html>\n"
)


BROKEN = [
    ("trailing comma", '"2 potatoes"]', '"2 potatoes",]'),
    ("trailing comma of an object", '"yield": 4', '"yield": 4,'),
    ("lost comma", '"1 onion",', '"1 onion"'),
    ("lost comma of an object", '"Recipe",', '"Recipe"'),
    ("lost colon", '"yield": 4', '"yield" 4'),
    ("lost first quote", '"Ada Holm"', 'Ada Holm"'),
    ("lost second quote", '"Recipe",', '"Recipe,'),
    ("lost bracket", '"2 potatoes"]', '"2 potatoes"'),
    ("lost brace at the end", '"yield": 4\n}', '"yield": 4\n'),
    ("swapped close", '"2 potatoes"]', '"2 potatoes"}'),
    ("comma twice", '"1 onion",', '"1 onion",,'),
    ("line in a string", '"Ada\\nHolm"', '"Ada\nHolm"'),
    ("lost escape", '"Ada \\\\Holm"', '"Ada \\Holm"'),
    ("lost zero", '"yield": 0.5', '"yield": .5'),
    ("lost brace", '"author": {', '"author": '),
    ("code behind it", '"yield": 4\n}', '"yield": 4\n};'),
]


@pytest.mark.parametrize(("good", "bad"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_one_slip_in_json_is_reported_first_and_its_fix_makes_json(good: str, bad: str) -> None:
    whole = GOOD.replace('"Ada Holm"', good) if "Ada" in good else GOOD
    whole = whole.replace('"yield": 4', good) if "0.5" in good else whole
    page = PAGE.format(whole.replace(good, bad))
    json.loads(whole)
    faults = soupstate.check(page)
    assert faults[0].kind == INVALID_JSON and faults[0].probability >= 0.9
    script = re.search(r"<script[^>]*>(.*?)</script>", soupstate.mend(page, faults[:1]), re.S)
    assert script and json.loads(script[1]) == json.loads(whole)


@pytest.mark.parametrize(
    "script",
    [
        f'<script type="application/ld+json">{GOOD}</script>',
        "<script type='application/json'>{{ data | tojson }}</script>",
        '<script type="application/json"> </script>',
        "<script>var a = {b: 1,};</script>",
        '<script type="text/template">{a,}</script>',
        '<script type="application/json">' + "[" * 100_000 + "</script>",
        '<script type="application/json">no JSON at all, not by one edit</script>',
        '<script type="application/json">[1,]',
    ],
)
def test_other_scripts_are_left_alone(script: str) -> None:
    assert not list(json_scripts(script, Watch()))


@pytest.mark.parametrize("bad", ['{"a": [1, 2, ], "b": 3,}', '{"name": "tea", "price": 1.000,50}', "{'name': 'tea'}"])
def test_what_no_edit_mends_is_reported_without_a_fix(bad: str) -> None:
    page = PAGE.format(bad)
    [fault] = [fault for fault in soupstate.check(page) if fault.kind == INVALID_JSON]
    assert fault.probability >= 0.9 and not fault.fixes and "not valid" in fault.message
    assert soupstate.mend(page, [fault]) == page


@pytest.mark.timed
@pytest.mark.parametrize(
    "scrap",
    [
        '<script type="application/json">',
        '<script type="application/json">[1,</script>',
        f'<script type="application/json">{GOOD[:-2]}</script>',
    ],
)
def test_it_takes_time_in_proportion_to_the_page(scrap: str) -> None:
    page = scrap * (200_000 // len(scrap))
    started = time.process_time()
    list(json_scripts(page, Watch()))
    assert time.process_time() - started < 2


def test_the_check_can_be_given_up() -> None:
    with pytest.raises(Stopped):
        list(json_scripts(PAGE.format('{"a": 1,}'), Watch(lambda: True)))
