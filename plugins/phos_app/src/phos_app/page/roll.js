// The roll: a strip of frames with what is special about each; their order; settings for all or one.

import { el, find, icon } from "./dom.js";
import { confirmed, say, sayProblem } from "./says.js";
import { Stamps } from "./stamps.js";

export class Roll {
  #desk;
  #stamps;
  #images = new Map();
  #reading = [];
  #dragged = null;

  constructor(desk) {
    this.#desk = desk;
    this.list = find("#frames");
    this.#stamps = new Stamps(desk, () => this.#wanted(), (stamp) => this.#stamped(stamp));
    for (const scope of ["all", "one"]) {
      find(`#scope-${scope}`).addEventListener("change", () => desk.keep({ scope }));
    }
    find("#copy").addEventListener("click", () => this.copy());
    find("#paste").addEventListener("click", () => this.paste());
    find("#paste-all").addEventListener("click", () => this.paste({ all: true }));
    find("#as-roll").addEventListener("click", () => this.asRoll());
    find("#remove").addEventListener("click", () => this.remove());
    this.list.addEventListener("keydown", (event) => this.#onKey(event));
    this.list.addEventListener("dragover", (event) => this.#onDragOver(event));
    this.list.addEventListener("drop", (event) => event.preventDefault());
    desk.on("looks chosen frames kept", () => this.update());
    this.update();
  }

  stampOf(frame) {
    return this.#images.get(frame);
  }

  set reading(names) {
    this.#reading = names;
    this.update();
  }

  update() {
    const { state, frames } = this.#desk;
    const focused = this.list.contains(document.activeElement) ? document.activeElement.dataset.frame : null;
    const tiles = state.order.map((id, index) => this.#tile(frames.get(id), index));
    const waiting = this.#reading.map((name) => el("li", { class: "frame is-reading", title: name }, el("span", { class: "stamp" }), el("span", { class: "frame-name", text: "Reading …" })));
    this.list.replaceChildren(...tiles, ...waiting);
    if (focused) this.list.querySelector(`[data-frame="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
    find("#roll-tools").classList.toggle("is-roll", this.#desk.isRoll);
    find("#scope").hidden = !this.#desk.isRoll;
    find(`#scope-${state.scope}`).checked = true;
    find("#paste").disabled = !state.clipboard || !state.chosen;
    find("#paste-all").disabled = !state.clipboard || !this.#desk.isRoll;
    find("#as-roll").disabled = !state.chosen || !this.#desk.hasOwn(state.chosen);
    find("#copy").disabled = find("#remove").disabled = !state.chosen;
    this.#stamps.want();
  }

  #tile(frame, index) {
    const desk = this.#desk;
    const isChosen = frame.id === desk.state.chosen;
    const image = el("img", { alt: "", draggable: "false" });
    if (this.#images.has(frame.id)) image.src = this.#images.get(frame.id);
    else image.classList.add("is-empty");
    const badges = [];
    const add = (name, text) => badges.push(el("span", { class: `badge ${name}`, title: text }, icon(name)));
    if (frame.status === "failed") add("failed", frame.error || "It cannot be read");
    if (desk.isFramed(frame.id)) add("crop", "Cropped or turned");
    if (desk.isRoll && desk.hasOwn(frame.id)) add("own", "Has settings of its own");
    if (desk.state.developed?.includes(frame.id)) add("done", "Developed");
    const spoken = [`${index + 1}`, frame.name, ...badges.map((badge) => badge.title)].join(", ");
    const button = el(
      "button",
      {
        type: "button",
        class: "frame-button",
        tabindex: isChosen ? "0" : "-1",
        "aria-label": spoken,
        "aria-current": isChosen ? "true" : null,
        title: frame.status === "failed" ? `${frame.name}: ${frame.error}` : frame.name,
        draggable: "true",
        data: { frame: frame.id },
        on: { click: () => desk.choose(frame.id) },
      },
      el("span", { class: "stamp" }, image),
      el("span", { class: "badges" }, ...badges),
      el("span", { class: "frame-name", text: `${index + 1}  ${frame.name}` }),
    );
    button.addEventListener("dragstart", (event) => {
      this.#dragged = frame.id;
      event.dataTransfer.effectAllowed = "move";
      event.dataTransfer.setData("text/x-phos-frame", frame.id);
    });
    button.addEventListener("dragend", () => (this.#dragged = null));
    return el("li", { class: `frame${isChosen ? " is-chosen" : ""}${frame.status === "failed" ? " is-failed" : ""}` }, button);
  }

  #wanted() {
    const desk = this.#desk;
    const frames = desk.state.order
      .filter((id) => desk.frames.get(id).status === "ready")
      .map((frame) => ({ frame, settings: desk.settings(frame), framing: desk.framing(frame), raw: desk.raw(frame) }));
    return frames.length ? { frames } : null;
  }

  #stamped({ name, image }) {
    this.#images.set(name, image);
    const shown = this.list.querySelector(`[data-frame="${CSS.escape(name)}"] img`);
    if (!shown) return;
    shown.src = image;
    shown.classList.remove("is-empty");
  }

  // --- order

  #onDragOver(event) {
    if (!this.#dragged) return;
    event.preventDefault();
    const over = event.target.closest(".frame")?.querySelector("[data-frame]");
    if (over && over.dataset.frame !== this.#dragged) {
      this.#desk.move(this.#dragged, this.#desk.state.order.indexOf(over.dataset.frame));
    }
  }

  #onKey(event) {
    const id = event.target.dataset.frame;
    if (!id) return;
    const { order } = this.#desk.state;
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (by && event.altKey) this.#desk.move(id, order.indexOf(id) + by);
    else if (by) this.#desk.step(by);
    else if (event.key === "Home") this.#desk.choose(order[0]);
    else if (event.key === "End") this.#desk.choose(order.at(-1));
    else if (event.key === "Delete") this.remove();
    else return;
    event.preventDefault();
    event.stopPropagation();
    this.list.querySelector(`[data-frame="${CSS.escape(by && event.altKey ? id : this.#desk.state.chosen)}"]`)?.focus();
  }

  showChosen() {
    this.list.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  // --- copy and paste

  copy() {
    if (!this.#desk.chosen) return;
    const { seed, ...settings } = this.#desk.settings();
    this.#desk.keep({ clipboard: settings });
    say(`Copied the settings of ${this.#desk.chosen.name}. Paste them with Ctrl+V on another frame.`);
  }

  paste({ all = false } = {}) {
    const desk = this.#desk;
    const { clipboard, chosen, order } = desk.state;
    if (!clipboard || !chosen) return;
    const patch = {};
    for (const [name, value] of Object.entries(clipboard)) {
      if (all || !desk.isRoll) {
        patch[`all:${name}`] = JSON.stringify(value) === JSON.stringify(desk.defaults[name]) ? undefined : value;
        for (const id of order) patch[`${id}:${name}`] = undefined;
      } else {
        const rolls = desk.state.looks[`all:${name}`] ?? desk.defaults[name];
        patch[`${chosen}:${name}`] = JSON.stringify(rolls) === JSON.stringify(value) ? undefined : value;
      }
    }
    desk.change(patch, all ? "Pasted on all frames" : "Pasted settings");
  }

  // The frame in view gives up what it has for itself.
  asRoll() {
    const keys = this.#desk.ownKeys(this.#desk.state.chosen);
    this.#desk.change(Object.fromEntries(keys.map((key) => [key, undefined])), "As the roll");
  }

  async remove() {
    const frame = this.#desk.chosen;
    if (!frame) return;
    const asks = frame.status === "ready" && (this.#desk.hasOwn(frame.id) || this.#desk.isFramed(frame.id) || this.#desk.raw(frame.id) || !this.#desk.isRoll);
    if (asks && !(await confirmed(`Take ${frame.name} off the roll, with its settings?`, "Take it off"))) return;
    try {
      await this.#desk.remove(frame.id);
    } catch (error) {
      sayProblem(error);
    }
  }
}
