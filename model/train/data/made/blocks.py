"""Writes the blocks of made pages that hold other blocks: lists, definition lists, quotes, sections."""

from collections.abc import Callable

from soupstate.model.train.data.made.inline import icon, image, inline, link, url
from soupstate.model.train.data.made.parts import form, listing, picture, player, unseen
from soupstate.model.train.data.made.pen import Attribute, Pen
from soupstate.model.train.data.made.tables import table

DEEPEST_QUOTE = 3
DEEPEST_BLOCK = 11  # most levels are wrappers
SECTIONS = "div div div div section article aside header footer my-card app-root x-tabs main search".split()
NUMBER_TYPES = ("1", "a", "A", "i", "I")


def flow(pen: Pen, depth: int, count: int) -> list[str]:
    """Writes `count` blocks, or fewer when the page has reached its size, but at least one."""
    blocks: list[str] = []
    while len(blocks) < count and not (blocks and pen.full):
        blocks.append(block(pen, depth))
    return blocks


def block(pen: Pen, depth: int) -> str:
    """Writes one block. Deep in the page: a paragraph, a heading or a list."""
    writer: Callable[[Pen, int], str]
    if depth > DEEPEST_BLOCK or pen.full:
        writer = pen.pick((paragraph, paragraph, heading))
    else:
        writer = pen.random.choices(_WRITERS, _SHARES)[0]
    return writer(pen, depth)


def opening(pen: Pen, depth: int) -> str:
    """Writes a block that may open a page without `body`, because no parser takes it for a part of the head."""
    return pen.pick((paragraph, heading, any_list, section, quote, tables, text_and_break))(pen, depth)


def paragraph(pen: Pen, depth: int = 0) -> str:
    """Writes a `p`, sometimes of only one picture or one link."""
    kind = pen.random.random()
    if kind < 0.04:
        return pen.element("p", image(pen) if pen.chance(0.5) else link(pen))
    if kind < 0.06:
        return pen.element("p", pen.pick(("", "&nbsp;", " ", pen.void("br"))))
    attributes: list[Attribute] = [("align", "center")] if pen.habits.old and kind > 0.9 else []
    return pen.element("p", pen.words(4, 60) if kind < 0.3 else inline(pen, 3, 28), *attributes)


def heading(pen: Pen, depth: int = 0) -> str:
    """Writes a heading, sometimes in a header with a line below."""
    name = "h" + str(pen.pick((1, 2, 2, 2, 3, 3, 3, 4, 5, 6)))
    body = pen.words(1, 8)
    kind = pen.random.random()
    if kind < 0.12:
        body = link(pen)
    elif kind < 0.2:
        body = inline(pen, 1, 5, 1)
    elif kind < 0.25 and not pen.in_link:
        body += pen.element("a", pen.pick(("#", "¶", "")), ("href", "#" + pen.name), ("class", "headerlink"))
    written = pen.element(name, body)
    if kind > 0.96:
        return pen.nest(pen.pick(("header", "hgroup")), [written, pen.element("p", pen.words(2, 8))], depth)
    return written


def text_and_break(pen: Pen, depth: int) -> str:
    """Writes text without an element of its own."""
    return inline(pen, 2, 20) + pen.pick((" ", pen.void("br"), pen.void("br") + pen.void("br")))


def rule(pen: Pen, depth: int) -> str:
    """Writes a rule (`hr`)."""
    return pen.void("hr")


def address(pen: Pen, depth: int) -> str:
    """Writes an address of two or three lines."""
    lines = [pen.words(1, 4) for _ in range(pen.number(2, 3))]
    return pen.element(
        "address", (pen.void("br") + pen.pick(("", "\n"))).join([*lines, link(pen, 2, "mailto:a@b.example")])
    )


def any_list(pen: Pen, depth: int) -> str:
    """Writes a list of items, or rarely a menu."""
    return (
        menu(pen, depth) if pen.chance(0.12) else item_list(pen, depth, pen.pick((1, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5, 6)))
    )


def item_list(pen: Pen, depth: int, deepest: int, level: int = 1) -> str:
    """Writes a `ul` or `ol` with lists in its items down to the level `deepest`."""
    name = pen.pick(("ul", "ul", "ol"))
    attributes: list[Attribute] = []
    if name == "ol":
        attributes += [("start", str(pen.number(0, 40)))] if pen.chance(0.16) else []
        attributes += [("type", pen.pick(NUMBER_TYPES))] if pen.chance(0.12) else []
        attributes += [("reversed", None)] if pen.chance(0.03) else []
    elif pen.habits.old and pen.chance(0.2):
        attributes.append(("type", pen.pick(("disc", "square", "circle"))))
    count = pen.number(1, 8 if level == 1 else 4)
    nested_at = pen.number(0, count - 1) if level < deepest else -1
    loose = pen.chance(0.15)  # all items of the list hold paragraphs
    items: list[str] = []
    for place in range(count):
        nested = place == nested_at or (level < deepest and not pen.full and pen.chance(0.2))
        items.append(_item(pen, depth + 1, deepest if nested else 0, level, loose))
        if pen.full and place >= nested_at:
            break
    return pen.nest(name, items, depth, *attributes)


def _item(pen: Pen, depth: int, deepest: int, level: int, loose: bool) -> str:
    """Writes an item, with a list in it when `deepest` is not 0."""
    attributes: list[Attribute] = [("value", str(pen.number(1, 30)))] if pen.chance(0.01) else []
    if not deepest:
        return pen.element("li", _item_text(pen, depth, loose), *attributes)
    body = _item_text(pen, depth, loose) if pen.chance(0.93) else ""
    body += pen.line(depth + 1) + item_list(pen, depth + 1, deepest, level + 1)
    if pen.chance(0.08) and not pen.full:
        body += pen.line(depth + 1) + item_list(pen, depth + 1, level + 1, level + 1)
    if pen.chance(0.18):
        body += pen.line(depth + 1) + (pen.element("p", pen.words(1, 8)) if loose else inline(pen, 1, 6, 1))
    return pen.element("li", body + pen.line(depth), *attributes)


def _item_text(pen: Pen, depth: int, loose: bool) -> str:
    """Writes the content of an item before the list in it."""
    if loose:
        return "".join([pen.line(depth + 1) + pen.element("p", inline(pen, 1, 9)) for _ in range(pen.number(1, 2))])
    kind = pen.random.random()
    if kind < 0.35:
        return pen.words(1, 9)
    if kind < 0.7:
        return inline(pen, 1, 9, 1)
    if kind < 0.82:
        return link(pen)
    if kind < 0.88:
        return pen.element("strong", pen.words(1, 3)) + pen.space + pen.words(2, 9)
    if kind < 0.91:
        return pen.element("p", inline(pen, 1, 9))
    if kind < 0.93:
        return pen.void("input", ("type", "checkbox"), ("disabled", None)) + " " + pen.words(1, 7)
    if kind < 0.94:
        return ""
    before = pen.words(1, 9)
    if pen.full:
        return before
    after = pen.pick((quote, figure, heading, definitions, tables, section, plain_listing, plain_listing))
    return before + pen.line(depth + 1) + after(pen, depth + 1) + pen.line(depth)


def menu(pen: Pen, depth: int) -> str:
    """Writes a list of links, sometimes in a `nav`. A link may open a second menu."""
    items = []
    for _ in range(pen.number(2, 9)):
        body = link(pen)
        if pen.chance(0.1) and not pen.full:
            inner = [pen.element("li", link(pen)) for _ in range(pen.number(1, 5))]
            body += pen.line(depth + 2) + pen.nest("ul", inner, depth + 2) + pen.line(depth + 1)
        items.append(pen.element("li", body))
        if pen.full:
            break
    listed = pen.nest(pen.pick(("ul", "ul", "ul", "ol", "menu")), items, depth)
    return pen.element("nav", listed) if pen.chance(0.4) else listed


def definitions(pen: Pen, depth: int, level: int = 1) -> str:
    """Writes a `dl`. Groups may have several terms or meanings, or be in a `div`; a `dd` may have a `dl`."""
    grouped = pen.chance(0.12)
    parts: list[str] = []
    for _ in range(pen.number(1, 5)):
        group = [pen.element("dt", inline(pen, 1, 4, 2)) for _ in range(pen.random.choices((1, 2, 3), (85, 12, 3))[0])]
        for _ in range(pen.random.choices((1, 2, 3), (80, 15, 5))[0]):
            group.append(pen.element("dd", _meaning(pen, depth + 1, level)))
        parts += [pen.nest("div", group, depth + 1)] if grouped else group
        if pen.full:
            break
    return pen.nest("dl", parts, depth)


def _meaning(pen: Pen, depth: int, level: int) -> str:
    kind = pen.random.random()
    if kind < 0.78 or pen.full:
        return inline(pen, 2, 14, 1)
    if kind < 0.88:
        return pen.element("p", inline(pen, 2, 14))
    before = pen.words(1, 8) + pen.line(depth + 1) if kind < 0.97 else ""
    inner = definitions(pen, depth + 1, level + 1) if level < 3 and pen.chance(0.5) else any_list(pen, depth + 1)
    return before + inner + pen.line(depth)


def quote(pen: Pen, depth: int, level: int = 1) -> str:
    """Writes a `blockquote` of paragraphs, bare text, lists, code and other quotes."""
    attributes: list[Attribute] = [("cite", url(pen))] if pen.chance(0.08) else []
    if pen.chance(0.18):
        return pen.element("blockquote", inline(pen, 3, 25), *attributes)
    parts: list[str] = []
    for _ in range(pen.number(1, 3)):
        kind = pen.random.random()
        if kind < 0.2 and level < DEEPEST_QUOTE and not pen.full:
            parts.append(quote(pen, depth + 1, level + 1))
        elif kind < 0.38 and not pen.full:
            parts.append(pen.pick((any_list, any_list, any_list, plain_listing, heading, definitions))(pen, depth + 1))
        else:
            parts.append(paragraph(pen))
    if pen.chance(0.2):
        source = pen.element("cite", pen.words(1, 4))
        parts.append(pen.pick((source, pen.element("footer", pen.pick(("", "&mdash; ")) + source))))
    return pen.nest("blockquote", parts, depth, *attributes)


def figure(pen: Pen, depth: int) -> str:
    """Writes a figure with its caption above, below or missing."""
    kind = pen.random.random()
    shown = listing(pen) if kind < 0.08 else quote(pen, depth + 1) if kind < 0.14 else picture(pen)
    if kind > 0.7:
        shown = pen.element("a", shown, ("href", url(pen)))
    caption = pen.element("figcaption", inline(pen, 1, 9, 1))
    parts = pen.pick(([shown, caption], [shown, caption], [caption, shown], [shown]))
    return pen.nest("figure", parts, depth)


def section(pen: Pen, depth: int) -> str:
    """Writes blocks in one wrapper or in several, as page builders make them."""
    levels = pen.number(2, 6) if pen.chance(0.2) else 1
    levels = max(1, min(levels, DEEPEST_BLOCK - depth))
    blocks = flow(pen, depth + levels, pen.number(1, 5))
    name = pen.pick(("div", "div", "center") if pen.habits.old else SECTIONS)
    for level in reversed(range(levels)):
        if level and pen.chance(0.15) and not pen.full:
            blocks.append(pen.element("div", pen.words(1, 6) if pen.chance(0.5) else ""))
        blocks = [pen.nest("div" if level else name, blocks, depth + level)]
    return blocks[0]


def details(pen: Pen, depth: int) -> str:
    """Writes a `details` element."""
    attributes: list[Attribute] = [("open", None)] if pen.chance(0.2) else []
    summary = pen.element("summary", inline(pen, 1, 5, 2))
    return pen.nest("details", [summary, *flow(pen, depth + 1, pen.number(1, 2))], depth, *attributes)


def card(pen: Pen, depth: int) -> str:
    """Writes a link around blocks, with a picture, a heading and a line of text."""
    pen.in_link = True
    parts = [heading(pen, depth + 1), pen.element(pen.pick(("p", "div", "span")), pen.words(2, 14))]
    if pen.chance(0.6):
        parts.insert(0, pen.pick((image, icon))(pen))
    pen.in_link = False
    return pen.nest("a", parts, depth, ("href", url(pen)))


def tables(pen: Pen, depth: int) -> str:
    """Writes a table whose cells may hold blocks."""
    return table(pen, depth, flow)


def plain_listing(pen: Pen, depth: int) -> str:
    """Writes a code listing."""
    return listing(pen)


def media(pen: Pen, depth: int) -> str:
    """Writes a picture or a player, bare between other blocks."""
    return player(pen) if pen.chance(0.4) else picture(pen)


def unseen_part(pen: Pen, depth: int) -> str:
    """Writes something that a reader of the page does not see."""
    return unseen(pen)


BLOCK_WRITERS: tuple[tuple[Callable[[Pen, int], str], float], ...] = (
    (paragraph, 27),
    (any_list, 15),
    (section, 11),
    (heading, 11),
    (tables, 6),
    (quote, 6),
    (plain_listing, 4.5),
    (unseen_part, 4),
    (definitions, 3.5),
    (figure, 3),
    (text_and_break, 2.5),
    (media, 3.5),
    (form, 1.8),
    (card, 1.5),
    (details, 1.5),
    (rule, 1.5),
    (address, 0.7),
)
_WRITERS = [writer for writer, _ in BLOCK_WRITERS]
_SHARES = [share for _, share in BLOCK_WRITERS]
