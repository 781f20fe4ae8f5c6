import type { Row } from "./model";
import * as units from "./units";

/** What stands below a run's row when its name is pressed: its devices and what should be known of them. */
export function details(run: Row, columns: number): HTMLTableRowElement {
  const row = document.createElement("tr");
  row.className = "carbon-magic-details";
  const cell = row.insertCell();
  cell.colSpan = columns;
  for (const { name, how, e, r, source } of run.parts)
    cell.append(line([name, units.energy(e), units.span(r[0], r[1], units.energy), how, source]));
  if (run.parts.length === 0) cell.append(line(["No device gave a reading."]));
  for (const note of run.notes) cell.append(line([`• ${note}`]));
  return row;
}

function line(texts: readonly string[]): HTMLElement {
  const element = document.createElement("div");
  for (const text of texts) {
    const span = document.createElement("bdi");
    span.textContent = text;
    element.append(span, " ");
  }
  return element;
}
