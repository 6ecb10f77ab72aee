"""Clients that are slow, that leave, and that ask for more than they read. They are cut off, what they
held is given back, and others are served all the while.

With CARTD_TEST_LONG there are 10,000 slow connections for a minute, renewed whenever they are cut off,
and the 99th percentile of a well-behaved client must stay within three times what it was without
them. It wants a program without sanitizers, and `ulimit -n` of 12,000."""

import itertools
import json
import os
import pathlib
import re
import select
import socket
import statistics
import struct
import subprocess
import sys
import time
import unittest

from support import IS_LONG, Service, ServiceCase, make_id, needs_binary, wait_until
from support.service import lean_settings
from support.settings import LOAD_TIMEOUT

N_SLOW = 10000
N_SLOW_SHORT = 400
N_FLOOD = 5000
N_COMMANDS = 200
PROGRAM = pathlib.Path(__file__).parent / "support" / "slow_clients.py"
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: a close that resets
# What a connection may leave behind of memory: nothing; the allocator keeps some.
SPARE_KB = 16 * 1024
# Deadlines for tests that wait for them.
SHORT = {"CARTD_IDLE_SECONDS": 2, "CARTD_HEADERS_SECONDS": 2, "CARTD_BODY_SECONDS": 2}

POST_CHUNKS = b"POST /carts HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


def new_cart(cart_id, headers=b""):
    head = b"POST /carts HTTP/1.1\r\nHost: x\r\nContent-Length: 45\r\n%s\r\n" % headers
    return head + ('{"id":"%s"}' % cart_id).encode()


class SlowClients:
    def __init__(self, address, n, how):
        self.process = subprocess.Popen(
            [sys.executable, "-B", str(PROGRAM), address[0], str(address[1]), str(n), how],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        if self.process.stdout.readline() != "ready\n":
            raise AssertionError("the slow clients could not begin")

    def report(self):
        report = json.loads(self.process.stdout.readline())
        self.stop()
        return report

    def stop(self):
        self.process.stdin.close()
        self.process.wait(60)
        self.process.stdout.close()


class ClientCase(ServiceCase):
    def serve(self, **settings):
        service = Service(self.database.app_url, **settings)
        self.addCleanup(service.stop)
        return service

    def n_connections(self, service):
        """As the service counts them, without the one that asks."""
        return service.metric("cartd_http_connections") - 1

    def n_descriptors(self, service):
        return len(os.listdir(f"/proc/{service.pid}/fd"))

    def memory_kb(self, service):
        status = pathlib.Path(f"/proc/{service.pid}/status").read_text(encoding="ascii")
        return int(status.partition("VmRSS:")[2].split()[0])

    def assert_given_back(self, service, n_descriptors):
        wait_until(lambda: self.n_connections(service) == 0, "all connections have ended")
        wait_until(
            lambda: self.n_descriptors(service) <= n_descriptors,
            f"there are no more than {n_descriptors} descriptors",
        )

    def shop(self, client, n):
        """How long each of n requests took: adds and looks, as a shopper does."""
        sku = self.make_product(client=client)
        cart_id = self.make_cart(client=client)["id"]
        seconds = []
        for i in range(n):
            begin = time.perf_counter()
            if i % 4 == 0:
                answer = self.add(cart_id, sku, client=client)
            else:
                answer = client.get(f"/carts/{cart_id}")
            seconds.append(time.perf_counter() - begin)
            self.assertEqual(answer.status, 200, answer)
            if i % 400 == 399:
                cart_id = self.make_cart(client=client)["id"]
        return seconds


@needs_binary
class Slow(ClientCase):
    def test_slow_connections_are_cut_off_and_others_are_served(self):
        service = self.serve(**SHORT, **lean_settings())
        with service.client() as client:
            self.shop(client, 100)
            n_descriptors = self.n_descriptors(service)
            memory_kb = self.memory_kb(service)
            slow = SlowClients(service.address, N_SLOW_SHORT, "once")
            self.shop(client, 200)
            report = slow.report()
            self.assertEqual(sum(report["ended"].values()) + report["refused"], N_SLOW_SHORT, report)
            self.assertEqual(len(report["ended"]), 4, report)
            self.assert_given_back(service, n_descriptors + 1)
            for _ in range(3):
                SlowClients(service.address, N_SLOW_SHORT, "once").report()
            self.assert_given_back(service, n_descriptors + 1)
            self.assertLess(self.memory_kb(service), memory_kb + SPARE_KB)

    @unittest.skipUnless(IS_LONG, "measures; CARTD_TEST_LONG=1")
    def test_ten_thousand_slow_connections_are_held_off(self):
        service = self.serve()
        with service.client() as client:
            self.shop(client, 1000)
            before = self.shop(client, 8000)
            memory_kb = self.memory_kb(service)
            slow = SlowClients(service.address, N_SLOW, "again")
            self.addCleanup(slow.process.kill)
            begin = time.monotonic()
            during = []
            while time.monotonic() < begin + 60:
                during += self.shop(client, 1000)
            n_open = self.n_connections(service)
            full_kb = self.memory_kb(service)
            slow.process.stdin.close()
            report = slow.report()
            p99 = [statistics.quantiles(seconds, n=100)[98] * 1000 for seconds in (before, during)]
            print(
                f"\n{n_open} slow connections open, {report}; p99 {p99[0]:.2f} ms before,"
                f" {p99[1]:.2f} ms during ({len(during)} requests); memory"
                f" {memory_kb} KB before, {full_kb} KB during"
            )
            self.assertGreater(n_open, N_SLOW * 0.7)
            self.assertLess(p99[1], 3 * p99[0])


@needs_binary
class Leaving(ClientCase):
    def test_who_leaves_in_the_middle_leaves_nothing(self):
        # libmicrohttpd 0.9.75 may not hear of the end that comes with the bytes before it; then the
        # deadline ends it.
        service = self.serve(**SHORT)
        n_descriptors = self.n_descriptors(service)
        message = new_cart(make_id()) * 3
        places = list(range(0, len(message), 11)) * 4
        for i, place in enumerate(places):
            connection = socket.create_connection(service.address)
            connection.sendall(message[:place])
            if i % 4 == 1:
                connection.shutdown(socket.SHUT_WR)
            elif i % 4 == 2:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            elif i % 4 == 3:
                connection.shutdown(socket.SHUT_RD)
            connection.close()
        self.assert_given_back(service, n_descriptors + 2)

    def test_parameters_beyond_memory_leave_nothing(self):
        service = self.serve()
        for n in (200, 300, 1000, 5000):
            for _ in range(20):
                connection = socket.create_connection(service.address)
                connection.sendall(b"GET /carts?%s HTTP/1.1\r\nHost: x\r\n\r\n" % (b"a&" * n))
                connection.close()
        wait_until(lambda: self.n_connections(service) == 0, "all connections have ended")
        # The leak sanitizer has the last word, when the service stops.


class Floods(ClientCase):
    @needs_binary
    def test_who_sends_more_than_there_is_room_for_does_not_keep_it_busy(self):
        # libmicrohttpd 0.9.75 asks to be run again for as long as these are there.
        service = self.serve(CARTD_HEADERS_SECONDS=600, CARTD_BODY_SECONDS=600)
        messages = [POST_CHUNKS + b"2;" + b"a" * 100000, b"GET /carts?" + b"a&" * 7000]
        clients = [socket.create_connection(service.address) for _ in messages]
        for client, message in zip(clients, messages):
            client.setblocking(False)
            client.send(message)
        wait_until(lambda: self.is_resting(service), "it does nothing for a while")
        for client in clients:
            client.close()

    def is_resting(self, service):
        before = self.ticks(service)
        time.sleep(1)
        return self.ticks(service) - before < 0.3 * os.sysconf("SC_CLK_TCK")

    def ticks(self, service):
        """The time of the processor that it has had."""
        fields = pathlib.Path(f"/proc/{service.pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    def test_thousands_of_pipelined_requests_are_answered_in_order(self):
        self.flood(
            b"GET /livez HTTP/1.1\r\nHost: x\r\nX-Request-Id: flood-%d\r\n\r\n" % i
            for i in range(N_FLOOD)
        )

    def test_pipelined_commands_are_answered_in_order(self):
        ids = [make_id() for _ in range(N_COMMANDS)]
        self.flood(
            new_cart(cart_id, b"X-Request-Id: flood-%d\r\n" % i) for i, cart_id in enumerate(ids)
        )
        for cart_id in ids[:: N_COMMANDS // 10]:
            self.assertEqual(self.get_cart(cart_id)["version"], 1)

    def flood(self, messages):
        """All in one write, while somebody else goes on."""
        message = b"".join(messages)
        n = message.count(b"X-Request-Id: flood-")
        received = b""
        with self.service.client(is_checked=False) as flood, self.service.client() as other:
            flood.connect()
            flood.socket.setblocking(False)
            end = time.monotonic() + LOAD_TIMEOUT
            for i in itertools.count():
                _, writable, _ = select.select([flood.socket], [flood.socket] if message else [], [], 1)
                if writable:
                    message = message[flood.socket.send(message) :]
                if i % 10 == 0:
                    self.assertEqual(other.get("/livez").status, 200)
                try:
                    more = flood.socket.recv(1 << 20)
                except BlockingIOError:
                    self.assertLess(time.monotonic(), end, "the flood was never answered")
                    continue
                self.assertTrue(more, "closed")
                received += more
                if b"flood-%d\r\n" % (n - 1) in more or received.count(b"flood-") == n:
                    break
        told = [int(i) for i in re.findall(rb"\r\nX-Request-Id: flood-(\d+)\r\n", received)]
        self.assertEqual(told, list(range(n)))

    @needs_binary
    def test_who_reads_no_answers_is_cut_off(self):
        service = self.serve(CARTD_ANSWER_SECONDS=2, CARTD_IDLE_SECONDS=2)
        n_descriptors = self.n_descriptors(service)
        request = b"GET /openapi.yaml HTTP/1.1\r\nHost: x\r\n\r\n"
        clients = []
        for _ in range(20):
            client = socket.create_connection(service.address)
            client.setblocking(False)
            try:
                client.send(request * 3000)
            except BlockingIOError:
                pass
            clients.append(client)
        with service.client() as other:
            for _ in range(100):
                self.assertEqual(other.get("/livez").status, 200)
        wait_until(lambda: self.n_connections(service) == 0, "all were cut off")
        self.assert_given_back(service, n_descriptors + 1)
        for client in clients:
            client.close()


if __name__ == "__main__":
    unittest.main()
