"""A cart in plain Python: what each command makes of it, what each refusal says, and where undo and
restore lead. Written from what the commands mean and not from the service's core: the past is a list
of whole carts here, what can be undone a list of versions that belongs to each of them, and what is
true of several carts is counted in all of them."""

import copy

from .cart_content import (
    AMOUNT_MAX,
    LINES_MAX,
    QUANTITY_MAX,
    Content,
    Moment,
    Refused,
    count_bytes,
    count_levels,
    make_item_id,
    make_note,
    merge_patch,
    subtotal_of,
)
from .cart_coupons import Coupons
from .cart_merging import Merging
from .cart_past import Past

WIDEST = {"maximum": 1000000}
TOTALS_MAX = 8
METADATA_BYTES_MAX = 4096
METADATA_LEVELS_MAX = 3
PROPERTIES_MAX = 16
PROPERTIES_BYTES_MAX = 1024
MINOR_UNITS = {"EUR": 2, "USD": 2, "JPY": 0}
# What is not put back when a request is refused.
LASTING = ("shop", "moments")


def find_opening(commands):
    """Which command it is that opens a cart, when that is refused."""
    opening = (i for i, each in enumerate(commands) if each["type"] in ("claim", "reopen"))
    return next(opening, None)


class Cart(Past, Merging, Coupons):
    def __init__(self, shop, currency="EUR", customer_id=None, metadata=None):
        self.shop = shop
        self.id = None
        self.history = ["CartCreated"]  # the types of its events
        self.status = "open"
        self.merged_into = None
        self.merged_version = None  # of that cart
        self.other_event = None  # what this request is for another cart, and that cart
        self.customer_id = customer_id
        self.order_reference = None
        self.content = Content(currency, metadata or {})
        self.totals = {}  # of other services: the amount, and whether it is stale
        self.notes = []
        self.undoable = ()
        self.moments = {}  # by version: what the cart was after each request
        self.n_lines_made = 0
        self.has_lost = False  # an undo could not bring everything back

    def remember(self):
        """Ends a request that changed something."""
        self.moments[self.version] = Moment(self.version, self.content, self.undoable)

    @property
    def version(self):
        return len(self.history)

    @property
    def recorded(self):
        return self.moments[max(self.moments)]

    @property
    def total(self):
        return self.content.subtotal - self.discount + self.sum_totals()

    @property
    def discount(self):
        return sum(self.take_off()[0].values())

    def sum_totals(self):
        return sum(amount for amount, _ in self.totals.values())

    def check_amounts(self, content, others=None):
        """With what other services say, unless that is to go."""
        if content.subtotal + (self.sum_totals() if others is None else others) > AMOUNT_MAX:
            raise Refused("amount-too-large")

    def document(self):
        """The cart as it is served, without its times."""
        content = self.content
        discounts, coupons = self.take_off()
        document = {
            "id": self.id,
            "version": self.version,
            "status": self.status,
            "currency": content.currency,
            "minor_unit": MINOR_UNITS[content.currency],
            "customer_id": self.customer_id,
            "customer_email": content.customer_email,
            "note": content.note,
            "items": [
                {
                    **{k: v for k, v in line.items() if k not in ("number", "tags")},
                    "price_source": "catalog",
                    "subtotal": subtotal_of(line),
                    "discount": discounts[line["id"]],
                    "total": subtotal_of(line) - discounts[line["id"]],
                }
                for line in content.lines
            ],
            "item_count": sum(line["quantity"] for line in content.lines),
            "coupons": coupons,
            "subtotal": content.subtotal,
            "discount": sum(discounts.values()),
            "totals": [
                {"name": name, "amount": amount, "stale": is_stale}
                for name, (amount, is_stale) in sorted(self.totals.items())
            ],
            "total": self.total,
            "notes": self.notes,
            "metadata": content.metadata,
            "order_reference": self.order_reference,
        }
        if self.merged_into:
            document["merged_into"] = self.merged_into
        return document

    # ---- requests ----

    def begin(self, items):
        """The creation, with items or without: there is nothing to undo in it."""
        self.moments[0] = Moment(0, self.content, ())
        self.apply_all([{"type": "add_item", **item} for item in items], is_new=True)
        self.undoable = ()
        self.moments.clear()
        self.remember()

    def apply_all(self, commands, is_new=False):
        """One request: all or nothing. A refusal tells which command it was in `index`; None: it
        was the request as a whole."""
        before = copy.deepcopy({k: v for k, v in vars(self).items() if k not in LASTING})
        former = None if is_new else self.owner
        index = None
        try:
            for index, command in enumerate(commands):
                self.apply(command)
            index = find_opening(commands)
            self.shop.check_open_carts(self, former)
        except Refused as refusal:
            vars(self).update(before)
            refusal.index = index
            raise
        if self.other_event:
            self.tell_other(*self.other_event)
            self.other_event = None
        if self.version != len(before["history"]):
            self.remember()

    @property
    def owner(self):
        """Who has it as an open cart."""
        return self.customer_id if self.status == "open" else None

    def apply(self, command):
        kind = command["type"]
        is_again = (self.status, kind) in (("checked_out", "check_out"), ("cancelled", "cancel"))
        opens = kind == "reopen" and self.status != "merged"
        is_again = is_again or self.is_merged_again(command)
        if self.status != "open" and not is_again and not opens:
            raise Refused("cart-closed", cart_status=self.status)
        getattr(self, kind)(command)

    def record(self, *types, is_change=True, notes=(), changes_lines=True):
        """What was done is these events; of changes, all of one request are undone at once."""
        self.history.extend(types)
        self.notes = list(notes)
        if is_change and changes_lines:
            self.make_totals_stale()
        if is_change:
            then = self.recorded
            self.undoable = (*then.undoable, then.version)

    def make_totals_stale(self):
        self.totals = {name: (amount, True) for name, (amount, _) in self.totals.items()}

    # ---- the catalogue ----

    def sells(self, sku):
        product = self.shop.products.get(sku)
        return product is not None and product["active"]

    def find_price(self, sku, currency):
        """What of a line the catalogue says; None: it can't be had in that currency."""
        if not self.sells(sku):
            return None
        product = self.shop.products[sku]
        price = product["prices"].get(currency)
        if price is None:
            return None
        tags = product.get("tags", [])
        return {"name": product["name"], "tags": tags, "unit_price": price}

    def why_not(self, sku, currency=None):
        """With a currency: if it has a price in it, there can't be so much of it."""
        if currency and self.find_price(sku, currency):
            return "quantity-out-of-range"
        return "price-unavailable" if self.sells(sku) else "product-withdrawn"

    def find_limits(self, sku):
        """What is not sold has none that could be reached."""
        given = self.shop.products[sku].get("quantity", {}) if self.sells(sku) else WIDEST
        return {"minimum": 1, "maximum": QUANTITY_MAX, "multiple_of": 1, **given}

    def allows(self, sku, quantity):
        limits = self.find_limits(sku)
        is_multiple = quantity % limits["multiple_of"] == 0
        return limits["minimum"] <= quantity <= limits["maximum"] and is_multiple

    def find_least_addition(self, sku, held):
        sums = range(held + 1, self.find_limits(sku)["maximum"] + 1)
        return next((total - held for total in sums if self.allows(sku, total)), 1)

    def check_quantity(self, sku, quantity):
        if not self.allows(sku, quantity):
            raise Refused("quantity-out-of-range", **self.find_limits(sku))

    def find_offer(self, line, quantity, currency):
        """As find_price(), if there can be so much of it."""
        offer = self.find_price(line["sku"], currency)
        return offer if offer and self.allows(line["sku"], quantity) else None

    # ---- lines ----

    def find(self, command):
        line = self.content.find(command["item_id"])
        if line is None:
            raise Refused("item-not-in-cart")
        return line

    def name_line(self, sku, properties):
        attempts = range(len(self.content.lines) + 2)
        names = [make_item_id(sku, properties, attempt) for attempt in attempts]
        if not properties:
            names[0] = sku
        return next(name for name in names if self.content.find(name) is None)

    def put_line(self, line, index=None):
        self.n_lines_made += 1
        line = {**line, "number": self.n_lines_made}
        self.content.lines.insert(len(self.content.lines) if index is None else index, line)

    def change(self, work):
        """Does it to a copy, so that a refusal leaves no trace."""
        content = copy.deepcopy(self.content)
        types = work(content)
        self.check_amounts(content)
        self.content = content
        if types:
            self.record(*types)

    def add_item(self, command):
        sku = command["sku"]
        properties = command.get("properties", {})
        if not self.sells(sku):
            raise Refused("unknown-sku")
        offer = self.find_price(sku, self.content.currency)
        if offer is None:
            raise Refused("price-unavailable")
        line = self.content.find_same(sku, properties)
        held = line["quantity"] if line else 0
        quantity = command.get("quantity") or self.find_least_addition(sku, held)
        self.check_quantity(sku, quantity + held)
        if line is None and len(self.content.lines) == LINES_MAX:
            raise Refused("cart-full")
        made = {
            "id": line["id"] if line else self.name_line(sku, properties),
            "sku": sku,
            "quantity": quantity + held,
            "properties": properties,
            **offer,
        }
        replaced = subtotal_of(line) if line else 0
        self.check_amounts(self.content, self.sum_totals() + subtotal_of(made) - replaced)
        if line:
            line.update(made)
        else:
            self.put_line(made)
        self.record("ItemAdded")

    def set_quantity(self, content, item_id, quantity):
        """The types of its events."""
        line = content.find(item_id)
        if quantity == line["quantity"]:
            return []
        if quantity == 0:
            content.lines.remove(line)
            return ["ItemRemoved"]
        if quantity > line["quantity"] and not self.find_price(line["sku"], content.currency):
            raise Refused(self.why_not(line["sku"]))
        self.check_quantity(line["sku"], quantity)
        line["quantity"] = quantity
        self.check_amounts(content)
        return ["ItemQuantityChanged"]

    def set_properties(self, content, item_id, patch):
        line = content.find(item_id)
        properties = {} if patch is None else merge_patch(line["properties"], patch)
        if len(properties) > PROPERTIES_MAX or count_bytes(properties) > PROPERTIES_BYTES_MAX:
            raise Refused("properties-too-large")
        if properties == line["properties"]:
            return []
        into = content.find_same(line["sku"], properties)
        if into is None:
            line["properties"] = properties
            return ["ItemPropertiesChanged"]
        self.check_quantity(line["sku"], into["quantity"] + line["quantity"])
        into["quantity"] += line["quantity"]
        content.lines.remove(line)
        return ["ItemMerged"]

    def change_item(self, command):
        self.find(command)

        def work(content):
            types = []
            item_id = command["item_id"]
            if "quantity" in command:
                types += self.set_quantity(content, item_id, command["quantity"])
            if "properties" in command and content.find(item_id):
                types += self.set_properties(content, item_id, command["properties"])
            return types

        self.change(work)

    def change_item_quantity(self, command):
        self.change_item({"item_id": command["item_id"], "quantity": command["quantity"]})

    def remove_item(self, command):
        self.content.lines.remove(self.find(command))
        self.record("ItemRemoved")

    def clear_items(self, _):
        if self.content.lines:
            self.content.lines.clear()
            self.record("CartCleared")

    # ---- the cart as a whole ----

    def change_details(self, command):
        content = copy.deepcopy(self.content)
        if "metadata" in command:
            patch = command["metadata"]
            content.metadata = {} if patch is None else merge_patch(content.metadata, patch)
            if (
                count_bytes(content.metadata) > METADATA_BYTES_MAX
                or count_levels(content.metadata) > METADATA_LEVELS_MAX
            ):
                raise Refused("metadata-too-large")
        content.customer_email = command.get("customer_email", content.customer_email)
        content.note = command.get("note", content.note)
        if content.details != self.content.details:
            self.content = content
            self.record("CartDetailsChanged", changes_lines=False)

    def reprice(self, _):
        def work(content):
            types = []
            for line in content.lines:
                offer = self.find_price(line["sku"], content.currency)
                if offer and offer["unit_price"] != line["unit_price"]:
                    line["unit_price"] = offer["unit_price"]
                    types.append("ItemPriceChanged")
            return types

        self.change(work)
        self.refresh_coupons()

    def change_currency(self, command):
        currency = command["currency"]
        if currency == self.content.currency:
            return
        missing = [
            make_note(
                self.why_not(line["sku"]), line, unit_price=line["unit_price"], current_price=None
            )
            for line in self.content.lines
            if not self.find_price(line["sku"], currency)
        ]
        if missing:
            raise Refused("price-unavailable", items=missing)

        def work(content):
            content.currency = currency
            for line in content.lines:
                line["unit_price"] = self.find_price(line["sku"], currency)["unit_price"]
            return ["CartCurrencyChanged"]

        self.totals = {}  # of the former currency; a refusal brings them back
        self.change(work)

    def claim(self, command):
        if self.customer_id not in (None, command["customer_id"]):
            raise Refused("cart-already-claimed")
        if self.customer_id is not None:
            return
        open_cart = self.shop.find_open_cart(command["customer_id"])
        discount = self.discount
        self.customer_id = command["customer_id"]
        self.record("CartClaimed", is_change=False)
        if self.discount != discount:
            self.make_totals_stale()
        if "merge" in command and open_cart and self.shop.has_one_open_cart:
            self.take(open_cart, command["merge"])

    def list_differences(self):
        differences = []
        for line in self.content.lines:
            offer = self.find_price(line["sku"], self.content.currency)
            price = offer["unit_price"] if offer else None
            if price != line["unit_price"]:
                code = "prices-changed" if offer else self.why_not(line["sku"])
                differences.append(
                    make_note(code, line, unit_price=line["unit_price"], current_price=price)
                )
        return differences

    def check_out(self, command):
        if not self.content.lines:
            raise Refused("cart-empty")
        order_reference = command.get("order_reference")
        is_again = self.status == "checked_out"
        if is_again and order_reference not in (None, self.order_reference):
            raise Refused("order-reference-mismatch", order_reference=self.order_reference)
        if command.get("expected_total", self.total) != self.total:
            raise Refused("total-changed", current_total=self.total)
        if is_again:
            return
        if command.get("check_prices") and self.list_differences():
            raise Refused("prices-changed", items=self.list_differences())
        self.check_coupons()
        self.order_reference = order_reference
        self.status = "checked_out"
        self.record("CartCheckedOut", is_change=False)

    def cancel(self, _):
        if self.status == "cancelled":
            return
        self.status = "cancelled"
        self.record("CartCancelled", is_change=False)

    def reopen(self, _):
        if self.status != "open":
            self.status = "open"
            self.order_reference = None
            self.record("CartReopened", is_change=False)

    def set_total(self, command):
        name, amount = command["name"], command["amount"]
        if self.totals.get(name) == (amount, False):
            return
        if name not in self.totals and len(self.totals) == TOTALS_MAX:
            raise Refused("too-many-totals")
        self.totals[name] = (amount, False)
        self.check_amounts(self.content)
        self.record("CartTotalSet", is_change=False, notes=self.notes)

    def remove_total(self, command):
        if self.totals.pop(command["name"], None):
            self.record("CartTotalRemoved", is_change=False, notes=self.notes)


def copy_cart(source, currency=None, version=None, customer_id=None, metadata=None):
    """A new cart with the lines of another, at the prices of now."""
    moment = source.moments.get(version) if version else source.recorded
    if moment is None:
        raise Refused("no-such-version")
    then = moment.content
    made = Cart(source.shop, currency or then.currency, customer_id, metadata)
    for line in then.lines:
        offer = made.find_offer(line, line["quantity"], made.content.currency)
        if offer is None:
            code = made.why_not(line["sku"], made.content.currency)
            made.notes.append(make_note(code, line))
            continue
        made.put_line({**line, **offer})
    made.check_amounts(made.content)
    made.history += ["ItemAdded"] * len(made.content.lines) + ["CartCopied"]
    made.shop.check_open_carts(made, None)
    made.remember()
    return made
