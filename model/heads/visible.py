"""Where a page shows what it declares: the values of fields as they stand in its text, from which heads learn.

A page declares an amount and a day; it shows a price with its currency, and a date in its own words.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from urllib.parse import unquote, urlsplit

from soupstate.model.heads.align import key
from soupstate.model.net.fields import UnitTable
from soupstate.model.page.dates import DATE, day_of
from soupstate.model.page.units import TEXT

AMOUNT = re.compile(
    r"(?:(?:US|CA|AU|NZ)?[$€£¥₹₽₩₺]|(?:USD|EUR|GBP|CHF|Kč|kr|zł|R\$)\b)?\s?"
    r"\d{1,3}(?:[ .,’'\u00a0]?\d{3})*(?:[.,]\d{1,2})?(?!\d)"
    r"(?:\s?(?:[$€£¥₹₽₩₺]|(?:USD|EUR|GBP|CHF|Kč|kr|zł|лв|руб|грн)\b))?"
)
LONGEST = 120  # characters of a unit in which amounts and dates are looked for
LEAST_CRUMBS = 2
ONE_DAY = timedelta(days=1)  # a page may declare the day in another time zone


def visible_values(field: str, values: Sequence[str], table: UnitTable, language: str | None) -> list[list[str]]:
    """Returns for each declared value of a field the ways in which the page shows it; none where it does not."""
    ways = {"price": _amounts, "image": _images}
    if field in ways or field == "date":
        shown = _dates(values[0], table, language) if field == "date" else ways[field](values[0], table)
        return [shown] if shown else []
    found = [[value] for value in values if _is_shown(value, table)]
    if field == "breadcrumbs":
        return found if len(found) >= LEAST_CRUMBS else []
    return found if len(found) == len(values) else []


def _is_shown(value: str, table: UnitTable) -> bool:
    wanted = key(value)
    return any(
        wanted in key(text) for text, unit in zip(table.texts, table.units, strict=True) if not unit.is_attribute
    )


def _shown_texts(table: UnitTable) -> Iterable[str]:
    pairs = zip(table.texts, table.units, strict=True)
    return (text for text, unit in pairs if unit.place == TEXT and len(text) <= LONGEST)


def _amounts(declared: str, table: UnitTable) -> list[str]:
    wanted = amount_of(declared)
    if not wanted:
        return []
    found = (m[0].strip() for text in _shown_texts(table) for m in AMOUNT.finditer(text))
    same = {text for text in found if amount_of(text) == wanted}
    with_currency = {text for text in same if not text[0].isdigit() or not text[-1].isdigit()}
    return sorted(with_currency or same)


def amount_of(text: str) -> float | None:
    """Returns the number of a price, whichever marks it has between its digits; None where it has none.

    >>> amount_of("$1,299.00"), amount_of("1.299,50 €"), amount_of("free")
    (1299.0, 1299.5, None)
    """
    digits = re.sub(r"[^\d.,]", "", text).strip(".,")
    if not digits:
        return None
    whole, mark, part = max(digits.rpartition("."), digits.rpartition(","), key=lambda found: len(found[0]))
    if not mark or len(part) > 2:
        whole, part = digits, ""
    number = re.sub(r"[.,]", "", whole)
    return float(f"{number or 0}.{part or 0}")


def _dates(declared: str, table: UnitTable, language: str | None) -> list[str]:
    wanted = day_of(declared, None)
    if not wanted:
        return []
    found = {m[0] for text in _shown_texts(table) for m in DATE.finditer(text) if _may_be(m[0], wanted)}
    days = {text: day_of(text, language) for text in found}
    return sorted(text for text, day in days.items() if day and abs(day - wanted) <= ONE_DAY)


def _may_be(text: str, wanted: date) -> bool:
    """Whether the text has the year of a day, so that it is worth reading."""
    return f"{wanted.year % 100:02}" in text


def _images(declared: str, table: UnitTable) -> list[str]:
    wanted = file_of(declared)
    texts = (text for text, unit in zip(table.texts, table.units, strict=True) if unit.place == "img src")
    return [text for text in texts if wanted and file_of(text) == wanted][:1]


def file_of(address: str) -> str:
    """Returns the name of the file that an address ends in; "" where it has none.

    >>> file_of("https://example.org/a/tea-cup.jpg?w=640")
    'tea-cup.jpg'
    """
    try:
        return unquote(urlsplit(address).path).rpartition("/")[2]
    except ValueError:
        return ""
