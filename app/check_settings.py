"""Settings of `soupstate check` and of the language server, from a project's pyproject.toml or .soupstate.toml."""

import tomllib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from soupstate.app.wrong_values import wrong_value

OWN, PROJECT = ".soupstate.toml", "pyproject.toml"
TABLES = {OWN: ("check",), PROJECT: ("tool", "soupstate", "check")}
Format = Literal["text", "json", "sarif", "github", "gnu", "junit", "checkstyle"]


class CheckKeys(BaseModel):
    """The keys that a settings file may have. A key that is None was not given."""

    model_config = ConfigDict(extra="forbid", strict=True)
    threshold: Annotated[float, Field(ge=0, le=1)] | None = None
    exclude: list[str] = []
    format: Format | None = None
    workers: Annotated[int, Field(ge=1)] | None = None


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A pattern of files and folders that are not checked, relative to `root`, as fnmatch reads it.

    >>> Exclusion(Path("/site"), "drafts").matches(Path("/site/en/drafts/tea.html"))
    True
    """

    root: Path
    pattern: str

    def matches(self, path: Path) -> bool:
        """Returns whether a path (absolute), or a folder that it is in, has this name or this path below the root."""
        if not path.is_relative_to(self.root):
            return False
        below = path.relative_to(self.root)
        pattern = self.pattern.rstrip("/").removeprefix("./")
        return any(
            fnmatchcase(part.name, pattern) or fnmatchcase(part.as_posix(), pattern)
            for part in (below, *below.parents[:-1])
        )


@dataclass(frozen=True, slots=True)
class CheckSettings:
    """The keys of a settings file, and the folder that it lies in."""

    keys: CheckKeys
    root: Path

    @property
    def exclusions(self) -> list[Exclusion]:
        """The patterns of `exclude`, relative to the file's folder."""
        return [Exclusion(self.root, pattern) for pattern in self.keys.exclude]


def find_settings(folder: Path) -> CheckSettings:
    """Returns the settings of the nearest folder, from this one upwards, that has a file with some; else defaults.

    `.soupstate.toml` goes before `pyproject.toml`. Raises ValueError as `read_settings` does, and OSError.
    """
    folder = folder.absolute()
    for place in (folder, *folder.parents):
        for name in TABLES:
            if (place / name).is_file() and (found := _table(place / name)) is not None:
                return _settings(place / name, found)
    return CheckSettings(CheckKeys(), folder)


def read_settings(path: Path) -> CheckSettings:
    """Returns the settings of a file. Raises OSError, and ValueError that names the file and the key that is wrong."""
    return _settings(path, _table(path) or {})


def _table(path: Path) -> dict[str, Any] | None:
    """Returns the file's table for the checks; None where a pyproject.toml has no table of ours."""
    try:
        found: Any = tomllib.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    ours = path.name != PROJECT
    if ours and (unknown := sorted(set(found) - {*TABLES[OWN]})):
        raise ValueError(f"{path}: {unknown[0]}: unknown table; known: {', '.join(TABLES[OWN])}")
    for name in TABLES[OWN] if ours else TABLES[PROJECT]:
        if name not in found:
            return {} if ours else None
        found = found[name]
        if not isinstance(found, dict):
            raise ValueError(f"{path}: {name} is no table")
    return dict(found)


def _settings(path: Path, table: dict[str, Any]) -> CheckSettings:
    try:
        keys = CheckKeys.model_validate(table)
    except ValidationError as error:
        key, reason = wrong_value(error)
        if key not in CheckKeys.model_fields:
            reason = f"{key}: unknown key; known: {', '.join(CheckKeys.model_fields)}"
        raise ValueError(f"{path}: {reason}") from None
    return CheckSettings(keys, path.absolute().parent)
