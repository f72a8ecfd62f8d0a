"""Faults as text for people: the place, the line of the page, and the fix."""

from click import style

from soupstate.app.file_names import visible
from soupstate.app.reports.checked import Checked, in_words
from soupstate.model.faults.fault import Fault
from soupstate.model.page.line_index import LineIndex


def text(checked: Checked, *, colour: bool = False) -> str:
    """Returns the source frame of each fault of a file; "" where there is none. colour: with ANSI escapes."""
    lines = checked.lines
    return "".join(source_frame(checked.shown, lines, fault, colour=colour) for fault in checked.faults)


def source_frame(name: str, lines: LineIndex, fault: Fault, *, colour: bool = False) -> str:
    """Returns a line that says where and what, the line of the page, and the fix below the place that it mends."""

    def paint(words: str, foreground: str | None = None, *, bold: bool = False) -> str:
        return style(words, fg=foreground, bold=bold or None) if colour else words

    place = f"{paint(name, bold=True)}:{fault.line}:{fault.column}: "
    figures = f"{fault.probability:.0%}, {fault.bits:.0f} bits]"
    head = f"{place}{visible(fault.message)}  [{paint(fault.kind, 'red', bold=True)}, {figures}\n"
    fix = fault.fixes[0] if fault.fixes else None
    at = fix.start if fix else fault.start
    line, _ = lines.line_column(at)
    first, last = lines.window(at, at + 1)
    margin = f"  {line} | "
    excerpt = visible(lines.page[first:last].replace("\t", " "))
    pointer = " " * (len(margin) + len(visible(lines.page[first:at])))
    mark = f"^ {visible(' '.join(in_words(lines.page, fix).splitlines()))}" if fix else "^"
    return f"{head}{paint(margin, 'cyan')}{excerpt}\n{pointer}{paint(mark, 'green')}\n"
