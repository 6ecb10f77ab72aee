import type { Problem, ProblemOf, ProblemSlug } from "./types.js";

const TYPES = "/problems/";

/**
 * The service refused, and `problem` is its whole answer (RFC 9457). `is()` tells which one it is, and
 * with it which further members the document has:
 *
 *     if (error instanceof CartdProblem && error.is("total-changed")) show(error.problem.current_total);
 */
export class CartdProblem extends Error {
  override readonly name = "CartdProblem";
  readonly status: number;
  /** The last part of the problem's type: "cart-closed"; "" for an answer that is no problem of cartd's. */
  readonly slug: ProblemSlug | "";
  readonly detail: string;
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(`${problem.title}: ${problem.detail}`);
    this.problem = problem;
    this.status = problem.status;
    this.detail = problem.detail;
    this.slug = problem.type.startsWith(TYPES) ? (problem.type.slice(TYPES.length) as ProblemSlug) : "";
  }

  is<Slug extends ProblemSlug>(slug: Slug): this is CartdProblem & { readonly problem: ProblemOf<Slug> } {
    return this.problem.type === TYPES + slug;
  }
}

/**
 * There was no answer, also after the retries. A command may have been recorded or not; repeat it with
 * the same `key` to find out. `cause` is what the last attempt failed with.
 */
export class CartdUnreachable extends Error {
  override readonly name = "CartdUnreachable";

  constructor(message: string, cause?: unknown) {
    super(message, { cause });
  }
}

/** The error for a refusal. What no problem document came with, as from a proxy, gets one. */
export function problemOf(response: Response, body: unknown): CartdProblem {
  if (typeof body === "object" && body !== null && "type" in body) {
    return new CartdProblem(body as Problem);
  }
  const { status, statusText } = response;
  const made = { type: "about:blank", title: statusText || `Status ${status}`, status };
  return new CartdProblem({ ...made, detail: "The answer has no problem document.", request_id: "" } as never);
}
