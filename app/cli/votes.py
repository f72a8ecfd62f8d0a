"""`soupstate votes`. It needs the extra `votes`."""

from pathlib import Path

import click
from tqdm import tqdm

from soupstate.model.train.data.votes import write_votes


@click.command("votes")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="WARC..."
)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="File of rows, .jsonl.xz.")
def votes_command(files: tuple[Path, ...], out: Path) -> None:
    """Label pages by the votes of two tools, trafilatura and resiliparse, for `soupstate blocks`.

    The rows are the pages on whose main content the two agree. `soupstate blocks` learns from them first, and then from
    pages that a person has marked. A thousand pages take about a minute and a half.
    """
    if not out.name.endswith(".jsonl.xz"):
        raise click.BadParameter("the name must end in .jsonl.xz", param_hint="--out")
    out.parent.mkdir(parents=True, exist_ok=True)
    seen = 0

    def tell(number: int) -> None:
        nonlocal seen
        seen = number
        bar.update(number - bar.n)

    try:
        with tqdm(unit="page", disable=None, leave=False) as bar:
            count = write_votes(files, out, tell)
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{out}: {count} of {seen} pages")
