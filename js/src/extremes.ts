/** Fewer points of a long curve, with every peak and trough still there; carbon_magic/report/extremes.py does the same. */
export function keep(totals: readonly (number | null)[], most: number): number[] {
  const kept: number[] = [];
  const size = totals.length <= most ? 1 : Math.ceil(totals.length / Math.floor(most / 2));
  const height = (i: number): number => totals[i] ?? -1; // a gap is lower than any value
  for (let begin = 0; begin < totals.length; begin += size) {
    const end = Math.min(begin + size, totals.length);
    let low = begin, high = begin;
    for (let i = begin + 1; i < end; i++) {
      if (height(i) < height(low)) low = i;
      if (height(i) > height(high)) high = i;
    }
    kept.push(Math.min(low, high));
    if (low !== high) kept.push(Math.max(low, high));
  }
  return kept;
}
