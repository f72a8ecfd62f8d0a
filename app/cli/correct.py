"""`soupstate correct`: keeps what people say is right, lists it, and takes it back."""

import sys
from pathlib import Path

import click

from soupstate.app.cli.files import STDIN, STDIN_NAME, tell, write
from soupstate.app.correction_lines import BadLine, Line, read_lines, write_line
from soupstate.app.file_names import printable
from soupstate.model.corrections.correction import compact, written
from soupstate.model.corrections.store import BadStore, Contradiction, Store


@click.command("correct")
@click.argument("files", nargs=-1, metavar="[FILE|-...]")
@click.option(
    "--store",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="File that keeps the corrections, such as corrections.db. It is made where there is none.",
)
@click.option("--list", "listed", is_flag=True, help="Print what the store holds, as the same lines.")
@click.option("--remove", multiple=True, metavar="DIGEST", help="Remove a page and its corrections; may be repeated.")
def correct_command(files: tuple[str, ...], path: Path, *, listed: bool, remove: tuple[str, ...]) -> None:
    """Add corrections of answers to a store, one JSON object a line.

    \b
    {"html": "<p>...", "kind": "main", "right": {"text": "What the page is about."}}
    {"warc": "crawl.warc.gz", "offset": 4711, "kind": "link", "start": 120, "end": 131, "right": false}

    docs/corrections.md has all kinds. A file with a line that cannot be used is left out as a whole. Of corrections
    that contradict each other the later one stands. --list and --remove take no files.
    """
    if bool(files) + listed + bool(remove) != 1:
        raise click.UsageError("give files, --list or --remove, and one of these alone")
    try:
        with Store(path, create=bool(files)) as store:
            if listed:
                for corrected in store.all():
                    write(write_line(corrected))
                return
            failed = [digest for digest in remove if not _removed(store, digest)]
            failed += [file for file in files if not _added(store, file)]
    except BadStore as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        reason = f"{path}: {error.strerror}" if error.strerror else str(error)
        raise click.ClickException(reason) from None
    sys.exit(1 if failed else 0)


def _removed(store: Store, digest: str) -> bool:
    """Removes a page. Returns whether it was there, and says so."""
    number = store.remove(digest)
    if number:
        click.echo(f"{digest}: the page and {_counted(number)} of it removed")
    else:
        tell(digest, "the store has no page with this digest; --list shows the digests")
    return bool(number)


def _added(store: Store, file: str) -> bool:
    """Adds the corrections of a file, and says what came of them. Returns whether it could."""
    name = STDIN_NAME if file == STDIN else file
    try:
        with click.open_file(file, "rb") as stream:
            lines = read_lines(stream, Path() if file == STDIN else Path(file).parent)
    except BadLine as error:
        tell(name, f"{error}; nothing of this file was stored")
        return False
    except OSError as error:
        tell(name, error)
        return False
    added = store.add([line.corrected for line in lines])
    contradictions = len(added.contradictions)
    click.echo(f"{printable(name)}: {added.new} new, {added.merged} merged, {contradictions} contradictory")
    for each in added.contradictions:
        click.echo(_contradiction(printable(name), lines, each))
    return True


def _counted(number: int) -> str:
    return "1 correction" if number == 1 else f"{number} corrections"


def _contradiction(name: str, lines: list[Line], each: Contradiction) -> str:
    """Returns a contradiction in words."""
    before, now = (_short(compact(written(correction))) for correction in (each.before, each.now))
    return f"{name}: line {lines[each.index].number}: stands now: {now}; stood before: {before}"


def _short(text: str, most: int = 120) -> str:
    return text if len(text) <= most else text[: most - 1] + "\u2026"
