"""The pages at /faults of a running service."""

import re
from html import unescape
from html.parser import HTMLParser
from urllib.parse import urljoin

import pytest
from conftest import Running

from soupstate.model.faults.kinds import KINDS


class Links(HTMLParser):
    """The links of a page, and the names of its elements."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.names: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.links += [value for name, value in attrs if name == "href" and value]


def test_the_list_leads_to_every_kind(service: Running) -> None:
    got = service.client.get("/faults")
    assert got.headers["content-type"] == "text/html; charset=utf-8"
    assert {urljoin("/faults", link) for link in Links(got.text).links} == {f"/faults/{kind}" for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_of_a_kind(service: Running, kind: str) -> None:
    got = service.client.get(f"/faults/{kind}")
    found = Links(got.text)
    assert got.status_code == 200 and f"<h1>{kind}</h1>" in got.text
    assert KINDS[kind].what in unescape(re.sub(r"<[^>]*>", "", got.text))
    assert {urljoin(f"/faults/{kind}", link) for link in found.links} == {"/faults", KINDS[kind].url}
    assert not {"script", "img", "link", "iframe"} & found.names
    assert "default-src 'none'" in got.headers["content-security-policy"]


@pytest.mark.parametrize("kind", ["README", "..%2Fdesign", "unpaired-quote.md", ""])
def test_other_pages_are_not_there(service: Running, kind: str) -> None:
    got = service.client.get(f"/faults/{kind}")
    assert got.status_code == 404 and got.headers["content-type"] == "application/problem+json"
