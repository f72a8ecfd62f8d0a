"""Reports of `soupstate check` in the formats of other tools, read back by the rules of these."""

import json
import re
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest

from soupstate.app.reports.checked import Checked
from soupstate.app.reports.json import json as json_report
from soupstate.app.reports.one_line import github, gnu
from soupstate.app.reports.text import text
from soupstate.app.reports.xml import checkstyle, junit
from soupstate.model.faults.fault import Fault, Fix
from soupstate.model.faults.kinds import KINDS

PAGE = "<p>\n<b>😀 100%\r\n<i>x\0y\n"
SURE = Fault(4, 9, 2, 1, 9.0, 0.9, "unpaired-quote", "unexpected '\0', 50%\nof it", "<b>\0", (Fix(4, 4, '"', 2.0),))
DOUBT = Fault(15, 15, 3, 1, 9.0, 0.6, "missing-end-tag", "the end tag </b> is missing", "<i>", ())
FILES = [
    Checked("a,b:c%/\udcff.html", PAGE, [SURE, DOUBT]),
    Checked("clean.html", PAGE, []),
    Checked("gone.html", "", [], "No such file or directory"),
]
SHOWN = "a,b:c%/\\xff.html"


def test_gnu() -> None:
    assert gnu(FILES[0]).splitlines() == [
        rf"{SHOWN}:2.1-2.5: error: unexpected '\x00', 50% of it [unpaired-quote]",
        f"{SHOWN}:3.1-3.1: warning: the end tag </b> is missing [missing-end-tag]",
    ]
    assert gnu(FILES[1]) == "" and gnu(FILES[2]) == "gone.html: error: No such file or directory\n"


def test_github() -> None:
    """A workflow command is `::NAME KEY=VALUE,KEY=VALUE::MESSAGE`, with % as the mark of escapes."""
    rows = github(FILES[0]).splitlines()
    read = [re.fullmatch(r"::(error|warning) ([^:]*)::(.*)", row) for row in rows]
    assert len(rows) == 2 and all(read)
    level, properties, message = read[0].groups()  # type: ignore[union-attr]
    pairs = dict(pair.split("=", 1) for pair in properties.split(","))
    assert level == "error" and unquote(pairs["file"]) == SHOWN and unquote(message) == SURE.message
    assert (pairs["line"], pairs["col"], pairs["endLine"], pairs["endColumn"]) == ("2", "1", "2", "5")
    assert github(FILES[1]) == "" and "::error file=gone.html," in github(FILES[2])


def test_junit() -> None:
    root = ElementTree.fromstring(junit(FILES))
    assert root.tag == "testsuites" and {name: root.get(name) for name in ("tests", "failures", "errors")} == {
        "tests": "4",
        "failures": "2",
        "errors": "1",
    }
    first, clean, gone = root.findall("testsuite")
    assert first.get("name") == SHOWN and [case.get("name") for case in first] == ["unpaired-quote", "missing-end-tag"]
    failure = first[0].find("failure")
    assert failure is not None and failure.get("message", "").startswith("unexpected '\ufffd'")
    assert failure.text and failure.text.splitlines() == [
        f"{SHOWN}:2:1: unexpected '\ufffd', 50%",
        "of it (90%)",
        "<b>\ufffd",
        'Fix: insert "',
        f"{KINDS['unpaired-quote'].what} {KINDS['unpaired-quote'].why}",
        "soupstate check --explain unpaired-quote",
        KINDS["unpaired-quote"].url,
    ]
    assert len(clean) == 1 and len(clean[0]) == 0 and clean[0].get("name") == "no fault"
    error = gone[0].find("error")
    assert gone[0].get("name") == "the file is read"
    assert error is not None and error.get("message") == "No such file or directory"


def test_checkstyle() -> None:
    root = ElementTree.fromstring(checkstyle(FILES))
    assert root.tag == "checkstyle" and [file.get("name") for file in root] == [SHOWN, "clean.html", "gone.html"]
    places = [(e.get("line"), e.get("column"), e.get("severity"), e.get("source")) for e in root[0]]
    assert places == [
        ("2", "1", "error", "soupstate.unpaired-quote"),
        ("3", "1", "warning", "soupstate.missing-end-tag"),
    ]
    assert len(root[1]) == 0 and root[2][0].get("message") == "No such file or directory"


@pytest.mark.parametrize("files", [FILES, []])
def test_json(files: list[Checked]) -> None:
    rows = json.loads(json_report(files))
    if not files:
        assert rows == []
        return
    assert [row["file"] for row in rows] == [SHOWN, SHOWN, "gone.html"]
    assert (rows[0]["end_line"], rows[0]["end_column"], rows[0]["level"]) == (2, 6, "error")
    assert rows[0]["fixes"] == [{"start": 4, "end": 4, "replacement": '"', "bits_saved": 2.0}]
    assert rows[2] == {"file": "gone.html", "error": "No such file or directory"}


def test_a_page_cannot_write_to_the_terminal() -> None:
    page = "<p>\x1b[31m red <b>x\n"
    fault = Fault(14, 14, 1, 15, 9.0, 0.9, "missing-end-tag", "\x1b[2J is missing", "<b>", (Fix(14, 14, "\x9b", 2.0),))
    said = text(Checked("a.html", page, [fault]))
    assert not set(map(chr, (*range(9), *range(11, 32), *range(127, 160)))) & set(said)
    assert r"<p>\x1b[31m red" in said and r"\x1b[2J is missing" in said
    lines = said.splitlines()
    assert lines[1][lines[2].index("^") :].startswith(">") or lines[1].index("<b>") <= lines[2].index("^")
