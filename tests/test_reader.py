"""The reader: one value a character, the same whatever it is read in, and checkpoints as they were saved."""

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import tiny_checkpoint
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save_file
from test_crawl_samples import SAMPLES

from soupstate import kernels
from soupstate.kernels.copy import copies, copy_state
from soupstate.kernels.counters import reference_count_open
from soupstate.kernels.viterbi import reference_viterbi_forward, viterbi_back
from soupstate.model.net import reader as module
from soupstate.model.net import reading_loop
from soupstate.model.net.checkpoint import Checkpoint, digest, load_checkpoint, save_checkpoint
from soupstate.model.net.depth import CELLS, TENSORS
from soupstate.model.net.evidence import COMMENT_PRICE, RAW_PRICE, TITLE_PRICE
from soupstate.model.net.reader import Marking, Reader, Reading, sample
from soupstate.model.net.reading_loop import character_starts
from soupstate.model.page.boundaries import boundary_kinds
from soupstate.model.page.brief import brief
from soupstate.model.page.elements import RAW_TEXT
from soupstate.model.page.marks import DEEPEST, HEADS, OUTPUT, OUTPUTS, Block, Event, Syntax
from soupstate.model.page.raw_text import may_be_open, title_text
from soupstate.model.page.spans import INLINE, TEXT_HEADS, Span, TagSpan, TextSpan
from soupstate.model.page.stop import Stopped
from soupstate.model.page.tag_places import tag_places
from soupstate.model.page.well_formed import settle_syntax

SETTLED = ("visible", "strong", "emphasis", "code")  # marks that tags overrule
WIDE = "<p title='漢字'>漢字かな交じり文 😀😀 é</p>\r\n<a href=/x>naïve — ﷽</a>\n"
PAGES = {
    "wide": WIDE * 3,
    "news": next(s.html for s in SAMPLES if s.name == "news-harbour")[:3000],
    "chinese": next(s.html for s in SAMPLES if s.name == "chinese-gb2312")[:2000],
    "broken": "<a href='" + "x" * 30 + "<p>é" + "<" * 10 + ">" * 5,
    "no markup": "just words",
    "short": "<p",
    "one": "é",
    "empty": "",
}


@pytest.fixture
def checkpoint(weights: Path) -> Checkpoint:
    return load_checkpoint(weights)


@pytest.fixture
def reader(checkpoint: Checkpoint) -> Reader:
    return Reader(checkpoint, "reference")


def outputs(checkpoint: Checkpoint, page: str) -> kernels.Chunk:
    """All that the network says of a page and the `delay` bytes behind it, in one piece."""
    ids = np.frombuffer(page.encode() + b"\n" * checkpoint.delay, np.uint8)
    found, _ = copies(ids, copy_state())
    units = np.arange(checkpoint.weights.units)
    state = kernels.State.zeros(checkpoint.weights.units)
    return kernels.pack(checkpoint.weights, "reference").read(ids, found, state, units)


def log_likelihoods(chunk: kernels.Chunk, delay: int, head: str) -> NDArray[np.float64]:
    """Of a head, for each byte of the page: read off the state `delay` bytes later."""
    x = chunk.heads[delay:, OUTPUT[head]].astype(np.float64)
    return x - np.log(np.exp(x).sum(1, keepdims=True))


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES.keys())
def test_one_value_a_character(reader: Reader, checkpoint: Checkpoint, page: str) -> None:
    reading = reader.read(page)
    values = reading.surprisal, reading.entropy, reading.depth, reading.syntax
    assert [len(v) for v in values] == [len(page)] * 4
    assert reading.page == page
    chunk, at = outputs(checkpoint, page), 0
    assert checkpoint.depth
    places, tags = tag_places(page.encode() + b"\n" * checkpoint.delay)
    cells = reference_count_open(checkpoint.depth.layer.counters, chunk.traces[places], tags, np.zeros(CELLS, np.uint8))
    found = [int(cells[places <= t][-1].sum()) if (places <= t).any() else 0 for t in range(len(chunk.traces))]
    for i, c in enumerate(page):
        here = slice(at, at + len(c.encode()))
        assert reading.surprisal[i] == pytest.approx(chunk.bits[here].sum(), abs=1e-3)
        assert reading.entropy[i] == pytest.approx(chunk.entropy[here].sum(), abs=1e-3)
        assert reading.depth[i] == pytest.approx(min(found[at + checkpoint.delay], DEEPEST), abs=1e-3)
        at = here.stop
    assert reading.bits == pytest.approx(float(reading.surprisal.sum()), rel=1e-5, abs=1e-6)
    assert reading.bits_per_character == pytest.approx(reading.bits / max(1, len(page)))


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES.keys())
def test_evidence(reader: Reader, checkpoint: Checkpoint, page: str) -> None:
    """Syntax is the best path through the bytes; a span's class has the most evidence between `<` and `>` around it.

    That is without a depth layer, whose counts overrule the marks of lists and quotes, and but for marks that tags
    overrule.
    """
    reading = Reader(dataclasses.replace(checkpoint, depth=None), reader.packed.backend).read(page)
    ids = np.frombuffer(page.encode(), np.uint8)
    chunk, delay = outputs(checkpoint, page), checkpoint.delay
    syntax = log_likelihoods(chunk, delay, "syntax").astype(np.float32)
    syntax[:, Syntax.COMMENT] -= COMMENT_PRICE
    syntax[~may_be_open(ids, ("title",)), Syntax.TITLE] -= TITLE_PRICE
    syntax[~may_be_open(ids, RAW_TEXT), Syntax.RAW] -= RAW_PRICE
    kinds = boundary_kinds(ids, ord(" "))
    start = np.zeros(syntax.shape[1], np.float32)
    pointers, scores = reference_viterbi_forward(syntax, kinds, checkpoint.changes, start)
    path = viterbi_back(pointers, int(scores.argmax()))
    starts = character_starts(ids)
    path = path[starts][np.cumsum(np.isin(np.arange(len(ids)), starts)) - 1]  # a character has that of its first byte
    path = settle_syntax(ids, 0, path, path, may_be_open(ids, RAW_TEXT), last=True)
    titled = path[title_text(ids)]
    titled[titled == Syntax.TEXT] = Syntax.TITLE
    assert np.array_equal(reading.syntax, path[starts])

    byte_at = [*starts.tolist(), len(ids)]
    preformatted = False  # a tag that says so overrules the text's own evidence, up to the next block
    for span in reading.spans:
        if isinstance(span, TagSpan) and span.event not in INLINE | {Event.BREAK}:
            preformatted = span.event == Event.PREFORMATTED
        first, last = byte_at[span.start], byte_at[span.end]
        while first > 0 and ids[first] != ord("<") and ids[first - 1] != ord(">"):
            first -= 1
        while last < len(ids) and ids[last] != ord("<") and ids[last - 1] != ord(">"):
            last += 1
        if isinstance(span, TagSpan):
            asked = [("event", span.event)]
        elif isinstance(span, TextSpan) and not span.blank:
            asked = [(name, getattr(span, name)) for name in TEXT_HEADS if name not in SETTLED]
        else:
            asked = []
        for name, decided in asked:
            if name == "block" and preformatted:
                assert decided == Block.PREFORMATTED
                continue
            sums = log_likelihoods(chunk, delay, name)[first:last].sum(0)
            assert sums[decided] == pytest.approx(sums.max(), abs=1e-3), name


def assert_same_marks(a: Marking, b: Marking) -> None:
    """Spans alike; bits up to the order of sums."""
    assert a.spans == b.spans
    assert a.bits == pytest.approx(b.bits, rel=1e-5)


def _marks(span: Span) -> dict[str, object]:
    """Returns what a span says beside its places."""
    values = ((name, getattr(span, name)) for name in span.__slots__ if name not in ("start", "end"))
    return {name: value is None if isinstance(value, tuple | None) else value for name, value in values}


def assert_same(a: Reading, b: Reading) -> None:
    """And the syntax; numbers up to the order of float32 sums."""
    assert_same_marks(a, b)
    assert np.array_equal(a.syntax, b.syntax)
    for name in ("surprisal", "entropy", "depth"):
        np.testing.assert_allclose(getattr(a, name), getattr(b, name), rtol=0, atol=1e-3)


@pytest.mark.parametrize("backend", kernels.available())
def test_pieces_do_not_matter(checkpoint: Checkpoint, backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader(checkpoint, backend)
    for page, sizes in ((PAGES["wide"][:100], (1, 3, 8192)), (PAGES["news"] + PAGES["wide"], (64, 1000, 8192))):
        readings = []
        for size in sizes:
            monkeypatch.setattr(reading_loop, "PIECE_BYTES", size)
            readings.append(reader.read(page))
        assert len(page.encode()) > sizes[-2] and readings[0].spans
        for reading in readings[1:]:
            assert_same(reading, readings[0])


@pytest.mark.parametrize("backend", kernels.available()[:-1])
def test_backends_agree(backend: str) -> None:
    """But for 16 bits of the outputs' weights and of tables, by which a level is another at times."""
    shipped = load_checkpoint()
    for page in PAGES.values():
        one, two = Reader(shipped, backend).read(page), Reader(shipped, "reference").read(page)
        for name, allowed in (("surprisal", 0.05), ("entropy", 0.05), ("depth", 0.3)):
            assert np.abs(getattr(one, name) - getattr(two, name)).sum() <= allowed * len(page), name
        assert (one.syntax != two.syntax).sum() <= 0.001 * len(page)
        assert sum(a == b for a, b in zip(one.spans, two.spans, strict=True)) >= 0.99 * len(two.spans)


@pytest.mark.parametrize("backend", kernels.available())
def test_many_pages(checkpoint: Checkpoint, backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As one by one, more of them than are read at a time, of all lengths."""
    monkeypatch.setattr(module, "PIECE_BYTES", 500)
    monkeypatch.setattr(module, "PAGES_AT_ONCE", 3)
    reader = Reader(checkpoint, backend)
    markings = reader.mark_many(list(PAGES.values()))
    for page, marking in zip(PAGES.values(), markings, strict=True):
        assert marking is not None and marking.page == page
        assert_same_marks(marking, reader.mark(page))
    assert reader.mark_many([]) == []


@pytest.mark.parametrize("backend", kernels.available())
def test_marks_are_those_of_a_reading(checkpoint: Checkpoint, backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the page with short tags. The bits of a long page are estimated, by bytes whose bits are exact."""
    reader = Reader(checkpoint, backend)
    for page in PAGES.values():
        short, marking = brief(page), reader.mark(page)
        reading = reader.read(short.text)
        assert (marking.page, marking.read, marking.bits) == (
            page,
            len(short.text),
            pytest.approx(reading.bits, rel=1e-5),
        )
        assert len(marking.spans) == len(reading.spans)
        for span, read in zip(marking.spans, reading.spans, strict=True):
            start, end = (
                int(place(np.array([at], np.int32))[0])
                for place, at in ((short.begins, read.start), (short.ends, read.end))
            )
            assert (span.start, span.end) == (start, end)
            assert _marks(span) == _marks(read)
    monkeypatch.setattr(module, "EXACT_BYTES", 500)
    monkeypatch.setattr(module, "SAMPLED_BYTES", 400)
    monkeypatch.setattr(reading_loop, "PIECE_BYTES", 700)
    page = brief(PAGES["news"]).text
    marking, reading = reader.mark(page), reader.read(page)
    assert marking.spans == reading.spans
    n = len(page.encode())
    chosen = sample(n + checkpoint.delay)[:n]
    assert chosen.sum() == pytest.approx(400, abs=3)
    assert marking.bits == pytest.approx(outputs(checkpoint, page).bits[:n][chosen].mean() * n, rel=1e-3)
    assert marking.bits == pytest.approx(reading.bits, rel=0.1) and marking.bits != reading.bits


@pytest.mark.parametrize("n", [8193, 10_000, 123_457])
def test_a_sample_is_spread_evenly(n: int) -> None:
    places = np.flatnonzero(sample(n))
    assert len(places) == pytest.approx(4096, abs=3)
    assert np.diff(places).max() < 5 * n / 4096 + 1
    assert places[-1] > n - 5 * n / 4096 - 1


def test_one_of_many_is_stopped(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PIECE_BYTES", 100)
    monkeypatch.setattr(module, "PAGES_AT_ONCE", 2)
    asked: list[int] = []

    def stop(page: int) -> bool:
        asked.append(page)
        return page == 1 and asked.count(1) > 2

    pages = ["a" * 150, "b" * 1000, "c" * 450, "d"]
    readings = reader.mark_many(pages, stop)
    assert [reading and reading.page for reading in readings] == [pages[0], None, *pages[2:]]
    assert asked.count(1) == 3 and asked.count(0) == 2 and asked.count(3) == 1
    for page, reading in zip(pages, readings, strict=True):
        if reading is not None:
            assert_same_marks(reading, reader.mark(page))


def test_stopped(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading_loop, "PIECE_BYTES", 100)
    asked: list[int] = []

    def after(times: int) -> bool:
        asked.append(times)
        return len(asked) > times

    with pytest.raises(Stopped):
        reader.read("x" * 1000, lambda: after(3))
    assert len(asked) == 4
    with pytest.raises(Stopped):
        reader.read("", lambda: True)
    assert len(reader.read("x" * 1000, lambda: False).surprisal) == 1000


def test_a_page_leaves_nothing_behind(reader: Reader) -> None:
    page = PAGES["wide"]
    first = reader.read(page)
    reader.read(PAGES["news"])
    assert_same(reader.read(page), first)
    assert reader.read(page).bits == first.bits


def test_characters() -> None:
    ids = np.frombuffer("aé漢😀b".encode(), np.uint8)
    assert character_starts(ids).tolist() == [0, 1, 3, 6, 10]
    assert character_starts(ids[:0]).tolist() == []


def test_fewer_slots(tmp_path: Path) -> None:
    """A quarter of the rows of embeddings: the file is checked, and reads as the whole table that repeats them."""
    whole = tiny_checkpoint()
    codes = whole.parameters["context.codes"].reshape(6, 65536, 12)[:, :16384]
    factors = whole.parameters["context.factors"].reshape(6, 65536)[:, :16384]
    bits = []
    for times in (1, 4):
        table = {
            "context.codes": np.tile(codes, (1, times, 1)).reshape(-1, 12),
            "context.factors": np.tile(factors, (1, times)).reshape(-1),
        }
        parameters = whole.parameters | table
        save_checkpoint(dataclasses.replace(whole, parameters=parameters), tmp_path / "w")
        bits.append(Reader(load_checkpoint(tmp_path / "w")).read("<p>ab<p>ab").bits)
    assert np.array_equal(*bits)


def test_a_reader_keeps_no_parameters(checkpoint: Checkpoint, tmp_path: Path) -> None:
    kept = Reader(checkpoint).checkpoint
    assert not kept.parameters and kept.for_reading() is kept
    assert kept.states_digest == checkpoint.states_digest and kept.weights is checkpoint.weights
    assert dataclasses.replace(kept, depth=None).weights is kept.weights
    with pytest.raises(ValueError, match="no parameters to save"):
        save_checkpoint(kept, tmp_path / "w.safetensors")


def test_checkpoint_round_trip(checkpoint: Checkpoint, tmp_path: Path) -> None:
    saved = dataclasses.replace(
        checkpoint, name="n", version="7", delay=6, training={"a": 1.5}, evaluation={"b": [1, "c"]}
    )
    path = tmp_path / "deep" / "er" / "w.safetensors"
    save_checkpoint(saved, path)
    assert [f.name for f in path.parent.iterdir()] == ["w.safetensors"]
    found = load_checkpoint(path)
    for name in ("name", "version", "delay", "training", "evaluation"):
        assert getattr(found, name) == getattr(saved, name)
    assert found.depth and saved.depth and found.depth.neurons == saved.depth.neurons
    for name in TENSORS:
        assert np.array_equal(getattr(found.depth.layer, name), getattr(saved.depth.layer, name))
    assert set(found.parameters) == set(saved.parameters)
    for name, value in saved.parameters.items():
        assert np.array_equal(found.parameters[name], value), name
    for name, array in vars(saved.weights).items():
        assert np.array_equal(getattr(found.weights, name), array), name
    np.testing.assert_allclose(found.changes, saved.changes, rtol=1e-3, atol=1e-7)
    again = tmp_path / "again.safetensors"
    save_checkpoint(found, again)
    assert digest(path) == hashlib.sha256(path.read_bytes()).hexdigest()
    assert_same(
        Reader(found, "reference").read(WIDE),
        Reader(load_checkpoint(again), "reference").read(WIDE),
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "2"}, "checkpoint format '2', this version reads format '3'"),
        ({"format": None}, "checkpoint format None"),
        ({"heads": json.dumps([["syntax", 3]])}, "trained with other heads"),
        ({"heads": json.dumps([[h.name, h.classes] for h in reversed(HEADS)])}, "trained with other heads"),
        ({"-": "network.output.weight"}, r"missing tensor network\.output\.weight"),
        ({"-": "network.context.scale"}, r"missing tensor network\.context\.scale"),
        ({"-": "changes"}, "missing tensor changes"),
        ({"network.context.codes": np.zeros((6 * 65536, 12), np.int8)}, "context.codes: type I8, expected U8"),
        ({"network.context.codes": np.zeros((2 * 65536, 12), np.uint8)}, "network.context.codes: shape"),
        ({"network.context.factors": np.zeros(65536, np.uint8)}, "network.context.factors: shape"),
        ({"network.gate_gain.weight": np.zeros((22, 31), np.float32)}, "network.gate_gain.weight: shape"),
        ({"changes": np.zeros((2, 3, 3), np.float16)}, "changes: shape"),
        ({"network.heads.weight": np.zeros((OUTPUTS + 1, 16), np.float16)}, "network.heads.weight: shape"),
        ({"network.output.weight": np.zeros((256, 17), np.float16)}, "network.output.weight: shape"),
        ({"network.output.weight": np.full((256, 16), np.nan, np.float16)}, "network.output.weight: not finite"),
    ],
)
def test_checkpoints_that_do_not_fit(weights: Path, tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with safe_open(weights, "np") as f:
        meta: dict[str, str] = f.metadata()
        tensors = {k: f.get_tensor(k) for k in f.keys()}  # noqa: SIM118 (not a dict)
    for name, value in change.items():
        if name == "-":
            del tensors[value]
        elif value is None:
            del meta[name]
        elif isinstance(value, str):
            meta[name] = value
        else:
            tensors[name] = value
    path = tmp_path / "w.safetensors"
    save_file(tensors, path, meta)
    with pytest.raises(ValueError, match=message):
        load_checkpoint(path)


def test_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no weights at"):
        load_checkpoint(tmp_path / "none")
    path = tmp_path / "w.safetensors"
    for written in (b"", b"not at all", b"\x80" * 100):
        path.write_bytes(written)
        with pytest.raises(ValueError, match="not a safetensors file"):
            load_checkpoint(path)


@pytest.mark.parametrize("page", ["<" * 3000, "x<br>" * 600, "<p>é</p>" * 300])
def test_dense_pages_are_read_in_short_pieces(
    checkpoint: Checkpoint, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pieces bound the sums of outputs, change nothing that is read, and each keeps a state where states are kept."""
    whole = Reader(checkpoint).read(page)
    monkeypatch.setattr(reading_loop, "MOST_SUMS", 100)
    monkeypatch.setattr(reading_loop, "MOST_KEPT", 16)
    loop = Reader(checkpoint)
    sums: list[int] = []
    read_many = loop.packed.read_many

    def counted(*args: Any) -> list[kernels.Chunk]:
        chunks = read_many(*args)
        sums.extend(len(chunk.sums) for chunk in chunks if chunk.sums is not None)
        return chunks

    monkeypatch.setattr(loop.packed, "read_many", counted)
    reading = loop.read(page)
    every = -(-len(page.encode() + b"\n" * checkpoint.delay) // 16)
    assert len(sums) > 4 and max(sums) <= 1 + max(100, every) and len(reading.states) >= len(sums) - 1
    assert reading.bits == pytest.approx(whole.bits, rel=1e-5)
    assert np.array_equal(reading.syntax, whole.syntax) and list(reading.spans) == list(whole.spans)
