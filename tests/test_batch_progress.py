"""What a job shows of itself."""

from collections import Counter
from pathlib import Path

import pytest

from soupstate.app.batch import progress
from soupstate.app.batch.job import Counts
from soupstate.app.batch.progress import Progress
from soupstate.app.batch.supervisor import Outcome


def counts(**rows: int) -> Counts:
    return Counts(rows=Counter(rows), bytes=50, characters=7, memory=3, seconds={"network": 1.5})


def test_lines_of_log_and_the_summary(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [str(tmp_path / name) for name in "abc"]
    for file in files:
        Path(file).write_bytes(bytes(50))
    shown = Progress(files, already=2)
    shown.show()
    assert capsys.readouterr().err == ""  # no terminal, and too early for a line
    shown.done(Outcome(files[0], counts(ok=5, binary=1)))
    shown.done(Outcome(files[1], error="gone", deaths=2))
    shown.done(Outcome(files[2], counts(ok=1)))
    monkeypatch.setattr(progress, "LOG_SECONDS", 0.0)
    shown.show(live_bytes=25, live_pages=3)
    shown.close()
    said = capsys.readouterr().err.splitlines()
    assert said[0] == f"soupstate: {files[1]}: gone"
    assert said[1].startswith("2/3 files, 10 pages, 1 files failed, 1 binary, ") and "MB/s" in said[1]
    summary = shown.summary()
    assert summary["files"] == {"done": 2, "already": 2, "failed": {files[1]: "gone"}}
    assert summary["rows"] == {"ok": 6, "binary": 1} and summary["worker_deaths"] == 2
    assert (summary["bytes"], summary["characters"], summary["memory"]) == (100, 14, 3)
    assert summary["seconds"] == {"network": 3.0}


def test_a_size_that_is_not_known() -> None:
    shown = Progress(["https://a.example/a.warc.gz"])
    assert shown.bytes is None
    shown.show(live_bytes=10)
    shown.close()
