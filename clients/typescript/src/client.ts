import createClient, { type Client } from "openapi-fetch";
import type { paths } from "./schema.js";
import type { NewCart } from "./types.js";
import { problemOf } from "./problems.js";
import { CartSession } from "./session.js";
import { randomText, Transport } from "./transport.js";

export interface ClientOptions {
  /** Where the service is; left out in a browser: where the page is from. */
  baseUrl?: string;
  /** The customer's bearer token, asked for before each attempt; null for a guest. */
  bearer?: () => string | null;
  fetch?: typeof fetch;
  /** How often a request is repeated that got no answer, or one that says to try again: 5. */
  retries?: number;
}

export interface CreateOptions {
  key?: string;
  /** A guest's Cart-Token, 32 random bytes as base64url; made if left out. */
  token?: string;
  signal?: AbortSignal;
}

export class CartdClient {
  /** Every operation of openapi.yaml, typed, with the same keys and retries. It does not throw refusals. */
  readonly api: Client<paths>;
  private readonly bearer: () => string | null;

  constructor({ baseUrl = "", bearer = () => null, fetch, retries = 5 }: ClientOptions = {}) {
    this.bearer = bearer;
    const transport = new Transport(fetch ?? ((...args) => globalThis.fetch(...args)), bearer, retries);
    this.api = createClient<paths>({ baseUrl, fetch: (request) => transport.send(request) });
  }

  /** A new cart, of the customer whose token `bearer` gives, or of a guest. Keep its `id` and `token`. */
  async createCart(body: NewCart = {}, { key, token, signal }: CreateOptions = {}): Promise<CartSession> {
    // The guest's own: a repeated request is answered without it, and could not be made without it.
    const ownToken = this.bearer() === null ? (token ?? randomText(32)) : null;
    const { data, error, response } = await this.api.POST("/carts", {
      headers: { "Cart-Token": ownToken, "Idempotency-Key": key },
      body,
      signal: signal ?? null,
    });
    if (!data) throw problemOf(response, error);
    const session = this.cart(data.id, { token: ownToken });
    session.keep(data);
    return session;
  }

  /** A cart that is there already. Nothing is sent yet. */
  cart(id: string, { token = null }: { token?: string | null } = {}): CartSession {
    return new CartSession(this.api, id, token);
  }
}
