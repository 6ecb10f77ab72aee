// What changed from one version of a cart to the next.

const OF_LINE = ["name", "quantity", "unit_price", "price_source", "discount", "total", "properties"];
const OF_CART = [
  "status", "customer_id", "customer_email", "note", "currency", "order_reference", "merged_into",
  "metadata", "abandoned_at", "closed_at", "item_count", "subtotal", "discount", "total",
];

const isSame = (one, other) => JSON.stringify(one) === JSON.stringify(other);

/** The names of members that differ; all of them if there was nothing before. */
function changedMembers(before, after, names) {
  return new Set(names.filter((name) => !isSame(before?.[name] ?? null, after[name] ?? null)));
}

/** Two lists side by side, in the order of the newer one, what is gone at its end:
 * [{ before, after, changed }], where before is null for what is new and after for what is gone. */
function compareLists(before, after, key, names) {
  const old = new Map(before.map((entry) => [entry[key], entry]));
  const rows = after.map((entry) => {
    const was = old.get(entry[key]) ?? null;
    old.delete(entry[key]);
    return { before: was, after: entry, changed: was === null ? new Set() : changedMembers(was, entry, names) };
  });
  return [...rows, ...[...old.values()].map((entry) => ({ before: entry, after: null, changed: new Set() }))];
}

/** `before` is null for the first version, of which nothing is marked. */
export function compareCarts(before, after) {
  const base = before ?? after;
  return {
    members: changedMembers(base, after, OF_CART),
    lines: compareLists(base.items, after.items, "id", OF_LINE),
    coupons: compareLists(base.coupons, after.coupons, "code", ["amount", "state"]),
    totals: compareLists(base.totals, after.totals, "name", ["amount", "stale"]),
  };
}
