// The answer in tabs. A tab's content is made when it is first looked at.
import { byId, element, outside } from "./dom";
import { renderMarkdown } from "./markdown";
import type { Extraction } from "./service";

export interface Answer {
  all: Extraction;
  main: Extraction;
}

const ROWS = 200; // of the table of links that are shown at once

const TABS: [string, (answer: Answer, into: HTMLElement, url: string) => void][] = [
  ["Markdown", ({ all }, into) => rendered(all.markdown ?? "", into)],
  ["Markdown source", ({ all }, into) => plain(all.markdown ?? "", into)],
  ["Text", ({ all }, into) => plain(all.text ?? "", into)],
  ["Main content", ({ main }, into) => mainContent(main, into)],
  ["Links", ({ all }, into) => links(all, into)],
  ["JSON", ({ all }, into) => plain(JSON.stringify(all, null, 1), into)],
  ["Use it", (_, into, url) => plain(lines(url), into)],
];
const COPIED: ((answer: Answer, url: string) => string)[] = [
  ({ all }) => all.markdown ?? "",
  ({ all }) => all.markdown ?? "",
  ({ all }) => all.text ?? "",
  ({ main }) => main.markdown ?? "",
  ({ all }) => (all.links ?? []).map((link) => `${link.url ?? link.href}\t${link.text}`).join("\n"),
  ({ all }) => JSON.stringify(all, null, 1),
  (_, url) => lines(url),
];

export class Tabs {
  private answer: Answer | null = null;
  private chosen = 0;
  private readonly buttons: HTMLButtonElement[];

  constructor(private readonly url: () => string) {
    this.buttons = TABS.map(([name], i) => {
      const button = element("button", { type: "button", role: "tab", id: `tab-${i}`, textContent: name });
      button.setAttribute("aria-controls", "panel");
      button.addEventListener("click", () => this.choose(i));
      return button;
    });
    byId("tabs").append(...this.buttons);
    byId("tabs").addEventListener("keydown", (event) => this.key(event));
    byId("copy").addEventListener("click", () => void this.copy());
    this.choose(0);
  }

  /** Shows an answer; null: none. */
  show(answer: Answer | null): void {
    this.answer = answer;
    this.draw();
  }

  private choose(index: number): void {
    this.chosen = index;
    this.buttons.forEach((button, i) => {
      button.setAttribute("aria-selected", String(i === index));
      button.tabIndex = i === index ? 0 : -1;
    });
    byId("panel").setAttribute("aria-labelledby", `tab-${index}`);
    this.draw();
    byId("panel").scrollTop = 0;
  }

  /** Arrow keys, Home and End move between tabs (WAI-ARIA authoring practices, tabs). */
  private key(event: KeyboardEvent): void {
    const last = this.buttons.length - 1;
    const { ArrowLeft, ArrowRight, Home, End } = {
      ArrowLeft: this.chosen ? this.chosen - 1 : last,
      ArrowRight: this.chosen === last ? 0 : this.chosen + 1,
      Home: 0,
      End: last,
    };
    const to = { ArrowLeft, ArrowRight, Home, End }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.choose(to);
    this.buttons[to].focus();
  }

  private draw(): void {
    const panel = byId("panel");
    const { scrollTop } = panel; // a page that is read again is shown at the same place
    panel.replaceChildren();
    if (this.answer) TABS[this.chosen][1](this.answer, panel, this.url());
    panel.scrollTop = scrollTop;
  }

  private async copy(): Promise<void> {
    if (!this.answer) return;
    const button = byId("copy");
    try {
      await navigator.clipboard.writeText(COPIED[this.chosen](this.answer, this.url()));
      button.textContent = "Copied";
    } catch {
      button.textContent = "The browser does not allow it";
    }
    setTimeout(() => (button.textContent = "Copy"), 1500);
  }
}

function plain(text: string, into: HTMLElement): void {
  if (text) into.append(element("pre", { textContent: text }));
  else nothing(into);
}

function rendered(markdown: string, into: HTMLElement): void {
  const article = element("article", {});
  renderMarkdown(markdown, article);
  if (markdown) into.append(article);
  else nothing(into);
}

function nothing(into: HTMLElement): void {
  into.append(element("p", { className: "quiet", textContent: "There is none on this page." }));
}

function mainContent(main: Extraction, into: HTMLElement): void {
  const facts = [
    main.page_type && `The page looks like this type: ${main.page_type}.`,
    main.confidence != null && `Expected F1 of words: ${main.confidence}.`,
  ];
  into.append(element("p", { className: "quiet", textContent: facts.filter(Boolean).join(" ") }));
  rendered(main.markdown ?? "", into);
}

function links(all: Extraction, into: HTMLElement): void {
  const found = all.links ?? [];
  if (!found.length) return nothing(into);
  const body = element("tbody", {});
  const heads = ["Text", "Address", "rel"].map((name) => element("th", { scope: "col", textContent: name }));
  into.append(element("table", {}, element("thead", {}, element("tr", {}, ...heads)), body));
  const more = element("button", { type: "button", textContent: "Show more" });
  const add = () => {
    const first = body.rows.length;
    for (const link of found.slice(first, first + ROWS)) {
      const cells = [
        link.text || link.alt || "",
        outside(link.url ?? link.href, link.url ?? link.href),
        link.rel ?? "",
      ];
      body.append(element("tr", {}, ...cells.map((cell) => element("td", {}, cell))));
    }
    more.hidden = body.rows.length === found.length;
  };
  more.addEventListener("click", add);
  into.append(more);
  add();
}

/** The lines that give the same answer elsewhere. */
function lines(url: string): string {
  const service = new URL(".", location.href).href;
  const query = url ? `?url=${encodeURIComponent(url)}` : "";
  const option = url ? `, url=${JSON.stringify(url)}` : "";
  const shell = (word: string) => `'${word.replaceAll("'", "'\\''")}'`;
  return `# curl
curl -H 'Content-Type: text/html' --data-binary @page.html ${shell(`${service}extract${query}`)}
curl -H 'Content-Type: text/html' --data-binary @page.html ${shell(`${service}entropy?include=faults`)}

# Python
import pathlib, soupstate

html = pathlib.Path("page.html").read_text(encoding="utf-8")
page = soupstate.extract(html${option})
print(page.markdown)
print(soupstate.mend(html, soupstate.check(html)))

# Command line
soupstate extract --format markdown ${url ? `--url ${shell(url)} ` : ""}page.html
soupstate check page.html
`;
}
