"""Writes docs/page.png: the page at / with its first example, the cursor at the fault.

python tests/screenshot.py        # needs Chromium, and Pillow, which the extra train brings
"""

import io
from pathlib import Path

from conftest import served
from PIL import Image
from playwright.sync_api import expect, sync_playwright
from test_browser import CHROMIUM, READ

FILE = Path(__file__).parents[1] / "docs" / "page.png"
SIZE = {"width": 1240, "height": 1150}
COLOURS = 64


def main() -> None:
    """Starts a service and a browser."""
    with served("--workers", "2") as (url, _), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE)  # type: ignore[arg-type]
        page.goto(url)
        expect(page.locator("#status")).to_have_text(READ, timeout=20_000)
        page.get_by_label("surprisal", exact=True).check()
        page.locator(".fault").last.hover()
        expect(page.locator(".fault-tip")).to_be_visible()
        expect(page.locator(".expected li")).to_have_count(5)
        shot = Image.open(io.BytesIO(page.screenshot()))
        shot.convert("RGB").quantize(COLOURS).save(FILE, optimize=True)
        browser.close()


if __name__ == "__main__":
    main()
