import { button, element } from "./dom";
import type { Row } from "./model";

export type Tags = [key: string, value: string][];

/** A form below a run's row: its name, and its tags one a line. */
export function edit(run: Row, save: (name: string, tags: Tags) => void): HTMLFormElement {
  const form = element("form", "carbon-magic-edit");
  const name = element("input"), tags = element("textarea");
  name.value = run.name;
  name.maxLength = 200;
  tags.value = write(run.tags);
  tags.rows = Math.min(Math.max(run.tags.length + 1, 2), 8);
  tags.placeholder = "KEY=VALUE";
  const submit = button("Save", () => undefined);
  submit.type = "submit";
  form.append(labelled("Name", name), labelled("Tags, one a line", tags), submit);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const read = parse(tags.value);
    const wrong = typeof read === "string" ? read : "";
    tags.setCustomValidity(wrong);
    if (wrong) tags.reportValidity();
    else save(name.value, read as Tags);
  });
  tags.addEventListener("input", () => tags.setCustomValidity(""));
  form.addEventListener("keydown", (event) => event.stopPropagation()); // neither the table's keys nor the notebook's
  return form;
}

/** Tags as lines. */
export function write(tags: Tags): string {
  return tags.map(([key, value]) => `${key}=${value}`).join("\n");
}

/** Lines as tags; what is wrong, in a sentence, where a line is none. */
export function parse(text: string): Tags | string {
  const tags: Tags = [];
  for (const line of text.split("\n").map((line) => line.trim()).filter(Boolean)) {
    const at = line.indexOf("=");
    if (at < 1) return `A tag is KEY=VALUE, which “${line.slice(0, 40)}” is not.`;
    tags.push([line.slice(0, at).trim(), line.slice(at + 1).trim()]);
  }
  return tags;
}

function labelled(words: string, field: HTMLElement): HTMLElement {
  const label = element("label", "", words);
  label.append(field);
  return label;
}
