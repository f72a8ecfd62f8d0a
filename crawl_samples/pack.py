"""Pack the sample pages as Common Crawl packs what it crawled.

    python crawl_samples/pack.py            # writes samples-clean and samples-broken.warc.gz
    python crawl_samples/pack.py --check    # status 1 where the files are not what it would write

`pages.json` lists the pages. A broken page is one edit of its undamaged one: at code point `pos`,
`del` code points are replaced by `ins`. Dates and record ids are fixed, so the files are too.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import sys
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from soupstate.model.page.charset import codec
from soupstate.model.page.decode import decode

HERE = Path(__file__).parent
FILES = {"samples-clean.warc.gz": False, "samples-broken.warc.gz": True}
FIRST_DATE = datetime(2026, 11, 3, 4, 5, 6)
AGENT = "soupstate-samples/1.0"


@dataclass(frozen=True)
class Edit:
    """Replace `deleted` code points from `pos` by `inserted`."""

    pos: int
    deleted: int
    inserted: str

    def apply(self, text: str) -> str:
        return text[: self.pos] + self.inserted + text[self.pos + self.deleted :]


@dataclass(frozen=True)
class Sample:
    """A page: `html` as decoded, `body` as served. `undamaged` is the text before the edit."""

    name: str
    url: str
    content_type: str
    charset: str
    kind: str
    malformed: str | None
    html: str
    body: bytes
    undamaged: str | None
    edit: Edit | None


def samples(folder: Path = HERE) -> list[Sample]:
    """All pages, in the order of `pages.json`."""
    return [_sample(entry, folder) for entry in json.loads((folder / "pages.json").read_text("utf-8"))]


def _sample(entry: dict[str, object], folder: Path) -> Sample:
    content_type, charset = str(entry["content_type"]), str(entry["charset"])
    body = (folder / "pages" / str(entry.get("file") or entry["undamaged"])).read_bytes()
    html, undamaged, edit = decode(body, content_type).text, None, None
    if isinstance(fault := entry.get("edit"), dict):
        edit = Edit(fault["pos"], fault["del"], fault["ins"])
        undamaged, html = html, edit.apply(html)
        body = html.encode(codec(charset))
    return Sample(
        name=str(entry["name"]),
        url=str(entry["url"]),
        content_type=content_type,
        charset=charset,
        kind=str(entry["kind"]),
        malformed=str(entry["malformed"]) if entry["malformed"] else None,
        html=html,
        body=body,
        undamaged=undamaged,
        edit=edit,
    )


class Packer:
    """Writes the records of pages; each record has an id made of its type and URL."""

    def __init__(self) -> None:
        self.out = io.BytesIO()
        self.writer = WARCWriter(self.out, gzip=True, warc_version="1.0")
        self.date = FIRST_DATE

    def info(self, filename: str) -> None:
        fields = (
            "isPartOf: SOUPSTATE-SAMPLES\r\npublisher: soupstate\r\n"
            "description: Pages written for tests, as a crawl would have found them\r\n"
            f"software: {AGENT}\r\nformat: WARC File Format 1.0\r\n"
        )
        self.record("warcinfo", filename, fields.encode(), "application/warc-fields", {})

    def page(self, sample: Sample) -> None:
        """A request, its response and their metadata record."""
        self.date += timedelta(seconds=7)
        self.request(sample.url)
        refers = {"WARC-Concurrent-To": _record_id("request", sample.url)}
        http = StatusAndHeaders(
            "200 OK",
            [
                ("Date", self.date.strftime("%a, %d %b %Y %H:%M:%S GMT")),
                ("Content-Type", sample.content_type),
                ("X-Crawl-Content-Encoding", "gzip"),
                ("Content-Length", str(len(sample.body))),
            ],
            protocol="HTTP/1.1",
        )
        refers["WARC-Identified-Payload-Type"] = "text/html"
        self.record("response", sample.url, sample.body, "", refers, http)
        fields = f"fetchTimeMs: {40 + len(sample.body) % 400}\r\ncharset-detected: {sample.charset}"
        refers = {"WARC-Refers-To": _record_id("response", sample.url)}
        self.record("metadata", sample.url, f"{fields}\r\n\r\n".encode(), "application/warc-fields", refers)

    def request(self, url: str) -> None:
        parts = urlsplit(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = [
            ("Host", parts.netloc),
            ("User-Agent", AGENT),
            ("Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"),
            ("Accept-Encoding", "gzip"),
            ("Connection", "Keep-Alive"),
        ]
        http = StatusAndHeaders(f"GET {target} HTTP/1.1", headers, is_http_request=True)
        refers = {"WARC-IP-Address": "192.0.2.7"}
        self.record("request", url, b"", "", refers, http)

    def record(
        self,
        kind: str,
        url: str,
        payload: bytes,
        content_type: str,
        headers: dict[str, str],
        http: StatusAndHeaders | None = None,
    ) -> None:
        fixed = {
            "WARC-Record-ID": _record_id(kind, url),
            "WARC-Date": self.date.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        if kind == "warcinfo":
            fixed["WARC-Filename"] = url
        made = self.writer.create_warc_record(
            "" if kind == "warcinfo" else url,
            kind,
            payload=io.BytesIO(payload),
            length=len(payload),
            warc_content_type=content_type,
            warc_headers_dict=fixed | headers,
            http_headers=http,
        )
        self.writer.write_record(made)


def _record_id(kind: str, url: str) -> str:
    return f"<urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'{kind} {url}')}>"


def pack(name: str, pages: list[Sample]) -> bytes:
    """The bytes of a .warc.gz with these pages."""
    packer = Packer()
    packer.info(name)
    for sample in pages:
        packer.page(sample)
    return packer.out.getvalue()


def _same(path: Path, data: bytes) -> bool:
    """Compared unpacked: builds of zlib differ in what they pack."""
    return path.exists() and gzip.decompress(path.read_bytes()) == gzip.decompress(data)


def main() -> int:
    assert __doc__
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing, compare")
    check = parser.parse_args().check
    pages = samples()
    stale = 0
    for name, broken in FILES.items():
        chosen = [page for page in pages if bool(page.malformed) is broken]
        data = pack(name, chosen)
        if _same(HERE / name, data):
            continue
        if check:
            print(f"{name} is not current: run crawl_samples/pack.py", file=sys.stderr)
            stale = 1
        else:
            (HERE / name).write_bytes(data)
            print(f"{name}: {len(chosen)} pages, {len(data)} bytes")
    return stale


if __name__ == "__main__":
    sys.exit(main())
