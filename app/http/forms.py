"""Reads the body of a form, multipart/form-data (RFC 7578)."""

import logging
from dataclasses import dataclass, field
from typing import Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from soupstate.app.http.problems import Problem

# What the parser says of a malformed form is in the answer, and not in the log, which has one JSON object per line.
logging.getLogger("python_multipart").addHandler(logging.NullHandler())
MOST_FIELDS = 32
LONGEST_HEADER = 4096  # bytes of the headers of a field


@dataclass(slots=True)
class FormField:
    """A field of a form. content_type: its header, "" where it has none."""

    content_type: str = ""
    data: bytes = b""
    disposition: bytes = b""


@dataclass
class _Reading:
    """What the parser has found so far. It is called with parts of the body and where they begin and end."""

    fields: list[FormField] = field(default_factory=list)
    name: bytes = b""
    value: bytes = b""
    parts: list[bytes] = field(default_factory=list)

    def begin(self) -> None:
        if len(self.fields) == MOST_FIELDS:
            raise Problem(422, f"a form has at most {MOST_FIELDS} fields", "body")
        self.fields.append(FormField())
        self.parts = []

    def header_name(self, data: bytes, start: int, end: int) -> None:
        self.name = self._longer(self.name, data[start:end])

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self.value = self._longer(self.value, data[start:end])

    def header_end(self) -> None:
        name = self.name.lower()
        if name == b"content-disposition":
            self.fields[-1].disposition = self.value
        elif name == b"content-type":
            self.fields[-1].content_type = self.value.decode("latin-1")
        self.name = self.value = b""

    def part(self, data: bytes, start: int, end: int) -> None:
        self.parts.append(data[start:end])

    def end(self) -> None:
        self.fields[-1].data = b"".join(self.parts)
        self.parts = []

    def _longer(self, text: bytes, more: bytes) -> bytes:
        if len(text) + len(more) > LONGEST_HEADER:
            raise Problem(422, "a header of a field is too long", "body")
        return text + more


def read_form(content_type: str, body: bytes) -> list[tuple[str, FormField]]:
    """Returns the fields of a form with their names, in its order. Raises Problem."""
    _, options = parse_options_header(content_type)
    boundary = options.get(b"boundary", b"")
    if not boundary:
        raise Problem(422, "a form needs a boundary", "Content-Type")
    reading = _Reading()
    callbacks: Any = {
        "on_part_begin": reading.begin,
        "on_part_data": reading.part,
        "on_part_end": reading.end,
        "on_header_field": reading.header_name,
        "on_header_value": reading.header_value,
        "on_header_end": reading.header_end,
    }
    ended: list[bool] = []
    callbacks["on_end"] = lambda: ended.append(True)
    try:
        parser = MultipartParser(boundary, callbacks)
        parser.write(body)
        parser.finalize()
    except FormParserError as error:
        raise Problem(400, f"the form is malformed: {error}", "body") from None
    if not ended:
        raise Problem(400, "the form has no end", "body")
    named = []
    for found in reading.fields:
        _, options = parse_options_header(found.disposition)
        named.append((options.get(b"name", b"").decode("utf-8", "replace"), found))
    return named
