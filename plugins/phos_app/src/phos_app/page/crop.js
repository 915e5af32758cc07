// Cropping: over the whole picture, turned and straightened, a box whose inside is what remains.

import { clamp, el, find } from "./dom.js";

const WHOLE = [0, 0, 1, 1];
const SMALLEST = 0.03;
const HANDLES = { nw: [1, 1, 0, 0], n: [1, 0, 0, 0], ne: [1, 0, 0, 1], e: [0, 0, 0, 1], se: [0, 0, 1, 1], s: [0, 0, 1, 0], sw: [0, 1, 1, 0], w: [0, 1, 0, 0] };
const NAMES = { nw: "Top left corner", n: "Top edge", ne: "Top right corner", e: "Right edge", se: "Bottom right corner", s: "Bottom edge", sw: "Bottom left corner", w: "Left edge" };

export class Crop {
  #desk;
  #viewer;
  #framing = null;
  #box = [...WHOLE];
  #back = null;

  constructor(desk, viewer) {
    this.#desk = desk;
    this.#viewer = viewer;
    this.panel = find("#crop-panel");
    this.box = find("#crop-box");
    this.ratio = find("#crop-ratio");
    this.angle = find("#crop-angle");
    this.degrees = find("#crop-degrees");
    const ratios = Object.entries(desk.catalogue.ratios).map(([ratio, words]) => [ratio, `${ratio}, ${words.split(",")[0]}`, words]);
    const choices = [["original", "Original"], ["free", "Free"], ...ratios];
    this.ratio.replaceChildren(...choices.map(([value, text, title]) => el("option", { value, text, title })));
    this.ratio.addEventListener("change", () => this.#chooseRatio());
    this.angle.addEventListener("input", () => this.#straighten(Number(this.angle.value)));
    this.angle.addEventListener("change", () => this.#viewer.live(false));
    this.angle.addEventListener("dblclick", () => this.#straighten(0));
    this.degrees.addEventListener("change", () => this.#straighten(Number(this.degrees.value) || 0));
    find("#crop-turn-left").addEventListener("click", () => this.#turn(-1));
    find("#crop-turn-right").addEventListener("click", () => this.#turn(1));
    find("#crop-flip").addEventListener("click", () => this.#flip());
    find("#crop-upright").addEventListener("click", () => this.#swap());
    find("#crop-reset").addEventListener("click", () => this.#reset());
    find("#crop-cancel").addEventListener("click", () => this.close(false));
    find("#crop-done").addEventListener("click", () => this.close(true));
    viewer.addEventListener("laid", () => this.#place());
    desk.on("chosen", () => this.isOpen && this.close(false));
    this.#makeHandles();
    this.#listen();
  }

  get isOpen() {
    return this.#framing !== null;
  }

  open() {
    if (this.isOpen || this.#desk.chosen?.status !== "ready") return;
    this.#back = document.activeElement;
    this.#framing = this.#desk.framing();
    this.#box = [...this.#framing.crop];
    this.#isTall = null;
    this.ratio.value = sameBox(this.#box, WHOLE) ? "original" : "free";
    this.panel.hidden = this.box.hidden = false;
    document.body.classList.add("is-cropping");
    this.#show();
    this.ratio.focus({ preventScroll: true });
  }

  close(keeps) {
    if (!this.isOpen) return;
    const framing = { ...this.#framing, crop: this.#box.map((share) => Number(share.toFixed(5))) };
    this.#framing = null;
    this.panel.hidden = this.box.hidden = true;
    document.body.classList.remove("is-cropping");
    if (keeps) this.#desk.setFraming(framing, "Crop");
    this.#viewer.crop(null);
    this.#back?.focus?.({ preventScroll: true });
  }

  toggle() {
    if (this.isOpen) this.close(true);
    else this.open();
  }

  // Turns the picture without opening this: what was cropped stays.
  turn(by) {
    if (this.isOpen) this.#turn(by);
    else if (this.#desk.chosen) this.#desk.setFraming(turned(this.#desk.framing(), by), "Rotate");
  }

  #isTall = null;

  #show() {
    this.angle.value = this.#framing.straighten_degrees;
    this.degrees.value = this.#framing.straighten_degrees.toFixed(1);
    this.#viewer.crop({ ...this.#framing, crop: WHOLE });
    this.#place();
  }

  #place() {
    if (!this.isOpen || !this.#viewer.geometry) return;
    const { sheet } = this.#viewer.geometry;
    const [top, left, bottom, right] = this.#box;
    Object.assign(this.box.style, {
      left: `${sheet.left + left * sheet.width}px`,
      top: `${sheet.top + top * sheet.height}px`,
      width: `${(right - left) * sheet.width}px`,
      height: `${(bottom - top) * sheet.height}px`,
    });
    const { rows, cols } = this.#viewer.geometry;
    const size = `${Math.round((right - left) * cols)} × ${Math.round((bottom - top) * rows)}`;
    find("#crop-size").textContent = size;
    this.box.setAttribute("aria-label", `Crop, ${size} pixels. Arrow keys move it`);
  }

  // --- ratio

  // Width to height of the box in shares of the picture; null where it is free.
  #wanted() {
    if (this.ratio.value === "free") return null;
    const { rows, cols } = this.#viewer.geometry;
    let ratio = cols / rows;
    if (this.ratio.value === "original") return 1 * this.#tallness(ratio) * (rows / cols);
    const [across, down] = this.ratio.value.split(":").map(Number);
    ratio = across / down;
    return this.#tallness(ratio) * (rows / cols);
  }

  // The ratio as it stands: upright where the picture is, where it is one of upright pictures, or
  // where one has said so.
  #tallness(ratio) {
    const { rows, cols } = this.#viewer.geometry;
    const isTall = this.#isTall ?? (rows > cols || isUpright(this.ratio.value));
    return isTall === ratio < 1 ? ratio : 1 / ratio;
  }

  #chooseRatio() {
    if (isUpright(this.ratio.value)) this.#isTall = null;
    this.#fitRatio();
  }

  #fitRatio() {
    const wanted = this.#wanted();
    if (wanted === null) return;
    const width = Math.min(1, wanted);
    const height = width / wanted;
    const [w, h] = height > 1 ? [wanted, 1] : [width, height];
    const [top, left, bottom, right] = this.#box;
    const at = (from, to, length) => clamp((from + to) / 2 - length / 2, 0, 1 - length);
    const [t, l] = [at(top, bottom, h), at(left, right, w)];
    this.#box = [t, l, t + h, l + w];
    this.#place();
  }

  #swap() {
    const { rows, cols } = this.#viewer.geometry;
    const [top, left, bottom, right] = this.#box;
    const isTall = (bottom - top) * rows > (right - left) * cols;
    this.#isTall = !isTall;
    if (this.ratio.value === "free") this.ratio.value = "3:2";
    this.#fitRatio();
  }

  // --- turning

  #turn(by) {
    this.#framing = turned({ ...this.#framing, crop: this.#box }, by);
    this.#box = [...this.#framing.crop];
    if (this.#isTall !== null) this.#isTall = !this.#isTall;
    this.#show();
  }

  #flip() {
    const [top, left, bottom, right] = this.#box;
    this.#box = [top, 1 - right, bottom, 1 - left];
    this.#framing = { ...this.#framing, flipped: !this.#framing.flipped, straighten_degrees: -this.#framing.straighten_degrees || 0 };
    this.#show();
  }

  #straighten(degrees) {
    this.#framing = { ...this.#framing, straighten_degrees: clamp(Number(degrees.toFixed(2)), -45, 45) };
    this.#show();
  }

  #reset() {
    this.#framing = { turns: 0, flipped: false, straighten_degrees: 0, crop: WHOLE };
    this.#box = [...WHOLE];
    this.#isTall = null;
    this.ratio.value = "original";
    this.#show();
  }

  // --- the box

  #makeHandles() {
    for (const name of Object.keys(HANDLES)) {
      this.box.append(el("button", { type: "button", class: `crop-handle at-${name}`, "aria-label": NAMES[name], data: { handle: name } }));
    }
  }

  #listen() {
    let held = null;
    this.box.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      event.preventDefault();
      event.stopPropagation();
      this.box.setPointerCapture(event.pointerId);
      const handle = event.target.dataset.handle;
      (handle ? event.target : this.box).focus({ preventScroll: true });
      held = { handle, x: event.clientX, y: event.clientY, box: [...this.#box] };
    });
    this.box.addEventListener("pointermove", (event) => {
      if (!held) return;
      const { sheet } = this.#viewer.geometry;
      this.#drag(held.handle, held.box, (event.clientX - held.x) / sheet.width, (event.clientY - held.y) / sheet.height);
    });
    const up = () => (held = null);
    this.box.addEventListener("pointerup", up);
    this.box.addEventListener("pointercancel", up);
    this.box.addEventListener("dblclick", (event) => {
      event.stopPropagation();
      this.close(true);
    });
    this.box.addEventListener("keydown", (event) => {
      const step = event.shiftKey ? 0.05 : 0.01;
      const [dx, dy] = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key] ?? [0, 0];
      if (!dx && !dy) return;
      event.preventDefault();
      event.stopPropagation();
      this.#drag(event.target.dataset.handle, [...this.#box], dx, dy);
    });
  }

  #drag(handle, [top, left, bottom, right], dx, dy) {
    if (!handle) {
      const x = clamp(dx, -left, 1 - right);
      const y = clamp(dy, -top, 1 - bottom);
      this.#box = [top + y, left + x, bottom + y, right + x];
      this.#place();
      return;
    }
    const [north, west, south, east] = HANDLES[handle];
    let box = [
      north ? clamp(top + dy, 0, bottom - SMALLEST) : top,
      west ? clamp(left + dx, 0, right - SMALLEST) : left,
      south ? clamp(bottom + dy, top + SMALLEST, 1) : bottom,
      east ? clamp(right + dx, left + SMALLEST, 1) : right,
    ];
    const wanted = this.#wanted();
    if (wanted !== null) box = inRatio(box, wanted, { north, west, south, east });
    if (box) this.#box = box;
    this.#place();
  }
}

// The box in the ratio, held at the edge or the corner that is not dragged, inside the picture.
function inRatio([top, left, bottom, right], wanted, { north, west, south, east }) {
  let width = right - left;
  let height = bottom - top;
  if (!east && !west) width = height * wanted;
  else if (!north && !south) height = width / wanted;
  else if (width / height > wanted) width = height * wanted;
  else height = width / wanted;
  const roomAcross = west ? right : east ? 1 - left : 1;
  const roomDown = north ? bottom : south ? 1 - top : 1;
  const shrink = Math.min(1, roomAcross / width, roomDown / height);
  [width, height] = [width * shrink, height * shrink];
  if (width < SMALLEST || height < SMALLEST) return null;
  const middleX = clamp((left + right) / 2, width / 2, 1 - width / 2);
  const middleY = clamp((top + bottom) / 2, height / 2, 1 - height / 2);
  const l = west ? right - width : east ? left : middleX - width / 2;
  const t = north ? bottom - height : south ? top : middleY - height / 2;
  return [Math.max(0, t), Math.max(0, l), Math.min(1, t + height), Math.min(1, l + width)];
}

// A quarter turn clockwise, or back, of what one sees. The flip comes after the turns.
export function turned(framing, by) {
  let [top, left, bottom, right] = framing.crop;
  [top, left, bottom, right] = by > 0 ? [left, 1 - bottom, right, 1 - top] : [1 - right, top, 1 - left, bottom];
  const quarter = framing.flipped ? -by : by;
  return { ...framing, turns: (framing.turns + quarter + 4) % 4, crop: [top, left, bottom, right] };
}

function isUpright(ratio) {
  const [across, down] = ratio.split(":").map(Number);
  return across < down;
}

function sameBox(first, second) {
  return first.every((value, index) => Math.abs(value - second[index]) < 1e-6);
}
