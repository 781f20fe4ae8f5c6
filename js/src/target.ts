import { LANGUAGE } from "./units";

/** The elements of some classes, wherever and whenever they come into the page: several views of one output, outputs
 *  that were scrolled away and came back, a page that was loaded anew. Each is upgraded once. */
export class Targets<View extends object> {
  private readonly elements: HTMLCollectionOf<Element>;
  private readonly views = new WeakMap<Element, View>();
  private readonly observer: MutationObserver;
  private frame = 0;

  constructor(classes: string, private readonly upgrade: (element: HTMLElement) => View) {
    this.elements = document.getElementsByClassName(classes); // live: no search at all while nothing changes
    this.observer = new MutationObserver((changes) => {
      // The page may change hundreds of times a second: look once a frame at most, and only where something was added.
      if (changes.some((change) => change.addedNodes.length > 0)) this.frame ||= requestAnimationFrame(() => this.all());
    });
    this.observer.observe(document.body, { childList: true, subtree: true });
    this.all();
  }

  /** The views of the elements that are in the page now. */
  all(): View[] {
    this.frame = 0;
    return Array.from(this.elements, (element) => {
      const view = this.views.get(element) ?? this.upgrade(element as HTMLElement);
      this.views.set(element, view);
      return view;
    });
  }

  close(): void {
    this.observer.disconnect();
    cancelAnimationFrame(this.frame);
  }
}

/** Where a model is displayed by itself (a dashboard, marimo), its element is made here, and found like any other. */
export function alone(target: string, el: HTMLElement, ...classes: string[]): () => void {
  const card = document.createElement("div");
  [card.lang, card.dir] = [LANGUAGE, "ltr"];
  card.classList.add("carbon-magic", target, ...classes, "carbon-magic-alone");
  el.append(card);
  return () => card.remove();
}
