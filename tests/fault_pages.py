"""The pages of docs/faults/: what each kind of fault is, and what the networks say of the page's example.

python tests/fault_pages.py              # exit status 1 where a page is not what it would write
python tests/fault_pages.py --update     # writes the pages anew; the example of a page stays
"""

import argparse
import re
import sys
from functools import cache
from pathlib import Path

import soupstate
from soupstate.app.cli.file_diff import file_diff
from soupstate.app.reading import load_json_reader
from soupstate.app.reports.checked import in_words
from soupstate.model.faults.apply import LIKELY, apply_fix
from soupstate.model.faults.fault import Fault
from soupstate.model.faults.json_find import find_json_faults
from soupstate.model.faults.kinds import KINDS, Kind
from soupstate.model.net.json_reader import JsonReader

FOLDER = Path(__file__).parents[1] / "docs" / "faults"
INDEX = FOLDER / "README.md"
EXAMPLE = re.compile(r"^```(?:html|json)\n(.*?)^```$", re.S | re.M)


def page_of(kind: str) -> Path:
    """Returns the path of a kind's page."""
    return FOLDER / f"{kind}.md"


def example(kind: str) -> str:
    """Returns the broken page that a kind's page shows."""
    found = EXAMPLE.search(page_of(kind).read_text("utf-8"))
    assert found, f"{page_of(kind)} has no example"
    return found[1]


@cache
def json_reader() -> JsonReader:
    """Loads the shipped network that reads JSON."""
    return load_json_reader()


def found_in(kind: str, html: str) -> Fault:
    """Returns the likeliest fault of this kind that `check` finds in a page."""
    found = find_json_faults(json_reader(), html) if KINDS[kind].of_json else soupstate.check(html)
    faults = [fault for fault in found if fault.kind == kind]
    assert faults, f"the example of {kind} does not give that kind"
    return faults[0]


def made(kind: Kind) -> str:
    """Returns a kind's page, with what the networks say of its example now."""
    html = example(kind.name)
    fault = found_in(kind.name, html)
    origin = "The name is that of the parse error in the" if kind.of_standard else "The rule is in the"
    origin = f"The rule is in [RFC 8259]({kind.url})" if kind.of_json else f"{origin} [HTML standard]({kind.url})"
    form, command = ("json", "soupstate check --format-in json") if kind.of_json else ("html", "soupstate check")
    parts = [
        f"# {kind.name}\n\n{kind.title}. {kind.what_in_markdown}\n",
        f"## Why it matters\n\n{kind.why_in_markdown}\n\n{origin}.\n",
        f"## Example\n\n```{form}\n{html}```\n",
        f"## Fix\n\n`{command}` reports `{fault.line}:{fault.column}: {fault.message}`{_how_likely(fault)}.\n",
    ]
    if fault.fixes:
        fix = fault.fixes[0]
        diff = file_diff(f"page.{form}", html.encode(), apply_fix(html, fix).encode()).decode()
        parts.append(f"The fix: `{in_words(html, fix)}`.\n\n```diff\n{diff}```\n")
    return "\n".join(parts)


def _how_likely(fault: Fault) -> str:
    if fault.probability >= LIKELY:
        return ""
    return f", but only with a `--threshold` below the default of {LIKELY:g}"


def index() -> str:
    """Returns the page that lists the kinds."""
    rows = [f"| [{kind.name}]({kind.name}.md) | {kind.title} |" for kind in KINDS.values()]
    table = "\n".join(["| kind | what it means |", "|---|---|", *rows])
    said = "The field `kind` of a fault is one of these. Where the HTML standard has a name, it is that.\n"
    said += "Names that begin with json are of JSON documents, `soupstate check --format-in json`."
    habit = (
        "Where a page makes a fault of one kind more than twice, or twice in the same words, that is a habit of its\n"
        "author. Of up to eight, a rule then proves the first one with .5; the networks judge the others.\n"
        "In a page with code of templates, tags that do not pair have .45 at most, for the code may write the others."
    )
    return f"# Kinds of fault\n\n{said}\n\n{habit}\n\n{table}\n"


def stale() -> list[Path]:
    """Returns the pages that are not what this script would write."""
    wanted = {page_of(kind.name): made(kind) for kind in KINDS.values()} | {INDEX: index()}
    return [path for path, text in wanted.items() if not path.exists() or path.read_text("utf-8") != text]


def main() -> int:
    """Checks or updates; returns the exit status."""
    assert __doc__
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--update", action="store_true", help="write the pages")
    if parser.parse_args().update:
        for kind in KINDS.values():
            page_of(kind.name).write_text(made(kind), "utf-8")
        INDEX.write_text(index(), "utf-8")
        return 0
    found = stale()
    for path in found:
        print(f"{path.name} is stale: run python tests/fault_pages.py --update", file=sys.stderr)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
