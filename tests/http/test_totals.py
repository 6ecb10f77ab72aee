"""Amounts of other services in a cart: taxes, delivery."""

from support import AuditCase, AuthCase, Service, ServiceCase, make_key, needs_binary

AMOUNT_MAX = 2**53 - 1


def total(name, amount, stale=False):
    return {"name": name, "amount": amount, "stale": stale}


class Setting(ServiceCase):
    def setUp(self):
        self.sku = self.make_product(499)
        self.cart_id = self.make_cart((self.sku, 2))["id"]
        self.path = f"/carts/{self.cart_id}"

    def put(self, name, amount, **headers):
        return self.client.put(f"{self.path}/totals/{name}", {"amount": amount}, headers=headers)

    def delete(self, name):
        return self.client.delete(f"{self.path}/totals/{name}")

    def test_a_total_counts_until_it_is_removed(self):
        self.assert_cart(self.put("tax", 190))
        cart = self.assert_cart(self.put("shipping", 0))
        self.assertEqual(cart["totals"], [total("shipping", 0), total("tax", 190)])
        self.assertEqual((cart["subtotal"], cart["discount"], cart["total"]), (998, 0, 1188))
        self.assertEqual(self.get_cart(self.cart_id), cart)
        cart = self.assert_cart(self.put("tax", 200))
        self.assertEqual((cart["version"], cart["total"]), (5, 1198))
        cart = self.assert_cart(self.delete("tax"))
        self.assertEqual((cart["totals"], cart["total"]), ([total("shipping", 0)], 998))
        again = self.assert_cart(self.delete("tax"))
        self.assertEqual(again, cart)
        self.assertEqual(
            self.event_types(self.cart_id)[2:], ["CartTotalSet"] * 3 + ["CartTotalRemoved"]
        )

    def test_the_same_amount_is_an_event_only_while_it_is_stale(self):
        cart = self.assert_cart(self.put("tax", 190))
        self.assertEqual(self.assert_cart(self.put("tax", 190)), cart)
        cart = self.assert_cart(self.add(self.cart_id, self.sku))
        self.assertEqual((cart["totals"], cart["total"]), ([total("tax", 190, True)], 1687))
        fresh = self.assert_cart(self.put("tax", 190))
        self.assertEqual(fresh["totals"], [total("tax", 190)])
        self.assertEqual(fresh["version"], cart["version"] + 1)
        note = self.assert_cart(self.client.patch(self.path, {"note": "Ring twice."}))
        self.assertEqual(note["totals"], [total("tax", 190)])

    def test_notes_of_the_cart_stay(self):
        other = self.make_product(100)
        self.add(self.cart_id, other)
        self.client.delete(f"{self.path}/items")
        self.client.put(f"/products/{other}", {"name": "Tea", "prices": {"USD": 1}})
        notes = self.assert_cart(self.client.post(f"{self.path}/undo"))["notes"]
        self.assertEqual([note["code"] for note in notes], ["price-unavailable"])
        self.assertEqual(self.assert_cart(self.put("tax", 190))["notes"], notes)
        self.assertEqual(self.assert_cart(self.delete("tax"))["notes"], notes)
        self.assertEqual(self.assert_cart(self.client.patch(self.path, {"note": "x"}))["notes"], [])

    def test_an_undo_leaves_totals_and_makes_them_stale(self):
        self.add(self.cart_id, self.sku)
        self.put("tax", 190)
        undone = self.assert_cart(self.client.post(f"{self.path}/undo"))
        self.assertEqual((undone["subtotal"], undone["totals"]), (998, [total("tax", 190, True)]))
        restored = self.client.post(f"{self.path}/restore", {"version": 3})
        self.assertEqual(self.assert_cart(restored)["totals"], [total("tax", 190, True)])

    def test_another_currency_drops_them_and_a_copy_has_none(self):
        self.client.put(
            f"/products/{self.sku}", {"name": "Tea", "prices": {"EUR": 499, "USD": 549}}
        )
        self.put("tax", 190)
        copy = self.make_cart(copy_of=self.cart_id)
        self.assertEqual((copy["totals"], copy["total"]), ([], 998))
        dollars = self.client.post(f"{self.path}/currency", {"currency": "USD"})
        self.assertEqual(self.assert_cart(dollars)["totals"], [])
        self.assertEqual(dollars.json()["total"], 1098)

    def test_a_checkout_is_at_the_total_with_them(self):
        self.put("tax", 190)
        answer = self.client.post(f"{self.path}/checkout", {"expected_total": 998})
        self.assert_problem(answer, 409, "total-changed", current_total=1188)
        cart = self.assert_cart(self.client.post(f"{self.path}/checkout", {"expected_total": 1188}))
        event = self.client.get(f"{self.path}/events").json()["events"][-1]
        self.assertEqual(event["data"]["total"], 1188)
        self.assert_problem(self.put("tax", 1), 409, "cart-closed")
        self.assert_problem(self.delete("tax"), 409, "cart-closed")
        self.assertEqual(self.get_cart(self.cart_id), cart)

    def test_totals_have_limits(self):
        for n in range(8):
            self.assert_cart(self.put(f"t{n}", 0))
        self.assert_problem(self.put("t8", 0), 409, "too-many-totals")
        self.assert_cart(self.put("t7", AMOUNT_MAX - 998))
        self.assert_problem(self.put("t6", 1), 422, "amount-too-large")
        self.assert_problem(self.add(self.cart_id, self.sku), 422, "amount-too-large")
        self.assertEqual(self.get_cart(self.cart_id)["total"], AMOUNT_MAX)

    def test_bad_names_and_amounts_are_refused(self):
        for name in ("a%20b", "-", "x" * 33, "%C3%BC"):
            self.assert_problem(self.put(name, 1), 400, "invalid-parameter")
            self.assert_problem(self.delete(name), 400, "invalid-parameter")
        self.assert_cart(self.put("x" * 32, 1))
        for amount in (-1, AMOUNT_MAX + 1, 1.5, "1", None):
            self.assert_invalid(self.put("tax", amount), "/amount")
        answer = self.client.put(f"{self.path}/totals/tax", {"amount": 1, "name": "tax"})
        self.assert_invalid(answer, "/name")

    def test_commands_set_and_remove_totals_or_do_nothing(self):
        def execute(*commands):
            return self.client.post(f"{self.path}/commands", {"commands": commands})

        add = {"type": "add_item", "sku": self.sku}
        tax = {"type": "set_total", "name": "tax", "amount": 190}
        cart = self.assert_cart(execute(tax, add, {**tax, "name": "shipping"}))
        self.assertEqual(cart["totals"], [total("shipping", 190), total("tax", 190, True)])
        cart = self.assert_cart(execute({"type": "remove_total", "name": "tax"}, tax))
        self.assertEqual(cart["totals"][1], total("tax", 190))
        answer = execute(tax, {**tax, "amount": AMOUNT_MAX})
        self.assert_problem(answer, 422, "amount-too-large", pointer="/commands/1")
        self.assert_invalid(execute({**tax, "name": "x" * 33}), "/commands/0/name")

    def test_history_retries_and_versions_are_as_for_any_command(self):
        key = {"Idempotency-Key": make_key()}
        first = self.put("tax", 190, **key)
        self.assert_cart(self.put("tax", 200))
        again = self.put("tax", 190, **key)
        self.assertEqual((again.json(), again.headers["idempotent-replayed"]), (first.json(), "true"))
        then = self.client.get(f"{self.path}?version=3")
        self.assertEqual(then.body, first.body)
        self.assert_problem(self.put("tax", 1, **{"If-Match": '"2"'}), 412, "version-mismatch")


@needs_binary
class Scopes(AuthCase):
    def setUp(self):
        self.shop = self.bearing(self.key.token("shop", "carts:all"))
        self.sku = self.make_product(499)
        cart = self.make_cart((self.sku, 1), client=self.shop, customer_id="ada")
        self.path = f"/carts/{cart['id']}"
        self.tax = {"type": "set_total", "name": "tax", "amount": 95}

    def execute(self, client, *commands):
        return client.post(f"{self.path}/commands", {"commands": commands})

    def test_a_service_sets_totals_in_any_cart(self):
        service = self.bearing(self.key.token("tax", "totals"))
        cart = self.assert_cart(service.put(f"{self.path}/totals/tax", {"amount": 95}))
        self.assertEqual(cart["totals"], [total("tax", 95)])
        self.assert_cart(service.delete(f"{self.path}/totals/tax"))
        self.assert_problem(service.get(self.path), 403, "forbidden")
        self.assert_problem(self.execute(service, self.tax), 403, "forbidden")

    def test_who_may_change_the_cart_may_not_set_totals(self):
        guest = self.bearing()
        ada = self.bearing(self.key.token("ada", "carts"))
        for client in (self.shop, ada):
            answer = client.put(f"{self.path}/totals/tax", {"amount": 95})
            self.assert_problem(answer, 403, "forbidden")
        for command in (self.tax, {"type": "remove_total", "name": "tax"}):
            add = {"type": "add_item", "sku": self.sku}
            answer = self.execute(ada, add, command)
            problem = self.assert_problem(answer, 403, "forbidden", pointer="/commands/1")
            self.assertIn("requires: totals", problem["detail"])
            self.assertIn('scope="totals"', answer.headers["www-authenticate"])
        answer = guest.put(f"{self.path}/totals/tax", {"amount": 95})
        self.assert_problem(answer, 401, "unauthorized")
        self.assertEqual(ada.get(self.path).json()["version"], 2)

    def test_a_guest_with_the_carts_token_may_not_either(self):
        made = self.bearing().post("/carts", {})
        self.path = f"/carts/{made.json()['id']}"
        guest = self.bearing(cart_token=made.headers["cart-token"])
        self.assert_problem(self.execute(guest, self.tax), 401, "unauthorized")

    def test_a_customer_does_not_drop_them_with_another_currency(self):
        prices = {"EUR": 499, "USD": 549}
        self.catalog = self.bearing(self.key.token("shop", "catalog"))
        self.catalog.put(f"/products/{self.sku}", {"name": "Tea", "prices": prices})
        ada = self.bearing(self.key.token("ada", "carts"))
        both = self.bearing(self.key.token("shop", "carts:all totals"))
        self.assert_cart(ada.post(f"{self.path}/currency", {"currency": "USD"}))
        self.assert_cart(both.put(f"{self.path}/totals/tax", {"amount": 95}))
        there = {"type": "change_currency", "currency": "EUR"}
        back = {"type": "change_currency", "currency": "USD"}
        for answer, pointer in (
            (self.execute(ada, there, back, {"type": "check_out"}), "/commands/0"),
            (ada.post(f"{self.path}/currency", {"currency": "EUR"}), None),
            (ada.post(f"{self.path}/undo"), None),
            (ada.post(f"{self.path}/restore", {"version": 2}), None),
        ):
            self.assert_problem(answer, 409, "cart-has-totals", pointer=pointer)
        self.assertEqual(ada.get(self.path).json()["total"], 549 + 95)
        self.assertEqual(self.assert_cart(both.post(f"{self.path}/undo"))["totals"], [])

    def test_a_list_needs_both_rights(self):
        both = self.bearing(self.key.token("ada", "carts totals"))
        self.assertEqual(self.assert_cart(self.execute(both, self.tax))["total"], 594)
        bob = self.bearing(self.key.token("bob", "carts totals"))
        self.assert_problem(self.execute(bob, self.tax), 404, "cart-not-found")


# Takes out what documents got later.
SINCE = r"""'("price_source":"catalog",|"coupons":\[\],)?"subtotal":\d+,"discount":\d+,("totals":\[\],)?', '', 'g'"""
FORMER = f"""
UPDATE carts SET document = regexp_replace(document, {SINCE}),
    document_end = regexp_replace(document_end, {SINCE});
UPDATE cart_chunks SET lines = regexp_replace(lines, {SINCE});
"""


@needs_binary
class RowsOfBefore(AuditCase):
    """What an earlier cartd has stored is served in today's shape, and is no discrepancy."""

    def test_rows_of_before_are_served_and_verified(self):
        skus = [self.make_product(10) for _ in range(40)]
        small = self.make_cart((skus[0], 2))
        large = self.make_cart(*((sku, 1) for sku in skus))
        self.database.sql(FORMER)
        self.assertEqual(
            self.database.value(
                "SELECT count(*) FROM carts LEFT JOIN cart_chunks USING (cart_id)"
                " WHERE concat(document, lines, document_end) LIKE '%subtotal%';"
            ),
            "0",
        )
        other = Service(self.database.app_url)  # which has nothing cached
        self.addCleanup(other.stop)
        with other.client() as client:
            for cart in (small, large):
                self.assertEqual(client.get(f"/carts/{cart['id']}").json(), cart)
            self.assert_clean()
            # One chunk of it is of today, the others are not.
            added = self.assert_cart(self.add(large["id"], skus[-1], client=client))
            self.assertEqual(client.get(f"/carts/{large['id']}").json(), added)
            self.assert_clean()
