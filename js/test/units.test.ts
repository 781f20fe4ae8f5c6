import { describe, expect, test } from "vitest";
import vectors from "../../tests/units.json";
import * as units from "../src/units";

type Vector = { function: string; arguments: (number | string | null)[]; expected: string; units?: string };
const functions = units as unknown as Record<string, (...args: unknown[]) => string>;

describe("the vectors shared with carbon_magic/units.py", () => {
  test.each(vectors as Vector[])("$function($arguments) is $expected", (vector) => {
    const args = vector.arguments.map((argument) => (typeof argument === "string" ? functions[argument] : argument));
    units.use(vector.units ?? "SI");
    expect(functions[vector.function]!(...args)).toBe(vector.expected);
  });
});
