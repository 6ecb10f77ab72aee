// Elements and texts: what all sections of the explorer are made of.

/** The element with this id. */
export const byId = (id) => document.getElementById(id);

/** A new element. Attributes that are null or false are left out. Texts among the children stay
 * texts: what users wrote is never markup. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes))
    if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  element.append(...children);
  return element;
}

/** The address of a section: hashFor("cart", id, { version: 2 }) is "#cart=…&version=2". Members
 * that are null or empty are left out. */
export function hashFor(section, value = "", parameters = {}) {
  const given = Object.entries(parameters).filter(([, member]) => member !== null && member !== "");
  const first = value === "" ? section : `${section}=${encodeURIComponent(value)}`;
  return `#${[first, ...given.map(([name, member]) => `${name}=${encodeURIComponent(member)}`)].join("&")}`;
}

export const numberFormat = new Intl.NumberFormat("en");

/** A moment of the service, "2026-11-23T04:38:02.000001Z", as <time> in UTC to the second. */
export function makeTime(moment) {
  if (moment === null) return "";
  return make("time", { datetime: moment, title: moment }, `${moment.slice(0, 10)} ${moment.slice(11, 19)}`);
}

/** 1299 in a currency of two decimals: "12.99 EUR". */
export function formatMoney(amount, minorUnit, currency) {
  const digits = String(Math.abs(amount)).padStart(minorUnit + 1, "0");
  const whole = numberFormat.format(BigInt(digits.slice(0, digits.length - minorUnit)));
  const rest = minorUnit > 0 ? `.${digits.slice(-minorUnit)}` : "";
  return `${amount < 0 ? "\u2212" : ""}${whole}${rest} ${currency}`;
}

/** An id of which the end tells it from others of the same time. */
export const shortId = (id) => `\u2026${id.slice(-8)}`;

export const shorten = (text, most = 160) => (text.length > most ? `${text.slice(0, most)}\u2026` : text);

/** One cell of a row; `label` is what its column is called where a phone shows rows as blocks. */
export function makeCell(label, ...children) {
  return make("td", { "data-label": label }, ...children);
}

export function makeNumberCell(label, ...children) {
  const cell = makeCell(label, ...children);
  cell.classList.add("number");
  return cell;
}

/** Enter in an input does what its button does. */
export function onEnter(input, act) {
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.isComposing) act();
  });
}

/** Resolves after so many milliseconds, or at once when the signal is aborted. */
export function sleep(milliseconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}
