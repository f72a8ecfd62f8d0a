"""Draws the units that follow six labels over docs/neurons/page.html, and writes their table into docs/model-card.md.

python docs/draw_neurons.py --find-on train-00.warc --find-on train-01.warc --find-limit 100 --pages valid.warc
"""

import re
from itertools import islice
from pathlib import Path

import click

from soupstate.model.archive.records import read_html
from soupstate.model.net.checkpoint import DEFAULT, load_checkpoint
from soupstate.model.net.reader import Reader
from soupstate.model.train.data.labels import labelled, rule_of
from soupstate.model.train.evaluation.label_picture import draw_label
from soupstate.model.train.evaluation.label_units import follow
from soupstate.model.train.evaluation.neurons import MOST_CHARACTERS

DOCS = Path(__file__).parent
CARD, FOLDER = DOCS / "model-card.md", DOCS / "neurons"
LABELS = {
    "inside a link": "link",
    "inside a quoted attribute value": "quote",
    "inside a script": "script",
    "inside an attribute value": "value",
    "inside a title": "title",
    "inside a list item": "list-item",
}
FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
SECTION = re.compile(r"(?<=<!-- neurons: begin -->\n).*?(?=<!-- neurons: end -->)", re.S)
HEAD = (
    "| label | characters with it | unit | r | R² | area | all units, R² | area | best cell | R² |\n"
    "|---|---|---|---|---|---|---|---|---|---|"
)


@click.command()
@click.option("--weights", type=FILE, default=DEFAULT)
@click.option("--find-on", type=FILE, multiple=True, required=True)
@click.option("--find-limit", type=int)
@click.option("--pages", type=FILE, multiple=True, required=True)
@click.option("--limit", type=int)
def main(
    weights: Path, find_on: tuple[Path, ...], find_limit: int | None, pages: tuple[Path, ...], limit: int | None
) -> None:
    """Does for each label what `soupstate neurons --label` does."""
    reader = Reader(load_checkpoint(weights))
    rows, pictures = [HEAD], []
    for label, name in LABELS.items():
        rule = rule_of(label)
        learned = (labelled(page[:MOST_CHARACTERS], rule) for page in read_html(find_on, find_limit))
        measured = (labelled(page[:MOST_CHARACTERS], rule) for page in islice(read_html(pages), limit))
        found = follow(reader, learned, measured)
        best, cell, (alone, together) = found.best, found.cells[0], found.areas
        rows.append(
            f"| {label} | {found.label:.1%} | {best.unit} | {best.r:+.3f} | {best.share:.3f} | {alone:.3f} "
            f"| {found.together:.3f} | {together:.3f} | {cell.unit} | {cell.share:.3f} |"
        )
        page = labelled((FOLDER / "page.html").read_text("utf-8"), rule)
        draw_label(reader, page, best, label, FOLDER / f"{name}.png")
        pictures.append(f"![The unit that follows best what is {label}, over a page](neurons/{name}.png)")
        click.echo(rows[-1])
    written = "\n".join(rows) + "\n\n" + "\n\n".join(pictures) + "\n"
    CARD.write_text(SECTION.sub(lambda _: written, CARD.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
