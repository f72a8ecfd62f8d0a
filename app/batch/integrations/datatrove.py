"""Steps of datatrove pipelines: pages from WARC files, and text from pages. They need the extra `datatrove`."""

from itertools import islice
from pathlib import Path

from datatrove.data import Document, DocumentsPipeline
from datatrove.pipeline.extractors.base import BaseExtractor
from datatrove.pipeline.readers.base import BaseDiskReader
from datatrove.utils.typeshelper import StatHints

from soupstate.app.answers import Asked, rendered
from soupstate.app.pages import MOST_PAGES, Read, mark_pages, processor_limit
from soupstate.app.reading import LazyReader
from soupstate.model.archive.records import read_pages
from soupstate.model.archive.status import Status
from soupstate.model.net.checkpoint import DEFAULT, extractor
from soupstate.model.net.reader import Marking
from soupstate.model.page.skim import Skimmed, skim
from soupstate.model.page.stop import Stop, Stopped


class SoupstateExtractor(BaseExtractor):  # type: ignore[misc]
    """Replaces datatrove's Trafilatura step: gives the text or Markdown of HTML, of the main content or the page.

    form: "text" or "markdown". scope: "main" or "all". timeout: processor seconds per page.

    The step runs without datatrove's sandbox, because it parses and executes nothing and the reader keeps the time
    limit. It reads as many pages together as the kernels take. The process that runs it loads the network.
    """

    name = "⛏ Soupstate"

    def __init__(
        self,
        form: str = "text",
        scope: str = "main",
        weights: Path = DEFAULT,
        backend: str | None = None,
        timeout: float = 60.0,
    ) -> None:
        super().__init__(timeout)
        if form not in ("text", "markdown"):
            raise ValueError(f"form is text or markdown, not {form!r}")
        self.form, self.scope = form, scope
        self.network = LazyReader(extractor(weights), backend)

    def extract(self, text: str) -> str:
        """Returns the text of one page, "" for an empty one. Raises Stopped past the time limit."""
        reader, page, stop = self.network.reader, skim(text), processor_limit(self.timeout)
        return self._rendered(page, reader.mark(page.text, stop), stop) if text else ""

    def run(self, data: DocumentsPipeline, rank: int = 0, world_size: int = 1) -> DocumentsPipeline:
        """Does what the base class does, for batches of documents."""
        documents = iter(data)
        while batch := list(islice(documents, MOST_PAGES)):
            with self.track_time(unit="batch"):
                pages = [skim(document.text) for document in batch]
                read = mark_pages(self.network.reader, pages, self.timeout)
                done = [self._put(*triple) for triple in zip(batch, pages, read, strict=True)]
            for document, whole in zip(batch, done, strict=True):
                if whole:
                    self.stat_update(StatHints.forwarded)
                    self.update_doc_stats(document)
                    yield document

    def _put(self, document: Document, page: Skimmed, read: Read) -> bool:
        """Puts the text into the document. Returns whether there is any."""
        self.stat_update(StatHints.total)
        if isinstance(read.marking, str):
            self.stat_update("timeout" if read.marking == Status.TIMED_OUT else "clean_error")
            return False
        try:
            document.text = self._rendered(page, read.marking, processor_limit(self.timeout - read.seconds))
        except Stopped:
            self.stat_update("timeout")
            return False
        self.stat_update("extracted")
        if not document.text:
            self.stat_update(StatHints.dropped)
        return bool(document.text)

    def _rendered(self, page: Skimmed, marking: Marking, stop: Stop) -> str:
        answer = rendered(marking, page, Asked(page.whole, None, frozenset([self.form]), self.scope), stop)
        return (answer.text if self.form == "text" else answer.markdown) or ""


class SoupstateWarcReader(BaseDiskReader):  # type: ignore[misc]
    """Replaces datatrove's WarcReader: reads broken files and ARC files too, and finds charsets as the service does."""

    name = "🕷 Soupstate"

    def read_file(self, filepath: str) -> DocumentsPipeline:
        """Yields the pages of a file as documents, with url, date and charset as metadata."""
        with self.data_folder.open(filepath, "rb") as file:
            for number, page in enumerate(read_pages(file)):
                found = {"text": page.html, "url": page.url, "date": page.date, "charset": page.charset}
                if page.record_id:
                    found["id"] = page.record_id
                document = self.get_document_from_dict(found, filepath, number)
                if document:
                    yield document
