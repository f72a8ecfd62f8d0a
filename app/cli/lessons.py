"""`soupstate lessons`. It needs the extra `train`."""

import sys
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click
from tqdm import tqdm

from soupstate.app.cli.options import format_option
from soupstate.model.train.data.json_lessons import make_json_shard
from soupstate.model.train.data.labelled import read_ids
from soupstate.model.train.data.lessons import (
    LABELLED,
    MADE,
    LessonPlan,
    UnreadableFile,
    make_made_shard,
    make_shard,
    shard_name,
)

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)
SHARE = click.FloatRange(0.0, 1.0)
Make = Callable[..., tuple[int, Counter[str]]]  # makes a shard: its bytes, and what was left out by reason


@click.command("lessons")
@click.argument("files", nargs=-1, required=True, type=FILE, metavar="WARC|LABELLED.jsonl.xz...")
@click.option("--out", type=FOLDER, required=True, help="Folder for the shards, one per file.")
@click.option("--damaged", type=SHARE, default=0.4, show_default=True, help="Share of pages to damage.")
@click.option("--skimmed", type=SHARE, default=0.0, show_default=True, help="Share of pages to skim first.")
@click.option(
    "--made", type=click.IntRange(min=0), default=0, help="Add a shard of this many pages made from a grammar of HTML."
)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Processes that make lessons of HTML. They make the same ones.",
)
@click.option("--leave-out", type=FILE, help="Ids of labelled pages (dataset/id) to leave out, one per line.")
@format_option("json: lessons are the JSON that the pages hold, but for a tenth of the domains.")
@click.option("--held-out", is_flag=True, help="With --format json: lessons of that tenth of the domains alone.")
def lessons_command(
    files: tuple[Path, ...],
    out: Path,
    damaged: float,
    skimmed: float,
    made: int,
    seed: int,
    workers: int,
    leave_out: Path | None,
    format_: str,
    held_out: bool,
) -> None:
    """Make shards of lessons: pages with the teacher's marks. The command skips shards that exist already.

    Pages made from a grammar (--made) show what real pages seldom do: deep lists, quotes in quotes, tiny pages. Their
    words come from the files' pages.
    """
    named = {shard_name(file): file for file in files}
    if len(named) < len(files) or MADE in named:
        raise click.UsageError("two files have the same name, so their shards would be one")
    if format_ == "json" and (skimmed or made or leave_out or any(f.name.endswith(LABELLED) for f in files)):
        raise click.UsageError("--format json takes WARC files, and no --skimmed, --made or --leave-out")
    if held_out and format_ != "json":
        raise click.UsageError("--held-out is for --format json")
    plan = LessonPlan(damaged, skimmed, seed, read_ids(leave_out) or frozenset(), held_out)
    out.mkdir(parents=True, exist_ok=True)
    make: Make = make_json_shard if format_ == "json" else partial(make_shard, workers=workers)
    failed = [name for name, file in named.items() if not _make(name, file, out, plan, make)]
    if made and not (out / f"{MADE}.starts.npy").exists():
        try:
            size = make_made_shard(named.values(), out, made, plan, partial(tqdm, desc=MADE, disable=None), workers)
        except ValueError as error:
            raise click.ClickException(str(error)) from None
        click.echo(f"{MADE}: {size} bytes")
    if failed:
        sys.exit(1)


def _make(name: str, file: Path, out: Path, plan: LessonPlan, make: Make) -> bool:
    """Makes the shard of a file if there is none, and says so. Returns False for a file that cannot be read."""
    if (out / f"{name}.starts.npy").exists():
        click.echo(f"{name}: exists already")
        return True
    try:
        size, lost = make(file, out, plan, partial(tqdm, desc=file.name, disable=None))
    except UnreadableFile as error:
        click.echo(f"soupstate: {error}", err=True)
        return False
    counts = ", ".join(f"{number} {reason}" for reason, number in lost.most_common())
    click.echo(f"{name}: {size} bytes" + (f"; left out: {counts}" if counts else ""))
    return True
