// Makes elements. Text of pages goes into text nodes only.

type Child = Node | string;

export function byId<T extends HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`index.html has no #${id}`);
  return found as T;
}

export function element<K extends keyof HTMLElementTagNameMap>(
  name: K,
  properties: Partial<HTMLElementTagNameMap[K]> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

const OPENED = ["http:", "https:", "mailto:"];

/** Returns a link that opens another tab, or plain text where the address is not absolute or might run a script. */
export function outside(address: string, ...children: Child[]): HTMLElement {
  let protocol = "";
  try {
    protocol = new URL(address).protocol;
  } catch {
    // a relative address
  }
  if (!OPENED.includes(protocol)) return element("span", { className: "no-link", title: address }, ...children);
  return element("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, ...children);
}
