import { keep } from "./extremes";

/** More points than a chart has pixels; reached after minutes, and then the curve is thinned by half. */
export const LIMIT = 1500;

export type Watts = readonly (number | null)[];

/** The power of each device so far: values[i] holds from t[i - 1] to t[i]; null is a gap. */
export class Series {
  t: number[] = [];
  values: Watts[] = [];
  totals: (number | null)[] = [];
  peak = 0;
  /** Whether points were left out: a value is then the highest or the lowest of its stretch. */
  thinned = false;
  private energies: number[] = [];

  push(t: number, watts: Watts): void {
    const last = this.t.at(-1) ?? 0;
    if (!(t > last)) return;
    let total: number | null = null;
    watts.forEach((w, i) => {
      if (w === null) return;
      total = (total ?? 0) + w;
      this.energies[i] = (this.energies[i] ?? 0) + w * (t - last);
    });
    this.t.push(t);
    this.values.push(watts);
    this.totals.push(total);
    this.peak = Math.max(this.peak, total ?? 0);
    if (this.t.length > LIMIT) this.thin();
  }

  /** The part of the energy so far that was a device's, 0 to 1; null while nothing is known. */
  share(i: number): number | null {
    const all = this.energies.reduce((a, b) => a + (b ?? 0), 0);
    return all > 0 ? (this.energies[i] ?? 0) / all : null;
  }

  private thin(): void {
    this.thinned = true;
    const kept = keep(this.totals, LIMIT / 2);
    this.t = kept.map((i) => this.t[i]!);
    this.values = kept.map((i) => this.values[i]!);
    this.totals = kept.map((i) => this.totals[i]!);
  }
}
