"""`soupstate entropy`: measures how surprising pages are, finds where they are broken, and mends them."""

import os
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import click
import orjson
from tqdm import tqdm

from soupstate.app.answers import reply
from soupstate.app.cli.file_diff import file_diff
from soupstate.app.cli.files import (
    STDIN_NAME,
    HtmlFile,
    Wanted,
    answers,
    included,
    json_line,
    shared_options,
    tell,
    write,
)
from soupstate.app.cli.options import FiniteRange, refuse
from soupstate.app.fault_formats import sarif, source_frame
from soupstate.app.file_names import printable
from soupstate.app.measurement import DETAILS, ENTROPY_PARTS, MORE_ENTROPY_PARTS, measure
from soupstate.model.faults.apply import LIKELY, mend
from soupstate.model.faults.fault import Fault
from soupstate.model.page.decode import decode, encode_changed
from soupstate.model.page.line_index import LineIndex

# Takes a file and its mended bytes, and returns whether the file is mended now.
Change = Callable[[HtmlFile, bytes], bool]
WIDE = ("utf-16", "utf-32")


@click.command("entropy")
@click.option("--format", "form", type=click.Choice(["json", "text", "sarif"]), default="json", show_default=True)
@click.option(
    "--include",
    callback=included(ENTROPY_PARTS, MORE_ENTROPY_PARTS),
    help=f"Parts of json; default: {','.join(ENTROPY_PARTS)}. More: {','.join(MORE_ENTROPY_PARTS)}.",
)
@click.option(
    "--detail",
    type=click.Choice(DETAILS),
    default="characters",
    show_default=True,
    help="Of json: what the arrays have a number for.",
)
@click.option("--start", type=click.IntRange(0), default=0, help="Of json: the first character that arrays cover.")
@click.option("--end", type=click.IntRange(0), help="Of json: where they end; default: at the page's end.")
@click.option(
    "--threshold",
    type=FiniteRange(0.0, 1.0),
    default=LIKELY,
    show_default=True,
    help="Faults from this probability on are shown as text and SARIF, mended, and make the exit status 1.",
)
@click.option(
    "--fix", is_flag=True, help="Write each file in place with the first fix of every such fault; - goes to stdout."
)
@click.option("--diff", is_flag=True, help="Write no file; print a unified diff of what --fix would write.")
@shared_options
def entropy_command(
    form: str,
    include: frozenset[str],
    detail: str,
    threshold: float,
    fix: bool,
    diff: bool,
    **options: Any,
) -> None:
    """Measure the surprisal, entropy and depth of every character of HTML files, and find faults; - is stdin.

    json: one object per line, with the file's name where there are several files. text: file:line:column and what is
    wrong, the line and the fix, the likeliest fault first. sarif: SARIF 2.1.0, for editors and code hosts. Exit status
    1: a fault was found and not mended (--diff mends none), or a file could not be read.
    """
    change: Change | None = _diff if diff else _written if fix else None
    if change and form != "json":
        raise click.UsageError("--format has no effect with --fix or --diff")
    for name in ("include", "detail", "start", "end") if change or form != "json" else ():
        refuse(name, "with --fix or --diff" if change else f"with --format {form}")
    parts = include if form == "json" and not change else include | {"faults"}
    wanted = Wanted(include=parts, detail=detail if form == "json" else "none", **options)
    found, results, failed = False, [], list[str]()
    for file, answer in answers(wanted, partial(reply, answerer=measure), failed):
        likely = [f for f in answer.get("faults", ()) if f.probability >= threshold]
        if change:
            likely = _mend_file(file, likely, change)
        elif form == "json":
            write(json_line(wanted, file.name, answer))
        elif form == "text":
            lines = LineIndex(file.page.text)
            name = printable(file.name)
            write("".join(source_frame(name, lines, fault) for fault in likely).encode("utf-8", "replace"))
        else:
            results.append((file.name, file.page.text, likely))
        found = found or bool(likely)
    if form == "sarif" and not change:
        write(orjson.dumps(sarif(results), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    if found or failed:
        sys.exit(1)


def _mend_file(file: HtmlFile, faults: list[Fault], change: Change) -> list[Fault]:
    """Mends a page, and hands its bytes in the file's charset to `change`. Returns the faults that the file still has.

    A file that cannot be mended or written keeps all its faults, and the error goes to stderr.
    """
    mended = mend(file.page.text, faults, 0.0)
    try:
        body = encode_changed(file.page, file.body, mended.page) if mended.mended else file.body
        done = change(file, body)
    except (OSError, ValueError) as error:
        tell(file.name, error)
        return faults
    what = "mended" if done else "would be mended"
    tqdm.write(f"{printable(file.name)}: {len(mended.mended)} {what}, {len(mended.left)} left", file=sys.stderr)
    return mended.left if done else faults


def _written(file: HtmlFile, body: bytes) -> bool:
    """Writes a page in place of its file, or to stdout where it came from stdin. Returns True: it is mended."""
    if file.name == STDIN_NAME:
        write(body)
    elif body != file.body:
        _replace(Path(file.name).resolve(), body)
    return True


def _diff(file: HtmlFile, body: bytes) -> bool:
    """Prints the difference from a page's file, in the file's charset, UTF-16 and UTF-32 as UTF-8. Returns False."""
    old, new = file.body, body
    if file.page.charset.startswith(WIDE):
        old, new = (decode(data, f"text/html; charset={file.page.charset}").text.encode() for data in (old, new))
    write(file_diff(file.name, old, new))
    return False


def _replace(path: Path, body: bytes) -> None:
    """Writes a file beside the old one, with its permissions, and renames it. A reader never sees half a file."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(body)
        part.chmod(path.stat().st_mode)
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
