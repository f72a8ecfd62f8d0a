"""Learning faults and fixes from corrections: check, correct, learn, and check with the new weights."""

import json
from dataclasses import replace
from pathlib import Path

import corrections
import numpy as np
import pytest
from click.testing import CliRunner, Result
from safetensors import safe_open
from safetensors.numpy import load_file, save_file
from templates import faults

from soupstate.app.cli.main import soupstate
from soupstate.app.faults import likely_faults
from soupstate.app.reading import load_reader
from soupstate.model.corrections.store import Store
from soupstate.model.faults.edits import Repair
from soupstate.model.faults.find import find_faults
from soupstate.model.faults.kinds import KINDS
from soupstate.model.faults.taught import GAP, features_of, recalled, right_fix, same_edit, trimmed
from soupstate.model.net.checkpoint import DEFAULT, load_any, load_checkpoint, ranking_file, save_checkpoint
from soupstate.model.net.corrected_faults import FEATURES, RightFix
from soupstate.model.net.fitted_parts import FIXES
from soupstate.model.net.reader import Reader
from soupstate.model.train.run.learn import unlearned

DESIGNS = ("open_spans", "misspelt_targets")  # a report that is wrong, and a slip that is not found
OTHERS = ("comparisons", "two_names", "swapped_quotes")  # designs that nobody corrects
PAGES = 4  # corrected, of each design


def run(*options: object) -> Result:
    return CliRunner().invoke(soupstate, [str(option) for option in options])


def held(path: Path) -> dict[str, object]:
    """What a file holds: its metadata, and each tensor as bytes."""
    with safe_open(path, "np") as file:
        return dict(file.metadata()) | {name: file.get_tensor(name).tobytes() for name in file.keys()}  # noqa: SIM118 (not a dict)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that `soupstate correct` made, and weights that `soupstate learn` made from it."""
    folder = tmp_path_factory.mktemp("faults")
    with (folder / "right.jsonl").open("w", encoding="utf-8") as file:
        for name in DESIGNS:
            for page in corrections.made(name, 0, PAGES):
                for each in corrections.corrections_of(name, page):
                    file.write(json.dumps({"html": page.html, **each}) + "\n")
    assert run("correct", "--store", folder / "store.db", folder / "right.jsonl").exit_code == 0
    done = run("learn", folder / "store.db", "--out", folder / "better.safetensors")
    assert done.exit_code == 0, done.output
    assert "| fault | corrected pages | 0.0000 | 1.0000 |" in done.output
    assert "| fix | corrected pages | 0.0000 | 1.0000 |" in done.output
    return folder


@pytest.fixture(scope="module")
def better(folder: Path) -> Reader:
    return load_reader(folder / "better.safetensors")


@pytest.mark.parametrize("name", DESIGNS)
def test_corrections_mend_other_pages_of_their_template(better: Reader, name: str) -> None:
    pages = corrections.made(name, corrections.FIRST_MEASURED, 5)
    assert corrections.fault_error(corrections.shipped_reader(), name, pages) >= 0.8
    assert corrections.fault_error(better, name, pages) == 0


def test_check_mends_with_the_new_weights(folder: Path, tmp_path: Path) -> None:
    page = corrections.made("misspelt_targets", corrections.FIRST_MEASURED, 1)[0]
    file = tmp_path / "page.html"
    file.write_text(page.html, "utf-8")
    assert run("check", file).exit_code == 0
    told = run("check", "--weights", folder / "better.safetensors", file)
    assert told.exit_code == 1 and "'herf' should be 'href', as corrections of such pages say" in told.output
    done = run("check", "--fix", "--weights", folder / "better.safetensors", file)
    assert done.exit_code == 0, done.output
    assert file.read_text("utf-8") == page.html.replace("herf=", "href=")


def test_other_pages_are_judged_as_before(better: Reader) -> None:
    """Bit for bit: the same faults with the same figures."""
    old = corrections.shipped_reader()
    assert better.backward and better.backward.checkpoint.faults
    for name in OTHERS:
        for page in corrections.made(name, corrections.FIRST_MEASURED, 2):
            assert better.backward.checkpoint.faults.group_of(page.html) is None
            assert find_faults(better, better.read(page.html)) == find_faults(old, old.read(page.html))
    assert (
        Path(DEFAULT).read_bytes()
        == (better.checkpoint.backward_file or DEFAULT).with_name("better.safetensors").read_bytes()
    )


def test_a_general_slip_on_a_corrected_template_is_still_found(better: Reader) -> None:
    page = corrections.made("open_spans", corrections.FIRST_MEASURED, 1)[0].html
    broken = page.replace('<div class="spanstop">', '<div class="spanstop>')
    assert broken != page
    assert [fault.kind for fault in likely_faults(better, broken)] == ["unpaired-quote"]


def test_the_ranking_s_file_says_what_it_learned(folder: Path) -> None:
    ranked = ranking_file(folder / "better.safetensors")
    assert ranked.name == "better-backward.safetensors"
    note = load_any(ranked).corrections[-1]
    assert set(note.used) == {"fault", "fix"} and not note.unused
    with Store(folder / "store.db") as store:
        pages = sum(1 for _ in store.standing())
        assert note.count == len(store) and note.pages == pages
    assert not load_any(folder / "better-extract.safetensors").corrections
    assert f"{note.used['fault']} fault, {note.used['fix']} fix of {pages} pages" in run("weights", ranked).output
    whole = run("weights", folder / "better.safetensors").output
    assert f"  corrections:\n    better-backward.safetensors: {note.date}: " in whole


def test_what_the_store_no_longer_says_is_forgotten(folder: Path, tmp_path: Path) -> None:
    """Weights that learn from another store hold what that says, and no more."""
    page = corrections.made("comparisons", 0, 1)[0]
    [given] = corrections.corrections_of("comparisons", page)
    lines = tmp_path / "right.jsonl"
    lines.write_text(json.dumps({"html": page.html, **given}), "utf-8")
    assert run("correct", "--store", tmp_path / "store.db", lines).exit_code == 0
    old, out = folder / "better.safetensors", tmp_path / "w.safetensors"
    done = run("learn", tmp_path / "store.db", "--weights", old, "--out", out)
    assert done.exit_code == 0, done.output
    forgetful = load_reader(out)
    assert corrections.fault_error(forgetful, "open_spans", corrections.made("open_spans", 0, 3)) > 0.5
    assert corrections.fault_error(forgetful, "comparisons", [page]) == 0
    first, again = (load_any(ranking_file(path)) for path in (DEFAULT, out))
    assert [note.used.get("fix", 0) > 0 for note in again.corrections] == [True, False]
    save_checkpoint(replace(unlearned(again), corrections=()), tmp_path / "back.safetensors")
    save_checkpoint(first, tmp_path / "first.safetensors")
    assert held(tmp_path / "back.safetensors") == held(tmp_path / "first.safetensors")


def test_a_report_that_people_confirm_becomes_likely(tmp_path: Path) -> None:
    old = corrections.shipped_reader()
    pages = [page.html for page in corrections.made("swapped_quotes", 20, 3)]
    given: list[tuple[str, int, int, str]] = []
    for html in pages:
        doubtful = [fault for fault in find_faults(old, old.read(html)) if fault.fixes and fault.probability < 0.5]
        given.append((html, doubtful[0].start, doubtful[0].end, doubtful[0].kind))
    lines = tmp_path / "right.jsonl"
    named = ({"html": h, "kind": "fault", "start": s, "end": e, "id": k, "right": True} for h, s, e, k in given)
    lines.write_text("\n".join(map(json.dumps, named)), "utf-8")
    assert run("correct", "--store", tmp_path / "store.db", lines).exit_code == 0
    done = run("learn", tmp_path / "store.db", "--out", tmp_path / "w.safetensors")
    assert done.exit_code == 0 and "| fault | corrected pages | 0.0000 | 1.0000 |" in done.output, done.output
    new = load_reader(tmp_path / "w.safetensors")
    for html, start, end, kind in given:
        assert (start, end, kind) in [(fault.start, fault.end, fault.kind) for fault in likely_faults(new, html)]


def test_corrections_that_teach_nothing_are_named(tmp_path: Path) -> None:
    html = "<!doctype html><title>Tea</title><h1>Tea</h1><p>Sencha is a green tea.</p>"
    given = (
        {"kind": "fault", "start": 3, "end": 6, "right": False},
        {"kind": "fault", "start": 40, "end": 41, "right": True},
        {"kind": "fix", "start": 40, "end": 40, "replacement": "x" * 300},
        {"kind": "fix", "start": 41, "end": 41, "replacement": "\0"},
    )
    lines = tmp_path / "right.jsonl"
    lines.write_text("\n".join(json.dumps({"html": html, **each}) for each in given), "utf-8")
    assert run("correct", "--store", tmp_path / "store.db", lines).exit_code == 0
    done = run("learn", tmp_path / "store.db", "--out", tmp_path / "out.safetensors")
    assert done.exit_code == 1 and "can be learned" in done.output
    assert done.output.count("the search finds nothing there") == 2
    assert done.output.count("this fix is too long") == 2 and not list(tmp_path.glob("out*"))


def test_damaged_files_are_refused(folder: Path, tmp_path: Path) -> None:
    good, bad = folder / "better-backward.safetensors", tmp_path / "bad.safetensors"
    with safe_open(good, "np") as file:
        meta = dict(file.metadata())
    tensors = load_file(good)
    weight = tensors["faults.weight"]
    assert weight.shape == (FEATURES,) and weight.dtype == np.float16
    for name, value, message in (
        ("faults.weight", None, "missing tensor faults.weight"),
        ("faults.weight", weight[1:], r"faults.weight: shape"),
        ("faults.weight", np.full_like(weight, np.nan), "faults.weight: not finite"),
        ("faults.weight", weight.astype(np.int32), "faults.weight: type I32"),
        ("faults.names", None, "missing tensor faults.names"),
        ("faults.names", tensors["faults.names"].astype(np.float32), "faults.names: type F32"),
        ("faults.names", np.full_like(tensors["faults.names"], 65535), "templates.names"),
        ("faults.starts", tensors["faults.starts"] + 1, "templates.starts"),
        ("faults.worth", tensors["faults.worth"] - 100, "templates.worth"),
        ("faults.groups", tensors["faults.groups"][1:], "faults.groups: shape"),
        ("faults.groups", tensors["faults.groups"].astype(np.int32), "faults.groups: type I32"),
        ("faults.other", weight, "unknown tensor faults.other"),
    ):
        changed = {key: each for key, each in tensors.items() if key != name or value is not None}
        save_file(changed if value is None else changed | {name: np.ascontiguousarray(value)}, bad, meta)
        with pytest.raises(ValueError, match=message):
            load_checkpoint(bad, backward=True)
    fix = {"removed": "herf", "replacement": "href", "before": " ", "after": "="}
    for fixes, message in (
        (None, f"missing metadata {FIXES}"),
        ("{}", f"{FIXES}: '{{}}', expected a list"),
        ("[", f"{FIXES}: not JSON"),
        (json.dumps([{**fix, "more": 1}]), rf"{FIXES}\[0\]: "),
        (json.dumps([fix, {**fix, "removed": 7}]), rf"{FIXES}\[1\].removed: 7"),
        (json.dumps([{**fix, "removed": "x" * 201}]), rf"{FIXES}\[0\].removed: .* at most 200"),
        (json.dumps([{**fix, "before": "xy"}]), rf"{FIXES}\[0\].before: 'xy'"),
        (json.dumps([{**fix, "replacement": "\ud800"}]), rf"{FIXES}\[0\].replacement"),
        (json.dumps([{**fix, "replacement": "herf"}]), rf"{FIXES}\[0\]: a fix that changes nothing"),
        (json.dumps([fix] * 501), f"{FIXES}: 501 fixes"),
    ):
        save_file(tensors, bad, {key: each for key, each in (meta | {FIXES: fixes}).items() if each is not None})
        with pytest.raises(ValueError, match=message):
            load_checkpoint(bad, backward=True)
    plain = {key: each for key, each in tensors.items() if not key.startswith("faults.")}
    save_file(plain, bad, meta)
    with pytest.raises(ValueError, match=f"missing tensor faults.weight, which goes with the metadata {FIXES}"):
        load_checkpoint(bad, backward=True)


def test_what_was_learned_is_kept_exactly(folder: Path, tmp_path: Path) -> None:
    first = load_checkpoint(folder / "better-backward.safetensors", backward=True)
    save_checkpoint(first, tmp_path / "again.safetensors")
    assert held(tmp_path / "again.safetensors") == held(folder / "better-backward.safetensors")


def test_same_edits_are_those_that_make_the_same_page() -> None:
    random = np.random.default_rng(0)
    for _ in range(200):
        page = "".join(random.choice(list("ab"), 6))
        keys: dict[str, set[tuple[int, int, str]]] = {}
        for start in range(7):
            for end in range(start, 7):
                for text in ("", "a", "b", "ab", "ba", "aa", "aba"):
                    if text != page[start:end]:
                        made = page[:start] + text + page[end:]
                        keys.setdefault(made, set()).add(same_edit(page, start, end, text))
        keys.pop(page, None)
        assert all(len(each) == 1 for each in keys.values())
        assert len({key for each in keys.values() for key in each}) == len(keys)


def test_a_fix_is_tried_where_the_same_text_stands() -> None:
    page = '<p>tea<p class="x">A <a herf="/a">b</a> herf=“/tea leaves” and “no”'
    word = right_fix(page, page.index("herf") + 1, page.index("herf") + 3, "re")
    assert word == RightFix("herf", "href", " ", "=")
    at = [page.index("herf"), page.rindex("herf")]
    assert [(r.start, r.end, r.replacement) for r in recalled(page, [word])] == [(k, k + 4, "href") for k in at]
    begin, end = page.index("“/"), page.index("” and") + 1
    quotes = right_fix(page, begin, end, '"/tea leaves"')
    assert quotes == RightFix(f"“{GAP}”", f'"{GAP}"', "=", " ")
    [again] = recalled(page, [quotes])
    assert (again.start, again.end, again.replacement) == (begin, end, '"/tea leaves"')
    closed, other = recalled(page, [right_fix(page, 6, 6, "</p>")])
    assert other.start == page.index("</a>")
    assert (closed.start, closed.replacement, closed.kind) == (6, "</p>", "missing-end-tag")
    edge = right_fix("<p>tea", 6, 6, "</p>")
    assert edge == RightFix("", "</p>", "w", "") and [r.start for r in recalled("<b>old", [edge])] == [6]


def test_kinds_of_fixes_have_pages() -> None:
    page = '<p class="a" id=b>x</b><i>y'
    edits = ((8, 8, "="), (9, 10, ""), (0, 18, ""), (19, 23, ""), (19, 19, "<b>"), (19, 19, "</i>"), (3, 8, "id"))
    kinds = [next(recalled(page, [right_fix(page, *edit)])).kind for edit in edits]
    assert set(kinds) <= set(KINDS) and kinds[2:] == [
        "unexpected-start-tag",
        "unexpected-end-tag",
        "missing-start-tag",
        "missing-end-tag",
        "unexpected-character",
    ]


def test_features_do_not_depend_on_how_an_edit_is_written() -> None:
    page = "<p>one <x-price>5<x-price> two</p>"
    at = page.rindex("<x-price>")
    kind, message = "end-tag-written-as-start-tag", "/ is missing"
    edits = (Repair(at + 1, at + 1, "/", kind, message), Repair(at, at + 9, "</x-price>", kind, message))
    first, second = (features_of(page, edit, 0) for edit in edits)
    assert first.tolist() == second.tolist() and (first < FEATURES).all() and len(set(first.tolist())) == len(first)
    assert not set(first.tolist()) & set(features_of(page, edits[0], 1).tolist())
    assert trimmed(page, at, at + 9, "</x-price>") == (at + 1, at + 1, "/")


@pytest.mark.slow
def test_ten_corrections_mend_most_templates(tmp_path: Path) -> None:
    names = corrections.wrong_templates(corrections.shipped_reader(), faults.DESIGNS)
    rows, _, seconds = corrections.measured(names, corrections.PAGES, tmp_path)
    before, after = (sum(getattr(row, part) for row in rows) for part in ("before", "after"))
    assert len(names) >= 12 and after <= 0.2 * before, "\n".join(corrections.table(rows))
    assert seconds < 300
