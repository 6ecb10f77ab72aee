"""The requests of the load with what was answered, and whether the log bears that out.

Nothing here looks at a clock. When something was asked and answered is a number of a counter, and
what was answered before a request began is at the lowest position that the request can have seen:
an event is committed before it is answered, and positions are in the order of the commits.
"""

import bisect
import collections
import dataclasses

from log import CANCELLED, CHECKED_OUT, MERGED, OPEN

DONE, REFUSED, NOTHING, UNKNOWN = "done", "refused", "nothing", "unknown"
FOREVER = 1 << 62


@dataclasses.dataclass
class Attempt:
    begin: int
    end: int = FOREVER
    outcome: str = UNKNOWN
    is_error: bool = False  # a 500, or a 503 that does not say when to come back


@dataclasses.dataclass
class Request:
    """What a request is about is in the members that its kind has."""

    kind: str
    method: str
    target: str
    value: dict | None = None
    cart: str | None = None
    other: str | None = None
    customer: str | None = None
    code: str | None = None
    sku: str | None = None
    quantity: int = 0
    key: str | None = None
    trace: str = ""
    attempts: list = dataclasses.field(default_factory=list)
    status: int = 0  # of the last answer; 0: none
    slug: str | None = None
    body: dict = dataclasses.field(default_factory=dict)

    @property
    def outcome(self):
        return self.attempts[-1].outcome if self.attempts else NOTHING

    @property
    def is_read(self):
        return self.method == "GET"

    @property
    def takes_key(self):
        return self.method in ("POST", "DELETE")

    @property
    def is_open(self):
        """Whether its client asks again: with a key, or since a repeat changes nothing."""
        is_repeated = self.key is not None or self.method == "PUT"
        return is_repeated and self.outcome in (NOTHING, UNKNOWN)

    def __repr__(self):
        members = {name: value for name, value in vars(self).items() if value not in (None, "", 0)}
        return f"<{members}>"


class Bounds:
    """Between which positions a request saw the log."""

    def __init__(self, requests, rows):
        answered, begun = [(0, 0)], []
        for request in requests:
            own = rows.get(request.trace)
            if own and request.outcome == DONE:
                answered.append((request.attempts[-1].end, own[-1].position))
            for event in (own or [])[:1]:
                if 0 < event.attempt <= len(request.attempts):
                    begun.append((request.attempts[event.attempt - 1].begin, event.position))
        self.ends, self.lows = accumulate(sorted(answered), max)
        begins, highs = accumulate(sorted(begun, reverse=True), min)
        self.begins, self.highs = begins[::-1], highs[::-1]

    def low(self, begin):
        """The greatest position that was answered before."""
        return self.lows[bisect.bisect_left(self.ends, begin) - 1]

    def high(self, end):
        """The position before all that was begun after."""
        index = bisect.bisect_right(self.begins, end)
        return self.highs[index] - 1 if index < len(self.highs) else FOREVER


def accumulate(pairs, choose):
    """The times, and the greatest (or least) position up to each."""
    times, positions = [], []
    for time, position in pairs:
        times.append(time)
        positions.append(choose(position, positions[-1]) if positions else position)
    return times, positions


def judge_answers(requests, events, world):
    rows = collections.defaultdict(list)
    for event in events:
        rows[event.trace].append(event)
    traces = {request.trace for request in requests}
    for trace, strangers in rows.items():
        if trace not in traces:
            yield "stranger", f"nobody asked for {strangers}"
    bounds = Bounds(requests, rows)
    for request in requests:
        own = rows.get(request.trace, [])
        for kind in judge_rows(request, own, bounds):
            yield kind, f"{request}: {own}"
        for kind in judge_answer(request, own, bounds, world):
            yield kind, f"{request}: {own}"


# What a request that recorded anything has recorded, whether anybody was told so or not.
WHOLE = {
    "create": {"CartCreated", "ItemAdded"},
    "guest": {"CartCreated", "ItemAdded"},
    "claim": {"CartClaimed"},
    "merge": {"CartMerged", "CartMergedInto"},
    "revert": {"CartMergeReverted"},
    "apply": {"CartCouponApplied"},
    "checkout": {"CartCheckedOut"},
    "buy": {"CartCheckedOut"},
    "reopen": {"CartReopened"},
    "cancel": {"CartCancelled"},
}


def judge_rows(request, rows, bounds):
    """What is wrong with the events of one request."""
    if not rows:
        return
    if len({(event.attempt, event.command_id) for event in rows}) > 1:
        yield "twice"
        return
    if not WHOLE.get(request.kind, set()) <= {event.type for event in rows}:
        yield "by-half"
    number = rows[0].attempt
    if not 0 < number <= len(request.attempts):
        yield "stranger"
        return
    attempt = request.attempts[number - 1]
    if attempt.outcome in (NOTHING, REFUSED):
        yield "done-though-refused"
    if rows[0].position <= bounds.low(attempt.begin):
        yield "too-early"
    if request.outcome == DONE and rows[-1].position > bounds.high(request.attempts[-1].end):
        yield "too-late"


def judge_answer(request, rows, bounds, world):
    if any(attempt.is_error for attempt in request.attempts):
        yield "server-error"
    elif request.outcome == REFUSED or (request.outcome == DONE and request.is_read):
        last = request.attempts[-1]
        window = bounds.low(last.begin), bounds.high(last.end)
        table, name = (REFUSALS, request.slug)
        if request.outcome == DONE:
            table, name = READS, request.kind
        truth = table.get(name)
        if truth is None:
            yield "unexpected-refusal"
        elif not was_ever(truth, request, window, world):
            yield "never-true"
    elif request.outcome == DONE and rows:
        yield from judge_done(request, rows, world)
    elif request.outcome == DONE:
        # Its answer may be one that an attempt before it was not told.
        window = bounds.low(request.attempts[0].begin), bounds.high(request.attempts[-1].end)
        if not was_ever(is_already_so, request, window, world):
            yield "lost"
    elif request.is_open:
        yield "never-answered"


def judge_done(request, rows, world):
    versions = [event.version for event in rows if event.stream_id == request.body.get("id")]
    if request.kind == "define":
        return
    if not versions or versions[-1] != request.body["version"]:
        yield "other-version"
        return
    position = world.at_version.get((request.body["id"], versions[-1]))
    if position is None or not shows(request.body, world.cart(request.body["id"]).at(position)):
        yield "other-content"


def shows(body, cart):
    """Whether an answered cart is that one."""
    lines = {line["sku"]: line["quantity"] for line in body["items"]}
    codes = {coupon["code"] for coupon in body["coupons"]}
    return (
        (body["status"], body["customer_id"], lines, codes, body["total"])
        == (cart.status, cart.customer, cart.lines, set(cart.coupons), cart.total(cart.effective()))
        and body.get("merged_into") == cart.merged_into
    )


# ---- what was true, at one position -------------------------------------------------------------


class Moment:
    """What a request is about, at a position."""

    def __init__(self, request, world, position):
        self.world, self.position = world, position
        self.cart = world.cart(request.cart).at(position)
        self.other = world.cart(request.other).at(position)
        self.coupon = world.coupon(request.code).at(position)

    def open_cart_of(self, customer):
        return self.world.customer(customer).at(self.position).open_cart

    def is_exhausted(self, code, customer):
        """For a cart that has not redeemed it."""
        coupon = self.world.coupon(code).at(self.position)
        uses = self.world.customer(customer).at(self.position).uses.get(code, 0)
        by_customer = coupon.limit_per_customer is not None and customer is not None
        return (coupon.limit is not None and coupon.n_used >= coupon.limit) or (
            by_customer and uses >= coupon.limit_per_customer
        )


def was_ever(truth, request, window, world):
    low, high = window
    positions = {low}
    histories = [world.cart(request.cart), world.cart(request.other), world.coupon(request.code)]
    customers = {request.customer}
    for history in histories[:2]:
        states = [history.at(low), *(history.at(p) for p in history.changes(low, high))]
        customers |= {cart.customer for cart in states}
        for code in {code for cart in states for code in cart.coupons}:
            histories.append(world.coupon(code))
    histories += [world.customer(name) for name in customers]
    for history in histories:
        positions.update(history.changes(low, high))
    return any(truth(request, Moment(request, world, p)) for p in positions if p <= high)


def has_open_cart(request, moment):
    told = request.body["cart_id"]
    if request.kind in ("create", "claim"):
        customers = {request.customer}
    elif request.kind == "reopen":
        customers = {moment.cart.customer}
    elif request.kind == "revert":
        customers = {moment.cart.customer, moment.other.customer}
    else:
        return False
    return told in {moment.open_cart_of(name) for name in customers - {None}}


def is_closed(request, moment):
    if request.kind == "reopen":
        return moment.cart.status == MERGED
    if is_merged_again(request, moment):
        return False
    return moment.cart.status not in (OPEN, None)


def is_merged_again(request, moment):
    if request.kind == "merge":
        return moment.other.merged_into == request.cart
    return request.kind == "revert" and moment.other.status == OPEN


def can_not_apply(request, moment):
    return moment.cart.status == OPEN and moment.is_exhausted(request.code, moment.cart.customer)


def does_not_combine(request, moment):
    others = [coupon for code, coupon in moment.cart.coupons.items() if code != request.code]
    coupons = [*others, moment.coupon]
    return bool(others) and not all(coupon.combinable for coupon in coupons)


def have_coupons_changed(request, moment):
    cart = moment.cart
    changed = {code for code in cart.effective() if moment.is_exhausted(code, cart.customer)}
    told = {coupon["code"] for coupon in request.body["coupons"]}
    return cart.status == OPEN and changed == told


REFUSALS = {
    "open-cart-exists": has_open_cart,
    "cart-closed": is_closed,
    "cart-already-claimed": lambda r, m: m.cart.customer not in (None, r.customer),
    "cart-empty": lambda r, m: m.cart.status == OPEN and not m.cart.lines,
    "item-not-in-cart": lambda r, m: m.cart.status == OPEN and r.sku not in m.cart.lines,
    "quantity-out-of-range": lambda r, m: m.cart.lines.get(r.sku, 0) + r.quantity > 999,
    "coupon-not-applicable": can_not_apply,
    "coupons-not-combinable": does_not_combine,
    "coupons-changed": have_coupons_changed,
    "source-cart-closed": lambda r, m: m.other.status not in (OPEN, None)
    and m.other.merged_into != r.cart,
    "cart-not-merged": lambda r, m: m.other.status not in (OPEN, None)
    and m.other.merged_into != r.cart,
}


def shows_open_cart(request, moment):
    told = request.body.get("id") if request.status == 200 else None
    return moment.open_cart_of(request.customer) == told


READS = {
    "read-customer": shows_open_cart,
    "read-coupon": lambda r, m: m.coupon.n_used == r.body["used"],
}


def is_already_so(request, moment):
    """A command that changes nothing is answered with the cart as it is."""
    cart, other, kind = moment.cart, moment.other, request.kind
    if request.body.get("version") != cart.version or not shows(request.body, cart):
        return False
    if kind == "claim":
        return cart.customer == request.customer
    if kind == "merge":
        return other.merged_into == request.cart
    if kind == "revert":
        return other.status == OPEN
    if kind in ("apply", "drop"):
        return (request.code in cart.coupons) == (kind == "apply")
    if kind == "reprice":
        return True
    wanted = {"checkout": CHECKED_OUT, "buy": CHECKED_OUT, "cancel": CANCELLED, "reopen": OPEN}
    return cart.status == wanted.get(kind, "never")
