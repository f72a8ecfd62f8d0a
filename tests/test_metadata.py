"""Metadata: what pages declare in each way, what the shipped heads find, and every way in. Pages are written here."""

import json
import lzma
from pathlib import Path

import httpx
import pytest
from archives import record
from click.testing import CliRunner
from conftest import served

import soupstate
from soupstate.app.cli.main import soupstate as command
from soupstate.app.http.schemas import ExtractAnswer
from soupstate.app.metadata_bench import DECLARED
from soupstate.model.heads.visible import amount_of, file_of
from soupstate.model.net.checkpoint import DEFAULT, extractor, load_checkpoint
from soupstate.model.net.head_file import LARGEST_FILE, load_head
from soupstate.model.net.page_metadata import HEADS, MetadataValue
from soupstate.model.page.dates import DATE, day_of
from soupstate.model.page.declared import FIELDS, declared
from soupstate.model.page.skim import skim
from soupstate.model.page.spans import spans_of_marks
from soupstate.model.page.stop import Watch
from soupstate.model.train.data.teacher import teach

TEXT = " ".join(["The night ferry calls at both islands and returns before the morning tide."] * 4)
ARTICLE = f"""<!doctype html><html lang=en><head><title>Night ferry returns - Quay News</title>%s</head><body>
<nav><a href="/">Home</a> <a href="/news">News</a></nav><h1>Night ferry returns</h1>
<p class="byline">By <a href="/staff/ida">Ida Holm</a></p><p class="date">May 3, 2024</p>
<p>{TEXT}</p><p>{TEXT}</p></body></html>"""
JSON_LD = """<script type="application/ld+json">{"@context": "https://schema.org", "@graph": [
{"@type": "NewsArticle", "author": [{"@type": "Person", "name": "Per  Lund"}, {"name": "Ann Moss"}],
 "datePublished": "2024-05-04T10:00:00+02:00", "image": {"url": "/ferry.jpg"}, "publisher": {"name": "Quay"}},
{"@type": "BreadcrumbList", "itemListElement": [{"name": "Home"}, {"item": {"name": "News"}}]},
{"@type": "Product", "offers": [{"@type": "Offer", "price": 12.5}]}]}</script>"""
META = """<meta name="author" content="Eva &amp; Co"><meta property="og:image" content="https://cdn.example/f.jpg">
<meta property="og:site_name" content="Quay News"><meta name="description" content=" On  ferries ">
<meta property="article:published_time" content="2024-05-05">"""


def metadata(page: str, url: str | None = "https://example.org/a/b") -> dict[str, list[MetadataValue]]:
    return soupstate.extract(page, url, metadata=True).metadata


def values(page: str) -> dict[str, list[str]]:
    """What a page declares, by the teacher's spans."""
    skimmed = skim(page)
    found = declared(skimmed, spans_of_marks(skimmed.text, teach(skimmed.text)), Watch())
    return {field: list(each.values) for field, each in found.items()}


def test_json_ld() -> None:
    found = metadata(ARTICLE % JSON_LD)
    assert set(found) == set(FIELDS)
    assert found["author"] == [MetadataValue(name, "json-ld", None) for name in ("Per Lund", "Ann Moss")]
    assert found["date"] == [MetadataValue("2024-05-04T10:00:00+02:00", "json-ld", None)]
    assert found["image"] == [MetadataValue("https://example.org/ferry.jpg", "json-ld", None)]
    assert [each.value for each in found["breadcrumbs"]] == ["Home", "News"]
    assert [each.value for each in found["price"]] == ["12.5"]
    assert [each.value for each in found["site_name"]] == ["Quay"]


def test_meta() -> None:
    found = metadata(ARTICLE % META)
    assert found["author"] == [MetadataValue("Eva & Co", "meta", None)]
    assert found["date"] == [MetadataValue("2024-05-05", "meta", None)]
    assert found["image"] == [MetadataValue("https://cdn.example/f.jpg", "meta", None)]
    assert found["description"] == [MetadataValue("On ferries", "meta", None)]


def test_a_long_value_is_whole() -> None:
    text = "Of ferries and tides. " * 40
    assert values(ARTICLE % f'<meta property="og:description" content="{text}">')["description"] == [text.strip()]


def linked(text: str) -> str:
    return f'<script type="application/ld+json">{text}</script>'


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ('<meta name=author content="https://example.org/ida">', None),
        ('<meta name=author content="">', None),
        ('<meta name="dc.creator" content="Ann"><meta name=author content="Ida">', ["Ida"]),
        (linked('{"@type": "Article", "author": "Ida Holm",}'), None),
        (linked('[{"@type": ["Article"], "author": "Ida Holm"}]'), ["Ida Holm"]),
        (linked('{"@type": "Person", "author": "Ida Holm"}'), None),
        (linked('"text"'), None),
        (linked(""), None),
        ("<script>var author</script>", None),
    ],
)
def test_what_counts_as_declared(head: str, expected: list[str] | None) -> None:
    assert values(ARTICLE % head).get("author") == expected


def test_microdata_and_time() -> None:
    page = """<html><body><div itemscope><h1>Tea</h1>
<p itemprop="author" itemscope><span itemprop="name">Ida Holm</span></p><meta itemprop="price" content="9.50">
<time itemprop="datePublished" datetime="2024-05-03">May</time></div></body></html>"""
    assert values(page) == {"author": ["Ida Holm"], "date": ["2024-05-03"], "price": ["9.50"]}
    assert values("<p><time pubdate datetime='2024-05-03'>May</time>")["date"] == ["2024-05-03"]
    one, other = "<time datetime='2024-05-03'>May</time>", "<time class='entry-date' datetime='2024-05-04'>May</time>"
    assert values(f"<p>{one} {one}")["date"] == ["2024-05-03"]
    assert values(f"<p>{one} {other} {one}")["date"] == ["2024-05-04"]
    assert "date" not in values(f"<p>{one} {other.replace('entry-date', 'x')}")  # of which, nobody says
    assert values('<p><a rel="nofollow author" href="/ida">Ida <b>Holm</b></a> <a rel=author>Per</a>') == {
        "author": ["Ida Holm"]
    }


def test_deep_and_wide_json_ld_ends() -> None:
    deep = '{"@graph":' * 500 + "1" + "}" * 500
    wide = json.dumps([{"@type": "Article", "author": f"Ann {k}"} for k in range(30_000)])
    for body in (deep, wide):
        values(f'<script type="application/ld+json">{body}</script><p>Tea')


def test_heads_ship_and_fit_the_shipped_network() -> None:
    digest = load_checkpoint(extractor()).states_digest
    shipped = sorted(HEADS.glob("*.safetensors"))
    assert {path.stem for path in shipped} == {"author", "date", "image"}
    for path in shipped:
        assert path.stat().st_size < LARGEST_FILE
        head = load_head(path)
        assert head.states == digest and head.name == path.stem and not any("meta" in place for place in head.places)


def test_a_page_that_declares_nothing() -> None:
    found = metadata(ARTICLE % "")
    assert found["author"] == [MetadataValue("Ida Holm", "page", found["author"][0].probability)]
    assert found["date"] == [MetadataValue("2024-05-03", "page", found["date"][0].probability)]
    assert all(0.3 <= (found[field][0].probability or 0) <= 1 for field in ("author", "date"))
    assert found["price"] == []
    nothing = metadata("<p>Tea and milk.</p>")
    assert nothing == dict.fromkeys(FIELDS, [])
    assert metadata("") == nothing


def test_another_network_answers_what_is_declared(weights: Path) -> None:
    page = soupstate.Soupstate(weights).extract(ARTICLE % META, metadata=True)
    assert set(page.metadata) == set(FIELDS)


def test_metadata_is_answered_only_where_it_is_asked_for(tmp_path: Path) -> None:
    assert soupstate.extract(ARTICLE % META).metadata == {}
    together = soupstate.Soupstate().extract_many([ARTICLE % META, "<p>x"], metadata=True)
    assert together[0].metadata["author"][0].value == "Eva & Co"
    page = tmp_path / "page.html"
    page.write_text(ARTICLE % META, "utf-8")
    done = CliRunner().invoke(command, ["extract", "--weights", str(DEFAULT), "--include", "metadata", str(page)])
    answer = json.loads(done.stdout)
    assert answer["metadata"]["author"] == [{"value": "Eva & Co", "source": "meta", "probability": None}]
    assert "fields" not in answer and "links" not in answer


def test_the_service_answers_metadata() -> None:
    page = ARTICLE % META
    with served("--weights", str(DEFAULT)) as (url, _), httpx.Client(base_url=url, timeout=20) as client:
        answer = client.post("/extract", json={"html": page, "include": ["metadata"]}).json()
        ExtractAnswer.model_validate(answer)
        assert answer["metadata"]["date"] == [{"value": "2024-05-05", "source": "meta", "probability": None}]
        line = json.loads(client.post("/warc?include=metadata", content=record(page.encode())).text)
        assert line["metadata"] == answer["metadata"]


def test_heads_are_fitted_to_what_pages_declare_and_show(tmp_path: Path) -> None:
    """Pages of two templates that declare their author and date, and a shop's page that has neither."""
    names = "Ida Holm;Per Lund;Ann Moss;Kaj Berg;Eva Dahl;Bo Lind;Ulla Kraft;Jan Vik".split(";")
    pages = []
    for number in range(26):
        name, month, day = names[number % 8], ("May", "June", "July")[number % 3], 1 + number
        said = {"@type": "Article", "author": name, "datePublished": f"2024-{5 + number % 3:02}-{day:02}"}
        shown = (
            f"<p class=by>By {name}</p><p>{month} {day}, 2024" if number % 2 else f"<i>{month} {day}, 2024 - {name}</i>"
        )
        head = f"<html lang=en><head>{linked(json.dumps(said))}</head><body><h1>Ferry {number}</h1>"
        pages.append(record(f"{head}{shown}<p>{TEXT[: 200 + number]} {names[number % 5]} agreed.</p>".encode(), number))
    shop = linked('{"@type": "Product", "offers": {"@type": "Offer", "price": "9.50"}}')
    pages.append(record(f"<html><head>{shop}</head><body><h1>Tea</h1><p>$9.50</p><p>{TEXT}</p>".encode(), 99))
    (tmp_path / "pages.warc.gz").write_bytes(b"".join(pages))
    options = ["--out", str(tmp_path / "heads"), "--per-site", "30", "--weights", str(DEFAULT)]
    done = CliRunner().invoke(command, ["head", "metadata", str(tmp_path / "pages.warc.gz"), *options])
    assert done.exit_code == 0, done.output
    assert {path.stem for path in (tmp_path / "heads").iterdir()} == {"author", "date"}
    assert "price is shown on fewer than 20 pages" in done.stderr
    assert load_head(tmp_path / "heads" / "author.safetensors").figures["f1"] > 0.8
    (tmp_path / "sites.txt").write_text("site.example\n", "utf-8")
    options += ["--leave-out", str(tmp_path / "sites.txt")]
    done = CliRunner().invoke(command, ["head", "metadata", str(tmp_path / "pages.warc.gz"), *options])
    assert (done.exit_code, done.stdout) == (0, "")


@pytest.mark.parametrize(
    ("text", "language", "day"),
    [
        ("2024-05-03T10:00:00+02:00", None, "2024-05-03"),
        ("20240503", None, "2024-05-03"),
        ("2024-13-03", None, None),
        ("3. Mai 2024", "de", "2024-05-03"),
        ("03/05/2024", "en", "2024-03-05"),
        ("03/05/2024", "fr-CA", "2024-05-03"),
        ("2024年5月3日", "zh", "2024-05-03"),
        ("May 2024", "en", None),
        ("Tuesday", "en", None),
        ("12", "en", None),
        ("May 3, 2024", "x-unknown", "2024-05-03"),
        ("3" * 5000, None, None),
    ],
)
def test_days(text: str, language: str | None, day: str | None) -> None:
    found = day_of(text, language)
    assert (found.isoformat() if found else None) == day


def test_dates_and_amounts_in_text() -> None:
    text = "On 3 May 2024, May 4th, 2024, 2024-05-05, 6.5.2024, 7 de mayo de 2024 and 2024年5月8日; not 12 or 2024"
    assert DATE.findall(text) == [
        "3 May 2024", "May 4th, 2024", "2024-05-05", "6.5.2024", "7 de mayo de 2024", "2024年5月8日",
    ]  # fmt: skip
    amounts = {"$1,299.00": 1299.0, "1.299,50 \u20ac": 1299.5, "12.5": 12.5, "1\u00a0299 kr": 1299.0, "free": None}
    assert {text: amount_of(text) for text in amounts} == amounts
    assert file_of("/a/tea%20cup.jpg?w=1#x") == "tea cup.jpg" and file_of("http://[") == ""


def test_bench_of_labelled_pages(tmp_path: Path) -> None:
    rows = [
        {"dataset": "d", "id": "1", "html": ARTICLE % META, "extra": {"author": "Eva & Co", "date": "2024-05-05"}},
        {"dataset": "d", "id": "2", "html": "<p>Tea and milk.</p>", "extra": {"author": "", "date": None}},
        {"dataset": "e", "id": "3", "html": ARTICLE % "", "extra": {}},
    ]
    labels = [{"dataset": "e", "id": "3", "url": "", "title": "", "author": "Ida Holm", "date": ""}]
    for name, some in (("pages", rows), ("labels", labels)):
        with lzma.open(tmp_path / f"{name}.jsonl.xz", "wt", encoding="utf-8") as file:
            file.write("\n".join(map(json.dumps, some)))
    files = [str(tmp_path / f"{name}.jsonl.xz") for name in ("pages", "labels")]
    done = CliRunner().invoke(command, ["bench", "metadata", *files])
    assert done.exit_code == 0, done.output
    assert "| soupstate | as it is | author | 2 | 1.000 | 1 | 0.000 |" in done.stdout
    assert "| soupstate | as it is | date | 1 | 1.000 | 1 | 0.000 |" in done.stdout
    stripped = DECLARED.sub("", ARTICLE % (META + JSON_LD))
    assert "meta" not in stripped and "ld+json" not in stripped and "Ida Holm" in stripped
