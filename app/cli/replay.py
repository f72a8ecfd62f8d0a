"""`soupstate replay`: makes the sample of training that `soupstate learn` needs. It needs the extra `train`."""

from pathlib import Path

import click
from tqdm import tqdm

from soupstate.app.reading import load_reader
from soupstate.app.words import counted
from soupstate.model.net.checkpoint import digest, extractor
from soupstate.model.train.data.block_examples import examples
from soupstate.model.train.data.labelled import read_ids
from soupstate.model.train.data.mark_sample import sample_marks
from soupstate.model.train.data.replay import Replay, replay_file, sample, save_replay

LABELLED = click.Path(path_type=Path, exists=True, dir_okay=False)
MARKED_PAGES = 80  # of each file, of which spans are drawn
FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("replay")
@click.argument("labelled", nargs=-1, required=True, type=LABELLED, metavar="LABELLED.jsonl.xz...")
@click.option("--weights", type=FILE, default=extractor(), help="Checkpoint to make it for.")
@click.option("--out", type=FILE, help="Write the sample here; default: beside the weights.")
@click.option("--leave-out", type=LABELLED, help="File of ids (dataset/id) that are held out.")
@click.option("--per-type", type=click.IntRange(min=1), default=18, show_default=True, help="Pages of each type.")
@click.option("--per-class", type=click.IntRange(min=1), default=80, show_default=True, help="Spans of each mark.")
@click.option(
    "--cache",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("runs/blocks"),
    show_default=True,
    help="Folder for pages that were read, shared with `soupstate blocks`.",
)
def replay_command(
    labelled: tuple[Path, ...],
    weights: Path,
    out: Path | None,
    leave_out: Path | None,
    per_type: int,
    per_class: int,
    cache: Path,
) -> None:
    """Draw the sample of training that `soupstate learn` needs, as numbers without text.

    The files are those of `soupstate blocks`: main content is what a person has marked, and the marks of spans are the
    teacher's. Run it again for every new network.
    """
    held_out = read_ids(leave_out) or frozenset()
    try:
        reader = load_reader(weights)
        with tqdm(unit="page", disable=None, leave=False) as bar:
            found = examples(reader, digest(weights), labelled, cache, lambda number: bar.update(number - bar.n))
            pages = sample((each for each in found if each.name not in held_out), per_type)
        with tqdm(unit="page", disable=None, leave=False) as bar:
            marks = sample_marks(reader, labelled, held_out, MARKED_PAGES, per_class, bar.update)
        replay = Replay(reader.checkpoint.states_digest, pages, marks)
        save_replay(replay, out or replay_file(weights))
    except (OSError, ValueError, KeyError) as error:
        raise click.ClickException(str(error) or type(error).__name__) from None
    taught, kept = replay.parted()
    click.echo(f"{counted(len(taught), 'page')} to learn from, {len(kept)} kept apart for checking")
    spans, apart = (len(part.page) for part in replay.parted_marks())
    click.echo(f"{spans} spans to learn from, {apart} kept apart for checking")
