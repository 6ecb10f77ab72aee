"""Every limit of a request, at the limit and one past it. LIMITS names each as the code does."""

import json
import re
import unittest

from support import ServiceCase, make_id, make_key, make_sku
from support.settings import REPOSITORY

# The name in the code, the file, the number.
LIMITS = (
    ("CART_LINES_MAX", "cart/cart_limits.h", 250),
    ("CART_QUANTITY_MAX", "cart/cart_limits.h", 1000000),
    ("CART_SCALE_MAX", "cart/cart_limits.h", 6),
    ("CART_AMOUNT_MAX", "cart/cart_limits.h", 2**53 - 1),
    ("CART_COMMANDS_MAX", "cart/cart_limits.h", 100),
    ("CART_SKU_MAX", "cart/cart_limits.h", 128),
    ("CART_ITEM_ID_MAX", "cart/cart_limits.h", 64),
    ("CART_CUSTOMER_ID_MAX", "cart/cart_limits.h", 128),
    ("CART_METADATA_MAX", "cart/cart_limits.h", 4096),
    ("CART_METADATA_DEPTH_MAX", "cart/cart_limits.h", 3),
    ("CART_PROPERTIES_MAX", "cart/cart_limits.h", 16),
    ("CART_PROPERTY_NAME_MAX", "cart/cart_limits.h", 32),
    ("CART_PROPERTY_VALUE_MAX", "cart/cart_limits.h", 256),
    ("CART_PROPERTIES_BYTES_MAX", "cart/cart_limits.h", 1024),
    ("CART_TOTALS_MAX", "cart/cart_limits.h", 8),
    ("CART_COUPONS_MAX", "cart/cart_coupon.h", 8),
    ("CATALOG_PRICES_MAX", "catalog/catalog.h", 64),
    ("CATALOG_NAME_MAX", "catalog/catalog.h", 200),
    ("CATALOG_QUANTITY_MAX", "catalog/catalog.h", 1000000),
    ("CATALOG_QUANTITY_DEFAULT_MAX", "catalog/catalog.h", 999),
    ("CATALOG_UNIT_MAX", "catalog/catalog.h", 16),
    ("CATALOG_SCALE_MAX", "catalog/catalog.h", 6),
    ("CATALOG_PRICE_MAX", "catalog/catalog.h", 2**53 - 1),
    ("CATALOG_TAGS_MAX", "catalog/catalog.h", 20),
    ("CATALOG_TAG_MAX", "catalog/catalog.h", 64),
    ("COUPON_CODE_MAX", "coupon/coupon.h", 64),
    ("COUPON_PERCENT_MAX", "coupon/coupon.h", 10000),
    ("COUPON_CURRENCIES_MAX", "coupon/coupon.h", 32),
    ("COUPON_SKUS_MAX", "coupon/coupon.h", 250),
    ("COUPON_TAGS_MAX", "coupon/coupon.h", 50),
    ("COUPON_TEXTS_BYTES_MAX", "coupon/coupon.h", 8192),
    ("COUPON_LIMIT_MAX", "coupon/coupon.h", 10**9),
    ("CODEC_DEPTH_MAX", "codec/codec.h", 16),
    ("HTTP_BODY_MAX", "http/http.h", 64 * 1024),
    ("HTTP_KEY_MAX", "http/http.h", 255),
    ("HTTP_PAGE_MAX", "http/http.h", 100),
    ("HTTP_PAGE_DEFAULT", "http/http.h", 20),
    ("HTTP_LISTED_MAX", "http/target.h", 32),
    ("HTTP_WAIT_SECONDS_MAX", "http/http.h", 30),
    ("HTTP_REQUEST_ID_MAX", "http/fields.h", 128),
    ("SERVICE_VERSIONS_MAX", "service/service.h", 16),
    ("PROJECTIONS_REPORT_LIMIT_MAX", "projections/projections.h", 5000),
    ("PROJECTIONS_COUNT_MAX", "projections/projections.h", 10000),
    ("PROJECTIONS_WITHIN_DAYS_MAX", "projections/projections.h", 3650),
)
# A few more than a product may have prices in.
CURRENCIES = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF
CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ
GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR
"""
MOST = {name: number for name, _, number in LIMITS}


class Names(unittest.TestCase):
    @unittest.skipUnless((REPOSITORY / "src").is_dir(), "the sources are not here")
    def test_the_code_has_each_limit_by_its_name(self):
        for name, file, number in LIMITS:
            text = (REPOSITORY / "src" / file).read_text(encoding="utf-8")
            found = re.search(rf"\b{name}(?: =)? ([^,/\n]+)", text)
            self.assertIsNotNone(found, name)
            factors = re.sub(r"INT64_C|[()\s]", "", found[1]).split("*")
            product = 1
            for factor in factors:
                product *= int(factor)
            self.assertEqual(product, number, name)


class Limits(ServiceCase):
    """most() is what a limit allows, and it is taken; over() is one more, and it is refused."""

    def setUp(self):
        self.sku = self.make_product(1)

    def new(self, **members):
        return self.client.post("/carts", members)

    def assert_limit(self, name, send, status, slug, most=None):
        """`send` is called with the limit, and with one more."""
        most = MOST[name] if most is None else most
        answer = send(most)
        self.assertLess(answer.status, 300, f"{name}, at the limit: {answer}")
        answer = send(most + 1)
        self.assertEqual((answer.status, answer.slug), (status, slug), f"{name}, past it: {answer}")

    def test_lines(self):
        skus = [self.make_product(1) for _ in range(MOST["CART_LINES_MAX"] + 1)]
        items = [{"sku": sku} for sku in skus]
        self.assert_limit("CART_LINES_MAX", lambda n: self.new(items=items[:n]), 422, "invalid-body")
        cart_id = self.new(items=items[:-2]).json()["id"]
        self.assert_cart(self.add(cart_id, skus[-2]))
        self.assert_problem(self.add(cart_id, skus[-1]), 409, "cart-full")
        self.assert_cart(self.add(cart_id, skus[0]))

    def test_quantities(self):
        cart_id = self.make_cart()["id"]
        sku = self.make_product(1, quantity={"maximum": MOST["CATALOG_QUANTITY_MAX"]})
        path = f"/carts/{cart_id}/items/{sku}"

        def add(n):
            self.client.delete(f"/carts/{cart_id}/items")
            return self.add(cart_id, sku, n)

        def grow(n):
            self.assert_cart(add(1))
            return self.add(cart_id, sku, n - 1)

        self.assert_limit("CART_QUANTITY_MAX", add, 422, "invalid-body")
        self.assert_limit("CART_QUANTITY_MAX", grow, 422, "quantity-out-of-range")
        self.assert_limit(
            "CART_QUANTITY_MAX", lambda n: self.client.patch(path, {"quantity": n}), 422, "invalid-body"
        )
        self.assert_problem(self.add(cart_id, sku, 0), 422, "invalid-body")
        usual = self.make_product(1)
        self.assert_limit(
            "CATALOG_QUANTITY_DEFAULT_MAX",
            lambda n: self.client.post("/carts", {"items": [{"sku": usual, "quantity": n}]}),
            422,
            "quantity-out-of-range",
        )

    def test_coupons(self):
        def put(code, **members):
            return self.client.put(f"/coupons/{code}", {"percent": 1, **members})

        code = make_sku("LIMITS")
        self.assert_limit(
            "COUPON_CODE_MAX", lambda n: put(("x" * n)), 400, "invalid-parameter"
        )
        for name, make in (
            ("COUPON_PERCENT_MAX", lambda n: {"percent": n}),
            ("COUPON_CURRENCIES_MAX", lambda n: {"minimum": dict.fromkeys(CURRENCIES.split()[:n], 1)}),
            ("COUPON_SKUS_MAX", lambda n: {"skus": [f"s{i}" for i in range(n)]}),
            ("COUPON_TAGS_MAX", lambda n: {"tags": [f"t{i}" for i in range(n)]}),
            # [ and ], and a sku of 126 characters, its quotes and a comma, but for the last
            (
                "COUPON_TEXTS_BYTES_MAX",
                lambda n: {"skus": [f"{i:0126}" for i in range(63)] + ["x" * (n - 2 - 63 * 129 - 2)]},
            ),
            ("COUPON_LIMIT_MAX", lambda n: {"limit": n}),
            ("COUPON_LIMIT_MAX", lambda n: {"limit_per_customer": n}),
        ):
            self.assert_limit(name, lambda n: put(code, **make(n)), 422, "invalid-body")

    def test_tags_of_products(self):
        def put(tags):
            return self.client.put(f"/products/{self.sku}", {"name": "x", "prices": {}, "tags": tags})

        self.assert_limit(
            "CATALOG_TAGS_MAX", lambda n: put([f"t{i}" for i in range(n)]), 422, "invalid-body"
        )
        self.assert_limit("CATALOG_TAG_MAX", lambda n: put(["t" * n]), 422, "invalid-body")

    def test_quantities_of_products(self):
        def put(**quantity):
            content = {"name": "Tea", "prices": {}, "quantity": quantity}
            return self.client.put(f"/products/{self.sku}", content)

        for name, limit in (
            ("maximum", "CATALOG_QUANTITY_MAX"),
            ("scale", "CATALOG_SCALE_MAX"),
        ):
            self.assert_limit(limit, lambda n, name=name: put(**{name: n}), 422, "invalid-body")
        self.assert_limit(
            "CATALOG_UNIT_MAX", lambda n: put(unit="é" * n), 422, "invalid-body"
        )

    def test_amounts(self):
        most = MOST["CART_AMOUNT_MAX"]
        huge, one = self.make_product(most), self.make_product(1)
        cart = self.make_cart((huge, 1))
        self.assertEqual(cart["total"], most)
        self.assert_problem(self.add(cart["id"], one), 422, "amount-too-large")

        def price(n):
            return self.client.put(f"/products/{one}", {"name": "x", "prices": {"EUR": n}})

        self.assert_limit("CATALOG_PRICE_MAX", price, 422, "invalid-body")

        def check_out(n):
            answer = self.client.post(f"/carts/{cart['id']}/checkout", {"expected_total": n})
            return answer

        self.assert_problem(check_out(most + 1), 422, "invalid-body")
        self.assertEqual(check_out(most).status, 200)

    def test_commands(self):
        cart_id = self.make_cart()["id"]

        def execute(n):
            commands = [{"type": "add_item", "sku": self.sku}] * n
            return self.client.post(f"/carts/{cart_id}/commands", {"commands": commands})

        self.assert_limit("CART_COMMANDS_MAX", execute, 422, "invalid-body")
        self.assert_problem(execute(0), 422, "invalid-body")

    def test_names(self):
        def put(sku):
            return self.client.put(f"/products/{sku}", {"name": "x", "prices": {}})

        run = make_key()
        self.assert_limit(
            "CART_SKU_MAX", lambda n: put(run + "s" * (n - len(run))), 400, "invalid-parameter"
        )
        cart_id = self.make_cart()["id"]

        def change(n):
            return self.client.patch(f"/carts/{cart_id}/items/{'i' * n}", {"quantity": 1})

        self.assert_problem(change(MOST["CART_ITEM_ID_MAX"]), 404, "item-not-in-cart")
        self.assertIn(change(MOST["CART_ITEM_ID_MAX"] + 1).status, (400, 404))
        self.assert_limit(
            "CART_CUSTOMER_ID_MAX", lambda n: self.new(customer_id="ü" * n), 422, "invalid-body"
        )
        self.assert_limit(
            "CART_CUSTOMER_ID_MAX",
            lambda n: self.client.get(f"/carts?customer_id={'x' * n}"),
            400,
            "invalid-parameter",
        )

        def name(n):
            return self.client.put(f"/products/{self.sku}", {"name": "ü" * n, "prices": {}})

        self.assert_limit("CATALOG_NAME_MAX", name, 422, "invalid-body")

    def test_prices(self):
        names = CURRENCIES.split()

        def put(n):
            prices = dict.fromkeys(names[:n], 1)
            return self.client.put(f"/products/{self.sku}", {"name": "x", "prices": prices})

        self.assert_limit("CATALOG_PRICES_MAX", put, 422, "invalid-body")

    def test_metadata(self):
        def sized(n):
            return self.new(metadata={"a": "x" * (n - len('{"a":""}'))})

        def nested(n):
            value = 1
            for _ in range(n):
                value = {"a": value}
            return self.new(metadata=value)

        self.assert_limit("CART_METADATA_MAX", sized, 422, "invalid-body")
        self.assert_limit("CART_METADATA_DEPTH_MAX", nested, 422, "invalid-body")

    def test_properties(self):
        def add(properties):
            return self.new(items=[{"sku": self.sku, "properties": properties}])

        self.assert_limit(
            "CART_PROPERTIES_MAX",
            lambda n: add({f"p{i}": "x" for i in range(n)}),
            422,
            "invalid-body",
        )
        self.assert_limit(
            "CART_PROPERTY_NAME_MAX", lambda n: add({"n" * n: "x"}), 422, "invalid-body"
        )
        self.assert_limit(
            "CART_PROPERTY_VALUE_MAX", lambda n: add({"a": "ü" * n}), 422, "invalid-body"
        )

        def sized(n):
            full = {name: "x" * 200 for name in "abcd"}
            rest = n - len(json.dumps({**full, "e": ""}, separators=(",", ":")))
            return add({**full, "e": "x" * rest})

        self.assert_limit("CART_PROPERTIES_BYTES_MAX", sized, 422, "invalid-body")

    def test_json(self):
        def nested(n):
            """So deep, and wrong as a cart, which is only said of what could be read."""
            body = b'{"a":' * (n - 1) + b"[]" + b"}" * (n - 1)
            return self.client.post("/carts", body=body)

        self.assert_problem(nested(MOST["CODEC_DEPTH_MAX"]), 422, "invalid-body")
        self.assert_problem(nested(MOST["CODEC_DEPTH_MAX"] + 1), 400, "malformed-json")

    def test_bodies(self):
        def post(n):
            with self.service.client() as client:
                return client.post("/carts", body=b"{}" + b" " * (n - 2))

        self.assert_limit("HTTP_BODY_MAX", post, 413, "body-too-large")

    def test_keys(self):
        def post(n, form="{}"):
            key = make_key()
            key += "k" * (n - len(key))
            return self.client.post("/carts", headers={"Idempotency-Key": form.format(key)})

        self.assert_limit("HTTP_KEY_MAX", post, 400, "invalid-parameter")
        self.assert_limit("HTTP_KEY_MAX", lambda n: post(n, '"{}"'), 400, "invalid-parameter")

    def test_pages(self):
        for target in ("/carts", "/products", "/events", f"/carts/{self.make_cart()['id']}/events"):
            self.assert_limit(
                "HTTP_PAGE_MAX",
                lambda n, target=target: self.client.get(f"{target}?limit={n}"),
                400,
                "invalid-parameter",
            )
            self.assert_problem(self.client.get(f"{target}?limit=0"), 400, "invalid-parameter")
        for _ in range(MOST["HTTP_PAGE_DEFAULT"] + 1):
            self.make_cart()
        page = self.client.get("/carts").json()["carts"]
        self.assertEqual(len(page), MOST["HTTP_PAGE_DEFAULT"])

    def test_reports(self):
        self.assert_limit(
            "PROJECTIONS_REPORT_LIMIT_MAX",
            lambda n: self.client.get(f"/reports/demand?limit={n}"),
            400,
            "invalid-parameter",
        )
        self.assert_limit(
            "PROJECTIONS_WITHIN_DAYS_MAX",
            lambda n: self.client.get(f"/reports/removed-then-bought?within_days={n}"),
            400,
            "invalid-parameter",
        )

    def test_lists_in_parameters_and_headers(self):
        self.assert_limit(
            "HTTP_LISTED_MAX",
            lambda n: self.client.get("/events?type=" + ",".join(["CartCreated"] * n)),
            400,
            "invalid-parameter",
        )
        cart_id = self.make_cart()["id"]

        def clear(n):
            versions = ", ".join(f'"{i}"' for i in range(n, 0, -1))
            return self.client.delete(f"/carts/{cart_id}/items", headers={"If-Match": versions})

        self.assert_limit("SERVICE_VERSIONS_MAX", clear, 400, "invalid-parameter")

    def test_waiting(self):
        self.make_cart()
        self.assert_limit(
            "HTTP_WAIT_SECONDS_MAX",
            lambda n: self.client.get(f"/events?wait={n}"),
            400,
            "invalid-parameter",
        )

    def test_request_ids(self):
        """A longer one is not refused but replaced: nobody's cart depends on it."""
        for n, is_kept in ((MOST["HTTP_REQUEST_ID_MAX"], True), (129, False)):
            answer = self.client.get("/livez", headers={"X-Request-Id": "r" * n})
            self.assertEqual(answer.headers["x-request-id"] == "r" * n, is_kept)

    def test_headers_and_targets(self):
        """test_limits_headers has all sizes."""
        for n, is_served in ((7_000, True), (40_000, False)):
            for message in (
                b"GET /livez HTTP/1.1\r\nHost: x\r\nX-A: " + b"a" * n + b"\r\n\r\n",
                b"GET /carts/" + b"a" * n + b" HTTP/1.1\r\nHost: x\r\n\r\n",
            ):
                with self.service.client(is_checked=False) as client:
                    client.send(message)
                    status = client.receive("GET", "/livez").status
                    self.assertIn(status, (200, 404) if is_served else (414, 431))
        self.assertEqual(self.client.get(f"/carts/{make_id()}").status, 404)


if __name__ == "__main__":
    unittest.main()
