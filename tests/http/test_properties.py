"""Lines of one sku with different properties, and carts from before there were any."""

import json
import re
import unittest

from support import (
    Database,
    Service,
    ServiceCase,
    fixtures,
    make_key,
    make_sku,
    migrate,
    needs_database,
    run_cartd,
)
from support.cart_content import make_item_id

ADA = {"engraving": "For Ada", "font": "Sans"}
BOB = {"engraving": 'For "Bob" 💍'}


class Lines(ServiceCase):
    """A service that caches no carts, so that each command replays its cart."""

    settings = {"CARTD_CACHE_CARTS": 0}

    def setUp(self):
        self.sku = self.make_product(100, name="Mug")
        self.cart = self.make_cart()
        self.path = f"/carts/{self.cart['id']}"

    def add_with(self, properties, quantity=1, sku=None, **headers):
        body = {"sku": sku or self.sku, "quantity": quantity, "properties": properties}
        return self.client.post(f"{self.path}/items", body, headers=headers)

    def lines(self):
        cart = self.get_cart(self.cart["id"])
        self.assert_sums(cart)
        return [(line["id"], line["quantity"], line["properties"]) for line in cart["items"]]

    def test_one_sku_with_different_properties_is_different_lines(self):
        self.assert_cart(self.add_with(ADA))
        self.assert_cart(self.add(self.cart["id"], self.sku, 2))
        self.assert_cart(self.add_with(BOB, 3))
        self.assert_cart(self.add_with(dict(reversed(ADA.items())), 4))
        answer = self.add_with({}, 5)
        expected = [
            (make_item_id(self.sku, ADA), 5, ADA),
            (self.sku, 7, {}),
            (make_item_id(self.sku, BOB), 3, BOB),
        ]
        self.assertEqual(self.lines(), expected)
        self.assertEqual(self.get_cart(self.cart["id"]), self.assert_cart(answer))

    def test_each_line_is_changed_and_removed_by_its_own_id(self):
        self.add_with(ADA)
        self.add(self.cart["id"], self.sku)
        ada = make_item_id(self.sku, ADA)
        self.assert_cart(self.client.patch(f"{self.path}/items/{ada}", {"quantity": 7}))
        self.assertEqual(self.lines(), [(ada, 7, ADA), (self.sku, 1, {})])
        self.assert_cart(self.client.delete(f"{self.path}/items/{self.sku}"))
        self.assertEqual(self.lines(), [(ada, 7, ADA)])
        self.assert_problem(
            self.client.delete(f"{self.path}/items/{self.sku}"), 404, "item-not-in-cart"
        )
        self.assert_cart(self.client.delete(f"{self.path}/items/{ada}"))
        self.assertEqual(self.lines(), [])

    def test_properties_come_with_a_new_cart_and_with_commands(self):
        item = {"sku": self.sku, "properties": ADA}
        cart = self.assert_cart(self.client.post("/carts", {"items": [item, item]}), 201)
        self.assertEqual([(i["quantity"], i["properties"]) for i in cart["items"]], [(2, ADA)])
        commands = [
            {"type": "add_item", "sku": self.sku, "properties": BOB},
            {"type": "remove_item", "item_id": cart["items"][0]["id"]},
            {"type": "add_item", "sku": self.sku, "properties": {}},
        ]
        answer = self.client.post(f"/carts/{cart['id']}/commands", {"commands": commands})
        self.assertEqual([i["properties"] for i in self.assert_cart(answer)["items"]], [BOB, {}])

    def test_a_list_of_carts_finds_the_sku(self):
        self.add_with(ADA)
        listed = self.client.get(f"/carts?sku={self.sku}").json()["carts"]
        self.assertEqual([cart["items"][0]["properties"] for cart in listed], [ADA])
        self.client.delete(f"{self.path}/items/{make_item_id(self.sku, ADA)}")
        self.assertEqual(self.client.get(f"/carts?sku={self.sku}").json()["carts"], [])

    def test_a_retry_is_answered_with_the_same_bytes(self):
        headers = {"Idempotency-Key": make_key()}
        first = self.add_with(ADA, **headers)
        self.add_with(BOB)
        again = self.add_with(ADA, **headers)
        self.assertEqual(again.headers.get("idempotent-replayed"), "true", again)
        self.assertEqual((again.status, again.etag, again.body), (200, first.etag, first.body))
        other = self.add_with(BOB, **headers)
        self.assert_problem(other, 422, "idempotency-key-reused")

    def test_what_was_missed_tells_the_properties(self):
        self.add_with(ADA)
        problem = self.assert_problem(
            self.add_with(BOB, **{"If-Match": '"1"'}), 412, "version-mismatch"
        )
        (event,) = problem["missed_events"]
        self.assertEqual(event["schema_version"], 4)
        self.assertEqual(event["data"]["properties"], ADA)
        self.assertEqual(event["data"]["item_id"], make_item_id(self.sku, ADA))

    def test_a_snapshot_keeps_the_properties(self):
        self.add_with(ADA)
        self.add(self.cart["id"], self.sku)
        item_id = make_item_id(self.sku, BOB)
        for quantity in range(2, 120, 2):
            commands = [
                {"type": "add_item", "sku": self.sku, "properties": BOB},
                {"type": "change_item_quantity", "item_id": item_id, "quantity": quantity},
            ]
            self.client.post(f"{self.path}/commands", {"commands": commands})
        cart = self.get_cart(self.cart["id"])
        if self.database:
            shapes = self.database.sql(
                f"SELECT shape FROM snapshots WHERE stream_id = '{cart['id']}';"
            )
            self.assertEqual(shapes, [["10"]])
        # Nothing changes, so the answer is the cart as it was loaded.
        same = {"quantity": cart["items"][2]["quantity"]}
        answer = self.client.patch(f"{self.path}/items/{item_id}", same)
        self.assertEqual(self.assert_cart(answer), cart)

    def test_the_table_of_lines_has_a_row_each(self):
        if not self.database:
            self.skipTest("needs the database")
        self.add_with(ADA, 2)
        self.add(self.cart["id"], self.sku, 3)
        rows = self.database.sql(
            "SELECT item_id, sku FROM cart_items"
            f" WHERE cart_id = '{self.cart['id']}' ORDER BY item_id DESC;"
        )
        expected = [[make_item_id(self.sku, ADA), self.sku], [self.sku, self.sku]]
        self.assertEqual(rows, expected)

    def test_properties_beyond_the_limits_are_refused(self):
        for properties, pointer in (
            (None, "/properties"),
            ({"a": 1}, "/properties/a"),
            ({"a": "x\x0b"}, "/properties/a"),
            ({"a": "\n"}, "/properties/a"),
            ({"a": ""}, "/properties/a"),
            ({"a": "x" * 257}, "/properties/a"),
            ({"no way": "x"}, "/properties/no way"),
            ({f"p{i}": "x" for i in range(17)}, "/properties"),
            ({f"p{i}": "x" * 250 for i in range(4)}, "/properties"),
        ):
            self.assert_invalid(self.add_with(properties), pointer)
            command = {"type": "add_item", "sku": self.sku, "properties": properties}
            answer = self.client.post(f"{self.path}/commands", {"commands": [command]})
            self.assert_invalid(answer, f"/commands/0{pointer}")
        self.assertEqual(self.get_cart(self.cart["id"]), self.cart)

    def test_it_is_said_what_is_wrong_with_a_property(self):
        path = f"/carts/{self.make_cart()['id']}/items"
        for value, told in (
            (5, "A property must be a string, not 5."),
            ("", "A property must not be empty."),
            ("x" * 257, "A property has 257 characters; at most 256 are allowed."),
            ("é" * 300, "A property has 300 characters; at most 256 are allowed."),
            ("x\n\x07\n" * 40, "A property has the control character U+0007; remove it."),
            ("x\u0085", "A property has the control character U+0085; remove it."),
        ):
            with self.subTest(value=value):
                answer = self.client.post(path, {"sku": "x", "properties": {"a": value}})
                self.assert_invalid(answer, "/properties/a")
                self.assertEqual(answer.json()["detail"], told)
        for name, told in (
            ("", "must not be empty."),
            ("a" * 33, "has 33 characters; at most 32 are allowed."),
            ("a b", 'must begin with a letter or digit, not "a b".'),
        ):
            with self.subTest(name=name):
                answer = self.client.post(path, {"sku": "x", "properties": {name: "v"}})
                detail = self.assert_problem(answer, 422, "invalid-body")["detail"]
                self.assertRegex(detail, f"^The name of a property .*{re.escape(told)}$")

    def test_a_product_may_be_called_as_a_line_is(self):
        """Whichever comes first has the id; the other has one of its own, and both stay apart."""
        item_id = make_item_id(self.sku, ADA)
        self.make_product(7, sku=item_id)
        for first, second in (
            ({"sku": item_id}, {"sku": self.sku, "properties": ADA}),
            ({"sku": self.sku, "properties": ADA}, {"sku": item_id}),
        ):
            cart = self.assert_cart(self.client.post("/carts", {"items": [first, second]}), 201)
            one, other = cart["items"]
            self.assertEqual((one["id"], one["sku"]), (item_id, first["sku"]))
            self.assertEqual(other["sku"], second["sku"])
            self.assertNotEqual(other["id"], item_id)
            path = f"/carts/{cart['id']}/items"
            cart = self.assert_cart(self.client.post(path, second))
            self.assertEqual([line["quantity"] for line in cart["items"]], [1, 2])
            # The rows follow when the id goes from one line to another within one request.
            commands = [
                {"type": "remove_item", "item_id": one["id"]},
                {"type": "remove_item", "item_id": other["id"]},
                {"type": "add_item", **second},
            ]
            answer = self.client.post(f"/carts/{cart['id']}/commands", {"commands": commands})
            (line,) = self.assert_cart(answer)["items"]
            self.assertEqual((line["id"], line["sku"]), (item_id, second["sku"]))
            listed = self.client.get(f"/carts?sku={second['sku']}").json()["carts"]
            self.assertIn(cart["id"], [found["id"] for found in listed])


def as_of_now(stored):
    """A document of the fixture v1 as it would be written now."""
    came_before = {  # what stands before a member today
        "customer_id": {"minor_unit": 2},
        "items": {"customer_email": None, "note": None},
        "metadata": {"notes": []},
    }
    document = {}
    for name, value in stored.items():
        document.update(came_before.get(name, {}))
        if name == "total":
            document.update(coupons=[], subtotal=value, discount=0, totals=[])
        document[name] = value
    document["items"] = [
        {
            **{name: value for name, value in line.items() if name != "total"},
            "price_source": "catalog",
            "subtotal": line["total"],
            "discount": 0,
            "total": line["total"],
            "properties": {},
        }
        for line in stored["items"]
    ]
    return {**document, "order_reference": None}


@needs_database
class Earlier(unittest.TestCase):
    """Databases as an earlier cartd left them: rows of tests/fixtures, served by this one."""

    MUG = {"engraving": 'Für "Zoë" 💍', "font": "Sans"}

    def serve(self, fixture):
        self.database = Database().migrated_by(migrate)
        self.addCleanup(self.database.drop)
        fixtures.load(self.database, fixture)
        self.service = Service(self.database.app_url)
        self.addCleanup(self.service.stop)
        self.client = self.service.client()
        self.addCleanup(self.client.close)

    def get(self, target):
        answer = self.client.get(target)
        self.assertEqual(answer.status, 200, answer)
        return answer

    def test_documents_of_before_properties_are_served_as_they_would_be_written_now(self):
        self.serve("v1")
        listed = {cart["id"]: cart for cart in self.get("/carts").json()["carts"]}
        for row in fixtures.read("v1", "carts"):
            stored = as_of_now(json.loads(row["document"]))
            cart = self.get(f"/carts/{row['cart_id']}").json()
            self.assertEqual(listed[row["cart_id"]], cart)
            for name in ("created_at", "updated_at", "closed_at", "abandoned_at", "expires_at"):
                cart.pop(name)
            self.assertEqual(json.dumps(cart), json.dumps(stored), "also the order of members")

    def test_a_command_that_changes_nothing_answers_what_a_get_does(self):
        self.serve("v1")
        for row in fixtures.read("v1", "carts"):
            if row["status"] != "open":
                continue
            path = f"/carts/{row['cart_id']}"
            before = self.get(path)
            items = before.json()["items"]
            answer = (
                self.client.patch(f"{path}/items/{items[0]['id']}", {"quantity": items[0]["quantity"]})
                if items
                else self.client.delete(f"{path}/items")
            )
            self.assertEqual((answer.status, answer.body), (200, before.body))

    def test_a_cart_of_before_properties_goes_on(self):
        self.serve("v1")
        path = "/carts/01936f6e-0000-7000-8000-000000000003"
        before = self.get(path).json()
        answer = self.client.post(f"{path}/items", {"sku": "mug", "properties": self.MUG})
        plain = self.client.post(f"{path}/items", {"sku": "mug"}).json()
        self.assertEqual([line["id"] for line in plain["items"]][:3], ["mug", "pen", "ring.gold~585"])
        self.assertEqual(plain["items"][0]["quantity"], before["items"][0]["quantity"] + 1)
        self.assertEqual(plain["items"][3]["properties"], self.MUG)
        self.assertEqual(self.get(path).json(), plain)
        self.assertEqual(answer.json()["version"], 7)
        versions = self.database.sql(
            "SELECT schema_version FROM events WHERE type = 'ItemAdded'"
            f" AND stream_id = '{before['id']}' ORDER BY version;"
        )
        self.assertEqual(versions, [["1"], ["1"], ["1"], ["1"], ["4"], ["4"]])

    def test_a_snapshot_of_an_earlier_shape_is_not_read(self):
        self.serve("v1")
        cart_id = "01936f6e-0000-7000-8000-000000000003"
        self.database.sql(
            "INSERT INTO snapshots (stream_id, version, shape, state)"
            f" VALUES ('{cart_id}', 6, 1, '{{}}');"
        )
        answer = self.client.post(f"/carts/{cart_id}/items", {"sku": "mug"})
        self.assertEqual((answer.status, answer.version), (200, 7), answer)
        self.assertEqual(self.service.events("event_unreadable"), [])

    def test_a_stream_of_both_shapes_is_read_changed_and_told(self):
        self.serve("mixed")
        path = "/carts/01936f6e-0000-7000-8000-000000000003"
        before = self.get(path)
        cart = before.json()
        self.assertEqual(cart["version"], 12)
        self.assertEqual(
            [(line["sku"], line["quantity"], line["properties"]) for line in cart["items"]],
            [
                ("mug", 5, {}),
                ("ring.gold~585", 2, {}),
                ("mug", 4, self.MUG),
                ("mug", 1, {"engraving": "Bob"}),
            ],
        )
        same = self.client.patch(f"{path}/items/mug", {"quantity": 5})
        self.assertEqual(same.body, before.body)

        missed = self.client.post(
            f"{path}/items", {"sku": "mug"}, headers={"If-Match": '"2"'}
        ).json()["missed_events"]
        stored = [
            event
            for event in fixtures.read("mixed", "events")
            if event["stream_id"] == cart["id"] and event["version"] > 2
        ]
        self.assertEqual(
            [(event["version"], event["schema_version"], event["data"]) for event in missed],
            [(event["version"], event["schema_version"], event["data"]) for event in stored],
            "events are shown as they were recorded",
        )
        self.assertEqual({event["schema_version"] for event in missed}, {1, 2})

        after = self.client.post(f"{path}/items", {"sku": "mug", "properties": self.MUG}).json()
        self.assertEqual(after["items"][2]["quantity"], 5)
        self.assertEqual(
            self.client.post(f"{path}/checkout", {"expected_total": after["total"]}).status, 200
        )

    def test_verify_and_rebuild_know_what_was_before(self):
        for fixture in ("v1", "mixed", "weights"):
            self.serve(fixture)
            before = self.get("/carts").body
            self.assert_verified()
            self.database.sql("DELETE FROM carts; DELETE FROM cart_items;")
            done = run_cartd("rebuild", "carts", url=self.database.app_url)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            for (document,) in self.database.sql("SELECT document FROM carts;"):
                for line in json.loads(document)["items"]:
                    self.assertIn("properties", line, "it is written anew")
            self.assert_verified()
            self.assertEqual(self.get("/carts").body, before)

    def test_goods_by_weight_go_on(self):
        self.serve("weights")
        path = "/carts/01936f6e-0000-7000-8000-000000000001"
        cart = self.get(path).json()
        walnuts = cart["items"][0]
        self.assertEqual((walnuts["quantity_decimal"], walnuts["unit"]), ("1.6", "kg"))
        self.assertEqual(walnuts["total"], 2064)
        answer = self.client.post(f"{path}/items", {"sku": "walnuts", "quantity": 50})
        self.assertEqual((answer.status, answer.slug), (409, "unit-changed"), answer)
        answer = self.client.post(f"{path}/items", {"sku": "egg", "quantity": 5})
        self.assertEqual((answer.status, answer.slug), (422, "quantity-out-of-range"), answer)
        answer = self.client.post(f"{path}/items", {"sku": "egg", "quantity": 6})
        self.assertEqual(answer.status, 200, answer)
        self.assert_verified()

    def assert_verified(self):
        done = run_cartd("verify", url=self.database.app_url)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_an_event_of_a_later_shape_is_refused_and_told(self):
        self.serve("v1")
        cart_id = "01936f6e-0000-7000-8000-000000000003"
        self.database.sql(f"""
            INSERT INTO events SELECT 25, stream_type, stream_id, 7, type, 4, data, metadata,
                command_id, recorded_at FROM events WHERE stream_id = '{cart_id}' AND version = 4;
            UPDATE log_head SET position = 25;""")
        answer = self.client.post(f"/carts/{cart_id}/items", {"sku": make_sku()})
        self.assertEqual((answer.status, answer.slug), (500, "internal-error"), answer)
        told = self.service.wait_for_event("event_unreadable")
        where = (told["stream_id"], told["version"], told["schema_version"])
        self.assertEqual(where, (cart_id, 7, 4), told)


if __name__ == "__main__":
    unittest.main()
