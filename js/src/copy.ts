/** The session's rows as text for other programs; DOM-free. What users named is data: it breaks no table and is no formula. */

import type { Row } from "./model";
import * as units from "./units";

export type Format = "Markdown" | "LaTeX" | "CSV";
type Writer = (rows: readonly Row[]) => string;

const HEADS = ["Run", "State", "How known", "Time", "Mean power", "Energy", "CO2e"];
const NUMBERS = 3; // the first column of figures

export const WRITERS: Readonly<Record<Format, Writer>> = { Markdown: markdown, LaTeX: latex, CSV: csv };

function cells(row: Row): string[] {
  return [row.name, row.state, row.how, units.duration(row.t), units.watts(row.w), units.energy(row.e), units.grams(row.g)];
}

function markdown(rows: readonly Row[]): string {
  const line = (values: readonly string[]): string => `| ${values.join(" | ")} |\n`;
  const rule = HEADS.map((_, i) => (i < NUMBERS ? ":--" : "--:"));
  return line(HEADS) + line(rule) + rows.map((row) => line(cells(row).map(inMarkdown))).join("");
}

function inMarkdown(text: string): string {
  return one(text).replace(/[\\`*_{}[\]|~$]/g, "\\$&").replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}

function latex(rows: readonly Row[]): string {
  const line = (values: readonly string[]): string => `  ${values.join(" & ")} \\\\\n`;
  const columns = HEADS.map((_, i) => (i < NUMBERS ? "l" : "r")).join("");
  const body = rows.map((row) => line(cells(row).map(inLatex))).join("");
  const heads = line(HEADS.map((head) => head.replace("CO2e", "CO\\textsubscript{2}e")));
  return `\\begin{tabular}{${columns}}\n  \\hline\n${heads}  \\hline\n${body}  \\hline\n\\end{tabular}\n`;
}

const LATEX: Readonly<Record<string, string>> = {
  "\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "µ": "\\textmu{}", "−": "$-$", "–": "--",
  "<": "\\textless{}", ">": "\\textgreater{}", "|": "\\textbar{}", '"': "\\textquotedbl{}",
};

function inLatex(text: string): string {
  return one(text).replace(/[\\~^µ−–<>|"&%$#_{}]/g, (c) => LATEX[c] ?? `\\${c}`);
}

const COLUMNS: readonly [head: string, value: (row: Row) => string | number | null][] = [
  ["name", (row) => row.name],
  ["state", (row) => row.state],
  ["how_known", (row) => row.how],
  ["started_at", (row) => new Date(1000 * row.b).toISOString()],
  ["host", (row) => row.host],
  ["stage", (row) => row.stage],
  ["tags", (row) => row.tags.map((tag) => tag.join("=")).join("; ")],
  ["duration_s", (row) => row.t],
  ["power_w", (row) => row.w],
  ["energy_j", (row) => row.e],
  ["energy_j_low", (row) => (row.e === null ? null : row.er[0])],
  ["energy_j_high", (row) => (row.e === null ? null : row.er[1])],
  ["co2e_g", (row) => row.g],
  ["co2e_g_low", (row) => (row.g === null ? null : row.gr[0])],
  ["co2e_g_high", (row) => (row.g === null ? null : row.gr[1])],
];

/** Figures in full, in the units that the heads name: for a program to read, not for a person. */
function csv(rows: readonly Row[]): string {
  const lines = rows.map((row) => COLUMNS.map(([, value]) => inCsv(value(row))));
  return [COLUMNS.map(([head]) => head), ...lines].map((line) => `${line.join(",")}\r\n`).join("");
}

function inCsv(value: string | number | null): string {
  if (value === null) return "";
  if (typeof value === "number") return String(value);
  const text = one(value);
  // A spreadsheet would take such a text for a formula and run it.
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\n\r']/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function one(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
