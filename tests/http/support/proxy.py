"""A wire that a test can spoil: between the service and PostgreSQL, or between a client and the
service. Also after a transaction has committed and before the service hears of it, which no stop of
a server does reliably.

It delays, delivers in small pieces, freezes, swallows, cuts and resets; at any moment, or at a byte
that is counted from when it is told. Requests are what flows towards the target, answers what
comes back.
"""

import socket
import struct
import threading
import time
import urllib.parse

REQUEST = "request"
ANSWER = "answer"

# How a connection ends: in order, or with a reset that also destroys what is still on its way.
CUT = "cut"
RESET = "reset"
FREEZE = "freeze"


class Proxy:
    """Listens on a free port of 127.0.0.1 and passes everything on."""

    def __init__(self, port, host="127.0.0.1"):
        self.target = (host, port)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.listener.getsockname()[1]
        self.lock = threading.Lock()
        self.sockets = []
        self.is_deaf = False  # answers are thrown away
        self.n_swallowed = 0
        self.n_connections = 0
        self.delay_s = {REQUEST: 0.0, ANSWER: 0.0}
        self.piece = {REQUEST: 0, ANSWER: 0}  # bytes at a time; 0: as they come
        self.flows = threading.Event()
        self.flows.set()
        self.left = {REQUEST: None, ANSWER: None}  # bytes until the mishap; None: there is none
        self.mishap = CUT
        self.n_mishaps = 0
        self.recorded = {REQUEST: None, ANSWER: None}
        threading.Thread(target=self.accept, daemon=True).start()

    @classmethod
    def of_database(cls, url):
        """One in front of a PostgreSQL, and the connection string that goes through it."""
        parts = urllib.parse.urlsplit(url)
        proxy = cls(parts.port or 5432, parts.hostname)
        login = parts.netloc.rpartition("@")[0]
        netloc = f"{login}@127.0.0.1:{proxy.port}" if login else f"127.0.0.1:{proxy.port}"
        return proxy, urllib.parse.urlunsplit(parts._replace(netloc=netloc))

    def accept(self):
        while True:
            try:
                inner, _ = self.listener.accept()
            except OSError:
                return
            try:
                outer = socket.create_connection(self.target)
            except OSError:
                inner.close()
                continue
            for connection in (inner, outer):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                self.sockets += [inner, outer]
                self.n_connections += 1
            for source, sink, direction in ((inner, outer, REQUEST), (outer, inner, ANSWER)):
                threading.Thread(
                    target=self.pump, args=(source, sink, direction), daemon=True
                ).start()

    def pump(self, source, sink, direction):
        try:
            while True:
                received = source.recv(65536)
                if not received:
                    break
                self.pass_on(received, source, sink, direction)
        except OSError:
            pass
        self.end(source)
        self.end(sink)

    def pass_on(self, received, source, sink, direction):
        if self.delay_s[direction]:
            time.sleep(self.delay_s[direction])
        self.flows.wait()
        if direction == ANSWER and self.is_deaf:
            self.n_swallowed += len(received)
            return
        allowed, has_mishap = self.allow(received, direction)
        self.deliver(allowed, sink, direction)
        if has_mishap and self.mishap == FREEZE:
            self.flows.wait()
            self.deliver(received[len(allowed) :], sink, direction)
        elif has_mishap:
            for connection in (source, sink):
                self.end(connection, self.mishap)

    def allow(self, received, direction):
        """What may pass before the mishap, and whether that is now."""
        with self.lock:
            if self.recorded[direction] is not None:
                self.recorded[direction] += received
            left = self.left[direction]
            if left is None or left > len(received):
                self.left[direction] = None if left is None else left - len(received)
                return received, False
            self.left[direction] = None
            self.n_mishaps += 1
            if self.mishap == FREEZE:
                self.flows.clear()
            return received[:left], True

    def deliver(self, chunk, sink, direction):
        piece = self.piece[direction] or len(chunk)
        for start in range(0, len(chunk), piece or 1):
            sink.sendall(chunk[start : start + piece])

    @staticmethod
    def end(connection, how=CUT):
        """Wakes whoever reads from it, too; a close alone would not, and would end nothing while
        somebody reads."""
        try:
            if how == RESET:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.shutdown(socket.SHUT_RD)  # sends nothing
            else:
                connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        connection.close()

    # ---- what a test says ----

    def swallow_answers(self):
        """From now on requests arrive, and their answers don't."""
        self.is_deaf = True

    def strike(self, direction, after, how=CUT):
        """Lets so many more bytes pass in that direction; then the connection on which the next one
        would pass ends, or everything freezes."""
        with self.lock:
            self.mishap = how
            self.left[direction] = after

    def record(self):
        with self.lock:
            self.recorded = {REQUEST: b"", ANSWER: b""}

    def take_recorded(self):
        """What was asked and answered since record(), over all connections."""
        with self.lock:
            recorded, self.recorded = self.recorded, {REQUEST: None, ANSWER: None}
        return recorded[REQUEST], recorded[ANSWER]

    def freeze(self):
        """Nothing arrives anywhere, and nobody is told."""
        self.flows.clear()

    def thaw(self):
        self.flows.set()

    def slow_down(self, delay_s=0.0, piece=0):
        """Both ways: this late, and in pieces of so many bytes."""
        for direction in (REQUEST, ANSWER):
            self.delay_s[direction] = delay_s
            self.piece[direction] = piece

    def cut(self, how=CUT):
        """Ends every connection; new ones work again."""
        with self.lock:
            sockets, self.sockets = self.sockets, []
        for connection in sockets:
            self.end(connection, how)
        self.is_deaf = False
        self.thaw()

    def close(self):
        self.listener.close()
        self.cut()
