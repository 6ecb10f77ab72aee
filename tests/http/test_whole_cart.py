"""Undo and restore, prices and currencies, copies and reopening: what changes a cart as a whole."""

import json
import pathlib
import tempfile
import unittest

from support import (
    AuthCase,
    Database,
    EventStream,
    Service,
    ServiceCase,
    fixtures,
    make_id,
    make_key,
    migrate,
    needs_binary,
    run_cartd,
)

CONTENT = ("currency", "items", "total", "metadata", "customer_email", "note")


def content(cart):
    return {name: cart[name] for name in CONTENT}


class WholeCase(ServiceCase):
    """Each test's carts at the end are what the log says."""

    def setUp(self):
        self.sku, self.other = self.make_product(100), self.make_product(250)
        self.cart_id = self.make_cart((self.sku, 2), (self.other, 1))["id"]
        self.path = f"/carts/{self.cart_id}"

    def tearDown(self):
        if self.database:
            done = run_cartd("verify", url=self.database.app_url)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def post(self, word, value=None, **headers):
        names = {name.replace("_", "-"): text for name, text in headers.items()}
        return self.client.post(f"{self.path}/{word}", value, headers=names)

    def priced(self, sku, **prices):
        self.client.put(f"/products/{sku}", {"name": "Green tea", "prices": prices})

    def withdraw(self, sku):
        self.make_product(1, sku=sku, active=False)


class Undo(WholeCase):
    def test_five_times_and_redone(self):
        states = [self.get_cart(self.cart_id)]
        for request in (
            lambda: self.client.patch(f"{self.path}/items/{self.sku}", {"quantity": 7}),
            lambda: self.client.patch(self.path, {"note": "Ring.", "metadata": {"a": 1}}),
            lambda: self.client.delete(f"{self.path}/items/{self.other}"),
            lambda: self.post("items", {"sku": self.sku, "properties": {"color": "red"}}),
            lambda: self.client.patch(f"{self.path}/items/{self.sku}", {"properties": {"a": "b"}}),
        ):
            states.append(self.assert_cart(request()))
        for state in reversed(states[:-1]):
            self.assertEqual(content(self.assert_cart(self.post("undo"))), content(state))
        self.assert_problem(self.post("undo"), 409, "nothing-to-undo")
        for state in states[1:]:
            answer = self.post("restore", {"version": state["version"]})
            self.assertEqual(content(self.assert_cart(answer)), content(state))

    def test_a_new_change_is_the_next_to_be_undone(self):
        self.client.patch(self.path, {"note": "one"})
        self.client.patch(self.path, {"note": "two"})
        self.post("undo")
        self.client.patch(self.path, {"note": "three"})
        notes = [self.assert_cart(self.post("undo"))["note"] for _ in range(2)]
        self.assertEqual(notes, ["one", None], "what was undone is not undone again")
        self.assert_problem(self.post("undo"), 409, "nothing-to-undo")

    def test_one_request_is_one_change(self):
        before = self.get_cart(self.cart_id)
        commands = [
            {"type": "clear_items"},
            {"type": "add_item", "sku": self.sku, "quantity": 9},
            {"type": "change_details", "note": "x"},
        ]
        self.assert_cart(self.post("commands", {"commands": commands}))
        self.assertEqual(content(self.assert_cart(self.post("undo"))), content(before))

    def test_within_a_list_it_undoes_what_the_list_did_or_what_was_before(self):
        before = self.get_cart(self.cart_id)
        commands = [{"type": "clear_items"}, {"type": "undo"}]
        cart = self.assert_cart(self.post("commands", {"commands": commands}))
        self.assertEqual(content(cart), content(before))
        self.client.patch(self.path, {"note": "x"})
        cart = self.assert_cart(
            self.post("commands", {"commands": [{"type": "undo"}, {"type": "check_out"}]})
        )
        self.assertEqual((cart["note"], cart["status"]), (None, "checked_out"))
        self.assert_problem(self.post("undo"), 409, "cart-closed")

    def test_a_claim_is_not_undone(self):
        self.client.patch(self.path, {"note": "x"})
        self.assertEqual(self.post("claim", {"customer_id": "ada"}).status, 200)
        cart = self.assert_cart(self.post("undo"))
        self.assertEqual((cart["customer_id"], cart["note"]), ("ada", None))
        self.assert_problem(self.post("undo"), 409, "nothing-to-undo")

    def test_a_repeat_does_nothing_twice(self):
        for note in ("one", "two", "three"):
            self.client.patch(self.path, {"note": note})
        key = {"Idempotency_Key": make_key()}
        first, again = self.post("undo", **key), self.post("undo", **key)
        self.assertEqual((first.status, first.body), (again.status, again.body))
        self.assertEqual(again.headers["idempotent-replayed"], "true")
        self.assertEqual(self.get_cart(self.cart_id)["note"], "two")
        key = {"Idempotency_Key": make_key()}
        first = self.post("restore", {"version": 3}, **key)
        self.assertEqual(self.post("restore", {"version": 3}, **key).body, first.body)
        self.assertEqual(self.client.get(self.path).version, first.version)
        again = self.post("restore", {"version": 3})
        self.assertEqual((again.status, again.version), (200, first.version), "it is so already")

    def test_if_match(self):
        self.client.patch(self.path, {"note": "one"})
        for word, value in (("undo", None), ("restore", {"version": 2}), ("reprice", None)):
            answer = self.post(word, value, If_Match='"1"')
            self.assert_problem(answer, 412, "version-mismatch")
        self.assertEqual(self.post("undo", If_Match='"4"').status, 200)

    def test_what_can_not_be_had_stays_away_and_is_told(self):
        self.client.delete(f"{self.path}/items")
        self.withdraw(self.sku)
        self.priced(self.other, EUR=300)
        cart = self.assert_cart(self.post("undo"))
        note = {"code": "product-withdrawn", "item_id": self.sku, "quantity": 2, "sku": self.sku}
        self.assertEqual(cart["notes"], [note])
        (line,) = cart["items"]
        self.assertEqual((line["sku"], line["unit_price"]), (self.other, 300), "bought anew")
        self.assertEqual(self.get_cart(self.cart_id)["notes"], [note])
        cart = self.assert_cart(self.client.patch(self.path, {"note": "x"}))
        self.assertEqual(cart["notes"], [], "they are about the last change")

    def test_bodies(self):
        self.assert_invalid(self.post("undo", {"steps": 2}), "/steps")
        for value in ({}, {"version": 0}, {"version": 2**31}, {"version": "1"}, {"version": 1.5}):
            self.assert_invalid(self.post("restore", value), "/version")
        self.assert_problem(
            self.post("restore", {"version": 2**31 - 1}), 404, "no-such-version", current_version=3
        )


class Restore(WholeCase):
    def test_every_version_of_a_rich_history(self):
        self.priced(self.sku, EUR=100, USD=110)
        self.priced(self.other, EUR=250, USD=260)
        red = {"sku": self.sku, "properties": {"color": "red"}}
        item_id = self.assert_cart(self.post("items", red))["items"][-1]["id"]
        for request in (
            lambda: self.client.patch(self.path, {"metadata": {"a": {"b": 1}}, "note": "n"}),
            lambda: self.client.patch(f"{self.path}/items/{item_id}", {"quantity": 4}),
            lambda: self.post("currency", {"currency": "USD"}),
            lambda: self.client.patch(f"{self.path}/items/{item_id}", {"properties": None}),
            lambda: self.post("undo"),
            lambda: self.client.delete(f"{self.path}/items/{self.other}"),
            lambda: self.post("items", {"sku": self.other, "quantity": 3}),
            lambda: self.client.delete(f"{self.path}/items"),
            lambda: self.post("currency", {"currency": "EUR"}),
            lambda: self.post("restore", {"version": 3}),
            lambda: self.post("checkout"),
            lambda: self.post("reopen"),
        ):
            self.assertEqual(request().status, 200)
        n_versions = self.client.get(self.path).version
        told = {}
        for version in range(1, n_versions + 1):
            then = self.client.get(f"{self.path}?version={version}").json()
            answer = self.post("restore", {"version": version})
            cart = self.assert_cart(answer)
            self.assertEqual(content(cart), content(then), version)
            self.assertEqual(cart["notes"], [])
            told[cart["version"]] = answer.body
        for version, body in told.items():
            self.assertEqual(self.client.get(f"{self.path}?version={version}").body, body)

    def test_a_full_cart_comes_back(self):
        skus = [self.make_product(number + 1) for number in range(248)]
        commands = [{"type": "add_item", "sku": sku, "quantity": 3} for sku in skus]
        for at in range(0, len(commands), 100):
            self.assert_cart(self.post("commands", {"commands": commands[at : at + 100]}))
        full = self.get_cart(self.cart_id)
        self.assertEqual(len(full["items"]), 250)
        self.client.delete(f"{self.path}/items")
        for sku in skus[::2]:
            self.withdraw(sku)
        cart = self.assert_cart(self.post("undo"))
        self.assertEqual((len(cart["items"]), len(cart["notes"])), (126, 124))
        self.assertEqual(self.get_cart(self.cart_id), cart)
        for number, sku in enumerate(skus):
            self.make_product(number + 1, sku=sku)
        cart = self.assert_cart(self.post("restore", {"version": full["version"]}))
        self.assertEqual(content(cart), content(full), "also the order of the lines")


class Prices(WholeCase):
    def test_reprice(self):
        self.priced(self.sku, EUR=111)
        self.withdraw(self.other)
        cart = self.assert_cart(self.post("reprice"))
        self.assertEqual([line["unit_price"] for line in cart["items"]], [111, 250])
        self.assertEqual(self.event_types(self.cart_id)[-1], "ItemPriceChanged")
        self.assertEqual(self.post("reprice").version, cart["version"])
        self.assertEqual(self.assert_cart(self.post("undo"))["items"][0]["unit_price"], 100)

    def test_currency(self):
        self.priced(self.sku, EUR=100, USD=110)
        answer = self.post("currency", {"currency": "USD"})
        (item,) = self.assert_problem(answer, 422, "price-unavailable")["items"]
        self.assertEqual((item["code"], item["sku"]), ("price-unavailable", self.other))
        self.priced(self.other, EUR=250, USD=260)
        cart = self.assert_cart(self.post("currency", {"currency": "USD"}))
        self.assertEqual((cart["currency"], cart["total"], cart["minor_unit"]), ("USD", 480, 2))
        self.assertEqual(self.post("currency", {"currency": "USD"}).version, cart["version"])
        self.assert_invalid(self.post("currency", {"currency": "XXX"}), "/currency")
        cart = self.assert_cart(self.post("undo"))
        self.assertEqual((cart["currency"], cart["total"]), ("EUR", 450))

    def test_an_empty_cart_may_have_any_currency(self):
        self.client.delete(f"{self.path}/items")
        cart = self.assert_cart(self.post("currency", {"currency": "JPY"}))
        self.assertEqual((cart["currency"], cart["minor_unit"], cart["total"]), ("JPY", 0, 0))

    def test_checked_prices(self):
        self.priced(self.sku, EUR=111)
        self.withdraw(self.other)
        answer = self.post("checkout", {"check_prices": True})
        items = self.assert_problem(answer, 409, "prices-changed")["items"]
        self.assertEqual(
            [(item["code"], item["unit_price"], item["current_price"]) for item in items],
            [("prices-changed", 100, 111), ("product-withdrawn", 250, None)],
        )
        self.assert_cart(self.post("reprice"))
        self.client.delete(f"{self.path}/items/{self.other}")
        cart = self.assert_cart(self.post("checkout", {"check_prices": True}))
        self.assertEqual(cart["total"], 222)
        self.assertEqual(self.post("checkout", {"check_prices": True}).version, cart["version"])

    @needs_binary
    def test_a_service_may_always_check_them(self):
        service = Service(self.database.app_url, CARTD_CHECK_PRICES="on")
        self.addCleanup(service.stop)
        self.priced(self.sku, EUR=111)
        with service.client() as client:
            for value in (None, {}, {"check_prices": False}):
                answer = client.post(f"{self.path}/checkout", value)
                self.assert_problem(answer, 409, "prices-changed")
            answer = client.post(f"{self.path}/commands", {"commands": [{"type": "check_out"}]})
            self.assert_problem(answer, 409, "prices-changed")


class Copies(WholeCase):
    def copy(self, status=201, **members):
        return self.assert_cart(
            self.client.post("/carts", {"copy_of": self.cart_id, **members}), status
        )

    def test_lines_at_todays_prices_and_nothing_else(self):
        self.client.patch(self.path, {"note": "mine", "customer_email": "ada@example.com"})
        self.post("checkout", {"order_reference": "7"})
        self.priced(self.sku, EUR=111)
        cart = self.copy(customer_id="bob", metadata={"a": 1})
        self.assertEqual(
            [(line["sku"], line["quantity"], line["unit_price"]) for line in cart["items"]],
            [(self.sku, 2, 111), (self.other, 1, 250)],
        )
        self.assertEqual((cart["note"], cart["order_reference"], cart["status"]), (None, None, "open"))
        self.assertEqual((cart["customer_id"], cart["metadata"], cart["notes"]), ("bob", {"a": 1}, []))
        types = ["CartCreated", "ItemAdded", "ItemAdded", "CartCopied"]
        self.assertEqual(self.event_types(cart["id"]), types)

    def test_versions_currencies_and_more_items(self):
        self.priced(self.sku, EUR=100, USD=110)
        self.client.delete(f"{self.path}/items")
        cart = self.copy(at_version=3, currency="USD", items=[{"sku": self.sku}])
        self.assertEqual([(line["sku"], line["quantity"]) for line in cart["items"]], [(self.sku, 3)])
        empty = self.copy()
        self.assertEqual((empty["items"], empty["notes"]), ([], []))
        self.assert_invalid(self.client.post("/carts", {"at_version": 1}), "/at_version")
        for value in ("x", 7, None, self.cart_id + "0"):
            self.assert_invalid(self.client.post("/carts", {"copy_of": value}), "/copy_of")

    def test_what_can_not_be_had_is_told(self):
        self.withdraw(self.sku)
        cart = self.copy()
        (note,) = cart["notes"]
        self.assertEqual((note["code"], note["sku"]), ("product-withdrawn", self.sku))
        self.assertEqual([line["sku"] for line in cart["items"]], [self.other])
        self.assertEqual(self.get_cart(cart["id"]), cart)

    def test_a_repeat_makes_no_second_one(self):
        key = {"Idempotency-Key": make_key()}
        first, again = (
            self.client.post("/carts", {"copy_of": self.cart_id}, headers=key) for _ in range(2)
        )
        self.assertEqual(first.body, again.body)

    def test_an_id_that_is_no_cart(self):
        for cart_id in (make_id(), "00000000-0000-0000-0000-000000000000"):
            answer = self.client.post("/carts", {"copy_of": cart_id})
            self.assert_problem(answer, 422, "source-cart-not-found")


class Reopening(WholeCase):
    def test_after_a_checkout_and_after_a_cancellation(self):
        before = self.get_cart(self.cart_id)
        for word in ("checkout", "cancel"):
            self.assert_cart(self.post(word, {"order_reference": "7"} if word == "checkout" else None))
            cart = self.assert_cart(self.post("reopen", {"reason": "The payment failed."}))
            self.assertEqual(content(cart), content(before))
            self.assertEqual((cart["status"], cart["order_reference"]), ("open", None))
            self.assertEqual(self.post("reopen").version, cart["version"], "it is open")
        if self.database:
            self.assertEqual(self.client.get("/carts?order_reference=7").json()["carts"], [])
        cart = self.assert_cart(self.post("checkout", {"order_reference": "8"}))
        self.assertEqual((cart["status"], cart["order_reference"]), ("checked_out", "8"))
        self.assert_invalid(self.post("reopen", {"reason": ""}), "/reason")

    def test_an_undo_after_it_takes_back_what_was_before_the_checkout(self):
        self.client.patch(self.path, {"note": "x"})
        self.post("checkout")
        self.post("reopen")
        cart = self.assert_cart(self.post("undo"))
        self.assertEqual((cart["note"], cart["status"]), (None, "open"))

    def test_within_a_list(self):
        commands = [{"type": "cancel"}, {"type": "reopen"}, {"type": "check_out"}]
        cart = self.assert_cart(self.post("commands", {"commands": commands}))
        self.assertEqual(cart["status"], "checked_out")


@needs_binary
class WhoMay(AuthCase):
    settings = {"CARTD_REOPEN_HOURS": "1"}

    def setUp(self):
        self.sku = self.make_product(100)
        self.ada, self.bob = self.customer("ada"), self.customer("bob")
        self.office = self.bearing(self.key.token("office", "carts:all"))
        self.cart_id = self.make_cart((self.sku, 2), client=self.ada)["id"]

    def test_nobody_copies_or_restores_what_is_not_theirs(self):
        guest_cart, guest = self.make_guest_cart((self.sku, 1))
        for client, cart_id in (
            (self.bob, self.cart_id),
            (guest, self.cart_id),
            (self.client, self.cart_id),
            (self.ada, guest_cart["id"]),
        ):
            answer = client.post("/carts", {"copy_of": cart_id})
            self.assert_problem(answer, 422, "source-cart-not-found")
            answer = client.post("/carts", {"copy_of": cart_id, "at_version": 1})
            self.assert_problem(answer, 422, "source-cart-not-found")
        for word, value in (
            ("undo", None),
            ("restore", {"version": 1}),
            ("reopen", None),
            ("reprice", None),
            ("currency", {"currency": "USD"}),
        ):
            answer = self.bob.post(f"/carts/{self.cart_id}/{word}", value)
            self.assert_problem(answer, 404, "cart-not-found")
        answer = self.bob.patch(f"/carts/{self.cart_id}", {"note": "mine now"})
        self.assert_problem(answer, 404, "cart-not-found")

    def test_who_may_see_a_cart_may_copy_it(self):
        for client, customer in ((self.ada, "ada"), (self.office, None)):
            answer = client.post("/carts", {"copy_of": self.cart_id})
            self.assertEqual(self.assert_cart(answer, 201)["customer_id"], customer)
        guest_cart, guest = self.make_guest_cart((self.sku, 1))
        answer = guest.post("/carts", {"copy_of": guest_cart["id"]})
        self.assertEqual(len(self.assert_cart(answer, 201)["items"]), 1)

    def test_a_guest_undoes_and_reopens(self):
        cart, guest = self.make_guest_cart((self.sku, 1))
        path = f"/carts/{cart['id']}"
        guest.delete(f"{path}/items")
        self.assertEqual(len(self.assert_cart(guest.post(f"{path}/undo"))["items"]), 1)
        self.assertEqual(guest.post(f"{path}/checkout").status, 200)
        self.assertEqual(guest.post(f"{path}/reopen").status, 200)

    def test_the_owner_has_some_time_and_the_back_office_any(self):
        path = f"/carts/{self.cart_id}"
        late = Service(self.database.app_url, **{**self.settings, "CARTD_REOPEN_HOURS": "0"})
        self.addCleanup(late.stop)
        for client in (self.ada, self.bearing_at(late, "office", "carts:all")):
            self.assertEqual(self.ada.post(f"{path}/cancel").status, 200)
            answer = self.bearing_at(late, "ada", "carts").post(f"{path}/reopen")
            self.assert_problem(answer, 409, "reopen-too-late")
            self.assertEqual(self.assert_cart(client.post(f"{path}/reopen"))["status"], "open")

    def bearing_at(self, service, sub, scope):
        token = self.key.token(sub, scope)
        client = service.client(headers={"Authorization": f"Bearer {token}"})
        self.addCleanup(client.close)
        return client


@needs_binary
class TheLog(WholeCase):
    def test_readers_see_the_new_events(self):
        self.client.delete(f"{self.path}/items/{self.other}")
        stream = EventStream(self.service.address, f"{self.path}/events?after=4")
        self.addCleanup(stream.close)
        self.post("undo")
        for kind in ("ItemRestored", "CartRestored"):
            self.assertEqual(stream.read()[1], kind)
        page = self.client.get("/events?type=CartRestored,ItemRestored&limit=100").json()["events"]
        mine = [event for event in page if event["stream_id"] == self.cart_id]
        self.assertEqual([event["version"] for event in mine], [5, 6])
        self.assertEqual(mine[1]["data"], {"version": 3, "undone_to": 3, "notes": []})

    def test_a_copy_of_the_log_says_the_same(self):
        self.client.patch(self.path, {"note": "x"})
        self.post("undo")
        self.post("checkout")
        self.post("reopen", {"reason": "y"})
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "log"
            self.assert_done(run_cartd("events", "export", str(path), url=self.database.app_url))
            copy = Database().migrated_by(migrate)
            self.addCleanup(copy.drop)
            self.assert_done(run_cartd("events", "import", str(path), url=copy.app_url))
        self.assert_done(run_cartd("verify", url=copy.app_url))
        service = Service(copy.app_url)
        self.addCleanup(service.stop)
        with service.client() as client:
            self.assertEqual(client.get(self.path).body, self.client.get(self.path).body)

    def assert_done(self, done):
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


@needs_binary
class AsRecorded(unittest.TestCase):
    """The events as they are today: tests/fixtures/whole must be read for ever."""

    def setUp(self):
        self.database = Database().migrated_by(migrate)
        self.addCleanup(self.database.drop)
        fixtures.load(self.database, "whole")

    def test_it_is_served_verified_and_goes_on(self):
        service = Service(self.database.app_url)
        self.addCleanup(service.stop)
        with service.client() as client:
            for row in fixtures.read("whole", "carts"):
                path = f"/carts/{row['cart_id']}"
                cart, stored = client.get(path).json(), json.loads(row["document"])
                self.assert_says(cart, stored)
                events = client.get(f"{path}/events?limit=100").json()["events"]
                recorded = [
                    event["data"]
                    for event in fixtures.read("whole", "events")
                    if event["stream_id"] == row["cart_id"]
                ]
                for event, data in zip(events, recorded, strict=True):
                    data.pop("guest_token_hash", None)
                    data.pop("token_hash", None)
                    self.assertEqual(event["data"], data)
            path = "/carts/01936f6e-0000-7000-8000-000000000001"
            then = client.get(f"{path}?version=9").json()
            restored = client.post(f"{path}/restore", {"version": 9}).json()
            self.assertEqual(
                [line["id"] for line in restored["items"]],
                [line["id"] for line in then["items"] if line["sku"] != "pen"],
            )
            self.assertEqual([note["sku"] for note in restored["notes"]], ["pen"])
        done = run_cartd("verify", url=self.database.app_url)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_a_rebuild_makes_the_same_tables(self):
        rows = "SELECT cart_id, version, status, document FROM carts ORDER BY cart_id;"
        before = self.database.sql(rows)
        self.database.sql("DELETE FROM carts; DELETE FROM cart_items;")
        done = run_cartd("rebuild", "carts", url=self.database.app_url)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        after = self.database.sql(rows)
        self.assertEqual([row[:3] for row in after], [row[:3] for row in before])
        for new, old in zip(after, before, strict=True):
            self.assert_says(json.loads(new[3]), json.loads(old[3]))

    def assert_says(self, now, stored):
        """All that the stored document says; there may be new members."""
        if isinstance(stored, dict):
            for name, value in stored.items():
                self.assert_says(now[name], value)
        elif isinstance(stored, list):
            for one, other in zip(now, stored, strict=True):
                self.assert_says(one, other)
        else:
            self.assertEqual(now, stored)


if __name__ == "__main__":
    unittest.main()
