"""cartd-relay: the log is carried to other systems, whatever is killed meanwhile."""

import json
import os
import random
import subprocess

from support import BINARY, RELAY, Nats, Redis, RelayCase, how_many, needs_nats, needs_redis, run_cartd, wait_until


class Files(RelayCase):
    def path(self, name="log.jsonl"):
        return os.path.join(self.directory, name)

    def read(self, name="log.jsonl"):
        with open(self.path(name), encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    def sequences(self, name="log.jsonl"):
        return [int(event["sequence"]) for event in self.read(name)]

    def test_a_file_has_the_log_as_cloud_events(self):
        cart = self.make_cart((self.make_product(), 2))
        relay = self.start(
            "plain", f"file://{self.path()}", "--source", "https://shop.example/carts",
            "--prefix", "com.example.cartd",
        )
        relay.wait_for("cartd_relay_position", self.head())
        relay.stop()
        events = self.read()
        self.assertEqual(self.sequences(), list(range(1, self.head() + 1)))
        added = next(event for event in events if event["id"] == f"{cart['id']}:2")
        stored = self.client.get(f"/carts/{cart['id']}/events").json()["events"][1]
        self.assertEqual(
            added,
            {
                "specversion": "1.0",
                "id": f"{cart['id']}:2",
                "source": "https://shop.example/carts",
                "type": "com.example.cartd.cart.ItemAdded.v4",
                "subject": cart["id"],
                "time": stored["recorded_at"],
                "datacontenttype": "application/json",
                "sequence": f"{stored['position']:016}",
                "partitionkey": cart["id"],
                "data": stored["data"],
            },
        )

    def test_a_trace_goes_along_and_the_hash_of_a_token_does_not(self):
        trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        cart = self.client.post("/carts", {"currency": "EUR"}, headers={"traceparent": trace}).json()
        shown = self.run_relay("run", "traced", "-", "--dry-run").stdout
        created = next(
            event for event in map(json.loads, shown.splitlines()) if event["subject"] == cart["id"]
        )
        self.assertEqual(created["traceparent"], trace)
        self.assertNotIn("guest_token_hash", shown)

    def test_each_event_is_there_once_however_often_it_is_killed(self):
        with self.shopping():
            for _ in range(how_many(6, quick=3, long=20)):
                relay = self.start("killed", f"file://{self.path()}")
                wait_until(lambda: (relay.metric("cartd_relay_events_sent_total") or 0) > 20, "it sends")
                relay.kill()
                with open(self.path(), "a", encoding="utf-8") as file:  # as a crash may leave it
                    file.write('{"specversion":"1.0","id":"' * random.randrange(2))
        relay = self.start("killed", f"file://{self.path()}")
        relay.wait_for("cartd_relay_position", self.head())
        relay.stop()
        self.assertEqual(self.sequences(), list(range(1, self.head() + 1)))

    def test_only_the_types_that_are_asked_for_and_where_it_was(self):
        self.make_cart((self.make_product(), 2))
        arguments = ("--types", "CartCreated,CartCheckedOut")
        relay = self.start("chosen", f"file://{self.path()}", *arguments)
        relay.wait_for("cartd_relay_position", self.head())
        relay.stop()
        n = len(self.read())
        cart = self.make_cart((self.make_product(), 2))
        self.client.post(f"/carts/{cart['id']}/checkout")
        relay = self.start("chosen", f"file://{self.path()}", *arguments)
        relay.wait_for("cartd_relay_position", self.head())
        self.assertEqual(
            [event["type"] for event in self.read()[n:]],
            ["cartd.cart.CartCreated.v2", "cartd.cart.CartCheckedOut.v2"],
        )
        name, position, lag, sent, sink, state = self.status_of("chosen")
        self.assertEqual((int(position), int(lag)), (self.head(), 0))
        self.assertEqual(int(sent), n + 2)
        self.assertEqual((sink, state), (f"file://{self.path()}", "up to date"))
        relay.stop()
        self.assertEqual(self.status_of("chosen")[5], "nobody runs it")

    def test_one_of_two_runs_it_and_the_other_takes_over(self):
        first = self.start("shared", f"file://{self.path()}")
        first.wait_for("cartd_relay_runner", 1)
        second = self.start("shared", f"file://{self.path()}")
        second.wait_for("cartd_relay_runner", 0)
        first.kill()
        second.wait_for("cartd_relay_runner", 1)
        third = self.start("shared", f"file://{self.path()}")
        third.wait_for("cartd_relay_runner", 0)
        second.stop()
        third.wait_for("cartd_relay_runner", 1)
        self.make_cart()
        third.wait_for("cartd_relay_position", self.head())
        third.stop()
        self.assertEqual(self.sequences(), list(range(1, self.head() + 1)))

    def test_it_is_rewound_and_removed(self):
        self.make_cart()
        relay = self.start("again", f"file://{self.path()}")
        relay.wait_for("cartd_relay_position", self.head())
        refused = self.run_relay("remove", "again")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("a process runs it", refused.stderr)
        relay.stop()
        os.remove(self.path())
        done = self.run_relay("rewind", "again", "--from", str(self.head()))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        relay = self.start("again", f"file://{self.path()}", "--from", "1")
        wait_until(lambda: os.path.exists(self.path()) and self.read(), "it is sent again")
        relay.stop()
        self.assertEqual(self.sequences(), [self.head()])
        self.assertEqual(self.run_relay("remove", "again").returncode, 0)
        self.assertEqual(self.run_relay("remove", "again").returncode, 1)

    def test_what_it_is_refused_is_said_and_tried_again(self):
        self.make_cart()
        target = self.path("no/such/folder.jsonl")
        relay = self.start("stuck", f"file://{target}")
        wait_until(lambda: "failing since" in self.status_of("stuck")[5], "it says so")
        self.assertIn("No such file or directory", self.status_of("stuck")[5])
        os.makedirs(os.path.dirname(target))
        relay.wait_for("cartd_relay_position", self.head())
        self.assertGreater(relay.metric("cartd_relay_failures_total"), 0)
        wait_until(lambda: self.status_of("stuck")[5] == "up to date", "it says so")
        logged = [line["event"] for line in relay.stop()]
        self.assertLess(logged.index("relay_failed"), logged.index("relay_goes_on"))

    def test_its_role_reads_the_log_and_writes_nothing_else(self):
        for table, right in (("events", "INSERT"), ("carts", "SELECT"), ("snapshots", "SELECT")):
            may = self.database.value(f"SELECT has_table_privilege('cartd_relay', '{table}', '{right}')")
            self.assertEqual(may, "f", (table, right))

    def test_what_can_not_work_is_said(self):
        for arguments, status, message in (
            (("run", "x"), 2, "usage:"),
            (("run", "X Y", "-"), 2, "the name of a relay"),
            (("run", "x", "nonsense"), 2, "the sink must be an address"),
            (("run", "x", "gopher://a/b"), 2, 'has no sink "gopher"'),
            (("run", "x", "file:relative"), 1, "whole path"),
            (("run", "x", "-", "--types", "Nonsense"), 2, "unknown event type"),
            (("run", "x", "-", "--from", "0"), 2, "--from must be"),
            (("run", "x", "-", "--metrics", "nonsense"), 1, "an address and a port"),
            (("rewind", "nobody", "--from", "1"), 1, "there is no relay"),
            (("rewind", "nobody"), 2, "usage:"),
            (("dance",), 2, "unknown subcommand"),
            ((), 2, ""),
        ):
            with self.subTest(arguments):
                done = self.run_relay(*arguments)
                self.assertEqual(done.returncode, status, done)
                self.assertIn(message, done.stderr)

    def test_the_program_that_serves_has_no_client_of_anything(self):
        for program, links in ((BINARY, False), (RELAY, True)):
            done = subprocess.run(["ldd", program], capture_output=True, text=True, check=True)
            self.assertEqual("libcurl" in done.stdout, links, done.stdout)
            self.assertNotIn("libhiredis" if not links else "libjwt", done.stdout)

    def test_help_has_a_line_for_each_sink(self):
        done = self.run_relay("--help")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for usage in ("  -\n", "  file:///PATH\n", "  redis://", "  nats://"):
            self.assertIn(usage, done.stdout)
        version = run_cartd("--version").stdout.split()[1]
        self.assertEqual(self.run_relay("--version").stdout, f"cartd-relay {version}\n")


@needs_redis
class Streams(RelayCase):
    def setUp(self):
        super().setUp()
        self.redis = Redis(self.directory)
        self.addCleanup(self.redis.process.kill)
        self.sink = f"redis://127.0.0.1:{self.redis.port}/carts"

    def test_each_event_is_an_entry_once_whatever_is_killed(self):
        self.carry_while_killed("streamed", self.sink, self.redis)
        entries = self.redis.entries("carts")
        self.assertEqual([entry for entry, _ in entries], [f"{n}-0" for n in range(1, self.head() + 1)])
        stored = self.client.get("/events?limit=5").json()["events"]
        for event, (_, fields) in zip(stored, entries):
            self.assertEqual(fields["id"], f"{event['stream_id']}:{event['version']}")
            self.assertEqual(json.loads(fields["data"]), event["data"])

    def test_without_memory_nothing_is_skipped(self):
        self.make_cart()
        relay = self.start("full", self.sink)
        relay.wait_for("cartd_relay_position", self.head())
        self.redis.ask("CONFIG", "SET", "maxmemory", "1")
        for _ in range(3):
            self.make_cart()
        wait_until(lambda: "OOM" in self.status_of("full")[5], "it says so")
        self.redis.ask("CONFIG", "SET", "maxmemory", "0")
        relay.wait_for("cartd_relay_position", self.head())
        relay.stop()
        self.assertEqual(len(self.redis.entries("carts")), self.head())

    def test_a_wrong_password_is_said_without_it(self):
        self.make_cart()
        self.redis.ask("CONFIG", "SET", "requirepass", "right")
        relay = self.start("locked", self.sink.replace("://", "://:wr0ng@"))
        wait_until(lambda: "the user or the password" in self.status_of("locked")[5], "it says so")
        logged = json.dumps(relay.stop())
        self.assertNotIn("wr0ng", logged + self.run_relay("status").stdout)
        relay = self.start("locked", self.sink.replace("://", "://:right@"))
        relay.wait_for("cartd_relay_position", self.head())

    def test_an_address_without_a_stream_is_refused(self):
        for sink, message in (
            ("redis://127.0.0.1:1", "needs a host and a stream"),
            ("redis://127.0.0.1:1/x?maxlen=0", "maxlen must be"),
        ):
            done = self.run_relay("run", "x", sink)
            self.assertEqual(done.returncode, 1)
            self.assertIn(message, done.stderr)


@needs_nats
class JetStream(RelayCase):
    def setUp(self):
        super().setUp()
        self.nats = Nats(self.directory)
        self.addCleanup(self.nats.process.kill)
        self.sink = f"nats://127.0.0.1:{self.nats.port}/shop"

    def test_each_event_is_a_message_once_whatever_is_killed(self):
        self.nats.make_stream("carts", "shop.>")
        self.carry_while_killed("jets", self.sink, self.nats)
        messages = self.nats.messages("carts")
        self.assertEqual(
            [int(event["sequence"]) for _, event in messages], list(range(1, self.head() + 1))
        )
        for subject, event in messages[:10]:
            _, stream_type, name, _ = event["type"].split(".")
            self.assertEqual(subject, f"shop.{stream_type}.{name}")

    def test_without_a_stream_it_waits_for_one(self):
        self.make_cart()
        relay = self.start("early", self.sink)
        wait_until(lambda: "failing since" in self.status_of("early")[5], "it says so")
        self.nats.make_stream("carts", "shop.>")
        relay.wait_for("cartd_relay_position", self.head())
        relay.stop()
        self.assertEqual(len(self.nats.messages("carts")), self.head())

    def test_what_is_refused_leaves_no_hole(self):
        self.nats.make_stream("carts", "shop.>", max_msgs=3, discard="new")
        for _ in range(3):
            self.make_cart()
        relay = self.start("full", self.sink)
        wait_until(lambda: "maximum messages" in self.status_of("full")[5], "it says so")
        settings = {"name": "carts", "subjects": ["shop.>"], "storage": "file"}
        self.nats.ask("STREAM.UPDATE.carts", settings)
        relay.wait_for("cartd_relay_position", self.head())
        relay.stop()
        self.assertEqual(
            [int(event["sequence"]) for _, event in self.nats.messages("carts")],
            list(range(1, self.head() + 1)),
        )

    def test_an_address_without_a_subject_is_refused(self):
        for sink in ("nats://127.0.0.1:1", "nats://127.0.0.1:1/a%20b"):
            done = self.run_relay("run", "x", sink)
            self.assertEqual(done.returncode, 1)
            self.assertIn("what subjects begin with", done.stderr)
