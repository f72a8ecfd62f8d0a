"""Text out of pages as NeMo Curator asks for it. Nothing of NeMo Curator is imported."""

from pathlib import Path

from app.answers import main_text
from app.batch.task import limit
from model.net.checkpoint import DEFAULT, load_checkpoint
from model.net.reader import Reader, Stopped
from model.page.skim import skim


class SoupstateAlgorithm:
    """An `HTMLExtractorAlgorithm` of NeMo Curator's Common Crawl pipeline, once it is registered as one:

        HTMLExtractorAlgorithm.register(SoupstateAlgorithm)
        CommonCrawlHTMLExtractor(algorithm=SoupstateAlgorithm())

    `seconds`: of the processor, for a page. The network is loaded when the first page comes.
    """

    def __init__(self, weights: Path = DEFAULT, seconds: float = 60.0) -> None:
        self.weights, self.seconds = weights, seconds
        self._reader: Reader | None = None

    def extract_text(self, html: str, stop_words: frozenset[str], language: str) -> list[str] | None:
        """The paragraphs of the main text, whatever the language; None past the time limit."""
        if self._reader is None:
            self._reader = Reader(load_checkpoint(self.weights))
        try:
            marking = self._reader.mark(skim(html), limit(self.seconds))
        except Stopped:
            return None
        return [line for line in main_text(marking).splitlines() if line.strip()]
