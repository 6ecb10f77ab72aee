"""The explorer in a real browser: the log live, and carts in time."""

import unittest

from support.browser import BrowserCase


class ExplorerCase(BrowserCase):
    def explore(self, section, browser=None):
        """The page at a section, loaded anew."""
        self.visit("/", browser)
        self.visit(f"/explorer#{section}", browser)

    def make_history(self):
        """A cart with a line, then two of it, then another line, then without the first."""
        tea, mug = self.make_product(name="Green tea"), self.make_product(1290, name="Blue mug")
        cart_id = self.make_cart()["id"]
        self.assertEqual(self.add(cart_id, tea, 2).status, 200)
        self.assertEqual(self.add(cart_id, mug).status, 200)
        answer = self.client.delete(f"/carts/{cart_id}/items/{tea}")
        self.assertEqual(answer.status, 200, answer)
        return cart_id, tea, mug


class Log(ExplorerCase):
    def test_a_new_event_comes_live(self):
        self.explore("log")
        self.wait_for_text("#log-state", "Live")
        cart_id = self.make_cart()["id"]
        self.wait_for_text("#log-rows tr:first-child", "CartCreated")
        self.assertIn(cart_id[-8:], self.find("#log-rows tr:first-child a").text)
        self.find("#log-rows tr:first-child button").click()
        self.wait_for_text("#log-rows .raw pre", f'"stream_id": "{cart_id}"')
        self.show("log")


class Cart(ExplorerCase):
    def test_the_slider_shows_a_version_as_the_api_does(self):
        cart_id, tea, mug = self.make_history()
        self.explore(f"cart={cart_id}&version=2")
        self.wait_for_text("#cart-heading", "Version 2: ItemAdded")
        self.wait_for_text("#cart-document .lines .new", tea)
        self.find("#cart-slider").send_keys("\ue014")  # arrow right
        self.wait_for_text("#cart-heading", "Version 3")
        self.find("#cart-slider").send_keys("\ue014")
        self.wait_for_text("#cart-heading", "Version 4: ItemRemoved")
        self.wait_for_text("#cart-document .gone", tea)
        self.wait_for_text("#cart-document .lines", mug)
        self.show("cart")


if __name__ == "__main__":
    unittest.main()
