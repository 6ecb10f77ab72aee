/*
 * A small client with the types that openapi-typescript makes of openapi.yaml. It is compiled and
 * never run: what it does must have the types that it says, and each line below a "ts-expect-error"
 * must be refused, or tsc reports that line.
 */
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

type Cart = components["schemas"]["Cart"];
type Event = components["schemas"]["Event"];

const client = createClient<paths>({ baseUrl: "http://127.0.0.1:8080" });

export async function createCart(sku: string): Promise<Cart> {
    const { data, error, response } = await client.POST("/carts", {
        params: { header: { "Idempotency-Key": "order-1" } },
        body: { currency: "EUR", items: [{ sku }, { sku, quantity: 2, properties: { engraving: "A" } }] },
    });
    if (error) {
        throw new Error(`${response.status} ${error.title}: ${error.detail}`);
    }
    const total: number = data.total;
    const customer: string | null = data.customer_id;
    const status: "open" | "checked_out" | "cancelled" | "expired" | "merged" = data.status;
    // @ts-expect-error a cart has no such field
    void data.sum;
    // @ts-expect-error customer_id may be null
    const name: string = data.customer_id;
    void [total, customer, status, name];
    return data;
}

/* The `type` of a problem says which further fields it has. */
export async function checkOut(cart: Cart): Promise<Cart | number> {
    const { data, error } = await client.POST("/carts/{cart_id}/checkout", {
        params: { path: { cart_id: cart.id }, header: { "If-Match": `"${cart.version}"` } },
        body: { expected_total: cart.total },
    });
    if (data) {
        return data;
    }
    switch (error?.type) {
        case "/problems/total-changed":
            return error.current_total;
        case "/problems/version-mismatch":
            return error.missed_events.length;
        case "/problems/invalid-body":
            throw new Error(error.errors.map((one) => `${one.pointer}: ${one.detail}`).join("\n"));
        // @ts-expect-error a checkout adds nothing to the cart
        case "/problems/cart-full":
            throw new Error("full");
        case "/problems/cart-empty":
            // @ts-expect-error only total-changed has it
            return error.current_total;
        default:
            throw new Error(error?.detail ?? "no body");
    }
}

export async function swap(cart: Cart, item: string, sku: string) {
    await client.POST("/carts/{cart_id}/commands", {
        params: { path: { cart_id: cart.id } },
        body: {
            commands: [
                { type: "remove_item", item_id: item },
                { type: "add_item", sku },
                { type: "check_out", expected_total: 549 },
                // @ts-expect-error there is no such command
                { type: "add_items", sku },
            ],
        },
    });
}

export async function readLog(after: number): Promise<Event[]> {
    const { data } = await client.GET("/events", {
        params: { query: { after, type: ["ItemAdded", "CartCheckedOut"], wait: 30 } },
    });
    await client.GET("/events", {
        // @ts-expect-error there is no such event
        params: { query: { type: ["ItemsAdded"] } },
    });
    return typeof data === "object" ? data.events : []; // a text is a stream
}

export async function setPrice(sku: string, price: number) {
    return client.PUT("/products/{sku}", {
        params: { path: { sku } },
        body: { name: "Green tea", prices: { EUR: price } },
    });
}

export async function readPages() {
    let cursor: string | null = null;
    do {
        const page: { data?: components["schemas"]["CartList"] } = await client.GET("/carts", {
            params: { query: { status: "open", ...(cursor === null ? {} : { cursor }) } },
        });
        cursor = page.data?.next_cursor ?? null;
    } while (cursor !== null);
}
