"""`soupstate bench`. It measures other libraries beside the kernels where the extra `bench` is installed."""

import json
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

import click

from soupstate.app.answers import SCOPES
from soupstate.app.block_bench import block_cost
from soupstate.app.depth_bench import depth_shares
from soupstate.app.extract_bench import BOUNDS, speeds
from soupstate.app.kernel_bench import Bench, check_all, installed_peers, table
from soupstate.app.markdown_bench import KINDS, qualities
from soupstate.app.metadata_bench import labelled, scores
from soupstate.app.reading import load_reader
from soupstate.app.shape_bench import FIXED_MEMORY, SHAPES, WHAT, costs
from soupstate.kernels import available, pack
from soupstate.model.archive.records import read_html, read_pages
from soupstate.model.net.checkpoint import DEFAULT, extractor, load_checkpoint

FILE = click.Path(path_type=Path, dir_okay=False)


@click.group("bench")
def bench_command() -> None:
    """Measure speeds, the quality of Markdown, bytes of compressed pages, and the cost of depth and hostile pages."""


@bench_command.command("kernels")
@click.option("--weights", type=FILE, default=DEFAULT, envvar="SOUPSTATE_WEIGHTS", help="Checkpoint to read with.")
@click.option("--rounds", type=click.IntRange(min=1), default=7, show_default=True, help="Rounds to take medians of.")
@click.option("--json", "path", type=FILE, help="Also write the rows to this file.")
def kernels_command(weights: Path, rounds: int, path: Path | None) -> None:
    """Measure characters per second of each backend, beside other libraries' LSTM.

    The command first checks each backend against the reference. It then reads one page at a time and many at once.
    Every round measures everything, in processor time of the measuring thread (two threads: in wall-clock time).
    Ratios are taken within a round, so that other work on the machine disturbs them little. Shares are of a measured
    limit: of the rate at which weights stream from the cache (one page), or of the peak rate of 8-bit multiplications
    and additions (many pages). Other libraries compute the cell alone, with an input as wide as the state.
    """
    try:
        read = load_checkpoint(weights).weights
        check_all(read)
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{', '.join(available())}: each reads as the reference does")
    bench = Bench(read, installed_peers(read.units, click.echo))
    for _ in range(rounds):
        bench.round()
    rows = bench.rows()
    for line in [*bench.limits(), *table(rows), *bench.threads()]:
        click.echo(line)
    if path:
        _write(rows, path)


@bench_command.command("depth")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--weights", type=FILE, default=DEFAULT, envvar="SOUPSTATE_WEIGHTS", help="Checkpoint to read with.")
@click.option("--pages", type=click.IntRange(min=1), default=20, show_default=True, help="Pages to read.")
def depth_command(file: Path, weights: Path, pages: int) -> None:
    """Measure by how much the depth layer lengthens a reading of a WARC file's first pages."""
    try:
        texts = list(read_html([file], pages))
        for name, share in depth_shares(load_reader(weights), texts).items():
            click.echo(f"{name}: {share:+.1%}")
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from None


@bench_command.command("shapes")
@click.option("--weights", type=FILE, default=DEFAULT, envvar="SOUPSTATE_WEIGHTS", help="Checkpoint to read with.")
@click.option("--shape", "shapes", multiple=True, type=click.Choice(list(SHAPES)), help="Only these shapes.")
@click.option(
    "--size",
    "sizes",
    multiple=True,
    type=click.IntRange(min=1),
    default=(10_000, 100_000, 1_000_000),
    show_default=True,
    help="Characters of a page.",
)
@click.option(
    "--what",
    type=click.Choice(WHAT),
    default=WHAT[0],
    show_default=True,
    help="Extract the page, or its main content, or find faults.",
)
@click.option("--json", "path", type=FILE, help="Also write the rows to this file.")
def shapes_command(
    weights: Path, shapes: tuple[str, ...], sizes: tuple[int, ...], what: str, path: Path | None
) -> None:
    """Measure time and memory of pages that repeat one thing, such as <, against their size.

    Times are processor time in seconds. Memory is the peak beyond that of an idle process; "per byte" is that less
    12 MB, per byte of the page.
    """
    rows = []
    rest = "search" if what == "check" else "rendering"
    click.echo(f"| shape | bytes | reading, s | {rest}, s | MB | per byte |")
    click.echo("|---|---|---|---|---|---|")
    try:
        for cost in costs(list(shapes or SHAPES), list(sizes), what, weights):
            rows.append(asdict(cost))
            per_byte = max(0.0, cost.memory - FIXED_MEMORY) / cost.size
            click.echo(
                f"| {cost.shape} | {cost.size:,} | {cost.reading:.2f} | {cost.rest:.3f} | {cost.memory / 1e6:.1f} "
                f"| {per_byte:.0f} |"
            )
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from None
    if path:
        _write(rows, path)


@bench_command.command("blocks")
@click.option("--weights", type=FILE, default=extractor(), help="Checkpoint to read with.")
@click.option("--pages", type=FILE, required=True, help="WARC file.")
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True, help="Pages to measure.")
def blocks_command(weights: Path, pages: Path, limit: int) -> None:
    """Measure what the choice of main content takes, beside the reading of the same pages."""
    try:
        reader = load_reader(weights)
        cost = block_cost(reader, (page.html for page in islice(read_pages(pages), limit)))
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from None
    if not cost.blocks:
        raise click.ClickException(f"{pages}: no page with text")
    click.echo(f"{cost.pages} pages, {cost.blocks} blocks; milliseconds per 1000 blocks:")
    for name in ("reading", "cutting", "describing", "judging"):
        click.echo(f"{name:>10} {getattr(cost, name) / cost.blocks * 1e6:8.1f}")
    click.echo(f"The stage takes {cost.share:.3f} of the time of reading.")


@bench_command.command("extract")
@click.option("--weights", type=FILE, default=extractor(), help="Checkpoint to read with.")
@click.option("--pages", type=FILE, required=True, help="WARC file.")
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True, help="Pages to measure.")
@click.option("--scope", type=click.Choice(SCOPES), default="all", show_default=True, help="What all systems extract.")
@click.option("--check", is_flag=True, help="Also measure the search for faults.")
@click.option("--json", "path", type=FILE, help="Also write the rows to this file.")
def extract_command(weights: Path, pages: Path, limit: int, scope: str, path: Path | None, *, check: bool) -> None:
    """Measure whole extractions in process, beside trafilatura, resiliparse and html2text where they are installed.

    With --scope main all systems extract the text of the main content. With --scope all Soupstate extracts links, text
    and Markdown, html2text Markdown, and resiliparse text. Rates are megabytes of raw HTML per second of processor
    time, of one core.
    """
    try:
        reader = load_reader(weights)
        read = [page.html for page in islice(read_pages(pages), limit)]
        if not read:
            raise click.ClickException(f"{pages}: no page")
        found = speeds(reader, read, scope, click.echo, load_reader(DEFAULT) if check else None)
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from None
    bounds = [f"{bound // 1000} kB" for bound in BOUNDS]
    columns = [f"below {bounds[0]}", *(f"to {bound}" for bound in bounds[1:]), "larger"]
    click.echo(f"| system | MB/s | ratio | {' | '.join(columns)} |\n{'|---' * (3 + len(columns))}|")
    for row in found:
        rates = ["" if rate is None else f"{rate:.3g}" for rate in row.by_size]
        click.echo(f"| {row.system} | {row.mb_per_second:.3g} | {row.ratio:.2f} | {' | '.join(rates)} |")
    if path:
        _write([asdict(row) for row in found], path)


@bench_command.command("markdown")
@click.option("--weights", type=FILE, default=extractor(), help="Checkpoint to read with.")
@click.option("--pages", type=FILE, required=True, help="WARC file.")
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True, help="Pages to measure.")
@click.option("--json", "path", type=FILE, help="Also write the rows to this file.")
def markdown_command(weights: Path, pages: Path, limit: int, path: Path | None) -> None:
    """Measure the Markdown of pages, beside html2text, markdownify and html-to-markdown where they are installed.

    A CommonMark parser with tables reads each answer. The figures are F1 by kind, against the tree of the page: items
    of lists by text, depth and kind of list, rows of the tables that hold data. It needs the extra `train`.
    """
    try:
        reader = load_reader(weights)
        rows = qualities(reader, (page.html for page in islice(read_pages(pages), limit)), click.echo)
    except ModuleNotFoundError as error:
        raise click.ClickException(f"needs {error.name}: pip install 'soupstate[train]'") from None
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from None
    if not rows[0].pages:
        raise click.ClickException(f"{pages}: no page")
    click.echo(f"| system | {' | '.join(KINDS)} | mean | failed |\n{'|---' * (3 + len(KINDS))}|")
    for row in rows:
        figures = [f"{row.f1[kind]:.3f}" if kind in row.f1 else "" for kind in KINDS]
        click.echo(f"| {row.system} | {' | '.join(figures)} | {row.mean:.3f} | {row.failed} |")
    if path:
        _write([asdict(row) for row in rows], path)


@bench_command.command("metadata")
@click.argument("labelled_files", nargs=-1, required=True, type=FILE, metavar="LABELLED.jsonl.xz...")
@click.option("--weights", type=FILE, default=extractor(), help="Checkpoint to read with.")
@click.option("--limit", type=click.IntRange(min=1), help="Pages to measure; default: all.")
@click.option("--json", "path", type=FILE, help="Also write the rows to this file.")
def metadata_command(labelled_files: tuple[Path, ...], weights: Path, limit: int | None, path: Path | None) -> None:
    """Measure authors and dates on labelled pages, beside trafilatura, htmldate and extruct where they are installed.

    Every page is read as it is, and again without what it declares. exact: share of the pages with a label on which
    the answer is the same names, or the same day. invented: share of the pages without one that get an answer.
    """
    try:
        reader = load_reader(weights, extracts=True)
        rows = scores(reader, islice(labelled(labelled_files), limit), click.echo)
    except (OSError, ValueError, KeyError) as error:
        raise click.ClickException(str(error)) from None
    click.echo(
        "| system | declared | field | pages with one | exact | without | invented |\n|---|---|---|---|---|---|---|"
    )
    for row in rows:
        if row.system != "htmldate" or row.field == "date":
            exact, invented = row.exact / max(1, row.with_one), row.invented / max(1, row.without)
            declares = "stripped" if row.stripped else "as it is"
            figures = f"{row.with_one} | {exact:.3f} | {row.without} | {invented:.3f}"
            click.echo(f"| {row.system} | {declares} | {row.field} | {figures} |")
    if path:
        _write([asdict(row) for row in rows], path)


@bench_command.command("compress")
@click.option("--weights", type=FILE, default=DEFAULT, envvar="SOUPSTATE_WEIGHTS", help="Checkpoint to read with.")
@click.option("--pages", type=FILE, required=True, help="WARC file.")
@click.option("--limit", type=click.IntRange(min=1), help="Pages to measure; default: all.")
@click.option(
    "--decompress", type=click.IntRange(min=0), default=3, show_default=True, help="Pages to decompress, too."
)
@click.option("--json", "path", type=FILE, help="Also write the rows to this file.")
def compress_command(weights: Path, pages: Path, limit: int | None, decompress: int, path: Path | None) -> None:
    """Measure the bytes of compressed pages, beside brotli, zstd, xz and zpaq where they are installed.

    Each page is compressed alone, in UTF-8, and the bytes are summed. The last column is the rate in wall-clock time.
    It needs the extra `compress`.
    """
    try:
        from soupstate.app.compress_bench import compressed_sizes, round_trips  # noqa: PLC0415  constriction is an extra

        packed = pack(load_checkpoint(weights).weights)
        rows = compressed_sizes(packed, (page.html for page in islice(read_pages(pages), limit)), click.echo)
        back = round_trips(packed, (page.html for page in islice(read_pages(pages), decompress)))
    except ModuleNotFoundError as error:
        raise click.ClickException(f"needs {error.name}: pip install 'soupstate[compress]'") from None
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from None
    if not rows[0].pages:
        raise click.ClickException(f"{pages}: no page")
    brotli = next((row.bytes for row in rows if row.system.startswith("brotli")), None)
    click.echo(f"{rows[0].pages} pages, backend {packed.backend}")
    click.echo("| system | bytes | share | of brotli's | MB/s |\n|---|---|---|---|---|")
    for row in rows:
        ratio = f"{row.bytes / brotli:.3f}" if brotli else ""
        click.echo(f"| {row.system} | {row.bytes:,} | {row.share:.4f} | {ratio} | {row.mb_per_second:.2f} |")
    if back.pages:
        click.echo(f"{back.pages} pages came out of decompression as they were, {back.mb_per_second:.3f} MB/s")
    if path:
        _write([asdict(row) for row in rows], path)


def _write(rows: list[dict[str, Any]], path: Path) -> None:
    """Writes the rows of a table as JSON."""
    path.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")
