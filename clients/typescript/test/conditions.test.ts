import assert from "node:assert/strict";
import { test } from "node:test";
import { CartdClient, type Cart, type CartSession } from "cartd-client";
import { eventTypes, openUrl, Proxy } from "./support.js";

const client = new CartdClient({ baseUrl: openUrl });

/** A session that does not know of the second bag. */
async function outdated(by = client): Promise<CartSession> {
  const session = await by.createCart({ items: [{ sku: "tea-green" }] });
  await client.cart(session.id).addItem({ sku: "tea-green" });
  return session;
}

function quantityOf(document: Cart): number | undefined {
  return document.items[0]?.quantity;
}

test("a command to a cart as it was seen", async () => {
  const session = await client.createCart({ items: [{ sku: "tea-green" }] });
  const document = await session.changeItem("tea-green", { quantity: 4 }, { ifUnchanged: true });
  assert.equal(quantityOf(document), 4);
});

test("a cart that has changed is not touched", async () => {
  const session = await outdated();
  const change = session.changeItem("tea-green", { quantity: 4 }, { ifUnchanged: true });
  await assert.rejects(change, { name: "CartdProblem", slug: "version-mismatch", status: 412 });
  assert.equal(session.version, 2);
  assert.equal(quantityOf(await session.refresh()), 2);
});

test("a command to a version, such as the one that a form was opened with", async () => {
  const session = await outdated();
  await session.refresh();
  await assert.rejects(session.clear({ ifUnchanged: 2 }), { slug: "version-mismatch" });
  assert.equal((await client.cart(session.id).clear({ ifUnchanged: 3 })).item_count, 0);
});

test("the caller decides on the newest document and the events since: the same again", async () => {
  const session = await outdated();
  const document = await session.removeItem("tea-green", {
    ifUnchanged: (newest, missed) => {
      assert.equal(quantityOf(newest), 2);
      assert.deepEqual(missed.map((event) => event.type), ["ItemAdded"]);
      return true;
    },
  });
  assert.equal(document.item_count, 0);
});

test("or another", async () => {
  const session = await outdated();
  const document = await session.changeItem(
    "tea-green",
    { quantity: 5 },
    { ifUnchanged: async (newest) => ({ quantity: (quantityOf(newest) ?? 0) + 4 }) },
  );
  assert.equal(quantityOf(document), 6);
});

test("or none", async () => {
  const session = await outdated();
  await assert.rejects(session.checkOut({}, { ifUnchanged: () => false }), { slug: "version-mismatch" });
  assert.equal(session.current?.status, "open");
  assert.equal(session.version, 3);
});

test("it decides again if the cart changes while it does", async () => {
  const session = await outdated();
  let rounds = 0;
  const ifUnchanged = async () => {
    if (rounds++ === 0) await client.cart(session.id).addItem({ sku: "cup-blue" });
    return true;
  };
  await session.clear({ ifUnchanged });
  assert.equal(rounds, 2);
  assert.equal(session.current?.item_count, 0);
});

test("a command that was recorded is no mismatch when it is repeated", async () => {
  const proxy = await Proxy.start();
  const session = await proxy.client().createCart();
  proxy.plan("lost");
  await session.addItem({ sku: "tea-green" }, { ifUnchanged: () => assert.fail() });
  assert.deepEqual(await eventTypes(session.id), ["CartCreated", "ItemAdded"]);
});

test("unchanged since nothing is a mistake", async () => {
  const { id } = await client.createCart();
  await assert.rejects(client.cart(id).clear({ ifUnchanged: true }), /refresh\(\) first/);
});
