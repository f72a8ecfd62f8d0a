"""Parts of a checkpoint that are fitted after its network, as tensors: the block head, and what corrections taught."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

import numpy as np

from soupstate.model.net.block_head import SHAPES, BlockHead
from soupstate.model.net.corrected_faults import LONGEST_FIX, MOST_FIXES, CorrectedFaults, RightFix
from soupstate.model.net.corrected_head import CorrectedHead
from soupstate.model.net.corrected_marks import CorrectedMarks
from soupstate.model.net.fold import Parameters
from soupstate.model.net.layout import BLOCKS, CORRECTED, FAULTS, MARKS, TEMPLATES
from soupstate.model.net.metadata import decoded, exactly, shown
from soupstate.model.net.templates import Templates

FIXES = "right_fixes"  # the key of the fixes in the metadata
SURROGATE = re.compile("[\ud800-\udfff]")  # half a character, which no page has


def block_tensors(head: BlockHead | CorrectedHead | None) -> Parameters:
    """Returns the tensors of a block head, and of what corrections have taught it."""
    if head is None:
        return {}
    if isinstance(head, BlockHead):
        return {BLOCKS + name: getattr(head, name).astype(np.float16) for name in SHAPES}
    second = {CORRECTED + name: getattr(head.second, name).astype(np.float16) for name in SHAPES}
    return block_tensors(head.first) | second | _templates_tensors(TEMPLATES, head.templates)


def mark_tensors(marks: CorrectedMarks | None) -> Parameters:
    """Returns the tensors of what corrections have taught the marks."""
    if marks is None:
        return {}
    outputs: Parameters = {MARKS + "weight": marks.weight.astype(np.float16), MARKS + "bias": marks.bias}
    return outputs | _templates_tensors(MARKS, marks.templates)


def _templates_tensors(prefix: str, templates: Templates) -> Parameters:
    return {prefix + part.name: getattr(templates, part.name) for part in fields(Templates)}


def fault_tensors(faults: CorrectedFaults | None) -> Parameters:
    """Returns the tensors of what corrections have taught the finding of faults."""
    if faults is None:
        return {}
    own: Parameters = {FAULTS + "weight": faults.weight.astype(np.float16), FAULTS + "groups": faults.groups}
    return own | _templates_tensors(FAULTS, faults.templates)


def fault_meta(faults: CorrectedFaults | None) -> dict[str, str]:
    """Returns the metadata of the same."""
    return {} if faults is None else {FIXES: json.dumps([asdict(fix) for fix in faults.fixes])}


def blocks_in(tensors: Parameters) -> BlockHead | CorrectedHead | None:
    """Returns the block head, with what corrections have taught it; None where none has been fitted."""
    first = _block_head(tensors, BLOCKS)
    second = _block_head(tensors, CORRECTED)
    if first is None or second is None:
        return first
    return CorrectedHead(first, second, _templates(tensors, TEMPLATES))


def marks_in(tensors: Parameters) -> CorrectedMarks | None:
    """Returns what corrections have taught the marks; None where they have not."""
    if MARKS + "weight" not in tensors:
        return None
    weight, bias = (tensors[MARKS + name].astype(np.float32) for name in ("weight", "bias"))
    return CorrectedMarks(weight, bias, _templates(tensors, MARKS))


def _templates(tensors: Parameters, prefix: str) -> Templates:
    return Templates(**{part.name: tensors[prefix + part.name] for part in fields(Templates)})


def _block_head(tensors: Parameters, prefix: str) -> BlockHead | None:
    found = {name: tensors[prefix + name].astype(np.float32) for name in SHAPES if prefix + name in tensors}
    return BlockHead(**found) if found else None


def faults_in(meta: Mapping[str, str], tensors: Parameters) -> CorrectedFaults | None:
    """Returns what corrections have taught the finding of faults; None where they have not. Raises ValueError."""
    if FAULTS + "weight" not in tensors:
        if FIXES in meta:
            raise ValueError(f"missing tensor {FAULTS}weight, which goes with the metadata {FIXES}")
        return None
    found = decoded(meta, FIXES, list)
    if len(found) > MOST_FIXES:
        raise ValueError(f"{FIXES}: {len(found)} fixes, expected at most {MOST_FIXES}")
    fixes = tuple(_fix(f"{FIXES}[{i}]", value) for i, value in enumerate(found))
    weight, groups = tensors[FAULTS + "weight"].astype(np.float32), tensors[FAULTS + "groups"]
    return CorrectedFaults(weight, fixes, _templates(tensors, FAULTS), groups)


def _fix(key: str, value: Any) -> RightFix:
    names = tuple(part.name for part in fields(RightFix))
    found = exactly(key, value, names)
    for name, most in zip(names, (LONGEST_FIX, LONGEST_FIX, 1, 1), strict=True):
        if not isinstance(found[name], str) or len(found[name]) > most or SURROGATE.search(found[name]):
            raise ValueError(f"{key}.{name}: {shown(found[name])}, expected a text of at most {most} characters")
    if found["removed"] == found["replacement"]:
        raise ValueError(f"{key}: a fix that changes nothing")
    return RightFix(**found)
