"""Requests of every operation, damaged at random: whatever they become, none is answered with a 500,
nothing is recorded that can't be read again, and the service goes on.

The seed is printed when a test fails; CARTD_TEST_SEED plays it again. 600 requests are sent, or, with
CARTD_TEST_LONG=1, 20,000.
"""

import os
import random
import re
import secrets
import socket
import unittest

from support import contract, how_many, needs_binary, run_cartd
from test_input import InputCase

SEED = os.environ.get("CARTD_TEST_SEED") or secrets.token_hex(4)
N_REQUESTS = how_many(600, quick=400, long=20000)

# What is put in, besides bytes at random.
PIECES = (
    b"\x00", b"\r\n", b"\n", b"\r", b"\t", b" ", b'"', b"\\", b"%00", b"%FF", b"%2F", b"%", b"?", b"&",
    b"=", b"\xff", b"\xed\xa0\x80", b"\xc2\x9b", b"\\u0000", b"\\ud800", b"\\ud83d\\ude00", b"-0", b"1e9",
    b"9007199254740992", b"99999999999999999999", b"1e999", b"null", b"true", b"[", b"]", b"{", b"}", b",",
    b":", b"[" * 20, b"'", b";", b"--", b"A" * 300, b"\xef\xbf\xbe", b"\xf4\x8f\xbf\xbf", b"\x7f", b"../",
    b"Transfer-Encoding: chunked\r\n", b"Content-Length: 5\r\n", b"Expect: 100-continue\r\n",
    b'If-Match: "1"\r\n', b"Idempotency-Key: k\r\n", b"Prefer: return=minimal\r\n", b"\r\n\r\n",
    b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n",
)  # fmt: skip
# 501 and 505 are right: for encodings and versions of HTTP that are none of ours.
FAULTS = (b"500", b"502", b"503", b"504")
# A stream or a long poll would be waited for.
HELD = re.compile(rb"event-stream|wait", re.IGNORECASE)


def damage(message, dice):
    """The message with one to four changes."""
    for _ in range(dice.choice((1, 1, 1, 2, 3, 4))):
        offset = dice.randrange(len(message) + 1)
        length = dice.choice((1, 1, 2, 5, 20))
        kind = dice.randrange(4)
        if kind == 0:
            message = message[:offset] + dice.choice(PIECES) + message[offset:]
        elif kind == 1:
            message = message[:offset] + dice.choice(PIECES) + message[offset + length :]
        elif kind == 2:
            message = message[:offset] + message[offset + length :]
        else:
            message = message[:offset] + bytes([dice.randrange(256)]) + message[offset + 1 :]
    return message


class Random(InputCase):
    def setUp(self):
        super().setUp()
        self.dice = random.Random(SEED)
        self.good = [
            (operation.method, *self.requests.make(operation)[1:])
            for operation in contract.contract().operations.values()
        ]

    def compose(self):
        """A request: damaged in its body alone, in its target alone, or anywhere."""
        method, target, body = self.dice.choice(self.good)
        headers = {"X-Request-Id": "a-1", "Accept": "application/json", "Connection": "close"}
        kind = self.dice.randrange(3)
        if kind == 0 and body:
            return self.client.compose(method, target, headers, damage(body, self.dice))
        if kind == 1:
            line = damage(target.encode(), self.dice)
            return self.client.compose(method, "TARGET", headers, body).replace(b"TARGET", line, 1)
        return damage(self.client.compose(method, target, headers, body), self.dice)

    def statuses(self, message):
        """The statuses of all answers to some bytes."""
        received = b""
        with self.service.client(timeout=0.3) as client:
            client.connect()
            try:
                client.socket.sendall(message)
                client.socket.shutdown(socket.SHUT_WR)
                while chunk := client.socket.recv(262144):
                    received += chunk
            except OSError:
                pass  # it may be waited for more, or the connection be reset
        return re.findall(rb"HTTP/1\.[01] (\d+) ", received)

    def test_no_damage_does_damage(self):
        seen = set()
        for number in range(N_REQUESTS):
            message = self.compose()
            if HELD.search(message):
                continue
            for status in self.statuses(message):
                self.assertNotIn(status, FAULTS, f"seed {SEED}, request {number}: {message!r}")
                seen.add(status)
        self.assertGreaterEqual(seen, {b"200", b"400", b"404", b"422"})

    @needs_binary
    def tearDown(self):
        self.client.close()  # it may have been idle for too long
        super().tearDown()
        done = run_cartd("verify", url=self.database.app_url)
        self.assertEqual(done.returncode, 0, f"seed {SEED}: {done.stdout}{done.stderr}")


if __name__ == "__main__":
    unittest.main()
