"""The Python API: one class, and its methods as functions that use the shipped weights.

Every page is a str, or bytes with an optional `charset` as an HTTP header would give it; other types raise TypeError.
Offsets in answers count the code points of the decoded page. An empty page gives an empty answer.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, overload

from soupstate.app.answers import EXTRACT_PARTS, Asked, Extraction, rendered
from soupstate.app.answers import extract as extract_parts
from soupstate.app.reading import LazyReader
from soupstate.model.faults.apply import LIKELY
from soupstate.model.faults.apply import mend as apply_fixes
from soupstate.model.faults.fault import Fault
from soupstate.model.faults.find import find_faults
from soupstate.model.net.reader import Reader, Reading
from soupstate.model.page.decode import Decoded, EmptyPage, decode, encode_changed
from soupstate.model.page.render.links import Link
from soupstate.model.page.skim import skim

Html = str | bytes
Scope = Literal["all", "main"]


@dataclass(frozen=True, slots=True)
class Page:
    """What was extracted from a page.

    title: None where the page has none. links: in the order of the page. text, markdown: of the page, or of its main
    content with `scope="main"`. language: the BCP 47 tag of the language of the visible text; None where
    it is too short to tell. declared_language: the tag that the page declares, in lower case, as `pt-br`. charset,
    charset_source: the WHATWG name, and where it was found (bom, header, meta or detected); None for a str.
    characters: of the whole page. bits_per_character: surprisal per character of what was read, which is the page
    without the middles of scripts and the like; an estimate, usually within 2%, for pages longer than 8192 bytes.
    `read` gives the exact bits of the whole page.

    >>> page = extract("<html><head><title>Tea</title></head><body><p>Two cups of tea.</p></body></html>")
    >>> page.title, page.links, page.characters
    ('Tea', [], 80)
    """

    title: str | None
    links: list[Link]
    text: str
    markdown: str
    language: str | None
    declared_language: str | None
    charset: str | None
    charset_source: str | None
    characters: int
    bits_per_character: float


class Soupstate:
    """A network that reads pages. Several threads may use one object, and it may be pickled.

    weights: a checkpoint; the shipped one by default. backend: a version of the recurrence, as
    `soupstate.kernels.available()` lists them; the fastest by default. The network is loaded by the first call, or by
    each process after pickling.

    >>> soup = Soupstate()
    >>> [page.text for page in soup.extract_many(["<p>One", "<p>Two"])]
    ['One', 'Two']
    """

    def __init__(self, weights: str | Path | None = None, backend: str | None = None) -> None:
        self._network = LazyReader(Path(weights) if weights else None, backend)

    @property
    def reader(self) -> Reader:
        """The reader behind the methods. Raises OSError or ValueError for weights that cannot be used."""
        return self._network.reader

    def extract(self, html: Html, url: str | None = None, *, charset: str | None = None, scope: Scope = "all") -> Page:
        """Extracts the title, links, text and Markdown of a page.

        url: the page's address; it makes links absolute. scope: "all", or "main" for the main content. Raises
        ValueError for bytes that are binary or undecodable, and for weights that cannot be used.

        >>> page = Soupstate().extract("<h1>Tea</h1><p>Two <b>cups</b>, <a href='/m'>milk</a>.</p>")
        >>> print(page.markdown)
        # Tea
        <BLANKLINE>
        Two **cups**, [milk](/m).
        """
        _check_scope(scope)
        decoded = _decoded(html, charset)
        return _page(extract_parts(self.reader, _asked(decoded, url, scope)))

    def extract_many(
        self,
        pages: Iterable[Html],
        urls: Sequence[str | None] | None = None,
        *,
        charset: str | None = None,
        scope: Scope = "all",
    ) -> list[Page]:
        """Extracts from several pages at once, which takes somewhat less time than one after another.

        urls: the address of each page. All pages are decoded before any is read. Raises ValueError as `extract` does;
        the message then begins with the page's index. `soupstate.arrow.extract_batch` gives a status instead.

        >>> soup = Soupstate()
        >>> soup.extract_many(["<a href=x>X</a>"], ["https://example.org/"])[0].links[0].url
        'https://example.org/x'
        """
        _check_scope(scope)
        decoded: list[Decoded] = []
        for number, html in enumerate(pages):
            try:
                decoded.append(_decoded(html, charset))
            except ValueError as error:
                raise ValueError(f"page {number}: {error}") from None
        addresses = [None] * len(decoded) if urls is None else list(urls)
        if len(addresses) != len(decoded):
            raise ValueError(f"{len(addresses)} urls for {len(decoded)} pages")
        skimmed = [skim(page.text) for page in decoded]
        markings = self.reader.mark_many([page.text for page in skimmed])
        pages_read = []
        for page, short, marking, url in zip(decoded, skimmed, markings, addresses, strict=True):
            assert marking is not None  # nothing stops the reading
            pages_read.append(_page(rendered(marking, short, _asked(page, url, scope))))
        return pages_read

    def check(self, html: Html, *, charset: str | None = None) -> list[Fault]:
        """Finds faults: places where the page breaks, the likeliest first, each with its fixes.

        At most 20 faults come back. Those of a probability of .5 or more are worth showing; below that a fault is a
        hint. Raises ValueError as `extract` does.

        >>> faults = Soupstate().check('<p class="a>Ferry</p>' + "<p class='a'>Night ferries sail on.</p>" * 4)
        >>> faults[0].kind, faults[0].fixes[0].replacement
        ('unpaired-quote', '"')
        """
        reader = self.reader
        return find_faults(reader, reader.read(_decoded(html, charset).text))

    @overload
    def mend(
        self, html: str, faults: Iterable[Fault] | None = None, threshold: float = LIKELY, *, charset: str | None = None
    ) -> str: ...

    @overload
    def mend(
        self,
        html: bytes,
        faults: Iterable[Fault] | None = None,
        threshold: float = LIKELY,
        *,
        charset: str | None = None,
    ) -> bytes: ...

    def mend(
        self,
        html: Html,
        faults: Iterable[Fault] | None = None,
        threshold: float = LIKELY,
        *,
        charset: str | None = None,
    ) -> Html:
        """Applies the first fix of every fault of at least this probability, and returns the page.

        faults: those that `check` found on this page; without them `mend` calls `check`. Where two fixes come close
        to each other, only the likelier fault is mended. Bytes come back as bytes in the same charset. Raises
        ValueError for a fix outside the page, and for bytes that are not valid in the page's charset.

        >>> broken = '<p class="a>Ferry</p>' + "<p class='a'>Night ferries sail on.</p>" * 4
        >>> Soupstate().mend(broken, threshold=0.1)[:22]
        '<p class="a">Ferry</p>'
        """
        decoded = _decoded(html, charset)
        found = self.check(decoded.text) if faults is None else faults
        mended = apply_fixes(decoded.text, found, threshold)
        if isinstance(html, str):
            return mended.page
        if not mended.mended:
            return html
        return encode_changed(decoded, html, mended.page)

    def read(self, html: Html, *, charset: str | None = None) -> Reading:
        """Reads a page, and returns one number per character: surprisal, entropy and depth.

        `surprisal` and `entropy` are in bits, `depth` counts open elements; each is a float32 array (characters,).
        `bits_per_character` is exact. `page` is the decoded page. Raises ValueError as `extract` does.

        >>> reading = Soupstate().read("<p>Tea</p>")
        >>> len(reading.surprisal) == len(reading.entropy) == len(reading.depth) == len("<p>Tea</p>")
        True
        """
        return self.reader.read(_decoded(html, charset).text, depth=True)


def _check_scope(scope: str) -> None:
    if scope not in ("all", "main"):
        raise ValueError(f"scope is 'all' or 'main', not {scope!r}")


def _decoded(html: Html, charset: str | None) -> Decoded:
    """Decodes a page. A str needs no decoding. Raises TypeError for other types."""
    if isinstance(html, str):
        return Decoded.of_text(html)
    if not isinstance(html, bytes):
        raise TypeError(f"a page is str or bytes, not {type(html).__name__}")
    try:
        return decode(html, f"text/html; charset={charset}" if charset else None)
    except EmptyPage:
        return Decoded("", "utf-8", "detected")


def _asked(decoded: Decoded, url: str | None, scope: Scope) -> Asked:
    charset, source = (decoded.charset, decoded.source) if decoded.charset else (None, None)
    parts = frozenset(EXTRACT_PARTS)
    return Asked(decoded.text, url, parts, scope, charset=charset, charset_source=source)


def _page(answer: Extraction) -> Page:
    return Page(
        title=answer.title,
        links=answer.links or [],
        text=answer.text or "",
        markdown=answer.markdown or "",
        language=answer.language,
        declared_language=answer.declared_language,
        charset=answer.charset,
        charset_source=answer.charset_source,
        characters=answer.characters,
        bits_per_character=answer.bits_per_character,
    )


_SHIPPED = Soupstate()
extract, check, mend, read = _SHIPPED.extract, _SHIPPED.check, _SHIPPED.mend, _SHIPPED.read
