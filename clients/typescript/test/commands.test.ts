import assert from "node:assert/strict";
import { test } from "node:test";
import { CartdProblem, CartdUnreachable, type CartSession } from "cartd-client";
import { adaToken, collectGarbage, eventTypes, guardedUrl, openUrl, Proxy, refusal } from "./support.js";

const proxy = await Proxy.start();
const client = proxy.client();

const COMMANDS: Record<string, (session: CartSession) => Promise<unknown>> = {
  addItem: (session) => session.addItem({ sku: "tea-green", quantity: 2, properties: { engraving: "A" } }),
  changeItem: (session) => session.changeItem("tea-green", { quantity: 3 }),
  removeItem: (session) => session.removeItem("tea-green"),
  clear: (session) => session.clear(),
  applyCoupon: (session) => session.applyCoupon("WELCOME"),
  checkOut: (session) => session.checkOut({ expected_total: 499, check_prices: true }),
  undo: (session) => session.undo(),
  restore: (session) => session.restore(1),
  claim: (session) => session.claim({ customer_id: `customer-${session.id}` }),
  execute: (session) => session.execute([{ type: "add_item", sku: "cup-blue" }, { type: "change_details", note: "Hi" }]),
};

async function makeCoupon(): Promise<void> {
  const { error } = await client.api.PUT("/coupons/{code}", {
    params: { path: { code: "WELCOME" } },
    body: { percent: 1000, combinable: true },
  });
  assert.equal(error, undefined);
}

async function cartWithTea(): Promise<CartSession> {
  proxy.plan();
  const session = await client.createCart();
  await session.addItem({ sku: "tea-green" });
  return session;
}

for (const [name, execute] of Object.entries(COMMANDS)) {
  test(`${name} whose answers are lost is recorded once`, async () => {
    await makeCoupon();
    const [twin, session] = [await cartWithTea(), await cartWithTea()];
    await execute(twin);
    proxy.plan("lost", "halved", "refused");
    const answer = await execute(session);
    assert.equal(proxy.requests.length, 4);
    assert.equal(new Set(proxy.keys()).size, 1);
    assert.deepEqual(await eventTypes(session.id), await eventTypes(twin.id));
    assert.equal(answer, session.current);
    assert.equal(session.version, twin.version);
  });
}

test("removeCoupon and merge take effect", async () => {
  await makeCoupon();
  const [session, other] = [await cartWithTea(), await cartWithTea()];
  await session.applyCoupon("WELCOME");
  assert.equal((await session.removeCoupon("WELCOME")).coupons.length, 0);
  assert.equal((await session.merge(other, { quantities: "max" })).items[0]?.quantity, 1);
  assert.equal((await other.refresh()).status, "merged");
});

test("two commands have two keys", async () => {
  const session = await cartWithTea();
  proxy.plan();
  await Promise.all([session.addItem({ sku: "tea-green" }), session.addItem({ sku: "tea-green" })]);
  assert.equal(new Set(proxy.keys()).size, 2);
  assert.equal(session.current?.items[0]?.quantity, 3);
});

for (const [where, url] of [["open", openUrl], ["guarded", guardedUrl]] as const) {
  test(`a guest creates one cart, also if the answer is lost (${where})`, async () => {
    const own = await Proxy.start(url);
    own.plan("lost", "lost");
    const session = await own.client().createCart({ items: [{ sku: "tea-green" }] });
    assert.equal(own.requests.length, 3);
    assert.deepEqual(await eventTypes(session.id, session.token, url), ["CartCreated", "ItemAdded"]);
    await session.addItem({ sku: "tea-green" });
  });
}

test("calls of client.api are as safe", async () => {
  const session = await cartWithTea();
  proxy.plan("lost", "lost");
  const { data } = await client.api.POST("/carts/{cart_id}/items", {
    params: { path: { cart_id: session.id } },
    body: { sku: "tea-green" },
  });
  assert.equal(data?.items[0]?.quantity, 2);
});

test("what asks to try again is repeated with the same key", async () => {
  const session = await cartWithTea();
  proxy.plan(
    refusal(503, "overloaded", { "Retry-After": "0" }),
    refusal(429, "too-many-requests", { "Retry-After": "Thu, 01 Jan 1970 00:00:00 GMT" }),
    { status: 502, headers: { "Content-Type": "text/html" }, body: "<p>Bad gateway</p>" },
  );
  await session.addItem({ sku: "tea-green" }, { key: "by-the-caller" });
  assert.deepEqual(proxy.keys(), Array(4).fill("by-the-caller"));
});

test("Retry-After is waited for, but not for a minute", async () => {
  const session = await cartWithTea();
  proxy.plan(refusal(503, "overloaded", { "Retry-After": "1" }));
  const start = performance.now();
  await session.refresh();
  assert.ok(performance.now() - start >= 990);
  proxy.plan(refusal(429, "too-many-attempts", { "Retry-After": "60" }));
  await assert.rejects(session.applyCoupon("GUESS"), { name: "CartdProblem", status: 429, slug: "too-many-attempts" });
  assert.equal(proxy.requests.length, 1);
});

test("a refusal is not repeated", async () => {
  const session = await cartWithTea();
  proxy.plan();
  await assert.rejects(session.addItem({ sku: "no-such" }), { name: "CartdProblem", slug: "unknown-sku", status: 422 });
  assert.equal(proxy.requests.length, 1);
});

test("without any answer it is unreachable, and the same key tells what became of it", async () => {
  const session = proxy.client({ retries: 1 }).cart((await cartWithTea()).id);
  proxy.plan("lost", "lost");
  const add = () => session.addItem({ sku: "tea-green" }, { key: "kept" });
  await assert.rejects(add(), (error) => error instanceof CartdUnreachable && error.cause instanceof TypeError);
  assert.equal((await add()).items[0]?.quantity, 2);
  proxy.plan(refusal(503, "shutting-down"), refusal(503, "shutting-down"));
  await assert.rejects(add(), { name: "CartdProblem", slug: "shutting-down" });
  proxy.plan({ status: 504 }, { status: 504 });
  await assert.rejects(add(), { name: "CartdUnreachable" });
});

for (const fault of ["held", refusal(503, "overloaded", { "Retry-After": "9" })] as const) {
  test(`a signal ends a command that ${fault === "held" ? "has no answer" : "waits to be repeated"}`, async () => {
    const session = await cartWithTea();
    proxy.plan(fault);
    const abort = new AbortController();
    const sent = proxy.nextRequest();
    const added = session.addItem({ sku: "tea-green" }, { signal: abort.signal });
    await sent;
    collectGarbage();
    abort.abort();
    await assert.rejects(added, { name: "AbortError" });
    assert.equal(proxy.requests.length, 1);
    await assert.rejects(session.undo({ signal: abort.signal }), { name: "AbortError" });
    assert.equal(proxy.requests.length, 1);
  });
}

test("a late answer to a repeated command is not taken for the newest", async () => {
  const session = await cartWithTea();
  await session.addItem({ sku: "tea-green" }, { key: "early" });
  await session.addItem({ sku: "tea-green" });
  const document = await session.addItem({ sku: "tea-green" }, { key: "early" });
  assert.equal(document.items[0]?.quantity, 3);
});

test("a customer's requests have a bearer token, asked for each time", async () => {
  const own = await Proxy.start(guardedUrl);
  let n = 0;
  const bearer = () => (n++ < 2 ? "not-a-token" : adaToken);
  const session = await own.client().createCart();
  const customer = own.client({ bearer }).cart(session.id, { token: session.token });
  await assert.rejects(customer.refresh(), { name: "CartdProblem", status: 401, slug: "unauthorized" });
  own.plan("refused");
  assert.equal((await customer.claim()).customer_id, "ada");
  assert.equal(customer.token, null);
  assert.equal((await customer.addItem({ sku: "tea-green" })).version, 3);
  await assert.rejects(session.refresh(), (error) => error instanceof CartdProblem && error.is("cart-not-found"));
});

test("a guest's cart is merged into the customer's", async () => {
  const own = await Proxy.start(guardedUrl);
  const guest = await own.client().createCart({ items: [{ sku: "tea-green" }] });
  const customer = await own.client({ bearer: () => adaToken }).createCart();
  assert.equal(customer.token, null);
  assert.equal((await customer.merge(guest)).item_count, 1);
});
