"""A PostgreSQL that hangs or comes later, a service that is asked to stop, more than it can do. What
happens when either is killed is in test_kills."""

import signal
import threading
import time
import unittest

from support import (
    Background,
    Cluster,
    NoAnswer,
    Service,
    ServiceCase,
    find_server_programs,
    make_key,
    migrate,
    needs_binary,
    run_at_once,
    wait_until,
)

CLIENTS = 16


@needs_binary
class DatabaseHangs(ServiceCase):
    def test_a_database_that_hangs_is_not_waited_for_forever(self):
        sku = self.make_product(1)
        cart_id = self.make_cart()["id"]
        service = Service(self.database.app_url, CARTD_WAIT_MS="300")
        key = {"Idempotency-Key": make_key()}
        try:
            with self.database.open_session() as session, service.client() as client:
                session.run("BEGIN; SELECT position FROM log_head FOR UPDATE;")
                answer = self.add(cart_id, sku, client=client, **key)
                self.assertEqual(answer.status, 503, answer)
                session.run("ROLLBACK;")
            with service.client() as client:

                def add_again():
                    answer = self.add(cart_id, sku, client=client, **key)
                    return answer if answer.status == 200 else None

                answer = wait_until(add_again, "the retry is answered")
                self.assertEqual(self.assert_cart(answer)["version"], 2)
        finally:
            service.stop()
        self.assertEqual(self.event_types(cart_id), ["CartCreated", "ItemAdded"])


@needs_binary
class ServiceStops(ServiceCase):
    def test_what_was_accepted_is_answered(self):
        sku = self.make_product(1)
        cart_ids = [self.make_cart()["id"] for _ in range(CLIENTS)]
        for _ in range(3):
            service = Service(self.database.app_url)
            counts = {cart_id: self.get_cart(cart_id)["item_count"] for cart_id in cart_ids}
            answered = dict.fromkeys(cart_ids, 0)
            statuses = set()

            def shop(i, _, service=service, answered=answered, statuses=statuses):
                client = service.client()
                while True:
                    try:
                        answer = self.add(cart_ids[i], sku, client=client)
                    except NoAnswer:
                        return  # The listener is closed, or the idle connection was.
                    statuses.add((answer.status, answer.slug))
                    if answer.status != 200:
                        return
                    answered[cart_ids[i]] += 1

            shopping = Background(CLIENTS, shop)
            wait_until(lambda: sum(answered.values()) > 300, "adds are answered", 120)
            service.stop()
            shopping.finish()
            self.assertLessEqual(statuses, {(200, None), (503, "shutting-down")})
            for cart_id in cart_ids:
                recorded = self.get_cart(cart_id)["item_count"] - counts[cart_id]
                self.assertEqual(recorded, answered[cart_id], "recorded is what was answered 200")
                self.client.delete(f"/carts/{cart_id}/items")

    def test_a_command_under_way_is_finished(self):
        sku = self.make_product(1)
        cart_id = self.make_cart()["id"]
        service = Service(self.database.app_url, CARTD_WAIT_MS="60000", CARTD_DRAIN_MS="60000")
        with self.database.open_session() as session, service.client() as client:
            idle = client.another()
            self.assertEqual(idle.get("/readyz").status, 200)
            session.run("BEGIN; SELECT position FROM log_head FOR UPDATE;")
            body = b'{"sku":"%s"}' % sku.encode()
            client.send(client.compose("POST", f"/carts/{cart_id}/items", {}, body))
            wait_until(self.database.n_waiting, "the append waits for the lock")
            service.signal(signal.SIGTERM)
            service.wait_for_event("draining")
            time.sleep(0.3)
            self.assertTrue(service.is_running(), "it waits for what it has accepted")
            session.run("ROLLBACK;")
            self.assertEqual(client.receive("POST", f"/carts/{cart_id}/items").status, 200)
            idle.close()
        service.stop()
        self.assertEqual(self.get_cart(cart_id)["item_count"], 1)

    def test_a_stop_does_not_wait_longer_than_it_may(self):
        sku = self.make_product(1)
        cart_id = self.make_cart()["id"]
        service = Service(self.database.app_url, CARTD_WAIT_MS="60000", CARTD_DRAIN_MS="200")
        with self.database.open_session() as session, service.client() as client:
            session.run("BEGIN; SELECT position FROM log_head FOR UPDATE;")
            body = b'{"sku":"%s"}' % sku.encode()
            client.send(client.compose("POST", f"/carts/{cart_id}/items", {}, body))
            wait_until(self.database.n_waiting, "the append waits for the lock")
            service.stop()
            try:
                self.assertEqual(client.receive("POST", f"/carts/{cart_id}/items").status, 503)
            except NoAnswer:
                pass
            session.run("ROLLBACK;")

    def test_a_stop_does_not_wait_for_clients_that_left(self):
        service = Service(self.database.app_url)
        for size in (20, 100_000):
            for _ in range(10):
                with service.client(is_checked=False) as client:
                    message = client.compose("POST", "/carts", {}, b" " * size)
                    client.send(message[: -size // 2])
        with service.client() as client:
            self.assertEqual(client.get("/livez").status, 200)
        service.stop()
        self.assertEqual(service.events("drain_cut"), [])

    def test_an_idle_service_stops_at_once_with_idle_clients(self):
        service = Service(self.database.app_url)
        clients = [service.client() for _ in range(10)]
        for client in clients:
            client.get("/livez")
        service.stop()
        for client in clients:
            client.close()
        self.assertTrue(service.events("stopped"))


@needs_binary
@unittest.skipUnless(find_server_programs(), "PostgreSQL's server programs are not installed")
class DatabaseComesLater(ServiceCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster()
        cls.addClassCleanup(cls.cluster.destroy)

    def test_it_starts_without_a_database_and_serves_when_there_is_one(self):
        service = Service(self.cluster.url, waits_until_ready=False, CARTD_WAIT_MS="200")
        try:
            with service.client() as client:
                self.assertEqual(client.get("/livez").json(), {"status": "alive"})
                self.assert_problem(client.get("/readyz"), 503, "database-unavailable")
                self.assert_problem(client.get("/readyz?verbose"), 503, "database-unavailable")
                self.assert_problem(client.post("/carts"), 503, "database-unavailable")
                self.assert_problem(client.get("/carts"), 503, "database-unavailable")
                self.cluster.start()
                # A database without the schema is no better than none, and stays so.
                for _ in range(30):
                    self.assert_problem(client.get("/readyz"), 503, "database-unavailable")
                    time.sleep(0.1)
                migrate(self.cluster.url)
                service.wait_until_ready()
                self.assertEqual(client.post("/carts").status, 201)
                self.assertEqual(client.get("/readyz?verbose").json()["status"], "ready")
        finally:
            service.stop()


@needs_binary
class Overload(ServiceCase):
    settings = {"CARTD_QUEUE_COMMANDS": "1", "CARTD_BATCH_COMMANDS": "1", "CARTD_WAIT_MS": "30000"}

    def test_what_can_not_wait_is_told_to_come_again(self):
        sku = self.make_product(1)
        cart_id = self.make_cart()["id"]
        with self.database.open_session() as session:
            session.run("BEGIN; SELECT position FROM log_head FOR UPDATE;")
            done = threading.Event()

            def add(i):
                if i == 0:
                    # Once the first refusals are there, let the others go on.
                    done.wait(60)
                    session.run("ROLLBACK;")
                    return None
                with self.service.client() as client:
                    answer = self.add(cart_id, sku, client=client)
                    if answer.status == 503:
                        self.assert_problem(answer, 503, "overloaded")
                        done.set()
                    return answer.status

            statuses = run_at_once(30, add)[1:]
        self.assertEqual(set(statuses), {200, 503})
        cart = self.get_cart(cart_id)
        self.assertEqual(cart["item_count"], statuses.count(200))


if __name__ == "__main__":
    unittest.main()
