/*
 * cartd's client, made of clients/typescript by `npm run build`: change it there.
 * With openapi-fetch, copyright (c) 2023 Drew Powers, under the same MIT licence.
 */

// node_modules/openapi-fetch/dist/index.mjs
var PATH_PARAM_RE = /\{[^{}]+\}/g;
var supportsRequestInitExt = () => {
  return typeof process === "object" && Number.parseInt(process?.versions?.node?.substring(0, 2)) >= 18 && process.versions.undici;
};
function randomID() {
  return Math.random().toString(36).slice(2, 11);
}
function createClient(clientOptions) {
  let {
    baseUrl = "",
    Request: CustomRequest = globalThis.Request,
    fetch: baseFetch = globalThis.fetch,
    querySerializer: globalQuerySerializer,
    bodySerializer: globalBodySerializer,
    pathSerializer: globalPathSerializer,
    headers: baseHeaders,
    requestInitExt = void 0,
    ...baseOptions
  } = { ...clientOptions };
  requestInitExt = supportsRequestInitExt() ? requestInitExt : void 0;
  baseUrl = removeTrailingSlash(baseUrl);
  const globalMiddlewares = [];
  async function coreFetch(schemaPath, fetchOptions) {
    const {
      baseUrl: localBaseUrl,
      fetch = baseFetch,
      Request = CustomRequest,
      headers,
      params = {},
      parseAs = "json",
      querySerializer: requestQuerySerializer,
      bodySerializer = globalBodySerializer ?? defaultBodySerializer,
      pathSerializer: requestPathSerializer,
      body,
      middleware: requestMiddlewares = [],
      ...init
    } = fetchOptions || {};
    let finalBaseUrl = baseUrl;
    if (localBaseUrl) {
      finalBaseUrl = removeTrailingSlash(localBaseUrl) ?? baseUrl;
    }
    let querySerializer = typeof globalQuerySerializer === "function" ? globalQuerySerializer : createQuerySerializer(globalQuerySerializer);
    if (requestQuerySerializer) {
      querySerializer = typeof requestQuerySerializer === "function" ? requestQuerySerializer : createQuerySerializer({
        ...typeof globalQuerySerializer === "object" ? globalQuerySerializer : {},
        ...requestQuerySerializer
      });
    }
    const pathSerializer = requestPathSerializer || globalPathSerializer || defaultPathSerializer;
    const serializedBody = body === void 0 ? void 0 : bodySerializer(
      body,
      // Note: we declare mergeHeaders() both here and below because it’s a bit of a chicken-or-egg situation:
      // bodySerializer() needs all headers so we aren’t dropping ones set by the user, however,
      // the result of this ALSO sets the lowest-priority content-type header. So we re-merge below,
      // setting the content-type at the very beginning to be overwritten.
      // Lastly, based on the way headers work, it’s not a simple “present-or-not” check becauase null intentionally un-sets headers.
      mergeHeaders(baseHeaders, headers, params.header)
    );
    const finalHeaders = mergeHeaders(
      // with no body, we should not to set Content-Type
      serializedBody === void 0 || // if serialized body is FormData; browser will correctly set Content-Type & boundary expression
      serializedBody instanceof FormData ? {} : {
        "Content-Type": "application/json"
      },
      baseHeaders,
      headers,
      params.header
    );
    const finalMiddlewares = [...globalMiddlewares, ...requestMiddlewares];
    const requestInit = {
      redirect: "follow",
      ...baseOptions,
      ...init,
      body: serializedBody,
      headers: finalHeaders
    };
    let id;
    let options;
    let request = new Request(
      createFinalURL(schemaPath, { baseUrl: finalBaseUrl, params, querySerializer, pathSerializer }),
      requestInit
    );
    let response;
    for (const key in init) {
      if (!(key in request)) {
        request[key] = init[key];
      }
    }
    if (finalMiddlewares.length) {
      id = randomID();
      options = Object.freeze({
        baseUrl: finalBaseUrl,
        fetch,
        parseAs,
        querySerializer,
        bodySerializer,
        pathSerializer
      });
      for (const m of finalMiddlewares) {
        if (m && typeof m === "object" && typeof m.onRequest === "function") {
          const result = await m.onRequest({
            request,
            schemaPath,
            params,
            options,
            id
          });
          if (result) {
            if (result instanceof Request) {
              request = result;
            } else if (result instanceof Response) {
              response = result;
              break;
            } else {
              throw new Error("onRequest: must return new Request() or Response() when modifying the request");
            }
          }
        }
      }
    }
    if (!response) {
      try {
        response = await fetch(request, requestInitExt);
      } catch (error2) {
        let errorAfterMiddleware = error2;
        if (finalMiddlewares.length) {
          for (let i = finalMiddlewares.length - 1; i >= 0; i--) {
            const m = finalMiddlewares[i];
            if (m && typeof m === "object" && typeof m.onError === "function") {
              const result = await m.onError({
                request,
                error: errorAfterMiddleware,
                schemaPath,
                params,
                options,
                id
              });
              if (result) {
                if (result instanceof Response) {
                  errorAfterMiddleware = void 0;
                  response = result;
                  break;
                }
                if (result instanceof Error) {
                  errorAfterMiddleware = result;
                  continue;
                }
                throw new Error("onError: must return new Response() or instance of Error");
              }
            }
          }
        }
        if (errorAfterMiddleware) {
          throw errorAfterMiddleware;
        }
      }
      if (finalMiddlewares.length) {
        for (let i = finalMiddlewares.length - 1; i >= 0; i--) {
          const m = finalMiddlewares[i];
          if (m && typeof m === "object" && typeof m.onResponse === "function") {
            const result = await m.onResponse({
              request,
              response,
              schemaPath,
              params,
              options,
              id
            });
            if (result) {
              if (!(result instanceof Response)) {
                throw new Error("onResponse: must return new Response() when modifying the response");
              }
              response = result;
            }
          }
        }
      }
    }
    const contentLength = response.headers.get("Content-Length");
    if (response.status === 204 || request.method === "HEAD" || contentLength === "0" && !response.headers.get("Transfer-Encoding")?.includes("chunked")) {
      return response.ok ? { data: void 0, response } : { error: void 0, response };
    }
    if (response.ok) {
      const getResponseData = async () => {
        if (parseAs === "stream") {
          return response.body;
        }
        if (parseAs === "json" && !contentLength) {
          const raw = await response.text();
          return raw ? JSON.parse(raw) : void 0;
        }
        return await response[parseAs]();
      };
      return { data: await getResponseData(), response };
    }
    let error = await response.text();
    try {
      error = JSON.parse(error);
    } catch {
    }
    return { error, response };
  }
  return {
    request(method, url, init) {
      return coreFetch(url, { ...init, method: method.toUpperCase() });
    },
    /** Call a GET endpoint */
    GET(url, init) {
      return coreFetch(url, { ...init, method: "GET" });
    },
    /** Call a PUT endpoint */
    PUT(url, init) {
      return coreFetch(url, { ...init, method: "PUT" });
    },
    /** Call a POST endpoint */
    POST(url, init) {
      return coreFetch(url, { ...init, method: "POST" });
    },
    /** Call a DELETE endpoint */
    DELETE(url, init) {
      return coreFetch(url, { ...init, method: "DELETE" });
    },
    /** Call a OPTIONS endpoint */
    OPTIONS(url, init) {
      return coreFetch(url, { ...init, method: "OPTIONS" });
    },
    /** Call a HEAD endpoint */
    HEAD(url, init) {
      return coreFetch(url, { ...init, method: "HEAD" });
    },
    /** Call a PATCH endpoint */
    PATCH(url, init) {
      return coreFetch(url, { ...init, method: "PATCH" });
    },
    /** Call a TRACE endpoint */
    TRACE(url, init) {
      return coreFetch(url, { ...init, method: "TRACE" });
    },
    /** Register middleware */
    use(...middleware) {
      for (const m of middleware) {
        if (!m) {
          continue;
        }
        if (typeof m !== "object" || !("onRequest" in m || "onResponse" in m || "onError" in m)) {
          throw new Error("Middleware must be an object with one of `onRequest()`, `onResponse() or `onError()`");
        }
        globalMiddlewares.push(m);
      }
    },
    /** Unregister middleware */
    eject(...middleware) {
      for (const m of middleware) {
        const i = globalMiddlewares.indexOf(m);
        if (i !== -1) {
          globalMiddlewares.splice(i, 1);
        }
      }
    }
  };
}
function serializePrimitiveParam(name, value, options) {
  if (value === void 0 || value === null) {
    return "";
  }
  if (typeof value === "object") {
    throw new Error(
      "Deeply-nested arrays/objects aren’t supported. Provide your own `querySerializer()` to handle these."
    );
  }
  return `${name}=${options?.allowReserved === true ? value : encodeURIComponent(value)}`;
}
function serializeObjectParam(name, value, options) {
  if (!value || typeof value !== "object") {
    return "";
  }
  const values = [];
  const joiner = {
    simple: ",",
    label: ".",
    matrix: ";"
  }[options.style] || "&";
  if (options.style !== "deepObject" && options.explode === false) {
    for (const k in value) {
      values.push(k, options.allowReserved === true ? value[k] : encodeURIComponent(value[k]));
    }
    const final2 = values.join(",");
    switch (options.style) {
      case "form": {
        return `${name}=${final2}`;
      }
      case "label": {
        return `.${final2}`;
      }
      case "matrix": {
        return `;${name}=${final2}`;
      }
      default: {
        return final2;
      }
    }
  }
  for (const k in value) {
    const finalName = options.style === "deepObject" ? `${name}[${k}]` : k;
    values.push(serializePrimitiveParam(finalName, value[k], options));
  }
  const final = values.join(joiner);
  return options.style === "label" || options.style === "matrix" ? `${joiner}${final}` : final;
}
function serializeArrayParam(name, value, options) {
  if (!Array.isArray(value)) {
    return "";
  }
  if (options.explode === false) {
    const joiner2 = { form: ",", spaceDelimited: "%20", pipeDelimited: "|" }[options.style] || ",";
    const final = (options.allowReserved === true ? value : value.map((v) => encodeURIComponent(v))).join(joiner2);
    switch (options.style) {
      case "simple": {
        return final;
      }
      case "label": {
        return `.${final}`;
      }
      case "matrix": {
        return `;${name}=${final}`;
      }
      // case "spaceDelimited":
      // case "pipeDelimited":
      default: {
        return `${name}=${final}`;
      }
    }
  }
  const joiner = { simple: ",", label: ".", matrix: ";" }[options.style] || "&";
  const values = [];
  for (const v of value) {
    if (options.style === "simple" || options.style === "label") {
      values.push(options.allowReserved === true ? v : encodeURIComponent(v));
    } else {
      values.push(serializePrimitiveParam(name, v, options));
    }
  }
  return options.style === "label" || options.style === "matrix" ? `${joiner}${values.join(joiner)}` : values.join(joiner);
}
function createQuerySerializer(options) {
  return function querySerializer(queryParams) {
    const search = [];
    if (queryParams && typeof queryParams === "object") {
      for (const name in queryParams) {
        const value = queryParams[name];
        if (value === void 0 || value === null) {
          continue;
        }
        if (Array.isArray(value)) {
          if (value.length === 0) {
            continue;
          }
          search.push(
            serializeArrayParam(name, value, {
              style: "form",
              explode: true,
              ...options?.array,
              allowReserved: options?.allowReserved || false
            })
          );
          continue;
        }
        if (typeof value === "object") {
          search.push(
            serializeObjectParam(name, value, {
              style: "deepObject",
              explode: true,
              ...options?.object,
              allowReserved: options?.allowReserved || false
            })
          );
          continue;
        }
        search.push(serializePrimitiveParam(name, value, options));
      }
    }
    return search.join("&");
  };
}
function defaultPathSerializer(pathname, pathParams) {
  let nextURL = pathname;
  for (const match of pathname.match(PATH_PARAM_RE) ?? []) {
    let name = match.substring(1, match.length - 1);
    let explode = false;
    let style = "simple";
    if (name.endsWith("*")) {
      explode = true;
      name = name.substring(0, name.length - 1);
    }
    if (name.startsWith(".")) {
      style = "label";
      name = name.substring(1);
    } else if (name.startsWith(";")) {
      style = "matrix";
      name = name.substring(1);
    }
    if (!pathParams || pathParams[name] === void 0 || pathParams[name] === null) {
      continue;
    }
    const value = pathParams[name];
    if (Array.isArray(value)) {
      nextURL = nextURL.replace(match, serializeArrayParam(name, value, { style, explode }));
      continue;
    }
    if (typeof value === "object") {
      nextURL = nextURL.replace(match, serializeObjectParam(name, value, { style, explode }));
      continue;
    }
    if (style === "matrix") {
      nextURL = nextURL.replace(match, `;${serializePrimitiveParam(name, value)}`);
      continue;
    }
    nextURL = nextURL.replace(match, style === "label" ? `.${encodeURIComponent(value)}` : encodeURIComponent(value));
  }
  return nextURL;
}
function defaultBodySerializer(body, headers) {
  if (body instanceof FormData) {
    return body;
  }
  if (headers) {
    const contentType = headers.get instanceof Function ? headers.get("Content-Type") ?? headers.get("content-type") : headers["Content-Type"] ?? headers["content-type"];
    if (contentType === "application/x-www-form-urlencoded") {
      return new URLSearchParams(body).toString();
    }
  }
  return JSON.stringify(body);
}
function createFinalURL(pathname, options) {
  let finalURL = `${options.baseUrl}${pathname}`;
  if (options.params?.path) {
    finalURL = options.pathSerializer(finalURL, options.params.path);
  }
  let search = options.querySerializer(options.params.query ?? {});
  if (search.startsWith("?")) {
    search = search.substring(1);
  }
  if (search) {
    finalURL += `?${search}`;
  }
  return finalURL;
}
function mergeHeaders(...allHeaders) {
  const finalHeaders = new Headers();
  for (const h of allHeaders) {
    if (!h || typeof h !== "object") {
      continue;
    }
    const iterator = h instanceof Headers ? h.entries() : Object.entries(h);
    for (const [k, v] of iterator) {
      if (v === null) {
        finalHeaders.delete(k);
      } else if (Array.isArray(v)) {
        for (const v2 of v) {
          finalHeaders.append(k, v2);
        }
      } else if (v !== void 0) {
        finalHeaders.set(k, v);
      }
    }
  }
  return finalHeaders;
}
function removeTrailingSlash(url) {
  if (url.endsWith("/")) {
    return url.substring(0, url.length - 1);
  }
  return url;
}

// src/problems.ts
var TYPES = "/problems/";
var CartdProblem = class extends Error {
  name = "CartdProblem";
  status;
  /** The last part of the problem's type: "cart-closed"; "" for an answer that is no problem of cartd's. */
  slug;
  detail;
  problem;
  constructor(problem) {
    super(`${problem.title}: ${problem.detail}`);
    this.problem = problem;
    this.status = problem.status;
    this.detail = problem.detail;
    this.slug = problem.type.startsWith(TYPES) ? problem.type.slice(TYPES.length) : "";
  }
  is(slug) {
    return this.problem.type === TYPES + slug;
  }
};
var CartdUnreachable = class extends Error {
  name = "CartdUnreachable";
  constructor(message, cause) {
    super(message, { cause });
  }
};
function problemOf(response, body) {
  if (typeof body === "object" && body !== null && "type" in body) {
    return new CartdProblem(body);
  }
  const { status, statusText } = response;
  const made = { type: "about:blank", title: statusText || `Status ${status}`, status };
  return new CartdProblem({ ...made, detail: "The answer has no problem document.", request_id: "" });
}

// src/stream.ts
async function* readStream(body, signal) {
  const reader = body.getReader();
  const cancel = () => void reader.cancel().catch(() => {
  });
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
var StreamParser = class {
  rest = "";
  event = "";
  data = [];
  retryMs = null;
  push(text) {
    const lines = (this.rest + text).split("\n");
    this.rest = lines.pop() ?? "";
    const messages = [];
    for (const line of lines) {
      const message = this.takeLine(line.replace(/\r$/, ""));
      if (message) messages.push(message);
    }
    return { messages, retryMs: this.retryMs };
  }
  /** An event, if it ends with this line. */
  takeLine(line) {
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
  setField(field, value) {
    if (field === "data") this.data.push(value);
    else if (field === "event") this.event = value;
    else if (field === "retry") this.retryMs = Number(value) || null;
  }
};

// src/transport.ts
var EVENT_STREAM = "text/event-stream";
var BASE_MS = 200;
var MOST_MS = 1e4;
var COMMAND_TIMEOUT_MS = 1e4;
var READ_TIMEOUT_MS = 4e4;
var RETRIED = /* @__PURE__ */ new Set([429, 502, 503, 504]);
var READS = /* @__PURE__ */ new Set(["GET", "HEAD", "OPTIONS"]);
function randomText(bytes) {
  const random = String.fromCharCode(...crypto.getRandomValues(new Uint8Array(bytes)));
  return btoa(random).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
function backoffMs(failures, baseMs = BASE_MS) {
  return Math.random() * Math.min(MOST_MS, baseMs * 2 ** failures);
}
function sleep(ms, signal) {
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
function retryAfterMs(response) {
  const text = response.headers.get("Retry-After") ?? "0";
  const ms = /^\d+$/.test(text) ? Number(text) * 1e3 : Date.parse(text) - Date.now();
  return ms > 0 ? ms : 0;
}
function isProblem(response) {
  return response.headers.get("Content-Type")?.startsWith("application/problem+json") ?? false;
}
var Transport = class {
  constructor(fetch, bearer, retries) {
    this.fetch = fetch;
    this.bearer = bearer;
    this.retries = retries;
  }
  fetch;
  bearer;
  retries;
  /**
   * The answer, or the last one of those that asked to try again; rejects with `CartdUnreachable` if
   * there was none of cartd, and with its reason if the request's signal is aborted.
   */
  async send(request) {
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
  async attempt(request) {
    const copy = request.clone();
    const token = this.bearer();
    if (token !== null) copy.headers.set("Authorization", `Bearer ${token}`);
    const end = new AbortController();
    request.signal.addEventListener("abort", () => end.abort(request.signal.reason));
    const timeoutMs = READS.has(request.method) ? READ_TIMEOUT_MS : COMMAND_TIMEOUT_MS;
    const timer = setTimeout(() => end.abort(new DOMException("No answer in time.", "TimeoutError")), timeoutMs);
    try {
      const response = await this.fetch(copy, { signal: end.signal });
      const isStream = response.headers.get("Content-Type")?.startsWith(EVENT_STREAM);
      if (!isStream) await response.clone().arrayBuffer();
      return response;
    } catch (error) {
      return error;
    } finally {
      clearTimeout(timer);
    }
  }
};

// src/follow.ts
var SILENCE_MS = 4e4;
var RECONNECT_MS = 1e3;
function isPassing(error) {
  if (error instanceof CartdProblem) return error.status >= 500 || error.status === 429;
  return error instanceof CartdUnreachable;
}
function isOtherLog(error) {
  return error instanceof CartdProblem && error.status === 400;
}
var Following = class {
  constructor(session, follower, open) {
    this.session = session;
    this.follower = follower;
    this.open = open;
  }
  session;
  follower;
  open;
  end = new AbortController();
  state = null;
  lastVersion = 0;
  failures = 0;
  reconnectMs = RECONNECT_MS;
  show(document) {
    this.call(() => this.follower.onCart(document));
  }
  stop() {
    this.end.abort();
  }
  /** Until stop(), or until the service refuses. */
  async run() {
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
      await sleep(backoffMs(this.failures++, this.reconnectMs), signal).catch(() => {
      });
    }
  }
  async begin() {
    if (this.lastVersion > 0) return;
    const document = this.session.current ?? await this.session.refresh({ signal: this.end.signal });
    this.lastVersion = document.version;
  }
  startAgain() {
    this.lastVersion = 0;
    this.session.forget();
  }
  endWith(error) {
    if (!(error instanceof CartdProblem)) throw error;
    this.setState("waiting");
    this.call(() => this.follower.onEnd?.(error));
    this.stop();
  }
  /** Tells, until stop(). What a function of the follower throws is uncaught, and changes nothing here. */
  call(report) {
    if (this.end.signal.aborted) return;
    try {
      report();
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }
  setState(state) {
    if (state === this.state) return;
    this.state = state;
    this.call(() => this.follower.onState?.(state));
  }
  /** One connection, until it ends or nothing comes. */
  async followStream() {
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
  take(message) {
    if (message.event === "error") throw new CartdProblem(JSON.parse(message.data));
    const event = JSON.parse(message.data);
    this.lastVersion = event.version;
    this.call(() => this.follower.onEvent?.(event));
  }
  /** One GET for all events that came together, and none for those that the session's own commands made. */
  async catchUp() {
    if (this.lastVersion > (this.session.version ?? 0)) {
      await this.session.refresh({ signal: this.end.signal });
    }
  }
};

// src/session.ts
var CartSession = class {
  /** As `CartdClient.cart()` does. */
  constructor(api, id, token = null) {
    this.api = api;
    this.id = id;
    this.token = token;
  }
  api;
  id;
  token;
  /** The last document, or null before the first. It never goes back to an older version. */
  current = null;
  followings = /* @__PURE__ */ new Set();
  get version() {
    return this.current?.version ?? null;
  }
  /** Reads the cart. */
  async refresh(options = {}) {
    const { data, error, response } = await this.api.GET("/carts/{cart_id}", {
      params: { path: { cart_id: this.id } },
      ...this.init(options)
    });
    if (!data) throw problemOf(response, error);
    return this.keep(data);
  }
  addItem(item, options = {}) {
    return this.command(
      options,
      item,
      (body, init) => this.api.POST("/carts/{cart_id}/items", { params: this.params, body, ...init })
    );
  }
  changeItem(itemId, change, options = {}) {
    const params = { path: { cart_id: this.id, item_id: itemId } };
    return this.command(
      options,
      change,
      (body, init) => this.api.PATCH("/carts/{cart_id}/items/{item_id}", { params, body, ...init })
    );
  }
  removeItem(itemId, options = {}) {
    const params = { path: { cart_id: this.id, item_id: itemId } };
    return this.command(
      options,
      null,
      (_, init) => this.api.DELETE("/carts/{cart_id}/items/{item_id}", { params, ...init })
    );
  }
  /** Removes all lines. */
  clear(options = {}) {
    return this.command(
      options,
      null,
      (_, init) => this.api.DELETE("/carts/{cart_id}/items", { params: this.params, ...init })
    );
  }
  applyCoupon(code, options = {}) {
    return this.command(
      options,
      null,
      (_, init) => this.api.POST("/carts/{cart_id}/coupons", { params: this.params, body: { code }, ...init })
    );
  }
  removeCoupon(code, options = {}) {
    const params = { path: { cart_id: this.id, code } };
    return this.command(
      options,
      null,
      (_, init) => this.api.DELETE("/carts/{cart_id}/coupons/{code}", { params, ...init })
    );
  }
  checkOut(order = {}, options = {}) {
    return this.command(
      options,
      order,
      (body, init) => this.api.POST("/carts/{cart_id}/checkout", { params: this.params, body, ...init })
    );
  }
  /** Takes back the last change. */
  undo(options = {}) {
    return this.command(
      options,
      null,
      (_, init) => this.api.POST("/carts/{cart_id}/undo", { params: this.params, ...init })
    );
  }
  restore(version, options = {}) {
    return this.command(
      options,
      null,
      (_, init) => this.api.POST("/carts/{cart_id}/restore", { params: this.params, body: { version }, ...init })
    );
  }
  /** Makes a guest's cart the customer's of the bearer token. The Cart-Token ends with it. */
  async claim(claim = {}, options = {}) {
    const document = await this.command(
      options,
      claim,
      (body, init) => this.api.POST("/carts/{cart_id}/claim", { params: this.params, body, ...init })
    );
    this.token = null;
    return document;
  }
  /** Takes the lines of another cart, which ends. */
  merge(from, { quantities, ...options } = {}) {
    const other = typeof from === "string" ? { from } : { from: from.id, ...from.token && { from_token: from.token } };
    const body = { ...other, ...quantities && { quantities } };
    return this.command(
      options,
      null,
      (_, init) => this.api.POST("/carts/{cart_id}/merge", { params: this.params, body, ...init })
    );
  }
  /** Up to 100 commands, all or none. */
  execute(commands, options = {}) {
    return this.command(
      options,
      commands,
      (list, init) => this.api.POST("/carts/{cart_id}/commands", { params: this.params, body: { commands: list }, ...init })
    );
  }
  /** Tells of the cart and of what happens to it, over lost connections, until the returned function is called. */
  follow(follower) {
    const following = new Following(this, follower, (after, signal) => this.openStream(after, signal));
    queueMicrotask(() => void this.run(following));
    return () => following.stop();
  }
  /** Takes a document, unless there is a newer one: the answer to a repeated command is that of its time. */
  keep(document) {
    if (this.current && document.version < this.current.version) return this.current;
    const isNews = document.version !== this.version;
    this.current = document;
    if (isNews) this.followings.forEach((following) => following.show(document));
    return document;
  }
  /** For a cart whose log went back to an older version, such as after a restore of the database. */
  forget() {
    this.current = null;
  }
  get params() {
    return { path: { cart_id: this.id } };
  }
  init({ key, ifUnchanged, signal }) {
    const { token } = this;
    const version = typeof ifUnchanged === "number" ? ifUnchanged : this.version;
    const isConditional = ifUnchanged !== void 0 && ifUnchanged !== false;
    if (isConditional && version === null) throw new Error("ifUnchanged needs a document: refresh() first.");
    const ifMatch = isConditional ? `"${version}"` : null;
    const headers = { "Cart-Token": token, "Idempotency-Key": key, "If-Match": ifMatch };
    return { headers, signal: signal ?? null };
  }
  async command(options, body, send) {
    for (; ; ) {
      const { data, error, response } = await send(body, this.init(options));
      if (data) return this.keep(data);
      const refusal = problemOf(response, error);
      const rebase = options.ifUnchanged;
      if (typeof rebase !== "function" || !refusal.is("version-mismatch")) throw refusal;
      const newest = await this.refresh({ signal: options.signal });
      const decision = await rebase(newest, refusal.problem.missed_events);
      if (decision === false) throw refusal;
      if (decision !== true) body = decision;
    }
  }
  async run(following) {
    this.followings.add(following);
    if (this.current) following.show(this.current);
    await following.run();
    this.followings.delete(following);
  }
  async openStream(after, signal) {
    const { headers } = this.init({});
    const { data, error, response } = await this.api.GET("/carts/{cart_id}/events", {
      params: this.params,
      headers: { ...headers, Accept: EVENT_STREAM, "Last-Event-ID": String(after) },
      parseAs: "stream",
      signal
    });
    if (!data) throw problemOf(response, error);
    return data;
  }
};

// src/client.ts
var CartdClient = class {
  /** Every operation of openapi.yaml, typed, with the same keys and retries. It does not throw refusals. */
  api;
  bearer;
  constructor({ baseUrl = "", bearer = () => null, fetch, retries = 5 } = {}) {
    this.bearer = bearer;
    const transport = new Transport(fetch ?? ((...args) => globalThis.fetch(...args)), bearer, retries);
    this.api = createClient({ baseUrl, fetch: (request) => transport.send(request) });
  }
  /** A new cart, of the customer whose token `bearer` gives, or of a guest. Keep its `id` and `token`. */
  async createCart(body = {}, { key, token, signal } = {}) {
    const ownToken = this.bearer() === null ? token ?? randomText(32) : null;
    const { data, error, response } = await this.api.POST("/carts", {
      headers: { "Cart-Token": ownToken, "Idempotency-Key": key },
      body,
      signal: signal ?? null
    });
    if (!data) throw problemOf(response, error);
    const session = this.cart(data.id, { token: ownToken });
    session.keep(data);
    return session;
  }
  /** A cart that is there already. Nothing is sent yet. */
  cart(id, { token = null } = {}) {
    return new CartSession(this.api, id, token);
  }
};
export {
  CartSession,
  CartdClient,
  CartdProblem,
  CartdUnreachable
};
