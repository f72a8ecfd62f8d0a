"""The places at which elements may open or close, by a rule on bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soupstate.kernels.tag_names import OTHER_END, OTHER_START, SELF_CLOSING
from soupstate.model.page.elements import COUNTED_KINDS, TOLD_APART
from soupstate.model.page.tag_places import START_OF, TAG_KINDS, tag_places

SPACE = b"\t\n\f\r />"


@pytest.mark.parametrize(
    ("page", "marked"),
    [
        (b"<p>x</p>", b"  ^    ^"),
        (b"<br/><br /><a b=/>", b"   ^^   ^ ^  ^   ^"),
        (b"a < b <1> </ p> <!p> <p", b"                       "),
        (b"<a<b>c <<i\n</i\t>", b"    ^     ^   ^ "),
        (b"</>", b"  ^"),
        (b"<my-tag x></my-tag>", b"       ^          ^"),
        (b"", b""),
    ],
)
def test_places(page: bytes, marked: bytes) -> None:
    assert tag_places(page)[0].tolist() == [at for at, mark in enumerate(marked) if mark == ord("^")]


def test_kinds_of_tags() -> None:
    kinds = tag_places(b"<UL></ul><my-tag></my-tag><br/>")[1].tolist()
    assert kinds == [START_OF[b"ul"], START_OF[b"ul"] + 1, OTHER_START, OTHER_END, START_OF[b"br"], SELF_CLOSING]
    assert TAG_KINDS <= 256 and len(set(TOLD_APART)) == len(TOLD_APART)
    assert {name for names in COUNTED_KINDS for name in names} <= set(TOLD_APART)


@given(st.text("<>/ab \n").map(str.encode))
def test_places_equal_a_machine_of_states(page: bytes) -> None:
    places, state = [], ""
    for at, byte in enumerate(page):
        c = bytes([byte])
        if state == "name":
            if c in SPACE:
                places.append(at)
                state = ""
        elif c == b"<":
            state = "<"
        elif state == "<" and c == b"/":
            state = "</"
        elif state and c.isalpha():
            state = "name"
        else:
            state = ""
        if c == b">" and page[at - 1 : at] == b"/" and at not in places:
            places.append(at)
    assert tag_places(page)[0].tolist() == places
