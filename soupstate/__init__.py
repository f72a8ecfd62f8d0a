"""Soupstate reads HTML with a recurrent network: links, text and Markdown of any page, and its faults.

>>> import soupstate
>>> page = soupstate.extract(
...     "<html><head><title>Ferries</title></head><body><h1>Night ferries</h1>"
...     "<p>See the <a href='/times'>timetable</a> of May.</p></body></html>",
...     url="https://example.org/",
... )
>>> page.title, page.links[0].url
('Ferries', 'https://example.org/times')
>>> print(page.markdown)
# Night ferries
<BLANKLINE>
See the [timetable](https://example.org/times) of May.

The functions use the shipped weights. `Soupstate` takes others, and reads many pages at once. Importing this package
loads no network: names are imported when they are first used (PEP 562).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from soupstate.api import Page as Page
    from soupstate.api import Soupstate as Soupstate
    from soupstate.api import check as check
    from soupstate.api import extract as extract
    from soupstate.api import mend as mend
    from soupstate.api import read as read
    from soupstate.model.faults.fault import Fault as Fault
    from soupstate.model.faults.fault import Fix as Fix
    from soupstate.model.net.fields import FieldValue as FieldValue
    from soupstate.model.net.main_content import MainBlock as MainBlock
    from soupstate.model.net.page_metadata import MetadataValue as MetadataValue
    from soupstate.model.net.reader import Reading as Reading
    from soupstate.model.page.render.links import Link as Link

    __version__: str

_HOMES = {
    **dict.fromkeys(("Page", "Soupstate", "check", "extract", "mend", "read"), "soupstate.api"),
    **dict.fromkeys(("Fault", "Fix"), "soupstate.model.faults.fault"),
    "FieldValue": "soupstate.model.net.fields",
    "MainBlock": "soupstate.model.net.main_content",
    "MetadataValue": "soupstate.model.net.page_metadata",
    "Reading": "soupstate.model.net.reader",
    "Link": "soupstate.model.page.render.links",
}
__all__ = [
    "Fault",
    "FieldValue",
    "Fix",
    "Link",
    "MainBlock",
    "MetadataValue",
    "Page",
    "Reading",
    "Soupstate",
    "check",
    "extract",
    "mend",
    "read",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return import_module("importlib.metadata").version("soupstate")  # slow to import, and seldom asked for
    if name not in _HOMES:
        raise AttributeError(f"module 'soupstate' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
