"""A load that keeps books: what was requested, what was answered, and what the log says of it.

Every attempt carries a `traceparent` of its own, which cartd stores with each event: the trace says
which request, the parent which attempt. So the log can be compared with the books event by event:
what was answered is there, once and whole; what was refused is not; what nobody answered is there
once or not at all; and nothing is there that nobody asked for.

Beside honest clients there may be flawed ones, whose books must not balance: a hasty one takes for
done what it has sent, a forgetful one tries again without an Idempotency-Key. If a fault is no
danger to those, the test of it shows nothing.
"""

import collections
import dataclasses
import random
import secrets
import threading
import time

from .case import make_key
from .client import NoAnswer
from .load import Background, wait_until

KEYED = "keyed"  # sends keys, tries again until it is answered
BARE = "bare"  # sends none and gives up when it can't know
HASTY = "hasty"  # takes for done what may have been done
FORGETFUL = "forgetful"  # tries again as if it were for the first time

TIMEOUT_S = 300  # for one request to be answered
STEPS_OF_A_CART = 12
HOT_CART_LENGTH = 600  # well under what a line holds
REPLAYS = 40

DONE, NOTHING, UNKNOWN, REFUSED = "done", "nothing", "unknown", "refused"


@dataclasses.dataclass
class Request:
    kind: str
    method: str
    target: str
    value: object
    n_events: int
    key: str | None = None
    trace: str = ""
    attempts: list = dataclasses.field(default_factory=list)  # what became of each
    answer: object = None  # the one that settled it
    is_claimed: bool = False  # its client believes that it is done, with or without an answer

    def traceparent(self):
        return f"00-{self.trace}-{len(self.attempts) + 1:016x}-01"


@dataclasses.dataclass
class Row:
    """One event of the log, by the attempt that it says it is of."""

    stream_id: str
    version: int
    type: str
    command_id: str
    attempt: int


class Books:
    """The requests of one kind of clients."""

    def __init__(self):
        self.tag = secrets.token_hex(6)
        self.lock = threading.Lock()
        self.requests = {}
        self.carts = set()
        self.n_done = 0
        self.n_failed = 0
        self.failed_reads = []

    def open(self, request):
        request.trace = self.tag + secrets.token_hex(10)
        with self.lock:
            self.requests[request.trace] = request
        return request

    def note(self, request, outcome, answer=None):
        with self.lock:
            request.attempts.append(outcome)
            if outcome == DONE:
                request.answer = answer
                request.is_claimed = True
                self.n_done += 1
            elif outcome != REFUSED:
                request.is_claimed = request.kind == HASTY and outcome == UNKNOWN
                self.n_failed += 1

    def judge(self, database):
        """What the log does not bear out, as sentences."""
        rows = collections.defaultdict(list)
        n_strangers = 0
        for stream_id, version, kind, command_id, trace, attempt in database.sql(
            "SELECT stream_id, version, type, command_id,"
            " split_part(metadata->>'traceparent', '-', 2),"
            " split_part(metadata->>'traceparent', '-', 3)"
            " FROM events WHERE stream_type = 'cart' ORDER BY position;",
            timeout=600,
        ):
            if trace.startswith(self.tag):
                row = Row(stream_id, int(version), kind, command_id, int(attempt, 16))
                rows[trace].append(row)
            elif stream_id in self.carts:
                n_strangers += 1
        with self.lock:
            complaints = list(self.failed_reads)
            if n_strangers:
                complaints.append(f"{n_strangers} events in these carts are of no request")
            for trace in rows.keys() - self.requests.keys():
                complaints.append(f"nobody asked for {rows[trace]}")
            for trace, request in self.requests.items():
                faults = judge(request, rows[trace])
                complaints += [f"{fault}: {request} {rows[trace]}" for fault in faults]
        return complaints


def judge(request, rows):
    """What is wrong with the events of one request."""
    if request.is_claimed and not rows:
        yield "lost"
    if len({row.attempt for row in rows}) > 1 or len({row.command_id for row in rows}) > 1:
        yield "done twice"
        return
    if rows and len(rows) != request.n_events:
        yield "done by half"
    # An attempt beyond those noted was cut off with its client.
    if rows and rows[0].attempt <= len(request.attempts):
        if request.attempts[rows[0].attempt - 1] in (NOTHING, REFUSED):
            yield "done, though the answer was that nothing was"
    if rows and request.answer is not None and rows[-1].version != request.answer.version:
        yield f"answered with version {request.answer.version}"
    if request.kind == KEYED and not request.is_claimed and request.attempts[-1:] != [REFUSED]:
        yield "never answered"


class Shopper:
    """One client. It comes back to whichever service answers."""

    def __init__(self, books, kind, make_client, sku, hot, seed):
        self.books = books
        self.kind = kind
        self.make_client = make_client
        self.sku = sku
        self.hot = hot  # a cart that others add to as well, so that versions conflict
        self.chance = random.Random(seed)
        self.client = None
        self.is_over = None

    def run(self, is_over):
        self.is_over = is_over
        try:
            while not is_over.is_set():
                self.fill_a_cart()
        finally:
            self.disconnect()

    # ---- what it does ----

    def fill_a_cart(self):
        cart_id = self.make_cart()
        if cart_id is None:
            return
        path = f"/carts/{cart_id}"
        for _ in range(STEPS_OF_A_CART):
            if self.is_over.is_set():
                return
            self.take_a_step(path)
        if self.kind == KEYED:
            self.request("POST", f"{path}/checkout", None, 1)

    def make_cart(self):
        made = self.request("POST", "/carts", {"items": [{"sku": self.sku}]}, 2)
        if made is None:
            return None
        cart_id = made.headers["location"].rsplit("/", 1)[1]
        self.books.carts.add(cart_id)
        return cart_id

    def take_a_step(self, path):
        dice = self.chance.random()
        item = {"sku": self.sku, "quantity": self.chance.randint(1, 3)}
        if dice < 0.25:
            self.add_to_hot_cart(item)
        elif dice < 0.35:
            add = {"type": "add_item", **item}
            self.request("POST", f"{path}/commands", {"commands": [add, add, add]}, 3)
        else:
            answer = self.request("POST", f"{path}/items", item, 1)
            if answer is not None and dice > 0.9:
                self.check_read(path, answer.version)

    def add_to_hot_cart(self, item):
        cart_id = self.hot[-1]
        answer = self.request("POST", f"/carts/{cart_id}/items", {**item, "quantity": 1}, 1)
        if answer is None or answer.version < HOT_CART_LENGTH or self.hot[-1] != cart_id:
            return
        another = self.make_cart()
        if another:
            self.hot.append(another)

    def check_read(self, path, version):
        """A read shows what was answered before it."""
        try:
            answer = self.connected().get(path)
        except NoAnswer:
            self.disconnect()
            return
        if answer.status == 503:
            return
        if answer.status != 200 or answer.version < version:
            self.books.failed_reads.append(f"version {version} was answered before {answer}")

    # ---- how it asks ----

    def connected(self):
        if self.client is None:
            client = self.make_client()
            client.connect()
            self.client = client
        return self.client

    def disconnect(self):
        if self.client is not None:
            self.client.close()
            self.client = None

    def request(self, method, target, value, n_events):
        """The answer, or None when there is none to rely on."""
        key = make_key() if self.kind == KEYED else None
        request = self.books.open(Request(self.kind, method, target, value, n_events, key))
        end = time.monotonic() + TIMEOUT_S
        while not self.attempt(request):
            time.sleep(0.02)
            has_given_up = self.kind in (BARE, HASTY) or request.attempts[-1:] == [REFUSED]
            if has_given_up or (self.kind == FORGETFUL and self.is_over.is_set()):
                return None
            if time.monotonic() > end:
                raise AssertionError(f"never answered: {request}")
        return request.answer

    def attempt(self, request):
        """True when it is done."""
        try:
            client = self.connected()
        except NoAnswer:
            return False  # it was not even sent
        headers = {"traceparent": request.traceparent()}
        if request.key:
            headers["Idempotency-Key"] = request.key
        if self.chance.random() < 0.8:
            headers["Prefer"] = "return=minimal"
        try:
            answer = client.request(request.method, request.target, request.value, headers=headers)
        except NoAnswer:
            self.disconnect()
            self.books.note(request, UNKNOWN)
            return False
        self.books.note(request, outcome_of(answer), answer)
        return answer.status < 300


def outcome_of(answer):
    if answer.status in (200, 201, 204):
        return DONE
    if answer.slug == "quantity-out-of-range":
        return REFUSED
    if answer.status == 503:
        return UNKNOWN if "may or may not" in answer.json()["detail"] else NOTHING
    raise AssertionError(f"neither done nor unavailable: {answer}")


class Load:
    """Clients of all kinds, at work in the background until finish()."""

    def __init__(self, make_client, sku, n_keyed=8, n_bare=3, n_flawed=2):
        self.books = {kind: Books() for kind in (KEYED, BARE, HASTY, FORGETFUL)}
        kinds = [KEYED] * n_keyed + [BARE] * n_bare + [HASTY, FORGETFUL] * n_flawed
        self.make_client = make_client
        hot = {kind: [] for kind in self.books}
        self.shoppers = [
            Shopper(self.books[kind], kind, make_client, sku, hot[kind], f"{kind}-{i}")
            for i, kind in enumerate(kinds)
        ]
        # Before anything goes wrong each kind has a cart to share.
        for kind in hot:
            first = next((shopper for shopper in self.shoppers if shopper.kind == kind), None)
            if first:
                hot[kind].append(first.make_cart())
        self.shopping = Background(len(kinds), lambda i, is_over: self.shoppers[i].run(is_over))

    @property
    def n_done(self):
        return sum(books.n_done for books in self.books.values())

    @property
    def n_failed(self):
        return sum(books.n_failed for books in self.books.values())

    def wait_for(self, n, timeout=120):
        """Until so many more are done."""
        before = self.n_done
        wait_until(
            lambda: self.n_done >= before + n or self.shopping.failures, "commands are done", timeout
        )

    def finish(self):
        self.shopping.finish()

    def complaints(self, database):
        """What the log says against the honest clients' books; nothing, if nothing is wrong."""
        return [
            complaint for kind in (KEYED, BARE) for complaint in self.books[kind].judge(database)
        ]

    def replayable(self):
        """The newest of the requests that can be sent again."""
        requests = self.books[KEYED].requests.values()
        return [request for request in requests if request.answer is not None][-REPLAYS:]

    def refuted(self, database):
        """The flawed kinds of which the books don't balance."""
        return {kind for kind in (HASTY, FORGETFUL) if self.books[kind].judge(database)}
