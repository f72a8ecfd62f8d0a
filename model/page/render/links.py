"""Extracts the links of a page from its spans."""

from dataclasses import dataclass

from soupstate.model.page.described import described
from soupstate.model.page.entities import attribute_of, text_of
from soupstate.model.page.marks import Event, Visible
from soupstate.model.page.render.addresses import Addresses, base_url
from soupstate.model.page.render.folding import ANY_SPACE, folded
from soupstate.model.page.spans import Spans, TagSpan, TextSpan
from soupstate.model.page.stop import Stop, Watch, never, watched


@dataclass(slots=True)
class Link:
    """A link of a page, as the Python API, the service, the command line and the rows define it.

    Offsets count code points of the page.

    >>> Link("/tea", "https://example.org/tea", "Tea", None, 0, 16).url
    'https://example.org/tea'
    """

    href: str = described("The target as written, with character references undone.")
    url: str | None = described("The absolute address; null where it cannot be made absolute.")
    text: str = described("The link's text, white space folded.")
    rel: str | None = described("The rel attribute as written; null where there is none.")
    start: int = described("Where the link's start tag begins.")
    end: int = described("Where its text ends.")
    alt: str = described("The alternative text of its images; empty where it has text.", "")


def links(page: str, spans: Spans, url: str | None = None, stop: Stop = never) -> list[Link]:
    """Returns every link with a target, in order.

    Unseen text is not part of a link's text, unless the link has no other text because it stands in a `noscript`.
    A link without any has the alternative text of its images. Raises Stopped.
    """
    watch = Watch(stop)
    addresses = Addresses(page, base_url(page, spans, url, watch))
    found: list[Link] = []
    texts: list[str] = []  # of the open link, shown and unseen
    unseen: list[str] = []
    alts: list[str] = []
    is_open = False

    def close() -> None:
        if texts or unseen:
            found[-1].text = folded(texts, watch, ANY_SPACE) or folded(unseen, watch, ANY_SPACE)
        if alts and not found[-1].text:
            found[-1].alt = folded(alts, watch, ANY_SPACE)
        texts.clear()
        unseen.clear()
        alts.clear()

    for span in watched(spans, watch):
        if isinstance(span, TagSpan) and (span.href or span.event == Event.LINK):
            close()
            href = attribute_of(page, span.href, watch)
            is_open = bool(href)
            if href:
                rel = attribute_of(page, span.rel, watch) if span.rel else None
                found.append(Link(href, addresses.absolute(href), "", rel, span.start, span.end))
        elif is_open and isinstance(span, TagSpan) and span.alt:
            alts += [attribute_of(page, span.alt, watch), " "]
        elif is_open and isinstance(span, TextSpan):
            if span.blank:
                texts.append(" ")
                unseen.append(" ")
            elif not span.link:
                is_open = False
            else:
                parts = unseen if span.visible == Visible.UNSEEN else texts
                parts.extend(text_of(page, span.start, span.end, watch))
                found[-1].end = span.end
    close()
    return found
