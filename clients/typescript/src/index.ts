export { CartdClient, type ClientOptions, type CreateOptions } from "./client.js";
export { CartSession, type CommandOptions, type Rebase } from "./session.js";
export type { Follower } from "./follow.js";
export { CartdProblem, CartdUnreachable } from "./problems.js";
export type * from "./types.js";
export type { components, paths } from "./schema.js";
