import { follow } from "./live-card";
import type { LiveModel } from "./model";
import { alone } from "./target";
import "./card.css";
import "./live.css";

/** The live view. It needs no view of its own: the model finds its elements in the page. */
export default {
  initialize: ({ model }: { model: LiveModel }): (() => void) => follow(model),
  render: ({ model, el }: { model: LiveModel; el: HTMLElement }): (() => void) => alone(model.get("target"), el, "carbon-magic-waiting"),
};
