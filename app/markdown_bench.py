"""Measures the Markdown of pages, beside other tools: which items of the page's tree come back when it is rendered."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from statistics import mean
from typing import Any

from soupstate.app.answers import Asked, extract
from soupstate.app.peers import installed
from soupstate.model.net.reader import Reader

Convert = Callable[[str], str]  # HTML to Markdown
SCORE = "soupstate.model.train.evaluation.score"  # needs parsers, which only the extra `train` installs
KINDS = ("heading", "top item", "nested item", "link", "image", "strong", "emphasis", "quote", "row", "code")


def _html2text(tool: Any, page: str) -> str:
    converter = tool.HTML2Text()
    converter.body_width = 0  # lines are not wrapped
    return str(converter.handle(page))


def _html_to_markdown(tool: Any, page: str) -> str:
    found = tool.convert(page)
    return found if isinstance(found, str) else str(found.content)


PEERS: dict[str, tuple[str, Callable[[Any, str], str]]] = {  # tool: the module that it needs, and its call
    "html2text": ("html2text", _html2text),
    "markdownify": (
        "markdownify",
        lambda tool, page: tool.markdownify(page, heading_style="ATX", strip=["script", "style"]),
    ),
    "html-to-markdown": ("html_to_markdown", _html_to_markdown),
}


@dataclass(frozen=True)
class Quality:
    """The Markdown of one system. f1: of each kind of KINDS that the pages have, the mean over these pages.

    mean: of the kinds. failed: pages on which the system failed; they count as empty.
    """

    system: str
    pages: int
    f1: dict[str, float]
    mean: float
    failed: int


def qualities(reader: Reader, pages: Iterable[str], tell: Callable[[str], None]) -> list[Quality]:
    """Measures this network and the installed peers. tell: takes a line for each peer that is not installed.

    Raises ModuleNotFoundError where the parsers that find the items are not installed.
    """
    score = import_module(SCORE)
    asked = frozenset({"markdown"})
    systems: dict[str, Convert] = {"soupstate": lambda page: extract(reader, Asked(page, None, asked)).markdown or ""}
    systems |= installed(PEERS, tell)
    found: dict[str, dict[str, list[float]]] = {name: defaultdict(list) for name in systems}
    failed = dict.fromkeys(systems, 0)
    count = 0
    for page in pages:
        count += 1
        truth = score.dom_items(page, nested=True)
        for name, convert in systems.items():
            try:
                markdown = convert(page)
            except Exception:  # a peer may fail on a page
                markdown, failed[name] = "", failed[name] + 1
            got = score.markdown_items(markdown, nested=True)
            for kind, wanted in truth.items():
                found[name][kind].append(score.f1(wanted.elements(), got[kind].elements() if kind in got else ()))
    return [_quality(name, count, kinds, failed[name]) for name, kinds in found.items()]


def _quality(name: str, pages: int, kinds: dict[str, list[float]], failed: int) -> Quality:
    f1 = {kind: mean(kinds[kind]) for kind in KINDS if kinds.get(kind)}
    return Quality(name, pages, f1, mean(f1.values()) if f1 else 0.0, failed)
