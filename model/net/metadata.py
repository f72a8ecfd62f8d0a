"""The metadata of a checkpoint: texts by their keys, most of them JSON. Functions raise ValueError with the key."""

import json
from collections.abc import Mapping
from typing import Any, TypeVar

T = TypeVar("T")

SHOWN = 200  # characters of a value that a message shows
LARGEST = 1e9  # magnitude of a number; those of the shipped rankings are below 30
KINDS: dict[type, str] = {dict: "an object", list: "a list"}


def text(meta: Mapping[str, str], key: str) -> str:
    """Returns a text that can be printed in one line."""
    if key not in meta:
        raise ValueError(f"missing metadata {key}")
    if not meta[key] or len(meta[key]) > SHOWN or not meta[key].isprintable():
        raise ValueError(f"{key}: {shown(meta[key])}, expected 1 to {SHOWN} printable characters")
    return meta[key]


def whole(meta: Mapping[str, str], key: str, most: int) -> int:
    """Returns a whole number from 0 to `most`, written in decimal digits."""
    value = text(meta, key)
    if not (value.isascii() and value.isdecimal() and int(value) <= most):
        raise ValueError(f"{key}: {shown(value)}, expected a whole number from 0 to {most}")
    return int(value)


def decoded(meta: Mapping[str, str], key: str, kind: type[T]) -> T:
    """Returns the value of JSON, which must be of this type."""
    if key not in meta:
        raise ValueError(f"missing metadata {key}")
    try:
        value = json.loads(meta[key])
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{key}: not JSON: {error}") from None
    if not isinstance(value, kind):
        raise ValueError(f"{key}: {shown(meta[key])}, expected {KINDS[kind]}")
    return value


def exactly(key: str, value: Any, names: tuple[str, ...]) -> dict[str, Any]:
    """Returns an object of JSON that has these names and no others."""
    if not isinstance(value, dict) or set(value) != set(names):
        raise ValueError(f"{key}: {shown(value)}, expected an object with {', '.join(names)}")
    return value


def number(key: str, value: Any) -> float:
    """Returns a number of JSON, which must be finite and at most LARGEST."""
    if type(value) not in (int, float) or not abs(value) <= LARGEST:
        raise ValueError(f"{key}: {shown(value)}, expected a finite number")
    return float(value)


def index(key: str, value: Any, most: int) -> int:
    """Returns a whole number of JSON from 0 to `most`."""
    if type(value) is not int or not 0 <= value <= most:
        raise ValueError(f"{key}: {shown(value)}, expected a whole number from 0 to {most}")
    return int(value)


def shown(value: Any) -> str:
    """Returns a value for a message, at most SHOWN characters of it."""
    return repr(value[:SHOWN] if isinstance(value, str) else value)[:SHOWN]
