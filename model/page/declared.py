"""Reads what a page declares about itself: `meta` and `time` elements, microdata, and JSON-LD in scripts.

Where tags and scripts are, the network has decided. What a tag says is read from its own text, and JSON-LD by the JSON
library. The vocabularies are those of schema.org, the Open Graph protocol, and the names in use for `meta`.
"""

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from soupstate.model.page.entities import text_of
from soupstate.model.page.skim import Skimmed
from soupstate.model.page.spans import Span, TagSpan, TextSpan
from soupstate.model.page.stop import Watch, watched
from soupstate.model.page.tags import attributes_of, name_of

FIELDS = ("author", "date", "site_name", "description", "image", "price", "breadcrumbs")
MANY = frozenset(("author", "breadcrumbs"))  # fields that may have several values
META, JSON_LD, MICRODATA, TIME, LINK = "meta", "json-ld", "microdata", "time", "link"
# Names of `meta` elements, by name, property or itemprop; of several, the first that the page has counts.
NAMES = {
    "author": ("author", "article:author", "parsely-author", "sailthru.author", "dc.creator", "dcterms.creator"),
    "date": (
        "article:published_time", "datepublished", "og:article:published_time", "parsely-pub-date", "sailthru.date",
        "publish-date", "pubdate", "publishdate", "dcterms.created", "dcterms.date", "dc.date.issued", "dc.date",
        "date",
    ),
    "site_name": ("og:site_name", "application-name"),
    "description": ("og:description", "description", "twitter:description"),
    "image": ("og:image", "og:image:url", "og:image:secure_url", "twitter:image", "twitter:image:src"),
    "price": ("product:price:amount", "og:price:amount", "price"),
    "breadcrumbs": (),
}  # fmt: skip
ITEMPROPS = {"author": "author", "datepublished": "date", "price": "price"}
# Types of things that a page may be about. Another type of JSON-LD says nothing of the page's own author or date.
ABOUT = re.compile(r"(?:Article|Posting|Report|Product|Recipe|Review|Book|Movie|VideoObject|WebPage|Page|Event)$")
ADDRESS = re.compile(r"https?://|/|@")  # an author that is a link is no name
TELLING = re.compile(r"itemprop|rel\s*=\s*[\"']?[^\"'>]*\bauthor\b", re.I)  # in a tag that may say something
PUBLISHED = re.compile(r"publish|entry-date|post-date|pubdate", re.I)  # in the class of a `time` element
MOST_VALUES = 100  # of a field
DAY = len("2024-05-03")
LONGEST_TEXT = 300  # characters of the text of a microdata element
MOST_NODES = 10_000  # of JSON-LD
DEEPEST = 20


@dataclass(frozen=True, slots=True)
class Declared:
    """Values that a page declares for a field. source: META, JSON_LD, MICRODATA, TIME or LINK."""

    values: tuple[str, ...]
    source: str


def declared(skimmed: Skimmed, spans: Iterable[Span], watch: Watch) -> dict[str, Declared]:
    """Returns what a page that was read declares, by field. Raises Stopped."""
    found = _Gathering(skimmed, watch)
    for span in watched(spans, watch):
        found.take(span)
    found.end(len(skimmed.text))
    days = {time[:DAY] for time in found.times}
    times = found.published or (found.times if len(days) == 1 else [])  # of one day: that of the page
    return _joined(found.metas, found.props, times, found.linked)


@dataclass(slots=True)
class _Gathering:
    """What has been found so far. script: one that has just begun. open_as, open_name, parts: a property's text."""

    skimmed: Skimmed
    watch: Watch
    metas: dict[str, list[str]] = field(default_factory=dict)
    props: dict[str, list[str]] = field(default_factory=dict)
    times: list[str] = field(default_factory=list)
    published: list[str] = field(default_factory=list)
    linked: dict[str, tuple[str, ...]] = field(default_factory=dict)
    script: TagSpan | None = None
    open_as: str = ""
    open_name: str = ""
    parts: list[str] = field(default_factory=list)

    def take(self, span: Span) -> None:
        """Takes the next span."""
        self._end_script(span.start)
        if isinstance(span, TextSpan):
            if self.open_as:
                self._add_text(span)
        elif isinstance(span, TagSpan):
            name = name_of(self.skimmed.text, span)
            if span.closing:
                if name == self.open_name:
                    self._end_property()
            elif name == "script":
                self.script = span
            elif name in ("meta", "time") or TELLING.search(self.skimmed.text, span.start, span.end):
                self._take_tag(span, name)

    def end(self, at: int) -> None:
        """Ends the page, whose length is `at`."""
        self._end_script(at)
        self._end_property()

    def _take_tag(self, span: TagSpan, name: str) -> None:
        attributes = _attributes(self.skimmed, span)
        if name == "meta":
            for kind in ("property", "name", "itemprop"):
                for each in attributes.get(kind, "").lower().split():
                    self.metas.setdefault(each, []).append(attributes.get("content", ""))
        elif known := [ITEMPROPS[each] for each in attributes.get("itemprop", "").lower().split() if each in ITEMPROPS]:
            value = attributes.get("content") or attributes.get("datetime")
            if value:
                self.props.setdefault(known[0], []).append(value)
            elif not self.open_as and len(self.props.get(known[0], ())) < MOST_VALUES:
                self.open_as, self.open_name, self.parts = known[0], name, []
        elif name == "time" and attributes.get("datetime"):
            published = "pubdate" in attributes or PUBLISHED.search(attributes.get("class", ""))
            (self.published if published else self.times).append(attributes["datetime"])
        elif name == "a" and "author" in attributes.get("rel", "").lower().split() and not self.open_as:
            self.open_as, self.open_name, self.parts = LINK, name, []

    def _add_text(self, span: TextSpan) -> None:
        self.parts.extend(text_of(self.skimmed.text, span.start, span.end, self.watch))
        if sum(map(len, self.parts)) > LONGEST_TEXT:
            self.open_as = self.open_name = ""

    def _end_property(self) -> None:
        """Takes the text of a property (WHATWG HTML, 5.2.4: values)."""
        if self.open_as:
            self.props.setdefault(self.open_as, []).append("".join(self.parts))
        self.open_as = self.open_name = ""

    def _end_script(self, at: int) -> None:
        """Takes the JSON-LD of a script, whose text ends at `at` of the page that was read."""
        if self.script is None:
            return
        for node in _nodes(_json(self.skimmed, self.script, at)):
            for name, values in _of_node(node).items():
                self.linked.setdefault(name, values)
        self.script = None


def _joined(
    metas: dict[str, list[str]], props: dict[str, list[str]], times: list[str], linked: dict[str, tuple[str, ...]]
) -> dict[str, Declared]:
    """Returns for each field the first source that has it."""
    found: dict[str, Declared] = {}
    for name in FIELDS:
        named = next((metas[each] for each in NAMES[name] if metas.get(each)), [])
        first = [(JSON_LD, linked.get(name, ())), (META, tuple(named))]
        if name in ("description", "image", "site_name"):
            first.reverse()  # what a page says of itself, rather than of the thing that it is about
        if name == "date":
            first.append((TIME, tuple(times)))
        elif name == "author":
            first.append((LINK, tuple(props.get(LINK, ()))[:1]))  # others may be those of other articles
        for source, values in (*first[:2], (MICRODATA, tuple(props.get(name, ()))), *first[2:]):
            kept = _cleaned(name, values)
            if kept:
                found[name] = Declared(kept, source)
                break
    return found


def _cleaned(name: str, values: Iterable[str]) -> tuple[str, ...]:
    """Returns values with white space folded, without empty and repeated ones; one alone, unless there may be many."""
    kept: dict[str, None] = {}
    for value in values:
        folded = " ".join(value.split())
        if folded and not (name == "author" and ADDRESS.search(folded)):
            kept[folded] = None
    return tuple(kept)[: MOST_VALUES if name in MANY else 1]


def _attributes(skimmed: Skimmed, span: TagSpan) -> dict[str, str]:
    """Returns the attributes of a tag as the whole page has them: long values were skimmed."""
    start, end = skimmed.extent(span.start, span.end)
    return attributes_of(skimmed.whole, TagSpan(start, end, span.event, span.closing))


def _json(skimmed: Skimmed, script: TagSpan, end: int) -> Any:
    """Returns the JSON-LD of a script that ends at `end`; None where it has none, or where it is broken."""
    if end <= script.end or "ld+json" not in _attributes(skimmed, script).get("type", "").lower():
        return None
    start, end = skimmed.extent(script.end, end)
    body = skimmed.whole[start:end].strip().removeprefix("<!--").removesuffix("-->").strip()
    try:
        return orjson.loads(body.removeprefix("//<![CDATA[").removesuffix("//]]>").strip().rstrip(";"))
    except (orjson.JSONDecodeError, UnicodeEncodeError):
        return None


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Yields the objects of JSON-LD, the outer ones first."""
    waiting, left = deque([(value, 0)]), MOST_NODES
    while waiting and left:
        some, depth = waiting.popleft()
        left -= 1
        if isinstance(some, dict):
            yield some
            inner: Iterable[Any] = (some.get(name) for name in ("@graph", "mainEntity", "mainEntityOfPage", "offers"))
        else:
            inner = some if isinstance(some, list) else ()
        if depth < DEEPEST:
            waiting.extend((each, depth + 1) for each in inner if isinstance(each, dict | list))


def _of_node(node: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    """Returns what an object of JSON-LD says, by field."""
    kinds = [kind for kind in _listed(node.get("@type")) if isinstance(kind, str)]
    found: dict[str, tuple[str, ...]] = {}
    if "BreadcrumbList" in kinds:
        found["breadcrumbs"] = tuple(_names([_crumb(each) for each in _listed(node.get("itemListElement"))]))
    if "WebSite" in kinds:
        found["site_name"] = tuple(_names([node.get("name")]))
    if {"Offer", "AggregateOffer"} & set(kinds):
        found["price"] = _texts(node.get("price") or node.get("lowPrice"))
    if any(ABOUT.search(kind) for kind in kinds):
        found |= {
            "author": tuple(_names(_listed(node.get("author")))),
            "date": _texts(node.get("datePublished")),
            "description": _texts(node.get("description")),
            "image": tuple(_addresses(_listed(node.get("image")))),
        }
        if isinstance(publisher := node.get("publisher"), dict):
            found["site_name"] = tuple(_names([publisher]))
    return {name: values for name, values in found.items() if values}


def _crumb(item: Any) -> Any:
    if isinstance(item, dict) and not item.get("name"):
        return item.get("item")
    return item


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(str(each) for each in _listed(value) if isinstance(each, str | int | float) and each is not True)


def _names(values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        name = value.get("name") if isinstance(value, dict) else value
        yield from (each for each in _listed(name) if isinstance(each, str))


def _addresses(values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        address = (value.get("url") or value.get("contentUrl")) if isinstance(value, dict) else value
        yield from (each for each in _listed(address) if isinstance(each, str))
