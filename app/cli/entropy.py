"""`soupstate entropy`: measures how surprising pages are, and writes the answers to stdout."""

import sys
from functools import partial
from typing import Any

import click

from soupstate.app.answers import reply
from soupstate.app.cli.files import Wanted, answers, format_in, included, json_line, reading_options, write
from soupstate.app.measurement import DETAILS, ENTROPY_PARTS, MORE_ENTROPY_PARTS, measure


@click.command("entropy")
@click.option(
    "--include",
    callback=included(ENTROPY_PARTS, MORE_ENTROPY_PARTS),
    help=f"Parts; default: {','.join(ENTROPY_PARTS)}. More: {','.join(MORE_ENTROPY_PARTS)}.",
)
@click.option(
    "--detail",
    type=click.Choice(DETAILS),
    default="characters",
    show_default=True,
    help="What the arrays have a number for.",
)
@click.option("--start", type=click.IntRange(0), default=0, help="The first character that arrays cover.")
@click.option("--end", type=click.IntRange(0), help="Where they end; default: at the page's end.")
@format_in
@reading_options
def entropy_command(**options: Any) -> None:
    """Measure the surprisal, entropy and depth of every character of files of HTML or JSON; - is stdin.

    Prints JSON: one object per line, with the file's name where there are several files. `soupstate check` reports
    faults in other formats, and mends them.
    """
    wanted, failed = Wanted(**options), list[str]()
    for file, answer in answers(wanted, partial(reply, answerer=measure), failed):
        write(json_line(wanted, file.name, answer))
    if failed:
        sys.exit(1)
