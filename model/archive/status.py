"""What becomes of a record of an archive. It lists every status of a row, a line or a count."""

from enum import StrEnum

from soupstate.model.page.decode import EmptyPage, NotText, Undecodable


class Status(StrEnum):
    """Why a record has no text, or OK. Each comment is the rule; the code that applies it is named in brackets."""

    OK = "ok"

    # Records that are no page [records._read_block]
    # Another type, or none and no beginning of HTML; a record that is neither a response nor a resource.
    NOT_HTML = "not HTML"

    # Bodies that cannot be had
    BROKEN_HTTP_HEADER = "broken HTTP header"  # no HTTP header can be read from it [records._read_block]
    BROKEN_BODY = "broken body"  # its gzip, deflate or brotli stream is broken [payload]
    CONTENT_ENCODING = "content encoding"  # an encoding that is not known, or too many of them [payload]
    TOO_LARGE = "too large"  # larger than the limit once it is unpacked [records._read_block]
    TRUNCATED_RECORD = "truncated record"  # the file ends inside the record [records._record]

    # Bodies that are no text [decode]
    EMPTY = "empty"  # nothing but white space
    BINARY = "binary"  # magic numbers, NUL bytes or too many control bytes
    UNDECODABLE = "undecodable"  # no charset makes text of it

    # Pages that were not read [soupstate.app.pages, soupstate.app.batch.task]
    TIMED_OUT = "timed out"  # it took longer than the time allowed
    FAILED = "failed"  # an error in the reader; the error's type follows in parentheses
    ENDED_ITS_READER = "ended its reader"  # worker processes died at it, twice

    # Stretches of a file that no record can be made of: they are counted, and have no row
    BROKEN_RECORD = "broken record"  # no header of a record can be read there [records._read_members]
    NO_GZIP = "no gzip"  # bytes between gzip members [gzip_members]
    BROKEN_GZIP = "broken gzip"
    TRUNCATED_GZIP = "truncated gzip"
    BROKEN_XZ = "broken xz"
    REST_LEFT = "rest of a file whose reader ended"  # read no further, for the record itself ends its reader


# The status of a page that cannot be decoded, by the error of `decode`.
DECODING: dict[type[Exception], Status] = {
    EmptyPage: Status.EMPTY,
    NotText: Status.BINARY,
    Undecodable: Status.UNDECODABLE,
}
# Encodings that are counted by their name, as `content encoding br`.
NAMED_ENCODINGS = frozenset({"br", "zstd", "compress", "x-compress"})
# Statuses that say that some of a file was lost.
LOSSES = (
    Status.BROKEN_RECORD,
    Status.TRUNCATED_RECORD,
    Status.BROKEN_GZIP,
    Status.TRUNCATED_GZIP,
    Status.NO_GZIP,
    Status.BROKEN_XZ,
)


def unknown_encoding(name: str) -> str:
    """Returns the status of a body in a content encoding that cannot be undone."""
    return f"{Status.CONTENT_ENCODING} {name}" if name in NAMED_ENCODINGS else Status.CONTENT_ENCODING.value


def failed(error: Exception) -> str:
    """Returns the status of a page whose reading raised this error, as `failed (ValueError)`."""
    return f"{Status.FAILED} ({type(error).__name__})"
