"""`soupstate extract`: pages out of files, answers to stdout; and what it shares with `soupstate entropy`."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import orjson
from tqdm import tqdm

from app.answers import EXTRACT_PARTS, Asked, extract
from model.net.checkpoint import DEFAULT, load_checkpoint
from model.net.reader import Reader
from model.page.decode import Decoded, decode

Function = Callable[..., None]

STDIN, STDIN_NAME = "-", "<stdin>"


@dataclass(frozen=True)
class Wanted:
    """The options that the two commands share."""

    files: tuple[str, ...]
    weights: Path
    backend: str | None
    charset: str | None
    include: frozenset[str]
    scope: str = "all"
    url: str | None = None
    detail: str = "characters"


def shared(function: Function) -> Function:
    """The arguments and options that the two commands share."""
    decorators: list[Callable[[Function], Function]] = [
        click.option("--charset", help="Charset of the pages, as an HTTP header would give it; default: found out."),
        click.option("--backend", help="Version of the recurrence; default: $SOUPSTATE_BACKEND, or the fastest."),
        click.option(
            "--weights",
            type=click.Path(path_type=Path),
            default=DEFAULT,
            envvar="SOUPSTATE_WEIGHTS",
            help="Checkpoint to read with; default: $SOUPSTATE_WEIGHTS, or the shipped one.",
        ),
        click.argument("files", nargs=-1, required=True, metavar="FILE|-..."),
    ]
    for decorate in decorators:
        function = decorate(function)
    return function


def included(parts: tuple[str, ...]) -> Callable[[click.Context, click.Parameter, str | None], frozenset[str]]:
    """Reads --include: names of `parts`, split by commas; all where it is not given."""

    def read(ctx: click.Context, param: click.Parameter, value: str | None) -> frozenset[str]:
        chosen = frozenset(parts if value is None else (part.strip() for part in value.split(",")))
        if unknown := sorted(chosen - set(parts)):
            raise click.BadParameter(f"unknown: {', '.join(unknown)}; known: {', '.join(parts)}")
        return chosen

    return read


@click.command("extract")
@click.option("--format", "form", type=click.Choice(["json", "text", "markdown", "links"]), default="json")
@click.option("--include", callback=included(EXTRACT_PARTS), help="Of json: links,text,markdown; default: all.")
@click.option("--url", help="Where the page is from; makes its links absolute.")
@click.option("--scope", type=click.Choice(["all", "main"]), default="all", help="The page, or its main content.")
@shared
def extract_command(
    form: str,
    include: frozenset[str],
    url: str | None,
    scope: str,
    **options: Any,
) -> None:
    """Title, links, text and Markdown of HTML files; - is stdin.

    json: an object a line, with the file's name where there are several. links: address, tab, text.
    """
    chosen = include if form == "json" else frozenset([form])
    wanted = Wanted(include=chosen, scope=scope, url=url, **options)

    for name, _, answer in answers(wanted, extract):
        if form == "json":
            write(json_line(wanted, name, answer))
        elif form == "links":
            write("".join(f"{link['url'] or link['href']}\t{link['text']}\n" for link in answer["links"]).encode())
        else:
            write(f"{answer[form]}\n".encode())


def answers(wanted: Wanted, answerer: Callable[[Reader, Asked], Any]) -> Iterator[tuple[str, Decoded, Any]]:
    """(name, page, answer) of every file; what fails is said on stderr, and makes the exit status 1 at the end."""
    try:
        reader = Reader(load_checkpoint(wanted.weights), wanted.backend)
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from None
    failed = False
    several = len(wanted.files) > 1
    for file in tqdm(wanted.files, unit="page", disable=None if several else True, leave=False):
        name = STDIN_NAME if file == STDIN else file
        try:
            page = _page(file, wanted.charset)
            answer = answerer(reader, Asked(page.text, wanted.url, wanted.include, wanted.scope, wanted.detail))
        except (OSError, ValueError) as error:
            failed = True
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            tqdm.write(f"soupstate: {name}: {reason}", file=sys.stderr)
            continue
        yield name, page, answer
    if failed:
        sys.exit(1)


def json_line(wanted: Wanted, name: str, answer: Any) -> bytes:
    """An answer as a line of JSON, with the file's name where there are several."""
    line: dict[str, Any] = {"file": name} if len(wanted.files) > 1 else {}
    return orjson.dumps(line | answer, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE)


def _page(file: str, charset: str | None) -> Decoded:
    with click.open_file(file, "rb") as stream:
        body = stream.read()
    return decode(body, f"text/html; charset={charset}" if charset else None)


def write(data: bytes) -> None:
    """To stdout, at once."""
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
