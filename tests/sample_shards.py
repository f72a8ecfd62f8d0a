"""Shards of lessons that tests of training read."""

from pathlib import Path

from test_crawl_samples import SAMPLES

from soupstate.model.page.marks import HEADS
from soupstate.model.train.data.lessons import byte_rows
from soupstate.model.train.data.shards import MARKS, write_shard
from soupstate.model.train.data.teacher import teach


def write_sample_shards(folder: Path) -> None:
    """Writes a folder `shards` with lessons of some sample pages into `folder`."""
    (folder / "shards").mkdir()
    pages = [s.html[:1500] for s in SAMPLES[::5]]
    write_shard(folder / "shards" / "a", [byte_rows(p, teach(p)) for p in pages], MARKS + len(HEADS))
