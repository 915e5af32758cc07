// A pane: one picture as it lies in a part of the stage; the whole of it, and over that, when one
// looks closer, the part that is seen, at full size.

import { el } from "./dom.js";
import { Lane } from "./renders.js";

const MARGIN_PX = 48; // around what is seen, so that a small pan needs no render

export class Pane {
  constructor(desk, lane, name) {
    this.lanes = { whole: new Lane(desk, lane), window: new Lane(desk, `${lane}-window`) };
    this.sheet = el("div", { class: "sheet" });
    this.label = el("span", { class: "pane-name" });
    this.node = el("div", { class: `pane ${name}` }, this.sheet);
    this.whole = null;
    this.window = null;
    this.source = null;
  }

  get report() {
    return (this.window ?? this.whole)?.report ?? null;
  }

  // Lays the sheet out; all in CSS pixels, on the grid of the device's own.
  place({ left, top, width, height }) {
    Object.assign(this.sheet.style, {
      left: `${left}px`,
      top: `${top}px`,
      width: `${width}px`,
      height: `${height}px`,
    });
  }

  put(kind, render, alt) {
    const old = this[kind];
    if (old === render) return;
    if (old) old.isShown = false;
    this[kind] = render;
    const shown = this.sheet.querySelector(`img.${kind}`);
    if (!render) {
      shown?.remove();
      return;
    }
    render.isShown = true;
    const image = render.image.isConnected ? render.image.cloneNode() : render.image;
    image.className = kind;
    image.alt = kind === "whole" ? alt : "";
    if (kind === "window") image.setAttribute("aria-hidden", "true");
    if (shown) shown.replaceWith(image);
    else if (kind === "whole") this.sheet.prepend(image);
    else this.sheet.append(image);
  }

  // Where the window lies on its sheet, of which a picture's pixel is `scale` device pixels large.
  placeWindow(scale, ratio) {
    const image = this.sheet.querySelector("img.window");
    if (!image || !this.window) return;
    const { top, left, rows, cols } = this.window.part;
    const size = scale / ratio;
    Object.assign(image.style, {
      left: `${left * size}px`,
      top: `${top * size}px`,
      width: `${cols * size}px`,
      height: `${rows * size}px`,
    });
    image.classList.toggle("enlarged", scale > 1);
  }
}

// What is seen of a picture, in its pixels, with a margin; whole at both scales.
export function seenPart({ box, sheet, scale, ratio, rows, cols }, margin = MARGIN_PX) {
  const size = scale / ratio;
  const even = (value) => 2 * Math.floor(value / 2);
  const left = even(Math.max(0, -sheet.left / size - margin));
  const top = even(Math.max(0, -sheet.top / size - margin));
  const right = Math.min(cols, even((box.width - sheet.left) / size + margin + 2));
  const bottom = Math.min(rows, even((box.height - sheet.top) / size + margin + 2));
  return { top, left, rows: bottom - top, cols: right - left };
}

export function covers(outer, inner) {
  return (
    outer.top <= inner.top &&
    outer.left <= inner.left &&
    outer.top + outer.rows >= inner.top + inner.rows &&
    outer.left + outer.cols >= inner.left + inner.cols
  );
}
