"""Merging carts of the model, and taking that back."""

import copy

from .cart_content import LINES_MAX, Refused, make_item_id, make_note

CHOICES = {
    "sum": lambda ours, theirs: ours + theirs,
    "max": max,
    "theirs": lambda ours, theirs: theirs,
    "ours": lambda ours, theirs: ours,
}


class Merging:
    """The part of a cart. What becomes of the other cart is done when the request is accepted."""

    def is_merged_again(self, command):
        """Whether it is a merge, or its revert, that was done before."""
        others = [cart for cart in self.shop.carts if cart.id == command.get("from")]
        if command["type"] == "merge":
            return any(other.merged_into == self.id for other in others)
        return command["type"] == "revert_merge" and any(other.status == "open" for other in others)

    def merge(self, command):
        other = self.find_other(command)
        if other.merged_into == self.id:
            return
        if other.status != "open":
            raise Refused("source-cart-closed")
        self.take(other, command.get("quantities", "sum"))

    def find_other(self, command):
        for cart in self.shop.carts:
            if cart.id == command["from"]:
                return cart
        raise Refused("source-cart-not-found")

    def tell_other(self, what, other):
        if what == "merge":
            other.status = "merged"
            other.merged_into = self.id
            other.merged_version = self.version
            other.history.append("CartMergedInto")
        else:
            other.status = "open"
            other.merged_into = None
            other.order_reference = None
            other.history.append("CartMergeReverted")
        other.notes = []
        other.remember()

    def begin_changes(self, event, types, notes, changes_lines):
        """What came or went is not undone: one of the two carts would lack it."""
        self.record(*types, event, notes=notes, changes_lines=changes_lines)
        self.undoable = ()

    # ---- what comes ----

    def take(self, other, rule):
        types, notes = [], []
        for theirs in other.content.lines:
            ours = self.content.find_same(theirs["sku"], theirs["properties"])
            if ours:
                types += self.join(ours, theirs, rule, notes)
            else:
                types += self.bring(theirs, other.content.currency, notes)
        changes_lines = bool(types)
        content = self.content
        details = content.details
        content.metadata = content.metadata or copy.deepcopy(other.content.metadata)
        content.customer_email = content.customer_email or other.content.customer_email
        content.note = content.note or other.content.note
        if content.details != details:
            types.append("CartDetailsChanged")
        self.begin_changes("CartMerged", types, notes, changes_lines)
        self.other_event = ("merge", other)

    def find_allowed(self, sku, wanted):
        """As much of what is wanted as one line may hold; 0: not even the least of it."""
        limits = self.find_limits(sku)
        most = min(wanted, limits["maximum"])
        most -= most % limits["multiple_of"]
        return most if most >= limits["minimum"] else 0

    def has_room(self, quantity, price):
        """For so much more."""
        try:
            self.check_amounts(self.content, self.sum_totals() + quantity * price)
        except Refused:
            return False
        return True

    def fit(self, line, wanted, notes):
        """How much of what is wanted the line can hold, with a note if that is not all."""
        sku = line["sku"]
        fits, code = line["quantity"], "quantity-out-of-range"
        if wanted < line["quantity"]:
            fits = self.find_allowed(sku, wanted) if self.sells(sku) else wanted
        elif not self.find_price(sku, self.content.currency):
            code = self.why_not(sku)
        elif self.find_allowed(sku, wanted) > line["quantity"]:
            more = self.find_allowed(sku, wanted) - line["quantity"]
            if self.has_room(more, line["unit_price"]):
                fits += more
            else:
                code = "amount-too-large"
        if fits != wanted:
            notes.append(make_note(code, line, wanted))
        return fits

    def join(self, ours, theirs, rule, notes):
        wanted = CHOICES[rule](ours["quantity"], theirs["quantity"])
        if wanted == ours["quantity"]:
            return []
        quantity = self.fit(ours, wanted, notes)
        if quantity in (0, ours["quantity"]):
            return []
        ours["quantity"] = quantity
        return ["ItemQuantityChanged"]

    def bring(self, theirs, currency, notes):
        """At the price that it had or, from another currency, the catalogue's."""
        sku = theirs["sku"]
        offer = self.find_price(sku, self.content.currency)
        quantity = self.find_allowed(sku, theirs["quantity"])
        code = None
        if offer is None:
            code = self.why_not(sku)
        elif len(self.content.lines) == LINES_MAX:
            code = "cart-full"
        else:
            if currency == self.content.currency:
                offer = {**offer, "unit_price": theirs["unit_price"]}
            if not self.has_room(quantity, offer["unit_price"]):
                code = "amount-too-large"
            elif quantity < theirs["quantity"]:
                code = "quantity-out-of-range"
        if code:
            notes.append(make_note(code, theirs))
        if code not in (None, "quantity-out-of-range") or quantity == 0:
            return []
        item_id, attempt = theirs["id"], 0
        while self.content.find(item_id):
            item_id = make_item_id(sku, theirs["properties"], attempt)
            attempt += 1
        self.put_line({**theirs, **offer, "id": item_id, "quantity": quantity})
        return ["ItemAdded"]

    # ---- what goes back ----

    def revert_merge(self, command):
        other = self.find_other(command)
        if other.status == "open":
            return
        if other.merged_into != self.id:
            raise Refused("cart-not-merged")
        versions = sorted(self.moments)
        index = versions.index(other.merged_version)
        before, after = (self.moments[version].content for version in versions[index - 1 : index + 1])
        types, notes = [], []
        for line in after.lines:
            there = self.find_there(before, line)
            types += self.give_back(line, there["quantity"] if there else 0, notes)
        changes_lines = bool(types)
        details = self.content.details
        for name in ("metadata", "customer_email", "note"):
            if getattr(self.content, name) == getattr(after, name):
                setattr(self.content, name, copy.deepcopy(getattr(before, name)))
        if self.content.details != details:
            types.append("CartDetailsChanged")
        self.begin_changes("CartMergeReverted", types, notes, changes_lines)
        self.other_event = ("revert", other)

    @staticmethod
    def find_there(content, line):
        found = content.find(line["id"])
        return found if found and found["sku"] == line["sku"] else None

    def give_back(self, after, before, notes):
        """As many as came, but not more than are there."""
        came = after["quantity"] - before
        line = self.find_there(self.content, after)
        there = line["quantity"] if line else 0
        if came == 0:
            return []
        if there == 0 or there < came:
            missing = -came if came < 0 else came - there
            notes.append(make_note("item-not-in-cart", after, missing))
        if there == 0:
            return []
        quantity = max(there - came, 0)
        if quantity not in (0, before):
            quantity = self.fit(line, quantity, notes)
        if quantity == 0:
            self.content.lines.remove(line)
            return ["ItemRemoved"]
        if quantity == there:
            return []
        line["quantity"] = quantity
        return ["ItemQuantityChanged"]
