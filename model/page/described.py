"""Fields of dataclasses with a line of help. The service shows it as the description in its schema."""

from dataclasses import MISSING, field
from typing import Any


def described(text: str, default: Any = MISSING) -> Any:
    """Returns a dataclass field whose help is `text`."""
    return field(default=default, metadata={"description": text})
