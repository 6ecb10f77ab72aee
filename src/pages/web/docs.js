// The API reference: what is more convenient with scripts. All it says is there without them.

import { addCopyButton } from "/pages/copy.js";
import { remember, showForm } from "/pages/try.js";

const index = document.querySelector(".index");
const words = document.getElementById("words");
const found = document.getElementById("found");

// ---- the filter ----

/** What an entry can be found by: its own heading and the names in it, not those it refers to. */
function textOf(link, section) {
  const parts = section.querySelectorAll("h2, h3, .route, .name, .status");
  return [link, ...parts].map((part) => part.textContent).join(" ").toLowerCase();
}

const entries = [...document.querySelectorAll("#index a")].map((link) => {
  const section = document.getElementById(link.hash.slice(1));
  return { link, section, text: textOf(link, section) };
});

function filter() {
  const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const { link, section, text } of entries) {
    const isShown = wanted.every((word) => text.includes(word));
    link.parentElement.hidden = section.hidden = !isShown;
    shown += isShown;
  }
  for (const group of document.querySelectorAll("#index > li, .group"))
    group.hidden = group.querySelector(":scope > ul > li:not([hidden]), :scope > section:not([hidden])") === null;
  found.textContent = wanted.length === 0 ? "" : `${shown} of ${entries.length}`;
}

/** A link may lead to what the filter hides. */
function showTarget() {
  const target = document.getElementById(location.hash.slice(1));
  if (target === null || target.closest("[hidden]") === null) return;
  words.value = "";
  filter();
  target.scrollIntoView();
}

words.addEventListener("input", filter);
addEventListener("hashchange", showTarget);
addEventListener("keydown", (event) => {
  const isTyping = event.target.closest("input, textarea, select") !== null;
  if (event.key !== "/" || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  words.focus();
});

// ---- where one is ----

let current = null;

function markCurrent(section) {
  current?.removeAttribute("aria-current");
  current = entries.find((entry) => entry.section === section).link;
  current.setAttribute("aria-current", "location");
  const { top, bottom } = current.getBoundingClientRect();
  const frame = index.getBoundingClientRect();
  if (top < frame.top || bottom > frame.bottom) index.scrollTop = current.offsetTop - index.clientHeight / 2;
}

const watcher = new IntersectionObserver(
  (changes) => {
    const entered = changes.filter((change) => change.isIntersecting);
    if (entered.length > 0) markCurrent(entered.at(-1).target);
  },
  { rootMargin: "-10% 0px -80% 0px" },
);
for (const { section } of entries) watcher.observe(section);

// ---- objects, copies, forms ----

/** What several operations answer with is in the page once; where it is used it is shown on demand. */
function showObject(details) {
  const link = details.querySelector(":scope > p");
  if (link === null) return;
  const object = document.getElementById(`object-${details.dataset.object}`);
  link.replaceWith(...[...object.children].slice(1).map((part) => part.cloneNode(true)));
}

document.addEventListener(
  "toggle",
  ({ target }) => {
    if (!target.open) return;
    if (target.dataset.object) showObject(target);
    else if (target.classList.contains("try")) showForm(target);
  },
  true, // it does not bubble
);
document.querySelectorAll(".code").forEach(addCopyButton);
remember("origin", location.origin);
