"""What weights say of the corrections that they hold."""

import re
from dataclasses import dataclass
from typing import Any

from soupstate.model.net.metadata import exactly, index, shown

MOST = 1_000_000_000
DIGEST = re.compile(r"[0-9a-f]{64}")
DATE = re.compile(r"\d{4}-\d\d-\d\d")
COUNT = re.compile(r"[a-z]{1,20}")


@dataclass(frozen=True)
class Learned:
    """Corrections that weights have learned. digest: of all that stood in the store. date: ISO 8601, of the day.

    used: how many corrections of each kind this file learned. unused: how many of each kind no network learned.
    """

    digest: str
    date: str
    pages: int
    used: dict[str, int]
    unused: dict[str, int]

    @property
    def count(self) -> int:
        """The corrections that were learned."""
        return sum(self.used.values())


def learned_of(key: str, value: Any) -> Learned:
    """Returns what an object of JSON says. Raises ValueError with the key."""
    found = exactly(key, value, ("digest", "date", "pages", "used", "unused"))
    for name, pattern in (("digest", DIGEST), ("date", DATE)):
        if not isinstance(found[name], str) or not pattern.fullmatch(found[name]):
            raise ValueError(f"{key}.{name}: {shown(found[name])}, expected a {name}")
    counts = (_counts(f"{key}.{name}", found[name]) for name in ("used", "unused"))
    return Learned(found["digest"], found["date"], index(f"{key}.pages", found["pages"], MOST), *counts)


def _counts(key: str, value: Any) -> dict[str, int]:
    if not isinstance(value, dict) or not all(COUNT.fullmatch(name) for name in value):
        raise ValueError(f"{key}: {shown(value)}, expected numbers by kind of correction")
    return {name: index(f"{key}.{name}", number, MOST) for name, number in value.items()}
