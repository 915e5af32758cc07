/* Before and after, one over the other, divided by a line that is dragged or moved by keys.
   Tells the page where the line came to rest, and which point of the picture was double-clicked. */

const STEP = 2;
const LARGE_STEP = 10;
const TAP_MS = 350;

function clamp(percent) {
  return Math.min(100, Math.max(0, percent));
}

export default function (component) {
  const { data, parentElement, setStateValue, setTriggerValue } = component;
  const figure = parentElement.querySelector(".comparison");
  const divider = parentElement.querySelector(".divider");
  const [before, after] = ["before", "after"].map((name) => parentElement.querySelector(`img.${name}`));

  // It is called again for each new render: the line stays where somebody put it.
  let position = Number(figure.dataset.position ?? data.position);

  function show(percent) {
    position = clamp(percent);
    figure.dataset.position = position;
    figure.style.setProperty("--position", `${position}%`);
    divider.setAttribute("aria-valuenow", Math.round(position));
    divider.setAttribute("aria-valuetext", `${Math.round(position)} % before`);
  }

  function tell() {
    setStateValue("position", Math.round(position * 10) / 10);
  }

  function percentAt(event) {
    const box = figure.getBoundingClientRect();
    return (100 * (event.clientX - box.left)) / box.width;
  }

  function pointAt(event) {
    const box = figure.getBoundingClientRect();
    return {
      across: (event.clientX - box.left) / box.width,
      down: (event.clientY - box.top) / box.height,
    };
  }

  figure.classList.toggle("full-size", data.full_size);
  figure.style.setProperty("--width", data.width);
  figure.style.setProperty("--height", data.height);
  before.src = data.before;
  after.src = data.after;
  before.alt = data.before_label;
  after.alt = data.after_label;
  parentElement.querySelector(".of-before").textContent = data.before_label;
  parentElement.querySelector(".of-after").textContent = data.after_label;
  divider.setAttribute("aria-label", "Before and after");
  show(position);

  let dragged = false;
  figure.onpointerdown = (event) => {
    if (event.button !== 0) return;
    dragged = true;
    figure.setPointerCapture(event.pointerId);
    divider.focus({ preventScroll: true });
    show(percentAt(event));
  };
  figure.onpointermove = (event) => {
    if (dragged) show(percentAt(event));
  };
  figure.onpointerup = () => {
    if (dragged) tell();
    dragged = false;
  };
  figure.onpointercancel = figure.onpointerup;

  // Fingers have no dblclick everywhere: two taps near each other are one.
  let last = { time: -Infinity };
  figure.onclick = (event) => {
    const near = Math.hypot(event.clientX - last.x, event.clientY - last.y) < 24;
    if (near && event.timeStamp - last.time < TAP_MS) setTriggerValue("point", pointAt(event));
    last = { time: event.timeStamp, x: event.clientX, y: event.clientY };
  };

  divider.onkeydown = (event) => {
    const moves = {
      ArrowLeft: -STEP,
      ArrowDown: -STEP,
      ArrowRight: STEP,
      ArrowUp: STEP,
      PageDown: -LARGE_STEP,
      PageUp: LARGE_STEP,
      Home: -100,
      End: 100,
    };
    if (!(event.key in moves)) return;
    event.preventDefault();
    show(position + moves[event.key]);
    tell();
  };

  return () => {
    figure.onpointerdown = figure.onpointermove = figure.onpointerup = null;
    figure.onpointercancel = figure.onclick = divider.onkeydown = null;
  };
}
