"""`soupstate correct`: adds corrections to a store, lists them, and takes pages back."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from archives import COMMAND, record
from click.testing import CliRunner, Result

from soupstate.app.cli.main import soupstate
from soupstate.model.corrections.store import Store

PAGE = "<nav>Teas</nav><p>Sencha is a green tea."
MAIN = {"html": PAGE, "kind": "main", "right": {"text": "Sencha is a green tea."}}
LINK = {"html": PAGE, "kind": "link", "start": 5, "end": 9, "right": False, "answered": {"href": "/teas"}}


def run(*arguments: object, stdin: bytes = b"") -> Result:
    return CliRunner().invoke(soupstate, ["correct", *map(str, arguments)], input=stdin)


def lines(*objects: dict[str, Any]) -> str:
    return "".join(f"{json.dumps(each)}\n" for each in objects)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "corrections.db"


def test_it_says_what_is_new_merged_and_contradictory(store: Path, tmp_path: Path) -> None:
    file = tmp_path / "right.jsonl"
    file.write_text(lines(MAIN, LINK) + "\n" + lines(MAIN, LINK | {"right": True}), "utf-8")
    done = run("--store", store, file)
    assert (done.exit_code, done.stderr) == (0, "")
    first, second = done.stdout.splitlines()
    assert first == f"{file}: 3 new, 1 merged, 1 contradictory"
    now = '{"end":9,"kind":"link","right":true,"start":5}'
    assert second == f"{file}: line 5: stands now: {now}; stood before: {now.replace('true', 'false')}"
    with Store(store) as kept:
        assert len(kept) == 2


def test_the_list_is_what_was_added_and_makes_the_same_store(store: Path, tmp_path: Path) -> None:
    given = [MAIN | {"url": "https://example.org/"}, LINK, LINK | {"right": True, "href": "/é"}]
    assert run("--store", store, "-", stdin=lines(*given).encode()).stdout.startswith("<stdin>: 3 new")
    listed = run("--store", store, "--list").stdout
    found = [json.loads(line) for line in listed.splitlines()]
    assert all(re.fullmatch("[0-9a-f]{64}", each.pop("digest")) for each in found)
    assert all(each.pop("url") == "https://example.org/" for each in found)  # it is that of the page
    assert [{k: v for k, v in each.items() if k != "url"} for each in given] == found
    other = tmp_path / "other.db"
    run("--store", other, "-", stdin=listed.encode())
    with Store(store) as one, Store(other) as two:
        assert one.digest() == two.digest() and list(one.standing()) == list(two.standing())


def test_the_list_says_which_of_two_contradicting_corrections_stands(store: Path) -> None:
    first, second = LINK, LINK | {"right": True}
    assert run("--store", store, "-", stdin=lines(MAIN, first, second).encode()).exit_code == 0
    assert run("--store", store, "--list").stderr == "soupstate: line 2 no longer stands: line 3 says otherwise\n"
    assert run("--store", store, "-", stdin=lines(first).encode()).exit_code == 0
    listed = run("--store", store, "--list")
    assert [json.loads(line).get("right") for line in listed.stdout.splitlines()][1:] == [True, False]
    assert listed.stderr == "soupstate: line 2 no longer stands: line 3 says otherwise\n"


def test_no_store_is_made_for_files_that_cannot_be_used(store: Path, tmp_path: Path) -> None:
    file = tmp_path / "bad.jsonl"
    file.write_text("{}", "utf-8")
    assert run("--store", store, file, tmp_path / "gone.jsonl").exit_code == 1 and not store.exists()
    good = tmp_path / "good.jsonl"
    good.write_text(lines(MAIN), "utf-8")
    assert run("--store", store, file, good).exit_code == 1
    with Store(store) as kept:
        assert len(kept) == 1


def test_reading_an_empty_file_leaves_it_empty(store: Path) -> None:
    store.touch()
    for options in (("--list",), ("--remove", "0" * 64)):
        done = run("--store", store, *options)
        assert done.exit_code == 1 and "is no store of corrections: it is empty" in done.stderr
    assert store.stat().st_size == 0
    assert run("--store", store, "-", stdin=lines(MAIN).encode()).exit_code == 0 and store.stat().st_size


def test_a_pipe_that_nobody_reads_is_no_fault_of_the_store(store: Path) -> None:
    many = [LINK | {"start": k, "end": k + 1} for k in range(30)]
    assert run("--store", store, "-", stdin=lines(*many).encode()).exit_code == 0
    command = [*COMMAND, "correct", "--store", str(store), "--list"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout and process.stderr
        process.stdout.close()
        said = process.stderr.read().decode()
    assert str(store) not in said and "Traceback" not in said


def test_pages_of_an_archive(store: Path, tmp_path: Path) -> None:
    first, second = record(b"<p>First", 1), record(PAGE.encode(), 2)
    (tmp_path / "crawl.warc.gz").write_bytes(first + second)
    given = {name: value for name, value in MAIN.items() if name != "html"}
    given |= {"warc": "crawl.warc.gz", "offset": len(first)}
    (tmp_path / "right.jsonl").write_text(lines(given), "utf-8")
    assert run("--store", store, tmp_path / "right.jsonl").exit_code == 0
    with Store(store) as kept:
        [page] = kept.standing()
    assert page.html == PAGE and page.url and page.url.startswith("http")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (lines(MAIN | {"right": {"text": "Coffee"}}), "text: 'Coffee' is not in the page"),
        (lines(LINK | {"end": 99}), "end: 99 is beyond the end of the page, which has 40 characters"),
        (lines(LINK | {"kind": "rumour"}), "kind: must be main, link, mark, fault, fix, field"),
        (lines(LINK | {"colour": 1}), "colour: unknown field; known: "),
        (lines({"kind": "main", "right": {"text": ""}}), "either html or warc"),
        (lines(MAIN | {"offset": 3, "warc": "gone.warc"}), "either html or warc"),
        (lines({"warc": "gone.warc", "offset": 0, "kind": "main", "right": {"text": ""}}), "gone.warc: No such file"),
        ("[]\n", "not a JSON object"),
        ("{\n", "not JSON: "),
        ('{"html": "\udce9"}\n', "not UTF-8 at byte 10"),
    ],
)
def test_a_bad_line_is_named_and_nothing_of_its_file_is_stored(
    store: Path, tmp_path: Path, line: str, says: str
) -> None:
    bad, good = tmp_path / "bad.jsonl", tmp_path / "good.jsonl"
    bad.write_bytes(lines(MAIN).encode() + line.encode("utf-8", "surrogateescape"))
    good.write_text(lines(LINK))
    done = run("--store", store, bad, tmp_path / "gone.jsonl", good)
    assert done.exit_code == 1
    assert done.stdout == f"{good}: 1 new, 0 merged, 0 contradictory\n"
    one, two = done.stderr.splitlines()
    assert one.startswith(f"soupstate: {bad}: line 2: ") and says in one
    assert one.endswith("; nothing of this file was stored")
    assert "gone.jsonl: No such file" in two
    with Store(store) as kept:
        assert len(kept) == 1


def test_a_page_is_taken_back(store: Path) -> None:
    run("--store", store, "-", stdin=lines(MAIN, LINK, LINK | {"html": f"{PAGE}!"}).encode())
    digest = json.loads(run("--store", store, "--list").stdout.splitlines()[0])["digest"]
    done = run("--store", store, "--remove", digest)
    assert (done.exit_code, done.stdout) == (0, f"{digest}: the page and 2 corrections of it removed\n")
    again = run("--store", store, "--remove", digest)
    assert again.exit_code == 1 and "no page with this digest" in again.stderr
    [left] = run("--store", store, "--list").stdout.splitlines()
    assert json.loads(left)["html"] == f"{PAGE}!"


def test_stores_that_cannot_be_used(store: Path, tmp_path: Path) -> None:
    assert "no such file" in run("--store", store, "--list").stderr and not store.exists()
    assert "no such file" in run("--store", store, "--remove", "0" * 64).stderr and not store.exists()
    store.write_text(lines(MAIN))
    done = run("--store", store, "-", stdin=lines(MAIN).encode())
    assert done.exit_code == 1 and f"{store} is no store of corrections" in done.stderr
    assert store.read_text() == lines(MAIN)
    missing = run("--store", tmp_path / "missing" / "a.db", "-", stdin=lines(MAIN).encode())
    assert missing.exit_code == 1 and "unable to open database file" in missing.stderr


@pytest.mark.parametrize("arguments", [(), ("-", "--list"), ("--list", "--remove", "0"), ("-", "--remove", "0")])
def test_wrong_use(store: Path, arguments: tuple[str, ...]) -> None:
    done = run("--store", store, *arguments)
    assert done.exit_code == 2 and "one of these alone" in done.stderr and not store.exists()


def test_the_recipe_in_the_docs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its lines are corrections, but for the archive, and its commands run."""
    recipe = (Path(__file__).parents[1] / "docs" / "corrections.md").read_text("utf-8")
    monkeypatch.chdir(tmp_path)
    price = b"<p>Now only $12.50 a tin"
    Path("crawl.warc.gz").write_bytes(record(price, 1))
    shown = [json.loads(line) for line in recipe.splitlines() if line.strip().startswith('{"')]
    assert len(shown) == 3 and shown[2]["offset"] == 4711
    Path("right.jsonl").write_text(lines(*shown[:2], shown[2] | {"offset": 0}), "utf-8")
    commands = [line.split()[2:] for line in recipe.splitlines() if line.strip().startswith("soupstate correct")]
    assert run(*commands[0]).stdout == "right.jsonl: 3 new, 0 merged, 0 contradictory\n"
    digest = json.loads(run(*commands[1]).stdout.splitlines()[2])["digest"]
    assert commands[2][-2] == "--remove" and run(*commands[2][:-1], digest).exit_code == 0
    assert len(run(*commands[1]).stdout.splitlines()) == 2
