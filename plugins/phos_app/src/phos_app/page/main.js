// The page: START HERE. The desk of the address, and everything that shows or changes it.

import * as api from "./api.js";
import { Backends } from "./backends.js";
import { Controls } from "./controls.js";
import { Crop } from "./crop.js";
import { Curve } from "./curve.js";
import { Desk } from "./desk.js";
import { find } from "./dom.js";
import { Export } from "./export.js";
import { Films } from "./films.js";
import { Clipping, Histogram } from "./histogram.js";
import { History } from "./history.js";
import { Keys } from "./keys.js";
import { Navigator } from "./navigator.js";
import { Photos } from "./photos.js";
import { Presets } from "./presets.js";
import { busy } from "./renders.js";
import { Roll } from "./roll.js";
import { hush, sayProblem } from "./says.js";
import { Panels } from "./panels.js";
import { Viewer } from "./viewer.js";

const SHOWN_AFTER_MS = 150; // a quicker render needs no bar

async function start() {
  const id = location.pathname.split("/").filter(Boolean).at(-1);
  let desk;
  try {
    const [document, catalogue] = await Promise.all([api.desk(id), api.catalogue()]);
    desk = new Desk(document, catalogue);
  } catch (error) {
    if (error.status !== 404) find("#gone-text").textContent = error.message;
    find("#gone").showModal();
    return;
  }
  const viewer = new Viewer(desk, find("#stage"));
  const clipping = new Clipping(viewer);
  const histogram = new Histogram(desk, viewer, () => clipping.toggle());
  const controls = new Controls(desk, viewer);
  const films = new Films(desk, viewer, controls);
  const presets = new Presets(desk, viewer, controls);
  const roll = new Roll(desk);
  viewer.stampOf = (frame) => roll.stampOf(frame);
  new History(desk);
  const crop = new Crop(desk, viewer);
  const exports = new Export(desk);
  const photos = new Photos(desk, roll);
  const panels = new Panels(desk, { presets, films, roll, crop });
  new Curve(desk);
  new Backends(desk, viewer);
  new Navigator(desk, viewer);
  new Keys(actions({ desk, viewer, films, roll, crop, exports, clipping, panels, photos }));
  tools({ desk, viewer, crop });
  told({ desk, viewer, histogram });
  document.body.classList.add("is-ready");
  films.showChosen();
}

function tools({ desk, viewer, crop }) {
  for (const button of document.querySelectorAll("[data-mode]")) {
    button.addEventListener("click", () => viewer.setMode(button.dataset.mode));
  }
  for (const button of document.querySelectorAll("[data-zoom]")) {
    const { zoom } = button.dataset;
    button.addEventListener("click", () => viewer.zoomTo(zoom === "fit" ? "fit" : Number(zoom)));
  }
  find("#crop-open").addEventListener("click", () => crop.toggle());
  find("#said-close").addEventListener("click", hush);
  const show = () => {
    const { mode, zoom } = desk.state.view;
    for (const button of document.querySelectorAll("[data-mode]")) button.setAttribute("aria-pressed", String(button.dataset.mode === mode));
    for (const button of document.querySelectorAll("[data-zoom]")) {
      const is = zoom === "fit" ? button.dataset.zoom === "fit" : Math.abs(Number(button.dataset.zoom) / zoom - 1) < 1e-6;
      button.setAttribute("aria-pressed", String(is));
    }
    find("#crop-open").setAttribute("aria-pressed", String(crop.isOpen));
  };
  desk.on("view", show);
  viewer.addEventListener("shown", show);
  show();
}

// What is said around the picture: its facts, what goes on, and what went wrong.
function told({ desk, viewer, histogram }) {
  const bar = find("#progress");
  let timer = 0;
  busy.addEventListener("change", ({ detail }) => {
    clearTimeout(timer);
    find("#stage").setAttribute("aria-busy", String(detail > 0));
    if (detail === 0) bar.classList.remove("is-on");
    else timer = setTimeout(() => bar.classList.add("is-on"), SHOWN_AFTER_MS);
  });
  viewer.addEventListener("failed", ({ detail }) => {
    if (detail.status === 404) find("#gone").showModal();
    else sayProblem(detail);
  });
  let unsaved = false;
  desk.on("unsaved", ({ detail }) => {
    if (detail.status === 404) find("#gone").showModal();
    else if (!unsaved) sayProblem(detail);
    unsaved = true;
  });
  const show = () => {
    const frame = desk.chosen;
    find("#facts").textContent = frame ? factsOf(frame) : "";
    document.title = frame ? `${frame.name} – phos` : "phos";
    find("#stage-words").textContent = frame?.status === "failed" ? `${frame.error || `${frame.name} cannot be read.`}` : "";
    if (frame?.status === "failed") histogram.forget();
  };
  desk.on("chosen", () => {
    histogram.forget();
    show();
  });
  desk.on("frames", show);
  show();
}

function factsOf(frame) {
  const size = frame.rows ? `${frame.cols} × ${frame.rows}` : "";
  const bits = frame.bits ? `${frame.bits} bits` : "";
  const facts = Array.isArray(frame.facts) ? frame.facts : Object.values(frame.facts ?? {});
  return [frame.name, size, bits, ...facts].filter(Boolean).join("  ·  ");
}

function actions({ desk, viewer, films, roll, crop, exports, clipping, panels, photos }) {
  const mode = (name) => () => viewer.setMode(desk.state.view.mode === name ? "after" : name);
  const look = (keys, words, act, more = {}) => ({ group: "Look", keys, words, act, ...more });
  const move = (keys, words, act, more = {}) => ({ group: "Roll and films", keys, words, act, ...more });
  const edit = (keys, words, act, more = {}) => ({ group: "Edit", keys, words, act, ...more });
  const PAN_PX = 80;
  return [
    look(["B", "\\"], "Before, and back", mode("before"), { once: true }),
    look(["Y"], "Split: before and after", mode("split"), { once: true }),
    look(["S"], "Films side by side", mode("films"), { once: true }),
    look(["Z"], "Fit or 100 %", () => viewer.toggleZoom(), { once: true }),
    look(["0"], "Fit", () => viewer.zoomTo("fit")),
    look(["1"], "100 %", () => viewer.zoomTo(1)),
    look(["2"], "200 %", () => viewer.zoomTo(2)),
    look(["5"], "50 %", () => viewer.zoomTo(0.5)),
    look(["+", "-", "="], "Closer, further", (event) => viewer.zoomStep(event.key === "-" ? -1 : 1), { shown: ["+", "-"] }),
    look(["Shift+ArrowLeft", "Shift+ArrowRight", "Shift+ArrowUp", "Shift+ArrowDown"], "Pan", (event) => {
      const [dx, dy] = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
      viewer.panBy(dx * PAN_PX, dy * PAN_PX);
    }, { shown: ["Shift+Arrows"] }),
    look(["J"], "Show clipping", () => clipping.toggle(), { once: true }),
    look(["F"], "The picture alone", () => panels.toggleAlone(), { once: true }),
    move(["ArrowRight"], "Next frame", () => desk.step(1)),
    move(["ArrowLeft"], "Previous frame", () => desk.step(-1)),
    move(["ArrowDown"], "Next film", () => films.step(1)),
    move(["ArrowUp"], "Previous film", () => films.step(-1)),
    move(["/"], "Search films", () => panels.search()),
    move([], "On a frame: move it in the roll", null, { shown: ["Alt+ArrowLeft", "Alt+ArrowRight"] }),
    move(["Delete"], "Take the frame off the roll", () => roll.remove(), { once: true }),
    move(["A"], "Settings for all frames or this one", () => desk.keep({ scope: desk.state.scope === "all" ? "one" : "all" })),
    move(["O"], "Add photos", () => photos.input.click()),
    edit(["Mod+Z"], "Undo", () => desk.undo()),
    edit(["Shift+Mod+Z", "Mod+Y"], "Redo", () => desk.redo()),
    edit(["Mod+C"], "Copy settings", () => !String(getSelection()) && roll.copy()),
    edit(["Mod+V"], "Paste settings", () => roll.paste()),
    edit(["Shift+Mod+V"], "Paste them on all frames", () => roll.paste({ all: true })),
    edit(["R"], "Crop and rotate", () => crop.toggle(), { once: true }),
    edit(["[", "]"], "Rotate left, right", (event) => crop.turn(event.key === "[" ? -1 : 1)),
    edit(["Enter"], "Crop: done", () => crop.isOpen && crop.close(true)),
    edit(["Escape"], "Crop: cancel; whole page back", () => (crop.isOpen ? crop.close(false) : panels.back())),
    edit(["D"], "Develop and download", () => exports.develop([desk.state.chosen]), { once: true }),
    edit(["E"], "Export: format, size, quality", () => exports.open(), { once: true }),
    edit(["?"], "These keys", () => find("#keys").showModal()),
  ];
}

start();
