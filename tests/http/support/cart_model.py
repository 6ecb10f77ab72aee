"""A whole cart in plain Python: what each command makes of it, what each refusal says, and where undo
and restore lead. Written from what the commands mean and not from the service's core: the past is a
list of whole carts here, and what can be undone a list of versions that belongs to each of them."""

import copy

from .cart_content import (
    Content,
    Moment,
    count_bytes,
    count_levels,
    make_note,
    merge_patch,
)
from .model import AMOUNT_MAX, LINES_MAX, QUANTITY_MAX, Refused, make_item_id

WIDEST = {"maximum": 1000000}
TOTALS_MAX = 8
METADATA_BYTES_MAX = 4096
METADATA_LEVELS_MAX = 3
PROPERTIES_MAX = 16
PROPERTIES_BYTES_MAX = 1024
MINOR_UNITS = {"EUR": 2, "USD": 2, "JPY": 0}


class WholeCart:
    def __init__(self, catalogue, currency="EUR", customer_id=None, metadata=None):
        self.catalogue = catalogue
        self.id = None
        self.version = 1
        self.status = "open"
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
    def recorded(self):
        return self.moments[max(self.moments)]

    @property
    def total(self):
        return self.content.subtotal + self.sum_totals()

    def sum_totals(self):
        return sum(amount for amount, _ in self.totals.values())

    def check_amounts(self, content, others=None):
        """With what other services say, unless that is to go."""
        if content.subtotal + (self.sum_totals() if others is None else others) > AMOUNT_MAX:
            raise Refused("amount-too-large")

    def document(self):
        """The cart as it is served, without its times."""
        content = self.content
        return {
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
                    **{name: value for name, value in line.items() if name != "number"},
                    "price_source": "catalog",
                    "subtotal": line["quantity"] * line["unit_price"],
                    "discount": 0,
                    "total": line["quantity"] * line["unit_price"],
                }
                for line in content.lines
            ],
            "item_count": sum(line["quantity"] for line in content.lines),
            "coupons": [],
            "subtotal": content.subtotal,
            "discount": 0,
            "totals": [
                {"name": name, "amount": amount, "stale": is_stale}
                for name, (amount, is_stale) in sorted(self.totals.items())
            ],
            "total": self.total,
            "notes": self.notes,
            "metadata": content.metadata,
            "order_reference": self.order_reference,
        }

    # ---- requests ----

    def begin(self, items):
        """The creation, with items or without: there is nothing to undo in it."""
        self.moments[0] = Moment(0, self.content, ())
        self.apply_all([{"type": "add_item", **item} for item in items])
        self.undoable = ()
        self.moments.clear()
        self.remember()

    def apply_all(self, commands):
        """One request: all or nothing. A refusal tells which command it was in `index`."""
        before = copy.deepcopy({k: v for k, v in vars(self).items() if k not in LASTING})
        for index, command in enumerate(commands):
            try:
                self.apply(command)
            except Refused as refusal:
                vars(self).update(before)
                refusal.index = index
                raise
        if self.version != before["version"]:
            self.remember()

    def apply(self, command):
        kind = command["type"]
        is_again = (self.status, kind) in (("checked_out", "check_out"), ("cancelled", "cancel"))
        if self.status != "open" and not is_again and kind != "reopen":
            raise Refused("cart-closed", cart_status=self.status)
        getattr(self, kind)(command)

    def record(self, n_events=1, is_change=True, notes=(), changes_lines=True):
        """What was done is that many events; of changes, all of one request are undone at once."""
        self.version += n_events
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
        product = self.catalogue.products.get(sku)
        return product is not None and product["active"]

    def find_price(self, sku, currency):
        """The name and the price; None: it can't be had in that currency."""
        if not self.sells(sku):
            return None
        product = self.catalogue.products[sku]
        price = product["prices"].get(currency)
        return None if price is None else (product["name"], price)

    def why_not(self, sku, currency=None):
        """With a currency: if it has a price in it, there can't be so much of it."""
        if currency and self.find_price(sku, currency):
            return "quantity-out-of-range"
        return "price-unavailable" if self.sells(sku) else "product-withdrawn"

    def find_limits(self, sku):
        """What is not sold has none that could be reached."""
        given = self.catalogue.products[sku].get("quantity", {}) if self.sells(sku) else WIDEST
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
        n_events = work(content)
        self.check_amounts(content)
        self.content = content
        return n_events

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
            "name": offer[0],
            "quantity": quantity + held,
            "unit_price": offer[1],
            "properties": properties,
        }
        others = self.total - (line["quantity"] * line["unit_price"] if line else 0)
        if others + made["quantity"] * made["unit_price"] > AMOUNT_MAX:
            raise Refused("amount-too-large")
        if line:
            line.update(made)
        else:
            self.put_line(made)
        self.record()

    def set_quantity(self, content, item_id, quantity):
        """The number of events."""
        line = content.find(item_id)
        if quantity == line["quantity"]:
            return 0
        if quantity == 0:
            content.lines.remove(line)
            return 1
        if quantity > line["quantity"] and not self.find_price(line["sku"], content.currency):
            raise Refused(self.why_not(line["sku"]))
        self.check_quantity(line["sku"], quantity)
        line["quantity"] = quantity
        self.check_amounts(content)
        return 1

    def set_properties(self, content, item_id, patch):
        line = content.find(item_id)
        properties = {} if patch is None else merge_patch(line["properties"], patch)
        if len(properties) > PROPERTIES_MAX or count_bytes(properties) > PROPERTIES_BYTES_MAX:
            raise Refused("properties-too-large")
        if properties == line["properties"]:
            return 0
        into = content.find_same(line["sku"], properties)
        if into is None:
            line["properties"] = properties
            return 1
        self.check_quantity(line["sku"], into["quantity"] + line["quantity"])
        into["quantity"] += line["quantity"]
        content.lines.remove(line)
        return 1

    def change_item(self, command):
        self.find(command)

        def work(content):
            n_events = 0
            item_id = command["item_id"]
            if "quantity" in command:
                n_events = self.set_quantity(content, item_id, command["quantity"])
            if "properties" in command and content.find(item_id):
                n_events += self.set_properties(content, item_id, command["properties"])
            return n_events

        n_events = self.change(work)
        if n_events:
            self.record(n_events)

    def change_item_quantity(self, command):
        self.change_item({"item_id": command["item_id"], "quantity": command["quantity"]})

    def remove_item(self, command):
        self.content.lines.remove(self.find(command))
        self.record()

    def clear_items(self, _):
        if self.content.lines:
            self.content.lines.clear()
            self.record()

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
        if self.details(content) != self.details(self.content):
            self.content = content
            self.record(changes_lines=False)

    @staticmethod
    def details(content):
        return (content.metadata, content.customer_email, content.note)

    def reprice(self, _):
        def work(content):
            n_events = 0
            for line in content.lines:
                offer = self.find_price(line["sku"], content.currency)
                if offer and offer[1] != line["unit_price"]:
                    line["unit_price"] = offer[1]
                    n_events += 1
            return n_events

        n_events = self.change(work)
        if n_events:
            self.record(n_events)

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
                line["unit_price"] = self.find_price(line["sku"], currency)[1]

        self.totals = {}  # of the former currency; a refusal brings them back
        self.change(work)
        self.record()

    def claim(self, command):
        if self.customer_id not in (None, command["customer_id"]):
            raise Refused("cart-already-claimed")
        if self.customer_id is None:
            self.customer_id = command["customer_id"]
            self.record(is_change=False)

    def list_differences(self):
        differences = []
        for line in self.content.lines:
            offer = self.find_price(line["sku"], self.content.currency)
            price = offer[1] if offer else None
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
        self.order_reference = order_reference
        self.status = "checked_out"
        self.record(is_change=False)

    def cancel(self, _):
        if self.status == "cancelled":
            return
        self.status = "cancelled"
        self.record(is_change=False)

    def reopen(self, _):
        if self.status != "open":
            self.status = "open"
            self.order_reference = None
            self.record(is_change=False)

    def set_total(self, command):
        name, amount = command["name"], command["amount"]
        if self.totals.get(name) == (amount, False):
            return
        if name not in self.totals and len(self.totals) == TOTALS_MAX:
            raise Refused("too-many-totals")
        self.totals[name] = (amount, False)
        self.check_amounts(self.content)
        self.record(is_change=False, notes=self.notes)

    def remove_total(self, command):
        if self.totals.pop(command["name"], None):
            self.record(is_change=False, notes=self.notes)

    # ---- what was ----

    def undo(self, _):
        then = self.recorded
        if self.version != then.version and self.undoable == (*then.undoable, then.version):
            target = then  # what this request has changed itself is one change
        elif self.undoable:
            target = self.moments[self.undoable[-1]]
        else:
            raise Refused("nothing-to-undo")
        n_events, notes = self.lead_to(target.content)
        self.version += n_events + 1
        self.notes = notes
        self.has_lost = self.has_lost or bool(notes)
        self.undoable = target.undoable

    def restore(self, command):
        moment = self.moments.get(command["version"])
        if moment is None:
            raise Refused("no-such-version")
        n_events, notes = self.lead_to(moment.content)
        if n_events or notes:
            self.record(n_events + 1, notes=notes, changes_lines=False)

    @staticmethod
    def find_both(now, then):
        """The ids of the lines that never left or, if all are in the same order, are there again."""
        skus = {line["id"]: line["sku"] for line in now.lines}
        both = [line["id"] for line in then.lines if skus.get(line["id"]) == line["sku"]]
        is_in_order = both == [line["id"] for line in now.lines if line["id"] in both]
        if is_in_order and now.currency == then.currency:
            return set(both)
        numbers = {line["number"] for line in now.lines}
        return {line["id"] for line in then.lines if line["number"] in numbers}

    def find_staying(self, now, then):
        """The ids of those of both that none of the others keeps from the properties of then."""
        both = self.find_both(now, then)

        def is_free(line):
            other = now.find_same(line["sku"], line["properties"])
            return other is None or other["id"] not in both - {line["id"]}

        return {line["id"] for line in then.lines if line["id"] in both and is_free(line)}

    def lead_to(self, then):
        """Makes the content that of then, as far as it can be had: the number of events, and what
        could not be done."""
        now = self.content
        made = Content(then.currency, copy.deepcopy(then.metadata))
        made.customer_email = then.customer_email
        made.note = then.note
        same_currency = now.currency == then.currency
        stayed = self.find_staying(now, then)
        n_events = sum(line["id"] not in stayed for line in now.lines)
        notes_of_staying, notes_of_returning = [], []
        for line in then.lines:
            here = now.find(line["id"])
            if here and here["sku"] != line["sku"]:
                here = None
            stays = line["id"] in stayed
            offer = self.find_offer(line, line["quantity"], then.currency)
            never_left = here is not None and here["number"] == line["number"]
            has_own_price = here is not None and (never_left or same_currency)
            needs_offer = not has_own_price or line["quantity"] > here["quantity"]
            if needs_offer:
                lacks = offer is None
            else:  # less of it, or as much
                is_same = line["quantity"] == here["quantity"]
                lacks = not is_same and not self.allows(line["sku"], line["quantity"])
            if lacks:
                code = self.why_not(line["sku"], then.currency)
                note = make_note(code if needs_offer else "quantity-out-of-range", line)
                (notes_of_staying if stays else notes_of_returning).append(note)
                if not has_own_price:
                    continue
            comes = {**line, "quantity": here["quantity"] if lacks else line["quantity"]}
            if stays:
                comes["name"] = here["name"]
                comes["number"] = here["number"]
                if not never_left:
                    comes["unit_price"] = here["unit_price"]
                n_events += same_currency and comes["unit_price"] != here["unit_price"]
                n_events += comes["quantity"] != here["quantity"]
                n_events += line["properties"] != here["properties"]
            else:
                comes["name"] = here["name"] if has_own_price else offer[0]
                if not never_left:
                    comes["unit_price"] = here["unit_price"] if has_own_price else offer[1]
                self.n_lines_made += 1
                comes["number"] = self.n_lines_made
                n_events += 1
            made.lines.append(comes)
        self.check_amounts(made, None if same_currency else 0)
        if n_events > 0:
            self.make_totals_stale()
        if not same_currency:
            self.totals = {}
        n_events += (not same_currency) + (self.details(now) != self.details(then))
        self.content = made
        return n_events, notes_of_staying + notes_of_returning


# What is not put back when a request is refused.
LASTING = ("catalogue", "moments")


def copy_cart(source, catalogue, currency=None, version=None, customer_id=None, metadata=None):
    """A new cart with the lines of another, at the prices of now."""
    moment = source.moments.get(version) if version else source.recorded
    if moment is None:
        raise Refused("no-such-version")
    then = moment.content
    made = WholeCart(catalogue, currency or then.currency, customer_id, metadata)
    for line in then.lines:
        offer = made.find_offer(line, line["quantity"], made.content.currency)
        if offer is None:
            code = made.why_not(line["sku"], made.content.currency)
            made.notes.append(make_note(code, line))
            continue
        made.put_line({**line, "name": offer[0], "unit_price": offer[1]})
    made.check_amounts(made.content)
    made.version += len(made.content.lines) + 1
    made.remember()
    return made
