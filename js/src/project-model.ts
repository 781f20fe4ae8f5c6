import type { AnyModel } from "@anywidget/types";

/** A run of the project, in the order of the table's rows. */
export interface Line {
  /** Its name, and all that a search may find it by, in lower case. */
  n: string;
  q: string;
  state: string;
  stage: string;
  /** When it began, its seconds, joules and grams. */
  b: number;
  t: number;
  e: number | null;
  g: number | null;
}

/** What the final runs are to the whole: asked of the kernel, which knows the overlaps. */
export interface Answer {
  picked: number[];
  multiplier: string;
  below: string;
  said: string;
}

export interface Project {
  target: string;
  html: string;
  lines: Line[];
  /** Rows of the final model's runs. */
  picked: number[];
  answer: Answer | Record<string, never>;
}

export type ProjectModel = AnyModel<Project>;
