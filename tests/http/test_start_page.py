"""The start page in a real browser."""

import unittest

from support.browser import BrowserCase


class StartPage(BrowserCase):
    def test_it_says_what_runs_here(self):
        cart_id = self.make_cart()["id"]
        self.visit("/")
        version = self.client.get("/").json()["version"]
        self.wait_for_text('[data-figure="version"]', version)
        self.wait_for_text('[data-figure="database"]', "ready")
        self.wait_for_text('[data-figure="rate"]', ".")
        self.show("start")
        self.assertEqual(self.client.post(f"/carts/{cart_id}/cancel").status, 200)

    def test_the_curl_line_is_this_services(self):
        self.visit("/")
        self.wait_for_text("#line", f"curl -X POST {self.origin}/carts")


if __name__ == "__main__":
    unittest.main()
