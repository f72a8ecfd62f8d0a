"""The teacher of JSON: reads marks off a document by the grammar of RFC 8259."""

import re

import numpy as np

from soupstate.model.page.marks import FORMATS, JsonSyntax
from soupstate.model.train.data.teacher import DEEPEST_TREE, Marks

JSON = FORMATS["json"]
TOKEN = re.compile(
    r'(?P<string>"(?:[^"\\]|\\.)*+")(?P<key>\s*:)?|(?P<number>-?\d[\d.eE+-]*)|(?P<literal>true|false|null)'
    r"|(?P<open>[{\[])|(?P<close>[}\]])",
    re.S,
)
ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{4}|.)", re.S)


def teach_json(text: str) -> Marks:
    """Returns the marks (len(text), heads) uint8 of a valid document, one row per character.

    Its depth is the number of open objects and arrays; both brackets count as inside. Of a text that is not valid, the
    marks are those of its tokens, and say nothing that is certain.
    """
    marks = np.zeros((len(text), len(JSON.heads)), np.uint8)
    syntax, depth = marks[:, JSON.column["syntax"]], marks[:, JSON.column["depth"]]
    depths, opened = np.zeros(len(text) + 1, np.int32), np.zeros(len(text) + 1, np.int32)
    for m in TOKEN.finditer(text):
        if m["string"]:
            start, end = m.span("string")
            syntax[start:end] = JsonSyntax.KEY if m["key"] else JsonSyntax.STRING
            for escape in ESCAPE.finditer(text, start, end):
                syntax[escape.start() : escape.end()] = JsonSyntax.ESCAPE
        elif m["open"]:
            opened[m.start()] += 1
        elif m["close"]:
            opened[m.end()] -= 1
        else:
            syntax[m.start() : m.end()] = JsonSyntax.NUMBER if m["number"] else JsonSyntax.LITERAL
    depths = np.cumsum(opened)[: len(text)]
    depth[:] = np.clip(depths, 0, DEEPEST_TREE)
    return marks
