import { afterEach, expect, test } from "vitest";
import * as units from "../src/units";

afterEach(() => units.use("Wh g"));

test.each([
  ["Wh g", "10.0 Wh", "1.20 kg", "9.0–11 Wh"],
  ["kWh lb", "0.0100 kWh", "2.65 lb", "0.0090–0.011 kWh"],
  ["J t", "36.0 kJ", "0.00120 t", "32–40 kJ"],
  ["MWh kg", "0.0000100 MWh", "1.20 kg", "0.0000090–0.0000110 MWh"],
  ["nonsense", "10.0 Wh", "1.20 kg", "9.0–11 Wh"],
])("in %s", (words, energy, grams, span) => {
  units.use(words);
  expect(units.energy(36_000)).toBe(energy);
  expect(units.grams(1200)).toBe(grams);
  expect(units.span(32_400, 39_600, units.energy)).toBe(span);
});
