"""Reports computed from the raw events, as slowly and plainly as can be, and histories to try them on.

What the service answers from its tables must be what these functions say of the log.
"""

import collections
import datetime
import itertools
import json
import random
import statistics
import uuid

MICROSECONDS_A_DAY = 24 * 60 * 60 * 1_000_000
# What may be the next event of an abandoned cart; all others come after CartResumed.
AFTER_ABANDONED = ("CartResumed", "CartExpired", "CartMergedInto")
STATUS_AFTER = {
    "CartCheckedOut": "checked_out",
    "CartCancelled": "cancelled",
    "CartExpired": "expired",
    "CartMergedInto": "merged",
    "CartMergeReverted": "open",
    "CartReopened": "open",
}

Event = collections.namedtuple("Event", "position stream_type stream_id version type data at")


def read_events(database):
    """The whole log; times are microseconds since 1970."""
    rows = database.sql(
        "SELECT position, stream_type, stream_id, version, type, data,"
        " (extract(epoch FROM recorded_at) * 1000000)::bigint FROM events ORDER BY position;"
    )
    return [
        Event(int(row[0]), row[1], row[2], int(row[3]), row[4], json.loads(row[5]), int(row[6]))
        for row in rows
    ]


def until(events, at):
    return [event for event in events if event.at <= at]


class Cart:
    def __init__(self, event):
        self.id = event.stream_id
        self.customer = event.data["customer_id"] or event.stream_id
        self.currency = event.data["currency"]
        self.created_at = event.at
        self.status = "open"
        self.lines = {}  # item id: [sku, quantity, price]
        self.ever_held = False
        self.is_abandoned = False
        self.checked_out_at = None  # the position of its last checkout

    def total(self):
        return sum(quantity * price for _, quantity, price in self.lines.values())

    def skus(self):
        return {sku for sku, _, _ in self.lines.values()}

    def apply(self, event):
        data = event.data
        if event.type in ("CartAbandoned", *AFTER_ABANDONED):
            self.is_abandoned = event.type == "CartAbandoned"
        if event.type == "ItemAdded":
            line = self.lines.setdefault(data["item_id"], [data["sku"], 0, 0])
            line[1] += data["quantity"]
            line[2] = data["unit_price"]
            self.ever_held = True
        elif event.type == "ItemQuantityChanged":
            self.lines[data["item_id"]][1] = data["quantity"]
        elif event.type == "ItemRemoved":
            del self.lines[data["item_id"]]
        elif event.type == "CartCleared":
            self.lines.clear()
        elif event.type == "ItemRestored":
            self.lines[data["item_id"]] = [data["sku"], data["quantity"], data["unit_price"]]
            self.ever_held = True
        elif event.type == "ItemMerged":
            del self.lines[data["item_id"]]
            self.lines[data["into"]][1] += data["quantity"]
        elif event.type == "ItemPriceChanged":
            self.lines[data["item_id"]][2] = data["unit_price"]
        elif event.type == "CartCurrencyChanged":
            self.currency = data["currency"]
            for item_id, price in data["unit_prices"].items():
                self.lines[item_id][2] = price
        elif event.type == "CartCheckedOut":
            self.status = "checked_out"
        elif event.type == "CartMergedInto":
            self.status = "merged"
        elif event.type == "CartMergeReverted":
            self.status = "open"
        elif event.type == "CartCancelled":
            self.status = "cancelled"
        elif event.type == "CartExpired":
            self.status = "expired"
        elif event.type == "CartReopened":
            self.status = "open"


def replay(events, see=lambda cart, event, before: None):
    """All carts; `see` is told of each event and of the skus that its cart held before it."""
    carts = {}
    for event in events:
        if event.stream_type != "cart":
            continue
        if event.type == "CartCreated":
            carts[event.stream_id] = Cart(event)
            continue
        cart = carts[event.stream_id]
        before = cart.skus()
        cart.apply(event)
        see(cart, event, before)
    return carts


def demand(events):
    units, carts = collections.Counter(), collections.Counter()
    for cart in replay(events).values():
        if cart.status == "open":
            for sku, quantity, _ in cart.lines.values():
                units[sku] += quantity
            carts.update(cart.skus())
    rows = [{"sku": sku, "units": units[sku], "carts": carts[sku]} for sku in units]
    return sorted(rows, key=lambda row: (-row["units"], row["sku"]))


def funnel(events, since=None, before=None):
    by_currency = collections.defaultdict(list)
    for cart in replay(events).values():
        if (since is None or cart.created_at >= since) and (
            before is None or cart.created_at < before
        ):
            by_currency[cart.currency].append(cart)
    rows = []
    for currency, carts in sorted(by_currency.items(), key=lambda pair: (-len(pair[1]), pair[0])):
        stages = {
            "created": carts,
            "with_items": [cart for cart in carts if cart.ever_held],
            "checked_out": [cart for cart in carts if cart.status == "checked_out"],
            "cancelled": [cart for cart in carts if cart.status == "cancelled"],
            "expired": [cart for cart in carts if cart.status == "expired"],
            "merged": [cart for cart in carts if cart.status == "merged"],
            "open": [cart for cart in carts if cart.status == "open"],
        }
        for stage, reached in stages.items():
            value = sum(cart.total() for cart in reached)
            rows.append(
                {"stage": stage, "currency": currency, "carts": len(reached), "value": value}
            )
    return rows


def removed_then_bought(events, within_days=30):
    removals = collections.defaultdict(list)
    purchases = {}  # cart id, of its last checkout, and position: [(sku, customer, wait)]

    def see(cart, event, before):
        if event.type in ("ItemRemoved", "CartCleared"):
            for sku in before - cart.skus():
                removals[sku, cart.customer].append(event.at)
        if event.type == "CartReopened":
            purchases.pop((cart.id, cart.checked_out_at), None)
        if event.type == "CartCheckedOut":
            cart.checked_out_at = event.position
            found = purchases[cart.id, event.position] = []
            for sku in cart.skus():
                in_time = [
                    event.at - at
                    for at in removals[sku, cart.customer]
                    if event.at - at <= within_days * MICROSECONDS_A_DAY
                ]
                if in_time:
                    found.append((sku, cart.customer, min(in_time)))

    replay(events, see)
    waits = {}  # (sku, customer): of the first purchase that came in time
    for (_, position), found in sorted(purchases.items(), key=lambda pair: pair[0][1]):
        for sku, customer, wait in found:
            waits.setdefault((sku, customer), wait)
    by_sku = collections.defaultdict(list)
    for (sku, _), wait in waits.items():
        by_sku[sku].append(wait)
    rows = [
        {
            "sku": sku,
            "customers": len(found),
            "median_seconds": int(statistics.median(found)) / 1_000_000,
        }
        for sku, found in by_sku.items()
    ]
    return sorted(rows, key=lambda row: (-row["customers"], row["sku"]))


def abandoned_carts(events, since=None, before=None):
    owners, times = {}, collections.defaultdict(list)  # by cart; each time with what came after it
    for event in events:
        if event.type in ("CartCreated", "CartClaimed"):
            owners[event.stream_id] = "customer" if event.data["customer_id"] else "guest"
        elif event.type == "CartAbandoned":
            times[event.stream_id].append((event, owners[event.stream_id], []))
        elif times[event.stream_id]:
            times[event.stream_id][-1][2].append(event.type)
    rows = collections.defaultdict(collections.Counter)
    for event, owner, after in itertools.chain.from_iterable(times.values()):
        if (since is not None and event.at < since) or (before is not None and event.at >= before):
            continue
        day = datetime.datetime.fromtimestamp(event.at // 1_000_000, datetime.UTC).date()
        is_recovered = bool({"CartResumed", "CartMergedInto", "CartReopened"} & set(after))
        status = ["open", *(STATUS_AFTER[kind] for kind in after if kind in STATUS_AFTER)][-1]
        row = rows[day, event.data["currency"], owner]
        for name, counts in (
            ("", True),
            ("recovered", is_recovered),
            *((name, status == name) for name in ("checked_out", "cancelled", "expired")),
            ("still_abandoned", not is_recovered and status == "open"),
        ):
            row[f"{name}_carts".lstrip("_")] += counts
            row[f"{name}_value".lstrip("_")] += event.data["total"] * counts
    return [
        {"day": day.isoformat(), "currency": currency, "owner": owner, **row}
        for (day, currency, owner), row in sorted(
            rows.items(), key=lambda pair: (-pair[0][0].toordinal(), *pair[0][1:])
        )
    ]


class Writer:
    """Random carts, written straight into the log: so times may be anything, and events that no
    service would write can be among them."""

    SKUS = [f"sku-{number}" for number in range(12)]

    def __init__(self, seed, begins_at=1_790_000_000_000_000):
        self.random = random.Random(seed)
        self.at = begins_at
        self.rows = []
        self.versions = collections.Counter()
        self.carts = {}
        self.closed = {}

    def tick(self, most_us):
        self.at += self.random.randrange(1, most_us)

    def write(self, stream_id, kind, data, schema_version=1):
        cart = self.carts.get(stream_id)
        if cart and cart.is_abandoned and kind not in AFTER_ABANDONED:
            self.write(stream_id, "CartResumed", {})
        self.versions[stream_id] += 1
        self.rows.append((stream_id, self.versions[stream_id], kind, schema_version, data, self.at))
        event = Event(0, "cart", stream_id, self.versions[stream_id], kind, data, self.at)
        if kind == "CartCreated":
            self.carts[stream_id] = Cart(event)
        elif stream_id in self.closed:
            self.carts[stream_id] = cart = self.closed.pop(stream_id)
            cart.apply(event)
        elif cart:
            cart.apply(event)
            if cart.status != "open":
                self.closed[stream_id] = self.carts.pop(stream_id)

    def create(self, customer_id=None, currency="EUR"):
        stream_id = str(uuid.UUID(int=self.random.getrandbits(128), version=4))
        data = {"currency": currency, "customer_id": customer_id, "metadata": {}}
        self.write(stream_id, "CartCreated", data)
        return stream_id

    def add(self, stream_id, sku, quantity=1, price=100, item_id=None):
        data = {"item_id": item_id or sku, "sku": sku, "name": sku}
        data.update(quantity=quantity, unit_price=price)
        self.write(stream_id, "ItemAdded", data)

    def step(self):
        """One random thing that may happen."""
        choose = self.random
        if not self.carts or choose.random() < 0.15:
            customer = choose.choice([None, None, *(f"customer-{n}" for n in range(15))])
            self.create(customer, choose.choice(["EUR", "EUR", "EUR", "USD"]))
            return
        if self.closed and choose.random() < 0.05:
            self.open_again(choose.choice(list(self.closed)))
            return
        stream_id = choose.choice(list(self.carts))
        if self.carts[stream_id].lines and choose.random() < 0.1:
            self.step_of_time(stream_id)
            return
        if choose.random() < 0.15:
            self.step_of_lines(stream_id)
            return
        cart = self.carts[stream_id]
        item_id = choose.choice(list(cart.lines)) if cart.lines else None
        kind = choose.random()
        if not cart.lines or kind < 0.45:
            sku = choose.choice(self.SKUS)
            # Now and then a second line of the same sku.
            other = f"{sku}.b" if choose.random() < 0.2 else sku
            self.add(stream_id, sku, choose.randrange(1, 6), choose.randrange(1, 900), other)
        elif kind < 0.60:
            quantity = choose.randrange(1, 30)
            data = {"item_id": item_id, "quantity": quantity}
            self.write(stream_id, "ItemQuantityChanged", data)
        elif kind < 0.80:
            data = {"item_id": item_id, "quantity": cart.lines[item_id][1]}
            self.write(stream_id, "ItemRemoved", data)
        elif kind < 0.85:
            self.write(stream_id, "CartCleared", {})
        elif kind < 0.95:
            data = {"total": cart.total(), "currency": cart.currency}
            data["item_count"] = sum(quantity for _, quantity, _ in cart.lines.values())
            self.write(stream_id, "CartCheckedOut", data)
        else:
            self.write(stream_id, "CartCancelled", {})

    def abandon(self, stream_id):
        cart = self.carts[stream_id]
        data = {"total": cart.total(), "currency": cart.currency}
        data["item_count"] = sum(quantity for _, quantity, _ in cart.lines.values())
        self.write(stream_id, "CartAbandoned", data)

    def merge_into(self, stream_id, into):
        self.write(stream_id, "CartMergedInto", {"into": into, "version": 2})

    def open_again(self, stream_id):
        if self.closed[stream_id].status == "merged":
            data = {"cart_id": self.closed[stream_id].id, "notes": []}
            self.write(stream_id, "CartMergeReverted", data)
        else:
            self.write(stream_id, "CartReopened", {"reason": None})

    def step_of_time(self, stream_id):
        """Nobody does anything with a cart for long, or not but merge it."""
        kind = self.random.random()
        if kind < 0.8 and not self.carts[stream_id].is_abandoned:
            self.abandon(stream_id)
        elif kind < 0.7:
            self.write(stream_id, "CartExpired", {})
        else:
            self.merge_into(stream_id, self.random.choice(list(self.carts)))

    def step_of_lines(self, stream_id):
        """Something else that may happen to the lines of a cart as they are."""
        choose, lines = self.random, self.carts[stream_id].lines
        kind = choose.random()
        if kind < 0.3:
            prices = {item_id: choose.randrange(1, 900) for item_id in lines}
            data = {"currency": choose.choice(["EUR", "USD", "GBP"]), "unit_prices": prices}
            if data["currency"] != self.carts[stream_id].currency:
                self.write(stream_id, "CartCurrencyChanged", data)
        elif kind < 0.5:
            sku = choose.choice([sku for sku in self.SKUS if sku not in lines] or [None])
            if sku:
                data = {"item_id": sku, "sku": sku, "name": sku, "quantity": 2, "index": 0}
                data.update(unit_price=choose.randrange(1, 900), properties={})
                self.write(stream_id, "ItemRestored", data)
        elif kind < 0.75:
            for item_id, (sku, quantity, _) in list(lines.items()):
                if item_id == f"{sku}.b" and sku in lines:
                    data = {"item_id": item_id, "into": sku, "quantity": quantity}
                    self.write(stream_id, "ItemMerged", data)
        elif lines:
            data = {"item_id": choose.choice(list(lines)), "unit_price": choose.randrange(1, 900)}
            self.write(stream_id, "ItemPriceChanged", data)

    def store(self, database):
        """Appends what was written since the last time."""
        lines = []
        for stream_id, version, kind, schema_version, data, at in self.rows:
            text = json.dumps(data).replace("\\", "\\\\")
            lines.append(f"{stream_id}\t{version}\t{kind}\t{schema_version}\t{text}\t{at}")
        copied = "\n".join(lines)
        self.rows = []
        database.sql(f"""
            BEGIN;
            CREATE TEMP TABLE written (number bigserial, stream_id uuid, version int, type text,
                schema_version int, data jsonb, at bigint) ON COMMIT DROP;
            COPY written (stream_id, version, type, schema_version, data, at) FROM stdin;
{copied}
\\.
            SELECT position FROM log_head FOR UPDATE;
            INSERT INTO streams SELECT DISTINCT stream_id, 'cart' FROM written
                ON CONFLICT (stream_id) DO NOTHING;
            INSERT INTO events SELECT (SELECT position FROM log_head) + number, 'cart', stream_id,
                version, type, schema_version, data, '{{}}', gen_random_uuid(),
                'epoch'::timestamptz + at * '1 microsecond'::interval FROM written;
            UPDATE log_head SET (position, recorded_at) = (SELECT position, recorded_at
                FROM events ORDER BY position DESC LIMIT 1);
            COMMIT;
        """)
