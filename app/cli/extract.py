"""`soupstate extract`: extracts from files, and writes the answers to stdout."""

import sys
from functools import partial
from typing import Any

import click

from soupstate.app.answers import EXTRACT_PARTS, FAVORED, LINK_STYLES, MORE_PARTS, SCOPES, extract, reply
from soupstate.app.cli.files import Wanted, answers, heading, included, json_line, reading_options, write
from soupstate.app.cli.options import address, heads_option, refuse
from soupstate.model.net.checkpoint import extractor


@click.command("extract")
@click.option(
    "--format", "form", type=click.Choice(["json", "text", "markdown", "links"]), default="json", show_default=True
)
@click.option(
    "--include",
    callback=included(EXTRACT_PARTS, MORE_PARTS),
    help="Parts of json: links,text,markdown (the default), main_blocks and metadata.",
)
@click.option("--url", callback=address, help="Address of the page (http or https); makes its links absolute.")
@click.option(
    "--scope",
    type=click.Choice(SCOPES),
    default="all",
    show_default=True,
    help="The whole page, or its main content.",
)
@click.option(
    "--favor",
    type=click.Choice(FAVORED),
    default="balanced",
    show_default=True,
    help="With --scope main: leave out what is doubtful (precision), or keep it (recall).",
)
@click.option(
    "--links",
    type=click.Choice(LINK_STYLES),
    default="inline",
    show_default=True,
    help="Links of the Markdown: in place, or as references that are listed at its end.",
)
@click.option("--front-matter", is_flag=True, help="Begin the Markdown with title, address and language as YAML.")
@heads_option
@reading_options
def extract_command(form: str, include: frozenset[str], **options: Any) -> None:
    """Extract the title, links, text and Markdown of HTML files; - is stdin.

    json: one object per line, with the file's name where there are several files. links: address, tab, text, or where
    there is none, the images' alternative text. text, markdown: a line `==> FILE <==` before each of several files.
    """
    if form != "json":
        refuse("include", f"with --format {form}")
        refuse("head", f"with --format {form}")
    chosen = include if form == "json" else frozenset([form])
    if options["scope"] != "main" and "main_blocks" not in chosen:
        refuse("favor", "without --scope main")
    if "markdown" not in chosen:
        refuse("links", "without Markdown")
        refuse("front_matter", "without Markdown")
    options["weights"] = extractor(options["weights"])
    wanted = Wanted(include=chosen, **options)
    failed: list[str] = []
    first = True
    for file, answer in answers(wanted, partial(reply, answerer=extract), failed):
        if form == "json":
            write(json_line(wanted, file.name, answer))
        elif form == "links":
            write("".join(f"{link.url or link.href}\t{link.text or link.alt}\n" for link in answer["links"]).encode())
        else:
            write(f"{heading(wanted, file.name, first=first)}{answer[form]}\n".encode())
            first = False
    if failed:
        sys.exit(1)
