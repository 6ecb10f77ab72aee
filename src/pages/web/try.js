// "Try it": a form made of what the reference says of an operation, and what the server answers.

import { addCopyButton } from "/pages/copy.js";

const SECRETS = ["Authorization", "Cart-Token"];

/** Values by name, so that a cart that one form created is the one that the next is about. They are in
 *  memory only: a token is gone with the page. */
const known = new Map();

/** A value in a path, which a shell takes as it is too. */
function encode(value) {
  return encodeURIComponent(value).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16)}`);
}

/** Puts a value into the forms and the curl lines that need it. */
export function remember(name, value) {
  known.set(name, value);
  for (const field of document.querySelectorAll("[data-known]"))
    if (field.dataset.known === name && field !== document.activeElement) field.value = value;
  for (const part of document.querySelectorAll(".curl [data-value]"))
    if (part.dataset.value === name && value !== "")
      part.textContent = name === "origin" ? value : encode(value);
}

function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

// ---- the form ----

function readParameters(section) {
  return [...section.querySelectorAll("li[data-in]")].map((row) => ({
    name: row.querySelector(".name").textContent,
    place: row.dataset.in,
    example: row.dataset.example,
    isRequired: row.querySelector(":scope > .required") !== null,
  }));
}

function makeField({ name, place, example, isRequired }, label = name) {
  const field = make("input", {
    required: isRequired,
    placeholder: example,
    autocomplete: "off",
    spellcheck: false,
    type: SECRETS.includes(name) ? "password" : "text",
  });
  field.dataset.name = name;
  field.dataset.place = place;
  if (place === "path" || SECRETS.includes(name)) {
    field.dataset.known = name;
    field.value = known.get(name) ?? "";
    field.addEventListener("input", () => remember(name, field.value));
  }
  return make("label", {}, isRequired ? `${label} (required)` : label, field);
}

/** The body, and a choice of examples of it if there are several. */
function makeBody(examples) {
  const text = make("textarea", { rows: 8, spellcheck: false, value: examples[0].textContent });
  text.dataset.place = "body";
  const parts = [make("label", { className: "whole" }, "Body", text)];
  if (examples.length > 1) {
    const titles = examples.map((example) => example.closest("details").querySelector("summary").textContent);
    const choice = make("select", {}, ...titles.map((title, i) => make("option", { value: i }, title)));
    choice.addEventListener("change", () => (text.value = examples[choice.value].textContent));
    parts.unshift(make("label", { className: "whole" }, "Example", choice));
  }
  return parts;
}

function makeAccept(media) {
  const choice = make("select", {}, ...media.map((one) => make("option", {}, one)));
  choice.dataset.name = "Accept";
  choice.dataset.place = "header";
  const label = make("label", {}, "Accept", choice);
  label.hidden = media.length < 2;
  return label;
}

function makeForm(section, button, status) {
  const { bearer, media } = section.dataset;
  const form = make("form", { autocomplete: "off" });
  form.append(...readParameters(section).map((parameter) => makeField(parameter)));
  if (bearer !== undefined)
    form.append(makeField({ name: "Authorization", place: "header", example: "eyJhbGciOi…" }, "Bearer token"));
  if (media !== "") form.append(makeAccept(media.split(" ")));
  const examples = [...section.querySelectorAll("pre[data-body]")];
  if (examples.length > 0) form.append(...makeBody(examples));
  form.append(make("div", { className: "whole send" }, button, status));
  return form;
}

/** Fills a "Try it" when it is opened for the first time. */
export function showForm(details) {
  if (details.querySelector("form") !== null) return;
  const section = details.closest(".operation");
  const { method } = section.dataset;
  const isSafe = method === "GET";
  const note = make("p", { className: isSafe ? "note" : "note warn" });
  note.textContent = isSafe ? "This reads from this server." : "This changes real data of this server.";
  const button = make("button", { type: isSafe ? "submit" : "button", className: "main" }, `Send ${method}`);
  const status = make("span", { role: "status" });
  const form = makeForm(section, button, status);
  const answer = make("div", { className: "answer" });
  details.querySelector("p").replaceWith(note, form, answer);

  let isSent = false;
  async function send() {
    if (isSent || !form.reportValidity()) return;
    isSent = true;
    status.textContent = "Sent, and waiting for the answer…";
    answer.replaceChildren();
    const received = await exchange(section.dataset, readFields(form)).catch(() => null);
    isSent = false;
    if (received === null) {
      status.textContent = "There was no answer. Is the server running?";
      return;
    }
    status.textContent = `${received.status} ${received.reason} after ${received.ms} ms`;
    answer.replaceChildren(...describe(received));
    learn(received);
  }
  // The key Enter in a field sends only what changes nothing.
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (isSafe) send();
  });
  if (!isSafe) button.addEventListener("click", send);
}

// ---- the request ----

function readFields(form) {
  const fields = [...form.querySelectorAll("[data-place]")].filter((field) => field.value !== "");
  return fields.map((field) => ({ ...field.dataset, value: field.value }));
}

async function exchange({ method, path }, fields) {
  const headers = new Headers();
  const query = new URLSearchParams();
  let target = path;
  let body = null;
  for (const { place, name, value } of fields) {
    if (place === "path") target = target.replace(`{${name}}`, encode(value));
    else if (place === "query") query.append(name, value);
    else if (place === "body") body = value;
    else headers.set(name, name === "Authorization" ? `Bearer ${value}` : value);
  }
  if (body !== null) headers.set("Content-Type", "application/json");
  if (String(query) !== "") target += `?${query}`;
  const start = performance.now();
  const answer = await fetch(target, { method, headers, body, cache: "no-store", credentials: "omit" });
  const text = await answer.text();
  return {
    status: answer.status,
    reason: answer.statusText,
    headers: answer.headers,
    text,
    ms: Math.round(performance.now() - start),
  };
}

// ---- the answer ----

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Indented, unless it would not be the same then: JavaScript has no integers above 2^53. */
function print(text) {
  const value = parse(text);
  return value !== null && JSON.stringify(value) === text ? JSON.stringify(value, null, 2) : text;
}

function describe({ headers, text }) {
  const list = make("dl");
  for (const [name, value] of headers) list.append(make("dt", {}, name), make("dd", {}, value));
  const parts = [make("details", {}, make("summary", {}, "Headers"), list)];
  if (text !== "") {
    const block = make("div", { className: "code" }, make("pre", { tabIndex: 0 }, make("code", {}, print(text))));
    addCopyButton(block);
    parts.push(block);
  }
  return parts;
}

/** What the next request is probably about. */
function learn({ headers, text }) {
  const token = headers.get("Cart-Token");
  if (token !== null) remember("Cart-Token", token);
  const value = parse(text);
  if (!Array.isArray(value?.items) || value.id === undefined) return;
  remember("cart_id", value.id);
  if (value.items.length > 0) remember("item_id", value.items.at(-1).id);
}
