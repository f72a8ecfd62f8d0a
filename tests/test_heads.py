"""Heads: fitted by the command to pages of a made-up shop, and used by every way in. The network is the shipped one."""

import html
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import shop
from archives import record, rows, started
from click.testing import CliRunner, Result
from conftest import served, tiny_checkpoint

import soupstate
from soupstate.app.cli.main import soupstate as command
from soupstate.app.field_examples import NAMES
from soupstate.app.http.schemas import ExtractAnswer
from soupstate.model.net.checkpoint import DEFAULT, extractor, load_checkpoint, save_checkpoint
from soupstate.model.net.head_file import LARGEST_FILE, load_head
from soupstate.model.net.reader import Reader

UNSEEN = range(100, 130)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(
        command, [str(argument) for argument in arguments], env={"SOUPSTATE_WEIGHTS": str(DEFAULT)}
    )


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("shop") / "price.jsonl"
    path.write_text("\n".join(shop.lines()) + "\n", "utf-8")
    return path


@pytest.fixture(scope="module")
def fitted(examples: Path) -> tuple[Path, Result]:
    path = examples.with_name("price.head.safetensors")
    return path, run("head", "fit", examples, "--name", "price", "--out", path)


@pytest.fixture(scope="module")
def price(fitted: tuple[Path, Result]) -> Path:
    return fitted[0]


def test_fit_prints_what_it_measured_and_writes_a_small_file(fitted: tuple[Path, Result]) -> None:
    path, done = fitted
    assert (done.exit_code, done.stderr) == (0, "")
    figures = [float(cell) for cell in done.stdout.splitlines()[-1].strip("| ").split(" | ")]
    pages, exact, _, right, wanted, f1, empty, invented = figures
    assert (pages, wanted, empty) == (30, 27, 3)
    assert exact >= 0.9 and right >= 25 and f1 >= 0.9 and invented <= 1
    assert path.stat().st_size < LARGEST_FILE
    head = load_head(path)
    assert (head.name, head.many, head.figures["wanted"]) == ("price", False, 27)
    assert head.states == load_checkpoint(extractor()).states_digest


def test_it_finds_values_on_pages_that_it_was_not_fitted_to(price: Path) -> None:
    right = 0
    for number in UNSEEN:
        page, values = shop.page_of(number)
        found = soupstate.extract(page, heads=[price]).fields["price"]
        right += [each.value for each in found] == values
        for each in found:
            assert html.unescape(page[each.start : each.end]) == each.value
            assert 0.5 <= each.probability <= 1
    assert right >= 0.9 * len(UNSEEN)


def test_many_pages_at_once_and_no_heads(price: Path) -> None:
    pages = [shop.page_of(number)[0] for number in (101, 109, 112)]
    soup = soupstate.Soupstate()
    together = soup.extract_many(pages, heads=[str(price)])
    assert [page.fields for page in together] == [soup.extract(page, heads=[price]).fields for page in pages]
    assert together[1].fields == {"price": []}  # sold out
    assert soup.extract(pages[0]).fields == {}
    assert soup.extract(pages[0]).text == together[0].text
    with pytest.raises(TypeError, match="list of files"):
        soup.extract(pages[0], heads=str(price))


def test_extract_shows_fields(price: Path, tmp_path: Path) -> None:
    page = tmp_path / "shop.html"
    page.write_text(shop.page_of(103)[0], "utf-8")
    done = run("extract", "--head", price, "--include", "text", page)
    assert done.exit_code == 0, done.stderr
    answer = json.loads(done.stdout)
    found = soupstate.extract(page.read_text("utf-8"), heads=[price]).fields["price"][0]
    expected = {"value": found.value, "start": found.start, "end": found.end, "probability": found.probability}
    assert answer["fields"] == {"price": [expected]}
    assert "fields" not in json.loads(run("extract", page).stdout)


def test_wrong_use_of_head(price: Path, tmp_path: Path, examples: Path) -> None:
    page = tmp_path / "shop.html"
    page.write_text(shop.page_of(1)[0], "utf-8")
    twice = run("extract", "--head", price, "--head", price, page)
    assert twice.exit_code == 1 and "two heads have the name 'price'" in twice.stderr
    text = run("extract", "--head", price, "--format", "text", page)
    assert text.exit_code == 2 and "--head has no effect with --format text" in text.stderr
    gone = run("extract", "--head", tmp_path / "gone", page)
    assert gone.exit_code == 1 and f"no head at {tmp_path / 'gone'}" in gone.stderr
    other = run("extract", "--head", extractor(), page)
    assert other.exit_code == 1 and "so it is no file of a head" in other.stderr
    name = run("head", "fit", examples, "--name", "Price!", "--out", tmp_path / "x")
    assert name.exit_code == 2 and "'Price!' is no name for a field" in name.stderr
    folder = run("head", "fit", examples, "--name", "price", "--out", tmp_path / "no" / "x")
    assert folder.exit_code == 2 and "is no folder" in folder.stderr
    kept = examples.read_bytes()
    same = run("head", "fit", examples, "--name", "price", "--out", examples)
    assert same.exit_code == 2 and "is the file of the examples" in same.stderr and examples.read_bytes() == kept


def test_another_network_refuses_it(price: Path, weights: Path) -> None:
    with pytest.raises(ValueError, match="the head 'price' was fitted to the states of another network"):
        soupstate.Soupstate(weights).extract("<p>Tea", heads=[price])


def test_a_network_with_other_marks_takes_it(price: Path, tmp_path: Path) -> None:
    """What a later fit of marks and rankings changes is not part of the digest; the recurrence is."""
    checkpoint = load_checkpoint(extractor())
    parameters = {name: array.copy() for name, array in checkpoint.parameters.items()}
    parameters["heads.bias"][0] += 0.5
    parameters["output.bias"][0] += 0.5
    same = tiny_checkpoint().__class__(**{**vars_of(checkpoint), "parameters": parameters})
    save_checkpoint(same, tmp_path / "same.safetensors")
    Reader(load_checkpoint(tmp_path / "same.safetensors")).with_heads([load_head(price)])
    parameters["lstm.bias_ih_l0"][0] += 0.5
    with pytest.raises(ValueError, match="another network"):
        Reader(same).with_heads([load_head(price)])


def vars_of(checkpoint: object) -> dict[str, object]:
    """The fields of a checkpoint, without what it has computed."""
    names = "name version delay parameters changes depth ranking blocks training evaluation backward_file".split()
    return {name: getattr(checkpoint, name) for name in names}


@pytest.fixture(scope="module")
def service(price: Path) -> Iterator[httpx.Client]:
    with served("--head", str(price)) as (url, _), httpx.Client(base_url=url, timeout=20) as client:
        yield client


def test_the_service_answers_fields(service: httpx.Client, price: Path) -> None:
    page, values = shop.page_of(105)
    answer = service.post("/extract", json={"html": page, "include": ["links"]}).json()
    ExtractAnswer.model_validate(answer)
    assert [each["value"] for each in answer["fields"]["price"]] == values
    lines = f"{json.dumps({'html': page})}\n" * 2
    answers = service.post("/extract", content=lines, headers={"Content-Type": "application/x-ndjson"}).text
    assert [json.loads(line)["fields"] for line in answers.splitlines()] == [answer["fields"]] * 2
    archive = record(page.encode(), 1)
    assert json.loads(service.post("/warc", content=archive).text)["fields"] == answer["fields"]
    markdown = service.post("/extract", json={"html": page}, headers={"Accept": "text/markdown"}).text
    assert markdown.startswith("[Quay Tea](/)")
    assert "fields" in service.get("/openapi.json").json()["components"]["schemas"]["ExtractAnswer"]["properties"]


def test_the_service_refuses_heads_that_cannot_be_used(price: Path, weights: Path) -> None:
    twice = run("serve", "--port", 0, "--head", price, "--head", price)
    assert twice.exit_code == 1 and "two heads have the name 'price'" in twice.stderr
    other = run("serve", "--port", 0, "--head", price, "--weights", weights)
    assert other.exit_code == 1 and "another network" in other.stderr


def test_rows_of_an_archive(price: Path, tmp_path: Path, weights: Path) -> None:
    archive = [record(shop.page_of(number)[0].encode(), number) for number in range(100, 104)]
    (tmp_path / "shop.warc.gz").write_bytes(b"".join(archive))

    def job(*options: str) -> tuple[int, str]:
        running = started("warc", "shop.warc.gz", "--workers", "1", *options, folder=tmp_path)
        errors = running.communicate(timeout=60)[1].decode()
        return running.returncode, errors

    assert job("--out", "out", "--head", str(price)) == (0, "")
    found = [row["fields"] for row in rows(tmp_path / "out")]
    assert [[each["value"] for each in fields] for fields in found] == [shop.page_of(n)[1] for n in range(100, 104)]
    assert {each["name"] for fields in found for each in fields} == {"price"}
    status, errors = job("--out", "out")
    assert status == 1 and "heads was" in errors  # rows without heads are other rows
    status, errors = job("--out", "new", "--head", str(price), "--weights", str(weights))
    assert status == 1 and "another network" in errors


def test_fit_from_an_archive(tmp_path: Path, price: Path) -> None:
    data, lines = b"", []
    for number in range(24):
        page, values = shop.page_of(number)
        lines.append(json.dumps({"warc": "shop.warc.gz", "offset": len(data), "values": values}))
        data += record(page.encode(), number)
    (tmp_path / "shop.warc.gz").write_bytes(data)
    (tmp_path / "price.jsonl").write_text("\n".join(lines), "utf-8")
    done = run("head", "fit", tmp_path / "price.jsonl", "--name", "price", "--out", tmp_path / "head")
    assert done.exit_code == 0 and "| 24 |" in done.stdout, done.output


def test_a_field_that_has_several_values(tmp_path: Path) -> None:
    """The other teas of a page: each page has three."""

    def line(number: int) -> str:
        page, _ = shop.page_of(number)
        names = [part.split(">")[1].split("<")[0] for part in page.split("<li>")[1:]]
        return json.dumps({"html": page, "values": names})

    (tmp_path / "also.jsonl").write_text("\n".join(map(line, range(30))), "utf-8")
    done = run("head", "fit", tmp_path / "also.jsonl", "--name", "also", "--out", tmp_path / "also.head")
    assert done.exit_code == 0, done.output
    page = shop.page_of(111)[0]
    found = soupstate.extract(page, heads=[tmp_path / "also.head"]).fields["also"]
    names = [part.split(">")[1].split("<")[0] for part in page.split("<li>")[1:]]
    assert [each.value for each in found] == list(dict.fromkeys(names))


def test_the_recipe_in_the_docs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its lines are examples, but for the pages, and its commands run."""
    recipe = (Path(__file__).parents[1] / "docs" / "heads.md").read_text("utf-8")
    monkeypatch.chdir(tmp_path)
    shown = [json.loads(line) for line in recipe.splitlines() if line.strip().startswith('{"')]
    assert [set(line) - NAMES for line in shown] == [set(), set()] and shown[0]["values"][0] in shown[0]["html"]
    Path("price.jsonl").write_text("\n".join([*shop.lines(), json.dumps(shown[0])]), "utf-8")
    Path("shop.html").write_text(shop.page_of(103)[0], "utf-8")
    commands = [line.split()[1:] for line in recipe.splitlines() if line.strip().startswith("soupstate ")]
    done = run(*commands[0])
    assert commands[0][:2] == ["head", "fit"] and done.exit_code == 0, done.output
    done = run(*commands[1])
    assert commands[1][0] == "extract" and done.exit_code == 0, done.output
    assert [each["value"] for each in json.loads(done.stdout)["fields"]["price"]] == shop.page_of(103)[1]


GOOD = [json.loads(line) for line in shop.lines(22)]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ({"html": "<p>Tea", "values": ["$9.99"]}, "'$9.99' is not in the page"),
        ({"html": "<p>Tea", "values": ["$9.99" * 9]}, "a value of 45 characters is longer than the page, which has 6"),
        ({"html": "<p>Tea $1299", "values": ["$12"]}, "'$12' is not in the page"),
        (GOOD[0] | {"values": ["$4.80"]}, "the page of line 1 again, with other values"),
        ({"html": "<p>Tea", "values": "$3"}, "values must be a list"),
        ({"html": "<p>Tea", "values": [" "]}, "strings that are not empty"),
        ({"html": "<p>Tea", "price": ["$3"]}, "unknown: price; known: html"),
        ({"values": ["$3"]}, "either html or warc"),
        ({"html": " ", "values": []}, "html must be a string that is not empty"),
        ({"warc": "gone.warc", "offset": 0, "values": []}, "gone.warc: No such file"),
        ({"warc": "gone.warc", "offset": -1, "values": []}, "offset a whole number"),
        ({"html": "<p>Tea", "url": "http://[x", "values": []}, "'http://[x' is no address"),
        ([1], "not a JSON object"),
    ],
)
def test_a_bad_line_is_named_and_nothing_is_written(line: object, says: str, tmp_path: Path) -> None:
    file, out = tmp_path / "price.jsonl", tmp_path / "head"
    out.write_bytes(b"before")
    file.write_text("\n".join(map(json.dumps, [*GOOD, line])), "utf-8")
    done = run("head", "fit", file, "--name", "price", "--out", out)
    assert done.exit_code == 1
    assert f"{file}, line 23: " in done.stderr and says in done.stderr
    assert out.read_bytes() == b"before"


def test_files_that_are_no_examples(tmp_path: Path) -> None:
    file = tmp_path / "price.jsonl"
    lines = "\n".join(map(json.dumps, GOOD))

    def says(data: bytes) -> str:
        file.write_bytes(data)
        done = run("head", "fit", file, "--name", "price", "--out", tmp_path / "head")
        assert done.exit_code == 1 and not (tmp_path / "head").exists()
        return done.stderr

    assert "line 1: not UTF-8 at byte 0; write the file in UTF-8" in says(lines.encode("utf-16"))
    assert "line 23: not JSON: " in says(f"{lines}\n{{".encode())
    assert "line 23: not UTF-8 at byte " in says(f'{lines}\n{{"html": "é'.encode("latin-1"))
    few = "\n".join(map(json.dumps, GOOD[:3])).encode()
    assert "a head that has seen values on 3 pages knows too little; it needs 20 or more" in says(few)
    assert "values on 0 pages knows too little" in says(b"")


def test_a_page_without_text_is_an_example_too(tmp_path: Path) -> None:
    path = tmp_path / "price.jsonl"
    bare = json.dumps({"html": "<img src=/boat.png>", "url": "https://bare.example/", "values": []})
    path.write_text("\n".join([*shop.lines(), bare]) + "\n", "utf-8")
    done = run("head", "fit", path, "--name", "price", "--out", tmp_path / "price.head.safetensors")
    assert done.exit_code == 0 and done.stdout.splitlines()[-1].startswith("| 31 |"), done.output


def test_the_same_line_twice_counts_once(tmp_path: Path) -> None:
    file = tmp_path / "price.jsonl"
    file.write_text("\n".join(map(json.dumps, [*GOOD, GOOD[0]])) + "\n\n", "utf-8")
    done = run("head", "fit", file, "--name", "price", "--out", tmp_path / "head")
    assert done.exit_code == 0 and "| 22 |" in done.stdout


def test_a_head_that_cannot_learn_says_so(tmp_path: Path) -> None:
    """The values are words of the text, another one on each page, in no place of their own."""
    words = (
        "tide lamp rope bell gull storm quay wind fog sand mast keel buoy oar net crab reef dune cove tern salt".split()
    )
    body = " ".join(f"<p>{a} {b}" for a, b in zip(words, reversed(words), strict=True))
    lines = [{"html": f"{body}<p>{k}", "values": [word]} for k, word in enumerate(words)]
    (tmp_path / "x.jsonl").write_text("\n".join(map(json.dumps, lines)), "utf-8")
    done = run("head", "fit", tmp_path / "x.jsonl", "--name", "x", "--out", tmp_path / "head")
    assert done.exit_code == 0 and "x knows too little: F1 of values is below 0.5" in done.stderr
