// Amounts and quantities as people write them. The service counts both in integers, of the smallest
// unit; the decimal point is put in, never computed, so that big amounts stay exact.

/** 1550 with a scale of 3 is "1.550". */
function decimalOf(amount, scale) {
  if (scale === 0) return String(amount);
  const digits = String(amount).padStart(scale + 1, "0");
  return `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** 499 in EUR, whose minor unit has 2 decimals, is "€4.99". */
export function showMoney(amount, currency, minorUnit) {
  if (minorUnit === null) return `${amount} ${currency}`;
  const decimals = { minimumFractionDigits: minorUnit, maximumFractionDigits: minorUnit };
  return new Intl.NumberFormat(undefined, { style: "currency", currency, ...decimals }).format(
    decimalOf(amount, minorUnit),
  );
}

/** 1550 g of goods that are sold by the kg are "1.55"; as the value of an input takes it. */
export function quantityText(quantity, scale) {
  const text = decimalOf(quantity, scale);
  return scale === 0 ? text : text.replace(/\.?0+$/, "");
}

/** 1550 is "1.55 kg", 2 is "2". */
export function showQuantity(quantity, { unit, scale }) {
  const number = new Intl.NumberFormat(undefined, { maximumFractionDigits: scale });
  const text = number.format(decimalOf(quantity, scale));
  return unit ? `${text} ${unit}` : text;
}

/** The opposite: "1.55" is 1550. Null for what is no such quantity. */
export function readQuantity(text, scale) {
  const [, whole, fraction = ""] = /^(\d{1,9})(?:\.(\d*))?$/.exec(text) ?? [];
  if (whole === undefined || fraction.replace(/0+$/, "").length > scale) return null;
  return Number(whole + fraction.slice(0, scale).padEnd(scale, "0"));
}

/** How much of a product one line may hold, where that is not the usual. */
export function showRules(rules) {
  const { minimum, maximum, multiple_of: step } = rules;
  const parts = [];
  if (step > 1) parts.push(`in steps of ${showQuantity(step, rules)}`);
  if (minimum > step) parts.push(`from ${showQuantity(minimum, rules)}`);
  if (maximum !== 999) parts.push(`up to ${showQuantity(maximum, rules)}`);
  return parts.join(", ");
}
