"""The Python API: one class, and its methods as functions that use the shipped weights.

Every page is a str, or bytes with an optional `charset` as an HTTP header would give it; other types raise TypeError.
Offsets in answers count the code points of the decoded page. An empty page gives an empty answer.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, overload

from soupstate.app.answers import (
    EXTRACT_PARTS,
    FAVORED,
    LINK_STYLES,
    MORE_PARTS,
    SCOPES,
    Asked,
    Extraction,
    rendered,
)
from soupstate.app.answers import extract as extract_parts
from soupstate.app.faults import repair
from soupstate.app.reading import LazyReader, load_heads
from soupstate.model.faults.apply import LIKELY
from soupstate.model.faults.apply import mend as apply_fixes
from soupstate.model.faults.fault import Fault
from soupstate.model.faults.find import find_faults
from soupstate.model.net.checkpoint import DEFAULT, extractor
from soupstate.model.net.fields import FieldValue
from soupstate.model.net.main_content import MainBlock
from soupstate.model.net.page_metadata import MetadataValue, with_shipped_heads
from soupstate.model.net.reader import Reader, Reading
from soupstate.model.page.decode import Decoded, EmptyPage, decode, encode_changed
from soupstate.model.page.render.links import Link
from soupstate.model.page.skim import skim

Html = str | bytes
Scope = Literal["all", "main"]
Favor = Literal["balanced", "precision", "recall"]
LinkStyle = Literal["inline", "reference"]


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

    With `scope="main"` there are three more, which are None otherwise. confidence: the F1 of words to expect against
    what a person would mark as main content, 0 to 1. page_type: article, collection, documentation, forum, listing,
    product or service. main_blocks: all blocks that might be chosen, each with `start` and `end` in the page, its
    `probability` of being main content, and whether it is `main`.

    fields: the values that each of the `heads` found, by the name of its field; empty without heads. metadata: with
    `metadata=True`, the values of author, date, site_name, description, image, price and breadcrumbs; else empty.

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
    confidence: float | None = None
    page_type: str | None = None
    main_blocks: list[MainBlock] | None = None
    fields: dict[str, list[FieldValue]] = field(default_factory=dict)
    metadata: dict[str, list[MetadataValue]] = field(default_factory=dict)


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
        measuring = Path(weights) if weights else DEFAULT
        self._measuring, self._extracting = LazyReader(measuring, backend), LazyReader(extractor(measuring), backend)

    @property
    def reader(self) -> Reader:
        """The network behind `read` and `check`. Raises OSError or ValueError for weights that cannot be used."""
        return self._measuring.reader

    @property
    def extracting(self) -> Reader:
        """The network behind `extract`: a narrower one where it lies beside the other. Raises as `reader` does."""
        return self._extracting.reader

    def extract(
        self,
        html: Html,
        url: str | None = None,
        *,
        charset: str | None = None,
        scope: Scope = "all",
        favor: Favor = "balanced",
        links: LinkStyle = "inline",
        front_matter: bool = False,
        heads: Sequence[str | Path] = (),
        metadata: bool = False,
    ) -> Page:
        """Extracts the title, links, text and Markdown of a page.

        url: the page's address; it makes links absolute. scope: "all", or "main" for the main content. favor: whether
        the choice of main content leaves out what is doubtful ("precision") or keeps it ("recall"). links: whether
        those of the Markdown are "inline", or a "reference" to a list at its end. front_matter: whether the Markdown
        begins with the page's title, address and language as YAML. heads: files that `soupstate head fit` wrote, each
        of which finds a field. metadata: whether the page's author, date and the like are wanted. Raises ValueError for
        bytes that are binary or undecodable, for weights and heads that cannot be used, for two heads of one name, and
        for an unknown scope, favor or style of links.

        >>> page = Soupstate().extract("<h1>Tea</h1><p>Two <b>cups</b>, <a href='/m'>milk</a>.</p>")
        >>> print(page.markdown)
        # Tea
        <BLANKLINE>
        Two **cups**, [milk](/m).
        """
        asked = _asked(scope, favor, links, front_matter=front_matter, metadata=metadata)
        decoded = _decoded(html, charset)
        return _page(extract_parts(_finding(self.extracting, heads), _of(decoded, url, asked)))

    def extract_many(
        self,
        pages: Iterable[Html],
        urls: Sequence[str | None] | None = None,
        *,
        charset: str | None = None,
        scope: Scope = "all",
        favor: Favor = "balanced",
        links: LinkStyle = "inline",
        front_matter: bool = False,
        heads: Sequence[str | Path] = (),
        metadata: bool = False,
    ) -> list[Page]:
        """Extracts from several pages at once, which takes somewhat less time than one after another.

        urls: the address of each page. The other options are those of `extract`. All pages are decoded before any is
        read. Raises ValueError as `extract` does; the message then begins with the page's index where a page is at
        fault. `soupstate.arrow.extract_batch` gives a status instead.

        >>> soup = Soupstate()
        >>> soup.extract_many(["<a href=x>X</a>"], ["https://example.org/"])[0].links[0].url
        'https://example.org/x'
        """
        asked = _asked(scope, favor, links, front_matter=front_matter, metadata=metadata)
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
        reader = _finding(self.extracting, heads)
        markings = (with_shipped_heads(reader) if metadata else reader).mark_many([page.text for page in skimmed])
        pages_read = []
        for page, short, marking, url in zip(decoded, skimmed, markings, addresses, strict=True):
            assert marking is not None  # nothing stops the reading
            pages_read.append(_page(rendered(marking, short, _of(page, url, asked))))
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

        faults: those that `check` found on this page, which are mended once; where two fixes come close to each other,
        only that of the likelier fault. Without them `mend` finds faults and mends them, up to ten times, until none is
        left or their number does not fall any more; a pass after which it is larger is undone. Bytes come back as bytes
        in the same charset. Raises ValueError for a fix outside the page, and for bytes that are not valid in the
        page's charset.

        >>> broken = '<p class="a>Ferry</p>' + "<p class='a'>Night ferries sail on.</p>" * 4
        >>> Soupstate().mend(broken, threshold=0.1)[:22]
        '<p class="a">Ferry</p>'
        """
        decoded = _decoded(html, charset)
        if faults is None:
            page = repair(self.reader, decoded.text, threshold).page
        else:
            page = apply_fixes(decoded.text, faults, threshold).page
        if isinstance(html, str):
            return page
        return html if page == decoded.text else encode_changed(decoded, html, page)

    def read(self, html: Html, *, charset: str | None = None) -> Reading:
        """Reads a page, and returns one number per character: surprisal, entropy and depth.

        `surprisal` and `entropy` are in bits, `depth` counts open elements; each is a float32 array (characters,).
        `bits_per_character` is exact. `page` is the decoded page. Raises ValueError as `extract` does.

        >>> reading = Soupstate().read("<p>Tea</p>")
        >>> len(reading.surprisal) == len(reading.entropy) == len(reading.depth) == len("<p>Tea</p>")
        True
        """
        return self.reader.read(_decoded(html, charset).text)


def _asked(scope: Scope, favor: Favor, links: LinkStyle, *, front_matter: bool, metadata: bool) -> Asked:
    """Returns what is wanted of a page that is still to come. Raises ValueError."""
    _check("scope", scope, SCOPES)
    _check("favor", favor, FAVORED)
    _check("links", links, LINK_STYLES)
    more = {"main_blocks": scope == "main", "metadata": metadata}
    parts = (*EXTRACT_PARTS, *(part for part in MORE_PARTS if more[part]))
    return Asked("", None, frozenset(parts), scope, favor=favor, links=links, front_matter=front_matter)


def _finding(reader: Reader, heads: Sequence[str | Path]) -> Reader:
    """Returns a reader that finds fields with the heads of these files. Raises TypeError, OSError or ValueError."""
    if isinstance(heads, str | Path):
        raise TypeError("heads is a list of files, not the name of one")
    return reader.with_heads(load_heads([Path(head) for head in heads])) if heads else reader


def _check(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(f"{name} is {', '.join(map(repr, known[:-1]))} or {known[-1]!r}, not {value!r}")


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


def _of(decoded: Decoded, url: str | None, asked: Asked) -> Asked:
    """Returns what is wanted, of this page."""
    charset, source = (decoded.charset, decoded.source) if decoded.charset else (None, None)
    return replace(asked, html=decoded.text, url=url, charset=charset, charset_source=source)


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
        confidence=answer.confidence,
        page_type=answer.page_type,
        main_blocks=answer.main_blocks,
        fields=answer.fields or {},
        metadata=answer.metadata or {},
    )


_SHIPPED = Soupstate()
extract, check, mend, read = _SHIPPED.extract, _SHIPPED.check, _SHIPPED.mend, _SHIPPED.read
