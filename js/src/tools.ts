import { type Format, WRITERS } from "./copy";
import { button, element } from "./dom";
import type { Row, Summary, SummaryModel } from "./model";
import * as units from "./units";

/** What the panel needs of the summary that it stands in. */
export interface Owner {
  model: SummaryModel;
  /** The rows that are ticked, or all of them, as they are sorted now. */
  rows(): Row[];
  /** Say something in the status line. */
  tell(text: string): void;
  ask(setting: "units" | "equivalents", value: string): void;
}

const FORMATS: readonly Format[] = ["Markdown", "LaTeX", "CSV"];
const MOST = 3;

/** Everything about a summary that is not its table: copies, units, comparisons, other grids. */
export function tools(owner: Owner): HTMLElement {
  const panel = element("div", "carbon-magic-tools");
  panel.setAttribute("role", "group");
  panel.setAttribute("aria-label", "Options");
  panel.append(copies(owner));
  if (owner.model.get("answers")) panel.append(unitChoice(owner), comparisons(owner));
  const elsewhere = owner.model.get("elsewhere");
  if (elsewhere) panel.append(folded("On other grids", elsewhere));
  return panel;
}

function copies(owner: Owner): HTMLElement {
  const line = element("div", "carbon-magic-line", "Copy the table as");
  for (const format of FORMATS) line.append(button(format, () => void copy(owner, format)));
  line.append(button("Download CSV", () => download(WRITERS.CSV(owner.rows()), "carbon_magic-session.csv")));
  return line;
}

async function copy(owner: Owner, format: Format): Promise<void> {
  const rows = owner.rows();
  const what = `${units.count(rows.length)} ${rows.length === 1 ? "run" : "runs"} copied as ${format}.`;
  try {
    await navigator.clipboard.writeText(WRITERS[format](rows));
    owner.tell(what);
  } catch {
    // Not on plain http, and not where a frame forbids it.
    owner.tell(copyByHand(WRITERS[format](rows)) ? what : "This page does not let anything be copied: download the CSV instead.");
  }
}

function copyByHand(text: string): boolean {
  const before = document.activeElement;
  const area = element("textarea", "carbon-magic-announcement");
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (before instanceof HTMLElement) before.focus();
  return done;
}

function download(text: string, name: string): void {
  const link = element("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function unitChoice(owner: Owner): HTMLElement {
  const now = owner.model.get("units").split(" ");
  const line = element("div", "carbon-magic-line");
  const lists = [select("Energy in", Object.keys(units.ENERGIES), now[0]!), select("CO₂e in", Object.keys(units.MASSES), now[1]!)];
  for (const { label, list } of lists) {
    line.append(label);
    list.addEventListener("change", () => owner.ask("units", lists.map(({ list }) => list.value).join(" ")));
  }
  return line;
}

function select(words: string, options: readonly string[], now: string): { label: HTMLElement; list: HTMLSelectElement } {
  const label = element("label", "", `${words} `), list = element("select");
  for (const name of options) list.append(new Option(name, name, name === now, name === now));
  label.append(list);
  return { label, list };
}

function comparisons(owner: Owner): HTMLElement {
  const group = element("fieldset");
  group.append(element("legend", "", "Compared beside car and flight with what fits, or with these (three at most)"));
  const boxes = owner.model.get("things").map(([id, name, chosen]: Summary["things"][number]) => {
    const label = element("label"), box = element("input");
    box.type = "checkbox";
    box.value = id;
    box.checked = chosen;
    label.append(box, ` ${name}`);
    group.append(label);
    return box;
  });
  const limit = (): void => {
    const full = boxes.filter((box) => box.checked).length >= MOST;
    for (const box of boxes) box.disabled = full && !box.checked;
  };
  group.addEventListener("change", () => {
    limit();
    owner.ask("equivalents", boxes.filter((box) => box.checked).map((box) => box.value).join(" "));
  });
  limit();
  return group;
}

function folded(words: string, html: string): HTMLElement {
  const details = element("details"), inside = element("div");
  inside.innerHTML = html; // made and escaped by report/elsewhere.py
  if (inside.firstElementChild) inside.firstElementChild.className = "carbon-magic-inside"; // no card of its own here
  details.append(element("summary", "", words), inside);
  return details;
}
