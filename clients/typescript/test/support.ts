/** A proxy that loses answers, and what else tests of several files need. */
import http from "node:http";
import type { AddressInfo } from "node:net";
import { after } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { CartdClient, type ClientOptions } from "cartd-client";

function setting(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: tests/clients/services.py does it.`);
  return value;
}

export const openUrl = setting("OPEN_URL");
export const guardedUrl = setting("GUARDED_URL");
export const adaToken = setting("ADA_TOKEN");

/** An answer of the proxy's own. */
export interface Answer {
  status: number;
  headers?: Record<string, string>;
  body?: string;
}

/**
 * What happens to a request: "lost" is carried out and its answer cut off before the first byte,
 * "halved" in the middle of it; "refused" never arrives, and "held" is never answered.
 */
export type Fault = "lost" | "halved" | "refused" | "held" | Answer;

export function refusal(status: number, slug: string, headers: Record<string, string> = {}): Answer {
  const problem = { type: `/problems/${slug}`, title: slug, status, detail: "By the proxy.", request_id: "" };
  return { status, headers: { "Content-Type": "application/problem+json", ...headers }, body: JSON.stringify(problem) };
}

/** Stands between a client and the service. Each fault is for one request that matches it, in order. */
export class Proxy {
  readonly requests: http.IncomingMessage[] = [];
  url = "";
  private faults: Fault[] = [];
  private matches = (_: http.IncomingMessage): boolean => true;
  private waiting: (() => void)[] = [];
  private readonly streams = new Set<http.ServerResponse>();
  private readonly server = http.createServer((request, response) => this.take(request, response));

  constructor(private readonly target: string) {}

  static async start(target = openUrl): Promise<Proxy> {
    const proxy = new Proxy(target);
    await new Promise<void>((resolve) => proxy.server.listen(0, "127.0.0.1", resolve));
    proxy.url = `http://127.0.0.1:${(proxy.server.address() as AddressInfo).port}`;
    after(() => {
      proxy.server.close();
      proxy.server.closeAllConnections();
    });
    return proxy;
  }

  client(options: ClientOptions = {}): CartdClient {
    return new CartdClient({ baseUrl: this.url, ...options });
  }

  plan(...faults: Fault[]): void {
    this.faults = faults;
    this.matches = () => true;
    this.requests.length = 0;
  }

  /** As plan(), for requests to this path only. */
  planFor(path: RegExp, ...faults: Fault[]): void {
    this.plan(...faults);
    this.matches = ({ url = "" }) => path.test(url);
  }

  /** Requests of this method, as they came. */
  sent(method: string): http.IncomingMessage[] {
    return this.requests.filter((request) => request.method === method);
  }

  keys(): (string | undefined)[] {
    return this.requests.map(({ headers }) => headers["idempotency-key"] as string | undefined);
  }

  /** When the next request has come. */
  nextRequest(): Promise<void> {
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  /** When the client has left every stream. */
  async untilNoStream(): Promise<void> {
    for (const response of this.streams) {
      if (!response.closed) await new Promise((resolve) => response.once("close", resolve));
    }
  }

  cutStreams(): void {
    this.streams.forEach((response) => response.destroy());
    this.streams.clear();
  }

  private take(request: http.IncomingMessage, response: http.ServerResponse): void {
    this.requests.push(request);
    const fault = this.matches(request) ? this.faults.shift() : undefined;
    const body: Buffer[] = [];
    request.on("data", (piece: Buffer) => body.push(piece));
    request.on("end", () => {
      if (fault === "refused") response.destroy();
      else if (typeof fault === "object") response.writeHead(fault.status, fault.headers).end(fault.body);
      else if (fault !== "held") this.forward(request, Buffer.concat(body), response, fault);
      this.waiting.splice(0).forEach((resolve) => resolve());
    });
  }

  private forward(request: http.IncomingMessage, body: Buffer, response: http.ServerResponse, fault?: Fault): void {
    const { method, headers } = request;
    const onward = http.request(`${this.target}${request.url}`, { method, headers, agent: false }, (answer) => {
      if (fault === "lost") return void response.destroy();
      response.writeHead(answer.statusCode ?? 500, answer.headers).flushHeaders();
      if (fault === "halved") return void answer.once("data", (piece) => response.write(piece.subarray(0, 9), () => response.destroy()));
      if (answer.headers["content-type"]?.startsWith("text/event-stream")) this.streams.add(response);
      answer.on("error", () => response.destroy());
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    response.on("close", () => onward.destroy());
    onward.end(body);
  }
}

/** What is not referenced is gone afterwards. */
export function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
}

/** Waits for what a follower is told. */
export class Told<Value> {
  readonly values: Value[] = [];
  private waiting: (() => void)[] = [];

  readonly take = (value: Value): void => {
    this.values.push(value);
    this.waiting.splice(0).forEach((resolve) => resolve());
  };

  async until(isThere: (values: Value[]) => boolean): Promise<void> {
    while (!isThere(this.values)) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }
}

/** The types of a cart's events, in order. */
export async function eventTypes(id: string, token: string | null = null, url = openUrl): Promise<string[]> {
  const { data } = await new CartdClient({ baseUrl: url }).api.GET("/carts/{cart_id}/events", {
    params: { path: { cart_id: id }, header: token === null ? {} : { "Cart-Token": token } },
  });
  if (typeof data !== "object") throw new Error("The events can't be read.");
  return data.events.map((event) => event.type);
}
