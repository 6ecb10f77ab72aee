// The public API of cartd, as any client would use it: requests, problems, and streams of
// server-sent events by fetch(), since EventSource can't send a bearer token.

import { sleep } from "/pages/explorer_dom.js";

const FIRST_DELAY_MS = 1000;
const LAST_DELAY_MS = 15000;

let token = null; // in memory alone

/** From now on each request has this bearer token; null: none. */
export function setToken(text) {
  token = text;
}

/** What the service refused, and why (RFC 9457). */
export class Problem extends Error {
  constructor(status, document) {
    super([document.title, document.detail].filter(Boolean).join(": "));
    this.status = status;
    this.document = document;
  }

  /** Sending the same again is pointless. */
  get isFinal() {
    return this.status < 500 && this.status !== 429;
  }
}

async function readProblem(answer) {
  const text = await answer.text();
  try {
    return new Problem(answer.status, JSON.parse(text));
  } catch {
    return new Problem(answer.status, { title: `The answer was ${answer.status}` });
  }
}

/** A path with a query; parameters that are null, undefined or empty are left out. */
export function withQuery(path, parameters) {
  const given = Object.entries(parameters).filter(
    ([, value]) => value !== null && value !== undefined && value !== "",
  );
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`;
}

/** The response to a request, if it was a success. Throws a Problem otherwise. `send` is sent as
 * JSON. */
export async function request(path, { method = "GET", accept = "application/json", headers = {}, send, signal } = {}) {
  const answer = await fetch(path, {
    method,
    signal,
    credentials: "omit",
    headers: {
      Accept: accept,
      ...(token === null ? {} : { Authorization: `Bearer ${token}` }),
      ...(send === undefined ? {} : { "Content-Type": "application/json" }),
      ...headers,
    },
    body: send === undefined ? undefined : JSON.stringify(send),
  });
  if (!answer.ok) throw await readProblem(answer);
  return answer;
}

export async function getJson(path, signal) {
  return (await request(path, { signal })).json();
}

/** Lines of a stream of bytes, as they come. Whoever stops reading ends the stream. */
async function* readLines(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const lines = (rest + value).split("\n");
      rest = lines.pop();
      yield* lines;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** The messages of a stream (WHATWG HTML, section 9.2), as cartd writes them: { id, type, data };
 * data is null where a message only says how far the stream has come. */
async function* readMessages(body) {
  let message = { id: null, type: null, data: null };
  for await (const line of readLines(body)) {
    if (line.startsWith("id: ")) message.id = Number(line.slice(4));
    else if (line.startsWith("event: ")) message.type = line.slice(7);
    else if (line.startsWith("data: ")) message.data = line.slice(6);
    else if (line === "") {
      if (message.id !== null || message.data !== null) yield message;
      message = { id: null, type: null, data: null };
    }
  }
}

/** Takes the events of a path after the id `after`, for as long as the signal lets it. A stream
 * that ends is opened again where it ended. Throws the Problem after which that is pointless.
 * tell(isLive) says whether the stream is open. */
export async function follow(path, { after, signal, take, tell }) {
  let last = after;
  let delay = FIRST_DELAY_MS;
  while (!signal.aborted) {
    try {
      const answer = await request(path, {
        accept: "text/event-stream",
        headers: { "Last-Event-ID": String(last) },
        signal,
      });
      tell(true);
      delay = FIRST_DELAY_MS;
      for await (const message of readMessages(answer.body)) {
        if (message.type === "error") throw new Problem(400, JSON.parse(message.data));
        last = message.id ?? last;
        if (message.data !== null) take(JSON.parse(message.data));
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Problem && error.isFinal) throw error;
    }
    tell(false);
    await sleep(delay, signal);
    delay = Math.min(2 * delay, LAST_DELAY_MS);
  }
}
