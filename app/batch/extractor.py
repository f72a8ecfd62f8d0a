"""Steps of datatrove pipelines: pages out of WARC files, and text out of pages. Needs the extra `datatrove`."""

from itertools import islice
from pathlib import Path
from typing import Any

from datatrove.data import Document, DocumentsPipeline
from datatrove.pipeline.extractors.base import BaseExtractor
from datatrove.pipeline.readers.base import BaseDiskReader
from datatrove.utils.typeshelper import StatHints

from app.answers import Asked, rendered
from app.batch.task import LANES, TIMED_OUT, limit, read_batch
from model.net.checkpoint import DEFAULT, load_checkpoint
from model.net.reader import Marking, Reader
from model.page.skim import skim
from model.page.warc import read_pages


class SoupstateExtractor(BaseExtractor):  # type: ignore[misc]
    """In place of datatrove's Trafilatura step: HTML in, text or Markdown out, of the main content or of the page.

    It runs without datatrove's sandbox, page after page or as many together as the kernels read at once: nothing of
    a page is executed or parsed, and the time limit is kept by the reader. `timeout`: seconds of the processor for a
    page. The network is loaded by the process that runs the step, when it begins.
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
        self.form, self.scope, self.weights, self.backend = form, scope, weights, backend
        self._reader: Reader | None = None

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_reader": None}

    @property
    def reader(self) -> Reader:
        """The network, loaded once a process."""
        if self._reader is None:
            self._reader = Reader(load_checkpoint(self.weights), self.backend)
        return self._reader

    def extract(self, text: str) -> str:
        """The text of one page; of an empty one none, the network loaded. Raises Stopped past the time limit."""
        reader = self.reader
        return self._rendered(reader.mark(skim(text), limit(self.timeout))) if text else ""

    def run(self, data: DocumentsPipeline, rank: int = 0, world_size: int = 1) -> DocumentsPipeline:
        """As the base class's, for batches of documents."""
        documents = iter(data)
        while batch := list(islice(documents, LANES)):
            with self.track_time(unit="batch"):
                markings = read_batch(self.reader, [skim(document.text) for document in batch], self.timeout)
                done = [self._put(*pair) for pair in zip(batch, markings, strict=True)]
            for document, whole in zip(batch, done, strict=True):
                if whole:
                    self.stat_update(StatHints.forwarded)
                    self.update_doc_stats(document)
                    yield document

    def _put(self, document: Document, marking: Marking | str) -> bool:
        """Puts the text into the document; says whether there is some."""
        self.stat_update(StatHints.total)
        if isinstance(marking, str):
            self.stat_update("timeout" if marking == TIMED_OUT else "clean_error")
            return False
        document.text = self._rendered(marking)
        self.stat_update("extracted")
        if not document.text:
            self.stat_update(StatHints.dropped)
        return bool(document.text)

    def _rendered(self, marking: Marking) -> str:
        answer: Any = rendered(marking, Asked(marking.page, None, frozenset([self.form]), self.scope))
        found: str = answer[self.form]
        return found


class SoupstateWarcReader(BaseDiskReader):  # type: ignore[misc]
    """In place of datatrove's WarcReader: reads broken files, ARC too, and finds charsets as the service does."""

    name = "🕷 Soupstate"

    def read_file(self, filepath: str) -> DocumentsPipeline:
        """The pages of a file as documents; metadata: url, date, charset."""
        with self.data_folder.open(filepath, "rb") as file:
            for number, page in enumerate(read_pages(file)):
                found = {"text": page.html, "url": page.url, "date": page.date, "charset": page.charset}
                if page.record_id:
                    found["id"] = page.record_id
                document = self.get_document_from_dict(found, filepath, number)
                if document:
                    yield document
