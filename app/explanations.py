"""The pages of docs/faults/, which the wheel holds: what each kind of fault is, why it matters, and an example."""

from pathlib import Path

import soupstate
from soupstate.model.faults.kinds import KINDS

FOLDER = Path(soupstate.__file__).with_name("faults")  # in a checkout a link to docs/faults
LIST = "README"
COMMAND = "soupstate check --explain"


def explanation(kind: str) -> str:
    """Returns the page of a kind of fault, in Markdown. Raises ValueError for a kind that does not exist."""
    if kind not in KINDS:
        raise ValueError(f"no kind of fault has the name {kind!r}")
    return _read(kind)


def list_of_kinds() -> str:
    """Returns the page that lists the kinds, in Markdown. Its links lead to the file KIND.md of each kind."""
    return _read(LIST)


def _read(name: str) -> str:
    return (FOLDER / f"{name}.md").read_text("utf-8")
