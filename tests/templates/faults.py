"""Designs in which the shipped weights report what is meant so, or do not find a slip, or would mend it otherwise.

Each returns a page's title and body, with the stretches in question marked as `main`. RIGHT says what a person would
make of such a stretch; MEANT has the designs where nothing is wrong.
"""

from collections.abc import Callable

from templates.writer import Writer, main


def _page(w: Writer, parts: str, name: str) -> tuple[str, str]:
    """Returns a page of which only some parts are special. name: of the class of its parts."""
    title = w.title()
    links = " ".join(f'<a href="/{name}{number}">{w.noun()}</a>' for number in range(5))
    menu = f'<div class="{name}top"><div id="{name}menu" class="{name}bar">{links}</div></div>'
    text = f'<div class="{name}text"><p>{w.text()}</p>{parts}<p>{w.text()}</p></div>'
    body = f'<div class="{name}page {name}wide"><h1 class="{name}title">{title}</h1>{text}</div>'
    return title, f'{menu}{body}<div id="{name}end" class="{name}foot">{w.date()}</div>'


def _many(w: Writer, part: Callable[[], str]) -> str:
    return "\n".join(part() for _ in w.some(1, 3))


def bare_ampersands(w: Writer) -> tuple[str, str]:
    """References without their semicolon, which browsers read all the same."""
    return _page(w, f"<p>{w.sentence()} {main('&copy')} {w.number()} {w.person()}</p>", "legal")


def comparisons(w: Writer) -> tuple[str, str]:
    """Less-than signs in text."""
    return _page(w, f"<p>{w.noun()} {main('<')}{w.number()} and {w.thing()}</p>", "facts")


def paragraph_ends(w: Writer) -> tuple[str, str]:
    """End tags of paragraphs that have none, which stand for empty ones."""
    return _page(w, f"<div>{w.text()}</div>{main('</p>')}", "old")


def overlapping(w: Writer) -> tuple[str, str]:
    """Elements that overlap, as an old editor writes them."""
    return _page(w, f"<p>{w.sentence()} {main(f'<b><i>{w.thing()}</b></i>')}.</p>", "editor")


def quoted_text(w: Writer) -> tuple[str, str]:
    """Values with a quote too many, which a program reads."""
    value = lambda: main(f'data-x="{w.noun()}""')  # noqa: E731
    return _page(w, f"<p {value()}>{w.sentence()}</p>", "data")


def two_classes(w: Writer) -> tuple[str, str]:
    """Elements with two attributes of one name, of which a framework reads both."""
    element = lambda: main(f'<div class="{w.noun()}" class="{w.noun()}">')  # noqa: E731
    return _page(w, f"{element()}{w.text()}</div>", "doubles")


def tight_attributes(w: Writer) -> tuple[str, str]:
    """Attributes without a space between them, as a tool packs them."""
    link = lambda: f"""<a {main(f'href="/{w.noun()}"title="{w.noun()}"')}>{w.thing()}</a>"""  # noqa: E731
    return _page(w, f"<p>{w.sentence()} {link()}</p>", "packed")


def foreign_ends(w: Writer) -> tuple[str, str]:
    """An end tag whose start tag stands in another file."""
    return _page(w, f"<div>{w.text()}</div>{main('</section>')}<p>{w.text()}</p>", "included")


def open_spans(w: Writer) -> tuple[str, str]:
    """Elements that a script closes."""
    return _page(w, f"<p>{w.sentence()} {main('<span>')}{w.sentence()}</p>", "spans")


def loose_data(w: Writer) -> tuple[str, str]:
    """Data for a program that allows a comma at the end."""
    data = lambda: f'{{"name": "{w.noun()}", "price": {w.number()},}}'  # noqa: E731
    return _page(w, f'<script type="application/json">{main(data())}</script><p>{w.text()}</p>', "loose")


def two_names(w: Writer) -> tuple[str, str]:
    """Elements that begin as b and end as strong, as an old program writes them."""
    return _page(
        w, _many(w, lambda: f"<p>{w.sentence()} {main(f'<b>{w.thing()}</strong>')} {w.sentence()}</p>"), "bolds"
    )


def doubled_ends(w: Writer) -> tuple[str, str]:
    """An end tag that a program writes twice."""
    return _page(w, f"<p>{w.sentence()} <b>{w.thing()}</b>{main('</b>')} {w.sentence()}</p>", "twofold")


def odd_quotes(w: Writer) -> tuple[str, str]:
    """An apostrophe in a value between apostrophes."""
    value = main(f"title='{w.noun()}'s'")
    return _page(w, f"<p {value}>{w.sentence()}</p>", "owner")


def misspelt_targets(w: Writer) -> tuple[str, str]:
    """Links whose attribute is misspelt."""
    return _page(w, _many(w, lambda: f'<p>{w.sentence()} <a {main("herf")}="/{w.noun()}">{w.thing()}</a></p>'), "links")


def curly_quotes(w: Writer) -> tuple[str, str]:
    """Values between typographic quotes."""
    link = lambda: f"<a href={main(f'“/{w.noun()}”')}>{w.thing()}</a>"  # noqa: E731
    return _page(w, _many(w, lambda: f"<p>{w.sentence()} {link()}</p>"), "curly")


def custom_ends(w: Writer) -> tuple[str, str]:
    """Elements of a framework with a start tag for their end tag."""
    return _page(w, _many(w, lambda: f"<p>{w.thing()}: <x-price>{w.price()}{main('<x-price>')}</p>"), "prices")


def swapped_quotes(w: Writer) -> tuple[str, str]:
    """Values that begin with one quote and end with another."""
    return _page(
        w, _many(w, lambda: f"""<p>{w.sentence()} <a href="/{w.noun()}{main("'")}>{w.thing()}</a></p>"""), "swap"
    )


def wrong_headings(w: Writer) -> tuple[str, str]:
    """Headings whose end tag has another number; the end tag is right."""
    return _page(w, _many(w, lambda: f"{main('<h2>')}{w.title()}</h3><p>{w.text()}</p>"), "heads")


def misspelt_classes(w: Writer) -> tuple[str, str]:
    """A class that is misspelt."""
    return _page(w, _many(w, lambda: f'<p class="{main("sumary")}">{w.text()}</p>'), "style")


def broken_addresses(w: Writer) -> tuple[str, str]:
    """Addresses with a slash too few."""
    address = lambda: f'<a href="{main("http:/")}example.org/{w.noun()}">{w.thing()}</a>'  # noqa: E731
    return _page(w, _many(w, lambda: f"<p>{w.sentence()} {address()}</p>"), "outside")


def open_cells(w: Writer) -> tuple[str, str]:
    """Cells of a framework whose end tag is missing, between others that have it."""
    row = lambda: f"<x-row><x-cell>{w.thing()}</x-cell><x-cell>{w.price()}{main('</x-row>')}"  # noqa: E731
    return _page(w, f"<x-table>{_many(w, row)}</x-table>", "grid")


def doubled_tags(w: Writer) -> tuple[str, str]:
    """List items that begin twice."""
    items = _many(w, lambda: f"<li>{main('<li>')}{w.thing()}</li>")
    return _page(w, f"<ul>{items}</ul>", "twice")


def spaced_references(w: Writer) -> tuple[str, str]:
    """References with a space before their semicolon."""
    return _page(w, _many(w, lambda: f"<p>{w.noun()} {main('&eacute ;')} {w.thing()}</p>"), "spaced")


def old_names(w: Writer) -> tuple[str, str]:
    """Elements of a framework that have another name now."""
    return _page(w, _many(w, lambda: f"<{main('x-old')}>{w.text()}</x-card>"), "cards")


MEANT = (
    "bare_ampersands", "comparisons", "paragraph_ends", "overlapping", "quoted_text", "two_classes",
    "tight_attributes", "foreign_ends", "open_spans", "loose_data", "two_names", "doubled_ends", "odd_quotes",
)  # fmt: skip
# What the marked text should be.
RIGHT: dict[str, Callable[[str], str]] = {
    "misspelt_targets": lambda _: "href",
    "curly_quotes": lambda wrong: f'"{wrong[1:-1]}"',
    "custom_ends": lambda _: "</x-price>",
    "swapped_quotes": lambda _: '"',
    "wrong_headings": lambda _: "<h3>",
    "misspelt_classes": lambda _: "summary",
    "broken_addresses": lambda _: "http://",
    "open_cells": lambda wrong: f"</x-cell>{wrong}",
    "doubled_tags": lambda _: "",
    "spaced_references": lambda _: "&eacute;",
    "old_names": lambda _: "x-card",
}
DESIGNS = {name: globals()[name] for name in (*MEANT, *RIGHT)}
