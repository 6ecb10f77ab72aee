/**
 * Compiled and never run: each line below a "ts-expect-error" must be refused, or tsc reports that line.
 */
import { CartdClient, CartdProblem, type Cart, type CartSession } from "cartd-client";

export async function wrongUses(session: CartSession, error: unknown): Promise<Cart> {
  // @ts-expect-error the sku is missing
  await session.addItem({ quantity: 1 });
  // @ts-expect-error there is no such member
  await session.changeItem("tea-green", { amount: 2 });
  // @ts-expect-error there is no such command
  await session.execute([{ type: "add_items", sku: "tea-green" }]);
  // @ts-expect-error another body than that of the command
  await session.changeItem("tea-green", { quantity: 2 }, { ifUnchanged: () => ({ sku: "tea-green" }) });
  // @ts-expect-error without a body there is only again or not
  await session.undo({ ifUnchanged: () => ({}) });
  // @ts-expect-error current may be null
  void session.current.total;
  if (error instanceof CartdProblem) {
    // @ts-expect-error only some problems have it
    void error.problem.current_total;
    // @ts-expect-error there is no such problem
    error.is("cart-on-fire");
    if (error.is("version-mismatch")) void error.problem.missed_events.length;
  }
  // @ts-expect-error a cart has no such field
  void (await new CartdClient().createCart()).current?.sum;
  return session.refresh();
}
