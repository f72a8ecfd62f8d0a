"""What learning from corrections is made of: lessons from pages, states over spans, templates; `soupstate weights`."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from soupstate.app.cli.main import soupstate
from soupstate.app.reading import load_reader
from soupstate.model.corrections.correction import Correction, read_correction
from soupstate.model.corrections.store import Standing
from soupstate.model.net import templates
from soupstate.model.net.checkpoint import DEFAULT, extractor, load_any
from soupstate.model.net.reader import Reader
from soupstate.model.net.templates import Templates, templates_of
from soupstate.model.page.block_figures import BUCKETS
from soupstate.model.page.skim import skim
from soupstate.model.page.spans import TagSpan, TextSpan
from soupstate.model.train.data.corrected_pages import Lessons, add_main, add_marks, text_labels
from soupstate.model.train.data.mark_states import span_states
from soupstate.model.train.run.correct_marks import first_outputs


def run(*options: object) -> Result:
    return CliRunner().invoke(soupstate, [str(option) for option in options])


@pytest.fixture(scope="module")
def reader() -> Reader:
    return load_reader(extractor(DEFAULT))


def main_lessons(reader: Reader, html: str, correction: Correction) -> Lessons:
    lessons = Lessons()
    add_main(lessons, reader, [Standing(html, None, (correction,))], lambda _: None)
    return lessons


def test_spans_are_offsets_of_the_whole_page(reader: Reader) -> None:
    """What is skimmed away moves no label."""
    script = "<script>" + "let tea = 1;" * 50 + "</script>"
    html = f"<title>T</title>{script}<p>Menu one</p>{script}<p>Two cups of tea.</p><p>Half <b>of</b> this</p>"
    begin = html.index("<p>Two")
    spans = [[begin, html.index("<p>Half")], [html.index(" this"), html.index(" this") + 5]]
    found = read_correction({"html": html, "kind": "main", "right": {"spans": spans}}).correction
    lessons = main_lessons(reader, html, found)
    assert len(skim(html).text) < len(html)
    [page] = lessons.main
    assert page.labels.tolist() == pytest.approx([0, 1, 5 / 12])
    text = read_correction({"html": html, "kind": "main", "right": {"text": "Two cups of tea."}}).correction
    [page] = main_lessons(reader, html, text).main
    assert page.labels.tolist() == [0, 1, 0]


def test_marks_of_links_and_of_what_cannot_be_learned(reader: Reader) -> None:
    html = f"<title>T</title><script>{'tea' * 50}</script><p>One <a href=/two>two</a> three</p>"
    begin, lessons = html.index("two</a>"), Lessons()
    given: tuple[dict[str, object], ...] = (
        {"kind": "link", "start": begin, "end": begin + 3, "right": False},
        {"kind": "mark", "mark": "event", "start": html.index("<a"), "end": begin, "right": "strong"},
        {"kind": "mark", "mark": "syntax", "start": begin, "end": begin + 3, "right": "tag"},
        {"kind": "mark", "mark": "cell", "start": 0, "end": 3, "right": "data"},
    )
    found = tuple(read_correction({"html": html, **each}).correction for each in given)
    add_marks(lessons, reader, [Standing(html, "https://example.org/", found)], lambda _: None)
    assert [(lesson.head, lesson.kind, lesson.size) for lesson in lessons.marks] == [(2, 0, 3), (0, 9, 13)]
    assert lessons.used == {"link": 1, "mark": 1} and lessons.unused == {"mark": 2} and len(lessons.marked) == 1
    assert "https://example.org/: syntax is decided byte by byte, and cannot be learned" in lessons.reasons
    assert "https://example.org/: the network sees no text there" in lessons.reasons


def test_states_over_spans_give_the_marks(reader: Reader) -> None:
    """The mean states are those that the outputs see, also beyond characters of several bytes and shortened tags."""
    html = '<p class="one two">Caf\u00e9 <a href="/a" onclick="x()">tea</a></p><h2 id=x>Head</h2><ul><li>One</ul>'
    read, outputs = span_states(reader, html), first_outputs(reader.checkpoint)
    for span, state, size in zip(read.marking.spans, read.states, read.sizes, strict=True):
        if isinstance(span, TagSpan):
            assert outputs.classes(0, state[None])[0] == span.event and size <= span.end - span.start
        elif isinstance(span, TextSpan):
            assert size == len(html[span.start : span.end].encode())
            assert [int(outputs.classes(k, state[None])[0]) for k in (2, 3)] == [span.link, span.block]


def test_too_many_templates_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templates, "MOST_PAGES", 2)
    names = [np.array([k], np.int64) for k in (1, 2, 2, 3)]
    assert len(templates_of(names[:3], names).starts) == 2  # equal lists count once
    with pytest.raises(ValueError, match="more than 2 corrected pages"):
        templates_of(names, names)
    with pytest.raises(ValueError, match="have no tags"):
        templates_of([np.zeros(0, np.int64)], names)


def test_templates_are_checked() -> None:
    names, starts = np.array([1, 5, 7], np.uint16), np.array([0, 2], np.uint32)
    worth = np.ones(BUCKETS, np.float32)
    assert Templates(names, starts, worth)
    for wrong in (
        (names, np.array([0, 3], np.uint32), worth),
        (names, np.array([1, 2], np.uint32), worth),
        (names, np.array([0, 0], np.uint32), worth),
        (np.array([BUCKETS, 1, 2], np.uint16), starts, worth),
        (names, starts, worth * np.nan),
        (names, starts, worth[1:]),
    ):
        with pytest.raises(ValueError, match=r"templates\."):
            Templates(*wrong)


def test_weights_are_shown_of_each_format() -> None:
    for file in sorted(DEFAULT.parent.glob("*.safetensors")):
        shown = run("weights", file)
        assert shown.exit_code == 0, shown.output
        assert f"{load_any(file).name} {load_any(file).version}" in shown.output
        assert "reads: " + ("json" if "json" in file.stem else "html") in shown.output
        assert ("from its end" in shown.output) == ("backward" in file.stem)
    assert run("weights").output.startswith(str(DEFAULT))


def test_weights_that_cannot_be_read_are_an_error(tmp_path: Path) -> None:
    bad = tmp_path / "bad.safetensors"
    for content in (None, b"", b"tea" * 100):
        if content is not None:
            bad.write_bytes(content)
        done = run("weights", bad)
        assert done.exit_code == 1 and str(bad) in done.output and "Traceback" not in done.output


def test_a_text_of_short_blocks_is_taken_block_by_block() -> None:
    texts = ["Home", "Bridge", "Height: station 47", "Home", "Long words of law that nobody reads", "Weight: 3"]
    assert text_labels(texts, "Bridge Height: station 47 Weight: 3").tolist() == [0, 1, 1, 0, 0, 1]
    assert text_labels(texts, "Home Bridge").tolist() == [1, 1, 0, 0, 0, 0]
    assert text_labels(texts, "words of law that").tolist()[:4] == [0, 0, 0, 0]  # no whole block: runs of words
    assert text_labels(texts, "words of law that")[4] > 0.5
