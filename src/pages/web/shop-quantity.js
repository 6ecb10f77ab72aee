// A field for a quantity, with buttons for less and more, that allows what the product allows.

import { button, element } from "./shop-dom.js";
import { quantityText, readQuantity } from "./shop-format.js";
import { leastOf } from "./shop-guess.js";

/**
 * label names it. onQuantity(quantity) is called with each allowed one that is chosen, onEnter() on that
 * key. `show(quantity, rules, isDisabled)` of the element sets what it has; `quantity` is that.
 */
export function quantityField(label, { onQuantity = () => {}, onEnter = () => {} } = {}) {
  const input = element("input", { type: "number", inputMode: "decimal", required: true, "aria-label": label });
  const less = button("−", () => step(-1), { "aria-label": `${label}: less` });
  const more = button("+", () => step(1), { "aria-label": `${label}: more` });
  const unit = element("span", { className: "unit" });
  const field = element("div", { className: "quantity" }, less, input, more, unit);
  let rules = null;
  let shown = ""; // what the input had before somebody typed

  field.show = (quantity, newRules, isDisabled = false) => {
    rules = newRules;
    field.quantity = quantity;
    unit.textContent = rules.unit ?? "";
    input.min = quantityText(leastOf(rules), rules.scale);
    input.max = quantityText(rules.maximum, rules.scale);
    input.step = quantityText(rules.multiple_of, rules.scale);
    const text = quantityText(quantity, rules.scale);
    if (input.value === shown) input.value = text; // else it is being typed
    shown = text;
    input.disabled = isDisabled;
    less.disabled = isDisabled || quantity <= leastOf(rules);
    more.disabled = isDisabled || quantity + rules.multiple_of > rules.maximum;
  };

  function take(quantity) {
    shown = input.value;
    field.show(quantity, rules);
    onQuantity(quantity);
  }

  function step(direction) {
    take(Math.max(field.quantity + direction * rules.multiple_of, leastOf(rules)));
  }

  /** Whether what was typed is allowed; the browser says why if it is not. */
  function read() {
    const quantity = readQuantity(input.value, rules.scale);
    if (!input.reportValidity() || quantity === null) return false;
    if (quantity !== field.quantity) take(quantity);
    return true;
  }

  input.addEventListener("change", read);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && read()) onEnter();
  });
  return field;
}
