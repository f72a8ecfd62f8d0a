"""What the Python API, the service and the command line extract, made from a page by a Reader."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

from soupstate.app.paging import piece
from soupstate.model.net.fields import FieldValue, find_fields
from soupstate.model.net.json_reader import JsonReader
from soupstate.model.net.main_content import FAVORS, MainBlock, MainContent, main_content
from soupstate.model.net.page_metadata import MetadataValue, given_heads, page_metadata, with_shipped_heads
from soupstate.model.net.reader import Marking, Reader
from soupstate.model.page.language import declared_language, spoken_language
from soupstate.model.page.render.addresses import base_url
from soupstate.model.page.render.front_matter import front_matter
from soupstate.model.page.render.links import Link, links
from soupstate.model.page.render.markdown import markdown
from soupstate.model.page.render.text import text
from soupstate.model.page.render.title import title
from soupstate.model.page.skim import Skimmed, skim
from soupstate.model.page.stop import Stop, Watch, never

EXTRACT_PARTS = ("links", "text", "markdown")
MORE_PARTS = ("main_blocks", "metadata")  # only where they are asked for
SCOPES, FAVORED = ("all", "main"), tuple(FAVORS)
NULLABLE = ("title", "language", "declared_language", "charset", "charset_source")  # None where there is none
LINK_STYLES = ("inline", "reference")
START = "0.0"  # the cursor of a whole page: where the text and the Markdown begin
CURSOR = "^[0-9]{1,9}[.][0-9]{1,9}$"
CHANCE_DECIMALS = 3  # of confidence and probabilities


@dataclass(frozen=True, slots=True)
class Asked:
    """A page and what is wanted of it.

    include: some of EXTRACT_PARTS and MORE_PARTS, or of those of `soupstate.app.measurement`. scope: one of SCOPES.
    detail: one of `measurement.DETAILS`. favor: what the choice of main content favours, one of FAVORED. links: one of
    LINK_STYLES, of the Markdown. front_matter: whether the Markdown begins with the page's title, address and language
    as YAML. fields: whether the fields of the reader's heads are found. charset, charset_source: of bytes, as `Decoded`
    has them. max_characters: of the text and of the Markdown, from `cursor` on, which an earlier answer had as
    `next_cursor`. start, end: the characters that measured arrays cover; None: to the page's end. page: what `html` is,
    html or json.
    """

    html: str
    url: str | None
    include: frozenset[str]
    scope: str = "all"
    detail: str = "characters"
    favor: str = "balanced"
    links: str = "inline"
    front_matter: bool = False
    fields: bool = True
    charset: str | None = None
    charset_source: str | None = None
    max_characters: int | None = None
    cursor: str = START
    start: int = 0
    end: int | None = None
    page: str = "html"


@dataclass(frozen=True, slots=True)
class Model:
    """The name and version of a network."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Extraction:
    """What was extracted from a page. A part that was not asked for is None.

    language: of the visible text. declared_language: of `<html lang>`. charset, charset_source: as in `Asked`.
    bits_per_character: surprisal per character of what was read, which is the skimmed page; an estimate for a long one.
    confidence, page_type: of the main content, see `MainContent`; None where it was not asked for.
    fields: the values that each head found, by the name of its field; None for a reader without heads.
    metadata: what the page declares, or heads find, of its author, date and the like, by field.
    next_cursor: where the rest of the text and of the Markdown begins; None where nothing is left.
    """

    title: str | None
    links: list[Link] | None
    text: str | None
    markdown: str | None
    language: str | None
    declared_language: str | None
    charset: str | None
    charset_source: str | None
    characters: int
    bits_per_character: float
    confidence: float | None = None
    page_type: str | None = None
    main_blocks: list[MainBlock] | None = None
    fields: dict[str, list[FieldValue]] | None = None
    metadata: dict[str, list[MetadataValue]] | None = None
    next_cursor: str | None = None


Answerer = Callable[[Any, Asked, Stop], Any]  # returns a dataclass of parts: an Extraction or a Measurement


def checked_cursor(cursor: str) -> str:
    """Returns the cursor. Raises ValueError for one that no answer has as `next_cursor`."""
    if not re.fullmatch(CURSOR, cursor):
        raise ValueError("cursor must be the next_cursor of an answer, such as 1200.1350")
    return cursor


def model_of(reader: Reader | JsonReader) -> Model:
    """Returns the name and version of a reader's network."""
    return Model(reader.checkpoint.name, reader.checkpoint.version)


def as_json(answer: Any) -> dict[str, Any]:
    """Returns an Extraction or a Measurement as orjson takes it, without the parts that were not asked for."""
    values = {part.name: getattr(answer, part.name) for part in fields(answer)}
    return {name: value for name, value in values.items() if value is not None or name in NULLABLE}


def reply(reader: Reader | JsonReader, asked: Asked, answerer: Answerer, stop: Stop = never) -> dict[str, Any]:
    """Returns an answer as orjson takes it, with the model's name and the seconds that it took. Raises Stopped."""
    start = time.perf_counter()
    answer = as_json(answerer(reader, asked, stop))
    return answer | {"model": model_of(reader), "seconds": round(time.perf_counter() - start, 4)}


def extract(reader: Reader, asked: Asked, stop: Stop = never) -> Extraction:
    """Extracts title, links, text and Markdown. Raises Stopped when `stop` returns True."""
    skimmed = skim(asked.html)
    if "metadata" in asked.include:
        reader = with_shipped_heads(reader)
    return _cut(rendered(reader.mark(skimmed.text, stop), skimmed, asked, stop), asked)


def _cut(answer: Extraction, asked: Asked) -> Extraction:
    """Returns an answer with the piece of its text and Markdown that was asked for."""
    starts, lengths = map(int, asked.cursor.split(".")), (len(answer.text or ""), len(answer.markdown or ""))
    (text_at, markdown_at) = (min(start, length) for start, length in zip(starts, lengths, strict=True))
    shown, text_end = piece(answer.text or "", text_at, asked.max_characters)
    marked, markdown_end = piece(answer.markdown or "", markdown_at, asked.max_characters)
    more = (text_end, markdown_end) != lengths
    return replace(
        answer,
        text=None if answer.text is None else shown,
        markdown=None if answer.markdown is None else marked,
        next_cursor=f"{text_end}.{markdown_end}" if more else None,
    )


def rendered(marking: Marking, skimmed: Skimmed, asked: Asked, stop: Stop = never) -> Extraction:
    """Renders the parts asked for from a marked, skimmed page. Offsets are those of the whole page.

    Raises Stopped when `stop` returns True.
    """
    page, url = marking.page, asked.url
    spans = marking.spans
    named = title(page, spans, stop)
    spoken = spoken_language(page, spans, Watch(stop))
    main, blocks, heads = None, None, given_heads(marking)
    if asked.scope == "main" or "main_blocks" in asked.include:
        main = main_content(marking, stop, asked.favor)
    if main and asked.scope == "main":
        spans, url = main.spans, _base(main, marking, url, stop)
    found, shown, marked = None, None, None
    if main and "main_blocks" in asked.include:
        blocks = [_of_whole(block, skimmed) for block in main.blocks]
    if "links" in asked.include:
        found = links(page, spans, url, stop)
        for link in found:
            link.start, link.end = skimmed.extent(link.start, link.end)
    if "text" in asked.include:
        shown = text(page, spans, stop)
    if "markdown" in asked.include:
        marked = markdown(page, spans, url, stop, references=asked.links == "reference")
        if asked.front_matter:
            known = front_matter(title=named, url=asked.url, language=spoken)
            marked = f"{known}\n\n{marked}" if marked else known
    return Extraction(
        title=named,
        links=found,
        text=shown,
        markdown=marked,
        language=spoken,
        declared_language=declared_language(asked.html),
        charset=asked.charset,
        charset_source=asked.charset_source,
        characters=len(asked.html),
        bits_per_character=round(marking.bits_per_character, 4),
        confidence=_confidence(main) if main else None,
        page_type=main.page_type if main else None,
        main_blocks=blocks,
        fields=find_fields(marking, skimmed, stop, heads) if heads and asked.fields else None,
        metadata=page_metadata(marking, skimmed, asked.url, spoken, stop) if "metadata" in asked.include else None,
    )


@dataclass(frozen=True, slots=True)
class MainParts:
    """The main content as a row has it. confidence, page_type: see `MainContent`."""

    text: str
    markdown: str
    confidence: float | None
    page_type: str | None


def main_parts(marking: Marking, url: str | None, stop: Stop = never) -> MainParts:
    """Renders the main content of a page with this address as text and Markdown. Raises Stopped."""
    page, main = marking.page, main_content(marking, stop)
    marked = markdown(page, main.spans, _base(main, marking, url, stop), stop)
    return MainParts(text(page, main.spans, stop), marked, _confidence(main), main.page_type)


def _confidence(main: MainContent) -> float | None:
    return None if main.confidence is None else round(main.confidence, CHANCE_DECIMALS)


def main_text(marking: Marking, stop: Stop = never) -> str:
    """Returns the text of a page's main content. Raises Stopped."""
    return text(marking.page, main_content(marking, stop).spans, stop)


def _base(main: MainContent, marking: Marking, url: str | None, stop: Stop) -> str | None:
    """Returns the base of the relative addresses in the main content."""
    return url if main.spans.base else base_url(marking.page, marking.spans, url, Watch(stop))


def _of_whole(block: MainBlock, skimmed: Skimmed) -> MainBlock:
    """Returns a block with the offsets of the whole page."""
    start, end = skimmed.extent(block.start, block.end)
    return replace(block, start=start, end=end, probability=round(block.probability, CHANCE_DECIMALS))
