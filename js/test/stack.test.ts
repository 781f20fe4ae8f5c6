import { describe, expect, test } from "vitest";
import { HIGH, WIDE, band, idle, limit, niceTop, order, picture } from "../src/stack";
import { wattsRound } from "../src/units";

/** The corners of an outline, in absolute units. */
function corners(outline: string): [number, number][] {
  const found: [number, number][] = [];
  let x = 0, y = 0;
  for (const [, letter, a, b] of outline.matchAll(/([MVhv])(-?\d+)(?:,(-?\d+))?/g)) {
    if (letter === "M") [x, y] = [Number(a), Number(b)];
    else if (letter === "V") y = Number(a);
    else if (letter === "h") x += Number(a);
    else y += Number(a);
    found.push([x, y]);
  }
  return found;
}

/** The area inside, by the shoelace formula. */
function area(outline: string): number {
  const points = corners(outline);
  const sum = points.reduce((all, [x, y], i) => {
    const [x2, y2] = points[(i + 1) % points.length]!;
    return all + x * y2 - x2 * y;
  }, 0);
  return Math.abs(sum) / 2;
}

describe("a band", () => {
  test("is a closed outline that holds each value for its interval", () => {
    expect(band([0, 10, 20], [200, 200], [150, 100])).toBe("M0,150h10v-50h10V200h-20z");
    expect(area(band([0, 10, 20], [200, 200], [150, 100]))).toBe(10 * 50 + 10 * 100);
  });

  test("draws equal neighbours as one line", () => {
    expect(band([0, 5, 10, 20], [9, 9, 9], [1, 1, 1])).toBe("M0,1h20V9h-20z");
  });

  test("of a stepped ground has the area between both", () => {
    expect(area(band([0, 10, 20], [180, 160], [150, 100]))).toBe(10 * 30 + 10 * 60);
  });
});

describe("a picture", () => {
  const series = { t: [5, 10], values: [[10, 30], [20, 0]] };

  const all = { from: 0, to: 10 };

  test("stacks the devices so that areas are energies", () => {
    const { bands } = picture(series, [0, 1], [0, 1], 100, all);
    const joule = (WIDE / 10) * (HIGH / 100);
    expect(bands.map((b) => area(b.outline) / joule)).toEqual([5 * 10 + 5 * 20, 5 * 30]);
  });

  test("of a stretch holds that stretch's energy", () => {
    const { bands } = picture(series, [0, 1], [0, 1], 100, { from: 4, to: 6 });
    const joule = (WIDE / 2) * (HIGH / 100);
    expect(bands.map((b) => area(b.outline) / joule)).toEqual([10 + 20, 30]);
  });

  test("shades what could not be read, and only that", () => {
    const { gaps } = picture({ t: [2, 4, 10], values: [[1], [null], [1]] }, [0, 1, 2], [0], 10, all);
    expect(gaps).toEqual([[200, 400]]);
    expect(picture({ t: [5, 10], values: [[null, 3], [1, 1]] }, [0, 1], [0, 1], 10, all).gaps).toEqual([]);
  });

  test("reaches to its last point, whichever were kept", () => {
    const { bands } = picture({ t: [2, 4, 8], values: [[1], [1], [1]] }, [0, 1], [0], 10, all);
    expect(Math.max(...corners(bands[0]!.outline).map(([x]) => x))).toBe(800);
  });

  test("of nothing is empty", () => {
    expect(picture({ t: [], values: [] }, [], [0], 1, all)).toEqual({ bands: [], gaps: [] });
  });
});

test("idle is a band where every device's is known and it can be seen", () => {
  expect(idle([30, 25], 200)).toBe(55);
  expect(idle([30, null], 200)).toBeNull();
  expect(idle([], 200)).toBeNull();
  expect(idle([1], 200)).toBeNull();
  expect(idle([300], 200)).toBeNull();
});

test("devices with a limit lie at the bottom", () => {
  expect(order([null, 300, null, 250])).toEqual([1, 3, 0, 2]);
});

test("the limit is shown where it leaves the curve a third of the height", () => {
  expect(limit([300, null], 100)).toBe(300);
  expect(limit([300, null], 99)).toBeNull();
  expect(limit([null], 99)).toBeNull();
});

test.each([
  [0, 1, "1 W"], [0.3, 0.3, "300 mW"], [7.2, 8, "8 W"], [81, 100, "100 W"], [140, 150, "150 W"], [1200, 1500, "1.5 kW"],
  [9000, 10_000, "10 kW"],
])("the scale for %d W ends at %d W, as %s", (watts, top, label) => {
  expect(niceTop(watts)).toBeCloseTo(top, 9);
  expect(wattsRound(niceTop(watts))).toBe(label);
});
