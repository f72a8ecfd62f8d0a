"""A job that is killed at random moments ends with the rows of one that was not."""

import random
import time
from pathlib import Path

import orjson
import pytest
from archives import archive, children, kill, rows, started

FILES, PAGES = 6, 20


def gone(pid: int) -> bool:
    """Whether a process has ended, waited for or not."""
    try:
        return not Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return True


def killed_job(command: list[str], out: Path, kills: int, seed: int) -> tuple[int, bytes, bytes]:
    """Runs the command, kills its workers or, one time in three, itself, at random moments; parents killed, outputs."""
    dice, done, parents = random.Random(seed), 0, 0
    until = time.monotonic() + 15 * kills
    job = started(*command)
    while done < kills:
        assert time.monotonic() < until, "the job hangs"
        time.sleep(dice.uniform(0.05, 1.2))
        if job.poll() is not None:  # all is done before all kills: some files are to be done again
            _, errors = job.communicate()
            assert job.returncode == 0, errors
            for marker in dice.sample(sorted((out / "_done").iterdir()), 3):
                marker.unlink()
            job = started(*command)
            continue
        workers = children(job.pid)
        if done % 3 == 1:
            kill(job.pid)
            job.communicate()
            parents += 1
            while not all(map(gone, workers)):  # a worker ends with its parent
                assert time.monotonic() < until
                time.sleep(0.01)
            job = started(*command)
        elif workers:
            kill(dice.choice(workers))
        else:
            continue
        done += 1
    out_text, errors = job.communicate(timeout=120)
    assert job.returncode == 0, errors
    return parents, out_text, errors


def compare(folder: Path, weights: Path, kills: int, seed: int = 11) -> tuple[int, int]:
    """Rows that are lost or doubled after so many kills, and kills of the parent among them."""
    files = [str(archive(folder / f"{n}.warc.gz", range(PAGES * n, PAGES * (n + 1)))) for n in range(FILES)]
    options = ["--weights", str(weights), "--workers", "2", "--part-records", "8", "--out"]
    quiet = started("warc", *files, *options, str(folder / "quiet"))
    quiet.communicate(timeout=120)
    assert quiet.returncode == 0
    parents, out, _ = killed_job(["warc", *files, *options, str(folder / "killed")], folder / "killed", kills, seed)
    assert orjson.loads(out)["files"]["failed"] == {}
    expected, found = list(rows(folder / "quiet")), list(rows(folder / "killed"))
    assert len(expected) == FILES * PAGES and {row["status"] for row in expected} == {"ok"}
    assert not (folder / "killed" / "_parts").exists() and not list((folder / "killed" / "_begun").iterdir())
    return sum(row not in found for row in expected) + len(found) - len(expected), parents


@pytest.mark.slow
def test_rows_after_kills_are_those_of_a_quiet_run(tmp_path: Path, weights: Path) -> None:
    wrong, parents = compare(tmp_path, weights, 8)
    assert wrong == 0 and parents >= 2
