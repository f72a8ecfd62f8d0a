"""Measures what is lost and invented on small made pages, where no run of text has much evidence."""

from collections import Counter
from collections.abc import Iterator

import numpy as np

from soupstate.model.net.reader import Reader
from soupstate.model.page.render.text import text
from soupstate.model.page.skim import skim
from soupstate.model.page.spans import spans_of_marks
from soupstate.model.train.data.made.pages import Texts, made_page
from soupstate.model.train.data.teacher import teach
from soupstate.model.train.evaluation.evaluate import Figures, Progress
from soupstate.model.train.evaluation.score import dom_text, words

FEWEST, MOST = 10, 300  # words of a small page
SEED = 15


def small_pages(texts: Texts, number: int) -> Iterator[tuple[str, list[str]]]:
    """Yields made pages of 10 to 300 words, with the words of their text by the teacher."""
    random = np.random.default_rng(SEED)
    while number:
        page = made_page(random, texts)
        told = words(text(page, spans_of_marks(page, teach(page))))
        if FEWEST <= len(told) <= MOST:
            number -= 1
            yield page, told


def evaluate_made(reader: Reader, pages: list[str], number: int, progress: Progress = iter) -> Figures:
    """Returns the shares of words that are lost and invented on small pages, and of pages that lose or invent any.

    pages: real pages, whose words the made ones have. Raises ValueError when none has enough of them.
    """
    made = list(small_pages(Texts.from_texts(map(dom_text, pages)), number))
    total = lost = invented = losing = inventing = 0
    for page, told in progress(made):
        marking = reader.mark(skim(page).text)
        truth, got = Counter(told), Counter(words(text(marking.page, marking.spans)))
        missing, added = (truth - got).total(), (got - truth).total()
        total, lost, invented = total + len(told), lost + missing, invented + added
        losing, inventing = losing + bool(missing), inventing + bool(added)
    return {
        "pages": number,
        "words": total,
        "words lost": lost / total,
        "words invented": invented / total,
        "pages that lose words": losing / number,
        "pages with invented words": inventing / number,
    }
