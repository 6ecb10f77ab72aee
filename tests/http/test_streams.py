"""Streams of server-sent events: what they have, who listens, and how they end."""

import json
import signal
import time
import unittest

from support import EventStream, FeedCase, Service, needs_binary, wait_until


class Streams(FeedCase):
    def test_a_stream_has_what_was_and_what_comes(self):
        sku = self.make_product()
        cart = self.make_cart((sku, 1))
        first = self.head() - 2
        stream = self.stream(f"/events?after={first}")
        self.assertEqual(stream.answer.status, 200)
        headers = stream.answer.headers
        self.assertEqual(
            (headers["content-type"], headers["cache-control"], headers["x-accel-buffering"]),
            ("text/event-stream", "no-store", "no"),
        )
        self.assertIn("date", headers)
        self.assertIn("x-request-id", headers)
        events = stream.read_many(2)
        self.assertEqual(stream.retry_ms, 1000)
        self.add(cart["id"], sku)
        events += stream.read_many(1)
        self.assertEqual(
            [(name, int(number), data["position"]) for number, name, data in events],
            [
                ("CartCreated", first + 1, first + 1),
                ("ItemAdded", first + 2, first + 2),
                ("ItemAdded", first + 3, first + 3),
            ],
        )
        pages = self.client.get(f"/events?after={first}").json()["events"]
        self.assertEqual([data for _, _, data in events], pages)

    def test_a_stream_resumes_after_its_last_event(self):
        self.fill_log(100)
        head = self.head()
        for after in (0, 5, head - 1):
            with EventStream(self.service.address, "/events?after=3", str(after)) as stream:
                self.assertEqual(stream.read()[2]["position"], after + 1, "Last-Event-ID counts")
        stream = self.stream("/events", str(head))
        self.make_cart()
        self.assertEqual(stream.read()[2]["position"], head + 1)

    def test_a_cart_is_seen_live(self):
        sku = self.make_product()
        cart_id = self.make_cart((sku, 1))["id"]
        path = f"/carts/{cart_id}/events"
        watching = [self.stream(path), self.stream(f"{path}?after=2"), self.stream(path, "1")]
        self.make_cart((sku, 1))
        for _ in range(30):
            self.add(cart_id, sku)
            self.make_cart()
        for stream, after in zip(watching, (0, 2, 1)):
            events = stream.read_many(32 - after)
            self.assertEqual([int(number) for number, _, _ in events], list(range(after + 1, 33)))
            self.assertEqual({data["stream_id"] for _, _, data in events}, {cart_id})
        whole = self.client.get(f"{path}?limit=100").json()["events"]
        with EventStream(self.service.address, path) as stream:
            self.assertEqual([data for _, _, data in stream.read_many(32)], whole)

    def test_types_can_be_chosen(self):
        head = self.head()
        stream = self.stream(f"/events?after={head}&type=CartCancelled,CartCheckedOut")
        sku = self.make_product()
        for i in range(6):
            cart = self.make_cart((sku, 1))
            self.client.post(f"/carts/{cart['id']}/{'cancel' if i % 2 else 'checkout'}")
        names = [name for _, name, _ in stream.read_many(6)]
        self.assertEqual(names, ["CartCheckedOut", "CartCancelled"] * 3)

    def test_wrong_resumptions_are_refused(self):
        cart = f"/carts/{self.make_cart()['id']}/events"
        head = self.head()
        for target, last_id in (
            ("/events", "x"),
            ("/events", "-1"),
            ("/events", "1.5"),
            ("/events", str(2**53)),
            ("/events", str(head + 1)),
            (f"/events?after={head + 1}", None),
            (cart, "2"),
            (f"{cart}?after=2", None),
            ("/events?limit=5", None),
            ("/events?wait=5", None),
        ):
            with self.subTest(target=target, last_id=last_id):
                stream = self.stream(target, last_id)
                self.assert_problem(stream.answer, 400, "invalid-parameter")
        self.assertEqual(self.stream(cart, "1").answer.status, 200)
        self.assertEqual(self.stream("/events", "").answer.status, 200, "as if there were none")

    def test_old_clients_and_heads_are_served(self):
        stream = self.stream("/events", version="1.0")
        self.make_cart()
        self.assertEqual(stream.read()[2]["position"], 1)
        answer = self.client.head("/events", headers={"Accept": "text/event-stream"})
        self.assertEqual(answer.headers["content-type"], "text/event-stream")
        self.assertNotIn("content-length", answer.headers)
        self.assertEqual(self.client.get("/livez").status, 200)

    def test_who_leaves_is_noticed(self):
        wait_until(lambda: self.metric("cartd_feed_listeners") == 0, "nobody listens")
        cart_id = self.make_cart()["id"]
        targets = ["/events", "/events?type=CartCleared", f"/carts/{cart_id}/events"]
        streams = [self.stream(target) for target in targets * 3]
        self.assertEqual(self.metric("cartd_feed_listeners"), 9)
        for stream in streams[:5]:
            stream.close()
        wait_until(lambda: self.metric("cartd_feed_listeners") == 4, "four are left")
        self.make_cart()
        self.add(cart_id, self.make_product())
        self.assertEqual(streams[8].read_many(2)[-1][1], "ItemAdded")
        for stream in streams[5:]:
            stream.close()
        wait_until(lambda: self.metric("cartd_feed_listeners") == 0, "nobody is left")

    def test_a_quiet_stream_has_comments(self):
        cart_id = self.make_cart()["id"]
        head = self.head()
        whole = self.stream(f"/events?after={head}")
        few = self.stream(f"/events?after={head}&type=CartCancelled")
        cart = self.stream(f"/carts/{cart_id}/events?after=1")
        added = self.make_cart()
        self.assertEqual(whole.read()[2]["stream_id"], added["id"])
        for stream in (whole, few, cart):
            stream.read_many(1, 1)
        end = time.monotonic() + 60
        for stream in (whole, few, cart):
            while stream.n_comments == 0 and time.monotonic() < end:
                self.assertIsNone(stream.read(1))
            self.assertEqual(stream.n_comments, 1)
        self.assertEqual(int(few.last_id), head + 1, "it says how far it has come")
        self.assertIsNone(cart.last_id)

    def test_pipelined_requests_do_not_confuse(self):
        """Whatever comes behind the request of a stream is not answered."""
        with self.service.client(is_checked=False) as client:
            stream = client.compose("GET", "/events", {"Accept": "text/event-stream"}, None)
            client.send(stream + client.compose("GET", "/livez", {}, None))
            while b"id: 1\n" not in client.buffered:
                client.more()
            self.assertNotIn(b"alive", client.buffered)


@needs_binary
class Processes(FeedCase):
    """More than one process, and what becomes of streams when one stops."""

    def another(self, **settings):
        service = Service(self.database.app_url, **settings)
        self.addCleanup(service.stop)
        return service

    def test_what_another_process_appends_is_seen(self):
        other = self.another()
        sku = self.make_product()
        cart_id = self.make_cart()["id"]
        head = self.head()
        streams = [
            self.stream(f"/events?after={head}", service=other),
            self.stream(f"/carts/{cart_id}/events?after=1", service=other),
        ]
        for version in range(2, 12):
            self.add(cart_id, sku)
            for stream in streams:
                self.assertEqual(stream.read()[2]["version"], version)

    def test_an_event_that_was_read_before_it_is_noticed_comes_once(self):
        other = self.another()
        keeper = self.stream("/events?type=CartCancelled", service=other)
        sku = self.make_product()
        cart_id = self.make_cart()["id"]
        for version in range(2, 8):
            self.add(cart_id, sku)
            stream = self.stream(f"/carts/{cart_id}/events", service=other)
            numbers = [int(number) for number, _, _ in stream.read_many(version + 1, 0.3)]
            self.assertEqual(numbers, list(range(1, version + 1)))
        keeper.close()

    def test_streams_and_polls_end_at_once_when_the_service_stops(self):
        service = self.another(CARTD_DRAIN_MS="60000")
        cart_id = self.make_cart()["id"]
        head = self.head()
        targets = [f"/events?after={head}", f"/carts/{cart_id}/events?after=1"]
        streams = [self.stream(target, service=service) for target in targets * 5]
        self.make_cart()
        self.assertEqual(streams[0].read()[1], "CartCreated")
        head += 1
        poll = service.client()
        poll.send(poll.compose("GET", f"/events?after={head}&wait=30", {}, None))
        wait_until(lambda: self.metric("cartd_feed_listeners", service) == 11, "all listen")
        began = time.monotonic()
        service.signal(signal.SIGTERM)
        for stream in streams:
            stream.read_many(2)
            self.assertTrue(stream.is_over)
        answer = poll.receive("GET", "/events")
        self.assertEqual(answer.json().get("events"), [], (answer, service.output()))
        self.assertEqual(answer.headers["connection"].lower(), "close")
        service.stop()
        self.assertLess(time.monotonic() - began, 20, "it waited for nobody")

    def test_no_more_may_listen_than_the_setting_says(self):
        service = self.another(CARTD_LISTENERS="3")
        streams = [self.stream("/events", service=service) for _ in range(3)]
        for target in ("/events", "/events?after=1"):
            refused = self.stream(target, service=service)
            self.assert_problem(refused.answer, 503, "overloaded")
            self.assertIn("retry-after", refused.answer.headers)
        with service.client() as client:
            self.assert_problem(client.get("/events?wait=5"), 503, "overloaded")
            self.assertEqual(client.get("/events").status, 200, "pages are not counted")
            streams[0].close()
            wait_until(lambda: self.metric("cartd_feed_listeners", service) == 2, "one has left")
        self.assertEqual(self.stream("/events", service=service).answer.status, 200)

    def test_with_nobody_listening_nothing_is_asked(self):
        service = self.another()
        name = f"application_name LIKE '%feed%' AND datname = '{self.database.name}'"
        last = f"SELECT max(query_start) FROM pg_stat_activity WHERE {name};"
        with service.client() as client:
            client.get("/events")
        wait_until(lambda: self.metric("cartd_feed_listeners", service) == 0, "nobody listens")
        time.sleep(0.3)
        before = self.database.value(last)
        self.assertNotEqual(before, "")
        with service.client() as client:
            self.make_cart(client=client)
        time.sleep(0.5)
        self.assertEqual(self.database.value(last), before, "not a question")
        stream = self.stream("/events", service=service)
        wait_until(lambda: self.database.value(last) != before, "the log is polled")
        stream.close()
        wait_until(lambda: self.metric("cartd_feed_listeners", service) == 0, "nobody listens")
        time.sleep(0.3)
        before = self.database.value(last)
        time.sleep(0.5)
        self.assertEqual(self.database.value(last), before, "nor any more")


@needs_binary
class Many(FeedCase):
    settings = {"CARTD_FEED_MIB": "1"}

    def resident_kib(self):
        with open(f"/proc/{self.service.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))

    def test_a_thousand_listeners_have_every_event(self):
        sku = self.make_product()
        carts = [self.make_cart()["id"] for _ in range(10)]
        head = self.head()
        before = self.resident_kib()
        of_log = [self.stream(f"/events?after={head}") for _ in range(300)]
        of_carts = [self.stream(f"/carts/{carts[i % 10]}/events?after=1") for i in range(900)]
        self.assertEqual(self.metric("cartd_feed_listeners"), 1200)
        each_kib = (self.resident_kib() - before) / 1200
        print(f"{each_kib:.1f} KiB a listener, of this build", end=" ", flush=True)
        self.assertLess(each_kib, 128)
        for _ in range(5):
            for cart_id in carts:
                self.add(cart_id, sku)
        for stream in of_log:
            positions = [int(number) for number, _, _ in stream.read_many(50)]
            self.assertEqual(positions, list(range(head + 1, head + 51)))
        for i, stream in enumerate(of_carts):
            events = stream.read_many(5)
            self.assertEqual([int(number) for number, _, _ in events], [2, 3, 4, 5, 6])
            self.assertEqual({data["stream_id"] for _, _, data in events}, {carts[i % 10]})
        for stream in of_log + of_carts:
            stream.close()
        wait_until(lambda: self.metric("cartd_feed_listeners") == 0, "all have left")

    def fill_memory(self, until):
        """Large events, until something is so."""
        metadata = {"filler": "x" * 3900}
        for _ in range(5000):
            self.make_cart(metadata=metadata)
            if until():
                return
        self.fail("never")

    def test_a_slow_listener_is_cut_off_and_misses_nothing(self):
        cut_before = self.metric("cartd_feed_listeners_cut_off_total")
        first = self.head()
        slow = self.stream(f"/events?after={first}", receive_buffer=4096)
        quick = self.stream(f"/carts/{self.make_cart()['id']}/events")
        self.fill_memory(lambda: self.metric("cartd_feed_listeners_cut_off_total") > cut_before)
        self.assertEqual(self.metric("cartd_feed_listeners"), 1, "only the slow one")
        self.assertEqual(quick.read()[1], "CartCreated")
        head = self.head()
        positions = []
        n_connections = 1
        while not positions or positions[-1] < head:
            event = slow.read()
            if event is None:
                self.assertTrue(slow.is_over)
                slow = self.stream("/events", slow.last_id)
                n_connections += 1
                continue
            positions.append(event[2]["position"])
        self.assertEqual(positions, list(range(first + 1, head + 1)))
        self.assertGreater(n_connections, 1)

    def test_who_is_behind_the_memory_catches_up(self):
        first = self.head()
        self.fill_memory(lambda: self.head() > first + 600)
        stream = self.stream(f"/events?after={first}")
        for position in range(first + 1, first + 601):
            self.assertEqual(stream.read()[2]["position"], position)

    def test_who_resumes_late_has_its_cart_whole(self):
        sku = self.make_product()
        cart_id = self.make_cart()["id"]
        waiting = self.stream("/events?type=CartCancelled")  # so that the memory stays
        for _ in range(30):
            commands = {"commands": [{"type": "add_item", "sku": sku}] * 10}
            self.client.post(f"/carts/{cart_id}/commands", commands)
        first = self.head()
        self.fill_memory(lambda: self.head() > first + 300)
        stream = self.stream(f"/carts/{cart_id}/events")
        events = stream.read_many(301)
        self.assertEqual([int(number) for number, _, _ in events], list(range(1, 302)))
        self.add(cart_id, sku)
        self.assertEqual(stream.read()[0], "302")
        waiting.close()


class Bytes(FeedCase):
    def test_any_text_stays_on_its_line(self):
        """Line breaks of any kind, in what a client can put into an event."""
        nasty = 'a\nb\r\nc\rd\u2028e\u2029f\u0085g"\\id: 99\n\nevent: x\n\ndata: {}'
        cart = self.make_cart(metadata={"note": nasty, nasty[:20]: 1})
        with EventStream(self.service.address, f"/carts/{cart['id']}/events") as stream:
            number, name, data = stream.read()
        self.assertEqual((number, name), ("1", "CartCreated"))
        self.assertEqual(data["data"]["metadata"], json.loads(json.dumps(cart["metadata"])))
        self.assertEqual(data["data"]["metadata"]["note"], nasty)


if __name__ == "__main__":
    unittest.main()
