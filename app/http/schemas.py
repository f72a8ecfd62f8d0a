"""Requests and answers of the service, as OpenAPI shows them. Pydantic validates requests by these models."""

from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from soupstate.app.answers import CURSOR, START, Model, checked_cursor
from soupstate.app.measurement import MOST_WINDOW, MarkedSpan, check_detail, check_page, check_window
from soupstate.model.faults.fault import Fault
from soupstate.model.net.alternatives import Alternative
from soupstate.model.net.depth import DepthNeuron
from soupstate.model.net.fields import FieldValue
from soupstate.model.net.main_content import MainBlock
from soupstate.model.net.page_metadata import MetadataValue
from soupstate.model.page.render.links import Link

LONGEST_URL = 8192


def _characters(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"character {error.start} is half of a surrogate pair") from None
    return text


def _page(html: str) -> str:
    if not html.strip("\ufeff\t\n\f\r\0 "):
        raise ValueError("the page is empty")
    return html


def _address(url: str) -> str:
    if len(url) > LONGEST_URL:
        raise ValueError(f"longer than {LONGEST_URL} characters")
    try:
        parts = urlsplit(url)
        absolute = parts.scheme in ("http", "https") and parts.hostname and not any(c <= " " for c in url)
    except ValueError:  # its brackets hold no IPv6 address
        absolute = False
    if not absolute:
        raise ValueError("not an absolute http or https address, such as https://example.org/")
    try:
        _ = parts.port
    except ValueError:
        raise ValueError("the port of the address must be a number from 0 to 65535") from None
    return url


Text = Annotated[str, AfterValidator(_characters)]
Html = Annotated[
    Text,
    AfterValidator(_page),
    Field(
        description="The page. Offsets in answers count its code points.",
        examples=["<title>Tea</title><p>See the <a href='/tea'>list</a>.</p>"],
        json_schema_extra={"minLength": 1, "pattern": r"[^\uFEFF\t\n\f\r\u0000 ]"},
    ),
]
Url = Annotated[
    Text,
    AfterValidator(_address),
    Field(
        description="Address of the page; makes its links absolute.",
        examples=["https://example.org/"],
        json_schema_extra={"format": "uri", "maxLength": LONGEST_URL, "pattern": "^[Hh][Tt][Tt][Pp][Ss]?://[^/?#]"},
    ),
]
Detail = Annotated[
    Literal["characters", "lines", "packed", "none"],
    Field(
        description="Whether arrays have a number per character or per line. packed: base64 of a byte per character, "
        "bits in eighths of a bit. none: no arrays."
    ),
]
Offset = Annotated[int, Field(ge=0, le=2**53 - 1)]
Scope = Annotated[Literal["all", "main"], Field(description="The whole page, or its main content.")]
Favor = Annotated[
    Literal["balanced", "precision", "recall"],
    Field(description="With scope=main: whether to leave out what is doubtful (precision) or to keep it (recall)."),
]
LinkStyle = Annotated[
    Literal["inline", "reference"],
    Field(description="Links of the Markdown: in place, or as references that are listed at its end."),
]
FrontMatter = Annotated[
    bool, Field(description="Whether the Markdown begins with the page's title, address and language as YAML.")
]
MaxCharacters = Annotated[
    int | None,
    Field(ge=1, description="At most so many characters of the text, and of the Markdown; default: all."),
]
Cursor = Annotated[
    str,
    AfterValidator(checked_cursor),
    Field(
        description="`next_cursor` of the answer before, to go on from there.", json_schema_extra={"pattern": CURSOR}
    ),
]
ExtractPart = Literal["links", "text", "markdown", "main_blocks", "metadata"]
EntropyPart = Literal["surprisal", "entropy", "depth", "faults", "syntax", "cells", "marks", "alternatives"]


class ExtractRequest(BaseModel):
    """A page to extract from."""

    model_config = ConfigDict(extra="forbid", strict=True)
    html: Html
    url: Url | None = None
    include: list[ExtractPart] = Field(["links", "text", "markdown"], description="Parts of the answer.")
    scope: Scope = "all"
    favor: Favor = "balanced"
    links: LinkStyle = "inline"
    front_matter: FrontMatter = False
    max_characters: MaxCharacters = None
    cursor: Cursor = START


class EntropyRequest(BaseModel):
    """A page to measure. `url` and `scope` are accepted and ignored."""

    model_config = ConfigDict(extra="forbid", strict=True)
    html: Html
    page: Literal["html", "json"] = Field(
        "html", description="What the page is. With page=json in the query, the body is the JSON document itself."
    )
    url: Url | None = None
    include: list[EntropyPart] = Field(["surprisal", "entropy", "depth", "faults"], description="Parts of the answer.")
    scope: Scope = "all"
    detail: Detail = "characters"
    start: Offset = Field(0, description="First character that arrays, cells, marks and alternatives cover.")
    end: Offset | None = Field(
        None,
        description="Where they end; null: at the end of the page. "
        f"marks and alternatives are of at most {MOST_WINDOW} characters.",
        validate_default=True,
    )

    @field_validator("include")
    @classmethod
    def _include(cls, include: list[str], info: ValidationInfo) -> list[str]:
        check_page(frozenset(include), info.data.get("page", "html"))
        return include

    @field_validator("detail")
    @classmethod
    def _detail(cls, detail: str, info: ValidationInfo) -> str:
        if "include" in info.data:
            check_detail(frozenset(info.data["include"]), detail)
        return detail

    @field_validator("end")
    @classmethod
    def _window(cls, end: int | None, info: ValidationInfo) -> int | None:
        given = info.data
        if {"html", "include", "detail", "start"} <= set(given):  # else another field is wrong, and is named
            check_window(frozenset(given["include"]), given["detail"], len(given["html"]), given["start"], end)
        return end


class Answer(BaseModel):
    """Base of the service's answers. It allows no field but those listed."""

    model_config = ConfigDict(extra="forbid")


class ExtractAnswer(Answer):
    """The parts named in `include`, and figures of the reading."""

    title: str | None
    links: list[Link] | None = None
    text: str | None = None
    markdown: str | None = None
    language: str | None = Field(description="Language of the visible text (BCP 47); null if it is too short to tell.")
    declared_language: str | None = Field(description="Language tag of `<html lang>`, in lower case.")
    charset: str | None = Field(description="Charset of a raw body, by its WHATWG name; null for JSON.")
    charset_source: str | None = Field(description="Source of the charset: bom, header, meta or detected.")
    characters: int
    bits_per_character: float = Field(
        description="Exact up to 8192 bytes. Beyond that an estimate, usually within 2 %."
    )
    confidence: float | None = Field(None, description="F1 of words to expect of the main content, 0 to 1.")
    page_type: str | None = Field(
        None, description="article, collection, documentation, forum, listing, product or service."
    )
    main_blocks: list[MainBlock] | None = Field(
        None, description="All blocks that may be main content, with offsets and the probability of each."
    )
    fields: dict[str, list[FieldValue]] | None = Field(
        None, description="The values that each head of the service found, by the name of its field."
    )
    metadata: dict[str, list[MetadataValue]] | None = Field(
        None, description="author, date, site_name, description, image, price and breadcrumbs, as lists of values."
    )
    next_cursor: str | None = Field(None, description="Where the rest of text and Markdown begins, if any is left.")
    model: Model
    seconds: float


class CellChanges(BaseModel):
    """value[i] is what cell[i] holds from character at[i] on, until its next change; before its first it holds 0."""

    kinds: list[str] = Field(description="The elements that each cell counts.")
    at: list[int]
    cell: list[int]
    value: list[int]


class EntropyAnswer(Answer):
    """The parts named in `include`. The likeliest faults come first.

    Arrays have a number per character. With detail=lines they have, for every line, its sum of bits and its greatest
    depth. With detail=packed an array is base64 of one byte per character: bits in eighths, at most 255, depth and
    syntax as they are.
    """

    characters: int
    bits_per_character: float
    surprisal: list[float] | str | None = Field(None, description="Bits of the character that came.")
    entropy: list[float] | str | None = Field(None, description="Bits expected before it came.")
    depth: list[float] | str | None = Field(
        None, description="Number of open elements, or of objects and arrays, as the depth neurons count them."
    )
    depth_neurons: list[DepthNeuron] | None = None
    faults: list[Fault] | None = None
    syntax: list[int] | str | None = Field(None, description="Kind of syntax, an index into syntax_names.")
    syntax_names: list[str] | None = None
    cells: CellChanges | None = Field(None, description="What the cells behind `depth` count.")
    marks: list[MarkedSpan] | None = Field(None, description="Texts, tags and titles with their marks.")
    alternatives: list[list[Alternative]] | None = Field(
        None, description="For each character the likeliest ones at its place, by the text before it alone."
    )
    model: Model
    seconds: float


class Contradiction(BaseModel):
    """A correction that says otherwise than the one that stood. Both are kept, and the new one stands."""

    index: int = Field(description="Which of the request's corrections, counted from 0.")
    digest: str = Field(description="SHA-256 of the page's UTF-8.")
    before: dict[str, Any] = Field(description="The correction that stood, without its page.")
    now: dict[str, Any] = Field(description="The correction that stands, without its page.")


class CorrectionsAnswer(Answer):
    """What came of the corrections of a request."""

    new: int = Field(description="Corrections that were stored.")
    merged: int = Field(description="Corrections that were there already.")
    contradictions: list[Contradiction]


class ProblemAnswer(Answer):
    """An error (RFC 9457). `field` names the part of the request that is wrong."""

    type: str
    title: str
    status: int
    detail: str
    field: str | None = None


class Health(Answer):
    """The state of the service."""

    status: str
