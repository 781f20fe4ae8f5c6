import type { SummaryModel } from "./model";
import { enhance } from "./summary-card";
import { alone } from "./target";
import "./card.css";
import "./rows.css";
import "./summary.css";

/** The session summary. It needs no view of its own: the model finds its elements in the page. */
export default {
  initialize: ({ model }: { model: SummaryModel }): (() => void) => enhance(model),
  render: ({ model, el }: { model: SummaryModel; el: HTMLElement }): (() => void) => alone(model.get("target"), el),
};
