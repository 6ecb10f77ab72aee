"""The load: a few customers, coupons and carts, and many who want something of them at once.

What is drawn races: rings of merges, three logins of a customer at once, checkouts with the last
use of a coupon. Each request carries a `traceparent` of its own, which cartd stores with each event.
"""

import collections
import contextlib
import itertools
import random
import secrets
import threading
import time

from answers import DONE, NOTHING, REFUSED, UNKNOWN, Attempt, Request
from support import Background, Client, NoAnswer

# Each of the coupons of a cart, 8 at the most, takes tenths of what is left: no total is rounded.
PRICE = 10**8
SKUS = ("tea", "cup", "pot")
CUSTOMERS = ("ada", "bob", "eve", "kim")
# percent, limit, limit_per_customer, combinable
COUPON_FORMS = (
    (1000, 3, None, True),
    (2000, 5, 1, True),
    (5000, None, 1, False),
    (1000, 10, 2, True),
)
RECENT = 16
COUPONS = 3
ANSWERED_WITHIN = 180.0  # seconds; only what hangs for good is longer about it
WEIGHTS = {
    "create": 6,
    "guest": 14,
    "add": 14,
    "take_out": 3,
    "claim": 6,
    "login": 5,
    "logins": 2,
    "merge": 6,
    "ring": 2,
    "revert": 8,
    "apply": 20,
    "drop": 2,
    "checkout": 14,
    "buy": 10,
    "reopen": 14,
    "cancel": 2,
    "reprice": 5,
    "define": 0.5,
    "read_customer": 4,
    "read_coupon": 4,
}


class Load:
    """Clients at work in the background until finish()."""

    def __init__(self, ports, seed, n_clients, timeout):
        self.ports = ports
        self.timeout = timeout
        self.clock = itertools.count(1)
        self.lock = threading.Lock()
        self.requests = []
        self.n_settled = 0
        self.carts = collections.deque(maxlen=RECENT)
        self.closed = collections.deque(maxlen=RECENT)
        self.guests = collections.deque(maxlen=RECENT)
        self.merged = collections.deque(maxlen=RECENT)  # (cart, other)
        self.codes = collections.deque(maxlen=COUPONS)
        self.urgent = collections.deque()  # what is to race with what was drawn just now
        self.numbers = itertools.count(1)
        play_opening(Shopper(self, f"{seed}-opening"))
        self.work = Background(
            n_clients, lambda i, is_over: Shopper(self, f"{seed}-{i}").run(is_over)
        )

    def open(self, request):
        request.trace = secrets.token_hex(16)
        with self.lock:
            self.requests.append(request)

    def file(self, cart, status):
        """Puts a cart where those of that status are drawn from."""
        with self.lock:
            for carts in (self.carts, self.closed):
                if cart in carts:
                    carts.remove(cart)
            if status in ("open", "checked_out", "cancelled"):
                (self.carts if status == "open" else self.closed).append(cart)

    def wait_for(self, n):
        """Until so many more are settled, or the load has failed."""
        wanted = self.n_settled + n
        while self.n_settled < wanted and not self.work.failures:
            time.sleep(0.02)

    def finish(self):
        self.work.finish()


class Shopper:
    """One client. It comes back to whichever process answers."""

    def __init__(self, load, seed):
        self.load = load
        self.chance = random.Random(seed)
        self.client = None
        self.kinds, self.weights = zip(*WEIGHTS.items())

    def run(self, is_over):
        while not is_over.is_set():
            request = self.draw()
            if request is not None:
                self.ask(request)
        self.disconnect()

    def draw(self):
        with contextlib.suppress(IndexError):
            return self.load.urgent.popleft()
        try:
            return getattr(self, self.chance.choices(self.kinds, self.weights)[0])()
        except (IndexError, ValueError):
            return None  # there are too few of that kind yet

    # ---- what is asked ----

    def any_cart(self):
        """One that is open, as far as is known, or seldom another."""
        carts = self.load.carts if self.chance.random() < 0.9 else self.load.closed
        return self.chance.choice(carts)

    def any_item(self):
        return self.chance.choice(SKUS), self.chance.choice((1, 2, 3, 250, 600))

    def any_customer(self):
        return self.chance.choice(CUSTOMERS)

    def any_code(self):
        return self.chance.choice(self.load.codes)

    def post(self, kind, cart, what, value=None, **members):
        return Request(kind, "POST", f"/carts/{cart}/{what}", value, cart=cart, **members)

    def create(self, customer=None):
        customer = customer or self.any_customer()
        value = {"customer_id": customer, "items": [describe(*self.any_item())]}
        return Request("create", "POST", "/carts", value, customer=customer)

    def guest(self, item=None):
        value = {"items": [describe(*item or self.any_item())]}
        return Request("guest", "POST", "/carts", value)

    def add(self, cart=None):
        sku, quantity = self.any_item()
        cart, value = cart or self.any_cart(), describe(sku, quantity)
        return self.post("add", cart, "items", value, sku=sku, quantity=quantity)

    def take_out(self):
        cart, sku = self.any_cart(), self.chance.choice(SKUS)
        return Request("take_out", "DELETE", f"/carts/{cart}/items/{sku}", cart=cart, sku=sku)

    def claim(self, customer=None, **value):
        value["customer_id"] = customer = customer or self.any_customer()
        cart = self.load.guests.pop() if self.chance.random() < 0.5 else self.any_cart()
        return self.post("claim", cart, "claim", value, customer=customer)

    def login(self, customer=None):
        return self.claim(customer, merge="sum")

    def logins(self):
        customer = self.any_customer()
        self.load.urgent += [self.login(customer) for _ in range(3)]

    def merge(self, pair=None):
        if pair is None and self.load.merged and self.chance.random() < 0.1:
            pair = self.chance.choice(self.load.merged)
        cart, other = pair or self.chance.sample(list(self.load.carts)[-8:], 2)
        self.load.merged.append((cart, other))
        return self.post("merge", cart, "merge", {"from": other}, other=other)

    def ring(self):
        ring = self.chance.sample(list(self.load.carts)[-12:], self.chance.choice((2, 3)))
        self.load.urgent += [self.merge(pair) for pair in zip(ring, [*ring[1:], ring[0]])]

    def revert(self, pair=None):
        cart, other = pair or self.chance.choice(self.load.merged)
        return self.post("revert", cart, f"merge/{other}/revert", other=other)

    def apply(self, cart=None, code=None):
        cart, code = cart or self.any_cart(), code or self.any_code()
        return self.post("apply", cart, "coupons", {"code": code}, code=code)

    def drop(self):
        cart, code = self.any_cart(), self.any_code()
        return Request("drop", "DELETE", f"/carts/{cart}/coupons/{code}", cart=cart, code=code)

    def buy(self):
        code = self.any_code()
        commands = [{"type": "apply_coupon", "code": code}, {"type": "check_out"}]
        return self.post("buy", self.any_cart(), "commands", {"commands": commands}, code=code)

    def checkout(self, cart=None):
        return self.post("checkout", cart or self.any_cart(), "checkout")

    def reopen(self, cart=None):
        return self.post("reopen", cart or self.chance.choice(self.load.closed), "reopen")

    def cancel(self, cart=None):
        return self.post("cancel", cart or self.any_cart(), "cancel")

    def reprice(self):
        return self.post("reprice", self.any_cart(), "reprice")

    def define(self):
        number = next(self.load.numbers)
        percent, limit, limit_per_customer, combinable = COUPON_FORMS[number % len(COUPON_FORMS)]
        value = {"percent": percent, "combinable": combinable}
        value["limit"], value["limit_per_customer"] = limit, limit_per_customer
        value = {name: member for name, member in value.items() if member is not None}
        code = f"c{number}"
        return Request("define", "PUT", f"/coupons/{code}", value, code=code)

    def product(self, sku):
        value = {"name": sku, "prices": {"EUR": PRICE}}
        return Request("define", "PUT", f"/products/{sku}", value)

    def read_customer(self):
        customer = self.any_customer()
        return Request("read-customer", "GET", f"/customers/{customer}/cart", customer=customer)

    def read_coupon(self):
        code = self.any_code()
        return Request("read-coupon", "GET", f"/coupons/{code}", code=code)

    # ---- how it is asked ----

    def ask(self, request):
        """Until it is settled, or once if it can't be repeated."""
        if request.takes_key and self.chance.random() < 0.6:
            request.key = request.key or secrets.token_hex(16)
        self.load.open(request)
        end = time.monotonic() + ANSWERED_WITHIN
        self.attempt(request)
        while request.is_open and time.monotonic() < end:
            time.sleep(0.02)
            self.attempt(request)
        self.load.n_settled += 1
        self.learn(request)

    def attempt(self, request):
        number = len(request.attempts) + 1
        headers = {"traceparent": f"00-{request.trace}-{number:016x}-01"}
        if request.key is not None:
            headers["Idempotency-Key"] = request.key
        attempt = Attempt(next(self.load.clock))
        request.attempts.append(attempt)
        try:
            self.connect()
            answer = self.client.request(
                request.method, request.target, request.value, headers=headers
            )
        except NoAnswer:
            self.disconnect()
            return
        attempt.end = next(self.load.clock)
        note_answer(request, attempt, answer)
        if answer.status == 503:
            self.disconnect()

    def connect(self):
        if self.client is None:
            port = self.chance.choice(self.load.ports)
            self.client = Client("127.0.0.1", port, is_checked=False, timeout=self.load.timeout)

    def disconnect(self):
        if self.client is not None:
            self.client.close()
            self.client = None

    def learn(self, request):
        """What others can do with it from now on."""
        load, cart = self.load, request.cart or request.body.get("id")
        status = request.body.get("status" if request.outcome == DONE else "cart_status")
        if status is not None and not request.is_read:
            load.file(cart, status)
        if request.outcome != DONE:
            return
        if request.kind == "guest":
            load.guests.append(cart)
        if request.kind == "define" and request.code:
            load.codes.append(request.code)


def describe(sku, quantity):
    return {"sku": sku, "quantity": quantity}


def play_opening(shopper):
    """Before anything goes wrong: what each control needs a history to have, once and in order."""

    def play(request):
        request.key = secrets.token_hex(16) if request.takes_key else None
        shopper.ask(request)
        return request.body.get("id")

    for sku in SKUS:
        play(shopper.product(sku))
    for _ in range(3):
        play(shopper.define())
    first, another = play(shopper.create("ada")), play(shopper.create("bob"))
    for cart in (first, another):
        play(shopper.apply(cart, "c1"))
        play(shopper.checkout(cart))
    second = play(shopper.create("ada"))
    play(shopper.create("ada"))  # refused, and so is the next
    play(shopper.apply(second, "c1"))
    play(shopper.cancel(second))
    play(shopper.reopen(first))
    one, two, three = (play(shopper.guest(("tea", quantity))) for quantity in (5, 5, 997))
    for pair in ((one, two), (one, three)):
        play(shopper.merge(pair))
        play(shopper.revert(pair))
    play(shopper.add(one))
    play(shopper.read_coupon())
    play(shopper.define())
    shopper.disconnect()


def note_answer(request, attempt, answer):
    request.status, request.slug = answer.status, answer.slug
    request.body = answer.json() if answer.body else {}
    if answer.status < 300 or (answer.status == 404 and request.kind == "read-customer"):
        attempt.outcome = DONE
    elif answer.status < 500:
        attempt.outcome = REFUSED
    elif answer.status == 503 and int(answer.headers.get("retry-after", "0")) > 0:
        attempt.outcome = UNKNOWN if "may or may not" in request.body["detail"] else NOTHING
    else:
        attempt.is_error = True
