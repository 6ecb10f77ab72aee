import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { mock, test } from "node:test";
import { adaToken, guardedUrl } from "./support.js";

/** What the examples find around them: that of a page, and what a shop has. */
const shown: unknown[] = [];
const refusals: unknown[] = [];
/** As a browser's: its own keys are what is stored. */
class Stored {
  [name: string]: any;
  getItem(name: string): string | null {
    return this[name] ?? null;
  }
  setItem(name: string, text: string) {
    this[name] = text;
  }
  removeItem(name: string) {
    delete this[name];
  }
}
const stored = new Stored();
const waiting = () => Object.keys(stored).filter((name) => name.startsWith("outbox."));
const listeners = new Map<string, () => unknown>();
let isOffline = false;
const { fetch } = globalThis;
Object.assign(globalThis, {
  fetch: (...request: Parameters<typeof fetch>) => (isOffline ? Promise.reject(new TypeError("offline")) : fetch(...request)),
  localStorage: stored,
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
  assert.equal(waiting().length, 2);
  isOffline = false;
  await Promise.all([listeners.get("online")?.(), listeners.get("online")?.()]);
  assert.deepEqual(waiting(), []);
  assert.ok(refusals.length > 0);
  assert.equal(session.current.item_count, 5);
  listeners.get("pagehide")?.();
});
