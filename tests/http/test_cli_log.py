"""The command line's look into the log: cartd show, cartd events, and following it."""

import json
import queue
import select
import signal
import subprocess
import threading
import time
import unittest
import urllib.parse

from support import (
    BINARY,
    Cluster,
    Database,
    Proxy,
    Service,
    ServiceCase,
    complain_of_sanitizers,
    find_server_programs,
    make_id,
    migrate,
    needs_binary,
    run_cartd,
    wait_until,
)
from support.service import clean_environment

NOWHERE = "postgresql://nobody@127.0.0.1:1/none"
ABSENT = "00000000-0000-4000-8000-000000000000"


def lines_of(text):
    return [json.loads(line) for line in text.splitlines()]


@needs_binary
class Showing(ServiceCase):
    def show(self, *arguments, expected=0):
        done = run_cartd("show", *arguments, url=self.database.reader_url)
        self.assertEqual(done.returncode, expected, (done.stdout, done.stderr))
        self.assertEqual(done.stdout == "", expected != 0)
        self.assertEqual(done.stderr == "", expected == 0)
        return done

    def test_a_cart_is_printed_as_it_is_and_as_it_was(self):
        sku = self.make_product(name='Tea "ü" {[,:]} \\')
        cart = self.make_cart((sku, 2), metadata={"a": [], "b": {}, "c": [1, {"d": None}]})
        path = f"/carts/{cart['id']}"
        self.client.post(f"{path}/cancel")
        now = self.client.get(path).json()
        self.assertEqual(json.loads(self.show(cart["id"]).stdout), now)
        self.assertEqual(json.loads(self.show(cart["id"], "--version", "2").stdout), cart)
        self.assertEqual(json.loads(self.show(cart["id"], "--at", cart["created_at"]).stdout), cart)
        text = self.show(cart["id"].upper()).stdout
        self.assertEqual(text, json.dumps(now, indent=2, ensure_ascii=False) + "\n")

    def test_what_is_not_there_is_said(self):
        cart = self.make_cart()
        done = self.show(cart["id"], "--version", "7", expected=1)
        self.assertIn("no version 7", done.stderr)
        done = self.show(cart["id"], "--at", "2001-02-03T04:05:06Z", expected=1)
        self.assertIn("2001-02-03T04:05:06.000000Z", done.stderr)
        self.assertIn(ABSENT, self.show(ABSENT, expected=1).stderr)

    def test_what_makes_no_sense_is_refused(self):
        for arguments in (
            [],
            [ABSENT, ABSENT],
            ["no-uuid"],
            [ABSENT, "--version", "0"],
            [ABSENT, "--version", "x"],
            [ABSENT, "--at", "yesterday"],
            [ABSENT, "--version", "1", "--at", "2026-11-23T04:38:00Z"],
            [ABSENT, "--after", "1"],
        ):
            self.show(*arguments, expected=2)

    def test_a_database_that_can_not_be_used_is_said_at_once(self):
        database = Database()
        self.addCleanup(database.drop)
        for subcommand in (["show", ABSENT], ["events"], ["events", "export"],
                           ["events", "import", "/dev/null"]):  # fmt: skip
            done = run_cartd(*subcommand, url=NOWHERE, CARTD_WAIT_MS="600000")
            self.assertEqual((done.returncode, done.stdout), (1, ""), done)
            self.assertIn("127.0.0.1", done.stderr)
            done = run_cartd(*subcommand, url=database.owner_url, CARTD_WAIT_MS="600000")
            self.assertEqual((done.returncode, done.stdout), (1, ""), done)
            self.assertIn("cartd migrate", done.stderr)


@needs_binary
class Printing(ServiceCase):
    def events(self, *arguments, expected=0):
        done = run_cartd("events", *arguments, url=self.database.reader_url)
        self.assertEqual(done.returncode, expected, (done.stdout[-2000:], done.stderr))
        self.assertEqual(done.stderr == "", expected == 0, done.stderr)
        return lines_of(done.stdout)

    def test_an_empty_log_has_no_lines(self):
        database = Database()
        self.addCleanup(database.drop)
        database.migrated_by(migrate)
        done = run_cartd("events", url=database.app_url)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_the_log_is_printed_in_its_order(self):
        self.make_cart((self.make_product(), 1))
        events = self.events()
        positions = [event["position"] for event in events]
        self.assertEqual(positions, list(range(1, len(events) + 1)))
        self.assertEqual(self.events("--after", "2"), events[2:])
        self.assertEqual(self.events("--after", str(len(events))), [])

    def test_events_are_as_the_contract_has_them(self):
        sku = self.make_product()
        cart_id = self.make_cart((sku, 1))["id"]
        answer = self.client.post(f"/carts/{cart_id}/cancel", headers={"If-Match": '"1"'})
        missed = answer.json()["missed_events"]
        self.assertEqual(self.events("--cart", cart_id)[1:], missed)

    def test_one_cart_and_one_type_can_be_asked_for(self):
        sku = self.make_product()
        cart_id = self.make_cart((sku, 1))["id"]
        other_id = self.make_cart((sku, 1))["id"]
        self.add(cart_id, sku)
        self.client.post(f"/carts/{cart_id}/cancel")
        types = [event["type"] for event in self.events("--cart", cart_id)]
        self.assertEqual(types, ["CartCreated", "ItemAdded", "ItemAdded", "CartCancelled"])
        after = self.events("--cart", cart_id.upper(), "--after", "2", "--type", "ItemAdded")
        self.assertEqual([event["version"] for event in after], [3])
        both = self.events("--type", "CartCreated,CartCancelled")
        self.assertEqual({event["type"] for event in both}, {"CartCreated", "CartCancelled"})
        self.assertIn(other_id, {event["stream_id"] for event in both})

    def test_more_than_a_page(self):
        sku = self.make_product()
        cart_id = self.make_cart((sku, 1))["id"]
        commands = [
            {"type": "change_item_quantity", "item_id": sku, "quantity": n % 9 + 2}
            for n in range(100)
        ]
        for _ in range(22):
            self.client.post(f"/carts/{cart_id}/commands", {"commands": commands})
        of_cart = self.events("--cart", cart_id)
        self.assertGreater(len(of_cart), 2100)
        self.assertEqual(
            [event["version"] for event in of_cart], list(range(1, len(of_cart) + 1))
        )
        whole = self.events()
        self.assertEqual(
            [event["position"] for event in whole], list(range(1, len(whole) + 1))
        )
        self.assertEqual(
            self.events("--type", "ItemQuantityChanged"),
            [event for event in whole if event["type"] == "ItemQuantityChanged"],
        )

    def test_what_is_not_there_or_makes_no_sense_is_said(self):
        self.make_product()
        product_stream = self.database.value(
            "SELECT stream_id FROM events WHERE stream_type = 'product' LIMIT 1;"
        )
        for cart_id in (ABSENT, product_stream):
            self.events("--cart", cart_id, expected=1)
            self.events("--cart", cart_id, "--follow", expected=1)
        for arguments in (
            ["--cart", "no-uuid"],
            ["--after", "-1"],
            ["--after", "x"],
            ["--cart", ABSENT, "--after", "2147483648"],
            ["--type", "ItemSold"],
            ["--type", ""],
            ["--type", "ItemAdded,"],
            ["nothing"],
            ["import"],
            ["import", "a", "b"],
            ["import", "a", "--after", "1"],
            ["export", "a", "b"],
            ["export", "--follow"],
            ["export", "--after", "x"],
        ):
            self.events(*arguments, expected=2)

    def test_a_reader_that_has_enough_ends_it_quietly(self):
        self.make_cart((self.make_product(), 1))
        done = subprocess.run(
            f'"{BINARY}" events | head -n 1',
            shell=True,
            env=clean_environment(DATABASE_URL=self.database.app_url),
            capture_output=True,
            timeout=60,
            check=False,
        )
        self.assertEqual((done.stdout.count(b"\n"), done.stderr), (1, b""))

    def test_an_output_that_is_full_is_said(self):
        self.make_cart()
        with open("/dev/full", "wb") as full:
            done = subprocess.run(
                [BINARY, "events"],
                env=clean_environment(DATABASE_URL=self.database.app_url),
                stdout=full,
                stderr=subprocess.PIPE,
                timeout=60,
                check=False,
            )
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"No space left", done.stderr)


class Follower:
    """A `cartd events --follow` and the lines that it has printed."""

    def __init__(self, url, *arguments, reads=True):
        self.process = subprocess.Popen(
            [BINARY, "events", "--follow", *arguments],
            env=clean_environment(DATABASE_URL=url, CARTD_LOG_FORM="json"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.lines = queue.Queue()
        self.reader = threading.Thread(target=self.read, daemon=True)
        if reads:
            self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.lines.put(line)

    def next(self, timeout=60):
        """The next event, when it is there."""
        line = self.lines.get(timeout=timeout)
        if not line.endswith(b"\n"):
            raise AssertionError(f"a line that was cut: {line!r}")
        return json.loads(line)

    def positions_until(self, position):
        found = []
        while not found or found[-1] < position:
            found.append(self.next()["position"])
        return found

    def end(self, number=signal.SIGINT):
        """Its exit status and what it said."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self, timeout=60):
        code = self.process.wait(timeout)
        if self.reader.is_alive():
            self.reader.join(timeout)
        said = self.process.stderr.read().decode()
        self.process.stderr.close()
        self.process.stdout.close()
        complain_of_sanitizers(said)
        return code, said


@needs_binary
class Following(ServiceCase):
    def head(self):
        return int(self.database.value("SELECT position FROM log_head;"))

    def test_what_is_recorded_is_printed_as_it_comes(self):
        before = self.head()
        follower = Follower(self.database.reader_url, "--after", str(before))
        sku = self.make_product()
        self.assertEqual(follower.next()["position"], before + 1)
        for n in range(3):
            cart_id = self.make_cart((sku, 1))["id"]
            self.assertEqual(follower.next()["type"], "CartCreated")
            event = follower.next()
            self.assertEqual((event["type"], event["stream_id"]), ("ItemAdded", cart_id))
            self.assertEqual(event["position"], before + 2 * n + 3)
        self.assertEqual(follower.end(signal.SIGINT), (0, ""))
        self.assertTrue(follower.lines.empty())

    def test_one_cart_and_types_can_be_followed(self):
        sku = self.make_product()
        cart_id = self.make_cart((sku, 1))["id"]
        of_cart = Follower(self.database.app_url, "--cart", cart_id, "--after", "1")
        of_type = Follower(self.database.app_url, "--type", "CartCancelled")
        self.assertEqual(of_cart.next()["version"], 2)
        for version in (3, 4, 5):
            self.make_cart((sku, 1))
            self.add(cart_id, sku)
            self.assertEqual(of_cart.next()["version"], version)
        self.client.post(f"/carts/{cart_id}/cancel")
        self.assertEqual(of_cart.next()["type"], "CartCancelled")
        while of_type.next()["stream_id"] != cart_id:
            pass
        self.assertEqual(of_cart.end(signal.SIGTERM), (0, ""))
        self.assertEqual(of_type.end(signal.SIGTERM), (0, ""))

    def test_it_ends_when_nobody_reads_any_more(self):
        follower = Follower(self.database.app_url, "--after", str(self.head()), reads=False)
        wait_until(
            lambda: self.database.value(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE '%events%'"
                " AND datname = current_database();"
            )
            != "0",
            "it follows",
        )
        follower.process.stdout.close()
        code = follower.process.wait(60)
        self.assertEqual((code, follower.process.stderr.read()), (0, b""))
        follower.process.stderr.close()

    def test_a_reader_that_does_not_read_does_not_keep_it_from_ending(self):
        sku = self.make_product(name="x" * 100)
        commands = {"commands": [{"type": "add_item", "sku": sku}] * 9}
        for _ in range(60):
            cart_id = self.make_cart()["id"]
            self.client.post(f"/carts/{cart_id}/commands", commands)
        follower = Follower(self.database.app_url, reads=False)
        select.select([follower.process.stdout], [], [], 60)
        time.sleep(0.5)  # Long enough to fill the pipe; if it was not, there is less to see.
        follower.process.send_signal(signal.SIGTERM)
        code = follower.process.wait(60)
        self.assertEqual(code, 0)
        written = follower.process.stdout.read()
        self.assertGreater(written.count(b"\n"), 10)
        follower.process.stdout.close()
        self.assertEqual(follower.process.stderr.read(), b"")
        follower.process.stderr.close()

    def test_a_log_that_went_back_is_another_one(self):
        database = Database()
        self.addCleanup(database.drop)
        database.migrated_by(migrate)
        service = Service(database.app_url)
        self.addCleanup(service.stop)
        with service.client() as client:
            for _ in range(3):
                client.post("/carts")
        follower = Follower(database.app_url)
        follower.positions_until(3)
        database.sql("UPDATE log_head SET position = 2;")
        code, said = follower.wait()
        self.assertEqual(code, 1)
        self.assertIn("another one", said)


@needs_binary
class OverABadLine(ServiceCase):
    """The connection breaks again and again while pages are on their way."""

    def test_every_event_is_printed_once_and_in_order(self):
        sku = self.make_product()
        cart_id = self.make_cart((sku, 1))["id"]
        commands = [
            {"type": "change_item_quantity", "item_id": sku, "quantity": n % 9 + 2}
            for n in range(100)
        ]
        for _ in range(80):
            self.client.post(f"/carts/{cart_id}/commands", {"commands": commands})
        head = int(self.database.value("SELECT position FROM log_head;"))
        self.assertGreater(head, 7000)
        parts = urllib.parse.urlsplit(self.database.app_url)
        proxy = Proxy(parts.port)
        self.addCleanup(proxy.close)
        url = parts._replace(netloc=parts.netloc.replace(str(parts.port), str(proxy.port)))
        for arguments in ([], ["--cart", cart_id], ["--type", "ItemQuantityChanged"]):
            with self.subTest(arguments=arguments):
                whole = run_cartd("events", *arguments, url=self.database.app_url).stdout
                self.follow_over(proxy, url.geturl(), arguments, whole.encode().splitlines(True))

    def follow_over(self, proxy, url, arguments, expected):
        follower = Follower(url, *arguments, reads=False)
        for n, line in enumerate(expected):
            self.assertEqual(follower.process.stdout.readline(), line)
            if n % 450 == 449:
                proxy.cut()
        code, said = follower.end()
        self.assertEqual(code, 0, said)


@needs_binary
@unittest.skipUnless(find_server_programs(), "PostgreSQL's server programs are not installed")
class AcrossRestarts(unittest.TestCase):
    """PostgreSQL goes and comes back; whoever follows has every event once and in order."""

    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster().start()
        cls.addClassCleanup(cls.cluster.destroy)
        cls.database = Database(cls.cluster.url)
        cls.addClassCleanup(cls.database.drop)
        cls.database.migrated_by(migrate)

    def test_every_event_is_printed_once_and_in_order(self):
        service = Service(self.database.app_url)
        followers = [Follower(self.database.app_url), Follower(self.database.app_url)]
        n = 0
        for mode in ("fast", "immediate", "fast"):
            with service.client() as client:
                for _ in range(20):
                    self.assertEqual(client.post("/carts", {"id": make_id()}).status, 201)
                    n += 1
                followers[0].positions_until(n)
                for _ in range(30):
                    self.assertEqual(client.post("/carts").status, 201)
                    n += 1
            self.cluster.stop(mode)
            self.cluster.start()
            service.wait_until_ready()
        with service.client() as client:
            self.assertEqual(client.post("/carts").status, 201)
            n += 1
        self.assertEqual(followers[1].positions_until(n), list(range(1, n + 1)))
        self.assertEqual(followers[0].positions_until(n)[-1], n)
        for follower in followers:
            code, said = follower.end()
            self.assertEqual(code, 0, said)
            self.assertIn("database_lost", said)
            self.assertTrue(follower.lines.empty())
        service.stop()


if __name__ == "__main__":
    unittest.main()
