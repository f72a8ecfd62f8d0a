"""The parts of the README that are made: tables out of the code, the example out of the shipped weights.

python tests/readme.py              # status 1 where the README is not what it would write
python tests/readme.py --update     # writes it
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
from soupstate.model.net.checkpoint import DEFAULT

README = Path(__file__).parents[1] / "README.md"


def section(text: str, name: str) -> str:
    """What stands between the comments that begin and end a section."""
    found = re.search(rf"<!-- {name}: begin -->\n(.*?)<!-- {name}: end -->", text, re.S)
    assert found, f"no section {name}"
    return found[1]


def fenced(text: str, name: str) -> str:
    """The one code block of a section."""
    lines = section(text, name).splitlines(keepends=True)
    assert lines[0].startswith("```") and lines[-1] == "```\n"
    return "".join(lines[1:-1])


def commands(text: str) -> str:
    """A row for each command, as `soupstate --help` lists them."""
    rows = [f"| `soupstate {name}` | {row[0]} | {f'`{row[1]}`' if row[1] else ''} |" for name, row in COMMANDS.items()]
    return "\n".join(["| command | what it does | extra |", "|---|---|---|", *rows]) + "\n"


def settings(text: str) -> str:
    """A row for each setting of the table in app/settings.py."""
    rows = []
    for setting in fields(Settings):
        default = f"`{setting.default}`" if setting.default != "" else ""
        default = "the shipped ones" if setting.name == "weights" else default
        option, variable = setting.name.replace("_", "-"), PREFIX + setting.name.upper()
        rows.append(f"| `--{option}` | `{variable}` | {default} | {setting.metadata['help']} |")
    return "\n".join(["| option | variable | default | what it is |", "|---|---|---|---|", *rows]) + "\n"


def columns(text: str) -> str:
    """A row for each column of what `soupstate warc` writes."""
    rows = [f"| `{c.name}` | {c.metadata['kind']} | {c.metadata['help']} |" for c in COLUMNS]
    return "\n".join(["| column | type | what it is |", "|---|---|---|", *rows]) + "\n"


def extract(text: str) -> str:
    """What the example prints."""
    printed = _run(text, "extract", "--format", "markdown", "--url", "https://example.org/")
    return f"```markdown\n{printed}```\n"


def entropy(text: str) -> str:
    """The faults of the example."""
    return f"```\n{_run(text, 'entropy', '--format', 'text', status=1)}```\n"


SECTIONS: dict[str, Callable[[str], str]] = {
    "commands": commands, "settings": settings, "columns": columns, "extract": extract, "entropy": entropy,
}  # fmt: skip


def _run(text: str, command: str, *options: str, status: int = 0) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "page.html"
        path.write_text(fenced(text, "page"), "utf-8")
        done = CliRunner().invoke(soupstate, [command, "--weights", str(DEFAULT), *options, str(path)])
        assert done.exit_code == status, done.output
        return done.stdout.replace(str(path), path.name)


def current(text: str, names: tuple[str, ...] = tuple(SECTIONS)) -> str:
    """The README with its made sections made anew."""
    for name in names:
        head, begin, rest = text.partition(f"<!-- {name}: begin -->\n")
        _, end, tail = rest.partition(f"<!-- {name}: end -->")
        text = head + begin + SECTIONS[name](text) + end + tail
    return text


def main() -> int:
    """Checks or updates; the status."""
    assert __doc__
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--update", action="store_true", help="write the README")
    update = parser.parse_args().update
    text = README.read_text("utf-8")
    wanted = current(text)
    if text == wanted:
        return 0
    if update:
        README.write_text(wanted, "utf-8")
        return 0
    print("README.md is not current: run python tests/readme.py --update", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
