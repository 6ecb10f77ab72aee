// One cart in time: a slider over its versions, what each changed, and the way back to it.

import { Problem, follow, getJson, request, withQuery } from "/pages/explorer_api.js";
import { byId, hashFor, make, makeTime, numberFormat, onEnter, sleep } from "/pages/explorer_dom.js";
import { makeDocument } from "/pages/explorer_document.js";
import { summarise } from "/pages/explorer_events.js";

const PAGE = 100; // events of the list, and of a request
const PAGES_MAX = 20; // in memory
const DOCUMENTS_MAX = 50;
const STEP_MS = 700; // of playing

/** The newest `most` answers to a question, by its key. */
class Cache {
  #answers = new Map();
  constructor(most, ask) {
    this.most = most;
    this.ask = ask;
  }

  get(key) {
    if (!this.#answers.has(key)) {
      const answer = this.ask(key);
      answer.catch(() => this.forget(key));
      this.#answers.set(key, answer);
      if (this.#answers.size > this.most) this.forget(this.#answers.keys().next().value);
    }
    return this.#answers.get(key);
  }

  forget(key) {
    this.#answers.delete(key);
  }
}

/** What is known of one cart. */
class CartHistory {
  constructor(id, signal) {
    this.path = `/carts/${encodeURIComponent(id)}`;
    this.id = id;
    this.signal = signal;
    this.newest = 0;
    this.documents = new Cache(DOCUMENTS_MAX, (version) => getJson(withQuery(this.path, { version }), signal));
    this.pages = new Cache(PAGES_MAX, async (number) => {
      const list = await getJson(withQuery(`${this.path}/events`, { after: number * PAGE, limit: PAGE }), signal);
      return list.events;
    });
  }

  pageOf(version) {
    return Math.floor((version - 1) / PAGE);
  }

  async eventOf(version) {
    const events = await this.pages.get(this.pageOf(version));
    return events.find((event) => event.version === version);
  }

  /** A new version is there. */
  grow(version) {
    this.pages.forget(this.pageOf(version));
    this.newest = Math.max(this.newest, version);
  }
}

/** Shows versions of a cart, one at a time; what is asked for meanwhile comes next, the last alone. */
class Timeline {
  #wanted = null;
  #isShowing = false;
  version = 0;
  isFollowing = false; // of new versions
  isPlaying = false;

  constructor(history) {
    this.history = history;
  }

  async show(version) {
    this.#wanted = Math.min(Math.max(version, 1), this.history.newest);
    byId("cart-slider").value = this.#wanted;
    if (this.#isShowing) return;
    this.#isShowing = true;
    try {
      while (this.#wanted !== null && this.#wanted !== this.version) {
        const next = this.#wanted;
        await this.#draw(next);
        this.version = next;
      }
    } finally {
      this.#isShowing = false;
      this.#wanted = null;
      this.tell();
    }
  }

  async #draw(version) {
    const { history } = this;
    const [cart, before, event, events] = await Promise.all([
      history.documents.get(version),
      version > 1 ? history.documents.get(version - 1) : null,
      history.eventOf(version),
      history.pages.get(history.pageOf(version)),
    ]);
    byId("cart-heading").textContent = `Version ${version}: ${event.type}`;
    byId("cart-event").replaceChildren(...describeEvent(event));
    byId("cart-document").replaceChildren(...makeDocument(before, cart));
    byId("cart-raw").textContent = JSON.stringify(event, null, 2);
    byId("cart-raw-document").textContent = JSON.stringify(cart, null, 2);
    byId("cart-link").href = hashFor("cart", history.id, { version });
    drawList(history.id, events, version);
    window.history.replaceState(null, "", hashFor("cart", history.id, { version }));
  }

  /** What the buttons may do now, and how far it is. */
  tell() {
    const { newest } = this.history;
    const slider = byId("cart-slider");
    slider.max = newest;
    slider.value = this.version;
    slider.setAttribute("aria-valuetext", `Version ${this.version} of ${newest}`);
    const more = newest - this.version;
    byId("cart-state").textContent =
      `Version ${numberFormat.format(this.version)} of ${numberFormat.format(newest)}` +
      (this.isFollowing ? ", live" : more > 0 ? `, ${numberFormat.format(more)} newer` : "");
    byId("cart-state").classList.toggle("live", this.isFollowing);
    byId("cart-before").disabled = this.version === 1;
    byId("cart-after").disabled = more === 0;
    byId("cart-restore").disabled = more === 0;
    byId("cart-older").disabled = this.history.pageOf(this.version) === 0;
    byId("cart-newer").disabled = this.history.pageOf(this.version) === this.history.pageOf(newest);
    byId("cart-play").textContent = this.isPlaying ? "Stop" : "Play";
    byId("cart-play").setAttribute("aria-pressed", String(this.isPlaying));
  }

  /** Somebody chose a version: it stays, whatever comes. */
  choose(version) {
    this.isPlaying = false;
    this.isFollowing = false;
    return this.show(version);
  }

  async play() {
    this.isPlaying = !this.isPlaying;
    this.isFollowing = false;
    if (this.isPlaying && this.version === this.history.newest) await this.show(1);
    this.tell();
    while (this.isPlaying && this.version < this.history.newest) {
      await sleep(STEP_MS, this.history.signal);
      if (!this.isPlaying || this.history.signal.aborted) return;
      await this.show(this.version + 1);
    }
    this.isPlaying = false;
    this.tell();
  }
}

function describeEvent(event) {
  const summary = summarise(event);
  return [summary === "" ? "" : `${summary}. `, "By ", make("b", {}, event.metadata.actor), ", ", makeTime(event.recorded_at), " UTC"];
}

function drawList(id, events, version) {
  const list = byId("cart-events");
  list.start = events[0].version;
  list.replaceChildren(
    ...events.map((event) =>
      make(
        "li",
        {},
        make(
          "a",
          { href: hashFor("cart", id, { version: event.version }), "aria-current": event.version === version ? "true" : null },
          make("b", {}, `${event.version} ${event.type}`),
          make("span", {}, summarise(event)),
          make("span", { class: "quiet" }, makeTime(event.recorded_at), ` by ${event.metadata.actor}`),
        ),
      ),
    ),
  );
  byId("cart-range").textContent = `${events[0].version} to ${events.at(-1).version}`;
  const chosen = list.querySelector("[aria-current]");
  list.scrollTop = chosen.offsetTop - list.offsetTop - list.clientHeight / 2;
}

/** Asks in the page, then has the service put the content of the version back. If somebody has
 * changed the cart since, the service says so and nothing happens. */
function askToRestore(timeline, tellProblem) {
  const { version, history } = timeline;
  const dialog = byId("restore");
  byId("restore-text").textContent =
    `The cart gets the lines, the currency and the details back that it had at version ${version}. ` +
    `That is recorded as new events after version ${history.newest}, so nothing is lost and it can be undone.`;
  byId("restore-no").onclick = () => dialog.close();
  byId("restore-yes").onclick = async () => {
    dialog.close();
    tellProblem(null);
    try {
      const answer = await request(`${history.path}/restore`, {
        method: "POST",
        send: { version },
        headers: { "If-Match": `"${history.newest}"` },
      });
      const cart = await answer.json();
      history.grow(cart.version);
      timeline.isFollowing = true;
      await timeline.show(cart.version);
      byId("cart-heading").focus();
    } catch (problem) {
      tellProblem(problem);
    }
  };
  dialog.showModal();
}

function listen(timeline, signal, tellProblem) {
  const { history } = timeline;
  const on = (id, type, act) =>
    byId(id).addEventListener(type, (event) => Promise.resolve(act(event)).catch(tellProblem), { signal });
  on("cart-slider", "input", ({ target }) => timeline.choose(Number(target.value)));
  on("cart-before", "click", () => timeline.choose(timeline.version - 1));
  on("cart-after", "click", () => timeline.choose(timeline.version + 1));
  on("cart-older", "click", () => timeline.choose(history.pageOf(timeline.version) * PAGE));
  on("cart-newer", "click", () => timeline.choose((history.pageOf(timeline.version) + 1) * PAGE + 1));
  on("cart-play", "click", () => timeline.play());
  on("cart-newest", "click", () => {
    timeline.isPlaying = false;
    timeline.isFollowing = true;
    return timeline.show(history.newest);
  });
  on("cart-restore", "click", () => askToRestore(timeline, tellProblem));
  on("cart-section", "keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step === undefined || event.target.matches("input, pre") || byId("restore").open) return;
    event.preventDefault();
    return timeline.choose(timeline.version + step);
  });
}

let shown = null; // the timeline in the page

/** Another version of the cart that is shown already: true. */
export function moveInCart(parameters) {
  const version = Number(parameters.get("version"));
  if (shown === null || shown.history.signal.aborted || shown.history.id !== parameters.get("cart") || !(version >= 1)) return false;
  if (version > shown.history.newest) return false;
  shown.choose(version);
  return true;
}

/** Shows a cart until the signal is aborted. Parameters: cart, its id; version, without which the
 * newest is followed. tellProblem(problem) shows what a later request was refused with. */
export async function openCart(parameters, signal, tellProblem) {
  const id = parameters.get("cart").trim();
  byId("cart-whole").hidden = true;
  if (id === "") return;
  byId("cart-id").value = id;
  const history = new CartHistory(id, signal);
  history.newest = (await getJson(history.path, signal)).version;
  const timeline = new Timeline(history);
  const version = Number(parameters.get("version"));
  if (version > history.newest) throw new Problem(404, { title: "No such version", detail: `The newest is ${history.newest}.` });
  timeline.isFollowing = !(version >= 1);
  byId("cart-slider").max = history.newest; // before any value, which it limits
  shown = timeline;
  listen(timeline, signal, tellProblem);
  await timeline.show(timeline.isFollowing ? history.newest : version);
  byId("cart-whole").hidden = false;
  await follow(`${history.path}/events`, {
    after: history.newest,
    signal,
    tell: () => {},
    take: (event) => {
      history.grow(event.version);
      if (timeline.isFollowing) timeline.show(history.newest).catch(tellProblem);
      else timeline.tell();
    },
  });
}

/** Once, when the page is loaded. */
export function prepareCart() {
  const go = () => {
    location.hash = hashFor("cart", byId("cart-id").value.trim());
  };
  byId("cart-go").addEventListener("click", go);
  onEnter(byId("cart-id"), go);
}
