"""The command line, `soupstate COMMAND`. It imports a command's module only when that command runs."""

import importlib
import os
import sys
from typing import NoReturn

import click

# Each command: what it does, and the extra that its imports need. `app/cli/NAME.py` holds it as `NAME_command`.
# The products of a page are small: further threads of the library behind numpy would only wait for each other. It reads
# this when numpy is imported, which is later.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

COMMANDS = {
    "serve": ("Answer HTTP requests.", ""),
    "extract": ("Extract the title, links, text and Markdown of pages.", ""),
    "check": ("Find the places where pages are broken, and mend them.", ""),
    "entropy": ("Measure how surprising the characters of pages are.", ""),
    "compress": ("Compress a file with the network's odds of each byte.", "compress"),
    "decompress": ("Decompress a file that `compress` wrote.", "compress"),
    "head": ("Fit heads that find a field of pages, such as a price.", ""),
    "correct": ("Keep what people say is right of answers.", ""),
    "learn": ("Learn from corrections, and write better weights.", "train"),
    "weights": ("Print what weights are, and which corrections they hold.", ""),
    "mcp": ("Offer agents tools that read pages (Model Context Protocol).", "mcp"),
    "lsp": ("Show faults in an editor (Language Server Protocol).", "lsp"),
    "warc": ("Write a row for every page of WARC files, on one machine or many.", "warc"),
    "fetch": ("Fetch pages of Common Crawl into a WARC file.", "fetch"),
    "lessons": ("Make training lessons from pages.", "train"),
    "train": ("Train a network as an experiment file says.", "train"),
    "export": ("Turn a training checkpoint into weights to read with.", "train"),
    "evaluate": ("Measure weights on held-out pages.", "train"),
    "ablation": ("Compare trained experiments head by head.", "train"),
    "bench": ("Measure speeds and Markdown beside other tools, and hostile pages.", ""),
    "rank": ("Fit the probability that a reported fault is one.", "train"),
    "votes": ("Label pages for `blocks` by the votes of two tools.", "votes"),
    "blocks": ("Fit the choice of main content on labelled pages.", "train"),
    "replay": ("Draw the sample of training that `learn` needs.", "train"),
    "neurons": ("Fit cells that count open elements; find units with a label.", "train"),
}
OPTIONAL = frozenset(
    """torch selectolax html5lib matplotlib scipy trafilatura resiliparse httpx pyarrow fsspec
    zstandard mcp pygls lsprotocol constriction""".split()
)


class LazyGroup(click.Group):
    """The group of the commands in COMMANDS. It lists them without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Returns the names in the order of COMMANDS."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports and returns the command. Raises ClickException when an extra is missing."""
        if cmd_name not in COMMANDS:
            return None
        extra = COMMANDS[cmd_name][1]
        try:
            module = importlib.import_module(f"{__package__}.{cmd_name}")
            command: click.Command = getattr(module, f"{cmd_name}_command")
        except ModuleNotFoundError as error:
            if not extra or (error.name or "").partition(".")[0] not in OPTIONAL:
                raise
            raise click.ClickException(
                f"{cmd_name} needs {error.name}, which is not installed: pip install 'soupstate[{extra}]'"
            ) from None
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the table of commands."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, row[0]) for name, row in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="soupstate")
def soupstate() -> None:
    """Extract links, text and Markdown from HTML pages, and find their faults, with a recurrent network.

    Exit status: 0 for success, 1 for a failure, 2 for wrong usage; of `check` 1 for faults and 2 for a failure.
    """
    missing = importlib.import_module("soupstate.kernels.compiled").MISSING  # here, so that --help needs no numpy
    if missing:
        click.echo(f"soupstate: {missing}", err=True)


def main() -> NoReturn:
    """Runs the command line."""
    sys.exit(soupstate())
