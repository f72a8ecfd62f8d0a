"""Addresses of a page: absolute, safe to click, and bounded in length."""

import re
from urllib.parse import urljoin, urlsplit

from soupstate.model.page.entities import attribute_of
from soupstate.model.page.spans import Spans
from soupstate.model.page.stop import Watch

# A page may repeat a long base in every link. Its absolute addresses together take at most ADDED characters and GROWTH
# more per character of the page; those beyond are unknown. A base longer than LONGEST_BASE counts as none.
ADDED, GROWTH = 500_000, 8
LONGEST_BASE = 8192
LONGEST_ADDRESS = 1_000_000  # characters; a longer one is no address that anyone follows
# Most addresses are written so that `urljoin` changes nothing in them, or only puts the origin of the base before them.
_SIGNS = r"\w~%+,=&@!:*()$'\-"
_AFTER_PATH = rf"(?:\?[{_SIGNS}./?;]+)?(?:#[{_SIGNS}./?;]+)?"
WHOLE = re.compile(rf"https?://[A-Za-z0-9.-]+(?:/[{_SIGNS}./]*)?{_AFTER_PATH}")
ROOTED = re.compile(rf"(?:/(?![/.])[{_SIGNS}.]*)+{_AFTER_PATH}")
IGNORED_IN_ADDRESS = re.compile(r"[\t\n\r]|^[\0- ]+")  # by browsers (WHATWG URL, 4.4: basic URL parser, steps 1 to 3)
SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.I)
SCRIPTS = frozenset({"javascript:", "vbscript:"})
# Images of these types hold no script. All other `data:` addresses may.
PICTURE = re.compile(r"data:image/(?:png|jpe?g|gif|webp|avif|bmp|x-icon|vnd\.microsoft\.icon)[;,]", re.I)


class Addresses:
    """Makes the addresses of one page absolute against `base`. Without a base only absolute ones are known."""

    def __init__(self, page: str, base: str | None) -> None:
        self.base = base if base is None or len(base) <= LONGEST_BASE else None
        self.left = ADDED + GROWTH * len(page)
        self.origin = _origin(self.base)

    def absolute(self, href: str) -> str | None:
        """Returns the absolute address of a target; None where it cannot be known, or where the page has too many."""
        address = self._resolved(href) if self.left >= 0 and len(href) <= LONGEST_ADDRESS else None
        self.left -= len(address or "")
        return address if self.left >= 0 else None

    def _resolved(self, href: str) -> str | None:
        """Returns what `resolve` returns, in a fifth of the time for most addresses."""
        if self.origin is not None:
            if ROOTED.fullmatch(href):
                return self.origin + href
            if WHOLE.fullmatch(href):
                return href
        return resolve(href, self.base)


def _origin(base: str | None) -> str | None:
    """Returns the scheme and the host of a base, such as `https://example.org`; None where it has none."""
    try:
        parts = urlsplit(base or "")
    except ValueError:
        return None
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in ("http", "https") and parts.netloc else None


def base_url(page: str, spans: Spans, url: str | None, watch: Watch) -> str | None:
    """Returns the base of the page's relative addresses: its <base href>, resolved against `url`. Raises Stopped."""
    base = spans.base
    return resolve(attribute_of(page, base, watch), url) if base else url


def resolve(href: str, base: str | None) -> str | None:
    """Returns an absolute address; None for a relative href without a base, or for no address at all."""
    try:
        joined = urljoin(base, href) if base else href
        urlsplit(joined)
    except ValueError:
        return None
    return joined if base or ":" in href.split("/", 1)[0] else None


def is_safe(address: str) -> bool:
    """Whether following a link to this address runs no script that the address itself holds. No endless one is safe.

    >>> is_safe("https://example.org/"), is_safe(" java\\nscript:alert(1)"), is_safe("data:text/html,<script>")
    (True, False, False)
    """
    if len(address) > LONGEST_ADDRESS:
        return False
    scheme = SCHEME.match(plain := IGNORED_IN_ADDRESS.sub("", address))
    name = scheme[0].lower() if scheme else ""
    return name not in SCRIPTS and (name != "data:" or bool(PICTURE.match(plain)))
