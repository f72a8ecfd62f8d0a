"""Reads dates as pages write them, in the languages that the library `dateparser` knows."""

import re
from datetime import date
from functools import lru_cache
from importlib import import_module
from typing import Any

ISO = re.compile(r"\s*(\d{4})-?(\d{2})-?(\d{2})(?!\d)")  # the day of ISO 8601; what follows it is the time
# What may be a date: three numbers, or a day and a year with a word between or before them.
DATE = re.compile(
    r"\d{4}[-./]\d{1,2}[-./]\d{1,2}(?!\d)|(?<!\d)\d{1,2}[-./]\s?\d{1,2}[-./]\s?(?:\d{4}|\d{2})(?!\d)"
    r"|(?<!\d)\d{1,2}(?:st|nd|rd|th|\.|er|º)?[\s-]+(?:de\s+|of\s+)?[^\W\d]{3,12}\.?,?[\s-]+(?:de\s+)?\d{4}(?!\d)"
    r"|[^\W\d]{3,12}\.?\s+\d{1,2}(?:st|nd|rd|th)?,?\s+\d{4}(?!\d)"
    r"|\d{4}\s?[年년]\s?\d{1,2}\s?[月월]\s?\d{1,2}\s?[日일]"
)
LONGEST = 60  # characters of a text that may be a date
PARSERS_KEPT = 64


def day_of(text: str, language: str | None) -> date | None:
    """Returns the day that a text gives; None where it gives none. language: a BCP 47 tag, which orders day and month.
    English is tried too. Without a language all are, which takes up to a second at first.

    >>> day_of("2024-05-03T10:00:00+02:00", None), day_of("3. Mai 2024", "de")
    (datetime.date(2024, 5, 3), datetime.date(2024, 5, 3))
    """
    iso = ISO.match(text)
    if iso:
        try:
            return date(*map(int, iso.groups()))
        except ValueError:
            return None
    if len(text) > LONGEST or not any(c.isdigit() for c in text):
        return None
    for tried in dict.fromkeys((language.partition("-")[0], "en") if language else ("en", None)):
        try:
            found = _parser(tried).get_date_data(text)
        except (ValueError, OverflowError, RecursionError):
            continue
        if found.date_obj and found.period == "day":
            day: date = found.date_obj.date()
            return day
    return None


@lru_cache(PARSERS_KEPT)
def _parser(language: str | None) -> Any:
    """Returns a parser that asks for a day, a month and a year. The library is loaded here, as it takes .1 s."""
    parser = import_module("dateparser").DateDataParser
    settings = {"REQUIRE_PARTS": ["day", "month", "year"], "PARSERS": ["absolute-time"]}
    try:
        return parser(languages=[language] if language else None, settings=settings)
    except ValueError:  # a language that it does not know
        return parser(settings=settings)
