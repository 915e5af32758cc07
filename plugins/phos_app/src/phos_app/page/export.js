// Taking home: what becomes of a positive in its file, the developing of it, and the download.

import * as api from "./api.js";
import { el, find } from "./dom.js";
import { say, sayProblem } from "./says.js";

const LOSSY = new Set([".jpg", ".jpeg", ".webp", ".avif"]);
const SIZES = [["", "Full size"], ["3840", "3840 px, 4K screen"], ["2048", "2048 px, web"], ["1080", "1080 px, phone"], ["own", "Other …"]];
const AT_FIRST = { suffix: null, quality: null, space: "", long_side_px: null, sharpen: "none", sidecar: true };

const READY = {
  photo: AT_FIRST,
  print: { ...AT_FIRST, suffix: ".tif" },
  web: { ...AT_FIRST, suffix: ".jpg", long_side_px: 2048, space: "srgb", sharpen: "screen" },
};

export class Export {
  #desk;
  #events = null;
  #last = null;

  constructor(desk) {
    this.#desk = desk;
    this.dialog = find("#export");
    this.#fill();
    find("#export-open").addEventListener("click", () => this.open());
    find("#develop").addEventListener("click", () => this.develop([desk.state.chosen]));
    find("#export-develop").addEventListener("click", () => this.develop([desk.state.chosen]));
    find("#develop-all").addEventListener("click", () => this.develop(desk.state.order));
    find("#download").addEventListener("click", () => this.download());
    find("#sidecar").addEventListener("click", () => save(api.sidecarOf(this.#last.job)));
    find("#job-cancel").addEventListener("click", () => this.#cancel());
    desk.on("looks chosen frames kept", () => this.update());
    if (desk.state.job) this.#follow(desk.state.job);
    this.update();
  }

  get settings() {
    return { ...AT_FIRST, ...this.#desk.state.export };
  }

  open() {
    this.#show();
    this.dialog.showModal();
  }

  // --- the dialog

  #fill() {
    const { exports } = this.#desk.catalogue;
    const suffixes = exports.suffixes.filter((each) => ![".jpeg", ".tiff"].includes(each));
    const format = find("#export-format");
    format.replaceChildren(el("option", { value: "", text: "As the photo" }), ...suffixes.map((each) => el("option", { value: each, text: formatName(each) })));
    find("#export-space").replaceChildren(
      el("option", { value: "", text: "As the photo" }),
      ...exports.spaces.map(({ name, label }) => el("option", { value: name, text: label })),
    );
    find("#export-size").replaceChildren(...SIZES.map(([value, text]) => el("option", { value, text })));
    for (const button of this.dialog.querySelectorAll("[data-export]")) {
      button.addEventListener("click", () => {
        this.#desk.keep({ export: { ...READY[button.dataset.export], sidecar: this.settings.sidecar } });
        this.#show();
      });
    }
    for (const id of ["format", "quality", "space", "size", "pixels", "sharpen", "sidecar", "roll"]) {
      find(`#export-${id}`).addEventListener("input", () => this.#take());
    }
  }

  #show() {
    const { suffix, quality, space, long_side_px, sharpen, sidecar } = this.settings;
    find("#export-format").value = suffix ?? "";
    find("#export-quality").value = quality ?? usualQuality(suffix);
    find("#export-space").value = space ?? "";
    const isListed = SIZES.some(([value]) => value === String(long_side_px ?? ""));
    find("#export-size").value = isListed ? String(long_side_px ?? "") : "own";
    find("#export-pixels").value = long_side_px ?? 3000;
    find("#export-sharpen").checked = sharpen === "screen";
    find("#export-sidecar").checked = sidecar;
    find("#export-roll").value = this.#desk.state.roll;
    this.#adapt();
  }

  #take() {
    const size = find("#export-size").value;
    const pixels = Math.round(Number(find("#export-pixels").value));
    const own = pixels >= 16 && pixels <= 65535 ? pixels : null;
    const space = find("#export-space").value;
    this.#desk.keep({
      export: {
        suffix: this.#suffixFor(space),
        quality: this.#quality(),
        space,
        long_side_px: size === "own" ? own : size ? Number(size) : null,
        sharpen: find("#export-sharpen").checked ? "screen" : "none",
        sidecar: find("#export-sidecar").checked,
      },
      roll: find("#export-roll").value,
    });
    this.#adapt();
  }

  // HDR is in some formats alone: where another was chosen, the first of those takes its place.
  #suffixFor(space) {
    const suffix = find("#export-format").value;
    const known = this.#spaceOf(space);
    return known?.is_hdr && !known.suffixes.includes(suffix) ? known.suffixes[0] : suffix || null;
  }

  // Null, the format's usual one, until somebody moves the slider.
  #quality() {
    const value = Number(find("#export-quality").value);
    const usual = usualQuality(this.settings.suffix);
    return value === usual ? null : value;
  }

  #adapt() {
    const { suffix, quality, space } = this.settings;
    const known = this.#spaceOf(space);
    for (const option of find("#export-format").options) option.disabled = Boolean(known?.is_hdr) && !known.suffixes.includes(option.value);
    find("#export-format").value = suffix ?? "";
    find("#export-hdr-hint").hidden = !known?.is_hdr;
    find("#export-quality").value = quality ?? usualQuality(suffix);
    find("#export-quality-row").hidden = suffix !== null && !LOSSY.has(suffix);
    find("#export-quality-said").textContent = quality ?? usualQuality(suffix);
    find("#export-pixels-row").hidden = find("#export-size").value !== "own";
    find("#export-roll-row").hidden = !this.#desk.isRoll;
  }

  // --- what is in sight

  update() {
    const { suffix, long_side_px, space, sharpen } = this.settings;
    const words = [suffix ? formatName(suffix).split(",")[0] : "As the photo", long_side_px ? `${long_side_px} px` : "full size"];
    if (space) words.push(this.#spaceOf(space)?.label ?? space);
    if (sharpen === "screen") words.push("sharpened");
    find("#export-words").textContent = words.join(", ");
    const ready = this.#desk.state.order.filter((id) => this.#desk.frames.get(id).status === "ready");
    const isBusy = Boolean(this.#events);
    find("#export-develop").disabled = find("#develop").disabled = isBusy || this.#desk.chosen?.status !== "ready";
    find("#develop-all").hidden = !this.#desk.isRoll;
    find("#develop-all").disabled = isBusy || !ready.length;
    find("#develop-all").textContent = `Develop all ${ready.length}`;
    find("#download").disabled = !this.#last;
    find("#sidecar").disabled = !this.#last || this.#last.of > 1;
    find("#job-cancel").hidden = !isBusy;
    if (this.#last && !isBusy) this.#tellLast();
  }

  #spaceOf(space) {
    return this.#desk.catalogue.exports.spaces.find((each) => each.name === space);
  }

  #tellLast() {
    const { name, bytes, key } = this.#last;
    const isSame = key === this.#keyOf();
    find("#job-words").textContent = isSame ? `${name}, ${size(bytes)}` : "Changed since it was developed";
    find("#download").title = `${name}, ${size(bytes)}`;
  }

  #keyOf() {
    return JSON.stringify([this.#desk.state.looks, this.settings]);
  }

  // --- developing

  async develop(frames) {
    const desk = this.#desk;
    const ready = frames.filter((id) => desk.frames.get(id)?.status === "ready");
    if (!ready.length || this.#events) return;
    const { sidecar, ...exported } = this.settings;
    const body = {
      frames: ready.map((frame) => ({ frame, settings: desk.settings(frame), framing: desk.framing(frame), raw: desk.raw(frame) })),
      export: { ...exported, sidecar },
      backend: desk.state.backend,
      name: desk.state.roll.trim() || null,
    };
    this.#progress(0, "Waiting");
    try {
      const { job } = await api.startJob(desk.id, body);
      this.asked = { job, frames: ready, key: this.#keyOf() };
      desk.keep({ job });
      this.#follow(job);
    } catch (error) {
      this.#progress(null, "");
      sayProblem(error);
    }
  }

  #follow(job) {
    this.#events?.close();
    const events = api.jobEvents(job);
    this.#events = events;
    events.onmessage = ({ data }) => this.#heard(job, JSON.parse(data));
    events.onerror = () => {
      if (events.readyState !== EventSource.CLOSED) return; // it tries again by itself
      this.#end();
      this.#progress(null, "");
      this.#desk.keep({ job: null });
    };
    this.update();
  }

  #heard(job, event) {
    if (event.state === "waiting") this.#progress(0, event.position > 0 ? `Waiting, ${event.position} before this` : "Waiting");
    else if (event.state === "developing") this.#progress(event.share ?? 0, progressWords(event));
    else this.#finished(job, event);
  }

  #finished(job, event) {
    const isMine = this.asked?.job === job;
    this.#end();
    this.#progress(null, "");
    const failures = event.failures ?? [];
    if (event.state === "done") {
      this.#last = { job, name: event.name, bytes: event.bytes, key: isMine ? this.asked.key : this.#keyOf(), of: isMine ? this.asked.frames.length : (event.of ?? 1) };
      if (isMine) {
        const failed = new Set(failures.map((each) => each.frame));
        const done = this.asked.frames.filter((id) => !failed.has(id));
        this.#desk.keep({ developed: [...new Set([...(this.#desk.state.developed ?? []), ...done])] });
        this.download();
      }
      if (failures.length) this.#tellFailures(failures);
      else if (isMine) say(`Developed ${event.name}, ${size(event.bytes)}.`);
    } else {
      this.#desk.keep({ job: null });
      if (event.state === "failed") sayProblem(new Error(event.message ?? failures.map((each) => each.message).join(" ") ?? "It failed."));
      else find("#job-words").textContent = "Cancelled";
    }
    this.update();
  }

  #tellFailures(failures) {
    const words = failures.map((each) => each.message ?? each);
    sayProblem(new Error(`${failures.length === 1 ? "One frame" : `${failures.length} frames`} failed: ${words.join("; ")}`));
  }

  #end() {
    this.#events?.close();
    this.#events = null;
  }

  async #cancel() {
    if (!this.#desk.state.job) return;
    try {
      await api.cancelJob(this.#desk.state.job);
    } catch (error) {
      sayProblem(error);
    }
  }

  #progress(share, words) {
    const bar = find("#job-progress");
    bar.classList.toggle("is-on", share !== null);
    bar.value = share ?? 0;
    find("#job-words").textContent = words;
  }

  download() {
    if (this.#last) save(api.fileOf(this.#last.job));
  }
}

const usualQuality = (suffix) => (suffix === ".avif" ? 90 : 95);

function save(address) {
  const link = el("a", { href: address, download: "" });
  document.body.append(link);
  link.click();
  link.remove();
}

function progressWords({ frame, of, tile, tiles, share, seconds_left }) {
  const words = [of > 1 ? `Frame ${frame} of ${of}` : `${Math.floor(100 * (share ?? 0))} %`];
  if (tiles > 1) words.push(`tile ${tile} of ${tiles}`);
  if (seconds_left > 1) words.push(left(seconds_left));
  return words.join(", ");
}

function left(seconds) {
  return seconds < 90 ? `${Math.ceil(seconds)} s left` : `${Math.round(seconds / 60)} min left`;
}

export function size(bytes) {
  if (!bytes) return "";
  return bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

function formatName(suffix) {
  const names = { ".jpg": "JPEG", ".png": "PNG, 16 bits kept", ".tif": "TIFF, 16 bits kept", ".webp": "WebP", ".avif": "AVIF", ".exr": "OpenEXR, floats" };
  return names[suffix] ?? suffix.slice(1).toUpperCase();
}
