/** Outlines of stacked bands, in whole units of a grid; carbon_magic/report/svg.py draws the same. */

import { type Stretch, within } from "./sight";

export const WIDE = 1000;
export const HIGH = 200;

export interface Band {
  /** Where its watts are in a row of the series. */
  device: number;
  outline: string;
}

export interface Picture {
  bands: Band[];
  gaps: [from: number, to: number][];
}

/** Devices from the bottom up: those with a limit first, so that the line of their summed limits is theirs. */
export function order(limits: readonly (number | null)[]): number[] {
  const devices = limits.map((_, i) => i);
  return [...devices.filter((i) => limits[i] !== null), ...devices.filter((i) => limits[i] === null)];
}

/** The summed limits, where a line for them leaves the curve a third of the height at least. */
export function limit(limits: readonly (number | null)[], peak: number): number | null {
  const total = limits.reduce<number>((sum, w) => sum + (w ?? 0), 0);
  return total > 0 && total <= 3 * peak ? total : null;
}

/** The end of the scale: the next of 1, 1.5, 2, 3, 4, 5, 6, 8 and their tens. */
export function niceTop(watts: number): number {
  if (watts <= 0) return 1;
  const ten = 10 ** Math.floor(Math.log10(watts));
  return ([1, 1.5, 2, 3, 4, 5, 6, 8].find((step) => step * ten >= watts) ?? 10) * ten;
}

export interface Points {
  t: readonly number[];
  values: readonly (readonly (number | null)[])[];
}

/** The summed idle power, where every device's is known and the line for it is not lost at the bottom. */
export function idle(idles: readonly (number | null)[], top: number): number | null {
  if (idles.length === 0 || idles.some((w) => w === null)) return null;
  const total = idles.reduce<number>((sum, w) => sum + (w ?? 0), 0);
  return total > 0.02 * top && total < top ? total : null;
}

/** The kept points of a series, stacked, as far as they lie in a stretch of time. */
export function picture(
  series: Points, kept: readonly number[], devices: readonly number[], top: number, { from, to }: Stretch,
): Picture {
  const values = kept.map((i) => series.values[i]!);
  const x = (t: number): number => Math.round(Math.min(Math.max((t - from) / (to - from), 0), 1) * WIDE);
  const { first: low, last: high } = within(series.t, { from, to });
  const xs = [x(series.t[low - 1] ?? 0), ...kept.map((i) => x(series.t[i]!))];
  xs[kept.length] = x(series.t[high] ?? 0); // whichever points were kept, the curve reaches to the last
  const y = (w: number): number => Math.round((1 - Math.min(w / top, 1)) * HIGH);
  let ground = kept.map(() => 0);
  const bands: Band[] = [];
  for (const device of kept.length > 0 ? devices : []) {
    const roof = ground.map((w, i) => w + (values[i]![device] ?? 0));
    bands.push({ device, outline: band(xs, ground.map(y), roof.map(y)) });
    ground = roof;
  }
  const gaps: [number, number][] = [];
  values.forEach((row, i) => {
    if (row.every((w) => w === null)) gaps.push([xs[i]!, Math.max(xs[i + 1]!, xs[i]! + 1)]);
  });
  return { bands, gaps };
}

/** A closed outline in steps: value i holds from xs[i] to xs[i + 1]. Forth along `high`, back along `low`. */
export function band(xs: readonly number[], low: readonly number[], high: readonly number[]): string {
  const forth = steps(xs, high, high[0]!);
  const back = steps([...xs].reverse(), [...low].reverse(), low.at(-1)!);
  return `M${xs[0]},${high[0]}${forth}V${low.at(-1)}${back}z`;
}

function steps(xs: readonly number[], ys: readonly number[], y: number): string {
  let path = "", x = xs[0]!;
  ys.forEach((level, i) => {
    if (level !== y) path += `v${level - y}`;
    y = level;
    if (ys[i + 1] === level) return; // one line for a stretch of equal steps
    const next = xs[i + 1]!;
    if (next !== x) path += `h${next - x}`;
    x = next;
  });
  return path;
}
