"""Labels with a name: which characters are inside a link, a script and so on, by the teacher."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from soupstate.model.page.marks import COLUMN, IGNORED, Block, Syntax
from soupstate.model.train.data.teacher import Marks, teach
from soupstate.model.train.data.tokens import tokens

Label = NDArray[np.uint8]  # (characters,): 1 where it holds, 0 where not, IGNORED where the teacher says neither
Rule = Callable[[str, Marks], Label]

VALUES = (Syntax.VALUE, Syntax.HREF, Syntax.SRC, Syntax.ALT, Syntax.REL, Syntax.BASE)
QUOTES = "\"'"
LONGEST_TITLE = 1000  # characters; of 60 training pages one has a longer title, which has lost its end tag


@dataclass(frozen=True)
class LabelledPage:
    """A page and a label of its characters."""

    html: str
    label: Label


def of_marks(head: str, *classes: int) -> Rule:
    """Returns the rule of a label that holds where a head's mark is one of `classes`."""

    def rule(page: str, marks: Marks) -> Label:
        column = marks[:, COLUMN[head]]
        return np.where(column == IGNORED, IGNORED, np.isin(column, classes)).astype(np.uint8)

    return rule


def of_spans(characters: int, spans: list[tuple[int, int]]) -> Label:
    """Returns the label that holds in spans (start, end), in characters, and nowhere else."""
    label = np.zeros(characters, np.uint8)
    for start, end in spans:
        label[start:end] = 1
    return label


def quoted_values(page: str, marks: Marks) -> Label:
    """Returns where values of attributes stand that have quotes around them. The quotes do not belong to a value."""
    values = (attribute[3:] for token in tokens(page) for attribute in token.attributes)
    return of_spans(len(page), [(start, end) for start, end in values if start > 0 and page[start - 1] in QUOTES])


def titles(page: str, marks: Marks) -> Label:
    """Returns where titles stand. One that has lost its end tag takes the rest of the page: it is not measured."""
    label = of_marks("syntax", Syntax.TITLE)(page, marks)
    return label if np.count_nonzero(label) <= LONGEST_TITLE else np.where(label, IGNORED, 0).astype(np.uint8)


def scripts(page: str, marks: Marks) -> Label:
    """Returns where the contents of `script` stand."""
    found, name = [], ""
    for token in tokens(page):
        if token.kind == "raw" and name == "script":
            found.append((token.start, token.end))
        name = token.name
    return of_spans(len(page), found)


# Of a label of text, such as the one of links, the teacher knows nothing in tags and scripts: these are not measured.
LABELS: dict[str, Rule] = {
    "inside a tag": of_marks("syntax", Syntax.TAG, Syntax.END_TAG, Syntax.ATTRIBUTE, *VALUES),
    "inside an attribute value": of_marks("syntax", *VALUES),
    "inside a quoted attribute value": quoted_values,
    "inside the address of a link": of_marks("syntax", Syntax.HREF),
    "inside a comment": of_marks("syntax", Syntax.COMMENT),
    "inside a script": scripts,
    "inside a title": titles,
    "inside a link": of_marks("link", 1),
    "inside a heading": of_marks("block", *range(Block.H1, Block.H6 + 1)),
    "inside a list item": of_marks("list", *range(1, IGNORED)),
    "inside a table cell": of_marks("cell", *range(1, IGNORED)),
    "inside a block quotation": of_marks("quote", *range(1, IGNORED)),
    "inside preformatted text": of_marks("block", Block.PREFORMATTED),
    "inside strong text": of_marks("strong", 1),
    "inside emphasised text": of_marks("emphasis", 1),
    "inside code": of_marks("code", 1),
}


def rule_of(name: str) -> Rule:
    """Returns the rule of a label. Raises ValueError that lists the known ones."""
    if name not in LABELS:
        raise ValueError(f"{name!r} is no label; known: {', '.join(LABELS)}")
    return LABELS[name]


def labelled(page: str, rule: Rule) -> LabelledPage:
    """Returns a page with its label by a rule."""
    return LabelledPage(page, rule(page, teach(page)))
