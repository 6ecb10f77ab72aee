"""The feed: pages of events and long polls. test_streams has the streams."""

import unittest

from support import Background, FeedCase, make_id, needs_database, wait_until


class Pages(FeedCase):
    def test_a_cart_has_its_events(self):
        sku = self.make_product()
        cart = self.make_cart((sku, 2), customer_id="Zoë")
        self.client.delete(f"/carts/{cart['id']}/items/{sku}")
        page = self.client.get(f"/carts/{cart['id']}/events").json()
        self.assertIsNone(page["next_after"])
        events = page["events"]
        self.assertEqual(
            [event["type"] for event in events], ["CartCreated", "ItemAdded", "ItemRemoved"]
        )
        self.assertEqual([event["version"] for event in events], [1, 2, 3])
        self.assertEqual({event["stream_id"] for event in events}, {cart["id"]})
        self.assertEqual(events[0]["data"]["customer_id"], "Zoë")
        self.assertEqual(events[0]["recorded_at"], cart["created_at"])

    def test_pages_of_a_cart_join_without_a_seam(self):
        cart = self.make_cart(*[(self.make_product(), 1) for _ in range(12)])
        path = f"/carts/{cart['id']}/events"
        whole = self.client.get(f"{path}?limit=100").json()["events"]
        self.assertEqual(len(whole), 13)
        for limit in (1, 5, 12, 13, 14):
            self.assertEqual(self.read_pages(path, limit), whole)
        page = self.client.get(f"{path}?limit=13").json()
        self.assertIsNone(page["next_after"], "a full last page is the last")
        for after, n in ((12, 1), (13, 0)):
            page = self.client.get(f"{path}?after={after}").json()
            self.assertEqual((len(page["events"]), page["next_after"]), (n, None))

    def test_events_are_as_missed_events_show_them(self):
        cart = self.make_cart((self.make_product(), 1))
        answer = self.client.delete(f"/carts/{cart['id']}/items", headers={"If-Match": '"1"'})
        problem = self.assert_problem(answer, 412, "version-mismatch")
        page = self.client.get(f"/carts/{cart['id']}/events?after=1").json()
        self.assertEqual(page["events"], problem["missed_events"])

    def test_there_is_nothing_of_no_cart(self):
        sku = self.make_product()
        product_id = next(
            event["stream_id"]
            for event in self.read_pages("/events?type=ProductChanged")
            if event["data"]["sku"] == sku
        )
        for cart_id in (make_id(), "x", product_id):
            for query in ("", "?after=5"):
                path = f"/carts/{cart_id}/events{query}"
                self.assert_problem(self.client.get(path), 404, "cart-not-found")
                stream = self.stream(path)
                self.assert_problem(stream.answer, 404, "cart-not-found")

    def test_pages_of_the_log_have_each_event_once_in_order(self):
        self.fill_log(250)
        for limit in (7, 100):
            events = self.read_pages("/events", limit)
            positions = [event["position"] for event in events]
            self.assertEqual(positions, list(range(1, self.head() + 1)))
            times = [event["recorded_at"] for event in events]
            self.assertEqual(times, sorted(times))
        end = self.client.get(f"/events?after={self.head()}").json()
        self.assert_empty(end, self.head())

    def test_types_are_chosen_by_commas_or_repetition(self):
        sku = self.make_product()
        cart = self.make_cart((sku, 1))
        self.client.post(f"/carts/{cart['id']}/checkout")
        log = self.read_pages("/events")
        for query, *types in (
            ("type=CartCreated", "CartCreated"),
            ("type=CartCreated,CartCheckedOut", "CartCreated", "CartCheckedOut"),
            ("type=CartCheckedOut&type=ItemAdded", "ItemAdded", "CartCheckedOut"),
            ("type=ItemAdded,ItemAdded", "ItemAdded"),
            ("type=CartCancelled", "CartCancelled"),
        ):
            wanted = [event for event in log if event["type"] in types]
            self.assertEqual(self.read_pages(f"/events?{query}", 3), wanted)

    def test_wrong_parameters_are_refused(self):
        cart = f"/carts/{self.make_cart()['id']}/events"
        for target in (
            "/events?after=-1",
            f"/events?after={2**53}",
            "/events?after=x",
            "/events?after=",
            "/events?limit=0",
            "/events?limit=101",
            "/events?wait=31",
            "/events?wait=-1",
            "/events?wait=0.5",
            "/events?type=",
            "/events?type=Nothing",
            "/events?type=cartcreated",
            "/events?type=ItemAdded,",
            "/events?type=ItemAdded&type=x",
            "/events?type=" + ",".join(["ItemAdded"] * 33),
            f"{cart}?after={2**31}",
            f"{cart}?type=ItemAdded",
            f"{cart}?wait=1",
        ):
            with self.subTest(target=target):
                self.assert_problem(self.client.get(target), 400, "invalid-parameter")
        self.assertEqual(
            self.client.get("/events?type=" + ",".join(["ItemAdded"] * 32)).status, 200
        )

    def test_accept_decides_between_page_and_stream(self):
        for accept, kind in (
            ("text/event-stream", "text/event-stream"),
            ("text/event-stream, application/json;q=0.9", "text/event-stream"),
            ("text/event-stream, */*;q=0.1", "text/event-stream"),
            ("application/json;q=0, text/event-stream;q=0.1", "text/event-stream"),
            ("*/*", "application/json"),
            ("text/*, application/json", "application/json"),
            ("application/json, text/event-stream", "application/json"),
            ("text/event-stream;q=0, */*", "application/json"),
        ):
            with self.subTest(accept=accept):
                stream = self.stream("/events?after=0", Accept=accept)
                self.assertEqual(stream.answer.headers["content-type"], kind)
        answer = self.client.get("/events", headers={"Accept": "text/html"})
        self.assert_problem(answer, 406, "not-acceptable")


@needs_database
class LongLog(FeedCase):
    """A log of a hundred thousand events, of which few are of one type."""

    N = 100000

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.database.sql(f"""
            INSERT INTO events SELECT i, 'cart', '{make_id()}', i,
                CASE WHEN i % 95000 = 0 THEN 'CartCancelled' ELSE 'CartCleared' END, 1, '{{}}',
                '{{"command_id":"{make_id()}","actor":"x"}}', gen_random_uuid(), now()
            FROM generate_series(1, {cls.N}) i;
            UPDATE log_head SET position = {cls.N}, recorded_at = now();
            ANALYZE events;
        """)

    def test_a_rare_type_is_found_in_steps(self):
        after, n_pages, found = 0, 0, []
        while after < self.N:
            page = self.client.get(f"/events?type=CartCancelled&after={after}").json()
            self.assertEqual(page["head"], self.N)
            found += [event["position"] for event in page["events"]]
            self.assertGreater(page["next_after"], after)
            after = page["next_after"]
            n_pages += 1
        self.assertEqual(found, [95000])
        self.assertEqual((after, n_pages), (self.N, 2), "eighty thousand at once")

    def test_a_long_poll_looks_until_it_finds(self):
        page = self.client.get("/events?type=CartCancelled&wait=30").json()
        self.assertEqual([event["position"] for event in page["events"]], [95000])
        page = self.client.get("/events?type=CartCreated&wait=1").json()
        self.assertEqual((page["events"], page["next_after"], page["head"]), ([], self.N, self.N))

    def test_a_stream_finds_it_too(self):
        stream = self.stream("/events?type=CartCancelled")
        self.assertEqual(stream.read()[0], "95000")

    def test_a_stream_from_the_start_has_them_all(self):
        stream = self.stream("/events")
        for position in range(1, self.N + 1):
            self.assertEqual(stream.read()[2]["position"], position)


class LongPolls(FeedCase):
    def poll(self, query):
        """A request that is sent; its answer is received later."""
        client = self.service.client()
        self.addCleanup(client.close)
        client.send(client.compose("GET", f"/events?{query}", {}, None))
        return client

    def test_an_answer_comes_when_an_event_does(self):
        head = self.head()
        poll = self.poll(f"after={head}&wait=30")
        wait_until(lambda: self.metric("cartd_feed_listeners") > 0, "it listens")
        cart = self.make_cart()
        page = poll.receive("GET", "/events").json()
        self.assertEqual([event["stream_id"] for event in page["events"]], [cart["id"]])
        self.assertEqual((page["next_after"], page["head"]), (head + 1, head + 1))

    def test_an_answer_comes_at_once_when_events_are_there(self):
        self.fill_log(100)
        page = self.client.get("/events?after=3&limit=5&wait=30").json()
        self.assertEqual([event["position"] for event in page["events"]], [4, 5, 6, 7, 8])
        self.assertEqual(page["next_after"], 8)

    def test_an_answer_without_events_comes_in_the_end(self):
        head = self.head()
        page = self.client.get(f"/events?after={head}&wait=1").json()
        self.assert_empty(page, head)

    def test_only_what_matches_answers(self):
        head = self.head()
        poll = self.poll(f"after={head}&type=CartCancelled&wait=30")
        wait_until(lambda: self.metric("cartd_feed_listeners") > 0, "it listens")
        cart = self.make_cart()
        self.client.post(f"/carts/{cart['id']}/cancel")
        page = poll.receive("GET", "/events").json()
        self.assertEqual([event["type"] for event in page["events"]], ["CartCancelled"])
        self.assertEqual(page["next_after"], head + 2)

    def test_what_does_not_match_is_passed_over(self):
        head = self.head()
        poll = self.poll(f"after={head}&type=CartCancelled&wait=2")
        wait_until(lambda: self.metric("cartd_feed_listeners") > 0, "it listens")
        self.make_cart()
        page = poll.receive("GET", "/events").json()
        self.assert_empty(page, head + 1)

    def test_nobody_misses_an_event_by_polling(self):
        """As a client does that follows the log: from next_after to next_after."""
        first = self.head()
        sku = self.make_product()
        cart_id = self.make_cart()["id"]

        def add(_, is_over):
            with self.service.client() as client:
                while not is_over.is_set():
                    self.add(cart_id, sku, client=client)

        adding = Background(2, add)
        after, positions = first, []
        with self.service.client() as client:
            while len(positions) < 300:
                page = client.get(f"/events?after={after}&limit=100&wait=10").json()
                positions += [event["position"] for event in page["events"]]
                after = page["next_after"]
        adding.finish()
        self.assertEqual(positions, list(range(first + 1, first + 1 + len(positions))))


if __name__ == "__main__":
    unittest.main()
