"""The Python API: its examples, its answers beside those of the service, bytes, threads, pickles and errors."""

import doctest
import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import yaml
from conftest import Running

import soupstate
import soupstate.api
from soupstate.kernels.backends import VARIABLE
from soupstate.model.faults import fault
from soupstate.model.net import reader
from soupstate.model.page.render import links

PAGE = (
    "<!doctype html><html lang=pt-BR><head><title>Barcas</title></head><body>\n<h1>Barcas da noite</h1>\n"
    '<p>A barca parte às <b>dez</b> horas, veja o <a href="/horario">horário</a> completo.</p>\n'
    '<p class="nota">Bilhetes no <a href="/cais>cais</a> e a bordo.</p>\n<p class="nota">Boa viagem a todos.</p>\n'
    '<p class="nota">A barca volta <a href="/manha">de manhã</a>.</p></body></html>\n'
)
URL = "https://example.org/barcas/"


@pytest.mark.parametrize("module", [soupstate, soupstate.api, fault, links, reader], ids=lambda m: m.__name__)
def test_the_examples_in_docstrings(module) -> None:  # type: ignore[no-untyped-def]
    found = doctest.testmod(module)
    assert found.attempted and not found.failed


def test_every_public_name_has_a_docstring_with_an_example() -> None:
    methods = [getattr(soupstate.Soupstate, name) for name in ("extract", "extract_many", "check", "mend", "read")]
    for named in [*methods, soupstate.Soupstate]:
        assert named.__doc__ and ">>> " in named.__doc__, named
    for name in soupstate.__all__:
        assert ">>> " in (getattr(soupstate, name).__doc__ or ""), name


def test_importing_loads_no_network() -> None:
    code = "import sys, soupstate; print([m for m in ('numpy', 'soupstate.kernels', 'fastapi') if m in sys.modules])"
    code += "; print(sorted(dir(soupstate))[:3], soupstate.__version__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("[]\n['Fault', 'FieldValue', 'Fix'] ")
    with pytest.raises(AttributeError, match="no attribute 'extrct'"):
        soupstate.extrct  # type: ignore[attr-defined]  # noqa: B018


def test_it_answers_as_the_service_does(plain_service: Running, weights: Path) -> None:
    soup = soupstate.Soupstate(weights)
    page = soup.extract(PAGE, URL)
    headers = {"Content-Type": "text/html"}
    answer = plain_service.client.post("/extract", params={"url": URL}, content=PAGE.encode(), headers=headers).json()
    assert [{f.name: getattr(link, f.name) for f in fields(link)} for link in page.links] == answer["links"]
    for name in ("title", "text", "markdown", "characters", "bits_per_character"):
        assert getattr(page, name) == answer[name], name
    measured = plain_service.client.post("/entropy", content=PAGE.encode(), headers=headers).json()
    reading = soup.read(PAGE)
    np.testing.assert_allclose(reading.surprisal, measured["surprisal"], atol=1e-3)
    np.testing.assert_allclose(reading.depth, measured["depth"], atol=1e-2)
    assert [f.start for f in soup.check(PAGE)] == [f["start"] for f in measured["faults"]]


def test_what_is_known_of_a_page() -> None:
    page = soupstate.extract(PAGE.encode("cp1252"), URL, charset="latin1")
    assert (page.title, page.declared_language) == ("Barcas", "pt-br")
    assert (page.charset, page.charset_source) == ("windows-1252", "header")
    assert page.characters == len(PAGE) and page.links[0].url == "https://example.org/horario"
    assert "A barca parte às **dez** horas" in page.markdown
    assert soupstate.extract(PAGE).charset is None
    main = soupstate.extract(PAGE, scope="main")
    assert len(main.text) <= len(page.text)


def test_references_and_front_matter() -> None:
    page = soupstate.extract(PAGE, URL, links="reference", front_matter=True)
    matter, body = page.markdown.removeprefix("---\n").split("---\n\n", 1)
    assert yaml.safe_load(matter) == {"title": "Barcas", "url": URL, "language": "pt"}
    assert "[1]: https://example.org/horario" in body.splitlines() and "](" not in body
    assert soupstate.Soupstate().extract_many([PAGE], [URL], links="reference", front_matter=True) == [page]


def test_check_and_mend_agree_and_bytes_come_back_as_bytes() -> None:
    faults = soupstate.check(PAGE)
    assert faults == sorted(faults, key=lambda f: (not f.fixes, -f.probability))
    first = faults[0]
    assert first.kind == "unpaired-quote" and PAGE[first.fixes[0].start :].startswith(">cais")
    assert PAGE.splitlines()[first.line - 1][first.column - 1 :].startswith(">cais")
    mended = soupstate.mend(PAGE, faults, threshold=first.probability)
    assert mended == PAGE.replace('"/cais>', '"/cais">')
    body = PAGE.encode("cp1252")
    assert soupstate.mend(body, threshold=first.probability, charset="cp1252") == mended.encode("cp1252")
    assert soupstate.mend(body, [], charset="cp1252") is body
    with pytest.raises(ValueError, match="would be lost"):
        soupstate.mend(PAGE.encode().replace(b"noite", b"no\xffite"), threshold=0.0, charset="utf-8")
    with pytest.raises(ValueError, match="outside the page"):
        soupstate.mend("<p>short</p>", faults, threshold=0.0)


@pytest.mark.parametrize("html", ["", b"", b" \n", " "])
def test_an_empty_page_is_an_empty_answer(html: str | bytes) -> None:
    page = soupstate.extract(html)
    assert (page.title, page.links, page.text, page.markdown) == (None, [], "", "")
    assert soupstate.mend(html) == html
    assert len(soupstate.read(html).surprisal) == (len(html) if isinstance(html, str) else 0)


def test_one_number_per_character() -> None:
    html = "<p>naïve 日本語 😀</p>\r\n"
    reading = soupstate.read(html)
    assert reading.page == html
    for array in (reading.surprisal, reading.entropy, reading.depth):
        assert array.shape == (len(html),) and array.dtype == np.float32
    assert reading.bits_per_character == pytest.approx(float(reading.surprisal.mean()), rel=1e-4)


def test_many_pages_are_read_as_one_by_one(weights: Path) -> None:
    soup = soupstate.Soupstate(weights)
    pages = [PAGE, b"<p>bytes</p>", "", PAGE * 3]
    urls = [URL, None, None, None]
    assert soup.extract_many(pages, urls) == [soup.extract(html, url) for html, url in zip(pages, urls, strict=True)]
    with pytest.raises(ValueError, match="page 1: the body is binary"):
        soup.extract_many([PAGE, b"%PDF-1.7 ..."])
    with pytest.raises(ValueError, match="1 urls for 2 pages"):
        soup.extract_many([PAGE, PAGE], [None])


def test_threads_share_one_object_and_a_pickle_is_small(weights: Path) -> None:
    soup = soupstate.Soupstate(weights)
    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(lambda _: soup.extract(PAGE).markdown, range(8)))) == 1
        assert len({id(found) for found in pool.map(lambda _: soup.reader, range(4))}) == 1
    packed = pickle.dumps(soup)
    assert len(packed) < 1000
    assert pickle.loads(packed).extract(PAGE) == soup.extract(PAGE)
    assert pickle.loads(packed).reader is soup.reader  # a process loads a network once


def test_errors_say_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no weights at"):
        soupstate.Soupstate(tmp_path / "none.safetensors").extract("x")
    with pytest.raises(ValueError, match="abacus"):
        soupstate.Soupstate(backend="abacus").extract("x")
    with pytest.raises(ValueError, match="scope is 'all' or 'main'"):
        soupstate.extract("x", scope="article")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="links is 'inline' or 'reference'"):
        soupstate.extract("x", links="footnotes")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="binary"):
        soupstate.check(b"\x89PNG\r\n\x1a\n" + bytes(100))
    with pytest.raises(TypeError, match="str or bytes, not NoneType"):
        soupstate.extract(None)  # type: ignore[arg-type]
    half = "half a pair: \ud800"
    assert len(soupstate.read(half).surprisal) == len(half)


def test_missing_kernels_are_told_once() -> None:
    """By a warning from the API, which points at the caller, and by a line of every command."""
    hide = "import sys; sys.modules['soupstate.kernels._cpp'] = None\n"
    api = f"{hide}import soupstate\nfor _ in range(2):\n    soupstate.extract('<p>x</p>')\n"
    command = f"{hide}from soupstate.app.cli.main import main\nsys.argv = ['soupstate', 'extract', '-']\nmain()\n"
    environ = {name: value for name, value in os.environ.items() if name != VARIABLE}  # it may demand the kernels

    def run(code: str) -> subprocess.CompletedProcess[str]:
        given = [sys.executable, "-c", code]
        return subprocess.run(given, input="<p>x</p>", capture_output=True, text=True, check=True, env=environ)

    warned, told = run(api), run(command)
    assert warned.stderr.count("about 100 times slower") == 1
    assert warned.stderr.startswith("<string>:4: RuntimeWarning")
    assert told.stderr.count("about 100 times slower") == 1 and '"text":' in told.stdout
