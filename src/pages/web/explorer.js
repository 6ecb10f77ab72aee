// The explorer: a section for each address behind the #, such as #cart=ID&version=2. A section is
// open until the next one is; then its signal ends its requests, streams and listeners.

import { Problem, setToken } from "/pages/explorer_api.js";
import { byId, onEnter } from "/pages/explorer_dom.js";
import { moveInCart, openCart, prepareCart } from "/pages/explorer_cart.js";
import { openCoupons, prepareCoupons } from "/pages/explorer_coupons.js";
import { openLag } from "/pages/explorer_lag.js";
import { openLog, prepareLog } from "/pages/explorer_log.js";
import { openReports } from "/pages/explorer_reports.js";
import { openSearch, prepareSearch } from "/pages/explorer_search.js";

/** open(parameters, signal, tellProblem) shows a section; move(parameters) is true if what is shown
 * could do it without being opened anew. */
const SECTIONS = {
  log: { open: openLog },
  search: { open: openSearch },
  cart: { open: openCart, move: moveInCart },
  reports: { open: openReports },
  coupons: { open: openCoupons },
  lag: { open: openLag },
};

let current = { name: null, ending: new AbortController() };

/** Shows in its section why something failed; null: nothing did. */
function tellProblem(section, problem) {
  const shown = section.querySelector(".problem");
  shown.hidden = problem === null;
  shown.textContent = "";
  if (problem === null) return;
  shown.textContent = `${problem.status === 403 ? "The token may not see this. " : ""}${problem.message}`;
  if (problem.status === 401) askForToken(problem);
  if (!(problem instanceof Problem)) console.warn(problem);
}

function askForToken(problem) {
  byId("access").hidden = false;
  byId("bearing").hidden = true;
  byId("access-problem").textContent = problem.document.detail ?? problem.message;
}

const sectionOf = (name) => byId(`${name}-section`);

/** Shows one section alone. Focus that was in another one goes to its heading. */
function turnTo(name) {
  const focused = document.activeElement.closest("section");
  for (const other of Object.keys(SECTIONS)) sectionOf(other).hidden = other !== name;
  for (const link of document.querySelectorAll(".tabs a"))
    if (link.hash === `#${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  const heading = byId(`${name}-title`);
  document.title = `${heading.textContent}: explorer of cartd`;
  if (focused?.hidden) heading.focus();
}

async function open(name, parameters) {
  current.ending.abort();
  const ending = new AbortController();
  current = { name, ending };
  turnTo(name);
  const section = sectionOf(name);
  const tell = (problem) => {
    if (!ending.signal.aborted) tellProblem(section, problem);
  };
  tell(null);
  try {
    await SECTIONS[name].open(parameters, ending.signal, tell);
  } catch (problem) {
    if (ending.signal.aborted) return;
    tell(problem);
    for (const rows of section.querySelectorAll("tbody")) rows.replaceChildren();
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

/** Opens what is open anew, with this token; null: without one. */
function bearToken(text) {
  setToken(text);
  byId("token").value = "";
  byId("access").hidden = true;
  byId("bearing").hidden = text === null;
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
prepareSearch();
prepareCart();
prepareCoupons();
addEventListener("hashchange", route);
route();
