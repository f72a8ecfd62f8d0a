"""The sample pages: packed files current, and read back as they were written."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from warcio.archiveiterator import ArchiveIterator

from soupstate.model.archive.records import Tally, read_pages

FOLDER = Path(__file__).parents[1] / "crawl_samples"


def load_packer() -> ModuleType:
    spec = importlib.util.spec_from_file_location("crawl_samples_pack", FOLDER / "pack.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


packer = load_packer()
SAMPLES = packer.samples()


def test_packed_files_are_current() -> None:
    command = [sys.executable, str(FOLDER / "pack.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(("name", "broken"), packer.FILES.items())
def test_pages_read_back(name: str, broken: bool) -> None:
    wanted = [sample for sample in SAMPLES if bool(sample.malformed) is broken]
    tally = Tally()
    pages = list(read_pages(FOLDER / name, tally=tally))
    assert [(p.url, p.html, p.charset, p.http_status) for p in pages] == [
        (sample.url, sample.html, sample.charset, 200) for sample in wanted
    ]
    number = len(wanted)
    assert tally.other == {"warcinfo": 1, "request": number, "metadata": number}
    assert not tally.skipped


@pytest.mark.parametrize("name", packer.FILES)
def test_packed_the_way_common_crawl_packs(name: str) -> None:
    with open(FOLDER / name, "rb") as file:
        records = ArchiveIterator(file, check_digests=True)
        kinds = []
        for record in records:
            kinds.append(record.rec_type)
            record.content_stream().read()
            if record.rec_type == "response":
                assert record.digest_checker.passed
                assert record.rec_headers.get_header("WARC-Identified-Payload-Type") == "text/html"
    assert kinds[0] == "warcinfo"
    assert kinds[1:] == ["request", "response", "metadata"] * (len(kinds) // 3)


def test_packing_is_deterministic() -> None:
    assert packer.pack("a.warc.gz", SAMPLES) == packer.pack("a.warc.gz", SAMPLES)


def test_enough_pages_of_many_kinds() -> None:
    clean = [sample for sample in SAMPLES if not sample.malformed]
    broken = [sample for sample in SAMPLES if sample.malformed]
    assert len(clean) >= 24
    assert len(broken) >= 10
    assert len({sample.kind for sample in clean}) == len(clean)
    assert len({sample.malformed for sample in broken}) == len(broken)
    assert len({sample.name for sample in SAMPLES}) == len({s.url for s in SAMPLES}) == len(SAMPLES)
    assert {"windows-1251", "shift_jis", "gbk", "windows-1252"} <= {s.charset for s in clean}
    files = {path.name for path in (FOLDER / "pages").iterdir()}
    assert files == {f"{sample.name}.html" for sample in clean}


@pytest.mark.parametrize("sample", [s for s in SAMPLES if s.edit], ids=lambda s: s.name)
def test_an_edit_breaks_its_page(sample) -> None:  # type: ignore[no-untyped-def]
    assert sample.undamaged != sample.html == sample.edit.apply(sample.undamaged)
    assert any(other.html == sample.undamaged for other in SAMPLES)
    end = sample.edit.pos + sample.edit.deleted
    assert sample.html.endswith(sample.undamaged[end:])
