"""Pages of other origins, what caches may store, and what answers disclose of the service."""

import unittest

from support import EventStream, Service, ServiceCase, contract, make_id, make_sku, needs_binary, run_cartd

SHOP = "https://shop.example"
LOCAL = "http://localhost:3000"
READ = {
    "ETag", "Location", "Link", "Retry-After", "X-Request-Id", "Idempotent-Replayed", "Cart-Token",
    "Resume-Token",
    "RateLimit", "RateLimit-Policy", "Preference-Applied", "WWW-Authenticate", "Allow",
}  # fmt: skip
SENT = {
    "authorization", "cart-token", "content-type", "idempotency-key", "if-match", "if-none-match",
    "baggage", "last-event-id", "prefer", "traceparent", "tracestate", "x-request-id",
}  # fmt: skip


def words(text):
    return {word.strip() for word in text.split(",")}


def cors_headers(answer):
    return {name for name in answer.headers if name.startswith("access-control-")}


class StreamCase(ServiceCase):
    def open_stream(self, target, **headers):
        """How the answer to a stream begins."""
        with EventStream(self.service.address, target, **headers) as stream:
            return stream.answer


class OriginCase(StreamCase):
    settings = {"CARTD_CORS_ORIGINS": f"{SHOP}, {LOCAL}"}

    def preflight(self, target, method, origin=SHOP, client=None, **headers):
        sent = {"Origin": origin, "Access-Control-Request-Method": method, **headers}
        return (client or self.client).request("OPTIONS", target, headers=sent)

    def assert_readable(self, answer, origin=SHOP):
        self.assertEqual(answer.headers.get("access-control-allow-origin"), origin, answer)
        self.assertEqual(words(answer.headers["access-control-expose-headers"]), READ)
        self.assertNotIn("access-control-allow-credentials", answer.headers)

    def assert_closed(self, answer):
        self.assertEqual(cors_headers(answer), set(), answer)


@needs_binary
class Origins(OriginCase):
    def test_a_preflight_is_answered_for_every_operation(self):
        for operation in contract.contract().operations.values():
            target = operation.path.replace("{cart_id}", make_id()).replace("{item_id}", "x")
            target = target.replace("{sku}", "x").replace("{slug}", "cart-closed")
            target = target.replace("{code}", "x")
            target = target.replace("{from}", make_id())
            for origin in (SHOP, LOCAL):
                answer = self.preflight(target, operation.method, origin)
                self.assertEqual((answer.status, answer.body), (204, b""), answer)
                self.assertEqual(answer.headers["access-control-allow-origin"], origin)
                self.assertIn(
                    operation.method, words(answer.headers["access-control-allow-methods"])
                )
                self.assertEqual(
                    {name.lower() for name in words(answer.headers["access-control-allow-headers"])},
                    SENT,
                )
                self.assertEqual(answer.headers["access-control-max-age"], "7200")
                self.assertEqual(answer.headers["vary"], "Origin")
                self.assertNotIn("access-control-allow-credentials", answer.headers)

    def test_no_preflight_is_answered_for_another_origin(self):
        for origin in (
            "https://shop.example.evil.example", "https://evil.example", "http://shop.example",
            "https://shop.example:8443", "https://SHOP.example", "https://shop.exampl", "null", "*",
            "https://shop.example/", "https://shop.example https://evil.example", "", "x" * 3000,
        ):  # fmt: skip
            with self.subTest(origin=origin[:60]):
                answer = self.preflight("/carts", "POST", origin)
                self.assertEqual(answer.status, 204)
                self.assert_closed(answer)
                self.assertEqual(answer.headers["vary"], "Origin")
                answer = self.client.get("/products", headers={"Origin": origin})
                self.assertEqual(answer.status, 200)
                self.assert_closed(answer)
                self.assertEqual(answer.headers["vary"], "Origin")

    def test_options_without_a_requested_method_is_no_preflight(self):
        answer = self.client.request("OPTIONS", "/carts", headers={"Origin": SHOP})
        self.assert_readable(answer)
        self.assertNotIn("access-control-allow-methods", answer.headers)

    def test_every_kind_of_answer_can_be_read(self):
        origin = {"Origin": SHOP}
        sku = self.make_product()
        made = self.client.post("/carts", headers=origin)
        path = f"/carts/{made.json()['id']}"
        for answer in (
            made,
            self.client.get(path, headers=origin),
            self.client.head(path, headers=origin),
            self.client.get(path, headers={"If-None-Match": '"1"', **origin}),
            self.client.post(f"{path}/items", {"sku": sku}, headers=origin),
            self.client.post(f"{path}/items", {"sku": "no"}, headers=origin),
            self.client.post(f"{path}/items", body=b"{", headers=origin),
            self.client.delete(f"{path}/items", headers={"If-Match": '"9"', **origin}),
            self.client.delete(f"{path}/items", headers={"Prefer": "return=minimal", **origin}),
            self.client.get("/nothing", headers=origin),
            self.client.request("TRACE", "/carts", headers=origin),
            self.client.get("/events", headers=origin),
            self.open_stream(f"{path}/events", Origin=SHOP),
        ):
            self.assert_readable(answer)
            self.assertEqual(answer.headers["vary"], "Origin")
        with self.service.client() as client:
            answer = client.post(f"{path}/items", body=b" " * 70_000, headers=origin)
            self.assertEqual(answer.status, 413)
            self.assert_readable(answer)

    def test_a_page_may_read_why_it_has_to_wait(self):
        service = Service(
            self.database.app_url, CARTD_CALLER_READS="1", CARTD_CORS_ORIGINS=SHOP
        )
        self.addCleanup(service.stop)
        with service.client() as client:
            for status in (200, 429):
                answer = client.get("/products", headers={"Origin": SHOP})
                self.assertEqual(answer.status, status)
                self.assert_readable(answer)
                self.assertEqual(self.preflight("/products", "GET", client=client).status, 204)

    def test_nobody_may_unless_somebody_was_named(self):
        service = Service(self.database.app_url)
        self.addCleanup(service.stop)
        with service.client() as client:
            for answer in (
                self.preflight("/carts", "POST", client=client),
                client.get("/products", headers={"Origin": SHOP}),
                client.get("/products", headers={"Origin": "null"}),
            ):
                self.assert_closed(answer)
                self.assertNotIn("vary", answer.headers)

    def test_a_star_lets_all_read_what_needs_no_credentials(self):
        service = Service(self.database.app_url, CARTD_CORS_ORIGINS="*")
        self.addCleanup(service.stop)
        with service.client() as client:
            for origin in (SHOP, "https://any.example", "null"):
                answer = client.get("/products", headers={"Origin": origin})
                self.assert_readable(answer, "*")
                self.assertNotIn("vary", answer.headers)
                answer = self.preflight("/carts", "POST", origin, client)
                self.assertEqual(answer.headers["access-control-allow-origin"], "*")
                self.assertNotIn("access-control-allow-credentials", answer.headers)
            self.assert_closed(client.get("/products"))

    def test_what_no_browser_would_send_is_refused_at_the_start(self):
        for text in ("shop.example", "https://shop.example/", "https://Shop.example", "null", "*, *",
                     "https://shop.example:443", "http://shop.example:80", "https://", ",",
                     "https://a b", "https://x:", "https://*.example", f"{SHOP},",
                     ",".join([SHOP] * 65)):  # fmt: skip
            with self.subTest(text=text[:80]):
                done = run_cartd(
                    "serve",
                    url=self.database.app_url,
                    timeout=30,
                    CARTD_CORS_ORIGINS=text,
                    CARTD_LISTEN="127.0.0.1:0",
                )
                self.assertEqual(done.returncode, 1, done)
                self.assertIn("origin", done.stderr)
        for text in (",".join([SHOP] * 64), "http://[::1]:3000", "capacitor://localhost"):
            service = Service(self.database.app_url, CARTD_CORS_ORIGINS=text)
            service.stop()


@needs_binary
class Forgeries(OriginCase):
    """What a browser sends because a page of another site wants it to."""

    def post(self, site, origin=None, target="/carts", method="POST", client=None):
        sent = {"Sec-Fetch-Site": site}
        if origin:
            sent["Origin"] = origin
        return (client or self.client).request(method, target, headers=sent)

    def test_commands_of_pages_that_may_not_call_are_refused(self):
        path = f"/carts/{self.make_cart((self.make_product(), 1))['id']}"
        for site in ("cross-site", "same-site", "", "anything", "none, cross-site"):
            for origin in (None, "null", "https://evil.example"):
                with self.subTest(site=site, origin=origin):
                    self.assert_problem(self.post(site, origin), 403, "forbidden")
                    answer = self.post(site, origin, f"{path}/items", "DELETE")
                    self.assert_problem(answer, 403, "forbidden")
        self.assertEqual(self.client.get(path).json()["version"], 2)

    def test_so_are_those_of_browsers_that_say_only_the_origin(self):
        """Sec-Fetch-Site comes only with https and to localhost; a form needs nothing else."""
        sku = self.make_product()
        path = f"/carts/{self.make_cart((sku, 1))['id']}"
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        own = f"{self.client.host}:{self.client.port}"
        commands = [
            ("POST", "/carts"),
            ("POST", f"{path}/items"),
            ("PATCH", f"{path}/items/{sku}"),
            ("DELETE", f"{path}/items/{sku}"),
            ("DELETE", f"{path}/items"),
            ("POST", f"{path}/checkout"),
            ("POST", f"{path}/commands"),
            ("POST", f"{path}/claim"),
            ("PUT", f"/products/{make_sku()}"),
            ("POST", f"{path}/cancel"),
        ]
        for origin in ("https://evil.example", "null", f"http://{own}0", "http://127.0.0.1", ""):
            for method, target in commands:
                with self.subTest(origin=origin, method=method, target=target):
                    answer = self.client.request(method, target, headers={"Origin": origin, **form})
                    self.assert_problem(answer, 403, "forbidden")
        self.assertEqual(self.client.get(path).json()["version"], 2)

        with self.service.client() as client:
            head = f"POST {path}/cancel HTTP/1.1\r\nHost: {own}\r\nContent-Length: 0\r\n"
            client.send(f"{head}Origin: {SHOP}\r\nOrigin: http://evil.example\r\n\r\n".encode())
            answer = client.receive("POST", f"{path}/cancel")
            self.assert_problem(answer, 403, "forbidden")

    def test_pages_of_the_service_s_own_origin_may_call(self):
        """Behind a proxy that ends TLS the scheme is another one than inside."""
        for host, origin in (
            ("shop.example", "https://shop.example"),
            ("shop.example:443", "https://shop.example"),
            ("shop.example", "http://shop.example"),
            ("shop.example:8443", "https://shop.example:8443"),
        ):
            with self.subTest(host=host, origin=origin), self.service.client() as client:
                head = f"POST /carts HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\n"
                client.send(f"{head}Content-Length: 0\r\n\r\n".encode())
                self.assertEqual(client.receive("POST", "/carts").status, 201)

    def test_all_others_are_let_through(self):
        for site, origin in (
            ("same-origin", "https://another.example"),
            ("none", None),
            ("cross-site", SHOP),
            ("same-site", LOCAL),
        ):
            with self.subTest(site=site, origin=origin):
                self.assertEqual(self.post(site, origin).status, 201)
        for method, target in (("GET", "/products"), ("HEAD", "/products"), ("OPTIONS", "/carts")):
            self.assertLess(self.post("cross-site", None, target, method).status, 300)
        self.assertEqual(self.client.post("/carts").status, 201)

    def test_a_star_lets_all_pages_call(self):
        service = Service(self.database.app_url, CARTD_CORS_ORIGINS="*")
        self.addCleanup(service.stop)
        with service.client() as client:
            self.assertEqual(self.post("cross-site", "null", client=client).status, 201)
            self.assert_problem(self.post("cross-site", client=client), 403, "forbidden")


class Caches(StreamCase):
    def test_no_shared_cache_may_keep_what_is_about_carts(self):
        """Each answer says so itself: private or no-store."""
        sku = self.make_product()
        made = self.client.post("/carts", {"items": [{"sku": sku}]})
        path = f"/carts/{made.json()['id']}"
        answers = [
            made,
            self.client.post("/carts", headers={"Prefer": "return=minimal"}),
            self.client.get(path),
            self.client.head(path),
            self.client.get(path, headers={"If-None-Match": "*"}),
            self.client.get(f"{path}?version=1"),
            self.client.get(f"{path}?at=2100-01-01T00:00:00Z"),
            self.client.get("/carts"),
            self.client.get(f"{path}/events"),
            self.client.get("/events"),
            self.client.post(f"{path}/items", {"sku": sku}),
            self.client.patch(f"{path}/items/{sku}", {"quantity": 2}),
            self.client.delete(f"{path}/items", headers={"Prefer": "return=minimal"}),
            self.client.post(f"{path}/commands", {"commands": [{"type": "cancel"}]}),
            self.client.post(f"{path}/cancel"),
            self.client.get(f"/carts/{make_id()}"),
            self.client.delete(f"{path}/items", headers={"If-Match": '"1"'}),
            self.client.get("/reports/demand"),
            self.client.get("/reports/funnel", headers={"Accept": "text/csv"}),
            self.client.get("/metrics"),
            self.client.get("/readyz"),
            self.open_stream(f"{path}/events"),
        ]
        for answer in answers:
            told = words(answer.headers["cache-control"])
            self.assertTrue(told & {"private", "no-store"}, answer)
            self.assertFalse(told & {"public", "s-maxage"}, answer)
            if "max-age=31536000" in told:
                self.assertEqual(words(answer.headers["vary"]), {"Authorization", "Cart-Token"})


class Banners(StreamCase):
    """Nothing says which programs of which versions answer."""

    NAMES = {
        "access-control-allow-origin", "access-control-expose-headers", "allow", "cache-control",
        "cart-token", "connection", "content-length", "content-type", "date", "etag",
        "idempotent-replayed", "link", "location", "preference-applied", "ratelimit",
        "ratelimit-policy", "retry-after", "transfer-encoding", "vary", "www-authenticate",
        "x-accel-buffering", "x-content-type-options", "x-request-id",
    }  # fmt: skip
    TELLING = (b"microhttpd", b"mhd", b"cartd/", b"postgres", b"debian", b"server:", b"x-powered-by")

    def test_answers_have_no_other_header_fields_than_these(self):
        sku = self.make_product()
        path = f"/carts/{self.make_cart((sku, 1))['id']}"
        for answer in (
            self.client.get(path),
            self.client.get("/carts?limit=1"),
            self.client.get("/metrics"),
            self.client.get("/openapi.yaml"),
            self.client.get("/livez"),
            self.client.get("/readyz?verbose"),
            self.client.get("/nothing"),
            self.client.request("OPTIONS", "/carts"),
            self.client.request("TRACE", "/carts"),
            self.client.get("/reports/funnel"),
            self.open_stream(f"{path}/events"),
        ):
            self.assertLessEqual(set(answer.headers), self.NAMES, answer)

    def test_what_libmicrohttpd_answers_by_itself_does_not_name_it(self):
        for message in (
            b"GET / HTTP/1.1\r\n\r\n",
            b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
            b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 5_000 + b"\r\n",
            b"GET / HTTP/1.1\r\nHost: x\r\n: b\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n",
            b"POST /carts HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n",
            b"POST /carts HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"POST /carts HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n",
            b"nonsense\r\n\r\n",
            b"GET / x HTTP/1.1\r\nHost: x\r\n\r\n",
        ):
            with self.subTest(message=message[:50]), self.service.client(timeout=2) as client:
                client.send(message)
                received = b""
                try:
                    while part := client.socket.recv(65536):
                        received += part
                except OSError:
                    pass
                self.assertNotRegex(received.lower(), b"|".join(self.TELLING))


if __name__ == "__main__":
    unittest.main()
