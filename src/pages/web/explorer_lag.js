// How far behind the log what follows it is: projections, of which reports are made, and reactions.

import { request } from "/pages/explorer_api.js";
import { byId, make, makeCell, makeNumberCell, numberFormat, sleep } from "/pages/explorer_dom.js";

const EVERY_MS = 2000;

/** The figures of /metrics: a value by name and labels, as they are written there. */
function readFigures(text) {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ")))]));
}

function namesOfProjections(figures) {
  const name = /^cartd_projection_lag_events\{projection="(\w+)"\}$/;
  return [...figures.keys()].map((key) => name.exec(key)?.[1]).filter(Boolean);
}

function makeRow(figures, name) {
  const of = (figure) => figures.get(`cartd_projection_${figure}{projection="${name}"}`) ?? 0;
  return make(
    "tr",
    {},
    makeCell("Projection", name.replaceAll("_", " ")),
    makeNumberCell("Events behind", numberFormat.format(of("lag_events"))),
    makeNumberCell("Seconds behind", of("lag_seconds").toFixed(1)),
    makeCell("State", of("paused") === 1 ? make("span", { class: "mark" }, "paused at an event that it can't process") : of("lag_events") === 0 ? "up to date" : "behind"),
  );
}

const REACTION_FIGURES = [
  ["Events behind", "cartd_reaction_lag_events"],
  ["Seconds behind", "cartd_reaction_lag_seconds"],
  ["Paused", "cartd_reactions_paused"],
  ["Timers due", "cartd_reaction_timers_due"],
  ["Seconds overdue", "cartd_reaction_overdue_seconds"],
  ["Commands done", 'cartd_reaction_commands_total{outcome="done"}'],
  ["Commands refused", 'cartd_reaction_commands_total{outcome="refused"}'],
  ["Commands failed", 'cartd_reaction_commands_total{outcome="failed"}'],
];

function show(figures) {
  byId("lag-rows").replaceChildren(...namesOfProjections(figures).map((name) => makeRow(figures, name)));
  byId("lag-reactions").replaceChildren(
    ...REACTION_FIGURES.map(([title, name]) =>
      make("div", {}, make("dt", {}, title), make("dd", {}, numberFormat.format(figures.get(name) ?? 0))),
    ),
  );
  byId("lag-projections-elsewhere").hidden = figures.get("cartd_projection_runner") === 1;
  byId("lag-reactions-elsewhere").hidden = figures.get("cartd_reaction_runner") === 1;
}

/** Shows the lag, anew every two seconds, until the signal is aborted. */
export async function openLag(parameters, signal) {
  byId("lag-whole").hidden = true;
  while (!signal.aborted) {
    if (!document.hidden) {
      const answer = await request("/metrics", { accept: "text/plain", signal });
      show(readFigures(await answer.text()));
      byId("lag-whole").hidden = false;
    }
    await sleep(EVERY_MS, signal);
  }
}
