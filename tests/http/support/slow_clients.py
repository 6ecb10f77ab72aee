"""Many slow connections from a process of their own, so that whoever measures is not slowed down by them:

    python3 slow_clients.py HOST PORT N again|once

Each connection does one thing: says nothing; drips the headers of a request, a byte a second; or drips a
body. With `once` there is another kind, which says half a request and that no more will come. Says
"ready" when all are connected. Ends when its input does, or with `once` when the service has ended all
of them; then says how many of each kind it has ended. With `again` each that was ended is replaced."""

import collections
import json
import os
import select
import socket
import sys
import time

HEAD = b"POST /carts HTTP/1.1\r\nHost: x\r\n"
KINDS = {
    "silent": (b"", b""),
    "headers": (b"", HEAD + b"X-Slow: y\r\n" * 10000),
    "body": (HEAD + b"Content-Length: 60000\r\n\r\n", b" " * 60000),
    "half-closed": (HEAD, b""),
}
PAUSE_SECONDS = 1.0  # between two bytes of a connection
CONNECTS_AT_ONCE = 200


class SlowConnection:
    def __init__(self, address, kind):
        self.kind = kind
        first, self.rest = KINDS[kind]
        self.offset = 0
        self.socket = socket.create_connection(address, 20)
        if first:
            self.socket.sendall(first)
        if kind == "half-closed":
            self.socket.shutdown(socket.SHUT_WR)
        self.socket.setblocking(False)
        self.due = time.monotonic() + PAUSE_SECONDS

    def drip(self):
        """False when there is nobody to drip to."""
        self.due = time.monotonic() + PAUSE_SECONDS
        byte = self.rest[self.offset : self.offset + 1]
        self.offset += 1
        try:
            return not byte or self.socket.send(byte) == 1
        except BlockingIOError:
            return True
        except OSError:
            return False


class SlowClients:
    def __init__(self, address, n, is_again):
        self.address = address
        self.n = n
        self.is_again = is_again
        # One that is ended at once can't be slow again and again.
        self.kinds = [kind for kind in KINDS if not is_again or kind != "half-closed"]
        self.n_begun = 0
        self.epoll = select.epoll()
        self.epoll.register(sys.stdin.fileno(), select.EPOLLIN | select.EPOLLHUP)
        self.connections = {}
        self.queue = collections.deque()  # by when they are due
        self.ended = collections.Counter()
        self.refused = 0

    def begin(self):
        try:
            connection = SlowConnection(self.address, self.kinds[self.n_begun % len(self.kinds)])
        except OSError:
            self.refused += 1
            return
        finally:
            self.n_begun += 1
        self.connections[connection.socket.fileno()] = connection
        self.epoll.register(connection.socket.fileno(), select.EPOLLIN | select.EPOLLRDHUP)
        self.queue.append(connection)

    def end(self, connection):
        self.ended[connection.kind] += 1
        del self.connections[connection.socket.fileno()]
        self.epoll.unregister(connection.socket.fileno())
        connection.socket.close()

    def run(self):
        is_told = False
        while True:
            if self.n_begun < self.n or self.is_again:
                for _ in range(min(CONNECTS_AT_ONCE, self.n - len(self.connections))):
                    self.begin()
            if self.n_begun >= self.n and not is_told:
                print("ready", flush=True)
                is_told = True
            if self.n_begun >= self.n and not self.connections and not self.is_again:
                break
            if not self.work():
                break
        report = {"ended": self.ended, "refused": self.refused, "left": len(self.connections)}
        print(json.dumps(report), flush=True)

    def work(self):
        now = time.monotonic()
        while self.queue and self.queue[0].due <= now:
            connection = self.queue.popleft()
            if connection.socket.fileno() < 0:
                continue
            if connection.drip():
                self.queue.append(connection)
            else:
                self.end(connection)
        for fd, _ in self.epoll.poll(0.05):
            if fd == sys.stdin.fileno():
                if not os.read(fd, 100):
                    return False
                continue
            connection = self.connections[fd]
            try:
                if not connection.socket.recv(65536):
                    self.end(connection)
            except BlockingIOError:
                continue
            except OSError:
                self.end(connection)
        return True


if __name__ == "__main__":
    SlowClients((sys.argv[1], int(sys.argv[2])), int(sys.argv[3]), sys.argv[4] == "again").run()
