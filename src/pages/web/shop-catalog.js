// The products: what GET /products says, page by page, found by name, sku and tag among those.

import { CartdProblem } from "./client.js";
import { button, byId, element } from "./shop-dom.js";
import { showMoney, showRules } from "./shop-format.js";
import { leastOf } from "./shop-guess.js";
import { quantityField } from "./shop-quantity.js";

const PAGE = 100;

/** Five products, one of each kind: with tags, by weight, by the half dozen, with a text on it. */
const DEMO = {
  "tea-green": { name: "Green tea", prices: { EUR: 499, USD: 549 }, tags: ["organic", "tea"] },
  "tea-black": { name: "Black tea", prices: { EUR: 449, USD: 499 }, tags: ["tea"] },
  "cup-blue": { name: "Blue cup", prices: { EUR: 1290, USD: 1390 }, tags: ["engraving"] },
  walnuts: {
    name: "Walnuts",
    prices: { EUR: 1290, USD: 1390 },
    quantity: { minimum: 50, maximum: 20000, multiple_of: 50, unit: "kg", scale: 3 },
    tags: ["nuts", "organic"],
  },
  eggs: { name: "Eggs", prices: { EUR: 35, USD: 39 }, quantity: { minimum: 6, maximum: 60, multiple_of: 6 } },
};

/** What a product without a picture looks like: its first letter, in a colour of its own. */
function picture({ name, sku }) {
  const made = element("div", { className: "picture", textContent: [...name][0], "aria-hidden": "true" });
  const hue = [...sku].reduce((sum, letter) => (sum * 137 + letter.codePointAt(0) * 59) % 360, 7);
  made.style.setProperty("--hue", hue);
  return made;
}

/** The currencies in which something costs something, the most frequent first. */
function currenciesOf(products) {
  const counts = new Map();
  for (const { prices } of products)
    for (const currency of Object.keys(prices)) counts.set(currency, (counts.get(currency) ?? 0) + 1);
  return [...counts].sort(([, left], [, right]) => right - left).map(([currency]) => currency);
}

/** "€4.99", "€12.90 / kg", or that it has no price in that currency. */
function priceText({ prices, minor_units: minorUnits, quantity }, currency) {
  if (!(currency in prices)) return `Not sold in ${currency}`;
  const text = showMoney(prices[currency], currency, minorUnits[currency] ?? null);
  return quantity.unit ? `${text} / ${quantity.unit}` : text;
}

/** A card of the shelf. update(product, currency) of it shows what the catalogue says now. */
function makeCard({ sku, tags, name }, shop) {
  const title = element("h2");
  const price = element("p", { className: "price" });
  const rules = element("p", { className: "quiet rules" });
  const quantity = quantityField(`Quantity of ${name}`, { onEnter: () => add() });
  const engraving = tags.includes("engraving")
    ? element("input", { maxLength: 256, placeholder: "Engraving (optional)", "aria-label": `Engraving of ${name}` })
    : null;
  const buy = button("Add", () => add(), { className: "main", "aria-label": `Add ${name}` });
  let product = null;

  function add() {
    const text = engraving?.value.trim() ?? "";
    const properties = text === "" ? {} : { properties: { engraving: text } };
    shop.do({ type: "add_item", sku, quantity: quantity.quantity, ...properties }, `${product.name}: added.`);
    quantity.show(leastOf(product.quantity), product.quantity);
    if (engraving !== null) engraving.value = "";
  }

  const text = element("div", { className: "about" }, title, price, rules);
  const card = element("li", { className: "product" }, picture({ sku, name }), text, engraving);
  card.append(element("div", { className: "buy" }, quantity, buy));
  card.update = (newest, currency) => {
    const isFirst = product === null;
    product = newest;
    title.textContent = product.name;
    price.textContent = priceText(product, currency);
    rules.textContent = showRules(product.quantity);
    buy.disabled = !(currency in product.prices);
    quantity.show(isFirst ? leastOf(product.quantity) : quantity.quantity, product.quantity, buy.disabled);
  };
  return card;
}

export class Catalog {
  /** All products that are known, by sku. */
  #products = new Map();
  #cards = new Map(); // by sku, in the order of the list
  #cursor = undefined; // of the next page; null: there is none
  #tag = null;
  #shop = null;
  #shownIn = null; // the currency of the prices that are shown

  /** What is known of a product, or undefined. */
  get(sku) {
    return this.#products.get(sku);
  }

  /** Loads the first page, and shows the prices in the currency of the cart. */
  async start(shop) {
    this.#shop = shop;
    byId("search").addEventListener("input", () => this.#filter());
    byId("currency").addEventListener("change", () => this.#changeCurrency(byId("currency").value));
    byId("more").addEventListener("click", () => this.#loadMore());
    byId("add-demo").addEventListener("click", () => this.#addDemo());
    shop.addEventListener("change", () => this.#showPrices());
    await this.#loadMore();
  }

  /** Asks for a product again, or for the first time: one of a line in the cart, or whose price has changed. */
  async refresh(sku) {
    const { data } = await this.#shop.client.api.GET("/products/{sku}", { params: { path: { sku } } });
    if (!data) return;
    this.#products.set(sku, data);
    this.#cards.get(sku)?.update(data, this.#shop.currency);
    this.#shop.dispatchEvent(new Event("change"));
  }

  async #loadMore() {
    const isFirst = this.#cursor === undefined;
    byId("more").disabled = true;
    try {
      this.#take(await this.#readPage());
    } catch (error) {
      byId("found").textContent = `The products can't be read. ${error.message}`;
      byId("more").hidden = false;
      return;
    } finally {
      byId("more").disabled = false;
      byId("products").removeAttribute("aria-busy");
    }
    if (!isFirst) byId("products").lastElementChild?.querySelector("input")?.focus();
  }

  async #readPage() {
    const query = { limit: PAGE, ...(this.#cursor && { cursor: this.#cursor }) };
    const { data, error } = await this.#shop.client.api.GET("/products", { params: { query } });
    if (error) throw new CartdProblem(error);
    return data;
  }

  #take({ products, next_cursor: cursor }) {
    this.#cursor = cursor;
    for (const product of products) {
      this.#products.set(product.sku, product);
      if (!product.active || this.#cards.has(product.sku)) continue;
      const card = makeCard(product, this.#shop);
      this.#cards.set(product.sku, card);
      byId("products").append(card);
    }
    this.#shownIn = null;
    this.#showCurrencies();
    this.#showTags();
    this.#filter();
    this.#showEmpty();
  }

  // ---- currency ----

  #showCurrencies() {
    const currencies = currenciesOf(this.#products.values());
    const select = byId("currency");
    const chosen = this.#shop.currency ?? currencies[0] ?? null;
    select.replaceChildren(...currencies.map((currency) => element("option", { textContent: currency })));
    this.#shop.chooseCurrency(chosen);
    select.disabled = currencies.length < 2;
  }

  #changeCurrency(currency) {
    if (this.#shop.cart === null || this.#shop.cart.status !== "open") this.#shop.chooseCurrency(currency);
    else this.#shop.do({ type: "change_currency", currency }, `The cart is in ${currency} now.`);
  }

  #showPrices() {
    const { currency } = this.#shop;
    if (currency === null) return;
    byId("currency").value = currency;
    if (currency === this.#shownIn) return;
    this.#shownIn = currency;
    for (const [sku, card] of this.#cards) card.update(this.#products.get(sku), currency);
  }

  // ---- finding ----

  #showTags() {
    const tags = new Set([...this.#cards.keys()].flatMap((sku) => this.#products.get(sku).tags));
    const buttons = [...tags].sort().map((tag) =>
      button(tag, () => {
        this.#tag = this.#tag === tag ? null : tag;
        for (const one of buttons) one.setAttribute("aria-pressed", one.textContent === this.#tag);
        this.#filter();
      }),
    );
    for (const one of buttons) one.setAttribute("aria-pressed", one.textContent === this.#tag);
    byId("tags").hidden = tags.size === 0;
    byId("tags").replaceChildren(...buttons);
  }

  #filter() {
    const words = byId("search").value.toLocaleLowerCase().split(/\s+/).filter((word) => word !== "");
    let found = 0;
    for (const [sku, card] of this.#cards) {
      const { name, tags } = this.#products.get(sku);
      const text = [name, sku, ...tags].join(" ").toLocaleLowerCase();
      const isFound = words.every((word) => text.includes(word)) && (this.#tag === null || tags.includes(this.#tag));
      card.hidden = !isFound;
      found += isFound ? 1 : 0;
    }
    const all = this.#cards.size;
    const products = all === 1 ? "product" : "products";
    const some = found === 0 ? `No product matches, of ${all}` : `${found} of ${all} ${products}`;
    const count = found === all ? `${all} ${products}` : some;
    byId("found").textContent = this.#cursor ? `${count}, and there are more to load` : count;
    byId("more").hidden = !this.#cursor;
  }

  // ---- an empty catalogue ----

  async #showEmpty() {
    const isEmpty = this.#cards.size === 0 && !this.#cursor;
    byId("empty").hidden = !isEmpty;
    byId("found").hidden = byId("tools").hidden = isEmpty;
    if (!isEmpty || !byId("demo").hidden) return;
    const isOpen = await this.#shop.isOpenToAll();
    byId("demo").hidden = !isOpen;
    byId("no-demo").hidden = isOpen;
  }

  async #addDemo() {
    byId("add-demo").disabled = true;
    try {
      for (const [sku, product] of Object.entries(DEMO)) {
        const { error } = await this.#shop.client.api.PUT("/products/{sku}", { params: { path: { sku } }, body: product });
        if (error) throw new CartdProblem(error);
      }
      this.#take(await this.#readPage());
      byId("search").focus();
    } catch (error) {
      this.#shop.say(`The products were not added. ${error.message}`, "bad");
    } finally {
      byId("add-demo").disabled = false;
    }
  }
}
