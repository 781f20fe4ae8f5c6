import { details } from "./details";
import { part, say } from "./dom";
import type { Row, SummaryModel } from "./model";
import { KEYS, overlapping, sorted, total } from "./sum";
import { Targets } from "./target";
import * as units from "./units";

const HINT = "Tick runs to sum them, press a name for its devices, a heading to sort.";

/** One session summary in the page. */
class SummaryCard {
  private readonly saved: Node[];
  private readonly body: HTMLTableSectionElement;
  private readonly rows: HTMLTableRowElement[];
  private readonly runs: readonly Row[];
  private readonly heads: HTMLTableCellElement[];
  private readonly boxes: HTMLInputElement[] = [];
  private readonly all: HTMLInputElement;
  private readonly line: HTMLElement;
  private column = -1;
  private descending = false;

  constructor(private readonly card: HTMLElement, private readonly model: SummaryModel) {
    this.saved = [...card.childNodes];
    this.runs = model.get("rows");
    card.innerHTML = model.get("html"); // made and escaped by report/session_html.py
    const table = part(card, "runs") as HTMLTableElement;
    this.body = table.tBodies[0]!;
    this.rows = [...this.body.rows];
    this.heads = [...table.tHead!.rows[0]!.cells];
    this.line = part(card, "sum");
    this.line.setAttribute("role", "status");
    this.heads.forEach((head, column) => this.addSort(head, column));
    this.all = this.addBox(this.heads[0]!, "all runs");
    this.all.addEventListener("change", () => this.pick(this.boxes, this.all.checked));
    this.rows.forEach((row, i) => this.addControls(row, this.runs[i]!));
    card.addEventListener("keydown", (event) => this.move(event));
    this.tell();
  }

  /** Put back what is saved: nobody answers any more. */
  close(): void {
    this.card.replaceChildren(...this.saved);
  }

  private addSort(head: HTMLTableCellElement, column: number): void {
    const button = document.createElement("button");
    button.className = "carbon-magic-sort";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => this.sort(column));
  }

  private addBox(cell: HTMLElement, label: string): HTMLInputElement {
    const box = document.createElement("input");
    box.type = "checkbox";
    box.className = "carbon-magic-pick";
    box.setAttribute("aria-label", `Select ${label}`);
    cell.prepend(box);
    return box;
  }

  private addControls(row: HTMLTableRowElement, run: Row): void {
    const cell = row.cells[0]!;
    const button = document.createElement("button");
    button.className = "carbon-magic-name";
    button.setAttribute("aria-expanded", "false");
    button.append(...cell.childNodes);
    cell.append(button);
    let below: HTMLElement | null = null;
    button.addEventListener("click", () => {
      if (below === null) row.after((below = details(run, this.heads.length)));
      else below = (below.remove(), null);
      button.setAttribute("aria-expanded", String(below !== null));
    });
    const box = this.addBox(cell, run.name);
    box.addEventListener("change", () => this.tell());
    this.boxes.push(box);
  }

  private pick(boxes: readonly HTMLInputElement[], picked: boolean): void {
    for (const box of boxes) box.checked = picked;
    this.tell();
  }

  /** Up and down go to the same control of the next row. */
  private move(event: KeyboardEvent): void {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    const control = event.target as HTMLElement;
    const row = control.closest("tr");
    if (step === 0 || row === null || row.parentNode !== this.body) return;
    const next = (row: Element): Element | null => (step > 0 ? row.nextElementSibling : row.previousElementSibling);
    let other = next(row);
    while (other?.className === "carbon-magic-details") other = next(other);
    const wanted = other?.querySelector<HTMLElement>(`.${control.className}`);
    if (wanted) {
      wanted.focus();
      event.preventDefault();
      event.stopPropagation(); // the notebook would go to the next cell
    }
  }

  /** First press: names upwards, figures downwards; second: the other way; third: as they were made. */
  private sort(column: number): void {
    const first = column > 2;
    if (this.column !== column) [this.column, this.descending] = [column, first];
    else if (this.descending === first) this.descending = !first;
    else this.column = -1;
    const key = KEYS[this.column];
    const order = key ? sorted(this.runs, key, this.descending) : this.rows.map((_, i) => i);
    const opened = new Map(this.rows.map((row) => [row, row.nextElementSibling]));
    for (const i of order) {
      const row = this.rows[i]!, below = opened.get(row);
      this.body.append(row, ...(below?.className === "carbon-magic-details" ? [below] : []));
    }
    this.heads.forEach((head, i) => {
      if (i === this.column) head.setAttribute("aria-sort", this.descending ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
  }

  /** The line below the table: how to use it, or the sum of what is selected. */
  tell(): void {
    const picked = this.boxes.flatMap((box, i) => (box.checked ? [i] : []));
    this.rows.forEach((row, i) => row.classList.toggle("carbon-magic-picked", this.boxes[i]!.checked));
    this.all.checked = picked.length === this.rows.length;
    this.all.indeterminate = picked.length > 0 && !this.all.checked;
    this.line.classList.toggle("carbon-magic-summed", picked.length > 0);
    say(this.line, picked.length === 0 ? HINT : this.sum(picked));
  }

  private sum(picked: number[]): string {
    const runs = picked.map((i) => this.runs[i]!);
    const what = `${picked.length} ${picked.length === 1 ? "run" : "runs"} selected`;
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
  units.use(model.get("units"));
  const targets = new Targets(model.get("target"), (element) => new SummaryCard(element, model));
  const answered = (): void => targets.all().forEach((card) => card.tell());
  model.on("change:sum", answered);
  return () => {
    model.off("change:sum", answered);
    const left = targets.all();
    targets.close();
    for (const card of left) card.close();
  };
}
