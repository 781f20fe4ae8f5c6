import type { Sight } from "./sight";

/** What the chart's owner does when something else is looked at. */
export interface Looks {
  /** Another moment, stretch or device: draw and say it. */
  changed(): void;
}

/** Reads the chart by pointer and by keys: a line at the moment that is read, a stretch that is drawn up to be shown alone.
 *
 *  To assistive technology the chart is a slider along time: each key says the moment and its watts, and nothing else does. */
export class Cursor {
  /** The device that is read alone; null reads them all. */
  device: number | null = null;
  private readonly line: HTMLElement;
  private readonly brush: HTMLElement;
  private begun: number | null = null;

  constructor(
    private readonly box: HTMLElement, private readonly sight: Sight, private readonly devices: number, private readonly owner: Looks,
  ) {
    box.classList.add("carbon-magic-chart");
    this.line = box.appendChild(mark("carbon-magic-cursor"));
    this.brush = box.appendChild(mark("carbon-magic-brush"));
    box.tabIndex = 0;
    box.setAttribute("role", "slider");
    box.setAttribute("data-lm-suppress-shortcuts", "true"); // arrows are ours here, not the notebook's
    box.addEventListener("keydown", (event) => this.key(event));
    box.addEventListener("blur", () => this.leave());
    box.addEventListener("pointerdown", (event) => this.down(event));
    box.addEventListener("pointermove", (event) => this.move(event));
    box.addEventListener("pointerup", (event) => this.up(event));
    box.addEventListener("pointercancel", () => this.drop());
    box.addEventListener("pointerleave", () => document.activeElement !== box && this.begun === null && this.leave());
    box.addEventListener("dblclick", () => this.whole());
  }

  /** Put the line where the moment is, and tell what is read there. */
  draw(words: string): void {
    const { at } = this.sight;
    const part = at === null ? -1 : this.sight.part(at);
    this.line.hidden = !(part >= 0 && part <= 1);
    this.line.style.left = `${100 * part}%`;
    const { from, to } = this.sight.shown();
    this.box.setAttribute("aria-valuemin", from.toFixed(1));
    this.box.setAttribute("aria-valuemax", to.toFixed(1));
    this.box.setAttribute("aria-valuenow", (at ?? to).toFixed(1));
    this.box.setAttribute("aria-valuetext", words);
  }

  whole(): void {
    this.sight.zoom = null;
    this.owner.changed();
  }

  private leave(): void {
    this.sight.at = this.device = null;
    this.owner.changed();
  }

  private key(event: KeyboardEvent): void {
    const { sight } = this, far = event.shiftKey ? 10 : 1;
    const doing: Record<string, () => void> = {
      ArrowLeft: () => sight.step(-far),
      ArrowRight: () => sight.step(far),
      PageUp: () => sight.step(-30),
      PageDown: () => sight.step(30),
      Home: () => sight.edge(false),
      End: () => sight.edge(true),
      ArrowDown: () => this.other(1),
      ArrowUp: () => this.other(-1),
      "+": () => sight.scale(0.5),
      "=": () => sight.scale(0.5),
      "-": () => sight.scale(2),
      "0": () => (sight.zoom = null),
    };
    if (event.key === "Escape" && (sight.zoom || sight.at !== null)) doing["Escape"] = () => (sight.zoom = sight.at = this.device = null);
    const act = doing[event.key];
    if (act === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    act();
    event.preventDefault();
    event.stopPropagation();
    this.owner.changed();
  }

  /** From all devices to the first, the next ... and to all again. */
  private other(by: number): void {
    const places = this.devices + 1;
    const now = (((this.device ?? -1) + 1 + by + places) % places) - 1;
    this.device = now < 0 ? null : now;
    if (this.sight.at === null) this.sight.edge(true);
  }

  private down(event: PointerEvent): void {
    if (event.button !== 0 || !event.isPrimary) return;
    this.begun = this.place(event);
    if (event.pointerType !== "touch") this.box.setPointerCapture(event.pointerId);
  }

  private move(event: PointerEvent): void {
    const part = this.place(event);
    this.sight.at = this.sight.time(part);
    if (this.begun !== null) {
      const [left, right] = [Math.min(part, this.begun), Math.max(part, this.begun)];
      this.brush.hidden = !this.wide(right - left);
      this.brush.style.left = `${100 * left}%`;
      this.brush.style.width = `${100 * (right - left)}%`;
    }
    this.owner.changed();
  }

  private up(event: PointerEvent): void {
    const part = this.place(event);
    if (this.begun !== null && this.wide(Math.abs(part - this.begun))) this.sight.choose(this.sight.time(part), this.sight.time(this.begun));
    this.drop();
    this.owner.changed();
  }

  private drop(): void {
    this.begun = null;
    this.brush.hidden = true;
  }

  /** A hand that trembles draws up nothing. */
  private wide(part: number): boolean {
    return part * this.box.clientWidth > 6;
  }

  private place(event: PointerEvent): number {
    const { left, width } = this.box.getBoundingClientRect();
    return Math.min(Math.max((event.clientX - left) / (width || 1), 0), 1);
  }
}

function mark(name: string): HTMLElement {
  const element = document.createElement("div");
  element.className = name;
  element.hidden = true;
  return element;
}
