"""What a cart says besides its items, and lines that change: JSON merge patches."""

import unittest
from urllib.parse import urlencode

from support import ServiceCase, make_id, make_key

MERGE_PATCH = {"Content-Type": "application/merge-patch+json"}


def details(cart):
    return cart["metadata"], cart["customer_email"], cart["note"]


class Details(ServiceCase):
    def setUp(self):
        self.path = f"/carts/{self.make_cart(metadata={'a': 1, 'b': {'c': 2, 'd': 3}})['id']}"

    def patch(self, value, **headers):
        return self.client.patch(self.path, value, headers=headers)

    def test_what_is_not_in_the_body_stays_and_null_removes(self):
        for body, expected in (
            ({"note": "Ring."}, ({"a": 1, "b": {"c": 2, "d": 3}}, None, "Ring.")),
            ({"customer_email": "ada@example.com", "metadata": {"a": None}},
             ({"b": {"c": 2, "d": 3}}, "ada@example.com", "Ring.")),
            ({"metadata": {"b": {"c": None}, "e": {"f": None}}},
             ({"b": {"d": 3}, "e": {}}, "ada@example.com", "Ring.")),
            ({"metadata": {"b": [1, {"c": None}]}},
             ({"b": [1, {"c": None}], "e": {}}, "ada@example.com", "Ring.")),
            ({"note": None, "metadata": None}, ({}, "ada@example.com", None)),
            ({"customer_email": None}, ({}, None, None)),
        ):  # fmt: skip
            with self.subTest(body=body):
                cart = self.assert_cart(self.patch(body, **MERGE_PATCH))
                self.assertEqual(details(cart), expected)
                self.assertEqual(self.get_cart(cart["id"]), cart)
        self.assertEqual(self.event_types(cart["id"])[1:], ["CartDetailsChanged"] * 6)

    def test_what_changes_nothing_records_nothing(self):
        self.patch({"note": "Ring."})
        for body in ({}, {"note": "Ring."}, {"metadata": {}}, {"metadata": {"z": None, "a": 1}}):
            with self.subTest(body=body):
                self.assertEqual(self.assert_cart(self.patch(body))["version"], 2)

    def test_bad_ones_are_refused_by_name(self):
        for body, pointers in (
            ({"note": ""}, ["/note"]),
            ({"note": "x" * 2001, "customer_email": "@"}, ["/note", "/customer_email"]),
            ({"note": "a\u001bb"}, ["/note"]),
            ({"customer_email": "ada"}, ["/customer_email"]),
            ({"customer_email": "ada@b@c"}, ["/customer_email"]),
            ({"customer_email": "a b@c"}, ["/customer_email"]),
            ({"customer_email": "a\u00a0b@c"}, ["/customer_email"]),
            ({"customer_email": "a@b\u3000c"}, ["/customer_email"]),
            ({"customer_email": "a\u202ec@b"}, ["/customer_email"]),
            ({"note": "\u200b\u2060 \ufeff"}, ["/note"]),
            ({"customer_email": "x" * 250 + "@abcd"}, ["/customer_email"]),
            ({"metadata": []}, ["/metadata"]),
            ({"metadata": {"a": {"b": {"c": {}}}}}, ["/metadata/a/b/c"]),
            ({"metadata": {"a": "x" * 5000}}, ["/metadata"]),
            ({"customer_id": "ada"}, ["/customer_id"]),
            ([], [""]),
        ):
            with self.subTest(body=str(body)[:60]):
                answer = self.patch(body)
                problem = self.assert_problem(answer, 422, "invalid-body")
                if body != [] and "metadata" not in body:
                    self.assert_invalid(answer, *pointers)
                self.assertTrue(problem["errors"])
        self.assertEqual(self.client.get(self.path).version, 1)

    def test_texts_are_in_normal_form(self):
        changed = self.patch({"customer_email": " e\u0301@b\ufeff", "note": "\ufeffa\r\nb "})
        cart = self.assert_cart(changed)
        self.assertEqual((cart["customer_email"], cart["note"]), ("\u00e9@b", "a\nb"))
        for spelling in ("\u00e9@b", "e\u0301@b"):
            found = self.client.get(f"/carts?{urlencode({'customer_email': spelling})}").json()
            self.assertIn(cart["id"], [row["id"] for row in found["carts"]])

    def test_metadata_at_their_limit(self):
        """4096 bytes as compact JSON, and nothing is lost when a byte more is refused."""
        self.patch({"metadata": None})
        full = {"metadata": {"a": "x" * (4096 - len('{"a":""}'))}}
        before = self.assert_cart(self.patch(full))
        self.assert_problem(self.patch({"metadata": {"b": 1}}), 422, "metadata-too-large")
        self.assertEqual(self.get_cart(before["id"]), before)
        self.assert_problem(
            self.patch({"note": "lost?", "metadata": {"b": 1}}), 422, "metadata-too-large"
        )
        self.assertEqual(self.get_cart(before["id"]), before)
        swapped = self.patch({"metadata": {"a": None, "b": "x" * 4000}})
        self.assertEqual(list(self.assert_cart(swapped)["metadata"]), ["b"])

    def test_if_match_and_keys_hold(self):
        key = {"Idempotency-Key": make_key()}
        first = self.patch({"note": "one"}, **key)
        self.patch({"note": "two"})
        again = self.patch({"note": "one"}, **key)
        self.assertEqual((again.version, again.body), (2, first.body))
        answer = self.patch({"note": "three"}, **{"If-Match": '"2"'})
        missed = self.assert_problem(answer, 412, "version-mismatch")["missed_events"]
        self.assertEqual(missed[0]["data"]["note"], "two")

    def test_other_media_types_are_refused(self):
        for media_type in ("application/json-patch+json", "text/plain", "application/merge-patch"):
            answer = self.patch({"note": "x"}, **{"Content-Type": media_type})
            self.assert_problem(answer, 415, "unsupported-media-type")
        answer = self.client.post(f"{self.path}/items", {"sku": "x"}, headers=MERGE_PATCH)
        self.assert_problem(answer, 415, "unsupported-media-type")


class Lines(ServiceCase):
    def setUp(self):
        self.sku = self.make_product(100)
        self.path = f"/carts/{self.make_cart()['id']}/items"

    def add(self, quantity=1, **properties):
        body = {"sku": self.sku, "quantity": quantity, "properties": properties}
        return self.assert_cart(self.client.post(self.path, body))["items"][-1]["id"]

    def patch(self, item_id, **body):
        return self.client.patch(f"{self.path}/{item_id}", body, headers=MERGE_PATCH)

    def lines(self, answer):
        cart = self.assert_cart(answer)
        return [(line["id"], line["quantity"], line["properties"]) for line in cart["items"]]

    def test_properties_change_and_the_line_keeps_its_id(self):
        red = self.add(2, color="red")
        for body, quantity, properties in (
            ({"properties": {"size": "L"}}, 2, {"color": "red", "size": "L"}),
            ({"properties": {"color": None}, "quantity": 3}, 3, {"size": "L"}),
            ({"properties": {}}, 3, {"size": "L"}),
            ({"properties": None}, 3, {}),
            ({"properties": None, "quantity": 0}, 0, {}),
        ):
            with self.subTest(body=body):
                expected = [(red, quantity, properties)] if quantity else []
                self.assertEqual(self.lines(self.patch(red, **body)), expected)

    def test_a_line_that_becomes_the_same_as_another_is_merged_with_it(self):
        red, plain = self.add(2, color="red"), self.add(5)
        self.make_product(150, sku=self.sku)
        blue = self.add(1, color="blue")
        answer = self.patch(blue, properties={"color": "red"}, quantity=4)
        self.assertEqual(self.lines(answer), [(red, 6, {"color": "red"}), (plain, 5, {})])
        self.assertEqual(answer.json()["items"][0]["unit_price"], 100, "of the line that stays")
        self.assertEqual(self.lines(self.patch(red, properties=None)), [(plain, 11, {})])
        types = self.event_types(self.path.split("/")[2])[-3:]
        self.assertEqual(types, ["ItemQuantityChanged", "ItemMerged", "ItemMerged"])

    def test_a_merge_that_would_be_too_large_is_refused_whole(self):
        red, plain = self.add(2, color="red"), self.add(998)
        answer = self.patch(red, properties=None, quantity=3)
        self.assert_problem(answer, 422, "quantity-out-of-range")
        self.assertEqual(self.client.get(self.path[:-6]).version, 3)
        self.assertEqual(self.lines(self.patch(red, properties=None, quantity=1)), [(plain, 999, {})])

    def test_a_line_of_a_withdrawn_product_may_shrink_and_go_but_not_grow(self):
        red = self.add(3, color="red")
        self.make_product(100, sku=self.sku, active=False)
        self.assert_problem(self.patch(red, quantity=4), 409, "product-withdrawn")
        command = {"type": "change_item_quantity", "item_id": red, "quantity": 4}
        answer = self.client.post(f"{self.path[:-6]}/commands", {"commands": [command]})
        self.assert_problem(answer, 409, "product-withdrawn", pointer="/commands/0")
        self.assertEqual(self.lines(self.patch(red, quantity=3)), [(red, 3, {"color": "red"})])
        self.assertEqual(
            self.lines(self.patch(red, quantity=1, properties={"color": None})), [(red, 1, {})]
        )
        self.assertEqual(self.lines(self.patch(red, quantity=0)), [])

    def test_properties_at_their_limits(self):
        many = self.add(1, **{f"p{number}": "x" for number in range(16)})
        self.assert_problem(
            self.patch(many, properties={"one-more": "x"}), 422, "properties-too-large"
        )
        swapped = self.patch(many, properties={"one-more": "x", "p0": None})
        self.assertEqual(len(self.lines(swapped)[0][2]), 16)
        for properties in ({"a": 1}, {"a": ""}, {"a": {}}, {"": "x"}, {"a": "x" * 257}, [], "x"):
            with self.subTest(properties=properties):
                self.assert_problem(self.patch(many, properties=properties), 422, "invalid-body")
        self.assert_invalid(self.patch(many), "")

    def test_who_is_not_there(self):
        self.assert_problem(self.patch("none", quantity=1), 404, "item-not-in-cart")
        path = f"/carts/{make_id()}"
        self.assert_problem(self.client.patch(path, {"note": "x"}), 404, "cart-not-found")


if __name__ == "__main__":
    unittest.main()
