import { describe, expect, test } from "vitest";
import { KEYS, matching } from "../src/lines";
import type { Line } from "../src/project-model";
import { sorted } from "../src/sum";

function line(fields: Partial<Line>): Line {
  return { n: "run", q: "run tune done", state: "done", stage: "tune", b: 0, t: 1, e: 1, g: 1, ...fields };
}

describe("a search", () => {
  const lines = [line({ q: "trial 1 tune done lr=0.1" }), line({ q: "trial 2 tune failed lr=0.01" }), line({ q: "best final" })];

  test("shows the rows that hold every word, in any order and case", () => {
    expect(matching(lines, "")).toEqual([true, true, true]);
    expect(matching(lines, "TUNE trial")).toEqual([true, true, false]);
    expect(matching(lines, "failed  lr=0.01")).toEqual([false, true, false]);
    expect(matching(lines, "nothing of it")).toEqual([false, false, false]);
  });

  test("takes signs as they are", () => {
    expect(matching([line({ q: "a.*b (x)" })], ".* (x)")).toEqual([true]);
  });
});

test("every column of the table can be sorted by, unknown figures last", () => {
  const lines = [line({ n: "b", e: 5 }), line({ n: "A", e: null }), line({ n: "c", e: 9 })];
  expect(KEYS.map((key) => key(lines[0]!))).toEqual(["b", 5, 1, "done", "tune", 0, 1]);
  expect(sorted(lines, KEYS[0]!, false)).toEqual([1, 0, 2]);
  expect(sorted(lines, KEYS[1]!, true)).toEqual([2, 0, 1]);
});
