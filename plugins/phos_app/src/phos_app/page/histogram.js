// The histogram of what is seen, with what is clipped, and behind it that of the picture before.

import { afterRest, el, find } from "./dom.js";
import { Lane } from "./renders.js";

const COLOURS = ["#ff5b50", "#4fd07a", "#5f97ff"];
const BEFORE = "rgb(255 255 255 / 55%)";
const NOTED = 0.0005; // of the pixels
const BEFORE_PX = 480; // enough for its histogram
const BEFORE_AFTER_MS = 700;

export class Histogram {
  #after = null;
  #before = null;

  #desk;
  #lane;
  #soon;

  constructor(desk, viewer, onClipping) {
    this.#desk = desk;
    this.#lane = new Lane(desk, "before-small");
    this.#soon = afterRest(() => this.#askBefore(), BEFORE_AFTER_MS);
    this.canvas = find("#histogram");
    this.shadows = find("#clip-shadows");
    this.highlights = find("#clip-highlights");
    for (const button of [this.shadows, this.highlights]) button.addEventListener("click", onClipping);
    viewer.addEventListener("rendered", ({ detail }) => this.#take(detail));
    new ResizeObserver(() => this.draw()).observe(this.canvas);
  }

  #take({ kind, pane }) {
    const render = pane.whole ?? pane.window;
    if (!render?.histogram) return;
    if (kind !== "after") return;
    this.#after = render.histogram;
    this.#warn(render.report.clipped);
    this.draw();
    this.#soon();
  }

  forget() {
    this.#after = this.#before = null;
    this.draw();
  }

  async #askBefore() {
    const frame = this.#desk.chosen;
    if (frame?.status !== "ready") return;
    const view = { kind: "fit", rows: BEFORE_PX, cols: BEFORE_PX };
    const body = { frame: frame.id, framing: this.#desk.framing(), raw: this.#desk.raw(), before: true, view };
    const render = await this.#lane.ask(body).catch(() => null);
    if (!render || frame.id !== this.#desk.state.chosen) return;
    this.#before = render.histogram;
    this.draw();
  }

  #warn(clipped) {
    const most = (shares) => Math.max(0, ...[shares ?? 0].flat());
    tell(this.shadows, most(clipped?.low ?? clipped?.black), "Shadows");
    tell(this.highlights, most(clipped?.high ?? clipped?.white), "Highlights");
  }

  draw() {
    const { canvas } = this;
    const ratio = devicePixelRatio || 1;
    const [width, height] = [Math.round(canvas.clientWidth * ratio), Math.round(canvas.clientHeight * ratio)];
    if (!width || !height) return;
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    const pen = canvas.getContext("2d");
    pen.clearRect(0, 0, width, height);
    pen.strokeStyle = "rgb(255 255 255 / 8%)";
    for (const quarter of [1, 2, 3]) {
      const x = Math.round((quarter * width) / 4) + 0.5;
      pen.beginPath();
      pen.moveTo(x, 0);
      pen.lineTo(x, height);
      pen.stroke();
    }
    if (!this.#after) return;
    const top = highest(this.#after);
    pen.globalCompositeOperation = "screen";
    for (let layer = 0; layer < 3; layer++) {
      pen.fillStyle = COLOURS[layer];
      pen.globalAlpha = 0.75;
      pen.beginPath();
      trace(pen, this.#after.subarray(256 * layer, 256 * layer + 256), top, width, height);
      pen.lineTo(width, height);
      pen.lineTo(0, height);
      pen.fill();
    }
    pen.globalAlpha = 1;
    pen.globalCompositeOperation = "source-over";
    if (this.#before) {
      pen.strokeStyle = BEFORE;
      pen.lineWidth = ratio;
      pen.beginPath();
      trace(pen, summed(this.#before), highest(summed(this.#before)), width, height);
      pen.stroke();
    }
  }
}

function tell(button, share, what) {
  const percent = 100 * share;
  const words = percent >= 10 ? percent.toFixed(0) : percent.toFixed(1);
  button.classList.toggle("is-clipped", share > NOTED);
  button.querySelector("span").textContent = share > NOTED ? `${words} %` : "";
  button.setAttribute("aria-label", `${what} clipped: ${words} %. Show where`);
  button.title = `${what} clipped: ${words} % of the picture. Click to show where (J)`;
}

function summed(histogram) {
  const sum = new Float64Array(256);
  for (let at = 0; at < 256; at++) sum[at] = histogram[at] + histogram[256 + at] + histogram[512 + at];
  return sum;
}

// The ends do not count: they hold what is clipped, and would press all else flat.
function highest(counts) {
  let most = 1;
  counts.forEach((count, at) => {
    if (at % 256 > 0 && at % 256 < 255) most = Math.max(most, count);
  });
  return most;
}

function trace(pen, counts, top, width, height) {
  pen.moveTo(0, height);
  for (let at = 0; at < 256; at++) {
    const share = Math.min(1, Math.sqrt(counts[at] / top));
    pen.lineTo((at / 255) * width, height - share * (height - 2));
  }
}

// Draws over each picture where it is clipped: blue where a layer is black, red where one is white.
export class Clipping {
  #isOn = false;

  constructor(viewer) {
    this.viewer = viewer;
    viewer.addEventListener("rendered", () => this.draw());
    viewer.addEventListener("laid", () => this.#place());
    viewer.addEventListener("shown", () => this.draw());
  }

  get isOn() {
    return this.#isOn;
  }

  toggle() {
    this.#isOn = !this.#isOn;
    for (const button of document.querySelectorAll(".clip")) button.setAttribute("aria-pressed", this.#isOn);
    this.draw();
  }

  #place() {
    if (this.#isOn) for (const pane of this.viewer.shownPanes) place(pane);
  }

  draw() {
    for (const canvas of document.querySelectorAll("canvas.clipping")) canvas.remove();
    if (!this.#isOn) return;
    for (const pane of this.viewer.shownPanes) {
      for (const image of pane.sheet.querySelectorAll("img")) pane.sheet.append(marked(image));
      place(pane);
    }
  }
}

function marked(image) {
  const canvas = el("canvas", { class: "clipping", "aria-hidden": "true" });
  [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
  const pen = canvas.getContext("2d");
  pen.drawImage(image, 0, 0);
  const pixels = pen.getImageData(0, 0, canvas.width, canvas.height);
  const { data } = pixels;
  for (let at = 0; at < data.length; at += 4) {
    const high = Math.max(data[at], data[at + 1], data[at + 2]) >= 255;
    const low = Math.min(data[at], data[at + 1], data[at + 2]) <= 0;
    data[at + 3] = high || low ? 255 : 0;
    data[at] = high ? 255 : 40;
    data[at + 1] = high ? 40 : 110;
    data[at + 2] = high ? 40 : 255;
  }
  pen.putImageData(pixels, 0, 0);
  canvas.of = image;
  return canvas;
}

function place(pane) {
  for (const canvas of pane.sheet.querySelectorAll("canvas.clipping")) {
    const { left, top, width, height } = canvas.of.style;
    Object.assign(canvas.style, { left: left || "0", top: top || "0", width: width || "100%", height: height || "100%" });
    canvas.classList.toggle("enlarged", canvas.of.classList.contains("enlarged"));
  }
}
