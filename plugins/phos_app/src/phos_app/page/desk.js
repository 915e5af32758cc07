// The desk: everything the user did, in one document that outlives a reload.
//
// `state.looks` is flat: "all:grain" is a setting of the whole roll, "FRAME:grain" one that a frame
// has for itself, "FRAME:framing" its crop. So a step of the history is two small objects, what the
// keys were and what they became, and undo puts the first one back. "FRAME:raw" is how a camera's
// raw file becomes light: what differs from the defaults, as the server takes it.

import * as api from "./api.js";
import { afterRest } from "./dom.js";

const STEPS = 200;
const MERGED_MS = 1200;
const SAVED_AFTER_MS = 400;
const OF_THE_FRAME = ["framing", "raw"]; // no look that a roll has
const NO_FRAMING = { turns: 0, flipped: false, straighten_degrees: 0, crop: [0, 0, 1, 1] };

const AT_FIRST = {
  turn: 0,
  chosen: null,
  order: [],
  scope: "all",
  looks: {},
  steps: [],
  at: 0,
  favourites: [],
  clipboard: null,
  view: { mode: "after", zoom: "fit", centre: [0.5, 0.5], split: 0.5, sides: [], panel: "films", open: {} },
  export: {},
  backend: null,
  job: null,
  roll: "",
};

export class Desk extends EventTarget {
  constructor(document, catalogue) {
    super();
    this.id = document.id;
    this.catalogue = catalogue;
    this.frames = new Map(document.frames.map((frame) => [frame.id, frame]));
    this.defaults = catalogue.defaults;
    this.controls = new Map(catalogue.controls.map((each) => [each.name, each]));
    this.films = new Map(catalogue.films.map((each) => [each.name, each]));
    const given = newer(document.state ?? {}, keptHere(this.id));
    this.state = { ...structuredClone(AT_FIRST), ...given };
    this.state.view = { ...structuredClone(AT_FIRST.view), ...given.view };
    this.#settle();
    this.#saveSoon = afterRest(() => this.#save(), SAVED_AFTER_MS);
    addEventListener("pagehide", () => this.#leave());
  }

  #saveSoon;
  #lastMerge = { key: null, at: 0 };

  // Frames that the server has and the order lacks come last; the other way round they go.
  #settle() {
    const { state } = this;
    state.order = state.order.filter((id) => this.frames.has(id));
    for (const id of this.frames.keys()) if (!state.order.includes(id)) state.order.push(id);
    if (!state.order.includes(state.chosen)) state.chosen = state.order[0] ?? null;
  }

  get chosen() {
    return this.frames.get(this.state.chosen) ?? null;
  }

  get isRoll() {
    return this.state.order.length > 1;
  }

  settings(frame = this.state.chosen) {
    const settings = { ...this.defaults };
    for (const name of Object.keys(settings)) {
      const own = this.state.looks[`${frame}:${name}`];
      const all = this.state.looks[`all:${name}`];
      if (own !== undefined) settings[name] = own;
      else if (all !== undefined) settings[name] = all;
    }
    return settings;
  }

  framing(frame = this.state.chosen) {
    return { ...NO_FRAMING, ...this.state.looks[`${frame}:framing`] };
  }

  // Null where the frame is no raw file, or is read by the defaults.
  raw(frame = this.state.chosen) {
    return (this.frames.get(frame)?.is_raw && this.state.looks[`${frame}:raw`]) || null;
  }

  presetName(frame = this.state.chosen) {
    return this.state.looks[`${frame}:preset`] ?? this.state.looks["all:preset"] ?? null;
  }

  hasOwn(frame) {
    return this.ownKeys(frame).length > 0;
  }

  ownKeys(frame) {
    const rest = `${frame}:`;
    const others = OF_THE_FRAME.map((name) => rest + name);
    return Object.keys(this.state.looks).filter((key) => key.startsWith(rest) && !others.includes(key));
  }

  isFramed(frame) {
    return this.state.looks[`${frame}:framing`] !== undefined;
  }

  // Sets controls of all frames or of the one in view, as the scope says. What the one in view had
  // for itself gives way, so that a slider always does something to what one looks at.
  set(values, words, { merge = null } = {}) {
    const { chosen, looks } = this.state;
    const own = this.state.scope === "one" && this.isRoll;
    const patch = {};
    for (const [name, value] of Object.entries(values)) {
      const rolls = looks[`all:${name}`] ?? this.defaults[name];
      if (own) patch[`${chosen}:${name}`] = same(value, rolls) ? undefined : value;
      else {
        patch[`all:${name}`] = same(value, this.defaults[name]) ? undefined : value;
        if (looks[`${chosen}:${name}`] !== undefined) patch[`${chosen}:${name}`] = undefined;
      }
    }
    this.change(patch, words, { merge });
  }

  setFraming(framing, words, { merge = null, frame = this.state.chosen } = {}) {
    const plain = JSON.stringify({ ...NO_FRAMING, ...framing }) === JSON.stringify(NO_FRAMING);
    this.change({ [`${frame}:framing`]: plain ? undefined : framing }, words, { merge });
  }

  // Raw files of the roll, or the one in view as the scope says: `change` makes each its own anew.
  setRaw(change, words, { merge = null } = {}) {
    const { chosen, order, scope } = this.state;
    const frames = scope === "one" ? [chosen] : order.filter((id) => this.frames.get(id).is_raw);
    const patch = {};
    for (const id of frames) {
      const raw = change(this.raw(id) ?? {});
      patch[`${id}:raw`] = Object.keys(raw).length ? raw : undefined;
    }
    this.change(patch, words, { merge });
  }

  // One step of the history. Steps with the same `merge`, soon after each other, are one.
  change(patch, words, { merge = null } = {}) {
    const { state } = this;
    const before = {};
    const after = {};
    for (const [key, value] of Object.entries(patch)) {
      if (same(state.looks[key], value)) continue;
      before[key] = state.looks[key] ?? null;
      after[key] = value ?? null;
    }
    if (!Object.keys(after).length) return;
    const now = performance.now();
    const last = state.steps[state.at - 1];
    const { key } = this.#lastMerge;
    const merges = merge && key === merge && now - this.#lastMerge.at < MERGED_MS;
    this.#lastMerge = { key: merge, at: now };
    if (merges && last && state.at === state.steps.length) {
      Object.assign(last.after, after);
      last.before = { ...before, ...last.before };
      last.words = words;
      this.#dropIfNothing(last);
    } else {
      state.steps.length = state.at;
      state.steps.push({ words, frame: state.chosen, before, after });
      if (state.steps.length > STEPS) state.steps.shift();
      state.at = state.steps.length;
    }
    this.#put(after);
  }

  // A slider that is back where it was leaves no step.
  #dropIfNothing(step) {
    if (!Object.keys(step.after).every((key) => same(step.after[key], step.before[key]))) return;
    this.state.steps.pop();
    this.state.at = this.state.steps.length;
    this.#lastMerge.key = null;
  }

  #put(values) {
    for (const [key, value] of Object.entries(values)) {
      if (value === null) delete this.state.looks[key];
      else this.state.looks[key] = value;
    }
    this.tell("looks");
  }

  get canUndo() {
    return this.state.at > 0;
  }

  get canRedo() {
    return this.state.at < this.state.steps.length;
  }

  undo() {
    if (this.canUndo) this.goTo(this.state.at - 1);
  }

  redo() {
    if (this.canRedo) this.goTo(this.state.at + 1);
  }

  goTo(at) {
    const { state } = this;
    const values = {};
    while (state.at > at) Object.assign(values, state.steps[--state.at].before);
    while (state.at < at) Object.assign(values, state.steps[state.at++].after);
    this.#lastMerge = { key: null, at: 0 };
    this.#put(values);
  }

  choose(id) {
    if (id === this.state.chosen || !this.frames.has(id)) return;
    this.state.chosen = id;
    this.tell("chosen");
  }

  step(by) {
    const { order, chosen } = this.state;
    const to = order[order.indexOf(chosen) + by];
    if (to) this.choose(to);
  }

  add(frame) {
    this.frames.set(frame.id, frame);
    if (!this.state.order.includes(frame.id)) this.state.order.push(frame.id);
    const failed = this.chosen?.status === "failed";
    if (!this.chosen || (failed && frame.status === "ready" && this.state.order.length === 2)) {
      this.state.chosen = frame.id;
      this.tell("chosen");
    }
    this.tell("frames");
  }

  async remove(id) {
    const { order } = this.state;
    const index = order.indexOf(id);
    order.splice(index, 1);
    this.frames.delete(id);
    for (const key of Object.keys(this.state.looks)) {
      if (key.startsWith(`${id}:`)) delete this.state.looks[key];
    }
    this.state.steps = this.state.steps.filter((step) => {
      for (const side of [step.before, step.after]) {
        for (const key of Object.keys(side)) if (key.startsWith(`${id}:`)) delete side[key];
      }
      return Object.keys(step.after).length;
    });
    this.state.at = Math.min(this.state.at, this.state.steps.length);
    if (this.state.chosen === id) {
      this.state.chosen = order[Math.min(index, order.length - 1)] ?? null;
      this.tell("chosen");
    }
    this.tell("frames");
    await api.removeFrame(this.id, id);
  }

  move(id, to) {
    const { order } = this.state;
    const from = order.indexOf(id);
    if (from < 0 || to < 0 || to >= order.length || to === from) return;
    order.splice(from, 1);
    order.splice(to, 0, id);
    this.tell("frames");
  }

  view(values) {
    Object.assign(this.state.view, values);
    this.tell("view");
  }

  keep(values) {
    Object.assign(this.state, values);
    this.tell("kept");
  }

  // Events: looks, chosen, frames, view, kept.
  tell(what) {
    this.#saveSoon();
    this.dispatchEvent(new CustomEvent(what));
  }

  on(what, act) {
    for (const each of what.split(" ")) this.addEventListener(each, act);
  }

  async #save() {
    this.state.turn += 1;
    this.#keepHere();
    try {
      await api.keep(this.id, this.state);
    } catch (error) {
      this.dispatchEvent(new CustomEvent("unsaved", { detail: error }));
    }
  }

  #leave() {
    this.state.turn += 1;
    this.#keepHere();
    api.keepOnLeaving(this.id, this.state);
  }

  // A reload may ask for the desk before the last words of the page it replaces have come in.
  #keepHere() {
    try {
      sessionStorage.setItem(`phos:${this.id}`, JSON.stringify(this.state));
    } catch {
      // no room, or not allowed: the server has it
    }
  }
}

function keptHere(id) {
  try {
    return JSON.parse(sessionStorage.getItem(`phos:${id}`)) ?? {};
  } catch {
    return {};
  }
}

function newer(first, second) {
  return (second.turn ?? 0) > (first.turn ?? 0) ? second : first;
}

export function same(first, second) {
  return first === second || JSON.stringify(first) === JSON.stringify(second);
}
