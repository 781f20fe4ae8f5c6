import { Targets } from "./target";

/** Folds a card into one line and back; what was chosen holds for this notebook's page. */
export class Strip {
  private readonly button: HTMLButtonElement;
  private readonly figures: HTMLElement;

  /** `card` has its heading as its first child: a name at the left, the state at the right. */
  constructor(private readonly card: HTMLElement) {
    const heading = card.firstElementChild!, right = heading.lastElementChild!;
    this.figures = document.createElement("span");
    this.figures.className = "carbon-magic-strip";
    this.button = document.createElement("button");
    this.button.className = "carbon-magic-fold";
    this.button.type = "button";
    this.button.addEventListener("click", () => {
      remember(!this.folded);
      this.fold(!this.folded);
    });
    right.before(this.figures);
    right.append(this.button);
    this.fold(remembered());
  }

  get folded(): boolean {
    return this.card.classList.contains("carbon-magic-folded");
  }

  /** The figures in short, seen only where the card is folded. */
  say(figures: readonly string[]): void {
    const text = `${figures.join(" · ")} CO₂e`;
    if (this.figures.textContent !== text) this.figures.textContent = text;
  }

  private fold(folded: boolean): void {
    this.card.classList.toggle("carbon-magic-folded", folded);
    this.button.setAttribute("aria-expanded", String(!folded));
    this.button.setAttribute("aria-label", "Chart and devices");
    this.button.title = folded ? "Show the chart and the devices" : "Fold into one line";
  }
}

/** Runs that were seen live here: their reports fold too, when the models are gone, for as long as the page is there. */
const seen = new Set<string>();
let reports: Targets<Element> | undefined;

/** The report that takes the place of a live card folds as that did, and stays folded where its reader folded it. */
export function keepFolding(target: string): void {
  seen.add(target);
  reports ??= new Targets("carbon-magic", (card) => {
    const figures = [...card.querySelectorAll(".carbon-magic-figure")].map((figure) => figure.textContent!);
    const ended = [...card.classList].some((name) => seen.has(name)) && !card.matches(".carbon-magic-waiting");
    if (ended && figures.length > 0) new Strip(card).say(figures);
    return card;
  });
}

function key(): string {
  return `carbon-magic folded ${location.pathname}`;
}

function remembered(): boolean {
  try {
    return localStorage.getItem(key()) === "yes";
  } catch {
    return false; // a page may forbid it
  }
}

function remember(folded: boolean): void {
  try {
    if (folded) localStorage.setItem(key(), "yes");
    else localStorage.removeItem(key());
  } catch {
    return;
  }
}
