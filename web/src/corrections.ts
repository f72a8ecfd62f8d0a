// "This is wrong": sends what a person says is right, where the service takes corrections.
import type { EditorView } from "@codemirror/view";
import { byId } from "./dom";
import { judgeFaults } from "./faults";
import { Offsets } from "./offsets";
import type { Correction, Kept } from "./service";

const LONGEST_ANSWERED = 15_000; // characters of the main content that was answered, which are sent too

/** What this part needs of the page. send: stores a correction of a source, and returns null where that failed. */
interface Around {
  view: EditorView;
  answered: () => string;
  send: (html: string, correction: Correction) => Promise<Kept | null>;
  say: (text: string, wrong?: boolean) => void;
}

/** Shows the controls, and listens to them. */
export function offerCorrections({ view, answered, send, say }: Around): void {
  const keep = async (said: string, correction: (offsets: Offsets) => Correction) => {
    const html = view.state.doc.toString();
    const kept = await send(html, correction(new Offsets(html)));
    if (kept) say(`${said} ${outcome(kept)}`);
  };
  const answer = () => ({ text: answered().slice(0, LONGEST_ANSWERED) });

  const main = () => {
    const text = selectedInAnswer();
    const { from, to } = view.state.selection.main;
    if (!text && from === to) return nothing();
    void keep("The selection is the main content.", (offsets) => ({
      kind: "main",
      right: text ? { text } : { spans: [[offsets.point(from), offsets.point(to)]] },
      answered: answer(),
    }));
  };
  const none = () => {
    void keep("The page has no main content.", () => ({ kind: "main", right: { spans: [] }, answered: answer() }));
  };
  const link = (right: boolean) => {
    const { from, to } = view.state.selection.main;
    if (from === to) return nothing();
    void keep(right ? "The selection is a link." : "The selection is no link.", (offsets) => ({
      kind: "link",
      start: offsets.point(from),
      end: offsets.point(to),
      right,
    }));
  };
  const nothing = () => say("Select a part of the source first.", true);

  listen("is-main", main);
  listen("no-main", none);
  listen("is-link", () => link(true));
  listen("no-link", () => link(false));
  judgeFaults(view, {
    none: ({ fault, from, to }) =>
      void keep("This is no fault.", (offsets) => ({
        kind: "fault",
        start: offsets.point(from),
        end: offsets.point(to),
        id: fault.kind,
        right: false,
        answered: { probability: fault.probability },
      })),
    right: ({ from, to, insert }) =>
      void keep("This fix is right.", (offsets) => ({
        kind: "fix",
        start: offsets.point(from),
        end: offsets.point(to),
        replacement: insert,
      })),
  });
  byId("corrections").hidden = false;
}

/** Listens to a button, which leaves the selection as it is. */
function listen(id: string, clicked: () => void): void {
  byId(id).addEventListener("mousedown", (event) => event.preventDefault());
  byId(id).addEventListener("click", clicked);
}

/** The text that is selected in the answer; "" for none. */
function selectedInAnswer(): string {
  const selection = document.getSelection();
  if (!selection || !selection.rangeCount) return "";
  return byId("panel").contains(selection.getRangeAt(0).commonAncestorContainer) ? selection.toString().trim() : "";
}

function outcome({ contradictions, merged }: Kept): string {
  if (contradictions.length) return "The service keeps it instead of what was said before.";
  return merged ? "The service knew that already." : "The service keeps it.";
}
