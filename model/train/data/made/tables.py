"""Writes the tables of made pages: data tables with all their parts, and the layout tables of old pages."""

from collections.abc import Callable, Sequence

from soupstate.model.train.data.made.inline import inline
from soupstate.model.train.data.made.pen import Attribute, Pen

FIGURES = ("1", "0", "12.5", "100%", "$3.20", "-", "n/a", "1,024", "2019-04-01", "yes", "+", "x", "&")
Flow = Callable[[Pen, int, int], list[str]]  # takes pen, depth and number of blocks, and returns the blocks


def table(pen: Pen, depth: int, flow: Flow) -> str:
    """Writes a table. `flow` writes the blocks in a cell."""
    if pen.chance(0.5 if pen.habits.old else 0.03):
        return _layout_table(pen, depth, flow)
    columns = pen.number(1, 6)
    header = pen.random.random()
    grouped = pen.chance(0.55)  # the rows stand in thead and tbody
    head = [_row(pen, depth + 1 + grouped, columns, "th" * columns)] if header < 0.55 else []
    first = "th" if header > 0.45 and header < 0.65 else "td"  # the first column names the row
    body: list[str] = []
    for _ in range(pen.number(1, 8)):
        body.append(_body_row(pen, depth + 1 + grouped, columns, first, flow))
        if pen.full:
            break
    parts = []
    if pen.chance(0.15):
        parts.append(pen.element("caption", inline(pen, 1, 6, 2)))
    if pen.chance(0.08):
        cells = [pen.void("col", ("width", f"{100 // columns}%")) for _ in range(columns)]
        parts.append(pen.nest("colgroup", cells, depth + 1))
    if not grouped:
        return pen.nest("table", parts + head + body, depth, *_table_attributes(pen))
    if head:
        parts.append(pen.nest("thead", head, depth + 1))
    parts.append(pen.nest("tbody", body, depth + 1))
    if pen.chance(0.15):
        parts.append(pen.nest("tfoot", [_row(pen, depth + 2, columns, "")], depth + 1))
    return pen.nest("table", parts, depth, *_table_attributes(pen))


def _table_attributes(pen: Pen) -> Sequence[Attribute]:
    if pen.habits.old or pen.chance(0.1):
        return ("border", pen.pick("012")), ("cellpadding", "4"), ("width", pen.pick(("100%", "600")))
    return ()


def _row(pen: Pen, depth: int, columns: int, kinds: str) -> str:
    """Writes a row of short cells: headers when `kinds` is not empty, else data."""
    name = "th" if kinds else "td"
    scope: Sequence[Attribute] = [("scope", "col")] if kinds and pen.chance(0.25) else ()
    cells = [pen.element(name, pen.words(1, 3) if pen.chance(0.92) else "", *scope) for _ in range(columns)]
    return _close(pen, cells, depth)


def _body_row(pen: Pen, depth: int, columns: int, first: str, flow: Flow) -> str:
    """Writes a row of data. Cells may span several columns or rows."""
    cells: list[str] = []
    column = 0
    while column < columns:
        attributes: list[Attribute] = []
        if pen.chance(0.04):
            span = pen.number(1, columns - column)
            attributes.append(("colspan", str(span)))
            column += span - 1
        if pen.chance(0.02):
            attributes.append(("rowspan", "2"))
        if pen.habits.old and pen.chance(0.3):
            attributes.append(pen.pick((("align", "right"), ("valign", "top"), ("bgcolor", "#eeeeff"))))
        name = first if column == 0 else "td"
        if name == "th" and pen.chance(0.4):
            attributes.append(("scope", "row"))
        cells.append(pen.element(name, _cell(pen, depth + 1, flow), *attributes))
        column += 1
    return _close(pen, cells, depth)


def _close(pen: Pen, cells: list[str], depth: int) -> str:
    """Writes a row of cells, on one line or each on its own."""
    return pen.element("tr", "".join(cells)) if pen.chance(0.3) else pen.nest("tr", cells, depth)


def _cell(pen: Pen, depth: int, flow: Flow) -> str:
    """Writes the content of a cell of data."""
    kind = pen.random.random()
    if kind < 0.4:
        return pen.words(1, 4)
    if kind < 0.58:
        return pen.literal(pen.pick(FIGURES))
    if kind < 0.66:
        return pen.pick(("", "", "&nbsp;", " "))
    if kind < 0.96 or pen.full:
        return inline(pen, 1, 4, 1)
    return "".join([pen.line(depth + 1) + block for block in flow(pen, depth + 1, pen.number(1, 2))]) + pen.line(depth)


def _layout_table(pen: Pen, depth: int, flow: Flow) -> str:
    """Writes a table that only places blocks side by side."""
    rows = []
    for _ in range(pen.number(1, 3)):
        cells = []
        for _ in range(pen.number(1, 3)):
            attributes: Sequence[Attribute] = pen.pick(
                ((), (("width", "50%"),), (("valign", "top"), ("align", "left")))
            )
            cells.append(pen.nest("td", flow(pen, depth + 3, pen.number(1, 3)), depth + 2, *attributes))
        rows.append(pen.nest("tr", cells, depth + 1))
        if pen.full:
            break
    return pen.nest("table", rows, depth, ("border", "0"), ("cellspacing", "0"), ("width", "100%"))
