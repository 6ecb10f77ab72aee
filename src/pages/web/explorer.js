// The explorer: a section for each address behind the #, such as #cart=ID&version=2. A section is
// open until the next one is; then its signal ends its requests, streams and listeners.

import { Problem, setToken } from "/pages/explorer_api.js";
import { byId, onEnter } from "/pages/explorer_dom.js";
import { moveInCart, openCart, prepareCart } from "/pages/explorer_cart.js";
import { openLog, prepareLog } from "/pages/explorer_log.js";

/** open(parameters, signal, tellProblem) shows a section; move(parameters) is true if what is shown
 * could do it without being opened anew. */
const SECTIONS = {
  log: { open: openLog },
  cart: { open: openCart, move: moveInCart },
};

let current = { name: null, ending: new AbortController() };

/** Shows in its section why something failed; null: nothing did. */
function tellProblem(section, problem) {
  const shown = section.querySelector(".problem");
  shown.hidden = problem === null;
  if (problem === null || problem.name === "AbortError") {
    shown.hidden = true;
    return;
  }
  if (problem.status === 401) askForToken(problem);
  const isForbidden = problem.status === 403;
  shown.textContent = `${isForbidden ? "The token may not see this. " : ""}${problem.message}`;
  if (!(problem instanceof Problem)) console.warn(problem);
}

function askForToken(problem) {
  byId("access").hidden = false;
  byId("access-problem").textContent = problem.document.detail ?? problem.message;
}

async function open(name, parameters) {
  current.ending.abort();
  const ending = new AbortController();
  current = { name, ending };
  for (const other of Object.keys(SECTIONS)) byId(other).hidden = other !== name;
  for (const link of document.querySelectorAll(".tabs a"))
    if (link.hash === `#${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  const section = byId(name);
  const tell = (problem) => {
    if (!ending.signal.aborted) tellProblem(section, problem);
  };
  tell(null);
  try {
    await SECTIONS[name].open(parameters, ending.signal, tell);
  } catch (problem) {
    tell(problem);
  }
}

/** What the address says; what is no section, such as #main, leaves things as they are. */
function route() {
  const parameters = new URLSearchParams(location.hash.slice(1));
  const name = parameters.keys().next().value ?? "log";
  if (!Object.hasOwn(SECTIONS, name)) {
    if (current.name === null) open("log", new URLSearchParams());
    return;
  }
  if (current.name === name && SECTIONS[name].move?.(parameters)) return;
  open(name, parameters);
}

function bearToken(text) {
  setToken(text);
  byId("token").value = "";
  byId("access-problem").textContent = "";
  byId("forget-token").hidden = text === null;
  current.name = null;
  route();
}

function useToken() {
  const text = byId("token").value.trim();
  if (text !== "") bearToken(text);
}

byId("use-token").addEventListener("click", useToken);
byId("forget-token").addEventListener("click", () => bearToken(null));
onEnter(byId("token"), useToken);
prepareLog();
prepareCart();
addEventListener("hashchange", route);
route();
