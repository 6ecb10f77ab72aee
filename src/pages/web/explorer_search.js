// Carts by what one knows of them.

import { getJson, withQuery } from "/pages/explorer_api.js";
import { byId, formatMoney, hashFor, make, makeCell, makeNumberCell, makeTime, onEnter, shortId } from "/pages/explorer_dom.js";

const PAGE = 50;

function makeRow(cart) {
  const link = make("a", { href: hashFor("cart", cart.id), title: cart.id }, make("span", { class: "aside" }, "cart "), shortId(cart.id));
  return make(
    "tr",
    {},
    makeCell("Cart", link),
    makeCell("Status", cart.status.replace("_", " ")),
    makeCell("Customer", cart.customer_id ?? cart.customer_email ?? "guest"),
    makeNumberCell("Items", String(cart.item_count)),
    makeNumberCell("Total", formatMoney(cart.total, cart.minor_unit, cart.currency)),
    makeCell("Order", cart.order_reference ?? ""),
    makeCell("Changed (UTC)", makeTime(cart.updated_at)),
  );
}

function describeCount(list, isOfAll) {
  const count = list.carts.length;
  if (count === 0) return isOfAll ? "There are no carts." : "No such carts.";
  const words = `${count} ${count === 1 ? "cart" : "carts"}${list.next_cursor === null ? "" : ", and there are more"}.`;
  return isOfAll ? `The newest carts: ${words}` : words;
}

/** Shows a page of carts. Parameters: by (a filter of GET /carts), value, cursor. Without a value the
 * newest carts. */
export async function openSearch(parameters, signal) {
  const by = parameters.get("by") ?? "cart";
  const value = parameters.get("value") ?? "";
  byId("search-by").value = by;
  byId("search-value").value = value;
  byId("search-state").textContent = "Looking\u2026";
  const filter = value === "" ? {} : { [by]: value };
  const list = await getJson(withQuery("/carts", { ...filter, limit: PAGE, cursor: parameters.get("cursor") }), signal).finally(() => {
    byId("search-state").textContent = "";
    byId("search-table").hidden = true;
    byId("search-next").hidden = true;
  });
  byId("search-rows").replaceChildren(...list.carts.map(makeRow));
  byId("search-table").hidden = list.carts.length === 0;
  byId("search-next").hidden = list.next_cursor === null;
  byId("search-next").href = hashFor("search", "", { by, value, cursor: list.next_cursor });
  byId("search-state").textContent = describeCount(list, value === "");
}

/** Once, when the page is loaded. */
export function prepareSearch() {
  const go = () => {
    const by = byId("search-by").value;
    const value = byId("search-value").value.trim();
    location.hash = by === "cart" && value !== "" ? hashFor("cart", value) : hashFor("search", "", { by, value });
  };
  byId("search-go").addEventListener("click", go);
  onEnter(byId("search-value"), go);
}
