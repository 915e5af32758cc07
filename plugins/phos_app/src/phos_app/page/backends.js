// What computes, in plain words, and the choice of it.

import * as api from "./api.js";
import { el, find } from "./dom.js";
import { say, sayProblem } from "./says.js";

export class Backends {
  #desk;
  #isSaid = false;

  constructor(desk, viewer) {
    this.#desk = desk;
    this.dialog = find("#backends");
    find("#backends-open").addEventListener("click", () => this.open());
    find("#backends-again").addEventListener("click", () => this.#look());
    viewer.addEventListener("rendered", ({ detail }) => {
      if (detail.kind === "after") this.#told(detail.pane.report);
    });
  }

  open() {
    this.dialog.showModal();
    this.#look();
  }

  #told(report) {
    if (!report?.ran) return;
    find("#ran").textContent = report.ran;
    if (report.compiling && !this.#isSaid) {
      this.#isSaid = true;
      say(`${report.compiling} is being compiled, once for this machine. Until it is, ${report.backend ?? "another"} renders.`);
    }
    const warning = find("#warning");
    warning.textContent = report.warning ?? "";
    warning.title = report.warning ?? "";
  }

  async #look() {
    const place = find("#backends-list");
    place.setAttribute("aria-busy", "true");
    if (!place.children.length) place.append(el("li", { class: "hint", text: "Looking what runs here …" }));
    try {
      const answer = await api.backends();
      const rows = answer.backends ?? answer;
      const chosen = this.#desk.state.backend;
      place.replaceChildren(this.#row({ name: null, label: "Automatic", runs: true, words: "The fastest that runs here" }, chosen), ...rows.map((row) => this.#row(row, chosen)));
    } catch (error) {
      sayProblem(error);
    } finally {
      place.removeAttribute("aria-busy");
    }
  }

  #row(row, chosen) {
    const input = el("input", { type: "radio", name: "backend", value: row.name ?? "", disabled: !row.runs });
    input.checked = row.name === chosen;
    input.addEventListener("change", () => {
      this.#desk.keep({ backend: row.name });
      this.#desk.tell("looks");
    });
    const told = row.words ?? [row.device, row.memory].filter(Boolean).join(", ");
    const words = row.runs ? told : row.reason || row.status;
    return el(
      "li",
      { class: row.runs ? "" : "is-off" },
      el("label", {}, input, el("span", { class: "backend-name", text: row.label ?? row.name }), el("span", { class: "backend-words", text: words })),
      !row.runs && row.hint ? el("code", { text: row.hint }) : null,
    );
  }
}
