"""Measures what each part of the fault search is worth, by the figures without it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from soupstate.kernels import Chunk, Piece, Predictions, State
from soupstate.kernels.backends import Packed, Units
from soupstate.kernels.weights import Floats
from soupstate.model.net.reader import Reader
from soupstate.model.train.evaluation.evaluate import Figures, Progress, evaluate_faults


class WithoutCopies(Packed):
    """Weights that read with an empty copy input, as if nothing on a page were ever repeated."""

    def read_many(self, pieces: Sequence[Piece], units: Units | None = None, every: int = 0) -> list[Chunk]:
        return super().read_many([_without(piece) for piece in pieces], units, every)

    def read_states(self, pieces: Sequence[Piece]) -> list[State]:
        return super().read_states([_without(piece) for piece in pieces])

    def read_bits(self, pieces: Sequence[Piece]) -> list[tuple[Floats, State]]:
        return super().read_bits([_without(piece) for piece in pieces])


def _without(piece: Piece) -> Piece:
    return replace(piece, found=Predictions.none(len(piece.found)))


def variants(reader: Reader) -> Iterator[tuple[str, Reader]]:
    """Yields names and readers. The networks were trained with the copy input and never learned to do without it."""
    alone = Reader(replace(reader.checkpoint, backward_file=None), reader.packed.backend)
    if reader.backward:
        yield "both networks, ranked", reader
        yield "both networks, by bits saved alone", _changed(reader, _unranked)
    yield "forward network alone, ranked", alone
    yield "forward network alone, by bits saved alone", _changed(alone, _unranked)
    yield "as the first, without the copy input", _changed(reader, _uncopied)


def ablate_faults(reader: Reader, path: Path, limit: int, progress: Progress = iter) -> dict[str, Figures]:
    """Returns the figures of `evaluate_faults` for each variant."""
    return {name: evaluate_faults(variant, path, limit, progress) for name, variant in variants(reader)}


def _changed(reader: Reader, change: Callable[[Reader], Reader]) -> Reader:
    """Applies a change to both networks of a reader."""
    changed = change(reader)
    changed.backward = change(reader.backward) if reader.backward else None
    return changed


def _unranked(reader: Reader) -> Reader:
    return Reader(replace(reader.checkpoint, ranking=None), reader.packed.backend)


def _uncopied(reader: Reader) -> Reader:
    changed = Reader(reader.checkpoint, reader.packed.backend)
    changed.packed = WithoutCopies(reader.packed.weights, reader.packed.backend)
    return changed
