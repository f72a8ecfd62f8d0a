"""Makes lessons of JSON: documents of web pages with the teacher's marks, written anew or damaged.

A lesson begins and ends with the byte 0, which no JSON may hold. So both networks learn where a document may begin and
end, and are surprised where its last bracket is missing.
"""

import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path

import numpy as np

from soupstate.model.net.json_reader import EDGE
from soupstate.model.page.marks import FORMATS
from soupstate.model.train.data.json_damage import damage_json
from soupstate.model.train.data.json_documents import Document, documents
from soupstate.model.train.data.json_teacher import teach_json
from soupstate.model.train.data.lessons import LessonPlan, UnreadableFile, byte_rows, shard_name
from soupstate.model.train.data.shards import MARKS, Rows, write_shard

INDENTS = (None, None, 2, 2, 4, "\t", 1)
WRITINGS = 2  # lessons of each document: as it is, and written anew

Progress = Callable[[Iterable[Document]], Iterable[Document]]


def rewritten(text: str, random: np.random.Generator) -> str:
    """Returns the same document with other white space, and perhaps other escapes. The order of members stays."""
    indent = INDENTS[int(random.integers(len(INDENTS)))]
    comma = "," if indent is not None or random.random() < 0.5 else ", "
    colon = ":" if random.random() < 0.3 else ": "
    separators = (comma, colon)
    written = json.dumps(
        json.loads(text), indent=indent, separators=separators, ensure_ascii=bool(random.random() < 0.3)
    )
    if random.random() < 0.15:
        written = written.replace("/", "\\/")
    return written + ("\n" if random.random() < 0.5 else "")


def json_lesson(text: str, random: np.random.Generator, plan: LessonPlan) -> Rows:
    """Returns the rows (bytes, 1 + heads) of a document, between two EDGE."""
    marks = teach_json(text)
    if random.random() < plan.damaged:
        text, marks = damage_json(text, marks, random)
    edge = np.zeros((1, marks.shape[1]), np.uint8)
    text = f"{EDGE}{text}{EDGE}".encode("utf-8", "replace").decode()
    return byte_rows(text, np.concatenate([edge, marks, edge]))


def make_json_shard(file: Path, out: Path, plan: LessonPlan, progress: Progress = iter) -> tuple[int, Counter[str]]:
    """Writes the shard of a WARC file's documents into the folder `out`. Held-out domains are left out, or alone.

    Returns the bytes of text in the shard, and the number of documents left out by reason. Raises UnreadableFile.
    """
    name = shard_name(file)
    random = np.random.default_rng([plan.seed, zlib.crc32(name.encode())])
    lost: Counter[str] = Counter()

    def lessons() -> Iterator[Rows]:
        for document in progress(documents(file)):
            if document.held_out != plan.held_out:
                lost["of other domains"] += 1
                continue
            yield json_lesson(document.text, random, plan)
            for _ in range(WRITINGS - 1):
                yield json_lesson(rewritten(document.text, random), random, plan)

    try:
        found = lessons()
        first = next(found, None)
        if first is None:
            raise ValueError("no page holds JSON of these domains")
        return write_shard(out / name, chain([first], found), MARKS + len(FORMATS["json"].heads)), lost
    except (OSError, ValueError, EOFError) as error:
        raise UnreadableFile(f"{file}: {error}") from error
