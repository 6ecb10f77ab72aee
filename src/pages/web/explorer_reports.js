// Reports, as of any moment, as bars, as a table and as CSV.

import { getJson, request, withQuery } from "/pages/explorer_api.js";
import { byId, hashFor, make, makeCell, makeNumberCell, makeTime, numberFormat } from "/pages/explorer_dom.js";
import { makeBars } from "/pages/explorer_chart.js";

const PAGE = 100;
const BARS_MAX = 20;
const CHARTS_MAX = 4;
const STEPS = 1000; // of the slider; the last is now
const CSV_PAGE = 5000;
const CSV_PAGES_MAX = 50;
const DAYS_BEFORE = 30; // where the slider begins if the log may not be read

const sku = (row) => make("a", { href: hashFor("search", "", { by: "sku", value: row.sku }), title: "Carts with this product" }, row.sku);
const number = (name) => (row) => numberFormat.format(row[name]);

function describeSeconds(seconds) {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86400)} days`;
}

/** Bars of carts for each currency, the first few currencies. */
function barsByCurrency(rows, series, labelOf, valuesOf) {
  return [...new Set(rows.map((row) => row.currency))].slice(0, CHARTS_MAX).map((currency) => ({
    title: currency,
    series,
    bars: rows.filter((row) => row.currency === currency).map((row) => ({ label: labelOf(row), values: valuesOf(row) })),
  }));
}

/** Each report: its rows in the answer, its columns [title, cell, is it a number], its charts. */
const REPORTS = {
  funnel: {
    path: "/reports/funnel",
    rows: "stages",
    isPaged: false,
    columns: [
      ["Stage", (row) => row.stage.replace("_", " ")],
      ["Currency", (row) => row.currency],
      ["Carts", number("carts"), true],
      ["Value in minor units", number("value"), true],
    ],
    charts: (rows) => barsByCurrency(rows, ["carts"], (row) => row.stage.replace("_", " "), (row) => [row.carts]),
  },
  demand: {
    path: "/reports/demand",
    rows: "skus",
    isPaged: true,
    columns: [["Sku", sku], ["Units", number("units"), true], ["Carts", number("carts"), true]],
    charts: (rows) => [{ title: "What open carts hold", series: ["units"], bars: rows.map((row) => ({ label: row.sku, values: [row.units] })) }],
  },
  "removed-then-bought": {
    path: "/reports/removed-then-bought",
    rows: "skus",
    isPaged: true,
    columns: [["Sku", sku], ["Customers", number("customers"), true], ["Median time", (row) => describeSeconds(row.median_seconds), true]],
    charts: (rows) => [{ title: "Removed, and bought later", series: ["customers"], bars: rows.map((row) => ({ label: row.sku, values: [row.customers] })) }],
  },
  "abandoned-carts": {
    path: "/reports/abandoned-carts",
    rows: "days",
    isPaged: true,
    columns: [
      ["Day (UTC)", (row) => row.day],
      ["Currency", (row) => row.currency],
      ["Owner", (row) => row.owner],
      ["Abandoned", number("carts"), true],
      ["Recovered", number("recovered_carts"), true],
      ["Checked out", number("checked_out_carts"), true],
      ["Expired", number("expired_carts"), true],
      ["Still abandoned", number("still_abandoned_carts"), true],
      ["Value in minor units", number("value"), true],
    ],
    charts: (rows) => barsByCurrency(rows, ["abandoned", "recovered"], (row) => `${row.day}, ${row.owner}`, (row) => [row.carts, row.recovered_carts]),
  },
};

function makeTable(report, rows) {
  const cells = (row) =>
    report.columns.map(([title, read, isNumber]) => (isNumber ? makeNumberCell : makeCell)(title, read(row)));
  return make(
    "table",
    { class: "stacks" },
    make("caption", { class: "aside" }, "The report"),
    make("thead", {}, make("tr", {}, ...report.columns.map(([title, , isNumber]) => make("th", { scope: "col", class: isNumber ? "number" : null }, title)))),
    make("tbody", {}, ...rows.map((row) => make("tr", {}, ...cells(row)))),
  );
}

function makeChart({ title, series, bars }) {
  const key = series.length > 1 ? [make("p", { class: "key" }, ...series.map((name, i) => make("span", { class: `bar-${i}` }, name)))] : [];
  return make("figure", {}, make("figcaption", {}, `${title}: ${series.join(", ")}`), ...key, makeBars(title, series, bars.slice(0, BARS_MAX)));
}

// ---- the slider ----

let firstMoment = null; // of the log, in milliseconds: it never changes

/** When the slider begins. Who may not read the log gets so many days. */
async function findStart(signal) {
  if (firstMoment === null) {
    const page = await getJson("/events?limit=1", signal).catch(() => null);
    if (page !== null && page.events.length > 0) firstMoment = Date.parse(page.events[0].recorded_at);
  }
  return firstMoment ?? Date.now() - DAYS_BEFORE * 86400000;
}

/** The moment that the slider stands at, as the API takes it; null: now. */
function momentOf(slider, start, end) {
  const step = Number(slider.value);
  return step === STEPS ? null : new Date(start + ((end - start) * step) / STEPS).toISOString();
}

function tellMoment(moment) {
  const text = moment === null ? "now" : `${moment.slice(0, 10)} ${moment.slice(11, 19)} UTC`;
  byId("reports-moment").textContent = text;
  byId("reports-as-of").setAttribute("aria-valuetext", text);
}

async function prepareSlider(asOf, signal, go) {
  const slider = byId("reports-as-of");
  const start = await findStart(signal);
  const end = Math.max(Date.now(), start + STEPS);
  const share = asOf === null ? 1 : (Date.parse(asOf) - start) / (end - start);
  slider.value = String(Math.min(Math.max(Math.round(share * STEPS), 0), STEPS));
  tellMoment(asOf);
  slider.addEventListener("input", () => tellMoment(momentOf(slider, start, end)), { signal });
  slider.addEventListener("change", () => go(momentOf(slider, start, end)), { signal });
}

// ---- CSV ----

function nextOf(answer) {
  return /<([^>]+)>; rel="next"/.exec(answer.headers.get("Link") ?? "")?.[1] ?? null;
}

/** All pages of a report as one CSV. A link could not bear a token. */
async function readCsv(path, signal) {
  let text = "";
  for (let next = path, page = 0; next !== null && page < CSV_PAGES_MAX; page++) {
    const answer = await request(next, { accept: "text/csv", signal });
    const part = await answer.text();
    text += page === 0 ? part : part.slice(part.indexOf("\n") + 1);
    next = nextOf(answer);
  }
  return text;
}

function download(text, name) {
  const address = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  make("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}

/** Shows a report until the signal is aborted. Parameters: report, as_of, within_days, cursor. */
export async function openReports(parameters, signal, tellProblem) {
  const name = Object.hasOwn(REPORTS, parameters.get("report") ?? "") ? parameters.get("report") : "funnel";
  const report = REPORTS[name];
  const isAboutDays = name === "removed-then-bought";
  const asOf = parameters.get("as_of");
  const days = isAboutDays ? (parameters.get("within_days") ?? "30") : null;
  const query = { as_of: asOf, within_days: days };
  const goTo = (more) => {
    location.hash = hashFor("reports", "", { report: name, ...query, ...more });
  };
  byId("reports-which").value = name;
  byId("reports-days-field").hidden = !isAboutDays;
  byId("reports-days").value = days ?? "30";
  byId("reports-which").addEventListener("change", ({ target }) => goTo({ report: target.value, within_days: null }), { signal });
  byId("reports-days").addEventListener("change", ({ target }) => goTo({ within_days: target.value }), { signal });
  byId("reports-csv").addEventListener("click", () =>
    readCsv(withQuery(report.path, { ...query, limit: report.isPaged ? CSV_PAGE : null }), signal)
      .then((text) => download(text, `${name}.csv`))
      .catch(tellProblem), { signal });
  for (const part of ["reports-charts", "reports-table"]) byId(part).setAttribute("aria-busy", "true");
  await prepareSlider(asOf, signal, (moment) => goTo({ as_of: moment }));

  const path = withQuery(report.path, { ...query, limit: report.isPaged ? PAGE : null, cursor: parameters.get("cursor") });
  const answer = await getJson(path, signal).catch((problem) => {
    for (const part of ["reports-charts", "reports-table"]) byId(part).replaceChildren();
    byId("reports-state").textContent = "";
    throw problem;
  });
  const rows = answer[report.rows];
  byId("reports-state").replaceChildren(
    ...(answer.as_of === null ? ["No event is in it yet."] : ["As of ", makeTime(answer.as_of), ` UTC: ${rows.length === 0 ? "nothing" : `${rows.length} ${rows.length === 1 ? "row" : "rows"}`}`]),
  );
  byId("reports-charts").replaceChildren(...(rows.length === 0 ? [] : report.charts(rows).map(makeChart)));
  byId("reports-table").replaceChildren(...(rows.length === 0 ? [] : [makeTable(report, rows)]));
  for (const part of ["reports-charts", "reports-table"]) byId(part).removeAttribute("aria-busy");
  byId("reports-next").hidden = !answer.next_cursor;
  byId("reports-next").href = hashFor("reports", "", { report: name, ...query, cursor: answer.next_cursor ?? null });
}
