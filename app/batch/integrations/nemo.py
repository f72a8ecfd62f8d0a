"""Text from pages as NeMo Curator asks for it. This module imports nothing of NeMo Curator."""

from pathlib import Path

from soupstate.app.answers import main_text
from soupstate.app.pages import processor_limit
from soupstate.app.reading import LazyReader
from soupstate.model.net.checkpoint import DEFAULT, extractor
from soupstate.model.page.skim import skim
from soupstate.model.page.stop import Stopped


class SoupstateAlgorithm:
    """An `HTMLExtractorAlgorithm` of NeMo Curator's Common Crawl pipeline, once it is registered as one:

        HTMLExtractorAlgorithm.register(SoupstateAlgorithm)
        CommonCrawlHTMLExtractor(algorithm=SoupstateAlgorithm())

    seconds: processor time per page. The network is loaded when the first page comes.
    """

    def __init__(self, weights: Path = DEFAULT, seconds: float = 60.0) -> None:
        self.network, self.seconds = LazyReader(extractor(weights)), seconds

    def extract_text(self, html: str, stop_words: frozenset[str], language: str) -> list[str] | None:
        """Returns the paragraphs of the main text, whatever the language; None past the time limit."""
        stop = processor_limit(self.seconds)
        try:
            found = main_text(self.network.reader.mark(skim(html).text, stop), stop)
        except Stopped:
            return None
        return [line for line in found.splitlines() if line.strip()]
