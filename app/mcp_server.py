"""A server for the Model Context Protocol: agents hand it pages, and get their content or their faults."""

import os
from dataclasses import asdict
from importlib.metadata import version
from typing import Annotated, Any, Literal

from anyio import CapacityLimiter, to_thread
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import AfterValidator, BaseModel, Field, ValidationError

from soupstate.app.answers import CURSOR, START, Asked, checked_cursor, extract
from soupstate.app.faults import likely_faults
from soupstate.app.paging import piece
from soupstate.app.reading import LazyReader
from soupstate.app.reports.checked import TOOL
from soupstate.app.reports.json import fault_row
from soupstate.app.wrong_values import wrong_value
from soupstate.model.faults.apply import LIKELY
from soupstate.model.page.line_index import LineIndex

MOST_CHARACTERS = 20_000  # of an answer by default: about 5,000 tokens
LARGEST_PAGE = 4_000_000  # characters; the SDK's limit of a request by HTTP is 4 MiB
INSTRUCTIONS = (
    "Reads HTML that you hand over, also where it is broken; it fetches nothing. extract_html answers the title and "
    "the content as Markdown, text or links, in pieces: call it again with next_cursor for the rest. check_html says "
    "where the markup is broken, and how to mend it."
)
Html = Annotated[str, Field(max_length=LARGEST_PAGE, description="The page itself, not its address.")]
Part = Literal["markdown", "text", "links"]


class Piece(BaseModel):
    """A piece of a page's content. next_cursor: where the next one begins; None after the last one."""

    title: str | None
    content: str
    next_cursor: str | None


class Faults(BaseModel):
    """The faults of a page from a threshold on, in its order."""

    faults: list[dict[str, Any]]


class PageServer(MCPServer):
    """An MCPServer that refuses arguments in words of its own, and those that a tool does not have."""

    async def call_tool(self, name: str, arguments: dict[str, Any], context: Any = None) -> Any:
        """Calls a tool. Raises ToolError, with what is wrong and what is allowed, and MCPError."""
        tool = next((tool for tool in await self.list_tools() if tool.name == name), None)
        known = list(tool.input_schema["properties"]) if tool else []
        if tool and (unknown := [argument for argument in arguments if argument not in known]):
            raise ToolError(f"{name} has no argument {unknown[0]!r}; known: {', '.join(known)}")
        try:
            return await super().call_tool(name, arguments, context)
        except ToolError as error:
            if isinstance(error.__cause__, ValidationError):
                raise ToolError(f"{name}: {wrong_value(error.__cause__)[1]}") from error.__cause__
            raise


def make_server(measuring: LazyReader, extracting: LazyReader) -> MCPServer:
    """Returns the server. measuring: finds faults. extracting: extracts. Both are loaded by the first call."""
    one_each = CapacityLimiter(os.cpu_count() or 1)  # so many pages are read at a time, each takes memory
    server = PageServer(TOOL, instructions=INSTRUCTIONS, version=version(TOOL))

    @server.tool()
    async def extract_html(
        html: Html,
        scope: Annotated[
            Literal["main", "all"], Field(description="The main content, or the whole page with its navigation.")
        ] = "main",
        format: Annotated[Part, Field(description="links: address, tab and text of each link in a line.")] = "markdown",
        max_characters: Annotated[int, Field(ge=1, description="At most so many characters.")] = MOST_CHARACTERS,
        cursor: Annotated[
            str,
            AfterValidator(checked_cursor),
            Field(description="next_cursor of the answer before.", json_schema_extra={"pattern": CURSOR}),
        ] = START,
    ) -> Piece:
        """Extract the content of an HTML page as Markdown, text or links. The HTML may be broken."""
        asked = Asked(html, None, frozenset([format]), scope, "none", max_characters=max_characters, cursor=cursor)
        return await to_thread.run_sync(_piece, extracting, asked, format, limiter=one_each)

    @server.tool()
    async def check_html(
        html: Html,
        threshold: Annotated[
            float, Field(ge=0, le=1, description="Probability from which a fault is listed.")
        ] = LIKELY,
    ) -> Faults:
        """Find the places where an HTML page is broken, each with its kind, line, column, probability and fixes."""
        return await to_thread.run_sync(_faults, measuring, html, threshold, limiter=one_each)

    return server


def _piece(reader: LazyReader, asked: Asked, part: Part) -> Piece:
    if not asked.html.strip():
        raise ToolError("the page is empty; html must hold the page itself")
    answer = extract(reader.reader, asked)
    if part != "links":
        content = (answer.markdown if part == "markdown" else answer.text) or ""
        return Piece(title=answer.title, content=content, next_cursor=answer.next_cursor)
    rows = "".join(f"{link.url or link.href}\t{link.text or link.alt}\n" for link in answer.links or ())
    content, end = piece(rows, int(asked.cursor.partition(".")[0]), asked.max_characters)
    return Piece(title=answer.title, content=content, next_cursor=f"{end}.0" if end < len(rows) else None)


def _faults(reader: LazyReader, html: str, threshold: float) -> Faults:
    if not html.strip():
        raise ToolError("the page is empty; html must hold the page itself")
    lines = LineIndex(html)
    rows = [fault_row(lines, fault) for fault in likely_faults(reader.reader, html, threshold)]
    return Faults(faults=[row | {"fixes": [asdict(fix) for fix in row["fixes"]]} for row in rows])
