"""Requests of every size around what the memory of a connection holds: headers, cookies, targets,
parameters, trailers. Each gets one whole answer, the ordinary one or a problem that says what is too
large; and only what was answered was recorded.

With CARTD_TEST_LONG=1 every size is tried, else one of so many and some on both sides of each limit."""

import unittest

from support import NoAnswer, ServiceCase, contract, how_many, make_id

STEP = how_many(199, long=1)
NEAR = 12
REFUSED = {(431, "headers-too-large"), (414, "target-too-long")}


def cookie(n):
    return b"/carts", b"Cookie: a=" + b"c" * n + b"\r\n"


def cookies(n):
    return b"/carts", b"Cookie: " + b"; ".join(b"k%d=v" % i for i in range(n)) + b"\r\n"


def one_header(n):
    return b"/carts", b"X-A: " + b"a" * n + b"\r\n"


def many_headers(n):
    return b"/carts", b"".join(b"X-%d: 1\r\n" % i for i in range(n))


def target(n):
    return b"/carts?utm_source=" + b"t" * n, b""


def parameters(n):
    return b"/carts?" + b"_&" * n, b""


# What grows, up to how far beyond every limit, and one in how many sizes is tried.
KINDS = (
    (cookie, 24000, STEP),
    (cookies, 700, max(1, STEP // 16)),
    (one_header, 24000, STEP),
    (many_headers, 700, max(1, STEP // 16)),
    (target, 30000, STEP),
    (parameters, 700, max(1, STEP // 16)),
)


class Sizes(ServiceCase):
    def exchange(self, message, is_second=False):
        """The one answer to a request that says Connection: close, and not a byte more."""
        with self.service.client(is_checked=False) as client:
            if is_second:
                self.assertEqual(client.get("/livez").status, 200)
            client.send(message)
            answer = client.receive("POST", "/carts")
            self.assertEqual(client.buffered, b"", answer)
            if client.socket is not None:
                try:
                    client.more()
                except NoAnswer:
                    pass
                self.assertEqual(client.buffered, b"", "there is one answer")
        return answer

    def assert_whole(self, answer, ordinary):
        if answer.status == ordinary:
            return True
        self.assertIn((answer.status, answer.slug), REFUSED, answer)
        self.assert_problem(answer, answer.status, answer.slug)
        contract.check(answer, None)
        self.assertEqual(answer.headers["connection"], "close")
        return False

    def create(self, path, headers, is_second=False, body_bytes=0):
        """POSTs a cart of an id of its own; whether it was made, which the log must agree with."""
        cart_id = make_id()
        body = b'{"id":"%s"%s}' % (cart_id.encode(), b" " * body_bytes)
        message = (
            b"POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%sContent-Length: %d\r\n\r\n%s"
            % (path, headers, len(body), body)
        )
        answer = self.exchange(message, is_second)
        is_made = self.assert_whole(answer, 201)
        self.assertEqual(self.client.get(f"/carts/{cart_id}").status, 200 if is_made else 404)
        return is_made

    def scan(self, attempt, kind, most, step):
        """Tries sizes one step apart, then those around the largest that is served."""
        outcomes = [attempt(*kind(size)) for size in range(0, most, step)]
        n_served = outcomes.count(True)
        self.assertEqual(outcomes, sorted(outcomes, reverse=True), "up to one size")
        self.assertGreater(n_served, 0)
        self.assertLess(n_served, len(outcomes))
        served, refused = (n_served - 1) * step, n_served * step
        while refused - served > 1:
            middle = (served + refused) // 2
            if attempt(*kind(middle)):
                served = middle
            else:
                refused = middle
        for size in range(max(0, served - NEAR), served + NEAR):
            self.assertEqual(attempt(*kind(size)), size <= served, size)
        return served

    def test_a_command_of_any_size_is_recorded_if_and_only_if_it_is_answered(self):
        for kind, most, step in KINDS:
            with self.subTest(kind=kind.__name__):
                self.scan(self.create, kind, most, step)

    def test_so_is_one_that_comes_second_on_its_connection(self):
        for kind, most, step in KINDS:
            with self.subTest(kind=kind.__name__):
                self.scan(
                    lambda path, headers: self.create(path, headers, is_second=True),
                    kind,
                    most,
                    step * 3,
                )

    def test_so_is_one_with_a_large_body(self):
        for kind, most, step in KINDS:
            with self.subTest(kind=kind.__name__):
                self.scan(
                    lambda path, headers: self.create(path, headers, body_bytes=40000),
                    kind,
                    most,
                    step * 3,
                )

    def test_reads_of_any_size_are_answered(self):
        def read(path, headers):
            path = path.replace(b"/carts", b"/livez")
            message = b"GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n" % (path, headers)
            return self.assert_whole(self.exchange(message), 200)

        for kind, most, step in KINDS:
            with self.subTest(kind=kind.__name__):
                self.scan(read, kind, most, step)

    def test_a_page_with_a_link_is_answered(self):
        """The link repeats the query, in three times as many bytes."""
        for _ in range(2):
            self.make_cart(customer_id="'" * 128)
        query = b"limit=1&customer_id=" + b"'" * 128

        def read(_, headers):
            message = b"GET /carts?%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n" % (
                query,
                headers,
            )
            answer = self.exchange(message)
            if answer.status == 200:
                self.assertIn("link", answer.headers)
            return self.assert_whole(answer, 200)

        for kind, most, step in KINDS[:4]:
            with self.subTest(kind=kind.__name__):
                self.scan(read, kind, most, step)

    def test_trailers_and_chunks_of_any_size_do_no_harm(self):
        """libmicrohttpd 1.0.1 takes no extension that is long. 0.9.75 waits until the end of one that is
        longer than its memory, and of time."""

        def create(chunk, trailers, behind=b""):
            cart_id = make_id()
            body = b'{"id":"%s"}' % cart_id.encode()
            message = (
                b"POST /carts HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                b"%x%s\r\n%s\r\n0\r\n%s\r\n%s" % (len(body), chunk, body, trailers, behind)
            )
            with self.service.client(is_checked=False) as client:
                client.send(message)
                answer = client.receive("POST", "/carts")
            is_made = answer.status == 201
            if not is_made:
                self.assertIn(answer.status, (400, 413, 431), answer)
            self.assertEqual(self.client.get(f"/carts/{cart_id}").status, 200 if is_made else 404)

        for n in range(0, 19000, STEP * 3):
            create(b";e=" + b"x" * n, b"")
            create(b";e=" + b"x" * n, b"", b"GET /livez HTTP/1.1\r\nX: " + b"x" * 20000)
            create(b"", b"X-T: " + b"t" * n + b"\r\n")
        for n in range(0, 700, max(1, STEP // 8)):
            create(b"", b"".join(b"T-%d: 1\r\n" % i for i in range(n)))

    def test_what_is_pipelined_behind_takes_no_room(self):
        """The answer needs memory that the next requests are read into."""
        behind = b"GET /livez HTTP/1.1\r\nHost: x\r\nX-A: " + b"a" * 14000 + b"\r\n\r\n"

        def create(path, headers):
            cart_id = make_id()
            body = b'{"id":"%s"}' % cart_id.encode()
            message = b"POST %s HTTP/1.1\r\nHost: x\r\n%sContent-Length: %d\r\n\r\n%s" % (
                path,
                headers,
                len(body),
                body,
            )
            with self.service.client(is_checked=False) as client:
                client.send(message + behind)
                is_made = self.assert_whole(client.receive("POST", "/carts"), 201)
            self.assertEqual(self.client.get(f"/carts/{cart_id}").status, 200 if is_made else 404)
            return is_made

        for kind, most, step in KINDS:
            with self.subTest(kind=kind.__name__):
                self.scan(create, kind, most, step * 3)


if __name__ == "__main__":
    unittest.main()
