"""A language server: editors show the faults of HTML files, mend them, and show bits and depth of a place."""

import asyncio
import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
from lsprotocol import types
from numpy.typing import NDArray
from pygls.lsp.server import LanguageServer
from pygls.uris import to_fs_path
from pygls.workspace import PositionCodec

from soupstate.app.check_settings import find_settings
from soupstate.app.diagnostic_moves import LineEdit, line_edit, moved
from soupstate.app.faults import likely, repair
from soupstate.app.reading import LazyReader
from soupstate.app.reports.checked import TOOL, in_words, is_error
from soupstate.model.faults.apply import LIKELY
from soupstate.model.faults.fault import Fault, Fix
from soupstate.model.faults.find import find_faults
from soupstate.model.faults.kinds import KINDS
from soupstate.model.page.line_index import LineIndex

SEVERITIES = {True: types.DiagnosticSeverity.Error, False: types.DiagnosticSeverity.Warning}
FIX_ALL = f"{types.CodeActionKind.SourceFixAll.value}.{TOOL}"


@dataclass(frozen=True, slots=True)
class Opened:
    """A document as it was checked. surprisal, depth (characters,): of the page. faults: that are shown, in order.

    threshold: the probability from which they are.
    """

    lines: LineIndex
    faults: list[Fault]
    threshold: float
    surprisal: NDArray[np.float32]
    depth: NDArray[np.float32]
    codec: PositionCodec

    def place(self, start: int, end: int) -> types.Range:
        """Returns page[start:end] as the client counts, in lines and columns from 0."""
        return types.Range(self._position(start), self._position(end))

    def offset(self, position: types.Position) -> int:
        """Returns the offset of a position in the page."""
        line = min(position.line, len(self.lines.starts) - 1)
        start, end = int(self.lines.starts[line]), int(self.lines.ends[line])
        text = self.lines.page[start:end]
        return start + next(
            (k for k in range(len(text)) if self.codec.client_num_units(text[: k + 1]) > position.character), len(text)
        )

    def _position(self, offset: int) -> types.Position:
        line, column = self.lines.line_column(offset)
        before = self.lines.page[offset - column + 1 : offset]
        return types.Position(line - 1, self.codec.client_num_units(before))

    def diagnostic(self, fault: Fault) -> types.Diagnostic:
        """Returns a fault as editors show it. A fault without length has the place between two characters."""
        return types.Diagnostic(
            range=self.place(fault.start, fault.end),
            message=f"{fault.message} ({fault.probability:.0%}). {KINDS[fault.kind].what}",
            severity=SEVERITIES[is_error(fault)],
            code=fault.kind,
            code_description=types.CodeDescription(KINDS[fault.kind].url),
            source=TOOL,
        )

    def action(self, uri: str, fault: Fault, fix: Fix) -> types.CodeAction:
        """Returns a fix as a quick fix. The first one of a fault is preferred."""
        edit = types.TextEdit(self.place(fix.start, fix.end), fix.replacement)
        return types.CodeAction(
            title=f"{TOOL}: {in_words(self.lines.page, fix)}",
            kind=types.CodeActionKind.QuickFix,
            diagnostics=[self.diagnostic(fault)],
            is_preferred=fix is fault.fixes[0],
            edit=types.WorkspaceEdit(changes={uri: [edit]}),
        )

    def edits(self, page: str) -> list[types.TextEdit]:
        """Returns the edits that make `page` of the checked one: of whole lines, and of no line that stays."""
        old, new = self.lines.page.splitlines(keepends=True), page.splitlines(keepends=True)
        starts = [0]
        for line in old:
            starts.append(starts[-1] + len(line))
        return [
            types.TextEdit(self.place(starts[first], starts[last]), "".join(new[new_first:new_last]))
            for tag, first, last, new_first, new_last in difflib.SequenceMatcher(None, old, new).get_opcodes()
            if tag != "equal"
        ]

    def hover(self, offset: int) -> types.Hover:
        """Returns the bits and the depth of a character."""
        bits, depth = float(self.surprisal[offset]), float(self.depth[offset])
        words = f"{bits:.1f} bits, {depth:.0f} open elements"
        return types.Hover(
            types.MarkupContent(types.MarkupKind.PlainText, words), self.place(offset, min(offset + 1, len(self.depth)))
        )


def check_document(reader: LazyReader, page: str, path: str | None, codec: PositionCodec) -> Opened | None:
    """Checks a document with the settings of its project. path: its file, where it has one.

    Returns None for a file that the settings leave out. Raises ValueError for settings or weights that are wrong, and
    OSError.
    """
    threshold = LIKELY
    if path:
        settings = find_settings(Path(path).parent)
        if any(exclusion.matches(Path(path).absolute()) for exclusion in settings.exclusions):
            return None
        given = settings.keys.threshold
        threshold = LIKELY if given is None else given
    reading = reader.reader.read(page)
    faults = find_faults(reader.reader, reading) if page.strip() else []
    shown = likely(faults, threshold)
    return Opened(LineIndex(page), shown, threshold, reading.surprisal, reading.depth, codec)


def is_wanted(kind: str, only: Sequence[types.CodeActionKind | str] | None) -> bool:
    """Returns whether a client wants actions of a kind: all where `only` is None, else those below one of `only`."""
    return only is None or any(f"{kind}.".startswith(f"{getattr(part, 'value', part)}.") for part in only)


class FaultServer(LanguageServer):
    """What the handlers share: the documents as they were checked, one at a time, and the edits since then."""

    def __init__(self, reader: LazyReader) -> None:
        super().__init__(TOOL, version(TOOL))
        self.reader = reader
        self.checked: dict[str, Opened] = {}
        self.edits: dict[str, list[LineEdit]] = {}
        self._one_by_one = asyncio.Lock()

    async def check(self, uri: str) -> None:
        """Checks a document, and publishes its faults. Says so where the settings or the weights are wrong."""
        document = self.workspace.get_text_document(uri)
        async with self._one_by_one:
            page, codec = document.source, self.workspace.position_codec
            known = len(self.edits.get(uri, ()))  # those that `page` has
            try:
                found = await asyncio.to_thread(check_document, self.reader, page, to_fs_path(uri), codec)
            except (OSError, ValueError) as error:
                message = types.ShowMessageParams(types.MessageType.Error, f"{TOOL}: {error}")
                self.window_show_message(message)
                return
        if uri not in self.workspace.text_documents:  # it was closed
            return
        self.checked.pop(uri, None)
        if found:
            self.checked[uri] = found
        self.edits[uri] = self.edits.get(uri, [])[known:]
        self.publish(uri)

    def publish(self, uri: str) -> None:
        """Publishes the faults of a document where they stand now: those on lines that were edited are left out."""
        found, shown = self.checked.get(uri), []
        if found:
            shown = [found.diagnostic(fault) for fault in found.faults]
            if not self.unchanged(uri):
                shown = moved(shown, self.edits.get(uri, ()))
        version = self.workspace.get_text_document(uri).version
        self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, shown, version))

    def edited(self, uri: str, changes: Iterable[types.TextDocumentContentChangeEvent]) -> None:
        """Takes edits of a document."""
        self.edits.setdefault(uri, []).extend(map(line_edit, changes))
        if (found := self.checked.get(uri)) and found.faults:
            self.publish(uri)

    def forget(self, uri: str) -> None:
        """Forgets a document, and takes its faults away."""
        self.checked.pop(uri, None)
        self.edits.pop(uri, None)
        self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, []))

    async def actions(self, params: types.CodeActionParams) -> list[types.CodeAction]:
        """Returns the quick fixes at a place, and the action that fixes all faults, as far as they are wanted."""
        uri, only = params.text_document.uri, params.context.only
        found = self.unchanged(uri)
        if not found:
            return []
        actions: list[types.CodeAction] = []
        if is_wanted(types.CodeActionKind.QuickFix.value, only):
            first, last = found.offset(params.range.start), found.offset(params.range.end)
            here = [fault for fault in found.faults if fault.start <= last and first <= fault.end]
            actions += [found.action(uri, fault, fix) for fault in here for fix in fault.fixes]
        if is_wanted(FIX_ALL, only) and any(fault.fixes for fault in found.faults):
            mends_all = types.CodeAction(f"{TOOL}: fix all faults", kind=FIX_ALL, data=uri)
            if self.resolves:
                actions.append(mends_all)
            elif only:  # mending takes a while, so it is done where it was asked for
                actions.append(await self.repaired(mends_all, uri))
        return actions

    async def repaired(self, action: types.CodeAction, uri: str) -> types.CodeAction:
        """Returns an action with the edit that mends a document in passes; without one if it has changed since."""
        if found := self.unchanged(uri):
            given = (found.lines.page, found.threshold, found.faults)
            async with self._one_by_one:
                done = await asyncio.to_thread(repair, self.reader.reader, *given)
            if self.unchanged(uri) is found:
                action.edit = types.WorkspaceEdit(changes={uri: found.edits(done.page)})
        return action

    @property
    def resolves(self) -> bool:
        """Whether the client asks for the edit of an action only when somebody chooses it."""
        document = self.client_capabilities.text_document
        support = document and document.code_action and document.code_action.resolve_support
        return bool(support and "edit" in support.properties)

    def unchanged(self, uri: str) -> Opened | None:
        """Returns what is known of a document, while its text is what was checked."""
        found = self.checked.get(uri)
        return found if found and found.lines.page == self.workspace.get_text_document(uri).source else None


def make_language_server(reader: LazyReader) -> FaultServer:
    """Returns the server. It checks a document when it is opened or saved, and not while somebody types."""
    server = FaultServer(reader)

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    async def did_open(params: types.DidOpenTextDocumentParams) -> None:
        await server.check(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    async def did_save(params: types.DidSaveTextDocumentParams) -> None:
        await server.check(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def did_change(params: types.DidChangeTextDocumentParams) -> None:
        server.edited(params.text_document.uri, params.content_changes)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def did_close(params: types.DidCloseTextDocumentParams) -> None:
        server.forget(params.text_document.uri)

    @server.feature(
        types.TEXT_DOCUMENT_CODE_ACTION,
        types.CodeActionOptions([types.CodeActionKind.QuickFix, FIX_ALL], resolve_provider=True),
    )
    async def code_action(params: types.CodeActionParams) -> list[types.CodeAction]:
        return await server.actions(params)

    @server.feature(types.CODE_ACTION_RESOLVE)
    async def resolve(action: types.CodeAction) -> types.CodeAction:
        return await server.repaired(action, action.data) if isinstance(action.data, str) else action

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    def hover(params: types.HoverParams) -> types.Hover | None:
        found = server.unchanged(params.text_document.uri)
        offset = found.offset(params.position) if found else 0
        return found.hover(offset) if found and offset < len(found.depth) else None

    return server
