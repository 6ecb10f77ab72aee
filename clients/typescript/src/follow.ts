import type { CartSession } from "./session.js";
import type { Cart, CartEvent, Problem } from "./types.js";
import { CartdProblem, CartdUnreachable } from "./problems.js";
import { readStream, type Message } from "./stream.js";
import { backoffMs, sleep } from "./transport.js";

/** After 15 seconds without an event the service sends a comment. */
const SILENCE_MS = 40_000;
const RECONNECT_MS = 1000;

export interface Follower {
  /** The cart, at once and whenever it has changed, by whomever. */
  onCart(document: Cart): void;
  /** Each event of the cart, once and in order. */
  onEvent?(event: CartEvent): void;
  /** "waiting" while there is no connection: what is shown may be out of date. */
  onState?(state: "live" | "waiting"): void;
  /** The service refuses to go on, such as when the cart is no longer the caller's. Nothing comes after it. */
  onEnd?(problem: CartdProblem): void;
}

/** The connection is lost or a moment's trouble; anything else would be refused again. */
function isPassing(error: unknown): boolean {
  if (error instanceof CartdProblem) return error.status >= 500 || error.status === 429;
  return error instanceof CartdUnreachable;
}

/** The log is another one, such as after a restore: it ends before the version that was asked for. */
function isOtherLog(error: unknown): boolean {
  return error instanceof CartdProblem && error.status === 400;
}

export class Following {
  private readonly end = new AbortController();
  private state: "live" | "waiting" | null = null;
  private lastVersion = 0;
  private failures = 0;
  private reconnectMs = RECONNECT_MS;

  constructor(
    private readonly session: CartSession,
    private readonly follower: Follower,
    private readonly open: (after: number, signal: AbortSignal) => Promise<ReadableStream<Uint8Array>>,
  ) {}

  show(document: Cart): void {
    this.call(() => this.follower.onCart(document));
  }

  stop(): void {
    this.end.abort();
  }

  /** Until stop(), or until the service refuses. */
  async run(): Promise<void> {
    const { signal } = this.end;
    this.setState("waiting");
    while (!signal.aborted) {
      try {
        await this.begin();
        await this.followStream();
      } catch (error) {
        if (signal.aborted) return;
        if (isOtherLog(error)) this.startAgain();
        else if (!isPassing(error)) return this.endWith(error);
      }
      this.setState("waiting");
      await sleep(backoffMs(this.failures++, this.reconnectMs), signal).catch(() => {});
    }
  }

  private async begin(): Promise<void> {
    if (this.lastVersion > 0) return;
    const document = this.session.current ?? (await this.session.refresh({ signal: this.end.signal }));
    this.lastVersion = document.version;
  }

  private startAgain(): void {
    this.lastVersion = 0;
    this.session.forget();
  }

  private endWith(error: unknown): void {
    if (!(error instanceof CartdProblem)) throw error;
    this.setState("waiting");
    this.call(() => this.follower.onEnd?.(error));
    this.stop();
  }

  /** Tells, until stop(). What a function of the follower throws is uncaught, and changes nothing here. */
  private call(report: () => void): void {
    if (this.end.signal.aborted) return;
    try {
      report();
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }

  private setState(state: "live" | "waiting"): void {
    if (state === this.state) return;
    this.state = state;
    this.call(() => this.follower.onState?.(state));
  }

  /** One connection, until it ends or nothing comes. */
  private async followStream(): Promise<void> {
    this.end.signal.throwIfAborted();
    const connection = new AbortController();
    const close = () => connection.abort(new CartdUnreachable("The stream was closed."));
    this.end.signal.addEventListener("abort", close);
    let silence = setTimeout(close, SILENCE_MS);
    try {
      const body = await this.open(this.lastVersion, connection.signal);
      this.setState("live");
      for await (const { messages, retryMs } of readStream(body, connection.signal)) {
        clearTimeout(silence);
        silence = setTimeout(close, SILENCE_MS);
        this.failures = 0;
        this.reconnectMs = retryMs ?? RECONNECT_MS;
        messages.forEach((message) => this.take(message));
        await this.catchUp();
      }
    } finally {
      clearTimeout(silence);
      this.end.signal.removeEventListener("abort", close);
      close();
    }
  }

  private take(message: Message): void {
    if (message.event === "error") throw new CartdProblem(JSON.parse(message.data) as Problem);
    const event = JSON.parse(message.data) as CartEvent;
    this.lastVersion = event.version;
    this.call(() => this.follower.onEvent?.(event));
  }

  /** One GET for all events that came together, and none for those that the session's own commands made. */
  private async catchUp(): Promise<void> {
    if (this.lastVersion > (this.session.version ?? 0)) {
      await this.session.refresh({ signal: this.end.signal });
    }
  }
}
