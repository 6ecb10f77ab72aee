"""Lists and the catalogue: filters, pages, products."""

import re
import unittest

from support import ServiceCase, make_id, make_sku, run_at_once


class Lists(ServiceCase):
    def read_pages(self, target, name, limit):
        """Every element of a list, page by page, by the cursor and by the Link alike."""
        listed = []
        separator = "&" if "?" in target else "?"
        following = f"{target}{separator}limit={limit}"
        while following:
            answer = self.client.get(following)
            self.assertEqual(answer.status, 200, answer)
            page = answer.json()
            self.assertLessEqual(len(page[name]), limit)
            listed += page[name]
            cursor = page["next_cursor"]
            self.assertEqual(cursor is not None, "link" in answer.headers, answer)
            following = None
            if cursor is not None:
                self.assertEqual(len(page[name]), limit)
                following = re.fullmatch(r'<([^>]+)>; rel="next"', answer.headers["link"])[1]
                by_cursor = self.client.get(f"{target}{separator}limit={limit}&cursor={cursor}")
                self.assertEqual(by_cursor.json()[name], self.client.get(following).json()[name])
        return listed

    def test_all_pages_have_all_carts_newest_first(self):
        customer = make_id()
        made = [self.make_cart(customer_id=customer)["id"] for _ in range(23)]
        for limit in (1, 7, 23, 100):
            listed = self.read_pages(f"/carts?customer_id={customer}", "carts", limit)
            self.assertEqual([cart["id"] for cart in listed], made[::-1])

    def test_twenty_are_on_a_page_when_nothing_is_said(self):
        for _ in range(21):
            self.make_cart()
        self.assertEqual(len(self.client.get("/carts").json()["carts"]), 20)

    def test_a_listed_cart_is_as_a_read_one(self):
        customer = make_id()
        cart = self.make_cart((self.make_product(), 2), customer_id=customer)
        self.assertEqual(
            self.client.get(f"/carts?customer_id={customer}").json(),
            {"carts": [cart], "as_of": None, "next_cursor": None},
        )

    def test_no_cart_is_listed_twice_while_carts_are_added(self):
        customer = make_id()
        made = [self.make_cart(customer_id=customer)["id"] for _ in range(30)]
        listed, cursor = [], None
        while True:
            target = f"/carts?customer_id={customer}&limit=4" + (
                f"&cursor={cursor}" if cursor else ""
            )
            page = self.client.get(target).json()
            listed += [cart["id"] for cart in page["carts"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
            self.make_cart(customer_id=customer)
        self.assertEqual(listed, made[::-1])

    def test_carts_made_at_once_are_all_listed(self):
        customer = make_id()

        def make(_):
            with self.service.client() as client:
                return [
                    self.make_cart(client=client, customer_id=customer)["id"] for _ in range(25)
                ]

        made = {cart_id for some in run_at_once(8, make) for cart_id in some}
        listed = [
            cart["id"] for cart in self.read_pages(f"/carts?customer_id={customer}", "carts", 9)
        ]
        self.assertEqual(len(listed), len(set(listed)), "a cart is listed twice")
        self.assertEqual(set(listed), made)

    def test_carts_can_be_chosen_by_status_customer_and_sku(self):
        customer, sku, other = make_id(), self.make_product(), self.make_product()
        opened = self.make_cart((sku, 1), customer_id=customer)["id"]
        both = self.make_cart((sku, 1), (other, 1), customer_id=customer)["id"]
        bought = self.make_cart((sku, 1), customer_id=customer)["id"]
        self.client.post(f"/carts/{bought}/checkout")
        dropped = self.make_cart((other, 1), customer_id=customer)["id"]
        self.client.post(f"/carts/{dropped}/cancel")
        stranger = self.make_cart((sku, 1))["id"]

        def ids(query):
            return [cart["id"] for cart in self.client.get(f"/carts?{query}").json()["carts"]]

        mine = f"customer_id={customer}"
        self.assertEqual(ids(mine), [dropped, bought, both, opened])
        self.assertEqual(ids(f"{mine}&status=open"), [both, opened])
        self.assertEqual(ids(f"{mine}&status=checked_out"), [bought])
        self.assertEqual(ids(f"{mine}&status=cancelled"), [dropped])
        self.assertEqual(ids(f"sku={sku}"), [stranger, bought, both, opened])
        self.assertEqual(ids(f"sku={sku}&{mine}&status=open"), [both, opened])
        self.client.delete(f"/carts/{both}/items/{sku}")
        self.assertEqual(ids(f"sku={sku}&{mine}&status=open"), [opened])
        self.client.delete(f"/carts/{opened}/items")
        self.assertEqual(ids(f"sku={sku}&{mine}&status=open"), [])
        self.assertEqual(ids(f"sku={make_sku('no')}"), [])

    def test_a_cart_is_found_by_its_order(self):
        sku, mine, other = self.make_product(), make_id(), make_id()
        orders = {}
        for reference in (f"{mine} ", f"{mine}", f"{other}", f"{mine}"):
            cart_id = self.make_cart((sku, 1), customer_id=f"customer-{mine}")["id"]
            self.client.post(f"/carts/{cart_id}/checkout", {"order_reference": reference})
            orders.setdefault(reference, []).insert(0, cart_id)
        self.make_cart((sku, 1), customer_id=f"customer-{mine}")

        def ids(query):
            return [cart["id"] for cart in self.client.get(f"/carts?{query}").json()["carts"]]

        self.assertEqual(ids(f"order_reference={mine}"), orders[mine])
        self.assertEqual(ids(f"order_reference={mine}%20"), orders[f"{mine} "], "as it was given")
        self.assertEqual(ids(f"order_reference={mine}&customer_id=customer-{mine}"), orders[mine])
        self.assertEqual(ids(f"order_reference={mine}&sku={sku}&status=checked_out"), orders[mine])
        self.assertEqual(ids(f"order_reference={mine}&status=open"), [])
        self.assertEqual(ids(f"order_reference={mine}&customer_id=customer-{other}"), [])
        self.assertEqual(ids(f"order_reference={mine[:-1]}"), [])
        page = self.client.get(f"/carts?order_reference={mine}&limit=1").json()
        answer = self.client.get(f"/carts?order_reference={other}&cursor={page['next_cursor']}")
        self.assert_problem(answer, 400, "invalid-parameter")

    def test_a_filter_may_hold_any_character(self):
        customer = f"Zoë & Söhne/100%+? \"'{make_id()}"
        cart = self.make_cart(customer_id=customer)
        escaped = "".join(f"%{byte:02X}" for byte in customer.encode())
        answer = self.client.get(f"/carts?customer_id={escaped}")
        self.assertEqual([found["id"] for found in answer.json()["carts"]], [cart["id"]])

    def test_a_link_keeps_the_filters(self):
        customer = f"a&b=c {make_id()}"
        for _ in range(3):
            self.make_cart(customer_id=customer)
        escaped = "".join(f"%{byte:02X}" for byte in customer.encode())
        listed = self.read_pages(f"/carts?customer_id={escaped}&status=open", "carts", 1)
        self.assertEqual(len(listed), 3)

    def test_all_pages_have_all_products_by_sku(self):
        made = {self.make_product() for _ in range(15)} | {self.make_product(sku=make_sku("Z~._-"))}
        listed = [product["sku"] for product in self.read_pages("/products", "products", 4)]
        self.assertEqual(len(listed), len(set(listed)))
        self.assertEqual(listed, sorted(listed), "by the bytes of the sku")
        self.assertLessEqual(made, set(listed))


class Products(ServiceCase):
    def test_a_product_is_made_and_changed(self):
        sku = make_sku()
        body = {"name": "Green tea", "prices": {"USD": 549, "EUR": 499}, "active": True}
        made = self.client.put(f"/products/{sku}", body)
        self.assertEqual((made.status, made.etag), (201, '"1"'), made)
        self.assertEqual(made.headers["location"], f"/products/{sku}")
        product = made.json()
        self.assertEqual(
            {name: product[name] for name in ("sku", "version", *body)},
            {"sku": sku, "version": 1, **body},
        )
        self.assertEqual(self.client.get(f"/products/{sku}").json(), product)
        changed = self.client.put(f"/products/{sku}", {**body, "name": "Tea"})
        self.assertEqual(
            (changed.status, changed.etag, changed.json()["name"]), (200, '"2"', "Tea")
        )
        self.assertGreater(changed.json()["updated_at"], product["updated_at"])
        self.assertEqual(self.client.get(f"/products/{sku}").body, changed.body)

    def test_a_product_shows_how_many_decimals_its_prices_have(self):
        sku = make_sku()
        prices = {"KWD": 4990, "JPY": 800, "EUR": 499}
        made = self.client.put(f"/products/{sku}", {"name": '{"prices":{"USD":1}}', "prices": prices})
        self.assertEqual(made.json()["minor_units"], {"EUR": 2, "JPY": 0, "KWD": 3}, made)
        self.assertEqual(self.client.get(f"/products/{sku}").body, made.body)
        self.assertEqual(self.client.put(f"/products/{sku}", made.json()).status, 422)
        free = self.client.put(f"/products/{sku}", {"name": "Tea", "prices": {}})
        self.assertEqual(free.json()["minor_units"], {})

    def test_only_a_currency_in_use_has_a_price(self):
        for code in ("XXX", "XTS", "XAU", "XDR", "CHE", "CLF", "HRK", "BGN", "ANG", "AAA"):
            answer = self.client.put(
                f"/products/{make_sku()}", {"name": "Tea", "prices": {"EUR": 1, code: 1}}
            )
            self.assert_invalid(answer, f"/prices/{code}")
            self.assertIn(f"{code} is neither", answer.json()["errors"][0]["detail"])
        for code in ("XAF", "XCD", "XCG", "XOF", "XPF", "SLE", "VED", "ZWG"):
            answer = self.client.put(f"/products/{make_sku()}", {"name": "Tea", "prices": {code: 1}})
            self.assertEqual(answer.status, 201, answer)

    def test_the_same_content_again_records_nothing(self):
        sku = make_sku()
        body = {"name": "Tea", "prices": {"EUR": 1, "USD": 2}}
        first = self.client.put(f"/products/{sku}", body)
        again = self.client.put(
            f"/products/{sku}", {**body, "prices": {"USD": 2, "EUR": 1}, "active": True}
        )
        self.assertEqual((again.status, again.json()), (200, first.json()))

    def test_a_product_may_have_no_price(self):
        sku = make_sku()
        answer = self.client.put(f"/products/{sku}", {"name": "Tea", "prices": {}})
        self.assertEqual(answer.status, 201, answer)
        answer = self.add(self.make_cart()["id"], sku)
        self.assert_problem(answer, 422, "price-unavailable")

    def test_a_product_can_be_bound_to_a_version(self):
        sku = make_sku()
        path = f"/products/{sku}"
        body = {"name": "Tea", "prices": {}}
        for match in ("*", '"1"'):
            answer = self.client.put(path, body, headers={"If-Match": match})
            self.assert_problem(
                answer, 412, "version-mismatch", current_version=0, missed_events=[]
            )
        self.assertEqual(self.client.put(path, body).status, 201)
        for match, name in (('"1"', "B"), ("*", "C")):
            answer = self.client.put(path, {**body, "name": name}, headers={"If-Match": match})
            self.assertEqual(answer.status, 200, answer)
        answer = self.client.put(path, {**body, "name": "D"}, headers={"If-Match": '"2"'})
        problem = self.assert_problem(answer, 412, "version-mismatch", current_version=3)
        (event,) = problem["missed_events"]
        self.assertEqual(
            (event["type"], event["stream_type"], event["version"]),
            ("ProductChanged", "product", 3),
        )
        self.assertEqual(
            event["data"],
            {"sku": sku, "name": "C", "prices": {}, "active": True, "quantity": None},
        )

    def test_a_read_can_be_spared(self):
        path = f"/products/{self.make_product()}"
        answer = self.client.get(path, headers={"If-None-Match": '"1"'})
        self.assertEqual((answer.status, answer.body), (304, b""), answer)
        self.assertEqual(self.client.get(path, headers={"If-None-Match": '"2"'}).status, 200)

    def test_an_unknown_product_is_not_found(self):
        for sku in (make_sku("no"), "-a", "a" * 129, "%20", "%C3%A4", "a%2Fb", "a%2F..", "%2e%2e"):
            self.assert_problem(self.client.get(f"/products/{sku}"), 404, "product-not-found")

    def test_an_unusable_sku_cannot_be_put(self):
        for sku in ("a" * 129, "%20", "%C2%85", "%FF", ".", "%2e%2E", "a%2F..", "..%2fa", "a%5c.%5c"):
            answer = self.client.put(f"/products/{sku}", {"name": "Tea", "prices": {}})
            self.assert_problem(answer, 400, "invalid-parameter")

    def test_each_wrong_field_is_named(self):
        path = f"/products/{make_sku()}"
        many = {f"{a}{b}A": 1 for a in "ABCDEFGH" for b in "ABCDEFGHI"}
        for value, *pointers in (
            ({}, "/name", "/prices"),
            ({"name": "", "prices": {}}, "/name"),
            ({"name": "x" * 201, "prices": {}}, "/name"),
            ({"name": "a\nb", "prices": {}}, "/name"),
            ({"name": 1, "prices": []}, "/name", "/prices"),
            ({"name": "x", "prices": {"eur": 1}}, "/prices/eur"),
            ({"name": "x", "prices": {"XAU": 1, "EUR": 1}}, "/prices/XAU"),
            ({"name": "x", "prices": {"EUR": -1}}, "/prices/EUR"),
            ({"name": "x", "prices": {"EUR": 1.5}}, "/prices/EUR"),
            ({"name": "x", "prices": {"EUR": "1"}}, "/prices/EUR"),
            ({"name": "x", "prices": {"EUR": 2**53}}, "/prices/EUR"),
            ({"name": "x", "prices": many}, "/prices"),
            ({"name": "x", "prices": {}, "active": 1}, "/active"),
            ({"name": "x", "prices": {}, "active": None}, "/active"),
            ({"name": "x", "prices": {}, "sku": "x"}, "/sku"),
        ):
            with self.subTest(value=value):
                self.assert_invalid(self.client.put(path, value), *pointers)
        self.assert_problem(self.client.get(path), 404, "product-not-found")

    def test_the_largest_price_and_the_longest_name_are_kept(self):
        body = {"name": "é" * 200, "prices": {"EUR": 2**53 - 1, "USD": 0}, "active": False}
        answer = self.client.put(f"/products/{make_sku()}", body)
        self.assertEqual({name: answer.json()[name] for name in body}, body)

    def test_an_inactive_product_is_still_shown(self):
        sku = self.make_product(active=False)
        self.assertFalse(self.client.get(f"/products/{sku}").json()["active"])


if __name__ == "__main__":
    unittest.main()
