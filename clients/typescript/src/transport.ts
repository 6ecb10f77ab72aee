import { CartdUnreachable } from "./problems.js";

export const EVENT_STREAM = "text/event-stream";

const BASE_MS = 200;
const MOST_MS = 10_000;
/** The service delays no answer to a command for longer, and a long poll for 30 seconds at most. */
const COMMAND_TIMEOUT_MS = 10_000;
const READ_TIMEOUT_MS = 40_000;
/** Too many requests; no answer of cartd's, but of a proxy before it; overloaded or stopping. */
const RETRIED = new Set([429, 502, 503, 504]);
const READS = new Set(["GET", "HEAD", "OPTIONS"]);

/** Random bytes as base64url. (crypto.randomUUID() is not there for pages over plain HTTP.) */
export function randomText(bytes: number): string {
  const random = String.fromCharCode(...crypto.getRandomValues(new Uint8Array(bytes)));
  return btoa(random).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** A random wait, longer the more often it failed, so that clients don't come back all at once. */
export function backoffMs(failures: number, baseMs = BASE_MS): number {
  return Math.random() * Math.min(MOST_MS, baseMs * 2 ** failures);
}

/** Rejects with the signal's reason when it is aborted. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const end = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", end);
      resolve();
    }, ms);
    signal.addEventListener("abort", end, { once: true });
  });
}

/** What Retry-After says, in either of its forms; 0 if there is none. */
function retryAfterMs(response: Response): number {
  const text = response.headers.get("Retry-After") ?? "0";
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return ms > 0 ? ms : 0;
}

function isProblem(response: Response): boolean {
  return response.headers.get("Content-Type")?.startsWith("application/problem+json") ?? false;
}

/**
 * Sends a request until there is an answer. A command gets an Idempotency-Key if it has none, and is
 * repeated with the same one, so that it takes effect at most once however often it is sent.
 */
export class Transport {
  constructor(
    private readonly fetch: typeof globalThis.fetch,
    private readonly bearer: () => string | null,
    private readonly retries: number,
  ) {}

  /**
   * The answer, or the last one of those that asked to try again; rejects with `CartdUnreachable` if
   * there was none of cartd, and with its reason if the request's signal is aborted.
   */
  async send(request: Request): Promise<Response> {
    const { signal } = request;
    signal.throwIfAborted();
    if (!READS.has(request.method) && !request.headers.has("Idempotency-Key")) {
      request.headers.set("Idempotency-Key", randomText(16));
    }
    for (let failures = 0; ; failures++) {
      const outcome = await this.attempt(request);
      const answer = outcome instanceof Response ? outcome : null;
      if (answer && !RETRIED.has(answer.status)) return answer;
      signal.throwIfAborted();
      const waitMs = answer ? retryAfterMs(answer) : 0;
      if (failures >= this.retries || waitMs > MOST_MS) {
        if (answer && isProblem(answer)) return answer;
        throw new CartdUnreachable(`No answer from ${new URL(request.url).origin}.`, outcome);
      }
      await sleep(waitMs + backoffMs(failures), signal);
    }
  }

  /** One attempt: the answer, or the error that came in its place. */
  private async attempt(request: Request): Promise<unknown> {
    const copy = request.clone(); // a body can be sent only once
    const token = this.bearer(); // which may be a newer one each time
    if (token !== null) copy.headers.set("Authorization", `Bearer ${token}`);
    const end = new AbortController();
    request.signal.addEventListener("abort", () => end.abort(request.signal.reason));
    const timeoutMs = READS.has(request.method) ? READ_TIMEOUT_MS : COMMAND_TIMEOUT_MS;
    const timer = setTimeout(() => end.abort(new DOMException("No answer in time.", "TimeoutError")), timeoutMs);
    try {
      const response = await this.fetch(copy, { signal: end.signal });
      const isStream = response.headers.get("Content-Type")?.startsWith(EVENT_STREAM);
      if (!isStream) await response.clone().arrayBuffer(); // one that is cut off is no answer
      return response;
    } catch (error) {
      return error;
    } finally {
      clearTimeout(timer);
    }
  }
}
