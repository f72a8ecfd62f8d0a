"""Scores of answers: the truth from the DOM, and the measures of docs/design.md ("How good is good")."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable
from xml.etree.ElementTree import Element

import html5lib
from markdown_it import MarkdownIt
from selectolax.lexbor import LexborHTMLParser, LexborNode

from soupstate.kernels.words import WORD
from soupstate.model.page.elements import BLOCKS, HEADINGS, LISTS, UNSEEN

HIDDEN = "head,script,style,template,noscript,iframe,svg,[hidden]"
APART = ",".join(sorted({*BLOCKS, *HEADINGS, *LISTS, *"br hr li tr td th pre blockquote table".split()}))

IN_LAYOUT = ",".join(f"td {name}" for name in "table div p ul ol h1 h2 h3 form img pre blockquote".split())

Item = Hashable


def words(text: str | None) -> list[str]:
    """Returns the word tokens of a text."""
    return WORD.findall(text or "")


def squeeze(text: str | None) -> str:
    """Returns a text with white space folded."""
    return " ".join((text or "").split())


def f1(truth: Iterable[Item], got: Iterable[Item]) -> float:
    """Returns F1 of two multisets; 1 when both are empty."""
    t, g = Counter(truth), Counter(got)
    both = sum((t & g).values())
    precision = both / g.total() if g else float(not t)
    recall = both / t.total() if t else 1.0
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def recall(truth: Iterable[Item], got: Iterable[Item]) -> float:
    """Returns the share of a multiset that is in another."""
    t, g = Counter(truth), Counter(got)
    return sum((t & g).values()) / t.total() if t else 1.0


def shingles(tokens: list[str], n: int = 4) -> list[tuple[str, ...]]:
    """Returns all runs of n tokens."""
    return [tuple(tokens[i : i + n]) for i in range(max(1, len(tokens) - n + 1))] if tokens else []


def dom_links(page: str) -> list[tuple[str, str]]:
    """Returns (href, text) of every a[href] in html5lib's tree, which recovers from errors as the standard says."""
    tree = html5lib.parse(page, namespaceHTMLElements=False)
    return [(a.get("href").strip(), squeeze(_inner_text(a))) for a in tree.iter("a") if a.get("href")]


def _inner_text(element: Element) -> str:
    parts = [element.text or ""]
    for child in element:
        if isinstance(child.tag, str) and child.tag not in UNSEEN:
            parts.append(_inner_text(child))
        parts.append(child.tail or "")
    return "".join(parts)


def _shown(page: str) -> LexborHTMLParser:
    tree = LexborHTMLParser(page.removeprefix("\ufeff"))
    for node in tree.css(HIDDEN):
        node.decompose()
    return tree


def dom_text(page: str) -> str:
    """Returns the text of the DOM without hidden elements. Words end at blocks, cells and line breaks."""
    tree = _shown(page)
    _set_apart(tree)
    return tree.body.text() if tree.body else ""


def _set_apart(tree: LexborHTMLParser) -> None:
    """Puts white space where words end, at blocks, cells and line breaks."""
    for node in tree.css(APART):
        node.insert_before(" ")
        node.insert_after(" ")


def dom_items(page: str, *, nested: bool = False) -> dict[str, Counter[Item]]:
    """Returns the typed items of a page that its Markdown should keep, by kind.

    nested: whether items of lists are of two kinds, "top item" and "nested item", with their depth and kind of list.
    """
    return _items(_shown(page), nested=nested)


def markdown_items(markdown: str, *, nested: bool = False) -> dict[str, Counter[Item]]:
    """Returns the typed items of Markdown, rendered by a CommonMark parser with tables, by kind. nested: as above."""
    rendered = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(markdown)
    return _items(LexborHTMLParser(rendered), nested=nested)


def _items(tree: LexborHTMLParser, *, nested: bool) -> dict[str, Counter[Item]]:
    out: dict[str, Counter[Item]] = defaultdict(Counter)
    codes = ("\n".join(line.rstrip() for line in n.text().strip("\n").split("\n")) for n in tree.css("pre"))
    out["code"].update(c for c in codes if c)
    _set_apart(tree)
    for n in tree.css("h1,h2,h3,h4,h5,h6"):
        if squeeze(n.text()):
            out["heading"][n.tag, squeeze(n.text())] += 1
    for n in tree.css("a[href]"):
        if squeeze(n.text()):
            out["link"][_attribute(n, "href"), squeeze(n.text())] += 1
    for n in tree.css("img[src]"):
        out["image"][_source(n), squeeze(n.attributes.get("alt"))] += 1
    texts = {"strong": "strong,b", "emphasis": "em,i", "quote": "blockquote"}
    for kind, selector in texts.items():
        out[kind].update(t for n in tree.css(selector) if (t := squeeze(n.text())))
    for n in tree.css("li"):
        if text := _own_text(n):
            kind, item = _in_lists(n, text) if nested else ("item", text)
            out[kind][item] += 1
    for table in tree.css("table"):
        rows = [tuple(squeeze(c.text()) for c in tr.css("th,td")) for tr in table.css("tr")]
        if table.css_first("th") or _is_data(table, rows):
            out["row"].update(r for r in rows if r and r != ("",))
    return {kind: counter for kind, counter in out.items() if counter}


def _is_data(table: LexborNode, rows: list[tuple[str, ...]]) -> bool:
    """Whether a table without header cells holds data: two rows and columns or more, of one width, without blocks."""
    widths = {len(row) for row in rows}
    return len(rows) > 1 and len(widths) == 1 and min(widths) > 1 and not table.css_first(IN_LAYOUT)


def _in_lists(item: LexborNode, text: str) -> tuple[str, Item]:
    """Returns the kind of an item, and its depth, its kind of list and its text."""
    lists: list[str | None] = []
    node = item.parent
    while node is not None:
        if node.tag in ("ul", "ol"):
            lists.append(node.tag)
        node = node.parent
    return "nested item" if len(lists) > 1 else "top item", (len(lists), lists[0] if lists else None, text)


def _source(image: LexborNode) -> str:
    """Returns an image's address: of one that a script loads later, the one that it loads."""
    source = _attribute(image, "src")
    if not source.startswith("data:"):
        return source
    names = ("data-src", "data-lazy-src")
    return next((found for name in names if name in image.attributes and (found := _attribute(image, name))), source)


def _attribute(node: LexborNode, name: str) -> str:
    return (node.attributes[name] or "").strip()


def _own_text(item: LexborNode) -> str:
    """Returns the text of a list item without that of the lists directly inside it."""
    children = item.iter(include_text=True)
    return squeeze(
        "".join(c.text_content or "" if c.tag == "-text" else c.text() for c in children if c.tag not in ("ul", "ol"))
    )
