"""GETs of carts from memory: only within a lease, and never behind what was answered before."""

import contextlib
import random
import signal
import threading
import time
import unittest

from support import (
    AuditCase,
    Service,
    ServiceCase,
    how_many,
    make_key,
    needs_binary,
    run_at_once,
    wait_until,
)

READERS = 4
ROUNDS = 150


def from_memory(service):
    return service.metric("cartd_reads_from_memory_total")


class Reads:
    """A number of clients that read a cart all the time, which is what keeps a lease alive."""

    def __init__(self, service, *cart_ids):
        self.is_over = threading.Event()
        self.threads = [
            threading.Thread(target=self.read, args=(service, cart_ids), daemon=True)
            for _ in range(READERS)
        ]

    def read(self, service, cart_ids):
        with service.client(timeout=60) as client:
            while not self.is_over.wait(0.002):
                client.get(f"/carts/{random.choice(cart_ids)}")

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        for thread in self.threads:
            thread.join()


class LeaseCase(ServiceCase):
    def wait_for_lease(self, service=None):
        service = service or self.service
        before = from_memory(service)
        wait_until(lambda: from_memory(service) > before + 20, "reads come from memory")

    def start(self, **settings):
        service = Service(self.database.app_url, **{**self.settings, **settings})
        self.addCleanup(service.stop)
        return service

    def assert_seen(self, cart_id, version, *services):
        for service in services:
            with service.client() as client:
                self.assertEqual(client.get(f"/carts/{cart_id}").version, version)


@needs_binary
class OneProcess(LeaseCase):
    def test_a_read_shows_every_write_before_it(self):
        sku = self.make_product(1)
        carts = [self.make_cart()["id"] for _ in range(8)]
        with Reads(self.service, *carts):
            self.wait_for_lease()
            before = from_memory(self.service)

            def shop(i):
                with self.service.client() as client:
                    for version in range(2, ROUNDS + 2):
                        answer = self.add(carts[i], sku, client=client)
                        self.assertEqual(answer.version, version)
                        for _ in range(2):
                            cart = client.get(f"/carts/{carts[i]}")
                            self.assertEqual((cart.version, cart.body), (version, answer.body))

            run_at_once(len(carts), shop)
            self.assertGreater(from_memory(self.service), before + ROUNDS)

    def test_what_is_read_is_the_same_from_memory(self):
        sku = self.make_product(1)
        for n_lines in (0, 1, 40):
            cart_id = self.make_cart(customer_id=f"c{n_lines}")["id"]
            for i in range(n_lines):
                self.add(cart_id, self.make_product(i + 1))
            first = self.client.get(f"/carts/{cart_id}")
            with Reads(self.service, cart_id):
                self.wait_for_lease()
                again = self.client.get(f"/carts/{cart_id}")
                self.assertEqual((again.status, again.body), (200, first.body))
                self.assertEqual(again.etag, first.etag)
                same = self.client.get(f"/carts/{cart_id}", headers={"If-None-Match": first.etag})
                self.assertEqual(same.status, 304)
            self.assertEqual(self.add(cart_id, sku).version, n_lines + 2)
            self.assert_seen(cart_id, n_lines + 2, self.service)

    def test_a_cart_that_was_cached_is_cached_as_it_was_changed(self):
        sku = self.make_product(1)
        cart_id, other = self.make_cart(customer_id="ada")["id"], self.make_cart()["id"]

        def reads_of_tables():
            return self.service.metric("cartd_reads_total") - from_memory(self.service)

        def was_read_from_memory():
            answer = self.add(cart_id, sku)
            before = reads_of_tables()
            cart = self.client.get(f"/carts/{cart_id}")
            self.assertEqual((cart.etag, cart.body), (answer.etag, answer.body))
            return reads_of_tables() == before

        with Reads(self.service, cart_id, other):
            self.wait_for_lease()
            wait_until(was_read_from_memory, "a read after a write needs no table")
        closed = self.client.post(f"/carts/{cart_id}/checkout")
        self.assertEqual(self.client.get(f"/carts/{cart_id}").body, closed.body)

    def test_a_few_reads_ask_for_no_lease(self):
        cart_id = self.make_cart()["id"]

        def read_slowly():
            for _ in range(3):
                self.client.get(f"/carts/{cart_id}")
                time.sleep(0.1)

        read_slowly()  # counts those of the test before, too
        ends_at = self.database.value("SELECT ends_at FROM read_lease")
        read_slowly()
        self.assertEqual(self.database.value("SELECT ends_at FROM read_lease"), ends_at)

    def test_a_lost_connection_ends_it(self):
        sku = self.make_product(1)
        cart_id = self.make_cart()["id"]
        with Reads(self.service, cart_id):
            for version in range(2, 5):
                self.wait_for_lease()
                self.database.sql(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE application_name = 'cartd write' AND datname = current_database();"
                )
                self.service.wait_until_ready()
                key = make_key()
                wait_until(
                    lambda: self.add(cart_id, sku, **{"Idempotency-Key": key}).status == 200, "added"
                )
                self.assert_seen(cart_id, version, self.service)

    def test_it_can_be_switched_off(self):
        cart_id = self.make_cart()["id"]
        service = self.start(CARTD_CACHE_READ_MIB="0")
        with Reads(service, cart_id):
            wait_until(lambda: service.metric("cartd_reads_total") > 200, "there were reads")
            self.assertEqual(from_memory(service), 0)


@needs_binary
class TwoProcesses(LeaseCase):
    def add_and_look(self, cart_id, sku, writer, reader, version):
        with writer.client(timeout=60) as client:
            self.assertEqual(self.add(cart_id, sku, client=client).version, version)
        self.assert_seen(cart_id, version, reader, writer)

    def test_who_comes_second_is_seen_at_once(self):
        sku = self.make_product(1)
        cart_id = self.make_cart()["id"]
        version = 1
        for _ in range(3):
            with Reads(self.service, cart_id):
                self.wait_for_lease()
                other = self.start()
                for i in range(40):
                    version += 1
                    pair = [other, self.service] if i % 2 == 0 else [self.service, other]
                    self.add_and_look(cart_id, sku, *pair, version)
                other.stop()
        # And when it has gone, there are leases again, of what it left behind.
        with Reads(self.service, cart_id):
            self.wait_for_lease()
            self.assert_seen(cart_id, version, self.service)

    def test_two_have_no_lease(self):
        cart_id = self.make_cart()["id"]
        other = self.start()
        before = from_memory(self.service), from_memory(other)
        with Reads(self.service, cart_id), Reads(other, cart_id):
            reads = other.metric("cartd_reads_total")
            wait_until(lambda: other.metric("cartd_reads_total") > reads + 500, "there were reads")
        self.assertEqual((from_memory(self.service), from_memory(other)), before)

    def test_one_that_slept_with_a_lease(self):
        """The other one need not wait for it to wake up, and it answers with nothing stale."""
        sku = self.make_product(1)
        cart_id = self.make_cart()["id"]
        sleeper = self.service
        with Reads(sleeper, cart_id):
            self.wait_for_lease()
            sleeper.signal(signal.SIGSTOP)
            try:
                other = self.start()
                with other.client() as client:
                    self.assertEqual(self.add(cart_id, sku, client=client).version, 2)
            finally:
                sleeper.signal(signal.SIGCONT)
            self.assert_seen(cart_id, 2, sleeper, other)

    def test_one_that_is_cut_off_with_a_lease(self):
        """Its session ends, so nobody holds the lock any more, and it does not hear of it: what
        keeps the second one from writing too soon is the lease alone."""
        sku = self.make_product(1)
        cart_id = self.make_cart()["id"]
        with Reads(self.service, cart_id):
            for version in range(2, 2 + how_many(5, quick=2)):
                self.wait_for_lease()
                self.service.signal(signal.SIGSTOP)
                self.database.sql(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE application_name = 'cartd write' AND datname = current_database();"
                )
                other = self.start(waits_until_ready=False)
                with contextlib.ExitStack() as wakes:
                    wakes.callback(self.service.signal, signal.SIGCONT)
                    other.wait_until_ready()
                    ended = self.database.value("SELECT clock_timestamp() >= ends_at FROM read_lease")
                    self.assertEqual(ended, "t", "it waited")
                    with other.client() as client:
                        self.assertEqual(self.add(cart_id, sku, client=client).version, version)
                self.assert_seen(cart_id, version, self.service, other)
                other.stop()


@needs_binary
class Rebuilt(AuditCase, LeaseCase):
    def test_what_was_damaged_is_not_kept_beyond_its_repair(self):
        cart_id = self.fill()
        true = self.client.get(f"/carts/{cart_id}").body
        with self.damaged(
            f"UPDATE carts SET document = replace(document, 'Gr', 'gr') WHERE cart_id = '{cart_id}'"
        ):
            with Reads(self.service, cart_id):
                self.wait_for_lease()
                self.assertNotEqual(self.client.get(f"/carts/{cart_id}").body, true)
                self.assertEqual(self.rebuild("carts").returncode, 0)
                self.assertEqual(self.client.get(f"/carts/{cart_id}").body, true)
                self.wait_for_lease()
                self.assertEqual(self.client.get(f"/carts/{cart_id}").body, true)


@needs_binary
class OthersWhoAppend(LeaseCase):
    """What is cached is a guess, which each append proves behind the lock of the head."""

    def append_by_hand(self, cart_id):
        """One more of the cart's last event, by somebody else than cartd."""
        self.database.sql(
            "UPDATE log_head SET position = position + 1;"
            " INSERT INTO events SELECT h.position, e.stream_type, e.stream_id, e.version + 1, e.type,"
            " e.schema_version, e.data, e.metadata, gen_random_uuid(), h.recorded_at"
            f" FROM log_head h, events e WHERE e.stream_id = '{cart_id}'"
            " ORDER BY e.version DESC LIMIT 1;"
        )

    def test_what_somebody_else_appended_is_seen(self):
        sku = self.make_product(1)
        moved, other = self.make_cart()["id"], self.make_cart()["id"]
        versions = {moved: 1, other: 1}

        def add(cart_id):
            answer = self.add(cart_id, sku)
            versions[cart_id] += 1
            self.assertEqual(answer.version, versions[cart_id])
            self.assertEqual(answer.json()["items"][0]["quantity"], answer.version - 1)

        add(moved)
        add(other)
        for _ in range(4):
            self.append_by_hand(moved)
            versions[moved] += 1
            add(other)
            add(moved)
            self.append_by_hand(other)
            versions[other] += 1
            add(other)
        self.assertEqual(self.service.metric("cartd_batches_split_total"), 0)

    def test_two_processes_take_turns(self):
        sku = self.make_product(1)
        cart_id = self.make_cart()["id"]
        second = self.start()
        with second.client() as client:
            for version in range(2, 22, 2):
                self.assertEqual(self.add(cart_id, sku).version, version)
                self.assertEqual(self.add(cart_id, sku, client=client).version, version + 1)
        for service in (self.service, second):
            self.assertEqual(service.metric("cartd_batches_split_total"), 0)


if __name__ == "__main__":
    unittest.main()
