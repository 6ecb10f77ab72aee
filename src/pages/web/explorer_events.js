// What events say: their types by stream, one line about each, and what they are about.

import { hashFor, shortId, shorten } from "/pages/explorer_dom.js";

const nothing = () => "";
const at = (price) => (price === undefined ? "" : ` at ${price}`);
const ofLine = (data) => `${data.quantity} \u00d7 ${data.sku ?? data.item_id}`;

/** { EUR: 499, USD: 549 }: "499 EUR, 549 USD", in minor units. */
export function describeAmounts(amounts) {
  return Object.entries(amounts).map(([currency, amount]) => `${amount} ${currency}`).join(", ");
}

/** A coupon's worth: "12.5 %", or its amounts. */
export function describeCoupon(coupon) {
  return typeof coupon.percent === "number" ? `${coupon.percent / 100} %` : describeAmounts(coupon.amount ?? {});
}

const details = (data) =>
  [
    data.customer_email && `e-mail ${data.customer_email}`,
    data.note && `note \u201c${data.note}\u201d`,
    `metadata ${JSON.stringify(data.metadata)}`,
  ]
    .filter(Boolean)
    .join(", ");

/** By type of stream: each type of event, and what its data say. An amount is in the minor unit of
 * the cart's currency, which its event does not say. */
const SUMMARIES = {
  cart: {
    CartCreated: (data) => `in ${data.currency}${data.customer_id === null ? "" : ` for ${data.customer_id}`}`,
    CartClaimed: (data) => `by ${data.customer_id}`,
    ItemAdded: (data) => `${ofLine(data)}${at(data.unit_price)}`,
    ItemQuantityChanged: (data) => `${data.item_id}: now ${data.quantity}`,
    ItemRemoved: ofLine,
    CartCleared: nothing,
    CartCheckedOut: (data) =>
      `${data.item_count} items, total ${data.total} ${data.currency}` +
      (data.order_reference ? `, order ${data.order_reference}` : ""),
    CartCancelled: nothing,
    CartDetailsChanged: details,
    ItemPropertiesChanged: (data) => `${data.item_id}: ${JSON.stringify(data.properties)}`,
    ItemMerged: (data) => `${data.quantity} of ${data.item_id} into ${data.into}`,
    ItemPriceChanged: (data) => `${data.item_id}${at(data.unit_price)}`,
    ItemRestored: (data) => `${ofLine(data)}${at(data.unit_price)}`,
    CartCurrencyChanged: (data) => `now ${data.currency}`,
    CartCopied: (data) => `from version ${data.version} of ${shortId(data.cart_id)}`,
    CartRestored: (data) => `to version ${data.version}`,
    CartReopened: (data) => data.reason ?? "",
    CartTotalSet: (data) => `${data.name}: ${data.amount}`,
    CartTotalRemoved: (data) => data.name,
    CartCouponApplied: (data) => `${data.code}: ${describeCoupon(data.coupon)}`,
    CartCouponRemoved: (data) => data.code,
    CartCouponLapsed: (data) => `${data.code}: ${data.state}`,
    CartAbandoned: (data) => `${data.item_count} items, total ${data.total} ${data.currency}`,
    CartResumed: nothing,
    CartExpired: nothing,
    CartMerged: (data) => `with ${shortId(data.from)}, ${data.lines.length} lines`,
    CartMergedInto: (data) => `into ${shortId(data.into)}`,
    CartMergeReverted: (data) => `of ${shortId(data.cart_id)}`,
    CartResumeTokenMade: nothing,
    CartResumeTokenEnded: nothing,
  },
  product: {
    ProductChanged: (data) =>
      `${data.name}: ${describeAmounts(data.prices)}${data.active ? "" : ", not for sale"}`,
  },
  customer: {
    CustomerCartOpened: nothing,
    CustomerCartClosed: nothing,
    CustomerCouponUsed: (data) => data.code,
    CustomerCouponReleased: (data) => data.code,
  },
  coupon: {
    CouponDefined: (data) => `${data.code}: ${describeCoupon(data)}`,
    CouponWithdrawn: nothing,
    CouponRedeemed: (data) => (data.customer_id === null ? "" : `by ${data.customer_id}`),
    CouponReleased: (data) => (data.customer_id === null ? "" : `by ${data.customer_id}`),
  },
};

export const STREAM_TYPES = Object.keys(SUMMARIES);

/** The types of event of a type of stream; of all, without one. */
export function typesOf(streamType) {
  return (streamType === "" ? STREAM_TYPES : [streamType]).flatMap((one) => Object.keys(SUMMARIES[one] ?? {}));
}

/** One line about an event. Of a type that this page does not know, its data. */
export function summarise(event) {
  const summary = SUMMARIES[event.stream_type]?.[event.type];
  try {
    if (summary !== undefined) return shorten(summary(event.data));
  } catch {
    // An old shape lacks a member: its data say what there is.
  }
  return shorten(JSON.stringify(event.data));
}

/** What an event is about, each { text, title, hash }: its stream first. */
export function subjectsOf(event) {
  const { data } = event;
  const toCart = (id, version) => ({ text: `cart ${shortId(id)}`, title: `Cart ${id}`, hash: hashFor("cart", id, { version }) });
  const subjects = [];
  if (event.stream_type === "cart") subjects.push(toCart(event.stream_id, event.version));
  if (event.stream_type === "product" && data.sku)
    subjects.push({ text: data.sku, title: "Carts with this product", hash: hashFor("search", "", { by: "sku", value: data.sku }) });
  if (event.stream_type === "coupon")
    subjects.push({ text: data.code ?? `coupon ${shortId(event.stream_id)}`, title: "Coupons", hash: hashFor("coupons", data.code ?? "") });
  if (event.stream_type === "customer" && data.customer_id)
    subjects.push({ text: data.customer_id, title: "Carts of this customer", hash: hashFor("search", "", { by: "customer_id", value: data.customer_id }) });
  for (const other of new Set([data.cart_id, data.from, data.into]))
    if (/^[0-9a-f-]{36}$/.test(other ?? "")) subjects.push(toCart(other));
  return subjects;
}
