"""One file's task: its rows, its formats, and files that were made to do harm."""

import gzip
import io
import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import orjson
import pyarrow.parquet as pq
import pytest
import zstandard
from archives import archive, hostile, page, record, rows
from warcio.archiveiterator import ArchiveIterator

from soupstate.app.answers import EXTRACT_PARTS, Asked, extract, model_of
from soupstate.app.batch import task
from soupstate.app.batch.folder import Folder
from soupstate.app.batch.job import Attempt, Counts, Job
from soupstate.app.batch.names import source_name
from soupstate.app.batch.task import Task
from soupstate.app.batch.writers.parquet import LONG, SCHEMA
from soupstate.app.pages import Read, fill_row, mark_pages
from soupstate.app.rows import row_of
from soupstate.model.archive.records import NotAnArchive, read_html, read_records
from soupstate.model.net.checkpoint import DEFAULT, digest, load_checkpoint
from soupstate.model.net.reader import Reader
from soupstate.model.page.skim import Skimmed, skim

SAMPLES = Path(__file__).parents[1] / "crawl_samples" / "samples-broken.warc.gz"


@pytest.fixture(scope="module")
def reader() -> Reader:
    """The shipped network: what it says of small pages is something."""
    return Reader(load_checkpoint())


def run(reader: Reader, source: Path, out: Path, attempt: Attempt | None = None, **options: object) -> Counts:
    job = Job(str(out), **options)  # type: ignore[arg-type]
    Folder(job.out).prepare()
    return Task(job, reader, attempt or Attempt(str(source)), [0, 0, 0, 0]).run()


def test_long_texts_get_no_dictionary(reader: Reader, tmp_path: Path) -> None:
    run(reader, archive(tmp_path / "a.warc.gz", range(3)), tmp_path / "out")
    group = pq.ParquetFile(tmp_path / "out" / "a.warc.gz.parquet").metadata.row_group(0)
    chunks = {group.column(i).path_in_schema: group.column(i) for i in range(group.num_columns)}
    assert {name for name in (*LONG, "url", "status") if chunks[name].has_dictionary_page} == {"url", "status"}


def test_rows_are_what_the_service_answers(reader: Reader, tmp_path: Path) -> None:
    pages = [page(n) for n in range(3)]
    source = archive(tmp_path / "a.warc.gz", range(3))
    counts = run(reader, source, tmp_path / "out")
    found = list(rows(tmp_path / "out"))
    assert pq.read_schema(tmp_path / "out" / "a.warc.gz.parquet").equals(SCHEMA)
    offset = 0
    for number, (row, html) in enumerate(zip(found, pages, strict=True)):
        answer = extract(reader, Asked(html, f"https://site.example/{number}", frozenset(EXTRACT_PARTS)))
        for part in ("title", "text", "markdown", "characters"):
            assert row[part] == getattr(answer, part), part
        names = ("href", "url", "text", "rel")
        assert row["links"] == [{k: getattr(link, k) for k in names} for link in answer.links or ()]
        assert row["bits_per_character"] == pytest.approx(answer.bits_per_character)
        assert f"Number {number}" in str(row["text"]) and row["links"]
        name, version = reader.checkpoint.name, reader.checkpoint.version
        main = extract(reader, Asked(html, None, frozenset(["text"]), "main"))
        assert row["main_text"] == main.text
        assert (row["offset"], row["warc_file"], row["declared_language"]) == (offset, "a.warc.gz", "en-gb")
        assert (row["charset"], row["charset_source"], row["http_status"]) == ("utf-8", "header", 200)
        assert (row["model_name"], row["model_version"], row["status"]) == (name, version, "ok")
        offset += len(record(html.encode(), number))
    assert counts.rows == {"ok": 3} and counts.characters == sum(map(len, pages))
    assert counts.bytes == source.stat().st_size
    assert set(counts.seconds) == {"records", "network", "rendering", "writing"}
    (marker,) = (tmp_path / "out" / "_done").iterdir()
    made_with = {
        "soupstate": metadata.version("soupstate"),
        "model": f"{reader.checkpoint.name} {reader.checkpoint.version}",
        "weights": digest(DEFAULT),
        "heads": "",
        "max_page_bytes": 2_000_000,
        "page_seconds": 60.0,
    }
    noted = {"source": str(source), "made_with": made_with}
    assert orjson.loads(marker.read_bytes()) == noted | counts.as_dict()


def test_what_is_left_out_has_its_reason(reader: Reader, tmp_path: Path) -> None:
    source = tmp_path / "a.warc.gz"
    parts = [
        record(b"{}", 0, "application/json"),
        record(b"<p>" + b"x" * 5000, 1),
        record(b"<p>\x00\x01\x02" * 9, 2),
        record(b"  ", 3),
        record(page(4).encode(), 4),
        record(page(5).encode(), 5),
        record(page(6).encode(), 6)[:-30],
    ]
    source.write_bytes(b"".join(parts))
    attempt = Attempt(str(source), leave_out=frozenset([4]))
    counts = run(reader, source, tmp_path / "out", attempt, max_page_bytes=2000)
    statuses = ["not HTML", "too large", "binary", "empty", "ended its reader", "ok", "truncated record"]
    assert [row["status"] for row in rows(tmp_path / "out")] == statuses
    assert counts.rows == dict.fromkeys(statuses, 1) and counts.skipped == {"truncated gzip": 1}


def test_a_page_that_takes_too_long(reader: Reader, tmp_path: Path) -> None:
    counts = run(reader, archive(tmp_path / "a.warc.gz", range(2)), tmp_path / "out", page_seconds=1e-9)
    assert counts.rows == {"timed out": 2}


def test_reading_stops_where_a_record_ends_the_reader(reader: Reader, tmp_path: Path) -> None:
    source = archive(tmp_path / "a.warc.gz", range(3))
    counts = run(reader, source, tmp_path / "out", Attempt(str(source), until=1))
    assert counts.rows == {"ok": 1} and counts.skipped == {"rest of a file whose reader ended": 1}


def test_pages_read_together_make_the_same_rows(
    reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(reader, SAMPLES, tmp_path / "many")
    monkeypatch.setattr(task, "MOST_PAGES", 1)
    run(reader, SAMPLES, tmp_path / "one")
    one, many = (tmp_path / name / f"{SAMPLES.name}.parquet" for name in ("one", "many"))
    assert one.read_bytes() == many.read_bytes()


def test_a_page_that_fails_costs_itself_only(reader: Reader) -> None:
    readings = mark_pages(reader, [skim(p) for p in (page(1), "half a pair: \ud800", page(2))], 60.0)
    assert [m if isinstance(m, str) else m.page for m in (reading.marking for reading in readings)] == [
        page(1), "failed (UnicodeEncodeError)", page(2)
    ]  # fmt: skip


@pytest.mark.timed
def test_pages_read_together_share_their_time_by_their_length(reader: Reader) -> None:
    pages = [skim(page(n, words)) for n, words in enumerate((400, 40_000, 400))]
    start = time.process_time()
    small, large, other = mark_pages(reader, pages, 60.0)
    spent = time.process_time() - start
    assert not any(isinstance(read.marking, str) for read in (small, large, other))
    assert 0.9 * spent <= small.seconds + large.seconds + other.seconds <= spent
    assert large.seconds > 2 * (small.seconds + other.seconds) > 0  # they share the first pieces evenly
    limit = large.seconds / 4  # the long page has had its time when the others are done long since
    small, large, other = mark_pages(reader, pages, limit)
    assert large.marking == "timed out"
    assert not isinstance(small.marking, str) and not isinstance(other.marking, str)


def test_the_time_of_a_page_covers_reading_and_rendering(reader: Reader, tmp_path: Path) -> None:
    (found,) = read_records(archive(tmp_path / "a.warc.gz", range(1)))
    assert found.page
    skimmed, beats = skim(found.page.text), [0]

    def beat() -> None:
        beats[0] += 1

    (read,) = mark_pages(reader, [skimmed], 60.0)
    row = row_of(found, "a.warc.gz", model_of(reader))
    assert fill_row(row, skimmed, read, 60.0, beat) and row.status == "ok" and beats[0] >= 3
    row = row_of(found, "a.warc.gz", model_of(reader))
    assert not fill_row(row, skimmed, Read(read.marking, 60.0), 60.0)  # reading has taken all of its time
    assert row.status == "timed out" and row.text is None and row.main_text is None


def test_a_large_page_is_read_alone(reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pages before it are read first, so that less is in memory at once."""
    monkeypatch.setattr(task, "MOST_CHARACTERS", 1000)
    together: list[list[int]] = []

    def watched(reader: Reader, pages: list[Skimmed], *given: object) -> object:
        together.append([len(page.whole) > 1000 for page in pages])
        return mark_pages(reader, pages, 60.0)  # type: ignore[arg-type]

    monkeypatch.setattr(task, "mark_pages", watched)
    path = tmp_path / "a.warc.gz"
    path.write_bytes(b"".join(record(page(n, words).encode(), n) for n, words in enumerate((2, 2, 900, 2))))
    assert run(reader, path, tmp_path / "out").rows == {"ok": 4}
    assert together == [[False, False], [True], [False]]
    assert [row["url"] for row in rows(tmp_path / "out")] == [f"https://site.example/{n}" for n in range(4)]


def test_a_file_that_is_begun_again_keeps_its_parts(
    reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = archive(tmp_path / "a.warc.gz", range(8))
    whole = run(reader, source, tmp_path / "whole")
    read: list[int] = []

    def broken_line(reader: Reader, pages: list[Skimmed], *given: object) -> object:
        read.append(len(pages))
        if len(read) == 3:
            raise OSError("the line broke")
        return mark_pages(reader, pages, 60.0)  # type: ignore[arg-type]

    monkeypatch.setattr(task, "mark_pages", broken_line)
    with pytest.raises(OSError, match="the line broke"):
        run(reader, source, tmp_path / "out", part_records=3)
    assert read == [3, 3, 2] and len(list((tmp_path / "out" / "_begun").iterdir())) == 2
    assert not list((tmp_path / "out" / "_done").iterdir())
    counts = run(reader, source, tmp_path / "out", part_records=3)
    assert read == [3, 3, 2, 2] and counts.rows == {"ok": 8}
    assert (counts.characters, counts.bytes) == (whole.characters, whole.bytes)
    names = ["a.warc.gz.parquet", "a.warc.gz.part-00001.parquet", "a.warc.gz.part-00002.parquet"]
    assert sorted(path.name for path in (tmp_path / "out").glob("*.parquet")) == names
    found = sorted(rows(tmp_path / "out"), key=lambda row: int(str(row["offset"])))
    assert found == list(rows(tmp_path / "whole"))
    assert not list((tmp_path / "out" / "_begun").iterdir())


def test_parts_that_are_full_to_the_last(reader: Reader, tmp_path: Path) -> None:
    run(reader, archive(tmp_path / "a.warc.gz", range(4)), tmp_path / "out", part_records=2)
    assert len(list((tmp_path / "out").glob("*.parquet"))) == 2
    assert [row["record_id"] for row in rows(tmp_path / "out")] == [f"<urn:uuid:{n}>" for n in range(4)]
    (marker,) = (tmp_path / "out" / "_done").iterdir()
    for records, files in ((1, 4), (3, 2), (4, 1)):  # cut otherwise, nothing of the earlier run is left
        marker.unlink()
        run(reader, tmp_path / "a.warc.gz", tmp_path / "out", part_records=records)
        assert len(list((tmp_path / "out").glob("*.parquet"))) == files
        assert sum(1 for _ in rows(tmp_path / "out")) == 4


@pytest.mark.parametrize("form", ["jsonl.gz", "jsonl.zst"])
def test_json_lines(reader: Reader, tmp_path: Path, form: str) -> None:
    source = tmp_path / "a.warc.gz"
    source.write_bytes(record(page(1).encode(), 1) + record(b"{}", 2, "application/json"))
    run(reader, source, tmp_path, form="parquet")
    run(reader, source, tmp_path / "out", form=form)
    packed = (tmp_path / "out" / f"a.warc.gz.{form}").read_bytes()
    plain = (
        gzip.decompress(packed)
        if form == "jsonl.gz"
        else zstandard.ZstdDecompressor().decompressobj().decompress(packed)
    )
    (line,) = [orjson.loads(line) for line in plain.splitlines()]
    row = next(rows(tmp_path))
    assert set(line) == {"text", "id", "url", "date", "metadata"}
    assert line.pop("id") == line["metadata"]["record_id"] == "<urn:uuid:1>"
    columns = line.pop("metadata") | line
    assert columns.pop("bits_per_character") == pytest.approx(row.pop("bits_per_character"))
    assert columns == row


def test_wet(reader: Reader, tmp_path: Path) -> None:
    source = archive(tmp_path / "a.warc.gz", range(2))
    run(reader, source, tmp_path, form="parquet")
    run(reader, source, tmp_path / "out", form="wet")
    data = (tmp_path / "out" / "a.warc.gz.warc.wet.gz").read_bytes()
    run(reader, source, tmp_path / "again", form="wet")
    assert (tmp_path / "again" / "a.warc.gz.warc.wet.gz").read_bytes() == data
    found = [(r.rec_type, r.rec_headers, r.content_stream().read()) for r in ArchiveIterator(io.BytesIO(data))]
    assert [kind for kind, _, _ in found] == ["warcinfo", "conversion", "conversion"]
    for (_, headers, text), row in zip(found[1:], rows(tmp_path), strict=True):
        assert text.decode() == row["text"]
        assert headers["WARC-Target-URI"] == row["url"] and headers["WARC-Refers-To"] == row["record_id"]
        assert headers["Content-Type"] == "text/plain" and headers["WARC-Date"] == row["date"]


def test_a_file_that_is_not_there_leaves_nothing(reader: Reader, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        run(reader, tmp_path / "none.warc.gz", tmp_path / "out")
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]


def test_files_that_were_made_to_do_harm(reader: Reader, tmp_path: Path) -> None:
    for name, path in hostile(tmp_path, tiny_records=5000, bomb_bytes=1 << 27).items():
        if name in ("empty", "noise"):
            with pytest.raises(NotAnArchive):
                run(reader, path, tmp_path / "out" / name)
            continue
        counts = run(reader, path, tmp_path / "out" / name)
        assert counts.rows["ok"] >= 1, name
        if name not in ("tiny", "bomb", "bomb-body"):
            assert counts.skipped or counts.rows.total() > 1, name


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "the file is empty"),
        (b"\n \n", "nothing but white space"),
        (page(1).encode(), "1 broken record"),
        (gzip.compress(page(1).encode(), mtime=0), "1 broken record"),
        (record(page(1).encode(), 1)[:60], "1 truncated gzip"),
        (b"\x1f\x8b\x08" + b"x" * 100, "1 broken gzip"),
        (b"\xfd7zXZ\x00" + b"x" * 100, "1 broken xz"),
        (b"PK\x03\x04" + bytes(100), "1 broken record"),
    ],
)
def test_a_file_that_is_no_archive_is_an_error(reader: Reader, tmp_path: Path, data: bytes, said: str) -> None:
    source = tmp_path / "a.warc.gz"
    source.write_bytes(data)
    with pytest.raises(NotAnArchive, match=said):
        run(reader, source, tmp_path / "out")
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    with pytest.raises(NotAnArchive, match=f"{source}: .*{said}"):
        list(read_html([source]))


def test_an_archive_without_pages_is_none_the_less_an_archive(reader: Reader, tmp_path: Path) -> None:
    source = tmp_path / "a.warc.gz"
    source.write_bytes(record(page(1).encode(), 1)[:-30])  # a record that is cut off can be read in part
    assert run(reader, source, tmp_path / "out").rows == {"truncated record": 1}
    source.write_bytes(gzip.compress(b"WARC/1.0\r\nWARC-Type: warcinfo\r\nContent-Length: 0\r\n\r\n\r\n\r\n"))
    assert not run(reader, source, tmp_path / "out").rows and list(read_html([source])) == []


def test_parts_of_another_recipe_are_read_again(
    reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = archive(tmp_path / "a.warc.gz", range(4))

    def stop(self: Task, file: object, tally: object, skip: int) -> Iterator[object]:
        for number, batch in enumerate(whole(self, file, tally, skip)):
            if number == 1:
                raise OSError("the line broke")
            yield batch

    whole = Task._batches
    for limit, out in ((5, "out"), (2_000_000, "out")):
        monkeypatch.setattr(Task, "_batches", stop)
        with pytest.raises(OSError, match="the line broke"):
            run(reader, source, tmp_path / out, part_records=2, max_page_bytes=limit)
        monkeypatch.setattr(Task, "_batches", whole)
        (begun,) = (tmp_path / out / "_begun").iterdir()  # of this recipe alone
    counts = run(reader, source, tmp_path / "out", part_records=2)
    assert counts.rows == {"ok": 4} and {row["status"] for row in rows(tmp_path / "out")} == {"ok"}
    assert not list((tmp_path / "out" / "_begun").iterdir())


def test_names_of_sources() -> None:
    assert source_name("a/b.warc.gz") == source_name("s3://x/b.warc.gz") == "b.warc.gz"
    assert source_name("https://x.example/a/b.warc.gz?key=/c") == "b.warc.gz"
