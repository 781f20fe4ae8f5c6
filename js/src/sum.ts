import type { Range, Row } from "./model";

export type Key = (row: Row) => string | number | null;

/** What each column of the summary is sorted by, in the order of report/session_html.py. */
export const KEYS: readonly Key[] = [
  (row) => row.name.toLowerCase(),
  (row) => row.e,
  (row) => row.g,
  (row) => row.state,
  (row) => row.how,
  (row) => row.t,
  (row) => row.w,
];
/** Columns of figures: these are wanted from the largest down. */
export const FIGURES: readonly number[] = [1, 2, 5, 6];

/** Indices of the rows by one column. Unknown figures come last whichever way; equal rows keep their order. */
export function sorted<T>(rows: readonly T[], key: (row: T) => string | number | null, descending: boolean): number[] {
  return rows
    .map((row, i) => ({ i, value: key(row) }))
    .sort((a, b) => {
      if (a.value === null || b.value === null) return Number(a.value === null) - Number(b.value === null) || a.i - b.i;
      const order = a.value < b.value ? -1 : a.value > b.value ? 1 : 0;
      return (descending ? -order : order) || a.i - b.i;
    })
    .map(({ i }) => i);
}

/** Whether two of these runs were going at the same time on one host: their sum would count joules twice. */
export function overlapping(rows: readonly Row[]): boolean {
  const inOrder = [...rows].sort((a, b) => a.b - b.b);
  const until = new Map<string, number>();
  return inOrder.some((row) => {
    const end = until.get(row.host) ?? -Infinity;
    until.set(row.host, Math.max(end, row.b + row.t));
    return row.b < end;
  });
}

/** The sum of runs that do not overlap. Ends of ranges add up: the runs' errors have the same sources. */
export function total(rows: readonly Row[]): { t: number; e: number; er: Range; g: number; gr: Range } {
  const sum = (value: (row: Row) => number | null): number => rows.reduce((all, row) => all + (value(row) ?? 0), 0);
  return {
    t: sum((row) => row.t),
    e: sum((row) => row.e),
    er: [sum((row) => row.er[0]), sum((row) => row.er[1])],
    g: sum((row) => row.g),
    gr: [sum((row) => row.gr[0]), sum((row) => row.gr[1])],
  };
}
