"""Prices that another system sets: quotes."""

from support import AuditCase, AuthCase, needs_binary


class Quotes(AuditCase):
    def setUp(self):
        self.sku = self.make_product(499)
        self.path = f"/carts/{self.make_cart()['id']}"

    def add(self, sku=None, **members):
        return self.client.post(f"{self.path}/items", {"sku": sku or self.sku, **members})

    def change(self, **members):
        return self.client.patch(f"{self.path}/items/{self.sku}", members)

    def told(self, answer):
        """Of the first line."""
        line = self.assert_cart(answer)["items"][0]
        return line["quantity"], line["unit_price"], line["price_source"]

    def test_a_set_price_stays(self):
        self.assertEqual(self.told(self.add(quantity=2, unit_price=400)), (2, 400, "set"))
        self.assertEqual(self.told(self.add()), (3, 400, "set"))
        self.assertEqual(self.told(self.client.post(f"{self.path}/reprice")), (3, 400, "set"))
        self.assertEqual(self.told(self.change(quantity=4)), (4, 400, "set"))
        self.assertEqual(self.told(self.add(unit_price=0)), (5, 0, "set"))
        self.assertEqual(self.told(self.client.post(f"{self.path}/undo")), (4, 400, "set"))
        answer = self.client.post(f"{self.path}/checkout", {"check_prices": True})
        self.assertEqual(self.assert_cart(answer)["total"], 1600)

    def test_a_product_needs_no_price_in_the_currency_but_must_be_known(self):
        sku = self.make_product(500, currency="USD")
        self.assert_problem(self.add(sku), 422, "price-unavailable")
        self.assertEqual(self.told(self.add(sku, unit_price=450)), (1, 450, "set"))
        self.assert_problem(self.add("unknown", unit_price=1), 422, "unknown-sku")
        line = self.client.get(f"{self.path}?prices=current").json()
        self.assertEqual((line["items"][0]["available"], line["current_total"]), (True, 450))

    def test_a_line_gets_a_set_price_and_an_undo_takes_it_back(self):
        self.assertEqual(self.told(self.add(quantity=2)), (2, 499, "catalog"))
        self.assertEqual(self.told(self.change(unit_price=400, quantity=3)), (3, 400, "set"))
        self.assertEqual(self.told(self.client.post(f"{self.path}/undo")), (2, 499, "catalog"))
        self.assertEqual(self.told(self.change(unit_price=499)), (2, 499, "set"))
        version = self.client.get(self.path).json()["version"]
        self.assertEqual(self.assert_cart(self.change(unit_price=499))["version"], version)
        self.client.delete(f"{self.path}/items")
        self.client.put(f"/products/{self.sku}", {"name": "Tea", "prices": {"EUR": 1}})
        self.assertEqual(self.told(self.client.post(f"{self.path}/undo")), (2, 499, "set"))

    def test_another_currency_is_refused_naming_the_line(self):
        prices = {"EUR": 499, "USD": 549}
        self.client.put(f"/products/{self.sku}", {"name": "Tea", "prices": prices})
        self.add(unit_price=400)
        answer = self.client.post(f"{self.path}/currency", {"currency": "USD"})
        problem = self.assert_problem(answer, 422, "price-unavailable")
        self.assertEqual([item["item_id"] for item in problem["items"]], [self.sku])

    def test_a_merged_line_has_the_price_that_is_set_with_it(self):
        self.add(unit_price=400)
        other = self.assert_cart(self.add(properties={"a": "b"}))["items"][1]["id"]
        path = f"{self.path}/items/{other}"
        answer = self.client.patch(path, {"properties": None, "unit_price": 300})
        self.assertEqual(self.told(answer), (2, 300, "set"))

    def test_events_say_so_only_where_it_is_so(self):
        item = {"sku": self.sku, "unit_price": 400}
        cart = self.make_cart(items=[item, {"sku": self.make_product()}])
        commands = [{"type": "change_item", "item_id": self.sku, "unit_price": 300}]
        self.client.post(f"/carts/{cart['id']}/commands", {"commands": commands})
        self.client.delete(f"/carts/{cart['id']}/items")
        self.client.post(f"/carts/{cart['id']}/undo")
        events = self.client.get(f"/carts/{cart['id']}/events").json()["events"]
        told = [(event["type"], event["data"].get("price_source")) for event in events[1:]]
        self.assertEqual(
            told,
            [
                ("ItemAdded", "set"),
                ("ItemAdded", None),
                ("ItemPriceChanged", "set"),
                ("CartCleared", None),
                ("ItemRestored", "set"),
                ("ItemRestored", None),
                ("CartRestored", None),
            ],
        )
        then = self.client.get(f"/carts/{cart['id']}?version=2").json()
        self.assertEqual(then["items"][0]["price_source"], "set")
        self.assert_clean()

    def test_a_set_price_can_be_taken_back(self):
        self.add(unit_price=400)
        self.assertEqual(self.told(self.change(unit_price=None)), (1, 499, "catalog"))
        version = self.client.get(self.path).version
        self.assertEqual(self.change(unit_price=None).version, version)
        self.assertEqual(self.told(self.client.post(f"{self.path}/undo")), (1, 400, "set"))
        command = {"type": "change_item", "item_id": self.sku, "unit_price": None, "quantity": 3}
        answer = self.client.post(f"{self.path}/commands", {"commands": [command]})
        self.assertEqual(self.told(answer), (3, 499, "catalog"))

    def test_bad_prices_are_refused(self):
        for price in (-1, 2**53, 1.5, "1"):
            self.assert_invalid(self.change(unit_price=price), "/unit_price")
        for price in (-1, 2**53, 1.5, "1", None):
            self.assert_invalid(self.add(unit_price=price), "/unit_price")
        self.add()
        self.assert_problem(self.change(quantity=2, unit_price=2**53 - 1), 422, "amount-too-large")
        self.assertEqual(self.told(self.client.get(self.path)), (1, 499, "catalog"))


@needs_binary
class Scopes(AuthCase):
    def test_a_price_needs_the_scope(self):
        sku = self.make_product(499)
        item = {"sku": sku, "unit_price": 1}
        ada = self.bearing(self.key.token("ada", "carts"))
        sales = self.bearing(self.key.token("sales", "carts:all prices"))
        path = f"/carts/{self.make_cart((sku, 1), client=ada)['id']}"
        change = {"type": "change_item", "item_id": sku, "unit_price": 1}
        for send, target, value, pointer in (
            (ada.post, f"{path}/items", item, None),
            (ada.patch, f"{path}/items/{sku}", {"unit_price": 1}, None),
            (ada.patch, f"{path}/items/{sku}", {"unit_price": None}, None),
            (ada.post, f"{path}/commands", {"commands": [change]}, "/commands/0"),
            (ada.post, "/carts", {"items": [{"sku": sku}, item]}, "/items/1"),
        ):
            problem = self.assert_problem(send(target, value), 403, "forbidden", pointer=pointer)
            self.assertIn("unit_price requires: prices", problem["detail"])
        self.assertEqual(ada.get(path).json()["version"], 2)
        self.assert_cart(sales.patch(f"{path}/items/{sku}", {"unit_price": 450}))
        event = ada.get(f"{path}/events").json()["events"][-1]
        self.assertEqual(event["metadata"]["actor"], "sub:sales")
        self.assert_problem(ada.post(f"{path}/items", {"sku": sku}), 409, "price-is-set")
        self.assertEqual(self.assert_cart(sales.post(f"{path}/items", {"sku": sku}))["total"], 900)
        guest = self.bearing()
        self.assert_problem(guest.post("/carts", {"items": [item]}), 401, "unauthorized")

    def quote(self, *prices):
        """A cart of Ada's with one piece at 499, to which sales gave one price after the other."""
        self.sku = self.make_product(499)
        self.ada = self.bearing(self.key.token("ada", "carts"))
        self.sales = self.bearing(self.key.token("sales", "carts:all prices"))
        self.path = f"/carts/{self.make_cart((self.sku, 1), client=self.ada)['id']}"
        for price in prices:
            change = {"unit_price": price}
            self.assert_cart(self.sales.patch(f"{self.path}/items/{self.sku}", change))

    def told(self, answer):
        """Of the only line, and the codes of the notes."""
        cart = self.assert_cart(answer)
        (line,) = cart["items"]
        codes = [note["code"] for note in cart["notes"]]
        return line["quantity"], line["unit_price"], line["price_source"], *codes

    def test_a_customer_does_not_get_a_withdrawn_price_back(self):
        self.quote(1, 480)
        undone = self.ada.post(f"{self.path}/undo")
        self.assertEqual(self.told(undone), (1, 480, "set", "price-is-set"))
        self.ada.delete(f"{self.path}/items/{self.sku}")
        undone = self.ada.post(f"{self.path}/undo")
        self.assertEqual(self.told(undone), (1, 499, "catalog", "price-is-set"))
        restored = self.ada.post(f"{self.path}/restore", {"version": 3})
        self.assertEqual(self.told(restored), (1, 499, "catalog", "price-is-set"))
        restored = self.sales.post(f"{self.path}/restore", {"version": 3})
        self.assertEqual(self.told(restored), (1, 1, "set"))

    def test_a_customer_takes_a_price_back_that_was_set(self):
        self.quote(4)
        self.ada.delete(f"{self.path}/items")
        self.sales.post(f"{self.path}/undo")
        self.assertEqual(self.told(self.ada.get(self.path)), (1, 4, "set"))
        self.assertEqual(self.told(self.ada.post(f"{self.path}/undo")), (1, 499, "catalog"))

    def test_a_customer_gets_no_more_at_a_set_price(self):
        self.quote(1)
        other = {"sku": self.sku, "quantity": 50, "properties": {"engraving": "Ada"}}
        cart = self.assert_cart(self.ada.post(f"{self.path}/items", other))
        item = f"{self.path}/items/{cart['items'][1]['id']}"
        for answer in (
            self.ada.patch(item, {"properties": None}),
            self.ada.patch(f"{self.path}/items/{self.sku}", {"quantity": 999}),
            self.ada.post(f"{self.path}/items", {"sku": self.sku, "quantity": 998}),
        ):
            self.assert_problem(answer, 409, "price-is-set")
        change = {"type": "change_item_quantity", "item_id": self.sku, "quantity": 2}
        answer = self.ada.post(f"{self.path}/commands", {"commands": [change]})
        self.assert_problem(answer, 409, "price-is-set", pointer="/commands/0")
        self.assert_cart(self.sales.patch(item, {"properties": None}))
