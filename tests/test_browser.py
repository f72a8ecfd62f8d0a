"""The page at / in a real browser, with the shipped weights and a service in a process of its own."""

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from conftest import Running, served
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

from soupstate.model.corrections.correction import written
from soupstate.model.corrections.store import Store

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="needs Chromium; install the package chromium")
READ = re.compile(r"read in [\d.]+ s")
HOSTILE = """<title>"><img src=x onerror=alert(1)></title>
<p>&lt;script>alert(2)&lt;/script> &lt;img src=x onerror=alert(3)>
![a](javascript:alert(4)) [b](javascript:alert(5))</p>
<a href="javascript:alert(6)" rel='"><svg onload=alert(7)>'>run</a>
<a href="data:text/html,<script>alert(8)</script>">d</a>
<a href='https://example.org/"onmouseover="alert(9)'>out</a>
<a href="/x><img src=x onerror=alert(10)>"title=a title=b>twice</a>
<img alt="<img src=x onerror=alert(11)>" src="javascript:alert(12)"> <p class="x>"<script>alert(13)</script>lost</p>
"""


@dataclass
class Opened:
    """A browser's page on the service, and what went wrong in it."""

    page: Page
    url: str
    console: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)

    def text(self) -> str:
        """The source in the editor, where all of its lines are drawn."""
        return "\n".join(self.page.locator(".cm-line").all_inner_texts())

    def read(self, seconds: float = 15) -> None:
        """Waits until the source has been read."""
        expect(self.page.locator("#status")).to_have_text(READ, timeout=seconds * 1000)

    def paste(self, text: str) -> None:
        """Pastes a text in place of the source."""
        self.page.evaluate("text => navigator.clipboard.writeText(text)", text)
        self.page.locator(".cm-content").click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.press("Control+v")
        expect(self.page.locator("#status")).to_contain_text(f" {len(text):,} characters", timeout=15_000)

    def tab(self, name: str) -> Locator:
        """Chooses a tab. Returns its panel."""
        self.page.get_by_role("tab", name=name, exact=True).click()
        return self.page.get_by_role("tabpanel")


@pytest.fixture(scope="module")
def service_url() -> Iterator[str]:
    with served("--workers", "2") as (url, _):
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


def opened(context: BrowserContext, url: str) -> Opened:
    """Opens the page. Console messages, requests and dialogs are collected."""
    found = Opened(context.new_page(), url)
    found.page.on("console", lambda message: found.console.append(message.text))
    found.page.on("pageerror", lambda error: found.console.append(str(error)))
    found.page.on("request", lambda request: found.asked.append(request.url))

    def dialog(shown: Any) -> None:
        found.dialogs.append(shown.message)
        shown.dismiss()

    found.page.on("dialog", dialog)
    found.page.goto(url)
    return found


@pytest.fixture
def site(browser: Browser, service_url: str) -> Iterator[Opened]:
    """The page, which has read its first example. Afterwards: nothing was loaded from elsewhere, and no error came."""
    with browser.new_context(permissions=["clipboard-read", "clipboard-write"]) as context:
        found = opened(context, service_url)
        found.read()
        yield found
        assert all(url.startswith(f"{service_url}/") for url in found.asked)
        assert found.console == [] and found.dialogs == []


def test_a_new_user_mends_a_page_and_copies_the_markdown(site: Opened) -> None:
    page = site.page
    expect(page.locator("#fault-list")).to_contain_text("a quote is missing")
    expect(page.locator("#fault-list")).to_contain_text("the end tag </script> is missing")
    assert page.locator(".fault").count() == 2
    panel = page.get_by_role("tabpanel")
    expect(panel.locator("h1")).to_have_text("Night ferry returns")
    expect(panel.locator("li")).to_have_text(["Leaves at 22:40", "Arrives at 06:15"])
    faults = page.locator("#fault-list li")
    faults.filter(has_text="a quote is missing").get_by_role("button", name="Fix").click()
    assert '<a href="/tickets.html">at the pier</a>' in site.text()
    site.read()
    expect(faults).to_contain_text(["the end tag </script> is missing"])
    faults.get_by_role("button", name="Fix").click()
    site.read()
    expect(page.locator("#status")).to_contain_text("No likely fault")
    assert page.locator("#fault-list li").count() == page.locator(".fault").count() == 0
    page.get_by_role("button", name="Copy").click()
    expect(page.locator("#copy")).to_have_text("Copied")
    assert "- Leaves at 22:40\n- Arrives at 06:15" in page.evaluate("() => navigator.clipboard.readText()")


def test_a_fault_is_fixed_where_it_is_underlined(site: Opened) -> None:
    site.page.locator(".fault").last.hover()
    tip = site.page.locator(".fault-tip")
    expect(tip).to_contain_text("a quote is missing")
    tip.get_by_role("button", name="Fix").click()
    assert 'href="/tickets.html">' in site.text()
    site.page.keyboard.press("Control+z")
    assert 'href="/tickets.html>' in site.text()


def test_a_fault_links_to_the_page_about_its_kind(site: Opened) -> None:
    link = site.page.locator("#fault-list").get_by_role("link", name="unpaired-quote")
    with site.page.context.expect_page() as shown:
        link.click()
    assert shown.value.url == f"{site.url}/faults/unpaired-quote"
    expect(shown.value.locator("h1")).to_have_text("unpaired-quote")


@pytest.mark.slow
def test_all_faults_are_fixed_in_rounds(site: Opened) -> None:
    """Of two fixes near each other, the second one waits for the next round. One undo takes all of them back."""
    page = (
        '<title>Tea</title>\n<p>Tickets are sold <a href="/tickets.html>at the pier</a> and <em>on board<em>, '
        "also on <b>Sunday</b>.</p>\n<p>More</p>\n"
    )
    site.paste(page)
    expect(site.page.locator("#fault-list li")).to_have_count(2)
    site.page.get_by_role("button", name="Fix all").click()
    expect(site.page.locator("#status")).to_contain_text("No likely fault", timeout=15_000)
    assert site.text().strip() == page.replace(".html>", '.html">').replace("board<em>", "board</em>").strip()
    site.page.keyboard.press("Control+z")
    assert site.text().strip() == page.strip()


@pytest.mark.slow
def test_every_example_shows_what_its_name_says(site: Opened) -> None:
    site.page.get_by_label("Example").select_option(label="a table with three faults")
    expect(site.page.locator("#status")).to_contain_text("3 likely faults", timeout=15_000)
    site.page.get_by_role("button", name="Fix all").click()
    expect(site.page.locator("#status")).to_contain_text("No likely fault", timeout=15_000)
    site.page.get_by_label("Example").select_option(label="Chinese")
    expect(site.page.locator("#status")).to_contain_text("One likely fault", timeout=15_000)


@pytest.mark.slow
def test_an_empty_editor_shows_no_result(site: Opened) -> None:
    site.page.locator(".cm-content").click()
    site.page.keyboard.press("Control+a")
    site.page.keyboard.press("Delete")
    expect(site.page.locator("#status")).to_contain_text("Paste a page")
    for empty in ("#panel", "#fault-list", "#inspected", "#curves"):
        expect(site.page.locator(empty)).to_be_empty()
    assert site.page.locator("#cells canvas").evaluate("canvas => canvas.height") == 0
    site.paste("<p>tea")
    expect(site.page.get_by_role("tabpanel")).to_contain_text("tea")


@pytest.mark.slow
def test_faults_that_are_less_likely(site: Opened) -> None:
    """That of an open comment stands at the end of a line, and is seen there too."""
    site.paste(
        "<title>Tide table</title>\n<!-- by the tide office\n<h1>Tide table</h1>\n<p>High water is at nine.</p>\n"
    )
    site.page.get_by_label("less likely ones too").check()
    item = site.page.locator("#fault-list li", has_text="a comment is not closed")
    expect(item).to_be_visible()
    marks = site.page.locator(".fault").all_inner_texts()
    assert len(marks) == site.page.locator("#fault-list li").count() and all(text.strip() for text in marks)
    item.get_by_role("button", name="Fix").click()
    site.read()
    assert site.text().split("<h1>")[0].rstrip().endswith("-->")


@pytest.mark.slow
def test_the_tabs(site: Opened) -> None:
    site.paste(
        "<title>Tea</title><nav><a href=/>Home</a></nav><h2>Two cups</h2><p>Some <b>tea</b> for <i>you</i>, and more."
    )
    site.page.get_by_label("Page address").fill("https://example.org/")
    site.page.get_by_label("Page address").press("Enter")
    expect(site.tab("Markdown").get_by_role("link", name="Home")).to_have_attribute("href", "https://example.org/")
    assert site.tab("Markdown").get_by_role("link", name="Home").get_attribute("rel") == "noopener noreferrer"
    expect(site.tab("Markdown source")).to_contain_text("Some **tea** for *you*, and more.")
    expect(site.tab("Text")).to_contain_text("Some tea for you, and more.")
    expect(site.tab("Main content")).to_contain_text("Expected F1 of words")
    expect(site.tab("Links").locator("tbody tr")).to_have_text("Homehttps://example.org/")
    expect(site.tab("JSON")).to_contain_text('"title": "Tea"')
    expect(site.tab("Use it")).to_contain_text(f"'{site.url}/extract?url=https%3A%2F%2Fexample.org%2F'")
    site.page.keyboard.press("Home")
    expect(site.page.get_by_role("tab", selected=True)).to_have_text("Markdown")
    site.page.keyboard.press("ArrowLeft")
    expect(site.page.get_by_role("tab", selected=True)).to_have_text("Use it")


@pytest.mark.slow
def test_colours(site: Opened) -> None:
    page = site.page
    assert page.locator(".s-tag").count() > 10 and page.locator(".s-href", has_text="/news").count() == 1
    assert page.locator(".s-href", has_text="/tickets.html").count() == 1  # in spite of the lost quote
    for name in ("surprisal", "entropy", "depth"):
        page.get_by_label(name, exact=True).check()
        expect(page.locator(".s-tag")).to_have_count(0)
        levels = {
            re.sub(r".*\bh-(\d+).*", r"\1", mark.get_attribute("class") or "")
            for mark in page.locator("[class*=h-]").all()
        }
        assert len(levels) > 3
    page.get_by_label("syntax", exact=True).check()
    assert page.locator(".s-tag").count() > 10


@pytest.mark.slow
def test_one_cursor(site: Opened) -> None:
    """In the editor, over the curves and in what is said below; 😀 is one character."""
    site.paste("<p>😀😀 tea <b>two</b></p>")
    page = site.page
    page.locator(".cm-content").click()
    page.keyboard.press("Control+Home")
    for _ in range(7):
        page.keyboard.press("ArrowRight")
    said = page.locator("#inspected")
    expect(said).to_contain_text("e at 7")
    expect(said.locator(".expected li")).to_have_count(5)
    expect(said).to_contain_text("markstext")
    expect(said.locator(".cells .held", has_text="p 1")).to_have_count(1)
    expect(page.locator(".point")).to_have_text("e")
    box = page.locator(".u-over").bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] * 3.5 / 23, box["y"] + 20)
    expect(said).to_contain_text("😀 at 3")
    expect(page.locator(".point")).to_have_text("😀")


def test_hostile_text_stays_text(site: Opened) -> None:
    site.page.get_by_label("Page address").fill('https://example.org/"><img/src=x/onerror=alert(0)>')
    site.paste(HOSTILE)
    site.page.get_by_label("less likely ones too").check()
    for name in ("Markdown", "Markdown source", "Text", "Main content", "Links", "JSON", "Use it"):
        panel = site.tab(name)
        expect(panel).not_to_be_empty()
        assert panel.locator("script, img, svg, iframe, [onerror], [onmouseover], [onload]").count() == 0
        for address in panel.locator("a").evaluate_all("links => links.map(link => link.href)"):
            assert re.match("(https?|mailto):", address)
    expect(site.tab("Links")).to_contain_text("javascript:alert(6)")
    for mark in site.page.locator(".fault").all():
        mark.hover()
    site.page.locator(".cm-content").click()
    expect(site.page.locator(".expected li")).to_have_count(5)
    assert site.page.locator("body script, body img").count() == 0


def test_a_file_is_opened_or_dropped_and_decoded(site: Opened) -> None:
    body = "<meta charset=windows-1251><title>Паром</title><p>Ночной паром</p>".encode("cp1251")
    site.page.locator("#file").set_input_files({"name": "p.html", "mimeType": "text/html", "buffer": body})
    expect(site.page.locator(".cm-content")).to_contain_text("Ночной паром")
    dropped = """() => {
        const data = new DataTransfer();
        data.items.add(new File(["<p>Dropped tea"], "tea.html", {type: "text/html"}));
        const event = new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true});
        document.querySelector("#panel").dispatchEvent(event);
    }"""
    site.page.evaluate(dropped)
    expect(site.page.locator(".cm-content")).to_have_text("<p>Dropped tea")
    site.read()


def test_typing_drops_the_request_before(site: Opened) -> None:
    failed: list[str] = []
    site.page.on("requestfailed", lambda request: failed.append(request.failure or ""))
    page = "".join(f"<p>Ferry {n} leaves at <b>{n % 24}:{n % 60:02}</b></p>\n" for n in range(4000))
    site.page.locator("#file").set_input_files({"name": "p.html", "mimeType": "text/html", "buffer": page.encode()})
    expect(site.page.locator("#status")).to_contain_text("Reading")
    site.page.locator(".cm-content").click()
    site.page.keyboard.press("Control+a")
    site.page.keyboard.type("<p>tea")
    site.read()
    assert failed and set(failed) == {"net::ERR_ABORTED"}
    expect(site.page.locator("#status")).to_contain_text("6 characters")


def test_what_the_service_refuses_is_said(site: Opened) -> None:
    """An address that it does not take is said beside the field, and the page is read without it."""
    field, wrong = site.page.get_by_label("Page address"), site.page.locator("#url-wrong")
    for address in ("ftp://example.org/", "example.org"):
        field.fill(address)
        field.press("Enter")
        expect(wrong).to_contain_text("not an absolute http or https address")
        site.read()
        assert {line.partition(":")[0] for line in site.console} == {"Failed to load resource"}
        site.console.clear()
    site.paste("<p><a href=/tea>tea</a></p>")
    expect(wrong).to_be_visible()
    field.fill("https://example.org/")
    field.press("Enter")
    expect(site.page.get_by_role("tabpanel").get_by_role("link")).to_have_attribute("href", "https://example.org/tea")
    expect(wrong).to_be_hidden()


def test_the_key_is_asked_for(browser: Browser, serve: Callable[..., Running]) -> None:
    running = serve(api_key="tea-4-two")
    with browser.new_context() as context:
        site = opened(context, str(running.client.base_url))
        status = site.page.locator("#status")
        expect(status).to_contain_text("answers only with its API key")
        site.page.get_by_label("API key").fill("coffee")
        site.page.get_by_role("button", name="Use it").click()
        expect(status).to_contain_text("does not take this API key")
        site.page.get_by_label("API key").fill("tea-4-two")
        site.page.get_by_role("button", name="Use it").click()
        site.read()
        expect(site.page.locator("#ask-key")).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.slow
def test_a_phone(browser: Browser, service_url: str, scheme: Any) -> None:
    with browser.new_context(viewport={"width": 360, "height": 700}, color_scheme=scheme, has_touch=True) as context:
        site = opened(context, service_url)
        site.read()
        assert site.page.evaluate("() => document.documentElement.scrollWidth") <= 360
        dark = site.page.evaluate("() => getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
        assert dark == (scheme == "dark")
        names = site.page.evaluate(
            "() => [...document.querySelectorAll('button, input, select')]"
            ".filter(control => !control.labels?.length && !control.textContent).map(control => control.id)"
        )
        assert names == [], "without a label"


def test_it_works_by_keyboard(site: Opened) -> None:
    """Every control is reached with Tab, also past the editor."""
    reached = set()
    for _ in range(30):
        site.page.keyboard.press("Tab")
        reached.add(site.page.evaluate("() => document.activeElement.id || document.activeElement.className"))
    assert {"example", "file", "editor", "unlikely", "fix", "url", "copy", "tab-0", "panel", "zoom-in"} <= reached


@pytest.mark.slow
def test_a_page_of_a_megabyte(site: Opened) -> None:
    row = "<tr><td><a href='/boats/{0}'>Boat {0}</a></td><td>leaves at {1}:{2:02} from the <b>west quay</b></td></tr>"
    rows = "".join(row.format(n, n % 24, n % 60) + ("\n" if n % 50 == 0 else "") for n in range(11_000))
    body = f"<!doctype html><title>Boats</title><table>{rows}</table><p>The last 😀 <i>word".encode()
    assert len(body) > 1_000_000
    page = site.page
    page.locator("#file").set_input_files({"name": "p.html", "mimeType": "text/html", "buffer": body})
    expect(page.locator("#status")).to_contain_text("Looking for faults", timeout=60_000)
    site.read(180)
    elements = """() => [document, document.querySelector('#editor').shadowRoot]
        .map(root => root.querySelectorAll('*').length)"""
    assert sum(page.evaluate(elements)) < 20_000
    page.locator(".cm-content").click()
    page.keyboard.press("Control+End")
    expect(page.locator(".cm-content")).to_contain_text("The last 😀 <i>word")
    expect(page.locator(".s-tag", has_text="<i>")).to_have_count(1)
    page.get_by_label("surprisal", exact=True).check()
    expect(page.locator("[class*=h-]").first).to_be_visible()
    for name in ("Markdown", "Links", "JSON", "Text"):
        expect(site.tab(name)).to_contain_text("Boat")
    slowest = """() => new Promise(done => {
        let [last, slowest, frames] = [performance.now(), 0, 0];
        const step = now => {
            slowest = Math.max(slowest, now - last); last = now;
            ++frames < 60 ? requestAnimationFrame(step) : done(slowest);
        };
        document.querySelector('#editor').shadowRoot.querySelector('.cm-scroller').scrollTop = 1000;
        requestAnimationFrame(step);
    })"""
    assert page.evaluate(slowest) < 1000


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "corrections.db"


@pytest.fixture
def correctable(browser: Browser, store: Path) -> Iterator[Opened]:
    """The page of a service that keeps corrections."""
    with served("--corrections", str(store)) as (url, _), browser.new_context() as context:
        found = opened(context, url)
        found.read()
        yield found
        assert found.console == [] and found.dialogs == []


def kept(store: Path) -> list[tuple[str, dict[str, Any]]]:
    """The corrections of a store, each with its page."""
    with Store(store) as found:
        return [(each.html, written(each.correction)) for each in found.all()]


def test_a_person_says_what_is_wrong(correctable: Opened, store: Path) -> None:
    page, status = correctable.page, correctable.page.locator("#status")
    faults = page.locator("#fault-list li").filter(has_text="a quote is missing")
    faults.get_by_role("button", name="This is no fault").click()
    expect(status).to_have_text("This is no fault. The service keeps it.")
    faults.get_by_role("button", name="This fix is right").click()
    expect(status).to_have_text("This fix is right. The service keeps it.")
    [(source, fault), (_, fix)] = kept(store)
    assert source.rstrip() == correctable.text().rstrip()
    place = source.index("/tickets.html>")
    assert fault["kind"] == "fault" and fault["id"] == "unpaired-quote" and fault["right"] is False
    assert fix == {"kind": "fix", "start": place + 13, "end": place + 13, "replacement": '"'}

    page.get_by_text("This is wrong", exact=True).click()
    page.get_by_role("button", name="The selection is no link").click()
    expect(status).to_have_text("Select a part of the source first.")
    correctable.tab("Text").locator("pre").select_text()
    page.get_by_role("button", name="The selection is the main content").click()
    expect(status).to_have_text("The selection is the main content. The service keeps it.")
    assert "After two winters at the quay" in kept(store)[2][1]["right"]["text"]

    page.locator(".cm-content").click()
    page.keyboard.press("Control+Home")
    page.keyboard.press("Shift+ArrowDown")
    page.get_by_role("button", name="The selection is the main content").click()
    expect(status).to_have_text(
        "The selection is the main content. The service keeps it instead of what was said before."
    )
    line = source.index("\n") + 1
    assert kept(store)[3][1] == {"kind": "main", "right": {"spans": [[0, line]]}}
    page.get_by_role("button", name="The selection is a link").click()
    expect(status).to_have_text("The selection is a link. The service keeps it.")
    page.get_by_role("button", name="The selection is a link").click()
    expect(status).to_have_text("The selection is a link. The service knew that already.")
    assert kept(store)[4][1] == {"kind": "link", "start": 0, "end": line, "right": True}
    page.get_by_role("button", name="The page has no main content").click()
    expect(status).to_contain_text("The page has no main content. The service keeps it")
    assert kept(store)[5][1] == {"kind": "main", "right": {"spans": []}}


def test_a_service_without_a_store_offers_no_correction(site: Opened) -> None:
    expect(site.page.get_by_text("This is wrong", exact=True)).to_be_hidden()
    assert site.page.locator(".judge").count() == 0
