// The panels: which tab is open at the left, which sheet on a phone, and the picture alone.

import { find } from "./dom.js";

const PANELS = ["films", "presets", "history"];

export class Panels {
  #desk;
  #parts;

  constructor(desk, parts) {
    this.#desk = desk;
    this.#parts = parts;
    for (const tab of document.querySelectorAll("[role=tab]")) {
      tab.addEventListener("click", () => this.show(tab.dataset.panel));
      tab.addEventListener("keydown", (event) => this.#onTabKey(event));
    }
    for (const button of document.querySelectorAll("#sheet-tabs [data-sheet]")) {
      button.addEventListener("click", () => this.#sheet(button.dataset.sheet));
    }
    this.show(desk.state.view.panel);
    this.#openSheet(desk.state.view.sheet ?? "left");
    desk.on("chosen", () => parts.roll.showChosen());
  }

  show(panel) {
    const open = PANELS.includes(panel) ? panel : PANELS[0];
    for (const name of PANELS) {
      const tab = find(`#tab-${name}`);
      const isOpen = name === open;
      tab.setAttribute("aria-selected", String(isOpen));
      tab.tabIndex = isOpen ? 0 : -1;
      find(`#panel-${name}`).hidden = !isOpen;
    }
    if (this.#desk.state.view.panel !== open) {
      this.#desk.state.view.panel = open;
      this.#desk.tell("kept");
    }
    if (open === "presets") this.#parts.presets.update();
  }

  #onTabKey(event) {
    const at = PANELS.indexOf(event.target.dataset.panel);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: PANELS.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const panel = PANELS[(to + PANELS.length) % PANELS.length];
    this.show(panel);
    find(`#tab-${panel}`).focus();
  }

  // On a phone: one sheet at a time; a second tap puts it away.
  #sheet(name) {
    if (name === "crop") {
      this.#parts.crop.toggle();
      return;
    }
    this.#openSheet(this.#desk.state.view.sheet === name ? "none" : name);
    this.#desk.tell("kept");
  }

  #openSheet(name) {
    this.#desk.state.view.sheet = name;
    document.body.dataset.sheet = name;
    for (const button of document.querySelectorAll("#sheet-tabs [data-sheet]")) {
      button.setAttribute("aria-pressed", String(button.dataset.sheet === name));
    }
  }

  search() {
    this.back();
    this.show("films");
    this.#openSheet("left");
    find("#film-search").focus();
    find("#film-search").select();
  }

  toggleAlone() {
    document.body.classList.toggle("is-alone");
  }

  back() {
    document.body.classList.remove("is-alone");
  }
}
