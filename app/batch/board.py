"""The board: four numbers in shared memory by which a worker shows its supervisor where it is.

RECORD: number of the record at work. BYTES: bytes read of the file. PAGES: pages done. BEAT: changes while it works.
"""

import mmap

RECORD, BYTES, PAGES, BEAT = range(4)
BOARD_BYTES = 4 * 8


def open_board(file: int) -> memoryview:
    """Maps the board of a file descriptor: (4,) int64."""
    return memoryview(mmap.mmap(file, BOARD_BYTES)).cast("q")
