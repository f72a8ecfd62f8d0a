"""Field heads from the corrections of a store: what people say are the values of a field."""

from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from soupstate.model.corrections.correction import FieldCorrection
from soupstate.model.corrections.store import Standing
from soupstate.model.heads.align import NotFound
from soupstate.model.heads.examples import LEAST, MOST, Example, ReadExample, read_example, state_reader
from soupstate.model.heads.fit import Figures, fit_head
from soupstate.model.net.field_head import FieldHead
from soupstate.model.net.reader import Reader
from soupstate.model.train.data.corrected_pages import Lessons


def fitted_heads(
    lessons: Lessons, reader: Reader, pages: Iterable[Standing], progress: Callable[[int], object]
) -> list[tuple[FieldHead, Figures]]:
    """Returns a head for each field with values on LEAST pages or more, and its figures out of fold.

    lessons: where it is noted which corrections were used. progress(1): after each page. No more than MOST pages of a
    field are read.
    """
    states = state_reader(reader)
    found: dict[str, list[ReadExample]] = {}
    for page in pages:
        for correction in page.corrections:
            if isinstance(correction, FieldCorrection):
                _add(lessons, found.setdefault(correction.field, []), states, page, correction)
        progress(1)
    heads = []
    for name, examples in sorted(found.items()):
        filled = sum(bool(example.right) for example in examples)
        if filled >= LEAST:
            heads.append(fit_head(name, reader.checkpoint.states_digest, examples, lambda _: None))
            lessons.used[FieldCorrection.KIND] += len(examples)
        elif examples:
            lessons.unused[FieldCorrection.KIND] += len(examples)
            lessons.reasons.append(f"{name}: values on {filled} pages; a head needs {LEAST}")
    return heads


def _add(
    lessons: Lessons, examples: list[ReadExample], states: Reader, page: Standing, correction: FieldCorrection
) -> None:
    if len(examples) >= MOST:
        lessons.refuse(page, correction, f"{MOST} pages with {correction.field} are enough")
        return
    try:
        site = urlsplit(page.url or "").hostname or ""
        examples.append(read_example(states, Example(page.html, correction.values, site)))
    except NotFound as error:
        lessons.refuse(page, correction, f"{correction.field}: {error}")
