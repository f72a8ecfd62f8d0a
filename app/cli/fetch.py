"""`soupstate fetch`."""

from pathlib import Path

import click

from soupstate.app.cli.options import FiniteRange
from soupstate.app.common_crawl import FetchError, Manners, fetch
from soupstate.app.file_names import printable


@click.command("fetch")
@click.argument("urls", nargs=-1, required=True, metavar="URL...")
@click.option("--crawl", required=True, help="Name of the crawl, such as CC-MAIN-2026-17.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="File to write, .warc.gz.")
@click.option("--delay", type=FiniteRange(min=0.0), default=1.0, help="Seconds between requests; default: 1.")
@click.option("--captures", type=click.IntRange(min=1), default=1000, show_default=True, help="Captures per URL.")
def fetch_command(urls: tuple[str, ...], crawl: str, out: Path, delay: float, captures: int) -> None:
    """Fetch the HTML captures of URLs, or of patterns such as example.org/*, in a crawl of Common Crawl.

    The command sends one request at a time. When a run was stopped, the same command resumes it.
    """
    for text in (crawl, *urls):
        if printable(text) != text:
            raise click.UsageError(f"{printable(text)} is not UTF-8; write such bytes as %FF")
    try:
        fetched = fetch(urls, crawl, out, manners=Manners(delay=delay, captures=captures))
    except (FetchError, OSError) as error:
        raise click.ClickException(str(error)) from None
    click.echo(fetched.report())
