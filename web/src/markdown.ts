// Renders Markdown as nodes, made from the tokens of markdown-it. No HTML is ever parsed, so nothing can run.
import MarkdownIt from "markdown-it";
import { element, outside } from "./dom";

const READER = new MarkdownIt({ html: false, linkify: false });
// What a token may become. Any other becomes its text.
const ALLOWED = new Set(
  "p h1 h2 h3 h4 h5 h6 ul ol li blockquote table thead tbody tr th td em strong s hr br".split(" "),
);
const MOST_BLOCKS = 400; // top-level blocks that are rendered at once

type Token = ReturnType<typeof READER.parse>[number];

/** Fills a node with Markdown, a part at a time; a button adds the next. */
export function renderMarkdown(source: string, into: HTMLElement): void {
  const tokens = READER.parse(source, {});
  let at = 0;
  const more = element("button", { type: "button", textContent: "Show more" });
  const add = () => {
    more.remove();
    const end = endOf(tokens, at, MOST_BLOCKS);
    build(tokens.slice(at, end), into);
    at = end;
    if (at < tokens.length) into.append(more);
  };
  more.addEventListener("click", add);
  add();
}

/** Returns the index behind so many top-level blocks. */
function endOf(tokens: Token[], from: number, blocks: number): number {
  let at = from;
  for (; at < tokens.length && blocks > 0; at++) {
    if (tokens[at].level === 0 && tokens[at].nesting <= 0) blocks--;
  }
  return at;
}

function build(tokens: Token[], into: HTMLElement): void {
  const open = [into];
  for (const token of tokens) {
    const here = open[open.length - 1];
    if (token.type === "inline") build(token.children ?? [], here);
    else if (token.nesting < 0) {
      if (!token.hidden) open.pop();
    } else if (token.nesting > 0) {
      if (token.hidden) continue;
      const made = opened(token);
      here.append(made);
      open.push(made);
    } else here.append(single(token));
  }
}

function opened(token: Token): HTMLElement {
  if (token.type === "link_open") return outside(String(token.attrGet("href") ?? ""));
  if (!ALLOWED.has(token.tag)) return document.createElement("span");
  const made = document.createElement(token.tag);
  if (made instanceof HTMLOListElement) made.start = Number(token.attrGet("start") ?? 1);
  return made;
}

function single(token: Token): Node {
  if (token.type === "fence" || token.type === "code_block") {
    return element("pre", {}, element("code", { textContent: token.content }));
  }
  if (token.type === "code_inline") return element("code", { textContent: token.content });
  if (token.type === "softbreak") return document.createTextNode("\n");
  if (token.type === "image") return element("span", { className: "image", textContent: token.content || "image" });
  if (token.tag === "hr" || token.tag === "br") return document.createElement(token.tag);
  return document.createTextNode(token.content);
}
