import { Chart } from "./chart";
import { Cursor } from "./cursor";
import { announce, part, parts, say } from "./dom";
import type { LiveModel, Tick } from "./model";
import { Series } from "./series";
import { Sight } from "./sight";
import { Strip, keepFolding } from "./strip";
import { Targets } from "./target";
import * as units from "./units";

const STALE_S = 2;
/** More ticks than this were not seen here (the page was loaded anew, say): their stretch is a gap. */
const MISSED = 3;

/** One card in the page, showing a run in progress. */
class LiveCard {
  private readonly chart: Chart;
  private readonly sight: Sight;
  private readonly cursor: Cursor;
  private readonly strip: Strip;
  private readonly whole: HTMLButtonElement;
  private readonly roles = new Map<string, HTMLElement>();
  private readonly cells: { watts: HTMLElement; joules: HTMLElement; share: HTMLElement }[];
  private readonly names: string[];
  private tick: Tick | null = null;

  constructor(card: HTMLElement, model: LiveModel, private readonly series: Series) {
    card.innerHTML = model.get("html"); // made and escaped by report/run_html.py
    for (const role of ROLES) this.roles.set(role, part(card, role));
    const [watts, joules, shares] = [parts(card, "watts"), parts(card, "joules"), parts(card, "share")];
    this.cells = watts.map((cell, i) => ({
      watts: cell,
      joules: joules[i]!,
      share: shares[i]!.querySelector<HTMLElement>(".carbon-magic-part")!,
    }));
    this.names = model.get("looks").map((look) => look.name);
    const box = part(card, "chart");
    this.chart = new Chart(box, model.get("looks"));
    this.sight = new Sight(series);
    this.cursor = new Cursor(box, this.sight, this.names.length, { changed: () => this.picture() });
    box.setAttribute("aria-label", `Power over time, stacked by device: ${this.names.join(", ")}. ${KEYS}`);
    box.title = KEYS;
    this.whole = this.addWhole();
    this.strip = new Strip(card);
    this.cells.forEach(({ watts }, i) => this.pointAt(watts.parentElement!, i));
  }

  draw(tick: Tick): void {
    this.tick = tick;
    const { series } = this;
    const [joules, grams] = [tick.e[0], tick.g[0]];
    const power = tick.p === null ? "– W" : units.watts(tick.p);
    this.figure("power", power);
    this.say("power-beside", series.peak > 0 ? `peak ${units.watts(series.peak)}` : "");
    this.say("power-range", `mean ${units.span(tick.e[1] / tick.t, tick.e[2] / tick.t, units.watts)} (90 %)`);
    this.figure("energy", units.energy(joules));
    this.say("energy-beside", units.kwh(joules) === units.energy(joules) ? "" : units.kwh(joules));
    this.say("energy-range", `${units.span(tick.e[1], tick.e[2], units.energy)} (90 %)`);
    this.figure("co2e", units.grams(grams));
    this.say("co2e-range", `${units.span(tick.g[1], tick.g[2], units.grams)} (90 %)`);
    this.say("beside", tick.k);
    this.say("elapsed", units.duration(tick.t));
    this.strip.say([power, units.energy(joules), units.grams(grams)]);
    this.budget(tick.b);
    this.cells.forEach((cell, i) => {
      const share = series.share(i);
      say(cell.joules, share === null ? "–" : `≈ ${units.energy(share * joules)}`);
      cell.share.style.width = `${(100 * (share ?? 0)).toFixed(1)}%`;
    });
    this.picture();
  }

  state(words: string): void {
    this.say("state", words);
  }

  /** The chart and what is read in it: by itself where somebody looks around between two ticks. */
  private picture(): void {
    const { chart, sight, series } = this, stretch = sight.shown();
    if (series.t.length === 0) return;
    chart.draw(series, stretch, sight.zoom !== null);
    chart.point(this.cursor.device);
    const i = sight.index();
    const row = i === null ? (this.tick?.w ?? []) : series.values[i]!;
    this.cells.forEach(({ watts }, device) => say(watts, known(row[device])));
    this.say("when", i === null ? "Power now" : "Power then");
    const words = i === null ? "" : this.reading(i);
    this.cursor.draw(words ? [words, ...this.names.map((name, n) => `${name} ${known(row[n])}`)].join(", ") : "now");
    this.say("top", `0–${units.wattsRound(chart.top)}`);
    this.say("aside", words || this.legend());
    this.say("start", units.duration(stretch.from));
    this.say("end", units.duration(stretch.to));
    this.whole.hidden = sight.zoom === null;
  }

  /** The moment that is read, and what was drawn then. */
  private reading(i: number): string {
    const { t, totals, values, thinned } = this.series;
    const device = this.cursor.device;
    const what = device === null ? known(totals[i]) : `${this.names[device]!} ${known(values[i]![device])}`;
    const width = t[i]! - (t[i - 1] ?? 0);
    return `${units.duration(this.sight.at!)}: ${what}${thinned ? ` (an extreme of ${units.duration(width)})` : ""}`;
  }

  private legend(): string {
    const { limit, idle } = this.chart;
    const said = limit === null ? [] : [`dotted: power limit ${units.watts(limit)}`];
    if (idle !== null) said.push(`band: idle ${units.watts(idle)}`);
    return said.join(" · ");
  }

  private budget(given: Tick["b"]): void {
    const box = this.roles.get("budget")!;
    box.hidden = given === undefined;
    if (given === undefined) return;
    const spent = given[0], words = given[1].replace("CO2e", "CO₂e");
    const percent = Math.round(100 * spent);
    const bar = box.lastElementChild as HTMLElement, filled = bar.firstElementChild as HTMLElement;
    box.dataset["spent"] = spent > 1 ? "over" : spent >= 0.8 ? "soon" : "";
    say(box.firstElementChild!, spent > 1 ? `over budget: ${words}` : `${units.count(percent)} % of budget: ${words}`);
    filled.style.width = `${Math.min(percent, 100)}%`;
    bar.setAttribute("aria-valuenow", String(Math.min(percent, 100)));
    bar.setAttribute("aria-valuetext", words);
  }

  /** The way back from a stretch to the whole run, for those who use a mouse. */
  private addWhole(): HTMLButtonElement {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "carbon-magic-whole";
    button.textContent = "show the whole run";
    button.hidden = true;
    button.addEventListener("click", () => this.cursor.whole());
    this.roles.get("aside")!.before(button);
    return button;
  }

  private pointAt(row: HTMLElement, device: number): void {
    row.addEventListener("pointerenter", () => this.chart.point(device));
    row.addEventListener("pointerleave", () => this.chart.point(this.cursor.device));
  }

  private say(role: string, text: string): void {
    say(this.roles.get(role)!, text);
  }

  private figure(role: string, text: string): void {
    const [number, unit] = this.roles.get(role)!.children;
    const at = text.lastIndexOf(" ");
    say(number!, at < 0 ? text : text.slice(0, at));
    say(unit!, at < 0 ? "" : text.slice(at + 1));
  }
}

function known(watts: number | null | undefined): string {
  return watts === null || watts === undefined ? "–" : units.watts(watts);
}

const KEYS = "Arrows read, + and − zoom, 0 shows all; or point, and drag across a stretch.";
const ROLES = [
  "state", "elapsed", "power", "power-beside", "power-range", "energy", "energy-beside", "energy-range", "co2e",
  "co2e-range", "beside", "budget", "top", "aside", "start", "end", "when",
];

/** Make the waiting card of this model live, in every place where it is seen, until the model is closed. */
export function follow(model: LiveModel): () => void {
  units.use(model.get("units"));
  const series = new Series();
  let frame = 0, count = 0, heard = performance.now(), usual = 0, stale = false;
  const tick = (): Tick | null => {
    const now = model.get("now");
    return now.n === undefined ? null : (now as Tick);
  };
  const draw = (): void => {
    frame = 0;
    const now = tick();
    for (const card of targets.all()) if (now !== null) card.draw(now);
  };
  const targets = new Targets(`${model.get("target")} carbon-magic-waiting`, (element) => {
    const card = new LiveCard(element, model, series);
    const now = tick();
    if (now !== null) card.draw(now);
    return card;
  });
  const hear = (): void => {
    const now = tick();
    if (now === null) return;
    const at = performance.now();
    usual = Math.max((at - heard) / 1000, usual * 0.9);
    if (stale) for (const card of targets.all()) card.state("running");
    heard = at;
    stale = false;
    series.push(now.t, now.n - count > MISSED ? now.w.map(() => null) : now.w);
    count = now.n;
    frame ||= requestAnimationFrame(draw);
  };
  // A long call that never lets Python breathe stops the figures, not the counting: say so instead of looking frozen.
  const watch = setInterval(() => {
    const silent = (performance.now() - heard) / 1000;
    stale = silent > Math.max(STALE_S, 3 * usual);
    if (stale) for (const card of targets.all()) card.state(`no figures for ${units.count(Math.round(silent))} s`);
  }, 1000);
  keepFolding(model.get("target"));
  for (const [t, watts] of model.get("past")) series.push(t, watts);
  model.on("change:now", hear);
  hear();
  model.set("ready", true);
  model.save_changes();
  return () => {
    const now = tick();
    clearInterval(watch);
    cancelAnimationFrame(frame);
    model.off("change:now", hear);
    const left = targets.all();
    targets.close();
    for (const card of left) card.state("no more figures here: %carbon has the result");
    if (now !== null) announce(`Measured: ${units.energy(now.e[0])}, ${units.grams(now.g[0])} of CO2e in ${units.duration(now.t)}.`);
  };
}
