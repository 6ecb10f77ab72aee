"""Logs that were never recorded, as `cartd events export` would write them."""

import datetime
import json
import random
import uuid

# Of a product's stream id; it is in every log, so it never changes.
PRODUCTS = uuid.UUID("6b1d0c52-8e4f-4a0b-9c77-2f35d190e304")
COUPONS = uuid.UUID("0e62b75b-361c-4d5a-a90d-7f43812ce69a")
MEMBERS = (
    "position",
    "stream_type",
    "stream_id",
    "version",
    "type",
    "schema_version",
    "recorded_at",
    "command_id",
    "data",
    "metadata",
)


def compose(**members):
    """A line as an export writes it; data and metadata as PostgreSQL writes jsonb."""
    parts = []
    for name in MEMBERS:
        if name not in members:
            continue
        is_stored = name in ("data", "metadata")
        text = json.dumps(
            members[name], separators=None if is_stored else (",", ":"), ensure_ascii=False
        )
        parts.append(f'"{name}":{text}')
    return ("{" + ",".join(parts) + "}\n").encode()


def product_stream_id(sku):
    """The id of a product's stream: a UUIDv5 of its sku."""
    return str(uuid.uuid5(PRODUCTS, sku))


def coupon_stream_id(code):
    """The same of a coupon, of whose code Python's casefold() is what Unicode's NFKC_Casefold is:
    those of these tests."""
    return str(uuid.uuid5(COUPONS, code.casefold()))


class Writer:
    """Makes up a log, the same for the same seed."""

    def __init__(self, seed):
        self.dice = random.Random(seed)
        self.time = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
        self.position = 0

    def id(self):
        return str(uuid.UUID(int=self.dice.getrandbits(128), version=4))

    def event(self, stream_type, stream_id, version, kind, data):
        self.position += 1
        self.time += datetime.timedelta(microseconds=self.dice.choice((0, 0, 1, 1500)))
        command_id = self.id()
        return {
            "position": self.position,
            "stream_type": stream_type,
            "stream_id": stream_id,
            "version": version,
            "type": kind,
            "schema_version": 1,
            "recorded_at": self.time.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "command_id": command_id,
            "data": data,
            "metadata": {"actor": "anonymous", "command_id": command_id},
        }

    def events(self, n):
        for number in range(3):
            sku = f"tea-{number}"
            # jsonb puts shorter names first.
            yield self.event(
                "product",
                product_stream_id(sku),
                1,
                "ProductChanged",
                {"sku": sku, "name": "Tea „ü“", "active": True, "prices": {"EUR": 7}},
            )
        carts = {}
        while self.position < n:
            cart_id = self.dice.choice(list(carts)) if len(carts) > 20 else self.id()
            carts[cart_id] = carts.get(cart_id, 0) + 1
            if carts[cart_id] == 1:
                data = {"currency": "EUR", "metadata": {"a": 1.5, "bb": []}, "customer_id": None}
                yield self.event("cart", cart_id, 1, "CartCreated", data)
            elif carts[cart_id] < 30:
                sku = f"tea-{self.dice.randrange(3)}"
                yield self.event(
                    "cart",
                    cart_id,
                    carts[cart_id],
                    "ItemAdded",
                    {"sku": sku, "name": "T", "item_id": sku, "quantity": 1, "unit_price": 7},
                )
            else:
                yield self.event("cart", cart_id, carts.pop(cart_id), "CartCancelled", {})


def make_log(n, seed=1):
    return [compose(**event) for event in Writer(seed).events(n)]
