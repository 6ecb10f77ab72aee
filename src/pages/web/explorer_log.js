// The log: its newest events, live, or the events up to a position.

import { follow, getJson, withQuery } from "/pages/explorer_api.js";
import { byId, hashFor, make, makeCell, makeNumberCell, makeTime, numberFormat, onEnter } from "/pages/explorer_dom.js";
import { STREAM_TYPES, subjectsOf, summarise, typesOf } from "/pages/explorer_events.js";

const ROWS_MAX = 500; // in the page and in memory, however long it is open
const PAGE = 100;
const WINDOW_MAX = 80000; // positions that the service examines for one request
const REQUESTS_MAX = 20;

/** The newest events up to the position `end`, newest first, about a page of them; `start` is the
 * position before the first that was looked at. A filter is looked for in ever wider windows: the
 * log can be read in one direction only. */
async function readBack(end, types, signal) {
  const found = [];
  let start = end;
  let width = PAGE;
  for (let i = 0; i < REQUESTS_MAX && start > 0 && found.length < PAGE; i++) {
    const after = Math.max(0, start - width);
    const page = await getJson(withQuery("/events", { after, limit: PAGE, type: types.join(",") }), signal);
    if (page.events.length === PAGE && width > PAGE && page.next_after < start) {
      width = Math.max(PAGE, Math.floor(width / 8)); // there are more than a page has: look closer to the end
      continue;
    }
    found.push(...page.events.filter((event) => event.position <= start).reverse());
    start = after;
    width = Math.min(width * 4, WINDOW_MAX);
  }
  return { events: found, start };
}

function makeRaw(event) {
  const raw = make("pre", { tabindex: "0", role: "group", "aria-label": `Event ${event.position}` }, JSON.stringify(event, null, 2));
  return make("tr", { class: "raw" }, make("td", { colspan: "6" }, raw));
}

function makeRow(event) {
  const toggle = make("button", { type: "button", class: "plain", "aria-expanded": "false", "aria-label": `Event ${event.position}, raw` }, numberFormat.format(event.position));
  const links = subjectsOf(event).flatMap((subject) => [make("a", { href: subject.hash, title: subject.title }, subject.text), " "]);
  const row = make(
    "tr",
    {},
    makeNumberCell("Position", toggle),
    makeCell("Time (UTC)", makeTime(event.recorded_at)),
    makeCell("Type", make("span", { class: `type ${event.stream_type}` }, event.type)),
    makeCell("What happened", summarise(event)),
    makeCell("Of", ...links),
    makeCell("By", event.metadata.actor),
  );
  row.addEventListener("click", (click) => {
    if (click.target.closest("a") || getSelection().toString() !== "") return;
    const isOpen = toggle.getAttribute("aria-expanded") === "true";
    toggle.setAttribute("aria-expanded", String(!isOpen));
    if (isOpen) row.nextElementSibling.remove();
    else row.after(makeRaw(event));
  });
  return row;
}

/** What came and is not shown yet, the newest alone, and whether it may be shown. */
class Tail {
  #waiting = [];
  #missed = 0; // while paused
  #isDrawing = false;
  isPaused = false;
  isLive = false;

  take(event) {
    this.#waiting.push(event);
    if (this.#waiting.length > ROWS_MAX) this.#waiting.shift();
    if (this.isPaused) this.#missed++;
    this.draw();
  }

  /** Once for each frame of the screen, however many events come between two. */
  draw() {
    if (this.#isDrawing) return;
    this.#isDrawing = true;
    requestAnimationFrame(() => {
      this.#isDrawing = false;
      if (!this.isPaused) this.#showAll();
      this.#tell();
    });
  }

  #showAll() {
    if (this.#waiting.length === 0) return;
    const body = byId("log-rows");
    body.prepend(...this.#waiting.reverse().map(makeRow));
    this.#waiting = [];
    this.#missed = 0;
    byId("log-empty").hidden = true;
    for (let row = body.lastElementChild; body.childElementCount > ROWS_MAX; row = body.lastElementChild) row.remove();
  }

  #tell() {
    const state = this.isPaused ? `Paused, ${numberFormat.format(this.#missed)} new` : this.isLive ? "Live" : "Connecting…";
    const shown = byId("log-state");
    if (shown.textContent !== state) shown.textContent = state;
    shown.classList.toggle("live", this.isLive && !this.isPaused);
  }
}

function fillTypes(stream, type) {
  byId("log-type").replaceChildren(
    make("option", { value: "" }, "All types"),
    ...typesOf(stream).map((one) => make("option", { value: one, selected: one === type }, one)),
  );
}

function showFields({ stream, type, upto }) {
  byId("log-stream").value = stream;
  fillTypes(stream, type);
  byId("log-upto").value = upto ?? "";
  byId("log-pause").hidden = upto !== null;
  byId("log-pause").setAttribute("aria-pressed", "false");
  byId("log-pause").textContent = "Pause";
  byId("log-newest").hidden = upto === null;
  byId("log-newest").href = hashFor("log", "", { stream, type });
}

/** Shows the log until the signal is aborted. Parameters: stream, type, upto. */
export async function openLog(parameters, signal) {
  const filter = { stream: parameters.get("stream") ?? "", type: parameters.get("type") ?? "", upto: parameters.get("upto") };
  const types = filter.type !== "" ? [filter.type] : filter.stream !== "" ? typesOf(filter.stream) : [];
  showFields(filter);
  const tail = new Tail();
  byId("log-pause").addEventListener("click", ({ target }) => {
    tail.isPaused = !tail.isPaused;
    target.setAttribute("aria-pressed", String(tail.isPaused));
    target.textContent = tail.isPaused ? "Go on" : "Pause";
    tail.draw();
  }, { signal });

  const { head } = await getJson("/events?limit=1", signal);
  const end = filter.upto === null ? head : Math.min(Number(filter.upto), head);
  const { events, start } = await readBack(end, types, signal);
  byId("log-rows").replaceChildren(...events.map(makeRow));
  byId("log-empty").hidden = events.length > 0;
  byId("log-earlier").hidden = start === 0;
  byId("log-earlier").href = hashFor("log", "", { ...filter, upto: start });
  if (filter.upto !== null) {
    byId("log-state").textContent = `Up to ${numberFormat.format(end)} of ${numberFormat.format(head)}`;
    byId("log-state").classList.remove("live");
    return;
  }
  await follow(withQuery("/events", { type: types.join(",") }), {
    after: head,
    signal,
    take: (event) => tail.take(event),
    tell: (isLive) => {
      tail.isLive = isLive;
      tail.draw();
    },
  });
}

/** Once, when the page is loaded. */
export function prepareLog() {
  for (const stream of STREAM_TYPES) byId("log-stream").append(make("option", { value: stream }, stream));
  const go = () => {
    const stream = byId("log-stream").value;
    const type = byId("log-type").value;
    const upto = byId("log-upto").value.replace(/\D/g, "");
    location.hash = hashFor("log", "", { stream, type: typesOf(stream).includes(type) ? type : "", upto });
  };
  for (const id of ["log-stream", "log-type"]) byId(id).addEventListener("change", go);
  onEnter(byId("log-upto"), go);
}
