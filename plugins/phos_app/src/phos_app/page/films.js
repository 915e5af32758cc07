// The film strip: grouped by kind, sorted by speed, searched, favourites first. A film is seen on
// the picture itself while the pointer rests on it.

import { el, find, icon } from "./dom.js";
import { Stamps } from "./stamps.js";

const RESTS_MS = 140;
const FAVOURITES = "Favourites";

export class Films {
  #desk;
  #viewer;
  #controls;
  #rows = new Map();
  #stamps;
  #images = new Map();
  #timer = 0;

  constructor(desk, viewer, controls) {
    this.#desk = desk;
    this.#viewer = viewer;
    this.#controls = controls;
    this.list = find("#films");
    this.search = find("#film-search");
    this.search.addEventListener("input", () => this.#build());
    this.search.addEventListener("keydown", (event) => this.#onSearchKey(event));
    this.list.addEventListener("keydown", (event) => this.#onKey(event));
    this.list.addEventListener("pointerleave", () => this.#leave());
    this.#stamps = new Stamps(desk, () => this.#wanted(), (stamp) => this.#stamped(stamp));
    viewer.addEventListener("use-film", ({ detail }) => this.choose(detail));
    desk.on("looks chosen view", () => this.update());
    this.#build();
  }

  // --- what is listed

  #listed() {
    const words = this.search.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (film) => {
      const text = `${film.label} ${film.name} ${film.kind_label} ${film.maker ?? ""} iso ${film.iso} ${film.description}`.toLowerCase();
      return words.every((word) => text.includes(word));
    };
    const bySpeed = (a, b) => a.iso - b.iso || a.label.localeCompare(b.label);
    const films = this.#desk.catalogue.films.filter(fits).sort(bySpeed);
    const groups = new Map(); // in the order of the catalogue
    const favourites = films.filter((film) => this.#desk.state.favourites.includes(film.name));
    if (favourites.length) groups.set(FAVOURITES, favourites);
    for (const title of new Set(this.#desk.catalogue.films.map((film) => film.kind_label))) {
      const others = films.filter((film) => film.kind_label === title && !favourites.includes(film));
      if (others.length) groups.set(title, others);
    }
    return groups;
  }

  get order() {
    return [...this.#rows.keys()];
  }

  #build() {
    this.#rows.clear();
    const sections = [];
    for (const [title, films] of this.#listed()) {
      const rows = films.map((film) => this.#row(film));
      sections.push(el("section", { "aria-label": title }, el("h3", { text: title }), el("ul", {}, ...rows)));
    }
    if (!sections.length) sections.push(el("p", { class: "hint", text: "No film is called so." }));
    this.list.replaceChildren(...sections);
    this.update();
  }

  #row(film) {
    const image = el("img", { alt: "", width: 84, height: 56, draggable: "false" });
    const stamp = this.#images.get(film.name);
    if (stamp) image.src = stamp;
    const choose = el(
      "button",
      { class: "film", type: "button", tabindex: "-1", data: { film: film.name }, title: film.description },
      el("span", { class: "stamp" }, image),
      el("span", { class: "film-words" }, el("span", { class: "film-name", text: film.label }), el("span", { class: "film-iso", text: `ISO ${film.iso}` })),
    );
    choose.addEventListener("click", () => this.#click(film.name));
    choose.addEventListener("pointerenter", (event) => this.#enter(event, film.name));
    const isFavourite = this.#desk.state.favourites.includes(film.name);
    const star = el(
      "button",
      { class: "star quiet", type: "button", tabindex: "-1", "aria-pressed": String(isFavourite), "aria-label": `Favourite: ${film.label}` },
      icon("star"),
    );
    star.addEventListener("click", () => this.#favour(film.name));
    this.#rows.set(film.name, { choose, star, image });
    return el("li", {}, choose, star);
  }

  update() {
    const { film } = this.#desk.settings();
    const isSide = this.#viewer.mode === "films";
    const shown = isSide ? this.#viewer.films : [film];
    const focusable = this.#rows.has(film) ? film : this.order[0];
    for (const [name, { choose, star, image }] of this.#rows) {
      const isChosen = shown.includes(name);
      choose.setAttribute("aria-pressed", String(isChosen));
      choose.classList.toggle("is-chosen", isChosen);
      choose.tabIndex = name === focusable ? 0 : -1;
      star.tabIndex = choose.tabIndex;
      image.classList.toggle("is-empty", !this.#images.has(name));
    }
    find("#films-hint").textContent = isSide ? "Click up to four films to see them side by side." : "";
    this.#stamps.want();
  }

  // --- stamps

  #wanted() {
    const desk = this.#desk;
    const frame = desk.chosen;
    if (frame?.status !== "ready") return null;
    const { film, ...settings } = desk.settings();
    return { frame: frame.id, settings: { ...settings, film: desk.catalogue.films[0].name, printing: "auto" }, framing: desk.framing(), raw: desk.raw(), films: this.#byNearness(film) };
  }

  // Those around the chosen film, which are in sight, come first.
  #byNearness(film) {
    const all = [...this.#desk.films.keys()];
    const at = Math.max(0, this.order.indexOf(film) - 3);
    return [...new Set([...this.order.slice(at), ...this.order, ...all])];
  }

  #stamped({ name, image }) {
    this.#images.set(name, image);
    const row = this.#rows.get(name);
    if (!row) return;
    row.image.src = image;
    row.image.classList.remove("is-empty");
  }

  // --- choosing

  #click(film) {
    this.#leave();
    if (this.#viewer.mode === "films") this.#viewer.toggleFilm(film);
    else this.choose(film);
  }

  choose(film) {
    const label = this.#desk.films.get(film)?.label ?? film;
    if (this.#viewer.mode === "films") this.#viewer.setMode("after");
    return this.#controls.choose({ film }, `Film: ${label}`);
  }

  // The next film of the strip, or the one before.
  step(by) {
    const { order } = this;
    const at = order.indexOf(this.#desk.settings().film);
    const film = order[at < 0 ? 0 : at + by];
    if (!film) return;
    this.choose(film);
    this.#rows.get(film).choose.scrollIntoView({ block: "nearest" });
  }

  showChosen() {
    this.#rows.get(this.#desk.settings().film)?.choose.scrollIntoView({ block: "nearest" });
  }

  #favour(film) {
    const { favourites } = this.#desk.state;
    const isOne = favourites.includes(film);
    this.#desk.keep({ favourites: isOne ? favourites.filter((each) => each !== film) : [...favourites, film] });
    this.#build();
    this.#rows.get(film)?.star.focus();
  }

  #enter(event, film) {
    if (event.pointerType === "touch" || this.#viewer.mode === "films") return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const settings = this.#desk.settings();
      if (film === settings.film) this.#viewer.preview(null);
      else this.#viewer.preview({ film, printing: this.#fitting(film, settings.printing) });
    }, RESTS_MS);
  }

  #fitting(film, printing) {
    return printing in (this.#desk.catalogue.printings?.[film] ?? {}) ? printing : "auto";
  }

  #leave() {
    clearTimeout(this.#timer);
    this.#viewer.preview(null);
  }

  // --- keys

  #onSearchKey(event) {
    if (event.key === "Escape" && this.search.value) {
      this.search.value = "";
      this.#build();
    } else if (event.key === "Enter" && this.order.length) this.choose(this.order[0]);
    else if (event.key === "ArrowDown") this.#focus(this.order[0]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #onKey(event) {
    const name = event.target.closest("li")?.querySelector(".film")?.dataset.film;
    if (!name) return;
    const at = this.order.indexOf(name);
    const row = this.#rows.get(name);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: this.order.length - 1 }[event.key];
    if (event.key === "ArrowRight") row.star.focus();
    else if (event.key === "ArrowLeft") row.choose.focus();
    else if (to === undefined) return;
    else if (this.order[to]) {
      if (this.#viewer.mode !== "films") this.choose(this.order[to]);
      this.#focus(this.order[to]);
    }
    event.preventDefault();
    event.stopPropagation();
  }

  #focus(film) {
    const row = this.#rows.get(film);
    if (!row) return;
    for (const each of this.#rows.values()) each.choose.tabIndex = each.star.tabIndex = -1;
    row.choose.tabIndex = row.star.tabIndex = 0;
    row.choose.focus();
    row.choose.scrollIntoView({ block: "nearest" });
  }
}
