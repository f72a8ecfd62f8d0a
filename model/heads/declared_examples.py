"""Examples of the shipped heads: pages that declare a field and also show it. The labels come from the pages."""

from collections.abc import Mapping
from itertools import chain

from soupstate.model.heads.align import Occurrence, key, occurrences
from soupstate.model.heads.examples import VISIBLE, ReadExample, states_around
from soupstate.model.heads.visible import visible_values
from soupstate.model.net.fields import UnitTable, unit_table
from soupstate.model.net.reader import Reader
from soupstate.model.page.declared import FIELDS, Declared, declared
from soupstate.model.page.language import spoken_language
from soupstate.model.page.skim import skim
from soupstate.model.page.stop import Watch
from soupstate.model.page.units import TEXT, TITLE

LONGEST_AUTHOR = 60  # characters; what is longer is no name
LEAST_NAMES = 2  # words of an author; users' names of one word are found in many places
# Where a person sees each field. A site's name, as an author's, stands in titles and below the page.
PLACES = {field: frozenset((TEXT,)) for field in FIELDS} | {
    "site_name": frozenset((TEXT, TITLE, "img alt")),
    "image": frozenset(("img src",)),
}
OWNED = "\u00a9"
# A page that declares one of these is about something else than the other, which it then lacks.
EXCLUDES = {"price": ("date",), "author": ("price",), "date": ("price",)}


def declared_examples(states: Reader, html: str, group: str) -> dict[str, ReadExample]:
    """Returns the examples that a page gives, by field. states: a `state_reader`. group: its site."""
    skimmed = skim(html)
    marking = states.mark(skimmed.text)
    said = declared(skimmed, marking.spans, Watch())
    if not said:
        return {}
    table = unit_table(marking, skimmed, VISIBLE)
    language = spoken_language(marking.page, marking.spans, Watch())
    around = states_around(marking, table)
    examples: dict[str, ReadExample] = {}
    for field in FIELDS:
        values = _values(field, said, table, language)
        if values is None:
            continue
        found = [_seen(field, list(chain.from_iterable(occurrences(table, ways))), table) for ways in values]
        if all(found):
            right = frozenset(map(key, chain.from_iterable(values)))
            examples[field] = ReadExample(table, around, found, right, group)
    return examples


def _values(field: str, said: Mapping[str, Declared], table: UnitTable, language: str | None) -> list[list[str]] | None:
    """Returns the ways in which a page shows each value; [] where it has none, None where that is not known."""
    if field not in said:
        return [] if any(other in said for other in EXCLUDES.get(field, ())) else None
    values = said[field].values
    if field == "author" and (_is_site(values, said) or max(map(len, values)) > LONGEST_AUTHOR):
        return None
    return visible_values(field, values, table, language) or None


def _seen(field: str, places: list[Occurrence], table: UnitTable) -> list[Occurrence]:
    """Returns those places of a value where a person sees it as this field."""
    kept = [place for place in places if table.units[place.unit].place in PLACES[field]]
    if field != "author":
        return kept
    return [place for place in kept if place.last - place.first >= LEAST_NAMES and OWNED not in table.texts[place.unit]]


def _is_site(authors: tuple[str, ...], said: Mapping[str, Declared]) -> bool:
    """Whether a page names its site, or a user that manages it, as its author."""
    sites = {key(value).lower() for value in said["site_name"].values} if "site_name" in said else set()
    return any(key(author).lower() in sites | {"admin", "administrator", "editor"} for author in authors)
