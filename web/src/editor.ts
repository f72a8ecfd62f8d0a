// The editor. It lives in a shadow root, so that its styles are adopted style sheets, which the page's policy allows.
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { EditorState, StateEffect, StateField } from "@codemirror/state";
import { Decoration, EditorView, highlightSpecialChars, keymap, lineNumbers } from "@codemirror/view";
import { colours } from "./colours";
import { byId } from "./dom";
import { faultMarks } from "./faults";
import { decodeFile } from "./files";

/** Marks the character under the shared cursor; null: none. */
export const pointAt = StateEffect.define<{ from: number; to: number } | null>();

const pointed = StateField.define({
  create: () => Decoration.none,
  update(value, transaction) {
    if (transaction.docChanged) value = value.map(transaction.changes);
    for (const effect of transaction.effects) {
      if (!effect.is(pointAt)) continue;
      const range = effect.value;
      value = range && range.from < range.to ? Decoration.set(pointMark.range(range.from, range.to)) : Decoration.none;
    }
    return value;
  },
  provide: (self) => EditorView.decorations.from(self),
});
const pointMark = Decoration.mark({ class: "point" });

const theme = EditorView.theme({
  "&": { height: "100%", color: "var(--text)", backgroundColor: "var(--paper)", fontSize: "13px" },
  ".cm-scroller": { fontFamily: "ui-monospace, monospace", lineHeight: "1.5", overflow: "auto" },
  ".cm-content": { caretColor: "var(--text)" },
  ".cm-gutters": { color: "var(--quiet)", backgroundColor: "var(--paper)", borderRight: "1px solid var(--line)" },
  ".cm-tooltip, .cm-panels": {
    color: "var(--text)",
    backgroundColor: "var(--raised)",
    border: "1px solid var(--line)",
  },
  ".point": { outline: "2px solid var(--accent)" },
});

interface Listeners {
  changed: () => void;
  dropped: (text: string) => void;
  moved: (unit: number) => void;
}

export function makeEditor(listeners: Listeners): EditorView {
  const shadow = byId("editor").attachShadow({ mode: "open" });
  const host = document.createElement("div");
  host.style.height = "100%";
  shadow.append(host);
  const heard = EditorView.updateListener.of((update) => {
    if (update.docChanged) listeners.changed();
    else if (update.selectionSet) listeners.moved(update.state.selection.main.head);
  });
  const handlers = EditorView.domEventHandlers({
    mousemove(event, view) {
      const unit = view.posAtCoords({ x: event.clientX, y: event.clientY });
      if (unit !== null) listeners.moved(unit);
    },
  });
  const view: EditorView = new EditorView({
    parent: host,
    root: shadow,
    state: EditorState.create({
      extensions: [
        lineNumbers(),
        history(),
        highlightSpecialChars(),
        highlightSelectionMatches(),
        search({ top: true }),
        keymap.of([...defaultKeymap, ...historyKeymap, ...searchKeymap]),
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ "aria-label": "Source of the page", spellcheck: "false" }),
        colours,
        faultMarks,
        pointed,
        theme,
        heard,
        handlers,
      ],
    }),
  });
  acceptFiles(listeners.dropped);
  return view;
}

export function setText(view: EditorView, text: string): void {
  view.dispatch({
    changes: { from: 0, to: view.state.doc.length, insert: text },
    selection: { anchor: 0 },
    scrollIntoView: true,
  });
}

/** Takes a file that is dropped anywhere on the page. */
function acceptFiles(dropped: (text: string) => void): void {
  window.addEventListener("dragover", (event) => {
    if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
  });
  window.addEventListener(
    "drop",
    (event) => {
      const file = event.dataTransfer?.files[0];
      if (!file) return;
      event.preventDefault();
      event.stopPropagation(); // the editor would insert its text
      void decodeFile(file).then(dropped);
    },
    { capture: true },
  );
}
