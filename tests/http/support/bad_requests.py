"""The corpus of bad requests (tests/http/bad_requests, whose README says how to read it), and what
happens when one of them is sent."""

import dataclasses
import json
import pathlib
import re
import select
import socket
import time
import tomllib

from .case import make_id

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "bad_requests"
COLUMNS = ("0.9.75", "1.0.1", "0.9.75 behind HAProxy", "1.0.1 behind HAProxy")
KEYS = {"name", "why", "source", "bytes", "expect", "is_head"}

WAITS = "waits"
SILENT_SECONDS = 0.3  # so long nothing comes from who waits for more
TIMEOUT_SECONDS = 20.0
PIECES = 40  # at most; of one that is sent in pieces
PIECE_SECONDS = 0.0003

ESCAPES = {"r": b"\r", "n": b"\n", "t": b"\t", "0": b"\0", "\\": b"\\"}


def new_cart(cart_id, *headers):
    """A request that makes a cart of that id, of 98 bytes without more headers."""
    head = ["POST /carts HTTP/1.1", "Host: x", *headers, "Content-Length: 45"]
    return ("\r\n".join(head) + '\r\n\r\n{"id":"%s"}' % cart_id).encode()


@dataclasses.dataclass(frozen=True)
class BadRequest:
    name: str
    why: str
    source: str
    bytes: str
    expect: tuple
    is_head: bool = False

    def compose(self, smuggled_id):
        """Its bytes, with the request that must not be taken for one."""
        smuggled = new_cart(smuggled_id)
        text = self.bytes.replace("\n", "")
        text = re.sub(r"\{(\d+)\*(.+?)\}", lambda found: int(found[1]) * found[2], text)
        text = text.replace("{length}", str(len(smuggled))).replace("{hex}", f"{len(smuggled):x}")
        before, is_there, after = text.partition("{smuggled}")
        return unescape(before) + (smuggled if is_there else b"") + unescape(after)


def unescape(text):
    def byte(found):
        code = found[1]
        return (ESCAPES.get(code) or bytes([int(code[1:], 16)])).decode("latin-1")

    return re.sub(r"\\(x[0-9a-f]{2}|.)", byte, text).encode("latin-1")


def load():
    found = []
    for path in sorted(FOLDER.glob("*.toml")):
        for entry in tomllib.loads(path.read_text(encoding="utf-8"))["request"]:
            if set(entry) - KEYS or not KEYS - {"is_head"} <= set(entry):
                raise ValueError(f"{path.name}: {entry.get('name')}: has {sorted(entry)}")
            expect = tuple(" ".join(told.split()) for told in entry.pop("expect"))
            if len(expect) != len(COLUMNS):
                raise ValueError(f"{path.name}: {entry['name']}: {len(COLUMNS)} columns, please")
            found.append(BadRequest(expect=expect, **entry))
    names = [request.name for request in found]
    if len(set(names)) != len(names):
        raise ValueError(f"names come twice: {sorted(n for n in names if names.count(n) > 1)}")
    return found


@dataclasses.dataclass
class Outcome:
    """What came of one: the answers in order, each as its status, with an exclamation mark when it
    is not of cartd; and what the connection did in the end."""

    smuggled_id: str
    next_id: str
    answers: list
    end: str  # "closed", "reset", "waits"
    received: bytes

    def __str__(self):
        told = list(self.answers)
        if self.end == WAITS:
            told.append(WAITS)
        return " ".join(told) or "closed"

    def is_cut_short_of(self, expected):
        """A reset may take away a refusal that was on its way to who was still sending."""
        answers = expected.split()
        n = len(self.answers)
        refused = all(answer[0] in "45" for answer in answers[n:])
        return self.end == "reset" and self.answers == answers[:n] and refused


def play(address, request, expected, in_pieces=False):
    """Sends it, and right behind it a proper request that makes a cart and ends the connection."""
    smuggled_id, next_id = make_id(), make_id()
    message = request.compose(smuggled_id) + new_cart(next_id, "Connection: close")
    timeout_s = SILENT_SECONDS if expected.endswith(WAITS) else TIMEOUT_SECONDS
    with socket.create_connection(address, TIMEOUT_SECONDS) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setblocking(False)
        received, end = exchange(connection, message, in_pieces, timeout_s)
    return Outcome(smuggled_id, next_id, split_answers(received, request.is_head), end, received)


def exchange(connection, message, in_pieces, timeout_s):
    """Sends and receives at once, as the answer may come before all is sent."""
    received = b""
    most = max(1, -(-len(message) // PIECES)) if in_pieces else len(message)
    while True:
        writers = [connection] if message else []
        readable, writable, _ = select.select([connection], writers, [], timeout_s)
        if not readable and not writable:
            return received, WAITS
        try:
            if readable:
                more = connection.recv(262144)
                if not more:
                    return received, "closed"
                received += more
            if writable:
                message = message[connection.send(message[:most]) :]
                if in_pieces:
                    time.sleep(PIECE_SECONDS)
        except BlockingIOError:
            continue
        except (ConnectionResetError, BrokenPipeError):
            if message:
                message = b""  # it wants no more; what it has said may still be read
                continue
            return received, "reset"


def split_answers(received, is_head):
    answers = []
    while received:
        head, _, received = received.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1."):
            raise AssertionError(f"this is no answer: {head[:200]!r}")
        status = int(head.split(b" ", 2)[1])
        headers = {}
        for line in head.decode("latin-1").split("\r\n")[1:]:
            name, _, text = line.partition(":")
            headers[name.lower()] = text.strip()
        is_ours = status == 100 or "x-request-id" in headers
        answers.append(f"{status}{'' if is_ours else '!'}")
        if not is_ours and b"x-request-id" not in received.lower():
            break  # libmicrohttpd 0.9.75 sends the head of some of its refusals twice
        is_bodiless = status in (100, 204, 304) or (is_head and len(answers) == 1)
        length = 0 if is_bodiless else int(headers.get("content-length", len(received)))
        received = received[length:]
    return answers


class RequestLog:
    """The requests that a service of ours says it has handled, in its log at the level debug."""

    LOOK = "look-"  # begins the id of a request that only looks

    def __init__(self, service):
        self.service = service
        self.client = service.client()
        self.n_read = 0
        self.n_looks = 0

    def look(self, target):
        self.n_looks += 1
        mark = f"{self.LOOK}{self.n_looks}"
        return self.client.get(target, headers={"X-Request-Id": mark}), mark

    def statuses(self):
        """Of those that were handled since the last call, without looks and checks of health."""
        _, mark = self.look("/livez")
        found = []
        while True:
            line = self.next_line()
            if line.get("event") != "request" or line["path"] == "/readyz":
                continue
            if line["request_id"] == mark:
                return found
            if not line["request_id"].startswith(self.LOOK):
                found.append(str(line["status"]))

    def next_line(self):
        with self.service.changed:
            while len(self.service.lines) == self.n_read:
                if self.service.is_output_over:
                    raise AssertionError(f"it has ended: {self.service.lines[-50:]}")
                self.service.changed.wait()
            text = self.service.lines[self.n_read]
            self.n_read += 1
        return json.loads(text) if text.startswith("{") else {}
