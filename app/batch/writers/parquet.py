"""Writes rows as Parquet."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from soupstate.app.rows import COLUMNS, FIELD_FIELDS, LINK_FIELDS, Row, as_dict, size

ROW_GROUP = 4_000_000  # about how many characters a row group has; they stay in memory until it is written
# A dictionary or the least and the greatest value of these columns would be another copy of long texts in memory.
LONG = ("text", "markdown", "main_text", "main_markdown")
LINKS = pa.list_(pa.struct([(name, pa.string()) for name in LINK_FIELDS]))
ARROW_TYPES = {
    "string": pa.string(),
    "int64": pa.int64(),
    "int32": pa.int32(),
    "int16": pa.int16(),
    "float32": pa.float32(),
    "links": LINKS,
}
ARROW_TYPES["fields"] = pa.list_(pa.struct([(name, ARROW_TYPES[kind]) for name, kind in FIELD_FIELDS.items()]))
SCHEMA = pa.schema(
    [pa.field(c.name, ARROW_TYPES[c.metadata["kind"]], metadata={"description": c.metadata["help"]}) for c in COLUMNS]
)
SHORT = [c.name for c in COLUMNS if c.name not in LONG]


class ParquetRows:
    """Writes rows of every status, compressed with zstd. A row group has about ROW_GROUP characters."""

    def __init__(self, path: Path) -> None:
        self._file = open(path, "wb")  # noqa: SIM115 (closed by close); pyarrow opens no name that is not UTF-8
        self._writer = pq.ParquetWriter(
            self._file, SCHEMA, compression="zstd", use_dictionary=SHORT, write_statistics=SHORT
        )
        self._rows: list[Row] = []
        self._size = 0

    def add(self, row: Row) -> None:
        self._rows.append(row)
        self._size += size(row)
        if self._size >= ROW_GROUP:
            self._flush()

    def _flush(self) -> None:
        if self._rows:
            group = pa.RecordBatch.from_pylist([as_dict(row) for row in self._rows], SCHEMA)
            self._rows, self._size = [], 0  # freed before the writer makes its own copies
            self._writer.write_batch(group)

    def close(self) -> None:
        self._flush()
        self._writer.close()
        self._file.close()
