import type { AnyModel } from "@anywidget/types";
import type { Look } from "./chart";

export type Range = [low: number, high: number];

/** One look at a run in progress; keys are short because it travels many times a second. */
export interface Tick {
  /** Count, from 1. */
  n: number;
  /** Seconds since the beginning. */
  t: number;
  /** Watts of each device, in the order of the looks; null is a gap. */
  w: (number | null)[];
  /** Watts in total. */
  p: number | null;
  /** Joules, low, high. */
  e: [number, number, number];
  /** Grams of CO2e, low, high. */
  g: [number, number, number];
  /** What that is by car, in words. */
  k: string;
  /** What of the budget is spent (1 is all of it), and that in words; only where there is one. */
  b?: [part: number, words: string];
}

export interface Live {
  target: string;
  html: string;
  /** What energy and CO2e are printed in: "Wh g". */
  units: string;
  looks: Look[];
  /** The curve before this model was there: seconds and watts. */
  past: [number, (number | null)[]][];
  now: Tick | Record<string, never>;
  /** Set by the page once it listens, so that a model is not closed before it is there. */
  ready: boolean;
}

export interface Part {
  name: string;
  how: string;
  e: number;
  r: Range;
  source: string;
}

/** A run of the session. */
export interface Row {
  name: string;
  state: string;
  how: string;
  /** Seconds it took, and when it began. */
  t: number;
  b: number;
  host: string;
  w: number | null;
  e: number | null;
  er: Range;
  g: number | null;
  gr: Range;
  parts: Part[];
  notes: string[];
  stage: string;
  tags: [key: string, value: string][];
}

export interface Sum {
  picked: number[];
  t: number;
  e: number;
  er: Range;
  g: number;
  gr: Range;
}

export interface Summary {
  target: string;
  html: string;
  units: string;
  rows: Row[];
  picked: number[];
  sum: Sum | Record<string, never>;
  /** What CO2e can be compared with: its id, its name, and whether it was chosen. */
  things: [id: string, name: string, chosen: boolean][];
  /** The session's electricity on other grids, as HTML. */
  elsewhere: string;
  /** Whether Python takes requests. */
  answers: boolean;
  asked: Asked | Record<string, never>;
  answer: Answer | Record<string, never>;
}

/** What the page asks Python to do; `n` counts the requests of this page. */
export type Asked =
  | { n: string; do: "amend"; i: number; name: string; tags: [string, string][] }
  | { n: string; do: "prefer"; setting: "units" | "equivalents"; value: string };

export interface Answer {
  n: string;
  error: string | null;
}

export type LiveModel = AnyModel<Live>;
export type SummaryModel = AnyModel<Summary>;
