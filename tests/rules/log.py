"""What the log says: its events, and the states of carts, customers and coupons after each command.

The states are folded here once more, from the events alone, by what docs/ says of them and not by
cartd's code. All events of one command are one step; between steps is where the rules must hold.
"""

import bisect
import copy
import dataclasses

OPEN, CHECKED_OUT, CANCELLED, MERGED = "open", "checked_out", "cancelled", "merged"

COLUMNS = """
    SELECT position, stream_type, stream_id, version, type, command_id,
        (extract(epoch FROM recorded_at) * 1000000)::bigint,
        coalesce(split_part(metadata ->> 'traceparent', '-', 2), ''),
        coalesce(split_part(metadata ->> 'traceparent', '-', 3), '0'), data
    FROM events ORDER BY position;
"""


@dataclasses.dataclass
class Event:
    position: int
    stream_type: str
    stream_id: str
    version: int
    type: str
    command_id: str
    recorded_at_us: int
    trace: str  # of which request
    attempt: int  # and which attempt of it; from 1
    data: dict


@dataclasses.dataclass
class Coupon:
    """A coupon, or what a cart has copied of it."""

    percent: int = 0  # hundredths
    limit: int | None = None
    limit_per_customer: int | None = None
    combinable: bool = False
    n_used: int = 0  # of the coupon
    is_lapsed: bool = False  # of a cart's

    @classmethod
    def of(cls, definition, n_used=0):
        names = ("percent", "limit", "limit_per_customer", "combinable")
        return cls(**{name: definition[name] for name in names}, n_used=n_used)


@dataclasses.dataclass
class Customer:
    open_cart: str | None = None
    uses: dict = dataclasses.field(default_factory=dict)  # code: how often


@dataclasses.dataclass
class Cart:
    version: int = 0
    status: str | None = None
    customer: str | None = None
    lines: dict = dataclasses.field(default_factory=dict)  # sku: quantity
    prices: dict = dataclasses.field(default_factory=dict)
    coupons: dict = dataclasses.field(default_factory=dict)  # code: Coupon
    redeemed: frozenset = frozenset()  # by the checkout that is in force
    merged_into: str | None = None
    came: dict = dataclasses.field(default_factory=dict)  # other cart: {sku: how many}, by its merge
    came_coupons: dict = dataclasses.field(default_factory=dict)  # likewise: their codes

    def copy(self):
        other = copy.copy(self)
        for name in ("lines", "prices", "coupons", "came", "came_coupons"):
            setattr(other, name, dict(getattr(self, name)))
        return other

    @property
    def owner(self):
        """Who has it as an open cart."""
        return self.customer if self.status == OPEN else None

    def effective(self):
        """The codes that take something off."""
        if not self.lines:
            return frozenset()
        return frozenset(
            code
            for code, coupon in self.coupons.items()
            if not coupon.is_lapsed and not (coupon.limit_per_customer and self.customer is None)
        )

    def total(self, codes):
        """What it costs with these coupons; the load's prices let nothing be rounded."""
        total = sum(self.prices.get(sku, 0) * quantity for sku, quantity in self.lines.items())
        for code in codes:
            total = total * (10000 - self.coupons[code].percent) // 10000
        return total


class History:
    """The states of one thing, each with the position from which on it held."""

    def __init__(self, first):
        self.positions = [0]
        self.states = [first]

    def at(self, position):
        return self.states[bisect.bisect_right(self.positions, position) - 1]

    @property
    def now(self):
        return self.states[-1]

    def add(self, position, state):
        self.positions.append(position)
        self.states.append(state)

    def changes(self, low, high):
        """The positions within (low, high] at which it changed."""
        start = bisect.bisect_right(self.positions, low)
        return self.positions[start : bisect.bisect_right(self.positions, high)]


@dataclasses.dataclass
class Step:
    """All that one command recorded, and the carts it touched: id: (before, after)."""

    events: list
    carts: dict

    def of(self, kind):
        return [event for event in self.events if event.type == kind]


class World:
    """The histories of all carts, customers and coupons; `carts` by id, the others by name."""

    def __init__(self, events):
        self.carts, self.customers, self.coupons = {}, {}, {}
        self.codes = {}  # stream id of a coupon: its code
        self.at_version = {}  # (cart, version): position after the step that made it
        self.steps = [self.take(group) for group in group_by_command(events)]

    def cart(self, cart_id):
        return self.carts.setdefault(cart_id, History(Cart()))

    def customer(self, name):
        return self.customers.setdefault(name, History(Customer()))

    def coupon(self, code):
        return self.coupons.setdefault(code, History(Coupon()))

    def take(self, events):
        position = events[-1].position
        ids = {event.stream_id for event in events if event.stream_type == "cart"}
        before = {cart_id: self.cart(cart_id).now for cart_id in ids}
        after = {cart_id: cart.copy() for cart_id, cart in before.items()}
        for event in events:
            if event.stream_type == "cart":
                fold_cart(after[event.stream_id], event, before[event.stream_id])
            elif event.stream_type == "customer":
                self.take_customer(event, position)
            elif event.stream_type == "coupon":
                self.take_coupon(event, position)
        for cart_id, cart in after.items():
            self.cart(cart_id).add(position, cart)
            self.at_version[cart_id, cart.version] = position
        return Step(events, {cart_id: (before[cart_id], after[cart_id]) for cart_id in ids})

    def take_customer(self, event, position):
        history = self.customer(event.data["customer_id"])
        customer = Customer(history.now.open_cart, dict(history.now.uses))
        if event.type == "CustomerCartOpened":
            customer.open_cart = event.data["cart_id"]
        elif event.type == "CustomerCartClosed":
            customer.open_cart = None
        else:
            code, more = event.data["code"], 1 if event.type == "CustomerCouponUsed" else -1
            customer.uses[code] = customer.uses.get(code, 0) + more
        history.add(position, customer)

    def take_coupon(self, event, position):
        if event.type == "CouponDefined":
            code = self.codes[event.stream_id] = event.data["code"]
            history = self.coupon(code)
            history.add(position, Coupon.of(event.data, history.now.n_used))
            return
        history = self.coupon(self.codes[event.stream_id])
        more = 1 if event.type == "CouponRedeemed" else -1
        history.add(position, dataclasses.replace(history.now, n_used=history.now.n_used + more))


def group_by_command(events):
    groups = []
    for event in events:
        if not groups or groups[-1][0].command_id != event.command_id:
            groups.append([])
        groups[-1].append(event)
    return groups


def fold_cart(cart, event, before):
    """One event on top of a cart; `before` is the cart before the command. It never refuses: what a
    falsified log lacks shows in what follows."""
    cart.version = event.version
    kind, data = event.type, event.data
    if kind == "CartCreated":
        cart.status, cart.customer = OPEN, data["customer_id"]
    elif kind in ("ItemAdded", "ItemQuantityChanged"):
        fold_line(cart, kind, data)
    elif kind == "ItemRemoved":
        cart.lines.pop(data["item_id"], None)
    elif kind == "CartClaimed":
        cart.customer = data["customer_id"]
    elif kind == "CartCheckedOut":
        cart.status, cart.redeemed = CHECKED_OUT, cart.effective()
    elif kind == "CartCancelled":
        cart.status = CANCELLED
    elif kind == "CartReopened":
        cart.status, cart.redeemed = OPEN, frozenset()
    elif kind.startswith("CartCoupon"):
        fold_coupon(cart, kind, data)
    elif kind == "CartMerged":
        former = before.lines
        cart.came[data["from"]] = {
            sku: quantity - former.get(sku, 0) for sku, quantity in cart.lines.items()
        }
        cart.came_coupons[data["from"]] = set(cart.coupons) - set(before.coupons)
    elif kind == "CartMergedInto":
        cart.status, cart.merged_into = MERGED, data["into"]
    elif kind == "CartMergeReverted":
        if cart.merged_into == data["cart_id"]:
            cart.status, cart.merged_into = OPEN, None
    else:
        raise ValueError(f"an event that no request can have caused: {event}")


def fold_line(cart, kind, data):
    item_id = data["item_id"]
    if kind == "ItemQuantityChanged":
        cart.lines[item_id] = data["quantity"]
        return
    cart.lines[item_id] = cart.lines.get(item_id, 0) + data["quantity"]
    cart.prices.setdefault(item_id, data["unit_price"])


def fold_coupon(cart, kind, data):
    code = data["code"]
    if kind == "CartCouponApplied":
        cart.coupons[code] = Coupon.of(data["coupon"])
    elif kind == "CartCouponLapsed" and code in cart.coupons:
        cart.coupons[code] = dataclasses.replace(cart.coupons[code], is_lapsed=True)
    else:
        cart.coupons.pop(code, None)
        cart.redeemed -= {code}  # of a cart that is open in truth there are none
