/** Quantities in print, energy and CO2e in the units that use() chose last; digits by Intl.NumberFormat, exactly as
 *  carbon_magic/units.py prints them: tests/units.json holds vectors for both, tests/test_js.py tries thousands more. */

/** The language of a card's words, which report/html.py declares on the card: a figure is printed, and read aloud, in it. */
export const LANGUAGE = "en";

export type Known = number | null | undefined;
export type Formatter = (value: Known) => string;
type Scale = readonly (readonly [unit: string, size: number])[];

export const UNKNOWN = "unknown";
const MINUS = "−";
const DASH = "–";
const SMALLEST_PLAIN = 1e-9;
const LARGEST_PLAIN = 1e15;
const WH = 3600;
/** From where on a figure of so many digits is printed as 1. */
const ROUNDED_TO_ONE = { 2: 0.995, 3: 0.9995 };

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
/** Watts as a scale's end says them: "80 W", "1.5 kW". */
export const wattsRound: Formatter = (w) => quantity(w, W, "W", 1);
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
  // Each limit is where the figure, once rounded, would have a digit too many.
  if (s * 1e3 < 99.95) return s * 1e6 < 999.5 ? `${number(s * 1e6)} µs` : `${number(s * 1e3)} ms`;
  if (s < 9.995) return `${print(s, { places: 2 })} s`;
  if (s < 59.95) return `${print(s, { places: 1 })} s`;
  if (s >= LARGEST_PLAIN) return `${number(s / 86400)} d`;
  const seconds = Math.round(s), minutes = Math.round(s / 60), hours = Math.round(s / 3600);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${print(seconds % 60, { whole: 2 })} s`;
  if (minutes < 1440) return `${Math.floor(minutes / 60)} h ${print(minutes % 60, { whole: 2 })} min`;
  return `${count(Math.floor(hours / 24))} d ${count(hours % 24)} h`;
}

/** A whole number of things. */
export function count(n: number): string {
  return print(n, {});
}

/** A bare number with this many significant digits and thousands separators; `least`: zeros at its end may go. */
export function number(x: Known, digits = 3, least = digits): string {
  if (!known(x)) return UNKNOWN;
  if (x === 0) return "0";
  return print(x, { digits, least, notation: plain(x) ? "standard" : "scientific" });
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
  const decimals = -magnitude(top / factor / 2 - bottom / factor / 2);
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

function quantity(value: Known, scale: Scale, base: string, least?: number): string {
  if (!known(value)) return UNKNOWN;
  if (value === 0) return `0 ${base}`;
  const [unit, factor] = fit(Math.abs(value), scale, 3);
  return `${number(value / factor, 3, least)} ${unit}`;
}

/** The largest unit in which a value, once rounded, is at least 1 (999.6 g is 1.00 kg); else the smallest unit. */
function fit(size: number, scale: Scale, digits: 2 | 3): Scale[number] {
  return scale.findLast(([, factor]) => size / factor >= ROUNDED_TO_ONE[digits]) ?? scale[0]!;
}

function known(value: Known): value is number {
  return value !== null && value !== undefined && Number.isFinite(value);
}

function plain(x: number): boolean {
  return Math.abs(x) >= SMALLEST_PLAIN && Math.abs(x) < LARGEST_PLAIN;
}

/** One end of a range: as many decimals as the range needs, and never fewer than two significant digits. */
function end(x: number, decimals: number): string {
  if (!plain(x)) return number(x, 2);
  return decimals > 0 ? print(x, { digits: 2, places: decimals }) : number(x, Math.max(2, magnitude(Math.abs(x)) + 1 + decimals));
}

/** The power of ten of x > 0. */
function magnitude(x: number): number {
  return Number(x.toExponential().split("e")[1]);
}

interface Digits {
  /** Significant digits, and how many of them at least; digits before the point at least; decimals. With both, the more exact. */
  digits?: number;
  least?: number;
  whole?: number;
  places?: number;
  notation?: "standard" | "scientific";
}

const formats = new Map<string, Intl.NumberFormat>();

/** Ties go away from zero, on the shortest decimal digits that name the double: as text, since Intl would take 1.005 for 1.00499... */
function print(x: number, { digits, least = digits, whole, places, notation = "standard" }: Digits): string {
  const key = [digits, least, whole, places, notation].join();
  let format = formats.get(key);
  if (format === undefined) {
    format = new Intl.NumberFormat(LANGUAGE, {
      notation,
      ...(digits && { minimumSignificantDigits: least!, maximumSignificantDigits: digits }),
      ...(whole && { minimumIntegerDigits: whole }),
      ...(places && { minimumFractionDigits: places, maximumFractionDigits: places }),
      ...(digits && places && { roundingPriority: "morePrecision" }),
    });
    formats.set(key, format);
  }
  return format.format(String(x) as Intl.StringNumericLiteral).replaceAll("-", MINUS);
}
