"""A cart beside the catalogue: GET /carts/{cart_id}?prices=current."""

from support import AuthCase, ServiceCase, make_id, needs_binary


class Current(ServiceCase):
    def setUp(self):
        self.tea = self.make_product(499)
        self.cup = self.make_product(1290)
        self.cart = self.make_cart((self.tea, 2), (self.cup, 1))
        self.path = f"/carts/{self.cart['id']}"

    def read(self, **options):
        answer = self.client.get(f"{self.path}?prices=current", **options)
        self.assertEqual(answer.status, 200, answer)
        return answer

    def put(self, sku, prices, active=True):
        value = {"name": "Tea", "prices": prices, "active": active}
        self.assertEqual(self.client.put(f"/products/{sku}", value).status, 200)

    def told(self, cart):
        lines = [(line["current_price"], line["available"]) for line in cart["items"]]
        return lines, cart["current_total"]

    def test_it_shows_the_catalogue_and_changes_nothing(self):
        cart = self.read().json()
        self.assertEqual(self.told(cart), ([(499, True), (1290, True)], 2288))
        self.put(self.tea, {"EUR": 529, "USD": 1})
        self.client.put(f"{self.path}/totals/tax", {"amount": 100})
        cart = self.read().json()
        self.assertEqual(self.told(cart), ([(529, True), (1290, True)], 2448))
        self.assertEqual((cart["items"][0]["unit_price"], cart["total"]), (499, 2388))
        plain = self.get_cart(self.cart["id"])
        for line in cart["items"]:
            del line["current_price"], line["available"]
        del cart["current_total"]
        self.assertEqual(cart, plain)
        self.assertEqual(list(cart), list(plain))

    def test_what_can_not_be_had_leaves_no_total(self):
        self.put(self.tea, {"EUR": 479}, active=False)
        self.assertEqual(self.told(self.read().json()), ([(479, False), (1290, True)], None))
        self.put(self.tea, {"USD": 479})
        self.assertEqual(self.told(self.read().json()), ([(None, False), (1290, True)], None))
        self.put(self.tea, {"EUR": 2**53 - 1})
        self.assertEqual(self.told(self.read().json())[1], None)

    def test_an_empty_and_a_large_cart(self):
        self.path = f"/carts/{self.make_cart()['id']}"
        self.assertEqual(self.told(self.read().json()), ([], 0))
        skus = [self.make_product(n) for n in range(40)]
        cart = self.make_cart(*((sku, 2) for sku in skus))
        self.path = f"/carts/{cart['id']}"
        self.put(skus[39], {"EUR": 1039})
        told, total = self.told(self.read().json())
        self.assertEqual(told[:39], [(n, True) for n in range(39)])
        self.assertEqual((told[39], total), ((1039, True), cart["total"] + 2000))

    def test_lines_of_one_sku_and_awkward_texts(self):
        item = {"sku": self.cup, "properties": {"a": 'x"},"unit_price":1'}}
        metadata = {"n": 1.50, "deep": [{"items": 1}]}
        cart = self.make_cart(items=[{"sku": self.cup}, item], metadata=metadata)
        self.path = f"/carts/{cart['id']}"
        self.put(self.cup, {"EUR": 1000})
        read = self.read().json()
        self.assertEqual(self.told(read), ([(1000, True), (1000, True)], 2000))
        self.assertEqual(read["metadata"], metadata)
        self.assertEqual(read["items"][1]["properties"], item["properties"])

    def test_no_etag_claims_that_it_is_unchanged(self):
        for headers in ({}, {"If-None-Match": '"3"'}, {"If-None-Match": "*"}):
            answer = self.read(headers=headers)
            self.assertNotIn("etag", answer.headers)
            self.assertEqual(answer.headers["cache-control"], "no-store")
        head = self.client.head(f"{self.path}?prices=current")
        self.assertEqual((head.status, head.body), (200, b""))

    def test_it_does_not_go_with_the_past(self):
        for more in ("version=1", "at=2026-11-23T04:38:00Z"):
            answer = self.client.get(f"{self.path}?prices=current&{more}")
            problem = self.assert_problem(answer, 400, "invalid-parameter")
            self.assertIn("can't be combined", problem["detail"])
        for value in ("", "old", "current,current"):
            answer = self.client.get(f"{self.path}?prices={value}")
            self.assert_problem(answer, 400, "invalid-parameter")
        self.assert_problem(
            self.client.get(f"/carts/{make_id()}?prices=current"), 404, "cart-not-found"
        )
        self.assert_problem(self.client.get("/carts/x?prices=current"), 404, "cart-not-found")

    def test_a_closed_cart_is_shown_too(self):
        self.client.post(f"{self.path}/checkout")
        self.put(self.tea, {"EUR": 1})
        cart = self.read().json()
        self.assertEqual((cart["total"], cart["current_total"]), (2288, 1292))


@needs_binary
class Rights(AuthCase):
    def test_who_may_not_see_the_cart_does_not(self):
        ada, bob = (self.bearing(self.key.token(name, "carts")) for name in ("ada", "bob"))
        path = f"/carts/{ada.post('/carts', {}).json()['id']}?prices=current"
        self.assertEqual(ada.get(path).status, 200)
        self.assert_problem(bob.get(path), 404, "cart-not-found")
        self.assert_problem(self.bearing().get(path), 401, "unauthorized")
