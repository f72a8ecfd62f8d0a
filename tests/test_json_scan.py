"""The scan of JSON by its grammar: it agrees with Python's parser, and goes on from any place that it passed."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soupstate.model.faults.json_repairs import JSON_KINDS, proposed
from soupstate.model.faults.json_scan import is_json, reach, scan
from soupstate.model.page.stop import Stopped, Watch
from soupstate.model.train.data.json_damage import SLIPS, Places, json_slip

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
SCRAPS = st.text(st.sampled_from('{}[],:"\\ \n\t1.-0eEtrueflasn/x\x00é'), max_size=20)
MENU = """{
  "name": "Tea \\"room\\"",
  "folder": "C:\\\\pages\\\\quay",
  "tags": ["green", "black", "white"],
  "hours": [
    {"day": "Mon", "open": 9, "close": 17.5},
    {"day": "Tue", "open": null, "close": null}
  ],
  "place": {"street": "Quay 4", "coords": [58.1, -6.2]},
  "seats": 240
}
"""


@given(VALUES, st.sampled_from([None, 2]))
@settings(max_examples=20, deadline=None)
def test_what_python_writes_is_json(value: object, indent: int | None) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    assert scan(text, Watch()).at is None and is_json(text)


@given(SCRAPS)
@settings(max_examples=400, deadline=None)
def test_it_refuses_what_pythons_parser_refuses(text: str) -> None:
    assert (scan(text, Watch()).at is None) == is_json(text)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("", 0),
        ("[1, 2", 5),
        ('{"a" 1}', 5),
        ('{"a": 1,}', 8),
        ("[1,, 2]", 3),
        ('{"a": [1, 2}', 11),
        ('{"a": 1}}', 8),
        ('["a\tb"]', 1),
        (r'["\x"]', 1),
        ("[01]", 1),
        ("[NaN]", 1),
        ("[1] 2", 4),
        ("[" * 20_000, 20_000),
        ("[" * 20_000 + "]" * 20_000, None),
    ],
)
def test_where_a_text_stops_being_json(text: str, at: int | None) -> None:
    assert scan(text, Watch()).at == at


def test_a_scan_goes_on_from_a_place_that_it_kept() -> None:
    text = json.dumps([{"a": [i, {"b": str(i)}]} for i in range(400)])
    done = scan(text + "]", Watch())
    assert len(done.kept) > 5 and done.at == len(text)
    for place in (*done.kept, *done.places):
        assert reach(text, place, len(text) + 1) == len(text) + 1
        assert reach(text[: place.at + 200] + "!", place, len(text)) <= place.at + 200
    assert done.before(done.kept[3].at).at == done.kept[3].at


def test_members_of_what_is_open() -> None:
    text = '{"a": 1, "b": [true, {"c": []}, "x" 2'
    done = scan(text, Watch())
    [root, outer, inner] = done.members
    assert not root and [text[m.start : m.end] for m in outer] == ['"a": 1'] and text[outer[0].value] == "1"
    assert [text[m.start : m.end] for m in inner] == ["true", '{"c": []}', '"x"']
    assert [text[start] for start, _ in done.begun] == ["{", '"'] and text[done.begun[1][1]] == "["


@pytest.mark.parametrize("name", list(SLIPS))
def test_the_edit_that_takes_a_slip_back_is_among_the_proposed(name: str) -> None:
    random, places = np.random.default_rng(1), Places(MENU)
    tried = 0
    for _ in range(12):
        slip = json_slip(places, random, name)
        if slip is None or is_json(broken := slip.applied(MENU)):
            continue
        tried += 1
        found = proposed(scan(broken, Watch()), np.zeros(len(broken), np.float32), Watch())
        edits = [f.repair for f in found]
        same = any(broken[: r.start] + r.replacement + broken[r.end :] == MENU for r in edits)
        assert same or (name == "line break" and found[0].whole), slip  # a space became a line break: none knows that
        assert all(
            f.whole == is_json(broken[: f.repair.start] + f.repair.replacement + broken[f.repair.end :]) for f in found
        )
        assert {r.kind for r in edits} <= set(JSON_KINDS)
    assert tried


def test_a_scan_can_be_given_up() -> None:
    with pytest.raises(Stopped):
        scan("[" * 10_000, Watch(lambda: True))
