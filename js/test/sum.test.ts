import { describe, expect, test } from "vitest";
import type { Row } from "../src/model";
import { KEYS, overlapping, sorted, total } from "../src/sum";

function row(fields: Partial<Row>): Row {
  return {
    name: "run", state: "done", how: "measured", t: 10, b: 0, host: "here", w: 1, e: 10, er: [9, 11], g: 1, gr: [0.5, 2],
    parts: [], notes: [], stage: "", tags: [], ...fields,
  };
}

const names = (rows: Row[], order: number[]): string[] => order.map((i) => rows[i]!.name);

describe("sorting", () => {
  const rows = [row({ name: "b", e: 5, t: 3 }), row({ name: "A", e: null, t: 1 }), row({ name: "c", e: 9, t: 3 })];

  test("by name takes no notice of case", () => {
    expect(names(rows, sorted(rows, KEYS[0]!, false))).toEqual(["A", "b", "c"]);
    expect(names(rows, sorted(rows, KEYS[0]!, true))).toEqual(["c", "b", "A"]);
  });

  test("puts unknown figures last, whichever way", () => {
    expect(names(rows, sorted(rows, KEYS[1]!, false))).toEqual(["b", "c", "A"]);
    expect(names(rows, sorted(rows, KEYS[1]!, true))).toEqual(["c", "b", "A"]);
  });

  test("keeps the order of equal rows", () => {
    expect(names(rows, sorted(rows, KEYS[5]!, true))).toEqual(["b", "c", "A"]);
    expect(names(rows, sorted(rows, KEYS[5]!, false))).toEqual(["A", "b", "c"]);
  });

  test("has a key for every column of the table", () => {
    expect(KEYS.map((key) => key(rows[0]!))).toEqual(["b", 5, 1, "done", "measured", 3, 1]);
  });
});

describe("overlaps", () => {
  test("are runs that share time on one host", () => {
    expect(overlapping([row({ b: 0, t: 10 }), row({ b: 5, t: 1 })])).toBe(true);
    expect(overlapping([row({ b: 5, t: 1 }), row({ b: 0, t: 10 })])).toBe(true);
    expect(overlapping([row({ b: 0, t: 100 }), row({ b: 5, t: 1 }), row({ b: 50, t: 1 })])).toBe(true);
  });

  test("are neither runs that follow each other nor those of other hosts", () => {
    expect(overlapping([row({ b: 0, t: 10 }), row({ b: 10, t: 1 })])).toBe(false);
    expect(overlapping([row({ b: 0, t: 10 }), row({ b: 5, t: 1, host: "there" })])).toBe(false);
    expect(overlapping([])).toBe(false);
  });
});

test("sums add ranges end by end, and unknown figures add nothing", () => {
  expect(total([row({}), row({ e: null, g: null, er: [0, 0], gr: [0, 0] }), row({ e: 5, er: [4, 6] })])).toEqual({
    t: 30, e: 15, er: [13, 17], g: 2, gr: [1, 4],
  });
});
