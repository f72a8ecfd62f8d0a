"""`soupstate mcp`: serves the Model Context Protocol to agents."""

from pathlib import Path

import click

from soupstate.app.cli.options import refuse, weights_options
from soupstate.app.mcp_server import make_server
from soupstate.app.reading import LazyReader
from soupstate.model.net.checkpoint import extractor


@click.command("mcp")
@click.option("--http", is_flag=True, help="Serve streamable HTTP at http://HOST:PORT/mcp instead of stdin and stdout.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(1, 65535), default=8001, show_default=True)
@weights_options
def mcp_command(http: bool, host: str, port: int, weights: Path, backend: str | None) -> None:
    """Offer agents the tools extract_html and check_html, over stdin and stdout or over HTTP.

    Pages come with the calls: nothing is fetched.
    """
    for name in () if http else ("host", "port"):
        refuse(name, "without --http")
    server = make_server(LazyReader(weights, backend), LazyReader(extractor(weights), backend))
    if http:
        server.run("streamable-http", host=host, port=port)
    else:
        server.run("stdio")
