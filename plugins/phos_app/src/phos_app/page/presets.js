// Presets: each as the photograph looks by it; one's own are saved, renamed and deleted here.

import * as api from "./api.js";
import { el, find, icon } from "./dom.js";
import { confirmed, say, sayProblem } from "./says.js";
import { Stamps } from "./stamps.js";

const NOT_COMPARED = new Set(["seed"]);

export class Presets {
  #desk;
  #viewer;
  #controls;
  #presets;
  #images = new Map();
  #stamps;
  #timer = 0;

  constructor(desk, viewer, controls) {
    this.#desk = desk;
    this.#viewer = viewer;
    this.#controls = controls;
    this.#presets = desk.catalogue.presets;
    this.list = find("#presets");
    this.#stamps = new Stamps(desk, () => this.#wanted(), (stamp) => this.#stamped(stamp));
    find("#preset-save").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#save(find("#preset-name").value.trim());
    });
    find("#reset-all").addEventListener("click", () => controls.resetAll());
    find("#preset-again").addEventListener("click", () => this.#apply(this.#current));
    find("#settings-file").addEventListener("change", (event) => this.#read(event.target));
    find("#settings-save").addEventListener("click", () => this.#download());
    this.list.addEventListener("pointerleave", () => this.#leave());
    desk.on("looks chosen view", () => this.update());
    this.#build();
  }

  get #current() {
    return this.#presets.find((preset) => preset.name === this.#desk.presetName()) ?? null;
  }

  get isModified() {
    const preset = this.#current;
    if (!preset?.settings) return false;
    const settings = this.#desk.settings();
    return Object.entries(preset.settings).some(
      ([name, value]) => name in settings && !NOT_COMPARED.has(name) && JSON.stringify(value) !== JSON.stringify(settings[name]),
    );
  }

  #build() {
    const row = (preset) => {
      const image = el("img", { alt: "", width: 84, height: 56, draggable: "false" });
      if (this.#images.has(preset.name)) image.src = this.#images.get(preset.name);
      else image.classList.add("is-empty");
      const choose = el(
        "button",
        { class: "film preset", type: "button", title: preset.description, data: { preset: preset.name }, on: { click: () => this.#apply(preset) } },
        el("span", { class: "stamp" }, image),
        el("span", { class: "film-words" }, el("span", { class: "film-name", text: preset.label ?? preset.name }), el("span", { class: "film-iso" })),
      );
      choose.addEventListener("pointerenter", (event) => this.#enter(event, preset));
      const tools = [];
      if (preset.is_own) {
        tools.push(
          el("button", { class: "quiet small", type: "button", title: "Rename", "aria-label": `Rename ${preset.name}`, on: { click: (event) => this.#rename(preset, event.currentTarget) } }, icon("pen")),
          el("button", { class: "quiet small", type: "button", title: "Delete", "aria-label": `Delete ${preset.name}`, on: { click: () => this.#delete(preset) } }, icon("bin")),
        );
      }
      return el("li", {}, choose, ...tools);
    };
    const group = (title, presets) =>
      presets.length ? el("section", { "aria-label": title }, el("h3", { text: title }), el("ul", {}, ...presets.map(row))) : null;
    const own = group("Yours", this.#presets.filter((preset) => preset.is_own));
    const given = group("From phos", this.#presets.filter((preset) => !preset.is_own));
    this.list.replaceChildren(...[own, given].filter(Boolean));
    this.update();
  }

  update() {
    const current = this.#current;
    const { isModified } = this;
    for (const button of this.list.querySelectorAll("[data-preset]")) {
      const isIt = button.dataset.preset === current?.name;
      button.classList.toggle("is-chosen", isIt);
      button.setAttribute("aria-pressed", String(isIt));
      const preset = this.#presets.find((each) => each.name === button.dataset.preset);
      const film = this.#desk.films.get(preset.settings?.film)?.label ?? "";
      button.querySelector(".film-iso").textContent = isIt && isModified ? "modified" : film;
    }
    const name = current ? (current.label ?? current.name) : "";
    find("#preset-now").textContent = current ? `${name}${isModified ? ", modified" : ""}` : "No preset";
    find("#preset-again").disabled = !current || !isModified;
    const settings = this.#desk.settings();
    find("#reset-all").disabled = Object.entries(this.#desk.defaults).every(
      ([key, value]) => key === "film" || JSON.stringify(settings[key]) === JSON.stringify(value),
    );
    if (this.#desk.state.view.panel === "presets") this.#stamps.want();
  }

  #wanted() {
    const frame = this.#desk.chosen;
    if (frame?.status !== "ready") return null;
    return { frame: frame.id, settings: this.#desk.defaults, framing: this.#desk.framing(), raw: this.#desk.raw(), presets: this.#presets.map((preset) => preset.name) };
  }

  #stamped({ name, image }) {
    this.#images.set(name, image);
    const shown = this.list.querySelector(`[data-preset="${CSS.escape(name)}"] img`);
    if (!shown) return;
    shown.src = image;
    shown.classList.remove("is-empty");
  }

  #apply(preset) {
    if (!preset) return;
    this.#leave();
    const { seed, ...settings } = preset.settings;
    this.#controls.choose({ ...settings, preset: preset.name }, `Preset: ${preset.label ?? preset.name}`);
    if (preset.changed?.length) say(`${preset.label ?? preset.name}: ${preset.changed.join("; ")}.`);
  }

  #enter(event, preset) {
    if (event.pointerType === "touch" || this.#viewer.mode === "films") return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#viewer.preview({ ...preset.settings, seed: this.#desk.settings().seed }), 140);
  }

  #leave() {
    clearTimeout(this.#timer);
    this.#viewer.preview(null);
  }

  async #save(name) {
    if (!name) return;
    const known = this.#presets.find((preset) => preset.name === name);
    if (known?.is_own && !(await confirmed(`Replace your preset ${name}?`, "Replace it"))) return;
    await this.#done(async () => {
      await api.savePreset(name, this.#desk.settings(), Boolean(known));
      await this.#again();
      this.#desk.set({ preset: name }, `Saved preset ${name}`);
      find("#preset-name").value = "";
      say(`Saved as ${name}. It is also there for phos develop --preset.`);
    });
  }

  #rename(preset, button) {
    const field = el("input", { type: "text", value: preset.name, "aria-label": `New name of ${preset.name}`, maxlength: "60" });
    const row = button.closest("li");
    const give = async () => {
      const name = field.value.trim();
      field.removeEventListener("blur", give);
      if (name && name !== preset.name) {
        await this.#done(async () => {
          await api.renamePreset(preset.name, name);
          if (this.#desk.presetName() === preset.name) this.#desk.set({ preset: name }, `Renamed preset ${name}`);
          await this.#again();
        });
      } else this.#build();
    };
    field.addEventListener("blur", give);
    field.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Enter") give();
      if (event.key === "Escape") {
        field.removeEventListener("blur", give);
        this.#build();
      }
    });
    row.replaceChildren(field);
    field.select();
    field.focus();
  }

  async #delete(preset) {
    if (!(await confirmed(`Delete your preset ${preset.name}?`, "Delete it"))) return;
    await this.#done(async () => {
      await api.deletePreset(preset.name);
      await this.#again();
    });
  }

  async #again() {
    const answer = await api.presets();
    this.#presets = answer.presets ?? answer;
    this.#desk.catalogue.presets = this.#presets;
    this.#build();
    this.#stamps.want();
  }

  async #done(act) {
    try {
      await act();
    } catch (error) {
      sayProblem(error);
    }
  }

  async #read(input) {
    const [file] = input.files;
    input.value = "";
    if (!file) return;
    await this.#done(async () => {
      const { settings, changed } = await api.readSettings(await file.text());
      const { seed, ...others } = settings;
      await this.#controls.choose({ ...others, preset: undefined }, `Settings of ${file.name}`);
      say(changed?.length ? `Taken, but: ${changed.join("; ")}` : `Took the settings of ${file.name}.`);
    });
  }

  async #download() {
    await this.#done(async () => {
      const text = await api.settingsText(this.#desk.settings());
      const url = URL.createObjectURL(new Blob([text], { type: "application/toml" }));
      el("a", { href: url, download: "settings.phos.toml" }).click();
      setTimeout(() => URL.revokeObjectURL(url), 10_000);
    });
  }
}
