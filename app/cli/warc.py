"""`soupstate warc`: reads WARC files and writes rows. It needs the extra `warc`."""

import os
import sys
from pathlib import Path
from typing import Any

import click
import orjson

from soupstate.app.answers import Model
from soupstate.app.batch.folder import Folder
from soupstate.app.batch.inputs import BadInput, sources
from soupstate.app.batch.job import FORMATS, Job, JobError, Recipe
from soupstate.app.batch.local import alone, plan, run_local
from soupstate.app.batch.progress import Progress
from soupstate.app.cli.options import FiniteRange, heads_option
from soupstate.app.reading import load_heads
from soupstate.model.net.checkpoint import DEFAULT, extractor, load_checkpoint
from soupstate.model.net.field_head import check_heads


@click.command("warc")
@click.argument("files", nargs=-1, required=True, metavar="WARC|LIST.txt|GLOB|ADDRESS|-...")
@click.option("--out", required=True, metavar="FOLDER", help="Folder for the rows, or its address (s3://...).")
@click.option("--format", "form", type=click.Choice(list(FORMATS)), default="parquet", show_default=True)
@click.option("--workers", type=click.IntRange(min=1), help="Processes, one core each; default: one per processor.")
@click.option("--prefix", default="", help="Text before every line of a list, such as https://data.commoncrawl.org/.")
@click.option(
    "--weights",
    type=click.Path(path_type=Path),
    default=DEFAULT,
    envvar="SOUPSTATE_WEIGHTS",
    help="Checkpoint to read with; default: $SOUPSTATE_WEIGHTS, or the shipped one.",
)
@click.option("--backend", default="", help="Backend of the kernels; default: $SOUPSTATE_BACKEND, or the fastest.")
@heads_option
@click.option("--max-page-bytes", type=click.IntRange(min=1), default=2_000_000, show_default=True)
@click.option(
    "--page-seconds",
    type=FiniteRange(min=0.0, min_open=True),
    default=60.0,
    show_default=True,
    help="Most processor time for one page.",
)
@click.option(
    "--part-records",
    type=click.IntRange(min=1),
    default=5000,
    show_default=True,
    help="Records per file of rows. When a WARC file is read again after a stop, its finished files of rows are kept.",
)
@click.option("--overwrite", is_flag=True, help="Read again what other weights, settings or versions have read.")
@click.option("--ray", metavar="ADDRESS", help="Run on a Ray cluster: auto, or its address. Needs the extra ray.")
@click.option("--gpus", type=FiniteRange(min=0.0), default=0.0, help="With --ray: GPUs per worker.")
def warc_command(
    files: tuple[str, ...],
    prefix: str,
    workers: int | None,
    ray: str | None,
    gpus: float,
    overwrite: bool,
    **options: Any,
) -> None:
    """Extract links, text and Markdown from all pages of WARC and ARC files. Each file gets its own file of rows.

    A list (.txt or .paths, gzipped or not, or - for stdin) has one path or address per line. When a job was stopped or
    killed, the same command resumes it with the files that are not done. The command prints a summary in JSON; its
    exit status is 1 when a file failed.
    """
    job = Job(**options | {"weights": extractor(options["weights"])})
    try:
        folder = Folder(job.out)
        found = sources(files, prefix)
        recipe = _recipe(job)
        with alone(folder):
            left = plan(found, folder, job.form, recipe, overwrite=overwrite)
            progress = Progress(left, already=len(found) - len(left))
            try:
                _run(job, left, workers, ray, gpus, progress)
            except KeyboardInterrupt:
                click.echo("soupstate: interrupted; the same command resumes the job", err=True)
                progress.failed.setdefault("job", "interrupted")
            finally:
                progress.close()
    except BadInput as error:
        raise click.UsageError(str(error)) from None
    except JobError as error:
        raise click.ClickException(str(error)) from None
    sys.stdout.buffer.write(orjson.dumps(progress.summary(), option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_INDENT_2))
    if progress.failed:
        sys.exit(1)


def _recipe(job: Job) -> Recipe:
    """Returns the recipe of the job. Raises JobError for weights that cannot be used."""
    try:
        checkpoint = load_checkpoint(job.weights)
        check_heads(load_heads(job.head), checkpoint)
        return Recipe.of(job, Model(checkpoint.name, checkpoint.version))
    except (OSError, ValueError) as error:
        raise JobError(str(error)) from None


def _run(job: Job, left: list[str], workers: int | None, ray: str | None, gpus: float, progress: Progress) -> None:
    if ray is None:
        run_local(job, left, workers or os.cpu_count() or 1, progress)
        return
    try:
        from soupstate.app.batch.ray_cluster import run_ray  # noqa: PLC0415  ray is an extra of its own, and takes seconds to import
    except ModuleNotFoundError as error:
        raise JobError(f"--ray needs {error.name}, which is not installed: pip install 'soupstate[ray]'") from None
    run_ray(job, left, workers, ray, gpus, progress)
