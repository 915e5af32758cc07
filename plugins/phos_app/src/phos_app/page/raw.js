// How a camera's raw file becomes light, between the controls and what the server takes: there a
// white balance is one setting, here it is a choice with a temperature and a tint.

export const GROUP = "Raw";
const TEMPERATURE = "temperature";

// The value of each control.
export function values(settings, controls) {
  const all = Object.fromEntries(controls.map((control) => [control.name, control.default]));
  const { white_balance, ...others } = settings;
  Object.assign(all, others);
  if (Array.isArray(white_balance)) [all.white_balance, all.kelvin, all.tint] = [TEMPERATURE, ...white_balance];
  else if (white_balance !== undefined) all.white_balance = white_balance;
  return all;
}

// The settings after a control was moved: those alone that differ from the defaults.
export function changed(settings, name, value, controls) {
  const { kelvin, tint, ...others } = { ...values(settings, controls), [name]: value };
  const defaults = values({}, controls);
  if (others.white_balance === TEMPERATURE) others.white_balance = [kelvin, tint];
  return Object.fromEntries(Object.entries(others).filter(([key, each]) => each !== defaults[key]));
}

// A temperature and a tint are of a white balance that is one.
export function counts(name, { white_balance }) {
  return white_balance === TEMPERATURE || (name !== "kelvin" && name !== "tint");
}
