"""`soupstate warc`: WARC files in, rows out. Imported when it runs: it needs the extra `warc`."""

import os
import sys
from pathlib import Path
from typing import Any

import click
import orjson

from soupstate.app.batch.folder import Folder
from soupstate.app.batch.inputs import BadInput, sources
from soupstate.app.batch.job import FORMATS, Job, JobError
from soupstate.app.batch.local import alone, plan, run_local
from soupstate.app.batch.progress import Progress
from soupstate.model.net.checkpoint import DEFAULT


@click.command("warc")
@click.argument("files", nargs=-1, required=True, metavar="WARC|LIST.txt|GLOB|ADDRESS|-...")
@click.option("--out", required=True, metavar="FOLDER", help="Folder for the rows, or its address (s3://...).")
@click.option("--format", "form", type=click.Choice(list(FORMATS)), default="parquet", show_default=True)
@click.option("--workers", type=click.IntRange(min=1), help="Processes, a core each; default: one a processor.")
@click.option("--prefix", default="", help="Goes before every line of a list, as https://data.commoncrawl.org/.")
@click.option(
    "--weights",
    type=click.Path(path_type=Path),
    default=DEFAULT,
    envvar="SOUPSTATE_WEIGHTS",
    help="Checkpoint to read with; default: $SOUPSTATE_WEIGHTS, or the shipped one.",
)
@click.option("--backend", default="", help="Version of the recurrence; default: $SOUPSTATE_BACKEND, or the fastest.")
@click.option("--max-page-bytes", type=click.IntRange(min=1), default=2_000_000, show_default=True)
@click.option(
    "--page-seconds",
    type=click.FloatRange(min=0.0, min_open=True),
    default=60.0,
    show_default=True,
    help="Longest time of a processor that one page is read.",
)
@click.option(
    "--part-records",
    type=click.IntRange(min=1),
    default=5000,
    show_default=True,
    help="Records to a file of rows. Of a WARC file that is begun again, such files are kept.",
)
@click.option("--ray", metavar="ADDRESS", help="Run on a Ray cluster: auto, or its address. Needs the extra ray.")
@click.option("--gpus", type=click.FloatRange(min=0.0), default=0.0, help="With --ray: GPUs that a worker asks for.")
def warc_command(
    files: tuple[str, ...],
    prefix: str,
    workers: int | None,
    ray: str | None,
    gpus: float,
    **options: Any,
) -> None:
    """Links, text and Markdown of all pages of WARC and ARC files, a file of rows for each.

    A list (.txt, .paths, packed or not, or - for stdin) has a path or address a line. Called again after it was
    stopped or killed, the job goes on with the files that are not done. Prints a summary in JSON; exit status 1 where
    a file failed.
    """
    job = Job(**options)
    try:
        folder = Folder(job.out)
        found = sources(files, prefix)
        with alone(folder):
            left = plan(found, folder, job.form)
            progress = Progress(left, already=len(found) - len(left))
            try:
                _run(job, left, workers, ray, gpus, progress)
            except KeyboardInterrupt:
                click.echo("soupstate: interrupted; called again, the job goes on", err=True)
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


def _run(job: Job, left: list[str], workers: int | None, ray: str | None, gpus: float, progress: Progress) -> None:
    if ray is None:
        run_local(job, left, workers or os.cpu_count() or 1, progress)
        return
    try:
        from soupstate.app.batch.ray_cluster import run_ray  # noqa: PLC0415  ray is an extra of its own, and takes seconds to import
    except ModuleNotFoundError as error:
        raise JobError(f"--ray needs {error.name}, which is not installed: pip install 'soupstate[ray]'") from None
    run_ray(job, left, workers, ray, gpus, progress)
