"""Random sequences of commands to several carts, with customers and coupons."""

from .cart_play import CUSTOMERS
from .cart_steps import PRODUCTS, Steps

CODES = 4  # of coupons that are used often
MANY = 9  # more coupons than a cart may have
RULES = ("sum", "max", "theirs", "ours")
LONG_AGO = "2020-01-01T00:00:00.000000Z"
FAR_AWAY = "2200-01-01T00:00:00.000000Z"
NEVER = (None,) * 12
FREE = {
    "starts_at": None,
    "ends_at": None,
    "limit": None,
    "limit_per_customer": None,
    "combinable": True,
}  # a coupon that everybody may use, with others


class ShopSteps(Steps):
    """Carts are named by their number, coupons by theirs."""

    KINDS = {
        **Steps.KINDS,
        "check_out": 10,
        "reopen": 14,
        "claim": 6,
        "apply_coupon": 50,
        "remove_coupon": 6,
        "merge": 24,
        "revert_merge": 16,
    }

    def count(self):
        return self.random.randint(30, 80)

    def make(self):
        products, creation = super().make()[:PRODUCTS], self.make_creation()
        coupons = [self.make_coupon(number) for number in range(CODES - 1)]
        steps = [self.make_step() for _ in range(self.count())]
        return [*products, creation, *coupons, self.make_creation(), *steps]

    def make_step(self):
        dice = self.random.random()
        if dice < 0.18:
            return ("turn_to", self.random.randrange(6))
        if dice < 0.25:
            return self.make_creation()
        if dice < 0.31:
            return self.make_coupon(self.random.randrange(CODES))
        if dice < 0.33:
            return ("withdraw", self.random.randrange(CODES))
        if dice < 0.345:
            return ("many_coupons", {**self.make_definition(), **FREE})
        if dice < 0.347:
            return ("wide_merge", self.random.choice(RULES))
        if dice < 0.36:
            return ("spread", {"EUR": self.random.choice((1, 7, 100, 250))})
        return super().make_step()

    def make_product(self, index):
        """Mostly at one of two prices, so that shares are equal and their remainders too."""
        kind, index, content = super().make_product(index)
        if self.random.random() < 0.6:
            prices = {currency: self.random.choice((100, 100, 250)) for currency in ("EUR", "USD")}
            content.update(prices=prices, quantity={}, active=True)
        tags = self.random.choice(([], ["sale"], ["sale"], ["new"], ["new", "sale"]))
        return (kind, index, {**content, "tags": tags})

    def make_customer(self):
        return self.random.choice((None, *CUSTOMERS))

    def make_creation(self):
        kind, members, _ = super().make_creation()
        items = [self.make_item() for _ in range(self.random.choice((0, 1, 2, 2, 3, 3)))]
        return (kind, {**members, "customer_id": self.make_customer()}, items)

    def make_item(self):
        """Mostly a few things, so that carts have lines in common."""
        item = super().make_item()
        if self.random.random() < 0.6:
            item = {"sku": self.random.choice((0, 0, 1, 2))}
            item["quantity"] = self.random.choice((1, 1, 1, 2, 3, 5))
        return item

    def make_copy(self):
        kind, members = super().make_copy()
        return (kind, {**members, "customer_id": self.make_customer()})

    # ---- coupons ----

    def make_coupon(self, number):
        is_written_otherwise = self.random.random() < 0.1
        return ("coupon", number, is_written_otherwise, self.make_definition())

    def make_definition(self):
        amounts = {"EUR": self.random.choice((1, 7, 100, 777, 5000))}
        if self.random.random() < 0.5:
            amounts["USD"] = self.random.choice((3, 250))
        is_amount = self.random.random() < 0.5
        percent = self.random.choice((1, 333, 1000, 5000, 9999, 10000))
        skus = self.random.choice(((), (), (), (0, 1), (2,), (0, 1, 2, 3, 4)))
        starts_at = self.random.choice((*NEVER, FAR_AWAY))
        ends_at = self.random.choice((*NEVER, LONG_AGO))
        return {
            "percent": None if is_amount else percent,
            "amount": amounts if is_amount else None,
            "minimum": self.random.choice(({}, {}, {}, {}, {"EUR": 500}, {"EUR": 20000, "USD": 500})),
            "skus": skus,
            "tags": self.random.choice(([], [], [], [], ["sale"], ["new", "sale"])),
            "starts_at": starts_at,
            "ends_at": None if starts_at else ends_at,
            "limit": self.random.choice((None, None, 1, 1, 2)),
            "limit_per_customer": self.random.choice((None, None, None, 1, 2)),
            "combinable": self.random.random() < 0.8,
        }

    def make_apply_coupon(self):
        return {"code": self.random.choice((*range(CODES), *range(CODES), "no-such-code"))}

    def make_remove_coupon(self):
        return self.make_apply_coupon()

    # ---- carts ----

    def make_claim(self):
        merge = {"merge": self.random.choice(RULES)} if self.random.random() < 0.6 else {}
        return {"customer_id": self.random.choice(CUSTOMERS), **merge}

    def make_merge(self):
        rule = {"quantities": self.random.choice(RULES)} if self.random.random() < 0.7 else {}
        return {**self.make_revert_merge(), **rule}

    def make_revert_merge(self):
        return {"from": self.random.choice((*range(6), *range(6), "nowhere"))}
