// Faults in the editor: underlined, with their message and a button that applies the fix; and the list below it.
import { type ChangeDesc, StateEffect, StateField } from "@codemirror/state";
import { Decoration, EditorView, hoverTooltip } from "@codemirror/view";
import { byId, element } from "./dom";
import type { Offsets } from "./offsets";
import { type Fault, LIKELY } from "./service";

const LESS_LIKELY = 0.2;
const APART = 96; // characters between two fixes that are applied together, as the command line leaves

/** A fault with its places in the editor, which move with the text. */
interface Placed {
  fault: Fault;
  from: number;
  to: number;
  fix: { from: number; to: number; insert: string } | null;
}

const setFaults = StateEffect.define<Placed[]>();

function moved(placed: Placed, changes: ChangeDesc): Placed {
  const map = (from: number, to: number): [number, number] => {
    const start = changes.mapPos(from, 1);
    return [start, Math.max(start, changes.mapPos(to, -1))];
  };
  const [from, to] = map(placed.from, placed.to);
  if (!placed.fix) return { ...placed, from, to };
  const [start, end] = map(placed.fix.from, placed.fix.to);
  return { ...placed, from, to, fix: { ...placed.fix, from: start, to: end } };
}

const field = StateField.define<Placed[]>({
  create: () => [],
  update(value, transaction) {
    if (transaction.docChanged) {
      // What was edited is judged again; until then the rest stays where it is.
      value = value.filter(({ fix }) => !fix || !transaction.changes.touchesRange(fix.from, fix.to));
      value = value.map((placed) => moved(placed, transaction.changes));
    }
    for (const effect of transaction.effects) if (effect.is(setFaults)) value = effect.value;
    return value;
  },
  provide: (self) =>
    EditorView.decorations.from(self, (value) => (view) => {
      const length = view.state.doc.length;
      const ranges = value.filter(visible).map(({ from, to }) => {
        const end = Math.min(length, Math.max(to, from + 1));
        // At the end of a line or of the page, the character before shows the underline.
        const seen = view.state.sliceDoc(from, end).trim() !== "";
        return seen ? { from, to: end } : { from: Math.max(0, from - 1), to: from };
      });
      return Decoration.set(
        ranges.filter(({ from, to }) => from < to).map(({ from, to }) => underline.range(from, to)),
        true,
      );
    }),
});
const underline = Decoration.mark({ class: "fault" });

function visible({ fault }: Placed): boolean {
  return fault.probability >= (byId<HTMLInputElement>("unlikely").checked ? LESS_LIKELY : LIKELY);
}

/** Shows the faults of a text, and returns how many are likely, in words. */
export function showFaults(view: EditorView, faults: Fault[], offsets: Offsets): string {
  const placed = faults.map((fault) => {
    const fix = fault.fixes[0];
    return {
      fault,
      from: offsets.unit(fault.start),
      to: offsets.unit(fault.end),
      fix: fix ? { from: offsets.unit(fix.start), to: offsets.unit(fix.end), insert: fix.replacement } : null,
    };
  });
  view.dispatch({ effects: setFaults.of(placed) });
  const likely = faults.filter(({ probability }) => probability >= LIKELY).length;
  return likely === 0 ? "No likely fault" : likely === 1 ? "One likely fault" : `${likely} likely faults`;
}

/** What the fix of a fault does, in words. */
function words(placed: Placed, view: EditorView): string {
  const { from, to, insert } = placed.fix!;
  const old = view.state.sliceDoc(from, to);
  return !old ? `insert ${insert}` : !insert ? `remove ${old}` : `replace ${old} by ${insert}`;
}

function apply(view: EditorView, some: Placed[]): void {
  const changes: { from: number; to: number; insert: string }[] = [];
  for (const { fix } of some) {
    if (fix && changes.every(({ from, to }) => fix.from > to + APART || fix.to < from - APART)) changes.push(fix);
  }
  view.dispatch({ changes, userEvent: "input.fix", scrollIntoView: false });
  view.focus();
}

function described(placed: Placed, view: EditorView): Node[] {
  const { fault } = placed;
  const said = element("span", {}, `${fault.message} (${Math.round(fault.probability * 100)}%)`);
  if (!placed.fix) return [said];
  const button = element(
    "button",
    { type: "button", className: "fix" },
    "Fix: ",
    element("code", {}, words(placed, view)),
  );
  button.addEventListener("click", () => apply(view, [placed]));
  return [said, " ", button].map((child) => (typeof child === "string" ? document.createTextNode(child) : child));
}

/** Fills the list below the editor. */
function list(view: EditorView): void {
  const shown = view.state.field(field).filter(visible);
  const items = shown.map((placed) => {
    const line = view.state.doc.lineAt(Math.min(placed.from, view.state.doc.length));
    const go = element("button", { type: "button", className: "go", textContent: `line ${line.number}` });
    go.addEventListener("click", () => {
      view.dispatch({ selection: { anchor: placed.from }, scrollIntoView: true });
      view.focus();
    });
    return element("li", {}, go, " ", ...described(placed, view));
  });
  byId("fault-list").replaceChildren(...items);
  byId("fix-all").hidden = shown.filter(({ fix }) => fix).length < 2;
}

const tooltip = hoverTooltip((view, position) => {
  const found = view.state
    .field(field)
    .find((placed) => visible(placed) && placed.from <= position && position <= placed.to + 1);
  if (!found) return null;
  const create = () => ({ dom: element("div", { className: "fault-tip" }, ...described(found, view)) });
  return { pos: found.from, end: Math.max(found.to, found.from), above: true, create };
});

export function watchFaults(view: EditorView): void {
  byId("unlikely").addEventListener("change", () => {
    view.dispatch({ effects: setFaults.of([...view.state.field(field)]) });
  });
  byId("fix-all").addEventListener("click", () => apply(view, view.state.field(field).filter(visible)));
}

const listed = EditorView.updateListener.of((update) => {
  if (update.state.field(field) !== update.startState.field(field)) list(update.view);
});

const theme = EditorView.theme({
  ".fault": { textDecoration: "underline wavy var(--wrong) 2px", textUnderlineOffset: "3px" },
  ".fault-tip": { padding: "6px 8px", maxWidth: "28rem" },
  ".fault-tip button": { font: "inherit", cursor: "pointer" },
});

export const faultMarks = [field, tooltip, listed, theme];
