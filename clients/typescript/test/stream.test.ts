import assert from "node:assert/strict";
import { test } from "node:test";
import { readStream, StreamParser, type Message } from "../src/stream.js";

const TEXT = "retry: 50\r\n\r\n: a comment\n\nid: 3\nevent: CartCheckedOut\ndata: {\"é\":\ndata:1}\n\ndata: x\n\nid: 9\n\n";
const never = new AbortController().signal;
const MESSAGES: Message[] = [
  { event: "CartCheckedOut", data: '{"é":\n1}' },
  { event: "message", data: "x" },
];

test("events come whole, in whatever pieces the text comes", async () => {
  const bytes = new TextEncoder().encode(TEXT);
  for (let size = 1; size <= bytes.length; size++) {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.subarray(at, at + size));
        controller.close();
      },
    });
    const found: Message[] = [];
    let retryMs: number | null = null;
    for await (const piece of readStream(body, never)) {
      found.push(...piece.messages);
      retryMs = piece.retryMs;
    }
    assert.deepEqual(found, MESSAGES);
    assert.equal(retryMs, 50);
  }
});

test("what is cut off in the middle is no event", () => {
  assert.deepEqual(new StreamParser().push("data: 1\n").messages, []);
});

test("a stream that breaks is unreachable", async () => {
  const body = new ReadableStream<Uint8Array>({ pull: (controller) => controller.error(new TypeError("terminated")) });
  await assert.rejects(readStream(body, never).next(), { name: "CartdUnreachable" });
});
