"""Made pages, from a grammar of HTML. They show what real pages rarely show: deep lists, quotes in quotes, tiny pages.

Each page draws its author's habits, then its shape, then blocks until it has reached its size. A made page is healthy:
its nesting is what a parser sees. `soupstate.model.train.data.damage` breaks pages.
"""

import re
from collections.abc import Callable
from random import Random

import numpy as np

from soupstate.model.train.data.made.blocks import any_list, block, flow, heading, menu, opening, paragraph, section
from soupstate.model.train.data.made.inline import comment_words, inline, picture_url, url
from soupstate.model.train.data.made.parts import listing, script, sheet, unseen
from soupstate.model.train.data.made.pen import Attribute, Pen, Texts, draw_habits

__all__ = ["Texts", "made_page"]

SMALLEST_PAGE = 30  # bytes
LARGEST_ROOM = 9000  # bytes after which no new block begins; the last block may end, and the footer follows
MEDIAN_ROOM = 3200  # bytes
HTML5 = ("<!DOCTYPE html>", "<!DOCTYPE html>", "<!doctype html>", "<!Doctype HTML>")
XHTML = (
    '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" '
    '"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">',
    '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN"\n "http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd">',
)
HTML4 = (
    '<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01 Transitional//EN" "http://www.w3.org/TR/html4/loose.dtd">',
    '<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01//EN">',
    '<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 3.2 Final//EN">',
)
LANGUAGES = ("en", "en-US", "de", "fr-FR", "es", "zh-CN", "ja", "pt-br")

# What must follow an end tag that the author omits. Inner elements come first, because they look for outer end tags.
# A p before a table keeps its end tag, because without a doctype a table does not close it.
_AFTER_P = """address article aside blockquote center details div dl fieldset figure footer form h[1-6] header hr main
nav ol p pre section ul""".split()
_PARENTS_OF_P = """article aside blockquote body center dd details div fieldset figure footer form header li main nav
section td th""".split()
FOLLOWERS = {
    "p": f"<(?:{'|'.join(_AFTER_P)})\\b|</(?:{'|'.join(_PARENTS_OF_P)})\\b",
    "li": "<li\\b|</(?:ul|ol|menu)\\b",
    "dt": "<d[td]\\b",
    "dd": "<d[td]\\b|</(?:dl|div)\\b",
    "td": "<t[dh]\\b|</tr\\b",
    "th": "<t[dh]\\b|</tr\\b",
    "tr": "<tr\\b|</(?:table|tbody|thead|tfoot)\\b",
    "thead": "<(?:tbody|tfoot)\\b",
    "tbody": "<(?:tbody|tfoot)\\b|</table\\b",
    "option": "<(?:option|optgroup)\\b|</(?:select|optgroup)\\b",
    "head": "<body\\b",
    "body": "</html\\b",
    "html": "\\Z",
}
OMISSIBLE = {name: re.compile(f"</{name}>(?=\\s*(?:{after}))", re.IGNORECASE) for name, after in FOLLOWERS.items()}


def made_page(random: np.random.Generator, texts: Texts) -> str:
    """Writes one page of healthy HTML, of 30 to about 12,000 bytes (rarely 15,000), with words of the texts."""
    drawn = Random(int(random.integers(2**63)))  # many small draws, for which numpy takes five times as long
    while True:
        page = _page(Pen(drawn, texts, draw_habits(drawn)))
        if len(page.encode()) >= SMALLEST_PAGE:
            return page


def _page(pen: Pen) -> str:
    """Writes one page of a drawn shape."""
    shape: Callable[[Pen], str] = pen.random.choices((_tiny, _fragment, _headless, _whole), (17, 13, 9, 61))[0]
    pen.room = int(max(150, min(LARGEST_ROOM, MEDIAN_ROOM * pen.random.lognormvariate(0, 0.75))))
    page = shape(pen)
    for name, end_tag in OMISSIBLE.items():
        if name in pen.habits.marks.omitted:
            page = end_tag.sub("", page)
    return page


def _tiny(pen: Pen) -> str:
    """Writes a page of about ten words: plain text, one element, or the smallest whole page."""
    pen.room = pen.number(40, 300)
    kind = pen.random.random()
    if kind < 0.15:
        lines = [pen.words(3, 12) for _ in range(pen.number(1, 4))]
        return pen.pick(("\n", "\n\n", " ")).join(lines)
    if kind < 0.35:
        return inline(pen, 3, 12) + pen.pick(("", "\n"))
    if kind < 0.55:
        return opening(pen, 0)
    if kind < 0.65:
        return heading(pen) + pen.line(0) + paragraph(pen)
    if kind < 0.72:
        return any_list(pen, 0)
    if kind < 0.76:
        return listing(pen)
    title = pen.element("title", pen.words(1, 4))
    if kind < 0.86:
        return _doctype(pen) + title + pen.line(0) + paragraph(pen)
    heading_above = pen.element("h1", pen.words(1, 4)) if pen.chance(0.5) else ""
    words = pen.words(2, 10)
    body = heading_above + (pen.element("p", words) if heading_above else words)
    return _doctype(pen) + pen.element("html", pen.element("head", title) + pen.element("body", body))


def _fragment(pen: Pen) -> str:
    """Writes blocks without html, head and body."""
    pen.room = int(pen.room * 0.6)
    blocks = [opening(pen, 0), *flow(pen, 0, pen.number(1, 30))]
    return "".join([block + pen.line(0) for block in blocks])


def _headless(pen: Pen) -> str:
    """Writes a page that omits the tags of html, head and body, but has elements of the head."""
    head = [pen.element("title", pen.words(1, 7))]
    if pen.chance(0.6):
        head.insert(0, pen.void("meta", ("charset", "utf-8")))
    if pen.chance(0.3):
        head.append(pen.pick((sheet, script))(pen))
    blocks = [*head, opening(pen, 0), *flow(pen, 0, pen.number(2, 80))]
    return _doctype(pen) + "".join([block + pen.line(0) for block in blocks])


def _whole(pen: Pen) -> str:
    """Writes a page with html, head and body."""
    doctype = _doctype(pen)
    attributes: list[Attribute] = [("lang", pen.pick(LANGUAGES))] if pen.chance(0.6) else []
    if "XHTML" in doctype:
        attributes.insert(0, ("xmlns", "http://www.w3.org/1999/xhtml"))
    head = pen.nest("head", _head(pen), 0)
    body = pen.nest("body", _body(pen), 0)
    return doctype + pen.nest("html", [head, body], -1, *attributes) + pen.pick(("", "\n"))


def _doctype(pen: Pen) -> str:
    """Writes a doctype that fits the habits, or none."""
    if pen.chance(0.12):
        return ""
    if pen.habits.old:
        chosen = pen.pick((*HTML4, ""))
    elif pen.habits.marks.void_end != ">" and pen.chance(0.35):
        chosen = ('<?xml version="1.0" encoding="UTF-8"?>\n' if pen.chance(0.15) else "") + pen.pick(XHTML)
    else:
        chosen = pen.pick(HTML5)
    return chosen + (pen.line(0) if chosen else "")


def _head(pen: Pen) -> list[str]:
    """Writes the elements of the head, the charset first."""
    title = pen.element("title", pen.words(1, 9))
    charset = pen.void("meta", ("charset", pen.pick(("utf-8", "UTF-8"))))
    if pen.habits.old or pen.chance(0.2):
        charset = pen.void("meta", ("http-equiv", "Content-Type"), ("content", "text/html; charset=utf-8"))
    parts = _metas(pen) + [pen.pick((_link, _link, script, sheet, _conditional))(pen) for _ in range(pen.number(0, 6))]
    if pen.chance(0.5):
        pen.random.shuffle(parts)
    if pen.chance(0.15):
        parts = []
    parts.insert(pen.number(0, len(parts)), title)
    return [charset, *parts] if pen.chance(0.85) else parts


def _metas(pen: Pen) -> list[str]:
    """Writes up to six `meta` elements with different names."""
    words = pen.space.join(pen.plain_words(2, 16))
    pairs: tuple[tuple[Attribute, str], ...] = (
        (("name", "viewport"), "width=device-width, initial-scale=1"),
        (("name", "description"), words),
        (("name", "keywords"), ", ".join(pen.plain_words(1, 5))),
        (("name", "robots"), "index,follow"),
        (("name", "generator"), "WordPress 6.2"),
        (("property", "og:title"), pen.space.join(pen.plain_words(2, 8))),
        (("property", "og:description"), words),
        (("property", "og:image"), "https://example.com/" + picture_url(pen).split("/")[-1]),
        (("name", "twitter:card"), "summary_large_image"),
    )
    return [pen.void("meta", key, ("content", text)) for key, text in pen.random.sample(pairs, pen.number(0, 6))]


def _link(pen: Pen) -> str:
    relation, target = pen.pick(
        (
            ("stylesheet", "/css/style.css?ver=5.8&x=1"),
            ("icon", "/favicon.ico"),
            ("canonical", "https://example.com/" + pen.name.lower()),
            ("alternate", "/feed/"),
            ("preload", url(pen)),
        )
    )
    return pen.void("link", ("rel", relation), ("href", target))


def _conditional(pen: Pen) -> str:
    """Writes a conditional comment for old browsers, or a comment."""
    kind = pen.random.random()
    if kind < 0.4:
        return '<!--[if lt IE 9]>\n<script src="/js/html5shiv.js"></script>\n<![endif]-->'
    if kind < 0.5:
        return "<!--[if !IE]><!-->" + _link(pen) + "<!--<![endif]-->"
    if kind < 0.6:
        return pen.element("noscript", sheet(pen))
    return f"<!-- {comment_words(pen, 1, 6)} -->"


def _body(pen: Pen) -> list[str]:
    """Writes the blocks of the body: in a row, or as a site places them around its content."""
    footer = pen.element("footer", pen.element("p", pen.pick(("&copy; 2024 ", "")) + pen.words(1, 9)))
    if pen.chance(0.45):
        parts = flow(pen, 1, 200)
        if pen.chance(0.2):
            parts.append(footer)
    else:
        parts = _site(pen, footer)
    while pen.chance(0.2):
        parts.append(unseen(pen))
    return parts


def _site(pen: Pen, footer: str) -> list[str]:
    """Writes header, menu, content in wrappers, and what is beside and below it."""
    wrappers = pen.number(0, 5)
    depth = 1 + wrappers
    top = pen.element(pen.pick(("h1", "div", "p")), pen.words(1, 4))
    header = pen.nest(pen.pick(("header", "div")), [top, menu(pen, depth + 1)], depth)
    name = pen.pick(("main", "div", "article", "section"))
    content = [pen.element("h1", pen.words(1, 8))] if pen.chance(0.6) else []
    content += flow(pen, depth + 1, 200)
    parts = [header, pen.nest(name, content, depth)]
    if pen.chance(0.4):
        aside = [section(pen, depth + 1) if pen.chance(0.5) else block(pen, depth + 1), menu(pen, depth + 1)]
        parts.insert(pen.number(1, 2), pen.nest(pen.pick(("aside", "div")), aside, depth))
    if pen.chance(0.7):
        parts.append(footer)
    for level in reversed(range(wrappers)):
        parts = [pen.nest("div", parts, 1 + level)]
    return parts
