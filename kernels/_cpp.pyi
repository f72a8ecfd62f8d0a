from collections.abc import Mapping

from numpy import generic, uint16
from numpy.typing import NDArray

from kernels.weights import Bytes, Floats

COPY_STATE_BYTES: int

class Lstm:
    def read(self, calls: list[tuple[NDArray[generic], ...]]) -> None: ...
    def read_states(self, calls: list[tuple[NDArray[generic], ...]]) -> None: ...
    def bits_only(
        self,
        ids: Bytes,
        predicted: Bytes,
        length: Bytes,
        slot: NDArray[uint16],
        first_predicted: Bytes,
        first_length: Bytes,
        first_slot: NDArray[uint16],
        h: Floats,
        c: Floats,
    ) -> float: ...

def backends() -> list[str]: ...
def peaks(backend: str, bytes: int) -> list[float]: ...
def pack(backend: str, arrays: Mapping[str, NDArray[generic]], /) -> Lstm: ...
def peek_copies(ids: Bytes, state: Bytes, predicted: Bytes, length: Bytes, slot: NDArray[uint16]) -> None: ...
def copies(ids: Bytes, state: Bytes, predicted: Bytes, length: Bytes, slot: NDArray[uint16]) -> None: ...
def path_back(pointers: Bytes, last: int, path: Bytes) -> None: ...
def path_forward(evidence: Floats, kinds: Bytes, changes: Floats, scores: Floats, pointers: Bytes) -> None: ...
def forget_mult(f: Floats, z: Floats, o: Floats, start: Floats, c: Floats, h: Floats) -> None: ...
def forget_mult_gradients(
    f: Floats,
    z: Floats,
    o: Floats,
    start: Floats,
    c: Floats,
    by_h: Floats,
    by_end: Floats,
    by_f: Floats,
    by_z: Floats,
    by_o: Floats,
    by_start: Floats,
) -> None: ...
def lstm_forward(
    backend: str,
    weight: Floats,
    x: Floats,
    first_h: Floats,
    first_c: Floats,
    h: Floats,
    rows: Floats,
    gates: Floats,
    cells: Floats,
) -> None: ...
def lstm_backward(
    backend: str,
    weight: Floats,
    gates: Floats,
    cells: Floats,
    by_h: Floats,
    by_end: Floats,
    by_z: Floats,
    by_x: Floats,
    by_first_h: Floats,
    by_first_c: Floats,
) -> None: ...
