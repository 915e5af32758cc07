// What the page says in passing: one line at a time, read out too, that moves nothing.

import { find } from "./dom.js";

const STAYS_MS = 6000;
let timer = 0;

export function say(text, { isProblem = false } = {}) {
  const line = find("#said");
  find("#said-text").textContent = text;
  line.classList.toggle("is-problem", isProblem);
  line.hidden = false;
  clearTimeout(timer);
  timer = setTimeout(hush, isProblem ? 2 * STAYS_MS : STAYS_MS);
}

export function hush() {
  find("#said").hidden = true;
}

export function sayProblem(error) {
  say(error.message ?? String(error), { isProblem: true });
}

// Asks before something is lost; gives whether it may be.
export function confirmed(question, action) {
  const dialog = find("#question");
  find("#question-text").textContent = question;
  find("#question-yes").textContent = action;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}
