// A cart at a version, with what changed since the version before marked in words and in colour.

import { formatMoney, hashFor, make, makeCell, makeNumberCell, makeTime } from "/pages/explorer_dom.js";
import { compareCarts } from "/pages/explorer_diff.js";

const STATUS = { open: "open", checked_out: "checked out", cancelled: "cancelled", expired: "expired", merged: "merged" };

const show = (value) => (value === null || value === undefined ? "none" : typeof value === "object" ? JSON.stringify(value) : String(value));

/** The value now, and if it is another one than before, that too. */
function makeValue(isChanged, now, was) {
  if (!isChanged) return [now];
  return [make("del", {}, make("span", { class: "aside" }, "was "), was), " ", make("ins", {}, now)];
}

/** The word for a row that is new or gone. */
function makeMark(row) {
  if (row.before === null) return [" ", make("ins", { class: "mark" }, "added")];
  if (row.after === null) return [" ", make("del", { class: "mark" }, "removed")];
  return row.changed.size > 0 ? [" ", make("span", { class: "mark" }, "changed")] : [];
}

function describeQuantity(line) {
  return line.quantity_decimal === undefined ? String(line.quantity) : `${line.quantity_decimal} ${line.unit ?? ""}`.trim();
}

function describeProperties(line) {
  return Object.entries(line.properties).map(([name, value]) => `${name}: ${value}`).join(", ");
}

function makeLine(row, money, moneyBefore) {
  const line = row.after ?? row.before;
  const cell = (name, read, readBefore = read) =>
    makeValue(row.changed.has(name), read(line), row.before === null ? "" : readBefore(row.before));
  const properties = describeProperties(line);
  const before = row.before === null ? "" : describeProperties(row.before);
  return make(
    "tr",
    { class: row.after === null ? "gone" : row.before === null ? "new" : null },
    makeCell(
      "Line",
      make("a", { href: hashFor("search", "", { by: "sku", value: line.sku }), title: "Carts with this product" }, line.sku),
      ...makeMark(row),
      make("div", {}, ...cell("name", (one) => one.name)),
      make("div", { class: "quiet" }, ...makeValue(row.changed.has("properties"), properties || "no properties", before || "no properties").filter((part) => part !== "no properties")),
    ),
    makeNumberCell("Quantity", ...cell("quantity", describeQuantity)),
    makeNumberCell("Price", ...cell("unit_price", (one) => money(one.unit_price), (one) => moneyBefore(one.unit_price)), line.price_source === "set" ? " (set)" : ""),
    makeNumberCell("Discount", ...cell("discount", (one) => money(one.discount), (one) => moneyBefore(one.discount))),
    makeNumberCell("Total", ...cell("total", (one) => money(one.total), (one) => moneyBefore(one.total))),
  );
}

function makeLines(changes, money, moneyBefore) {
  if (changes.lines.length === 0) return make("p", { class: "quiet" }, "No lines.");
  const heads = ["Line", "Quantity", "Price", "Discount", "Total"];
  return make(
    "table",
    { class: "lines stacks" },
    make("caption", { class: "aside" }, "Lines of the cart"),
    make("thead", {}, make("tr", {}, ...heads.map((head, i) => make("th", { scope: "col", class: i > 0 ? "number" : null }, head)))),
    make("tbody", {}, ...changes.lines.map((row) => makeLine(row, money, moneyBefore))),
  );
}

/** One row of the sums: its name, and the amount with what it was. */
function makeSum(name, row, amountOf, money, moneyBefore, more = "") {
  const entry = row.after ?? row.before;
  return [
    make("dt", {}, ...name, ...makeMark(row)),
    make("dd", { class: row.after === null ? "gone" : null }, ...makeValue(row.changed.size > 0, money(amountOf(entry)), row.before === null ? "" : moneyBefore(amountOf(row.before))), more),
  ];
}

function makeSums(before, cart, changes, money, moneyBefore) {
  const own = (name) => ({ before: before ?? cart, after: cart, changed: new Set(changes.members.has(name) ? [name] : []) });
  const coupon = (row) => {
    const { code, state } = row.after ?? row.before;
    return makeSum(["Coupon ", make("a", { href: hashFor("coupons", code) }, code)], row, (one) => -one.amount, money, moneyBefore, state === "applied" ? "" : ` (${state})`);
  };
  const total = (row) => {
    const { name, stale } = row.after ?? row.before;
    return makeSum([name], row, (one) => one.amount, money, moneyBefore, stale ? " (stale)" : "");
  };
  return make(
    "dl",
    { class: "sums" },
    ...makeSum(["Subtotal"], own("subtotal"), (one) => one.subtotal, money, moneyBefore),
    ...changes.coupons.flatMap(coupon),
    ...changes.totals.flatMap(total),
    ...makeSum(["Total"], own("total"), (one) => one.total, money, moneyBefore),
  );
}

function makeCustomer(id) {
  if (id === null) return "none";
  return make("a", { href: hashFor("search", "", { by: "customer_id", value: id }), title: "Carts of this customer" }, id);
}

function makeFacts(before, cart, changes) {
  const facts = [
    ["Status", "status", (one) => STATUS[one.status] ?? one.status],
    ["Customer", "customer_id", (one) => makeCustomer(one.customer_id)],
    ["E-mail", "customer_email", (one) => show(one.customer_email)],
    ["Currency", "currency", (one) => one.currency],
    ["Order", "order_reference", (one) => show(one.order_reference)],
    ["Merged into", "merged_into", (one) => show(one.merged_into)],
    ["Note", "note", (one) => show(one.note)],
    ["Metadata", "metadata", (one) => show(one.metadata)],
    ["Abandoned", "abandoned_at", (one) => makeTime(one.abandoned_at) || "no"],
    ["Closed", "closed_at", (one) => makeTime(one.closed_at) || "no"],
  ];
  const isWorthIt = ([, name]) =>
    ["status", "customer_id"].includes(name) || changes.members.has(name) || !["null", "{}", undefined].includes(JSON.stringify(cart[name]));
  return make(
    "dl",
    { class: "facts" },
    ...facts.filter(isWorthIt).map(([title, name, read]) =>
      make("div", {}, make("dt", {}, title), make("dd", {}, ...makeValue(changes.members.has(name), read(cart), read(before ?? cart)))),
    ),
  );
}

function makeNotes(cart) {
  if (cart.notes.length === 0) return "";
  return make("ul", { class: "note warn" }, ...cart.notes.map((note) => make("li", {}, `${note.code}: ${note.quantity ?? ""} ${note.sku ?? note.item_id ?? note.coupon ?? ""}`)));
}

/** The document; `before` is the version before it, or null. */
export function makeDocument(before, cart) {
  const changes = compareCarts(before, cart);
  const money = (amount) => formatMoney(amount, cart.minor_unit, cart.currency);
  const base = before ?? cart;
  const moneyBefore = (amount) => formatMoney(amount, base.minor_unit, base.currency);
  return [
    makeFacts(before, cart, changes),
    makeNotes(cart),
    makeLines(changes, money, moneyBefore),
    makeSums(before, cart, changes, money, moneyBefore),
  ].filter((part) => part !== "");
}
