"""`soupstate entropy`: measures how surprising pages are, finds where they are broken, and mends them."""

import sys
from functools import partial
from pathlib import Path
from typing import Any

import click
import orjson
from tqdm import tqdm

from soupstate.app.answers import DETAILS, ENTROPY_PARTS, measure, reply
from soupstate.app.cli.files import STDIN_NAME, Wanted, answers, included, json_line, shared_options, write
from soupstate.app.fault_formats import sarif, source_frame
from soupstate.model.faults.apply import LIKELY, mend
from soupstate.model.faults.fault import Fault
from soupstate.model.page.decode import Decoded, encode
from soupstate.model.page.line_index import LineIndex


@click.command("entropy")
@click.option("--format", "form", type=click.Choice(["json", "text", "sarif"]), default="json", show_default=True)
@click.option(
    "--include", callback=included(ENTROPY_PARTS), help=f"Parts of json: {','.join(ENTROPY_PARTS)}; default: all."
)
@click.option(
    "--detail",
    type=click.Choice(DETAILS),
    default="characters",
    show_default=True,
    help="Of json: what the arrays have a number for.",
)
@click.option(
    "--threshold",
    type=click.FloatRange(0.0, 1.0),
    default=LIKELY,
    show_default=True,
    help="Faults from this probability on are shown as text and SARIF, mended, and make the exit status 1.",
)
@click.option(
    "--fix", is_flag=True, help="Write each file in place with the first fix of every such fault; - goes to stdout."
)
@shared_options
def entropy_command(
    form: str, include: frozenset[str], detail: str, threshold: float, fix: bool, **options: Any
) -> None:
    """Measure the surprisal, entropy and depth of every character of HTML files, and find faults; - is stdin.

    json: one object per line, with the file's name where there are several files. text: file:line:column and what is
    wrong, the line and the fix, the likeliest fault first. sarif: SARIF 2.1.0, for editors and code hosts. Exit status
    1: a fault was found and not mended, or a file could not be read.
    """
    parts = include if form == "json" and not fix else include | {"faults"}
    wanted = Wanted(include=parts, detail=detail if form == "json" else "none", **options)
    found, results = False, []
    for name, page, answer in answers(wanted, partial(reply, answerer=measure)):
        likely = [f for f in answer.get("faults", ()) if f.probability >= threshold]
        if fix:
            likely = _mend_file(name, page, likely)
        elif form == "json":
            write(json_line(wanted, name, answer))
        elif form == "text":
            lines = LineIndex(page.text)
            write("".join(source_frame(name, lines, fault) for fault in likely).encode("utf-8", "replace"))
        else:
            results.append((name, page.text, likely))
        found = found or bool(likely)
    if form == "sarif" and not fix:
        write(orjson.dumps(sarif(results), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    if found:
        sys.exit(1)


def _mend_file(name: str, page: Decoded, faults: list[Fault]) -> list[Fault]:
    """Writes the mended page in place of the file, in its charset. Returns the faults that were left."""
    mended = mend(page.text, faults, 0.0)
    try:
        body = encode(mended.page, page.charset)
        if name == STDIN_NAME:
            write(body)
        elif mended.mended:
            _replace(Path(name), encode(page.text, page.charset), body)
    except (OSError, ValueError) as error:
        raise click.ClickException(f"{name}: not mended: {error}") from None
    tqdm.write(f"{name}: {len(mended.mended)} mended, {len(mended.left)} left", file=sys.stderr)
    return mended.left


def _replace(path: Path, before: bytes, after: bytes) -> None:
    """Replaces a file. Raises ValueError where it does not hold `before`: bytes outside its charset would be lost."""
    if path.read_bytes() != before:
        raise ValueError("it has bytes that are in no charset, which would be lost")
    part = path.with_name(path.name + ".part")
    part.write_bytes(after)
    part.chmod(path.stat().st_mode)
    part.replace(path)
