"""Bytes that are no proper HTTP, or could be read in two ways; and clients that leave."""

import json
import socket
import unittest

from support import NoAnswer, ServiceCase, make_id


class Protocol(ServiceCase):
    """Requests that two readers could understand in two ways: smuggling begins with those."""

    def send_raw(self, message):
        """The answer to some bytes, or None when the connection was just closed."""
        with self.service.client(is_checked=False, timeout=20) as client:
            client.send(message)
            try:
                return client.receive("POST", "/carts")
            except NoAnswer:
                return None

    def test_ambiguous_requests_are_refused(self):
        for headers in (
            "Host: x\r\nContent-Length: {n}\r\nContent-Length: {n}\r\n",
            "Host: x\r\nContent-Length: {n}\r\nTransfer-Encoding: chunked\r\n",
            "Host: x\r\nHost: y\r\nContent-Length: {n}\r\n",
            "Host: x\r\nContent-Length : {n}\r\n",
            "Host: x\r\nContent-Length: +{n}\r\n",
            "Host: x\r\nContent-Length: {n}, {n}\r\n",
            "Host: x\r\nContent-Length: -{n}\r\n",
            "Host: x\r\nTransfer-Encoding: gzip, chunked\r\n",
            "Host: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            "Host: x\r\nIdempotency-Key: a\r\nIdempotency-Key: b\r\nContent-Length: {n}\r\n",
            "Host: x\r\nPrefer: a\r\n folded\r\nContent-Length: {n}\r\n",
            "Host: x\nContent-Length: {n}\r\n",
            "Content-Length: {n}\r\n",
        ):
            with self.subTest(headers=headers):
                cart_id = make_id()
                body = '{"id":"%s"}' % cart_id
                if "chunked" in headers:
                    body = f"{len(body):x}\r\n{body}\r\n0\r\n\r\n"
                head = f"POST /carts HTTP/1.1\r\n{headers.replace('{n}', str(len(body)))}\r\n"
                answer = self.send_raw((head + body).encode())
                if answer is not None:
                    self.assertIn(answer.status, (400, 501), answer)
                self.assertEqual(self.client.get(f"/carts/{cart_id}").status, 404)

    def test_what_has_no_place_in_a_request_is_refused(self):
        for target in (
            "/carts%2Fx",
            "/carts/%2F",
            "/carts/x%00",
            "/problems/cart-closed%00",
            "/carts?sku=%00",
            "/carts/%",
            "/carts/%4",
            "/carts/%zz",
        ):
            with self.subTest(target=target), self.service.client() as client:
                self.assert_problem(client.get(target), 400, "malformed-request")
        for text in ("a\x01b", "a\x7fb"):
            with self.service.client() as client:
                answer = client.post("/carts", headers={"Idempotency-Key": text})
                self.assert_problem(answer, 400, "malformed-request")

    def test_nonsense_does_no_harm(self):
        for message in (
            b"\r\n\r\n",
            b"GET\r\n\r\n",
            b"\x16\x03\x01\x00\xa5\x01",
            b"GET / HTTP/9.9\r\n\r\n",
            b"GET " + b"/a" * 40000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
            b"\x00" * 300,
            b"GET /livez HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 20000 + b"\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        ):
            # What is no whole request may be waited for; that it is not for long is not seen here.
            with self.service.client(is_checked=False, timeout=1) as client:
                client.connect()
                try:
                    client.socket.sendall(message)
                    client.socket.shutdown(socket.SHUT_WR)
                    while client.socket.recv(65536):
                        pass
                except OSError:
                    pass
        self.assertEqual(self.client.get("/livez").json(), {"status": "alive"})

    def test_pipelined_requests_are_answered_in_order(self):
        cart_id = self.make_cart()["id"]
        with self.service.client(is_checked=False) as client:
            one = f"GET /carts/{cart_id} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
            two = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
            client.send((one + two) * 20)
            for _ in range(20):
                self.assertEqual(client.receive("GET", "/carts/…").json()["id"], cart_id)
                self.assertEqual(client.receive("GET", "/livez").json(), {"status": "alive"})

    def test_a_client_may_leave_in_the_middle(self):
        sku = self.make_product()
        cart_id = self.make_cart()["id"]
        body = json.dumps({"sku": sku}).encode()
        message = self.client.compose("POST", f"/carts/{cart_id}/items", {}, body)
        for length in range(1, len(message) + 1, 7):
            with self.service.client(is_checked=False) as client:
                client.send(message[:length])
        self.assertEqual(self.client.get("/livez").status, 200)
        self.assertLessEqual(self.get_cart(cart_id)["version"], 2)

    def test_http_1_0_is_answered(self):
        with self.service.client(is_checked=False) as client:
            client.send(b"GET /livez HTTP/1.0\r\n\r\n")
            self.assertEqual(client.receive("GET", "/livez").status, 200)


if __name__ == "__main__":
    unittest.main()
