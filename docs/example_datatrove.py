"""A datatrove pipeline with Soupstate in the place of Trafilatura.

python docs/example_datatrove.py crawl_samples out
"""

import sys

from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.writers.jsonl import JsonlWriter

from soupstate.app.batch.integrations.datatrove import SoupstateExtractor, SoupstateWarcReader


def pipeline(source: str, out: str, **options: object) -> LocalPipelineExecutor:
    """WARC files of a folder into JSON lines of their main text; datatrove's own WarcReader will do as well."""
    return LocalPipelineExecutor(
        pipeline=[
            SoupstateWarcReader(source, glob_pattern="*.warc.gz"),
            SoupstateExtractor(**options),  # type: ignore[arg-type]
            JsonlWriter(f"{out}/pages"),
        ],
        tasks=2,
        workers=1,
        logging_dir=f"{out}/logs",
    )


if __name__ == "__main__":
    pipeline(sys.argv[1], sys.argv[2]).run()
