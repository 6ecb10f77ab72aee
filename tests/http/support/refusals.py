"""Each rule of the cart refuses, by each operation that openapi.yaml says may be refused so. It is run by
test_contract, which looks back on what was answered."""

from .case import ServiceCase, make_id, make_sku
from .settings import needs_binary
from .tokens import AuthCase


def apply_coupon(code):
    return {"type": "apply_coupon", "code": code}


class EachRefusal(ServiceCase):
    def setUp(self):
        self.sku = self.make_product(100)

    def test_409_cart_that_can_not_be_checked_out(self):
        cart_id = self.make_cart()["id"]
        path = f"/carts/{cart_id}"
        for method, target, value, slug in (
            ("POST", "/checkout", {}, "cart-empty"),
            ("POST", "/commands", {"commands": [{"type": "check_out"}]}, "cart-empty"),
        ):
            self.assert_problem(self.client.request(method, path + target, value), 409, slug)
        self.add(cart_id, self.sku)
        for target, value in (
            ("/checkout", {"expected_total": 1}),
            ("/commands", {"commands": [{"type": "check_out", "expected_total": 1}]}),
        ):
            answer = self.client.post(path + target, value)
            self.assert_problem(answer, 409, "total-changed", current_total=100)
        self.assertEqual(self.client.post(path + "/checkout", {"order_reference": "1"}).status, 200)
        other = {"type": "check_out", "order_reference": "2"}
        for target, value in (
            ("/checkout", {"order_reference": "2"}),
            ("/commands", {"commands": [other]}),
        ):
            self.assert_problem(
                self.client.post(path + target, value), 409, "order-reference-mismatch"
            )

    def test_409_prices_changed(self):
        sku = self.make_product(100)
        path = f"/carts/{self.make_cart((sku, 1))['id']}"
        self.make_product(101, sku=sku)
        difference = {
            "code": "prices-changed",
            "current_price": 101,
            "item_id": sku,
            "quantity": 1,
            "sku": sku,
            "unit_price": 100,
        }
        for target, value in (
            ("/checkout", {"check_prices": True}),
            ("/commands", {"commands": [{"type": "check_out", "check_prices": True}]}),
        ):
            answer = self.client.post(path + target, value)
            self.assert_problem(answer, 409, "prices-changed", items=[difference])

    def test_409_too_many_totals_and_422_one_too_large(self):
        path = f"/carts/{self.make_cart((self.sku, 1))['id']}"
        answer = self.client.put(f"{path}/totals/tax", {"amount": 2**53 - 1})
        self.assert_problem(answer, 422, "amount-too-large")
        for number in range(8):
            self.assertEqual(self.client.put(f"{path}/totals/t{number}", {"amount": 1}).status, 200)
        answer = self.client.put(f"{path}/totals/tax", {"amount": 1})
        self.assert_problem(answer, 409, "too-many-totals")
        command = {"type": "set_total", "name": "tax", "amount": 1}
        answer = self.client.post(f"{path}/commands", {"commands": [command]})
        self.assert_problem(answer, 409, "too-many-totals")

    def test_422_more_than_there_is_a_price_or_room_for(self):
        sku = self.make_product(100)
        path = f"/carts/{self.make_cart((sku, 1))['id']}"
        self.make_product(100, sku=sku, currency="USD")
        answer = self.client.patch(f"{path}/items/{sku}", {"quantity": 2})
        self.assert_problem(answer, 422, "price-unavailable")
        adds = [{"type": "add_item", "sku": self.make_product(1)} for _ in range(97)]
        self.assert_cart(self.commands(path, *adds))
        back = ({"type": "clear_items"}, {"type": "restore", "version": 99})
        answer = self.commands(path, *back * 11)
        self.assert_problem(answer, 422, "too-many-events")

    def test_409_product_withdrawn(self):
        sku = self.make_product(100)
        path = f"/carts/{self.make_cart((sku, 1))['id']}"
        self.make_product(100, sku=sku, active=False)
        answer = self.client.patch(f"{path}/items/{sku}", {"quantity": 2})
        self.assert_problem(answer, 409, "product-withdrawn")
        command = {"type": "change_item", "item_id": sku, "quantity": 2}
        answer = self.client.post(f"{path}/commands", {"commands": [command]})
        self.assert_problem(answer, 409, "product-withdrawn", pointer="/commands/0")

    def test_409_unit_changed(self):
        sku = self.make_product(100, quantity={"unit": "kg", "scale": 3})
        path = f"/carts/{self.make_cart((sku, 1))['id']}"
        self.make_product(100, sku=sku, quantity={"unit": "g"})
        for answer in (
            self.client.post(f"{path}/items", {"sku": sku}),
            self.client.patch(f"{path}/items/{sku}", {"quantity": 2}),
            self.commands(path, {"type": "add_item", "sku": sku}),
        ):
            self.assert_problem(answer, 409, "unit-changed")

    def test_409_nothing_to_undo(self):
        path = f"/carts/{self.make_cart()['id']}"
        self.assert_problem(self.client.post(f"{path}/undo"), 409, "nothing-to-undo")
        answer = self.client.post(f"{path}/commands", {"commands": [{"type": "undo"}]})
        self.assert_problem(answer, 409, "nothing-to-undo")

    def test_409_cart_already_claimed(self):
        path = f"/carts/{self.make_cart(customer_id='bob')['id']}/claim"
        answer = self.client.post(path, {"customer_id": "ada"})
        self.assert_problem(answer, 409, "cart-already-claimed")

    def test_409_cart_full(self):
        skus = [self.make_product(1) for _ in range(250)]
        path = f"/carts/{self.make_cart(*((sku, 1) for sku in skus))['id']}"
        for target, value in (
            ("/items", {"sku": self.sku}),
            ("/commands", {"commands": [{"type": "add_item", "sku": self.sku}]}),
        ):
            self.assert_problem(self.client.post(path + target, value), 409, "cart-full")
        copy = {"copy_of": path.rpartition("/")[2], "items": [{"sku": self.sku}]}
        self.assert_problem(self.client.post("/carts", copy), 409, "cart-full")

    def test_422_what_can_not_be_added(self):
        huge, unpriced = self.make_product(2**53 - 1), self.make_product(currency="USD")
        for sku, quantity, slug in (
            (make_sku("no"), 1, "unknown-sku"),
            (unpriced, 1, "price-unavailable"),
            (huge, 2, "amount-too-large"),
            (self.sku, 999, "quantity-out-of-range"),
        ):
            item = {"sku": sku, "quantity": quantity}
            path = f"/carts/{self.make_cart((self.sku, 1))['id']}"
            self.assert_problem(self.client.post(f"{path}/items", item), 422, slug)
            command = {"commands": [{"type": "add_item", **item}]}
            self.assert_problem(self.client.post(f"{path}/commands", command), 422, slug)
            items = {"items": [{"sku": self.sku}, item]}
            self.assert_problem(self.client.post("/carts", items), 422, slug, pointer="/items/1")
        path = f"/carts/{self.make_cart((huge, 1))['id']}/items/{huge}"
        self.assert_problem(self.client.patch(path, {"quantity": 2}), 422, "amount-too-large")

    def test_422_what_can_not_be_copied(self):
        answer = self.client.post("/carts", {"copy_of": make_id()})
        self.assert_problem(answer, 422, "source-cart-not-found")

    def test_409_and_422_what_can_not_be_merged_or_reverted(self):
        path, other = (f"/carts/{self.make_cart((self.sku, 1))['id']}" for _ in range(2))
        other_id = other.rpartition("/")[2]
        answer = self.client.post(f"{path}/merge", {"from": make_id()})
        self.assert_problem(answer, 422, "source-cart-not-found")
        answer = self.client.post(f"{path}/merge/{make_id()}/revert")
        self.assert_problem(answer, 422, "source-cart-not-found")
        self.client.post(f"{other}/cancel")
        answer = self.client.post(f"{path}/merge", {"from": other_id})
        self.assert_problem(answer, 409, "source-cart-closed")
        answer = self.client.post(f"{path}/merge/{other_id}/revert")
        self.assert_problem(answer, 409, "cart-not-merged")
        self.client.post(f"{other}/reopen")
        self.assertEqual(self.client.post(f"{path}/merge", {"from": other_id}).status, 200)
        self.assert_problem(self.client.post(f"{other}/reopen"), 409, "cart-closed")

    def test_409_and_422_coupons_that_do_not_go_into_the_cart(self):
        path = f"/carts/{self.make_cart((self.sku, 1))['id']}"
        codes = [self.make_coupon(combinable=True) for _ in range(9)]
        self.assert_cart(self.commands(path, *map(apply_coupon, codes[:7])))
        self.assert_coupon_refused(path, make_sku("no"), 422, "coupon-not-applicable")
        self.assert_coupon_refused(path, self.make_coupon(), 409, "coupons-not-combinable")
        self.assert_cart(self.commands(path, apply_coupon(codes[7])))
        self.assert_coupon_refused(path, codes[8], 409, "too-many-coupons")

    def test_409_coupons_changed(self):
        code = self.make_coupon()
        path = f"/carts/{self.make_cart((self.sku, 1))['id']}"
        self.assert_cart(self.commands(path, apply_coupon(code)))
        self.assertEqual(self.client.delete(f"/coupons/{code}").status, 200)
        changed = {"code": code, "state": "expired", "amount": 0, "former_amount": 10}
        for answer in (
            self.client.post(f"{path}/checkout"),
            self.commands(path, {"type": "check_out"}),
        ):
            self.assert_problem(answer, 409, "coupons-changed", coupons=[changed])

    def make_coupon(self, **members):
        code = make_sku("CODE")
        answer = self.client.put(f"/coupons/{code}", {"percent": 1000, **members})
        self.assertEqual(answer.status, 201, answer)
        return code

    def assert_coupon_refused(self, path, code, status, slug):
        for answer in (
            self.client.post(f"{path}/coupons", {"code": code}),
            self.commands(path, apply_coupon(code)),
        ):
            self.assert_problem(answer, status, slug)

    def test_422_what_would_be_too_large(self):
        """By what the cart has already; what is too large by itself is an invalid body."""
        properties = [{"a": "x" * 256, "b": "x" * 256}, {"c": "x" * 256, "d": "x" * 256}]
        item = {"sku": self.sku, "properties": properties[0]}
        cart = self.make_cart(metadata={"a": "x" * 3000})
        path = f"/carts/{cart['id']}"
        (line,) = self.client.post(f"{path}/items", item).json()["items"]
        metadata = {"metadata": {"b": "x" * 3000}}
        more = {"properties": properties[1]}
        command = {"type": "change_item", "item_id": line["id"], **more}
        target = f"{path}/items/{line['id']}"
        for answer, slug in (
            (self.client.patch(path, metadata), "metadata-too-large"),
            (self.commands(path, {"type": "change_details", **metadata}), "metadata-too-large"),
            (self.client.patch(target, more), "properties-too-large"),
            (self.commands(path, command), "properties-too-large"),
        ):
            self.assert_problem(answer, 422, slug)
        self.client.post(f"{path}/items", {"sku": self.sku, "quantity": 999})
        answer = self.client.patch(target, {"properties": None})
        self.assert_problem(answer, 422, "quantity-out-of-range")

    def commands(self, path, *commands):
        return self.client.post(f"{path}/commands", {"commands": commands})

    def test_422_prices_that_are_not_there_or_too_large(self):
        sku = self.make_product(100)
        path = f"/carts/{self.make_cart((sku, 2))['id']}"
        answer = self.client.post(f"{path}/currency", {"currency": "JPY"})
        items = self.assert_problem(answer, 422, "price-unavailable")["items"]
        self.assertEqual([(item["sku"], item["current_price"]) for item in items], [(sku, None)])
        self.client.delete(f"{path}/items")
        huge = {"name": "Huge", "prices": {"EUR": 2**53 - 1, "JPY": 2**53 - 1}}
        self.client.put(f"/products/{sku}", huge)
        for target, value in (("undo", None), ("restore", {"version": 2})):
            answer = self.client.post(f"{path}/{target}", value)
            self.assert_problem(answer, 422, "amount-too-large")
        self.make_product(100, sku=sku)
        self.add(path.rpartition("/")[2], sku, 2)
        self.client.put(f"/products/{sku}", huge)
        for target, value in (("reprice", None), ("currency", {"currency": "JPY"})):
            answer = self.client.post(f"{path}/{target}", value)
            self.assert_problem(answer, 422, "amount-too-large")


@needs_binary
class WithOneOpenCart(ServiceCase):
    """What only it refuses."""

    settings = {"CARTD_OPEN_CARTS": "one"}

    def test_409_open_cart_exists(self):
        customer = {"customer_id": make_id()}
        closed = self.client.post("/carts", customer).json()["id"]
        self.client.post(f"/carts/{closed}/cancel")
        cart = self.client.post("/carts", customer).json()["id"]
        for answer in (
            self.client.post("/carts", customer),
            self.client.post(f"/carts/{self.make_cart()['id']}/claim", customer),
            self.client.post(f"/carts/{closed}/reopen"),
            self.client.post(f"/carts/{closed}/commands", {"commands": [{"type": "reopen"}]}),
        ):
            self.assert_problem(answer, 409, "open-cart-exists", cart_id=cart)
        merge = f"/carts/{self.make_cart()['id']}/merge"
        self.assertEqual(self.client.post(merge, {"from": cart}).status, 200)
        other = self.client.post("/carts", customer).json()["id"]
        answer = self.client.post(f"{merge}/{cart}/revert")
        self.assert_problem(answer, 409, "open-cart-exists", cart_id=other)


@needs_binary
class OfACustomer(AuthCase):
    """What is a quote's, and what is of services, is not the customer's to change, or to guess."""

    settings = {"CARTD_COUPON_ATTEMPTS": "1"}

    def test_429_too_many_attempts(self):
        ada = self.bearing(self.key.token("ada", "carts"))
        path = f"/carts/{self.make_cart(client=ada)['id']}"
        code = make_sku("no")
        answer = ada.post(f"{path}/coupons", {"code": code})
        self.assert_problem(answer, 422, "coupon-not-applicable")
        answer = ada.post(f"{path}/coupons", {"code": code})
        self.assert_problem(answer, 429, "too-many-attempts", pointer=None)
        commands = [{"type": "clear_items"}, apply_coupon(code)]
        answer = ada.post(f"{path}/commands", {"commands": commands})
        self.assert_problem(answer, 429, "too-many-attempts", pointer="/commands/1")

    def test_409_price_is_set_and_cart_has_totals(self):
        sku = self.make_product(100)
        ada = self.bearing(self.key.token("ada", "carts"))
        shop = self.bearing(self.key.token("shop", "carts:all prices totals catalog"))
        shop.put(f"/products/{sku}", {"name": "Tea", "prices": {"EUR": 100, "USD": 110}})
        path = f"/carts/{self.make_cart((sku, 1), client=ada)['id']}"
        self.assert_cart(ada.post(f"{path}/currency", {"currency": "USD"}))
        self.assert_cart(shop.put(f"{path}/totals/tax", {"amount": 1}))
        change = {"type": "change_currency", "currency": "EUR"}
        for target, value in (
            ("/currency", {"currency": "EUR"}),
            ("/undo", None),
            ("/restore", {"version": 2}),
            ("/commands", {"commands": [change]}),
        ):
            self.assert_problem(ada.post(path + target, value), 409, "cart-has-totals")
        self.assert_cart(shop.patch(f"{path}/items/{sku}", {"unit_price": 1}))
        add = {"type": "add_item", "sku": sku}
        for answer in (
            ada.post(f"{path}/items", {"sku": sku}),
            ada.patch(f"{path}/items/{sku}", {"quantity": 2}),
            ada.post(f"{path}/commands", {"commands": [add]}),
        ):
            self.assert_problem(answer, 409, "price-is-set")
