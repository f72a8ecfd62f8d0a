"""`soupstate check`: finds the places where pages are broken, reports them, and mends them."""

import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import click
from tqdm import tqdm

from soupstate.app.check_settings import CheckSettings, Exclusion, Format, find_settings, read_settings
from soupstate.app.cli.checking import Checker, Findings
from soupstate.app.cli.files import SUFFIXES, format_in, reading_options, reason_of, tell, write
from soupstate.app.cli.mending import mend_file, print_diff, write_mended
from soupstate.app.cli.options import FiniteRange, refuse
from soupstate.app.cli.page_files import page_files
from soupstate.app.explanations import COMMAND, explanation
from soupstate.app.file_names import printable
from soupstate.app.reports.checked import Checked
from soupstate.app.reports.json import json
from soupstate.app.reports.one_line import github, gnu
from soupstate.app.reports.sarif import sarif
from soupstate.app.reports.text import text
from soupstate.app.reports.xml import checkstyle, junit
from soupstate.model.faults.apply import LIKELY
from soupstate.model.faults.kinds import KINDS

Lines = Callable[[Checked], str]  # of one file, written as soon as it is checked
LINES: dict[str, Lines] = {"gnu": gnu, "github": github}
DOCUMENTS = {"json": json, "sarif": sarif, "junit": junit, "checkstyle": checkstyle}  # of all files


ESCAPE = re.compile(r"\\([<>&*_])")  # of Markdown (CommonMark, section 2.4), which a terminal shows as it is
JSON_TOO = "--format-in json checks JSON"
ALL = "*"  # of --explain without a kind
MORE = f"{COMMAND} KIND says more of a kind of fault"


class Failed(click.ClickException):
    """Ends the command with status 2: nothing was checked, or not all."""

    exit_code = 2


def _settings(ctx: click.Context, param: click.Parameter, value: Path | None) -> CheckSettings:
    """Reads the settings file. Its keys become defaults of the options of the same names."""
    try:
        settings = read_settings(value) if value else find_settings(Path())
    except (OSError, ValueError) as error:
        raise Failed(str(error)) from None
    given = settings.keys.model_dump(exclude_none=True, exclude={"exclude"})
    ctx.default_map = {"form" if name == "format" else name: value for name, value in given.items()}
    return settings


def _explain(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    """Prints the page of a kind of fault, or the kinds, and ends the command."""
    if value is None:
        return
    if value == ALL:
        width = max(map(len, KINDS))
        click.echo("".join(f"{name:{width}}  {kind.title}\n" for name, kind in KINDS.items()), nl=False)
    else:
        try:
            click.echo(ESCAPE.sub(r"\1", explanation(value)), nl=False)
        except ValueError as error:
            raise click.BadParameter(f"{error}; --explain alone lists them") from None
    ctx.exit()


@click.command("check")
@click.option(
    "--explain",
    metavar="[KIND]",
    is_flag=False,
    flag_value=ALL,
    is_eager=True,
    expose_value=False,
    callback=_explain,
    help="Print what a kind of fault is, with an example, and stop; without KIND: list the kinds.",
)
@click.option(
    "--config",
    "settings",
    type=click.Path(path_type=Path),
    callback=_settings,
    is_eager=True,
    help="File with settings; default: the nearest .soupstate.toml, or pyproject.toml with [tool.soupstate.check].",
)
@click.option("--format", "form", type=click.Choice(get_args(Format)), default="text", show_default=True)
@click.option(
    "--threshold",
    type=FiniteRange(0.0, 1.0),
    default=LIKELY,
    show_default=True,
    help="Faults from this probability on count: they are reported or mended, and make the exit status 1.",
)
@click.option("--exclude", multiple=True, metavar="PATTERN", help="Leave out files and folders; may be repeated.")
@click.option("--fix", is_flag=True, help="Write each file in place with the first fix of every fault; - to stdout.")
@click.option("--diff", is_flag=True, help="Write no file; print a unified diff of what --fix would write.")
@click.option("--workers", type=click.IntRange(1), help="Processes; default: one for each processor, or fewer.")
@format_in
@reading_options
def check_command(
    settings: CheckSettings,
    form: str,
    threshold: float,
    exclude: tuple[str, ...],
    fix: bool,
    diff: bool,
    workers: int | None,
    **options: Any,
) -> None:
    """Find the places where files of HTML or JSON are broken, and mend them; - is stdin.

    Folders are searched for files that end in .html, .htm or .xhtml; with --format-in json, in .json, .jsonld, .geojson
    or .webmanifest. Exit status: 0 where no fault was found or all were mended, 1 where faults are left, 2 for a
    failure, such as a file that cannot be read.
    """
    if fix or diff:
        refuse("form", "with --fix or --diff")
    unlisted: list[str] = []

    def failed(error: OSError) -> None:
        tell(str(error.filename), error)
        unlisted.append(str(error.filename))

    exclusions = [*settings.exclusions, *(Exclusion(Path.cwd(), pattern) for pattern in exclude)]
    form_in, passed = options["format_in"], list[str]()
    names = list(page_files(options.pop("files"), exclusions, failed, SUFFIXES[form_in], passed.append))
    if form_in == "html":
        _tell_of_json(names, len(passed))
    checker = Checker(threshold=threshold, mends=fix or diff, **options)
    results = _checked(checker, names, workers)
    change = print_diff if diff else write_mended if fix else None
    results = _mended(results, change) if change else _reported(results, form)
    status = _summed_up(results, bool(unlisted), mends=fix and not diff)
    if status == 1 and form == "text" and not change:
        click.echo(MORE, err=True)
    sys.exit(status)


def _tell_of_json(names: Sequence[str], passed: int) -> None:
    """Says which files of JSON are read as HTML, and how many of them in folders are passed over."""
    for name in names:
        if name.lower().endswith(SUFFIXES["json"]):
            click.echo(f"soupstate: {printable(name)} is read as HTML; {JSON_TOO}", err=True)
    if passed:
        click.echo(f"soupstate: {_number(passed, 'file')} of JSON passed over; {JSON_TOO}", err=True)


def _checked(checker: Checker, names: Sequence[str], workers: int | None) -> Iterator[Findings]:
    """Yields the findings of each file, and tells of failures. Raises Failed."""
    shown = None if len(names) > 1 else True  # None: where stderr is a terminal
    try:
        for found in tqdm(checker.check_all(names, workers), total=len(names), unit="page", disable=shown, leave=False):
            if found.failure:
                tell(found.name, found.failure)
            yield found
    except BrokenProcessPool:
        raise Failed("a process that checked files died; there may be too little memory for --workers") from None
    except (OSError, ValueError) as error:
        raise Failed(reason_of(error)) from None


def _mended(results: Iterator[Findings], change: Callable[..., bool]) -> Iterator[Findings]:
    """Mends each file, and yields the faults that are left. A file that cannot be mended has a failure."""
    for found in results:
        try:
            found = mend_file(found, change)
        except (OSError, ValueError) as error:
            tell(found.name, error)
            found = replace(found, failure=reason_of(error))
        yield found


def _reported(results: Iterator[Findings], form: str) -> Iterator[Findings]:
    """Writes the report to stdout, and yields what it is about."""
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    files: list[Checked] = []
    for found in results:
        checked = Checked(found.name, found.file.page.text if found.file else "", found.faults, found.failure)
        if form == "text":
            write(text(checked, colour=colour).encode("utf-8", "replace"))
        elif form in LINES:
            write(LINES[form](checked).encode("utf-8", "replace"))
        else:
            files.append(checked)
        yield found
    if form in DOCUMENTS:
        write(DOCUMENTS[form](files))


def _summed_up(results: Iterator[Findings], unlisted: bool, *, mends: bool) -> int:
    """Writes the summary to stderr, and returns the exit status."""
    counts = [(len(found.faults), bool(found.failure)) for found in results]
    faults, broken, failed = sum(n for n, _ in counts), sum(n > 0 for n, _ in counts), sum(f for _, f in counts)
    checked = len(counts) - failed
    said = f"checked {_number(checked, 'file')}" if counts or unlisted else "found no file to check"
    if faults:
        said += f": {_number(faults, 'fault')} {'left ' if mends else ''}in {_number(broken, 'file')}"
    elif checked:
        said += ": clean"
    if failed or unlisted:
        said += f"; {_number(failed, 'failure')}"
    click.echo(f"soupstate: {said}", err=True)
    return 2 if failed or unlisted else 1 if faults else 0


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
