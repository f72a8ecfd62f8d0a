// The page: reads the source again when it changes, and holds the editor, the tabs and the curves together.
import chinese from "../examples/chinese.html";
import ferry from "../examples/ferry.html";
import table from "../examples/table.html";
import type { Text } from "@codemirror/state";
import { type Colour, colourBy, paint } from "./colours";
import { offerCorrections } from "./corrections";
import { Curves } from "./curves";
import { byId, element } from "./dom";
import { makeEditor, pointAt, setText } from "./editor";
import { fixAll, showFaults, watchFaults } from "./faults";
import { decodeFile } from "./files";
import { inspect, inspectNothing } from "./inspector";
import { Offsets } from "./offsets";
import { type Around, type Correction, type Kept, type Measurement, Refused, Service } from "./service";
import { Tabs } from "./tabs";
import "uplot/dist/uPlot.min.css";
import "./page.css";

const EXAMPLES: [string, string][] = [
  ["an open script, a lost quote", ferry],
  ["a table with three faults", table],
  ["Chinese", chinese],
];
const TYPING = 350; // milliseconds after the last key before the page is read again
const POINTING = 120; // and after the last move of the cursor
const AROUND = 32; // characters to each side of the cursor that are asked for together

/** The text that was read last. */
interface Read {
  text: string;
  offsets: Offsets;
  measured: Measurement;
  around: Around[];
}

const service = new Service();
const typedUrl = () => byId<HTMLInputElement>("url").value.trim();
const url = () => (typedUrl() === refusedUrl ? "" : typedUrl());
const tabs = new Tabs(url);
const curves = new Curves(
  (point) => pointTo(point),
  (point) => {
    if (!read) return;
    editor.dispatch({ selection: { anchor: read.offsets.unit(point) }, scrollIntoView: true });
  },
);
const editor = makeEditor({
  changed: () => readLater(TYPING),
  dropped: (text) => take(text),
  moved: (unit) => {
    if (read) pointTo(Math.min(read.offsets.point(unit), read.measured.characters - 1));
  },
});

let read: Read | null = null;
let reading = new AbortController();
let asking = new AbortController();
let timer = 0;
let refusedUrl = ""; // an address that the service does not take; the page is read without it
let asked = 0;
let mainText = ""; // that was answered last

function say(text: string, wrong = false): void {
  byId("status").textContent = text;
  byId("status").classList.toggle("wrong", wrong);
}

function readLater(milliseconds: number): void {
  reading.abort();
  asking.abort();
  clearTimeout(asked);
  clearTimeout(timer);
  read = null; // it is of another text
  say("Changed…");
  timer = window.setTimeout(() => void readNow(), milliseconds);
}

async function readNow(): Promise<void> {
  reading.abort();
  const { signal } = (reading = new AbortController());
  const text = editor.state.doc.toString();
  byId("url-wrong").hidden = !refusedUrl || typedUrl() !== refusedUrl;
  if (!text.trim()) {
    showNothing();
    return;
  }
  say("Reading…");
  const started = performance.now();
  const offsets = new Offsets(text);
  const html = sendable(text);
  try {
    await Promise.all([
      measure(html, offsets, signal),
      Promise.all([service.extract(html, url(), "all", signal), service.extract(html, url(), "main", signal)]).then(
        ([all, main]) => {
          mainText = main.text ?? "";
          tabs.show({ all, main });
        },
      ),
    ]);
    say("Looking for faults…");
    const faults = await service.faults(html, signal);
    const found = showFaults(editor, faults, offsets);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    const bits = read?.measured.bits_per_character.toFixed(2);
    say(`${found}. ${offsets.points.toLocaleString("en")} characters, ${bits} bits each, read in ${seconds} s.`);
  } catch (error) {
    failed(error, signal);
  }
}

/** Half of a surrogate pair is no text that can be sent; U+FFFD is as long. */
function sendable(text: string): string {
  return text.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, "\ufffd");
}

/** Takes away what was said of a text that is no longer there. */
function showNothing(): void {
  editor.dispatch({ effects: paint.of(null) });
  showFaults(editor, [], new Offsets(""));
  tabs.show(null);
  curves.clear();
  inspectNothing();
  say("Paste a page, drop a file, or choose an example.");
}

async function mendAll(): Promise<void> {
  readLater(0);
  clearTimeout(timer); // the mended text is read instead
  const { signal } = (reading = new AbortController());
  const find = (doc: Text) => service.faults(sendable(doc.toString()), signal);
  try {
    await fixAll(editor, find, (round) => say(`Fixing, round ${round}…`));
    readLater(0);
  } catch (error) {
    failed(error, signal);
  }
}

async function measure(html: string, offsets: Offsets, signal: AbortSignal): Promise<void> {
  const measured = await service.measure(html, signal);
  signal.throwIfAborted();
  read = { text: html, offsets, measured, around: [] };
  editor.dispatch({ effects: paint.of({ measured, offsets }) });
  curves.show(measured);
  pointTo(Math.min(offsets.point(editor.state.selection.main.head), measured.characters - 1));
}

function failed(error: unknown, signal: AbortSignal): void {
  if (signal.aborted) return;
  if (error instanceof Refused && error.field === "url" && url()) return void readWithoutUrl(error.message);
  complain(error, "Change the source to try again.");
  reading.abort(); // the other requests of this text
}

/** Says why the service did not do what it was asked for. again: how to try again where it does not answer. */
function complain(error: unknown, again: string): void {
  if (error instanceof Refused) {
    byId("ask-key").hidden = error.status !== 401;
    say(error.status === 401 ? aboutKey() : `The service refused this: ${error.message}.`, true);
  } else {
    say(`The service does not answer. ${again}`, true);
  }
}

function aboutKey(): string {
  if (!service.key) return "This service answers only with its API key. Enter the key below.";
  return "The service does not take this API key. Enter another one below.";
}

/** Says beside the address what is wrong with it, and reads the page as one whose address is not known. */
function readWithoutUrl(why: string): Promise<void> {
  refusedUrl = url();
  byId("url-wrong").textContent = `This address is not used: ${why}.`;
  return readNow();
}

/** Moves the shared cursor to a code point, and shows what is known there. */
function pointTo(point: number): void {
  if (!read) return;
  const { offsets, measured, text, around } = read;
  const [from, to] = [offsets.unit(point), offsets.unit(point + 1)];
  editor.dispatch({ effects: pointAt.of({ from, to }) });
  curves.pointTo(point);
  const known = around.find(({ start, alternatives }) => start <= point && point < start + alternatives.length);
  inspect(text.slice(from, to), point, measured, known ?? null);
  clearTimeout(asked);
  asking.abort();
  if (!known) asked = window.setTimeout(() => void askAround(point), POINTING);
}

async function askAround(point: number): Promise<void> {
  const now = read;
  if (!now) return;
  const { signal } = (asking = new AbortController());
  const start = Math.max(0, point - AROUND);
  const shown = now.text.slice(now.offsets.unit(point), now.offsets.unit(point + 1));
  try {
    const around = await service.around(now.text, start, point + AROUND, signal);
    now.around.push(around);
    if (read === now && !signal.aborted) inspect(shown, point, now.measured, around);
  } catch (error) {
    if (signal.aborted) return;
    inspect(shown, point, now.measured, error instanceof Refused ? error.message : "The service does not answer.");
  }
}

/** Sends a correction. Returns null where the service does not take it, and says why. */
async function correct(html: string, correction: Correction): Promise<Kept | null> {
  try {
    return await service.correct(sendable(html), url(), correction);
  } catch (error) {
    complain(error, "Send it again later.");
    return null;
  }
}

/** Shows how to correct answers, if the service takes corrections. */
async function offer(): Promise<void> {
  if (await service.takesCorrections())
    offerCorrections({ view: editor, answered: () => mainText, send: correct, say });
}

/** Puts another page into the editor, and reads it at once. */
function take(text: string): void {
  setText(editor, text);
  readLater(0);
}

function listen(): void {
  const choice = byId<HTMLSelectElement>("example");
  EXAMPLES.forEach(([name], i) => choice.append(element("option", { value: String(i) }, name)));
  choice.addEventListener("change", () => {
    if (choice.value) take(EXAMPLES[Number(choice.value)][1]);
    choice.value = "";
  });
  const file = byId<HTMLInputElement>("file");
  file.addEventListener("change", () => {
    if (file.files?.[0]) void decodeFile(file.files[0]).then(take);
    file.value = "";
  });
  byId("colours").addEventListener("change", (event) => {
    editor.dispatch({ effects: colourBy.of((event.target as HTMLInputElement).value as Colour) });
  });
  byId("url").addEventListener("change", () => readLater(0));
  byId("ask-key").addEventListener("submit", (event) => {
    event.preventDefault();
    service.key = byId<HTMLInputElement>("key").value;
    byId("ask-key").hidden = true;
    readLater(0);
  });
  watchFaults(editor, () => void mendAll());
}

listen();
void offer();
take(ferry);
