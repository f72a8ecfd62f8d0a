"""`soupstate head`: fits a head that finds a field of pages."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import click
from tqdm import tqdm

from soupstate.app.cli.options import weights_options
from soupstate.app.field_examples import archived_examples, read_examples
from soupstate.app.reading import load_reader
from soupstate.model.heads.examples import LEAST, ReadExample
from soupstate.model.heads.fit import FOLDS, Figures, fit_head
from soupstate.model.net.checkpoint import extractor
from soupstate.model.net.head_file import checked_name, save_head

ARCHIVE = click.Path(path_type=Path, exists=True, dir_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)
WEAK = 0.5  # F1 of values out of fold below which a head knows too little


@click.group("head")
def head_command() -> None:
    """Fit heads, which find a field of pages, such as a price.

    `soupstate extract`, `soupstate warc` and `soupstate serve` take them with --head.
    """


@head_command.command("fit")
@click.argument("examples", type=ARCHIVE, metavar="EXAMPLES.jsonl")
@click.option("--name", required=True, help="Name of the field: of a-z, 0-9 and _.")
@click.option("--out", type=FILE, required=True, help="Write the head here, such as price.head.safetensors.")
@click.option("--visible", is_flag=True, help="Look for values only in text and pictures, not in meta and the like.")
@weights_options
def fit_command(examples: Path, name: str, out: Path, weights: Path, backend: str | None, *, visible: bool) -> None:
    """Fit a head to 20 to 200 pages, one JSON object a line.

    \b
    {"html": "<p>...", "values": ["$12.50"]}
    {"warc": "shop.warc.gz", "offset": 4711, "url": "https://example.org/tea", "values": []}

    values: all that the field has on that page, as the page writes them, white space and character references aside.
    `url` names the site, so that pages of one site are measured together. The network stands still. The command
    measures the head on pages that it was not fitted to, prints the figures, and writes it.
    """
    try:
        checked_name(name)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--name") from None
    if out.exists() and out.samefile(examples):
        raise click.BadParameter("it is the file of the examples", param_hint="--out")
    if not out.parent.is_dir():
        raise click.BadParameter(f"{out.parent} is no folder", param_hint="--out")
    try:
        reader = load_reader(extractor(weights), backend, extracts=True)
        progress = partial(tqdm, unit="page", disable=None, leave=False)
        read = read_examples(reader, examples, progress, visible=visible)
        with tqdm(total=FOLDS + 1, unit="fold", disable=None, leave=False) as bar:
            head, figures = fit_head(name, reader.checkpoint.states_digest, read, lambda _: bar.update())
        for line in head_report(figures, head.places):
            click.echo(line)
        if figures.f1 < WEAK:
            click.echo(
                f"soupstate: {name} knows too little: F1 of values is below {WEAK}. More pages may help, or values "
                "that stand in the same place on each.",
                err=True,
            )
        save_head(replace(head, figures=figures.as_dict()), out)
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from None


@head_command.command("metadata")
@click.argument("pages", nargs=-1, required=True, type=ARCHIVE, metavar="WARC...")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder for the heads.")
@click.option("--leave-out", type=ARCHIVE, help="File of sites, one a line, whose pages are held out.")
@click.option("--per-site", type=click.IntRange(min=1), default=3, show_default=True, help="Most pages of a site.")
@weights_options
def metadata_command(
    pages: tuple[Path, ...], out: Path, leave_out: Path | None, per_site: int, weights: Path, backend: str | None
) -> None:
    """Fit the heads for metadata, such as author and date, that come with a network.

    The labels come from the pages: what a page declares in JSON-LD, meta or microdata and also shows is an example.
    Pages without a declared value are none. Reading the pages takes longest.
    """
    try:
        reader = load_reader(extractor(weights), backend, extracts=True)
        left_out = frozenset(leave_out.read_text("utf-8").split()) if leave_out else frozenset()
        examples: dict[str, list[ReadExample]] = {}
        with tqdm(unit="page", disable=None, leave=False) as bar:
            for found in archived_examples(reader, pages, left_out, per_site):
                bar.update()
                for field, example in found.items():
                    examples.setdefault(field, []).append(example)
        out.mkdir(parents=True, exist_ok=True)
        for field, some in sorted(examples.items()):
            if sum(bool(each.right) for each in some) < LEAST:
                click.echo(f"soupstate: {field} is shown on fewer than {LEAST} pages", err=True)
                continue
            head, figures = fit_head(field, reader.checkpoint.states_digest, some, lambda _: None)
            click.echo("\n".join([f"{field}:", *head_report(figures, head.places)]))
            save_head(replace(head, figures=figures.as_dict()), out / f"{field}.safetensors")
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from None


def head_report(figures: Figures, places: frozenset[str]) -> list[str]:
    """Returns the figures as lines of Markdown."""
    return [
        f"Places of values: {', '.join(sorted(places))}",
        f"On pages of {FOLDS} folds, each left out of the fit once:",
        "| pages | all values right | values answered | right | wanted | F1 | pages without a value | answered there |",
        "|---" * 8 + "|",
        f"| {figures.pages} | {figures.exact / figures.pages:.3f} | {figures.answered} | {figures.right} | "
        f"{figures.wanted} | {figures.f1:.3f} | {figures.empty} | {figures.invented} |",
    ]
