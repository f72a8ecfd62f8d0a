"""Reads bodies in JSON. What is wrong with one is said in words of the service's own."""

import json
from typing import Any, NoReturn

from soupstate.app.http.problems import Problem

# What is wrong, by the beginnings of the messages of Python's parser.
WORDS = (
    ("Expecting property name", "a name in double quotes is missing"),
    ("Illegal trailing comma", "a comma stands before the end of an object or a list"),
    ("Expecting value", "a value is missing"),
    ("Expecting ',' delimiter", "a comma, or the end of an object or a list, is missing"),
    ("Expecting ':' delimiter", "a colon is missing"),
    ("Unterminated string", "a string that begins here has no end"),
    ("Invalid control character", r"a string holds a control character, such as a line break; write it as \n"),
    ("Invalid \\escape", r"a backslash begins no escape; write \\ for a backslash"),
    ("Invalid \\uXXXX", r"\u needs four hexadecimal digits"),
    ("Extra data", "text follows the end of the value"),
)


def json_body(body: bytes) -> dict[str, Any]:
    """Returns the object that a body holds. Raises Problem where it is not UTF-8, not JSON, or no object."""
    value = json_value(body)
    if not isinstance(value, dict):
        raise Problem(422, 'the JSON must be an object, such as {"html": "<p>Tea"}', "body")
    return value


def json_value(body: bytes) -> Any:
    """Returns the value that a body holds. Raises Problem where it is not UTF-8 or not JSON."""
    if not body.strip():
        raise Problem(400, "the body is empty; send a JSON object", "body")
    try:
        return json.loads(body.decode("utf-8-sig"), object_pairs_hook=_once, parse_constant=_no_number)
    except UnicodeDecodeError:
        raise Problem(400, "the JSON is not UTF-8", "body") from None
    except json.JSONDecodeError as error:
        words = next((words for start, words in WORDS if error.msg.startswith(start)), "it breaks the rules of JSON")
        line = f"line {error.lineno}, " if b"\n" in body else ""
        detail = f"invalid JSON at {line}column {error.colno}: {words}"
        raise Problem(400, detail, "body") from None
    except RecursionError:
        raise Problem(400, "invalid JSON: objects and lists are nested too deeply", "body") from None
    except ValueError:  # Python converts no integer of more than 4300 digits
        raise Problem(400, "invalid JSON: a number has too many digits", "body") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Returns a JSON object.

    Refuses one with a name twice, of which parsers take either, or with a name that is no Unicode text (RFC 8259,
    sections 4 and 8.2).
    """
    made: dict[str, Any] = {}
    for name, value in pairs:
        if not name.isascii() and any("\ud800" <= character <= "\udfff" for character in name):
            raise Problem(422, "the name has half of a surrogate pair", name)
        if name in made:
            raise Problem(422, "given twice", name)
        made[name] = value
    return made


def _no_number(name: str) -> NoReturn:
    """Refuses NaN and Infinity, which are no JSON (RFC 8259, section 6)."""
    raise Problem(400, f"invalid JSON: {name} is no number", "body")
