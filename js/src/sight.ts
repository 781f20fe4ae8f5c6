/** Which stretch of time a chart shows, and which moment of it is read; no DOM. Moments outlive a thinning: indices do not. */

/** Narrower than this the first seconds would fill the whole width with one step. */
const SHORTEST_S = 5;
/** As many keys' presses from one end to the other, however many points there are. */
const STEPS = 300;

export interface Stretch {
  from: number;
  to: number;
}

export class Sight {
  /** The stretch that was chosen; null shows the whole run, as it grows. */
  zoom: Stretch | null = null;
  /** The moment that is read, in seconds; null reads nothing. */
  at: number | null = null;

  constructor(private readonly series: { t: readonly number[] }) {}

  shown(): Stretch {
    return this.zoom ?? { from: 0, to: Math.max(this.end(), SHORTEST_S) };
  }

  /** Where a moment lies, 0 at the left and 1 at the right. */
  part(t: number): number {
    const { from, to } = this.shown();
    return (t - from) / (to - from);
  }

  /** The moment at a place, as far as there is a curve. */
  time(part: number): number {
    const { from, to } = this.shown();
    return Math.min(Math.max(from + part * (to - from), 0), this.end());
  }

  /** The point whose interval holds the moment that is read. */
  index(): number | null {
    const { t } = this.series;
    if (this.at === null || t.length === 0) return null;
    return Math.min(first(t, this.at), t.length - 1);
  }

  /** Read the next point, or the one so many steps away. */
  step(by: number): void {
    const { t } = this.series;
    if (t.length === 0) return;
    const { first: low, last: high } = within(t, this.shown());
    const now = this.index() ?? (by < 0 ? high + 1 : low - 1);
    const stride = Math.max(1, Math.round((high - low) / STEPS));
    this.read(Math.min(Math.max(now + by * stride, low), high));
  }

  /** Read the first or the last point that is shown. */
  edge(last: boolean): void {
    const ends = within(this.series.t, this.shown());
    if (ends.last >= 0) this.read(last ? ends.last : ends.first);
  }

  /** Show what lies between two moments; too little to see is no choice. */
  choose(a: number, b: number): void {
    const from = Math.max(0, Math.min(a, b)), to = Math.min(Math.max(a, b), Math.max(this.end(), SHORTEST_S));
    if (to - from >= this.least()) this.zoom = { from, to };
  }

  /** Show more (factor above 1) or less around the moment that is read, else around the middle. */
  scale(factor: number): void {
    const { from, to } = this.shown(), whole = Math.max(this.end(), SHORTEST_S);
    const width = Math.max((to - from) * factor, this.least());
    if (width >= whole) {
      this.zoom = null;
      return;
    }
    const centre = this.at === null ? (from + to) / 2 : Math.min(Math.max(this.at, from), to);
    const left = Math.min(Math.max(centre - (width * (centre - from)) / (to - from), 0), whole - width);
    this.zoom = { from: left, to: left + width };
  }

  private read(i: number): void {
    const { t } = this.series;
    this.at = ((t[i - 1] ?? 0) + t[i]!) / 2; // amid its interval, so that it stays this point's
    if (this.zoom && (this.at < this.zoom.from || this.at > this.zoom.to)) this.at = t[i]!;
  }

  private end(): number {
    return this.series.t.at(-1) ?? 0;
  }

  private least(): number {
    return Math.max(this.end(), SHORTEST_S) / 500;
  }
}

/** The points that a stretch of time shows, some of them in part. */
export function within(t: readonly number[], { from, to }: Stretch): { first: number; last: number } {
  return { first: Math.min(first(t, from), t.length - 1), last: Math.min(first(t, to), t.length - 1) };
}

/** The first index whose t is not below; the length where there is none. */
export function first(t: readonly number[], at: number): number {
  let low = 0, high = t.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (t[middle]! < at) low = middle + 1;
    else high = middle;
  }
  return low;
}
