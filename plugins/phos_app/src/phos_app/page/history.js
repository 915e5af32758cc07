// The history: every step by its words; a click goes there.

import { el, find } from "./dom.js";

export class History {
  #desk;

  constructor(desk) {
    this.#desk = desk;
    this.list = find("#history");
    for (const [id, act] of [["#undo", () => desk.undo()], ["#redo", () => desk.redo()]]) find(id).addEventListener("click", act);
    desk.on("looks frames", () => this.update());
    this.update();
  }

  update() {
    const { steps, at } = this.#desk.state;
    const isRoll = this.#desk.isRoll;
    const row = (text, index) =>
      el(
        "li",
        {},
        el("button", {
          type: "button",
          class: `step${index === at ? " is-chosen" : ""}${index > at ? " is-undone" : ""}`,
          "aria-current": index === at ? "step" : null,
          text,
          on: { click: () => this.#desk.goTo(index) },
        }),
      );
    const words = (step) => {
      const owners = new Set(Object.keys(step.after).map((key) => key.split(":")[0]));
      owners.delete("all");
      const name = owners.size === 1 && this.#desk.frames.get(step.frame)?.name;
      return isRoll && name ? `${step.words} (${name})` : step.words;
    };
    const rows = [row("At first", 0), ...steps.map((step, index) => row(words(step), index + 1))];
    this.list.replaceChildren(...rows.reverse());
    this.#tell("#undo", this.#desk.canUndo, "Undo", steps[at - 1]?.words, "Ctrl+Z");
    this.#tell("#redo", this.#desk.canRedo, "Redo", steps[at]?.words, "Shift+Ctrl+Z");
  }

  #tell(id, can, what, words, keys) {
    const button = find(id);
    button.disabled = !can;
    button.title = `${what}${can && words ? ` ${words}` : ""} (${keys})`;
  }
}
