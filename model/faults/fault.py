"""A fault and its fixes: the one definition that the Python API, the service and the command line share."""

from dataclasses import dataclass

from soupstate.model.page.described import described


@dataclass(frozen=True, slots=True)
class Fix:
    """An edit that mends a fault: page[start:end] becomes `replacement`. Offsets count code points of the page.

    >>> Fix(start=3, end=3, replacement="</b>", bits_saved=12.5).replacement
    '</b>'
    """

    start: int = described("Where the edit begins.")
    end: int = described("Where it ends; equal to `start` for an insertion.")
    replacement: str = described("The new text; empty for a deletion.")
    bits_saved: float = described("Bits of surprisal that the text around it loses by the edit, less the edit's own.")


@dataclass(frozen=True, slots=True)
class Fault:
    """A place where a page breaks, with its fixes. Offsets count code points; lines and columns count from 1.

    >>> fix = Fix(start=12, end=12, replacement='"', bits_saved=21.5)
    >>> fault = Fault(12, 12, 1, 13, 22.0, 0.98, "unpaired-quote", "a quote is missing", "<a href=\\"/tea>", (fix,))
    >>> f"{fault.line}:{fault.column}: {fault.message}"
    '1:13: a quote is missing'
    """

    start: int = described("Where the fault begins.")
    end: int = described("Where it ends.")
    line: int = described("Line of `start`, counted from 1.")
    column: int = described("Column of `start` in code points, counted from 1.")
    bits: float = described("Surprisal of the four characters there, in bits.")
    probability: float = described(
        "Chance that something is wrong there, from 0 to 1; fitted, or given by a rule of the standard."
    )
    kind: str = described("Name of the parse error in the HTML standard (WHATWG HTML, 13.2.2), or of another kind.")
    message: str = described("What is wrong, in words.")
    excerpt: str = described("The line of the page around the fault.")
    fixes: tuple[Fix, ...] = described("Edits that mend it: a proven one first, then the one that saves most bits.")
