"""From pages to lessons of JSON, to a network that reads it, to its cells and its ranking."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from archives import record
from click.testing import CliRunner, Result
from hypothesis import given, settings
from test_json_scan import MENU, VALUES

from soupstate.app.cli.main import soupstate
from soupstate.app.json_peers import PEERS
from soupstate.app.peers import installed
from soupstate.model.faults.json_find import JSON_COLUMNS
from soupstate.model.faults.json_scan import is_json
from soupstate.model.net.checkpoint import DEFAULT, json_network, load_checkpoint
from soupstate.model.page.marks import FORMATS, JsonSyntax
from soupstate.model.train.data.json_damage import OTHER_NOTATIONS, SLIPS, Places, damage_json, json_slip
from soupstate.model.train.data.json_documents import Document, documents, documents_of_page
from soupstate.model.train.data.json_lessons import EDGE, json_lesson, rewritten
from soupstate.model.train.data.json_teacher import teach_json
from soupstate.model.train.data.lessons import LessonPlan
from soupstate.model.train.data.shards import BYTE, MARKS, Shards
from soupstate.model.train.evaluation.json_faults import KINDS, Scores, broken_documents
from soupstate.model.train.evaluation.json_neurons import open_brackets
from soupstate.model.train.evaluation.json_ranking import fit

SAMPLES = Path(__file__).parents[1] / "crawl_samples" / "json"
TABLE = FORMATS["json"]
SYNTAX, DEPTH = TABLE.column["syntax"], TABLE.column["depth"]
PAGE = """<!doctype html><html><head><title>Tea</title>
<script type="application/ld+json">
{"@type": "Cafe", "name": "Tea room", "address": "Quay 4", "seats": [4, 12]}
</script>
<script>window.state = {"user": {"name": "Ada", "roles": ["cook", "host"]}, "n": [{"x": 1}]}; f({b: 1});</script>
</head><body data-menu="{&quot;green&quot;: [1, 2], &quot;black&quot;: {&quot;price&quot;: 3.5}}">
<script type="application/json">{"broken": [1, 2}</script></body></html>"""


def run(*arguments: str) -> Result:
    return CliRunner().invoke(soupstate, list(arguments))


def test_the_teacher_marks_syntax_and_depth() -> None:
    text = r'{"a\n": [-1.5e3, true, "x\"", {}], "b": "y"}'
    marks = teach_json(text)
    names = {" ": "S", "0": "S", "1": "K", "2": "s", "3": "n", "4": "l", "5": "e"}
    assert "".join(names[str(m)] for m in marks[:, SYNTAX]) == "SKKeeKSSSnnnnnnSSllllSSsseesSSSSSSSKKKSSsssS".replace(
        "", ""
    )
    assert "".join(map(str, marks[:, DEPTH])) == "11111111222222222222222222222233211111111111"[: len(text)]


@given(VALUES)
@settings(max_examples=30, deadline=None)
def test_rewriting_and_teaching_keep_the_value(value: object) -> None:
    text, random = json.dumps(value), np.random.default_rng(1)
    again = rewritten(text, random)
    assert json.loads(again) == value
    marks, counts = teach_json(again), open_brackets(again)
    assert len(marks) == len(again) and (marks[:, SYNTAX] < len(JsonSyntax)).all()
    closes = np.array(
        [c in "}]" and s == JsonSyntax.STRUCTURE for c, s in zip(again, marks[:, SYNTAX], strict=True)], int
    )
    assert (counts.sum(1) + closes == marks[:, DEPTH]).all()


def test_documents_of_a_page() -> None:
    found = list(documents_of_page(PAGE))
    assert [json.loads(text) for text in found] == [
        {"@type": "Cafe", "name": "Tea room", "address": "Quay 4", "seats": [4, 12]},
        {"user": {"name": "Ada", "roles": ["cook", "host"]}, "n": [{"x": 1}]},
        {"green": [1, 2], "black": {"price": 3.5}},
    ]


def test_domains_are_divided_by_their_names() -> None:
    held = [Document("{}", f"site-{k}.example").held_out for k in range(2000)]
    assert 150 < sum(held) < 250 and held == [Document("[]", f"site-{k}.example").held_out for k in range(2000)]


@pytest.mark.parametrize("name", [*SLIPS, *OTHER_NOTATIONS])
def test_a_slip_changes_a_document(name: str) -> None:
    random, places = np.random.default_rng(3), Places(MENU)
    slips = [slip for _ in range(20) if (slip := json_slip(places, random, name))]
    assert slips and all(slip.name == name and slip.applied(MENU) != MENU for slip in slips)
    assert sum(not is_json(slip.applied(MENU)) for slip in slips) > len(slips) * 0.6


def test_damage_carries_the_marks() -> None:
    random = np.random.default_rng(0)
    marks = teach_json(MENU)
    for _ in range(60):
        broken, carried = damage_json(MENU, marks, random)
        assert len(broken) == len(carried) and carried.shape[1] == len(TABLE.heads)
    rows = json_lesson(MENU, random, LessonPlan(0.0))
    assert bytes(rows[:, BYTE]).decode() == EDGE + MENU + EDGE
    assert (rows[1:-1, MARKS + DEPTH] == marks[:, DEPTH]).all()  # the menu is ASCII


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A WARC file of pages with the sample documents, of many domains."""
    folder = tmp_path_factory.mktemp("json")
    out = io.BytesIO()
    for number in range(24):
        for path in sorted(SAMPLES.iterdir()):
            text = path.read_text("utf-8")
            page = f'<!doctype html><title>A</title><script type="application/json">[{number}, {text}]</script>'
            made = record(page.encode(), number, pack=False)
            out.write(made.replace(b"https://site.example/", b"https://site-%02d.example/" % number))
    (folder / "pages.warc").write_bytes(out.getvalue())
    return folder


def test_lessons_leave_the_held_out_domains(folder: Path) -> None:
    warc = str(folder / "pages.warc")
    for options, out in (([], "kept"), (["--held-out"], "held")):
        done = run("lessons", warc, "--format", "json", "--damaged", "0", *options, "--out", str(folder / out))
        assert done.exit_code == 0 and "of other domains" in done.output
    kept, held = (len(Shards(folder / name)) for name in ("kept", "held"))
    texts = {document.text for document in documents(folder / "pages.warc")}
    assert len(texts) == 24 * len(list(SAMPLES.iterdir())) and kept + held == 2 * len(texts) and kept > 5 * held > 0
    for options in (["--made", "3"], ["--skimmed", "0.5"]):
        assert (
            "--format json takes WARC files" in run("lessons", warc, "--format", "json", *options, "--out", "x").output
        )
    empty = folder / "empty.warc"
    empty.write_bytes(record(b"<!doctype html><p>Tea", pack=False))
    done = run("lessons", str(empty), "--format", "json", "--out", str(folder / "none"))
    assert done.exit_code == 1 and "empty.warc: no page holds JSON of these domains" in done.output
    assert not list((folder / "none").iterdir())
    assert "--format json takes --pages" in run("evaluate", "--format", "json", "--pages", warc, "--teacher").output
    assert "are for HTML" in run("rank", "--format", "json", "--pages", warc, "--alone", "--out", "x").output
    assert "are for HTML" in run("neurons", "--format", "json", "--pages", warc, "--made", "3").output
    assert "is for --format json" in run("lessons", warc, "--held-out", "--out", "x").output


def test_training_export_and_reading(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert run("lessons", "pages.warc", "--format", "json", "--out", "shards").exit_code == 0
    settings = 'name = "j"\nformat = "json"\nshards = "shards"\nunits = 16\nembedding = 8\nslots = 256\nlanes = 2\n'
    settings += "steps = 64\ncharacters = 2000\nlog_interval = 5\n"
    Path("j.toml").write_text(settings)
    assert run("train", "j.toml", "--device", "cpu", "--threads", "1").exit_code == 0
    export = [
        "export",
        "runs/j/checkpoint.safetensors",
        "--experiment",
        "j.toml",
        "--version",
        "1",
        "--out",
        "j.safetensors",
    ]
    assert run(*export).exit_code == 0
    checkpoint = load_checkpoint(Path("j.safetensors"), reads="json")
    assert checkpoint.reads == "json" and checkpoint.weights.outputs == TABLE.outputs
    assert "this network reads json" in run("extract", "--weights", "j.safetensors", "j.toml").output
    assert run("check", "--format-in", "json", "--weights", "j.safetensors", str(SAMPLES)).exit_code == 0
    Path("bad.toml").write_text(settings + "[stretches]\nbalanced_share = 0.1\n")
    assert "balanced_share is for HTML" in run("train", "bad.toml").output
    Path("bad.toml").write_text(settings.replace('"json"', '"yaml"'))
    assert "format = 'yaml'; known: html, json" in run("train", "bad.toml").output


def test_the_ranking_finds_what_makes_an_edit_right() -> None:
    random = np.random.default_rng(0)
    cases = []
    for _ in range(300):
        rows = random.normal(size=(4, JSON_COLUMNS))
        rows[:, 5:] = 0
        score = 3 * rows[:, 0] - 2 * rows[:, 3] + 1
        p = np.exp(np.append(score, 0.0))
        chosen = random.choice(5, p=p / p.sum())
        cases.append((rows, np.arange(4) == chosen))
    found = fit(cases)
    assert abs(found.weights[0] - 3) < 0.5 and abs(found.weights[3] + 2) < 0.5 and abs(found.bias - 1) < 0.4
    assert max(map(abs, (found.weights[1], found.weights[2], *found.weights[4:]))) < 0.5


@pytest.mark.slow
def test_commands_fit_and_measure(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    own = str(json_network(DEFAULT))
    done = run("rank", "--format", "json", "--weights", own, "--pages", "pages.warc", "--out", "ranked.safetensors")
    assert done.exit_code == 0 and "the likeliest edit is right in" in done.output
    ranked = load_checkpoint(Path("ranked.safetensors"), backward=True, reads="json", ranked=JSON_COLUMNS)
    assert ranked.ranking
    done = run(
        "evaluate", "--format", "json", "--pages", "pages.warc", "--all-domains", "--limit", "16", "--json", "e.json"
    )
    assert done.exit_code == 0, done.output
    figures = json.loads(Path("e.json").read_text())
    assert figures["JSON"]["fix@1"] > 0.5 and figures["JSON"]["faults of 0.5 or more on a whole one"] == 0
    assert figures["JSON"]["depth: R^2"] > 0.8 and "json.loads" in figures["tools"]


def test_broken_documents_and_scores() -> None:
    texts = [path.read_text("utf-8") for path in sorted(SAMPLES.iterdir())] * 4
    cases = broken_documents(texts, 24)
    assert len(cases) == 24 and {case.kind for case in cases} == set(KINDS)
    scores = Scores()
    for case in cases:
        assert not is_json(case.text) and is_json(case.whole)
        scores.add(case, [(case.start, case.end)], case.whole)
    assert set(scores.means().values()) == {1.0}
    scores.add(cases[0], [(10_000, 10_000), (cases[0].start, cases[0].end)], "[")
    assert scores.kinds("MRR within 32")[cases[0].kind] < 1 and scores.means()["fix@1"] < 1


def test_peers_name_the_place() -> None:
    found = installed(PEERS, print)
    assert found["json.loads"]('{"a": 1 "b": 2}') == ([8], None) and found["json.loads"]("[1]") == ([], None)
