"""Metadata of a page: what it declares, and where it declares nothing, what the shipped heads find in its text."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from pathlib import Path

from soupstate.model.net.field_head import FieldHead
from soupstate.model.net.fields import FieldValue, find_fields
from soupstate.model.net.head_file import load_head
from soupstate.model.net.reader import Marking, Reader
from soupstate.model.page.dates import day_of
from soupstate.model.page.declared import FIELDS, declared
from soupstate.model.page.described import described
from soupstate.model.page.render.addresses import base_url, resolve
from soupstate.model.page.skim import Skimmed
from soupstate.model.page.stop import Stop, Watch, never

HEADS = Path(__file__).parent / "weights" / "heads"
PREFIX = "metadata "  # of the names of shipped heads beside those that a caller gives
# The probability from which a value is answered. It is lower than that of other fields, because the labels of these
# heads miss places: a date that a page shows in other words than it declares counted as wrong. It was not tuned.
LEAST = 0.3
PAGE = "page"  # the source of a value that a head found


@dataclass(frozen=True, slots=True)
class MetadataValue:
    """A value of a page's metadata, as the Python API, the service and the command line define it.

    >>> MetadataValue("2024-05-03", "json-ld", None).source
    'json-ld'
    """

    value: str = described("The value; of `date` in ISO 8601, of `image` an absolute address where that is known.")
    source: str = described("Where it stands: json-ld, meta, microdata, time, link, or page where a head found it.")
    probability: float | None = described("The probability that a head's value is right; null for a declared value.")


@cache
def shipped_heads() -> tuple[FieldHead, ...]:
    """Returns the heads that come with the shipped network. Raises OSError or ValueError."""
    heads = [load_head(HEADS / f"{field}.safetensors") for field in FIELDS if (HEADS / f"{field}.safetensors").exists()]
    return tuple(replace(head, name=PREFIX + head.name) for head in heads)


def with_shipped_heads(reader: Reader) -> Reader:
    """Returns a reader that also gathers what the shipped heads need. Another network reads without them."""
    fitting = [head for head in shipped_heads() if head.states == reader.checkpoint.states_digest]
    return reader.with_heads([*reader.heads, *fitting]) if fitting else reader


def page_metadata(
    marking: Marking, skimmed: Skimmed, url: str | None, language: str | None, stop: Stop = never
) -> dict[str, list[MetadataValue]]:
    """Returns the metadata of a page, by field; an empty list where it has none. Raises Stopped.

    marking: by a reader that `with_shipped_heads` returned. language: of the visible text, for the order of dates.
    """
    watch = Watch(stop)
    said = declared(skimmed, marking.spans, watch)
    answer: dict[str, list[MetadataValue]] = {field: [] for field in FIELDS}
    for field, found in said.items():
        answer[field] = [MetadataValue(value, found.source, None) for value in found.values]
    answer = _readable(answer, language, marking, url, watch)
    missing = tuple(head for head in marking.heads if not answer.get(head.name.removeprefix(PREFIX), True))
    wanted = tuple(head for head in missing if head.name.startswith(PREFIX))
    if wanted:
        for name, values in find_fields(marking, skimmed, stop, wanted, LEAST).items():
            answer[name.removeprefix(PREFIX)] = [_of_page(value) for value in values]
    return _readable(answer, language, marking, url, watch)


def _of_page(found: FieldValue) -> MetadataValue:
    return MetadataValue(found.value, PAGE, found.probability)


def _readable(
    answer: dict[str, list[MetadataValue]], language: str | None, marking: Marking, url: str | None, watch: Watch
) -> dict[str, list[MetadataValue]]:
    """Returns metadata with dates in ISO 8601 and absolute addresses. A date that cannot be read is left out."""
    dates = [(value, _iso(value.value, language)) for value in answer["date"]]
    answer["date"] = [replace(value, value=date) for value, date in dates if date]
    if answer["image"]:
        base = base_url(marking.page, marking.spans, url, watch)
        answer["image"] = [replace(value, value=resolve(value.value, base) or value.value) for value in answer["image"]]
    return answer


def _iso(text: str, language: str | None) -> str | None:
    """Returns a date, with its time where that is written in ISO 8601; None for a text that is no date."""
    try:
        datetime.fromisoformat(text)
    except ValueError:
        day = day_of(text, language)
        return day.isoformat() if day else None
    return text


def given_heads(marking: Marking) -> Sequence[FieldHead]:
    """Returns the heads that a caller gave, without the shipped ones."""
    return [head for head in marking.heads if not head.name.startswith(PREFIX)]
