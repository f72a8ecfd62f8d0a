"""Malformed checkpoints: each is refused when it is loaded, by an error that names the file and what is wrong in it."""

import json
import os
import random
import shutil
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from conftest import two_readers

from soupstate.app.cli.main import soupstate
from soupstate.app.reading import load_reader
from soupstate.model.faults.ranking import COLUMNS
from soupstate.model.net.checkpoint import MOST_DELAY, load_checkpoint
from soupstate.model.net.layout import LARGEST

BYTES_OF = {"F16": 2, "F32": 4, "F64": 8, "BF16": 2, "I8": 1, "U8": 1, "BOOL": 1, "I16": 2, "I64": 8, "F8_E4M3": 1}
NUMBERS = {"F16": "<e", "F32": "<f"}
SHAPED = (  # shapes that no tensor has
    (),
    (0,),
    (0, 0),
    (1,),
    (3, 5),
    (1, 1, 1, 1),
    (1 << 20,),
)


@dataclass
class File:
    """A safetensors file in parts, so that any of them can be wrong."""

    meta: dict[str, Any]
    tensors: dict[str, tuple[str, tuple[int, ...], bytes]]
    wrong: dict[str, Any] = field(default_factory=dict)  # put into the header as it is

    @classmethod
    def read(cls, path: Path) -> "File":
        data = path.read_bytes()
        (size,) = struct.unpack("<Q", data[:8])
        header = json.loads(data[8 : 8 + size])
        meta = header.pop("__metadata__")
        body = memoryview(data)[8 + size :]
        tensors = {
            k: (v["dtype"], tuple(v["shape"]), bytes(body[slice(*v["data_offsets"])])) for k, v in header.items()
        }
        return cls(meta, tensors)

    def copy(self) -> "File":
        return File(dict(self.meta), dict(self.tensors))

    def write(self, path: Path) -> Path:
        header: dict[str, Any] = {"__metadata__": self.meta}
        at = 0
        for name, (dtype, shape, data) in self.tensors.items():
            header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + len(data)]}
            at += len(data)
        packed = json.dumps(header | self.wrong).encode()
        with path.open("wb") as file:
            file.write(struct.pack("<Q", len(packed)) + packed)
            file.writelines(data for _, _, data in self.tensors.values())
        return path


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> File:
    """A tiny network with a depth layer and a ranking."""
    folder = tmp_path_factory.mktemp("sound")
    two_readers(folder)
    file = File.read(folder / "w.safetensors")
    file.meta["ranking"] = File.read(folder / "w-backward.safetensors").meta["ranking"]
    assert load_checkpoint(file.write(folder / "again.safetensors"), ranked=COLUMNS).ranking
    return file


def of_tensors(sound: File) -> Iterator[tuple[str, str, File]]:
    """What is wrong, a word of the message, and the file: with each tensor missing, of other types and shapes, NaN."""
    for name, (dtype, shape, data) in sound.tensors.items():
        file = sound.copy()
        del file.tensors[name]
        yield f"no {name}", name, file
        for other in ("BOOL", "I64", "U8", "BF16", "F8_E4M3", "F16" if dtype == "I8" else "I8"):
            if other == dtype:
                continue
            file = sound.copy()
            count = len(data) // BYTES_OF[dtype]
            file.tensors[name] = other, shape, bytes(count * BYTES_OF[other])
            yield f"{name} of {other}", name, file
        for other_shape in (*SHAPED, (*shape, 1), (shape[0] + 1, *shape[1:]), shape[::-1]):
            if other_shape != shape:
                file = sound.copy()
                count = 1
                for n in other_shape:
                    count *= n
                file.tensors[name] = dtype, other_shape, bytes(count * BYTES_OF[dtype])
                yield f"{name} of shape {other_shape}", name.partition(".")[0], file
        for value in ("nan", "inf", "-inf", str(LARGEST * 2)) if dtype in NUMBERS else ():
            file = sound.copy()
            bad = struct.pack("<f", float(value)) if dtype == "F32" else struct.pack("<e", float(value[:4]))
            place = random.Random(value).randrange(len(data) // len(bad)) * len(bad)
            if not (dtype == "F16" and value[0] == "1"):
                file.tensors[name] = dtype, shape, data[:place] + bad + data[place + len(bad) :]
                yield f"{value} in {name}", name, file
    for name in ("network.lstm.weight_ih_l1", "network.output.wieght", "depth.more", "more", "changes.more", ""):
        file = sound.copy()
        file.tensors[name] = "F32", (1,), bytes(4)
        yield f"unknown {name}", f"unknown tensor {name}", file


def of_metadata(sound: File) -> Iterator[tuple[str, str, File]]:
    """With each key missing, not JSON, or of another type."""
    neuron = {"layer": 1, "unit": 0, "r": 0.5}
    weights = [0.0] * COLUMNS
    ranking = {"weights": weights, "bias": 0.0}
    values: dict[str, list[Any]] = {
        "format": ["", "1", "2", "4", "3 ", "03", "x" * 10_000],
        "name": ["", "a\nb", "x" * 10_000],
        "version": ["", "\x00"],
        "delay": ["", "-5", "-1", "1.5", "4.0", "four", "\u0664", "0x4", "1e3", "1_0", "nan", str(MOST_DELAY + 1),
                  "1000000000", "9" * 10_000, "[4]", " 4"],
        "heads": ["[]", "[[]]", '[["syntax", 3]]', "{}", "1"],
        "training": ["[]", '"x"', '{"experiment": 1}', '{"experiment": []}', '{"experiment": {"backward": 1}}',
                     '{"experiment": {"backward": "no"}}'],
        "evaluation": ["[]", "1"],
        "depth": [[neuron] * 17, [[]], ["unit"], [1], [None], [{}], [neuron | {"more": 1}], [{"layer": 1, "unit": 0}],
                  *([neuron | {"unit": unit}] for unit in (-1, 16, 0.0, "0", None, True, 10**30)),
                  *([neuron | {"layer": layer}] for layer in (-1, 2, 1.0, "1", [], False)),
                  *([neuron | {"r": r}] for r in (float("nan"), float("inf"), "1", None, [1], True, 10**400))],
        "ranking": [[], {}, {"weights": weights}, {"bias": 1}, ranking | {"more": 1},
                    *(ranking | {"bias": bias} for bias in (float("nan"), "1", None, [], True, 10**400)),
                    *(ranking | {"weights": w} for w in (
                        [], {}, None, "x" * COLUMNS, 1.0, weights[1:], [*weights, 0.0], [[0.0]] * COLUMNS,
                        *([*weights[1:], bad] for bad in (float("nan"), float("inf"), "0", None, True, [], 1e300))))],
    }  # fmt: skip
    for key in values:
        texts = [value if isinstance(value, str) else json.dumps(value) for value in values[key]]
        if key not in ("format", "name", "version", "delay"):
            texts += [
                "",
                "not JSON",
                "{",
                "null",
                "true",
                "NaN",
                '"text"',
                "[" * 100_000,
                '{"a":' * 100_000,
                "9" * 9999,
            ]
        for value in (None, *texts):
            file = sound.copy()
            file.meta[key] = value
            if value is None:
                del file.meta[key]
                if key == "ranking":  # it may be missing
                    continue
            yield f"{key} is {str(value)[:60]}", key, file
        for value in (1, None, {}, ["4"]):  # of a type that the format itself does not know
            file = sound.copy()
            file.meta[key] = value
            yield f"{key} is {value!r} in the header", "w.safetensors", file
    for value in (None, "x", [], 3):
        file = sound.copy()
        file.wrong = {"__metadata__": value}
        yield f"metadata {value!r}", "w.safetensors", file
    file = sound.copy()  # with neurons of a layer that is not there
    file.tensors = {name: tensor for name, tensor in sound.tensors.items() if not name.startswith("depth.")}
    yield "no depth layer", "depth: ", file


def of_headers(sound: File) -> Iterator[tuple[str, str, File]]:
    """With a tensor that lies where it cannot."""
    name = "network.output.bias"
    for entry in (
        None, [], "x", 1, {}, {"dtype": "F16"},
        {"dtype": "F16", "shape": [256], "data_offsets": [0, 10**18]},
        {"dtype": "F16", "shape": [256], "data_offsets": [-1, 512]},
        {"dtype": "F16", "shape": [256], "data_offsets": [512, 0]},
        {"dtype": "F16", "shape": [-256], "data_offsets": [0, 512]},
        {"dtype": "F16", "shape": [2**40, 2**40], "data_offsets": [0, 512]},
        {"dtype": "str", "shape": [256], "data_offsets": [0, 512]},
        {"dtype": 16, "shape": [256], "data_offsets": [0, 512]},
    ):  # fmt: skip
        file = sound.copy()
        file.wrong = {name: entry}
        yield f"header with {entry!r}", "not a safetensors file", file


def refused(path: Path, said: str) -> None:
    """Asserts that a file is refused by an error that names it, and says that."""
    with pytest.raises(ValueError) as caught:
        load_checkpoint(path, ranked=COLUMNS)
    message = str(caught.value)
    assert str(path) in message and said in message and len(message) < 1000, message


def each(sound: File, folder: Path, share: int) -> int:
    """Loads one of `share` of the malformed files. Returns their number."""
    count = 0
    for number, (what, said, file) in enumerate([*of_tensors(sound), *of_metadata(sound), *of_headers(sound)]):
        if number % share == 0:
            path = file.write(folder / "w.safetensors")
            try:
                refused(path, said)
            except BaseException as error:
                raise AssertionError(f"{what}: {type(error).__name__}: {error}") from error
            count += 1
    return count


def test_malformed_checkpoints_are_refused(sound: File, tmp_path: Path) -> None:
    assert each(sound, tmp_path, 5) >= 100


@pytest.mark.slow
def test_all_malformed_checkpoints_are_refused(sound: File, tmp_path: Path) -> None:
    assert each(sound, tmp_path, 1) >= 600


def test_files_that_end_early_or_are_none(sound: File, tmp_path: Path) -> None:
    path = sound.write(tmp_path / "w.safetensors")
    whole = path.read_bytes()
    (size,) = struct.unpack("<Q", whole[:8])
    for length in (0, 1, 7, 8, 9, 8 + size // 2, 7 + size, 8 + size, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        refused(path, "not a safetensors file")
    for start in (b"\xff" * 8, struct.pack("<Q", 10**12), struct.pack("<Q", len(whole)), struct.pack("<Q", 0)):
        path.write_bytes(start + whole[8:])  # a header that is huge, or empty
        refused(path, "not a safetensors file")
    path.write_bytes(whole + b"more")
    refused(path, "not a safetensors file")


def test_what_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileNotFoundError, match="no weights at"):
        load_checkpoint(tmp_path / "none.safetensors")
    with pytest.raises(IsADirectoryError, match="is a folder, not a file of weights"):
        load_checkpoint(tmp_path)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)  # to open it would wait for a writer
    with pytest.raises(OSError, match="pipe is not a regular file"):
        load_checkpoint(pipe)
    locked = tmp_path / "locked.safetensors"
    locked.write_bytes(b"")

    def forbidden(*given: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", forbidden)  # root may read every file
    with pytest.raises(PermissionError, match=r"locked\.safetensors: Permission denied"):
        load_checkpoint(locked)


@pytest.mark.parametrize("written", [b"", b"not weights", b"ahead", b"ranking"])
def test_the_backward_network_is_checked_with_the_other(tmp_path: Path, written: bytes) -> None:
    two_readers(tmp_path)
    ahead, behind = tmp_path / "w.safetensors", tmp_path / "w-backward.safetensors"
    assert load_reader(ahead).checkpoint.backward_file == behind
    if written == b"ahead":
        shutil.copy(ahead, behind)
    elif written == b"ranking":
        file = File.read(behind)
        file.meta["ranking"] = json.dumps({"weights": [1.0], "bias": 0.0})
        file.write(behind)
    else:
        behind.write_bytes(written)
    with pytest.raises(ValueError, match="w-backward.safetensors"):
        load_reader(ahead)


@pytest.mark.parametrize("command", ["serve --port 0", "extract -", "entropy -", "warc a.warc.gz --out out"])
def test_a_folder_is_no_weights(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.warc.gz").write_bytes(b"")
    done = CliRunner().invoke(soupstate, [*command.split(), "--weights", str(tmp_path)], input=b"<p>x")
    assert (done.exit_code, done.stderr) == (1, f"Error: {tmp_path} is a folder, not a file of weights\n")
