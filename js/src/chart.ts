import { keep } from "./extremes";
import type { Series } from "./series";
import { type Stretch, within } from "./sight";
import { HIGH, WIDE, idle, limit, niceTop, order, picture } from "./stack";

export type Fill = "solid" | "lines" | "hatch";
export interface Look {
  name: string;
  colour: string;
  fill: Fill;
  limit: number | null;
  idle: number | null;
}

const NS = "http://www.w3.org/2000/svg";
const TILES: Record<Fill, [ground: string, strokes: string, width: string]> = {
  solid: ["0.92", "", "0"],
  lines: ["0.45", "M0 1.2H4", "2.2"],
  hatch: ["0.32", "M-1 5L5 -1M-1 1L1 -1M3 5L5 3", "1.25"],
};
/** Steps across at most, and steps in the whole picture at most, as in report/svg.py: what is drawn stays the same. */
const COLUMNS = 450;
const POINTS = 1800;
let charts = 0;

/** Power over time, stacked by device. Bands stretch with the box, their patterns do not (as in report/svg.py). */
export class Chart {
  private readonly svg: SVGElement;
  private readonly outlines = new Map<number, SVGElement>();
  private readonly bands = new Map<number, SVGElement>();
  private readonly gaps: SVGElement;
  private readonly idleBand: SVGElement;
  private readonly limitLine: SVGElement;
  private readonly devices: number[];
  private readonly limits: (number | null)[];
  top = 1;
  limit: number | null = null;
  idle: number | null = null;

  constructor(box: HTMLElement, private readonly looks: readonly Look[]) {
    const id = `carbon-magic-${++charts}-${Math.random().toString(36).slice(2, 8)}`;
    this.limits = looks.map((look) => look.limit);
    this.devices = order(this.limits);
    this.svg = node("svg", { width: "100%", height: "100%", "aria-hidden": "true" });
    this.svg.style.display = "block";
    for (const device of this.devices) this.addBand(`${id}-${device}`, device, looks[device]!);
    this.gaps = this.svg.appendChild(node("g", { fill: "#888", "fill-opacity": "0.18" }));
    this.idleBand = this.svg.appendChild(node("g", { stroke: "#888" }));
    this.idleBand.append(
      node("rect", { width: "100%", height: "100%", fill: "#888", "fill-opacity": "0.3", stroke: "none" }),
      node("line", { x2: "100%", "stroke-opacity": "0.9", "stroke-dasharray": "8 4" }),
    );
    for (const [y, opacity] of [["0.5", "0.25"], ["50%", "0.25"], ["99.6%", "0.55"]] as const)
      this.svg.append(node("line", { x2: "100%", y1: y, y2: y, stroke: "#888", "stroke-opacity": opacity }));
    this.limitLine = this.svg.appendChild(
      node("line", { x2: "100%", stroke: "#888", "stroke-opacity": "0.9", "stroke-dasharray": "2 5", "stroke-linecap": "round" }),
    );
    box.replaceChildren(this.svg);
  }

  draw(series: Series, stretch: Stretch, zoomed: boolean): void {
    const { first, last } = within(series.t, stretch);
    const totals = series.totals.slice(first, last + 1);
    const peak = zoomed ? Math.max(0, ...totals.map((w) => w ?? 0)) : series.peak;
    this.limit = limit(this.limits, peak);
    this.top = niceTop(Math.max(peak, 1.04 * (this.limit ?? 0)));
    const kept = keep(totals, Math.min(COLUMNS, POINTS / this.devices.length)).map((i) => i + first);
    const { bands, gaps } = picture(series, kept, this.devices, this.top, stretch);
    for (const { device, outline } of bands) this.outlines.get(device)!.setAttribute("d", outline);
    this.gaps.replaceChildren(...gaps.map(([from, to]) => node("rect", { x: at(from), width: at(to - from), height: "100%" })));
    this.idle = idle(this.looks.map((look) => look.idle), this.top);
    const [ground, line] = this.idleBand.children;
    ground!.setAttribute("y", this.height(this.idle));
    level(line!, this.height(this.idle));
    level(this.limitLine, this.height(this.limit));
  }

  /** Let one device's band stand out; null shows all alike. */
  point(device: number | null): void {
    for (const [i, band] of this.bands) band.setAttribute("opacity", device === null || i === device ? "1" : "0.25");
  }

  /** Where so many watts are; null is nowhere to be seen. */
  private height(watts: number | null): string {
    return watts === null ? "200%" : `${(100 * (1 - watts / this.top)).toFixed(1)}%`;
  }

  private addBand(id: string, device: number, look: Look): void {
    const [ground, strokes, width] = TILES[look.fill];
    const pattern = node("pattern", { id: `${id}p`, width: "4", height: "4", patternUnits: "userSpaceOnUse" });
    pattern.append(node("rect", { width: "4", height: "4", fill: look.colour, "fill-opacity": ground }));
    if (strokes) pattern.append(node("path", { d: strokes, stroke: look.colour, "stroke-width": width }));
    const clip = node("clipPath", { id: `${id}c`, clipPathUnits: "objectBoundingBox" });
    const outline = clip.appendChild(node("path", { transform: `scale(${1 / WIDE} ${1 / HIGH})` }));
    const full = { width: "100%", height: "100%", fill: `url(#${id}p)`, "clip-path": `url(#${id}c)` };
    const band = node("rect", full);
    this.svg.append(pattern, clip, band);
    this.outlines.set(device, outline);
    this.bands.set(device, band);
  }
}

function level(line: Element, y: string): void {
  line.setAttribute("y1", y);
  line.setAttribute("y2", y);
}

function node(name: string, attributes: Record<string, string>): SVGElement {
  const element = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

function at(x: number): string {
  return `${((100 * x) / WIDE).toFixed(1)}%`;
}
