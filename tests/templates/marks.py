"""Designs in which the shipped weights see another mark than a person would. What has the wrong mark stands in `main`.

Each returns a page's title and body. MARKS says which mark is right there.
"""

from collections.abc import Callable

from templates.writer import BEGIN, END, Writer, main


def _page(w: Writer, parts: str) -> tuple[str, str]:
    """Returns a page of which only some parts are special."""
    title = w.title()
    return title, f"<div>{w.links(5)}</div><h1>{title}</h1><p>{w.text()}</p>{parts}<p>{w.text()}</p>{w.links(3)}"


def _many(w: Writer, part: Callable[[], str]) -> str:
    return "".join(part() for _ in w.some(3, 7))


def _inside(w: Writer, begin: str, end: str) -> str:
    """Returns a paragraph with a special text in it."""
    return f"<p>{w.sentence()} {begin}{w.thing()}{end} {w.sentence()}</p>"


def paragraphs_of_xml(w: Writer) -> tuple[str, str]:
    """Paragraphs of DocBook."""
    return _page(w, _many(w, lambda: f"{main('<para>')}{w.text()}</para>"))


def custom_paragraphs(w: Writer) -> tuple[str, str]:
    """Paragraphs with an element of their own."""
    return _page(w, _many(w, lambda: f"{main('<x-para>')}{w.text()}</x-para>"))


def items_of_xml(w: Writer) -> tuple[str, str]:
    """A list of DocBook."""
    items = _many(w, lambda: f"{main('<listitem>')}{w.thing()}</listitem>")
    return _page(w, f"<itemizedlist>{items}</itemizedlist>")


def custom_rows(w: Writer) -> tuple[str, str]:
    """Rows of a table made of elements of its own."""
    rows = _many(w, lambda: f"{main('<x-row>')}<x-cell>{w.thing()}</x-cell><x-cell>{w.price()}</x-cell></x-row>")
    return _page(w, f"<x-table>{rows}</x-table>")


def emphasis_of_xml(w: Writer) -> tuple[str, str]:
    """Emphasised words of DocBook."""
    return _page(w, _many(w, lambda: _inside(w, main("<emphasis>"), "</emphasis>")))


def custom_links(w: Writer) -> tuple[str, str]:
    """Links of a framework."""
    return _page(w, _many(w, lambda: _inside(w, f'<x-link href="/{w.noun()}">{BEGIN}', f"{END}</x-link>")))


def buttons(w: Writer) -> tuple[str, str]:
    """Buttons that scripts make links of."""
    return _page(w, _many(w, lambda: _inside(w, f"<button>{BEGIN}", f"{END}</button>")))


def open_links(w: Writer) -> tuple[str, str]:
    """Links that nobody closed: the text in the next paragraph is part of none."""

    def part() -> str:
        return f'<p>{w.sentence()} <a href="/{w.noun()}">{w.thing()}<p>{main(w.sentence())}</p>'

    return _page(w, _many(w, part))


def bold_headings(w: Writer) -> tuple[str, str]:
    """Headings that are only strong."""
    return _page(w, _many(w, lambda: f"<p><b>{main(w.thing())}</b></p><p>{w.text()}</p>"))


def custom_titles(w: Writer) -> tuple[str, str]:
    """Headings with an element of their own."""
    return _page(w, _many(w, lambda: f"<x-title>{main(w.title())}</x-title><p>{w.text()}</p>"))


def misspelt_headings(w: Writer) -> tuple[str, str]:
    """Headings with a letter for the digit."""
    return _page(w, _many(w, lambda: f"<hl>{main(w.title())}</hl><p>{w.text()}</p>"))


def header_cells(w: Writer) -> tuple[str, str]:
    """A table whose header cells are only strong."""
    rows = _many(w, lambda: f"<tr><td><b>{main(w.noun())}</b></td><td>{w.thing()}</td></tr>")
    return _page(w, f"<table>{rows}</table>")


def lines_of_code(w: Writer) -> tuple[str, str]:
    """Lines of code in typewriter letters."""
    return _page(w, _many(w, lambda: f"<tt>{main(f'{w.noun()} = {w.number()};')}</tt><br>"))


def custom_strong(w: Writer) -> tuple[str, str]:
    """Strong words of a framework."""
    return _page(w, _many(w, lambda: _inside(w, main("<x-strong>"), "</x-strong>")))


def emphasised_words(w: Writer) -> tuple[str, str]:
    """The words inside the emphasis of DocBook."""
    return _page(w, _many(w, lambda: _inside(w, f"<emphasis>{BEGIN}", f"{END}</emphasis>")))


def literals_of_xml(w: Writer) -> tuple[str, str]:
    """The tags of code in DocBook."""
    return _page(w, _many(w, lambda: _inside(w, main("<literal>"), "</literal>")))


def literal_words(w: Writer) -> tuple[str, str]:
    """The words inside the code of DocBook."""
    return _page(w, _many(w, lambda: _inside(w, f"<literal>{BEGIN}", f"{END}</literal>")))


def custom_link_tags(w: Writer) -> tuple[str, str]:
    """The tags of links of a framework."""
    return _page(w, _many(w, lambda: _inside(w, main(f'<x-link href="/{w.noun()}">'), "</x-link>")))


def shown_noscript(w: Writer) -> tuple[str, str]:
    """Text for readers without scripts, which a person wants to see."""
    return _page(w, _many(w, lambda: f"<noscript>{main(w.sentence())}</noscript>"))


def hidden_small(w: Writer) -> tuple[str, str]:
    """Small text that a style sheet hides."""
    return _page(w, _many(w, lambda: f"<small>{main(w.sentence())}</small>"))


# The head and the right class of each design.
MARKS: dict[str, tuple[str, str | int]] = {
    "paragraphs_of_xml": ("event", "block"),
    "custom_paragraphs": ("event", "block"),
    "items_of_xml": ("event", "item"),
    "custom_rows": ("event", "row"),
    "emphasis_of_xml": ("event", "emphasis"),
    "custom_links": ("link", 1),
    "buttons": ("link", 1),
    "open_links": ("link", 0),
    "bold_headings": ("block", "h3"),
    "custom_titles": ("block", "h2"),
    "misspelt_headings": ("block", "h1"),
    "header_cells": ("cell", "header"),
    "lines_of_code": ("block", "preformatted"),
    "custom_strong": ("event", "strong"),
    "emphasised_words": ("emphasis", 1),
    "literals_of_xml": ("event", "code"),
    "literal_words": ("code", 1),
    "custom_link_tags": ("event", "link"),
    "shown_noscript": ("visible", "shown"),
    "hidden_small": ("visible", "hidden"),
}
DESIGNS = {name: globals()[name] for name in MARKS}
