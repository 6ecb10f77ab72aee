"""Versions and retries: If-Match, If-None-Match, Prefer, Idempotency-Key."""

import unittest

from support import ServiceCase, make_id, make_key, make_sku


class Matching(ServiceCase):
    def setUp(self):
        self.sku = self.make_product(100)
        self.cart = self.make_cart((self.sku, 1))
        self.path = f"/carts/{self.cart['id']}"

    def add_if(self, match):
        return self.add(self.cart["id"], self.sku, **{"If-Match": match})

    def test_a_command_applies_to_the_version_it_names(self):
        for match in ('"2"', "*", '"4"', '"99", "5"', '"6","7"', 'W/"1", "7"'):
            self.assert_cart(self.add_if(match))
        self.assertEqual(self.get_cart(self.cart["id"])["version"], 8)

    def test_another_version_is_told_what_it_missed(self):
        for quantity in (1, 2):
            self.add(self.cart["id"], self.sku, quantity)
        self.client.patch(f"{self.path}/items/{self.sku}", {"quantity": 9})
        problem = self.assert_problem(
            self.add_if('"3"'), 412, "version-mismatch", current_version=5
        )
        added, changed = problem["missed_events"]
        self.assertEqual(
            (added["version"], added["type"], added["schema_version"]), (4, "ItemAdded", 4)
        )
        self.assertEqual(
            added["data"],
            {
                "item_id": self.sku,
                "sku": self.sku,
                "name": "Green tea",
                "quantity": 2,
                "unit_price": 100,
                "properties": {},
            },
        )
        self.assertEqual((changed["version"], changed["type"]), (5, "ItemQuantityChanged"))
        self.assertEqual(changed["data"], {"item_id": self.sku, "quantity": 9})
        self.assertEqual((changed["stream_type"], changed["stream_id"]), ("cart", self.cart["id"]))
        self.assertEqual(changed["recorded_at"], self.get_cart(self.cart["id"])["updated_at"])
        self.assertLess(added["position"], changed["position"])

    def test_every_kind_of_event_is_as_the_contract_says(self):
        self.client.delete(f"{self.path}/items/{self.sku}")
        self.add(self.cart["id"], self.sku, 3)
        self.client.delete(f"{self.path}/items")
        self.add(self.cart["id"], self.sku, 2)
        self.client.post(f"{self.path}/checkout")
        answer = self.client.post(f"{self.path}/cancel", headers={"If-Match": '"0"'})
        self.assertIn(answer.status, (400, 412), answer)
        answer = self.client.post(f"{self.path}/cancel", headers={"If-Match": '"1"'})
        events = {event["type"]: event["data"] for event in answer.json()["missed_events"]}
        self.assertEqual(events["ItemRemoved"], {"item_id": self.sku, "quantity": 1})
        self.assertEqual(events["CartCleared"], {})
        self.assertEqual(
            events["CartCheckedOut"],
            {"total": 200, "currency": "EUR", "item_count": 2, "order_reference": None},
        )

    def test_a_hundred_missed_events_are_told_at_most(self):
        commands = [{"type": "add_item", "sku": self.sku}] * 100
        for _ in range(2):
            self.client.post(f"{self.path}/commands", {"commands": commands})
        problem = self.assert_problem(
            self.add_if('"2"'), 412, "version-mismatch", current_version=202
        )
        told = [event["version"] for event in problem["missed_events"]]
        self.assertEqual(told, list(range(3, 103)))

    def test_a_version_that_is_not_there_yet_missed_nothing(self):
        self.assert_problem(
            self.add_if('"3"'), 412, "version-mismatch", current_version=2, missed_events=[]
        )

    def test_what_is_no_version_never_matches(self):
        for match in ('W/"2"', '"two"', '""', '"02"', '"-2"', '"2.0"', '"99999999999999999999"'):
            with self.subTest(match=match):
                self.assert_problem(self.add_if(match), 412, "version-mismatch", current_version=2)
        self.assertEqual(self.get_cart(self.cart["id"]), self.cart)

    def test_it_is_said_why_a_tag_never_matches(self):
        """A client that only reads the current version again would ask the same for ever."""
        for match, told in (
            ('W/"2"', ('W/"2" is weak', "without the W/")),
            ('"1", W/"2"', ('W/"2" is weak', "without the W/")),
            ('"2-gzip"', ('"2-gzip" is not an ETag of this service',)),
            ('"2;gzip"', ('"2;gzip" is not an ETag of this service',)),
            ('W/"2-gzip"', ('W/"2-gzip" is weak',)),
        ):
            with self.subTest(match=match):
                answer = self.add_if(match)
                problem = self.assert_problem(answer, 412, "version-mismatch", current_version=2)
                for words in ("current version is 2", *told):
                    self.assertIn(words, problem["detail"])
        for match in ('"1"', '"3", "4"'):
            detail = self.add_if(match).json()["detail"]
            self.assertEqual(detail, "The current version is 2, which If-Match does not name.")
        path = f"/products/{make_sku()}"
        value = {"name": "Tea", "prices": {"EUR": 1}}
        answer = self.client.put(path, value, headers={"If-Match": 'W/"1"'})
        problem = self.assert_problem(answer, 412, "version-mismatch", current_version=0)
        self.assertIn('W/"1" is weak', problem["detail"])

    def test_only_one_of_many_with_the_same_version_wins(self):
        answers = [self.add_if('"2"') for _ in range(5)]
        self.assertEqual([answer.status for answer in answers], [200, 412, 412, 412, 412])

    def test_every_command_can_be_bound_to_a_version(self):
        for method, target, body in (
            ("POST", "/items", {"sku": self.sku}),
            ("PATCH", f"/items/{self.sku}", {"quantity": 5}),
            ("DELETE", f"/items/{self.sku}", None),
            ("DELETE", "/items", None),
            ("POST", "/checkout", None),
            ("POST", "/cancel", None),
            ("POST", "/commands", {"commands": [{"type": "cancel"}]}),
        ):
            answer = self.client.request(
                method, self.path + target, body, headers={"If-Match": '"1"'}
            )
            self.assert_problem(answer, 412, "version-mismatch", current_version=2)

    def test_a_get_can_be_spared(self):
        for match in ('"2"', '"1", "2"', 'W/"2"', "*"):
            answer = self.client.get(self.path, headers={"If-None-Match": match})
            self.assertEqual((answer.status, answer.etag, answer.body), (304, '"2"', b""), answer)
            self.assertEqual(answer.headers.get("cache-control"), "private, no-cache")
        for match in ('"1"', '"22"', '"two"'):
            answer = self.client.get(self.path, headers={"If-None-Match": match})
            self.assertEqual(answer.json(), self.cart)
        absent = self.client.get(f"/carts/{make_id()}", headers={"If-None-Match": "*"})
        self.assert_problem(absent, 404, "cart-not-found")


class Preferring(ServiceCase):
    def test_a_client_may_do_without_the_body(self):
        sku = self.make_product()
        minimal = {"Prefer": "return=minimal"}
        made = self.client.post("/carts", {"items": [{"sku": sku}]}, headers=minimal)
        self.assertEqual((made.status, made.body, made.etag), (201, b"", '"2"'), made)
        path = made.headers["location"]
        answer = self.client.post(f"{path}/items", {"sku": sku}, headers=minimal)
        self.assertEqual((answer.status, answer.body, answer.etag), (204, b"", '"3"'), answer)
        self.assertEqual(answer.headers.get("preference-applied"), "return=minimal")
        self.assertEqual(self.client.get(path).json()["version"], 3)
        answer = self.client.post(f"{path}/items", {"sku": make_sku("no")}, headers=minimal)
        self.assert_problem(answer, 422, "unknown-sku")

    def test_preferences_are_read_as_the_standard_says(self):
        path = f"/carts/{self.make_cart()['id']}/items"
        for told, status in (
            ("RETURN=minimal", 204),
            ('return="minimal"', 204),
            ("respond-async, return=minimal", 204),
            ("return=minimal; foo=1", 204),
            ("return = minimal", 204),
            ("return=representation", 200),
            ("handling=lenient", 200),
            ("", 200),
            ("nonsense===;;", 200),
            ("return=representation, return=minimal", 200),
        ):
            with self.subTest(told=told):
                answer = self.client.delete(path, headers={"Prefer": told})
                self.assertEqual(answer.status, status, answer)


class Retrying(ServiceCase):
    def setUp(self):
        self.sku = self.make_product(100)
        self.cart = self.make_cart((self.sku, 1))
        self.path = f"/carts/{self.cart['id']}"
        self.key = {"Idempotency-Key": make_key()}

    def assert_replayed(self, again, first):
        self.assertEqual(again.headers.get("idempotent-replayed"), "true", again)
        self.assertNotIn("idempotent-replayed", first.headers)
        self.assertEqual(
            (again.status, again.etag, again.body, again.headers.get("location")),
            (first.status, first.etag, first.body, first.headers.get("location")),
        )

    def test_a_retry_gets_the_same_answer_and_has_no_effect(self):
        first = self.add(self.cart["id"], self.sku, 2, **self.key)
        self.assert_replayed(self.add(self.cart["id"], self.sku, 2, **self.key), first)
        self.assertEqual(self.get_cart(self.cart["id"])["version"], 3)

    def test_a_retry_gets_the_same_answer_after_later_changes(self):
        first = self.add(self.cart["id"], self.sku, 2, **self.key)
        self.make_product(777, sku=self.sku, name="Other")
        self.add(self.cart["id"], self.sku)
        self.client.delete(f"{self.path}/items")
        self.client.post(f"{self.path}/cancel")
        self.assert_replayed(self.add(self.cart["id"], self.sku, 2, **self.key), first)

    def test_every_command_can_be_retried(self):
        for method, target, body in (
            ("POST", "/items", {"sku": self.sku}),
            ("PATCH", f"/items/{self.sku}", {"quantity": 5}),
            ("DELETE", f"/items/{self.sku}", None),
            (
                "POST",
                "/commands",
                {
                    "commands": [
                        {"type": "add_item", "sku": self.sku},
                        {"type": "add_item", "sku": self.sku},
                    ]
                },
            ),
            ("DELETE", "/items", None),
            ("POST", "/items", {"sku": self.sku}),
            ("POST", "/checkout", None),
        ):
            key = {"Idempotency-Key": make_key()}
            first = self.client.request(method, self.path + target, body, headers=key)
            self.assert_cart(first)
            self.assert_replayed(
                self.client.request(method, self.path + target, body, headers=key), first
            )
        self.assertEqual(self.get_cart(self.cart["id"])["version"], 10)

    def test_a_cart_is_made_once(self):
        body = {"items": [{"sku": self.sku, "quantity": 2}], "customer_id": make_id()}
        first = self.client.post("/carts", body, headers=self.key)
        self.add(first.json()["id"], self.sku)
        self.assert_replayed(self.client.post("/carts", body, headers=self.key), first)
        listed = self.client.get(f"/carts?customer_id={body['customer_id']}").json()["carts"]
        self.assertEqual([cart["id"] for cart in listed], [first.json()["id"]])
        answer = self.client.post("/carts", {**body, "currency": "USD"}, headers=self.key)
        self.assert_problem(answer, 422, "idempotency-key-reused")

    def test_a_cart_with_an_id_of_its_own_is_made_once(self):
        body = {"id": make_id()}
        first = self.client.post("/carts", body, headers=self.key)
        self.assert_replayed(self.client.post("/carts", body, headers=self.key), first)
        self.assert_problem(self.client.post("/carts", body), 409, "cart-already-exists")
        answer = self.client.post("/carts", {"id": make_id()}, headers=self.key)
        self.assert_problem(answer, 422, "idempotency-key-reused")

    def test_a_quoted_key_is_the_same_key(self):
        first = self.add(self.cart["id"], self.sku, **self.key)
        quoted = {"Idempotency-Key": f'"{self.key["Idempotency-Key"]}"'}
        self.assert_replayed(self.add(self.cart["id"], self.sku, **quoted), first)

    def test_a_key_belongs_to_one_request(self):
        self.add(self.cart["id"], self.sku, **self.key)
        for answer in (
            self.add(self.cart["id"], self.sku, 2, **self.key),
            self.client.delete(f"{self.path}/items", headers=self.key),
            self.client.post(f"{self.path}/cancel", headers=self.key),
            self.client.delete(f"{self.path}/items/{self.sku}", headers=self.key),
        ):
            self.assert_problem(answer, 422, "idempotency-key-reused")
        self.assertEqual(self.get_cart(self.cart["id"])["version"], 3)

    def test_a_key_belongs_to_one_cart(self):
        other = self.make_cart()["id"]
        for cart_id in (self.cart["id"], other):
            answer = self.add(cart_id, self.sku, **self.key)
            self.assert_cart(answer)
            self.assertNotIn("idempotent-replayed", answer.headers)

    def test_a_refusal_is_not_kept(self):
        sku = make_sku("later")
        self.assert_problem(self.add(self.cart["id"], sku, **self.key), 422, "unknown-sku")
        self.make_product(5, sku=sku)
        first = self.add(self.cart["id"], sku, **self.key)
        self.assert_cart(first)
        self.assertNotIn("idempotent-replayed", first.headers)
        self.assert_replayed(self.add(self.cart["id"], sku, **self.key), first)

    def test_an_answer_that_confirmed_state_is_stored_too(self):
        path = f"{self.path}/items/{self.sku}"
        first = self.client.patch(path, {"quantity": 1}, headers=self.key)
        self.assertEqual(self.assert_cart(first)["version"], 2)
        self.add(self.cart["id"], self.sku)
        self.assert_replayed(self.client.patch(path, {"quantity": 1}, headers=self.key), first)

    def test_a_retry_is_recognised_whatever_the_version(self):
        first = self.add(self.cart["id"], self.sku, **self.key, **{"If-Match": '"2"'})
        again = self.add(self.cart["id"], self.sku, **self.key, **{"If-Match": '"2"'})
        self.assert_replayed(again, first)

    def test_a_minimal_answer_is_replayed_minimal(self):
        headers = {**self.key, "Prefer": "return=minimal"}
        first = self.add(self.cart["id"], self.sku, **headers)
        self.assertEqual(first.status, 204)
        self.assert_replayed(self.add(self.cart["id"], self.sku, **headers), first)

    def test_a_product_can_be_put_once(self):
        sku = make_sku()
        body = {"name": "Tea", "prices": {"EUR": 1}}
        first = self.client.put(f"/products/{sku}", body, headers=self.key)
        self.assertEqual(first.status, 201, first)
        self.client.put(f"/products/{sku}", {"name": "Tea", "prices": {"EUR": 2}})
        self.assert_replayed(self.client.put(f"/products/{sku}", body, headers=self.key), first)
        self.assertEqual(self.client.get(f"/products/{sku}").json()["prices"], {"EUR": 2})


if __name__ == "__main__":
    unittest.main()
