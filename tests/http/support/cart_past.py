"""What leads a cart of the model back to what it was."""

import copy

from .cart_content import Refused, make_note
from .cart_coupons import bring_coupons_back


class Past:
    # ---- what was ----

    def undo(self, _):
        then = self.recorded
        if self.version != then.version and self.undoable == (*then.undoable, then.version):
            target = then  # what this request has changed itself is one change
        elif self.undoable:
            target = self.moments[self.undoable[-1]]
        else:
            raise Refused("nothing-to-undo")
        types, notes = self.lead_to(target.content)
        self.history += [*types, "CartRestored"]
        self.notes = notes
        self.has_lost = self.has_lost or bool(notes)
        self.undoable = target.undoable

    def restore(self, command):
        moment = self.moments.get(command["version"])
        if moment is None:
            raise Refused("no-such-version")
        types, notes = self.lead_to(moment.content)
        if types or notes:
            self.record(*types, "CartRestored", notes=notes, changes_lines=False)

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
        """Makes the content that of then, as far as it can be had: the types of the events, and
        what could not be done."""
        now = self.content
        made = copy.deepcopy(then)
        made.lines = []
        same_currency = now.currency == then.currency
        stayed = self.find_staying(now, then)
        removed = ["ItemRemoved" for line in now.lines if line["id"] not in stayed]
        reduced, priced, completed, restored = [], [], [], []
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
            face = here if has_own_price else offer
            comes.update({name: face[name] for name in ("name", "tags")})
            if not never_left:
                comes["unit_price"] = face["unit_price"]
            if stays:
                comes["number"] = here["number"]
                if same_currency and comes["unit_price"] != here["unit_price"]:
                    priced.append("ItemPriceChanged")
                if comes["quantity"] != here["quantity"]:
                    becomes_less = comes["quantity"] < here["quantity"]
                    (reduced if becomes_less else completed).append("ItemQuantityChanged")
                if line["properties"] != here["properties"]:
                    completed.append("ItemPropertiesChanged")
            else:
                self.n_lines_made += 1
                comes["number"] = self.n_lines_made
                restored.append("ItemRestored")
            made.lines.append(comes)
        self.check_amounts(made, None if same_currency else 0)
        coupons = bring_coupons_back(now.coupons, made)
        if removed or reduced or priced or completed or restored or coupons:
            self.make_totals_stale()
        if not same_currency:
            self.totals = {}
            priced = ["CartCurrencyChanged"]
        details = [] if now.details == then.details else ["CartDetailsChanged"]
        self.content = made
        types = [*removed, *reduced, *priced, *completed, *restored, *coupons, *details]
        return types, notes_of_staying + notes_of_returning
