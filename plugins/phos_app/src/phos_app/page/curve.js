// The film's characteristic curve, as it is metered and developed: density over the light on it.

import * as api from "./api.js";
import { afterRest, find } from "./dom.js";

const COLOURS = { red: "#ff7a70", green: "#5fd488", blue: "#7ea8ff", grey: "#dcdcdc" };
const AFTER_MS = 400;

export class Curve {
  #desk;
  #curve = null;
  #key = "";
  #soon;

  constructor(desk) {
    this.#desk = desk;
    this.group = find("#curve-group");
    this.canvas = find("#curve");
    this.#soon = afterRest(() => this.#ask(), AFTER_MS);
    this.group.open = desk.state.view.open.curve ?? false;
    this.group.addEventListener("toggle", () => {
      desk.state.view.open.curve = this.group.open;
      desk.tell("kept");
      this.#soon();
    });
    desk.on("looks chosen", () => this.#soon());
    new ResizeObserver(() => this.#draw()).observe(this.canvas);
    this.#soon();
  }

  async #ask() {
    if (!this.group.open) return;
    const settings = this.#desk.settings();
    const key = JSON.stringify(settings);
    if (key === this.#key) return;
    this.#key = key;
    const curve = await api.curve(settings).catch(() => null);
    if (!curve || key !== this.#key) return;
    this.#curve = curve;
    const film = this.#desk.films.get(settings.film)?.label ?? settings.film;
    this.canvas.setAttribute("aria-label", `Characteristic curve of ${film}: density over stops from mid-grey`);
    this.#draw();
  }

  #draw() {
    const { canvas } = this;
    const ratio = devicePixelRatio || 1;
    const [width, height] = [Math.round(canvas.clientWidth * ratio), Math.round(canvas.clientHeight * ratio)];
    if (!width || !height || !this.#curve) return;
    [canvas.width, canvas.height] = [width, height];
    const { stops, density } = this.#curve;
    const [low, high] = [stops[0], stops.at(-1)];
    const most = Math.ceil(Math.max(...Object.values(density).flat()));
    const x = (stop) => ((stop - low) / (high - low)) * width;
    const y = (value) => height - (value / most) * (height - 4 * ratio);
    const pen = canvas.getContext("2d");
    pen.strokeStyle = "rgb(255 255 255 / 12%)";
    pen.fillStyle = "#a8a8a8";
    pen.font = `${11 * ratio}px system-ui, sans-serif`;
    for (let stop = Math.ceil(low / 3) * 3; stop <= high; stop += 3) {
      line(pen, x(stop), 0, x(stop), height);
      pen.fillText(stop > 0 ? `+${stop}` : `${stop}`.replace("-", "−"), x(stop) + 3 * ratio, height - 4 * ratio);
    }
    for (let value = 1; value < most; value++) {
      line(pen, 0, y(value), width, y(value));
      pen.fillText(String(value), 3 * ratio, y(value) - 3 * ratio);
    }
    pen.lineWidth = 1.5 * ratio;
    for (const [layer, values] of Object.entries(density)) {
      pen.strokeStyle = COLOURS[layer] ?? COLOURS.grey;
      pen.beginPath();
      values.forEach((value, at) => pen.lineTo(x(stops[at]), y(value)));
      pen.stroke();
    }
  }
}

function line(pen, ...[fromX, fromY, toX, toY]) {
  pen.beginPath();
  pen.moveTo(fromX, fromY);
  pen.lineTo(toX, toY);
  pen.stroke();
}
