// Renders Markdown as nodes, made from the tokens of markdown-it. No HTML is ever parsed, so nothing can run.
import MarkdownIt from "markdown-it";
import { element, outside } from "./dom";

const READER = new MarkdownIt({ html: false, linkify: false });
// What a token may become. Any other becomes its text.
const ALLOWED = new Set(
  "p h1 h2 h3 h4 h5 h6 ul ol li blockquote table thead tbody tr th td em strong s hr br".split(" "),
);
const MOST_TOKENS = 4000; // that are rendered at once

type Token = ReturnType<typeof READER.parse>[number];

/** Fills a node with Markdown, a part at a time; a button adds the next. */
export function renderMarkdown(source: string, into: HTMLElement): void {
  const tokens = READER.parse(source, {});
  const open = [into]; // the elements that have begun
  let at = 0;
  const more = element("button", { type: "button", textContent: "Show more" });
  const add = () => {
    more.remove();
    build(tokens.slice(at, at + MOST_TOKENS), open);
    at += MOST_TOKENS;
    if (at < tokens.length) into.append(more);
  };
  more.addEventListener("click", add);
  add();
}

/** Adds tokens to the innermost of the open elements, and opens and closes elements as they say. */
function build(tokens: Token[], open: HTMLElement[]): void {
  for (const token of tokens) {
    const here = open[open.length - 1];
    if (token.type === "inline") build(token.children ?? [], [here]);
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
