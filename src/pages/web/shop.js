// A shop made of the public API alone. shop-model.js has the cart of this browser, shop-queue.js what
// waits to be sent; the other modules show it and ask.

import { showCart } from "./shop-cart.js";
import { Catalog } from "./shop-catalog.js";
import { askWhoYouAre, checkOut } from "./shop-dialogs.js";
import { button, byId, element } from "./shop-dom.js";
import { Shop } from "./shop-model.js";

const catalog = new Catalog();
const shop = new Shop((sku) => catalog.get(sku));

/** What happened last, with a button that takes it back. It stays until something else happens. */
function showMessage({ detail: { text, kind, action } }) {
  const toast = byId("toast");
  const dismiss = button("×", () => toast.replaceChildren(), { "aria-label": "Dismiss", className: "dismiss" });
  const act = action === null ? null : button(action.text, action.run);
  toast.replaceChildren(element("p", { className: `note ${kind}`.trim() }, element("span", { textContent: text }), act, dismiss));
}

function showCustomer() {
  const { customer } = shop;
  byId("customer").textContent = customer === null ? "You are a guest." : `Logged in as ${customer.id}`;
  byId("log-in").hidden = customer !== null;
  byId("log-out").hidden = customer === null;
  byId("log-in").disabled = shop.queue.entries().length > 0 || !shop.isLive;
}

/** Products of lines that are on no page that was loaded: their rules and names. */
const asked = new Set();
function askForProducts() {
  for (const { sku } of shop.cart?.items ?? []) {
    if (catalog.get(sku) !== undefined || asked.has(sku)) continue;
    asked.add(sku);
    catalog.refresh(sku).catch(() => asked.delete(sku));
  }
}

shop.addEventListener("message", showMessage);
shop.addEventListener("change", showCustomer);
shop.addEventListener("login", () => askWhoYouAre(shop));
showCart(shop, catalog, () => checkOut(shop, catalog));
byId("log-in").addEventListener("click", () => askWhoYouAre(shop));
byId("log-out").addEventListener("click", () => {
  shop.logOut();
  byId("log-in").focus();
});
shop.open();
await catalog.start(shop);
shop.addEventListener("change", askForProducts);
askForProducts();
