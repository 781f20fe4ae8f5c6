import type { Line } from "./project-model";

/** What each column is sorted by, in the order of report/project_html.py. */
export const KEYS: readonly ((line: Line) => string | number | null)[] = [
  (line) => line.n.toLowerCase(),
  (line) => line.e,
  (line) => line.g,
  (line) => line.state,
  (line) => line.stage,
  (line) => line.b,
  (line) => line.t,
];
/** Columns of figures and days: these are wanted from the largest down. */
export const FIGURES: readonly number[] = [1, 2, 5, 6];

/** The rows that hold every word of a search, wherever. */
export function matching(lines: readonly Line[], search: string): boolean[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return lines.map((line) => words.every((word) => line.q.includes(word)));
}
