"""The parts of the docs that are made: tables from the code, and what the README's example prints.

python tests/readme.py              # exit status 1 where a page is not what it would write
python tests/readme.py --update     # writes the pages
"""

import argparse
import re
import sys
import tempfile
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

from click.testing import CliRunner

from soupstate.app.cli.main import COMMANDS, soupstate
from soupstate.app.http.settings import PREFIX, Settings
from soupstate.app.rows import COLUMNS
from soupstate.model.corrections.checks import MARKS, NAMED
from soupstate.model.net.checkpoint import DEFAULT

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"


def section(text: str, name: str) -> str:
    """Returns what stands between the comments that begin and end a section."""
    found = re.search(rf"<!-- {name}: begin -->\n(.*?)<!-- {name}: end -->", text, re.S)
    assert found, f"no section {name}"
    return found[1]


def fenced(text: str, name: str) -> str:
    """Returns the one code block of a section."""
    lines = section(text, name).splitlines(keepends=True)
    assert lines[0].startswith("```") and lines[-1] == "```\n"
    return "".join(lines[1:-1])


def commands() -> str:
    """Returns a row for each command, as `soupstate --help` lists them."""
    named = ((name, text, f"`{extra}`" if extra else "") for name, (text, extra) in COMMANDS.items())
    rows = [f"| `soupstate {name}` | {text} | {extra} |" for name, text, extra in named]
    return "\n".join(["| command | what it does | extra |", "|---|---|---|", *rows]) + "\n"


def settings() -> str:
    """Returns a row for each setting of the table in app/http/settings.py."""
    rows = []
    for setting in fields(Settings):
        default = f"`{setting.default}`" if setting.default not in ("", ()) else ""
        default = "the shipped ones" if setting.name == "weights" else default
        option, variable = setting.name.replace("_", "-"), PREFIX + setting.name.upper()
        rows.append(f"| `--{option}` | `{variable}` | {default} | {setting.metadata['help']} |")
    return "\n".join(["| option | variable | default | what it is |", "|---|---|---|---|", *rows]) + "\n"


def columns() -> str:
    """Returns a row for each column that `soupstate warc` writes."""
    rows = [f"| `{c.name}` | {c.metadata['kind']} | {c.metadata['help']} |" for c in COLUMNS]
    return "\n".join(["| column | type | what it is |", "|---|---|---|", *rows]) + "\n"


def classes() -> str:
    """Returns a row for each head that has classes, with what a correction may say of it."""
    rows = []
    for mark, number in MARKS.items():
        names = [f"`{kind.name.lower()}`" for kind in NAMED[mark]] if mark in NAMED else [f"0 to {number - 1}"]
        rows.append(f"| `{mark}` | {', '.join(names)} |")
    return "\n".join(["| `mark` | `right` |", "|---|---|", *rows]) + "\n"


def extract() -> str:
    """Returns what the README's first command prints."""
    return f"```markdown\n{_run('extract', '--format', 'markdown', '--url', 'https://example.org/')}```\n"


def check() -> str:
    """Returns what the README's second command prints."""
    return f"```\n{_run('check', status=1)}```\n"


# Section: the page that it stands on, and what makes it.
SECTIONS: dict[str, tuple[Path, Callable[[], str]]] = {
    "commands": (ROOT / "docs" / "command-line.md", commands),
    "settings": (ROOT / "docs" / "settings.md", settings),
    "columns": (ROOT / "docs" / "crawl.md", columns),
    "classes": (ROOT / "docs" / "corrections.md", classes),
    "extract": (README, extract),
    "check": (README, check),
}


def _run(command: str, *options: str, status: int = 0) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "page.html"
        path.write_text(fenced(README.read_text("utf-8"), "page"), "utf-8")
        done = CliRunner().invoke(soupstate, [command, "--weights", str(DEFAULT), *options, str(path)])
        assert done.exit_code == status, done.output
        return done.stdout.replace(str(path), path.name)


def is_current(name: str) -> bool:
    """Whether a section is what the code makes."""
    page, make = SECTIONS[name]
    return section(page.read_text("utf-8"), name) == make()


def update(name: str) -> None:
    """Writes a section anew."""
    page, make = SECTIONS[name]
    head, begin, rest = page.read_text("utf-8").partition(f"<!-- {name}: begin -->\n")
    _, end, tail = rest.partition(f"<!-- {name}: end -->")
    page.write_text(head + begin + make() + end + tail, "utf-8")


def main() -> int:
    """Checks or updates; returns the exit status."""
    assert __doc__
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--update", action="store_true", help="write the pages")
    writes = parser.parse_args().update
    stale = [name for name in SECTIONS if not is_current(name)]
    for name in stale:
        if writes:
            update(name)
        else:
            print(f"{SECTIONS[name][0].name}: {name} is stale: run python tests/readme.py --update", file=sys.stderr)
    return int(bool(stale) and not writes)


if __name__ == "__main__":
    sys.exit(main())
