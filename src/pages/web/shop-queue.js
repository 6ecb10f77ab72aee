// Commands that wait to be sent, in order, each with its idempotency key. They are in localStorage, one
// entry a command, so they outlive the page and are seen by every tab. Should two tabs send the same
// one, the service executes it once and answers both, as they have the same key.

import { CartdProblem, CartdUnreachable } from "./client.js";
import { namesOf, read, write } from "./shop-storage.js";

const PREFIX = "command.";
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 15000;

/** A random UUID, also where the page came over plain HTTP and crypto.randomUUID is not there. */
export function makeUuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40; // version 4, RFC 9562
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** After all names that there are, also if the clock was put back. */
function nextName() {
  const last = Number(namesOf(PREFIX).at(-1)?.slice(PREFIX.length, PREFIX.length + 15) ?? 0);
  const number = Math.max(Date.now(), last + 1);
  return `${PREFIX}${String(number).padStart(15, "0")}-${makeUuid()}`;
}

/** Runs one function at a time in all tabs, where the browser can. */
function alone(work) {
  return navigator.locks ? navigator.locks.request("cartd.shop.queue", work) : work();
}

/** Without an answer, or with one that says "later" or "log in", it is sent again. */
function isForLater(error) {
  if (error instanceof CartdProblem) return [401, 503].includes(error.status) || error.is("too-many-requests");
  return error instanceof CartdUnreachable;
}

export class Queue {
  #send;
  #told;
  #isRunning = false;
  #timer = null;
  #delay = FIRST_DELAY_MS;

  /**
   * send(entry) sends one; told has onChange(), onAnswer(entry, cart), onRefused(entry, error) and
   * onDelay(error): it will be sent again.
   */
  constructor(send, told) {
    this.#send = send;
    this.#told = told;
  }

  entries() {
    return namesOf(PREFIX).map(read).filter((entry) => entry !== null);
  }

  /** Appends a command, and begins to send. `more` is stored with it. */
  add(command, more = {}) {
    const entry = { name: nextName(), key: makeUuid(), command, isAttempted: false, ...more };
    write(entry.name, entry);
    this.#told.onChange();
    this.run();
    return entry;
  }

  /** Whether it is still here and was never sent, so that it can be dropped without a trace. */
  isUnsent(entry) {
    return read(entry.name)?.isAttempted === false;
  }

  isWaiting(entry) {
    return read(entry.name) !== null;
  }

  /** Says something else instead, if it was never sent. */
  replace(entry, command) {
    write(entry.name, { ...entry, command });
    this.#told.onChange();
  }

  drop(entry) {
    write(entry.name, null);
    this.#told.onChange();
  }

  /** Sends what waits, until all is answered or the line is down. */
  async run() {
    if (this.#isRunning) return;
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#isRunning = true;
    try {
      await alone(() => this.#sendAll());
    } finally {
      this.#isRunning = false;
    }
    if (this.#timer === null && this.entries().length > 0) this.run();
  }

  async #sendAll() {
    for (let entry = this.entries()[0]; entry; entry = this.entries()[0]) {
      write(entry.name, { ...entry, isAttempted: true });
      try {
        const cart = await this.#send(entry);
        this.#delay = FIRST_DELAY_MS;
        this.#told.onAnswer(entry, cart);
        this.drop(entry);
      } catch (error) {
        if (isForLater(error)) return this.#waitAfter(error);
        this.drop(entry);
        this.#told.onRefused(entry, error);
      }
    }
  }

  #waitAfter(error) {
    this.#timer = setTimeout(() => this.run(), this.#delay);
    this.#delay = Math.min(2 * this.#delay, LONGEST_DELAY_MS);
    this.#told.onDelay(error);
  }
}
