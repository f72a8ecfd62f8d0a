"""The API key: who needs it, and where it does not appear."""

import json
import logging
from collections.abc import Callable
from dataclasses import replace

import pytest
from click.testing import CliRunner
from conftest import Running
from test_bodies import answer, connect

from soupstate.app.cli.serve import serve_command
from soupstate.app.http.settings import BadSetting, Settings, load_settings

HTML = {"Content-Type": "text/html"}
KEY = "s3cret-of-the-ferry"
Serve = Callable[..., Running]


def test_all_but_health_and_the_page_ask_for_it(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    running = serve(api_key=KEY)
    client = running.client
    for path in ("/healthz", "/readyz", "/", "/web/page.js", "/faults", "/faults/unpaired-quote"):
        assert client.get(path).status_code == client.head(path).status_code == 200
    for path in ("/web", "/fault", "/docs", "/openapi.json", "/metrics", "/nowhere", "/healthz/"):
        got = client.get(path)
        assert got.status_code == 401 and got.headers["www-authenticate"] == "Bearer"
        assert got.headers["content-type"] == "application/problem+json" and got.json()["field"] == "Authorization"
    for given in ("", KEY, f"Basic {KEY}", f"Bearer {KEY[:-1]}", f"Bearer {KEY}x", "Bearer", b"Bearer \xff"):
        got = client.post("/extract", content=b"<p>x", headers={**HTML, "Authorization": given})  # type: ignore[dict-item]
        assert got.status_code == 401
    for given in (f"Bearer {KEY}", f"bearer  {KEY}"):
        got = client.post("/extract", content=b"<p>x", headers={**HTML, "Authorization": given})
        assert got.status_code == 200
    described = client.get("/openapi.json", headers={"Authorization": f"Bearer {KEY}"}).json()
    assert described["components"]["securitySchemes"] == {"key": {"type": "http", "scheme": "bearer"}}
    assert described["security"] == [{"key": []}] and described["paths"]["/healthz"]["get"]["security"] == []
    assert described["paths"]["/faults/{kind}"]["get"]["security"] == []
    records = [json.dumps({**record.__dict__}, default=repr) for record in caplog.records]
    ours = [record for record in records if '"name": "soupstate' in record]
    assert ours and not any(KEY in record for record in ours)


def test_it_is_asked_for_before_the_body_comes(serve: Serve) -> None:
    with connect(serve(api_key=KEY), 9_000_000) as connection:
        assert answer(connection).startswith(b"HTTP/1.1 401 ")


def test_none_is_needed_where_none_is_set(serve: Serve) -> None:
    running = serve()
    assert running.client.post("/extract", content=b"<p>x", headers=HTML).status_code == 200
    assert "securitySchemes" not in running.client.get("/openapi.json").json()["components"]


def test_an_empty_key_does_not_open_the_service() -> None:
    """As of a variable that was to be read from a file that is missing."""
    with pytest.raises(BadSetting, match="SOUPSTATE_API_KEY: is empty; leave it out"):
        load_settings({"SOUPSTATE_API_KEY": ""})


@pytest.mark.parametrize("key", [f"{KEY} x", f" {KEY}", f"{KEY}\n", "schl\u00fcssel", "a\tb", " "])
def test_a_key_that_no_header_holds_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(BadSetting, match="SOUPSTATE_API_KEY: must have visible ASCII") as error:
        load_settings({"SOUPSTATE_API_KEY": key})
    assert key.strip() == "" or key.strip() not in str(error.value)
    told = CliRunner().invoke(serve_command, ["--api-key", key])
    assert told.exit_code == 2 and "--api-key: must have" in told.output and (key == " " or key not in told.output)


def test_it_is_not_shown() -> None:
    assert KEY not in repr(replace(Settings(), api_key=KEY))
    shown = CliRunner().invoke(serve_command, ["--help"], env={"SOUPSTATE_API_KEY": KEY}).output
    assert "--api-key" in shown and KEY not in shown
