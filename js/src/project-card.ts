import { part, say } from "./dom";
import { FIGURES, KEYS, matching } from "./lines";
import type { Line, ProjectModel } from "./project-model";
import { sorted } from "./sum";
import { Targets } from "./target";
import * as units from "./units";

const HINT = "Tick the runs of the final model; a heading sorts.";

/** One project's account in the page. */
class ProjectCard {
  private readonly saved: Node[];
  private readonly body: HTMLTableSectionElement;
  private readonly rows: HTMLTableRowElement[];
  private readonly lines: readonly Line[];
  private readonly heads: HTMLTableCellElement[];
  private readonly boxes: HTMLInputElement[] = [];
  private readonly search = document.createElement("input");
  private readonly found = document.createElement("span");
  private column = -1;
  private descending = false;

  constructor(private readonly card: HTMLElement, private readonly model: ProjectModel) {
    this.saved = [...card.childNodes];
    this.lines = model.get("lines");
    card.innerHTML = model.get("html"); // made and escaped by report/project_html.py
    const table = part(card, "runs") as HTMLTableElement;
    this.body = table.tBodies[0]!;
    this.rows = [...this.body.rows].slice(0, this.lines.length); // the last may tell of those that are left out
    this.heads = [...table.tHead!.rows[0]!.cells];
    this.heads.forEach((head, column) => this.addSort(head, column));
    this.rows.forEach((row, i) => this.addBox(row, i));
    this.addSearch(part(card, "filter"));
    part(card, "final").setAttribute("role", "status");
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

  private addBox(row: HTMLTableRowElement, i: number): void {
    const box = document.createElement("input");
    box.type = "checkbox";
    box.className = "carbon-magic-pick";
    box.checked = this.model.get("picked").includes(i);
    box.setAttribute("aria-label", `${this.lines[i]!.n} is a run of the final model`);
    row.cells[0]!.prepend(box);
    box.addEventListener("change", () => this.pick());
    this.boxes.push(box);
  }

  private addSearch(line: HTMLElement): void {
    this.search.type = "search";
    this.search.className = "carbon-magic-search";
    this.search.placeholder = "name, stage, state, tag=value";
    this.search.setAttribute("aria-label", "Show runs that hold these words");
    this.found.setAttribute("role", "status");
    line.append(" ", this.search, " ", this.found);
    this.search.addEventListener("input", () => this.filter());
    // The notebook's own shortcuts would take the letters.
    for (const kind of ["keydown", "keypress", "keyup"]) this.search.addEventListener(kind, (e) => e.stopPropagation());
    say(this.found, HINT);
  }

  private filter(): void {
    const shown = matching(this.lines, this.search.value);
    this.rows.forEach((row, i) => (row.hidden = !shown[i]));
    const count = shown.filter(Boolean).length;
    say(this.found, this.search.value.trim() ? `${units.count(count)} of ${units.count(shown.length)}` : HINT);
  }

  /** First press: words upwards, figures downwards; second: the other way; third: as they were. */
  private sort(column: number): void {
    const first = FIGURES.includes(column);
    if (this.column !== column) [this.column, this.descending] = [column, first];
    else if (this.descending === first) this.descending = !first;
    else this.column = -1;
    const key = KEYS[this.column];
    const order = key ? sorted(this.lines, key, this.descending) : this.rows.map((_, i) => i);
    this.body.prepend(...order.map((i) => this.rows[i]!));
    this.heads.forEach((head, i) => {
      if (i === this.column) head.setAttribute("aria-sort", this.descending ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
  }

  /** Up and down go to the same control of the next row that is shown. */
  private move(event: KeyboardEvent): void {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    const control = event.target as HTMLElement;
    const row = control.closest("tr");
    if (step === 0 || row === null || row.parentNode !== this.body) return;
    const next = (from: Element): Element | null => (step > 0 ? from.nextElementSibling : from.previousElementSibling);
    let other = next(row);
    while (other instanceof HTMLElement && other.hidden) other = next(other);
    const wanted = other?.querySelector<HTMLElement>(`.${control.className}`);
    if (wanted) {
      wanted.focus();
      event.preventDefault();
      event.stopPropagation(); // the notebook would go to the next cell
    }
  }

  private picked(): number[] {
    return this.boxes.flatMap((box, i) => (box.checked ? [i] : []));
  }

  private pick(): void {
    const picked = this.picked();
    this.model.set("picked", picked);
    this.model.save_changes();
    this.tell();
    say(part(this.card, "final"), `${units.count(picked.length)} ticked: the kernel is asked what everything is to them`);
  }

  /** Show what the kernel answered, where it is about the runs that are ticked now. */
  tell(): void {
    const picked = this.picked(), answer = this.model.get("answer");
    this.rows.forEach((row, i) => row.classList.toggle("carbon-magic-picked", this.boxes[i]!.checked));
    if (answer.picked?.join() !== picked.join()) return;
    say(part(this.card, "final"), answer.said!);
    say(part(this.card, "multiplier").firstElementChild!, answer.multiplier!);
    say(part(this.card, "multiplier-range"), answer.below!);
  }
}

/** Make the saved account of this model interactive, wherever it is seen, until the model is closed. */
export function enhance(model: ProjectModel): () => void {
  const targets = new Targets(model.get("target"), (element) => new ProjectCard(element, model));
  const answered = (): void => targets.all().forEach((card) => card.tell());
  model.on("change:answer", answered);
  return () => {
    model.off("change:answer", answered);
    const left = targets.all();
    targets.close();
    for (const card of left) card.close();
  };
}
