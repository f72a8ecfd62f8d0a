"""`soupstate entropy`: how surprising pages are, and where they are broken."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
import orjson
from tqdm import tqdm

from app.answers import DETAILS, ENTROPY_PARTS, measure
from app.fault_formats import sarif, shown
from app.reading import STDIN_NAME, Wanted, answers, included, json_line, shared, write
from model.page.decode import Decoded, encode
from model.page.places import Places

THRESHOLD = 0.5
APART = 96  # characters between two fixes: what seems wrong near a fault may be its doing


@click.command("entropy")
@click.option("--format", "form", type=click.Choice(["json", "text", "sarif"]), default="json")
@click.option("--include", callback=included(ENTROPY_PARTS), help=f"Of json: {','.join(ENTROPY_PARTS)}; default: all.")
@click.option(
    "--detail", type=click.Choice(DETAILS), default="characters", help="Of json: what arrays have a number for."
)
@click.option(
    "--threshold",
    type=click.FloatRange(0.0, 1.0),
    default=THRESHOLD,
    show_default=True,
    help="Probability from which a fault is shown as text and SARIF, mended, and makes the exit status 1.",
)
@click.option("--fix", is_flag=True, help="Write the files with the first fix of every such fault; - to stdout.")
@shared
def entropy_command(
    form: str, include: frozenset[str], detail: str, threshold: float, fix: bool, **options: Any
) -> None:
    """Surprisal, entropy and depth of every character of HTML files, and their faults; - is stdin.

    json: an object a line, with the file's name where there are several. text: file:line:column: what is wrong, the
    line and the fix, the most suspicious first. sarif: SARIF 2.1.0, for editors and code hosts. Exit status 1: a fault
    was found and not mended, or a file could not be read.
    """
    parts = include if form == "json" and not fix else include | {"faults"}
    wanted = Wanted(include=parts, detail=detail if form == "json" else "none", **options)
    found, results = False, []
    for name, page, answer in answers(wanted, measure):
        likely = [f for f in answer.get("faults", ()) if f["probability"] >= threshold]
        if fix:
            likely = _mended(name, page, likely)
        elif form == "json":
            write(json_line(wanted, name, answer))
        elif form == "text":
            places = Places(page.text)
            write("".join(shown(name, places, fault) for fault in likely).encode("utf-8", "replace"))
        else:
            results.append((name, page.text, likely))
        found = found or bool(likely)
    if form == "sarif" and not fix:
        write(orjson.dumps(sarif(results), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    if found:
        sys.exit(1)


def mend(page: str, faults: Iterable[dict[str, Any]]) -> tuple[str, list[dict[str, Any]]]:
    """The page with each fault's first fix, and the faults that were left: without a fix, or near another."""
    taken: list[dict[str, Any]] = []
    left = []
    for fault in faults:
        fix = fault["fixes"][0] if fault["fixes"] else None
        if fix is None or any(fix["start"] <= t["end"] + APART and t["start"] <= fix["end"] + APART for t in taken):
            left.append(fault)
        else:
            taken.append(fix)
    for fix in sorted(taken, key=lambda t: -t["start"]):
        page = page[: fix["start"]] + fix["replacement"] + page[fix["end"] :]
    return page, left


def _mended(name: str, page: Decoded, faults: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Writes the mended page in the place of the file, in its charset; returns the faults that were left."""
    text, left = mend(page.text, faults)
    try:
        body = encode(text, page.charset)
        if name == STDIN_NAME:
            write(body)
        elif text != page.text:
            _replace(Path(name), encode(page.text, page.charset), body)
    except (OSError, ValueError) as error:
        raise click.ClickException(f"{name}: not mended: {error}") from None
    tqdm.write(f"{name}: {len(faults) - len(left)} mended, {len(left)} left", file=sys.stderr)
    return left


def _replace(path: Path, before: bytes, after: bytes) -> None:
    """Raises ValueError where the file is not `before`: bytes that its charset lacks would be lost."""
    if path.read_bytes() != before:
        raise ValueError("it has bytes that are in no charset, which would be lost")
    part = path.with_name(path.name + ".part")
    part.write_bytes(after)
    part.chmod(path.stat().st_mode)
    part.replace(path)
