// The controls beside the picture, made of what the catalogue says of each.

import * as api from "./api.js";
import { clamp, el, find } from "./dom.js";
import * as raw from "./raw.js";
import { sayProblem } from "./says.js";

const OPEN_AT_FIRST = { Raw: true, Tone: true, Colour: true };
const RULING = ["film", "printing", "mode", "light", "process_version"];
const ELSEWHERE = new Set(["film"]); // the film has a strip of its own

export class Controls {
  #desk;
  #viewer;
  #rows = new Map();
  #rawRows = new Map();
  #groups = new Map();
  #rules = new Map();

  constructor(desk, viewer) {
    this.#desk = desk;
    this.#viewer = viewer;
    this.place = find("#controls");
    this.#build();
    desk.on("looks chosen", () => this.update());
    this.update();
  }

  #build() {
    const { catalogue } = this.#desk;
    for (const control of catalogue.raw_controls) {
      // A raw file is read anew for every change: when a slider is let go, not while it moves.
      const set = (value, live) => live || this.#setRaw(control, value);
      this.#add(this.#rawRows, control, set, () => this.#setRaw(control, control.default));
    }
    for (const control of catalogue.controls) {
      if (ELSEWHERE.has(control.name)) continue;
      this.#add(this.#rows, control, (value, live) => this.#set(control, value, live), () => this.#reset(control));
    }
    this.place.replaceChildren(...[...this.#groups.values()].map((group) => group.node));
  }

  #add(rows, control, set, reset) {
    const row = makers[control.kind]?.(control, set, reset);
    if (!row) return;
    if (!this.#groups.has(control.group)) this.#groups.set(control.group, this.#group(control.group));
    row.control = control;
    rows.set(control.name, row);
    this.#groups.get(control.group).body.append(row.node);
  }

  #group(name) {
    const { state } = this.#desk;
    const dot = el("span", { class: "dot", title: "Changed", hidden: true });
    const body = el("div", { class: "group-body" });
    const reset = el("button", {
      class: "quiet small reset",
      type: "button",
      text: "Reset",
      "aria-label": `Reset ${name}`,
      on: { click: () => this.#resetGroup(name) },
    });
    const summary = el("summary", {}, el("h3", { text: this.#desk.catalogue.groups?.[name] ?? name }), dot);
    const node = el("details", { class: "group" }, summary, body, reset);
    node.open = state.view.open[name] ?? OPEN_AT_FIRST[name] ?? false;
    node.addEventListener("toggle", () => {
      this.#desk.state.view.open[name] = node.open;
      this.#desk.tell("kept");
    });
    return { node, body, dot, reset };
  }

  async #set(control, value, live) {
    const words = `${control.label} ${said(control, value)}`;
    const values = { [control.name]: value };
    if (RULING.includes(control.name)) await this.choose(values, words);
    else {
      this.#viewer.live(live);
      this.#desk.set(values, words, { merge: control.name });
    }
  }

  #setRaw(control, value) {
    this.#viewer.live(false);
    const change = (settings) => raw.changed(settings, control.name, value, this.#desk.catalogue.raw_controls);
    this.#desk.setRaw(change, `${control.label} ${said(control, value)}`, { merge: `raw:${control.name}` });
  }

  #reset(control) {
    this.#viewer.live(false);
    this.#set(control, this.#desk.defaults[control.name], false);
  }

  #resetGroup(name) {
    if (name === raw.GROUP) {
      this.#desk.setRaw(() => ({}), `Reset ${name}`);
      return;
    }
    const values = {};
    for (const { control } of this.#rows.values()) {
      if (control.group === name) values[control.name] = this.#desk.defaults[control.name];
    }
    this.choose(values, `Reset ${name}`);
  }

  resetAll() {
    const { film } = this.#desk.settings();
    this.choose({ ...this.#desk.defaults, film, preset: undefined }, "Reset all");
  }

  // Sets what other controls depend on; what no longer goes with it is brought to where it does.
  async choose(values, words, options = {}) {
    this.asked = (this.asked ?? 0) + 1;
    const turn = this.asked;
    const { preset, ...settings } = values;
    const before = this.#desk.settings();
    const wanted = { ...before, ...settings };
    let answer = null;
    try {
      answer = await this.#rule(wanted);
    } catch (error) {
      sayProblem(error);
    }
    if (turn !== this.asked) return;
    const settled = { ...settings };
    for (const [name, value] of Object.entries(answer?.settings ?? {})) {
      if (name in before && JSON.stringify(value) !== JSON.stringify(before[name])) settled[name] = value;
    }
    if ("preset" in values) settled.preset = preset;
    this.#desk.set(settled, words, options);
  }

  async #rule(settings) {
    const answer = await api.offered(settings);
    this.#rules.set(ruleKey(answer.settings ?? settings), answer);
    return answer;
  }

  async update() {
    const settings = this.#desk.settings();
    const key = ruleKey(settings);
    if (!this.#rules.has(key)) {
      try {
        await this.#rule(settings);
      } catch (error) {
        sayProblem(error);
        return;
      }
      if (ruleKey(this.#desk.settings()) !== key) return;
    }
    this.#show(this.#desk.settings(), this.#rules.get(key));
  }

  #show(settings, rules) {
    const offered = rules ? new Set(rules.offered ?? rules.names) : null;
    const changed = new Set();
    for (const [name, row] of this.#rows) {
      row.node.hidden = offered ? !offered.has(name) : false;
      const span = name === "push_stops" ? this.#pushOf(settings.film) : null;
      if (span) row.bound?.(...span);
      if (name === "printing") row.choices(this.#printings(settings.film));
      row.show(settings[name]);
      const isChanged = JSON.stringify(settings[name]) !== JSON.stringify(this.#desk.defaults[name]);
      row.node.classList.toggle("is-changed", isChanged);
      if (isChanged && !row.node.hidden) changed.add(row.control.group);
    }
    this.#showRaw(changed);
    for (const [name, group] of this.#groups) {
      group.dot.hidden = !changed.has(name);
      group.reset.disabled = !changed.has(name);
      group.node.hidden = [...group.body.children].every((child) => child.hidden);
    }
  }

  #showRaw(changed) {
    const values = raw.values(this.#desk.raw() ?? {}, this.#desk.catalogue.raw_controls);
    for (const [name, row] of this.#rawRows) {
      row.node.hidden = !this.#desk.chosen?.is_raw || !raw.counts(name, values);
      row.show(values[name]);
      const isChanged = values[name] !== row.control.default;
      row.node.classList.toggle("is-changed", isChanged);
      if (isChanged && !row.node.hidden) changed.add(row.control.group);
    }
  }

  #pushOf(film) {
    const { push } = this.#desk.films.get(film);
    return [push.low ?? push[0], push.high ?? push[1]];
  }

  #printings(film) {
    return Object.entries(this.#desk.catalogue.printings?.[film] ?? {}).map(([value, label]) => ({ value, label }));
  }
}

function ruleKey(settings) {
  return RULING.map((name) => settings[name]).join("|");
}

export function said(control, value) {
  if (value === null || value === undefined) return control.unset || "as at first";
  const choice = control.choices?.find((each) => each.value === value);
  if (choice) return choice.label;
  if (typeof value === "boolean") return value ? "on" : "off";
  if (typeof value === "number") return `${shownNumber(control, value)}${control.unit ? ` ${control.unit}` : ""}`;
  return String(value);
}

const factor = (control) => (control.unit === "%" ? 100 : 1);

function decimals(control) {
  const step = control.step * factor(control);
  return Number.isInteger(step) ? 0 : Math.min(3, String(step).split(".")[1]?.length ?? 2);
}

function shownNumber(control, value) {
  return (value * factor(control)).toFixed(decimals(control));
}

let ids = 0;

function labelled(control, ...inputs) {
  const id = `control-${++ids}`;
  const label = el("label", { for: id, text: control.label, title: control.tooltip || undefined });
  inputs[0].id = id;
  return { label, id };
}

const makers = {
  slider(control, set, reset) {
    const many = factor(control);
    const range = el("input", { type: "range", step: control.step * many });
    const number = el("input", { type: "number", step: "any", inputmode: "decimal", "aria-label": `${control.label}${control.unit ? `, ${control.unit}` : ""}`, title: control.tooltip || undefined });
    const { label } = labelled(control, range);
    range.title = `${control.tooltip ?? ""}\nDouble click to reset.`.trim();
    const node = el("div", { class: "control slider", data: { control: control.name } }, label, range, number);
    if (control.unit) node.append(el("span", { class: "unit", text: control.unit, "aria-hidden": "true" }));
    let [low, high] = [control.low, control.high];
    const bound = (from, to) => {
      [low, high] = [from, to];
      [range.min, range.max] = [low * many, high * many];
    };
    bound(low, high);
    const fill = () => {
      const span = Number(range.max) - Number(range.min) || 1;
      const home = clamp(((control.default ?? low) * many - range.min) / span, 0, 1);
      const now = (range.value - range.min) / span;
      range.style.setProperty("--from", `${100 * Math.min(home, now)}%`);
      range.style.setProperty("--to", `${100 * Math.max(home, now)}%`);
    };
    range.addEventListener("input", () => {
      number.value = shownNumber(control, range.value / many);
      fill();
      set(round(control, range.value / many), true);
    });
    range.addEventListener("change", () => set(round(control, range.value / many), false));
    range.addEventListener("dblclick", reset);
    label.addEventListener("dblclick", reset);
    const typed = () => {
      const value = Number(number.value);
      if (number.value.trim() === "" || !Number.isFinite(value)) reset();
      else set(clamp(value / many, low, high), false);
    };
    number.addEventListener("change", typed);
    selectsAll(number);
    const show = (value) => {
      if (document.activeElement !== range || Number(range.value) !== value * many) range.value = value * many;
      if (document.activeElement !== number || !number.dirty) number.value = shownNumber(control, value);
      range.setAttribute("aria-valuetext", said(control, value));
      fill();
    };
    return { node, show, bound };
  },

  number(control, set, reset) {
    const number = el("input", { type: "number", step: "any", inputmode: "decimal", placeholder: control.unset || undefined, title: control.tooltip || undefined });
    const { label } = labelled(control, number);
    label.addEventListener("dblclick", reset);
    number.addEventListener("change", () => {
      const value = Number(number.value);
      if (number.value.trim() === "" || !Number.isFinite(value)) set(control.default ?? null, false);
      else set(round(control, clamp(value, control.low, control.high)), false);
    });
    selectsAll(number);
    const node = el("div", { class: "control number", data: { control: control.name } }, label, number);
    if (control.unit) node.append(el("span", { class: "unit", text: control.unit, "aria-hidden": "true" }));
    return {
      node,
      show(value) {
        number.value = value ?? "";
      },
    };
  },

  choice(control, set, reset) {
    const select = el("select", { title: control.tooltip || undefined });
    const { label } = labelled(control, select);
    label.addEventListener("dblclick", reset);
    let values = [];
    const choices = (given) => {
      if (JSON.stringify(given) === JSON.stringify(values)) return;
      values = given;
      select.replaceChildren(...given.map((each, index) => el("option", { value: index, text: each.label })));
    };
    choices(control.choices ?? []);
    select.addEventListener("change", () => set(values[Number(select.value)].value, false));
    const node = el("div", { class: "control choice", data: { control: control.name } }, label, select);
    return {
      node,
      choices,
      show(value) {
        select.value = String(values.findIndex((each) => each.value === value));
      },
    };
  },

  switch(control, set) {
    const box = el("input", { type: "checkbox", title: control.tooltip || undefined });
    const { label } = labelled(control, box);
    box.addEventListener("change", () => set(box.checked, false));
    const node = el("div", { class: "control switch", data: { control: control.name } }, box, label);
    return {
      node,
      show(value) {
        box.checked = value;
      },
    };
  },
};

function round(control, value) {
  return control.step >= 1 ? Math.round(value) : Number(value.toFixed(6));
}

function selectsAll(number) {
  number.addEventListener("focus", () => number.select());
  number.addEventListener("keydown", (event) => {
    if (event.key === "Enter") number.blur();
  });
}

