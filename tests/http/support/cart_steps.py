"""Random sequences of commands to a cart, for the tests that play them on a model too."""

import random

from .cart_content import AMOUNT_MAX

PRODUCTS = 5
PROPERTIES = ({}, {}, {"size": "L"}, {"size": "M"}, {"color": "red", "size": "L"})
PATCHES = (
    {},
    None,
    {"size": "L"},
    {"size": "M"},
    {"size": None},
    {"color": "red"},
    {"color": None},
    {f"a{i}": "x" for i in range(15)},
    {f"b{i}": "y" for i in range(15)},
    {"long": "ü" * 256},
    {"longer": "ü" * 256},
)
METADATA_PATCHES = (
    None,
    {},
    {"a": 1},
    {"a": None},
    {"a": [1, None, {"x": 2.5}]},
    {"b": {"c": 2}},
    {"b": {"c": None}},
    {"b": {"d": {"e": "für Zoë"}}},
    {"b": "text"},
    {"big": "x" * 2500},
    {"huge": "y" * 2500},
)
ALONE = ("claim", "merge", "revert_merge")  # these are in no list of commands


class Steps:
    """A random sequence. A step says nothing of what the cart is by then, so that steps can be left
    out: a line is named by its index, a version by how many requests ago it was."""

    def __init__(self, seed, number):
        self.random = random.Random(f"{seed}/{number}")

    KINDS = {
        "add_item": 30,
        "change_item": 14,
        "change_item_quantity": 4,
        "remove_item": 8,
        "clear_items": 2,
        "change_details": 8,
        "reprice": 6,
        "change_currency": 5,
        "undo": 14,
        "restore": 8,
        "check_out": 4,
        "cancel": 1,
        "reopen": 9,
        "claim": 1,
        "set_total": 7,
        "remove_total": 2,
    }  # how often each comes

    def make(self):
        products = [self.make_product(index) for index in range(PRODUCTS)]
        return [*products, self.make_creation(), *(self.make_step() for _ in range(self.count()))]

    def count(self):
        return self.random.randint(10, 40)

    def make_step(self):
        dice = self.random.random()
        if dice < 0.15:
            return self.make_product(self.random.randrange(PRODUCTS))
        if dice < 0.18:
            return self.make_copy()
        if dice < 0.19:
            names = "stuvwxyz"  # as many as there may be
            return ("commands", [{"type": "set_total", "name": n, "amount": 1} for n in names])
        if dice < 0.33:
            n = self.random.randint(1, 5)
            commands = [self.make_command() for _ in range(n)]
            return ("commands", [each for each in commands if each["type"] not in ALONE])
        return ("command", self.make_command())

    def make_product(self, index):
        prices = [0, 1, 499, *(self.random.randrange(10**4) for _ in range(6)), AMOUNT_MAX // 900]
        quantities = ({}, {}, {"maximum": 600}, {"minimum": 2, "multiple_of": 2}, {"maximum": 3000})
        return (
            "product",
            index,
            {
                "quantity": self.random.choice(quantities),
                "name": self.random.choice(("Tea", "Thé vert", "緑茶")),
                "prices": {
                    currency: self.random.choice(prices)
                    for currency in ("EUR", "USD", "JPY")
                    if self.random.random() < 0.93
                },
                "active": self.random.random() < 0.9,
            },
        )

    def make_creation(self):
        items = [self.make_item() for _ in range(self.random.choice((0, 0, 1, 2, 3)))]
        metadata = self.random.choice(({}, {"a": 1}, {"b": {"c": [1, 2.5, None]}}))
        return (
            "create",
            {"currency": self.random.choice(("EUR", "EUR", "USD")), "metadata": metadata},
            items,
        )

    def make_copy(self):
        members = {"customer_id": "ada"}
        if self.random.random() < 0.3:
            members["currency"] = self.random.choice(("EUR", "USD", "JPY"))
        if self.random.random() < 0.5:
            members["at_version"] = self.random.choice((0, 1, 2, 5, 1000))
        return ("copy", members)

    def make_item(self):
        item = {"sku": self.random.choice((*range(PRODUCTS), *range(PRODUCTS), *range(PRODUCTS), "no-such-sku"))}
        if self.random.random() < 0.8:
            item["quantity"] = self.random.choice((1, 1, 2, 3, 500, 999))
        if self.random.random() < 0.5:
            item["properties"] = self.random.choice(PROPERTIES)
        return item

    def make_command(self):
        kind = self.random.choices(list(self.KINDS), list(self.KINDS.values()))[0]
        command = {"type": kind}
        command.update(getattr(self, f"make_{kind}", dict)())
        return command

    def make_add_item(self):
        return self.make_item()

    def make_line(self):
        return {"item_id": self.random.choice((*range(PRODUCTS), *range(PRODUCTS), *range(PRODUCTS), "no-such-item"))}

    def make_change_item(self):
        command = self.make_line()
        dice = self.random.random()
        if dice < 0.6:
            command["quantity"] = self.random.choice((0, 1, 2, 5, 998, 999))
        if dice > 0.4:
            command["properties"] = self.random.choice(PATCHES)
        return command

    def make_change_item_quantity(self):
        return {**self.make_line(), "quantity": self.random.choice((0, 1, 2, 5, 998, 999))}

    def make_remove_item(self):
        return self.make_line()

    def make_change_details(self):
        command = {}
        if self.random.random() < 0.7:
            command["metadata"] = self.random.choice(METADATA_PATCHES)
        if self.random.random() < 0.3:
            command["customer_email"] = self.random.choice(("ada@example.com", None))
        if self.random.random() < 0.3:
            command["note"] = self.random.choice(("Please ring.", "Für Zoë", None))
        return command

    def make_change_currency(self):
        return {"currency": self.random.choice(("EUR", "USD", "JPY"))}

    def make_restore(self):
        return {"version": self.random.choice((0, 1, 2, 3, 5, 8, 13, 1000))}

    def make_check_out(self):
        command = {}
        if self.random.random() < 0.3:
            command["expected_total"] = self.random.choice(("total", "total", 1))
        if self.random.random() < 0.5:
            command["check_prices"] = self.random.choice((True, True, False))
        if self.random.random() < 0.5:
            command["order_reference"] = self.random.choice(("order-1", "order-2", None))
        return command

    def make_reopen(self):
        return self.random.choice(({}, {"reason": "payment failed"}, {"reason": None}))

    def make_set_total(self):
        if self.random.random() < 0.1:
            return {"name": self.random.choice("abcdefghijk"), "amount": AMOUNT_MAX}
        amount = self.random.choice((0, 190, self.random.randrange(10**4)))
        return {**self.make_remove_total(), "amount": amount}

    def make_remove_total(self):
        return {"name": self.random.choice(("tax", "tax", "shipping", *"abcdefghijkl"))}

    def make_claim(self):
        return {"customer_id": self.random.choice(("ada", "ada", "bob"))}
