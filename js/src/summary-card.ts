import { details } from "./details";
import { button, element, part, say } from "./dom";
import type { Tags } from "./edit";
import type { Answer, Asked, Row, SummaryModel } from "./model";
import { FIGURES, KEYS, overlapping, sorted, total } from "./sum";
import { Targets } from "./target";
import { tools } from "./tools";
import * as units from "./units";

const HINT = "Tick runs to sum them, press a name for its devices, a heading to sort.";

/** What a reader did to a summary: it outlives the table, which Python draws anew after a change. */
interface State {
  column: number;
  descending: boolean;
  picked: Set<number>;
  opened: Set<number>;
  tools: boolean;
  /** The row whose name takes the focus when the table has been drawn anew. */
  focus: number | null;
}

/** A request that goes to Python, without its number. */
type Wish = Asked extends infer Each ? (Each extends Asked ? Omit<Each, "n"> : never) : never;

/** One session summary in the page. */
class SummaryCard {
  private readonly saved: Node[];
  private body!: HTMLTableSectionElement;
  private rows!: HTMLTableRowElement[];
  private heads!: HTMLTableCellElement[];
  private boxes: HTMLInputElement[] = [];
  private all!: HTMLInputElement;
  private line!: HTMLElement;

  constructor(
    private readonly card: HTMLElement, private readonly model: SummaryModel, private readonly state: State,
    private readonly ask: (wish: Wish) => void,
  ) {
    this.saved = [...card.childNodes];
    card.addEventListener("keydown", this.move);
    this.build();
  }

  /** The table as Python draws it now, and the reader's own state upon it. */
  build(): void {
    this.card.innerHTML = this.model.get("html"); // made and escaped by report/session_html.py
    units.use(this.model.get("units"));
    const table = part(this.card, "runs") as HTMLTableElement;
    this.body = table.tBodies[0]!;
    this.rows = [...this.body.rows];
    this.heads = [...table.tHead!.rows[0]!.cells];
    this.boxes = [];
    this.line = part(this.card, "sum");
    this.line.setAttribute("role", "status");
    this.heads.forEach((head, column) => this.addSort(head, column));
    this.all = this.addBox(this.heads[0]!, "all runs");
    this.all.addEventListener("change", () => this.pickAll(this.all.checked));
    this.rows.forEach((row, i) => this.addControls(row, i));
    this.addTools();
    this.sort();
    this.tell();
    if (this.state.focus !== null) this.rows[this.state.focus]?.querySelector<HTMLElement>(".carbon-magic-name")?.focus();
    this.state.focus = null;
  }

  /** Put back what is saved: nobody answers any more. */
  close(): void {
    this.card.removeEventListener("keydown", this.move);
    this.card.replaceChildren(...this.saved);
  }

  private get runs(): readonly Row[] {
    return this.model.get("rows");
  }

  private addSort(head: HTMLTableCellElement, column: number): void {
    const made = element("button", "carbon-magic-sort");
    made.type = "button";
    made.append(...head.childNodes);
    head.append(made);
    made.addEventListener("click", () => this.sortBy(column));
  }

  private addBox(cell: HTMLElement, label: string): HTMLInputElement {
    const box = element("input", "carbon-magic-pick");
    box.type = "checkbox";
    box.setAttribute("aria-label", `Select ${label}`);
    cell.prepend(box);
    return box;
  }

  private addControls(row: HTMLTableRowElement, i: number): void {
    const cell = row.cells[0]!, name = element("button", "carbon-magic-name");
    name.type = "button";
    name.append(...cell.childNodes);
    cell.append(name);
    let below: HTMLElement | null = null;
    const open = (): void => {
      const save = this.model.get("answers") ? (name: string, tags: Tags) => this.amend(i, name, tags) : null;
      row.after((below = details(this.runs[i]!, this.heads.length, save)));
      this.state.opened.add(i);
    };
    if (this.state.opened.has(i)) open();
    name.setAttribute("aria-expanded", String(below !== null));
    name.addEventListener("click", () => {
      if (below === null) open();
      else {
        below.remove();
        below = null;
        this.state.opened.delete(i);
      }
      name.setAttribute("aria-expanded", String(below !== null));
    });
    const box = this.addBox(cell, this.runs[i]!.name);
    box.checked = this.state.picked.has(i);
    box.addEventListener("change", () => {
      this.pick(i, box.checked);
      this.tell();
    });
    this.boxes.push(box);
  }

  private addTools(): void {
    const heading = this.card.firstElementChild!;
    const panel = tools({
      model: this.model,
      rows: () => this.shownRows(),
      tell: (text) => say(this.line, text),
      ask: (setting, value) => this.wish({ do: "prefer", setting, value }),
    });
    const opener = button("Options", () => {
      this.state.tools = !this.state.tools;
      panel.hidden = !this.state.tools;
      opener.setAttribute("aria-expanded", String(this.state.tools));
    });
    opener.classList.add("carbon-magic-opener");
    panel.hidden = !this.state.tools;
    opener.setAttribute("aria-expanded", String(this.state.tools));
    heading.lastElementChild!.append(" ", opener);
    heading.after(panel);
  }

  private amend(i: number, name: string, tags: Tags): void {
    this.state.focus = i;
    this.wish({ do: "amend", i, name, tags });
  }

  private wish(wish: Wish): void {
    this.ask(wish);
    say(this.line, "The kernel is asked, which answers when it is free.");
  }

  private pick(i: number, picked: boolean): void {
    if (picked) this.state.picked.add(i);
    else this.state.picked.delete(i);
  }

  private pickAll(picked: boolean): void {
    this.boxes.forEach((box, i) => {
      box.checked = picked;
      this.pick(i, picked);
    });
    this.tell();
  }

  /** Up and down go to the same control of the next row. */
  private readonly move = (event: KeyboardEvent): void => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    const control = event.target as HTMLElement;
    const row = control.closest("tr");
    if (step === 0 || row === null || row.parentNode !== this.body || row.className === "carbon-magic-details") return;
    const next = (row: Element): Element | null => (step > 0 ? row.nextElementSibling : row.previousElementSibling);
    let other = next(row);
    while (other?.className === "carbon-magic-details") other = next(other);
    const wanted = other?.querySelector<HTMLElement>(`.${control.className}`);
    if (wanted) {
      wanted.focus();
      event.preventDefault();
      event.stopPropagation(); // the notebook would go to the next cell
    }
  };

  /** First press: names upwards, figures downwards; second: the other way; third: as they were made. */
  private sortBy(column: number): void {
    const { state } = this, first = FIGURES.includes(column);
    if (state.column !== column) [state.column, state.descending] = [column, first];
    else if (state.descending === first) state.descending = !first;
    else state.column = -1;
    this.sort();
  }

  /** Which rows stand where. */
  private order(): number[] {
    const key = KEYS[this.state.column];
    return key ? sorted(this.runs, key, this.state.descending) : this.rows.map((_, i) => i);
  }

  private sort(): void {
    if (this.state.column >= 0 || this.body.dataset["sorted"]) {
      const opened = new Map(this.rows.map((row) => [row, row.nextElementSibling]));
      const lines = this.order().flatMap((i) => {
        const row = this.rows[i]!, below = opened.get(row);
        return below?.className === "carbon-magic-details" ? [row, below] : [row];
      });
      this.body.replaceChildren(...lines);
      this.body.dataset["sorted"] = "yes";
    }
    this.heads.forEach((head, i) => {
      if (i === this.state.column) head.setAttribute("aria-sort", this.state.descending ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
  }

  private shownRows(): Row[] {
    const { picked } = this.state;
    return this.order().filter((i) => picked.size === 0 || picked.has(i)).map((i) => this.runs[i]!);
  }

  /** The line below the table: what Python could not do, how to use it, or the sum of what is selected. */
  tell(): void {
    const picked = [...this.state.picked].sort((a, b) => a - b);
    this.rows.forEach((row, i) => row.classList.toggle("carbon-magic-picked", this.state.picked.has(i)));
    this.all.checked = picked.length === this.rows.length;
    this.all.indeterminate = picked.length > 0 && !this.all.checked;
    this.line.classList.toggle("carbon-magic-summed", picked.length > 0);
    say(this.line, picked.length === 0 ? HINT : this.sum(picked));
  }

  hear(answer: Answer): void {
    this.tell();
    if (answer.error) say(this.line, `This could not be done: ${answer.error}.`);
  }

  private sum(picked: number[]): string {
    const runs = picked.map((i) => this.runs[i]!);
    const what = `${units.count(picked.length)} ${picked.length === 1 ? "run" : "runs"} selected`;
    let sum = total(runs);
    if (overlapping(runs)) {
      const answer = this.model.get("sum");
      if (answer.picked?.join() !== picked.join()) {
        // Only Python knows the power curves by which overlapping runs share their joules.
        this.model.set("picked", picked);
        this.model.save_changes();
        return `${what}; they overlapped, so the kernel is asked to count each joule once`;
      }
      sum = answer as typeof sum;
    }
    const [energy, grams] = [units.span(...sum.er, units.energy), units.span(...sum.gr, units.grams)];
    return [
      `${what}: ${units.duration(sum.t)}`,
      `${units.energy(sum.e)} (${energy})`,
      units.kwh(sum.e),
      `${units.grams(sum.g)} CO₂e (${grams})`,
    ].join(" · ");
  }
}

/** Make the saved table of this model interactive, wherever it is seen, until the model is closed. */
export function enhance(model: SummaryModel): () => void {
  const state: State = { column: -1, descending: false, picked: new Set(), opened: new Set(), tools: false, focus: null };
  let waiting = "";
  const ask = (wish: Wish): void => {
    waiting = Math.random().toString(36).slice(2);
    model.set("asked", { ...wish, n: waiting } as Asked);
    model.save_changes();
  };
  const targets = new Targets(model.get("target"), (element) => new SummaryCard(element, model, state, ask));
  const summed = (): void => targets.all().forEach((card) => card.tell());
  let frame = 0;
  const drawn = (): void => {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      targets.all().forEach((card) => card.build());
    });
  };
  const answered = (): void => {
    const answer = model.get("answer");
    if (answer.n !== waiting) return;
    if (answer.error) state.focus = null;
    targets.all().forEach((card) => card.hear(answer as Answer));
  };
  model.on("change:sum", summed);
  model.on("change:html", drawn); // a name, a unit
  model.on("change:rows", drawn); // a tag
  model.on("change:answer", answered);
  return () => {
    model.off("change:sum", summed);
    model.off("change:html", drawn);
    model.off("change:rows", drawn);
    cancelAnimationFrame(frame);
    model.off("change:answer", answered);
    const left = targets.all();
    targets.close();
    for (const card of left) card.close();
  };
}
