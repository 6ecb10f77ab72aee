"""Each rule of the cart refuses, by each operation that openapi.yaml says may be refused so. It is run by
test_contract, which looks back on what was answered."""

from .case import ServiceCase, make_id, make_sku
from .settings import needs_binary


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
        ):
            self.assert_problem(answer, 409, "open-cart-exists", cart_id=cart)
        merge = f"/carts/{self.make_cart()['id']}/merge"
        self.assertEqual(self.client.post(merge, {"from": cart}).status, 200)
        other = self.client.post("/carts", customer).json()["id"]
        answer = self.client.post(f"{merge}/{cart}/revert")
        self.assert_problem(answer, 409, "open-cart-exists", cart_id=other)
