"""A primary with a standby, and both in the connection string: whom a process believes."""

import shutil
import unittest

from support import (
    EXTERNAL_URL,
    Cluster,
    Database,
    EventStream,
    Service,
    ServiceCase,
    find_server_programs,
    make_key,
    migrate,
    needs_binary,
    slow,
    wait_until,
)

FAILOVERS = 3


class Pair:
    """Two servers, of which the second follows the first."""

    def __init__(self):
        self.primary, self.standby = Cluster().start(), Cluster()
        self.follow()

    def follow(self):
        """The standby is made anew, as a copy of the primary."""
        self.standby.stop("immediate")
        shutil.rmtree(self.standby.data)
        copy = ("-D", self.standby.data, "-d", self.primary.url, "-R", "-X", "stream", "-c", "fast")
        self.standby.call("pg_basebackup", *copy)
        self.standby.start()

    def fail_over(self):
        """The primary dies and the standby takes its place. Then the former primary is back, as if
        nothing had been: nobody has fenced it."""
        self.primary.stop("immediate")
        self.standby.call("pg_ctl", "promote", "-w", "-D", self.standby.data)
        self.primary, self.standby = self.standby, self.primary

    def url(self, login_url):
        """The same login at both, the first one first."""
        ports = sorted((self.primary.port, self.standby.port))
        parts = login_url.split("@")
        database = parts[1].partition("/")[2]
        hosts = ",".join(f"127.0.0.1:{port}" for port in ports)
        return f"{parts[0]}@{hosts}/{database}"

    def destroy(self):
        self.primary.destroy()
        self.standby.destroy()


@needs_binary
@unittest.skipIf(EXTERNAL_URL, "it starts its own servers")
@unittest.skipIf(find_server_programs() is None, "PostgreSQL's server is not installed")
class PairCase(ServiceCase):
    @classmethod
    def setUpClass(cls):
        cls.pair = Pair()
        cls.addClassCleanup(cls.pair.destroy)
        cls.database = Database(cls.pair.primary.url)
        cls.database.migrated_by(migrate)
        cls.url = cls.pair.url(cls.database.app_url)

    def start(self, **settings):
        service = Service(self.url, CARTD_WAIT_MS="3000", **settings)
        self.addCleanup(service.stop)
        return service

    def on_primary(self, query):
        name = self.database.name
        return self.pair.primary.sql(f"\\connect {name}\n{query};")

    def backends(self):
        query = "SELECT count(*) FROM pg_stat_activity WHERE application_name ~ '^cartd'"
        return int(self.on_primary(query)[0][0])


@slow("three failovers")
class Readers(PairCase):
    def test_no_read_is_of_a_former_primary(self):
        services = [self.start(), self.start()]
        clients = [service.client(timeout=30) for service in services]
        sku = self.make_product(5, client=clients[0])
        cart = self.make_cart(client=clients[0])["id"]
        version, n_connections = 1, self.backends()
        for _ in range(FAILOVERS):
            wait_until(
                lambda: self.pair.standby.sql("SELECT pg_is_in_recovery();") == [["t"]]
                and self.on_primary(
                    "SELECT count(*) FROM pg_stat_replication WHERE replay_lsn = pg_current_wal_lsn()"
                )
                == [["1"]],
                "the standby has everything",
            )
            self.pair.fail_over()
            wait_until(
                lambda: all(client.get("/readyz").status == 200 for client in clients),
                "both processes have found the new primary",
                timeout=60,
            )
            wait_until(lambda: self.backends() == n_connections, "all connections are there", timeout=60)
            self.pair.standby.start()  # the former primary
            for _ in range(3):
                version = self.add_and_read(clients, cart, sku, version)
                # Whoever is cut off looks for a primary again, and there are two that say so.
                self.on_primary(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE application_name ~ '^cartd'"
                )
                wait_until(
                    lambda: self.backends() == n_connections, "all are back", timeout=60
                )
            self.pair.follow()

    def add_and_read(self, clients, cart, sku, version):
        for writer in clients:
            key = make_key()

            def add():
                answer = writer.post(
                    f"/carts/{cart}/items", {"sku": sku}, headers={"Idempotency-Key": key}
                )
                return answer if answer.status == 200 else None

            version = wait_until(add, "the add is answered", timeout=60).version
            for reader in clients:
                self.assertGreaterEqual(self.read(reader, f"/carts/{cart}").version, version)
                page = self.read(reader, "/carts?limit=100").json()["carts"]
                self.assertGreaterEqual({c["id"]: c["version"] for c in page}[cart], version)
                events = self.read(reader, f"/carts/{cart}/events?limit=100").json()["events"]
                self.assertGreaterEqual(events[-1]["version"], version)
        return version

    @staticmethod
    def read(client, target):
        """What it answers once its connection for that is there."""
        return wait_until(lambda: (a := client.get(target)).status == 200 and a, "it is read")


class Listeners(PairCase):
    def test_streams_end_and_pages_refuse_a_cursor_of_the_former_primary(self):
        """Asynchronous: the standby may lack the last events, and uses their positions again."""
        service = self.start()
        with service.client(timeout=60) as client:
            sku = self.make_product(5, client=client)
            cart = self.make_cart((sku, 1), client=client)["id"]
            page = client.get("/events?limit=100").json()
            same = f"/events?after={page['next_after']}&log_id={page['log_id']}"
            self.assertEqual(client.get(same).json()["events"], [])
            stream = EventStream(service.address, f"/events?after={page['next_after']}", timeout=90)
            self.addCleanup(stream.close)
            wait_until(
                lambda: self.on_primary(
                    "SELECT count(*) FROM pg_stat_replication WHERE replay_lsn = pg_current_wal_lsn()"
                )
                == [["1"]],
                "the standby has everything",
            )
            self.pair.fail_over()
            # As many events as it would take to hide that some are missing.
            for _ in range(3):
                wait_until(
                    lambda: self.add(cart, sku, client=client).status == 200, "it is added"
                )
            kinds = [event[1] for event in iter(stream.read, None)]
            self.assertEqual(kinds[-1:], ["error"])
            for target in (same, same + "&wait=1"):
                problem = self.assert_problem(client.get(target), 400, "invalid-parameter")
                self.assertIn("not that of", problem["detail"])
            self.assertEqual(client.get("/events?limit=1").status, 200)


@slow("a standby that is stopped and started")
class Synchronous(PairCase):
    def test_a_replay_waits_for_the_standby_too(self):
        """Somebody ends the backend that waits for the standby: what it appended is there, and seen
        by all, but not on the standby."""
        self.pair.primary.sql("ALTER SYSTEM SET synchronous_standby_names = '*';")
        self.pair.primary.sql("SELECT pg_reload_conf();")
        first, second = self.start(), self.start()
        with first.client(timeout=60) as here, second.client(timeout=60) as there:
            sku = self.make_product(5, client=here)
            cart = self.make_cart(client=here)["id"]
            key = {"Idempotency-Key": make_key()}
            path = f"/carts/{cart}/items"
            self.pair.standby.stop("immediate")
            here.send(here.compose("POST", path, key, b'{"sku":"%s"}' % sku.encode()))
            waiting = "FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND pid <> pg_backend_pid()"
            wait_until(lambda: self.on_primary(f"SELECT count(*) {waiting}") != [["0"]], "it waits")
            self.on_primary(f"SELECT pg_terminate_backend(pid) {waiting}")
            self.assert_problem(here.receive("POST", path), 503, "database-unavailable")
            wait_until(
                lambda: self.on_primary(f"SELECT version FROM carts WHERE cart_id = '{cart}'")
                == [["2"]],
                "it is recorded here",
            )
            again = there.post(path, {"sku": sku}, headers=key)
            self.assert_problem(again, 503, "database-unavailable")
            self.assertIn("may or may not have been recorded", again.json()["detail"])
            # The same for what is so already.
            same = there.patch(f"{path}/{sku}", {"quantity": 1})
            self.assert_problem(same, 503, "database-unavailable")
            self.pair.standby.start()
            done = wait_until(
                lambda: (a := there.post(path, {"sku": sku}, headers=key)).status == 200 and a,
                "the standby has it",
                timeout=60,
            )
            self.assertEqual((done.version, done.headers.get("idempotent-replayed")), (2, "true"))


if __name__ == "__main__":
    unittest.main()
