"""Compares the text of pages with what a browser shows of them: `innerText`, in Chromium.

    python tests/inner_text.py pages.warc [--weights NAME.safetensors | --teacher] [--styles] [--limit 100]

prints the F1 of word pairs, averaged over pages. Words that are next to each other are a pair, so a space too many or
too few costs two or three pairs. Words are counted twice: as runs of letters, and as all between two white spaces,
where punctuation counts too. Chromium reads each page in a frame without scripts and without network. It applies no
style sheets, because the project reads none, unless --styles asks for those that the page holds. No text is kept.
"""

import argparse
import html
import json
import re
import subprocess
import tempfile
import urllib.parse
from collections.abc import Callable, Iterator
from itertools import islice, pairwise
from pathlib import Path
from statistics import mean

from soupstate import Soupstate
from soupstate.model.archive.records import read_pages
from soupstate.model.page.render.text import text
from soupstate.model.page.spans import spans_of_marks
from soupstate.model.train.data.teacher import teach
from soupstate.model.train.evaluation.score import f1, words

TOGETHER = 20  # pages that one Chromium reads
SECONDS = 300  # after which it is given up
LONGEST = 300_000  # characters of a page; longer ones are left out, because Chromium takes very long for some

# Frames inherit the policy. A frame that may not run scripts shows `noscript`, which browsers do not otherwise.
HARNESS = """<!doctype html><meta charset=utf-8>
<meta http-equiv=Content-Security-Policy content="default-src 'none'; script-src 'unsafe-inline'; style-src %s">
<script type=application/json id=pages>%s</script>
<pre id=answer></pre>
<script>
const shown = JSON.parse(document.getElementById("pages").textContent).map(page => {
  const frame = document.createElement("iframe");
  frame.sandbox = "allow-same-origin";
  frame.width = 1280; frame.height = 800;
  document.body.append(frame);
  const inside = frame.contentDocument;
  inside.open(); inside.write(page); inside.close();
  inside.querySelectorAll("noscript").forEach(each => each.remove());
  const text = inside.body ? inside.body.innerText : "";
  frame.remove();
  return text;
});
document.getElementById("answer").textContent = encodeURIComponent(JSON.stringify(shown));
</script>
"""


def inner_texts(pages: list[str], chromium: str, styles: bool) -> list[str]:
    """Returns the `innerText` of the bodies of pages. Raises CalledProcessError and TimeoutExpired."""
    held = json.dumps([page.replace("\0", "") for page in pages]).replace("<", "\\u003c")
    with tempfile.TemporaryDirectory() as folder:
        harness = Path(folder, "harness.html")
        harness.write_text(HARNESS % ("'unsafe-inline'" if styles else "'none'", held), encoding="utf-8")
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND"]
        command = [chromium, *options, f"--user-data-dir={folder}/profile", "--dump-dom", harness.as_uri()]
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=True)
    answer = re.search(r'<pre id="answer">([^<]+)</pre>', done.stdout)
    if answer is None:
        raise RuntimeError("Chromium gave no answer")
    texts: list[str] = json.loads(urllib.parse.unquote(html.unescape(answer[1])))
    return texts


def by_teacher(page: str) -> str:
    """Returns the text of a page by the teacher's marks, so that rendering is measured without the network."""
    return text(page, spans_of_marks(page, teach(page)))


def pair_f1(wanted: list[str], got: list[str]) -> float:
    """Returns the F1 of the pairs of neighbours in two lists of words."""
    return f1(list(pairwise(wanted)), list(pairwise(got)))


def batches(files: list[Path], limit: int | None) -> Iterator[list[str]]:
    """Yields the HTML of the pages of some archives, TOGETHER at a time."""
    pages = islice((page.html for file in files for page in read_pages(file) if len(page.html) <= LONGEST), limit)
    while batch := list(islice(pages, TOGETHER)):
        yield batch


def compare(pages: Iterator[list[str]], text_of: Callable[[str], str], chromium: str, styles: bool) -> None:
    """Prints the F1 of word pairs, averaged over pages."""
    letters, spaces, single = [], [], []
    for batch in pages:
        for page, wanted in zip(batch, inner_texts(batch, chromium, styles), strict=True):
            got = text_of(page)
            single.append(f1(words(wanted), words(got)))
            letters.append(pair_f1(words(wanted), words(got)))
            spaces.append(pair_f1(wanted.split(), got.split()))
    print(f"pages {len(letters)}  words {mean(single):.4f}  pairs of words {mean(letters):.4f}", end="  ")
    print(f"pairs between white space {mean(spaces):.4f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archives", nargs="+", type=Path, help="WARC files")
    parser.add_argument("--weights", type=Path, help="a checkpoint; the shipped one by default")
    parser.add_argument("--teacher", action="store_true", help="use the teacher's marks instead of a network's")
    parser.add_argument("--styles", action="store_true", help="let Chromium apply the style sheets that pages hold")
    parser.add_argument("--limit", type=int, help="how many pages to read at most")
    parser.add_argument("--chromium", default="chromium", help="the command that starts it")
    given = parser.parse_args()
    soupstate = Soupstate(given.weights)
    text_of = by_teacher if given.teacher else lambda page: soupstate.extract(page).text
    compare(batches(given.archives, given.limit), text_of, given.chromium, given.styles)


if __name__ == "__main__":
    main()
