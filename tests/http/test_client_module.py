"""The module of clients/typescript in a real browser, as the pages load it. Its own tests are in Node.js."""

import unittest

from support import make_sku
from support.browser import BrowserCase

# What the test waits for is returned by the last argument, as selenium does it.
SHOP = """
const [sku, done] = arguments;
(async () => {
  const { CartdClient, CartdProblem } = await import("/pages/client.js");
  const client = new CartdClient();
  const session = await client.createCart();
  const told = [];
  await new Promise((resolve) => {
    const stop = session.follow({
      onCart: ({ version }) => {
        told.push(version);
        if (version < 3) return;
        stop();
        resolve();
      },
      onState: async (state) => {
        told.push(state);
        if (state === "live") await client.cart(session.id).addItem({ sku });
        if (state === "live") await session.addItem({ sku }, { ifUnchanged: () => true });
      },
    });
  });
  const refusal = await session.addItem({ sku: "no-such" }).catch((error) => error);
  return { told, quantity: session.current.items[0].quantity, slug: refusal instanceof CartdProblem && refusal.slug };
})().then(done, (error) => done(String(error)));
"""


class ClientModule(BrowserCase):
    def test_it_shops_and_follows_in_a_browser(self):
        sku = make_sku()
        self.make_product(sku=sku)
        self.expected_complaints = ("422", "412")  # the browser's own lines about answers
        self.visit("/")
        found = self.browser.execute_async_script(SHOP, sku)
        self.assertIsInstance(found, dict, found)
        self.assertEqual((found["quantity"], found["slug"]), (2, "unknown-sku"))
        self.assertEqual([found["told"][0], found["told"][-1]], [1, 3])
        self.assertIn("live", found["told"])


if __name__ == "__main__":
    unittest.main()
