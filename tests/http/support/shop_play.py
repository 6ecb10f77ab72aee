"""Sequences of commands to several carts, carried out on the service and on the model."""

from .cart_play import Play
from .case import make_id, make_sku
from .shop_steps import FREE, MANY

WIDE = 100  # lines that are added at once: three times that are more than a cart may have


class ShopPlay(Play):
    def __init__(self, client, steps, has_one_open_cart):
        super().__init__(client, steps, has_one_open_cart)
        self.codes = [make_sku("Code") for _ in range(MANY)]

    def run(self):
        super().run()
        for customer_id in self.customers.values():
            self.check_customer(customer_id)
        for code in self.codes:
            self.check_coupon(self.client.get(f"/coupons/{code}"), code)
        return self

    # ---- steps ----

    def do_turn_to(self, number):
        self.cart = self.carts[number % len(self.carts)]

    def do_coupon(self, number, is_written_otherwise, definition):
        code = self.codes[number]
        code = code.upper() if is_written_otherwise else code
        definition = {**definition, "skus": sorted(self.skus[i] for i in definition["skus"])}
        given = {name: value for name, value in definition.items() if value is not None}
        answer = self.send("PUT", f"/coupons/{code}", given)
        self.shop.put_coupon(code, definition)
        self.check_coupon(answer, code)

    def do_withdraw(self, number):
        code = self.codes[number]
        answer = self.send("DELETE", f"/coupons/{code}", None)
        self.shop.withdraw_coupon(code)
        self.check_coupon(answer, code)

    def do_many_coupons(self, definition):
        for number in range(MANY):
            self.do_coupon(number, False, definition)
        commands = [{"type": "apply_coupon", "code": number} for number in range(MANY)]
        self.do_commands(commands[:-1])
        self.do_commands(commands)

    def do_spread(self, amount):
        """Over lines that cost the same, so that no share has the largest remainder."""
        for index in range(3):
            self.do_product(index, {"name": "Alike", "prices": {"EUR": 100}, "active": True})
        self.do_create({"currency": "EUR", "metadata": {}}, [{"sku": i} for i in range(3)])
        everything = {"percent": None, "minimum": {}, "skus": (), "tags": []}
        self.do_coupon(0, False, {**everything, **FREE, "amount": amount})
        self.do_command({"type": "apply_coupon", "code": 0})

    def do_wide_merge(self, rule):
        """Of carts that have more lines together than one may have."""
        self.do_product(0, {"name": "Wide", "prices": {"EUR": 1, "USD": 1}, "active": True})
        for first, n in ((0, 2 * WIDE), (WIDE, 2 * WIDE)):
            self.do_create({"currency": "EUR", "metadata": {}}, [])
            for start in range(first, first + n, WIDE):
                lines = ({"n": str(i)} for i in range(start, start + WIDE))
                add = {"type": "add_item", "sku": 0, "quantity": 600}
                self.do_commands([{**add, "properties": properties} for properties in lines])
        other = self.carts[-2].id
        self.do_command({"type": "merge", "from": other, "quantities": rule})

    def resolve(self, command):
        command = super().resolve(command)
        if isinstance(command.get("code"), int):
            command["code"] = self.codes[command["code"]]
        if command.get("from") == "nowhere":
            command["from"] = make_id()
        elif isinstance(command.get("from"), int):
            others = [cart for cart in self.carts if cart is not self.cart]
            command["from"] = others[command["from"] % len(others)].id if others else make_id()
        return command

    # ---- comparing ----

    def check_shop(self):
        """What the cart may have changed: whose open cart it is, and the uses of its coupons."""
        if self.cart.customer_id:
            self.check_customer(self.cart.customer_id)
        for coupon in self.cart.content.coupons:
            self.check_coupon(self.client.get(f"/coupons/{coupon.folded}"), coupon.code)

    def check_customer(self, customer_id):
        """The open cart that the customer has, the newest."""
        answer = self.client.get(f"/customers/{customer_id}/cart")
        cart = self.shop.find_open_cart(customer_id)
        if cart:
            self.expect(answer.status == 200, f"{customer_id} has {cart.id}: {answer}")
            self.compare(answer, cart)
        else:
            self.expect((answer.status, answer.slug) == (404, "cart-not-found"), answer)

    def check_coupon(self, answer, code):
        coupon = self.shop.coupons.get(code.lower())
        if coupon is None:
            self.expect((answer.status, answer.slug) == (404, "coupon-not-found"), answer)
            return
        self.expect(answer.status in (200, 201), answer)
        served = answer.json()
        served.pop("updated_at")
        expected = coupon.document()
        self.expect(served == expected, f"the model has {expected}\nthe service {served}")
