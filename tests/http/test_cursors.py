"""Cursors: taken by the list that gave them, for the same filters, and only as they were given."""

import unittest
import urllib.parse

from support import Service, make_id, needs_binary
from test_input import InputCase


class Cursors(InputCase):
    def setUp(self):
        super().setUp()
        self.customer = make_id()
        for _ in range(3):
            sku = self.make_product()
            self.make_cart((sku, 1), customer_id=self.customer)
        self.sku = sku

    def cursor_of(self, target):
        answer = self.client.get(target)
        self.assertEqual(answer.status, 200, answer)
        cursor = answer.json()["next_cursor"]
        self.assertIsNotNone(cursor, answer)
        return cursor

    def assert_refused(self, target):
        problem = self.assert_problem(self.client.get(target), 400, "invalid-parameter")
        self.assertIn('"cursor"', problem["detail"])

    def wait_for_report(self):
        """The demand report as soon as it knows of two skus."""
        for _ in range(600):
            if self.client.get("/reports/demand?limit=1").json()["next_cursor"]:
                return
            self.client.get("/events?wait=1&after=9007199254740991")
        self.fail("the report never came to know")

    def test_a_cursor_that_was_changed_anywhere_is_refused(self):
        self.wait_for_report()
        for target in (
            f"/carts?customer_id={self.customer}&limit=1",
            "/carts?limit=1",
            "/products?limit=1",
            "/reports/demand?limit=1",
        ):
            cursor = self.cursor_of(target)
            self.assertEqual(self.client.get(f"{target}&cursor={cursor}").status, 200)
            for place, letter in enumerate(cursor):
                other = "A" if letter != "A" else "B"
                self.assert_refused(f"{target}&cursor={cursor[:place]}{other}{cursor[place + 1 :]}")
            for changed in (
                cursor[:-1],
                cursor[1:],
                cursor + "A",
                cursor + cursor,
                cursor + "=",
                " " + cursor,
            ):
                self.assert_refused(f"{target}&cursor={urllib.parse.quote(changed)}")

    def test_a_cursor_goes_with_its_list_and_filters(self):
        mine = self.cursor_of(f"/carts?customer_id={self.customer}&limit=1")
        for target in (
            "/carts?limit=1",
            f"/carts?customer_id={make_id()}&limit=1",
            f"/carts?customer_id={self.customer}&status=open&limit=1",
            f"/carts?customer_id={self.customer}&sku={self.sku}&limit=1",
            f"/carts?sku={self.customer}&limit=1",
            "/products?limit=1",
            "/reports/demand?limit=1",
        ):
            with self.subTest(target=target):
                self.assert_refused(f"{target}&cursor={mine}")
        # How many are on a page is no filter.
        answer = self.client.get(f"/carts?customer_id={self.customer}&limit=50&cursor={mine}")
        self.assertEqual(len(answer.json()["carts"]), 2, answer)

    @needs_binary
    def test_a_cursor_is_good_on_every_instance_and_in_a_new_process(self):
        target = "/carts?limit=1"
        cursor = self.cursor_of(target)
        other = Service(self.database.app_url)
        try:
            with other.client() as client:
                answer = client.get(f"{target}&cursor={cursor}")
            self.assertEqual(answer.body, self.client.get(f"{target}&cursor={cursor}").body)
        finally:
            other.stop()

    @needs_binary
    def test_under_another_key_no_list_goes_on_and_each_begins(self):
        cursor = self.cursor_of("/products?limit=1")
        other = "UPDATE cursor_key SET key = sha256(key);"
        self.database.sql(other)
        self.assert_refused(f"/products?limit=1&cursor={cursor}")
        self.assertEqual(self.client.get("/products?limit=1").status, 200)

    @needs_binary
    def test_the_key_is_not_for_readers(self):
        for role, may in (("cartd_app", "t"), ("cartd_reader", "f")):
            self.assertEqual(
                self.database.value(
                    f"SELECT has_table_privilege('{role}', 'cursor_key', 'SELECT');"
                ),
                may,
            )


if __name__ == "__main__":
    unittest.main()
