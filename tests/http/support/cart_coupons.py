"""Coupons in a cart of the model, and what they take off its lines."""

import copy

from .cart_content import Refused, subtotal_of

COUPONS_MAX = 8


class CartCoupon:
    """What a coupon was when it was applied, and why it has lapsed since, if so."""

    def __init__(self, coupon):
        self.code = coupon.code
        self.definition = copy.deepcopy(coupon.definition)
        self.lapsed = None

    @property
    def folded(self):
        return self.code.lower()

    @property
    def limit_per_customer(self):
        return self.definition["limit_per_customer"]

    def is_same(self, other):
        return (self.code, self.definition) == (other.code, other.definition)

    def covers(self, line):
        skus, tags = self.definition["skus"], self.definition["tags"]
        is_for_all = not skus and not tags
        return is_for_all or line["sku"] in skus or any(tag in tags for tag in line["tags"])

    def find_state(self, content, customer_id):
        definition = self.definition
        covered = [line for line in content.lines if self.covers(line)]
        if self.lapsed:
            return self.lapsed
        if self.limit_per_customer and customer_id is None:
            return "needs-customer"
        if not covered and (definition["skus"] or definition["tags"]):
            return "not-for-these-items"
        if definition["amount"] and content.currency not in definition["amount"]:
            return "not-for-these-items"
        if sum(map(subtotal_of, covered)) < definition["minimum"].get(content.currency, 0):
            return "minimum-not-met"
        return "applied"

    def take_off(self, content, left):
        """From what is left of the lines, by their ids; returns how much."""
        covered = [line["id"] for line in content.lines if self.covers(line)]
        before = sum(left.values())
        if self.definition["percent"]:
            for item_id in covered:
                left[item_id] -= (2 * left[item_id] * self.definition["percent"] + 10000) // 20000
        else:
            spread(self.definition["amount"][content.currency], covered, left)
        return before - sum(left.values())


def spread(amount, item_ids, left):
    """By the largest remainder: of equal ones, the first line gets the unit."""
    whole = sum(left[item_id] for item_id in item_ids)
    amount = min(amount, whole)
    if amount == 0:
        return
    shares = {item_id: divmod(amount * left[item_id], whole) for item_id in item_ids}
    n_units = amount - sum(share for share, _ in shares.values())
    by_remainder = sorted(item_ids, key=lambda item_id: -shares[item_id][1])
    for item_id in item_ids:
        left[item_id] -= shares[item_id][0] + (item_id in by_remainder[:n_units])


def bring_coupons_back(now, made):
    """Those of the content that is made, which has them in the order of then: from the first on
    that differs they are taken off and applied again. What had lapsed then has lapsed again."""
    n_same = 0
    while n_same < min(len(now), len(made.coupons)) and now[n_same].is_same(made.coupons[n_same]):
        n_same += 1
    types = []
    for here, then in zip(now[:n_same], made.coupons):
        if here.lapsed != then.lapsed:
            types.append("CartCouponLapsed" if then.lapsed else "CartCouponApplied")
    types += ["CartCouponRemoved"] * (len(now) - n_same)
    for coupon in made.coupons[n_same:]:
        types += ["CartCouponApplied", *(["CartCouponLapsed"] if coupon.lapsed else [])]
    return types


class Coupons:
    """The part of a cart."""

    def take_off(self):
        """What is taken off each line, by its id, and the coupons as they are served."""
        left = {line["id"]: subtotal_of(line) for line in self.content.lines}
        amounts = {}
        for coupon in sorted(self.content.coupons, key=lambda each: not each.definition["percent"]):
            amounts[coupon.folded] = 0
            if coupon.find_state(self.content, self.customer_id) == "applied":
                amounts[coupon.folded] = coupon.take_off(self.content, left)
        served = [
            {
                "code": coupon.code,
                "amount": amounts[coupon.folded],
                "state": coupon.find_state(self.content, self.customer_id),
            }
            for coupon in self.content.coupons
        ]
        return {line["id"]: subtotal_of(line) - left[line["id"]] for line in self.content.lines}, served

    def find_coupon(self, code):
        found = (each for each in self.content.coupons if each.folded == code.lower())
        return next(found, None)

    def list_used(self):
        """Those that take something off."""
        _, served = self.take_off()
        return [self.find_coupon(each["code"]) for each in served if each["amount"] > 0]

    def find_redeemed(self, code):
        """The coupon if it is used up by the cart; None: it is not."""
        coupon = self.find_coupon(code) if self.status == "checked_out" else None
        return coupon if coupon and coupon in self.list_used() else None

    def why_not_coupon(self, code):
        coupon = self.shop.coupons.get(code.lower())
        return coupon.why_not(self) if coupon else "unknown"

    def apply_coupon(self, command):
        code = command["code"]
        coupons = self.content.coupons
        former = self.find_coupon(code)
        if former and not former.lapsed:
            return
        if former is None and len(coupons) == COUPONS_MAX:
            raise Refused("too-many-coupons")
        reason = self.why_not_coupon(code)
        if reason:
            raise Refused("coupon-not-applicable", reason=reason)
        applied = CartCoupon(self.shop.coupons[code.lower()])
        others = [coupon for coupon in coupons if coupon is not former]
        if others and not all(each.definition["combinable"] for each in (applied, *others)):
            raise Refused("coupons-not-combinable")
        if former:
            coupons[coupons.index(former)] = applied
        else:
            coupons.append(applied)
        self.record("CartCouponApplied")

    def remove_coupon(self, command):
        coupon = self.find_coupon(command["code"])
        if coupon:
            self.content.coupons.remove(coupon)
            self.record("CartCouponRemoved")

    def find_lapse(self, coupon):
        reason = self.why_not_coupon(coupon.code)
        return reason if reason in (None, "exhausted") else "expired"

    def refresh_coupons(self):
        """What can't be redeemed any more lapses, and what can again is applied again."""
        for coupon in self.content.coupons:
            lapsed, coupon.lapsed = coupon.lapsed, self.find_lapse(coupon)
            if coupon.lapsed is None and lapsed:
                self.record("CartCouponApplied")
            elif coupon.lapsed != lapsed:
                self.record("CartCouponLapsed")

    def check_coupons(self):
        _, served = self.take_off()
        changed = [
            {
                "code": each["code"],
                "state": self.find_lapse(self.find_coupon(each["code"])),
                "amount": 0,
                "former_amount": each["amount"],
            }
            for each in served
            if each["amount"] > 0 and self.find_lapse(self.find_coupon(each["code"]))
        ]
        if changed:
            raise Refused("coupons-changed", coupons=changed)
