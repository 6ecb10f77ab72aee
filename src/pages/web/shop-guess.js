// What a cart will be when the commands that wait have been executed: enough to show at once what was
// done. Amounts are not guessed, as only the service knows prices, coupons and rounding.

/** Two lines of a sku are the same line if their properties are. */
export function lineKey({ sku, properties = {} }) {
  return JSON.stringify([sku, Object.entries(properties).sort(([left], [right]) => (left < right ? -1 : 1))]);
}

/** As little as the product allows. */
export function leastOf({ minimum, multiple_of: step }) {
  return Math.ceil(minimum / step) * step;
}

function addItem(items, { sku, quantity, properties = {} }, product) {
  const key = lineKey({ sku, properties });
  const added = quantity ?? (product ? leastOf(product.quantity) : 1);
  if (items.some((line) => lineKey(line) === key))
    return items.map((line) =>
      lineKey(line) === key ? { ...line, quantity: line.quantity + added, isWaiting: true } : line,
    );
  const { unit = null, scale = 0 } = product?.quantity ?? {};
  const line = { id: null, sku, name: product?.name ?? sku, quantity: added, unit, scale, properties };
  return [...items, { ...line, isWaiting: true }];
}

function changeItem(items, { item_id: id, quantity, properties }) {
  if (quantity === 0) return items.filter((line) => line.id !== id);
  return items.map((line) => {
    if (line.id !== id) return line;
    const merged = { ...line.properties, ...properties };
    const left = Object.entries(merged).filter(([, text]) => text !== null);
    return { ...line, quantity: quantity ?? line.quantity, properties: Object.fromEntries(left), isWaiting: true };
  });
}

function addCoupon(coupons, code) {
  const fold = (text) => text.normalize("NFC").toLowerCase();
  if (coupons.some((coupon) => fold(coupon.code) === fold(code))) return coupons;
  return [...coupons, { code, isWaiting: true }];
}

function apply(cart, command, productOf) {
  switch (command.type) {
    case "add_item":
      return { ...cart, items: addItem(cart.items, command, productOf(command.sku)) };
    case "change_item":
      return { ...cart, items: changeItem(cart.items, command) };
    case "remove_item":
      return { ...cart, items: cart.items.filter((line) => line.id !== command.item_id) };
    case "clear_items":
      return { ...cart, items: [] };
    case "apply_coupon":
      return { ...cart, coupons: addCoupon(cart.coupons, command.code) };
    case "remove_coupon":
      return { ...cart, coupons: cart.coupons.filter((coupon) => coupon.code !== command.code) };
    default: // an undo, a restore or new prices: what comes of it, only the service knows
      return cart;
  }
}

const NOTHING = { status: "open", items: [], item_count: 0, coupons: [], totals: [], notes: [] };

/** The cart as the service said last (or null), with what waits; lines of which are marked isWaiting. */
export function guess(cart, entries, productOf) {
  const begun = cart ?? { ...NOTHING, version: 0 };
  const guessed = entries.reduce((now, { command }) => apply(now, command, productOf), begun);
  if (guessed === begun) return begun;
  const pieces = guessed.items.map((line) => (line.scale > 0 ? 1 : line.quantity));
  return { ...guessed, item_count: pieces.reduce((sum, count) => sum + count, 0) };
}
