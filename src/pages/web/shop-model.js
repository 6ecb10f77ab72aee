// The cart of this browser: as the service said last, what waits to be sent, whose it is, and whether
// the line to the service is up. Views listen to "change" and "message".

import { CartdClient, CartdProblem } from "./client.js";
import { guess, lineKey } from "./shop-guess.js";
import { Queue, makeUuid } from "./shop-queue.js";
import { onChangeElsewhere, read, write } from "./shop-storage.js";

/** 32 random bytes, which a guest chooses before the cart is made: so making it can be repeated. */
function makeCartToken() {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function isProblem(error, slug) {
  return error instanceof CartdProblem && error.is(slug);
}

export class Shop extends EventTarget {
  /** The cart as the service said last; null while there is none. */
  cart = null;
  /** Whether events of the cart come in, and commands get through. */
  isLive = true;
  /** Whether an order is on its way. */
  isOrdering = false;
  #session = null;
  #chosenCurrency = null; // for a cart that is to be made
  #unfollow = () => {};
  #productOf;

  /** productOf(sku) is what is known of a product, or undefined. */
  constructor(productOf) {
    super();
    this.#productOf = productOf;
    this.client = new CartdClient({ bearer: () => this.customer?.bearer ?? null, retries: 1 });
    this.queue = new Queue((entry) => this.#send(entry), {
      onChange: () => this.#changed(),
      onAnswer: (entry, cart) => this.#answered(entry, cart),
      onRefused: (entry, error) => this.#refused(entry, error),
      onDelay: (error) => (error.status === 401 ? this.#askForLogin() : this.#setLive(false)),
    });
    onChangeElsewhere((name) => this.#changedElsewhere(name));
    addEventListener("online", () => this.open());
    addEventListener("offline", () => this.#setLive(false));
    document.addEventListener("visibilitychange", () => this.open());
  }

  /** {id, bearer} of who is logged in, null for a guest. bearer is null where none is asked for. */
  get customer() {
    return read("customer");
  }

  /** Where no bearer token says whose a cart is, the body does. */
  get #owner() {
    return this.customer?.bearer === null ? { customer_id: this.customer.id } : {};
  }

  /** That of the cart, or of the one that will be made; null while the catalogue is not there. */
  get currency() {
    return this.cart?.status === "open" ? this.cart.currency : this.#chosenCurrency;
  }

  chooseCurrency(currency) {
    this.#chosenCurrency = currency;
    this.#changed();
  }

  /** The cart with what waits, for showing. */
  get view() {
    return guess(this.cart, this.queue.entries(), this.#productOf);
  }

  // ---- the line ----

  /** Follows the cart of this browser. A hidden tab does not: a browser has six connections to a server. */
  open() {
    const record = read("cart");
    this.#unfollow();
    this.#unfollow = () => {};
    if (record?.id !== this.cart?.id) this.cart = null;
    this.#session = record?.isMade ? this.client.cart(record.id, { token: record.token }) : null;
    if (this.#session === null) this.isLive = navigator.onLine;
    if (this.#session !== null && !document.hidden) this.#follow(this.#session);
    this.#changed();
    this.queue.run();
  }

  #follow(session) {
    this.#unfollow = session.follow({
      onCart: (cart) => this.#take(cart, session),
      onState: (state) => this.#setLive(state === "live"),
      onEnd: (problem) => this.#lost(problem, session),
    });
  }

  #take(cart, session) {
    if (session !== this.#session || cart.version < this.cart?.version) return;
    this.cart = cart;
    if (cart.status === "merged") this.#goOnWith(cart.merged_into);
    else this.#changed();
  }

  /** Another device has logged in, and taken the lines of this cart into that one. */
  #goOnWith(id) {
    this.#go({ id, token: null, isMade: true });
    this.say("Your carts of two devices are one now.");
  }

  /** The cart is gone, or is another customer's by now. */
  #lost(error, session) {
    if (session !== this.#session) return;
    if (error.status === 401 && this.customer !== null) return this.#askForLogin();
    if (error.status !== 404 && error.status !== 401) return;
    this.#go(null);
    this.say("The cart that was here is not there any more. What you add begins a new one.", "warn");
  }

  #askForLogin() {
    const action = { text: "Log in", run: () => this.dispatchEvent(new Event("login")) };
    this.say("Your login has ended. What waits is sent when you have logged in again.", "warn", action);
  }

  #setLive(isLive) {
    if (isLive === this.isLive) return;
    this.isLive = isLive;
    this.#changed();
    if (isLive) this.queue.run();
  }

  #setOrdering(isOrdering) {
    this.isOrdering = isOrdering;
    this.#changed();
  }

  #changedElsewhere(name) {
    if (name === null || name === "cart" || name === "customer") return this.open();
    if (name === "refusal" && read("refusal") !== null) this.say(read("refusal").text, "bad");
    this.#changed();
    if (navigator.locks) this.queue.run(); // the tab that queued it may be gone
  }

  /** Goes on with another cart, in all tabs. */
  #go(record) {
    write("cart", record);
    this.open();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }

  /** kind is "", "warn" or "bad". action is {text, run} of a button, or null. */
  say(text, kind = "", action = null) {
    this.dispatchEvent(new CustomEvent("message", { detail: { text, kind, action } }));
  }

  // ---- commands ----

  /**
   * Queues a command of POST /carts/{cart_id}/commands, and says `text` with a button that takes it
   * back. Without an open cart, the first adds one.
   */
  do(command, text) {
    if (this.cart !== null && this.cart.status !== "open") this.startAnew();
    if (read("cart") === null) this.#make();
    const entry = this.#replaceLast(command) ?? this.queue.add(command);
    const when = this.isLive ? "" : " It is sent when there is a connection.";
    this.say(text + when, "", { text: "Undo", run: () => this.undo(entry) });
  }

  /** Of two quantities that wait one after the other, only the last counts. */
  #replaceLast(command) {
    const last = this.queue.entries().at(-1);
    const isSame =
      command.type === "change_item" && command.quantity !== undefined && last?.command.quantity !== undefined &&
      last.command.item_id === command.item_id && this.queue.isUnsent(last);
    if (isSame) this.queue.replace(last, command);
    return isSame ? last : null;
  }

  /** A cart is made with the first command; id and token are known before. */
  #make() {
    const token = this.customer === null ? makeCartToken() : null;
    const record = { id: makeUuid(), token, isMade: false };
    write("cart", record);
    this.queue.add({ type: "create_cart", currency: this.currency }, { record });
  }

  /** A line that was never sent: what added it is not sent either. False: some of it is under way. */
  dropAdds(key) {
    let areDropped = true;
    for (const entry of this.queue.entries()) {
      if (entry.command.type !== "add_item" || lineKey(entry.command) !== key) continue;
      if (this.queue.isUnsent(entry)) this.queue.drop(entry);
      else areDropped = false;
    }
    return areDropped;
  }

  /** Takes back what an entry did: it is not sent, or undone if nothing has happened since. */
  undo(entry) {
    const last = read("last");
    if (this.queue.isUnsent(entry)) {
      this.queue.drop(entry);
      this.say("Taken back before it was sent.");
    } else if (this.queue.isWaiting(entry)) {
      this.queue.add({ type: "undo" });
      this.say("It is taken back as soon as it was sent.");
    } else if (last?.key === entry.key && last.version === this.cart?.version) {
      this.queue.add({ type: "undo" }, { version: last.version });
      this.say("Taken back.", "", { text: "Redo", run: () => this.do({ type: "restore", version: last.version }, "Done again.") });
    } else {
      this.say("The cart has changed since, so this is not taken back.", "warn");
    }
  }

  async #send(entry) {
    const { command, key, version } = entry;
    if (command.type === "create_cart") return this.#create(entry);
    if (this.#session === null) throw new Error("There is no cart any more.");
    return version === undefined ? this.#session.execute([command], { key }) : this.#sendAt(version, command, key);
  }

  /** Only to exactly that version, whatever the session knows by now. */
  async #sendAt(version, command, key) {
    const session = this.#session;
    const token = session.token === null ? {} : { "Cart-Token": session.token };
    const { data, error } = await this.client.api.POST("/carts/{cart_id}/commands", {
      params: { path: { cart_id: session.id } },
      headers: { "If-Match": `"${version}"`, "Idempotency-Key": key, ...token },
      body: { commands: [command] },
    });
    if (error) throw new CartdProblem(error);
    return session.keep(data);
  }

  async #create({ command: { currency }, key, record: { id, token } }) {
    const body = { id, currency, ...this.#owner };
    try {
      const session = await this.client.createCart(body, { key, ...(token && { token }) });
      if (read("cart")?.id === id) this.#go({ id, token: session.token, isMade: true });
      return session.current;
    } catch (error) {
      if (!isProblem(error, "open-cart-exists")) throw error;
      this.#go({ id: error.problem.cart_id, token: null, isMade: true });
      this.say("You had a cart open already: this goes into it.");
      return null;
    }
  }

  #answered({ key, command }, cart) {
    this.isLive = true;
    if (cart === null) return;
    if (command.type !== "create_cart") write("last", { key, version: cart.version });
    this.#take(cart, this.#session);
  }

  #refused({ command, key }, error) {
    const text = isProblem(error, "version-mismatch")
      ? "The cart has changed since, so this was not taken back."
      : `That was refused and not done. ${error.detail ?? error.message}`;
    this.say(text, "bad");
    write("refusal", { text, key }); // for the tab that queued it
    if (command.type === "create_cart") this.#go(null);
    else if (isProblem(error, "cart-not-found")) this.#lost(error, this.#session);
  }

  // ---- what is not queued, as its answer must be seen ----

  /** Resolves to the closed cart. Throws a CartdProblem; "prices-changed" lists the lines. */
  async checkOut() {
    const session = this.#session;
    this.#setOrdering(true);
    try {
      const cart = await session.checkOut({ expected_total: this.cart.total, check_prices: true });
      this.#take(cart, session);
      return cart;
    } finally {
      this.#setOrdering(false);
    }
  }

  /** Commands that the shopper waits for, all or none. */
  async execute(commands) {
    const session = this.#session;
    this.#take(await session.execute(commands), session);
  }

  /** The cart stays as it is; what is added next begins another. */
  startAnew() {
    this.#go(null);
  }

  /** Whether anybody may do everything here (CARTD_AUTH=open): then a name is enough to log in. */
  async isOpenToAll() {
    const { response } = await this.client.api.GET("/carts", { params: { query: { limit: 1 } } });
    return response.ok;
  }

  /** A guest's cart becomes the customer's, with what is in a cart that the customer has open. */
  async logIn(customer) {
    write("customer", customer);
    try {
      const open = await this.#findOpenCart(customer);
      const isOpen = this.cart?.status === "open";
      const isGuests = isOpen && this.cart.customer_id === null;
      if (isOpen && this.cart.customer_id === customer.id) this.open();
      else if (isGuests && (this.cart.items.length > 0 || open === null)) await this.#claim(open);
      else if (open !== null) this.#go({ id: open.id, token: null, isMade: true });
      else this.#go(null);
    } catch (error) {
      write("customer", null);
      this.open();
      throw error;
    }
  }

  async #findOpenCart({ id }) {
    const query = { status: "open", customer_id: id, limit: 1 };
    const { data, error } = await this.client.api.GET("/carts", { params: { query } });
    if (error) throw new CartdProblem(error);
    return data.carts[0] ?? null;
  }

  /** Where a customer may have one open cart only, the claim merges it; else it is merged after that. */
  async #claim(open) {
    const { id } = this.cart;
    try {
      await this.#session.claim({ ...this.#owner, merge: "sum" });
    } catch (error) {
      if (!isProblem(error, "open-cart-exists")) throw error;
      return this.#go({ id: error.problem.cart_id, token: null, isMade: true });
    }
    this.#go({ id, token: null, isMade: true });
    if (open !== null) this.#take(await this.#session.merge(open.id), this.#session);
  }

  logOut() {
    write("customer", null);
    this.#go(null);
  }
}
