"""A claim that merges the customer's open cart, and merges while the service is killed."""

import collections
import random
import time
import unittest

from support import (
    AuditCase,
    Client,
    NoAnswer,
    Service,
    how_many,
    make_id,
    make_key,
    needs_binary,
    run_at_once,
    take_free_port,
)
from test_merging import units

LOGINS = 3
GATHERED = 65  # lines, over two weeks and three devices


@needs_binary
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


@needs_binary
class Killed(AuditCase):
    """The process is killed while carts are merged and given back, each with a key that is sent until
    it is answered: each happens once, in both carts or in none."""

    KILLS = how_many(3, quick=2, long=30)
    PAIRS = 8

    def setUp(self):
        self.skus = [self.make_product(100 + i) for i in range(3)]
        self.port = take_free_port()
        self.victim = Service(self.database.app_url, port=self.port)
        self.addCleanup(lambda: self.victim.stop())
        self.is_over = False

    def insist(self, target, value=None):
        """Sends it until it is answered."""
        headers = {"Idempotency-Key": make_key()}
        while True:
            try:
                with Client("127.0.0.1", self.port, timeout=20) as client:
                    answer = client.post(target, value, headers=headers)
            except (NoAnswer, OSError):
                time.sleep(0.02)
                continue
            if answer.status not in (500, 503):
                return answer
            time.sleep(0.02)

    def merge_and_revert(self, i):
        """Returns how often, with the ids of the two."""
        with self.service.client() as client:
            cart = self.make_cart((self.skus[0], 1), client=client)
            other = self.make_cart((self.skus[0], 2), (self.skus[1], 3), client=client)
        path, n = f"/carts/{cart['id']}/merge", 0
        while not self.is_over:
            merged = self.assert_cart(self.insist(path, {"from": other["id"]}))
            self.assertEqual(units(merged), {self.skus[0]: 3, self.skus[1]: 3})
            reverted = self.assert_cart(self.insist(f"{path}/{other['id']}/revert"))
            self.assertEqual(units(reverted), {self.skus[0]: 1})
            n += 1
        return n, cart["id"], other["id"]

    def kill_it(self):
        for _ in range(self.KILLS):
            time.sleep(random.uniform(0.2, 0.8))
            self.victim.kill()
            self.victim = Service(self.database.app_url, port=self.port)
        time.sleep(0.3)
        self.is_over = True

    def test_each_merge_happens_once_in_both_carts(self):
        def work(i):
            return self.kill_it() if i == self.PAIRS else self.merge_and_revert(i)

        for n, cart_id, other_id in run_at_once(self.PAIRS + 1, work)[: self.PAIRS]:
            self.assertGreater(n, 0)
            types = collections.Counter(self.event_types(cart_id))
            others = collections.Counter(self.event_types(other_id))
            self.assertEqual((types["CartMerged"], types["CartMergeReverted"]), (n, n))
            self.assertEqual((others["CartMergedInto"], others["CartMergeReverted"]), (n, n))
            self.assertEqual(self.get_cart(other_id)["status"], "open")
        self.assert_log_is_dense()
        self.assert_clean()


if __name__ == "__main__":
    unittest.main()
