"""`soupstate check`: reports, mended files, and the exit status."""

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner, Result

from soupstate.app.cli import main as cli
from soupstate.app.reports.checked import Checked, in_words
from soupstate.app.reports.sarif import sarif
from soupstate.app.reports.text import source_frame
from soupstate.model.faults.apply import mend
from soupstate.model.faults.fault import Fault, Fix
from soupstate.model.faults.kinds import KINDS
from soupstate.model.page.line_index import LineIndex

ROWS = "".join(f'<li class="entry"><a href="/boats/{n}.html">Boot {n} für zwei</a></li>\r\n' for n in range(12))
WHOLE = f"<!DOCTYPE html>\n<html><head><title>Boote</title></head><body>\n<ul>\n{ROWS}</ul></body></html>\n"
BROKEN = WHOLE.replace('/boats/7.html">', "/boats/7.html>")
FAULTS = Path(__file__).parents[1] / "docs" / "faults"
CLIENTS = Path(__file__).with_name("clients") / "node_modules"
SCHEMA = CLIENTS / "@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json"
THRESHOLD = "0.3"  # far below what the shipped network says of this fault, and above what it says of the rest


def run(*arguments: str, stdin: bytes = b"") -> Result:
    return CliRunner().invoke(cli.soupstate, ["check", *arguments], input=stdin)


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    path = tmp_path / "broken.html"
    path.write_bytes(BROKEN.encode("cp1252"))
    return path


def fault(start: int, end: int, *replacements: str, probability: float = 0.9) -> Fault:
    fixes = tuple(Fix(start, end, r, 9.0) for r in replacements)
    return Fault(start, end, 1, start + 1, 31.2, probability, "unpaired-quote", "a quote is missing", "", fixes)


def test_text_shows_the_line_and_points_at_the_fix() -> None:
    page = '<p>\n<a\thref="/x>y</a>'
    place = page.index(">y")
    lines = source_frame("f.html", LineIndex(page), replace(fault(place, place, '"'), line=2, column=12)).splitlines()
    assert lines[0] == "f.html:2:12: a quote is missing  [unpaired-quote, 90%, 31 bits]"
    assert lines[1] == '  2 | <a href="/x>y</a>'
    assert lines[2].index("^") == lines[1].index(">y") and lines[2].endswith('^ insert "')


@pytest.mark.parametrize(("new", "words"), [("", "delete bc"), ("x", "replace bc by x")])
def test_a_fix_in_words(new: str, words: str) -> None:
    assert in_words("abcd", Fix(1, 3, new, 9.0)) == words


def test_sarif_says_where_and_how_to_mend() -> None:
    page = "<p>\n<b>x\n</p>"
    log = json.loads(sarif([Checked("a b.html", page, [fault(4, 9, "<i>", ""), fault(2, 2)])]))
    run = log["runs"][0]
    rule = run["tool"]["driver"]["rules"][0]
    assert log["version"] == "2.1.0" and rule["id"] == "unpaired-quote" and rule["helpUri"].startswith("https://")
    assert all(rule[name]["text"] for name in ("shortDescription", "fullDescription", "help"))
    assert rule["help"]["markdown"] == (FAULTS / "unpaired-quote.md").read_text("utf-8")
    first, second = run["results"]
    region = first["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 2, "startColumn": 1, "endLine": 3, "endColumn": 1, "charOffset": 4, "charLength": 5}
    assert first["locations"][0]["physicalLocation"]["artifactLocation"] == {"uri": "a%20b.html"}
    change, deletion = (fix["artifactChanges"][0]["replacements"][0] for fix in first["fixes"])
    assert change == {"deletedRegion": region, "insertedContent": {"text": "<i>"}}
    assert deletion == {"deletedRegion": region}
    assert "fixes" not in second and first["rank"] == 90.0


def test_sarif_is_valid_by_its_schema(broken: Path) -> None:
    """The schema is that of Microsoft's matchers for tests, which `make test` installs."""
    if not SCHEMA.exists():
        pytest.skip("npm has not installed tests/clients")
    log = json.loads(run("--format", "sarif", "--threshold", "0", str(broken), "gone.html").stdout)
    assert log["runs"][0]["results"] and log["runs"][0]["invocations"][0]["toolExecutionNotifications"]
    validator = jsonschema.Draft7Validator(json.loads(SCHEMA.read_text("utf-8-sig")))
    assert not [error.message for error in validator.iter_errors(log)]
    log["runs"][0]["results"][0]["message"] = "no object"
    assert not validator.is_valid(log)


def test_fixes_near_each_other_are_not_both_made() -> None:
    page = "ab" + "." * 200 + "cd"
    mended = mend(page, [fault(1, 2, "X"), fault(2, 3, "Y"), fault(202, 202, "Z"), fault(100, 100)])
    assert mended.page == "aX" + "." * 200 + "Zcd"
    assert [f.start for f in mended.left] == [2, 100] and [f.start for f in mended.mended] == [1, 202]


def test_the_likeliest_fault_is_mended_and_unlikely_ones_are_not() -> None:
    faults = [fault(1, 1, "X", probability=0.6), fault(2, 2, "Y", probability=0.8), fault(3, 3, "Z", probability=0.4)]
    mended = mend("abcd", faults)
    assert mended.page == "abYcd" and [f.start for f in mended.left] == [1]
    assert mend("abcd", faults, 0.9).page == "abcd"


def test_a_fix_outside_the_page_is_refused() -> None:
    with pytest.raises(ValueError, match="outside the page of 2 characters"):
        mend("ab", [fault(3, 3, "X")])


def test_a_fault_above_the_threshold_makes_the_exit_status(broken: Path) -> None:
    found = run("--threshold", THRESHOLD, str(broken))
    assert found.exit_code == 1 and f"{broken}:11:" in found.stdout and 'insert "' in found.stdout
    said = "soupstate check --explain KIND says more of a kind of fault\n"
    assert found.stderr == f"soupstate: checked 1 file: 1 fault in 1 file\n{said}"
    clean = run("--threshold", "1", str(broken))
    assert (clean.exit_code, clean.stdout, clean.stderr) == (0, "", "soupstate: checked 1 file: clean\n")


@pytest.mark.parametrize("form", ["text", "json", "sarif", "github", "gnu", "junit", "checkstyle"])
def test_the_threshold_counts_for_every_format(broken: Path, form: str) -> None:
    found = run("--format", form, "--threshold", THRESHOLD, str(broken))
    assert found.exit_code == 1 and found.stdout.count("a quote is missing") >= 1
    clean = run("--format", form, "--threshold", "1", str(broken))
    assert clean.exit_code == 0 and "quote is missing" not in clean.stdout


@pytest.mark.parametrize("form", ["json", "sarif", "github", "gnu", "junit", "checkstyle"])
def test_a_file_that_cannot_be_read_is_a_failure_in_every_format(broken: Path, tmp_path: Path, form: str) -> None:
    done = run("--format", form, "--threshold", "1", str(tmp_path / "gone.html"), str(broken))
    assert done.exit_code == 2 and "No such file" in done.stdout
    assert "gone.html: No such file" in done.stderr and "checked 1 file: clean; 1 failure" in done.stderr


def test_sarif_of_several_files_is_one_log(broken: Path) -> None:
    done = run("--format", "sarif", "--threshold", THRESHOLD, str(broken), "-", stdin=BROKEN.encode())
    results = json.loads(done.stdout)["runs"][0]["results"]
    places = {r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for r in results}
    assert places == {str(broken), "%3Cstdin%3E"} and done.exit_code == 1


def test_fix_mends_a_file_in_its_charset(broken: Path) -> None:
    done = run("--fix", "--threshold", THRESHOLD, str(broken))
    assert broken.read_bytes() == WHOLE.encode("cp1252")
    assert (done.exit_code, done.stdout) == (0, "") and "1 mended, 0 left" in done.stderr
    assert run("--fix", "--threshold", THRESHOLD, str(broken)).exit_code == 0  # nothing is left to mend
    assert [p.name for p in broken.parent.iterdir()] == [broken.name]


def test_fix_mends_in_one_run_what_lies_close_together(broken: Path) -> None:
    body = BROKEN.replace("Boot 8 für zwei</a>", "Boot 8 für zwei/a>").encode("cp1252")
    broken.write_bytes(body)
    shown = run("--diff", str(broken))
    assert broken.read_bytes() == body and "2 would be mended" in shown.stderr
    done = run("--fix", str(broken))
    assert (done.exit_code, broken.read_bytes()) == (0, WHOLE.encode("cp1252")), done.stderr
    assert "2 mended, 0 left" in done.stderr


def test_fix_goes_on_after_a_file_that_cannot_be_mended(broken: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.html"
    bad.write_bytes(BROKEN.replace("ü", "\0").encode().replace(b"\0", b"\xff", 1).replace(b"\0", "ü".encode()))
    done = run("--fix", "--threshold", THRESHOLD, "--charset", "utf-8", str(bad), "-", stdin=BROKEN.encode())
    assert done.exit_code == 2 and f"{bad}: the page has bytes that are not valid utf-8" in done.stderr
    assert done.stdout_bytes == WHOLE.encode()


def test_fix_keeps_a_link_a_file_beside_and_the_permissions(broken: Path) -> None:
    link, beside = broken.with_name("link.html"), broken.with_name("broken.html.part")
    link.symlink_to(broken.name)
    beside.write_text("mine")
    broken.chmod(0o640)
    assert run("--fix", "--threshold", THRESHOLD, str(link)).exit_code == 0
    assert link.is_symlink() and link.read_bytes() == WHOLE.encode("cp1252")
    assert broken.stat().st_mode & 0o777 == 0o640 and beside.read_text() == "mine"
    assert sorted(p.name for p in broken.parent.iterdir()) == sorted([broken.name, beside.name, link.name])


def test_fix_of_stdin_goes_to_stdout() -> None:
    done = run("--fix", "--threshold", THRESHOLD, "-", stdin=BROKEN.encode())
    assert done.stdout_bytes == WHOLE.encode()


def test_a_file_that_would_lose_bytes_is_left(broken: Path) -> None:
    body = BROKEN.replace("ü", "\0").encode().replace(b"\0", b"\xff", 1).replace(b"\0", "ü".encode())
    broken.write_bytes(body)
    done = run("--fix", "--threshold", THRESHOLD, "--charset", "utf-8", str(broken))
    assert done.exit_code == 2 and "would be lost" in done.stderr
    assert broken.read_bytes() == body


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_explained(kind: str) -> None:
    done = run("--explain", kind)
    page = (FAULTS / f"{kind}.md").read_text("utf-8")
    assert (done.exit_code, done.stdout) == (0, page.replace("\\<", "<").replace("\\&", "&"))


def test_the_kinds_are_listed_and_others_are_refused() -> None:
    done = run("--explain")
    assert done.exit_code == 0 and [line.split()[0] for line in done.stdout.splitlines()] == list(KINDS)
    for kind in ("README", "../faults/unpaired-quote", "page.html"):
        done = run("--explain", kind)
        assert done.exit_code == 2 and f"no kind of fault has the name '{kind}'" in done.stderr
