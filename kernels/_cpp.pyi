from numpy import int64
from numpy.typing import NDArray

from kernels.weights import Bytes, Floats

COPY_STATE_BYTES: int

class Lstm:
    def read(
        self,
        ids: Bytes,
        predicted: Bytes,
        length: Bytes,
        first_predicted: Bytes,
        first_length: Bytes,
        h: Floats,
        c: Floats,
        units: NDArray[int64],
        bits: Floats,
        entropy: Floats,
        heads: Floats,
        traces: Floats,
    ) -> None: ...
    def bits_only(
        self,
        ids: Bytes,
        predicted: Bytes,
        length: Bytes,
        first_predicted: Bytes,
        first_length: Bytes,
        h: Floats,
        c: Floats,
    ) -> float: ...

def backends() -> list[str]: ...
def pack(
    backend: str,
    byte: Floats,
    predicted: Floats,
    length: Floats,
    recurrent: Floats,
    output: Floats,
    output_bias: Floats,
    copy_gain: Floats,
    copy_bias: Floats,
    heads: Floats,
    heads_bias: Floats,
) -> Lstm: ...
def peek_copies(ids: Bytes, state: Bytes, predicted: Bytes, length: Bytes) -> None: ...
def copies(ids: Bytes, state: Bytes, predicted: Bytes, length: Bytes) -> None: ...
def path_forward(
    evidence: Floats, kinds: Bytes, changes: Floats, scores: Floats, pointers: Bytes
) -> None: ...
