// Photos come in: dropped anywhere, chosen, pasted, or the example; one after the other.

import * as api from "./api.js";
import { find } from "./dom.js";
import { hush, say, sayProblem } from "./says.js";

export class Photos {
  #desk;
  #roll;
  #waiting = [];
  #isReading = false;

  constructor(desk, roll) {
    this.#desk = desk;
    this.#roll = roll;
    this.input = find("#photo-files");
    this.input.addEventListener("change", () => {
      this.add([...this.input.files]);
      this.input.value = "";
    });
    for (const button of document.querySelectorAll("[data-act=choose-photos]")) button.addEventListener("click", () => this.input.click());
    find("#example").addEventListener("click", () => this.#example());
    this.#listenToDrops();
    document.addEventListener("paste", (event) => {
      const files = [...(event.clipboardData?.files ?? [])];
      if (files.length) this.add(files);
    });
    desk.on("frames", () => this.show());
    this.show();
  }

  show() {
    const isEmpty = !this.#desk.state.order.length && !this.#waiting.length;
    document.body.classList.toggle("is-empty", isEmpty);
    find("#landing").hidden = !isEmpty;
    find("#workspace").hidden = isEmpty;
  }

  add(files) {
    this.#waiting.push(...files);
    this.show();
    this.#told();
    if (!this.#isReading) this.#read();
  }

  async #read() {
    this.#isReading = true;
    const failures = [];
    while (this.#waiting.length) {
      const [file] = this.#waiting;
      try {
        const frame = await api.addFrame(this.#desk.id, file);
        if (frame.status === "failed") failures.push(frame.error);
        this.#waiting.shift();
        this.#desk.add(frame);
      } catch (error) {
        this.#waiting.shift();
        failures.push(error.message);
      }
      this.#told();
    }
    this.#isReading = false;
    this.show();
    if (failures.length) sayProblem(new Error(failures.join(" ")));
  }

  #told() {
    this.#roll.reading = this.#waiting.map((file) => file.name);
    find("#progress").classList.toggle("is-reading", this.#waiting.length > 0);
  }

  async #example() {
    const button = find("#example");
    button.disabled = true;
    say("Opening the example");
    try {
      this.#desk.add(await api.addExample(this.#desk.id));
      hush();
    } catch (error) {
      sayProblem(error);
    } finally {
      button.disabled = false;
    }
  }

  #listenToDrops() {
    let depth = 0;
    const brings = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
    const over = (isOver) => document.body.classList.toggle("is-over", isOver);
    document.addEventListener("dragenter", (event) => {
      if (brings(event)) over(++depth > 0);
    });
    document.addEventListener("dragleave", (event) => {
      if (brings(event)) over(--depth > 0);
    });
    document.addEventListener("dragover", (event) => {
      if (brings(event)) event.preventDefault();
    });
    document.addEventListener("drop", (event) => {
      if (!brings(event)) return;
      event.preventDefault();
      depth = 0;
      over(false);
      this.add([...event.dataTransfer.files]);
    });
  }
}
