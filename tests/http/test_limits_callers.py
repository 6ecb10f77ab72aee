"""What one caller may take: requests a minute, streams at a time; and who that is, behind proxies."""

import re
import unittest

from support import AuthCase, EventStream, Service, ServiceCase, needs_binary, run_cartd, wait_until

POLICY = re.compile(r'"(reads|writes)";q=(\d+);w=60\Z')
LEFT = re.compile(r'"(reads|writes)";r=(\d+);t=(\d+)\Z')


class CallerCase(ServiceCase):
    """Behind a proxy on this machine, which says whom it calls for."""

    def serve(self, **settings):
        service = Service(
            self.database.app_url, **{"CARTD_PROXIES": "127.0.0.1", **settings}
        )
        self.addCleanup(service.stop)
        client = service.client()
        self.addCleanup(client.close)
        return service, client

    def get(self, client, caller=None, target="/products", **headers):
        if caller:
            headers["X-Forwarded-For"] = caller
        return client.get(target, headers=headers)

    def left(self, answer):
        """(name, remaining, seconds) of what the answer says is left."""
        name, remaining, seconds = LEFT.match(answer.headers["ratelimit"]).groups()
        self.assertEqual(POLICY.match(answer.headers["ratelimit-policy"])[1], name, answer)
        return name, int(remaining), int(seconds)


@needs_binary
class Rates(CallerCase):
    def test_the_last_request_that_a_caller_has_is_answered_and_the_next_is_not(self):
        _, client = self.serve(CARTD_CALLER_READS="3", CARTD_CALLER_WRITES="2")
        for remaining in (2, 1, 0):
            answer = self.get(client, "192.0.2.1")
            self.assertEqual(answer.status, 200)
            name, told, seconds = self.left(answer)
            self.assertEqual((name, told), ("reads", remaining))
            self.assertLessEqual(seconds, 60)
        answer = self.get(client, "192.0.2.1")
        self.assert_problem(answer, 429, "too-many-requests")
        self.assertEqual(answer.headers["cache-control"], "no-store")
        name, told, seconds = self.left(answer)
        self.assertEqual((name, told), ("reads", 0))
        self.assertEqual(int(answer.headers["retry-after"]), seconds)
        self.assertTrue(1 <= seconds <= 20, "a third of a minute at most for one of three")

        # Writes are counted by themselves, and another caller is another one.
        sent = {"X-Forwarded-For": "192.0.2.1"}
        for remaining in (1, 0):
            answer = client.post("/carts", headers=sent)
            self.assertEqual((answer.status, self.left(answer)[:2]), (201, ("writes", remaining)))
        self.assert_problem(client.post("/carts", headers=sent), 429, "too-many-requests")
        self.assertEqual(self.get(client, "192.0.2.2").status, 200)

    def test_what_was_spent_comes_back(self):
        _, client = self.serve(CARTD_CALLER_READS="60")
        while self.get(client, "192.0.2.1").status == 200:
            pass
        wait_until(
            lambda: self.get(client, "192.0.2.1").status == 200, "one comes back every second"
        )

    def test_nothing_is_done_for_a_refused_command(self):
        _, client = self.serve(CARTD_CALLER_WRITES="1")
        before = self.database.value("SELECT position FROM log_head;")
        sent = {"X-Forwarded-For": "192.0.2.1"}
        self.assertEqual(client.post("/carts", headers=sent).status, 201)
        self.assertEqual(client.post("/carts", headers=sent).status, 429)
        after = self.database.value("SELECT position FROM log_head;")
        self.assertEqual(int(after) - int(before), 1)

    def test_a_request_of_many_commands_counts_for_as_many(self):
        """It is done when there is anything left, and has to be worked off."""
        _, client = self.serve(CARTD_CALLER_WRITES="1")
        path = f"/carts/{self.make_cart()['id']}/commands"
        commands = {"commands": [{"type": "add_item", "sku": self.make_product()}] * 100}
        sent = {"X-Forwarded-For": "192.0.2.1"}
        answer = client.post(path, commands, headers=sent)
        self.assertEqual((answer.status, self.left(answer)[1]), (200, 0), answer)
        answer = client.post(path, commands, headers=sent)
        self.assert_problem(answer, 429, "too-many-requests")
        self.assertTrue(5000 < int(answer.headers["retry-after"]) <= 6000, answer)

    def test_those_who_watch_the_service_are_always_answered(self):
        service, client = self.serve(CARTD_CALLER_READS="1", CARTD_PROXIES="")
        self.assertEqual(self.get(client).status, 200)
        for _ in range(3):
            self.assertEqual(self.get(client).status, 429)
            for target in ("/livez", "/readyz", "/metrics"):
                answer = self.get(client, target=target)
                self.assertEqual(answer.status, 200)
                self.assertNotIn("ratelimit", answer.headers)
        self.assertIn(
            'cartd_http_callers_refused_total{limit="reads"} 3',
            client.get("/metrics").body.decode(),
        )
        self.assertTrue(service.is_running())

    def test_what_is_not_there_counts_too(self):
        _, client = self.serve(CARTD_CALLER_READS="1", CARTD_CALLER_WRITES="1")
        self.assertEqual(self.get(client, "192.0.2.1", "/nothing").status, 404)
        self.assertEqual(self.get(client, "192.0.2.1", "/nothing").status, 429)
        sent = {"X-Forwarded-For": "192.0.2.1"}
        self.assertEqual(client.request("TRACE", "/carts", headers=sent).status, 405)
        self.assertEqual(client.request("TRACE", "/carts", headers=sent).status, 429)

    def test_there_is_no_limit_unless_one_is_set(self):
        _, client = self.serve()
        for _ in range(50):
            answer = self.get(client, "192.0.2.1")
            self.assertEqual(answer.status, 200)
            self.assertNotIn("ratelimit", answer.headers)
            self.assertNotIn("ratelimit-policy", answer.headers)


@needs_binary
class Proxies(CallerCase):
    def spends_the_same(self, client, first, second):
        """Whether two X-Forwarded-For are one caller; `first` must not have been used."""
        self.assertEqual(self.get(client, first).status, 200, first)
        return self.get(client, second).status == 429

    def test_the_last_entry_counts_and_what_a_client_made_up_before_it_does_not(self):
        _, client = self.serve(CARTD_CALLER_READS="1")
        for first, second in (
            ("192.0.2.1", "203.0.113.9, 192.0.2.1"),
            ("192.0.2.2", "192.0.2.2:4711"),
            ("192.0.2.3", "unknown,, 192.0.2.3"),
            ("192.0.2.4", "  192.0.2.4  "),
            ("192.0.2.5", "::ffff:192.0.2.5"),
            ("2001:db8::1", "[2001:DB8:0::1]:80"),
            ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2"),
            ("192.0.2.6", "192.0.2.6, 127.0.0.1"),
        ):
            with self.subTest(first=first, second=second):
                self.assertTrue(self.spends_the_same(client, first, second))
        for first, second in (
            ("192.0.2.10", "192.0.2.10, 192.0.2.11"),
            ("2001:db8:0:2::1", "2001:db8:0:3::1"),
        ):
            with self.subTest(first=first, second=second):
                self.assertFalse(self.spends_the_same(client, first, second))

    def test_what_is_no_address_is_the_proxy_s_own(self):
        _, client = self.serve(CARTD_CALLER_READS="1")
        self.assertEqual(self.get(client, "unknown").status, 200)
        for text in ("unknown", "", ",", "1.2.3", "x, y", "192.0.2.1, x", "::1::", "[::1", "1" * 300):
            with self.subTest(text=text):
                self.assertEqual(self.get(client, text).status, 429)
        self.assertEqual(self.get(client).status, 429)

    def test_nobody_else_is_believed(self):
        for proxies in ("", "192.0.2.0/24", "128.0.0.0/8, ::1"):
            _, client = self.serve(CARTD_CALLER_READS="1", CARTD_PROXIES=proxies)
            self.assertTrue(self.spends_the_same(client, "192.0.2.1", "192.0.2.2"), proxies)

    def test_networks_of_proxies_may_be_given(self):
        for proxies in ("127.0.0.0/8", "0.0.0.0/0", "::/0", "::ffff:127.0.0.1", " 10.0.0.1 , 127.0.0.1/32"):
            _, client = self.serve(CARTD_CALLER_READS="1", CARTD_PROXIES=proxies)
            alike = self.spends_the_same(client, "192.0.2.1", "192.0.2.2")
            self.assertEqual(alike, proxies == "", proxies)

    def test_several_headers_are_one_list(self):
        _, client = self.serve(CARTD_CALLER_READS="1")
        self.assertEqual(self.get(client, "192.0.2.1").status, 200)
        with client.another(is_checked=False) as raw:
            raw.send(
                b"GET /products HTTP/1.1\r\nHost: x\r\n"
                b"X-Forwarded-For: 192.0.2.9\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n"
            )
            self.assertEqual(raw.receive("GET", "/products").status, 429)

    def test_what_is_no_list_of_proxies_is_refused_at_the_start(self):
        for text in ("localhost", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "::/129", ",", "1.2.3.4,",
                     "10.0.0.0/8/8", ", ".join(["10.0.0.1"] * 65)):  # fmt: skip
            with self.subTest(text=text):
                done = run_cartd(
                    "serve",
                    url=self.database.app_url,
                    timeout=30,
                    CARTD_PROXIES=text,
                    CARTD_LISTEN="127.0.0.1:0",
                )
                self.assertEqual(done.returncode, 1, done)
                self.assertIn("prox", done.stderr)
        _, client = self.serve(CARTD_PROXIES=", ".join(["10.0.0.1"] * 64))
        self.assertEqual(client.get("/livez").status, 200)


@needs_binary
class Listeners(CallerCase):
    def stream(self, service, caller, target="/events"):
        stream = EventStream(service.address, target, X_Forwarded_For=caller)
        self.addCleanup(stream.close)
        return stream

    def test_a_caller_may_listen_so_often_and_not_once_more(self):
        service, client = self.serve(CARTD_CALLER_LISTENERS="2")
        cart_id = self.make_cart()["id"]
        first = self.stream(service, "192.0.2.1")
        self.stream(service, "192.0.2.1", f"/carts/{cart_id}/events")
        refused = self.stream(service, "192.0.2.1").answer
        self.assertEqual((refused.status, refused.slug), (429, "too-many-requests"))
        self.assertGreaterEqual(int(refused.headers["retry-after"]), 1)
        head = client.get("/events?limit=1").json()["head"]
        answer = self.get(client, "192.0.2.1", f"/events?after={head}&wait=1")
        self.assert_problem(answer, 429, "too-many-requests")
        # Pages, and other callers, are not concerned.
        self.assertEqual(self.get(client, "192.0.2.1", "/events").status, 200)
        self.assertEqual(self.stream(service, "192.0.2.2").answer.status, 200)
        self.assertIn(
            'cartd_http_callers_refused_total{limit="listeners"} 2',
            client.get("/metrics").body.decode(),
        )
        first.close()

        def listens_again():
            stream = self.stream(service, "192.0.2.1")
            return stream.answer.status == 200

        wait_until(listens_again, "the slot of the first is free")

    def test_a_long_poll_gives_its_place_back(self):
        _, client = self.serve(CARTD_CALLER_LISTENERS="1")
        head = self.get(client, "192.0.2.1", "/events?limit=1").json()["head"]
        for _ in range(3):
            answer = self.get(client, "192.0.2.1", f"/events?after={head}&wait=1")
            self.assertEqual((answer.status, answer.json()["events"]), (200, []))


@needs_binary
class Subjects(AuthCase):
    """A caller with a token is counted by its subject, from any address and with any of its tokens."""

    settings = {
        "CARTD_CALLER_READS": "2",
        "CARTD_CALLER_LISTENERS": "1",
        "CARTD_PROXIES": "127.0.0.1",
    }

    def get(self, client, address="192.0.2.1", target="/products"):
        return client.get(target, headers={"X-Forwarded-For": address}).status

    def test_a_subject_is_one_caller_at_every_address(self):
        first, second = self.customer("ada"), self.customer("ada", scope="carts events")
        self.assertEqual(self.get(first, "192.0.2.1"), 200)
        self.assertEqual(self.get(second, "192.0.2.2"), 200)
        self.assertEqual(self.get(first, "192.0.2.3"), 429)
        # Others at the same address are others.
        self.assertEqual(self.get(self.customer("bob"), "192.0.2.1"), 200)
        self.assertEqual(self.get(self.bearing(), "192.0.2.1"), 200)

    def test_tokens_that_are_not_taken_are_counted_by_address(self):
        for number, (bad, status) in enumerate(
            ((self.key.token("carl", iss="another"), 401), (self.key.token("carl", exp=1), 401),
             ("nonsense", 401), (None, 401))
        ):  # fmt: skip
            client = self.bearing(bad)
            address = f"192.0.2.{10 + number}"
            for expected in (status, status, 429):
                self.assertEqual(self.get(client, address, "/carts"), expected, bad)
        self.assertEqual(self.get(self.customer("carl")), 200)

    def test_a_subject_may_listen_so_often(self):
        token = {"Authorization": f"Bearer {self.key.token('dora', 'events')}"}
        for address, status in (("192.0.2.1", 200), ("192.0.2.2", 429)):
            stream = EventStream(
                self.service.address, "/events", X_Forwarded_For=address, **token
            )
            self.addCleanup(stream.close)
            self.assertEqual(stream.answer.status, status)


if __name__ == "__main__":
    unittest.main()
