"""Fields of dataclasses with a line of help. The service shows it as the description in its schema."""

from dataclasses import field
from typing import Any


def described(text: str) -> Any:
    """Returns a dataclass field without a default, whose help is `text`."""
    return field(metadata={"description": text})
