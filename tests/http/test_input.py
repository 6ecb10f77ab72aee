"""Bad input in every parameter and header of each operation, and what becomes of it in the log.

Each gets the problem that is documented for it, with the name of what was wrong, never a 500; the
service still works afterwards, and its log has one line of JSON for each thing that it says.
"""

import json
import socket
import unittest
import urllib.parse

from support import NoAnswer, ServiceCase, contract
from support.bad_input import GOOD, HEADERS, LONG, NO_TEXT, PARAMETERS, REPEATABLE, SEEN_ELSEWHERE
from test_contract import Requests


class InputCase(ServiceCase):
    settings = {"CARTD_LOG_LEVEL": "debug"}

    def setUp(self):
        self.requests = Requests(self)
        self.operations = contract.contract().operations
        self.targets = {}

    def tearDown(self):
        self.assert_unharmed()

    def assert_unharmed(self):
        """It still takes carts, and its log is made of lines that it wrote."""
        cart = self.make_cart((self.requests.sku, 1))
        self.assertEqual(self.get_cart(cart["id"]), cart)
        if hasattr(self.service, "lines"):
            for line in self.service.output().splitlines():
                said = json.loads(line)
                self.assertNotEqual(said["event"], "forged", line)
                self.assertNotEqual(said["level"], "error", line)

    def target_of(self, operation):
        """A good method and target, the same each time: none of these requests has an effect."""
        if operation.id not in self.targets:
            self.targets[operation.id] = self.requests.make(operation)[:2]
        return self.targets[operation.id]

    def send(self, operation, query="", body=None, client=None, **options):
        method, target = self.target_of(operation)
        if isinstance(body, str):
            body = body.encode()
        return (client or self.client).request(method, target + query, body=body, **options)

    def with_body(self):
        """The operations that take a body, each with one that is good."""
        for name, operation in self.operations.items():
            if operation.has_body and name in GOOD:
                yield operation, GOOD[name]


class Parameters(InputCase):
    def test_the_table_has_every_parameter(self):
        named = {
            parameter["name"]
            for operation in self.operations.values()
            for parameter in operation.parameters
            if parameter["in"] == "query"
        }
        self.assertEqual(named, set(PARAMETERS))

    def each(self):
        for operation in self.operations.values():
            for parameter in operation.parameters:
                if parameter["in"] == "query":
                    yield operation, parameter["name"]

    def assert_refused(self, answer, name):
        problem = self.assert_problem(answer, 400, "invalid-parameter")
        self.assertIn(f'"{name}"', problem["detail"], answer)

    def test_each_unusable_value_is_refused_by_name(self):
        for operation, name in self.each():
            for text in PARAMETERS[name]:
                with self.subTest(operation=operation.id, name=name, text=text[:60]):
                    text = urllib.parse.quote(text, safe="%+,'=:-.")
                    self.assert_refused(self.send(operation, f"?{name}={text}"), name)

    def test_what_is_no_text_is_refused_by_name(self):
        for operation, name in self.each():
            for text in NO_TEXT:
                with self.subTest(operation=operation.id, name=name, text=text):
                    self.assert_refused(self.send(operation, f"?{name}={text}"), name)

    def test_none_comes_twice_or_with_a_nul(self):
        good = {"limit": "1", "version": "1", "after": "0", "wait": "0", "within_days": "1"}
        for operation, name in self.each():
            with self.subTest(operation=operation.id, name=name):
                text = good.get(name, "x")
                if name not in REPEATABLE:
                    twice = f"?{name}={text}&{name}={text}"
                    self.assert_refused(self.send(operation, twice), name)
                with self.service.client() as client:
                    answer = self.send(operation, f"?{name}={text}%00", client=client)
                    self.assert_problem(answer, 400, "malformed-request")

    def test_unknown_parameters_are_refused_whatever_they_are_called(self):
        for operation in self.operations.values():
            for name in ("x", "", "%0D%0AX-Injected:1", "%22", LONG, "%FF", "Limit", "limit%5B%5D"):
                with self.subTest(operation=operation.id, name=name[:60]):
                    answer = self.send(operation, f"?{name}=1")
                    problem = self.assert_problem(answer, 400, "invalid-parameter")
                    self.assertIn("no query parameter", problem["detail"])
                    self.assertNotIn("x-injected", answer.headers)

    def test_paths_that_name_nothing_are_not_found(self):
        for path in ("/carts/%", "/products/%", "/problems/%", "/carts/%/items", "/carts/%/events"):
            method = "POST" if path.endswith("items") else "GET"
            for name in (
                "%0D%0AX-Injected:1",
                "%FF",
                "%22%7D",
                "..",
                "%2e%2e",
                "x" * 5000,
                "'",
                "%5C",
            ):
                with self.subTest(path=path, name=name[:60]):
                    answer = self.client.request(
                        method, path.replace("%", name), body=b'{"sku":"x"}'
                    )
                    self.assertIn(answer.status, (404,), answer)
                    self.assertNotIn("x-injected", answer.headers)
        for name in ("%0D%0AX-Injected:1", "%FF", "%20", "a%5C..", "x" * 129, "%2e"):
            answer = self.client.put(f"/products/{name}", {"name": "x", "prices": {}})
            self.assert_problem(answer, 400, "invalid-parameter")


class Headers(InputCase):
    def test_the_table_has_every_header(self):
        named = {
            parameter["name"]
            for operation in self.operations.values()
            for parameter in operation.parameters
            if parameter["in"] == "header"
        }
        self.assertEqual(named - SEEN_ELSEWHERE, set(HEADERS))

    def each(self):
        for operation in self.operations.values():
            for parameter in operation.parameters:
                if parameter["in"] == "header" and parameter["name"] in HEADERS:
                    yield operation, parameter["name"]

    def test_each_unusable_value_is_refused_by_name(self):
        for operation, name in self.each():
            for text in HEADERS[name]:
                with self.subTest(operation=operation.id, name=name, text=text[:60]):
                    headers = {name: text}
                    if name == "Last-Event-ID":
                        headers["Accept"] = "text/event-stream"
                    answer = self.send(operation, body=GOOD.get(operation.id), headers=headers)
                    problem = self.assert_problem(answer, 400, "invalid-parameter")
                    self.assertIn(name.lower(), problem["detail"].lower(), answer)

    def test_preferences_that_are_not_understood_are_let_be(self):
        for text in (
            "",
            ",",
            "=",
            "return",
            "return=",
            'return="',
            "x" * 5000,
            ";;;",
            "é",
            'a="\\',
        ):
            with self.subTest(text=text[:60]):
                self.assertEqual(
                    self.client.post("/carts", {}, headers={"Prefer": text}).status, 201
                )

    def test_accept_and_content_type_may_be_anything(self):
        for text in (
            "",
            ",",
            ";",
            "*",
            "a/b;q",
            "q=1",
            "x" * 5000,
            'a="',
            "é",
            "*/*;q=2",
            "application/json;q=x",
        ):
            with self.subTest(text=text[:60]):
                answer = self.client.get("/products", headers={"Accept": text})
                self.assertIn(answer.status, (200, 406), answer)
                answer = self.client.post("/carts", body=b"{}", headers={"Content-Type": text})
                self.assertIn(answer.status, (201, 415), answer)

    def test_identifiers_that_are_none_are_not_repeated(self):
        for text in (
            "a b",
            "x" * 129,
            "é",
            '"',
            "{}",
            "a;b",
            "00-" + "0" * 32 + "-" + "0" * 16 + "-00",
            "a\x80",
        ):
            with self.subTest(text=text):
                answer = self.client.get(
                    "/livez", headers={"X-Request-Id": text, "traceparent": text}
                )
                self.assertEqual(answer.status, 200)
                self.assertEqual(
                    answer.headers["x-request-id"] == text, set(text) <= set("0-"), answer
                )

    def send_raw(self, *lines):
        """The answer to a request of these header lines; None when the connection was just closed."""
        with self.service.client(is_checked=False, timeout=20) as client:
            client.send(b"\r\n".join((b"POST /carts HTTP/1.1", b"Host: x", *lines)) + b"\r\n\r\n")
            try:
                return client.receive("POST", "/carts")
            except NoAnswer:
                return None

    def test_bytes_that_no_header_has_are_refused(self):
        names = (
            *HEADERS,
            "X-Request-Id",
            "traceparent",
            "Accept",
            "Content-Type",
            "User-Agent",
            "X-Other",
        )
        for name in names:
            for value in (b"a\x00b", b"a\x01", b"a\x1b[2J", b"a\x7f", b"a\rb"):
                with self.subTest(name=name, value=value):
                    line = name.encode() + b": " + value
                    answer = self.send_raw(line, b"Content-Length: 0")
                    if answer is not None:
                        self.assertEqual(answer.status, 400, answer)
                        self.assertEqual(answer.headers["connection"], "close", answer)

    def test_a_header_that_comes_once_is_refused_twice(self):
        for name in (
            "Idempotency-Key",
            "Content-Type",
            "Host",
            "Last-Event-ID",
            "Expect",
            "Content-Length",
        ):
            line = f"{name}: 0".encode()
            answer = self.send_raw(line, line.swapcase(), b"Content-Length: 0")
            if answer is not None:
                self.assertEqual((answer.status, answer.slug), (400, "malformed-request"), answer)

    def test_thousands_of_headers_do_no_harm(self):
        for line in (b"a: b", b"If-Match: *", b"Prefer: a", b"Accept: */*", b"X-Request-Id: a"):
            with self.subTest(line=line):
                answer = self.send_raw(*[line] * 900, b"Content-Length: 0")
                if answer is not None:
                    self.assertIn(answer.status, (201, 400, 431), answer)


class Logs(InputCase):
    """Nothing that a client says becomes a line of the log, or is obeyed by the terminal it is read on."""

    FORGED = '{"event":"forged","level":"info"}'

    def test_what_is_logged_stays_on_its_line(self):
        quoted = urllib.parse.quote(self.FORGED)
        for target in (
            f"/{quoted}",
            f"/carts/%0A{quoted}",
            f"/%0D%0A{quoted}",
            "/%1B%5B2J",
            "/%C2%9B2J",
            f"/x?{quoted}",
        ):
            self.assertEqual(self.client.get(target).status, 404)
        for line in (
            b"GET /\x1b[2J HTTP/1.1",
            b"GET /\xc2\x9b2J HTTP/1.1",
            b"GET /a\x0b" + self.FORGED.encode() + b" HTTP/1.1",
            b"G\x1b[2J / HTTP/1.1",
            b"GET\xff / HTTP/1.1",
            b'{"event":"forged"} / HTTP/1.1',
            b"GET / HTTP/1.1" + self.FORGED.encode(),
        ):
            with self.service.client(is_checked=False, timeout=1) as client:
                client.connect()
                try:
                    client.socket.sendall(line + b"\r\nHost: x\r\n\r\n")
                    client.socket.shutdown(socket.SHUT_WR)
                    while client.socket.recv(65536):
                        pass
                except OSError:
                    pass  # what is no whole request may be waited for
        self.client.get("/livez", headers={"X-Request-Id": "\u009b2J" + self.FORGED})
        if hasattr(self.service, "lines"):
            for line in self.service.output().splitlines():
                self.assertTrue(line.isprintable(), line)


if __name__ == "__main__":
    unittest.main()
