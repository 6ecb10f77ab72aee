"""HAProxy with deploy/haproxy.cfg in front of the service: the corpus of bad requests through it, and
what else the file promises. Skipped where haproxy is not installed."""

import socket
import socketserver
import threading
import time
import unittest

from support import (
    CorpusCase,
    HaProxy,
    NoAnswer,
    Service,
    ServiceCase,
    make_id,
    needs_binary,
    needs_haproxy,
    wait_until,
)


@needs_haproxy
class CorpusBehindHaProxy(CorpusCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.proxy = HaProxy(cls.service.address)
        cls.addClassCleanup(cls.proxy.stop)

    def test_no_bad_request_hides_another(self):
        if self.log:
            self.log.statuses()  # that of waiting until haproxy answers
        self.play_all(self.proxy.address, f"{self.library} behind HAProxy")


class Recorder(socketserver.ThreadingTCPServer):
    """Stands for cartd: records the heads of requests, and answers each with the same."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self):
        self.heads = []
        self.refusal = None  # instead, for what is not about health
        super().__init__(("127.0.0.1", 0), Recorder.Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        pass  # HAProxy ends its checks with a reset

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            head = b""
            for line in self.rfile:
                head += line
                if line != b"\r\n":
                    continue
                is_look = b"/readyz" in head or b"/livez" in head
                if not is_look:
                    self.server.heads.append(head.decode("latin-1"))
                answer = self.server.refusal if self.server.refusal and not is_look else None
                self.wfile.write(answer or b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                head = b""


@needs_haproxy
class WhatIsPassedOn(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cartd = Recorder()
        cls.addClassCleanup(cls.cartd.server_close)
        cls.addClassCleanup(cls.cartd.shutdown)
        cls.proxy = HaProxy(cls.cartd.server_address)
        cls.addClassCleanup(cls.proxy.stop)

    def setUp(self):
        self.cartd.heads.clear()
        self.cartd.refusal = None

    def pass_on(self, *lines):
        """The header lines, names in lower case, with which a request arrives."""
        with self.proxy.client() as client:
            head = "\r\n".join(["GET /carts HTTP/1.1", "Host: shop.example", *lines])
            client.send((head + "\r\n\r\n").encode())
            self.assertEqual(client.receive("GET", "/carts").status, 200)
        found = []
        for line in self.cartd.heads.pop().split("\r\n")[1:-2]:
            name, _, text = line.partition(":")
            found.append((name.lower(), text.strip()))
        return found

    def test_where_a_client_is_is_what_the_proxy_sees(self):
        passed = self.pass_on(
            "X-Forwarded-For: 6.6.6.6",
            "X-Forwarded-For: 7.7.7.7, 8.8.8.8",
            "X-Forwarded-Proto: https",
            "X-Forwarded-Host: y",
            "X-Real-IP: 6.6.6.6",
            "Forwarded: for=6.6.6.6",
            "Connection: X-Forwarded-For",
        )
        told = {name: [t for n, t in passed if n == name] for name, _ in passed}
        self.assertEqual(told["x-forwarded-for"], ["127.0.0.1"])
        self.assertEqual(told["x-forwarded-proto"], ["http"])
        for name in ("forwarded", "x-forwarded-host", "x-real-ip"):
            self.assertNotIn(name, told)

    def test_nothing_is_upgraded(self):
        passed = dict(
            self.pass_on("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AA")
        )
        self.assertNotIn("upgrade", passed)
        self.assertNotIn("http2-settings", passed)
        headers = {"Connection": "Upgrade", "Upgrade": "WebSocket", "Sec-WebSocket-Key": "AA=="}
        with self.proxy.client() as client:
            self.assertEqual(client.get("/carts", headers=headers).status, 400)
        self.assertEqual(self.cartd.heads, [])

    def test_cookies_stay_outside_and_the_rest_comes_in(self):
        passed = dict(self.pass_on("Cookie: a=b", "Authorization: Bearer x", "Cart-Token: y"))
        self.assertNotIn("cookie", passed)
        self.assertEqual((passed["authorization"], passed["cart-token"]), ("Bearer x", "y"))

    def test_a_page_of_the_library_becomes_a_problem(self):
        page = b"<html><body>wrong</body></html>"
        self.cartd.refusal = (
            b"HTTP/1.1 431 Too Large\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s"
            % (len(page), page)
        )
        with self.proxy.client() as client:
            answer = client.get("/carts")
        self.assertEqual((answer.status, answer.slug), (400, "malformed-request"), answer)

    def test_what_drips_is_cut_off_outside(self):
        proxy = HaProxy(self.cartd.server_address, PROXY_REQUEST_SECONDS=1)
        self.addCleanup(proxy.stop)
        for first, more in (
            (b"GET /carts HTTP/1.1\r\nHost: x\r\n", b"X-Slow: y\r\n"),
            (b"POST /carts HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n", b" " * 11),
        ):
            with self.subTest(first=first), socket.create_connection(proxy.address) as client:
                client.sendall(first)
                client.settimeout(0.2)
                received = b""
                for i in range(300):
                    try:
                        received = client.recv(1000)
                        break
                    except TimeoutError:
                        client.sendall(more[i % 11 : i % 11 + 1])
                self.assertIn(b" 408 ", received.split(b"\r\n")[0])
        self.assertEqual(self.cartd.heads, [])


@needs_haproxy
class LimitsOfHaProxy(ServiceCase):
    def test_requests_and_connections_of_an_address_are_bounded(self):
        proxy = HaProxy(self.service.address, PROXY_REQUESTS_IN_10S=20, PROXY_CONNECTIONS=3)
        self.addCleanup(proxy.stop)
        clients = [proxy.client() for _ in range(4)]
        for client in clients:
            self.addCleanup(client.close)
        for client in clients[:3]:
            self.assertEqual(client.get("/livez").status, 200)
        with self.assertRaises(NoAnswer):
            clients[3].get("/livez")
        answer = wait_until(lambda: self.refusal(clients[0]), "an address has asked enough")
        self.assertEqual((answer.status, answer.slug), (429, "too-many-requests"), answer)
        self.assertIn("retry-after", answer.headers)

    def refusal(self, client):
        answer = client.get("/livez")
        return answer if answer.status != 200 else None

    def test_what_is_for_operators_stays_inside(self):
        proxy = HaProxy(self.service.address)
        self.addCleanup(proxy.stop)
        with proxy.client() as client:
            for target in ("/metrics", "/readyz", "/%6Detrics", "/metric%73", "/readyz?verbose"):
                self.assertEqual(client.get(target).status, 404, target)
            self.assertEqual(client.get("/livez").status, 200)


@needs_haproxy
@needs_binary
class ServiceBehindHaProxy(ServiceCase):
    def test_a_stream_arrives_event_by_event(self):
        proxy = HaProxy(self.service.address)
        self.addCleanup(proxy.stop)
        with proxy.client(timeout=30) as client:
            client.send(b"GET /events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n")
            for _ in range(3):
                cart_id = make_id()
                self.make_cart(id=cart_id)
                while cart_id.encode() not in client.buffered:
                    client.more()

    def test_an_instance_that_leaves_gets_nothing_new(self):
        service = Service(self.database.app_url)
        self.addCleanup(service.kill)
        proxy = HaProxy(service.address)
        self.addCleanup(proxy.stop)
        with proxy.client() as client:
            self.assertEqual(client.post("/carts").status, 201)
            service.stop()
            answer = wait_until(lambda: self.refusal(client), "there is no instance")
            self.assertEqual((answer.status, answer.slug), (503, "overloaded"), answer)
            another = Service(self.database.app_url, port=service.port)
            self.addCleanup(another.stop)
            wait_until(lambda: client.get("/livez").status == 200, "there is an instance again")
            self.assertEqual(client.post("/carts").status, 201)

    def refusal(self, client):
        answer = client.get("/livez")
        time.sleep(0.1)
        return answer if answer.slug == "overloaded" else None


if __name__ == "__main__":
    unittest.main()
