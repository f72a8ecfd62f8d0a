// Faults in the editor: underlined, with their message and a button that applies the fix; and the list below it.
import { type ChangeDesc, ChangeSet, StateEffect, StateField, type Text } from "@codemirror/state";
import { Decoration, EditorView, hoverTooltip } from "@codemirror/view";
import { byId, element } from "./dom";
import { Offsets } from "./offsets";
import { type Fault, LIKELY } from "./service";

const LESS_LIKELY = 0.2;
const APART = 96; // characters between two fixes that are applied together, as the command line leaves
const MOST_FOUND = 20; // faults that the service lists; others may be behind a full list
const MOST_ROUNDS = 10; // of mending, as the command line has

/** A fault with its places in the editor, which move with the text. */
export interface Placed {
  fault: Fault;
  from: number;
  to: number;
  fix: Change | null;
}

export interface Change {
  from: number;
  to: number;
  insert: string;
}

/** Hears what a person says of a fault: that it is none, or that its fix is right. */
interface Judge {
  none: (placed: Placed) => void;
  right: (fix: Change) => void;
}

let judge: Judge | null = null; // none where the service keeps no corrections

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

function place(faults: Fault[], offsets: Offsets): Placed[] {
  return faults.map((fault) => {
    const fix = fault.fixes[0];
    return {
      fault,
      from: offsets.unit(fault.start),
      to: offsets.unit(fault.end),
      fix: fix ? { from: offsets.unit(fix.start), to: offsets.unit(fix.end), insert: fix.replacement } : null,
    };
  });
}

/** Shows the faults of a text, and returns how many are likely, in words. */
export function showFaults(view: EditorView, faults: Fault[], offsets: Offsets): string {
  const placed = place(faults, offsets);
  view.dispatch({ effects: setFaults.of(placed) });
  const number = likely(placed);
  return number === 0 ? "No likely fault" : number === 1 ? "One likely fault" : `${number} likely faults`;
}

function likely(some: Placed[]): number {
  return some.filter(({ fault }) => fault.probability >= LIKELY).length;
}

/** What the fix of a fault does, in words. */
function words(placed: Placed, view: EditorView): string {
  const { from, to, insert } = placed.fix!;
  const old = view.state.sliceDoc(from, to);
  return !old ? `insert ${insert}` : !insert ? `remove ${old}` : `replace ${old} by ${insert}`;
}

/** The fixes of faults that are applied together: the likelier of two that are near each other. */
function together(some: Placed[]): Change[] {
  const changes: Change[] = [];
  for (const { fix } of some) {
    if (fix && changes.every(({ from, to }) => fix.from > to + APART || fix.to < from - APART)) changes.push(fix);
  }
  return changes;
}

function apply(view: EditorView, changes: Change[] | ChangeSet): void {
  view.dispatch({ changes, userEvent: "input.fix", scrollIntoView: false });
  view.focus();
}

/**
 * Mends in rounds, as `repair` in app/faults.py does: each applies fixes of the faults that are shown, and reads what
 * comes out. They end where no such fault has a fix, and where a round leaves as many as there were, unless the list of
 * likely ones is full. A round after which there are more is undone. One undo takes all changes back.
 * find: returns the faults of a text. round: hears of each round, from 1 on.
 */
export async function fixAll(
  view: EditorView,
  find: (doc: Text) => Promise<Fault[]>,
  round: (number: number) => void,
): Promise<void> {
  let doc = view.state.doc;
  let left = view.state.field(field).filter(visible);
  let changes = ChangeSet.empty(doc.length);
  for (let number = 1; number <= MOST_ROUNDS && left.some(({ fix }) => fix); number++) {
    round(number);
    const step = ChangeSet.of(together(left), doc.length);
    const mended = step.apply(doc);
    const now = place(await find(mended), new Offsets(mended.toString())).filter(visible);
    if (now.length > left.length) break;
    const lower = now.length < left.length || likely(left) === MOST_FOUND;
    [doc, left, changes] = [mended, now, changes.compose(step)];
    if (!lower) break;
  }
  apply(view, changes);
}

function described(placed: Placed, view: EditorView): Node[] {
  const { fault } = placed;
  const said = element("span", {}, `${fault.message} (${Math.round(fault.probability * 100)}%)`);
  const kind = element("a", { href: `faults/${fault.kind}`, target: "_blank", rel: "noopener" }, fault.kind);
  const about = [said, document.createTextNode(" "), kind];
  const buttons: Node[] = [];
  const add = (clicked: () => void, className: string, ...label: (Node | string)[]) => {
    const button = element("button", { type: "button", className }, ...label);
    button.addEventListener("click", clicked);
    buttons.push(document.createTextNode(" "), button);
  };
  const { fix } = placed;
  if (fix) add(() => apply(view, [fix]), "fix", "Fix: ", element("code", {}, words(placed, view)));
  if (judge && fix) add(() => judge?.right(fix), "judge", "This fix is right");
  if (judge) add(() => judge?.none(placed), "judge", "This is no fault");
  return [...about, ...buttons];
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

/** Listens to the controls above the list. all: is called by the button that fixes all faults. */
export function watchFaults(view: EditorView, all: () => void): void {
  byId("unlikely").addEventListener("change", () => {
    view.dispatch({ effects: setFaults.of([...view.state.field(field)]) });
  });
  byId("fix-all").addEventListener("click", all);
}

/** Adds buttons to faults, also to those that are shown now, that tell the judge. */
export function judgeFaults(view: EditorView, hears: Judge): void {
  judge = hears;
  view.dispatch({ effects: setFaults.of([...view.state.field(field)]) });
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
