"""`soupstate extract` and `soupstate entropy`: pages out of files, answers to stdout."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import orjson
from tqdm import tqdm

from app.answers import ENTROPY_PARTS, EXTRACT_PARTS, Asked, Extraction, Measurement, extract, measure
from model.net.checkpoint import DEFAULT, load_checkpoint
from model.net.reader import Reader
from model.page.decode import decode

Answer = Extraction | Measurement
Function = Callable[..., None]

STDIN = "-"


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

    def show(name: str, answer: Any) -> str:
        if form == "links":
            return "".join(f"{link['url'] or link['href']}\t{link['text']}\n" for link in answer["links"])
        return f"{answer[form]}\n"

    _run(wanted, extract, None if form == "json" else show)


@click.command("entropy")
@click.option("--format", "form", type=click.Choice(["json", "text"]), default="json")
@click.option("--include", callback=included(ENTROPY_PARTS), help=f"Of json: {','.join(ENTROPY_PARTS)}; default: all.")
@shared
def entropy_command(form: str, include: frozenset[str], **options: Any) -> None:
    """Surprisal, entropy and depth of every character of HTML files, and their faults; - is stdin.

    json: an object a line, with the file's name where there are several. text: file:line:column: message, a fault a
    line, the most suspicious first.
    """
    wanted = Wanted(include=include if form == "json" else frozenset(["faults"]), **options)

    def show(name: str, answer: Any) -> str:
        return "".join(f"{name}:{f['line']}:{f['column']}: {f['message']}\n" for f in answer["faults"])

    _run(wanted, measure, None if form == "json" else show)


def _run(
    wanted: Wanted, answerer: Callable[[Reader, Asked], Answer], show: Callable[[str, Answer], str] | None
) -> None:
    """Answers for every file; what fails is said on stderr, and makes the exit status 1."""
    try:
        reader = Reader(load_checkpoint(wanted.weights), wanted.backend)
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from None
    failed = False
    several = len(wanted.files) > 1
    for file in tqdm(wanted.files, unit="page", disable=None if several else True, leave=False):
        name = "<stdin>" if file == STDIN else file
        try:
            answer = answerer(reader, Asked(_page(file, wanted.charset), wanted.url, wanted.include, wanted.scope))
        except (OSError, ValueError) as error:
            failed = True
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            tqdm.write(f"soupstate: {name}: {reason}", file=sys.stderr)
            continue
        if show:
            _write(show(name, answer).encode("utf-8", "replace"))
        else:
            line: dict[str, Any] = {"file": name} if several else {}
            _write(orjson.dumps(line | answer, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE))
    if failed:
        sys.exit(1)


def _page(file: str, charset: str | None) -> str:
    with click.open_file(file, "rb") as stream:
        body = stream.read()
    return decode(body, f"text/html; charset={charset}" if charset else None).text


def _write(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
