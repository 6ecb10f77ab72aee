"""Many clients at once. Nothing that was accepted is lost, nothing is counted twice, and the log
has no gap."""

import collections
import json
import unittest

from support import (
    EXTERNAL_URL,
    Service,
    ServiceCase,
    how_many,
    make_id,
    make_key,
    needs_binary,
    run_at_once,
)

CLIENTS = 64
ADDS = how_many(10_000, quick=4_000)
SKUS = 40  # 250 adds of each at most, so that no line gets full


class ManyClients(ServiceCase):
    def add_at_once(self, cart_id, skus, services):
        """ADDS adds of quantity 1 by CLIENTS clients; returns how often each status was answered,
        the versions that were, and how many of each sku."""

        def shop(i):
            statuses, versions, added = collections.Counter(), [], collections.Counter()
            with services[i % len(services)].client() as client:
                for number in range(i, ADDS, CLIENTS):
                    sku = skus[number % SKUS]
                    answer = self.add(cart_id, sku, client=client, Prefer="return=minimal")
                    statuses[answer.status, answer.slug] += 1
                    if answer.status == 204:
                        versions.append(answer.version)
                        added[sku] += 1
            return statuses, versions, added

        statuses, versions, added = collections.Counter(), [], collections.Counter()
        for more_statuses, more_versions, more_added in run_at_once(CLIENTS, shop):
            statuses += more_statuses
            versions += more_versions
            added += more_added
        return statuses, versions, added

    def assert_nothing_lost(self, cart_id, statuses, versions, added):
        self.assertEqual(statuses, {(204, None): ADDS}, "no add may fail")
        self.assertEqual(
            sorted(versions), list(range(2, ADDS + 2)), "each add has a version of its own"
        )
        cart = self.get_cart(cart_id)
        self.assertEqual({line["sku"]: line["quantity"] for line in cart["items"]}, added)
        self.assertEqual((cart["item_count"], cart["version"]), (ADDS, ADDS + 1))
        self.assert_sums(cart)

    def test_64_clients_add_to_one_cart(self):
        skus = [self.make_product(100 + i) for i in range(SKUS)]
        cart_id = self.make_cart()["id"]
        self.assert_nothing_lost(cart_id, *self.add_at_once(cart_id, skus, [self.service]))
        if self.database:
            self.assert_log_is_dense()
            self.assertEqual(self.event_types(cart_id), ["CartCreated"] + ["ItemAdded"] * ADDS)

    @needs_binary
    def test_64_clients_add_to_one_cart_through_two_processes(self):
        skus = [self.make_product(100 + i) for i in range(SKUS)]
        cart_id = self.make_cart()["id"]
        other = Service(self.database.app_url, **self.settings)
        try:
            result = self.add_at_once(cart_id, skus, [self.service, other])
        finally:
            other.stop()
        self.assert_nothing_lost(cart_id, *result)
        self.assert_log_is_dense()

    @needs_binary
    def test_two_processes_share_a_port(self):
        sku = self.make_product(1)
        other = Service(self.database.app_url, port=self.service.port, **self.settings)
        try:

            def shop(_):
                with self.service.client() as client:
                    cart_id = self.make_cart(client=client)["id"]
                    for quantity in range(1, 31):
                        self.assertEqual(self.add(cart_id, sku, client=client).status, 200)
                        with self.service.client() as reader:
                            cart = reader.get(f"/carts/{cart_id}").json()
                        self.assertEqual(cart["item_count"], quantity, "a read shows every write")

            run_at_once(16, shop)
        finally:
            other.stop()
        self.assert_log_is_dense()

    def test_many_carts_at_once(self):
        skus = [self.make_product(100 + i) for i in range(5)]

        def shop(i):
            with self.service.client() as client:
                for _ in range(6):
                    cart_id = self.make_cart(client=client)["id"]
                    for sku in skus:
                        self.assert_cart(self.add(cart_id, sku, i % 7 + 1, client=client))
                    self.assert_cart(client.delete(f"/carts/{cart_id}/items/{skus[0]}"))
                    answer = client.post(
                        f"/carts/{cart_id}/checkout", {"expected_total": 410 * (i % 7 + 1)}
                    )
                    self.assertEqual(self.assert_cart(answer)["version"], 8)

        run_at_once(CLIENTS, shop)
        if self.database:
            self.assert_log_is_dense()


class OneWinner(ServiceCase):
    def test_the_same_key_from_100_connections_is_one_event(self):
        sku = self.make_product()
        cart_id = self.make_cart()["id"]
        key = make_key()

        def add(_):
            with self.service.client() as client:
                answer = self.add(cart_id, sku, 3, client=client, **{"Idempotency-Key": key})
                return (
                    answer.status,
                    answer.etag,
                    answer.body,
                    answer.headers.get("idempotent-replayed"),
                )

        answers = run_at_once(100, add)
        self.assertEqual(len({answer[:3] for answer in answers}), 1, set(answers))
        self.assertEqual((answers[0][0], answers[0][1]), (200, '"2"'))
        self.assertEqual(sum(answer[3] is None for answer in answers), 1, "one is the first")
        cart = self.get_cart(cart_id)
        self.assertEqual((cart["version"], cart["item_count"]), (2, 3))
        if self.database:
            self.assertEqual(self.event_types(cart_id), ["CartCreated", "ItemAdded"])

    @needs_binary
    def test_the_same_key_through_two_processes_makes_one_cart(self):
        sku = self.make_product()
        body = {"items": [{"sku": sku}]}
        other = Service(self.database.app_url, **self.settings)
        try:
            for _ in range(10):
                key = make_key()

                def create(i, key=key):
                    with (self.service, other)[i % 2].client() as client:
                        answer = client.post("/carts", body, headers={"Idempotency-Key": key})
                        return answer.status, answer.etag, answer.body

                answers = set(run_at_once(20, create))
                self.assertEqual(len(answers), 1, answers)
                status, _, made = answers.pop()
                self.assertEqual(status, 201)
                self.assertEqual(
                    self.event_types(json.loads(made)["id"]), ["CartCreated", "ItemAdded"]
                )
        finally:
            other.stop()

    def test_of_many_commands_for_one_version_one_wins(self):
        sku = self.make_product()
        cart_id = self.make_cart()["id"]

        def add(_):
            with self.service.client() as client:
                return self.add(cart_id, sku, client=client, **{"If-Match": '"1"'}).status

        statuses = collections.Counter(run_at_once(40, add))
        self.assertEqual(statuses, {200: 1, 412: 39})
        self.assertEqual(self.get_cart(cart_id)["version"], 2)

    def test_a_cart_is_checked_out_once(self):
        sku = self.make_product(100)
        for _ in range(5):
            cart_id = self.make_cart((sku, 1))["id"]

            def buy_or_add(i, cart_id=cart_id):
                with self.service.client() as client:
                    if i % 2:
                        return "buy", client.post(f"/carts/{cart_id}/checkout")
                    return "add", self.add(cart_id, sku, client=client)

            answers = run_at_once(20, buy_or_add)
            bought = [answer for what, answer in answers if what == "buy" and answer.status == 200]
            added = [answer for what, answer in answers if what == "add" and answer.status == 200]
            self.assertEqual(len(bought), 10, "a checkout that is repeated is answered")
            self.assertEqual({answer.body for answer in bought}, {bought[0].body})
            self.assertEqual(self.get_cart(cart_id), bought[0].json(), "nothing is added after it")
            for what, answer in answers:
                if (what, answer.status) == ("add", 409):
                    closed_at = bought[0].json()["closed_at"]
                    self.assert_problem(answer, 409, "cart-closed", closed_at=closed_at)
            types = self.event_types(cart_id)
            self.assertEqual(types.count("CartCheckedOut"), 1, "exactly one checkout is recorded")
            self.assertEqual(bought[0].json()["item_count"], 1 + len(added))

    def test_one_id_makes_one_cart(self):
        cart_id = make_id()

        def create(_):
            with self.service.client() as client:
                return client.post("/carts", {"id": cart_id}).status

        self.assertEqual(collections.Counter(run_at_once(30, create)), {201: 1, 409: 29})

    def test_a_price_that_moves_is_one_of_its_prices(self):
        sku = self.make_product(1)
        cart_id = self.make_cart()["id"]

        def move_or_add(i):
            with self.service.client() as client:
                for step in range(30):
                    if i == 0:
                        self.make_product(step + 1, sku=sku, client=client)
                    else:
                        line = self.assert_cart(self.add(cart_id, sku, client=client))["items"][0]
                        self.assertIn(line["unit_price"], range(1, 31))

        run_at_once(9, move_or_add)
        answer = self.add(cart_id, sku)
        self.assertEqual(
            self.assert_cart(answer)["items"][0]["unit_price"], 30, "the newest price counts"
        )


class WithoutCache(ManyClients):
    """The same with every cart replayed from the log each time."""

    settings = {"CARTD_CACHE_CARTS": "0"}
    test_64_clients_add_to_one_cart = (
        None  # With 10,000 events to replay at each step it only takes long.
    )
    test_64_clients_add_to_one_cart_through_two_processes = None


class SmallBatches(ManyClients):
    """The same with batches of three, so that commands of one cart are split over many."""

    settings = {"CARTD_BATCH_COMMANDS": "3", "CARTD_CACHE_CARTS": "2"}
    test_64_clients_add_to_one_cart_through_two_processes = None
    test_64_clients_add_to_one_cart = None


def load_tests(loader, _, __):
    """Without CARTD_TEST_URL all; else only what a service that runs already can be tested by."""
    classes = (
        [ManyClients, OneWinner]
        if EXTERNAL_URL
        else [ManyClients, OneWinner, WithoutCache, SmallBatches]
    )
    return unittest.TestSuite(loader.loadTestsFromTestCase(case) for case in classes)


if __name__ == "__main__":
    unittest.main()
