// The navigator: the whole picture, small, with a frame around what is seen; a drag moves it.

import { clamp, find } from "./dom.js";

export class Navigator {
  constructor(desk, viewer) {
    this.desk = desk;
    this.viewer = viewer;
    this.node = find("#navigator");
    this.image = find("img", this.node);
    this.seen = find(".seen", this.node);
    viewer.addEventListener("laid", () => this.place());
    viewer.addEventListener("rendered", () => this.place());
    const to = (event) => {
      const box = this.image.getBoundingClientRect();
      viewer.centreOn([(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height]);
    };
    this.node.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      this.node.setPointerCapture(event.pointerId);
      to(event);
    });
    this.node.addEventListener("pointermove", (event) => {
      if (this.node.hasPointerCapture(event.pointerId)) to(event);
    });
  }

  place() {
    const { viewer } = this;
    const geometry = viewer.geometry;
    const whole = viewer.main?.after.whole;
    const isPart = geometry && (geometry.sheet.width > geometry.box.width + 1 || geometry.sheet.height > geometry.box.height + 1);
    this.node.hidden = viewer.isFit || !whole || !isPart;
    if (this.node.hidden) return;
    if (this.image.src !== whole.url) this.image.src = whole.url;
    const { box, sheet } = geometry;
    const part = (offset, length, room) => [clamp(-offset / length, 0, 1), clamp(room / length, 0, 1)];
    const [left, width] = part(sheet.left, sheet.width, box.width);
    const [top, height] = part(sheet.top, sheet.height, box.height);
    Object.assign(this.seen.style, {
      left: `${100 * left}%`,
      top: `${100 * top}%`,
      width: `${100 * Math.min(width, 1 - left)}%`,
      height: `${100 * Math.min(height, 1 - top)}%`,
    });
  }
}
