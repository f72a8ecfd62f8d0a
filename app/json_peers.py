"""Other tools that say where a text stops being JSON, or mend it, to measure beside the networks."""

import json
import re
from collections.abc import Callable
from importlib import import_module
from typing import Any

from soupstate.model.page.line_index import LineIndex

# Where a tool says the text is wrong, the first place first; and the text that it would write, if it mends.
Found = tuple[list[int], str | None]
PLACE = re.compile(r":(\d+) .* at column (\d+)", re.S)  # of json5's message


def _json(module: Any, text: str) -> Found:
    try:
        module.loads(text)
    except json.JSONDecodeError as error:
        return [error.pos], None
    return [], None


def _json5(module: Any, text: str) -> Found:
    try:
        module.loads(text)
    except ValueError as error:
        place = PLACE.search(str(error))
        if place is None:  # the end of the text came too early
            return [len(text)], None
        line, column = int(place[1]), int(place[2])
        return [int(LineIndex(text).starts[line - 1]) + column - 1], None
    return [], None


def _tree_sitter(module: Any, text: str) -> Found:
    """Returns where its innermost errors begin and end, and the places of what it takes for missing."""
    tree_sitter = import_module("tree_sitter")
    encoded = text.encode()
    parser = tree_sitter.Parser(tree_sitter.Language(module.language()))
    places, waiting = [], [parser.parse(encoded).root_node]
    while waiting:
        node = waiting.pop()
        inner = [child for child in node.children if child.has_error]
        if (node.is_error and not inner) or node.is_missing:
            ends = dict.fromkeys((node.start_byte, node.end_byte))
            places += [len(encoded[:at].decode("utf-8", "ignore")) for at in ends]
        waiting += reversed(inner)
    return places, None


def _json_repair(module: Any, text: str) -> Found:
    return [], str(module.repair_json(text, ensure_ascii=False))


# By the tool's name: the module that it needs, and its call.
PEERS: dict[str, tuple[str, Callable[[Any, str], Found]]] = {
    "json.loads": ("json", _json),
    "json5": ("json5", _json5),
    "tree-sitter-json": ("tree_sitter_json", _tree_sitter),
    "json-repair": ("json_repair", _json_repair),
}
