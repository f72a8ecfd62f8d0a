"""`soupstate correct`: keeps what people say is right, lists it, and takes it back."""

import sys
from contextlib import ExitStack
from pathlib import Path

import click

from soupstate.app.cli.files import STDIN, STDIN_NAME, tell, write
from soupstate.app.correction_lines import BadLine, Line, read_lines, write_line
from soupstate.app.file_names import printable
from soupstate.app.words import counted
from soupstate.model.corrections.correction import compact, target, written
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
        failed = _add_all(path, files) if files else _look(path, remove)
    except BrokenPipeError:  # nobody reads on
        raise
    except BadStore as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        reason = f"{path}: {error.strerror}" if error.strerror else str(error)
        raise click.ClickException(reason) from None
    sys.exit(1 if failed else 0)


def _look(path: Path, remove: tuple[str, ...]) -> list[str]:
    """Removes pages, or lists all corrections where there are none to remove. Returns the pages that are not there."""
    with Store(path) as store:
        if not remove:
            _list(store)
        return [digest for digest in remove if not _removed(store, digest)]


def _list(store: Store) -> None:
    """Prints all corrections, and says on stderr which of them no longer stand."""
    lines: dict[tuple[str, str], list[int]] = {}
    for number, corrected in enumerate(store.all(), 1):
        write(write_line(corrected))
        lines.setdefault((corrected.digest, target(corrected.correction)), []).append(number)
    for same in lines.values():
        for number in same[:-1]:
            click.echo(f"soupstate: line {number} no longer stands: line {same[-1]} says otherwise", err=True)


def _add_all(path: Path, files: tuple[str, ...]) -> list[str]:
    """Adds the corrections of files, of which the first good one makes the store. Returns those that cannot be used."""
    failed: list[str] = []
    with ExitStack() as stack:
        store = stack.enter_context(Store(path, create=True)) if path.exists() else None
        for file in files:
            lines = _read(file)
            if lines is None:
                failed.append(file)
                continue
            store = store or stack.enter_context(Store(path, create=True))
            _add(store, file, lines)
    return failed


def _removed(store: Store, digest: str) -> bool:
    """Removes a page. Returns whether it was there, and says so."""
    number = store.remove(digest)
    if number:
        click.echo(f"{digest}: the page and {counted(number, 'correction')} of it removed")
    else:
        tell(digest, "the store has no page with this digest; --list shows the digests")
    return bool(number)


def _read(file: str) -> list[Line] | None:
    """Returns the lines of a file. Says what is wrong, and returns None, where it cannot be used."""
    try:
        with click.open_file(file, "rb") as stream:
            return read_lines(stream, Path() if file == STDIN else Path(file).parent)
    except BadLine as error:
        tell(_name(file), f"{error}; nothing of this file was stored")
    except OSError as error:
        tell(_name(file), error)
    return None


def _add(store: Store, file: str, lines: list[Line]) -> None:
    """Adds the corrections of a file, and says what came of them."""
    name = printable(_name(file))
    added = store.add([line.corrected for line in lines])
    click.echo(f"{name}: {added.new} new, {added.merged} merged, {len(added.contradictions)} contradictory")
    for each in added.contradictions:
        click.echo(_contradiction(name, lines, each))


def _name(file: str) -> str:
    return STDIN_NAME if file == STDIN else file


def _contradiction(name: str, lines: list[Line], each: Contradiction) -> str:
    """Returns a contradiction in words."""
    before, now = (_short(compact(written(correction))) for correction in (each.before, each.now))
    return f"{name}: line {lines[each.index].number}: stands now: {now}; stood before: {before}"


def _short(text: str, most: int = 120) -> str:
    return text if len(text) <= most else text[: most - 1] + "\u2026"
