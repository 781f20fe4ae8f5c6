import { describe, expect, test } from "vitest";
import { Sight, first, within } from "../src/sight";

const series = { t: Array.from({ length: 100 }, (_, i) => i + 1) };

describe("what is shown", () => {
  test("is the whole run as it grows, and five seconds at least", () => {
    const growing = { t: [1] };
    const sight = new Sight(growing);
    expect(sight.shown()).toEqual({ from: 0, to: 5 });
    growing.t.push(60);
    expect(sight.shown()).toEqual({ from: 0, to: 60 });
  });

  test("is a stretch once one was chosen, from whichever end, within the run", () => {
    const sight = new Sight(series);
    sight.choose(70, 20);
    expect(sight.shown()).toEqual({ from: 20, to: 70 });
    sight.choose(-5, 900);
    expect(sight.shown()).toEqual({ from: 0, to: 100 });
  });

  test("does not become too narrow to see", () => {
    const sight = new Sight(series);
    sight.choose(50, 50.001);
    expect(sight.zoom).toBeNull();
    for (let i = 0; i < 50; i++) sight.scale(0.5);
    const { from, to } = sight.shown();
    expect(to - from).toBeCloseTo(0.2);
  });

  test("zooms around the moment that is read, which stays where it is", () => {
    const sight = new Sight(series);
    sight.at = 25;
    const before = sight.part(25);
    sight.scale(0.5);
    expect(sight.part(25)).toBeCloseTo(before);
    expect(sight.shown()).toEqual({ from: 12.5, to: 62.5 });
  });

  test("is the whole again when it is zoomed out far enough", () => {
    const sight = new Sight(series);
    sight.scale(0.5);
    sight.scale(4);
    expect(sight.zoom).toBeNull();
  });
});

describe("what is read", () => {
  test("is the point whose interval holds the moment", () => {
    const sight = new Sight({ t: [2, 4, 8] });
    for (const [at, i] of [[0, 0], [1.9, 0], [2.1, 1], [7, 2], [99, 2]] as const) {
      sight.at = at;
      expect(sight.index()).toBe(i);
    }
    sight.at = null;
    expect(sight.index()).toBeNull();
  });

  test("goes from point to point, and not beyond the ends", () => {
    const sight = new Sight({ t: [2, 4, 8] });
    sight.step(1);
    expect(sight.index()).toBe(0);
    sight.step(1);
    expect(sight.index()).toBe(1);
    sight.step(5);
    expect(sight.index()).toBe(2);
    sight.edge(false);
    expect(sight.index()).toBe(0);
    sight.step(-1);
    expect(sight.index()).toBe(0);
  });

  test("stays within the stretch that is shown", () => {
    const sight = new Sight(series);
    sight.choose(20, 30);
    sight.edge(true);
    expect(sight.index()).toBe(29);
    sight.step(10);
    expect(sight.at).toBeLessThanOrEqual(30);
    for (let i = 0; i < 40; i++) sight.step(-1);
    expect(sight.at).toBeGreaterThanOrEqual(19);
  });

  test("is nothing before there is a curve", () => {
    const sight = new Sight({ t: [] });
    sight.step(1);
    sight.edge(true);
    expect(sight.index()).toBeNull();
    sight.at = 3;
    expect(sight.index()).toBeNull();
    expect(sight.time(0.5)).toBe(0);
  });
});

test("searching by halves finds the first that is not below", () => {
  expect([0, 1, 1.5, 3, 4].map((x) => first([1, 2, 3], x))).toEqual([0, 0, 1, 2, 3]);
  expect(within([1, 2, 3], { from: 1.5, to: 9 })).toEqual({ first: 1, last: 2 });
});
