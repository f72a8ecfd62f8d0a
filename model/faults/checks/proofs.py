"""Faults that a rule of the standard proves, whatever the networks say of them.

A proof gives a report its least probability. What a page does again and again is a habit of its author, not a slip: so
a rule counts as a proof only where the page breaks it at most HABIT times, and ALIKE times in the same way.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, pairwise

import numpy as np
from numpy.typing import NDArray

from soupstate.model.faults.checks.attributes import attributes
from soupstate.model.faults.checks.brackets import stray_brackets
from soupstate.model.faults.checks.comments import comment_starts
from soupstate.model.faults.checks.mismatches import RAW, Mismatches, Tag
from soupstate.model.faults.checks.pairing import Pairing
from soupstate.model.faults.checks.references import wrong_references
from soupstate.model.faults.checks.unended import unended
from soupstate.model.faults.edits import (
    ABOUT_TAGS,
    FAR,
    MISSING,
    NAME_OF_TAG,
    Repair,
    misordered,
    names_of,
    unexpected_end,
)
from soupstate.model.page.elements import OPTIONAL_END, PARENTS, STANDARD

HABIT, ALIKE = 2, 1  # slips of one kind on a page, and of them with the same text, at most
REPEATED = 8  # with more slips of one kind, not even the first is told: the author lives with them
COUNTED = 60  # slips of one kind that are looked at
# Least probabilities, by kind of proof. On 400 training pages as they are, of at most 40,000 characters: 37 pages
# have tags with one slip in their attributes, and 53 have exactly one tag without a partner. Nearly all are true. STRAY
# is below .5 because there are so many stray end tags. No page of 400 has an UNENDED. See docs/decisions/faults.md.
ATTRIBUTE, REFERENCE, COMMENT, BRACKET, WORD, JSON, UNENDED = 0.9, 0.9, 0.9, 0.9, 0.5, 0.9, 0.9
SWAPPED, UNCLOSED, STRAY, EARLY_END, MISNAMED = 0.6, 0.55, 0.45, 0.6, 0.6
LATER = frozenset({"body", "html", "script", "noscript", "style", "link", "img", "iframe"})  # what stands after </body>


@dataclass(frozen=True, slots=True)
class Proof:
    """Something is wrong at a place, with this probability at least.

    settles: the part of the page that is right after the first repair, so that no other is needed there; None where the
    networks choose between repairs.
    """

    at: int
    repairs: list[Repair]
    probability: float
    settles: tuple[int, int] | None = None


def proofs(mismatches: Mismatches, pairing: Pairing, syntax: NDArray[np.uint8]) -> Iterator[Proof]:
    """Yields what rules prove of a page. Raises Stopped."""
    page, watch = mismatches.page, mismatches.watch
    rules = ((attributes, ATTRIBUTE), (wrong_references, REFERENCE), (comment_starts, COMMENT))
    for rule, probability in rules:
        yield from _slips(
            page, [Proof(a, f, probability, _tag(page, a)) for a, f in islice(rule(page, syntax, watch), COUNTED)]
        )
    found = islice(stray_brackets(page, syntax, watch), COUNTED)
    yield from _slips(
        page,
        [
            Proof(b.at, [b.repair], BRACKET if b.sure else WORD, _text_after(page, b.at) if b.meant else None)
            for b in found
        ],
    )
    for tag in islice(unended(page, syntax, watch), COUNTED):
        at = tag.repair.start
        settled = (tag.start - 1, tag.end + 1) if tag.sure else (at, at + 2)  # a space may follow
        yield Proof(at, [tag.repair], UNENDED if tag.sure else 0.0, settled)
    yield from _of_tags(mismatches, pairing)


def _text_after(page: str, at: int) -> tuple[int, int]:
    """Returns where the text begins and ends in which page[at] is a <: up to the next < or >."""
    ends = [k for k in (page.find(bracket, at + 2, at + FAR) for bracket in "<>") if k > 0]
    return at - 1, min(ends, default=at + 1) + 1


def _tag(page: str, at: int) -> tuple[int, int]:
    """Returns where the tag around page[at] begins and ends; of text, the place alone."""
    start, end = page.rfind("<", max(0, at - FAR), at), page.find(">", at, at + FAR)
    return (start, end) if start > -1 and end > -1 and ">" not in page[start:at] else (at, at + 1)


def _text(page: str, repair: Repair) -> tuple[str, str]:
    """Returns what tells whether two slips are alike: their kind, and the text at or after them."""
    return repair.kind, page[repair.start : max(repair.end, repair.start + 8)]


def _slips(page: str, found: list[Proof]) -> Iterator[Proof]:
    """Yields the proofs. Of a few too many of one kind, the first is likely and no other is; of more, none is."""
    kinds = Counter(proof.repairs[0].kind for proof in found)
    texts = Counter(_text(page, proof.repairs[0]) for proof in found)
    told: set[str] = set()
    for proof in found:
        habit = kinds[proof.repairs[0].kind] > HABIT or texts[_text(page, proof.repairs[0])] > ALIKE
        kind = proof.repairs[0].kind
        first = kind not in told and kinds[kind] <= REPEATED
        least = proof.probability if not habit else WORD if first else 0.0
        told.add(kind)
        yield Proof(proof.at, proof.repairs, least, proof.settles)


def _of_tags(mismatches: Mismatches, pairing: Pairing) -> Iterator[Proof]:
    """Yields what tags without a partner prove. Where there are several, most are consequences of one, or habits."""
    page = mismatches.page
    early = early_end(mismatches)
    if early:
        yield early
    stray = [tag for tag in pairing.stray if tag.name not in RAW and not (early and tag.name in ("body", "html"))]
    apart = [tag for last, tag in pairwise(stray) if page[last.end : tag.start].strip()]
    alone = len(apart) + bool(stray) + len(pairing.unclosed) + len(pairing.swapped) + len(pairing.left) == 1
    for tag in stray[:COUNTED]:
        yield Proof(tag.start, [unexpected_end(tag.start, tag.end, tag.name)], STRAY if alone else 0.0)
    for tag in pairing.swapped[:COUNTED]:
        repair = misordered(page, tag.start)
        if repair:
            yield Proof(tag.start, [repair], SWAPPED if alone else 0.0, (repair.start, repair.end))
    if not alone:
        unclosed = [tag for tag, _ in pairing.unclosed] + pairing.left
        unclosed = sorted((tag for tag in unclosed if tag.name not in RAW), key=lambda tag: tag.start)
        if _alternate(unclosed, stray):
            for start, end in islice(zip(unclosed, stray, strict=True), COUNTED):
                several = list(mismatches.renamings(start, end))
                if several:  # none where another name would remove a word
                    yield Proof(end.start, several, MISNAMED, (end.start, end.end))
        return
    for tag, end in pairing.unclosed:
        if tag.name not in RAW:
            yield Proof(end.start, list(mismatches.unclosed(tag, end.start)), UNCLOSED)
    for tag in pairing.left:
        if tag.name not in RAW:
            yield Proof(tag.end, list(mismatches.unclosed_until_end(tag)), UNCLOSED)


def _alternate(starts: list[Tag], ends: list[Tag]) -> bool:
    """Whether each start tag is followed by one of the end tags, of another name, before the next start tag."""
    if any(start.name == end.name for start, end in zip(starts, ends, strict=False)):
        return False
    places = [tag.start for pair in zip(starts, ends, strict=False) for tag in pair]
    return len(starts) == len(ends) > 0 and places == sorted(places)


def early_end(mismatches: Mismatches) -> Proof | None:
    """Returns the proof that </body> or </html> came too early: elements with text follow."""
    tags = mismatches.tags
    first = next((i for i, t in enumerate(tags) if t.closes and t.name in ("body", "html")), None)
    if first is None:
        return None
    end = first + 1
    while end < len(tags) and tags[end].closes and tags[end].name in ("body", "html"):
        end += 1
    shown = [t for t in tags[end : end + COUNTED] if not t.closes and t.name not in LATER]
    if not shown or any(t.name not in STANDARD for t in shown):
        return None
    start, until = tags[first].start, tags[end - 1].end
    if mismatches.page[tags[first].end : until].count("<") > end - first:
        return None
    message = f"{mismatches.page[start:until]} comes before the page's end"
    return Proof(start, [Repair(start, until, "", "unexpected-end-tag", " ".join(message.split()))], EARLY_END)


def disproved(page: str, repair: Repair, pairing: Pairing, names: frozenset[str]) -> bool:
    """Whether a repair would add or remove a tag of a name whose tags all have their partners, or make an end tag of a
    start tag where that would leave more end tags than start tags.

    names: of the elements that the page has. The start tag of a parent whose end tag may be left out may be missing
    where its children stand alone.
    """
    if repair.kind not in ABOUT_TAGS:
        return False
    concerned = names_of(page, repair)
    if repair.kind == "unexpected-end-tag" and len(pairing.unclosed) == 1 and not pairing.stray:
        return True  # without this end tag, two elements would be open
    if repair.kind == MISSING["/"][0] and all(pairing.surplus[name] < 2 for name in concerned):
        return True
    if repair.kind == "missing-start-tag" and concerned & PARENTS.keys() & OPTIONAL_END:
        return False
    if repair.kind == "missing-end-tag" and concerned & pairing.omitted:
        return False
    return bool(concerned) and all(name in names and pairing.certain(name, repair.start) for name in concerned)


def may_be_left_out(repair: Repair) -> bool:
    """Whether a repair inserts an end tag that the standard allows to leave out (13.1.2.4)."""
    m = NAME_OF_TAG.match(repair.replacement)
    return repair.kind == "missing-end-tag" and m is not None and m[1].lower() in OPTIONAL_END


def is_of_fragment(page: str, repair: Repair) -> bool:
    """Whether a repair is what makes a part of a page whole.

    That is a start tag before all else. At the very end it is no start tag, the end tag of one that begins there, or no
    `</html>` where the start tag is left out, as it may be (13.1.2.4).
    """
    if repair.kind == "missing-start-tag":
        return not page[: repair.start].strip()
    if page[repair.end :].strip():
        return False
    if repair.kind == "missing-end-tag":
        last = NAME_OF_TAG.match(page, page.rfind("<", 0, repair.start))
        return last is not None and repair.replacement.lower() == f"</{last[1].lower()}>"
    if repair.kind == "unexpected-end-tag":
        names = names_of(page, repair)
        return names <= {"html", "body"} and not any(f"<{name}" in page.lower() for name in names)
    return repair.kind == "unexpected-start-tag"
