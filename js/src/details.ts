import { element } from "./dom";
import { type Tags, edit } from "./edit";
import type { Row } from "./model";
import * as units from "./units";

/** What stands below a run's row when its name is pressed: its devices, what should be known of them, and its name and
 *  tags to change, where somebody takes the change. */
export function details(run: Row, columns: number, save: ((name: string, tags: Tags) => void) | null): HTMLTableRowElement {
  const row = element("tr", "carbon-magic-details");
  const outer = row.insertCell(), cell = outer.appendChild(element("div"));
  outer.colSpan = columns;
  const labels = [...(run.stage ? [`stage ${run.stage}`] : []), ...run.tags.map((tag) => tag.join("="))];
  if (labels.length > 0) cell.append(line([labels.join(" · ")]));
  for (const { name, how, e, r, source } of run.parts)
    cell.append(line([name, units.energy(e), units.span(r[0], r[1], units.energy), how.replace(" ", "\u00a0"), source]));
  if (run.parts.length === 0) cell.append(line(["No device gave a reading."]));
  for (const note of run.notes) cell.append(line([`• ${note}`]));
  if (save !== null) {
    const more = element("details");
    more.append(element("summary", "", "Rename or tag"), edit(run, save));
    cell.append(more);
  }
  return row;
}

function line(texts: readonly string[]): HTMLElement {
  const made = element("div");
  for (const text of texts) made.append(element("bdi", "", text), " ");
  return made;
}
