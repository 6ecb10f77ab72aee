"""What can be done with a cart: each command, each rule, and which refusal wins."""

import unittest

from support import ServiceCase, make_id, make_key, make_sku

AMOUNT_MAX = 2**53 - 1
ABSENT = "01936f6e-6f0a-7c3e-9a57-5f0c8a4f1b2d"


class Creating(ServiceCase):
    def test_a_cart_needs_nothing_to_be_made(self):
        for body in (None, b"", b"{}"):
            answer = self.client.post("/carts", body=body)
            cart = self.assert_cart(answer, 201)
            self.assertEqual(answer.headers["location"], f"/carts/{cart['id']}")
            self.assertEqual(cart["version"], 1)
            self.assertEqual(cart["status"], "open")
            self.assertEqual(cart["currency"], "EUR")
            self.assertEqual((cart["customer_id"], cart["items"], cart["metadata"]), (None, [], {}))
            self.assertEqual(cart["id"][14], "7", "the service makes UUIDv7")
            self.assertEqual(self.get_cart(cart["id"]), cart)

    def test_the_members_are_in_the_order_of_the_contract(self):
        cart = self.make_cart((self.make_product(), 2))
        self.assertEqual(
            list(cart),
            [
                "id",
                "version",
                "status",
                "currency",
                "minor_unit",
                "customer_id",
                "customer_email",
                "note",
                "items",
                "item_count",
                "coupons",
                "subtotal",
                "discount",
                "totals",
                "total",
                "notes",
                "metadata",
                "order_reference",
                "created_at",
                "updated_at",
                "closed_at",
                "abandoned_at",
                "expires_at",
            ],
        )
        self.assertEqual(
            list(cart["items"][0]),
            [
                "id",
                "sku",
                "name",
                "quantity",
                "unit_price",
                "price_source",
                "subtotal",
                "discount",
                "total",
                "properties",
            ],
        )

    def test_a_cart_keeps_what_it_was_made_with(self):
        sku = self.make_product(499, name="Grüner Tee 🍵")
        other = self.make_product(1250)
        metadata = {"b": 1, "a": [True, None, {"x": 'ü"\\/\n'}], "f": 1.5}
        cart_id = make_id()
        cart = self.make_cart(
            (sku, 2), (other, 1), id=cart_id, customer_id="Zoë 7", metadata=metadata
        )
        self.assertEqual(cart["id"], cart_id)
        self.assertEqual(cart["version"], 3)
        self.assertEqual(cart["customer_id"], "Zoë 7")
        self.assertEqual(cart["metadata"], metadata)
        self.assertEqual(
            cart["items"][0],
            {
                "id": sku,
                "sku": sku,
                "name": "Grüner Tee 🍵",
                "quantity": 2,
                "unit_price": 499,
                "properties": {},
                "price_source": "catalog",
                "subtotal": 998,
                "discount": 0,
                "total": 998,
            },
        )
        self.assertEqual((cart["item_count"], cart["total"]), (3, 2248))
        self.assertEqual(self.get_cart(cart_id), cart)

    def test_an_id_is_kept_in_lower_case(self):
        cart_id = make_id()
        self.assertEqual(self.make_cart(id=cart_id.upper())["id"], cart_id)
        self.assertEqual(self.get_cart(cart_id.upper())["id"], cart_id)

    def test_a_cart_cannot_be_made_twice(self):
        cart_id = self.make_cart()["id"]
        self.assert_problem(self.client.post("/carts", {"id": cart_id}), 409, "cart-already-exists")

    def test_the_same_sku_twice_is_one_line(self):
        sku = self.make_product()
        cart = self.make_cart((sku, 2), (sku, 3))
        self.assertEqual(len(cart["items"]), 1)
        self.assertEqual((cart["items"][0]["quantity"], cart["version"]), (5, 3))

    def test_a_refused_item_makes_no_cart(self):
        sku = self.make_product()
        cart_id = make_id()
        body = {"id": cart_id, "items": [{"sku": sku}, {"sku": make_sku("no")}]}
        self.assert_problem(
            self.client.post("/carts", body), 422, "unknown-sku", pointer="/items/1"
        )
        self.assert_problem(self.client.get(f"/carts/{cart_id}"), 404, "cart-not-found")

    def test_a_cart_may_begin_with_250_lines(self):
        skus = [self.make_product(1) for _ in range(250)]
        cart = self.make_cart(*((sku, 1) for sku in skus))
        self.assertEqual([line["sku"] for line in cart["items"]], skus)
        self.assertEqual(cart["version"], 251)
        answer = self.add(cart["id"], self.make_product())
        self.assert_problem(answer, 409, "cart-full")
        answer = self.add(cart["id"], skus[0])
        self.assertEqual(self.assert_cart(answer)["items"][0]["quantity"], 2)

    def test_each_currency_has_its_own_prices(self):
        sku = make_sku()
        self.client.put(f"/products/{sku}", {"name": "Tea", "prices": {"EUR": 499, "USD": 549}})
        self.assertEqual(self.make_cart((sku, 1), currency="USD")["total"], 549)
        body = {"currency": "CHF", "items": [{"sku": sku}]}
        answer = self.client.post("/carts", body)
        self.assert_problem(answer, 422, "price-unavailable", pointer="/items/0")


class Adding(ServiceCase):
    def test_adding_grows_the_line_and_keeps_the_order(self):
        first, second = self.make_product(100), self.make_product(200)
        cart_id = self.make_cart((first, 1), (second, 1))["id"]
        cart = self.assert_cart(self.add(cart_id, first, 4))
        self.assertEqual(
            [(line["sku"], line["quantity"]) for line in cart["items"]], [(first, 5), (second, 1)]
        )
        self.assertEqual((cart["version"], cart["total"]), (4, 700))

    def test_one_is_added_when_no_quantity_is_said(self):
        cart_id = self.make_cart()["id"]
        answer = self.client.post(f"/carts/{cart_id}/items", {"sku": self.make_product()})
        self.assertEqual(self.assert_cart(answer)["items"][0]["quantity"], 1)

    def test_adding_takes_the_price_of_now_for_the_whole_line(self):
        sku = self.make_product(100, name="Old")
        cart_id = self.make_cart((sku, 2))["id"]
        self.make_product(130, sku=sku, name="New")
        self.assertEqual(self.get_cart(cart_id)["total"], 200, "a cart keeps the price it took")
        line = self.assert_cart(self.add(cart_id, sku))["items"][0]
        self.assertEqual((line["unit_price"], line["name"], line["total"]), (130, "New", 390))

    def test_changing_the_quantity_leaves_the_price(self):
        sku = self.make_product(100)
        cart_id = self.make_cart((sku, 2))["id"]
        self.make_product(130, sku=sku)
        cart = self.assert_cart(self.client.patch(f"/carts/{cart_id}/items/{sku}", {"quantity": 3}))
        self.assertEqual(cart["total"], 300)

    def test_an_unknown_an_inactive_and_an_unpriced_sku_are_refused(self):
        cart_id = self.make_cart()["id"]
        self.assert_problem(self.add(cart_id, make_sku("no")), 422, "unknown-sku")
        self.assert_problem(self.add(cart_id, self.make_product(active=False)), 422, "unknown-sku")
        self.assert_problem(
            self.add(cart_id, self.make_product(currency="USD")), 422, "price-unavailable"
        )
        self.assertEqual(self.get_cart(cart_id)["version"], 1)

    def test_a_line_holds_999_at_most(self):
        sku = self.make_product(1)
        cart_id = self.make_cart((sku, 998))["id"]
        self.assert_problem(self.add(cart_id, sku, 2), 422, "quantity-out-of-range")
        self.assertEqual(self.assert_cart(self.add(cart_id, sku, 1))["item_count"], 999)
        self.assert_problem(self.add(cart_id, sku, 1), 422, "quantity-out-of-range")

    def test_an_amount_stays_exact_up_to_2_to_the_53(self):
        huge, one = self.make_product(AMOUNT_MAX - 1), self.make_product(1)
        cart_id = self.make_cart((huge, 1))["id"]
        self.assertEqual(self.assert_cart(self.add(cart_id, one))["total"], AMOUNT_MAX)
        self.assert_problem(self.add(cart_id, one), 422, "amount-too-large")
        self.assert_problem(self.add(cart_id, huge), 422, "amount-too-large")
        answer = self.client.patch(f"/carts/{cart_id}/items/{huge}", {"quantity": 999})
        self.assert_problem(answer, 422, "amount-too-large")
        self.assertEqual(self.get_cart(cart_id)["total"], AMOUNT_MAX)

    def test_what_costs_nothing_can_be_bought(self):
        cart_id = self.make_cart((self.make_product(0), 3))["id"]
        answer = self.client.post(f"/carts/{cart_id}/checkout", {"expected_total": 0})
        self.assertEqual(self.assert_cart(answer)["status"], "checked_out")

    def test_a_read_shows_what_was_answered_before(self):
        sku = self.make_product(1)
        cart_id = self.make_cart()["id"]
        with self.service.client() as other:
            for quantity in range(1, 50):
                self.add(cart_id, sku)
                self.assertEqual(other.get(f"/carts/{cart_id}").json()["item_count"], quantity)


class ChangingAndRemoving(ServiceCase):
    def setUp(self):
        self.first, self.second = self.make_product(100), self.make_product(10)
        self.cart = self.make_cart((self.first, 2), (self.second, 1))
        self.path = f"/carts/{self.cart['id']}"

    def test_a_quantity_can_be_changed(self):
        cart = self.assert_cart(
            self.client.patch(f"{self.path}/items/{self.first}", {"quantity": 7})
        )
        self.assertEqual(
            (cart["items"][0]["quantity"], cart["total"], cart["version"]), (7, 710, 4)
        )
        self.assertGreater(cart["updated_at"], self.cart["updated_at"])
        self.assertEqual(cart["created_at"], self.cart["created_at"])

    def test_the_same_quantity_is_no_event(self):
        answer = self.client.patch(f"{self.path}/items/{self.first}", {"quantity": 2})
        self.assertEqual(self.assert_cart(answer), self.cart)

    def test_a_quantity_of_0_removes(self):
        cart = self.assert_cart(
            self.client.patch(f"{self.path}/items/{self.first}", {"quantity": 0})
        )
        self.assertEqual([line["id"] for line in cart["items"]], [self.second])

    def test_a_line_can_be_removed_once(self):
        cart = self.assert_cart(self.client.delete(f"{self.path}/items/{self.first}"))
        self.assertEqual([line["id"] for line in cart["items"]], [self.second])
        answer = self.client.delete(f"{self.path}/items/{self.first}")
        self.assert_problem(answer, 404, "item-not-in-cart")

    def test_a_removed_line_comes_back_at_the_end(self):
        self.client.delete(f"{self.path}/items/{self.first}")
        cart = self.assert_cart(self.add(self.cart["id"], self.first))
        self.assertEqual([line["id"] for line in cart["items"]], [self.second, self.first])

    def test_what_is_not_in_the_cart_cannot_be_changed(self):
        for item_id in ("none", "a" * 65, "%20", "%C3%A4", "-x", "a+b"):
            answer = self.client.patch(f"{self.path}/items/{item_id}", {"quantity": 1})
            self.assert_problem(answer, 404, "item-not-in-cart")
            answer = self.client.delete(f"{self.path}/items/{item_id}")
            self.assert_problem(answer, 404, "item-not-in-cart")

    def test_an_escaped_path_means_the_same_item(self):
        escaped = "".join(f"%{ord(character):02X}" for character in self.first)
        cart = self.assert_cart(self.client.delete(f"{self.path}/items/{escaped}"))
        self.assertEqual([line["id"] for line in cart["items"]], [self.second])

    def test_a_cart_can_be_emptied_and_an_empty_one_stays(self):
        cart = self.assert_cart(self.client.delete(f"{self.path}/items"))
        self.assertEqual((cart["items"], cart["total"], cart["version"]), ([], 0, 4))
        self.assertEqual(self.assert_cart(self.client.delete(f"{self.path}/items")), cart)
        self.assertEqual(self.assert_cart(self.client.delete(f"{self.path}/items", {})), cart)


class Closing(ServiceCase):
    def test_a_cart_is_checked_out_with_the_total_that_was_shown(self):
        cart = self.make_cart((self.make_product(499), 2))
        path = f"/carts/{cart['id']}/checkout"
        self.assert_problem(
            self.client.post(path, {"expected_total": 997}), 409, "total-changed", current_total=998
        )
        closed = self.assert_cart(self.client.post(path, {"expected_total": 998}))
        self.assertEqual((closed["status"], closed["total"]), ("checked_out", 998))
        self.assertEqual(closed["closed_at"], closed["updated_at"])

    def test_a_checkout_needs_no_body(self):
        cart = self.make_cart((self.make_product(), 1))
        answer = self.client.post(f"/carts/{cart['id']}/checkout")
        self.assertEqual(self.assert_cart(answer)["status"], "checked_out")

    def test_an_empty_cart_cannot_be_checked_out(self):
        path = f"/carts/{self.make_cart()['id']}/checkout"
        self.assert_problem(self.client.post(path), 409, "cart-empty")
        self.assert_problem(self.client.post(path, {"expected_total": 5}), 409, "cart-empty")

    def test_a_cart_says_which_order_it_became(self):
        reference = "Bestellung/" + make_id() + " \"💍\"" + "x" * 76
        cart = self.make_cart((self.make_product(499), 2))
        self.assertIsNone(cart["order_reference"])
        body = {"order_reference": reference}
        closed = self.assert_cart(self.client.post(f"/carts/{cart['id']}/checkout", body))
        self.assertEqual(closed["order_reference"], reference)
        self.assertEqual(self.get_cart(cart["id"]), closed)
        event = self.client.get(f"/carts/{cart['id']}/events").json()["events"][-1]
        self.assertEqual((event["type"], event["schema_version"]), ("CartCheckedOut", 2))
        self.assertEqual(event["data"]["order_reference"], reference)
        before = self.client.get(f"/carts/{cart['id']}?version={cart['version']}").json()
        self.assertEqual(before, cart)
        for other in ("", "a\tb", "x" * 129, 7, {}):
            answer = self.client.post(f"/carts/{cart['id']}/checkout", {"order_reference": other})
            self.assert_problem(answer, 422, "invalid-body")

    def test_a_checkout_that_is_repeated_answers_the_cart_as_it_is(self):
        for reference in ("order-1", None):
            sku = self.make_product(499)
            path = f"/carts/{self.make_cart((sku, 2))['id']}"
            first = {"expected_total": 998, "order_reference": reference}
            closed = self.client.post(f"{path}/checkout", first)
            self.assertEqual(self.assert_cart(closed)["version"], 3)
            for body in (first, {}, None, {"expected_total": 998}, {"order_reference": reference}):
                again = self.client.post(f"{path}/checkout", body)
                self.assertEqual((again.status, again.body, again.version), (200, closed.body, 3))
            commands = [{"type": "check_out", **first}] * 2
            again = self.client.post(f"{path}/commands", {"commands": commands})
            self.assertEqual((again.status, again.body), (200, closed.body))
            for body, slug, members in (
                ({"order_reference": "order-2"}, "order-reference-mismatch", {"order_reference": reference}),
                ({"expected_total": 997}, "total-changed", {"current_total": 998}),
            ):
                answer = self.client.post(f"{path}/checkout", body)
                self.assert_problem(answer, 409, slug, **members)
            self.assertEqual(self.client.get(path).body, closed.body)

    def test_an_empty_cart_can_be_cancelled(self):
        answer = self.client.post(f"/carts/{self.make_cart()['id']}/cancel")
        self.assertEqual(self.assert_cart(answer)["status"], "cancelled")

    def test_a_cart_that_is_cancelled_again_is_answered_as_it_is(self):
        path = f"/carts/{self.make_cart((self.make_product(), 1))['id']}"
        cancelled = self.client.post(f"{path}/cancel")
        commands = {"commands": [{"type": "cancel"}] * 2}
        for again in (self.client.post(f"{path}/cancel"), self.client.post(f"{path}/commands", commands)):
            self.assertEqual((again.status, again.body), (200, cancelled.body))
        self.assert_problem(self.client.post(f"{path}/checkout"), 409, "cart-closed")

    def test_a_closed_cart_refuses_every_command(self):
        for closing in ("checkout", "cancel"):
            sku = self.make_product()
            path = f"/carts/{self.make_cart((sku, 1))['id']}"
            closed = self.assert_cart(self.client.post(f"{path}/{closing}"))
            for answer in (
                self.client.post(f"{path}/items", {"sku": sku}),
                self.client.post(f"{path}/items", {"sku": make_sku("no")}),
                self.client.patch(f"{path}/items/{sku}", {"quantity": 1}),
                self.client.patch(f"{path}/items/none", {"quantity": 2}),
                self.client.delete(f"{path}/items/{sku}"),
                self.client.delete(f"{path}/items"),
                self.client.post(f"{path}/checkout" if closing == "cancel" else f"{path}/cancel"),
                self.client.post(f"{path}/commands", {"commands": [{"type": "clear_items"}]}),
            ):
                self.assert_problem(
                    answer,
                    409,
                    "cart-closed",
                    cart_status=closed["status"],
                    closed_at=closed["closed_at"],
                )
            self.assertEqual(self.client.get(path).json(), closed)


class Several(ServiceCase):
    def setUp(self):
        self.sku = self.make_product(100)
        self.cart = self.make_cart((self.sku, 1))
        self.path = f"/carts/{self.cart['id']}/commands"

    def send(self, *commands, **options):
        return self.client.post(self.path, {"commands": list(commands)}, **options)

    def test_commands_apply_in_order(self):
        other = self.make_product(7)
        cart = self.assert_cart(
            self.send(
                {"type": "add_item", "sku": other},
                {"type": "add_item", "sku": other, "quantity": 2},
                {"type": "change_item_quantity", "item_id": self.sku, "quantity": 5},
                {"type": "remove_item", "item_id": self.sku},
                {"type": "add_item", "sku": self.sku, "quantity": 4},
                {"type": "check_out", "expected_total": 421},
            )
        )
        self.assertEqual(cart["version"], 8)
        self.assertEqual(cart["status"], "checked_out")
        self.assertEqual(
            [(line["sku"], line["quantity"]) for line in cart["items"]], [(other, 3), (self.sku, 4)]
        )
        if self.database:
            self.assertEqual(
                self.event_types(cart["id"]),
                [
                    "CartCreated",
                    "ItemAdded",
                    "ItemAdded",
                    "ItemAdded",
                    "ItemQuantityChanged",
                    "ItemRemoved",
                    "ItemAdded",
                    "CartCheckedOut",
                ],
            )

    def test_all_or_nothing(self):
        for refused, status, slug in (
            ({"type": "add_item", "sku": make_sku("no")}, 422, "unknown-sku"),
            ({"type": "remove_item", "item_id": "none"}, 404, "item-not-in-cart"),
            (
                {"type": "change_item_quantity", "item_id": "none", "quantity": 0},
                404,
                "item-not-in-cart",
            ),
            ({"type": "check_out", "expected_total": 1}, 409, "total-changed"),
        ):
            answer = self.send(
                {"type": "add_item", "sku": self.sku},
                {"type": "clear_items"},
                {"type": "add_item", "sku": self.sku},
                refused,
                {"type": "cancel"},
            )
            self.assert_problem(answer, status, slug, pointer="/commands/3")
            self.assertEqual(self.get_cart(self.cart["id"]), self.cart)

    def test_nothing_follows_the_closing_of_the_cart(self):
        answer = self.send({"type": "check_out"}, {"type": "add_item", "sku": self.sku})
        self.assert_problem(
            answer,
            409,
            "cart-closed",
            pointer="/commands/1",
            cart_status="checked_out",
            closed_at=None,
        )
        self.assertEqual(self.get_cart(self.cart["id"])["status"], "open")

    def test_commands_that_change_nothing_record_nothing(self):
        answer = self.send({"type": "change_item_quantity", "item_id": self.sku, "quantity": 1})
        self.assertEqual(self.assert_cart(answer), self.cart)

    def test_a_hundred_commands_are_one_request_and_a_hundred_and_one_are_none(self):
        commands = [{"type": "add_item", "sku": self.sku}] * 100
        cart = self.assert_cart(self.send(*commands))
        self.assertEqual((cart["version"], cart["item_count"]), (102, 101))
        self.assert_invalid(self.send(*commands, commands[0]), "/commands")
        self.assert_invalid(self.send(), "/commands")

    def test_each_unusable_command_is_named(self):
        self.assert_invalid(
            self.send(
                {"type": "add_item", "sku": self.sku},
                {"type": "buy"},
                {"type": "add_item"},
                {"type": "add_item", "sku": self.sku, "quantity": 0},
                {"type": "remove_item", "item_id": self.sku, "quantity": 1},
                {"sku": self.sku},
                "cancel",
                {"type": "check_out", "expected_total": -1},
                {"type": "create"},
            ),
            "/commands/1/type",
            "/commands/2/sku",
            "/commands/3/quantity",
            "/commands/4/quantity",
            "/commands/5/type",
            "/commands/6",
            "/commands/7/expected_total",
            "/commands/8/type",
        )
        self.assertEqual(self.get_cart(self.cart["id"]), self.cart)


class WhichRefusalWins(ServiceCase):
    """The order of the checks and of the rules: docs/http.md, "Order of checks"."""

    def test_the_order_of_the_checks(self):
        sku = self.make_product()
        path = f"/carts/{self.make_cart((sku, 1))['id']}/items"
        closed = f"/carts/{self.make_cart((sku, 1))['id']}"
        self.client.post(f"{closed}/cancel")
        absent = f"/carts/{ABSENT}/items"
        stale, bad_match = {"If-Match": '"99"'}, {"If-Match": "seven"}
        used = {"Idempotency-Key": make_key()}
        self.assertEqual(self.client.post(path, {"sku": sku}, headers=used).status, 200)

        def post(target, body, **headers):
            names = {name.replace("_", "-"): text for name, text in headers.items()}
            return self.client.post(target, body=body, headers=names)

        good = b'{"sku":"%s"}' % sku.encode()
        cases = [
            # The method before headers; headers and parameters before the body's syntax.
            (
                self.client.request("PUT", path, body=b"{", headers=bad_match),
                405,
                "method-not-allowed",
            ),
            (post(path, b"{", **{"If-Match": "seven"}), 400, "invalid-parameter"),
            (post(f"{path}?x=1", b"{"), 400, "invalid-parameter"),
            # Syntax before fields, fields before existence.
            (post(absent, b"{"), 400, "malformed-json"),
            (post(absent, b'{"sku":1}'), 422, "invalid-body"),
            # Existence before the key and the version.
            (post(absent, good, **used, **stale), 404, "cart-not-found"),
            # The key before the version.
            (
                post(path, b'{"sku":"%s","quantity":2}' % sku.encode(), **used, **stale),
                422,
                "idempotency-key-reused",
            ),
            # The version before the rules.
            (post(f"{closed}/items", good, **stale), 412, "version-mismatch"),
            (post(f"{closed}/items", good), 409, "cart-closed"),
        ]
        for answer, status, slug in cases:
            self.assert_problem(answer, status, slug)
        # A retry is recognised although its version is stale by now.
        again = post(path, good, **used, **{"If-Match": '"99"'})
        self.assertEqual(
            (again.status, again.headers.get("idempotent-replayed")), (200, "true"), again
        )

    def test_the_order_of_the_rules(self):
        many = [self.make_product(1) for _ in range(249)]
        huge = self.make_product(AMOUNT_MAX)
        cart = self.make_cart(*((sku, 1) for sku in many), (many[0], 998))
        unpriced = self.make_product(currency="USD")
        # 249 lines, the first full; one more line fits.
        self.assert_problem(self.add(cart["id"], unpriced), 422, "price-unavailable")
        self.assert_problem(self.add(cart["id"], huge), 422, "amount-too-large")
        self.assert_cart(self.add(cart["id"], self.make_product(1)))
        # 250 lines: full wins over the amount, what is wrong with the sku over full.
        self.assert_problem(self.add(cart["id"], huge), 409, "cart-full")
        self.assert_problem(self.add(cart["id"], make_sku("no")), 422, "unknown-sku")
        self.assert_problem(self.add(cart["id"], unpriced), 422, "price-unavailable")
        # The line's quantity wins over the amount.
        self.make_product(AMOUNT_MAX, sku=many[0])
        self.assert_problem(self.add(cart["id"], many[0]), 422, "quantity-out-of-range")

    def test_an_absent_cart_is_absent_for_every_operation(self):
        for cart_id in (
            ABSENT,
            "nonsense",
            "01936f6e-6f0a-7c3e-9a57-5f0c8a4f1b2",
            "%20",
            ABSENT + "0",
        ):
            path = f"/carts/{cart_id}"
            for answer in (
                self.client.get(path),
                self.client.post(f"{path}/items", {"sku": "x"}),
                self.client.patch(f"{path}/items/x", {"quantity": 1}),
                self.client.delete(f"{path}/items/x"),
                self.client.delete(f"{path}/items"),
                self.client.post(f"{path}/checkout"),
                self.client.post(f"{path}/cancel"),
                self.client.post(f"{path}/commands", {"commands": [{"type": "cancel"}]}),
            ):
                self.assert_problem(answer, 404, "cart-not-found")


if __name__ == "__main__":
    unittest.main()
