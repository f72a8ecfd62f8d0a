"""Mends files: writes them in place, or prints what would change."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from soupstate.app.cli.checking import Findings
from soupstate.app.cli.file_diff import file_diff
from soupstate.app.cli.files import STDIN_NAME, HtmlFile, write
from soupstate.app.cli.whole_files import replace_file
from soupstate.app.file_names import printable
from soupstate.model.page.decode import decode, encode_changed

# Takes a file and its mended bytes, and returns whether the file is mended now.
Change = Callable[[HtmlFile, bytes], bool]
WIDE = ("utf-16", "utf-32")


def mend_file(found: Findings, change: Change) -> Findings:
    """Hands the bytes of a mended page in the file's charset to `change`. Returns the findings that the file still has.

    Raises OSError or ValueError for a file that cannot be mended or written; it then is as it was.
    """
    file, repaired = found.file, found.repaired
    if file is None or repaired is None:
        return found
    body = encode_changed(file.page, file.body, repaired.page) if repaired.mended else file.body
    done = change(file, body)
    if found.faults:
        what = "mended" if done else "would be mended"
        tqdm.write(f"{printable(file.name)}: {repaired.mended} {what}, {len(repaired.left)} left", file=sys.stderr)
    return replace(found, faults=repaired.left) if done else found


def write_mended(file: HtmlFile, body: bytes) -> bool:
    """Writes a page in place of its file, or to stdout where it came from stdin. Returns True: it is mended."""
    if file.name == STDIN_NAME:
        write(body)
    elif body != file.body:
        replace_file(Path(file.name).resolve(), body)
    return True


def print_diff(file: HtmlFile, body: bytes) -> bool:
    """Prints the difference from a page's file, in the file's charset, UTF-16 and UTF-32 as UTF-8. Returns False."""
    old, new = file.body, body
    if file.page.charset.startswith(WIDE):
        old, new = (decode(data, f"text/html; charset={file.page.charset}").text.encode() for data in (old, new))
    write(file_diff(file.name, old, new))
    return False
