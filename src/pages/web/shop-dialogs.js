// What the page asks: who you are, and whether new prices are all right.

import { CartdProblem } from "./client.js";
import { button, byId, element } from "./shop-dom.js";
import { showMoney } from "./shop-format.js";

/** Opens the dialog with a title and its parts. Escape and the last button close it. */
function open(title, ...parts) {
  const dialog = byId("dialog");
  dialog.replaceChildren(element("h2", { id: "dialog-title", textContent: title }), ...parts);
  if (!dialog.open) dialog.showModal();
  return dialog;
}

function buttons(...them) {
  return element("div", { className: "buttons" }, ...them, button("Not now", () => byId("dialog").close()));
}

function saying(error) {
  return error instanceof CartdProblem ? error.detail : error.message;
}

// ---- checkout ----

/** Checks out, or shows what has changed and offers to take it. */
export async function checkOut(shop, catalog) {
  try {
    await shop.checkOut();
    shop.say("Thank you, the order is placed.");
    byId("cart-title").focus();
  } catch (error) {
    if (!(error instanceof CartdProblem)) shop.say(`No answer. Try again; nothing is ordered twice. ${error.message}`, "bad");
    else if (error.is("prices-changed")) offerPrices(shop, catalog, error.problem.items);
    else if (error.is("coupons-changed")) offerCoupons(shop, error.problem.coupons);
    else if (error.is("total-changed")) shop.say("The cart has changed meanwhile. Look at its new total, and check out again.", "warn");
    else shop.say(`It was not ordered. ${error.detail}`, "bad");
  }
}

function row(...cells) {
  return element("tr", {}, ...cells);
}

function number(tag, text) {
  return element(tag, { textContent: text, className: "number" });
}

function offerPrices(shop, catalog, items) {
  const { currency, minor_unit: minorUnit } = shop.cart;
  const money = (amount) => showMoney(amount, currency, minorUnit);
  const rows = items.map(({ sku, item_id: id, unit_price: old, current_price: now }) => {
    const line = shop.cart.items.find((one) => one.id === id);
    return row(
      element("th", { textContent: line?.name ?? sku, scope: "row" }),
      number("td", money(old)),
      number("td", now === null ? "not for sale" : money(now)),
    );
  });
  const head = row(element("th", { textContent: "Product" }), number("th", "In the cart"), number("th", "Now"));
  const gone = items.filter(({ current_price: now }) => now === null);
  const text = gone.length > 0 ? "Take the new prices, without what is not for sale" : "Take the new prices";
  const commands = [{ type: "reprice" }, ...gone.map(({ item_id }) => ({ type: "remove_item", item_id }))];
  const table = element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows));
  open("Prices have changed", element("p", { textContent: "Nothing is ordered yet." }), table, takeButtons(shop, text, commands));
  for (const { sku } of items) catalog.refresh(sku).catch(() => {}); // the shelf shows what it last knew
}

function offerCoupons(shop, coupons) {
  const list = element("ul", {}, ...coupons.map(({ code }) => element("li", { textContent: `${code} can't be used any more.` })));
  open("Coupons have changed", element("p", { textContent: "Nothing is ordered yet." }), list, takeButtons(shop, "Go on without", [{ type: "reprice" }]));
}

/** Carries the commands out; the shopper sees the new total, and checks out again. */
function takeButtons(shop, text, commands) {
  const take = button(text, async () => {
    take.disabled = true;
    try {
      await shop.execute(commands);
      shop.say("The cart has the prices of today. Look at its total, and check out.");
    } catch (error) {
      shop.say(`That could not be done. ${saying(error)}`, "bad");
    }
    byId("dialog").close();
    byId("cart-title").focus();
  }, { className: "main" });
  return buttons(take);
}

// ---- login ----

/** The subject of a JWT, which is the customer's id. The service verifies it; this only reads. */
function subjectOf(token) {
  try {
    const bytes = atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"));
    const text = new TextDecoder().decode(Uint8Array.from(bytes, (letter) => letter.charCodeAt(0)));
    return JSON.parse(text).sub ?? null;
  } catch {
    return null;
  }
}

/** Asks for a name or, where the service wants one, for a bearer token. */
export async function askWhoYouAre(shop) {
  let isOpen;
  try {
    isOpen = await shop.isOpenToAll();
  } catch (error) {
    return shop.say(`Logging in needs a connection. ${error.message}`, "bad");
  }
  const input = isOpen
    ? element("input", { id: "who", maxLength: 128, autocomplete: "username" })
    : element("textarea", { id: "who", rows: 4, autocomplete: "off", spellcheck: false });
  const label = element("label", { htmlFor: "who", textContent: isOpen ? "Your name" : "Bearer token" });
  const hint = element("p", {
    className: "quiet",
    textContent: isOpen
      ? "This service asks nobody for a password (CARTD_AUTH=open): any name will do."
      : "A JWT of your identity provider with the scope carts. This browser stores it until you log out.",
  });
  const refusal = element("p", { className: "note bad", role: "alert", hidden: true });

  async function logIn() {
    const text = input.value.trim();
    const customer = isOpen ? { id: text, bearer: null } : { id: subjectOf(text), bearer: text };
    try {
      if (!customer.id) throw new Error(isOpen ? "A name, please." : "This is no token: it has no subject.");
      await shop.logIn(customer);
      byId("dialog").close();
      shop.say(`Hello, ${customer.id}. The cart is yours.`);
    } catch (error) {
      refusal.textContent = saying(error);
      refusal.hidden = false;
      input.focus();
    }
  }

  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    logIn();
  });
  open("Log in", label, input, hint, refusal, buttons(button("Log in", logIn, { className: "main" })));
  input.focus();
}
