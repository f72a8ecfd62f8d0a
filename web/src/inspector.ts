// What the network says at the cursor: bits, the likeliest characters there, marks, and the value of each cell.
import { cellList } from "./curves";
import { byId, element } from "./dom";
import { type Around, type Measurement, UNIT } from "./service";

const NAMES: Record<string, string> = { " ": "space", "\n": "line feed", "\t": "tab", "\r": "carriage return" };

function named(text: string): string {
  return NAMES[text] ?? text;
}

/** Shows a code point. around: null while it is being asked for. */
export function inspect(character: string, point: number, measured: Measurement, around: Around | string | null): void {
  const bits = measured.surprisal[point] * UNIT;
  const facts: [string, string][] = [
    ["character", `${named(character)} at ${point.toLocaleString("en")}`],
    ["surprisal", `${bits >= 255 * UNIT ? "at least " : ""}${bits.toFixed(1)} bits`],
    ["entropy before it", `${(measured.entropy[point] * UNIT).toFixed(1)} bits`],
    ["depth", `${measured.depth[point]} open elements`],
    ["syntax", measured.syntaxNames[measured.syntax[point]].replace("_", " ")],
  ];
  if (around && typeof around !== "string") facts.push(["marks", marksAt(around, point)]);
  const list = element("dl", {});
  for (const [name, value] of facts) list.append(element("dt", {}, name), element("dd", {}, value));
  byId("inspected").replaceChildren(
    list,
    element("div", {}, element("h3", {}, "Expected here"), expected(around, point, character)),
    element("div", {}, element("h3", {}, "Counting cells"), cellList(measured.cells, point)),
  );
}

/** Shows no code point. */
export function inspectNothing(): void {
  byId("inspected").replaceChildren();
}

function marksAt(around: Around, point: number): string {
  const span = around.marks.find(({ start, end }) => start <= point && point < end);
  if (!span) return "none";
  const some = Object.entries(span.marks).filter(([, value]) => value !== 0 && value !== "none");
  const said = some.map(([head, value]) => (value === 1 ? head : `${head} ${value}`));
  return [span.kind.replace("_", " "), ...said].join(", ").replaceAll("_", " ");
}

function expected(around: Around | string | null, point: number, character: string): HTMLElement {
  if (!around) return element("p", { className: "quiet" }, "Reading…");
  if (typeof around === "string") return element("p", { className: "quiet" }, around);
  const rows = (around.alternatives[point - around.start] ?? []).map(({ text, probability }) => {
    const bar = element("span", { className: "bar-of" });
    bar.style.width = `${Math.max(1, probability * 100)}%`;
    const came = text === character;
    return element(
      "li",
      { className: came ? "came" : "" },
      element("code", {}, named(text)),
      element("span", { className: "bar-box" }, bar),
      `${(probability * 100).toFixed(probability < 0.1 ? 1 : 0)}%`,
    );
  });
  return element("ol", { className: "expected" }, ...rows);
}
