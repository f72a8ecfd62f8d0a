"""Requests and answers of the service, as OpenAPI shows them. Requests are checked by these models."""

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from soupstate.app.answers import Model
from soupstate.model.faults.fault import Fault
from soupstate.model.net.depth import DepthNeuron
from soupstate.model.page.render.links import Link

LONGEST_URL = 8192


def _characters(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"character {error.start} is half of a surrogate pair, which is no character") from None
    return text


def _page(html: str) -> str:
    if not html.strip("\ufeff\t\n\f\r\0 "):
        raise ValueError("the page is empty")
    return html


def _address(url: str) -> str:
    if len(url) > LONGEST_URL:
        raise ValueError(f"longer than {LONGEST_URL} characters")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("not an absolute http or https address")
    return url


Text = Annotated[str, AfterValidator(_characters)]
Html = Annotated[Text, AfterValidator(_page), Field(description="The page. Offsets in answers count its code points.")]
Url = Annotated[Text, AfterValidator(_address), Field(description="Where the page is from; makes links absolute.")]
Detail = Annotated[
    Literal["characters", "lines", "none"], Field(description="What arrays have a number for; none: no arrays.")
]
Scope = Annotated[Literal["all", "main"], Field(description="The whole page, or its main content.")]
ExtractPart = Literal["links", "text", "markdown"]
EntropyPart = Literal["surprisal", "entropy", "depth", "faults"]


class ExtractRequest(BaseModel):
    """A page to extract from."""

    model_config = ConfigDict(extra="forbid", strict=True)
    html: Html
    url: Url | None = None
    include: list[ExtractPart] = Field(["links", "text", "markdown"], description="What to answer.")
    scope: Scope = "all"


class EntropyRequest(BaseModel):
    """A page to measure. `url` and `scope` are taken, as by /extract, and change nothing."""

    model_config = ConfigDict(extra="forbid", strict=True)
    html: Html
    url: Url | None = None
    include: list[EntropyPart] = Field(["surprisal", "entropy", "depth", "faults"], description="What to answer.")
    scope: Scope = "all"
    detail: Detail = "characters"


class Answer(BaseModel):
    """Base of what the service answers: no field but those listed."""

    model_config = ConfigDict(extra="forbid")


class ExtractAnswer(Answer):
    """What was asked for in `include`, and figures of the reading."""

    title: str | None
    links: list[Link] | None = None
    text: str | None = None
    markdown: str | None = None
    characters: int
    bits_per_character: float = Field(description="Of a page longer than 8192 bytes an estimate, usually within 2 %.")
    model: Model
    seconds: float


class EntropyAnswer(Answer):
    """What was asked for in `include`. Faults: the most suspicious first.

    Arrays have a number a character; with detail=lines the sum of bits and the greatest depth of every line.
    """

    characters: int
    bits_per_character: float
    surprisal: list[float] | None = Field(None, description="Bits of the character that came.")
    entropy: list[float] | None = Field(None, description="Bits expected before it came.")
    depth: list[float] | None = Field(None, description="Open elements, as the depth neurons have it.")
    depth_neurons: list[DepthNeuron] | None = None
    faults: list[Fault] | None = None
    model: Model
    seconds: float


class ProblemAnswer(Answer):
    """An error (RFC 9457); `field` names what of the request is wrong."""

    type: str
    title: str
    status: int
    detail: str
    field: str | None = None


class Health(Answer):
    """State of the service."""

    status: str
