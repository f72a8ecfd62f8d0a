"""Other tools to measure beside this network, those that are installed."""

from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from typing import Any, TypeVar

T = TypeVar("T")


def installed(
    peers: Mapping[str, tuple[str, Callable[[Any, str], T]]], tell: Callable[[str], None]
) -> dict[str, Callable[[str], T]]:
    """Returns what to call with a page, by the tool's name. peers: by name, the module that it needs, and its call.

    tell: takes a line for each peer that is not installed. The call gets the module and the page.
    """
    found: dict[str, Callable[[str], T]] = {}
    for name, (module, call) in peers.items():
        try:
            found[name] = partial(call, import_module(module))
        except ModuleNotFoundError:
            tell(f"{name} is not installed")
    return found
