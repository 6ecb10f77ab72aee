import { CartdUnreachable } from "./problems.js";

/** One server-sent event (WHATWG HTML, section 9.2). */
export interface Message {
  event: string;
  data: string;
}

/** What came together. */
export interface Piece {
  messages: Message[];
  /** How long the service wants clients to wait before they connect again; null if it has not said so. */
  retryMs: number | null;
}

/**
 * The stream piece by piece, also those without an event. Ends with it and when the signal is aborted, and
 * throws CartdUnreachable if it breaks.
 */
export async function* readStream(body: ReadableStream<Uint8Array>, signal: AbortSignal): AsyncGenerator<Piece> {
  const reader = body.getReader(); // not every browser iterates over streams
  // In Node.js the signal of a request may be gone once there is an answer (garbage collection).
  const cancel = () => void reader.cancel().catch(() => {});
  signal.addEventListener("abort", cancel);
  const decoder = new TextDecoder();
  const parser = new StreamParser();
  try {
    while (!signal.aborted) {
      const { done, value } = await reader.read().catch((error) => {
        throw new CartdUnreachable("The stream broke.", error);
      });
      if (done) return;
      yield parser.push(decoder.decode(value, { stream: true }));
    }
  } finally {
    cancel();
  }
}

/** Makes events of a text in whatever pieces it comes. Lines end with LF or CRLF. */
export class StreamParser {
  private rest = "";
  private event = "";
  private data: string[] = [];
  private retryMs: number | null = null;

  push(text: string): Piece {
    const lines = (this.rest + text).split("\n");
    this.rest = lines.pop() ?? "";
    const messages: Message[] = [];
    for (const line of lines) {
      const message = this.takeLine(line.replace(/\r$/, ""));
      if (message) messages.push(message);
    }
    return { messages, retryMs: this.retryMs };
  }

  /** An event, if it ends with this line. */
  private takeLine(line: string): Message | null {
    if (line !== "") {
      const [, field = "", value = ""] = /^([^:]*):? ?(.*)$/.exec(line) ?? [];
      this.setField(field, value);
      return null;
    }
    const message = { event: this.event || "message", data: this.data.join("\n") };
    this.event = "";
    this.data = [];
    return message.data === "" ? null : message;
  }

  /** The others have no use here: the version that an `id` repeats is in the event. */
  private setField(field: string, value: string): void {
    if (field === "data") this.data.push(value);
    else if (field === "event") this.event = value;
    else if (field === "retry") this.retryMs = Number(value) || null;
  }
}
