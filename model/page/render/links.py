"""Extracts the links of a page from its spans."""

from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from soupstate.model.page.described import described
from soupstate.model.page.entities import unescape_attribute, unescape_text
from soupstate.model.page.marks import Event, Visible
from soupstate.model.page.spans import Span, TagSpan, TextSpan


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


def base_url(page: str, spans: list[Span], url: str | None) -> str | None:
    """Returns the base of the page's relative addresses: its <base href>, resolved against `url`."""
    for span in spans:
        if isinstance(span, TagSpan) and span.base:
            return resolve(unescape_attribute(page[slice(*span.base)]).strip(), url)
    return url


def resolve(href: str, base: str | None) -> str | None:
    """Returns an absolute address; None for a relative href without a base, or for no address at all."""
    try:
        joined = urljoin(base, href) if base else href
        urlsplit(joined)
    except ValueError:
        return None
    return joined if base or ":" in href.split("/", 1)[0] else None


def links(page: str, spans: list[Span], url: str | None = None) -> list[Link]:
    """Returns every link with a target, in order.

    Unseen text is not part of a link's text, unless the link has no other text because it stands in a `noscript`.
    """
    base = base_url(page, spans, url)
    found: list[Link] = []
    texts: list[list[str]] = []
    unseen: list[list[str]] = []
    is_open = False
    for span in spans:
        if isinstance(span, TagSpan) and (span.href or span.event == Event.LINK):
            href = unescape_attribute(page[slice(*span.href)]).strip() if span.href else ""
            rel = unescape_attribute(page[slice(*span.rel)]).strip() if span.rel else None
            is_open = bool(href)
            if href:
                found.append(Link(href, resolve(href, base), "", rel, span.start, span.end))
                texts.append([])
                unseen.append([])
        elif is_open and isinstance(span, TextSpan):
            if span.blank:
                texts[-1].append(page[span.start : span.end])
                unseen[-1].append(page[span.start : span.end])
            elif not span.link:
                is_open = False
            else:
                parts = unseen if span.visible == Visible.UNSEEN else texts
                parts[-1].append(unescape_text(page[span.start : span.end]))
                found[-1].end = span.end
    for link, seen, other in zip(found, texts, unseen, strict=True):
        link.text = " ".join("".join(seen).split()) or " ".join("".join(other).split())
    return found
