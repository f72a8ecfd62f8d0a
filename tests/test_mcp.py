"""`soupstate mcp`, asked by the SDK's own client over stdin and stdout and over HTTP."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from test_check import BROKEN, WHOLE

mcp = pytest.importorskip("mcp", reason="the extra mcp is not installed")
SERVER = [sys.executable, "-m", "soupstate", "mcp"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
LONG = "<h1>Night ferry</h1>" + "".join(
    f"<p>Cup {n} of tea is served on the night ferry to the islands.</p>" for n in range(90)
)


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("extract_html", {"html": " "}, "the page is empty"),
    ("check_html", {"html": ""}, "the page is empty"),
    ("extract_html", {}, "extract_html: html is missing"),
    ("extract_html", {"html": "<p>", "cursor": "x"}, "extract_html: cursor must be the next_cursor of an answer"),
    ("extract_html", {"html": "<p>", "scope": "half"}, "extract_html: scope must be 'main' or 'all'"),
    ("extract_html", {"html": "<p>", "max_characters": 0}, "extract_html: max_characters must be 1 or more"),
    ("extract_html", {"html": "<p>", "url": "/"}, "extract_html has no argument 'url'; known: html, scope, format"),
    ("check_html", {"html": "<p>", "threshold": 1.5}, "check_html: threshold must be 1.0 or less"),
    ("check_html", {"html": "<p>", "threshold": "high"}, "check_html: threshold must be a number"),
    ("check_html", {"html": ["<p>"]}, "check_html: html must be a string"),
]


async def everything(client: Any) -> None:
    """Calls each tool, with pages in pieces, and with what is wrong."""
    tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert set(tools) == {"extract_html", "check_html"}
    assert set(tools["extract_html"].input_schema["properties"]) == {
        *("html", "scope", "format", "max_characters", "cursor")
    }
    cursor, pieces = "0.0", []
    while cursor:
        arguments = {"html": LONG, "scope": "all", "max_characters": 1500, "cursor": cursor}
        answer = (await client.call_tool("extract_html", arguments)).structured_content
        assert len(answer["content"]) <= 1500
        pieces.append(answer["content"])
        cursor = answer["next_cursor"]
    whole = (await client.call_tool("extract_html", {"html": LONG, "scope": "all"})).structured_content
    assert "".join(pieces) == whole["content"] and len(pieces) > 2 and whole["content"].startswith("# Night ferry\n\n")
    links = await client.call_tool("extract_html", {"html": WHOLE, "scope": "all", "format": "links"})
    assert links.structured_content["content"].startswith("/boats/0.html\tBoot 0 für zwei\n")
    assert links.structured_content["title"] == "Boote"
    faults = (await client.call_tool("check_html", {"html": BROKEN})).structured_content["faults"]
    assert [(f["kind"], f["line"], f["fixes"][0]["replacement"]) for f in faults] == [("unpaired-quote", 11, '"')]
    more = await client.call_tool("check_html", {"html": BROKEN, "threshold": 0})
    assert len(more.structured_content["faults"]) > 1
    for tool, arguments, said in WRONG:
        got = await client.call_tool(tool, arguments)
        assert got.is_error and said in got.content[0].text and "pydantic" not in got.content[0].text
    assert (await client.call_tool("check_html", {"html": WHOLE})).structured_content == {"faults": []}


def test_over_stdin_and_stdout() -> None:
    async def talk() -> None:
        parameters = mcp.StdioServerParameters(command=SERVER[0], args=SERVER[1:], env=ENVIRONMENT)
        async with mcp.stdio_client(parameters) as (read, write), mcp.ClientSession(read, write) as session:
            await session.initialize()
            await everything(session)

    anyio.run(talk)


@pytest.fixture
def address() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with subprocess.Popen(
        [*SERVER, "--http", "--port", str(port)], env=ENVIRONMENT, stderr=subprocess.DEVNULL
    ) as server:
        try:
            until = time.monotonic() + 20
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), timeout=1).close()
                    break
                except OSError:
                    assert server.poll() is None and time.monotonic() < until
                    time.sleep(0.05)
            yield f"http://127.0.0.1:{port}/mcp"
        finally:
            server.terminate()


def test_over_http(address: str) -> None:
    from mcp.client.streamable_http import streamable_http_client  # noqa: PLC0415  only where mcp is installed

    async def talk() -> None:
        async with streamable_http_client(address) as streams, mcp.ClientSession(*streams[:2]) as session:
            await session.initialize()
            await everything(session)

    anyio.run(talk)


@pytest.mark.parametrize("option", [["--port", "8002"], ["--host", "127.0.0.1"]])
@pytest.mark.slow
def test_options_of_http_without_it(option: list[str]) -> None:
    done = subprocess.run([*SERVER, *option], env=ENVIRONMENT, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 2 and f"{option[0]} has no effect without --http" in done.stderr


def test_the_instructions_name_the_tools() -> None:
    from soupstate.app.mcp_server import INSTRUCTIONS  # noqa: PLC0415  as above

    assert set(re.findall(r"[a-z]+_html", INSTRUCTIONS)) == {"extract_html", "check_html"}
