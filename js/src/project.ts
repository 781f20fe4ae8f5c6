import type { ProjectModel } from "./project-model";
import { enhance } from "./project-card";
import { alone } from "./target";
import "./card.css";
import "./rows.css";
import "./summary.css";
import "./project.css";

/** The account of a project. It needs no view of its own: the model finds its elements in the page. */
export default {
  initialize: ({ model }: { model: ProjectModel }): (() => void) => enhance(model),
  render: ({ model, el }: { model: ProjectModel; el: HTMLElement }): (() => void) => alone(model.get("target"), el),
};
