// The keys, and the page that "?" shows of them.

import { el, find, isTyping } from "./dom.js";

// Each: keys, words, act, group. `Mod` is Ctrl, on a Mac Command.
export class Keys {
  constructor(actions) {
    this.actions = actions;
    this.dialog = find("#keys");
    this.#fill();
    find("#keys-open").addEventListener("click", () => this.toggle());
    document.addEventListener("keydown", (event) => this.#down(event));
  }

  toggle() {
    if (this.dialog.open) this.dialog.close();
    else this.dialog.showModal();
  }

  #fill() {
    const groups = new Map();
    for (const action of this.actions) {
      if (!groups.has(action.group)) groups.set(action.group, []);
      const keys = (action.shown ?? action.keys).map((key) => el("kbd", { text: shown(key) }));
      groups.get(action.group).push(el("div", {}, el("dt", {}, ...keys), el("dd", { text: action.words })));
    }
    find("#keys-list").replaceChildren(
      ...[...groups].map(([title, rows]) => el("section", {}, el("h3", { text: title }), el("dl", {}, ...rows))),
    );
  }

  #down(event) {
    const openDialog = document.querySelector("dialog[open]");
    if (openDialog) {
      if (openDialog === this.dialog && event.key === "?") {
        this.dialog.close();
        event.preventDefault();
      }
      return;
    }
    if (isTyping(event.target)) {
      this.#inTextBox(event);
      return;
    }
    const key = named(event);
    if (event.target instanceof HTMLSelectElement && !/Mod|Escape/.test(key)) return;
    if (event.target instanceof HTMLButtonElement && /^(Enter| )$/.test(event.key)) return;
    if (event.target instanceof HTMLInputElement && event.target.type === "range" && /^(Arrow|Page|Home|End)/.test(event.key)) return;
    if (event.target.closest?.("[role=tab], [role=radiogroup]") && key.startsWith("Arrow")) return;
    const action = this.actions.find((each) => each.keys.includes(key));
    if (!action || (event.repeat && action.once)) return;
    event.preventDefault();
    action.act(event);
  }

  // Ctrl+Z in a box where nothing was typed would bring back what was typed in it long ago.
  #inTextBox(event) {
    const key = named(event);
    if (event.key === "Escape") event.target.blur();
    if (key !== "Mod+Z" && key !== "Shift+Mod+Z" && key !== "Mod+Y") return;
    const hasText = event.target.type === "search" || event.target.type === "text" ? event.target.value !== "" : false;
    if (hasText) return;
    event.preventDefault();
    this.actions.find((each) => each.keys.includes(key))?.act(event);
  }

}

function named(event) {
  const isMod = event.ctrlKey || event.metaKey;
  const letter = event.key.length === 1 ? event.key.toUpperCase() : event.key;
  const isSign = event.key.length === 1 && event.key.toUpperCase() === event.key.toLowerCase();
  return `${event.shiftKey && !isSign ? "Shift+" : ""}${isMod ? "Mod+" : ""}${event.altKey ? "Alt+" : ""}${letter}`;
}

const SIGNS = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", Delete: "Del", Escape: "Esc", Arrows: "← ↑ → ↓" };

function shown(key) {
  const mod = /Mac|iPhone|iPad/.test(navigator.platform) ? "⌘" : "Ctrl";
  return key
    .replace("Mod", mod)
    .split("+")
    .map((part) => SIGNS[part] ?? part)
    .join("+") || "+";
}
