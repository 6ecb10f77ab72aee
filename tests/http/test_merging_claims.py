"""A claim that merges the customer's open cart: CARTD_OPEN_CARTS=one."""

import collections
import unittest

from support import (
    AuditCase,
    Service,
    how_many,
    make_id,
    make_key,
    needs_binary,
    run_at_once,
)
from test_merging import units

LOGINS = 3
GATHERED = 65  # lines, over two weeks and three devices


class MergingClaims(AuditCase):
    settings = {"CARTD_OPEN_CARTS": "one"}

    def setUp(self):
        self.sku, self.other = self.make_product(100), self.make_product(200)
        self.customer = make_id()
        self.guests = self.make_cart((self.sku, 2))

    def claim(self, cart, client=None, headers=None, **members):
        value = {"customer_id": self.customer, **members}
        return (client or self.client).post(f"/carts/{cart['id']}/claim", value, headers=headers)

    def open_cart(self):
        return self.assert_cart(self.client.get(f"/customers/{self.customer}/cart"))

    def test_the_open_cart_goes_into_the_one_that_is_claimed(self):
        former = self.make_cart((self.sku, 3), (self.other, 1), customer_id=self.customer)
        self.assert_problem(self.claim(self.guests), 409, "open-cart-exists")
        claimed = self.assert_cart(self.claim(self.guests, merge="sum"))
        self.assertEqual(claimed["customer_id"], self.customer)
        self.assertEqual(units(claimed), {self.sku: 5, self.other: 1})
        ended = self.get_cart(former["id"])
        self.assertEqual((ended["status"], ended["merged_into"]), ("merged", claimed["id"]))
        self.assertEqual(self.open_cart(), claimed)
        self.assertEqual(
            self.event_types(claimed["id"])[2:],
            ["CartClaimed", "ItemQuantityChanged", "ItemAdded", "CartMerged"],
        )
        again = self.assert_cart(self.claim(self.guests, merge="sum"))
        self.assertEqual(again, claimed)
        self.assert_clean()

    def test_without_an_open_cart_it_is_only_claimed(self):
        claimed = self.assert_cart(self.claim(self.guests, merge="sum"))
        self.assertEqual((units(claimed), claimed["version"]), ({self.sku: 2}, 3))
        self.assertEqual(self.open_cart(), claimed)

    def test_each_rule(self):
        for rule, quantity in (("sum", 5), ("max", 3), ("theirs", 3), ("ours", 2)):
            self.customer = make_id()
            guests = self.make_cart((self.sku, 2))
            self.make_cart((self.sku, 3), customer_id=self.customer)
            self.assertEqual(
                units(self.assert_cart(self.claim(guests, merge=rule))), {self.sku: quantity}
            )

    def test_two_carts_of_one_customer_stay_merged(self):
        former = self.make_cart((self.sku, 3), customer_id=self.customer)
        self.assert_cart(self.claim(self.guests, merge="sum"))
        answer = self.client.post(f"/carts/{self.guests['id']}/merge/{former['id']}/revert")
        self.assert_problem(answer, 409, "open-cart-exists", cart_id=self.guests["id"])
        self.assertEqual(self.get_cart(former["id"])["status"], "merged")

    def test_a_merge_ends_the_open_cart_of_its_customer_and_a_revert_opens_it(self):
        mine = self.make_cart((self.sku, 3), customer_id=self.customer)
        path = f"/carts/{self.guests['id']}/merge"
        self.assert_cart(self.client.post(path, {"from": mine["id"]}))
        answer = self.client.get(f"/customers/{self.customer}/cart")
        self.assert_problem(answer, 404, "cart-not-found")
        self.assert_cart(self.client.post(f"{path}/{mine['id']}/revert"))
        self.assertEqual(self.open_cart()["id"], mine["id"])
        answer = self.client.post("/carts", {"customer_id": self.customer})
        self.assert_problem(answer, 409, "open-cart-exists")
        self.assert_clean()

    def test_a_claim_that_is_repeated_with_its_key(self):
        self.make_cart((self.sku, 3), customer_id=self.customer)
        key = {"Idempotency-Key": make_key()}
        first = self.claim(self.guests, headers=key, merge="max")
        again = self.claim(self.guests, headers=key, merge="max")
        self.assertEqual((again.status, again.body), (200, first.body))
        self.assertEqual(again.headers["idempotent-replayed"], "true")


@needs_binary
class ThreeLogins(AuditCase):
    """65 lines were gathered over two weeks on three devices, then all three log in at once."""

    settings = {"CARTD_OPEN_CARTS": "one"}

    def gather(self, skus):
        carts = []
        for i in range(LOGINS):
            mine = skus[i::LOGINS] + skus[:1]  # one thing is in each of them
            carts.append(self.make_cart(*[(sku, i + 1) for sku in mine]))
        wanted = collections.Counter()
        for cart in carts:
            wanted.update(units(cart))
        return carts, wanted

    def log_in(self, carts, customer, services):
        def log_in(i):
            value = {"customer_id": customer, "merge": "sum"}
            with services[i % len(services)].client() as client:
                return client.post(f"/carts/{carts[i]['id']}/claim", value)

        return run_at_once(LOGINS, log_in)

    def test_nothing_is_lost_and_one_cart_is_open(self):
        other = Service(self.database.app_url, **self.settings)
        self.addCleanup(other.stop)
        skus = [self.make_product(100 + i) for i in range(GATHERED)]
        for _ in range(how_many(8, quick=4)):
            customer = make_id()
            carts, wanted = self.gather(skus)
            self.assertEqual(len(wanted), GATHERED)
            for answer in self.log_in(carts, customer, [self.service, other]):
                self.assert_cart(answer)
            now = [self.get_cart(cart["id"]) for cart in carts]
            self.assertEqual(
                sorted(cart["status"] for cart in now), ["merged", "merged", "open"], now
            )
            found = self.assert_cart(self.client.get(f"/customers/{customer}/cart"))
            self.assertEqual(units(found), dict(wanted))
            self.assertEqual(found["notes"], [])
            self.assertEqual({cart["customer_id"] for cart in now}, {customer})
        self.assert_log_is_dense()
        self.assert_clean()


if __name__ == "__main__":
    unittest.main()
