// The viewer: the picture as large as the window has, whole or up to 400 %, before, after, both
// with a divider, or on up to four films side by side. It pans by dragging and zooms at the pointer.

import { afterRest, clamp, el, find, isTyping } from "./dom.js";
import { covers, Pane, seenPart } from "./pane.js";
import { same } from "./desk.js";
import { Lane } from "./renders.js";

const ROOM_PX = 12; // around the whole picture
const SNAPS = [0.25, 0.5, 1, 2, 4];
const SNAPS_WITHIN = 0.06;
const LARGEST = 4;
const DRAFT_MS = 110; // while a slider moves, a render has as many pixels as come within this time
const ON_TOP_MS = 35; // of a render, whatever its size
const SMALLEST_DRAFT = 0.35; // of the length of its sides
const MOST_FILMS = 4;
const WHOLE_AFTER_MS = 400; // of rest: what lies around the part that is seen comes after it
const NEXT_AFTER_MS = 1500; // of rest: then the next frame of the roll is rendered too

export class Viewer extends EventTarget {
  #desk;
  #cells = [];
  #preview = null;
  #cropping = null;
  #isLive = false;
  #msPerPixel = 0;
  #refreshSoon;
  #nextLane;
  #nextSoon;
  #wholeSoon;
  #isWholeDue = false;

  constructor(desk, stage) {
    super();
    this.#desk = desk;
    this.stage = stage;
    this.hoverLane = new Lane(desk, "hover");
    this.#wholeSoon = afterRest(() => this.#refreshWhole(), WHOLE_AFTER_MS);
    this.#nextLane = new Lane(desk, "next");
    this.#nextSoon = afterRest(() => this.#prepareNext(), NEXT_AFTER_MS);
    this.#refreshSoon = afterRest(() => this.refresh(), 60);
    new ResizeObserver(() => this.#resized()).observe(stage);
    matchMedia(`(resolution: ${devicePixelRatio}dppx)`).addEventListener?.("change", () => this.#resized());
    desk.on("looks chosen view frames", () => this.show());
    this.#listen();
    this.show();
  }

  get ratio() {
    return devicePixelRatio || 1;
  }

  get mode() {
    const { mode } = this.#desk.state.view;
    return this.#cropping || (this.#preview && mode === "before") ? "after" : mode;
  }

  get films() {
    const { sides } = this.#desk.state.view;
    return sides.length ? sides : [this.#desk.settings().film];
  }

  // The films side by side: one more, or one less.
  toggleFilm(film) {
    const sides = [...this.films];
    const at = sides.indexOf(film);
    if (at >= 0) {
      if (sides.length > 1) sides.splice(at, 1);
    } else {
      if (sides.length === MOST_FILMS) sides.pop();
      sides.push(film);
    }
    this.#desk.view({ sides });
  }

  setMode(mode) {
    const values = { mode };
    if (mode === "films" && !this.#desk.state.view.sides.length) {
      values.sides = [this.#desk.settings().film];
    }
    this.#desk.view(values);
  }

  // While a slider moves, a render may be smaller.
  live(isLive) {
    this.#isLive = isLive;
    if (!isLive) this.refresh();
  }

  preview(values) {
    this.#preview = values;
    this.show();
  }

  crop(framing) {
    this.#cropping = framing;
    this.show();
  }

  // --- what lies where

  #sources() {
    const desk = this.#desk;
    const frame = desk.chosen;
    if (!frame || frame.status !== "ready") return [];
    const settings = desk.settings();
    const framing = this.#cropping ?? desk.framing();
    const base = { frame: frame.id, framing, raw: desk.raw() };
    if (this.mode === "films") {
      return this.films.map((film, index) => ({
        lane: `side-${index}`,
        film,
        after: { ...base, settings: { ...settings, ...this.#fitting(film) }, before: false },
      }));
    }
    const after = { ...base, settings: { ...settings, ...this.#preview }, before: false };
    const hasBefore = this.mode === "before" || this.mode === "split";
    return [{ lane: "main", after, before: hasBefore ? { ...base, before: true } : null }];
  }

  #fitting(film) {
    const settings = this.#desk.settings();
    const printings = this.#desk.catalogue.printings?.[film] ?? {};
    return { film, printing: settings.printing in printings ? settings.printing : "auto" };
  }

  show() {
    const sources = this.#sources();
    this.#arrange(sources);
    this.#cells.forEach((cell, index) => this.#aim(cell, sources[index]));
    this.layout();
    this.refresh();
    this.dispatchEvent(new CustomEvent("shown"));
  }

  #arrange(sources) {
    const lanes = sources.map((source) => source.lane).join();
    if (lanes === this.#cells.map((cell) => cell.lane).join()) return;
    for (const cell of this.#cells) cell.node.remove();
    this.#cells = sources.map(({ lane }) => new Cell(this.#desk, lane, this));
    find(".cells", this.stage).append(...this.#cells.map((cell) => cell.node));
  }

  #aim(cell, source) {
    const isOther = cell.source && cell.source.after.frame !== source.after.frame;
    if (isOther) cell.clear(this.stampOf?.(source.after.frame));
    cell.source = source;
    cell.node.classList.toggle("has-before", Boolean(source.before));
    cell.node.classList.toggle("is-split", this.mode === "split");
    cell.name(this.#named(source), source.film);
  }

  #named(source) {
    if (source.film) return this.#labelOf(source.film);
    if (this.#preview) return `Preview: ${this.#labelOf(this.#preview.film)}`;
    if (this.mode === "before") return "Before";
    return this.mode === "split" ? this.#labelOf(source.after.settings.film) : "";
  }

  #labelOf(film) {
    return this.#desk.films.get(film)?.label ?? film ?? "";
  }

  // Of the framed picture at full size.
  size() {
    const source = this.#cells[0]?.source;
    const frame = this.#desk.frames.get(source?.after.frame);
    if (!frame?.rows) return null;
    const { framing } = source.after;
    return framedSize(frame, framing);
  }

  #boxes() {
    const { clientWidth, clientHeight } = this.stage;
    const count = this.#cells.length;
    const size = this.size();
    if (!count || !size) return null;
    let best = null;
    for (let columns = 1; columns <= count; columns++) {
      const rows = Math.ceil(count / columns);
      const width = Math.floor(clientWidth / columns);
      const height = Math.floor(clientHeight / rows);
      const scale = this.#fitScale({ width, height }, size);
      if (!best || scale > best.scale * 1.001) best = { columns, rows, width, height, scale };
    }
    return best;
  }

  #fitScale({ width, height }, { rows, cols }) {
    const room = 2 * ROOM_PX;
    const [across, down] = [Math.max(40, width - room), Math.max(40, height - room)];
    return Math.min((across * this.ratio) / cols, (down * this.ratio) / rows);
  }

  get fitScale() {
    return this.#boxes()?.scale ?? 1;
  }

  get scale() {
    const { zoom } = this.#desk.state.view;
    return zoom === "fit" || this.#cropping ? this.fitScale : Math.max(zoom, Math.min(this.fitScale, 0.25));
  }

  get isFit() {
    return this.#desk.state.view.zoom === "fit" || Boolean(this.#cropping);
  }

  layout() {
    const size = this.size();
    const boxes = this.#boxes();
    if (!size || !boxes) return;
    const { ratio, scale } = this;
    const grid = (value) => Math.round(value * ratio) / ratio;
    const width = Math.round(size.cols * scale) / ratio;
    const height = Math.round(size.rows * scale) / ratio;
    const [across, down] = this.isFit ? [0.5, 0.5] : this.#desk.state.view.centre;
    const at = (length, box, share) =>
      grid(length <= box ? (box - length) / 2 : clamp(box / 2 - share * length, box - length, 0));
    const sheet = { left: at(width, boxes.width, across), top: at(height, boxes.height, down), width, height };
    this.geometry = { box: boxes, sheet, scale, ratio, ...size };
    const grids = find(".cells", this.stage);
    grids.style.setProperty("--columns", boxes.columns);
    grids.style.setProperty("--rows", boxes.rows);
    for (const cell of this.#cells) {
      for (const pane of cell.panes) {
        pane.place(sheet);
        pane.placeWindow(scale, ratio);
      }
    }
    this.#placeDivider();
    this.stage.classList.toggle("can-pan", width > boxes.width || height > boxes.height);
    this.dispatchEvent(new CustomEvent("laid"));
  }

  #resized() {
    this.layout();
    this.#refreshSoon();
  }

  // --- renders

  refresh() {
    this.layout();
    if (!this.geometry) return;
    for (const cell of this.#cells) {
      this.#ask(cell, cell.after, cell.source.after);
      if (cell.source.before) this.#ask(cell, cell.before, cell.source.before);
    }
  }

  #refreshWhole() {
    this.#isWholeDue = true;
    this.refresh();
    this.#isWholeDue = false;
  }

  async #ask(cell, pane, source) {
    const { box, sheet, scale, ratio, rows, cols } = this.geometry;
    const fit = Math.min(this.#fitScale(box, { rows, cols }), 1);
    const draft = this.#isLive ? this.#draftOf(rows * cols * fit * fit) : 1;
    const view = this.#fitView({ rows, cols }, box, draft);
    const closer = !this.isFit && scale > fit * 1.001;
    const asked = [];
    if (closer) {
      const need = seenPart(this.geometry, 0);
      const held = pane.window;
      const serverScale = scale <= 0.5 ? 0.5 : 1;
      const fits = held && same(held.source, source) && held.serverScale === serverScale && covers(held.part, need);
      if (!fits) asked.push(this.#askWindow(cell, pane, source, serverScale));
    } else if (pane.window) pane.put("window", null);
    if (closer && pane.whole && !this.#isWholeDue) this.#wholeSoon();
    else asked.push(this.#askWhole(cell, pane, source, view));
    await Promise.allSettled(asked);
  }

  // How much smaller a render of so many pixels has to be to come in time: the length of its sides.
  #draftOf(pixels) {
    const most = (DRAFT_MS - ON_TOP_MS) / (this.#msPerPixel || 1e-9);
    return clamp(Math.sqrt(most / pixels), SMALLEST_DRAFT, 1);
  }

  #learn({ ms, image }) {
    const now = Math.max(ms - ON_TOP_MS, 1) / (image.naturalWidth * image.naturalHeight);
    this.#msPerPixel = this.#msPerPixel ? 0.6 * this.#msPerPixel + 0.4 * now : now;
  }

  async #askWhole(cell, pane, source, view) {
    const lane = this.#preview && pane === cell.after ? this.hoverLane : pane.lanes.whole;
    let render;
    try {
      render = await lane.ask({ ...source, view });
    } catch (error) {
      this.#failed(error);
      return;
    }
    if (!render || !this.#isWanted(cell, pane, source)) return;
    if (!source.before && pane.whole !== render) this.#learn(render);
    pane.put("whole", render, this.#altOf(cell, source));
    this.#told(cell, pane);
    if (this.#desk.isRoll) this.#nextSoon();
  }

  // So that going through a roll waits for nothing.
  #prepareNext() {
    const desk = this.#desk;
    const { order, chosen } = desk.state;
    const next = desk.frames.get(order[order.indexOf(chosen) + 1]);
    if (next?.status !== "ready" || this.mode !== "after" || this.#preview || !this.isFit) return;
    const framing = desk.framing(next.id);
    const view = this.#fitView(framedSize(next, framing), this.#boxes(), 1);
    const body = { frame: next.id, framing, raw: desk.raw(next.id), settings: desk.settings(next.id), before: false, view };
    this.#nextLane.ask(body).catch(() => {}); // it is asked for again when it is wanted
  }

  #fitView(size, room, draft) {
    const share = Math.min(this.#fitScale(room, size), 1) * draft;
    return { kind: "fit", cols: Math.round(size.cols * share), rows: Math.round(size.rows * share) };
  }

  async #askWindow(cell, pane, source, serverScale) {
    const part = seenPart(this.geometry);
    if (part.rows <= 0 || part.cols <= 0) return;
    const view = { kind: "window", ...part, scale: serverScale };
    let render;
    try {
      render = await pane.lanes.window.ask({ ...source, view });
    } catch (error) {
      this.#failed(error);
      return;
    }
    if (!render || !this.#isWanted(cell, pane, source) || this.isFit) return;
    Object.assign(render, { part, serverScale, source });
    pane.put("window", render, "");
    pane.placeWindow(this.geometry.scale, this.ratio);
    this.#told(cell, pane);
  }

  #isWanted(cell, pane, source) {
    const now = pane === cell.after ? cell.source.after : cell.source.before;
    return this.#cells.includes(cell) && now?.frame === source.frame && same(now, source);
  }

  #altOf(cell, source) {
    const name = this.#desk.frames.get(source.frame)?.name ?? "";
    if (source.before) return `${name}, before`;
    return `${name} on ${this.#labelOf(source.settings.film)}`;
  }

  #told(cell, pane) {
    if (cell !== this.#cells[0]) return;
    const kind = pane === cell.after ? "after" : "before";
    this.dispatchEvent(new CustomEvent("rendered", { detail: { kind, pane, isPreview: Boolean(this.#preview) } }));
  }

  #failed(error) {
    if (error.name === "AbortError") return;
    this.dispatchEvent(new CustomEvent("failed", { detail: error }));
  }

  get main() {
    return this.#cells[0] ?? null;
  }

  get shownPanes() {
    return this.#cells.map((cell) => (this.mode === "before" ? cell.before : cell.after));
  }

  // --- zoom and pan

  // `at` is the point of the stage that stays where it is, in CSS pixels; by default the middle.
  zoomTo(zoom, at = null) {
    if (this.#cropping || !this.geometry) return;
    const { sheet, box } = this.geometry;
    const point = at ? this.#inCell(at) : { x: box.width / 2, y: box.height / 2 };
    const share = [(point.x - sheet.left) / sheet.width, (point.y - sheet.top) / sheet.height].map((value) => clamp(value, 0, 1));
    if (zoom === "fit" || zoom <= Math.min(this.fitScale, SNAPS[0]) * 1.0001) {
      this.#desk.view({ zoom: "fit", centre: share });
      return;
    }
    const size = this.size();
    const scale = Math.min(zoom, LARGEST);
    const [width, height] = [(size.cols * scale) / this.ratio, (size.rows * scale) / this.ratio];
    const centre = [share[0] + (box.width / 2 - point.x) / width, share[1] + (box.height / 2 - point.y) / height];
    this.#desk.view({ zoom: scale, centre: this.#inside(centre, width, height) });
  }

  #inside([across, down], width, height) {
    const { box } = this.geometry;
    const within = (share, length, room) => (length <= room ? 0.5 : clamp(share, room / 2 / length, 1 - room / 2 / length));
    return [within(across, width, box.width), within(down, height, box.height)];
  }

  zoomBy(factor, at = null) {
    let scale = this.scale * factor;
    if (scale <= this.fitScale * 1.0001 && factor < 1) return this.zoomTo(this.scale > this.fitScale ? "fit" : scale, at);
    const snap = SNAPS.find((each) => Math.abs(scale / each - 1) < SNAPS_WITHIN && Math.abs(this.scale / each - 1) > 1e-6);
    if (snap) scale = snap;
    this.zoomTo(scale, at);
  }

  zoomStep(by) {
    const stops = [this.fitScale, ...SNAPS.filter((each) => Math.abs(each / this.fitScale - 1) > 0.05)].sort((a, b) => a - b);
    const now = this.scale;
    const to = by > 0 ? stops.find((each) => each > now * 1.01) : stops.findLast((each) => each < now * 0.99);
    if (to) this.zoomTo(to === this.fitScale ? "fit" : to);
  }

  toggleZoom(at = null) {
    this.zoomTo(this.isFit ? 1 : "fit", at);
  }

  panBy(dx, dy) {
    if (this.isFit || !this.geometry) return;
    const { sheet } = this.geometry;
    const [across, down] = this.#desk.state.view.centre;
    this.centreOn([across - dx / sheet.width, down - dy / sheet.height]);
  }

  centreOn(centre) {
    const { sheet } = this.geometry;
    this.#desk.state.view.centre = this.#inside(centre, sheet.width, sheet.height);
    this.layout();
    this.#refreshSoon();
    this.#desk.tell("panned");
  }

  #inCell({ x, y }) {
    const { box } = this.geometry;
    return { x: x % box.width, y: y % box.height };
  }

  #pointOf(event) {
    const bounds = this.stage.getBoundingClientRect();
    return { x: event.clientX - bounds.left, y: event.clientY - bounds.top };
  }

  #listen() {
    const { stage } = this;
    const fingers = new Map();
    let pinch = null;
    const onPicture = (event) => !event.target.closest("button, input, select, .divider-handle, .navigator, .crop-box, .stage-tools");

    stage.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || !onPicture(event) || this.#cropping) return;
      fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      stage.setPointerCapture(event.pointerId);
      stage.classList.add("is-panning");
      pinch = null;
    });
    stage.addEventListener("pointermove", (event) => {
      const last = fingers.get(event.pointerId);
      if (!last) return;
      const now = { x: event.clientX, y: event.clientY };
      fingers.set(event.pointerId, now);
      if (fingers.size === 1) this.panBy(now.x - last.x, now.y - last.y);
      if (fingers.size === 2) pinch = this.#pinched([...fingers.values()], pinch);
    });
    const up = (event) => {
      fingers.delete(event.pointerId);
      pinch = null;
      if (!fingers.size) stage.classList.remove("is-panning");
    };
    stage.addEventListener("pointerup", up);
    stage.addEventListener("pointercancel", up);
    stage.addEventListener("dblclick", (event) => {
      if (onPicture(event) && !this.#cropping) this.toggleZoom(this.#pointOf(event));
    });
    this.#listenToTaps();
    stage.addEventListener(
      "wheel",
      (event) => {
        if (this.#cropping) return;
        event.preventDefault();
        const speed = event.ctrlKey ? 0.01 : event.deltaMode === 1 ? 0.06 : 0.0022;
        this.zoomBy(Math.exp(clamp(-event.deltaY * speed, -0.5, 0.5)), this.#pointOf(event));
      },
      { passive: false },
    );
    this.#listenToDivider();
  }

  // A browser makes no double click of two taps where touches are the page's own.
  #listenToTaps() {
    let last = { at: 0, x: 0, y: 0 };
    this.stage.addEventListener("pointerup", (event) => {
      if (event.pointerType !== "touch" || event.target.closest("button, .divider-handle, .navigator")) return;
      const isDouble = event.timeStamp - last.at < 320 && Math.hypot(event.clientX - last.x, event.clientY - last.y) < 24;
      if (isDouble && !this.#cropping) this.toggleZoom(this.#pointOf(event));
      last = { at: isDouble ? 0 : event.timeStamp, x: event.clientX, y: event.clientY };
    });
    this.stage.addEventListener("touchend", (event) => {
      if (event.cancelable && !event.target.closest("button, input, select")) event.preventDefault(); // no second, made-up dblclick
    });
  }

  #pinched([first, second], pinch) {
    const apart = Math.hypot(first.x - second.x, first.y - second.y);
    const bounds = this.stage.getBoundingClientRect();
    const at = { x: (first.x + second.x) / 2 - bounds.left, y: (first.y + second.y) / 2 - bounds.top };
    if (pinch) {
      this.panBy(at.x - pinch.at.x, at.y - pinch.at.y);
      this.zoomTo(Math.max(this.fitScale, this.scale * (apart / pinch.apart)), at);
    }
    return { apart, at };
  }

  // --- the divider: its line is looked through, only its handle at the edge is held

  #placeDivider() {
    const { split } = this.#desk.state.view;
    const handle = find(".divider-handle", this.stage);
    const isSplit = this.mode === "split" && this.#cells.length > 0;
    find(".divider", this.stage).hidden = !isSplit;
    this.stage.style.setProperty("--split", `${100 * split}%`);
    this.stage.style.setProperty("--before-to", this.mode === "before" ? "0%" : `${100 * (1 - split)}%`);
    handle.setAttribute("aria-valuenow", Math.round(100 * split));
    handle.setAttribute("aria-valuetext", `${Math.round(100 * split)} % before`);
  }

  #setSplit(split) {
    this.#desk.state.view.split = clamp(split, 0, 1);
    this.#placeDivider();
    this.#desk.tell("panned");
  }

  #listenToDivider() {
    const handle = find(".divider-handle", this.stage);
    handle.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      handle.focus({ preventScroll: true });
      handle.setPointerCapture(event.pointerId);
    });
    handle.addEventListener("pointermove", (event) => {
      if (handle.hasPointerCapture(event.pointerId)) this.#setSplit(this.#pointOf(event).x / this.stage.clientWidth);
    });
    handle.addEventListener("dblclick", () => this.#setSplit(0.5));
    handle.addEventListener("keydown", (event) => {
      const { split } = this.#desk.state.view;
      const to = {
        ArrowLeft: split - 0.02,
        ArrowRight: split + 0.02,
        ArrowDown: split - 0.02,
        ArrowUp: split + 0.02,
        PageDown: split - 0.1,
        PageUp: split + 0.1,
        Home: 0,
        End: 1,
      }[event.key];
      if (to === undefined || isTyping(event.target)) return;
      event.preventDefault();
      event.stopPropagation();
      this.#setSplit(to);
    });
  }

  useFilm(film) {
    this.dispatchEvent(new CustomEvent("use-film", { detail: film }));
  }
}

// A part of the stage: the picture after, and over it the picture before, as far as the divider.
class Cell {
  constructor(desk, lane, viewer) {
    this.lane = lane;
    this.source = null;
    this.after = new Pane(desk, lane, "after");
    this.before = new Pane(desk, "before", "before");
    this.panes = [this.after, this.before];
    this.text = el("span", { class: "cell-label" });
    this.use = el("button", { class: "small", type: "button", text: "Use", on: { click: () => viewer.useFilm(this.film) } });
    this.less = el(
      "button",
      { class: "small quiet", type: "button", text: "×", on: { click: () => viewer.toggleFilm(this.film) } },
    );
    this.tools = el("div", { class: "cell-tools" }, this.text, this.use, this.less);
    const before = el("div", { class: "cell-tools of-before" }, el("span", { class: "cell-label", text: "Before" }));
    this.node = el("div", { class: "cell" }, this.after.node, this.before.node, before, this.tools);
  }

  name(text, film) {
    this.film = film;
    this.text.textContent = text ?? "";
    this.tools.hidden = !text;
    this.use.hidden = this.less.hidden = !film;
    this.use.setAttribute("aria-label", `Use ${text}`);
    this.less.setAttribute("aria-label", `Take ${text} away`);
  }

  // Until another frame is rendered, its stamp stands there.
  clear(stamp) {
    for (const pane of this.panes) {
      pane.put("whole", null);
      pane.put("window", null);
      pane.sheet.style.backgroundImage = stamp ? `url("${stamp}")` : "";
    }
  }
}

// What is left of a picture, to the pixel as the server reckons it: of one that is straightened the
// largest part without empty corners, then the crop, each edge at the nearest pixel.
export function framedSize(frame, { turns, straighten_degrees, crop }) {
  const [rows, cols] = turns % 2 ? [frame.cols, frame.rows] : [frame.rows, frame.cols];
  const angle = Math.abs((straighten_degrees * Math.PI) / 180);
  const [sine, cosine] = [Math.sin(angle), Math.cos(angle)];
  const scale = Math.min(cols / (cols * cosine + rows * sine), rows / (cols * sine + rows * cosine));
  const inner = (size) => (straighten_degrees ? within(size, scale) : size);
  const [top, left, bottom, right] = crop;
  const length = (low, high, size) => Math.max(1, Math.floor(high * size + 0.5) - Math.min(Math.floor(low * size + 0.5), size - 1));
  return { rows: length(top, bottom, inner(rows)), cols: length(left, right, inner(cols)) };
}

// An even number of pixels less than `size`.
function within(size, scale) {
  return Math.max(size - 2 * Math.ceil((size * (1 - scale)) / 2 - 1e-9), size % 2 ? 1 : 2);
}
