// Coupons: what they take off, for what, and how often they were used.

import { getJson, withQuery } from "/pages/explorer_api.js";
import { byId, hashFor, make, makeCell, makeNumberCell, makeTime, numberFormat, onEnter } from "/pages/explorer_dom.js";
import { describeAmounts, describeCoupon } from "/pages/explorer_events.js";

const PAGE = 50;
const NAMES_MAX = 5; // of products or tags, for which a coupon is

function describeNames(what, names) {
  if (names.length === 0) return [];
  const more = names.length > NAMES_MAX ? ` and ${names.length - NAMES_MAX} more` : "";
  return [`${what} ${names.slice(0, NAMES_MAX).join(", ")}${more}`];
}

function describeConditions(coupon) {
  const minimum = describeAmounts(coupon.minimum);
  return [
    ...(minimum === "" ? [] : [`from ${minimum}`]),
    ...describeNames("skus", coupon.skus),
    ...describeNames("tags", coupon.tags),
    ...(coupon.limit_per_customer === null ? [] : [`${coupon.limit_per_customer} for each customer`]),
    ...(coupon.combinable ? [] : ["alone"]),
  ].join("; ");
}

function describeState(coupon) {
  const now = new Date().toISOString();
  if (coupon.withdrawn) return "withdrawn";
  if (coupon.ends_at !== null && coupon.ends_at <= now) return "over";
  if (coupon.starts_at !== null && coupon.starts_at > now) return "not yet";
  return coupon.limit !== null && coupon.used >= coupon.limit ? "used up" : "valid";
}

function makeUse(coupon) {
  const used = numberFormat.format(coupon.used);
  if (coupon.limit === null) return [used];
  return [`${used} of ${numberFormat.format(coupon.limit)} `, make("progress", { value: coupon.used, max: coupon.limit, "aria-label": `Uses of ${coupon.code}` })];
}

function makeRow(coupon) {
  return make(
    "tr",
    {},
    makeCell("Code", make("b", {}, coupon.code)),
    makeCell("Takes off", describeCoupon(coupon)),
    makeCell("If", describeConditions(coupon)),
    makeNumberCell("Used", ...makeUse(coupon)),
    makeCell("State", describeState(coupon)),
    makeCell("Until (UTC)", makeTime(coupon.ends_at)),
    makeCell("Carts", make("a", { href: hashFor("search", "", { by: "coupon", value: coupon.code }), "aria-label": `Carts with ${coupon.code}` }, "carts")),
  );
}

/** Shows a page of coupons, or the one whose code it is. Parameters: coupons (a code), cursor. */
export async function openCoupons(parameters, signal) {
  const code = parameters.get("coupons") ?? "";
  byId("coupons-code").value = code;
  byId("coupons-rows").replaceChildren();
  byId("coupons-next").hidden = true;
  const list =
    code === ""
      ? await getJson(withQuery("/coupons", { limit: PAGE, cursor: parameters.get("cursor") }), signal)
      : { coupons: [await getJson(`/coupons/${encodeURIComponent(code)}`, signal)], next_cursor: null };
  byId("coupons-rows").replaceChildren(...list.coupons.map(makeRow));
  byId("coupons-empty").hidden = list.coupons.length > 0;
  byId("coupons-next").hidden = list.next_cursor === null;
  byId("coupons-next").href = hashFor("coupons", "", { cursor: list.next_cursor });
}

/** Once, when the page is loaded. */
export function prepareCoupons() {
  const go = () => {
    location.hash = hashFor("coupons", byId("coupons-code").value.trim());
  };
  byId("coupons-go").addEventListener("click", go);
  onEnter(byId("coupons-code"), go);
}
