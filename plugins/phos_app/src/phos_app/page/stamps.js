// Stamps: small pictures of the photograph on each film, by each preset, of each frame.

import * as api from "./api.js";
import { afterRest } from "./dom.js";

const SIZE_PX = { cols: 192, rows: 128 };
const AFTER_MS = 900; // of rest: a render of the picture itself goes first

export class Stamps {
  #abort = null;
  #key = "";
  #soon;

  // `body` gives what is asked for, or null; `show` puts an image under a name.
  constructor(desk, body, show) {
    this.desk = desk;
    this.body = body;
    this.show = show;
    this.#soon = afterRest(() => this.#ask(), AFTER_MS);
  }

  want() {
    this.#soon();
  }

  wantNow() {
    this.#soon();
    this.#soon.now();
  }

  async #ask() {
    const body = this.body();
    if (!body) return;
    const key = JSON.stringify(body, inAnyOrder);
    if (key === this.#key) return;
    this.#abort?.abort();
    this.#abort = new AbortController();
    this.#key = key;
    try {
      await api.stamps(this.desk.id, { ...SIZE_PX, ...body }, (stamp) => this.show(stamp), this.#abort.signal);
    } catch (error) {
      if (error.name !== "AbortError" && this.#key === key) this.#key = ""; // asked for again next time
    }
  }
}

// Which of them come first is no reason to ask for them again.
function inAnyOrder(key, value) {
  return key === "films" || key === "presets" ? [...value].sort() : value;
}
