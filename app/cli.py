"""The command line: `soupstate COMMAND`. A command's module is imported when the command runs."""

import importlib
import sys
from typing import NoReturn

import click

# Command: module, its object there, what it does, and the extra that its imports need.
COMMANDS = {
    "serve": ("app.serving", "serve", "Answer HTTP requests.", ""),
    "extract": ("app.reading", "extract_command", "Title, links, text and Markdown of pages.", ""),
    "entropy": ("app.entropy_cli", "entropy_command", "Surprisal of pages, and where they are broken.", ""),
    "warc": ("app.warc_cli", "warc_command", "A row for every page of WARC files, on one machine or many.", "warc"),
    "fetch": ("app.fetching", "fetch_command", "Fetch pages of Common Crawl into a WARC file.", "fetch"),
    "lessons": ("app.train_cli", "lessons_command", "Make lessons for training out of pages.", "train"),
    "train": ("app.train_cli", "train_command", "Train a network, as an experiment file says.", "train"),
    "export": ("app.train_cli", "export_command", "Turn a training checkpoint into weights to read with.", "train"),
    "evaluate": ("app.evaluate_cli", "evaluate_command", "Measure weights on held-out pages.", "train"),
    "ablation": ("app.ablation_cli", "ablation_command", "Compare trained experiments, head by head.", "train"),
    "bench": ("app.bench_cli", "bench_command", "Speed of the kernels, or of a GPU's, beside other libraries.", ""),
    "rank": ("app.rank_cli", "rank_command", "Fit how likely a reported fault is one.", "train"),
    "neurons": ("app.neurons_cli", "neurons_command", "The cells that count open elements.", "train"),
}
OPTIONAL = frozenset("torch selectolax html5lib markdown_it matplotlib httpx pyarrow fsspec zstandard".split())


class LazyGroup(click.Group):
    """Commands out of COMMANDS; listing them imports none."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported."""
        if cmd_name not in COMMANDS:
            return None
        module, name, _, extra = COMMANDS[cmd_name]
        try:
            command: click.Command = getattr(importlib.import_module(module), name)
        except ModuleNotFoundError as error:
            if not extra or (error.name or "").partition(".")[0] not in OPTIONAL:
                raise
            raise click.ClickException(
                f"{cmd_name} needs {error.name}, which is not installed: pip install 'soupstate[{extra}]'"
            ) from None
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Lists the commands out of the table."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, row[2]) for name, row in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="soupstate")
def soupstate() -> None:
    """Links, text, Markdown and faults of HTML pages, read by a recurrent network.

    Exit status: 0 all well, 1 something failed, 2 wrong use.
    """


def main() -> NoReturn:
    """Runs the command line."""
    sys.exit(soupstate())
