import { follow } from "./live";
import type { LiveModel, SummaryModel } from "./model";
import { enhance } from "./summary";
import "./widget.css";

interface Given {
  model: LiveModel | SummaryModel;
}

/** Both widgets, told apart by what their models hold. Neither needs a view: the model finds its elements in the page. */
function initialize({ model }: Given): () => void {
  return isSummary(model) ? enhance(model) : follow(model);
}

/** Where a model is displayed by itself (a dashboard, marimo), its element is made here, and found like any other. */
function render({ model, el }: Given & { el: HTMLElement }): () => void {
  const card = document.createElement("div");
  card.className = `carbon-magic ${(model as LiveModel).get("target")} carbon-magic-waiting carbon-magic-alone`;
  el.append(card);
  return () => card.remove();
}

function isSummary(model: LiveModel | SummaryModel): model is SummaryModel {
  return (model as SummaryModel).get("rows") !== undefined;
}

export default { initialize, render };
