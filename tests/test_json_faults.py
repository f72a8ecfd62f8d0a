"""Faults of JSON with the shipped networks: what is broken is found and mended, and what is whole gets no report."""

import json
import math
import random
import time

import numpy as np
import pytest
from test_json_scan import MENU

from soupstate.app.faults import likely_faults, repair
from soupstate.app.reading import load_json_reader
from soupstate.model.faults.apply import apply_fix, mend
from soupstate.model.faults.json_find import SEVERAL, find_json_faults
from soupstate.model.faults.json_repairs import BROKEN, COMMENT
from soupstate.model.faults.json_scan import is_json
from soupstate.model.faults.kinds import KINDS
from soupstate.model.net.json_reader import JsonReader
from soupstate.model.page.marks import FORMATS, JsonSyntax
from soupstate.model.page.stop import Stopped
from soupstate.model.train.data.json_teacher import teach_json

ONE_SLIP = [
    ("json-missing-quote", '"green"', 'green"'),
    ("json-missing-quote", '"tags"', '"tags'),
    ("json-missing-comma", '"green",', '"green"'),
    ("json-missing-comma", '"close": 17.5},', '"close": 17.5}'),
    ("json-missing-colon", '"seats":', '"seats"'),
    ("json-missing-bracket", '"white"],', '"white",'),
    ("json-missing-bracket", '"hours": [', '"hours": '),
    ("json-missing-bracket", '"place": {', '"place": '),
    ("json-mismatched-bracket", '"white"]', '"white"}'),
    ("json-unexpected-comma", "240\n", "240,\n"),
    ("json-unquoted-word", "null", "None"),
    ("json-unquoted-word", '"white"', "'white'"),
    ("json-unquoted-word", '"seats"', "seats"),
    ("json-comment", '"seats": 240', '"seats": 240// as of May'),
    ("json-unexpected-character", '"Tue",', '"Tue";'),
]


@pytest.fixture(scope="module")
def reader() -> JsonReader:
    """The shipped networks."""
    return load_json_reader()


@pytest.mark.parametrize(("kind", "good", "bad"), ONE_SLIP, ids=[f"{k} {b}" for k, _, b in ONE_SLIP])
def test_one_slip_is_reported_first_and_mended(kind: str, good: str, bad: str, reader: JsonReader) -> None:
    broken = MENU.replace(good, bad, 1)
    assert json.loads(MENU) and broken != MENU
    faults = find_json_faults(reader, broken)
    assert faults[0].kind == kind and faults[0].probability >= 0.5
    assert apply_fix(broken, faults[0].fixes[0]) == MENU
    assert mend(broken, faults).page == MENU
    chances = [fault.probability for fault in faults]
    assert chances == sorted(chances, reverse=True) and {f.kind for f in faults} <= set(KINDS)


@pytest.mark.parametrize(("good", "bad"), [('\\"room', '"room'), ("\\\\quay", "\\quay")])
def test_a_lost_escape_is_reported_at_its_place(good: str, bad: str, reader: JsonReader) -> None:
    """Another edit may be as likely: without the quote, or without the second backslash, the string is one, too."""
    broken = MENU.replace(good, bad)
    [fault] = likely_faults(reader, broken)
    assert abs(fault.start - MENU.index(good)) <= 1
    assert MENU in [apply_fix(broken, fix) for fix in fault.fixes]


@pytest.mark.parametrize(
    "text",
    [MENU, "[]", "1", '"tea"', "null", " \n{}\n", "\ufeff[1]", '{"a": "😀\\ud83d", "a": 1e400}', "[" * 900 + "]" * 900],
)
def test_what_is_json_has_no_fault(text: str, reader: JsonReader) -> None:
    assert find_json_faults(reader, text) == []


@pytest.mark.parametrize(
    ("text", "mended"),
    [
        ("[1, 2, 3]]", "[1, 2, 3]"),
        ('{"a": 1}}\n', '{"a": 1}\n'),
        ('{"a": [1, 2]}]', '{"a": [1, 2]}'),
        ('{"a": 1}}}', '{"a": 1}'),
        ("{“a”: “b c”}", '{"a": "b c"}'),
        ('{"tea": „green“, "cups": 2}', '{"tea": "green", "cups": 2}'),
    ],
)
def test_brackets_after_the_end_and_typographic_quotes(text: str, mended: str, reader: JsonReader) -> None:
    first = likely_faults(reader, text)[0]
    assert len(first.fixes) and first.kind in ("json-unexpected-character", "json-unquoted-word")
    assert repair(reader, text).page == mended


def test_several_faults_are_found_together(reader: JsonReader) -> None:
    rows = [
        {"day": f"2026-05-{k:02}", "boats": [k, k + 1], "note": "calm sea and light wind from the west"}
        for k in range(1, 20)
    ]
    text = json.dumps(rows, indent=1)
    broken = text.replace('"2026-05-03",', '"2026-05-03"').replace('"2026-05-11"', '"2026-05-11', 1)
    broken = broken.replace(" 18,\n", " 18;\n", 1)
    assert [f.kind for f in likely_faults(reader, broken)] == [
        "json-missing-comma",
        "json-missing-quote",
        "json-unexpected-character",
    ]
    mended = repair(reader, broken)
    assert json.loads(mended.page) == rows and mended.mended == 3 and not mended.left


def test_offsets_count_characters(reader: JsonReader) -> None:
    text = '\ufeff{"name": "😀 café", "ferries": ["Anna" "Berta"]}'
    [fault] = likely_faults(reader, text)
    assert text[fault.start :].startswith(' "Berta"') and fault.fixes[0].replacement == ","
    assert (fault.line, fault.column) == (1, fault.start + 1)
    assert fault.excerpt == text


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('{"a": 1}\n{"a": 2}\n{"a": 3}\n', SEVERAL),
        ("// a remark\n" + MENU, COMMENT),
        (MENU.replace("\n", "/* a */\n", 1), COMMENT),
        ("this is prose, and no JSON at all", None),
        ("<html><body><p>Tea</p></body></html>", None),
        ("[" * 30_000, BROKEN),
        ("[" * 300_000 + "]" * 300_000, BROKEN),
        ('{"a": "\0"}', None),
        ("\0\0\0", BROKEN),
        ('{"a": [1, 2', "json-missing-bracket"),
    ],
)
def test_bad_input_is_told_and_harms_nothing(text: str, kind: str | None, reader: JsonReader) -> None:
    started = time.process_time()
    faults = find_json_faults(reader, text)
    assert faults and faults[0].kind == (kind or faults[0].kind)
    assert likely_faults(reader, text)  # it is certain that something is wrong
    assert all(0 <= f.start <= f.end <= len(text) and 0 <= f.probability <= 1 for f in faults)
    assert all(0 <= fix.start <= fix.end <= len(text) for f in faults for fix in f.fixes)
    assert time.process_time() - started < 20


def test_what_is_broken_at_random_is_told_and_nothing_else(reader: JsonReader) -> None:
    dice = random.Random(5)
    pieces = [*"{}[],:\"\\ \n\0\u2028😀\ufeff'/*#-.0eE", "//", "/*", "null", "True", "\\u12", '"a":', "[[[", "}}}"]
    for _ in range(60):
        text = MENU
        for _ in range(dice.choice((1, 2, 5, 20))):
            at = dice.randrange(len(text) + 1)
            text = (
                text[:at] + (dice.choice(pieces) if dice.random() < 0.5 else "") + text[at + dice.choice((0, 1, 3)) :]
            )
        faults = find_json_faults(reader, text)
        assert bool(faults) != is_json(text)
        assert all(0 <= fix.start <= fix.end <= len(text) for f in faults for fix in f.fixes)
        assert repair(reader, text).page


def test_the_search_ends_when_nobody_waits(reader: JsonReader) -> None:
    text = json.dumps(["tea"] * 300_000)[:-1]
    until = time.monotonic() + 1
    with pytest.raises(Stopped):
        find_json_faults(reader, text, lambda: time.monotonic() > until)
    assert time.monotonic() < until + 2


def test_a_reading(reader: JsonReader) -> None:
    reading = reader.read(MENU + "é😀", window=slice(0, 3))
    n = len(MENU) + 2
    assert len(reading.surprisal) == len(reading.entropy) == len(reading.depth) == n
    assert math.isclose(reading.bits, float(reading.surprisal.sum(dtype=np.float64)), rel_tol=1e-6)
    assert (reading.surprisal >= 0).all() and reading.bits_per_character < 3
    first, second, _ = reading.expected
    assert first[0].text == "{" and {one.text for one in second} >= {'"', "\n"}
    assert [len(reader.read(text).surprisal) for text in ("", "é")] == [0, 1]


def test_syntax_is_read_also_where_a_quote_is_missing(reader: JsonReader) -> None:
    syntax = reader.read(MENU).syntax
    wrong = syntax != teach_json(MENU)[:, FORMATS["json"].column["syntax"]]
    assert wrong.mean() < 0.02 and len(syntax) == len(MENU)
    broken = MENU.replace('"white"', 'white"')
    assert (reader.read(broken).syntax[broken.index("white") :][:5] == JsonSyntax.STRING).all()
    assert len(reader.read("é").syntax) == 1 and len(reader.read("").syntax) == 0


def test_cells_count_objects_and_arrays(reader: JsonReader) -> None:
    text = json.dumps(json.loads(MENU), indent=1)
    reading = reader.read(text)
    assert reading.depth.tolist() == teach_json(text)[:, FORMATS["json"].column["depth"]].tolist()
    assert reading.open_elements is not None and reading.open_elements.cells.max(0).tolist() == [2, 1]
