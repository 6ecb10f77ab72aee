"""What carts of the model have in common: the catalogue, the coupons, and whose carts are open."""

import copy

from .cart_content import Refused


class Shop:
    def __init__(self, has_one_open_cart=False):
        self.has_one_open_cart = has_one_open_cart
        self.products = {}
        self.coupons = {}  # by code, folded
        self.carts = []  # in the order in which they were created

    def put_product(self, sku, content):
        self.products[sku] = copy.deepcopy(content)

    def put_coupon(self, code, definition):
        self.coupons.setdefault(code.lower(), Coupon(self)).define(code, definition)

    def withdraw_coupon(self, code):
        if code.lower() in self.coupons:
            self.coupons[code.lower()].withdraw()

    def find_open_cart(self, customer_id, but=()):
        """The newest; None: there is none."""
        open_carts = (cart for cart in reversed(self.carts) if cart.owner == customer_id)
        return next((cart for cart in open_carts if cart not in but), None)

    def check_open_carts(self, cart, former):
        """Of what a request has made of the cart, which was open for `former` before; and of the
        cart that it has merged, or opened again."""
        what, other = cart.other_event or (None, None)
        opened = [cart] if cart.owner not in (None, former) else []
        if what == "revert" and other.customer_id:
            opened.append(other)
        for one in opened:
            self.check_open_cart(one, ended=other if what == "merge" else None)

    def check_open_cart(self, cart, ended):
        exists = self.find_open_cart(cart.customer_id, but=(cart, ended))
        if self.has_one_open_cart and exists:
            raise Refused("open-cart-exists", cart_id=exists.id)

    def end_request(self):
        for coupon in self.coupons.values():
            coupon.count_changes()


class Coupon:
    """Who uses it is what the carts say: those that are checked out with something off by it."""

    def __init__(self, shop):
        self.shop = shop
        self.code = None
        self.version = 0
        self.is_withdrawn = False
        self.definition = None
        self.used_before = 0

    def define(self, code, definition):
        is_same = (code, definition) == (self.code, self.definition)
        if is_same and not self.is_withdrawn:
            return
        self.code = code
        self.definition = copy.deepcopy(definition)
        self.is_withdrawn = False
        self.version += 1

    def withdraw(self):
        if not self.is_withdrawn:
            self.is_withdrawn = True
            self.version += 1

    @property
    def used(self):
        return self.count_uses()

    def count_uses(self, but=None, customer_id=None):
        """Of a customer: only those that count for each customer."""
        used = 0
        for cart in self.shop.carts:
            redeemed = None if cart is but else cart.find_redeemed(self.code)
            if redeemed is None:
                continue
            is_his = cart.customer_id == customer_id and redeemed.limit_per_customer
            used += customer_id is None or bool(is_his)
        return used

    def count_changes(self):
        """After each request: a redemption, or what was given back, is an event."""
        self.version += self.used != self.used_before
        self.used_before = self.used

    def why_not(self, cart):
        """Why the cart can't use it; None: it can. What it uses itself does not count."""
        definition = self.definition
        limit, limit_per_customer = definition["limit"], definition["limit_per_customer"]
        if self.is_withdrawn:
            return "withdrawn"
        if definition["starts_at"]:  # far in the future
            return "not-started"
        if definition["ends_at"]:  # long ago
            return "expired"
        if limit and self.count_uses(but=cart) >= limit:
            return "exhausted"
        if limit_per_customer and cart.customer_id:
            if self.count_uses(but=cart, customer_id=cart.customer_id) >= limit_per_customer:
                return "exhausted"
        return None

    def document(self):
        """As it is served, without its time."""
        return {
            "code": self.code,
            **self.definition,
            "version": self.version,
            "used": self.used,
            "withdrawn": self.is_withdrawn,
        }
