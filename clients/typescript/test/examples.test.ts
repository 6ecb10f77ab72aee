import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { mock, test } from "node:test";
import { adaToken, guardedUrl } from "./support.js";

/** What the examples find around them: that of a page, and what a shop has. */
const shown: unknown[] = [];
const refusals: unknown[] = [];
const stored = new Map<string, string>();
const listeners = new Map<string, () => unknown>();
let isOffline = false;
const { fetch } = globalThis;
Object.assign(globalThis, {
  fetch: (...request: Parameters<typeof fetch>) => (isOffline ? Promise.reject(new TypeError("offline")) : fetch(...request)),
  localStorage: {
    getItem: (name: string) => stored.get(name) ?? null,
    setItem: (name: string, text: string) => stored.set(name, text),
  },
  addEventListener: (name: string, listener: () => unknown) => listeners.set(name, listener),
  logIn: async () => adaToken,
  show: (value: unknown) => shown.push(value),
  showConnection: () => {},
  showRefusal: (error: unknown) => refusals.push(error),
});

/** Runs a document's examples against the service; returns what they export, and the program. */
async function run(name: string, exported = "") {
  const folder = `${import.meta.dirname}/../examples`;
  const program = await readFile(`${folder}/${name}.js`, "utf8");
  const path = `${folder}/${name}.here.js`;
  await writeFile(path, `${program.replaceAll("http://localhost:8080", guardedUrl)}\nexport { ${exported} };\n`);
  return { program, ...(await import(path)) };
}

test("the README's example shops", async () => {
  const log = mock.method(console, "log", () => {});
  await run("readme");
  const lines = log.mock.calls.map(({ arguments: [line] }) => line);
  log.mock.restore();
  assert.equal(lines.at(-1), "checked_out");
  assert.ok(lines.includes("4 items for 3578 cents"));
});

test("docs/frontends.md shows what its comments say, and sends what was stored offline", async () => {
  const { program, addLater, session } = await run("frontends", "addLater, session");
  const expected = [...program.matchAll(/\bshow\(.*\/\/ (.*)$/gm)].map(([, comment]) => comment);
  assert.deepEqual(shown.map(String), expected);

  isOffline = true;
  await addLater({ sku: "cup-blue" });
  await addLater({ sku: "no-such" });
  assert.equal(JSON.parse(stored.get("outbox") ?? "").length, 2);
  isOffline = false;
  await Promise.all([listeners.get("online")?.(), listeners.get("online")?.()]);
  assert.equal(stored.get("outbox"), "[]");
  assert.ok(refusals.length > 0);
  assert.equal(session.current.item_count, 5);
  listeners.get("pagehide")?.();
});
