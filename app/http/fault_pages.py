"""The pages at /faults: docs/faults/ as HTML. They load nothing, and have no script.

Links between them are relative, so that they also work behind a proxy that adds a path.
"""

import re
from functools import cache

from starlette.responses import HTMLResponse, Response

from soupstate.app.explanations import explanation, list_of_kinds
from soupstate.app.http.docs_page import POLICY, STYLE
from soupstate.app.http.problems import Problem
from soupstate.model.faults.kinds import KINDS

PATH = "/faults"
LINK = re.compile(r"\]\(([a-z-]+)\.md\)")


def fault_list() -> Response:
    """Returns the page that lists the kinds of fault."""
    return _response("Kinds of fault", LINK.sub(r"](faults/\1)", list_of_kinds()))


def fault_page(kind: str) -> Response:
    """Returns the page of a kind of fault. Raises Problem for a kind that does not exist."""
    if kind not in KINDS:
        raise Problem(404, f"there is no such kind of fault; {PATH} lists them", "kind")
    return _response(kind, f"[All kinds of fault](../faults)\n\n{explanation(kind)}")


@cache
def _html(title: str, markdown: str) -> str:
    from markdown_it import MarkdownIt  # noqa: PLC0415  it takes 1 MB, and few ask for these pages

    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title} - Soupstate</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}</style></head><body>{body}</body></html>\n"
    )


def _response(title: str, markdown: str) -> Response:
    return HTMLResponse(_html(title, markdown), headers={"Content-Security-Policy": POLICY})
