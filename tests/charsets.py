"""Counts how often the charset of a page is detected when the page does not declare it.

    python tests/charsets.py FILE.warc...

Pages are encoded in an old charset that can hold them, and their declarations are removed. A detection is right when
the decoded text is that of the page. Two ways are compared: `decode`, and the detector that `decode` uses, alone.
"""

import argparse
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from resiliparse.parse.encoding import detect_encoding

from soupstate.model.archive.records import read_html
from soupstate.model.page.charset import codec as codec_of
from soupstate.model.page.decode import decode

# Charsets by the script that they are for: by a class of letters, the first that a page has enough of.
CHARSETS = (
    (r"[぀-ヿ]", ("cp932", "euc_jp")),
    (r"[가-힣]", ("cp949",)),
    (r"[一-鿿]", ("gb18030", "big5hkscs")),
    (r"[а-яёіїєґў]", ("cp1251", "koi8_r")),
    (r"[α-ωά-ώ]", ("cp1253", "iso8859_7")),
    (r"[א-ת]", ("cp1255",)),
    (r"[ء-ي]", ("cp1256",)),
    (r"[ก-๛]", ("cp874",)),
    (r"[ışğ]", ("cp1254",)),
    (r"[āēīļņģķėųį]", ("cp1257",)),
    (r"[ąćęłńśźżčďěňřšťůžőűăș]", ("cp1250", "iso8859_2")),
    (r"[à-ÿß]", ("cp1252",)),
)  # fmt: skip
LETTERS = 12  # that a page has of its script
MISSING = 0.02  # share of the characters beyond ASCII that a charset may lack; they become references
MOST = 120  # pages per charset
DECLARATION = re.compile(r"(<meta\b[^>]{0,1024}?\b)charset\s*=|<\?xml\b[^>]*>", re.I)


def cases(pages: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Yields codecs and pages in them, without declarations. Every page is used at most once."""
    made: Counter[str] = Counter()
    for page in pages:
        plain = DECLARATION.sub(lambda found: f"{found[1] or ''}data-was=", page.lstrip("\ufeff"))
        for letters, codecs in CHARSETS:
            if len(re.findall(letters, plain)) < LETTERS:
                continue
            fitting = [codec for codec in codecs if made[codec] < MOST and _holds(plain, codec)]
            if fitting:
                codec = min(fitting, key=lambda codec: (made[codec], codecs.index(codec)))
                body = plain.encode(codec, "xmlcharrefreplace")
                if _is_utf8(body):  # the page was UTF-8 that somebody read as windows-1252
                    break
                made[codec] += 1
                yield codec, body
            break


def _holds(page: str, codec: str) -> bool:
    beyond = sum(not c.isascii() for c in page)
    return len(page.encode(codec, "ignore").decode(codec)) >= len(page) - MISSING * beyond


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def ours(body: bytes) -> str:
    return decode(body).text


def _name(body: bytes) -> str:
    try:
        return decode(body).charset
    except ValueError:
        return "none"


def detector(body: bytes) -> str:
    name = detect_encoding(body) or "utf-8"
    return body.decode(codec_of(name), "replace")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("files", nargs="+", type=Path, metavar="FILE.warc")
    arguments.add_argument("--wrong", action="store_true", help="also list the pages that `decode` takes for another")
    given = arguments.parse_args()
    ways: dict[str, Callable[[bytes], str]] = {"ours": ours, "detector": detector}
    number: Counter[str] = Counter()
    right: dict[str, Counter[str]] = {name: Counter() for name in ways}
    seconds = dict.fromkeys(ways, 0.0)
    for codec, body in cases(read_html(given.files)):
        number[codec] += 1
        for name, way in ways.items():
            start = time.process_time()
            try:
                text = way(body)
            except ValueError as error:
                text = str(error)
            seconds[name] += time.process_time() - start
            good = text == body.decode(codec)
            right[name][codec] += good
            if given.wrong and name == "ours" and not good:
                print(f"{codec} read as {_name(body)}: {len(body)} bytes")
    print("| charset | pages | " + " | ".join(ways) + " |\n|---|---|" + "---|" * len(ways))
    for codec in number:
        print(f"| {codec} | {number[codec]} | " + " | ".join(str(right[name][codec]) for name in ways) + " |")
    total = sum(number.values())
    print(f"| all | {total} | " + " | ".join(str(sum(right[name].values())) for name in ways) + " |")
    print("| s/page | | " + " | ".join(f"{seconds[name] / max(1, total):.4f}" for name in ways) + " |")


if __name__ == "__main__":
    main()
