"""`soupstate votes`: real tools label pages of a crawl file."""

import json
import lzma
from pathlib import Path

from archives import record
from click.testing import CliRunner

from soupstate.app.cli.main import soupstate
from soupstate.model.train.data.votes import votes_of

SENTENCES = [
    "The night ferry leaves the old quay at twenty to eleven and calls at both islands before dawn.",
    "Its lamps were lit for the first time in two winters, and half of the town came down to see it go.",
    "The harbour office says that bicycles travel free of charge until the end of March this year.",
    "Passengers may sleep in the saloon, where the stove burns all night and tea is sold until two.",
]
ARTICLE = "".join(f"<p>{' '.join(SENTENCES[i:] + SENTENCES[:i])}</p>" for i in range(4))
MENU = "<nav><ul>" + "".join(f"<li><a href=/{i}>Part {i}</a></li>" for i in range(8)) + "</ul></nav>"
PAGE = f"<!doctype html><html><head><title>Night ferry</title></head><body>{MENU}<article><h1>Night ferry</h1>{ARTICLE}</article><footer>All rights reserved</footer></body></html>"  # noqa: E501
SPARSE = f"<!doctype html><title>Menu</title><body>{MENU}<p>Nothing else.</p>"


def test_two_tools_agree_on_an_article() -> None:
    found = votes_of(PAGE)
    assert found is not None and len(found) == 2
    assert all(SENTENCES[0] in text and "Part 3" not in text for text in found)
    assert votes_of(SPARSE) is None and votes_of("") is None


def test_pages_of_a_crawl(tmp_path: Path) -> None:
    crawl, out = tmp_path / "crawl.warc.gz", tmp_path / "deep" / "votes.jsonl.xz"
    crawl.write_bytes(record(PAGE.encode(), 1) + record(SPARSE.encode(), 2) + record(PAGE.encode(), 3))
    done = CliRunner().invoke(soupstate, ["votes", str(crawl), "--out", str(out)])
    assert done.exit_code == 0 and "2 of 3 pages" in done.output
    with lzma.open(out, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    assert [row["site"] for row in rows] == ["site.example"] * 2 and len({row["id"] for row in rows}) == 2
    assert rows[0]["html"] == PAGE and len(rows[0]["votes"]) == 2 and "text" not in rows[0]


def test_what_is_no_crawl_is_an_error(tmp_path: Path) -> None:
    noise, out = tmp_path / "noise.warc.gz", tmp_path / "votes.jsonl.xz"
    noise.write_bytes(b"no archive")
    done = CliRunner().invoke(soupstate, ["votes", str(noise), "--out", str(out)])
    assert done.exit_code == 1 and "noise.warc.gz" in done.output and not out.exists()
    wrong = CliRunner().invoke(soupstate, ["votes", str(noise), "--out", str(tmp_path / "votes.txt")])
    assert wrong.exit_code == 2 and ".jsonl.xz" in wrong.output
