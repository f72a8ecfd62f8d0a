// Surprisal and depth as curves over the page, and the counting cells as rows beneath, with one cursor for all.
import uPlot from "uplot";
import { byId, element } from "./dom";
import { type CellChanges, type Measurement, UNIT } from "./service";

const AXIS = 64; // pixels beside the plot, in which the rows have their names
const HEIGHT = 150;
const ROW = 16;
const GAP = 3; // between rows
const NARROWEST = 40; // characters that a zoom shows at least

type Range = [number, number];

/** What one cell holds over the page. at: the code points at which value changes. */
interface Row {
  name: string;
  at: number[];
  value: number[];
}

export class Curves {
  private plot: uPlot | null = null;
  private measured: Measurement | null = null;
  private rows: Row[] = [];
  private range: Range = [0, 1];
  private point = 0;
  private readonly canvas = byId("cells").querySelector("canvas")!;
  private readonly line = byId("cells").appendChild(element("div", { className: "cursor-line", hidden: true }));

  /** moved: hears of the code point under the pointer. chosen: of the one that was clicked. */
  constructor(
    private readonly moved: (point: number) => void,
    private readonly chosen: (point: number) => void,
  ) {
    new ResizeObserver(() => this.draw()).observe(byId("curves"));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    byId("zoom-out").addEventListener("click", () => this.zoom([0, this.measured?.characters ?? 1]));
    byId("zoom-in").addEventListener("click", () => {
      const width = Math.max(NARROWEST, (this.range[1] - this.range[0]) / 4);
      this.zoom([this.point - width / 2, this.point + width / 2]);
    });
    this.canvas.addEventListener("mousemove", (event) => this.moved(this.under(event)));
    this.canvas.addEventListener("click", (event) => this.chosen(this.under(event)));
  }

  show(measured: Measurement): void {
    this.measured = measured;
    this.rows = rowsOf(measured.cells);
    this.range = [0, Math.max(1, measured.characters)];
    this.draw();
  }

  /** Shows no page. */
  clear(): void {
    this.measured = null;
    this.rows = [];
    this.line.hidden = true;
    this.plot?.destroy();
    this.plot = null;
    this.drawRows();
  }

  /** Moves the cursor to a code point. */
  pointTo(point: number): void {
    this.point = point;
    if (!this.plot) return;
    const [from, to] = this.range;
    const left = ((point + 0.5 - from) / (to - from)) * (byId("curves").clientWidth - 2 * AXIS);
    this.plot.setCursor({ left, top: HEIGHT / 2 }, false);
    this.line.hidden = point < from || point >= to;
    this.line.style.left = `${AXIS + left}px`;
  }

  private zoom([from, to]: Range): void {
    const most = Math.max(1, this.measured?.characters ?? 1);
    const width = Math.min(most, Math.max(NARROWEST, to - from));
    const start = Math.max(0, Math.min(most - width, from));
    this.range = [Math.floor(start), Math.ceil(start + width)];
    this.draw();
  }

  /** The code point under the pointer. */
  private under(event: MouseEvent): number {
    const x = event.clientX - this.canvas.getBoundingClientRect().left - AXIS;
    const share = x / Math.max(1, this.canvas.clientWidth - 2 * AXIS);
    const point = Math.floor(this.range[0] + share * (this.range[1] - this.range[0]));
    return Math.max(0, Math.min((this.measured?.characters ?? 1) - 1, point));
  }

  private draw(): void {
    if (!this.measured) return;
    const width = byId("curves").clientWidth;
    this.plot?.destroy();
    this.plot = new uPlot(this.options(width), this.data(width - 2 * AXIS), byId("curves"));
    this.drawRows();
  }

  /** One value for each pixel: the greatest of the characters that it stands for. */
  private data(pixels: number): uPlot.AlignedData {
    const { surprisal, depth } = this.measured!;
    const [from, to] = this.range;
    const count = Math.max(1, Math.min(Math.floor(pixels), to - from));
    const columns: number[][] = [[], [], []];
    for (let k = 0; k < count; k++) {
      const first = from + Math.floor((k * (to - from)) / count);
      const last = Math.max(first + 1, from + Math.floor(((k + 1) * (to - from)) / count));
      let [bits, deep] = [0, 0];
      for (let i = first; i < last; i++) {
        if (surprisal[i] > bits) bits = surprisal[i];
        if (depth[i] > deep) deep = depth[i];
      }
      columns[0].push((first + last) / 2);
      columns[1].push(bits * UNIT);
      columns[2].push(deep);
    }
    return columns as uPlot.AlignedData;
  }

  private options(width: number): uPlot.Options {
    const style = getComputedStyle(document.documentElement);
    const colour = (name: string) => style.getPropertyValue(name).trim();
    const axis = { stroke: colour("--quiet"), grid: { stroke: colour("--line") }, ticks: { stroke: colour("--line") } };
    return {
      width,
      height: HEIGHT,
      legend: { show: false },
      scales: {
        x: { time: false, range: this.range },
        bits: { range: (_, __, most) => [0, Math.max(16, most)] },
        depth: { range: (_, __, most) => [0, Math.max(4, most)] },
      },
      axes: [
        { ...axis, values: (_, splits) => splits.map((value) => value.toLocaleString("en")) },
        {
          ...axis,
          stroke: colour("--bits"),
          scale: "bits",
          label: "bits",
          size: AXIS - 20,
          labelSize: 20,
          labelGap: 0,
        },
        {
          ...axis,
          stroke: colour("--depth"),
          scale: "depth",
          incrs: [1, 2, 5, 10, 20],
          label: "depth",
          side: 1,
          size: AXIS - 20,
          labelSize: 20,
          labelGap: 0,
          grid: { show: false },
        },
      ],
      series: [
        {},
        { scale: "bits", stroke: colour("--bits"), width: 1, points: { show: false } },
        { scale: "depth", stroke: colour("--depth"), width: 2, points: { show: false } },
      ],
      cursor: { y: false, drag: { x: true, y: false, setScale: false }, points: { show: false } },
      hooks: {
        ready: [
          (plot) => {
            this.listen(plot);
            this.plot = plot;
            this.pointTo(this.point);
          },
        ],
        setSelect: [
          (plot) => {
            if (plot.select.width < 4) return;
            const [left, right] = [plot.select.left, plot.select.left + plot.select.width];
            this.zoom([plot.posToVal(left, "x"), plot.posToVal(right, "x")]);
          },
        ],
      },
    };
  }

  private listen(plot: uPlot): void {
    const at = (event: MouseEvent) => {
      const x = plot.posToVal(event.clientX - plot.over.getBoundingClientRect().left, "x");
      return Math.max(0, Math.min(this.measured!.characters - 1, Math.floor(x)));
    };
    plot.over.addEventListener("mousemove", (event) => this.moved(at(event)));
    plot.over.addEventListener("click", (event) => this.chosen(at(event)));
    plot.over.addEventListener("dblclick", () => this.zoom([0, this.measured!.characters]));
  }

  private drawRows(): void {
    const ratio = devicePixelRatio;
    const width = byId("curves").clientWidth;
    const height = this.rows.length * (ROW + GAP);
    this.canvas.width = width * ratio;
    this.canvas.height = height * ratio;
    this.canvas.style.height = `${height}px`;
    const context = this.canvas.getContext("2d")!;
    const style = getComputedStyle(document.documentElement);
    context.scale(ratio, ratio);
    context.font = "11px system-ui, sans-serif";
    context.textBaseline = "middle";
    const inner = width - 2 * AXIS;
    const [from, to] = this.range;
    const x = (point: number) => AXIS + ((Math.max(from, Math.min(to, point)) - from) / (to - from)) * inner;
    this.rows.forEach((row, k) => {
      const top = k * (ROW + GAP);
      context.globalAlpha = 1;
      context.fillStyle = style.getPropertyValue("--text");
      context.fillText(row.name, 0, top + ROW / 2, AXIS - 4);
      context.fillStyle = style.getPropertyValue("--depth");
      for (let i = 0; i < row.at.length; i++) {
        const end = i + 1 < row.at.length ? row.at[i + 1] : to;
        if (!row.value[i] || end <= from || row.at[i] >= to) continue;
        context.globalAlpha = Math.min(1, 0.3 + 0.2 * row.value[i]);
        context.fillRect(x(row.at[i]), top, Math.max(0.5, x(end) - x(row.at[i])), ROW);
      }
    });
  }
}

/** The cells that ever count something, each with its changes. */
function rowsOf(cells: CellChanges): Row[] {
  const rows: Row[] = cells.kinds.map((name) => ({ name, at: [], value: [] }));
  cells.at.forEach((at, i) => {
    rows[cells.cell[i]].at.push(at);
    rows[cells.cell[i]].value.push(cells.value[i]);
  });
  return rows.filter((row) => row.at.length);
}

/** What each cell holds at a code point. */
export function cellsAt(cells: CellChanges, point: number): number[] {
  const held = cells.kinds.map(() => 0);
  for (let i = 0; i < cells.at.length && cells.at[i] <= point; i++) held[cells.cell[i]] = cells.value[i];
  return held;
}

export function cellList(cells: CellChanges, point: number): HTMLElement {
  const held = cellsAt(cells, point);
  const rows = cells.kinds.map((kind, k) => {
    const item = element("li", { className: held[k] ? "held" : "" }, kind, " ", element("b", {}, String(held[k])));
    return item;
  });
  return element("ul", { className: "cells" }, ...rows);
}
