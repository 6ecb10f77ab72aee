// The figures of the start page: from the same addresses that anybody may ask.

import { letCopy } from "/pages/copy.js";

const EVERY_MS = 2000;

function show(name, text) {
  document.querySelector(`[data-figure="${name}"]`).textContent = text;
}

async function ask(path, accept = "application/json") {
  const answer = await fetch(path, { headers: { Accept: accept } });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer;
}

async function readMetrics() {
  const text = await (await ask("/metrics", "text/plain")).text();
  const rows = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(rows.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ")))]));
}

const number = new Intl.NumberFormat();
let last = null; // the position of the log when it was asked for before, and when

async function showLog() {
  const page = await (await ask("/events?limit=1")).json();
  const now = { position: page.head, at: performance.now() };
  show("events", number.format(now.position));
  if (last !== null) {
    const rate = ((now.position - last.position) * 1000) / (now.at - last.at);
    show("rate", rate < 10 ? rate.toFixed(1) : number.format(Math.round(rate)));
  }
  last = now;
}

async function showDatabase() {
  const answer = await fetch("/readyz");
  show("database", answer.ok ? "ready" : "not ready");
}

async function showCarts() {
  const page = await (await ask("/carts?status=open&limit=1&count=true")).json();
  show("carts", number.format(page.count) + (page.count_is_exact ? "" : "+"));
}

/** What fails is not shown; it may be for operators only. */
async function showAll() {
  const parts = [showDatabase(), showCarts(), showLog()];
  const results = await Promise.allSettled(parts);
  document.getElementById("missing").hidden = results.every((result) => result.status === "fulfilled");
}

async function repeat() {
  if (!document.hidden) await showAll();
  setTimeout(repeat, EVERY_MS);
}

const line = `curl -X POST ${location.origin}/carts`;
document.querySelector("#line code").textContent = line;
letCopy(document.getElementById("copy"), document.querySelector("#line code"));

ask("/").then(async (answer) => show("version", (await answer.json()).version));
repeat();
