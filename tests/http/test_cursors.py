"""Cursors: taken by the list that gave them, for the same filters, and only as they were given.

They are not signed: whoever forges one gets a page of the same list, or is refused.
"""

import itertools
import unittest
import urllib.parse

from support import Service, make_id, needs_binary, wait_until
from support.cursors import FILTERS, cart_position, forge, forge_carts, report_position
from test_input import InputCase

NUMBER_MAX = 2**63 - 1
TOTAL_MAX = 2**53 - 1
TIME_MAX_US = 253402300799999999  # the last microsecond of the year 9999

# Of the bytes of a sku: no text, more than one has, or none at all.
NO_SKUS = (
    b"",
    b"..",
    b"tea/./green",
    b"tea\0",
    b"te\0a",
    b"\0",
    b"\xff",
    b"tea\xc3",
    b"te\xed\xa0\x80a",
    b"t\xc2\x85",
    b"tea\n",
    b"x" * 129,
    b"x" * 4000,
)

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

    def test_a_forged_cursor_begins_the_page_elsewhere_and_no_more(self):
        self.wait_for_report()
        query = f"/carts?customer_id={self.customer}"
        carts = self.client.get(query).json()["carts"]
        for position, expected in (
            (cart_position(TIME_MAX_US), carts),
            (cart_position(TIME_MAX_US, "00" * 16), carts),
            (cart_position(0), []),
            (cart_position(0, "00" * 16), []),
        ):
            cursor = forge_carts(position, customer_id=self.customer)
            answer = self.client.get(f"{query}&cursor={cursor}")
            self.assertEqual((answer.status, answer.json()["carts"]), (200, expected), answer)
        for after in ("0", self.sku, "z" * 64, "z~-._"):
            answer = self.client.get(f"/products?limit=100&cursor={forge('p', after.encode())}")
            self.assertEqual(answer.status, 200, answer)
            for product in answer.json()["products"]:
                self.assertGreater(product["sku"], after)

    def test_a_forged_cursor_of_another_order_does_so_too(self):
        filters = {"customer_id": self.customer, "currency": "EUR"}
        query = f"/carts?customer_id={self.customer}&currency=EUR"

        def listed(sort):
            return self.client.get(f"{query}&sort={sort}").json()["carts"]

        wait_until(lambda: len(listed("updated")) == 3, "the projection knows them")
        for sort, most in (("total", TOTAL_MAX), ("updated", TIME_MAX_US), ("created", TIME_MAX_US)):
            for key, order in itertools.product((0, most), (sort, f"-{sort}")):
                cursor = forge_carts(cart_position(key), order, **filters)
                answer = self.client.get(f"{query}&sort={order}&cursor={cursor}")
                is_before = (key == 0) == (order == sort)
                self.assertEqual(answer.json()["carts"], listed(order) if is_before else [], answer)
            for key in (most + 1, -1):
                cursor = forge_carts(cart_position(key), sort, **filters)
                self.assert_refused(f"{query}&sort={sort}&cursor={cursor}")

    def test_a_forged_cursor_of_a_report_begins_the_page_elsewhere_and_no_more(self):
        self.wait_for_report()
        whole = self.client.get("/reports/demand").json()
        for position, expected in (
            (report_position(NUMBER_MAX, NUMBER_MAX, "0"), whole["skus"]),
            (report_position(NUMBER_MAX, 1, "z" * 64), []),
            (report_position(1, NUMBER_MAX, "0"), []),
        ):
            answer = self.client.get(f"/reports/demand?cursor={forge('d', position, '0')}")
            self.assertEqual((answer.status, answer.json()["skus"]), (200, expected), answer)
        for day in (1, NUMBER_MAX):
            position = report_position(NUMBER_MAX, day, "EUR-guest")
            answer = self.client.get(f"/reports/abandoned-carts?cursor={forge('a', position, '0')}")
            self.assertEqual((answer.status, answer.json()["days"]), (200, []), answer)
        position = report_position(NUMBER_MAX, NUMBER_MAX, "0")
        target = f"/reports/removed-then-bought?within_days=7&cursor={forge('r', position, '7')}"
        self.assertEqual(self.client.get(target).status, 200)
        self.assert_refused(target.replace("=7&", "=8&"))

    def test_a_forged_cursor_with_what_is_no_position_is_refused(self):
        good = cart_position(TIME_MAX_US)
        positions = {
            ("/carts?limit=1", "c", *[""] * (len(FILTERS) - 1), "-created"): (
                good[:-1],
                good + b"\0",
                good[:1],
                good * 100,
                cart_position(TIME_MAX_US + 1),
                cart_position(NUMBER_MAX),
                cart_position(-1),
                cart_position(-(2**63)),
            ),
            ("/products?limit=1", "p"): NO_SKUS,
            ("/reports/demand?limit=1", "d", "0"): (
                b"\0",
                report_position(1, 1, "tea")[:16],
                report_position(0, 1, "tea"),
                report_position(-1, 1, "tea"),
                report_position(1, 0, "tea"),
                report_position(1, -1, "tea"),
                report_position(-(2**63), -(2**63), "tea"),
                *(report_position(1, 1, sku) for sku in NO_SKUS),
            ),
        }
        for (target, *list_of), refused in positions.items():
            for position in refused:
                with self.subTest(target=target, position=position[:80]):
                    cursor = forge(list_of[0], position, *list_of[1:])
                    self.assert_refused(f"{target}&cursor={cursor}")


if __name__ == "__main__":
    unittest.main()
