"""What /entropy answers beyond arrays of numbers: windows, packed arrays, cells, marks and alternatives."""

import json
from base64 import b64decode
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from conftest import Running

from soupstate.app.answers import Asked
from soupstate.app.cli.main import soupstate
from soupstate.app.http.schemas import EntropyAnswer
from soupstate.app.measurement import MOST_WINDOW, SYNTAX_NAMES, Measurement, measure
from soupstate.model.net.alternatives import MOST_PREFIXES, likeliest
from soupstate.model.net.checkpoint import DEFAULT, load_checkpoint
from soupstate.model.net.reader import Reader
from soupstate.model.net.reading_loop import ReadingLoop
from soupstate.model.page.elements import COUNTED_KINDS, KIND_NAMES
from soupstate.model.page.marks import DEEPEST, Syntax

PAGE = (
    "<!doctype html><html><head><title>Fähre</title></head><body><!-- 漢 -->\n<ul><li>Abfahrt <b>zehn</b> Uhr</li>\n"
    "<li>渡轮星期五重新开航，船票在码头出售。</li></ul><p>Ein <a href='/x'>Boot 😀</a>.</p></body></html>\n"
)
HTML = {"Content-Type": "text/html; charset=utf-8"}


@pytest.fixture(scope="module")
def reader() -> Reader:
    """With the shipped weights."""
    return Reader(load_checkpoint(DEFAULT))


def measured(reader: Reader, *include: str, page: str = PAGE, **options: object) -> Measurement:
    return measure(reader, Asked(page, None, frozenset(include), **options))  # type: ignore[arg-type]


def test_alternatives_have_the_probability_that_the_surprisal_says(reader: Reader) -> None:
    found = measured(reader, "surprisal", "alternatives")
    assert found.alternatives is not None and isinstance(found.surprisal, np.ndarray)
    assert len(found.alternatives) == len(PAGE)
    listed = 0
    for character, bits, likely in zip(PAGE, found.surprisal.tolist(), found.alternatives, strict=True):
        chances = [one.probability for one in likely]
        assert chances == sorted(chances, reverse=True) and sum(chances) <= 1.0001
        assert all(len(one.text) == 1 for one in likely) and len({one.text for one in likely}) == len(likely)
        for one in likely:
            if one.text == character:  # the kernel rounds its products, this list does not
                assert one.probability == pytest.approx(2**-bits, rel=0.05, abs=0.005)
                listed += 1
        if 2**-bits > 1 / 5:
            assert character in [one.text for one in likely]
    assert listed > len(PAGE) / 2
    assert {"渡", "轮", "星"} & {one.text for likely in found.alternatives for one in likely} or max(
        found.surprisal
    ) > 9


def test_the_five_likeliest_are_those_of_all_characters(reader: Reader) -> None:
    """Found among all characters of two bytes and of one, where three and four have next to no probability."""
    text = "<p>Grüße aus Köln, schöne Gr"
    loop = ReadingLoop(reader.packed, np.frombuffer((text + "ü").encode(), np.uint8))
    loop.skip(lambda: False, len(text.encode()))
    first = reader.packed.next_byte(loop.state)
    every = {chr(byte): float(first[byte]) for byte in range(128)}
    for lead in range(0xC2, 0xE0):
        state = reader.packed.read_states([loop.peek(np.array([lead], np.uint8))])[0]
        second = reader.packed.next_byte(state)
        every |= {bytes([lead, b]).decode(): float(first[lead] * second[b]) for b in range(0x80, 0xC0)}
    best = sorted(every, key=lambda character: -every[character])[:5]
    found = likeliest(loop)
    assert [one.text for one in found] == best
    assert [one.probability for one in found] == pytest.approx([every[character] for character in best])
    assert loop.at == len(text.encode())


def test_a_reading_is_the_same_with_alternatives(reader: Reader) -> None:
    one, other = (
        measured(reader, "surprisal", "entropy", "depth", "syntax"),
        measured(reader, "surprisal", "entropy", "depth", "syntax", "alternatives"),
    )
    for name in ("surprisal", "entropy", "depth", "syntax"):
        assert np.array_equal(getattr(one, name), getattr(other, name))
    assert one.bits_per_character == other.bits_per_character and MOST_PREFIXES >= 5


@pytest.mark.parametrize(("start", "end"), [(0, None), (70, 130), (100, 100), (150, 10_000), (10_000, None)])
def test_a_window_is_a_part_of_the_whole(reader: Reader, start: int, end: int | None) -> None:
    parts = ("surprisal", "entropy", "depth", "syntax", "alternatives")
    whole, part = measured(reader, *parts), measured(reader, *parts, start=start, end=end)
    for name in parts:
        assert list(getattr(part, name)) == list(getattr(whole, name)[start:end])
    assert part.characters == len(PAGE) and part.bits_per_character == whole.bits_per_character


def test_packed_arrays_are_a_byte_per_character(reader: Reader) -> None:
    parts = ("surprisal", "entropy", "depth", "syntax")
    plain, packed = measured(reader, *parts), measured(reader, *parts, detail="packed")
    for name in parts:
        found = np.frombuffer(b64decode(getattr(packed, name)), np.uint8)
        unit = 8 if name in ("surprisal", "entropy") else 1
        assert found == pytest.approx(np.minimum(getattr(plain, name) * unit, 255), abs=0.505)
    assert packed.syntax_names == SYNTAX_NAMES == tuple(kind.name.lower() for kind in Syntax)


@pytest.mark.parametrize(("start", "end"), [(0, None), (60, 120), (61, 62), (0, 0)])
def test_the_cells_add_up_to_the_depth(reader: Reader, start: int, end: int | None) -> None:
    found = measured(reader, "cells", "depth", start=start, end=end)
    assert found.cells is not None and found.depth is not None
    values = np.zeros((len(found.depth), len(found.cells.kinds)), np.int64)
    changes = zip(found.cells.at.tolist(), found.cells.cell.tolist(), found.cells.value.tolist(), strict=True)
    for at, cell, value in changes:
        assert start <= at < (len(PAGE) if end is None else end)
        values[at - start :, cell] = value
    assert np.minimum(values.sum(1), DEEPEST).tolist() == list(found.depth)
    if start == 0 and end is None:
        inside = PAGE.index("Uhr")
        assert values[inside, KIND_NAMES.index("li")] == values[inside, KIND_NAMES.index("ul")] == 1


def test_kinds_have_names() -> None:
    assert len(KIND_NAMES) == len(COUNTED_KINDS) == len(set(KIND_NAMES))
    for name, kind in zip(KIND_NAMES, COUNTED_KINDS, strict=True):
        assert not kind or name == "inline" or set(name.replace(" to", "").split()) <= kind


def test_marks_by_name(reader: Reader) -> None:
    start, end = PAGE.index("Ein"), PAGE.index("</a>") + 4
    found = measured(reader, "marks", start=start, end=end).marks
    assert found is not None
    assert [PAGE[span.start : span.end] for span in found] == ["Ein ", "<a href='/x'>", "Boot 😀", "</a>"]
    assert [span.kind for span in found] == ["text", "tag", "text", "end_tag"]
    assert found[1].marks == {"event": "link"} and found[3].marks == {"event": "link_end"}
    assert found[2].marks["link"] == 1 and found[2].marks["visible"] == "shown" and found[2].marks["block"] == "body"
    title = measured(reader, "marks", start=36, end=37).marks
    assert title and title[0].kind == "title" and PAGE[title[0].start : title[0].end] == "Fähre"


def test_over_http(plain_service: Running) -> None:
    asked = {"include": "cells,marks,alternatives,syntax,depth", "detail": "packed", "start": "40", "end": "90"}
    got = plain_service.client.post("/entropy", params=asked, content=PAGE.encode(), headers=HTML).json()
    EntropyAnswer.model_validate(got)
    assert len(got["alternatives"]) == len(b64decode(got["depth"])) == len(b64decode(got["syntax"])) == 50
    assert len(got["alternatives"][0][0]["text"]) == 1
    in_json = {**asked, "include": asked["include"].split(","), "start": 40, "end": 90, "html": PAGE}
    same = plain_service.client.post("/entropy", json=in_json).json()
    assert {**same, "seconds": 0} == {**got, "seconds": 0}


@pytest.mark.parametrize(
    ("query", "field", "said"),
    [
        ("include=alternatives", "end", f"at most {MOST_WINDOW}"),
        ("include=marks&start=3", "end", "give start and end"),
        ("start=5&end=4", "end", "ends at 4"),
        ("start=5&detail=lines", "end", "whole page"),
        ("include=syntax&detail=lines", "detail", "no form per line"),
        ("start=-1", "start", "0 or more"),
        ("end=x", "end", "whole number"),
        ("end=" + "9" * 5000, "end", "whole number"),
        ("end=9999999999999999", "end", "must be 9007199254740991 or less"),
        ("start=1&start=1", "start", "given twice"),
    ],
)
def test_windows_that_are_refused(plain_service: Running, query: str, field: str, said: str) -> None:
    got = plain_service.client.post(f"/entropy?{query}", content="<p>x" * 100, headers=HTML)
    assert got.status_code == 422 and got.json()["field"] == field and said in got.json()["detail"]


def test_on_the_command_line(tmp_path: Path, weights: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(PAGE, "utf-8")
    options = ["--weights", str(weights), str(path)]
    done = CliRunner().invoke(
        soupstate, ["entropy", "--include", "alternatives,cells", "--start", "9", "--end", "12", *options]
    )
    answer = json.loads(done.stdout)
    assert len(answer["alternatives"]) == 3 and answer["cells"]["kinds"] == list(KIND_NAMES)
    path.write_text(PAGE * 3, "utf-8")
    refused = CliRunner().invoke(soupstate, ["entropy", "--include", "alternatives", *options])
    assert refused.exit_code == 1 and "at most 256 characters" in refused.stderr
