/** Short names for the schemas of openapi.yaml that carts are about. */
import type { components } from "./schema.js";

type Schemas = components["schemas"];

export type Cart = Schemas["Cart"];
export type CartEvent = Schemas["Event"];
export type NewCart = Schemas["NewCart"];
export type NewItem = Schemas["NewItem"];
export type ItemChange = Schemas["ItemChange"];
export type CheckOut = Schemas["CheckOut"];
export type Claim = Schemas["Claim"];
export type MergeRule = Schemas["MergeRule"];
export type Command = Schemas["Commands"]["commands"][number];

/** Every problem that the service answers with: a union that `type` tells apart. */
export type Problem = Extract<Schemas[keyof Schemas], { type: `/problems/${string}` }>;

/** What stands behind /problems/ in a type: "cart-closed". */
export type ProblemSlug = Problem["type"] extends `/problems/${infer Slug}` ? Slug : never;

export type ProblemOf<Slug extends ProblemSlug> = Extract<Problem, { type: `/problems/${Slug}` }>;
