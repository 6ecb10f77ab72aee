// The cart beside the catalogue: its lines, coupons and sums, as the service says them, and what waits.

import { button, byId, element, showRows } from "./shop-dom.js";
import { showMoney, showQuantity } from "./shop-format.js";
import { lineKey } from "./shop-guess.js";
import { quantityField } from "./shop-quantity.js";

const DEFAULT_RULES = { minimum: 1, maximum: 999, multiple_of: 1 };

const NOTES = {
  "product-withdrawn": "is not for sale any more",
  "price-unavailable": "has no price in this currency",
  "unit-changed": "is sold by another unit now",
  "quantity-out-of-range": "can't be had in that quantity",
  "price-is-set": "has a price that was agreed on",
  "cart-full": "did not fit into the cart",
  "amount-too-large": "would cost too much",
  "prices-changed": "lost a price that was agreed on",
  "item-not-in-cart": "was not there any more",
};

const COUPON_NOTES = {
  "too-many-coupons": "is one more than a cart may have",
  "coupon-not-applicable": "can't be used in this cart",
  "coupons-not-combinable": "can't be used with another coupon",
};

const COUPONS = {
  "minimum-not-met": "The cart must come to more for it.",
  "not-for-these-items": "It is for other products.",
  "needs-customer": "Log in to use it.",
  expired: "It has expired.",
  exhausted: "It has been used up.",
};

function waiting(text = "waiting") {
  return element("span", { className: "waiting", textContent: text });
}

/** Where the focus goes when what had it is gone. */
function focusCart() {
  byId("cart-title").focus();
}

// ---- lines ----

function makeLine(shop, catalog, { sku, name: label }) {
  let line = null;
  let isToGo = false;
  const name = element("h3");
  const properties = element("dl", { className: "properties" });
  const price = element("p", { className: "quiet" });
  const total = element("p", { className: "total" });
  const field = quantityField(`Quantity of ${label} in the cart`, { onQuantity: (quantity) => change({ quantity }) });
  const engrave = button("Engraving", () => openEngraving());
  const remove = button("Remove", () => removeLine(), { "aria-label": `Remove ${label}` });
  const actions = element("div", { className: "actions" }, field, engrave, remove);
  const made = element("li", { className: "line" }, name, total, properties, price, actions);

  function change(wanted) {
    const text = wanted.quantity === undefined ? "Engraving changed." : `${line.name}: ${showQuantity(wanted.quantity, rules())} in the cart.`;
    shop.do({ type: "change_item", item_id: line.id, ...wanted }, text);
  }

  function rules() {
    const { unit = null, scale = 0 } = line;
    return { ...DEFAULT_RULES, ...catalog.get(sku)?.quantity, unit, scale };
  }

  function removeLine() {
    isToGo = line.id === null && !shop.dropAdds(lineKey(line)); // then: as soon as it has an id
    if (line.id !== null) shop.do({ type: "remove_item", item_id: line.id }, `${line.name}: removed.`);
    focusCart();
  }

  function openEngraving() {
    const former = line.properties.engraving ?? "";
    const input = element("input", { value: former, maxLength: 256, "aria-label": `Engraving of ${line.name}` });
    const finish = () => {
      const text = input.value.trim();
      input.remove();
      engrave.hidden = false;
      if (text !== former) change({ properties: { engraving: text || null } });
    };
    input.addEventListener("blur", finish, { once: true });
    input.addEventListener("keydown", ({ key }) => {
      if (key !== "Escape" && key !== "Enter") return;
      if (key === "Escape") input.value = former;
      input.blur();
      engrave.focus();
    });
    engrave.hidden = true;
    engrave.after(input);
    input.focus();
  }

  made.update = (newest) => {
    const { currency, minor_unit: minorUnit, status } = newest.cart;
    const isFixed = newest.line.id === null || status !== "open";
    line = newest.line;
    name.textContent = line.name;
    properties.hidden = Object.keys(line.properties).length === 0;
    properties.replaceChildren(
      ...Object.entries(line.properties).flatMap(([key, text]) => [
        element("dt", { textContent: key }),
        element("dd", { textContent: text }),
      ]),
    );
    const each = line.unit_price === undefined ? "" : showMoney(line.unit_price, currency, minorUnit);
    price.textContent = each && `${showQuantity(line.quantity, rules())} × ${each}`;
    total.replaceChildren(line.isWaiting ? waiting() : showMoney(line.total, currency, minorUnit));
    field.show(line.quantity, rules(), isFixed);
    engrave.hidden = isFixed || !canBeEngraved(line, catalog) || engrave.nextSibling !== remove;
    actions.hidden = status !== "open";
    if (isToGo && line.id !== null) queueMicrotask(removeLine);
  };
  return made;
}

function canBeEngraved({ sku, properties }, catalog) {
  return "engraving" in properties || (catalog.get(sku)?.tags.includes("engraving") ?? false);
}

// ---- coupons ----

function makeCouponField(shop) {
  const input = element("input", { maxLength: 64, autocomplete: "off", id: "coupon" });
  const apply = () => {
    const code = input.value.trim();
    if (code === "") return input.focus();
    shop.do({ type: "apply_coupon", code }, `Coupon ${code} applied.`);
    input.value = "";
  };
  input.addEventListener("keydown", ({ key }) => {
    if (key === "Enter") apply();
  });
  const label = element("label", { htmlFor: "coupon", textContent: "Coupon" });
  return element("div", { className: "coupon" }, label, input, button("Apply", apply));
}

function makeCoupon(shop, { code }) {
  const amount = element("span", { className: "total" });
  const state = element("span", { className: "quiet" });
  const remove = button("Remove", () => {
    shop.do({ type: "remove_coupon", code }, `Coupon ${code} removed.`);
    focusCart();
  }, { "aria-label": `Remove coupon ${code}` });
  const made = element("li", {}, element("b", { textContent: code }), " ", state, amount, remove);
  made.update = ({ coupon, cart }) => {
    remove.hidden = coupon.isWaiting || cart.status !== "open";
    state.textContent = COUPONS[coupon.state] ?? "";
    amount.replaceChildren(
      coupon.isWaiting ? waiting() : `−${showMoney(coupon.amount, cart.currency, cart.minor_unit)}`,
    );
  };
  return made;
}

// ---- the whole ----

function sumRows(cart) {
  const money = (amount) => showMoney(amount, cart.currency, cart.minor_unit);
  const rows = [["Items", money(cart.subtotal)]];
  if (cart.discount > 0) rows.push(["Coupons", `−${money(cart.discount)}`]);
  for (const { name, amount } of cart.totals) rows.push([name, money(amount)]);
  return [...rows, ["Total", money(cart.total)]];
}

function noteText({ code, sku, quantity, coupon }, catalog) {
  if (coupon) return `Coupon ${coupon} ${COUPON_NOTES[code] ?? code}.`;
  const product = catalog.get(sku);
  const name = product?.name ?? sku;
  return `${name} (${showQuantity(quantity, product?.quantity ?? { unit: null, scale: 0 })}) ${NOTES[code] ?? code}.`;
}

const ENDS = {
  checked_out: "Thank you, the order is placed.",
  cancelled: "This cart was cancelled.",
  expired: "This cart has expired.",
  merged: "This cart was merged into another one.",
};

/** Shows the cart of shop in the page, now and whenever it changes. onCheckOut is called by the button. */
export function showCart(shop, catalog, onCheckOut) {
  const parts = {
    title: element("h2", { id: "cart-title", tabIndex: -1 }),
    state: element("p", { className: "state", role: "status" }),
    end: element("p", { className: "note end" }),
    notes: element("ul", { className: "note warn notes", "aria-label": "What was left out" }),
    lines: element("ul", { className: "lines", "aria-label": "In the cart" }),
    nothing: element("p", { className: "quiet", textContent: "It is empty. What you add appears here." }),
    coupon: makeCouponField(shop),
    coupons: element("ul", { className: "coupons", "aria-label": "Coupons" }),
    sums: element("dl", { className: "sums" }),
    pending: element("p", { className: "quiet" }),
    buy: button("Check out", onCheckOut, { className: "main", id: "check-out" }),
    clear: button("Empty the cart", () => {
      shop.do({ type: "clear_items" }, "The cart is empty.");
      focusCart();
    }),
    anew: button("Start a new cart", () => {
      shop.startAnew();
      focusCart();
    }, { className: "main" }),
  };
  byId("cart").append(...Object.values(parts));
  shop.addEventListener("change", () => showAll(parts, shop, catalog));
}

function showAll(parts, shop, catalog) {
  const { view, cart } = shop;
  const n = shop.queue.entries().length;
  const isOpen = view.status === "open";
  byId("count").textContent = view.item_count;
  const name = view.status === "checked_out" ? "Your order" : "Cart";
  parts.title.textContent = view.item_count === 0 ? name : `${name} (${view.item_count})`;
  showState(parts.state, shop);
  showRows(parts.lines, view.items.map((line) => ({ line, cart: cart ?? view })), {
    key: ({ line }) => lineKey(line),
    make: ({ line }) => makeLine(shop, catalog, line),
  });
  showRows(parts.coupons, view.coupons.map((coupon) => ({ coupon, cart: cart ?? view })), {
    key: ({ coupon }) => coupon.code,
    make: ({ coupon }) => makeCoupon(shop, coupon),
  });
  parts.notes.replaceChildren(...view.notes.map((note) => element("li", { textContent: noteText(note, catalog) })));
  parts.notes.hidden = view.notes.length === 0;
  parts.nothing.hidden = !isOpen || view.items.length > 0;
  parts.end.hidden = parts.anew.hidden = isOpen;
  parts.end.textContent = ENDS[view.status] ?? "";
  parts.coupon.hidden = parts.buy.hidden = !isOpen || view.items.length === 0;
  parts.clear.hidden = parts.buy.hidden;
  parts.buy.disabled = n > 0 || !shop.isLive || shop.isOrdering;
  parts.buy.textContent = shop.isOrdering ? "Placing the order…" : "Check out";
  showSums(parts, cart, n);
}

const BRIEFLY = 1000; // ms: who comes back to a tab is connected again at once

function describeState(shop, isBrief) {
  if (shop.isLive) return "Live in all tabs";
  if (isBrief) return "Connecting…";
  const n = shop.queue.entries().length;
  const changes = n === 1 ? "1 change waits" : `${n} changes wait`;
  return `No connection. ${n === 0 ? "Changes will wait" : changes}.`;
}

function showState(state, shop) {
  state.lostAt = shop.isLive ? null : (state.lostAt ?? Date.now());
  const isBrief = !shop.isLive && Date.now() - state.lostAt < BRIEFLY;
  clearTimeout(state.later);
  if (isBrief) state.later = setTimeout(() => showState(state, shop), BRIEFLY);
  state.classList.toggle("live", shop.isLive);
  const text = describeState(shop, isBrief);
  if (state.textContent !== text) state.textContent = text;
}

function showSums(parts, cart, n) {
  const hasSums = cart !== null && cart.items.length > 0;
  parts.sums.hidden = !hasSums;
  parts.pending.hidden = n === 0;
  parts.pending.replaceChildren(...(n > 0 ? [waiting("Amounts are without the changes that wait.")] : []));
  if (!hasSums) return;
  parts.sums.replaceChildren(
    ...sumRows(cart).flatMap(([name, text]) => [element("dt", { textContent: name }), element("dd", { textContent: text })]),
  );
}
