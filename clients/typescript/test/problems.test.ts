import assert from "node:assert/strict";
import { test } from "node:test";
import { CartdClient, CartdProblem } from "cartd-client";
import { openUrl, Proxy } from "./support.js";

const session = await new CartdClient({ baseUrl: openUrl }).createCart({ items: [{ sku: "tea-green" }] });

async function problemOf(command: Promise<unknown>): Promise<CartdProblem> {
  const error = await command.then(
    () => assert.fail("It was accepted."),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof CartdProblem);
  return error;
}

test("a problem says which further members it has", async () => {
  const error = await problemOf(session.checkOut({ expected_total: 1 }));
  assert.ok(error.is("total-changed"));
  const total: number = error.problem.current_total;
  assert.equal(total, 499);
  assert.ok(!error.is("cart-closed"));
});

test("it has the service's words", async () => {
  const error = await problemOf(session.addItem({ sku: "no-such" }));
  assert.equal(error.message, `${error.problem.title}: ${error.detail}`);
  assert.match(error.detail, /no-such/);
  assert.equal(error.problem.status, error.status);
  assert.equal(String(error).startsWith("CartdProblem: Unknown sku"), true);
});

test("a body that is invalid is explained member by member", async () => {
  const error = await problemOf(session.addItem({ sku: "tea-green", quantity: 0 }));
  assert.ok(error.is("invalid-body"));
  assert.deepEqual(error.problem.errors.map(({ pointer }) => pointer), ["/quantity"]);
});

test("an answer that is not of cartd is a problem too", async () => {
  const proxy = await Proxy.start();
  for (const body of ["<p>Not here</p>", "null", '{"message":"no"}']) {
    proxy.plan({ status: 403, body });
    const error = await problemOf(proxy.client().cart(session.id).refresh());
    assert.deepEqual([error.status, error.slug, error.problem.title], [403, "", "Forbidden"]);
  }
});
