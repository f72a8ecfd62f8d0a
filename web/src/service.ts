// Asks the service. Every call can be cancelled, and the service then drops its work.

export interface Fix {
  start: number;
  end: number;
  replacement: string;
  bits_saved: number;
}

export interface Fault {
  start: number;
  end: number;
  line: number;
  column: number;
  bits: number;
  probability: number;
  kind: string;
  message: string;
  excerpt: string;
  fixes: Fix[];
}

export interface Link {
  href: string;
  url: string | null;
  text: string;
  rel: string | null;
  alt: string | null;
}

export interface Extraction {
  title: string | null;
  links?: Link[];
  text?: string;
  markdown?: string;
  confidence?: number;
  page_type?: string;
}

export interface CellChanges {
  kinds: string[];
  at: number[];
  cell: number[];
  value: number[];
}

/** One number per code point. surprisal and entropy count eighths of a bit. */
export interface Measurement {
  characters: number;
  bits_per_character: number;
  surprisal: Uint8Array;
  entropy: Uint8Array;
  depth: Uint8Array;
  syntax: Uint8Array;
  syntaxNames: string[];
  cells: CellChanges;
}

export interface MarkedSpan {
  start: number;
  end: number;
  kind: string;
  marks: Record<string, string | number>;
}

export interface Alternative {
  text: string;
  probability: number;
}

/** What is asked only around the cursor. start: the first code point that it covers. */
export interface Around {
  start: number;
  alternatives: Alternative[][];
  marks: MarkedSpan[];
}

/** What is right of a page, in the format of docs/corrections.md, without the page. */
export interface Correction {
  kind: "main" | "link" | "fault" | "fix";
  [name: string]: unknown;
}

/** What came of corrections: how many were new, were there already, and contradict what stood. */
export interface Kept {
  new: number;
  merged: number;
  contradictions: object[];
}

export const UNIT = 1 / 8; // bits, of a packed number
export const LIKELY = 0.5; // a fault from this probability on is shown
const TRIES = 4; // of a request that finds the service busy

export class Refused extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly field = "",
  ) {
    super(message);
  }
}

export class Service {
  key = ""; // kept in memory alone

  async extract(html: string, url: string, scope: string, signal: AbortSignal): Promise<Extraction> {
    const include = scope === "main" ? ["text", "markdown"] : ["links", "text", "markdown"];
    return this.post("extract", { html, include, scope, ...(url && { url }) }, signal);
  }

  async measure(html: string, signal: AbortSignal): Promise<Measurement> {
    const include = ["surprisal", "entropy", "depth", "syntax", "cells"];
    const got = await this.post<any>("entropy", { html, include, detail: "packed" }, signal);
    return {
      characters: got.characters,
      bits_per_character: got.bits_per_character,
      surprisal: bytes(got.surprisal),
      entropy: bytes(got.entropy),
      depth: bytes(got.depth),
      syntax: bytes(got.syntax),
      syntaxNames: got.syntax_names,
      cells: got.cells,
    };
  }

  async faults(html: string, signal: AbortSignal): Promise<Fault[]> {
    const got = await this.post<{ faults: Fault[] }>("entropy", { html, include: ["faults"] }, signal);
    return got.faults;
  }

  async around(html: string, start: number, end: number, signal: AbortSignal): Promise<Around> {
    const include = ["alternatives", "marks"];
    return { start, ...(await this.post<any>("entropy", { html, include, start, end }, signal)) };
  }

  /** Returns whether the service keeps corrections. */
  async takesCorrections(): Promise<boolean> {
    try {
      return (await (await fetch("web/offers.json")).json()).corrections === true;
    } catch {
      return false; // it does not answer, which the page says when it reads
    }
  }

  async correct(html: string, url: string, correction: Correction): Promise<Kept> {
    const { signal } = new AbortController();
    return this.post("corrections", { html, ...(url && { url }), ...correction }, signal);
  }

  /** Returns the answer in JSON. Waits where the service says that it is busy. Throws Refused. */
  private async post<T>(path: string, body: object, signal: AbortSignal): Promise<T> {
    const headers: Record<string, string> = { "Content-Type": "application/json" };
    if (this.key) headers.Authorization = `Bearer ${this.key}`;
    for (let tries = 1; ; tries++) {
      const answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(body), signal });
      if (answer.ok) return answer.json();
      const retry = Number(answer.headers.get("Retry-After"));
      if (answer.status !== 503 || !retry || tries === TRIES) {
        const problem = await answer.json().catch(() => ({}));
        throw new Refused(answer.status, problem.detail ?? `the service answers ${answer.status}`, problem.field);
      }
      await pause(retry * 1000, signal);
    }
  }
}

function bytes(base64: string): Uint8Array {
  const text = atob(base64);
  const made = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) made[i] = text.charCodeAt(i);
  return made;
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => (clearTimeout(timer), reject(signal.reason)), { once: true });
  });
}
