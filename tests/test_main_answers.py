"""What answers say of main content: confidence, page type, blocks with offsets, and what is favoured."""

import json
from pathlib import Path

import pyarrow as pa
import pytest
from click.testing import CliRunner
from starlette.testclient import TestClient

import soupstate
from soupstate.app.cli.main import soupstate as command
from soupstate.app.http.networks import load_networks
from soupstate.app.http.service import create_app
from soupstate.app.http.settings import Settings
from soupstate.arrow import extract_batch
from soupstate.model.net.block_head import PAGE_TYPES

RECIPE = """<!doctype html><html lang=en><head><title>Pea soup - The Kitchen</title><script>var page = {
%s};</script></head><body><nav><ul><li><a href="/">Home</a></li><li><a href="/recipes">Recipes</a></li>
<li><a href="/about">About</a></li></ul></nav><article><h1>Pea soup</h1><p>A plain soup of split peas, for four people.
It keeps for three days, and it is better on the second. My grandmother made it every Thursday of the winter.</p>
<h2>What you need</h2><ul><li>500 g of split peas</li><li>2 onions</li><li>1 carrot</li></ul><h2>How it is made</h2>
<p>Soak the peas overnight in plenty of cold water, and drain them. Boil them with the onions for an hour, until they
fall apart. Add the carrot for the last ten minutes, and salt only at the end.</p></article><footer><a href="/terms">
Terms</a> <a href="/privacy">Privacy</a> All rights reserved.</footer></body></html>""" % ("  'x': 'y',\n" * 400)


def test_python() -> None:
    page = soupstate.extract(RECIPE, scope="main")
    assert page.confidence is not None and 0 < page.confidence <= 1 and page.page_type in PAGE_TYPES
    assert page.main_blocks and "Soak the peas overnight" in page.text and "Privacy" not in page.text
    shown = [RECIPE[block.start : block.end] for block in page.main_blocks if block.main]
    assert any(part.startswith("Soak the peas") for part in shown) and "500 g of split peas" in shown
    assert all(0 <= block.probability <= 1 for block in page.main_blocks)
    whole = soupstate.extract(RECIPE)
    assert (whole.confidence, whole.page_type, whole.main_blocks) == (None, None, None)
    assert soupstate.Soupstate().extract_many([RECIPE], scope="main") == [page]


def test_favors() -> None:
    chosen = []
    for favor in ("precision", "balanced", "recall"):
        blocks = soupstate.extract(RECIPE, scope="main", favor=favor).main_blocks or []
        chosen.append({(block.start, block.end) for block in blocks if block.main})
    assert chosen[0] <= chosen[1] <= chosen[2] and chosen[0]
    with pytest.raises(ValueError, match="favor is 'balanced', 'precision' or 'recall', not 'speed'"):
        soupstate.extract(RECIPE, favor="speed")  # type: ignore[arg-type]


def test_a_network_without_block_head_has_no_confidence(weights: Path) -> None:
    page = soupstate.Soupstate(weights).extract(RECIPE, scope="main")
    assert (page.confidence, page.page_type, page.main_blocks) == (None, None, [])


def test_command_line(tmp_path: Path) -> None:
    path = tmp_path / "soup.html"
    path.write_text(RECIPE, "utf-8")

    def answer(*options: str) -> dict[str, object]:
        done = CliRunner().invoke(command, ["extract", *options, str(path)])
        assert done.exit_code == 0, done.output
        found: dict[str, object] = json.loads(done.stdout)
        return found

    page = soupstate.extract(RECIPE, scope="main", favor="recall")
    found = answer("--scope", "main", "--favor", "recall", "--include", "text,main_blocks")
    assert (found["text"], found["confidence"], found["page_type"]) == (page.text, page.confidence, page.page_type)
    assert [block["start"] for block in found["main_blocks"]] == [block.start for block in page.main_blocks or []]  # type: ignore[attr-defined]
    assert not {"confidence", "page_type", "main_blocks"} & set(answer())
    idle = CliRunner().invoke(command, ["extract", "--favor", "recall", str(path)])
    assert idle.exit_code == 2 and "--scope main" in idle.output
    wrong = CliRunner().invoke(command, ["extract", "--favor", "speed", str(path)])
    assert wrong.exit_code == 2 and "--favor" in wrong.output


def test_service() -> None:
    with TestClient(create_app(Settings(), load_networks)) as client:
        asked = {"html": RECIPE, "include": ["main_blocks"]}
        found = client.post("/extract", json=asked).json()
        assert set(found["main_blocks"][0]) == {"start", "end", "probability", "main"} and "text" not in found
        assert client.post("/extract", json=asked | {"favor": "speed"}).status_code == 422
        query = "/extract?scope=main&favor=precision&include=text"
        raw = client.post(query, content=RECIPE, headers={"Content-Type": "text/html"}).json()
        assert raw["text"] == soupstate.extract(RECIPE, scope="main", favor="precision").text
        refused = client.post("/entropy?favor=recall", content="<p>x", headers={"Content-Type": "text/html"})
        assert refused.status_code == 422 and refused.json()["field"] == "favor"


def test_rows() -> None:
    row = extract_batch(pa.RecordBatch.from_pydict({"html": [RECIPE]})).to_pylist()[0]
    page = soupstate.extract(RECIPE, scope="main")
    assert (row["main_text"], row["main_markdown"], row["page_type"]) == (page.text, page.markdown, page.page_type)
    assert row["main_confidence"] == pytest.approx(page.confidence)
