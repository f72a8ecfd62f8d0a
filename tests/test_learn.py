"""Learning from corrections: `soupstate learn`, the sample of training, and what weights say of it."""

import json
import lzma
import shutil
import sqlite3
from dataclasses import fields, replace
from pathlib import Path

import corrections
import numpy as np
import pytest
import shop
from click.testing import CliRunner, Result
from templates import marks

from soupstate.app.cli.main import soupstate
from soupstate.app.reading import load_reader
from soupstate.model.corrections.correction import read_correction
from soupstate.model.corrections.store import Standing, Store
from soupstate.model.net.checkpoint import DEFAULT, extractor, load_checkpoint, save_checkpoint
from soupstate.model.net.corrected_head import CorrectedHead
from soupstate.model.net.main_content import main_content
from soupstate.model.net.reader import Reader
from soupstate.model.page.block_figures import BUCKETS
from soupstate.model.train.data import replay as replays
from soupstate.model.train.data.corrected_pages import Lessons, add_main
from soupstate.model.train.data.replay import LARGEST_FILE, load_replay, replay_file, save_replay
from soupstate.model.train.run import correct_blocks

CORRECTED = "news_teasers"
OTHERS = ("poem", "law", "download", "forum_answer", "events", "recipe", "weather", "quiz")  # of the sample
PAGES = 8  # corrected


def run(*options: object) -> Result:
    return CliRunner().invoke(soupstate, [str(option) for option in options])


@pytest.fixture(scope="module")
def reader() -> Reader:
    return load_reader(extractor(DEFAULT))


def labelled(path: Path, reader: Reader, names: tuple[str, ...], each: int = 5) -> Path:
    """A file of labelled pages. Their main content is what the shipped weights find, so that its figures are high."""
    with lzma.open(path, "wt", encoding="utf-8") as file:
        for name in names:
            for number, page in enumerate(corrections.made(name, 500, each)):
                found = main_content(reader.mark(page.html))
                text = " ".join(page.html[block.start : block.end] for block in found.blocks if block.main)
                row = {"dataset": name, "id": str(number), "html": page.html, "text": text}
                file.write(json.dumps(row) + "\n")
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, reader: Reader) -> Path:
    """The shipped network that extracts, with a small sample beside it, and a store with corrections of one design."""
    folder = tmp_path_factory.mktemp("learn")
    shutil.copy(extractor(DEFAULT), folder / "old.safetensors")
    pages = labelled(folder / "pages.jsonl.xz", reader, OTHERS)
    made = run("replay", pages, "--weights", folder / "old.safetensors", "--cache", folder / "cache", "--per-type", 30)
    assert made.exit_code == 0 and made.output.startswith("32 pages to learn from, 8 kept apart for checking\n")
    corrections.store_of(folder / "corrections.db", [CORRECTED], PAGES)
    with Store(folder / "corrections.db") as store:
        page = corrections.made(CORRECTED, 0, 1)[0]
        field = {"html": page.html, "kind": "field", "field": "author", "values": []}
        store.add([read_correction(field)])
    return folder


@pytest.fixture(scope="module")
def better(folder: Path) -> Path:
    """Weights that have learned the corrections, in fewer steps than usual."""
    out = folder / "better.safetensors"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(correct_blocks, "LEAST_STEPS", 100)
        done = run("learn", folder / "corrections.db", "--weights", folder / "old.safetensors", "--out", out)
    assert done.exit_code == 0, done.output
    assert f"Corrections that were used: {PAGES} main, of {PAGES} pages." in done.output
    assert "Corrections that were not used: 1 field." in done.output
    assert "| main | kept sample |" in done.output and "| main | corrected pages |" in done.output
    return out


def test_corrections_mend_other_pages_of_their_template(better: Path, reader: Reader) -> None:
    others = corrections.made(CORRECTED, corrections.FIRST_MEASURED, 5)
    before, after = (corrections.error(each, CORRECTED, others) for each in (reader, load_reader(better)))
    assert before > corrections.WRONG and after < 0.2 * before


def test_other_pages_are_judged_as_before(better: Path, reader: Reader) -> None:
    new = load_reader(better)
    assert isinstance(new.checkpoint.blocks, CorrectedHead) and new.checkpoint.blocks.first is not None
    for name in OTHERS:
        page = corrections.made(name, corrections.FIRST_MEASURED, 1)[0]
        before, after = (main_content(each.mark(page.html)) for each in (reader, new))
        assert (before.blocks, before.confidence, before.page_type) == (after.blocks, after.confidence, after.page_type)


def test_weights_say_what_they_have_learned(better: Path, folder: Path) -> None:
    with Store(folder / "corrections.db") as store:
        digest = store.digest()
    note = load_checkpoint(better).corrections[-1]
    assert (note.digest, note.count, note.pages) == (digest, PAGES, PAGES)
    assert note.used == {"main": PAGES} and note.unused == {"field": 1}
    shown = run("weights", better).output
    assert f"{PAGES} main of {PAGES} pages; not used: 1 field; digest of the store: {digest}" in shown
    assert "corrections: none" in run("weights", folder / "old.safetensors").output


@pytest.mark.slow
def test_learns_again_from_a_store_that_has_grown(better: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(correct_blocks, "LEAST_STEPS", 100)
    store, out = folder / "grown.db", folder / "again.safetensors"
    corrections.store_of(store, [CORRECTED, "issue"], PAGES)
    done = run("learn", store, "--weights", better, "--out", out)
    assert done.exit_code == 0, done.output
    new = load_reader(out)
    assert [note.count for note in new.checkpoint.corrections] == [PAGES, 2 * PAGES]
    for name in (CORRECTED, "issue"):
        assert corrections.error(new, name, corrections.made(name, corrections.FIRST_MEASURED, 3)) < 0.15


@pytest.mark.slow
def test_refuses_what_the_kept_sample_loses(folder: Path, reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    """Corrections of a template of the sample, which say otherwise than the sample."""
    monkeypatch.setattr(correct_blocks, "LEAST_STEPS", 60)
    weights, out = folder / "strict.safetensors", folder / "refused.safetensors"
    shutil.copy(folder / "old.safetensors", weights)
    pages = labelled(folder / "more.jsonl.xz", reader, (CORRECTED, *OTHERS))
    assert run("replay", pages, "--weights", weights, "--cache", folder / "cache", "--per-type", 30).exit_code == 0
    options = ("learn", folder / "corrections.db", "--weights", weights, "--out", out)
    refused = run(*options)
    assert refused.exit_code == 1 and "nothing is written: main" in refused.output, refused.output
    assert not list(folder.glob("refused*"))
    unknown = run(*options, "--allow", "mian")
    assert unknown.exit_code == 2 and "there is no figure 'mian'" in unknown.output
    allowed = run(*options, "--allow", "main", "--allow", "main page")
    assert allowed.exit_code == 0 and out.exists(), allowed.output


def test_networks_beside_the_weights_are_copied(folder: Path, better: Path) -> None:
    """A whole set of weights gives a whole set."""
    shutil.copy(folder / "old.safetensors", folder / "set-extract.safetensors")
    shutil.copy(replay_file(folder / "old.safetensors"), folder / "set-extract-replay.npz")
    for end in ("", "-backward"):
        shutil.copy(DEFAULT.with_stem(DEFAULT.stem + end), folder / f"set{end}.safetensors")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(correct_blocks, "LEAST_STEPS", 1)
        out = folder / "new.safetensors"
        options = ("--weights", folder / "set.safetensors", "--out", out, "--allow", "main", "--allow", "main page")
        done = run("learn", folder / "corrections.db", *options)
    assert done.exit_code == 0, done.output
    names = ["new-backward.safetensors", "new-extract-replay.npz", "new-extract.safetensors", "new.safetensors"]
    assert sorted(path.name for path in folder.glob("new*")) == names
    assert out.read_bytes() == DEFAULT.read_bytes()
    assert f"{PAGES} main of {PAGES} pages" in run("weights", out).output
    assert load_checkpoint(extractor(out)).corrections and not load_checkpoint(out).corrections
    assert load_checkpoint(out).backward_file == folder / "new-backward.safetensors"


def test_stores_that_teach_nothing(folder: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty.db"
    Store(empty, create=True).close()
    fields_only = tmp_path / "fields.db"
    page = {"html": "<p>Tea</p>", "kind": "field", "field": "author", "values": []}
    blank = {"html": "<br>x<!-- y --><hr>", "kind": "main", "right": {"spans": [[0, 4]]}}
    with Store(fields_only, create=True) as store:
        store.add([read_correction(each) for each in (page, blank)])
    other = tmp_path / "other.db"
    shutil.copy(empty, other)
    with sqlite3.connect(other) as db:
        db.execute("PRAGMA user_version = 7")
    db.close()
    out = tmp_path / "out.safetensors"
    options = ("--weights", folder / "old.safetensors", "--out", out)
    for store_file, message in (
        (empty, "holds no corrections"),
        (fields_only, "no correction in"),
        (other, "is a store of version 7"),
        (extractor(DEFAULT), "is no store of corrections"),
    ):
        before = store_file.read_bytes()
        done = run("learn", store_file, *options)
        assert done.exit_code == 1 and message in done.output, done.output
        assert "Traceback" not in done.output and not out.exists() and store_file.read_bytes() == before
    reasons = run("learn", fields_only, *options).output
    assert "the network sees no text in what is said to be main content" in reasons


@pytest.mark.slow
def test_that_pages_have_no_main_content_is_learned(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one design; another one of the same store keeps its content."""
    monkeypatch.setattr(correct_blocks, "LEAST_STEPS", 200)
    store, out = folder / "none.db", folder / "none.safetensors"
    corrections.store_of(store, ["issue"], PAGES)
    with Store(store) as opened:
        for page in corrections.made(CORRECTED, 0, PAGES):
            opened.add([read_correction({"html": page.html, "kind": "main", "right": {"text": ""}})])
    done = run("learn", store, "--weights", folder / "old.safetensors", "--out", out)
    assert done.exit_code == 0 and f"were used: {2 * PAGES} main, of" in done.output, done.output
    new = load_reader(out)
    for page in corrections.made(CORRECTED, corrections.FIRST_MEASURED, 5):
        assert not any(block.main for block in main_content(new.mark(page.html)).blocks)
    assert corrections.error(new, "issue", corrections.made("issue", corrections.FIRST_MEASURED, 3)) < 0.15


def test_fields_become_heads(folder: Path, tmp_path: Path) -> None:
    store, out = tmp_path / "fields.db", tmp_path / "out.safetensors"
    with Store(store, create=True) as opened:
        for number in range(24):
            html, values = shop.page_of(number)
            correction = {"html": html, "kind": "field", "field": "price", "values": values}
            opened.add([read_correction(correction)])
    done = run("learn", store, "--weights", folder / "old.safetensors", "--out", out)
    assert done.exit_code == 0, done.output
    assert "Corrections that were used: 24 field" in done.output and "Head of price:" in done.output
    page = tmp_path / "page.html"
    html, [price] = shop.page_of(40)
    page.write_text(html, "utf-8")
    found = run("extract", "--weights", out, "--head", tmp_path / "out.price.head.safetensors", page)
    assert [value["value"] for value in json.loads(found.output)["fields"]["price"]] == [price]


def test_learn_refuses_wrong_files(folder: Path, tmp_path: Path) -> None:
    store = folder / "corrections.db"
    old = folder / "old.safetensors"
    shutil.copy(old, folder / "sets.safetensors")
    shutil.copy(old, folder / "sets-extract.safetensors")
    for out, message in (
        (tmp_path / "none" / "out.safetensors", "is no folder"),
        (tmp_path / "out.bin", "must end in .safetensors"),
        (old, "one of the files that are read"),
        (folder / "sets-extract.safetensors", "one of the files that are read"),
    ):
        weights = folder / "sets.safetensors" if out.name.startswith("sets") else old
        done = run("learn", store, "--weights", weights, "--out", out)
        assert done.exit_code == 2 and message in done.output
    lonely = tmp_path / "lonely.safetensors"
    shutil.copy(old, lonely)
    done = run("learn", store, "--weights", lonely, "--out", tmp_path / "out.safetensors")
    assert done.exit_code == 1 and "no sample of training at" in done.output


def test_a_sample_is_kept_exactly(folder: Path, tmp_path: Path, reader: Reader) -> None:
    first = load_replay(replay_file(folder / "old.safetensors"), reader.checkpoint)
    save_replay(first, tmp_path / "again.npz")
    second = load_replay(tmp_path / "again.npz", reader.checkpoint)
    assert len(first.pages) == len(second.pages) == 40
    for one, other in zip(first.pages, second.pages, strict=True):
        assert (one.labels == other.labels).all() and (one.same == other.same).all() and one.kind == other.kind
        assert (one.blocks.figures == other.blocks.figures).all() and (one.blocks.weights == other.blocks.weights).all()
        for a, b in zip(one.blocks.words + one.blocks.names, other.blocks.words + other.blocks.names, strict=True):
            assert (a == b).all()
    html = corrections.made(OTHERS[0], 500, 1)[0].html
    correction = read_correction({"html": html, "kind": "main", "right": {"spans": [[0, len(html)]]}}).correction
    lessons = Lessons()
    add_main(lessons, reader, [Standing(html, None, (correction,))], lambda _: None)
    [read] = lessons.main
    same = next(page for page in first.pages if page.blocks.words[0].tolist() == read.blocks.words[0].tolist())
    assert np.allclose(same.blocks.figures, read.blocks.figures, rtol=1e-3, atol=1e-3)
    assert same.blocks.names[1].tolist() == read.blocks.names[1].tolist()


def test_the_shipped_sample_belongs_to_the_shipped_weights(reader: Reader) -> None:
    file = replay_file(extractor(DEFAULT))
    assert file.stat().st_size < LARGEST_FILE
    taught, kept = load_replay(file, reader.checkpoint).parted()
    assert len(kept) * 4 <= len(taught) <= len(kept) * 6
    assert {page.type for page in kept} >= {"article", "forum", "product", "listing", "documentation", "service"}


def test_refuses_files_that_are_no_sample(folder: Path, tmp_path: Path, reader: Reader) -> None:
    checkpoint, good = reader.checkpoint, replay_file(folder / "old.safetensors")
    bad = tmp_path / "bad-replay.npz"
    with pytest.raises(FileNotFoundError, match="no sample of training"):
        load_replay(bad, checkpoint)
    with pytest.raises(ValueError, match="made by another network"):
        load_replay(good, load_checkpoint())
    for content in (b"", b"tea", good.read_bytes()[:5000], bytes(LARGEST_FILE + 1)):
        bad.write_bytes(content)
        with pytest.raises(ValueError, match="is no sample of training"):
            load_replay(bad, checkpoint)
    with np.load(good) as file:
        arrays = {name: file[name] for name in file.files}
    for name, value in (
        ("format", np.array("soupstate-replay-9")),
        ("words", np.full_like(arrays["words"], BUCKETS)),
        ("labels", arrays["labels"][1:]),
        ("same", arrays["same"] + 60_000),
        ("kinds", np.full_like(arrays["kinds"], 99)),
        ("word_counts", arrays["word_counts"] + 1),
        ("figures", arrays["figures"][1:]),
        ("figures", np.full_like(arrays["figures"], np.nan)),
        ("mark_states", arrays["mark_states"][:, 1:]),
        ("mark_sizes", arrays["mark_sizes"][1:]),
        ("mark_classes", arrays["mark_classes"] + 100),
        ("mark_page", arrays["mark_page"] + 1000),
        ("mark_names", arrays["mark_names"][1:]),
    ):
        np.savez(bad, **{**arrays, name: value})
        with pytest.raises(ValueError, match=r"bad-replay.npz: "):
            load_replay(bad, checkpoint)
    del arrays["sizes"]
    np.savez(bad, **arrays)
    with pytest.raises(ValueError, match="not a whole sample"):
        load_replay(bad, checkpoint)


def test_a_sample_that_is_too_large_is_not_written(
    folder: Path, tmp_path: Path, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = load_replay(replay_file(folder / "old.safetensors"), reader.checkpoint)
    monkeypatch.setattr(replays, "LARGEST_FILE", 1000)
    with pytest.raises(ValueError, match="take fewer pages"):
        save_replay(sample, tmp_path / "x-replay.npz")
    assert not list(tmp_path.iterdir())


MARKED = "custom_titles"


@pytest.fixture(scope="module")
def marked(folder: Path) -> Path:
    """Weights that have learned corrections of a mark."""
    out, store = folder / "marked.safetensors", corrections.store_of(folder / "marks.db", [MARKED], PAGES)
    done = run("learn", store, "--weights", folder / "old.safetensors", "--out", out)
    assert done.exit_code == 0, done.output
    assert "mark, of 8 pages." in done.output and "| mark block | kept sample |" in done.output
    return out


def test_corrections_of_marks_mend_other_pages_of_their_template(marked: Path, reader: Reader) -> None:
    others = corrections.made(MARKED, corrections.FIRST_MEASURED, 5)
    new = load_reader(marked)
    assert corrections.error(reader, MARKED, others) == 1 and corrections.error(new, MARKED, others) <= 0.2
    together = new.mark_many([page.html for page in others] + [corrections.made("poem", 1, 1)[0].html])
    alone = [new.mark(page.html) for page in others] + [reader.mark(corrections.made("poem", 1, 1)[0].html)]
    for one, other in zip(together, alone, strict=True):
        assert one is not None and list(one.spans) == list(other.spans)


def test_marks_of_other_pages_stay(marked: Path, reader: Reader) -> None:
    new = load_reader(marked)
    assert new.checkpoint.marks and new.checkpoint.states_digest == reader.checkpoint.states_digest
    for name in OTHERS:
        html = corrections.made(name, corrections.FIRST_MEASURED, 1)[0].html
        assert not new.checkpoint.marks.hold(html)
        assert list(new.mark(html).spans) == list(reader.mark(html).spans)
        assert new.read(html).bits == reader.read(html).bits


@pytest.mark.slow
def test_corrections_mend_marks(tmp_path: Path, reader: Reader) -> None:
    """Of 20 designs a rule decides four, which learning cannot mend."""
    names = corrections.wrong_templates(reader, marks.DESIGNS)
    rows, _, seconds = corrections.measured(names, corrections.PAGES, tmp_path)
    assert len(names) == 20 and sum(row.after <= 0.2 * row.before for row in rows) >= 15, corrections.table(rows)
    assert seconds < 300


def test_weights_that_learned_are_checked(better: Path, tmp_path: Path) -> None:
    checkpoint = load_checkpoint(better)
    save_checkpoint(checkpoint, tmp_path / "same.safetensors")
    again = load_checkpoint(tmp_path / "same.safetensors")
    assert again.corrections == checkpoint.corrections
    assert isinstance(again.blocks, CorrectedHead) and isinstance(checkpoint.blocks, CorrectedHead)
    for part in ("first", "second", "templates"):
        one, other = getattr(again.blocks, part), getattr(checkpoint.blocks, part)
        assert all((getattr(one, each.name) == getattr(other, each.name)).all() for each in fields(one))
    note = checkpoint.corrections[0]
    for wrong in (replace(note, digest="x"), replace(note, date="today"), replace(note, used={"main": -1})):
        save_checkpoint(replace(checkpoint, corrections=(wrong,)), tmp_path / "wrong.safetensors")
        with pytest.raises(ValueError, match=r"corrections\[0\]\."):
            load_checkpoint(tmp_path / "wrong.safetensors")


@pytest.mark.slow
def test_ten_corrections_mend_a_template(tmp_path: Path, reader: Reader) -> None:
    names = corrections.wrong_templates(reader, corrections.DESIGNS)[: corrections.TEMPLATES]
    rows, output, seconds = corrections.measured(names, corrections.PAGES, tmp_path)
    assert len(rows) == corrections.TEMPLATES and all(row.before >= corrections.WRONG for row in rows)
    before, after = (sum(getattr(row, part) for row in rows) for part in ("before", "after"))
    assert after <= 0.1 * before, "\n".join(corrections.table(rows))
    assert sum(row.after <= 0.2 * row.before for row in rows) >= corrections.TEMPLATES - 1
    assert seconds < 300
    assert "nothing is written" not in output
