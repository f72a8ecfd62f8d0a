"""Addresses: absolute, bounded in length, and none in Markdown that runs a script."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from soupstate.model.page.render.addresses import (
    ADDED,
    GROWTH,
    LONGEST_ADDRESS,
    LONGEST_BASE,
    Addresses,
    is_safe,
    resolve,
)
from soupstate.model.page.render.links import links
from soupstate.model.page.render.markdown import markdown
from soupstate.model.page.spans import spans_of_marks
from soupstate.model.train.data.teacher import teach

SCRIPTS = [
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    "vbscript:msgbox(1)",
    "data:text/html,<script>alert(1)</script>",
]
SCRIPTS += ["data:image/svg+xml,<svg onload=alert(1)>", "data:,x", "DATA:text/html;base64,PHA+", "javascript:"]
DISGUISES = ["{}", " \t{}", "\x01{}", "&#106;{0[1]}"]


def disguised(script: str) -> list[str]:
    """The script's address as a page may write it, so that a browser still runs it."""
    name, _, rest = script.partition(":")
    entity = f"&#{ord(name[0])};{name[1:]}:{rest}"
    lines = f"{name[:2]}\n{name[2:]}\t:{rest}"
    return [script, f" \t{script}", f"\x01{script}", f"&#1;{script}", entity, lines, f"{name}&colon;{rest}"]


CASES = list(itertools.chain.from_iterable(disguised(script) for script in SCRIPTS))


PIECES = [*"/.:?#;@aé%&= \t-~[", "..", "//", "http:", "https://", "h.org", "HTTP://", "/a", "x:"]
ADDRESS = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)
BASES = [None, "", "https://h.org", "http://h.org/a/b?c#d", "https://u:p@H.org:80/a;b", "file:///a", "x:y", "http://["]


@given(ADDRESS, st.sampled_from(BASES) | ADDRESS)
def test_most_addresses_are_made_absolute_without_urljoin_but_as_it_does(href: str, base: str | None) -> None:
    assert Addresses("", base).absolute(href) == resolve(href, base)


@pytest.mark.parametrize(
    "href", ["/", "/a/b.html?c=d/../e;f#g", "/.a", "/a/../b", "//h/a", "/a//b", "/a;", "/a?", "/a#"]
)
def test_addresses_below_the_host(href: str) -> None:
    for base in BASES:
        assert Addresses("", base).absolute(href) == resolve(href, base)


@pytest.mark.parametrize(
    "href",
    ["https://h", "https://", "https:/a", "http://h.org/a;", "http://h/?", "http://h#", "http:///a", "http://h["]
    + ["http://h/a/../b?c#d", "https://h/ a", "http://h:80/a", "http://h\t.org/", "https:a", "HTTPS://h/a"],
)
def test_whole_addresses(href: str) -> None:
    for base in BASES:
        assert Addresses("", base).absolute(href) == resolve(href, base)


@pytest.mark.parametrize("written", CASES)
@pytest.mark.parametrize("url", [None, "https://example.org/a"])
def test_no_link_or_image_of_markdown_runs_a_script(written: str, url: str | None) -> None:
    written = written.replace('"', "&quot;")
    page = (
        f'<p>See <a href="{written}">the <b>list</b></a> and <img src="{written}" alt="map"> <a href="/x">here</a>.</p>'
    )
    spans = spans_of_marks(page, teach(page))
    made = markdown(page, spans, url)
    shown = MarkdownIt().render(made)
    here = "https://example.org/x" if url else "/x"
    assert made == f"See the **list** and [here]({here})."
    assert shown.count("href=") == 1 and "src=" not in shown and "script" not in shown
    assert len(links(page, spans, url)) == 2  # links stay as they stand in the page


@pytest.mark.parametrize(
    "address",
    [
        "",
        "/a",
        "a:b",
        "https://h/javascript:x",
        "mailto:a@h",
        "#javascript:",
        "data:image/png;base64,iVBO",
        "x?data:text/html",
    ],
)
def test_other_addresses_are_safe(address: str) -> None:
    assert is_safe(address)


def test_a_base_of_scripts_makes_no_link() -> None:
    page = '<base href="javascript:/"><a href="alert(1)">x</a>'
    assert "javascript" not in markdown(page, spans_of_marks(page, teach(page)), "https://example.org/")


def test_a_page_adds_a_bounded_number_of_characters() -> None:
    """Thousands of links with a long base do not make an answer a thousand times as long as the page."""
    page = f'<base href="http://h/{"x" * 7000}/">' + '<a href="y">z</a>' * 1000
    spans = spans_of_marks(page, teach(page))
    found = links(page, spans, "http://h/")
    assert len(found) == 1000 and found[0].url == f"http://h/{'x' * 7000}/y" and found[-1].url is None
    assert sum(len(link.url or "") for link in found) <= ADDED + GROWTH * len(page)
    assert len(markdown(page, spans, "http://h/")) <= ADDED + (GROWTH + 1) * len(page)


def test_endless_addresses() -> None:
    assert Addresses("", f"http://h/{'x' * LONGEST_BASE}/").absolute("y") is None
    assert Addresses("", "http://h/").absolute("y" * (LONGEST_ADDRESS + 1)) is None
    assert not is_safe("y" * (LONGEST_ADDRESS + 1)) and is_safe("y" * LONGEST_ADDRESS)
