// Colours the visible part of the source by what the network says of each character.
import { RangeSetBuilder, StateEffect, StateField } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView, ViewPlugin, type ViewUpdate } from "@codemirror/view";
import type { Offsets } from "./offsets";
import { type Measurement, UNIT } from "./service";

export type Colour = "syntax" | "surprisal" | "entropy" | "depth";

export interface Painted {
  measured: Measurement;
  offsets: Offsets;
}

const LEVELS = 16;
export const paint = StateEffect.define<Painted | null>();
export const colourBy = StateEffect.define<Colour>();

interface Shown {
  painted: Painted | null;
  colour: Colour;
  stale: boolean; // the text has changed since it was read
}

const shown = StateField.define<Shown>({
  create: () => ({ painted: null, colour: "syntax", stale: false }),
  update(value, transaction) {
    if (transaction.docChanged) value = { ...value, stale: true };
    for (const effect of transaction.effects) {
      if (effect.is(paint)) value = { ...value, painted: effect.value, stale: false };
      if (effect.is(colourBy)) value = { ...value, colour: effect.value };
    }
    return value;
  },
});

/** The level of a character, 0 to 15: bits by their root, so that the first bits count most; depth as it is. */
export function level(colour: Colour, value: number): number {
  if (colour === "depth") return Math.min(LEVELS - 1, value);
  const most = colour === "surprisal" ? 16 : 6; // bits of the last level
  return Math.min(LEVELS - 1, Math.round((LEVELS - 1) * Math.sqrt((value * UNIT) / most)));
}

const MARKS = new Map<string, Decoration>();

function mark(name: string): Decoration {
  let made = MARKS.get(name);
  if (!made) MARKS.set(name, (made = Decoration.mark({ class: name })));
  return made;
}

function decorations(view: EditorView): DecorationSet {
  const { painted, colour } = view.state.field(shown);
  const builder = new RangeSetBuilder<Decoration>();
  if (!painted) return builder.finish();
  const { measured, offsets } = painted;
  const values = measured[colour];
  const name = (point: number) =>
    colour === "syntax" ? `s-${measured.syntaxNames[values[point]]}` : `h-${level(colour, values[point])}`;
  for (const { from, to } of view.visibleRanges) {
    let point = offsets.point(from);
    const end = Math.min(offsets.point(to) + 1, values.length);
    while (point < end) {
      const here = name(point);
      const first = point++;
      while (point < end && name(point) === here) point++;
      const [start, stop] = [Math.max(from, offsets.unit(first)), Math.min(to, offsets.unit(point))];
      if (here !== "h-0" && start < stop) builder.add(start, stop, mark(here));
    }
  }
  return builder.finish();
}

const plugin = ViewPlugin.fromClass(
  class {
    decorations: DecorationSet;

    constructor(view: EditorView) {
      this.decorations = decorations(view);
    }

    update(update: ViewUpdate) {
      const now = update.state.field(shown);
      // Until the changed text has been read, the old colours move with it.
      if (now.stale && now.colour === update.startState.field(shown).colour) {
        this.decorations = this.decorations.map(update.changes);
      } else if (update.viewportChanged || now !== update.startState.field(shown)) {
        this.decorations = now.stale ? Decoration.none : decorations(update.view);
      }
    }
  },
  { decorations: (value) => value.decorations },
);

const heat = Object.fromEntries(
  Array.from({ length: LEVELS }, (_, i) => [
    `.h-${i}`,
    { backgroundColor: `color-mix(in srgb, var(--heat) ${Math.round((100 * i) / (LEVELS - 1))}%, transparent)` },
  ]),
);

const theme = EditorView.theme({
  ...heat,
  ".s-tag, .s-end_tag": { color: "var(--tag)" },
  ".s-attribute": { color: "var(--attribute)" },
  ".s-value, .s-rel, .s-alt": { color: "var(--value)" },
  ".s-href, .s-src, .s-base": { color: "var(--address)", textDecoration: "underline" },
  ".s-comment, .s-doctype": { color: "var(--comment)", fontStyle: "italic" },
  ".s-raw": { color: "var(--raw)" },
  ".s-title": { fontWeight: "bold" },
});

export const colours = [shown, plugin, theme];
