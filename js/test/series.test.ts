import { describe, expect, test } from "vitest";
import { keep } from "../src/extremes";
import { LIMIT, Series } from "../src/series";

describe("a series", () => {
  test("keeps totals, its peak and each device's part of the energy", () => {
    const series = new Series();
    series.push(1, [30, 10]);
    series.push(3, [60, 20]);
    expect(series.totals).toEqual([40, 80]);
    expect(series.peak).toBe(80);
    expect(series.share(0)).toBeCloseTo(0.75);
    expect(series.share(1)).toBeCloseTo(0.25);
  });

  test("knows no share before anything was read, and no total in a gap", () => {
    const series = new Series();
    expect(series.share(0)).toBeNull();
    series.push(1, [null, null]);
    expect(series.totals).toEqual([null]);
    expect(series.share(0)).toBeNull();
    series.push(2, [null, 5]);
    expect(series.totals).toEqual([null, 5]);
    expect(series.share(0)).toBe(0);
  });

  test("passes over points that do not go forward", () => {
    const series = new Series();
    series.push(1, [1]);
    series.push(1, [2]);
    series.push(0.5, [3]);
    series.push(Number.NaN, [4]);
    expect(series.t).toEqual([1]);
  });

  test("of a simulated day stays small, with its highest peak and its gap", () => {
    const series = new Series();
    for (let i = 1; i <= 100_000; i++) series.push(i, i === 54_321 ? [999] : i === 77_777 ? [null] : [50 + (i % 7)]);
    expect(series.t.length).toBeLessThanOrEqual(LIMIT);
    expect(series.values.length).toBe(series.t.length);
    expect(Math.max(...series.totals.map((w) => w ?? 0))).toBe(999);
    expect(series.totals).toContain(null);
    expect(series.t.at(-1)).toBeGreaterThan(99_000);
    expect([...series.t].sort((a, b) => a - b)).toEqual(series.t);
  });
});

describe("thinning", () => {
  test("leaves short curves alone", () => {
    expect(keep([3, 1, 2], 4)).toEqual([0, 1, 2]);
    expect(keep([], 4)).toEqual([]);
  });

  test("keeps the lowest and the highest of each stretch, in order", () => {
    expect(keep([5, 1, 9, 4, 2, 8, 3, 7], 4)).toEqual([1, 2, 4, 5]);
    expect(keep([5, 5, 5, 5, null, 5, 5, 5], 4)).toEqual([0, 4, 5]);
  });
});
