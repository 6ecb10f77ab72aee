"""A small HTTP/1.1 client on a raw socket: fast, keeps its connection, and sends what it is told.

Each answer is handed to the contract, which checks and records it, unless `is_checked` is False
(for requests that are no HTTP that openapi.yaml could speak of).
"""

import json
import socket
import urllib.parse

from . import contract
from .settings import ANSWER_TIMEOUT


class NoAnswer(Exception):
    """The connection ended, or could not be made, before a whole answer was read."""


class Answer:
    """One answer: status, headers (names in lower case; repeated ones joined by ", "), body."""

    def __init__(self, method, target, status, headers, body):
        self.method = method
        self.target = target
        self.status = status
        self.headers = headers
        self.body = body

    def json(self):
        return json.loads(self.body)

    @property
    def slug(self):
        """The problem's slug; None when the answer is no problem document."""
        if not self.headers.get("content-type", "").startswith("application/problem+json"):
            return None
        if not self.body:
            return None
        return self.json()["type"].rsplit("/", 1)[1]

    @property
    def etag(self):
        return self.headers.get("etag")

    @property
    def version(self):
        """The version in a strong ETag."""
        return int(self.headers["etag"].strip('"'))

    def __repr__(self):
        return f"<{self.method} {self.target}: {self.status} {self.headers} {self.body[:2000]!r}>"


def encode_json(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


class Client:
    """One connection at a time to one service. Not for use by several threads at once."""

    def __init__(self, host, port, is_checked=True, timeout=ANSWER_TIMEOUT, headers=None):
        self.headers = headers or {}  # of every request
        self.host = host
        self.port = port
        self.is_checked = is_checked
        self.timeout = timeout
        self.socket = None
        self.buffered = b""

    @classmethod
    def of_url(cls, url):
        parts = urllib.parse.urlsplit(url)
        return cls(parts.hostname, parts.port or 80)

    def another(self, **changes):
        """A client with a connection of its own to the same service."""
        settings = {
            "is_checked": self.is_checked,
            "timeout": self.timeout,
            "headers": self.headers,
            **changes,
        }
        return Client(self.host, self.port, **settings)

    def close(self):
        if self.socket is not None:
            self.socket.close()
            self.socket = None
        self.buffered = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def connect(self):
        if self.socket is None:
            try:
                self.socket = socket.create_connection((self.host, self.port), self.timeout)
            except OSError as error:
                raise NoAnswer(f"no connection: {error}") from error
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.buffered = b""

    def request(self, method, target, value=None, body=None, headers=None):
        """Sends one request and returns its Answer. `value` is sent as JSON, `body` as it is."""
        sent = {**self.headers, **(headers or {})}
        if value is not None:
            body = encode_json(value)
            if not any(name.lower() == "content-type" for name in sent):
                sent["Content-Type"] = "application/json"
        message = self.compose(method, target, sent, body)
        is_fresh = self.socket is None
        try:
            answer = self.exchange(message, method, target)
        except NoAnswer:
            # An idle connection may be closed by the service at any time; a fresh one may not.
            # Only what can't have an effect of its own is sent again.
            if is_fresh or method not in ("GET", "HEAD"):
                raise
            answer = self.exchange(message, method, target)
        if self.is_checked:
            contract.check(answer, body)
        return answer

    def compose(self, method, target, headers, body):
        host = f"[{self.host}]" if ":" in self.host else self.host
        lines = [f"{method} {target} HTTP/1.1", f"Host: {host}:{self.port}"]
        lines += [f"{name}: {text}" for name, text in headers.items()]
        if body is not None or method in ("POST", "PUT", "PATCH"):
            lines.append(f"Content-Length: {len(body or b'')}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8") + (body or b"")

    def exchange(self, message, method, target):
        self.send(message)
        return self.receive(method, target)

    def send(self, message):
        self.connect()
        try:
            self.socket.sendall(message)
        except OSError as error:
            # The service may have answered and closed already, as for a body that is too large.
            if not self.has_answer():
                self.close()
                raise NoAnswer(f"sending failed: {error}") from error

    def has_answer(self):
        try:
            return bool(self.socket.recv(1, socket.MSG_PEEK))
        except OSError:
            return False

    def more(self):
        try:
            received = self.socket.recv(262144)
        except OSError as error:
            self.close()
            raise NoAnswer(f"receiving failed: {error}") from error
        if not received:
            self.close()
            raise NoAnswer("the connection was closed before the answer was complete")
        self.buffered += received

    def receive(self, method, target):
        """Reads the next answer on the connection."""
        while True:
            while b"\r\n\r\n" not in self.buffered:
                self.more()
            head, self.buffered = self.buffered.split(b"\r\n\r\n", 1)
            lines = head.decode("latin-1").split("\r\n")
            status = int(lines[0].split(" ", 2)[1])
            if status != 100:
                break
        headers = {}
        for line in lines[1:]:
            name, text = line.split(":", 1)
            name = name.lower()
            headers[name] = f"{headers[name]}, {text.strip()}" if name in headers else text.strip()
        body = b""
        if method != "HEAD" and status not in (204, 304):
            body = self.receive_body(headers)
        if headers.get("connection", "").lower() == "close":
            self.close()
        return Answer(method, target, status, headers, body)

    def receive_body(self, headers):
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return self.receive_chunks()
        length = int(headers.get("content-length", "0"))
        while len(self.buffered) < length:
            self.more()
        body, self.buffered = self.buffered[:length], self.buffered[length:]
        return body

    def receive_chunks(self):
        body = b""
        while True:
            while b"\r\n" not in self.buffered:
                self.more()
            line, self.buffered = self.buffered.split(b"\r\n", 1)
            length = int(line.split(b";")[0], 16)
            while len(self.buffered) < length + 2:
                self.more()
            body += self.buffered[:length]
            self.buffered = self.buffered[length + 2 :]
            if length == 0:
                return body

    # One word a method, as tests read best that way.

    def get(self, target, **options):
        return self.request("GET", target, **options)

    def metrics(self):
        """What /metrics says: numbers by name, the labels in it."""
        lines = self.get("/metrics").body.decode().splitlines()
        rows = [line.rpartition(" ") for line in lines if not line.startswith("#")]
        return {name: float(number) for name, _, number in rows}

    def head(self, target, **options):
        return self.request("HEAD", target, **options)

    def post(self, target, value=None, **options):
        return self.request("POST", target, value, **options)

    def put(self, target, value=None, **options):
        return self.request("PUT", target, value, **options)

    def patch(self, target, value=None, **options):
        return self.request("PATCH", target, value, **options)

    def delete(self, target, value=None, **options):
        return self.request("DELETE", target, value, **options)
