"""Adds while the prices of what they add change: each is made at a price that held then, and no
product is unknown meanwhile."""

import itertools
import time

from support import (
    AuditCase,
    Background,
    Service,
    make_key,
    needs_binary,
    run_at_once,
    wait_until,
)

CLIENTS = 16
CARTS = 4  # of each client
ADDS = 20  # to each cart
SKUS = ("tea", "mug", "pot")

# By the order of the log. What one append records has one time, and was decided on what was so
# before it, or on what it records itself.
WRONG_PRICES = """
    SELECT a.position, a.data ->> 'sku', a.data ->> 'unit_price'
    FROM events a
    WHERE a.type = 'ItemAdded' AND a.data ->> 'unit_price' NOT IN (
        SELECT p.data -> 'prices' ->> 'EUR'
        FROM events p
        WHERE p.stream_type = 'product' AND p.data ->> 'sku' = a.data ->> 'sku'
            AND (p.recorded_at = a.recorded_at OR p.position = (
                SELECT max(n.position)
                FROM events n
                WHERE n.stream_id = p.stream_id AND n.recorded_at < a.recorded_at)));
"""


class PriceCase(AuditCase):
    services = 1

    def setUp(self):
        self.processes = [self.service]
        for _ in range(1, self.services):
            self.processes.append(Service(self.database.app_url, **self.settings))
            self.addCleanup(self.processes[-1].stop)
        for sku in SKUS:
            self.make_product(100, sku=sku)

    def assert_prices_were_right(self):
        self.assertEqual(self.database.sql(WRONG_PRICES), [])


class WhilePricesChange(PriceCase):
    def change_prices(self, _, is_over):
        with self.processes[-1].client() as client:
            for price in itertools.count(101):
                self.make_product(price, sku=SKUS[price % len(SKUS)], client=client)
                if is_over.wait(0.001 * (price % 5)):
                    return

    def shop(self, number):
        """Each add has a key; the key makes its batch read, also where all that it adds is known."""
        with self.processes[number % self.services].client() as client:
            carts = [self.make_cart(client=client)["id"] for _ in range(CARTS)]
            for i in range(ADDS * CARTS):
                headers = {"Idempotency-Key": make_key()} if number % 4 else {}
                cart_id, sku = carts[i % CARTS], SKUS[(i + number) % len(SKUS)]
                answer = self.add(cart_id, sku, client=client, **headers)
                self.assertEqual((answer.status, answer.slug), (200, None), answer)

    def run_beside_changes(self):
        changes = Background(1, self.change_prices)
        try:
            run_at_once(CLIENTS, self.shop)
        finally:
            changes.finish()
        self.assert_prices_were_right()
        self.assert_clean()


@needs_binary
class OneProcess(WhilePricesChange):
    def test_each_add_is_made_at_a_price_that_held(self):
        self.run_beside_changes()


@needs_binary
class WithoutCache(WhilePricesChange):
    settings = {"CARTD_CACHE_CARTS": "0"}

    def test_each_add_is_made_at_a_price_that_held(self):
        self.run_beside_changes()


@needs_binary
class TwoProcesses(WhilePricesChange):
    services = 2

    def test_each_add_is_made_at_a_price_that_held(self):
        self.run_beside_changes()


@needs_binary
class BetweenLoadAndAppend(PriceCase):
    services = 2
    settings = {"CARTD_CACHE_CARTS": "0"}

    def wait_for_waiting(self, n):
        wait_until(lambda: self.database.n_waiting() == n, f"{n} appends wait")

    def test_a_price_that_was_read_before_it_changed_is_read_again(self):
        cart_id = self.make_cart()["id"]
        answers = []

        def change(_, __):
            with self.processes[1].client() as client:
                self.make_product(200, sku="tea", client=client)

        def add(_, __):
            with self.service.client() as client:
                answers.append(self.add(cart_id, "tea", client=client))

        with self.database.open_session() as session:
            session.run("BEGIN; SELECT position FROM log_head FOR UPDATE;")
            changing = Background(1, change)
            self.wait_for_waiting(1)
            adding = Background(1, add)
            self.wait_for_waiting(2)
            session.run("COMMIT;")
        changing.finish()
        adding.finish()
        cart = self.assert_cart(answers[0])
        self.assertEqual(cart["items"][0]["unit_price"], 200, cart)
        self.assert_prices_were_right()
        self.assert_clean()


@needs_binary
class CachedRefusals(PriceCase):
    settings = {"CARTD_CACHE_CARTS": "0"}

    def test_a_refusal_on_cached_offers_is_proved_first(self):
        """What another process has put on sale again is not refused for what was so before."""
        sku = self.make_product(7)
        cart_id = self.make_cart()["id"]
        other = Service(self.database.app_url)
        self.addCleanup(other.stop)
        with other.client() as client:
            for _ in range(3):
                for is_active, status in ((False, 422), (True, 200)):
                    product = {"name": sku, "prices": {"EUR": 7}, "active": is_active}
                    client.put(f"/products/{sku}", product)
                    for _ in range(30):  # until the offer is cached, as it is a moment later
                        answer = self.add(cart_id, sku)
                        self.assertEqual(answer.status, status, answer)
                        time.sleep(0.01)
        self.assert_clean()
