/** Quantities in print, energy and CO2e in the units that use() chose last; exactly as carbon_magic/units.py prints them: tests/units.json holds the vectors for both. */

export type Known = number | null | undefined;
export type Formatter = (value: Known) => string;
type Scale = readonly (readonly [unit: string, size: number])[];

export const UNKNOWN = "unknown";
const MINUS = "−";
const DASH = "–";
const SMALLEST_PLAIN = 1e-9;
const LARGEST_PLAIN = 1e15;
const WH = 3600;

const W: Scale = [["nW", 1e-9], ["µW", 1e-6], ["mW", 1e-3], ["W", 1], ["kW", 1e3], ["MW", 1e6], ["GW", 1e9]];
const ENERGY: Scale = [
  ["nWh", WH / 1e9], ["µWh", WH / 1e6], ["mWh", WH / 1e3], ["Wh", WH],
  ["kWh", WH * 1e3], ["MWh", WH * 1e6], ["GWh", WH * 1e9], ["TWh", WH * 1e12],
];
const KWH: Scale = [["kWh", 3.6e6]];
const J: Scale = [
  ["nJ", 1e-9], ["µJ", 1e-6], ["mJ", 1e-3], ["J", 1], ["kJ", 1e3], ["MJ", 1e6], ["GJ", 1e9], ["TJ", 1e12],
];
const G: Scale = [["ng", 1e-9], ["µg", 1e-6], ["mg", 1e-3], ["g", 1], ["kg", 1e3], ["t", 1e6]];
export const ENERGIES: Record<string, Scale> = { Wh: ENERGY, kWh: KWH, MWh: [["MWh", 3.6e9]], J };
export const MASSES: Record<string, Scale> = { g: G, kg: [["kg", 1e3]], t: [["t", 1e6]], lb: [["lb", 453.59237]] };
const KM: Scale = [["nm", 1e-12], ["µm", 1e-9], ["mm", 1e-6], ["cm", 1e-5], ["m", 1e-3], ["km", 1]];

let joule = "Wh", gram = "g";

/** Print energy and CO2e in these units from now on: "Wh g", "J lb", as the kernel's units.chosen() says them. */
export function use(words = ""): void {
  joule = "Wh";
  gram = "g";
  for (const word of words.split(" ")) {
    if (word in ENERGIES) joule = word;
    if (word in MASSES) gram = word;
  }
}

export const watts: Formatter = (w) => quantity(w, W, "W");
export const energy: Formatter = (j) => quantity(j, ENERGIES[joule]!, joule);
export const kwh: Formatter = (j) => quantity(j, KWH, "kWh");
export const joules: Formatter = (j) => quantity(j, J, "J");
export const grams: Formatter = (g) => quantity(g, MASSES[gram]!, gram);
export const pounds: Formatter = (g) => quantity(g, MASSES.lb!, "lb");
export const per_kwh: Formatter = (g) => quantity(g, [["g/kWh", 1]], "g/kWh");
export const distance: Formatter = (km) => quantity(km, KM, "km");

/** Seconds: "34.0 ms", "0.42 s", "1 min 12 s", "3 h 05 min", "2 d 4 h". */
export function duration(s: Known): string {
  if (!known(s)) return UNKNOWN;
  if (s < 0) return MINUS + duration(-s);
  if (s === 0) return "0 s";
  if (round(s * 1e3, 1) < 100) return round(s * 1e6, 0) < 1000 ? `${number(s * 1e6)} µs` : `${number(s * 1e3)} ms`;
  if (round(s, 2) < 10) return `${fixed(s, 2)} s`;
  if (round(s, 1) < 60) return `${fixed(s, 1)} s`;
  if (s >= LARGEST_PLAIN) return `${number(s / 86400)} d`;
  const seconds = round(s, 0), minutes = round(s / 60, 0), hours = round(s / 3600, 0);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`;
  if (minutes < 1440) return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
  return `${grouped(String(Math.floor(hours / 24)))} d ${hours % 24} h`;
}

/** A bare number with this many significant digits and thousands separators. */
export function number(x: Known, digits = 3): string {
  if (!known(x)) return UNKNOWN;
  if (x === 0) return "0";
  const size = Math.abs(x);
  if (size >= SMALLEST_PLAIN && size < LARGEST_PLAIN) return fixed(x, digits - 1 - exponent(size, digits));
  return (x < 0 ? MINUS : "") + size.toExponential(digits - 1).replace("+", "");
}

/** A range with one unit: two digits at each end, more where the ends are close to each other. */
export function span(low: Known, high: Known, fmt: Formatter): string {
  if (!known(low) || !known(high)) return UNKNOWN;
  const bottom = Math.min(low, high), top = Math.max(low, high);
  const size = Math.max(Math.abs(bottom), Math.abs(top));
  if (top - bottom <= 1e-4 * size) return fmt((bottom + top) / 2);
  const scale = scaleOf(fmt);
  if (scale === undefined) return `${fmt(bottom)}${DASH}${fmt(top)}`;
  const [unit, factor] = fit(size, scale, 2);
  const decimals = -exponent(top / factor / 2 - bottom / factor / 2);
  return `${end(bottom / factor, decimals)}${bottom >= 0 ? DASH : " to "}${end(top / factor, decimals)} ${unit}`;
}

/** How far a range reaches from its middle: "± 12 %", or "−40 % / +95 %". */
export function percent(low: Known, mid: Known, high: Known): string {
  if (!known(low) || !known(mid) || !known(high)) return UNKNOWN;
  if (low === mid && mid === high) return "± 0 %";
  if (mid === 0) return UNKNOWN;
  const below = Math.max(0, ((mid - low) / Math.abs(mid)) * 100);
  const above = Math.max(0, ((high - mid) / Math.abs(mid)) * 100);
  const wider = Math.max(below, above);
  if (wider <= 1.25 * Math.min(below, above)) return `± ${number(wider, 2)} %`;
  return `${MINUS}${number(below, 2)} % / +${number(above, 2)} %`;
}

/** Of what the page prints as a range: what is not named here falls out of the bundle. */
const SCALES = new Map<Formatter, Scale>([
  [watts, W], [kwh, KWH], [joules, J],
]);

function scaleOf(fmt: Formatter): Scale | undefined {
  return fmt === energy ? ENERGIES[joule] : fmt === grams ? MASSES[gram] : SCALES.get(fmt);
}

function quantity(value: Known, scale: Scale, base: string): string {
  if (!known(value)) return UNKNOWN;
  if (value === 0) return `0 ${base}`;
  const [unit, factor] = fit(Math.abs(value), scale, 3);
  return `${number(value / factor)} ${unit}`;
}

function fit(size: number, scale: Scale, digits: number): readonly [string, number] {
  for (let i = scale.length - 1; i > 0; i--) {
    const step = scale[i]!;
    const x = size / step[1];
    if (x >= 1 || (x > 0.9 && exponent(x, digits) >= 0)) return step;
  }
  return scale[0]!;
}

function known(value: Known): value is number {
  return value !== null && value !== undefined && Number.isFinite(value);
}

function end(x: number, decimals: number): string {
  const size = Math.abs(x);
  if (!(size >= SMALLEST_PLAIN && size < LARGEST_PLAIN)) return number(x, 2);
  return fixed(x, Math.max(decimals, 1 - exponent(size, 2)));
}

/** The power of ten of x > 0, after rounding to this many digits where they are given. */
function exponent(x: number, digits?: number): number {
  return Number(x.toExponential(digits === undefined ? undefined : digits - 1).split("e")[1]);
}

function round(x: number, decimals: number): number {
  if (decimals >= 0) return Number(x.toFixed(decimals));
  const step = 10 ** -decimals;
  return Math.sign(x) * Math.round(Math.abs(x) / step) * step;
}

function fixed(x: number, decimals: number): string {
  const rounded = round(Math.abs(x), decimals);
  const [whole = "", fraction] = rounded.toFixed(Math.max(0, decimals)).split(".");
  const text = grouped(whole) + (fraction === undefined ? "" : `.${fraction}`);
  return x < 0 && rounded > 0 ? MINUS + text : text;
}

function grouped(whole: string): string {
  return whole.replace(/\B(?=(\d{3})+$)/g, ",");
}

function two(n: number): string {
  return String(n).padStart(2, "0");
}
