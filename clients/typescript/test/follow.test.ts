import assert from "node:assert/strict";
import { test } from "node:test";
import { CartdClient, type Cart, type CartEvent, type CartSession } from "cartd-client";
import { collectGarbage, guardedUrl, openUrl, Proxy, refusal, Told } from "./support.js";

const others = new CartdClient({ baseUrl: openUrl });

function listen(session: CartSession) {
  const [carts, events, states] = [new Told<Cart>(), new Told<CartEvent>(), new Told<string>()];
  const problems = new Told<string>();
  const stop = session.follow({
    onCart: carts.take,
    onEvent: events.take,
    onState: states.take,
    onEnd: (problem) => problems.take(problem.slug),
  });
  return { carts, events, states, problems, stop };
}

const isLive = (states: string[]) => states.at(-1) === "live";

function until(version: number) {
  return (carts: Cart[]) => carts.at(-1)?.version === version;
}

test("a cart is shown at once, and whenever anybody changes it", async () => {
  const session = await others.createCart();
  const { carts, events, states, stop } = listen(session);
  await states.until(isLive);
  await others.cart(session.id).addItem({ sku: "tea-green", quantity: 3 });
  await carts.until(until(2));
  assert.deepEqual(carts.values.map(({ version }) => version), [1, 2]);
  assert.equal(carts.values[1], session.current);
  assert.deepEqual(events.values.map(({ type }) => type), ["ItemAdded"]);
  assert.deepEqual(states.values, ["waiting", "live"]);
  stop();
});

test("a session without a document reads it first", async () => {
  const { id } = await others.createCart();
  const { carts, stop } = listen(others.cart(id));
  await carts.until(until(1));
  stop();
});

test("after a cut it goes on where it was", async () => {
  const proxy = await Proxy.start();
  const session = await proxy.client().createCart();
  const { carts, events, states, stop } = listen(session);
  await states.until(isLive);
  for (let version = 2; version <= 5; version++) {
    proxy.planFor(/events/, "refused", refusal(503, "overloaded", { "Retry-After": "0" }));
    proxy.cutStreams();
    await states.until((values) => values.at(-1) === "waiting");
    await others.cart(session.id).addItem({ sku: "tea-green" });
    await carts.until(until(version));
    await states.until(isLive);
    const resumed = proxy.requests.filter(({ url }) => url?.includes("events"));
    assert.deepEqual(resumed.map(({ headers }) => headers["last-event-id"]), Array(3).fill(String(version - 1)));
  }
  assert.deepEqual(events.values.map(({ version }) => version), [2, 3, 4, 5]);
  stop();
});

test("the session's own commands are shown without another request", async () => {
  const proxy = await Proxy.start();
  const session = await proxy.client().createCart();
  const { carts, events, states, stop } = listen(session);
  await states.until(isLive);
  proxy.plan();
  await session.addItem({ sku: "tea-green" });
  assert.ok(until(2)(carts.values));
  await events.until((values) => values.length === 1);
  stop();
});

test("stop() ends the connection, and nothing is told any more", async () => {
  const proxy = await Proxy.start();
  const session = await proxy.client().createCart();
  const { carts, states, stop } = listen(session);
  await states.until(isLive);
  await new Promise(setImmediate);
  collectGarbage();
  stop();
  await proxy.untilNoStream();
  await session.addItem({ sku: "tea-green" });
  assert.deepEqual(carts.values.map(({ version }) => version), [1]);
});

test("it may be stopped before it begins, and from inside", async () => {
  const session = await others.createCart();
  const early = listen(session);
  early.stop();
  await new Promise<void>((resolve) => {
    const stop = session.follow({
      onCart: () => {
        stop();
        resolve();
      },
    });
  });
  assert.deepEqual([early.carts.values, early.states.values], [[], []]);
});

test("a log that ends before the last event is read from its beginning", async () => {
  const proxy = await Proxy.start();
  const session = await proxy.client().createCart();
  proxy.planFor(/events/, refusal(400, "invalid-parameter"), {
    status: 200,
    headers: { "Content-Type": "text/event-stream" },
    body: 'event: error\ndata: {"type":"/problems/invalid-parameter","status":400,"detail":"Another log."}\n\n',
  });
  const { carts, states, stop } = listen(session);
  await states.until((values) => values.filter((state) => state === "live").length === 2);
  assert.deepEqual(carts.values.map(({ version }) => version), [1, 1, 1]);
  stop();
});

test("a cart that is no longer the caller's ends it", async () => {
  const guest = await new CartdClient({ baseUrl: guardedUrl }).createCart();
  const wrong = new CartdClient({ baseUrl: guardedUrl }).cart(guest.id, { token: "A".repeat(43) });
  const { problems, states } = listen(wrong);
  await problems.until((values) => values.length === 1);
  assert.deepEqual(problems.values, ["cart-not-found"]);
  assert.deepEqual(states.values, ["waiting"]);
});

test("a guest follows with the Cart-Token", async () => {
  const guest = await new CartdClient({ baseUrl: guardedUrl }).createCart();
  const { carts, states, stop } = listen(guest);
  await states.until(isLive);
  await new CartdClient({ baseUrl: guardedUrl }).cart(guest.id, { token: guest.token }).addItem({ sku: "tea-green" });
  await carts.until(until(2));
  stop();
});
