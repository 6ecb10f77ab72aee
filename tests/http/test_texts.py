"""Skus of any text, from the catalogue to the reports; and texts in two spellings, which are one."""

import csv
import io
import json
import pathlib
import tempfile
import unittest
import urllib.parse

from support import (
    HaProxy,
    ServiceCase,
    needs_binary,
    needs_haproxy,
    product_stream_id,
    run_cartd,
    wait_until,
)
from support.cart_content import make_item_id

# In the order of their bytes. Each is a text that some path, format or language takes for more.
SKUS = (
    '"quoted", and',
    "%2F",
    "'; DROP TABLE products; --",
    "+49",
    "-1",
    "...",
    "/",
    "//a",
    "/etc/passwd",
    "=1+1",
    "?sku=a#b",
    "@SUM(A1)",
    "Grüner Tee/250g",
    "\\u0041\\",
    "a b",
    "a" * 128,
    "a+b",
    "a/b",
    "a/.../b",
    "{sku}",
    "🍵" * 128,
)
TWO_SPELLINGS = ("Zoë", "Zoe\u0308")  # the second is not in normal form


def path_of(sku):
    return "/products/" + urllib.parse.quote(sku, safe="")


class Skus(ServiceCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cart_id = cls.client.post("/carts").json()["id"]
        for price, sku in enumerate(SKUS, 1):
            cls.client.put(path_of(sku), {"name": sku, "prices": {"EUR": price}})
            cls.client.post(f"/carts/{cls.cart_id}/items", {"sku": sku, "quantity": price})

    def test_a_product_is_where_it_was_put(self):
        for price, sku in enumerate(SKUS, 1):
            answer = self.client.get(path_of(sku))
            self.assertEqual(answer.status, 200, answer)
            product = answer.json()
            self.assertEqual((product["sku"], product["prices"]["EUR"]), (sku, price))

    def test_a_new_product_says_its_path(self):
        answer = self.client.put(path_of("new/ä b"), {"name": "x", "prices": {}})
        self.assertEqual((answer.status, answer.headers["location"]), (201, path_of("new/ä b")))

    def test_the_stream_of_a_product_is_of_its_sku(self):
        for sku in SKUS:
            events = self.database.sql(
                f"SELECT DISTINCT data->>'sku' FROM events WHERE stream_id = '{product_stream_id(sku)}';"
            )
            self.assertEqual(events, [[sku]])

    def test_a_cart_has_a_line_of_each_with_a_plain_id(self):
        cart = self.get_cart(self.cart_id)
        self.assertEqual([line["sku"] for line in cart["items"]], list(SKUS))
        for line in cart["items"]:
            self.assertRegex(line["id"], r"^[A-Za-z0-9][A-Za-z0-9._~-]{0,63}$")
        self.assertEqual(len({line["id"] for line in cart["items"]}), len(SKUS))

    def test_a_line_is_changed_and_removed_by_its_id(self):
        cart = self.make_cart(("a/b", 1), ("🍵" * 128, 2))
        first, second = (line["id"] for line in cart["items"])
        path = f"/carts/{cart['id']}/items"
        self.assertEqual(self.client.patch(f"{path}/{first}", {"quantity": 5}).status, 200)
        self.assertEqual(self.client.delete(f"{path}/{second}").status, 200)
        self.assertEqual(
            [(line["sku"], line["quantity"]) for line in self.get_cart(cart["id"])["items"]],
            [("a/b", 5)],
        )
        self.assert_problem(
            self.client.patch(f"{path}/a%2Fb", {"quantity": 5}), 400, "malformed-request"
        )

    def test_the_same_sku_again_is_the_same_line(self):
        cart = self.make_cart(("a/b", 1))
        for sku in ("a/b", " a/b\n"):
            answer = self.add(cart["id"], sku)
        self.assertEqual([line["quantity"] for line in answer.json()["items"]], [3])

    def test_lists_have_them_page_by_page(self):
        skus, target = [], "/products?limit=2"
        while target:
            answer = self.client.get(target)
            self.assertEqual(answer.status, 200, answer)
            skus += [product["sku"] for product in answer.json()["products"]]
            cursor = answer.json()["next_cursor"]
            target = cursor and f"/products?limit=2&cursor={cursor}"
        self.assertEqual([sku for sku in skus if sku in SKUS], sorted(SKUS, key=str.encode))

    def test_carts_are_found_by_them(self):
        for sku in SKUS:
            answer = self.client.get("/carts?" + urllib.parse.urlencode({"sku": f" {sku} "}))
            self.assertEqual(answer.status, 200, answer)
            self.assertIn(self.cart_id, [cart["id"] for cart in answer.json()["carts"]], sku)

    def test_events_tell_them(self):
        answer = self.client.get(f"/carts/{self.cart_id}/events?limit=100")
        told = [event["data"]["sku"] for event in answer.json()["events"][1:]]
        self.assertEqual(told, list(SKUS))

    def demand(self):
        """As JSON, page by page."""
        rows, cursor = {}, ""
        while cursor is not None:
            answer = self.client.get(f"/reports/demand?limit=4{cursor}")
            self.assertEqual(answer.status, 200, answer)
            rows |= {row["sku"]: row["units"] for row in answer.json()["skus"]}
            cursor = answer.json()["next_cursor"]
            cursor = cursor and f"&cursor={cursor}"
        return rows

    def test_reports_have_them(self):
        wait_until(lambda: set(SKUS) <= set(self.demand()), "the report knows the cart")
        units = self.demand()
        answer = self.client.get("/reports/demand?limit=5000", headers={"Accept": "text/csv"})
        header, *lines = csv.reader(io.StringIO(answer.body.decode(), newline=""))
        self.assertEqual(header, ["as_of", "sku", "units", "carts"])
        for _, sku, number, _ in lines:
            self.assertNotIn(sku[0], "=+-@", "a spreadsheet takes it for a formula")
            self.assertEqual(int(number), units[sku.removeprefix("\t")])
        self.assertEqual({line[1].removeprefix("\t") for line in lines}, set(units))

    def test_a_path_that_was_decoded_or_cleaned_on_its_way_meets_no_other_product(self):
        self.make_product(sku="b")
        self.make_product(sku="etc")
        for sku in ("a/b", "/", "//a", "/etc/passwd", "a/.../b"):
            for method in ("GET", "PUT"):
                answer = self.client.request(method, f"/products/{sku}", body=b"{}")
                self.assertEqual((answer.status, answer.slug), (404, "not-found"), answer)

    def test_what_looks_like_another_path_is_no_sku(self):
        content = {"name": "x", "prices": {}}
        for sku in (".", "..", "a/..", "../b", "a/./b", "..\\b", "a\\.", "/..", "a/../../b"):
            for encoded in (path_of(sku), path_of(sku).replace(".", "%2e")):
                if "/products/." in encoded and "%2F" not in encoded and "%5C" not in encoded:
                    continue  # clients resolve it themselves
                self.assert_problem(self.client.get(encoded), 404, "product-not-found")
                answer = self.client.put(encoded, content)
                self.assert_problem(answer, 400, "invalid-parameter")
            self.assert_invalid(self.client.post(f"/carts/{self.cart_id}/items", {"sku": sku}), "/sku")
        for target in ("/products%2Fa", "/%70roducts/a%2Fb", "/products/a/b%2Fc", "/carts/a%2Fb"):
            self.assert_problem(self.client.get(target), 400, "malformed-request")

    @needs_binary
    def test_the_command_line_knows_them(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "products.csv"
            with path.open("w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file)
                writer.writerow(("sku", "name", "currency", "price"))
                for sku in SKUS:
                    writer.writerow((f"\t{sku}", f" {sku}", "USD", "7"))
            done = run_cartd("catalog", "import", str(path), url=self.database.app_url)
            self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        for sku in SKUS:
            product = self.client.get(path_of(sku)).json()
            self.assertEqual((product["name"], product["prices"]["USD"]), (sku, 7))
        for command in (("verify",), ("rebuild", "all"), ("verify",)):
            done = run_cartd(*command, url=self.database.app_url)
            self.assertEqual(done.returncode, 0, done)
        done = run_cartd("events", url=self.database.app_url)
        told = [json.loads(line)["data"].get("sku") for line in done.stdout.splitlines()]
        self.assertLessEqual(set(SKUS), set(told))


class Spellings(ServiceCase):
    """A service that keeps no carts, so that each command replays its cart."""

    settings = {"CARTD_CACHE_CARTS": 0}

    def test_a_product_is_one_in_both(self):
        for status, spelling in zip((201, 200), TWO_SPELLINGS):
            answer = self.client.put(path_of(spelling), {"name": f" {spelling}\n", "prices": {}})
            self.assertEqual(answer.status, status, answer)
            self.assertEqual(answer.json()["sku"], TWO_SPELLINGS[0])
            self.assertEqual(answer.json()["name"], TWO_SPELLINGS[0])
            self.assertEqual(answer.json()["version"], 1)
            self.assertEqual(self.client.get(path_of(spelling)).status, 200)

    def test_a_customer_is_one_in_both(self):
        cart = self.make_cart(customer_id=f" {TWO_SPELLINGS[1]}")
        self.assertEqual(cart["customer_id"], TWO_SPELLINGS[0])
        for spelling in TWO_SPELLINGS:
            answer = self.client.get("/carts?" + urllib.parse.urlencode({"customer_id": spelling}))
            found = [found["id"] for found in answer.json()["carts"]]
            self.assertEqual(found[0], cart["id"])  # the newest comes first
            if self.database:
                self.assertEqual(found, [cart["id"]])

    def test_properties_are_one_line_in_both(self):
        sku, cart_id = self.make_product(), self.make_cart()["id"]
        for spelling in TWO_SPELLINGS:
            item = {"sku": sku, "properties": {"for": f"\u00a0{spelling}\n\tand Ada\r\n"}}
            answer = self.client.post(f"/carts/{cart_id}/items", item)
        (line,) = self.assert_cart(answer)["items"]
        self.assertEqual(line["quantity"], 2)
        self.assertEqual(line["properties"], {"for": f"{TWO_SPELLINGS[0]}\n\tand Ada"})
        self.assertEqual(self.get_cart(cart_id), answer.json())

    def test_metadata_stays_as_it_is(self):
        metadata = {TWO_SPELLINGS[1]: f" {TWO_SPELLINGS[1]}\n\t"}
        cart = self.make_cart(metadata=metadata)
        self.assertEqual(self.get_cart(cart["id"])["metadata"], metadata)

    @needs_binary
    def test_a_line_of_before_stays_as_it_is(self):
        sku = self.make_product(100)
        cart = self.make_cart((sku, 1))
        old = {"for": f" {TWO_SPELLINGS[1]}"}
        item_id = make_item_id(sku, old)
        self.database.sql(
            "ALTER TABLE events DISABLE TRIGGER USER;"
            "UPDATE events SET data = data || jsonb_build_object("
            f"'item_id', '{item_id}', 'properties', '{json.dumps(old)}'::jsonb)"
            f" WHERE stream_id = '{cart['id']}' AND type = 'ItemAdded';"
            "ALTER TABLE events ENABLE TRIGGER USER;"
        )
        done = run_cartd("rebuild", "carts", url=self.database.app_url)
        self.assertEqual(done.returncode, 0, done)
        (line,) = self.get_cart(cart["id"])["items"]
        self.assertEqual((line["id"], line["properties"]), (item_id, old))
        item = {"sku": sku, "properties": old}
        answer = self.client.post(f"/carts/{cart['id']}/items", item)
        self.assertEqual([line["quantity"] for line in self.assert_cart(answer)["items"]], [1, 1])
        path = f"/carts/{cart['id']}/items/{item_id}"
        self.assert_cart(self.client.patch(path, {"quantity": 3}))
        self.assert_cart(self.client.delete(path))


@needs_haproxy
class BehindHaProxy(ServiceCase):
    def test_a_sku_comes_through_as_it_is(self):
        proxy = HaProxy(self.service.address)
        self.addCleanup(proxy.stop)
        with proxy.client() as client:
            for sku in SKUS:
                answer = client.put(path_of(sku), {"name": "x", "prices": {}})
                self.assertEqual((answer.status, answer.json()["sku"]), (201, sku), answer)
                self.assertEqual(client.get(path_of(sku)).status, 200)
            for target in (
                "/products/..%2Fcarts",
                "/products/a%2F%2e%2e%2Fb",
                "/products/a%5c..",
                "/products/a%2f.",
                "/carts/a%2Fb",
                "/products/a/b%2Fc",
                "/x/products/a%2Fb",
            ):
                answer = client.get(target)
                self.assertEqual((answer.status, answer.slug), (400, "malformed-request"), target)


if __name__ == "__main__":
    unittest.main()
