"""What commands that read pages share: options, pages read from files, answers written to stdout."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click
import orjson
from tqdm import tqdm

from soupstate.app.answers import Asked
from soupstate.app.cli.options import charset, weights_options
from soupstate.app.file_names import printable
from soupstate.app.reading import load_json_reader, load_reader
from soupstate.model.net.json_reader import JsonReader
from soupstate.model.net.reader import Reader
from soupstate.model.page.decode import Decoded, decode, decode_json
from soupstate.model.page.marks import FORMATS

Function = Callable[..., None]
T = TypeVar("T")

STDIN, STDIN_NAME = "-", "<stdin>"
# Of files of each format.
SUFFIXES = {"html": (".html", ".htm", ".xhtml"), "json": (".json", ".jsonld", ".geojson", ".webmanifest")}


@dataclass(frozen=True)
class HtmlFile:
    """A file of HTML or JSON as it was read. name: its path, or `<stdin>`."""

    name: str
    body: bytes
    page: Decoded


@dataclass(frozen=True)
class Wanted:
    """The options that `extract` and `entropy` share."""

    files: tuple[str, ...]
    weights: Path
    backend: str | None
    charset: str | None
    include: frozenset[str]
    scope: str = "all"
    url: str | None = None
    detail: str = "characters"
    favor: str = "balanced"
    links: str = "inline"
    front_matter: bool = False
    head: tuple[Path, ...] = ()
    start: int = 0
    end: int | None = None
    format_in: str = "html"

    def asked(self, page: Decoded) -> Asked:
        """Returns what is wanted of a page."""
        options = (self.scope, self.detail, self.favor, self.links, self.front_matter)
        known = Asked(page.text, self.url, self.include, *options)
        known = replace(known, charset=page.charset, charset_source=page.source)
        return replace(known, start=self.start, end=self.end, page=self.format_in)


def reading_options(function: Function) -> Function:
    """Adds the arguments and options that the commands share."""
    decorators: list[Callable[[Function], Function]] = [
        click.option(
            "--charset",
            callback=charset,
            help="Charset of the pages, as an HTTP header would give it; default: detected.",
        ),
        weights_options,
        click.argument("files", nargs=-1, required=True, metavar="FILE|-..."),
    ]
    for decorate in decorators:
        function = decorate(function)
    return function


def format_in(function: Function) -> Function:
    """Adds the option that says what the files are. Without it, files that all have names of JSON are JSON."""

    @wraps(function)
    def chosen(*args: Any, files: tuple[str, ...], format_in: str | None, **options: Any) -> None:
        named = "json" if all(file.endswith(SUFFIXES["json"]) for file in files) else "html"
        function(*args, files=files, format_in=format_in or named, **options)

    option = click.option(
        "--format-in",
        type=click.Choice(list(FORMATS)),
        help=f"What the files are. Default: json where all names end in {', '.join(SUFFIXES['json'])}; else html.",
    )
    return option(chosen)


def included(
    parts: tuple[str, ...], more: tuple[str, ...] = ()
) -> Callable[[click.Context, click.Parameter, str | None], frozenset[str]]:
    """Returns a callback that reads --include: names of `parts` and `more`, split by commas; default: `parts`."""

    def read(ctx: click.Context, param: click.Parameter, value: str | None) -> frozenset[str]:
        chosen = frozenset(parts if value is None else (part.strip() for part in value.split(",")))
        if unknown := sorted(chosen - {*parts, *more}):
            raise click.BadParameter(f"unknown: {', '.join(unknown)}; known: {', '.join((*parts, *more))}")
        return chosen

    return read


def answers(
    wanted: Wanted, answerer: Callable[[Reader | JsonReader, Asked], T], failed: list[str]
) -> Iterator[tuple[HtmlFile, T]]:
    """Yields every file with its answer. An error goes to stderr, and the file's name into `failed`."""
    try:
        reader: Reader | JsonReader
        if wanted.format_in == "json":
            reader = load_json_reader(wanted.weights, wanted.backend)
        else:
            reader = load_reader(wanted.weights, wanted.backend, heads=wanted.head)
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from None
    several = len(wanted.files) > 1
    for file in tqdm(wanted.files, unit="page", disable=None if several else True, leave=False):
        name = STDIN_NAME if file == STDIN else file
        try:
            read = read_file(file, wanted.charset, wanted.format_in)
            answer = answerer(reader, wanted.asked(read.page))
        except (OSError, ValueError) as error:
            failed.append(name)
            tell(name, error)
            continue
        yield read, answer


def reason_of(error: OSError | ValueError) -> str:
    """Returns why a file failed, without its name."""
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)


def tell(name: str, error: OSError | ValueError | str) -> None:
    """Says on stderr why a file failed. error: it, or its reason."""
    reason = error if isinstance(error, str) else reason_of(error)
    tqdm.write(f"soupstate: {printable(name)}: {reason}", file=sys.stderr)


def json_line(wanted: Wanted, name: str, answer: dict[str, Any]) -> bytes:
    """Returns an answer as a line of JSON, with the file's name where there are several files."""
    line: dict[str, Any] = {"file": printable(name)} if len(wanted.files) > 1 else {}
    return orjson.dumps(line | answer, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE)


def heading(wanted: Wanted, name: str, *, first: bool) -> str:
    """Returns what stands before the answer of one of several files, as `head` and `tail` have it; "" for one file."""
    return f"{'' if first else chr(10)}==> {printable(name)} <==\n" if len(wanted.files) > 1 else ""


def read_file(file: str, charset: str | None, format_: str = "html") -> HtmlFile:
    """Reads a file, or stdin for `-`, and decodes it as HTML or as JSON.

    Raises OSError, and ValueError for what is no page or no text of JSON.
    """
    with click.open_file(file, "rb") as stream:
        body = stream.read()
    if format_ == "json":
        page = decode_json(body, charset)
    else:
        page = decode(body, f"text/html; charset={charset}" if charset else None)
    return HtmlFile(STDIN_NAME if file == STDIN else file, body, page)


def write(data: bytes) -> None:
    """Writes to stdout at once."""
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
