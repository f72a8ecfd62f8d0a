"""A correction: a page, and what people say is right there. Offsets count code points of the page.

`read_correction` reads one from a JSON object, and `written` makes that object again. docs/corrections.md has the
format.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, ClassVar
from urllib.parse import urlsplit

from soupstate.model.corrections.checks import (
    LONGEST_VALUE,
    WrongCorrection,
    check_names,
    check_text,
    checked_span,
    fault_name,
    field_name,
    head_class,
    needed,
    string,
    truth,
    values_in,
)

LONGEST_PAGE = 10_000_000  # characters; the service takes as many bytes in a body
LONGEST_URL = 8192  # characters, also of a link's target
LONGEST_ANSWERED = 100_000  # bytes of JSON
MOST_SPANS = 10_000  # of the main content of a page
PAGE_NAMES = frozenset(("html", "url", "digest", "kind", "answered"))


@dataclass(frozen=True, slots=True)
class MainCorrection:
    """The main content of the page: either its text or its spans (start, end), in the order of the page.

    No spans say that the page has none; an empty text is read as that.
    """

    KIND: ClassVar = "main"
    TARGET: ClassVar[tuple[str, ...]] = ()

    text: str | None = None
    spans: tuple[tuple[int, int], ...] | None = None

    @classmethod
    def read(cls, given: Mapping[str, Any], html: str) -> "MainCorrection":
        """Reads `right`. Raises WrongCorrection."""
        right = needed(given, "right", dict)
        if set(right) not in ({"text"}, {"spans"}):
            raise WrongCorrection("right", 'must be {"text": "..."} or {"spans": [[start, end], ...]}')
        if "text" in right:
            text = string(right, "text", len(html))
            check_text(text, html)
            return cls(text=text) if text.strip() else cls(spans=())
        given_spans = needed(right, "spans", list)
        if len(given_spans) > MOST_SPANS:
            raise WrongCorrection("spans", f"must have at most {MOST_SPANS} spans")
        spans = sorted(checked_span(span, html) for span in given_spans)
        if any(first[1] > second[0] for first, second in zip(spans, spans[1:], strict=False)):
            raise WrongCorrection("spans", "must not overlap")
        return cls(spans=tuple(spans))


@dataclass(frozen=True, slots=True)
class LinkCorrection:
    """Whether page[start:end] is part of a link. href: its target as the page writes it, or None."""

    KIND: ClassVar = "link"
    TARGET: ClassVar = ("start", "end")

    start: int
    end: int
    right: bool
    href: str | None = None

    @classmethod
    def read(cls, given: Mapping[str, Any], html: str) -> "LinkCorrection":
        """Reads the fields. Raises WrongCorrection."""
        start, end = _place(given, html)
        right = truth(given, "right")
        href = None if given.get("href") is None else string(given, "href", LONGEST_URL)
        if href is not None and not right:
            raise WrongCorrection("href", "what is no link has none")
        return cls(start, end, right, href)


@dataclass(frozen=True, slots=True)
class MarkCorrection:
    """The class of page[start:end] by one of HEADS. right: as `/entropy?include=marks` names it, or its number."""

    KIND: ClassVar = "mark"
    TARGET: ClassVar = ("mark", "start", "end")

    mark: str
    start: int
    end: int
    right: str | int

    @classmethod
    def read(cls, given: Mapping[str, Any], html: str) -> "MarkCorrection":
        """Reads the fields. Raises WrongCorrection."""
        mark = string(given, "mark", LONGEST_VALUE)
        right: Any = needed(given, "right", object)
        head_class(mark, right)
        return cls(mark, *_place(given, html), right)

    @property
    def label(self) -> int:
        """The number of the class."""
        return head_class(self.mark, self.right)


@dataclass(frozen=True, slots=True)
class FaultCorrection:
    """Whether the fault that was reported at page[start:end] is one. id: its kind, or None. start may equal end."""

    KIND: ClassVar = "fault"
    TARGET: ClassVar = ("start", "end", "id")

    start: int
    end: int
    right: bool
    id: str | None = None

    @classmethod
    def read(cls, given: Mapping[str, Any], html: str) -> "FaultCorrection":
        """Reads the fields. Raises WrongCorrection."""
        start, end = _place(given, html, empty=True)
        kind = None if given.get("id") is None else fault_name(given, "id")
        return cls(start, end, truth(given, "right"), kind)


@dataclass(frozen=True, slots=True)
class FixCorrection:
    """A fix that is right: page[start:end] becomes `replacement`. start may equal end: an insertion."""

    KIND: ClassVar = "fix"
    TARGET: ClassVar = ("start", "end")

    start: int
    end: int
    replacement: str

    @classmethod
    def read(cls, given: Mapping[str, Any], html: str) -> "FixCorrection":
        """Reads the fields. Raises WrongCorrection."""
        start, end = _place(given, html, empty=True)
        replacement = string(given, "replacement", LONGEST_VALUE)
        if replacement == html[start:end]:
            raise WrongCorrection("replacement", "is what the page says there")
        return cls(start, end, replacement)


@dataclass(frozen=True, slots=True)
class FieldCorrection:
    """All values of a field of the page, as the page writes them; () where it has none."""

    KIND: ClassVar = "field"
    TARGET: ClassVar = ("field",)

    field: str
    values: tuple[str, ...]

    @classmethod
    def read(cls, given: Mapping[str, Any], html: str) -> "FieldCorrection":
        """Reads the fields. Raises WrongCorrection."""
        return cls(field_name(given, "field"), values_in(needed(given, "values", list), html))


Correction = MainCorrection | LinkCorrection | MarkCorrection | FaultCorrection | FixCorrection | FieldCorrection
KINDS: dict[str, type[Correction]] = {
    kind.KIND: kind
    for kind in (MainCorrection, LinkCorrection, MarkCorrection, FaultCorrection, FixCorrection, FieldCorrection)
}
# The fields of each kind's object, beside PAGE_NAMES.
NAMES: dict[str, tuple[str, ...]] = {
    name: ("right",) if kind is MainCorrection else tuple(part.name for part in fields(kind))
    for name, kind in KINDS.items()
}


@dataclass(frozen=True)
class Corrected:
    """A correction and its page. url: of the page, where it is known. answered: any JSON value; None: not said."""

    html: str
    correction: Correction
    url: str | None = None
    answered: Any = None

    @cached_property
    def digest(self) -> str:
        """The digest of the page."""
        return page_digest(self.html)


def page_digest(html: str) -> str:
    """Returns the SHA-256 digest of a page's UTF-8, in hexadecimal."""
    return hashlib.sha256(html.encode()).hexdigest()


def compact(value: Any) -> str:
    """Returns a value as JSON without white space and with sorted names, so that equal values are equal texts."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def target(correction: Correction) -> str:
    """Returns what a correction speaks of, as JSON. Different corrections with one target contradict each other.

    >>> target(LinkCorrection(3, 7, True)), target(LinkCorrection(3, 7, False))
    ('["link",3,7]', '["link",3,7]')
    """
    return compact([correction.KIND, *(getattr(correction, name) for name in correction.TARGET)])


def written(correction: Correction) -> dict[str, Any]:
    """Returns the JSON object of a correction, without its page.

    >>> written(FixCorrection(12, 12, '"'))
    {'kind': 'fix', 'start': 12, 'end': 12, 'replacement': '"'}
    """
    if isinstance(correction, MainCorrection):
        named = {"spans": correction.spans} if correction.text is None else {"text": correction.text}
        return {"kind": correction.KIND, "right": _plain(named)}
    return {"kind": correction.KIND, **_plain({name: getattr(correction, name) for name in NAMES[correction.KIND]})}


def read_correction(given: Mapping[str, Any]) -> Corrected:
    """Returns the correction of a JSON object that has the page as `html`. Raises WrongCorrection."""
    kind = string(given, "kind", LONGEST_VALUE)
    if kind not in KINDS:
        raise WrongCorrection("kind", f"must be {', '.join(KINDS)}")
    check_names(given, (*sorted(PAGE_NAMES), *NAMES[kind]))
    html = string(given, "html", LONGEST_PAGE)
    if not html.strip("\ufeff\t\n\f\r\0 "):
        raise WrongCorrection("html", "the page is empty")
    if given.get("digest") not in (None, page_digest(html)):
        raise WrongCorrection("digest", "is that of another page; it is the SHA-256 of its UTF-8")
    url = None if given.get("url") is None else _address(string(given, "url", LONGEST_URL))
    answered = _answered(given.get("answered"))
    return Corrected(html, KINDS[kind].read(given, html), url, answered)


def _place(given: Mapping[str, Any], html: str, *, empty: bool = False) -> tuple[int, int]:
    """Returns start and end. empty: they may be equal. Raises WrongCorrection."""
    return checked_span([needed(given, "start", int), needed(given, "end", int)], html, empty=empty)


def _address(url: str) -> str:
    """Returns an absolute http or https address. Raises WrongCorrection."""
    try:
        parts = urlsplit(url)
    except ValueError:  # its brackets hold no IPv6 address
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise WrongCorrection("url", "not an absolute http or https address, such as https://example.org/")
    return url


def _answered(value: Any) -> Any:
    """Returns any JSON value that can be kept. Raises WrongCorrection."""
    try:
        size = len(compact(value).encode())
    except (RecursionError, ValueError):
        raise WrongCorrection("answered", "is nested too deeply, or holds what is no Unicode text or number") from None
    if size > LONGEST_ANSWERED:
        raise WrongCorrection("answered", f"must have at most {LONGEST_ANSWERED} bytes of JSON")
    return value


def _plain(named: dict[str, Any]) -> dict[str, Any]:
    """Returns the values that are not None, with lists in place of tuples, as JSON has them."""
    return {name: _listed(value) for name, value in named.items() if value is not None}


def _listed(value: Any) -> Any:
    return [_listed(each) for each in value] if isinstance(value, tuple) else value
