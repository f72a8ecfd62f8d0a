"""The signature of NeMo Curator's algorithms of extraction."""

from archives import page

from soupstate.app.answers import Asked, extract
from soupstate.app.batch.integrations.nemo import SoupstateAlgorithm
from soupstate.model.net.checkpoint import load_checkpoint
from soupstate.model.net.reader import Reader


def test_paragraphs_of_the_main_text() -> None:
    whole = extract(Reader(load_checkpoint()), Asked(page(1), None, frozenset(["text"]), "main")).text or ""
    found = SoupstateAlgorithm().extract_text(page(1), frozenset(), "ENGLISH")
    assert found and "\n".join(found) == "\n".join(line for line in whole.splitlines() if line.strip())
    assert SoupstateAlgorithm(seconds=1e-9).extract_text(page(1), frozenset(), "ENGLISH") is None
    assert SoupstateAlgorithm().extract_text("", frozenset(), "ENGLISH") == []
