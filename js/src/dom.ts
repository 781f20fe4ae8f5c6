import { LANGUAGE } from "./units";

/** The part of a card that report/run_html.py and session_html.py marked with this role. */
export function part(card: Element, role: string): HTMLElement {
  return card.querySelector<HTMLElement>(`[data-c="${role}"]`)!;
}

export function parts(card: Element, role: string): HTMLElement[] {
  return [...card.querySelectorAll<HTMLElement>(`[data-c="${role}"]`)];
}

/** Change the text in place: no element comes or goes, so nobody's observer is woken and no selection is lost. */
export function say(element: Element, text: string): void {
  const node = element.firstChild;
  if (node instanceof Text && node.nextSibling === null) {
    if (node.data !== text) node.data = text;
  } else {
    element.textContent = text;
  }
}

/** Tell those who listen rather than look, once and politely; nothing of it stays in the page. */
export function announce(text: string): void {
  const region = document.createElement("div");
  region.setAttribute("role", "status");
  region.className = "carbon-magic-announcement";
  region.lang = LANGUAGE;
  document.body.append(region);
  setTimeout(() => (region.textContent = text), 150); // a region must be there before its words are
  setTimeout(() => region.remove(), 5000);
}

/** A new element with its class and its text. */
export function element<K extends keyof HTMLElementTagNameMap>(tag: K, name = "", text = ""): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (text) made.textContent = text;
  return made;
}

export function button(text: string, press: () => void): HTMLButtonElement {
  const made = element("button", "carbon-magic-button", text);
  made.type = "button";
  made.addEventListener("click", press);
  return made;
}
