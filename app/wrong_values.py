"""What is wrong with a value that somebody sent, in words: for the service, the command line and agents."""

from collections.abc import Callable
from typing import Any

from pydantic import ValidationError

# What must be, by pydantic's types of error. Each takes the bounds and values that the error names.
MUST: dict[str, Callable[[dict[str, Any]], str]] = {
    "int_type": lambda _: "must be a whole number",
    "int_from_float": lambda _: "must be a whole number",
    "int_parsing": lambda _: "must be a whole number",
    "float_type": lambda _: "must be a number",
    "float_parsing": lambda _: "must be a number",
    "finite_number": lambda _: "must be a finite number",
    "bool_type": lambda _: "must be true or false",
    "string_type": lambda _: "must be a string",
    "list_type": lambda _: "must be a list",
    "missing": lambda _: "is missing",
    "greater_than_equal": lambda bound: f"must be {bound['ge']} or more",
    "less_than_equal": lambda bound: f"must be {bound['le']} or less",
    "string_too_long": lambda bound: f"must have at most {bound['max_length']} characters",
    "literal_error": lambda allowed: f"must be {allowed['expected']}",
    "value_error": lambda raised: str(raised["error"]),  # of a validator of our own, which says all
}
UNKNOWN = "extra_forbidden"


def wrong_value(error: ValidationError) -> tuple[str, str]:
    """Returns the name of the first wrong field, and what is wrong with its value. The words are ours, not pydantic's.

    The name is "" where the value as a whole is wrong. An error of a type that is not in MUST keeps pydantic's words.
    """
    first = error.errors(include_url=False, include_input=False)[0]
    place = [part for part in first["loc"] if isinstance(part, str)]
    name = place[0] if place else ""
    if first["type"] == UNKNOWN:
        return name, "unknown"
    words = MUST[first["type"]](first.get("ctx", {})) if first["type"] in MUST else first["msg"]
    if first["type"] == "value_error" or not name:
        return name, words
    each = "each value of " if len(first["loc"]) > 1 else ""
    return name, f"{each}{name} {words}"
