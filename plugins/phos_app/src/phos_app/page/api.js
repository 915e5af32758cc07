// The server: one function a request. What it refuses is an `ApiError` with its own sentence.

export class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function asked(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, { credentials: "same-origin", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, "phos does not answer. Is it still running in its terminal?");
  }
  if (answer.ok) return answer;
  let message = `The server answered ${answer.status}.`;
  try {
    message = (await answer.json()).message ?? message;
  } catch {
    // not JSON: the number has to do
  }
  throw new ApiError(answer.status, message);
}

function json(body, method = "POST") {
  return { method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body, withoutPlain) };
}

// A picture that is not turned or cropped has no framing.
function withoutPlain(key, value) {
  if (key !== "framing" || !value) return value;
  const { turns, flipped, straighten_degrees, crop } = value;
  const isPlain = !turns && !flipped && !straighten_degrees && String(crop) === "0,0,1,1";
  return isPlain ? null : value;
}

const got = async (path, options) => (await asked(path, options)).json();
const named = (name) => encodeURIComponent(name);

export const catalogue = () => got("/api/catalogue");
export const desk = (id) => got(`/api/desks/${id}`);
export const offered = (settings) => got("/api/offered", json({ settings }));
export const curve = (settings) => got("/api/curve", json({ settings }));
export const backends = () => got("/api/backends");
export const status = () => got("/api/status");

export const keep = (id, state) => asked(`/api/desks/${id}`, json({ state }, "PUT"));

export function keepOnLeaving(id, state) {
  const body = new Blob([JSON.stringify({ state })], { type: "application/json" });
  return navigator.sendBeacon(`/api/desks/${id}?as=put`, body);
}

export const addFrame = (id, file) =>
  got(`/api/desks/${id}/frames`, {
    method: "POST",
    headers: { "X-Name": named(file.name), "Content-Type": "application/octet-stream" },
    body: file,
  });
export const addExample = (id) => got(`/api/desks/${id}/example`, { method: "POST" });
export const removeFrame = (id, frame) =>
  asked(`/api/desks/${id}/frames/${named(frame)}`, { method: "DELETE" });

export async function render(id, body) {
  const answer = await asked(`/api/desks/${id}/render`, json(body));
  return {
    blob: await answer.blob(),
    report: JSON.parse(answer.headers.get("X-Report") ?? "{}"),
    histogram: counts(answer.headers.get("X-Histogram")),
  };
}

// Three times 256 numbers of 32 bits, little end first.
function counts(text) {
  if (!text) return null;
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Uint32Array(bytes.buffer);
}

// Calls `each` with {name, image} as soon as a stamp is there.
export async function stamps(id, body, each, signal) {
  const answer = await asked(`/api/desks/${id}/stamps`, { ...json(body), signal });
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) if (line.trim()) each(JSON.parse(line));
  }
}

export const startJob = (id, body) => got(`/api/desks/${id}/jobs`, json(body));
export const cancelJob = (job) => asked(`/api/jobs/${named(job)}`, { method: "DELETE" });
export const jobEvents = (job) => new EventSource(`/api/jobs/${named(job)}/events`);
export const fileOf = (job) => `/api/jobs/${named(job)}/file`;
export const sidecarOf = (job) => `/api/jobs/${named(job)}/sidecar`;

export const presets = () => got("/api/presets");
export const savePreset = (name, settings, replace) =>
  got("/api/presets", json({ name, settings, replace }));
export const renamePreset = (name, to) => got(`/api/presets/${named(name)}`, json({ name: to }, "PUT"));
export const deletePreset = (name) => asked(`/api/presets/${named(name)}`, { method: "DELETE" });
export const readSettings = (text) =>
  got("/api/settings/read", { method: "POST", headers: { "Content-Type": "application/toml" }, body: text });
export const settingsText = async (settings) =>
  (await asked("/api/settings/text", json({ settings }))).text();
