"""A client of server-sent events (WHATWG HTML, section 9.2) on a raw socket."""

import json
import socket
import time

from . import contract
from .client import Answer, NoAnswer
from .settings import ANSWER_TIMEOUT


class EventStream:
    """One stream. read() gives its events; `last_id` is what a client would resume with."""

    def __init__(self, address, target, last_id=None, receive_buffer=None, version="1.1", **headers):
        self.last_id = last_id
        self.retry_ms = None
        self.n_comments = 0
        self.is_over = False
        self.buffered = b""
        self.socket = None
        try:
            found = socket.getaddrinfo(*address, type=socket.SOCK_STREAM)[0]
            family, kind, number, _, socket_address = found
            self.socket = socket.socket(family, kind, number)
            if receive_buffer:
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            self.socket.settimeout(ANSWER_TIMEOUT)
            self.socket.connect(socket_address)
            lines = [f"GET {target} HTTP/{version}", "Host: 127.0.0.1"]
            sent = {"Accept": "text/event-stream", **headers}
            if last_id is not None:
                sent["Last-Event-ID"] = last_id
            lines += [f"{name.replace('_', '-')}: {text}" for name, text in sent.items()]
            self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
            self.answer = self.receive_head(target)
        except OSError as error:
            self.close()
            raise NoAnswer(f"no stream: {error}") from error
        except NoAnswer:
            self.close()
            raise

    def receive_head(self, target):
        while b"\r\n\r\n" not in self.buffered:
            self.more()
            if self.is_over:
                raise NoAnswer("closed before the headers were whole")
        head, self.buffered = self.buffered.split(b"\r\n\r\n", 1)
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {}
        for line in lines:
            name, text = line.split(":", 1)
            headers[name.lower()] = text.strip()
        answer = Answer("GET", target, int(first.split(" ", 2)[1]), headers, b"")
        if headers["content-type"] != "text/event-stream":
            while len(self.buffered) < int(headers["content-length"]) and not self.is_over:
                self.more()
            answer.body = self.buffered
        contract.check(answer, None)
        return answer

    def more(self):
        try:
            received = self.socket.recv(262144)
        except TimeoutError:
            raise
        except OSError:
            received = b""
        if received:
            self.buffered += received
        else:
            self.is_over = True

    def read(self, timeout=ANSWER_TIMEOUT):
        """The next event as (id, type, data); None when none came in time or the stream is over.
        What was only begun when it ended is no event."""
        end = time.monotonic() + timeout
        while True:
            while b"\n\n" in self.buffered:
                block, self.buffered = self.buffered.split(b"\n\n", 1)
                event = self.understand(block.decode())
                if event is not None:
                    return event
            left = end - time.monotonic()
            if self.is_over or left <= 0:
                return None
            self.socket.settimeout(left)
            try:
                self.more()
            except TimeoutError:
                return None

    def read_many(self, n, timeout=ANSWER_TIMEOUT):
        """The next n events, fewer only if they did not come."""
        end = time.monotonic() + timeout
        events = []
        while len(events) < n:
            event = self.read(end - time.monotonic())
            if event is None:
                break
            events.append(event)
        return events

    def understand(self, block):
        name, data = "message", []
        for line in block.split("\n"):
            field, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if field == "":
                self.n_comments += 1
            elif field == "id":
                self.last_id = value
            elif field == "event":
                name = value
            elif field == "data":
                data.append(value)
            elif field == "retry":
                self.retry_ms = int(value)
            else:
                raise AssertionError(f"no such field: {line!r}")
        if not data:
            return None
        if len(data) > 1:
            raise AssertionError(f"an event on several lines: {block!r}")
        return self.last_id, name, json.loads(data[0])

    def close(self):
        if self.socket is not None:
            self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
