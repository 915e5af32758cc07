// Renders: of what was asked for on a lane the newest wins, and what was seen lately is kept.

import * as api from "./api.js";

const KEPT = 40;
let turn = Date.now(); // a reload begins after the turns of the page before it

class Kept {
  #renders = new Map();

  get(key) {
    const render = this.#renders.get(key);
    if (render) {
      this.#renders.delete(key);
      this.#renders.set(key, render);
    }
    return render ?? null;
  }

  put(key, render) {
    this.#renders.set(key, render);
    for (const [oldest, old] of this.#renders) {
      if (this.#renders.size <= KEPT) break;
      if (old.isShown) {
        if ([...this.#renders.values()].every((each) => each.isShown)) break;
        this.#renders.delete(oldest);
        this.#renders.set(oldest, old);
        continue;
      }
      this.#renders.delete(oldest);
      URL.revokeObjectURL(old.url);
    }
  }
}

const kept = new Kept();
export const busy = new EventTarget();
let running = 0;

function tell(by) {
  running += by;
  busy.dispatchEvent(new CustomEvent("change", { detail: running }));
}

export class Lane {
  #desk;
  #name;
  #running = null;
  #next = null;

  constructor(desk, name) {
    this.#desk = desk;
    this.#name = name;
  }

  // Gives {url, report, histogram}, decoded; or null where something newer was asked for since.
  ask(body) {
    const key = JSON.stringify([body, this.#desk.state.backend]);
    const known = kept.get(key);
    this.#next?.resolve(null);
    this.#next = null;
    if (known) return Promise.resolve(known);
    if (this.#running?.key === key) return this.#running.promise;
    return new Promise((resolve, reject) => {
      this.#next = { key, body, resolve, reject };
      if (!this.#running) this.#run();
    });
  }

  async #run() {
    const { key, body, resolve, reject } = this.#next;
    this.#next = null;
    this.#running = { key, promise: this.#render(key, body) };
    tell(1);
    try {
      resolve(await this.#running.promise);
    } catch (error) {
      reject(error);
    } finally {
      this.#running = null;
      tell(-1);
      if (this.#next) this.#run();
    }
  }

  async #render(key, body) {
    const began = performance.now();
    const asked = { ...body, lane: this.#name, turn: ++turn, backend: this.#desk.state.backend };
    try {
      const { blob, report, histogram } = await api.render(this.#desk.id, asked);
      const url = URL.createObjectURL(blob);
      const image = await decoded(url);
      const render = { key, url, image, report, histogram, ms: performance.now() - began };
      kept.put(key, render);
      return render;
    } catch (error) {
      if (error.status === 409) return null;
      throw error;
    }
  }
}

export async function decoded(url) {
  const image = new Image();
  image.src = url;
  image.alt = "";
  image.draggable = false;
  await image.decode();
  return image;
}
