"""Compression: what comes out is what went in, or an error says why not."""

import json
import lzma
import os
import shutil
import stat
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
from archives import record
from click.testing import CliRunner, Result
from conftest import tiny_checkpoint
from hypothesis import given, settings
from hypothesis import strategies as st
from test_crawl_samples import SAMPLES

from soupstate.app import compress_bench
from soupstate.app.cli import main as cli
from soupstate.kernels import Packed, State, available, pack
from soupstate.kernels.compiled import cpp
from soupstate.kernels.copy import copies, copy_state
from soupstate.model.compression import container
from soupstate.model.compression.coding import PIECE_BYTES, decode, encode
from soupstate.model.compression.container import CHECKSUM, HEADER, STORED, compress, decompress, read_header
from soupstate.model.net.checkpoint import DEFAULT, Checkpoint, digest, load_checkpoint, save_checkpoint

pytestmark = pytest.mark.skipif(cpp is None, reason="pure build: the reference's numbers depend on the machine")

COMPILED = [name for name in available() if name != "reference"]
WEIGHTS, OTHERS = "ab" * 32, "cd" * 32  # SHA-256
HTML = "".join(sample.html for sample in SAMPLES).encode()[:30_000]
CONTENTS = {
    "empty": b"",
    "one byte": b"\0",
    "random": np.random.default_rng(3).bytes(2 * PIECE_BYTES + 5),
    "html": HTML[:2000],
    "a whole piece": HTML[:PIECE_BYTES],
    "a byte more": HTML[: PIECE_BYTES + 1],
}


def copying_checkpoint() -> Checkpoint:
    """A tiny network that expects what the copy model does, so that it makes HTML smaller."""
    checkpoint = tiny_checkpoint()
    known = checkpoint.parameters
    quiet = {
        name: known[name] * 0.1 for name in ("output.weight", "output.bias", "copy_gain.weight", "gate_gain.weight")
    }
    context = {"context_output.weight": known["context_output.weight"] * 0.01}
    return replace(checkpoint, parameters=known | quiet | context | {"copy_bias": np.full((22, 24), 0.6, np.float32)})


@cache
def packed(backend: str | None = None) -> Packed:
    return pack(copying_checkpoint().weights, backend)


def quiet(more: int) -> None:
    pass


def back(file: bytes, weights: str = WEIGHTS) -> bytes:
    return decompress(packed, weights, file, quiet)


@pytest.mark.parametrize("name", CONTENTS)
@pytest.mark.parametrize("backend", COMPILED)
def test_round_trip(backend: str, name: str) -> None:
    content, steps = CONTENTS[name], list[int]()
    file = compress(packed(backend), WEIGHTS, content, quiet)
    header = read_header(file)
    method = STORED if name in ("empty", "one byte", "random") else backend
    assert (header.backend, header.length, header.crc) == (method, len(content), crc32(content))
    assert len(file) <= HEADER.size + len(content) + CHECKSUM.size
    assert decompress(packed, WEIGHTS, file, steps.append) == content
    assert sum(steps) == (0 if method == STORED else len(content))


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes(content: bytes) -> None:
    assert back(compress(packed(), WEIGHTS, content, quiet)) == content
    assert decode(packed(), encode(packed(), content, quiet), len(content), quiet) == content


@pytest.mark.parametrize("backend", COMPILED)
def test_bytes_that_no_page_has(backend: str) -> None:
    coded = encode(packed(backend), CONTENTS["random"], quiet)
    assert decode(packed(backend), coded, len(CONTENTS["random"]), quiet) == CONTENTS["random"]


def test_the_shipped_network_on_a_page_of_30_kilobytes() -> None:
    """It reads its own file, and little is left of the page."""
    network = pack(load_checkpoint(DEFAULT).weights)
    assert len(HTML) == 30_000
    file = compress(network, digest(DEFAULT), HTML, quiet)
    assert decompress(lambda backend: network, digest(DEFAULT), file, quiet) == HTML
    assert len(file) < 0.2 * len(HTML)


@pytest.mark.parametrize("backend", COMPILED)
def test_the_coded_bytes_are_as_many_as_the_odds_say(backend: str) -> None:
    wanted = bits_of(packed(backend), HTML[:5000])
    assert len(encode(packed(backend), HTML[:5000], quiet)) * 8 == pytest.approx(wanted, rel=0.001, abs=64)


def bits_of(network: Packed, content: bytes) -> float:
    """The surprisal of content after a line feed, as the reading of pages measures it."""
    ids = np.frombuffer(b"\n" + content, np.uint8)
    found = copies(ids, copy_state())[0]
    return float(network.read(ids, found, State.zeros(network.weights.units)).bits[1:].sum(dtype=np.float64))


@pytest.mark.parametrize("at", [0, 4, 6, 17, 25, 30, HEADER.size + 3, -1])
def test_a_changed_bit_is_found(at: int) -> None:
    file = bytearray(compress(packed(), WEIGHTS, HTML[:300], quiet))
    file[at] ^= 4
    with pytest.raises(ValueError, match="no file that|format 5|truncated or damaged"):
        back(bytes(file))


@pytest.mark.parametrize("kept", [0, 3, 4, 5, 20, HEADER.size, -5, -1])
def test_a_truncated_file_is_refused(kept: int) -> None:
    file = compress(packed(), WEIGHTS, HTML[:300], quiet)
    with pytest.raises(ValueError, match="no file that" if kept == 0 else "truncated or damaged"):
        back(file[:kept])


def test_other_files_are_refused() -> None:
    with pytest.raises(ValueError, match="this is no file that soupstate compress wrote"):
        back(HTML)


def signed(body: bytes) -> bytes:
    return body + CHECKSUM.pack(crc32(body))


def test_coded_bytes_that_were_changed_on_purpose() -> None:
    """With a right checksum of the file, that of the content, or the coder, still finds it."""
    file = compress(packed(), WEIGHTS, HTML[:300], quiet)
    for damaged in (HTML[:40], b"\xff" * 40, b""):
        with pytest.raises(ValueError, match="content came out wrong|invalid"):
            back(signed(file[: HEADER.size] + damaged))
    with pytest.raises(ValueError, match="whole words"):
        decode(packed(), b"abc", 3, quiet)


def test_other_weights_and_backends_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    file = compress(packed(), WEIGHTS, HTML[:700], quiet)
    with pytest.raises(
        ValueError, match=r"other weights: their SHA-256 begins with (ab){8}, that of these with (cd){8}"
    ):
        back(file, OTHERS)
    fields = list(HEADER.unpack_from(file))
    fields[2] = b"neon"
    with pytest.raises(ValueError, match="a backend that is not here: backend = 'neon'"):
        back(signed(HEADER.pack(*fields) + file[HEADER.size : -4]))
    with pytest.raises(ValueError, match="reference.*a compiled backend is needed"):
        compress(packed("reference"), WEIGHTS, b"", quiet)
    monkeypatch.setattr(container, "PROBE", b"<p>")
    with pytest.raises(ValueError, match="computes other numbers in this build"):
        back(file)


def run(*arguments: str, stdin: bytes = b"") -> Result:
    return CliRunner().invoke(cli.soupstate, list(arguments), input=stdin)


@pytest.fixture(scope="module")
def copying(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "copying.safetensors"
    save_checkpoint(copying_checkpoint(), path)
    return path


@pytest.fixture
def page(tmp_path: Path, copying: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SOUPSTATE_WEIGHTS", str(copying))
    path = tmp_path / "page.html"
    path.write_bytes(HTML[:700])
    return path


def test_files(page: Path) -> None:
    """Each process starts anew, so nothing but the file passes from one to the other."""
    for command in (("compress", str(page)), ("decompress", f"{page}.soup", "--out", f"{page}.again")):
        done = subprocess.run([sys.executable, "-m", "soupstate", *command], capture_output=True, text=True)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    again = Path(f"{page}.again")
    assert again.read_bytes() == page.read_bytes()
    assert stat.S_IMODE(again.stat().st_mode) == stat.S_IMODE(page.stat().st_mode)
    assert sorted(path.name for path in page.parent.iterdir()) == ["page.html", "page.html.again", "page.html.soup"]


def test_stdin_and_stdout(page: Path) -> None:
    file = run("compress", "-", stdin=HTML[:500]).stdout_bytes
    assert run("decompress", "-", stdin=file).stdout_bytes == HTML[:500]
    assert run("compress", str(page), "--out", "-").stdout_bytes == run("compress", "-", stdin=HTML[:700]).stdout_bytes


def test_the_header_chooses_the_backend(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = run("compress", "--backend", "scalar", "-", stdin=HTML[:700]).stdout_bytes
    assert read_header(file).backend == "scalar"
    monkeypatch.setenv("SOUPSTATE_BACKEND", "reference")
    assert run("decompress", "-", stdin=file).stdout_bytes == HTML[:700]
    assert "compiled backend is needed" in run("compress", str(page)).stderr


def test_existing_files_stay(page: Path) -> None:
    assert run("compress", str(page)).exit_code == 0
    file = Path(f"{page}.soup")
    for command, target in ((("compress", str(page)), file), (("decompress", str(file)), page)):
        kept = target.read_bytes()
        target.write_bytes(b"mine")
        source = Path(command[1])
        done = run(*command)
        assert done.exit_code == 1 and f"{target}: exists; --force overwrites it" in done.stderr
        assert target.read_bytes() == b"mine"
        if target == file:
            assert run(*command, "--force").exit_code == 0 and target.read_bytes() == kept
        assert source.exists()
    link = page.with_name("link")
    link.symlink_to(page)
    assert run("decompress", str(file), "--force", "--out", str(link)).exit_code == 0
    assert link.is_symlink() and page.read_bytes() == HTML[:700]


def test_failures_write_nothing(page: Path) -> None:
    broken = page.with_name("broken.soup")
    assert run("compress", str(page), "--out", str(broken)).exit_code == 0
    broken.write_bytes(broken.read_bytes()[:-9])
    done = run("decompress", str(broken))
    assert done.exit_code == 1 and f"{broken}: the file is truncated or damaged" in done.stderr
    gone = run("compress", str(page.with_name("gone")))
    assert gone.exit_code == 1 and "No such file" in gone.stderr
    nowhere = run("compress", str(page), "--out", str(page.with_name("no") / "where"))
    assert nowhere.exit_code == 1 and "No such file" in nowhere.stderr
    for other in (str(page.parent), os.devnull):
        done = run("compress", str(page), "--force", "--out", other)
        assert done.exit_code == 1 and f"{other}: is no regular file" in done.stderr
    assert sorted(path.name for path in page.parent.iterdir()) == ["broken.soup", "page.html"]
    done = run("decompress", str(page))
    assert done.exit_code == 2 and "--out names the file to write" in done.stderr


def test_other_weights_on_the_command_line(page: Path) -> None:
    file = run("compress", "-", stdin=HTML[:700]).stdout_bytes
    done = run("decompress", "--weights", str(DEFAULT), "-", stdin=file)
    assert done.exit_code == 1 and "<stdin>: compressed with other weights" in done.stderr and not done.stdout_bytes


def test_bench(tmp_path: Path, page: Path, copying: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The peers that are installed are measured; ours are the bytes of whole files."""
    pages, html = tmp_path / "pages.warc", "<p>Grüße, and some more text of a page</p>" * 9
    pages.write_bytes(record(html.encode(), 0) + record(html.encode(), 1))
    peers = {**compress_bench.PEERS, "none": ("no_such_module", lambda *_: 1)}
    monkeypatch.setattr(compress_bench, "PEERS", peers)
    done = run("bench", "compress", "--pages", str(pages), "--decompress", "1", "--json", str(tmp_path / "rows"))
    assert done.exit_code == 0, done.output
    assert "none is not installed" in done.output and "1 pages came out of decompression as they were" in done.output
    rows = {row["system"]: row for row in json.loads((tmp_path / "rows").read_text("utf-8"))}
    zpaq = {"zpaq -m5"} if shutil.which("zpaq") else set()
    assert set(rows) == {"soupstate", "brotli -11", "zstd -19", "zstd -22 --ultra", "xz -9e"} | zpaq
    network = pack(load_checkpoint(copying).weights)
    assert rows["soupstate"]["bytes"] == 2 * len(compress(network, WEIGHTS, html.encode(), quiet))
    assert rows["xz -9e"]["bytes"] == 2 * len(lzma.compress(html.encode(), preset=9 | lzma.PRESET_EXTREME))
    for row in rows.values():
        assert row["pages"] == 2 and row["share"] == row["bytes"] / (2 * len(html.encode()))
    assert run("bench", "compress", "--pages", str(page)).exit_code == 1
