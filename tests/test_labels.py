"""Labels with a name, what follows them, and its picture: on generated states, and by the command on real ones."""

import json
import runpy
from pathlib import Path

import numpy as np
import pytest
from archives import record
from click.testing import CliRunner, Result
from conftest import tiny_checkpoint
from PIL import Image

from soupstate.app.cli.main import soupstate as command
from soupstate.model.net.checkpoint import DEFAULT, load_checkpoint, save_checkpoint
from soupstate.model.net.depth import CELLS
from soupstate.model.net.reader import Reader
from soupstate.model.page.marks import IGNORED
from soupstate.model.page.tag_places import tag_places
from soupstate.model.train.data.labels import LABELS, LONGEST_TITLE, labelled, rule_of
from soupstate.model.train.evaluation.label_picture import COLUMNS, ROWS, grid
from soupstate.model.train.evaluation.label_units import SAMPLES, Products, area, followers, sampled, states_of
from soupstate.model.train.evaluation.neurons import trace

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "neurons" / "page.html"
CLEAN, BROKEN = (str(ROOT / "crawl_samples" / f"samples-{name}.warc.gz") for name in ("clean", "broken"))
KNOWN = (
    "<title>Té</title><!-- no <p> --><script>a='<b>'</script><style>i{}</style>"
    "<body><h2>Tea</h2><p>see <a href=/x rel='y' title=\"z>\">t<b>e</b>a</a><ul><li>one</ul>"
    "<table><tr><td>cell</table><blockquote>said<pre>raw</pre></blockquote><em>so</em><code>f</code>end"
)


def held(page: str, name: str) -> list[str]:
    """The stretches of a page in which a label holds."""
    label = np.concatenate([[0], labelled(page, rule_of(name)).label == 1, [0]]).astype(int)
    edges = np.flatnonzero(np.diff(label))
    return [page[start:end] for start, end in zip(edges[::2], edges[1::2], strict=True)]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("inside a title", ["Té"]),
        ("inside a comment", ["<!-- no <p> -->"]),
        ("inside a script", ["a='<b>'"]),
        ("inside a heading", ["Tea"]),
        ("inside a link", ["t", "e", "a"]),
        ("inside an attribute value", ["/x", "y", "z>"]),
        ("inside a quoted attribute value", ["y", "z>"]),
        ("inside the address of a link", ["/x"]),
        ("inside a list item", ["one"]),
        ("inside a table cell", ["cell"]),
        ("inside a block quotation", ["said", "raw"]),
        ("inside preformatted text", ["raw"]),
        ("inside strong text", ["e"]),
        ("inside emphasised text", ["so"]),
        ("inside code", ["f"]),
    ],
)
def test_where_labels_hold(name: str, wanted: list[str]) -> None:
    assert held(KNOWN, name) == wanted


def test_tags() -> None:
    assert held("a<p id=x>b</p >c", "inside a tag") == ["<p id=x>", "</p >"]


def test_of_tags_a_label_of_text_says_nothing() -> None:
    label = labelled("<body><p>a<a href=b>c</a>", rule_of("inside a link")).label
    assert label.tolist() == [IGNORED] * 9 + [0] + [IGNORED] * 10 + [1] + [IGNORED] * 4


def test_a_title_that_has_lost_its_end_is_not_measured() -> None:
    rule = rule_of("inside a title")
    assert set(labelled("<title>" + "x" * LONGEST_TITLE + "</title>", rule).label.tolist()) == {0, 1}
    assert set(labelled("<title>" + "x" * (LONGEST_TITLE + 1), rule).label.tolist()) == {0, IGNORED}


def generated(seed: int, count: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Outputs of four units and two cells, and a label. Unit 1 follows it exactly, unit 3 with noise and inversely,
    unit 2 never changes; cell 1 is twice the label.
    """
    random = np.random.default_rng(seed)
    label = (random.random(count) < 0.3).astype(np.uint8)
    outputs = random.normal(size=(count, 6)).astype(np.float32)
    outputs[:, 1] = 0.5 - 0.25 * label
    outputs[:, 2] = 0.125
    outputs[:, 3] = 0.5 * label + 0.5 * random.normal(size=count)
    outputs[:, 5] = 2 * label
    return outputs, label


def test_known_followers() -> None:
    found = followers(4, [generated(1), generated(2)], [generated(3)])
    outputs, label = generated(3)
    units = {each.unit: each for each in found.units}
    assert [each.unit for each in found.units[:2]] == [1, 3] and found.best == found.units[0]
    assert units[1].r == pytest.approx(-1) and units[1].share == pytest.approx(1, abs=1e-5)
    assert units[3].r == pytest.approx(np.corrcoef(outputs[:, 3], label)[0, 1], abs=1e-5)
    assert units[3].share == pytest.approx(units[3].r ** 2, abs=0.01)
    assert units[2].r == 0 and units[2].share == pytest.approx(0, abs=0.01)
    assert abs(units[0].r) < 0.05
    assert [(each.layer, each.unit) for each in found.cells] == [(1, 1), (1, 0)]
    assert found.cells[0].r == pytest.approx(1)
    assert found.together == pytest.approx(1, abs=1e-4) and found.with_cells == pytest.approx(1, abs=1e-4)
    assert found.label == pytest.approx(label.mean()) and found.areas == pytest.approx((1, 1))


def test_units_are_chosen_on_the_pages_that_they_are_found_on() -> None:
    outputs, label = generated(4)
    other = outputs.copy()
    other[:, [1, 5]] = np.random.default_rng(5).normal(size=(len(label), 2))  # on the measured pages these are noise
    found = followers(4, [(outputs, label)], [(other, label)])
    assert abs(found.areas[0] - 0.5) < 0.05
    assert found.best.unit == 1 and abs(found.best.r) < 0.1 and found.best.share < 0


def test_several_units_carry_what_none_does_alone() -> None:
    random = np.random.default_rng(6)

    def parts(count: int) -> tuple[np.ndarray, np.ndarray]:
        label = (random.random(count) < 0.5).astype(np.uint8)
        noise = random.normal(size=count)
        return np.stack([label + noise, noise], 1).astype(np.float32), label

    found = followers(2, [parts(3000)], [parts(3000)])
    assert found.best.share < 0.3 and found.together > 0.98 and not found.cells
    assert 0.7 < found.areas[0] < 0.8 and found.areas[1] > 0.999  # 0.76: Phi(1 / sqrt(2))


def test_what_is_ignored_does_not_count() -> None:
    outputs, label = generated(7)
    label[::3] = IGNORED
    some = label != IGNORED
    assert np.allclose(Products.of([(outputs, label)]).sums, Products.of([(outputs[some], label[some])]).sums)
    with pytest.raises(ValueError, match="no characters"):
        Products.of([(outputs, np.full_like(label, IGNORED))])


@pytest.mark.parametrize(("value", "said"), [(0, "no character"), (1, "every character")])
def test_a_label_that_never_changes(value: int, said: str) -> None:
    outputs, label = generated(8)
    good, bad = [(outputs, label)], [(outputs, np.full_like(label, value))]
    with pytest.raises(ValueError, match=f"{said} .* units are measured"):
        followers(4, good, bad)
    with pytest.raises(ValueError, match=f"{said} .* units are found"):
        followers(4, bad, good)


def test_area() -> None:
    right = np.array([False, True, False, True])
    for scores, wanted in (([1, 2, 3, 4], 0.75), ([0, 0, 0, 0], 0.5), ([1, 4, 2, 3], 1), ([1, 0, 1, 0], 0)):
        assert area(np.array(scores, np.float32), right) == wanted


@pytest.mark.parametrize("characters", [1, SAMPLES, SAMPLES + 1, 10_000_001])
def test_a_long_page_has_few_samples(characters: int) -> None:
    at = sampled(characters)
    assert at[0] == 0 and at[-1] < characters <= at[-1] + at[-1] // max(1, len(at) - 1) + 1
    assert min(characters, SAMPLES / 2) <= len(at) <= SAMPLES and len(set(np.diff(at).tolist())) <= 1


def test_states_are_those_after_the_characters() -> None:
    """Of a page that is read in several pieces, with characters of one to four bytes."""
    reader = Reader(load_checkpoint(DEFAULT))
    assert reader.checkpoint.depth
    page = "<ul><li>té 茶 \U0001f375</li></ul><p>words</p>\n" * 400
    at = np.sort(np.random.default_rng(9).choice(len(page), 500, replace=False))
    states = states_of(reader, page, at)
    units = reader.checkpoint.weights.units
    assert states.shape == (500, units + CELLS)
    cells = trace(reader, [page], reader.checkpoint.depth.layer, sample=1).outputs  # these are read later
    behind = np.array([len(page[: k + 1].encode()) - 1 for k in at.tolist()])
    places = tag_places(page.encode())[0]
    far = np.searchsorted(places, behind, "right") == np.searchsorted(places, behind + reader.checkpoint.delay, "right")
    same = np.flatnonzero(far & np.array([page[k].isascii() for k in at.tolist()]))
    assert len(same) > 100 and np.array_equal(states[same, units:], cells[at[same]])
    short = page[: at[200] + 1]
    assert np.array_equal(states_of(reader, short, at[:201]), states[:201])  # nothing that comes later matters


def run(*arguments: object, weights: Path = DEFAULT) -> Result:
    environ = {"SOUPSTATE_WEIGHTS": str(weights)}
    return CliRunner().invoke(command, ["neurons", *map(str, arguments)], env=environ)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    save_checkpoint(tiny_checkpoint(), path)
    return path


def test_the_command_finds_measures_and_draws(tmp_path: Path) -> None:
    png = tmp_path / "link.png"
    pages = ["--find-on", BROKEN, "--pages", CLEAN]
    done = run("--label", "inside a link", *pages, "--png", png, "--over", PAGE)
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert lines[0].startswith("inside a link: ") and lines[0].endswith("on 25 held-out pages")
    assert [line.split()[1] for line in lines[1:10]] == ["0"] * 6 + ["1"] * 3
    assert abs(float(lines[1].split()[5])) > 0.7 and float(lines[1].split("R^2")[1]) > 0.5
    assert "264 units" in lines[10] and lines[11].startswith("with the 16 cells")
    with Image.open(png) as picture:
        assert picture.format == "PNG" and picture.width > 800
        assert len(picture.convert("RGB").getcolors() or []) > 20
    assert png.stat().st_size < 60_000


def test_a_long_page_and_characters_without_a_glyph_are_drawn(tiny: Path, tmp_path: Path) -> None:
    page, png = tmp_path / "long.html", tmp_path / "long.png"
    page.write_text("<p>plain $x_2$ 茶\U0001f375</p>\n" * 400 + "<a href=a>late</a>" + "<p>end</p>\n" * 200, "utf-8")
    pages = ["--find-on", CLEAN, "--find-limit", 3, "--pages", BROKEN, "--limit", 3]
    done = run("--label", "inside a link", *pages, "--png", png, "--over", page, weights=tiny)
    assert done.exit_code == 0, done.output
    assert png.read_bytes().startswith(b"\x89PNG")
    places, count = grid("ab\n" + "c" * (COLUMNS + 1) + "\n" * ROWS)
    assert places[:4].tolist() == [[0, 0], [0, 1], [0, 2], [1, 0]] and places[3 + COLUMNS].tolist() == [2, 0]
    assert places.max(0).tolist() == [ROWS - 1, COLUMNS - 1] and count == len(places) == COLUMNS + 4 + ROWS - 2


def spans(page: str, *words: str) -> dict[str, object]:
    return {"html": page, "spans": [[page.index(word), page.index(word) + len(word)] for word in words]}


def test_a_file_of_spans(tmp_path: Path) -> None:
    """A label that the teacher does not know: digits."""
    lines = [
        spans(f"<p>tea number {k} costs 4{k * 317} kr. a tin</p>" + "<b>and more</b>" * 20, f"4{k * 317}")
        for k in range(1, 12)
    ]
    archived = record(b"<p>no number here</p>" * 9)
    (tmp_path / "one.warc").write_bytes(archived)
    lines.append({"warc": "one.warc", "offset": 0, "spans": []})
    file = tmp_path / "digits.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)) + "\n\n", "utf-8")
    png = tmp_path / "digits.png"
    done = run("--label", file, "--png", png)
    assert done.exit_code == 0, done.output
    assert "on 4 held-out pages" in done.stdout and png.stat().st_size
    assert run("--label", file, "--pages", CLEAN).exit_code == 2


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'{"html": "<p>abc", "spans": [[3, 7]]}', "ends beyond the page, which has 6 characters"),
        (b'{"html": "<p>abc", "spans": [[3, 3]]}', "start below end"),
        (b'{"html": "<p>abc", "spans": [[-1, 3]]}', "start below end"),
        (b'{"html": "<p>abc", "spans": [[0, true]]}', "start below end"),
        (b'{"html": "<p>abc", "spans": [3, 4]}', "list of pairs"),
        (b'{"html": "<p>abc"}', "list of pairs"),
        (b'{"html": "<p>abc", "values": [], "spans": []}', "unknown: values"),
        (b'{"html": "<p>abc", "url": "http://[x", "spans": []}', "is no address"),
        (b'{"html": "<p>\xe9", "spans": []}', "not UTF-8 at byte 13"),
        ('{"html": "<p>é", "spans": []}'.encode("utf-16"), "not UTF-8"),
        (b'{"html": "", "spans": []}', "must be a string that is not empty"),
        (b'{"warc": "gone.warc", "offset": 0, "spans": []}', "No such file"),
        (b"[]", "not a JSON object"),
    ],
)
def test_lines_that_cannot_be_used(line: bytes, said: str, tiny: Path, tmp_path: Path) -> None:
    file = tmp_path / "bad.jsonl"
    file.write_bytes(b'{"html": "<p>abc", "spans": [[3, 6]]}\n' + line + b"\n")
    done = run("--label", file, weights=tiny)
    assert done.exit_code == 1 and "line 2" in done.stderr and said in done.stderr
    assert done.stderr.count("\n") == 1


def test_files_of_spans_that_say_too_little(tiny: Path, tmp_path: Path) -> None:
    file = tmp_path / "few.jsonl"
    file.write_text('{"html": "<p>abc", "spans": [[3, 6]]}\n' * 2)
    assert "few.jsonl has 2 pages; it needs 3 or more" in run("--label", file, weights=tiny).stderr
    file.write_text("".join(f'{{"html": "<p>page {k}", "spans": []}}\n' for k in range(9)))
    done = run("--label", file, weights=tiny)
    assert done.exit_code == 1 and "no character that was looked at has the label" in done.stderr
    gone = run("--label", tmp_path / "gone.jsonl", weights=tiny)
    assert gone.exit_code == 1 and "gone.jsonl: there is no such file" in gone.stderr


def test_wrong_use(tiny: Path, tmp_path: Path) -> None:
    pages = ["--find-on", CLEAN, "--find-limit", 1, "--pages", BROKEN, "--limit", 1]
    unknown = run("--label", "inside a lnik", *pages, weights=tiny)
    assert unknown.exit_code == 2 and all(
        name in " ".join(unknown.stderr.split()) for name in ("inside a lnik", *LABELS)
    )
    assert run("--label", "inside a link", "--pages", BROKEN, weights=tiny).exit_code == 2
    for more in (
        ["--made", 3],
        ["--out", tmp_path / "x"],
        ["--format", "json"],
        ["--png", tmp_path / "y", "--page", 2],
    ):
        assert run("--label", "inside a link", *pages, *more, weights=tiny).exit_code == 2
    assert run("--over", PAGE, "--pages", BROKEN, weights=tiny).exit_code == 2
    assert run(weights=tiny).exit_code == 2
    nowhere = run("--label", "inside a link", *pages, "--png", tmp_path / "gone" / "x.png", weights=tiny)
    assert nowhere.exit_code == 2 and "is no folder" in nowhere.stderr and not nowhere.stdout
    drawn = ["--png", tmp_path / "z.png", "--over", PAGE]
    none = run("--label", "inside a table cell", *pages, *drawn, weights=tiny)
    assert none.exit_code == 1 and "page.html has no character with the label 'inside a table cell'" in none.stderr
    assert not none.stdout and not (tmp_path / "z.png").exists()


def test_the_card_shows_every_picture() -> None:
    """Those that docs/draw_neurons.py writes, each small and with its row."""
    card = (ROOT / "docs" / "model-card.md").read_text("utf-8")
    section = card.split("<!-- neurons: begin -->")[1].split("<!-- neurons: end -->")[0]
    script = runpy.run_path(str(ROOT / "docs" / "draw_neurons.py"))
    assert set(script["LABELS"]) <= set(LABELS)
    for label, name in script["LABELS"].items():
        assert f"| {label} |" in section and f"(neurons/{name}.png)" in section
        assert 0 < (ROOT / "docs" / "neurons" / f"{name}.png").stat().st_size < 60_000
