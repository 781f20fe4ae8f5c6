import { Chart } from "./chart";
import { announce, part, parts, say } from "./dom";
import type { LiveModel, Tick } from "./model";
import { Series } from "./series";
import { scaleEnd } from "./stack";
import { Targets } from "./target";
import * as units from "./units";

const STALE_S = 2;
/** More ticks than this were not seen here (the page was loaded anew, say): their stretch is a gap. */
const MISSED = 3;

/** One card in the page, showing a run in progress. */
class LiveCard {
  private readonly chart: Chart;
  private readonly roles = new Map<string, HTMLElement>();
  private readonly cells: { watts: HTMLElement; joules: HTMLElement; share: HTMLElement }[];

  constructor(card: HTMLElement, model: LiveModel) {
    card.innerHTML = model.get("html"); // made and escaped by report/run_html.py
    for (const role of ROLES) this.roles.set(role, part(card, role));
    const [watts, joules, shares] = [parts(card, "watts"), parts(card, "joules"), parts(card, "share")];
    this.cells = watts.map((cell, i) => ({
      watts: cell,
      joules: joules[i]!,
      share: shares[i]!.querySelector<HTMLElement>(".carbon-magic-part")!,
    }));
    this.chart = new Chart(part(card, "chart"), model.get("looks"));
  }

  draw(tick: Tick, series: Series): void {
    const [joules, grams] = [tick.e[0], tick.g[0]];
    this.figure("power", tick.p === null ? "– W" : units.watts(tick.p));
    this.say("power-beside", series.peak > 0 ? `peak ${units.watts(series.peak)}` : "");
    this.say("power-range", `mean ${units.span(tick.e[1] / tick.t, tick.e[2] / tick.t, units.watts)} (90 %)`);
    this.figure("energy", units.energy(joules));
    this.say("energy-beside", units.kwh(joules));
    this.say("energy-range", `${units.span(tick.e[1], tick.e[2], units.energy)} (90 %)`);
    this.figure("co2e", units.grams(grams));
    this.say("co2e-range", `${units.span(tick.g[1], tick.g[2], units.grams)} (90 %)`);
    this.say("beside", tick.k);
    this.say("elapsed", units.duration(tick.t));
    this.cells.forEach((cell, i) => {
      const share = series.share(i);
      const watts = tick.w[i] ?? null;
      say(cell.watts, watts === null ? "–" : units.watts(watts));
      say(cell.joules, share === null ? "–" : `≈ ${units.energy(share * joules)}`);
      cell.share.style.width = `${(100 * (share ?? 0)).toFixed(1)}%`;
    });
    this.chart.draw(series);
    this.say("top", `0–${scaleEnd(this.chart.top)}`);
    this.say("aside", this.chart.limit === null ? "" : `dotted: power limit ${units.watts(this.chart.limit)}`);
    this.say("end", units.duration(this.chart.end));
  }

  state(words: string): void {
    this.say("state", words);
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

const ROLES = [
  "state", "elapsed", "power", "power-beside", "power-range", "energy", "energy-beside", "energy-range", "co2e",
  "co2e-range", "beside", "top", "aside", "end",
];

/** Make the waiting card of this model live, in every place where it is seen, until the model is closed. */
export function follow(model: LiveModel): () => void {
  const series = new Series();
  let frame = 0, count = 0, heard = performance.now(), usual = 0, stale = false;
  const tick = (): Tick | null => {
    const now = model.get("now");
    return now.n === undefined ? null : (now as Tick);
  };
  const draw = (): void => {
    frame = 0;
    const now = tick();
    for (const card of targets.all()) if (now !== null) card.draw(now, series);
  };
  const targets = new Targets(`${model.get("target")} carbon-magic-waiting`, (element) => {
    const card = new LiveCard(element, model);
    const now = tick();
    if (now !== null) card.draw(now, series);
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
    if (stale) for (const card of targets.all()) card.state(`running, no figures for ${Math.round(silent)} s`);
  }, 1000);
  for (const [t, watts] of model.get("past")) series.push(t, watts);
  model.on("change:now", hear);
  hear();
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
