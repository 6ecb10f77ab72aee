"""What a cart of the model holds, at one of its versions, and what else is said about it."""

import copy
import hashlib
import json

LINES_MAX = 250
QUANTITY_MAX = 999
AMOUNT_MAX = 2**53 - 1

STATUS_OF = {
    "cart-closed": 409,
    "order-reference-mismatch": 409,
    "cart-already-claimed": 409,
    "item-not-in-cart": 404,
    "unknown-sku": 422,
    "price-unavailable": 422,
    "quantity-out-of-range": 422,
    "cart-full": 409,
    "too-many-totals": 409,
    "too-many-coupons": 409,
    "coupon-not-applicable": 422,
    "coupons-not-combinable": 409,
    "amount-too-large": 422,
    "cart-empty": 409,
    "total-changed": 409,
    "prices-changed": 409,
    "coupons-changed": 409,
    "product-withdrawn": 409,
    "nothing-to-undo": 409,
    "no-such-version": 404,
    "source-cart-not-found": 422,
    "source-cart-closed": 409,
    "cart-not-merged": 409,
    "metadata-too-large": 422,
    "properties-too-large": 422,
    "open-cart-exists": 409,
}


class Refused(Exception):
    """A rule of the cart says no."""

    def __init__(self, slug, **members):
        super().__init__(slug)
        self.slug = slug
        self.members = members


def make_item_id(sku, properties, attempt=0):
    """What a line with properties is called: its sku, shortened, and 128 bits of a digest."""
    text = json.dumps(properties, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    parts = (sku.encode(), text.encode(), attempt.to_bytes(2, "big"))
    digest = hashlib.sha256(b"".join(len(part).to_bytes(8, "big") + part for part in parts))
    return f"{sku[:31]}~{digest.hexdigest()[:32]}"


def subtotal_of(line):
    return line["quantity"] * line["unit_price"]


def merge_patch(target, patch):
    """RFC 7396, section 2."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged


def count_bytes(value):
    return len(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode())


def count_levels(value):
    if isinstance(value, dict):
        return 1 + max(map(count_levels, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(count_levels, value), default=0)
    return 0


class Content:
    """What restoring brings back: the lines, the currency, the coupons and the details."""

    def __init__(self, currency, metadata):
        self.currency = currency
        self.metadata = metadata
        self.customer_email = None
        self.note = None
        self.lines = []
        self.coupons = []

    @property
    def details(self):
        return (self.metadata, self.customer_email, self.note)

    @property
    def subtotal(self):
        return sum(map(subtotal_of, self.lines))

    def find(self, item_id):
        return next((line for line in self.lines if line["id"] == item_id), None)

    def find_same(self, sku, properties):
        wanted = (sku, properties)
        found = [line for line in self.lines if (line["sku"], line["properties"]) == wanted]
        return found[0] if found else None


class Moment:
    """A version of a cart: its content, and the versions that undoing leads to, the next one last."""

    def __init__(self, version, content, undoable):
        self.version = version
        self.content = copy.deepcopy(content)
        self.undoable = undoable


def make_note(code, line, quantity=None, **prices):
    return {
        "code": code,
        "item_id": line["id"],
        "sku": line["sku"],
        "quantity": line["quantity"] if quantity is None else quantity,
        **prices,
    }
