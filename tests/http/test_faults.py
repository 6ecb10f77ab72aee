"""PostgreSQL that dies, a service that is killed, a service that is asked to stop: what was
answered is kept, and what was not can be sent again."""

import signal
import threading
import time
import unittest

from support import (
    Background,
    Cluster,
    Database,
    NoAnswer,
    Proxy,
    Service,
    ServiceCase,
    find_server_programs,
    make_key,
    migrate,
    needs_binary,
    run_at_once,
    take_free_port,
    wait_until,
)

CLIENTS = 16
CARTS = 6
ROUNDS = 4


class Load:
    """Clients that add one piece at a time. Most send a key and try again until it is answered 2xx;
    every fourth sends none and gives up on an error, as it can't know. What each add was answered
    is kept, so that it can be compared with the log."""

    def __init__(self, case, service):
        self.case = case
        self.service = service
        self.sku = case.make_product(1)
        self.keyed_ids = [case.make_cart()["id"] for _ in range(CARTS)]
        self.bare_ids = [case.make_cart()["id"] for _ in range(CARTS // 2)]
        self.lock = threading.Lock()
        self.versions = {cart_id: [] for cart_id in self.keyed_ids + self.bare_ids}
        self.given_up = dict.fromkeys(self.bare_ids, 0)
        self.n_errors = 0

    def shop(self, i, is_over):
        is_keyed = i % 4 != 3
        cart_ids = self.keyed_ids if is_keyed else self.bare_ids
        with self.service.client() as client:
            number = 0
            while not is_over.is_set():
                cart_id = cart_ids[(i + number) % len(cart_ids)]
                self.add_until_answered(client, cart_id, make_key() if is_keyed else None)
                number += 1

    def add_until_answered(self, client, cart_id, key):
        end = time.monotonic() + 300
        while not self.add_once(client, cart_id, key):
            if time.monotonic() > end:
                raise AssertionError("an add was never answered 2xx")
            time.sleep(0.02)
            if key is None:
                return

    def add_once(self, client, cart_id, key):
        """True when it was answered 2xx."""
        headers = {"Prefer": "return=minimal", **({"Idempotency-Key": key} if key else {})}
        value = {"sku": self.sku, "quantity": 1}
        try:
            answer = client.post(f"/carts/{cart_id}/items", value, headers=headers)
        except NoAnswer:
            answer = None
        if answer and answer.slug == "quantity-out-of-range":
            self.empty(client, cart_id)
            return False
        if answer and answer.status not in (204, 503):
            raise AssertionError(f"neither done nor unavailable: {answer}")
        with self.lock:
            if answer and answer.status == 204:
                self.versions[cart_id].append(answer.version)
                return True
            self.n_errors += 1
            if key is None:
                self.given_up[cart_id] += 1
        return False

    def empty(self, client, cart_id):
        """A line holds 999; make room. Whether it worked shows when the next add is sent."""
        try:
            client.delete(f"/carts/{cart_id}/items")
        except NoAnswer:
            pass

    def count(self):
        with self.lock:
            return sum(len(versions) for versions in self.versions.values())

    def assert_all_kept_once(self, database):
        """Each add that was answered is in the log at the version it was answered with, no two at
        the same. With a key there are no others; without, at most as many as were given up, and
        none of them twice: one command makes one event here."""
        for cart_id, versions in self.versions.items():
            rows = database.sql(
                "SELECT version, command_id FROM events WHERE type = 'ItemAdded'"
                f" AND stream_id = '{cart_id}' ORDER BY version;"
            )
            recorded = {int(version) for version, _ in rows}
            self.case.assertEqual(len(versions), len(set(versions)), "two adds at one version")
            self.case.assertLessEqual(set(versions), recorded, "an answered add is missing")
            unanswered = len(recorded) - len(versions)
            self.case.assertLessEqual(unanswered, self.given_up.get(cart_id, 0), cart_id)
            commands = {command_id for _, command_id in rows}
            self.case.assertEqual(len(commands), len(rows), "a command was recorded twice")


@needs_binary
@unittest.skipUnless(find_server_programs(), "PostgreSQL's server programs are not installed")
class DatabaseDies(ServiceCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster().start()
        cls.addClassCleanup(cls.cluster.destroy)
        cls.database = Database(cls.cluster.url)
        cls.addClassCleanup(cls.database.drop)
        cls.database.migrated_by(migrate)
        cls.service = Service(cls.database.app_url)
        cls.addClassCleanup(cls.service.stop)
        cls.client = cls.service.client()
        cls.addClassCleanup(cls.client.close)

    def test_nothing_answered_is_lost_and_nothing_is_done_twice(self):
        load = Load(self, self.service)
        pid = self.service.pid
        shopping = Background(CLIENTS, load.shop)
        try:
            for round_number in range(ROUNDS):
                before = load.count()
                wait_until(lambda: load.count() > before + 200, "adds are answered", 120)
                self.cluster.stop("immediate")
                self.assertEqual(self.client.get("/livez").status, 200)
                errors = load.n_errors
                wait_until(lambda: load.n_errors > errors, "errors are answered", 120)
                if round_number % 2:
                    wait_until(lambda: self.client.get("/readyz").status == 503, "it is not ready")
                self.cluster.start()
                wait_until(
                    lambda: self.client.get("/readyz").status == 200, "it is ready again", 120
                )
        finally:
            shopping.finish()
        self.assertTrue(self.service.is_running())
        self.assertEqual(self.service.pid, pid)
        load.assert_all_kept_once(self.database)
        self.assert_log_is_dense()
        for cart_id in load.versions:
            self.assert_sums(self.get_cart(cart_id))

    def test_connections_that_are_cut_do_no_harm(self):
        load = Load(self, self.service)
        shopping = Background(CLIENTS, load.shop)
        try:
            for _ in range(20):
                before = load.count()
                wait_until(lambda: load.count() > before + 50, "adds are answered", 120)
                self.database.sql(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid();"
                )
        finally:
            shopping.finish()
        load.assert_all_kept_once(self.database)
        self.assert_log_is_dense()

    def test_an_answer_that_was_lost_on_its_way_is_looked_up(self):
        proxy = Proxy(self.cluster.port)
        self.addCleanup(proxy.close)
        through_proxy = self.database.app_url.replace(f":{self.cluster.port}/", f":{proxy.port}/")
        service = Service(through_proxy)
        load = Load(self, service)
        shopping = Background(CLIENTS, load.shop)
        try:
            for _ in range(15):
                before = load.count()
                wait_until(lambda: load.count() > before + 50, "adds are answered", 120)
                swallowed = proxy.n_swallowed
                proxy.swallow_answers()
                wait_until(lambda: proxy.n_swallowed > swallowed, "an answer is lost")
                proxy.cut()
        finally:
            try:
                shopping.finish()
            finally:
                service.stop()
        load.assert_all_kept_once(self.database)
        self.assert_log_is_dense()
        self.assertTrue(service.events("outcome_looked_up"))

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
class ServiceDies(ServiceCase):
    """kill -9 of the service under load, and another one in its place."""

    def test_nothing_answered_is_lost(self):
        service = Service(self.database.app_url, port=take_free_port())
        load = Load(self, service)
        shopping = Background(CLIENTS, load.shop)
        try:
            for _ in range(ROUNDS):
                before = load.count()
                wait_until(lambda: load.count() > before + 200, "adds are answered", 120)
                service.kill()
                service = Service(self.database.app_url, port=service.port)
        finally:
            try:
                shopping.finish()
            finally:
                service.stop()
        load.assert_all_kept_once(self.database)
        self.assert_log_is_dense()


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
            wait_until(self.is_someone_waiting, "the append waits for the lock")
            service.signal(signal.SIGTERM)
            service.wait_for_event("draining")
            time.sleep(0.3)
            self.assertTrue(service.is_running(), "it waits for what it has accepted")
            session.run("ROLLBACK;")
            self.assertEqual(client.receive("POST", f"/carts/{cart_id}/items").status, 200)
            idle.close()
        service.stop()
        self.assertEqual(self.get_cart(cart_id)["item_count"], 1)

    def is_someone_waiting(self):
        return (
            self.database.value(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock';"
            )
            != "0"
        )

    def test_a_stop_does_not_wait_longer_than_it_may(self):
        sku = self.make_product(1)
        cart_id = self.make_cart()["id"]
        service = Service(self.database.app_url, CARTD_WAIT_MS="60000", CARTD_DRAIN_MS="200")
        with self.database.open_session() as session, service.client() as client:
            session.run("BEGIN; SELECT position FROM log_head FOR UPDATE;")
            body = b'{"sku":"%s"}' % sku.encode()
            client.send(client.compose("POST", f"/carts/{cart_id}/items", {}, body))
            wait_until(self.is_someone_waiting, "the append waits for the lock")
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
