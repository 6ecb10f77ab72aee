"""Wires that fail: between the service and PostgreSQL, and between a client and the service. They
are slow, trickle, freeze, are cut or reset, also at any byte of a question or an answer.

With CARTD_TEST_LONG=1 they are cut at every byte; else at some of each kind of offset."""

import random
import struct
import time
import unittest

from support import (
    ANSWER,
    CUT,
    FREEZE,
    IS_LONG,
    REQUEST,
    RESET,
    Client,
    FaultCase,
    NoAnswer,
    Proxy,
    Service,
    how_many,
    make_key,
    needs_binary,
    wait_until,
)

OFFSETS = how_many(14, quick=7, long=10_000)
OFFSETS_OF_A_CART = 400  # a line has room for so many
ROUNDS = how_many(8, quick=4, long=100)


def offsets_in_messages(recorded):
    """Offsets in a run of PostgreSQL's messages (a byte of type, four of length, content), of every
    kind: between two, within the type and length, at the content's begin, middle, and last byte."""
    offsets = set()
    start = 0
    while start + 5 <= len(recorded):
        length = 1 + struct.unpack_from("!I", recorded, start + 1)[0]
        middle = (5 + length) // 2
        offsets |= {start + step for step in (0, 1, 3, 5, middle, length - 1) if step < length}
        start += length
    return choose_offsets(offsets)


def offsets_in_text(recorded):
    """Offsets in a message of HTTP: in its first line, its headers, at their end, in its body."""
    end = recorded.find(b"\r\n\r\n")
    offsets = {0, 1, recorded.find(b"\r\n"), end, end + 2, end + 4, end + 5, len(recorded) - 1}
    offsets |= set(range(0, len(recorded), 37))
    return choose_offsets({offset for offset in offsets if 0 <= offset < len(recorded)})


def choose_offsets(offsets):
    if IS_LONG:
        return range(max(offsets) + 1)
    return sorted(random.Random().sample(sorted(offsets), min(OFFSETS, len(offsets))))


@needs_binary
class ToPostgres(FaultCase):
    """A proxy between the service and PostgreSQL. Nothing else speaks there but the commands."""

    settings = {
        "CARTD_PROJECTIONS": "off",
        "CARTD_REACTIONS": "off",
        "CARTD_VERIFY_MS": "0",
        "CARTD_WAIT_MS": "2000",
    }

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.proxy, cls.url = Proxy.of_database(cls.database.app_url)
        cls.addClassCleanup(cls.proxy.close)

    def setUp(self):
        self.client.close()  # it may have been idle for as long as a long form takes
        self.sku = self.make_product(1)

    def serve(self, **settings):
        service = Service(self.url, **{**self.settings, **settings})
        self.addCleanup(service.stop)
        self.addCleanup(self.proxy.cut)
        return service

    def add_keyed(self, client, cart_id):
        key = make_key()
        return self.add(cart_id, self.sku, client=client, **{"Idempotency-Key": key})

    def record_add(self, client, cart_id):
        """What one add says to PostgreSQL, and what that says."""
        self.proxy.record()
        self.assertEqual(self.add_keyed(client, cart_id).status, 200)
        return self.proxy.take_recorded()

    def strike_adds(self, direction):
        """An add each, of which the question or the answer ends at some byte. Its client is told
        what became of it, at once and rightly: it is in the log once."""
        service = self.serve()
        with service.client() as client:
            cart_id = self.make_cart()["id"]
            self.assertEqual(self.add_keyed(client, cart_id).status, 200)
            recorded = self.record_add(client, cart_id)[direction == ANSWER]
            offsets = list(offsets_in_messages(recorded))
            for start in range(0, len(offsets), OFFSETS_OF_A_CART):
                self.strike_cart(service, client, direction, offsets[start : start + OFFSETS_OF_A_CART])
        print(f"{len(offsets)} of {len(recorded)} bytes", end=" ", flush=True)
        return service

    def strike_cart(self, service, client, direction, offsets):
        cart_id = self.make_cart(client=client)["id"]
        for _ in range(2):
            self.assertEqual(self.add_keyed(client, cart_id).status, 200)
        for version, offset in enumerate(offsets, 4):
            self.proxy.strike(direction, offset, RESET if version % 2 else CUT)
            n_mishaps = self.proxy.n_mishaps
            answer = self.add_keyed(client, cart_id)
            self.assertEqual(self.assert_cart(answer)["version"], version, f"byte {offset}")
            self.assertEqual(self.proxy.n_mishaps, n_mishaps + 1, f"byte {offset}")
            service.wait_until_ready()
        self.assertEqual(
            self.event_types(cart_id), ["CartCreated"] + ["ItemAdded"] * (len(offsets) + 2)
        )

    def test_an_answer_that_ends_at_any_byte_is_looked_up(self):
        service = self.strike_adds(ANSWER)
        # The control: some were committed.
        service.wait_for_event("outcome_looked_up")

    def test_a_question_that_ends_at_any_byte_is_asked_again(self):
        self.strike_adds(REQUEST)

    def test_mishaps_under_load(self):
        """The doubt that is answered when a question or its answer is long on its way catches those
        who don't heed it."""
        service = self.serve_lean(self.url, **{**self.settings, "CARTD_WAIT_MS": "250"})
        self.addCleanup(self.proxy.cut)
        before = self.warm_up(service)
        load = self.start_load(service, n_flawed=4)
        chance = random.Random()

        def mishap(number):
            kind = number % 4 if number <= ROUNDS else number % 2 + 2
            if kind == 0:
                self.proxy.cut(chance.choice((CUT, RESET)))
            elif kind == 1:
                self.proxy.strike(
                    chance.choice((REQUEST, ANSWER)), chance.randrange(4000), chance.choice((CUT, RESET))
                )
            else:
                if kind == 2:
                    self.proxy.swallow_answers()
                else:
                    self.proxy.freeze()
                time.sleep(0.7)
                self.proxy.cut(RESET)

        self.break_until_refuted(load, mishap, ROUNDS)
        self.assert_kept(load)
        service.wait_until_ready()
        self.assert_footprint_is_back(service, before)

    def test_a_slow_wire_only_takes_longer(self):
        service = self.serve(CARTD_WAIT_MS="60000")
        self.proxy.slow_down(delay_s=0.05)
        self.addCleanup(self.proxy.slow_down)
        load = self.start_load(service)
        load.wait_for(40)
        self.proxy.slow_down(piece=3)
        load.wait_for(40)
        self.assert_kept(load)
        self.assertEqual(load.n_failed, 0)

    def test_a_wire_that_is_slower_than_one_waits_is_a_fault(self):
        """The control of the slow wire: it was slow."""
        service = self.serve(CARTD_WAIT_MS="500")
        self.proxy.slow_down(delay_s=1)
        self.addCleanup(self.proxy.slow_down)
        with service.client() as client:
            self.assertEqual(client.post("/carts").status, 503)

    def test_a_process_that_freezes_in_a_question_does_not_hold_the_log(self):
        """All of an append has arrived but its last byte, which would end its transaction: it holds
        the head of the log, for which everybody waits."""
        frozen = self.serve()
        cart_id, other = self.make_cart()["id"], self.make_cart()["id"]
        with frozen.client() as client:
            self.assertEqual(self.add_keyed(client, cart_id).status, 200)
            asked, _ = self.record_add(client, cart_id)
            self.proxy.strike(REQUEST, len(asked) - 1, FREEZE)
            body = b'{"sku":"%s"}' % self.sku.encode()
            key = {"Idempotency-Key": make_key()}
            client.send(client.compose("POST", f"/carts/{cart_id}/items", key, body))
            wait_until(lambda: not self.proxy.flows.is_set(), "it is frozen")

            def add():
                answer = self.add(other, self.sku)
                return answer if answer.status == 200 else None

            wait_until(add, "another process can append", 60)
            self.proxy.cut()
            client.close()
        self.assert_log_is_dense()


@needs_binary
class ToClients(FaultCase):
    """A proxy between clients and the service."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.proxy = Proxy(cls.service.port)
        cls.addClassCleanup(cls.proxy.close)

    def setUp(self):
        self.client.close()
        self.sku = self.make_product(1)
        self.addCleanup(self.proxy.cut)
        self.addCleanup(self.proxy.slow_down)

    def far_client(self, **options):
        return Client("127.0.0.1", self.proxy.port, **options)

    def strike_adds(self, direction):
        """An add each that ends at some byte, and the same add again: done once, also when the
        client never heard of the first."""
        cart_id = self.make_cart()["id"]
        self.add(cart_id, self.sku)
        with self.far_client() as client:
            self.proxy.record()
            self.add(cart_id, self.sku, client=client, **{"Idempotency-Key": make_key()})
            offsets = offsets_in_text(self.proxy.take_recorded()[direction == ANSWER])
        n_replayed = 0
        for number, offset in enumerate(offsets):
            key = {"Idempotency-Key": make_key()}
            with self.far_client() as client:
                self.proxy.strike(direction, offset, RESET if number % 2 else CUT)
                with self.assertRaises(NoAnswer):
                    self.add(cart_id, self.sku, client=client, **key)
            again = self.add(cart_id, self.sku, **key)
            self.assertEqual(self.assert_cart(again)["version"], number + 4, f"byte {offset}")
            n_replayed += again.headers.get("idempotent-replayed") == "true"
        self.assertEqual(len(self.event_types(cart_id)), len(offsets) + 3)
        return n_replayed, len(offsets)

    def test_an_answer_that_ends_at_any_byte_is_there_again(self):
        n_replayed, n = self.strike_adds(ANSWER)
        self.assertEqual(n_replayed, n, "each had been done before its answer was lost")

    def test_a_request_that_ends_at_any_byte_is_not_done(self):
        n_replayed, _ = self.strike_adds(REQUEST)
        self.assertEqual(n_replayed, 0, "none was whole")

    def test_mishaps_under_load(self):
        service = self.serve_lean(self.database.app_url)
        proxy = Proxy(service.port)
        self.addCleanup(proxy.close)
        before = self.warm_up(service)
        load = self.start_load(proxy)
        chance = random.Random()

        def mishap(number):
            if number % 3 == 0:
                proxy.cut(chance.choice((CUT, RESET)))
                return
            for _ in range(10):
                direction = chance.choice((REQUEST, ANSWER))
                proxy.strike(direction, chance.randrange(900), chance.choice((CUT, RESET)))
                load.wait_for(3)

        self.break_until_refuted(load, mishap, ROUNDS)
        self.assert_kept(load)
        self.assert_footprint_is_back(service, before)

    def test_a_trickle_is_a_request_too(self):
        self.proxy.slow_down(piece=1)
        with self.far_client() as client:
            cart_id = self.make_cart(client=client)["id"]
            for version in range(2, 8):
                answer = self.add(cart_id, self.sku, client=client)
                self.assertEqual(self.assert_cart(answer)["version"], version)
            self.assertEqual(client.get(f"/carts/{cart_id}").version, 7)
            self.assertEqual(len(client.get(f"/carts/{cart_id}/events").json()["events"]), 7)

    def test_frozen_clients_hold_up_nobody(self):
        """They have asked and don't read; some never finish their question."""
        clients = [self.far_client() for _ in range(50)]
        for client in clients:
            client.get("/livez")
        self.proxy.freeze()
        for number, client in enumerate(clients):
            message = client.compose("POST", "/carts", {}, b'{"items":[{"sku":"%s"}]}' % b"x" * 10)
            client.send(message[: -(number % 20)] if number % 20 else message)
        cart_id = self.make_cart()["id"]
        for version in range(2, 12):
            self.assertEqual(self.assert_cart(self.add(cart_id, self.sku))["version"], version)
        self.proxy.cut()
        for client in clients:
            client.close()


if __name__ == "__main__":
    unittest.main()
