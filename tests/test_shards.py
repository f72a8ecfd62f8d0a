"""Shards, and the lessons in them, come back as they were written."""

import json
import lzma
from pathlib import Path

import numpy as np
import pytest
from test_crawl_samples import SAMPLES

from soupstate.model.page.marks import COLUMN, HEADS, IGNORED
from soupstate.model.train.data.labelled import labelled_pages, mark_main
from soupstate.model.train.data.lessons import SHORTEST_PAGE, LessonPlan, byte_rows, lesson
from soupstate.model.train.data.shards import BYTE, MARKS, Rows, Shards, ShardWriter, lesson_rows, write_shard
from soupstate.model.train.data.teacher import teach

COLUMNS = MARKS + len(HEADS)


def random_lessons(count: int, columns: int = COLUMNS) -> list[Rows]:
    random = np.random.default_rng(3)
    return [random.integers(0, 256, (int(n), columns), np.uint8) for n in random.integers(1, 50, count)]


def test_round_trip(tmp_path: Path) -> None:
    lessons = random_lessons(7)
    assert write_shard(tmp_path / "a", lessons[:4], COLUMNS) == sum(map(len, lessons[:4]))
    write_shard(tmp_path / "b", lessons[4:], COLUMNS)
    shards = Shards(tmp_path)
    assert len(shards) == 7 and shards.columns == {COLUMNS}
    assert shards.lengths().tolist() == [len(rows) for rows in lessons]
    for i, rows in enumerate(lessons):
        assert np.array_equal(shards.lesson(i), rows)
    backward = Shards(tmp_path, backward=True)
    assert all(np.array_equal(backward.lesson(i), rows[::-1]) for i, rows in enumerate(lessons))
    assert sorted(f.name for f in tmp_path.iterdir()) == ["a.rows.npy", "a.starts.npy", "b.rows.npy", "b.starts.npy"]


def test_a_shard_is_there_when_it_is_complete(tmp_path: Path) -> None:
    writer = ShardWriter(tmp_path / "a", COLUMNS)
    writer.add(random_lessons(1)[0])
    with pytest.raises(FileNotFoundError, match="no shards"):
        Shards(tmp_path)
    writer.close()
    assert len(Shards(tmp_path)) == 1


def test_errors(tmp_path: Path) -> None:
    writer = ShardWriter(tmp_path / "a", COLUMNS)
    with pytest.raises(ValueError, match="rows: shape"):
        writer.add(np.zeros((3, COLUMNS + 1), np.uint8))
    writer.add(random_lessons(1)[0])
    writer.close()
    write_shard(tmp_path / "b", random_lessons(1, MARKS), MARKS)
    with pytest.raises(ValueError, match="different columns"):
        Shards(tmp_path)


def test_lesson_rows() -> None:
    page = b"<li><a href='/one'>one</a></li><li><a href='/one'>one</a></li>"
    marks = np.arange(len(page), dtype=np.uint8)[:, None] * np.ones((1, len(HEADS)), np.uint8)
    rows = lesson_rows(page, marks)
    assert rows.shape == (len(page), COLUMNS) and rows.dtype == np.uint8
    assert rows[:, BYTE].tobytes() == page
    assert np.array_equal(rows[:, MARKS:], marks)


def test_marks_of_a_character_are_those_of_its_bytes() -> None:
    page = "<p>aé漢😀</p>"
    marks = teach(page)
    rows = byte_rows(page, marks)
    assert rows[:, BYTE].tobytes().decode() == page
    widths = [len(c.encode()) for c in page]
    assert widths[3:7] == [1, 2, 3, 4]
    assert np.array_equal(rows[:, MARKS:], np.concatenate([[m] * w for m, w in zip(marks, widths, strict=True)]))


@pytest.mark.parametrize("sample", SAMPLES[::4], ids=lambda s: s.name)
def test_lessons_of_samples(sample: object) -> None:
    page: str = sample.html  # type: ignore[attr-defined]
    plain = lesson(page, np.random.default_rng(0), LessonPlan(damaged=0.0))
    assert plain is not None and plain[:, BYTE].tobytes().decode() == page
    broken = lesson(page, np.random.default_rng(0), LessonPlan(damaged=1.0))
    again = lesson(page, np.random.default_rng(0), LessonPlan(damaged=1.0))
    assert broken is not None and again is not None
    assert np.array_equal(broken, again) and not np.array_equal(broken, plain)
    broken[:, BYTE].tobytes().decode()


def test_short_pages_teach_nothing() -> None:
    assert lesson("x" * (SHORTEST_PAGE - 1), np.random.default_rng(0), LessonPlan(damaged=1.0)) is None


def test_main_content() -> None:
    main = "The night ferry is back, says the harbour master. It leaves at ten and returns at six."
    page = (
        f"<nav><a href=/>Home page</a> <a href=/f>Ferries</a></nav><article><p>{main[:49]}</p><p><b>{main[50:]}</b></p>"
        "</article><p hidden>The night ferry is back</p><footer>Ten people work here, and say so.</footer>"
    )
    marks = teach(page)
    assert (marks[:, COLUMN["main"]] == IGNORED).all()
    mark_main(page, marks, main.replace("ferry", "FERRY") + " More of it stands elsewhere.")
    column = marks[:, COLUMN["main"]]

    def of(text: str, start: int = 0) -> set[int]:
        at = page.index(text, start)
        return set(column[at : at + len(text)].tolist())

    assert of(main[:49]) == of(main[50:]) == {1}
    assert of("Home page") == of("Ferries<") - {IGNORED} == of("Ten people work here, and say so.") == {0}
    assert of("The night", page.index("hidden")) == of("<article>") == {IGNORED}


def test_labelled_pages(tmp_path: Path) -> None:
    path = tmp_path / "pages.jsonl.xz"
    rows = [
        {"dataset": "d", "id": "1", "html": "<p>a", "text": "a"},
        {"dataset": "d", "id": "2", "html": "<p>b", "text": "b"},
        {"dataset": "e", "id": "1", "html": "<p>c", "text": ""},
    ]
    path.write_bytes(lzma.compress("\n".join(map(json.dumps, rows)).encode()))
    assert list(labelled_pages(path, frozenset({"d/1"}))) == [("<p>b", "b")]
