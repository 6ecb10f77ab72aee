"""How much of a product a line may hold, and goods by weight: through the whole service."""

import json
import random
import unittest
from decimal import ROUND_HALF_UP, Decimal

from support import ImportCase, ServiceCase, make_sku, run_cartd

DEFAULT = {"minimum": 1, "maximum": 999, "multiple_of": 1, "unit": None, "scale": 0}
EGGS = {**DEFAULT, "minimum": 6, "maximum": 60, "multiple_of": 6}
BY_WEIGHT = {"minimum": 50, "maximum": 20000, "multiple_of": 50, "unit": "kg", "scale": 3}
REFUSED = {"minimum": 6, "maximum": 60, "multiple_of": 6}


class Products(ServiceCase):
    def put(self, sku, **members):
        return self.client.put(
            f"/products/{sku}", {"name": "Egg", "prices": {"EUR": 35}, **members}
        )

    def test_a_product_shows_the_quantity_that_holds(self):
        sku = make_sku()
        for given, shown, status in (
            ({}, DEFAULT, 201),
            ({"quantity": None}, DEFAULT, 200),
            ({"quantity": {}}, DEFAULT, 200),
            ({"quantity": {"minimum": 1, "maximum": 999.0, "scale": 0}}, DEFAULT, 200),
            ({"quantity": EGGS}, EGGS, 200),
            ({"quantity": BY_WEIGHT}, BY_WEIGHT, 200),
            ({"quantity": {"unit": "Stück"}}, {**DEFAULT, "unit": "Stück"}, 200),
            ({}, DEFAULT, 200),
        ):
            answer = self.put(sku, **given)
            self.assertEqual(answer.status, status, answer)
            self.assertEqual(answer.json()["quantity"], shown)
            read = self.client.get(f"/products/{sku}")
            self.assertEqual(read.body, answer.body)
            listed = self.client.get("/products?limit=100").json()["products"]
            if self.database:  # else there are those of others before it
                self.assertIn(read.json(), listed)
        self.assertEqual(read.json()["version"], 5, "what is the default is no change")
        recorded = self.database.sql(
            "SELECT data->'quantity', schema_version FROM events"
            f" WHERE data->>'sku' = '{sku}' ORDER BY position;"
        )
        self.assertEqual(
            [(json.loads(quantity), version) for quantity, version in recorded],
            [
                (quantity, "3")
                for quantity in (None, EGGS, BY_WEIGHT, {**DEFAULT, "unit": "Stück"}, None)
            ],
        )

    def test_a_quantity_that_allows_nothing_is_refused(self):
        for quantity, pointer in (
            ({"minimum": 10, "maximum": 9}, "/quantity"),
            ({"minimum": 7, "maximum": 11, "multiple_of": 6}, "/quantity"),
            ({"scale": 7, "minimum": 0}, None),
            ({"step": 1}, "/quantity/step"),
            ([], "/quantity"),
        ):
            answer = self.put(make_sku(), quantity=quantity)
            pointers = [pointer] if pointer else ["/quantity/minimum", "/quantity/scale"]
            self.assert_invalid(answer, *pointers)


class Limits(ServiceCase):
    def setUp(self):
        self.sku = self.make_product(35, quantity=EGGS)

    def refused(self, answer, **limits):
        return self.assert_problem(answer, 422, "quantity-out-of-range", **(limits or REFUSED))

    def test_a_refusal_says_what_the_line_would_hold(self):
        cart_id = self.make_cart((self.sku, 12))["id"]
        problem = self.refused(self.add(cart_id, self.sku, 1))
        self.assertIn("from 6 to 60 and a multiple of 6; it would be 13.", problem["detail"])

    def test_without_a_quantity_as_little_as_allowed_is_added(self):
        cart_id = self.make_cart()["id"]
        for quantity in (6, 12):
            cart = self.assert_cart(self.client.post(f"/carts/{cart_id}/items", {"sku": self.sku}))
            self.assertEqual(cart["items"][0]["quantity"], quantity)
        cart = self.assert_cart(self.client.post("/carts", {"items": [{"sku": self.sku}]}), 201)
        self.assertEqual(cart["items"][0]["quantity"], 6)

    def test_each_way_to_a_quantity_has_the_limits(self):
        for quantity in (1, 5, 7, 59, 61, 66, 1000000):
            item = {"sku": self.sku, "quantity": quantity}
            self.refused(self.client.post("/carts", {"items": [item]}))
            path = f"/carts/{self.make_cart()['id']}"
            self.refused(self.client.post(f"{path}/items", item))
            command = {"commands": [{"type": "add_item", **item}]}
            self.assertEqual(
                self.refused(self.client.post(f"{path}/commands", command))["pointer"],
                "/commands/0",
            )
            path = f"/carts/{self.make_cart((self.sku, 12))['id']}"
            self.refused(self.client.patch(f"{path}/items/{self.sku}", {"quantity": quantity}))
            change = {"type": "change_item_quantity", "item_id": self.sku, "quantity": quantity}
            self.refused(self.client.post(f"{path}/commands", {"commands": [change]}))
        problem = self.refused(self.client.post("/carts", {"items": [item]}))
        self.assertIn("from 6 to 60 and a multiple of 6", problem["detail"])

        cart = self.make_cart((self.sku, 6))
        cart = self.assert_cart(self.add(cart["id"], self.sku, 54))
        self.assertEqual(cart["total"], 60 * 35)
        self.refused(self.add(cart["id"], self.sku, 6))
        path = f"/carts/{cart['id']}/items/{self.sku}"
        self.assert_cart(self.client.patch(path, {"quantity": 6}))
        self.assert_cart(self.client.patch(path, {"quantity": 0}))

    def test_the_rule_of_now_counts(self):
        cart_id = self.make_cart((self.sku, 12))["id"]
        path = f"/carts/{cart_id}/items/{self.sku}"
        self.make_product(35, sku=self.sku, quantity={"minimum": 20})
        limits = {"minimum": 20, "maximum": 999, "multiple_of": 1}
        self.refused(self.add(cart_id, self.sku, 7), **limits)
        self.refused(self.client.patch(path, {"quantity": 11}), **limits)
        self.assert_cart(self.client.patch(path, {"quantity": 12}))
        self.assert_cart(self.add(cart_id, self.sku, 8))
        self.make_product(35, sku=self.sku, active=False, quantity={"minimum": 20})
        self.assert_cart(self.client.patch(path, {"quantity": 3}))
        self.assert_problem(
            self.client.patch(path, {"quantity": 4}), 409, "product-withdrawn"
        )
        self.assert_cart(self.client.delete(path))

    def test_lines_that_become_one_are_held_to_the_limits(self):
        cart_id = self.make_cart((self.sku, 36))["id"]
        item = {"sku": self.sku, "quantity": 30, "properties": {"farm": "A"}}
        cart = self.assert_cart(self.client.post(f"/carts/{cart_id}/items", item))
        path = f"/carts/{cart_id}/items/{cart['items'][1]['id']}"
        self.refused(self.client.patch(path, {"properties": None}))
        self.assert_cart(self.client.patch(path, {"quantity": 24}))
        cart = self.assert_cart(self.client.patch(path, {"properties": None}))
        self.assertEqual([line["quantity"] for line in cart["items"]], [60])

    def test_what_is_not_allowed_any_more_does_not_come_back(self):
        cart_id = self.make_cart((self.sku, 12))["id"]
        self.assert_cart(self.client.patch(f"/carts/{cart_id}/items/{self.sku}", {"quantity": 18}))
        self.make_product(35, sku=self.sku, quantity={"minimum": 13})
        note = {
            "code": "quantity-out-of-range",
            "item_id": self.sku,
            "quantity": 12,
            "sku": self.sku,
        }
        cart = self.assert_cart(self.client.post(f"/carts/{cart_id}/undo", {}))
        self.assertEqual(cart["items"][0]["quantity"], 18)
        self.assertEqual(cart["notes"], [note])
        answer = self.client.post("/carts", {"copy_of": cart_id, "at_version": 2})
        copy = self.assert_cart(answer, 201)
        self.assertEqual((copy["items"], copy["notes"]), ([], [note]))


class ByWeight(ServiceCase):
    def setUp(self):
        self.sku = self.make_product(1290, quantity=BY_WEIGHT)

    def test_a_line_says_its_quantity_in_units(self):
        cart = self.make_cart((self.sku, 1550))
        line = cart["items"][0]
        self.assertEqual(
            list(line),
            "id sku name quantity quantity_decimal unit scale unit_price price_source subtotal"
            " discount total properties".split(),
        )
        self.assertEqual(
            (line["quantity"], line["quantity_decimal"], line["unit"], line["scale"]),
            (1550, "1.55", "kg", 3),
        )
        self.assertEqual((line["total"], cart["item_count"]), (2000, 1))  # 1999.5
        cart = self.assert_cart(self.add(cart["id"], self.sku, 450))
        self.assertEqual(cart["items"][0]["quantity_decimal"], "2")
        answer = self.client.get(f"/carts/{cart['id']}?version=2")
        self.assertEqual(self.assert_cart(answer)["items"], [line])
        events = self.client.get(f"/carts/{cart['id']}/events").json()["events"]
        self.assertEqual(
            [(event["schema_version"], event["data"].get("scale")) for event in events],
            [(2, None), (4, 3), (4, 3)],
        )
        checked_out = self.client.post(f"/carts/{cart['id']}/checkout", {"expected_total": 2580})
        self.assert_cart(checked_out)

    def test_a_usual_line_and_its_event_are_as_they_were(self):
        usual = self.make_product(499)
        cart = self.make_cart((usual, 2))
        self.assertEqual(
            list(cart["items"][0]),
            "id sku name quantity unit_price price_source subtotal discount total properties".split(),
        )
        event = self.client.get(f"/carts/{cart['id']}/events").json()["events"][1]
        self.assertEqual(
            sorted(event["data"]),
            ["item_id", "name", "properties", "quantity", "sku", "unit_price"],
        )

    def test_a_product_of_another_scale_is_another_thing(self):
        cart_id = self.make_cart((self.sku, 1500))["id"]
        path = f"/carts/{cart_id}/items/{self.sku}"
        self.make_product(5, sku=self.sku, quantity={"unit": "g", "maximum": 20000})
        for answer in (
            self.add(cart_id, self.sku, 50),
            self.client.patch(path, {"quantity": 1600}),
        ):
            self.assert_problem(answer, 409, "unit-changed")
        cart = self.assert_cart(self.client.patch(path, {"quantity": 1499}))
        self.assertEqual(cart["items"][0]["quantity_decimal"], "1.499")
        same = self.assert_cart(self.client.post(f"/carts/{cart_id}/reprice", {}))
        self.assertEqual(same, cart)
        answer = self.client.post(f"/carts/{cart_id}/checkout", {"check_prices": True})
        problem = self.assert_problem(answer, 409, "prices-changed")
        self.assertEqual(
            [(item["code"], item["current_price"]) for item in problem["items"]],
            [("unit-changed", None)],
        )
        self.assert_cart(self.client.delete(path))
        cart = self.assert_cart(self.add(cart_id, self.sku, 1500))
        self.assertEqual((cart["items"][0]["unit"], cart["total"]), ("g", 7500))
        cart = self.assert_cart(self.client.post(f"/carts/{cart_id}/undo", {}))
        self.assertEqual(cart["items"], [])
        cart = self.assert_cart(self.client.post(f"/carts/{cart_id}/restore", {"version": 2}))
        self.assertEqual((cart["items"], cart["notes"][0]["code"]), ([], "unit-changed"))

    def test_a_unit_that_goes_does_not_come_back_as_another(self):
        cart_id = self.make_cart((self.sku, 1500))["id"]
        path = f"/carts/{cart_id}/items/{self.sku}"
        for unit in (None, "lb"):
            self.make_product(600, sku=self.sku, quantity={**BY_WEIGHT, "unit": unit})
            for answer in (
                self.add(cart_id, self.sku, 50),
                self.client.patch(path, {"quantity": 1550}),
            ):
                self.assert_problem(answer, 409, "unit-changed")
        self.make_product(600, sku=self.sku, quantity=BY_WEIGHT)
        cart = self.assert_cart(self.add(cart_id, self.sku, 50))
        self.assertEqual(cart["items"][0]["unit"], "kg")

    def test_current_prices_are_of_the_same_unit(self):
        cart_id = self.make_cart((self.sku, 1550))["id"]

        def current():
            cart = self.client.get(f"/carts/{cart_id}?prices=current").json()
            line = cart["items"][0]
            return line["current_price"], line["available"], cart["current_total"]

        self.assertEqual(current(), (1290, True, 2000))
        self.make_product(1390, sku=self.sku, quantity=BY_WEIGHT)
        self.assertEqual(current(), (1390, True, 2155))  # 2154.5
        self.make_product(1390, sku=self.sku, quantity={**BY_WEIGHT, "unit": "lb"})
        self.assertEqual(current(), (None, False, None))
        self.make_product(1390, sku=self.sku)
        self.assertEqual(current(), (None, False, None))

    def test_a_long_cart_is_stored_in_chunks_with_its_units(self):
        skus = [
            self.make_product(100 + n, quantity={**BY_WEIGHT, "scale": n % 7}) for n in range(20)
        ]
        cart = self.make_cart(*((sku, 1050) for sku in skus))
        self.assertEqual(self.get_cart(cart["id"]), cart)
        self.make_product(100, sku=skus[0], quantity={**BY_WEIGHT, "scale": 0, "unit": "g"})
        cart_id = cart["id"]
        self.assert_cart(self.client.delete(f"/carts/{cart_id}/items/{skus[0]}"))
        cart = self.assert_cart(self.add(cart_id, skus[0], 100))
        self.assertEqual(self.get_cart(cart_id), cart)
        done = run_cartd("verify", url=self.database.app_url)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_lines_are_rounded_once_in_any_currency(self):
        dice = random.Random(7)
        for currency, dearest in (("JPY", 10**4), ("EUR", 10**6), ("KWD", 10**7)):
            items, wanted = [], 0
            for _ in range(16):
                scale = dice.randint(0, 6)
                price, quantity = dice.randint(0, dearest), dice.randint(1, 10**6)
                sku = self.make_product(
                    price, currency, quantity={"maximum": 10**6, "scale": scale}
                )
                items.append((sku, quantity))
                exact = Decimal(price) * Decimal(quantity).scaleb(-scale)
                wanted += int(exact.quantize(Decimal(1), ROUND_HALF_UP))
            cart = self.make_cart(*items, currency=currency)
            self.assert_sums(cart)
            self.assertEqual(cart["total"], wanted)


class Imported(ImportCase):
    def quantity_of(self, sku):
        return self.client.get(f"/products/{sku}").json()["quantity"]

    def test_columns_say_the_quantity(self):
        head = "sku,name,currency,price,minimum,maximum,multiple_of,unit,scale\n"
        sku = make_sku()
        self.run_import(head + f"{sku},Nuts,EUR,1290,50,20000,50,kg,3\n")
        self.assertEqual(self.quantity_of(sku), BY_WEIGHT)
        done = self.run_import(head + f"{sku},Nuts,EUR,1290,,,,,\n")
        self.assertIn("1 said nothing new", done.stdout)
        self.run_import(f"sku,name,currency,price\n{sku},Nuts,USD,1490\n")
        self.assertEqual(self.quantity_of(sku), BY_WEIGHT)
        self.run_import(head + f"{sku},Nuts,EUR,1290,,5,,,\n")
        self.assertEqual(self.quantity_of(sku), {**DEFAULT, "maximum": 5})
        self.run_import(head + f"{sku},Nuts,EUR,1290,1,,,,\n")
        self.assertEqual(self.quantity_of(sku), DEFAULT)

    def test_what_contradicts_itself_is_refused(self):
        head = "sku,name,currency,price,minimum,maximum,multiple_of,unit,scale\n"
        for values, told in (
            ("0,,,,", 'minimum: it must be an integer from 1 to 1000000, or empty, not "0"'),
            (",1000001,,,", "maximum: it must be an integer"),
            (",,x,,", "multiple_of: it must be an integer"),
            (",,,12345678901234567,", "unit: it must be 1 to 16 characters"),
            (",,,,7", "scale: it must be an integer from 0 to 6"),
            ("10,9,,,", "maximum: it must be at least"),
        ):
            done = self.run_import(head + f"a-sku,Nuts,EUR,1,{values}\n", expected=1)
            self.assertIn(told, done.stderr)
        sku = make_sku()
        lines = f"{sku},Nuts,EUR,1,5,,,,\n{sku},Nuts,USD,1,6,,,,\n"
        done = self.run_import(head + lines, "--strict", expected=1)
        self.assertIn("it contradicts line 2 in quantity (sku ", done.stderr)


if __name__ == "__main__":
    unittest.main()
