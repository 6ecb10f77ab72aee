"""The rules of a cart once more, written from openapi.yaml and not from the service's core, as plain as
can be: what the service answers must be what this model answers."""

import copy
import hashlib
import json

LINES_MAX = 250
QUANTITY_MAX = 999
AMOUNT_MAX = 2**53 - 1

STATUS_OF = {
    "cart-closed": 409,
    "order-reference-mismatch": 409,
    "item-not-in-cart": 404,
    "product-withdrawn": 409,
    "unknown-sku": 422,
    "price-unavailable": 422,
    "quantity-out-of-range": 422,
    "cart-full": 409,
    "amount-too-large": 422,
    "cart-empty": 409,
    "product-withdrawn": 409,
    "total-changed": 409,
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


class Catalogue:
    def __init__(self):
        self.products = {}

    def put(self, sku, content):
        self.products[sku] = copy.deepcopy(content)


class Cart:
    """A cart and its history, the latter as the types of its events."""

    def __init__(self, catalogue, cart_id, currency="EUR", customer_id=None, metadata=None):
        self.catalogue = catalogue
        self.id = cart_id
        self.status = "open"
        self.currency = currency
        self.customer_id = customer_id
        self.metadata = metadata or {}
        self.order_reference = None
        self.lines = {}  # by item id, in the order first added
        self.history = ["CartCreated"]

    @property
    def version(self):
        return len(self.history)

    @property
    def total(self):
        return sum(line["quantity"] * line["unit_price"] for line in self.lines.values())

    def document(self):
        """The cart as it is served, without its times."""
        return {
            "id": self.id,
            "version": self.version,
            "status": self.status,
            "currency": self.currency,
            "minor_unit": 2,
            "customer_id": self.customer_id,
            "customer_email": None,
            "note": None,
            "items": [
                {
                    **line,
                    "price_source": "catalog",
                    "subtotal": line["quantity"] * line["unit_price"],
                    "discount": 0,
                    "total": line["quantity"] * line["unit_price"],
                }
                for line in self.lines.values()
            ],
            "item_count": sum(line["quantity"] for line in self.lines.values()),
            "coupons": [],
            "subtotal": self.total,
            "discount": 0,
            "totals": [],
            "total": self.total,
            "notes": [],
            "metadata": self.metadata,
            "order_reference": self.order_reference,
        }

    def apply(self, command):
        """Carries one command out or raises Refused, leaving the cart as it was."""
        agains = (("checked_out", "check_out"), ("cancelled", "cancel"))
        is_again = (self.status, command["type"]) in agains
        if self.status != "open" and not is_again:
            raise Refused("cart-closed", cart_status=self.status)
        getattr(self, command["type"])(command)

    def apply_all(self, commands):
        """All or nothing. A refusal tells which command it was in `index`."""
        before = (copy.deepcopy(self.lines), self.status, self.order_reference, list(self.history))
        for index, command in enumerate(commands):
            try:
                self.apply(command)
            except Refused as refusal:
                self.lines, self.status, self.order_reference, self.history = before
                refusal.index = index
                raise

    def find(self, command):
        line = self.lines.get(command["item_id"])
        if line is None:
            raise Refused("item-not-in-cart")
        return line

    def refuse_amount(self, line_total, total):
        if line_total > AMOUNT_MAX or total > AMOUNT_MAX:
            raise Refused("amount-too-large")

    def add_item(self, command):
        sku = command["sku"]
        product = self.catalogue.products.get(sku)
        if product is None or not product["active"]:
            raise Refused("unknown-sku")
        if self.currency not in product["prices"]:
            raise Refused("price-unavailable")
        properties = command.get("properties", {})
        item_id = next(
            (
                line["id"]
                for line in self.lines.values()
                if (line["sku"], line["properties"]) == (sku, properties)
            ),
            make_item_id(sku, properties) if properties else sku,
        )
        line = self.lines.get(item_id)
        quantity = command.get("quantity", 1) + (line["quantity"] if line else 0)
        if quantity > QUANTITY_MAX:
            raise Refused("quantity-out-of-range")
        if line is None and len(self.lines) == LINES_MAX:
            raise Refused("cart-full")
        price = product["prices"][self.currency]
        before = line["quantity"] * line["unit_price"] if line else 0
        self.refuse_amount(quantity * price, self.total - before + quantity * price)
        changed = {
            "id": item_id,
            "sku": sku,
            "name": product["name"],
            "quantity": quantity,
            "unit_price": price,
            "properties": properties,
        }
        self.lines[item_id] = changed
        self.history.append("ItemAdded")

    def change_item_quantity(self, command):
        line = self.find(command)
        quantity = command["quantity"]
        if quantity == line["quantity"]:
            return
        if quantity == 0:
            self.remove_item(command)
            return
        product = self.catalogue.products.get(line["sku"])
        if quantity > line["quantity"] and not product["active"]:
            raise Refused("product-withdrawn")
        if quantity > line["quantity"] and self.currency not in product["prices"]:
            raise Refused("price-unavailable")
        price = line["unit_price"]
        self.refuse_amount(quantity * price, self.total + (quantity - line["quantity"]) * price)
        line["quantity"] = quantity
        self.history.append("ItemQuantityChanged")

    def remove_item(self, command):
        del self.lines[self.find(command)["id"]]
        self.history.append("ItemRemoved")

    def clear_items(self, _):
        if self.lines:
            self.lines.clear()
            self.history.append("CartCleared")

    def check_out(self, command):
        if not self.lines:
            raise Refused("cart-empty")
        order_reference = command.get("order_reference")
        is_again = self.status == "checked_out"
        if is_again and order_reference not in (None, self.order_reference):
            raise Refused("order-reference-mismatch", order_reference=self.order_reference)
        if command.get("expected_total", self.total) != self.total:
            raise Refused("total-changed", current_total=self.total)
        if is_again:
            return
        self.order_reference = order_reference
        self.status = "checked_out"
        self.history.append("CartCheckedOut")

    def cancel(self, _):
        if self.status == "cancelled":
            return
        self.status = "cancelled"
        self.history.append("CartCancelled")


class Keys:
    """The answers that are stored with idempotency keys, within one scope."""

    def __init__(self):
        self.stored = {}

    def find(self, key, request):
        """The stored answer, None, or "reused" when the key belongs to another request."""
        if key not in self.stored:
            return None
        stored_request, answer = self.stored[key]
        return answer if stored_request == json.dumps(request) else "reused"

    def store(self, key, request, answer):
        self.stored[key] = (json.dumps(request), answer)
