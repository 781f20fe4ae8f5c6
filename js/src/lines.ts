import type { Line } from "./project-model";

/** What each column is sorted by, in the order of report/project_html.py. */
export const KEYS: readonly ((line: Line) => string | number | null)[] = [
  (line) => line.n.toLowerCase(),
  (line) => line.state,
  (line) => line.stage,
  (line) => line.b,
  (line) => line.t,
  (line) => line.e,
  (line) => line.g,
];

/** The rows that hold every word of a search, wherever. */
export function matching(lines: readonly Line[], search: string): boolean[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return lines.map((line) => words.every((word) => line.q.includes(word)));
}
