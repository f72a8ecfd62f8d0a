"""Files of field heads: one safetensors file each, without pickle, bound to the states of one network."""

import json
import re
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from soupstate.model.net.field_head import FieldHead, HeadTensors
from soupstate.model.net.metadata import decoded, shown, text, whole
from soupstate.model.page.units import MOST_TOKENS

FORMAT = "soupstate-head-1"
LARGEST_FILE = 1_000_000  # bytes
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
DIGEST = re.compile(r"[0-9a-f]{64}")
MOST_PLACES, LONGEST_PLACE = 200, 120
TENSORS = tuple(part.name for part in fields(HeadTensors))
HALF = frozenset(("unit", "begin", "end", "before", "after"))  # kept in half precision


def checked_name(name: str) -> str:
    """Returns the name of a field. Raises ValueError for one that no JSON key or column should have."""
    if not NAME.fullmatch(name):
        raise ValueError(f"{shown(name)} is no name for a field: 1 to 40 of a-z, 0-9 and _, the first a letter")
    return name


def save_head(head: FieldHead, path: Path) -> None:
    """Writes a head under a temporary name and renames it. Raises OSError."""
    tensors: dict[str, NDArray[np.generic]] = {
        name: getattr(head.tensors, name).astype(np.float16 if name in HALF else np.float32) for name in TENSORS
    }
    meta = {
        "format": FORMAT,
        "name": head.name,
        "states": head.states,
        "places": json.dumps(sorted(head.places)),
        "longest": str(head.longest),
        "many": json.dumps({"many": head.many}),
        "figures": json.dumps(head.figures),
    }
    part = path.with_suffix(".part")
    save_file({name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}, part, meta)
    part.chmod(0o644)
    part.rename(path)


def load_head(path: Path) -> FieldHead:
    """Loads a head. Raises OSError, such as FileNotFoundError, and ValueError that names the file and what is wrong."""
    if not path.exists():
        raise FileNotFoundError(f"no head at {path}")
    if not path.is_file():
        raise OSError(f"{path} is not a regular file")
    if path.stat().st_size > LARGEST_FILE:
        raise ValueError(f"{path}: larger than {LARGEST_FILE} bytes, so it is no file of a head")
    try:
        with safe_open(path, "np") as file:
            meta = file.metadata() or {}
            if meta.get("format") != FORMAT:
                raise ValueError(f"format {shown(meta.get('format'))}, a head has {FORMAT!r}")
            names = set(file.keys())
            if names != set(TENSORS):
                wrong = sorted(names ^ set(TENSORS))[0]
                raise ValueError(f"{wrong}: {'not known' if wrong in names else 'missing'}")
            tensors = {name: file.get_tensor(name).astype(np.float32) for name in TENSORS}
        return _made(meta, tensors)
    except SafetensorError as error:
        raise ValueError(f"{path} is not a safetensors file: {error}") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _made(meta: Mapping[str, str], tensors: dict[str, NDArray[np.float32]]) -> FieldHead:
    states = text(meta, "states")
    if not DIGEST.fullmatch(states):
        raise ValueError(f"states: {shown(states)}, expected 64 hexadecimal digits")
    places = decoded(meta, "places", list)
    if len(places) > MOST_PLACES or not all(isinstance(place, str) and len(place) <= LONGEST_PLACE for place in places):
        raise ValueError(f"places: {shown(places)}, expected at most {MOST_PLACES} names")
    many = decoded(meta, "many", dict).get("many")
    if not isinstance(many, bool):
        raise ValueError(f"many: {shown(many)}, expected true or false")
    if not all(tensor.ndim == 1 for tensor in tensors.values()):
        raise ValueError("a tensor is no list of numbers")
    return FieldHead(
        name=checked_name(text(meta, "name")),
        states=states,
        places=frozenset(places),
        longest=max(1, whole(meta, "longest", MOST_TOKENS * 2)),
        many=many,
        tensors=HeadTensors(**tensors),
        figures=decoded(meta, "figures", dict),
    )
