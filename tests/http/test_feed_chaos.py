"""Readers of the feed while processes are killed, while PostgreSQL is, and over a dump and restore:
each has every event once, in order."""

import os
import random
import subprocess
import time
import unittest

from support import (
    Background,
    Client,
    Cluster,
    Database,
    EventStream,
    NoAnswer,
    Service,
    ServiceCase,
    find_server_programs,
    how_many,
    migrate,
    needs_binary,
    slow,
    take_free_port,
    wait_until,
)

SECONDS = float(os.environ.get("CARTD_TEST_FEED_SECONDS") or how_many(6, quick=3))


class Reader:
    """Follows one source by one way, and comes back to whichever process answers."""

    def __init__(self, ports, target, way):
        self.ports = ports
        self.target = target
        self.way = way
        self.seen = []  # (position, version, type, stream_id)
        self.n_connections = 0
        self.is_of_cart = target.startswith("/carts/")
        self.after = 0
        self.random = random.Random(target + way)

    def place(self):
        """Of the last event, or of the last that was looked at."""
        return self.after

    def note(self, event):
        self.seen.append(
            (event["position"], event["version"], event["type"], event["stream_id"])
        )

    def run(self, is_over):
        while not is_over.is_set():
            try:
                self.n_connections += 1
                if self.way == "stream":
                    self.follow_stream(self.random.choice(self.ports), is_over)
                else:
                    self.follow_pages(self.random.choice(self.ports), is_over)
            except NoAnswer:
                time.sleep(0.02)

    def follow_stream(self, port, is_over):
        with EventStream(("127.0.0.1", port), self.target, str(self.after)) as stream:
            if stream.answer.status == 503:
                time.sleep(0.02)
                return
            if stream.answer.status != 200:
                raise AssertionError(stream.answer)
            while not is_over.is_set():
                event = stream.read(0.2)
                self.after = int(stream.last_id)
                if event is not None:
                    if int(event[0]) != event[2]["version" if self.is_of_cart else "position"]:
                        raise AssertionError(event)
                    self.note(event[2])
                elif stream.is_over:
                    return

    def follow_pages(self, port, is_over):
        separator = "&" if "?" in self.target else "?"
        with Client("127.0.0.1", port) as client:
            while not is_over.is_set():
                wait = "" if self.is_of_cart else "&wait=1"
                answer = client.get(
                    f"{self.target}{separator}after={self.after}&limit=50{wait}"
                )
                if answer.status == 503:
                    time.sleep(0.02)
                    return
                if answer.status != 200:
                    raise AssertionError(answer)
                page = answer.json()
                for event in page["events"]:
                    self.note(event)
                if self.is_of_cart and page["events"]:
                    self.after = page["events"][-1]["version"]
                elif not self.is_of_cart:
                    self.after = page["next_after"]


class ChaosCase(ServiceCase):
    def stored(self, condition):
        rows = self.database.sql(
            "SELECT position, version, type, stream_id FROM events"
            f" WHERE {condition} ORDER BY position;",
            timeout=300,
        )
        return [(int(row[0]), int(row[1]), row[2], row[3]) for row in rows]

    def write(self, ports, cart_ids, sku, seed, is_over):
        """Adds until it is over, to a shared cart or to one of its own; what fails is not minded."""
        chance = random.Random(seed)
        client = None
        while not is_over.is_set():
            try:
                client = client or Client("127.0.0.1", chance.choice(ports))
                if chance.random() < 0.2:
                    client.post("/carts", {"items": [{"sku": sku}]})
                else:
                    items = f"/carts/{chance.choice(cart_ids)}/items"
                    if chance.random() < 0.02:
                        client.delete(items)  # or the line would be full some time
                    else:
                        client.post(items, {"sku": sku})
            except NoAnswer:
                client.close()
                client = None
                time.sleep(0.02)
        if client:
            client.close()

    def make_carts(self, client, n):
        sku = "feed-tea"
        client.put(f"/products/{sku}", {"name": "Tea", "prices": {"EUR": 1}})
        return sku, [client.post("/carts").json()["id"] for _ in range(n)]

    def readers_of(self, ports, cart_ids):
        return [
            Reader(ports, "/events", "stream"),
            Reader(ports, "/events", "stream"),
            Reader(ports, "/events", "pages"),
            Reader(ports, "/events?type=CartCreated", "stream"),
            Reader(ports, "/events?type=ItemAdded,ProductChanged", "pages"),
            Reader(ports, f"/carts/{cart_ids[0]}/events", "stream"),
            Reader(ports, f"/carts/{cart_ids[1]}/events", "stream"),
            Reader(ports, f"/carts/{cart_ids[0]}/events", "pages"),
        ]

    def condition_of(self, reader):
        if reader.is_of_cart:
            return f"stream_id = '{reader.target.split('/')[2]}'"
        _, _, types = reader.target.partition("type=")
        return f"type IN ('{types.replace(',', chr(39) + ',' + chr(39))}')" if types else "true"

    def wait_for_readers(self, readers, reading):
        """Until each has as many events as there are of its source, or has failed."""
        for reader in readers:
            n = len(self.stored(self.condition_of(reader)))
            wait_until(
                lambda reader=reader, n=n: len(reader.seen) >= n or reading.failures,
                f"{reader.target} by {reader.way} has {n} events",
            )

    def judge(self, readers):
        for reader in readers:
            events = self.stored(self.condition_of(reader))
            for place, (seen, stored) in enumerate(zip(reader.seen, events)):
                self.assertEqual(seen, stored, f"{reader.target} by {reader.way}: event {place}")
            self.assertEqual(len(reader.seen), len(events), f"{reader.target} by {reader.way}")


@needs_binary
class Kills(ChaosCase):
    def test_readers_have_every_event_once_while_processes_are_killed(self):
        ports = [take_free_port(), take_free_port()]
        services = [Service(self.database.app_url, port=port) for port in ports]
        with services[0].client() as client:
            sku, cart_ids = self.make_carts(client, 4)
        readers = self.readers_of(ports, cart_ids)
        reading = Background(len(readers), lambda i, is_over: readers[i].run(is_over))
        writing = Background(
            4, lambda i, is_over: self.write(ports[i % 2 :][:1], cart_ids, sku, i, is_over)
        )
        chance = random.Random()
        n_kills = 0
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            time.sleep(chance.uniform(0.3, 1.5))
            which = chance.randrange(2)
            if chance.random() < 0.7:
                services[which].kill()
            else:
                services[which].stop()
            n_kills += 1
            services[which] = Service(
                self.database.app_url, port=ports[which], waits_until_ready=False
            )
        for service in services:
            service.wait_until_ready()
        writing.finish()
        self.wait_for_readers(readers, reading)
        reading.finish()
        self.judge(readers)
        self.assert_log_is_dense()
        counts = [f"{len(reader.seen)} by {reader.n_connections}" for reader in readers]
        print(f"{n_kills} kills; events by connections: {', '.join(counts)}", end=" ", flush=True)
        for service in services:
            service.stop()


@needs_binary
@unittest.skipUnless(find_server_programs(), "PostgreSQL's server programs are not installed")
@slow("two clusters that are stopped and started")
class Clusters(ChaosCase):
    """On PostgreSQL servers of their own."""

    @classmethod
    def setUpClass(cls):
        """Each test has its own; nothing for the class."""

    def setUp(self):
        self.cluster = Cluster().start()
        self.addCleanup(self.cluster.destroy)
        self.database = Database(self.cluster.url)
        self.addCleanup(self.database.drop)
        self.database.migrated_by(migrate)

    def serve(self, url):
        service = Service(url)
        self.addCleanup(service.kill)
        return service

    def test_streams_go_on_when_postgresql_comes_back(self):
        service = self.serve(self.database.app_url)
        with service.client() as client:
            sku, cart_ids = self.make_carts(client, 2)
            readers = self.readers_of([service.port], cart_ids)
            reading = Background(len(readers), lambda i, is_over: readers[i].run(is_over))
            for _ in range(2):
                for _ in range(10):
                    self.add(cart_ids[0], sku, client=client)
                self.wait_for_readers(readers, reading)
                before = [reader.n_connections for reader in readers if reader.way == "stream"]
                self.cluster.stop("immediate")
                self.cluster.start()
                wait_until(lambda: client.get("/readyz").status == 200, "it is ready again")
                self.add(cart_ids[1], sku, client=client)
                self.wait_for_readers(readers, reading)
                after = [reader.n_connections for reader in readers if reader.way == "stream"]
                self.assertEqual(before, after, "the streams were not cut")
            reading.finish()
        self.judge(readers)
        service.stop()

    def test_readers_go_on_from_their_old_positions_after_dump_and_restore(self):
        service = self.serve(self.database.app_url)
        with service.client() as client:
            sku, cart_ids = self.make_carts(client, 3)
            readers = self.readers_of([service.port], cart_ids)
            reading = Background(len(readers), lambda i, is_over: readers[i].run(is_over))
            for i in range(30):
                self.add(cart_ids[i % 3], sku, client=client)
            self.wait_for_readers(readers, reading)
            reading.finish()
            # Events that no reader has seen before the dump.
            for i in range(30):
                self.add(cart_ids[i % 3], sku, client=client)
        service.stop()
        restored = Cluster().start()
        self.addCleanup(restored.destroy)
        self.copy(restored)
        service = self.serve(self.database.app_url)
        with service.client() as client:
            for reader in readers:
                reader.ports = [service.port]
            reading = Background(len(readers), lambda i, is_over: readers[i].run(is_over))
            for i in range(30):
                self.add(cart_ids[i % 3], sku, client=client)
            self.wait_for_readers(readers, reading)
            reading.finish()
        self.judge(readers)
        self.assert_log_is_dense()
        service.stop()

    def copy(self, restored):
        """The whole cluster, by pg_dumpall's and pg_dump's plain scripts; from now on it is the
        test's database."""
        programs = self.cluster.programs
        roles = subprocess.run(
            [f"{programs}/pg_dumpall", "--roles-only", "-d", self.cluster.url],
            capture_output=True, check=True,
        ).stdout  # fmt: skip
        # The user that the other cluster was made with is there already.
        subprocess.run(["psql", "-Xq", "-d", restored.url], input=roles, capture_output=True, check=True)
        dump = subprocess.run(
            [f"{programs}/pg_dump", "--create", "-d", self.database.owner_url],
            capture_output=True, check=True,
        ).stdout  # fmt: skip
        subprocess.run(
            ["psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-d", restored.url],
            input=dump, capture_output=True, check=True,
        )  # fmt: skip
        self.cluster.stop()
        old = str(self.cluster.port)
        for name in ("owner_url", "app_url"):
            url = getattr(self.database, name)
            setattr(self.database, name, url.replace(f":{old}/", f":{restored.port}/"))


if __name__ == "__main__":
    unittest.main()
