"""`soupstate lsp` with a scripted editor: pygls's client speaks to the server's process."""

import asyncio
import os
import sys
from collections.abc import Sequence
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

    async def start(self, capabilities: types.ClientCapabilities | None = None) -> None:
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
        await self.client.start_io(sys.executable, "-m", "soupstate", "lsp", env=environment)
        answer = await self.client.initialize_async(
            types.InitializeParams(capabilities=capabilities or types.ClientCapabilities())
        )
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

    def edit(self, document: types.TextDocumentIdentifier, first: int, last: int, text: str) -> None:
        """Puts a text in place of lines first .. last - 1, counted from 0."""
        place = types.Range(types.Position(first, 0), types.Position(last, 0))
        self.change(document, types.TextDocumentContentChangePartial(range=place, text=text))

    def change(
        self, document: types.TextDocumentIdentifier, change: types.TextDocumentContentChangeEvent, version: int = 2
    ) -> None:
        changed = types.VersionedTextDocumentIdentifier(version, document.uri)
        self.client.text_document_did_change(types.DidChangeTextDocumentParams(changed, [change]))

    async def fixes(
        self, document: types.TextDocumentIdentifier, place: types.Range, only: str = types.CodeActionKind.QuickFix
    ) -> list[types.CodeAction]:
        context = types.CodeActionContext(diagnostics=[], only=[only])
        found = await self.client.text_document_code_action_async(types.CodeActionParams(document, place, context))
        return [action for action in found or () if isinstance(action, types.CodeAction)]


async def a_session(folder: Path) -> None:
    editor = Editor()
    await editor.start()
    document = editor.open(folder / "page.html", BROKEN.replace("Boot 7", "Boot 😀"))
    [diagnostic] = await editor.diagnostics()
    assert diagnostic.code == "unpaired-quote" and diagnostic.severity == types.DiagnosticSeverity.Error
    assert diagnostic.range.start == PLACE and diagnostic.message.startswith("a quote is missing (9")
    assert diagnostic.message.endswith("%). The value of an attribute has a quote at one end only.")
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

    # After an edit the fixes of the old text are gone, and so are the faults of edited lines; saving checks again.
    editor.change(document, types.TextDocumentContentChangeWholeDocument(WHOLE))
    assert await editor.diagnostics() == []
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


NEAR = """<title>Tea</title>
<p>Tickets are sold <a href="/tickets.html>at the pier</a> and <em>on board<em>, also on <b>Sunday</b>.</p>
<p>More</p>
"""


async def edits_between_two_checks(folder: Path) -> None:
    editor = Editor()
    await editor.start()
    page = WHOLE.replace("</h1>", "<h1>") + "<p>Tea</p>\n" * 5 + '<p><a href="/tea>Tea</a></p>\n<p>End</p>\n'
    document = editor.open(folder / "page.html", page)
    first, second = await editor.diagnostics()
    top, place = first.range.start.line, second.range.start
    editor.edit(document, top + 2, top + 2, "<p>one</p>\n<p>two</p>\n")
    above, below = await editor.diagnostics()
    assert above == first
    assert below.range.start == types.Position(place.line + 2, place.character) and below.message == second.message
    editor.edit(document, top + 2, top + 4, "")  # undone: all as before
    assert await editor.diagnostics() == [first, second]
    editor.edit(document, top, top + 1, "<h1>Boote</h1>\n")
    assert await editor.diagnostics() == [second]
    editor.edit(document, 0, 2, "")
    [below] = await editor.diagnostics()
    assert below.range.start == types.Position(place.line - 2, place.character)
    # Edits that come while a document is checked are made up for: both publications have the fault where it now is.
    editor.client.text_document_did_save(types.DidSaveTextDocumentParams(document))
    editor.edit(document, 0, 0, "<!-- a line above -->\n")
    while below.range.start.line != place.line - 1 or not editor.published.empty():
        [below] = await editor.diagnostics()
    await editor.stop()


def test_edits_between_two_checks(tmp_path: Path) -> None:
    asyncio.run(edits_between_two_checks(tmp_path))


def applied(page: str, edits: Sequence[types.TextEdit]) -> str:
    """Applies edits of whole lines, the last one first."""
    lines = page.splitlines(keepends=True)
    for edit in reversed(edits):
        assert edit.range.start.character == edit.range.end.character == 0
        lines[edit.range.start.line : edit.range.end.line] = [edit.new_text]
    return "".join(lines)


@pytest.mark.parametrize("resolves", [True, False])
@pytest.mark.slow
def test_all_faults_are_fixed_at_once(tmp_path: Path, resolves: bool) -> None:
    """In passes, as the command line mends a file: the second fix is near the first one."""
    support = types.ClientCodeActionResolveOptions(["edit"]) if resolves else None
    capabilities = types.ClientCapabilities(
        text_document=types.TextDocumentClientCapabilities(
            code_action=types.CodeActionClientCapabilities(resolve_support=support)
        )
    )

    async def session() -> None:
        editor = Editor()
        await editor.start(capabilities)
        document = editor.open(tmp_path / "page.html", NEAR)
        assert len(await editor.diagnostics()) == 2
        anywhere = types.Range(types.Position(0, 0), types.Position(0, 0))
        [action] = await editor.fixes(document, anywhere, types.CodeActionKind.SourceFixAll)
        assert action.kind == "source.fixAll.soupstate" and bool(action.edit) != resolves
        if resolves:
            action = await editor.client.code_action_resolve_async(action)
        assert action.edit and action.edit.changes
        mended = applied(NEAR, list(action.edit.changes[document.uri]))
        assert mended == NEAR.replace(".html>", '.html">').replace("board<em>", "board</em>")
        assert [action.kind for action in await editor.fixes(document, anywhere, "source.organizeImports")] == []
        await editor.stop()

    asyncio.run(session())
