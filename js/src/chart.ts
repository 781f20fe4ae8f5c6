import { keep } from "./extremes";
import type { Series } from "./series";
import { HIGH, WIDE, limit, niceTop, order, picture } from "./stack";

export type Fill = "solid" | "lines" | "hatch";
export interface Look {
  name: string;
  colour: string;
  fill: Fill;
  limit: number | null;
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
  private readonly gaps: SVGElement;
  private readonly limitLine: SVGElement;
  private readonly devices: number[];
  private readonly limits: (number | null)[];
  top = 1;
  limit: number | null = null;
  end = 0;

  constructor(box: HTMLElement, looks: readonly Look[]) {
    const id = `carbon-magic-${++charts}-${Math.random().toString(36).slice(2, 8)}`;
    this.limits = looks.map((look) => look.limit);
    this.devices = order(this.limits);
    this.svg = node("svg", { width: "100%", height: "100%", role: "img", style: "display:block;width:100%;height:100%" });
    this.svg.setAttribute("aria-label", `Power over time, stacked by device: ${looks.map((look) => look.name).join(", ")}`);
    for (const device of this.devices) this.addBand(`${id}-${device}`, device, looks[device]!);
    this.gaps = this.svg.appendChild(node("g", { fill: "#888", "fill-opacity": "0.18" }));
    for (const [y, opacity] of [["0.5", "0.25"], ["50%", "0.25"], ["99.6%", "0.55"]] as const)
      this.svg.append(node("line", { x2: "100%", y1: y, y2: y, stroke: "#888", "stroke-opacity": opacity }));
    this.limitLine = this.svg.appendChild(
      node("line", { x2: "100%", stroke: "#888", "stroke-opacity": "0.9", "stroke-dasharray": "2 5", "stroke-linecap": "round" }),
    );
    box.replaceChildren(this.svg);
  }

  draw(series: Series): void {
    this.limit = limit(this.limits, series.peak);
    this.top = niceTop(Math.max(series.peak, 1.04 * (this.limit ?? 0)));
    const kept = keep(series.totals, Math.min(COLUMNS, POINTS / this.devices.length));
    const { bands, gaps, end } = picture(series, kept, this.devices, this.top);
    for (const { device, outline } of bands) this.outlines.get(device)!.setAttribute("d", outline);
    this.gaps.replaceChildren(...gaps.map(([from, to]) => node("rect", { x: at(from), width: at(to - from), height: "100%" })));
    const y = this.limit === null ? "-9" : `${(100 * (1 - this.limit / this.top)).toFixed(1)}%`;
    this.limitLine.setAttribute("y1", y);
    this.limitLine.setAttribute("y2", y);
    this.end = end;
  }

  private addBand(id: string, device: number, look: Look): void {
    const [ground, strokes, width] = TILES[look.fill];
    const pattern = node("pattern", { id: `${id}p`, width: "4", height: "4", patternUnits: "userSpaceOnUse" });
    pattern.append(node("rect", { width: "4", height: "4", fill: look.colour, "fill-opacity": ground }));
    if (strokes) pattern.append(node("path", { d: strokes, stroke: look.colour, "stroke-width": width }));
    const clip = node("clipPath", { id: `${id}c`, clipPathUnits: "objectBoundingBox" });
    const outline = clip.appendChild(node("path", { transform: `scale(${1 / WIDE} ${1 / HIGH})` }));
    const full = { width: "100%", height: "100%", fill: `url(#${id}p)`, "clip-path": `url(#${id}c)` };
    this.svg.append(pattern, clip, node("rect", full));
    this.outlines.set(device, outline);
  }
}

function node(name: string, attributes: Record<string, string>): SVGElement {
  const element = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

function at(x: number): string {
  return `${((100 * x) / WIDE).toFixed(1)}%`;
}
