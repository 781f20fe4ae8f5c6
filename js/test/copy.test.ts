import { describe, expect, test } from "vitest";
import { WRITERS } from "../src/copy";
import type { Row } from "../src/model";

const row = (name: string, more: Partial<Row> = {}): Row => ({
  name, state: "done", how: "measured", t: 34.2, b: 0, host: "here", w: 45.9, e: 36_000, er: [34_000, 38_000], g: 0.56,
  gr: [0.4, 0.7], parts: [], notes: [], stage: "", tags: [], ...more,
});

describe("Markdown", () => {
  test("is a table with figures at the right", () => {
    expect(WRITERS.Markdown([row("train")])).toBe(
      "| Run | State | How known | Time | Mean power | Energy | CO2e |\n" +
      "| :-- | :-- | :-- | --: | --: | --: | --: |\n" +
      "| train | done | measured | 34.2 s | 45.9 W | 10.0 Wh | 560 mg |\n",
    );
  });

  test("lets no name break the table or become HTML", () => {
    const line = WRITERS.Markdown([row("a|b\n<img src=x> `c` [d](e) & \\")]).split("\n")[2]!;
    expect(line).toContain("a\\|b &lt;img src=x&gt; \\`c\\` \\[d\\](e) &amp; \\\\ |");
    expect(line.replaceAll("\\|", "").split("|")).toHaveLength(9);
  });
});

describe("LaTeX", () => {
  test("is a tabular that needs no package", () => {
    const text = WRITERS.LaTeX([row("train"), row("b", { e: 1e-3, g: null })]);
    expect(text).toContain("\\begin{tabular}{lllrrrr}\n");
    expect(text).toContain("CO\\textsubscript{2}e \\\\\n");
    expect(text).toContain("  b & done & measured & 34.2 s & 45.9 W & 278 nWh & unknown \\\\\n");
  });

  test("lets no name be a command", () => {
    expect(WRITERS.LaTeX([row("50% of \\input{x} & $y_1^2$ #~")])).toContain(
      "50\\% of \\textbackslash{}input\\{x\\} \\& \\$y\\_1\\textasciicircum{}2\\$ \\#\\textasciitilde{} & done",
    );
  });
});

describe("CSV", () => {
  const lines = (rows: Row[]): string[] => WRITERS.CSV(rows).split("\r\n");

  test("has full figures under heads with units", () => {
    const [head, first, last] = lines([row("train", { tags: [["lr", "0.1"], ["n", "2"]], stage: "tune" })]);
    expect(head).toContain("duration_s,power_w,energy_j,energy_j_low,energy_j_high,co2e_g");
    expect(first).toBe(
      "train,done,measured,1970-01-01T00:00:00.000Z,here,tune,lr=0.1; n=2,34.2,45.9,36000,34000,38000,0.56,0.4,0.7",
    );
    expect(last).toBe("");
  });

  test.each(["=1+1", "+1", "-1", "@sum(a1)", "\t=1"])("lets %j be no formula", (name) => {
    const first = lines([row(name)])[1]!;
    expect(first).toMatch(/^"?'[=+\-@]|^"'/);
  });

  test("quotes what needs it and leaves unknown figures empty", () => {
    expect(lines([row('a "b", c', { e: null, g: null, w: null })])[1]).toBe(
      '"a ""b"", c",done,measured,1970-01-01T00:00:00.000Z,here,,,34.2,,,,,,,',
    );
  });
});
