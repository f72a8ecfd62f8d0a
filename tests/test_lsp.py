"""`soupstate lsp` with a scripted editor: pygls's client speaks to the server's process."""

import asyncio
import os
import sys
from pathlib import Path

import pytest
from test_check import BROKEN, WHOLE

pygls = pytest.importorskip("pygls", reason="the extra lsp is not installed")
from lsprotocol import types  # noqa: E402  after the check that it is there
from pygls.lsp.client import LanguageClient  # noqa: E402

LINE = 10  # of the fault, from 0
PLACE = types.Position(LINE, BROKEN.splitlines()[LINE].index("html>") + len("html"))
AFTER = types.Position(LINE, PLACE.character + 10)


class Editor:
    """An editor with one document at a time."""

    def __init__(self) -> None:
        self.client = LanguageClient("editor", "1")
        self.published: asyncio.Queue[types.PublishDiagnosticsParams] = asyncio.Queue()
        self.messages: asyncio.Queue[types.ShowMessageParams] = asyncio.Queue()
        self.client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)(lambda found: self.published.put_nowait(found))
        self.client.feature(types.WINDOW_SHOW_MESSAGE)(lambda said: self.messages.put_nowait(said))

    async def start(self) -> None:
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
        await self.client.start_io(sys.executable, "-m", "soupstate", "lsp", env=environment)
        answer = await self.client.initialize_async(types.InitializeParams(capabilities=types.ClientCapabilities()))
        assert answer.capabilities.hover_provider and answer.server_info and answer.server_info.name == "soupstate"
        self.client.initialized(types.InitializedParams())

    async def stop(self) -> None:
        await self.client.shutdown_async(None)
        self.client.exit(None)
        await self.client.stop()

    def open(self, path: Path, page: str) -> types.TextDocumentIdentifier:
        item = types.TextDocumentItem(path.as_uri(), "html", 1, page)
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(item))
        return types.TextDocumentIdentifier(item.uri)

    async def diagnostics(self) -> list[types.Diagnostic]:
        return list((await asyncio.wait_for(self.published.get(), 20)).diagnostics)

    async def fixes(self, document: types.TextDocumentIdentifier, place: types.Range) -> list[types.CodeAction]:
        context = types.CodeActionContext(diagnostics=[])
        found = await self.client.text_document_code_action_async(types.CodeActionParams(document, place, context))
        return [action for action in found or () if isinstance(action, types.CodeAction)]


async def a_session(folder: Path) -> None:
    editor = Editor()
    await editor.start()
    document = editor.open(folder / "page.html", BROKEN.replace("Boot 7", "Boot 😀"))
    [diagnostic] = await editor.diagnostics()
    assert diagnostic.code == "unpaired-quote" and diagnostic.severity == types.DiagnosticSeverity.Error
    assert diagnostic.range.start == PLACE and diagnostic.message.startswith("a quote is missing")
    assert diagnostic.code_description and diagnostic.code_description.href.startswith("https://")
    first, *_ = await editor.fixes(document, diagnostic.range)
    assert first.is_preferred and first.edit and first.edit.changes and 'insert "' in first.title
    assert list(first.edit.changes[document.uri]) == [types.TextEdit(diagnostic.range, '"')]
    assert not await editor.fixes(document, types.Range(types.Position(0, 0), types.Position(1, 0)))
    hover = await editor.client.text_document_hover_async(types.HoverParams(document, AFTER))
    assert hover and isinstance(hover.contents, types.MarkupContent)
    assert "bits, " in hover.contents.value and "open elements" in hover.contents.value
    end = types.HoverParams(document, types.Position(999, 0))
    assert await editor.client.text_document_hover_async(end) is None

    # Typing alone changes nothing, and the fixes of the old text are gone; saving checks again.
    version = types.VersionedTextDocumentIdentifier(2, document.uri)
    whole = types.TextDocumentContentChangeWholeDocument(WHOLE)
    editor.client.text_document_did_change(types.DidChangeTextDocumentParams(version, [whole]))
    assert not await editor.fixes(document, diagnostic.range) and editor.published.empty()
    editor.client.text_document_did_save(types.DidSaveTextDocumentParams(document))
    assert await editor.diagnostics() == []
    editor.client.text_document_did_close(types.DidCloseTextDocumentParams(document))
    assert await editor.diagnostics() == []

    # The settings of the project count, and wrong ones are said.
    (folder / ".soupstate.toml").write_text('[check]\nthreshold = 0.0\nexclude = ["drafts"]\n')
    editor.open(folder / "more.html", BROKEN)
    assert len(await editor.diagnostics()) > 1
    editor.open(folder / "drafts" / "page.html", BROKEN)
    assert await editor.diagnostics() == []
    (folder / ".soupstate.toml").write_text("[check]\nlimit = 3\n")
    editor.open(folder / "other.html", BROKEN)
    said = await asyncio.wait_for(editor.messages.get(), 20)
    assert "limit: unknown key" in said.message and ".soupstate.toml" in said.message
    await editor.stop()


def test_a_session(tmp_path: Path) -> None:
    asyncio.run(a_session(tmp_path))
