"""What connections may take of the service: how many, for how long; and what happens when more is
asked of it than it can do."""

import os
import socket
import time
import unittest

from support import (
    NoAnswer,
    Service,
    ServiceCase,
    needs_bare_process,
    needs_binary,
    run_at_once,
    wait_until,
)
from support.service import lean_settings


class ConnectionCase(ServiceCase):
    def serve(self, **settings):
        service = Service(self.database.app_url, **settings)
        self.addCleanup(service.stop)
        return service

    def connect(self, service):
        client = service.client(is_checked=False)
        self.addCleanup(client.close)
        client.connect()
        return client

    def is_over(self, client, timeout=30):
        """Whether the service has ended the connection, at once or in that time."""
        client.socket.settimeout(timeout)
        try:
            while client.socket.recv(65536):
                pass
        except TimeoutError:
            return False
        except OSError:
            pass
        return True


@needs_binary
class Connections(ConnectionCase):
    def test_one_address_may_have_so_many_and_not_one_more(self):
        service = self.serve(CARTD_CALLER_CONNECTIONS="3")
        clients = [self.connect(service) for _ in range(3)]
        for client in clients:
            self.assertEqual(client.get("/livez").status, 200)
        with self.assertRaises(NoAnswer):
            self.connect(service).get("/livez")
        for client in clients:
            self.assertEqual(client.get("/livez").status, 200)
        line = service.wait_for_event("connection_refused")
        self.assertEqual(line["address"], "127.0.0.1")
        clients.pop().close()
        wait_until(lambda: self.is_let_in(service), "there is room for another one")
        text = clients[0].get("/metrics").body.decode()
        self.assertRegex(text, r'cartd_http_callers_refused_total\{limit="connections"\} [1-9]')

    def is_let_in(self, service):
        try:
            with service.client(is_checked=False) as client:
                return client.get("/livez").status == 200
        except NoAnswer:
            return False

    def test_a_proxy_may_have_more(self):
        service = self.serve(CARTD_CALLER_CONNECTIONS="1", CARTD_PROXIES="127.0.0.1")
        for client in [self.connect(service) for _ in range(5)]:
            self.assertEqual(client.get("/livez").status, 200)

    def test_beyond_all_that_there_may_be_the_one_waited_for_longest_makes_room(self):
        service = self.serve(CARTD_CONNECTIONS="4")
        idle = self.connect(service)
        self.assertEqual(idle.get("/livez").status, 200)
        slow = []
        for _ in range(3):
            slow.append(self.connect(service))
            slow[-1].send(b"GET /livez HTTP/1.1\r\nHost:")
        with service.client() as client:
            # Whoever was answered last has kept the service waiting for the shortest time.
            self.assertEqual(client.get("/livez").status, 200)
            self.assertTrue(self.is_over(idle), "it was idle for longest")
            for number in range(3):
                new = self.connect(service)
                self.assertEqual(new.get("/livez").status, 200)
                self.assertTrue(self.is_over(slow[number]), number)
                self.assertEqual(client.get("/livez").status, 200)
        self.assertEqual(
            service.metric('cartd_http_connections_cut_total{late="longest"}') >= 4, True
        )

    def test_a_flood_of_connections_that_send_nothing_keeps_nobody_out(self):
        service = self.serve(CARTD_CONNECTIONS="50")
        with service.client() as good:
            self.assertEqual(good.get("/livez").status, 200)
            for _ in range(400):
                self.connect(service)
                if _ % 10 == 0:
                    self.assertIsNotNone(good.socket)
                    self.assertEqual(good.get("/livez").status, 200)
            with service.client() as another:
                self.assertEqual(another.get("/livez").status, 200)
            self.assertLessEqual(service.metric("cartd_http_connections"), 51)

    def test_a_connection_whose_request_is_worked_on_is_never_cut_off(self):
        service = self.serve(CARTD_CONNECTIONS="3")
        head = self.client.get("/events?limit=1").json()["head"]
        poll = self.client.compose("GET", f"/events?after={head}&wait=30", {}, None)
        waiting = [self.connect(service) for _ in range(2)]
        for client in waiting:
            client.send(poll)
        wait_until(
            lambda: service.metric("cartd_feed_listeners") == 2, "both are worked on", 20
        )
        for _ in range(10):
            self.assertEqual(self.connect(service).get("/livez").status, 200)

        def is_refused():
            """Once a third one is worked on; until its request was read it may be cut off."""
            waiting.append(self.connect(service))
            waiting[-1].send(poll)
            time.sleep(0.1)
            try:
                with service.client(is_checked=False) as client:
                    client.get("/livez")
            except NoAnswer:
                return True
            self.assertTrue(self.is_over(waiting.pop()))
            return False

        wait_until(is_refused, "all are worked on, so another one is refused", 20)
        self.make_cart()
        for client in waiting:
            self.assertEqual(client.receive("GET", "/events").status, 200)
        with service.client() as client:
            text = client.get("/metrics").body.decode()
        self.assertRegex(text, r"cartd_http_connections_refused_total [1-9]")

    @needs_bare_process("it takes descriptors for itself")
    def test_without_enough_descriptors_there_are_fewer_connections(self):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        pid = os.fork()
        if pid == 0:  # a lower hard limit can't be raised again, so in a process of its own
            status = 1
            try:
                resource.setrlimit(resource.RLIMIT_NOFILE, (420, 420))
                service = Service(self.database.app_url)
                line = service.wait_for_event("few_descriptors")
                clients = [service.client(is_checked=False) for _ in range(90)]
                for client in clients:
                    client.connect()
                with service.client() as client:
                    is_served = client.get("/livez").status == 200
                service.kill()
                if is_served and (line["connections"], line["listeners"]) == (61, 39):
                    status = 0
            finally:
                os._exit(status)
        self.assertEqual(os.waitpid(pid, 0)[1], 0)


@needs_binary
class Deadlines(ConnectionCase):
    """A client that sends or takes a little now and then is not waited for for ever."""

    DRIP_SECONDS = 0.2

    def drip(self, client, message):
        """Sends one byte after the other for as long as the service takes them."""
        end = time.monotonic() + 60
        client.socket.settimeout(self.DRIP_SECONDS)
        for byte in message:
            if time.monotonic() > end:
                raise AssertionError("a minute of dripping was let pass")
            try:
                client.socket.send(bytes([byte]))
                if client.socket.recv(1) == b"":
                    return True
                return False
            except TimeoutError:
                continue
            except OSError:
                return True
        return False

    def assert_cut(self, service, late):
        # On a slow machine the test's own other connections may be as late.
        self.assertGreaterEqual(
            service.metric('cartd_http_connections_cut_total{late="%s"}' % late), 1
        )

    def test_headers_that_drip_are_cut_off(self):
        service = self.serve(CARTD_HEADERS_SECONDS="1")
        client = self.connect(service)
        self.assertTrue(self.drip(client, b"GET /livez HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 200))
        self.assert_cut(service, "headers")

    def test_headers_of_a_later_request_that_drip_are_cut_off(self):
        service = self.serve(CARTD_HEADERS_SECONDS="1", CARTD_IDLE_SECONDS="600")
        client = self.connect(service)
        self.assertEqual(client.get("/livez").status, 200)
        client.send(b"GET /livez HTTP/1.1\r\n")
        self.assertTrue(self.drip(client, b"A: b\r\n" * 200))

    def test_a_first_line_that_drips_is_idle(self):
        service = self.serve(CARTD_HEADERS_SECONDS="600", CARTD_IDLE_SECONDS="1")
        client = self.connect(service)
        self.assertEqual(client.get("/livez").status, 200)
        self.assertTrue(self.drip(client, b"GET /" + b"a" * 1000))
        self.assert_cut(service, "request")

    def test_a_body_that_drips_is_cut_off(self):
        service = self.serve(CARTD_BODY_SECONDS="1")
        client = self.connect(service)
        client.send(b"POST /carts HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
        self.assertTrue(self.drip(client, b" " * 1000))
        self.assert_cut(service, "body")

    def test_an_answer_that_is_taken_drop_by_drop_is_cut_off(self):
        service = self.serve(CARTD_ANSWER_SECONDS="1")
        client = self.connect(service)
        client.close()
        client.socket = socket.socket()
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        client.socket.connect(service.address)
        # More than the kernels' buffers take, of which next to nothing is read.
        one = b"GET /openapi.yaml HTTP/1.1\r\nHost: x\r\n\r\n"
        client.socket.setblocking(False)
        try:
            client.socket.send(one * 300)
        except BlockingIOError:
            pass
        wait_until(
            lambda: service.metric('cartd_http_connections_cut_total{late="taking"}') == 1,
            "it is cut off",
        )

    def test_who_is_quick_enough_is_served(self):
        service = self.serve(
            CARTD_HEADERS_SECONDS="30", CARTD_BODY_SECONDS="30", CARTD_IDLE_SECONDS="30"
        )
        client = self.connect(service)
        body = b'{"currency":"EUR"}'
        message = client.compose("POST", "/carts", {}, body)
        for byte in message:
            client.send(bytes([byte]))
        self.assertEqual(client.receive("POST", "/carts").status, 201)


@needs_binary
class Overload(ConnectionCase):
    """More commands than there is room for, while none is done: most are told at once, those that
    were let in are all done, and then everything is as before."""

    QUEUE = 40
    CLIENTS = 200
    ROUNDS = 3

    def test_it_sheds_at_once_and_recovers(self):
        service = self.serve(
            CARTD_QUEUE_COMMANDS=str(self.QUEUE), CARTD_BATCH_COMMANDS="8", CARTD_WAIT_MS="60000"
        )
        sku = self.make_product(1)
        cart_ids = [self.make_cart()["id"] for _ in range(8)]
        before = self.count_descriptors(service)
        for number in range(self.ROUNDS):
            n_done = self.overload(service, sku, cart_ids)
            self.assertGreaterEqual(n_done, self.QUEUE)
            self.assertLess(n_done, self.CLIENTS)
            wait_until(
                lambda: self.count_descriptors(service) <= before, f"round {number}: all closed"
            )
            self.assertEqual(service.metric("cartd_commands_queued"), 0)
            with service.client() as client:
                self.assertEqual(self.add(cart_ids[0], sku, client=client).status, 200)
                self.client.delete(f"/carts/{cart_ids[0]}/items")

    def overload(self, service, sku, cart_ids):
        """How many of the clients' adds were done."""
        counts = sum(self.get_cart(cart_id)["item_count"] for cart_id in cart_ids)
        clients = [self.connect(service) for _ in range(self.CLIENTS)]
        with self.database.open_session() as session:
            session.run("BEGIN; SELECT position FROM log_head FOR UPDATE;")
            for i, client in enumerate(clients):
                path = f"/carts/{cart_ids[i % len(cart_ids)]}/items"
                client.send(client.compose("POST", path, {}, b'{"sku":"%s"}' % sku.encode()))
            waiting = list(clients)

            def shed():
                for client in list(waiting):
                    client.socket.setblocking(False)
                    if client.has_answer():
                        client.socket.settimeout(60)
                        answer = client.receive("POST", "/carts/…/items")
                        self.assert_problem(answer, 503, "overloaded")
                        self.assertGreaterEqual(int(answer.headers["retry-after"]), 1)
                        waiting.remove(client)
                return service.metric('cartd_commands_total{outcome="overloaded"}') and len(
                    waiting
                ) <= 2 * self.QUEUE

            wait_until(shed, "most are refused while nothing is done")
            with service.client() as client:
                self.assertEqual(client.get("/livez").status, 200)
                self.assertEqual(client.get(f"/carts/{cart_ids[0]}").status, 200)
            session.run("ROLLBACK;")
        n_done = 0
        for client in waiting:
            client.socket.settimeout(60)
            answer = client.receive("POST", "/carts/…/items")
            self.assertIn(answer.status, (200, 503), answer)
            n_done += answer.status == 200
        for client in clients:
            client.close()
        recorded = sum(self.get_cart(cart_id)["item_count"] for cart_id in cart_ids) - counts
        self.assertEqual(recorded, n_done, "what was answered 200 was done, and nothing else")
        return n_done

    def count_descriptors(self, service):
        return len(os.listdir(f"/proc/{service.pid}/fd"))

    def test_memory_is_back_after_it(self):
        """Rounds of many large bodies at once: what the first ones took is enough for all."""
        service = self.serve(
            CARTD_QUEUE_COMMANDS="4", CARTD_BATCH_COMMANDS="1", **lean_settings()
        )
        sku = self.make_product(1)
        body = b'{"sku":"%s"}' % sku.encode()
        body += b" " * (64 * 1024 - len(body))
        cart_id = self.make_cart()["id"]

        def rush(_):
            with service.client(is_checked=False) as client:
                for _ in range(10):
                    answer = client.post(f"/carts/{cart_id}/items", body=body)
                    self.assertIn(answer.status, (200, 422, 503))

        sizes = []
        for _ in range(6):
            run_at_once(40, rush)
            with open(f"/proc/{service.pid}/statm", encoding="ascii") as file:
                sizes.append(int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE"))
        grown = sizes[-1] - sizes[2]
        self.assertLess(grown, 40 * 64 * 1024, f"it grows: {sizes}")


if __name__ == "__main__":
    unittest.main()
