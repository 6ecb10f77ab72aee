import type { Client } from "openapi-fetch";
import type { paths } from "./schema.js";
import type { Cart, CartEvent, CheckOut, Claim, Command, ItemChange, MergeRule, NewItem } from "./types.js";
import { Following, type Follower } from "./follow.js";
import { problemOf } from "./problems.js";
import { EVENT_STREAM } from "./transport.js";

/**
 * Decides what becomes of a command to a cart that has changed meanwhile, on its newest document and the
 * events since the one that the caller had: true sends the same again, a body sends that one instead,
 * false gives up, and the command rejects with the 412.
 */
export type Rebase<Body> = (newest: Cart, missed: CartEvent[]) => Body | boolean | Promise<Body | boolean>;

export interface CommandOptions<Body = never> {
  /** The Idempotency-Key; made if left out. A command that may be sent again after a restart needs one of its own. */
  key?: string | undefined;
  /** Only if the cart is still at this version; true: as in `current`; a function decides what to do if it is not. */
  ifUnchanged?: boolean | number | Rebase<Body> | undefined;
  /** Ends the command and its retries. It may have been recorded nevertheless. */
  signal?: AbortSignal | undefined;
}

interface Answer {
  data?: Cart | undefined;
  error?: unknown;
  response: Response;
}

interface Init {
  headers: Record<string, string | null | undefined>; // without those that are null or undefined
  signal: AbortSignal | null;
}

/**
 * One cart as one client sees it. Commands answer with the newest document that the session knows, which
 * has what they did, and reject with a `CartdProblem` or a `CartdUnreachable`.
 */
export class CartSession {
  /** The last document, or null before the first. It never goes back to an older version. */
  current: Cart | null = null;
  private readonly followings = new Set<Following>();

  /** As `CartdClient.cart()` does. */
  constructor(
    private readonly api: Client<paths>,
    readonly id: string,
    /** The guest's Cart-Token; null for a cart that belongs to a customer. */
    public token: string | null = null,
  ) {}

  get version(): number | null {
    return this.current?.version ?? null;
  }

  /** Reads the cart. */
  async refresh(options: { signal?: AbortSignal | undefined } = {}): Promise<Cart> {
    const { data, error, response } = await this.api.GET("/carts/{cart_id}", {
      params: { path: { cart_id: this.id } },
      ...this.init(options),
    });
    if (!data) throw problemOf(response, error);
    return this.keep(data);
  }

  addItem(item: NewItem, options: CommandOptions<NewItem> = {}): Promise<Cart> {
    return this.command(options, item, (body, init) =>
      this.api.POST("/carts/{cart_id}/items", { params: this.params, body, ...init }),
    );
  }

  changeItem(itemId: string, change: ItemChange, options: CommandOptions<ItemChange> = {}): Promise<Cart> {
    const params = { path: { cart_id: this.id, item_id: itemId } };
    return this.command(options, change, (body, init) =>
      this.api.PATCH("/carts/{cart_id}/items/{item_id}", { params, body, ...init }),
    );
  }

  removeItem(itemId: string, options: CommandOptions = {}): Promise<Cart> {
    const params = { path: { cart_id: this.id, item_id: itemId } };
    return this.command(options, null, (_, init) =>
      this.api.DELETE("/carts/{cart_id}/items/{item_id}", { params, ...init }),
    );
  }

  /** Removes all lines. */
  clear(options: CommandOptions = {}): Promise<Cart> {
    return this.command(options, null, (_, init) =>
      this.api.DELETE("/carts/{cart_id}/items", { params: this.params, ...init }),
    );
  }

  applyCoupon(code: string, options: CommandOptions = {}): Promise<Cart> {
    return this.command(options, null, (_, init) =>
      this.api.POST("/carts/{cart_id}/coupons", { params: this.params, body: { code }, ...init }),
    );
  }

  removeCoupon(code: string, options: CommandOptions = {}): Promise<Cart> {
    const params = { path: { cart_id: this.id, code } };
    return this.command(options, null, (_, init) =>
      this.api.DELETE("/carts/{cart_id}/coupons/{code}", { params, ...init }),
    );
  }

  checkOut(order: CheckOut = {}, options: CommandOptions<CheckOut> = {}): Promise<Cart> {
    return this.command(options, order, (body, init) =>
      this.api.POST("/carts/{cart_id}/checkout", { params: this.params, body, ...init }),
    );
  }

  /** Takes back the last change. */
  undo(options: CommandOptions = {}): Promise<Cart> {
    return this.command(options, null, (_, init) =>
      this.api.POST("/carts/{cart_id}/undo", { params: this.params, ...init }),
    );
  }

  restore(version: number, options: CommandOptions = {}): Promise<Cart> {
    return this.command(options, null, (_, init) =>
      this.api.POST("/carts/{cart_id}/restore", { params: this.params, body: { version }, ...init }),
    );
  }

  /** Makes a guest's cart the customer's of the bearer token. The Cart-Token ends with it. */
  async claim(claim: Claim = {}, options: CommandOptions<Claim> = {}): Promise<Cart> {
    const document = await this.command(options, claim, (body, init) =>
      this.api.POST("/carts/{cart_id}/claim", { params: this.params, body, ...init }),
    );
    this.token = null;
    return document;
  }

  /** Takes the lines of another cart, which ends. */
  merge(
    from: string | CartSession,
    { quantities, ...options }: { quantities?: MergeRule } & CommandOptions = {},
  ): Promise<Cart> {
    const other = typeof from === "string" ? { from } : { from: from.id, ...(from.token && { from_token: from.token }) };
    const body = { ...other, ...(quantities && { quantities }) };
    return this.command(options, null, (_, init) =>
      this.api.POST("/carts/{cart_id}/merge", { params: this.params, body, ...init }),
    );
  }

  /** Up to 100 commands, all or none. */
  execute(commands: Command[], options: CommandOptions<Command[]> = {}): Promise<Cart> {
    return this.command(options, commands, (list, init) =>
      this.api.POST("/carts/{cart_id}/commands", { params: this.params, body: { commands: list }, ...init }),
    );
  }

  /** Tells of the cart and of what happens to it, over lost connections, until the returned function is called. */
  follow(follower: Follower): () => void {
    const following = new Following(this, follower, (after, signal) => this.openStream(after, signal));
    queueMicrotask(() => void this.run(following)); // when the caller has what this returns
    return () => following.stop();
  }

  /** Takes a document, unless there is a newer one: the answer to a repeated command is that of its time. */
  keep(document: Cart): Cart {
    if (this.current && document.version < this.current.version) return this.current;
    const isNews = document.version !== this.version;
    this.current = document;
    if (isNews) this.followings.forEach((following) => following.show(document));
    return document;
  }

  /** For a cart whose log went back to an older version, such as after a restore of the database. */
  forget(): void {
    this.current = null;
  }

  private get params() {
    return { path: { cart_id: this.id } };
  }

  private init({ key, ifUnchanged, signal }: CommandOptions<never>): Init {
    const { token } = this;
    const version = typeof ifUnchanged === "number" ? ifUnchanged : this.version;
    const isConditional = ifUnchanged !== undefined && ifUnchanged !== false;
    if (isConditional && version === null) throw new Error("ifUnchanged needs a document: refresh() first.");
    const ifMatch = isConditional ? `"${version}"` : null;
    const headers = { "Cart-Token": token, "Idempotency-Key": key, "If-Match": ifMatch };
    return { headers, signal: signal ?? null };
  }

  private async command<Body>(
    options: CommandOptions<Body>,
    body: Body,
    send: (body: Body, init: Init) => Promise<Answer>,
  ): Promise<Cart> {
    for (;;) {
      const { data, error, response } = await send(body, this.init(options as CommandOptions));
      if (data) return this.keep(data);
      const refusal = problemOf(response, error);
      const rebase = options.ifUnchanged;
      if (typeof rebase !== "function" || !refusal.is("version-mismatch")) throw refusal;
      const newest = await this.refresh({ signal: options.signal });
      const decision = await rebase(newest, refusal.problem.missed_events);
      if (decision === false) throw refusal;
      if (decision !== true) body = decision as Body;
    }
  }

  private async run(following: Following): Promise<void> {
    this.followings.add(following);
    if (this.current) following.show(this.current);
    await following.run();
    this.followings.delete(following);
  }

  private async openStream(after: number, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    const { headers } = this.init({});
    const { data, error, response } = await this.api.GET("/carts/{cart_id}/events", {
      params: this.params,
      headers: { ...headers, Accept: EVENT_STREAM, "Last-Event-ID": String(after) },
      parseAs: "stream",
      signal,
    });
    if (!data) throw problemOf(response, error);
    return data;
  }
}
