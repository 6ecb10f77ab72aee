"""Two carts become one, and get back what they had: POST /carts/{id}/merge and its revert."""

import json
import unittest

from support import (
    AuditCase,
    AuthCase,
    Database,
    Service,
    fixtures,
    make_cart_token,
    make_id,
    make_key,
    migrate,
    needs_binary,
    run_at_once,
    run_cartd,
)


def units(cart):
    return {line["sku"]: line["quantity"] for line in cart["items"]}


class Merging(AuditCase):
    def setUp(self):
        self.tea = self.make_product(100)
        self.cup = self.make_product(200)
        self.plate = self.make_product(300)
        self.cart = self.make_cart((self.tea, 2), (self.cup, 1))
        self.other = self.make_cart((self.tea, 3), (self.plate, 4))
        self.path = f"/carts/{self.cart['id']}"
        self.other_path = f"/carts/{self.other['id']}"

    def merge(self, quantities=None, client=None, path=None, other=None, **headers):
        value = {"from": (other or self.other)["id"]}
        if quantities is not None:
            value["quantities"] = quantities
        return (client or self.client).post(f"{path or self.path}/merge", value, headers=headers)

    def revert(self, **headers):
        return self.client.post(f"{self.path}/merge/{self.other['id']}/revert", headers=headers)

    def get(self, path):
        return self.assert_cart(self.client.get(path))

    def content(self, cart):
        return {
            name: value
            for name, value in cart.items()
            if name not in ("version", "updated_at", "expires_at", "notes")
        }

    def test_two_carts_become_one_in_one_transaction(self):
        merged = self.assert_cart(self.merge())
        self.assertEqual(units(merged), {self.tea: 5, self.cup: 1, self.plate: 4})
        self.assertEqual((merged["version"], merged["notes"], merged["total"]), (6, [], 1900))
        self.assertNotIn("merged_into", merged)
        other = self.get(self.other_path)
        self.assertEqual((other["status"], other["merged_into"]), ("merged", self.cart["id"]))
        self.assertEqual(other["items"], self.other["items"])
        self.assertEqual(other["version"], self.other["version"] + 1)
        events = self.client.get(f"{self.path}/events").json()["events"][3:]
        self.assertEqual(
            [event["type"] for event in events], ["ItemQuantityChanged", "ItemAdded", "CartMerged"]
        )
        self.assertEqual(
            events[-1]["data"],
            {
                "from": self.other["id"],
                "version": self.other["version"],
                "quantities": "sum",
                "lines": [
                    {"item_id": self.tea, "before": 2, "after": 5},
                    {"item_id": self.plate, "before": 0, "after": 4},
                ],
                "notes": [],
            },
        )
        ended = self.client.get(f"{self.other_path}/events").json()["events"][-1]
        self.assertEqual(
            (ended["type"], ended["data"]),
            ("CartMergedInto", {"into": self.cart["id"], "version": 6}),
        )
        self.assertEqual(ended["metadata"]["command_id"], events[-1]["metadata"]["command_id"])
        self.assert_clean()

    def test_the_other_accepts_no_more_commands(self):
        self.assert_cart(self.merge())
        for method, target, value in (
            ("POST", "/items", {"sku": self.tea}),
            ("POST", "/reopen", None),
            ("POST", "/checkout", None),
            ("POST", "/undo", None),
            ("POST", "/merge", {"from": self.cart["id"]}),
        ):
            answer = self.client.request(method, self.other_path + target, value)
            problem = self.assert_problem(answer, 409, "cart-closed", cart_status="merged")
            self.assertIn("merged_into", problem["detail"])

    def test_the_rule_is_the_callers(self):
        for rule, quantity in (("sum", 5), ("max", 3), ("theirs", 3), ("ours", 2)):
            cart = self.make_cart((self.tea, 2))
            other = self.make_cart((self.tea, 3), (self.plate, 4))
            answer = self.merge(rule, path=f"/carts/{cart['id']}", other=other)
            merged = self.assert_cart(answer)
            self.assertEqual(units(merged), {self.tea: quantity, self.plate: 4}, rule)

    def test_what_does_not_fit_is_in_the_notes(self):
        self.client.patch(f"{self.path}/items/{self.tea}", {"quantity": 998})
        self.make_product(300, sku=self.plate, active=False)
        merged = self.assert_cart(self.merge())
        self.assertEqual(units(merged), {self.tea: 999, self.cup: 1})
        told = [(note["code"], note["sku"], note["quantity"]) for note in merged["notes"]]
        self.assertEqual(
            told,
            [("quantity-out-of-range", self.tea, 1001), ("product-withdrawn", self.plate, 4)],
        )
        self.assertEqual(self.get(self.path)["notes"], merged["notes"])
        self.assertEqual(units(self.get(self.other_path)), {self.tea: 3, self.plate: 4})

    def test_reverting_gives_both_what_they_had(self):
        self.client.patch(self.other_path, {"note": "Ring", "customer_email": "ada@example.com"})
        before, other_before = self.get(self.path), self.get(self.other_path)
        merged = self.assert_cart(self.merge())
        self.assertEqual((merged["note"], merged["customer_email"]), ("Ring", "ada@example.com"))
        reverted = self.assert_cart(self.revert())
        self.assertEqual(self.content(reverted), self.content(before))
        self.assertEqual(self.content(self.get(self.other_path)), self.content(other_before))
        self.assertEqual(self.event_types(self.cart["id"])[-1], "CartMergeReverted")
        self.assertEqual(self.event_types(self.other["id"])[-1], "CartMergeReverted")
        again = self.assert_cart(self.revert())
        self.assertEqual(again["version"], reverted["version"])
        self.assert_cart(self.merge("max"))
        self.assert_cart(self.revert())
        self.assertEqual(self.content(self.get(self.path)), self.content(before))
        self.assert_clean()

    def test_what_was_changed_since_is_given_back_as_far_as_it_is_there(self):
        self.assert_cart(self.merge())
        self.client.delete(f"{self.path}/items/{self.plate}")
        self.client.patch(f"{self.path}/items/{self.tea}", {"quantity": 4})
        reverted = self.assert_cart(self.revert())
        self.assertEqual(units(reverted), {self.tea: 1, self.cup: 1})
        self.assertEqual(
            reverted["notes"],
            [{"code": "item-not-in-cart", "item_id": self.plate, "quantity": 4, "sku": self.plate}],
        )
        other = self.get(self.other_path)
        self.assertEqual((other["status"], other["items"]), ("open", self.other["items"]))

    def test_a_merge_is_not_undone(self):
        self.assert_cart(self.merge())
        self.assert_problem(self.client.post(f"{self.path}/undo"), 409, "nothing-to-undo")
        self.add(self.cart["id"], self.cup)
        undone = self.assert_cart(self.client.post(f"{self.path}/undo"))
        self.assertEqual(units(undone), {self.tea: 5, self.cup: 1, self.plate: 4})

    def test_a_merge_that_is_repeated_is_answered_as_it_is(self):
        first = self.assert_cart(self.merge())
        self.assertEqual(self.assert_cart(self.merge("ours")), first)
        key = {"Idempotency-Key": make_key()}
        self.assert_cart(self.revert())
        first = self.merge(**key)
        self.assert_cart(self.revert())
        again = self.merge(**key)
        self.assertEqual((again.status, again.body), (200, first.body), again)
        self.assertEqual(again.headers["idempotent-replayed"], "true")
        self.assertEqual(self.get(self.other_path)["status"], "open")

    def test_what_is_repeated_is_so_whatever_became_of_the_cart(self):
        self.assert_cart(self.merge())
        self.client.post(f"{self.path}/checkout")
        bought = self.get(self.path)
        self.assertEqual(self.assert_cart(self.merge()), bought)
        self.assert_problem(self.revert(), 409, "cart-closed")
        self.client.post(f"{self.path}/reopen")
        self.assert_cart(self.revert())
        self.client.post(f"{self.path}/cancel")
        cancelled = self.get(self.path)
        self.assertEqual(self.assert_cart(self.revert()), cancelled)
        self.assert_problem(self.merge(), 409, "cart-closed")
        nowhere = self.merge(other={"id": make_id()})
        self.assert_problem(nowhere, 409, "cart-closed")

    def test_a_merge_can_be_bound_to_a_version(self):
        problem = self.merge(**{"If-Match": '"2"'})
        self.assert_problem(problem, 412, "version-mismatch", current_version=3)
        self.assertEqual(self.get(self.other_path)["status"], "open")
        self.assert_cart(self.merge(**{"If-Match": '"3"', "Prefer": "return=representation"}))
        answer = self.revert(Prefer="return=minimal")
        self.assertEqual((answer.status, answer.etag), (204, '"9"'), answer)

    def test_what_can_not_be_merged(self):
        answer = self.merge(other=self.cart)
        self.assert_invalid(answer, "/from")
        answer = self.merge(other={"id": make_id()})
        self.assert_problem(answer, 422, "source-cart-not-found")
        for value, pointers in (
            ({}, ["/from"]),
            ({"from": "no id"}, ["/from"]),
            ({"from": None}, ["/from"]),
            ({"from": self.other["id"], "quantities": "all"}, ["/quantities"]),
            ({"from": self.other["id"], "quantities": None, "x": 1}, ["/quantities", "/x"]),
        ):
            self.assert_invalid(self.client.post(f"{self.path}/merge", value), *pointers)
        for name in (make_id(), "no-id", self.cart["id"]):
            answer = self.client.post(f"{self.path}/merge/{name}/revert")
            self.assert_problem(answer, 422, "source-cart-not-found")
        self.client.post(f"{self.other_path}/cancel")
        self.assert_problem(self.merge(), 409, "source-cart-closed")
        self.assert_problem(self.revert(), 409, "cart-not-merged")
        self.assertEqual(self.get(self.path)["version"], self.cart["version"])

    def test_ids_are_in_any_case(self):
        other = {"id": self.other["id"].upper()}
        self.assert_cart(self.merge(other=other))
        self.assertEqual(self.get(self.other_path)["merged_into"], self.cart["id"])
        answer = self.client.post(f"{self.path.upper().replace('CARTS', 'carts')}/merge/{other['id']}/revert")
        self.assertEqual(units(self.assert_cart(answer)), units(self.cart))

    def test_chains(self):
        third = self.make_cart((self.cup, 9))
        self.assert_cart(self.merge())
        answer = self.merge(path=f"/carts/{third['id']}", other=self.cart)
        self.assertEqual(
            units(self.assert_cart(answer)), {self.cup: 10, self.tea: 5, self.plate: 4}
        )
        self.assert_problem(self.revert(), 409, "cart-closed")
        path = f"/carts/{third['id']}/merge/{self.cart['id']}/revert"
        self.assertEqual(units(self.assert_cart(self.client.post(path))), {self.cup: 9})
        self.assertEqual(units(self.assert_cart(self.revert())), units(self.cart))
        self.assert_clean()

    def test_merged_carts_are_found_and_told_as_they_were(self):
        self.assert_cart(self.merge())
        listed = self.client.get("/carts?status=merged&limit=100").json()["carts"]
        self.assertIn(self.other["id"], [cart["id"] for cart in listed])
        found = next(cart for cart in listed if cart["id"] == self.other["id"])
        self.assertEqual(found["merged_into"], self.cart["id"])
        former = self.get(f"{self.other_path}?version={self.other['version']}")
        self.assertEqual(former["status"], "open")
        self.assertNotIn("merged_into", former)
        self.assertEqual(self.get(f"{self.other_path}?version=4")["merged_into"], self.cart["id"])

    def test_events_are_rebuilt_to_the_same(self):
        for rule in ("sum", "max", "theirs", "ours"):
            self.assert_cart(self.merge(rule))
            self.assert_cart(self.revert())
        self.assert_cart(self.merge())
        before = [self.get(self.path), self.get(self.other_path)]
        self.rebuild("carts")
        self.assertEqual([self.get(self.path), self.get(self.other_path)], before)
        self.assert_clean()


class Races(AuditCase):
    """Whoever merges what at once: each piece is in one open cart in the end."""

    ROUNDS = 12

    def setUp(self):
        self.skus = [self.make_product(100 + i) for i in range(6)]

    def post(self, client, into, other):
        return client.post(f"/carts/{into['id']}/merge", {"from": other["id"]})

    def assert_one_is_open(self, carts):
        wanted = {}
        for cart in carts:
            for sku, quantity in units(cart).items():
                wanted[sku] = wanted.get(sku, 0) + quantity
        now = [self.get_cart(cart["id"]) for cart in carts]
        still_open = [cart for cart in now if cart["status"] == "open"]
        self.assertEqual(len(still_open), 1, now)
        self.assertEqual(units(still_open[0]), wanted)

    def race(self, services):
        for _ in range(self.ROUNDS):
            left = self.make_cart(*[(sku, 1) for sku in self.skus[:4]])
            right = self.make_cart(*[(sku, 2) for sku in self.skus[2:]])

            def merge(i):
                pair = (left, right) if i % 2 == 0 else (right, left)
                with services[i % len(services)].client() as client:
                    answer = self.post(client, *pair)
                self.assertIn(
                    (answer.status, answer.slug), ((200, None), (409, "cart-closed")), answer
                )
                return answer.status

            statuses = run_at_once(8, merge)
            self.assertEqual(statuses.count(200), 4, "one of the two ways")
            self.assert_one_is_open([left, right])
        self.assert_log_is_dense()

    def test_each_into_the_other(self):
        self.race([self.service])
        self.assert_clean()

    @needs_binary
    def test_each_into_the_other_by_two_processes(self):
        other = Service(self.database.app_url, **self.settings)
        self.addCleanup(other.stop)
        self.race([self.service, other])
        self.assert_clean()

    @needs_binary
    def test_a_ring_of_carts_while_they_are_filled(self):
        other = Service(self.database.app_url, **self.settings)
        self.addCleanup(other.stop)
        services = [self.service, other]
        carts = [self.make_cart() for _ in range(6)]
        count = 20

        def shop(i):
            added = 0
            with services[i % 2].client() as client:
                for _ in range(count):
                    answer = self.add(carts[i]["id"], self.skus[i], client=client)
                    if answer.status == 409:
                        break
                    self.assertEqual(answer.status, 200, answer)
                    added += 1
                self.post(client, carts[i], carts[(i + 1) % len(carts)])
            return added

        added = run_at_once(len(carts), shop)
        now = [self.get_cart(cart["id"]) for cart in carts]
        held = {}
        for cart in now:
            if cart["status"] == "open":
                for sku, quantity in units(cart).items():
                    held[sku] = held.get(sku, 0) + quantity
        self.assertEqual(held, {self.skus[i]: n for i, n in enumerate(added) if n > 0})
        self.assert_log_is_dense()
        self.assert_clean()


@needs_binary
class Owners(AuthCase):
    def setUp(self):
        self.sku = self.make_product(100)
        self.ada = self.customer("ada")
        self.cart = self.ada.post("/carts", {"items": [{"sku": self.sku}]}).json()
        self.guests, self.guest = self.make_guest_cart((self.sku, 2))
        self.token = self.guest.headers["Cart-Token"]
        self.path = f"/carts/{self.cart['id']}/merge"

    def body(self, cart=None, **members):
        return {"from": (cart or self.guests)["id"], **members}

    def test_both_must_be_the_callers(self):
        both = self.customer("ada", cart_token=self.token)
        for client in (self.ada, self.customer("ada", cart_token=make_cart_token())):
            answer = client.post(self.path, self.body())
            self.assert_problem(answer, 422, "source-cart-not-found")
        unknown = self.ada.post(self.path, self.body({"id": make_id()}))
        hidden = self.ada.post(self.path, self.body())
        self.assertEqual(
            unknown.json()["detail"].split()[:4], hidden.json()["detail"].split()[:4]
        )
        self.assert_problem(self.guest.post(self.path, self.body()), 404, "cart-not-found")
        bob = self.customer("bob", cart_token=self.token)
        self.assert_problem(bob.post(self.path, self.body()), 404, "cart-not-found")
        self.assert_problem(self.client.post(self.path, self.body()), 401, "unauthorized")
        merged = self.assert_cart(both.post(self.path, self.body()))
        self.assertEqual(units(merged), {self.sku: 3})
        ended = self.guest.get(f"/carts/{self.guests['id']}").json()
        self.assertEqual((ended["status"], ended["merged_into"]), ("merged", self.cart["id"]))

    def test_a_customers_cart_goes_into_a_guests_too(self):
        both = self.customer("ada", cart_token=self.token)
        answer = both.post(f"/carts/{self.guests['id']}/merge", self.body(self.cart))
        self.assertEqual(units(self.assert_cart(answer)), {self.sku: 3})
        self.assertEqual(self.ada.get(f"/carts/{self.cart['id']}").json()["status"], "merged")

    def test_two_guests_carts_are_merged_with_both_tokens(self):
        cart, other = self.make_guest_cart((self.sku, 5))
        path = f"/carts/{cart['id']}/merge"
        for members in ({}, {"from_token": make_cart_token()}, {"from_token": "short"}):
            answer = other.post(path, self.body(**members))
            self.assert_problem(answer, 422, "source-cart-not-found")
        self.assert_invalid(other.post(path, self.body(from_token="")), "/from_token")
        answer = other.post(path, self.body(from_token=self.token))
        self.assertEqual(units(self.assert_cart(answer)), {self.sku: 7})
        dump = self.database.value("SELECT string_agg(e::text, '') FROM events e;")
        self.assertNotIn(self.token, dump)
        revert = f"{path}/{self.guests['id']}/revert"
        self.assert_problem(other.post(revert), 422, "source-cart-not-found")
        answer = other.post(revert, {"from_token": self.token})
        self.assertEqual(units(self.assert_cart(answer)), {self.sku: 5})
        self.assertEqual(self.guest.get(f"/carts/{self.guests['id']}").json()["status"], "open")

    def test_the_back_office_merges_any(self):
        office = self.service_of("carts:all")
        self.assertEqual(units(self.assert_cart(office.post(self.path, self.body()))), {self.sku: 3})
        answer = office.post(f"{self.path}/{self.guests['id']}/revert")
        self.assertEqual(units(self.assert_cart(answer)), {self.sku: 1})


@needs_binary
class AsRecorded(unittest.TestCase):
    """The events as they are today: tests/fixtures/merged must be read for ever."""

    FIRST, LAST = (f"01936f6e-0000-7000-8000-00000000010{i}" for i in (1, 3))

    def setUp(self):
        self.database = Database().migrated_by(migrate)
        self.addCleanup(self.database.drop)
        fixtures.load(self.database, "merged")

    def assert_done(self, *arguments):
        done = run_cartd(*arguments, url=self.database.app_url)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_it_is_served_verified_and_reverted(self):
        self.assert_done("verify")
        service = Service(self.database.app_url)
        self.addCleanup(service.stop)
        with service.client() as client:
            for row in fixtures.read("merged", "carts"):
                now = client.get(f"/carts/{row['cart_id']}").json()
                stored = json.loads(row["document"])
                self.assertEqual({name: now[name] for name in stored}, stored)
                recorded = [
                    event["data"]
                    for event in fixtures.read("merged", "events")
                    if event["stream_id"] == row["cart_id"]
                ]
                for event in recorded:
                    event.pop("guest_token_hash", None)
                events = client.get(f"/carts/{row['cart_id']}/events").json()["events"]
                self.assertEqual([event["data"] for event in events], recorded)
            then = client.get(f"/carts/{self.LAST}?version=1").json()
            last, first = f"/carts/{self.LAST}/merge", f"/carts/{self.FIRST}"
            for name in (f"{self.FIRST[:-1]}4", self.FIRST):
                answer = client.post(f"{last}/{name}/revert")
                self.assertEqual(answer.status, 200, answer)
            self.assertEqual(units(answer.json()), {"pen": 3})
            self.assertEqual(then["status"], answer.json()["status"])
            self.assertEqual(units(client.get(first).json()), {"tea": 600, "cup": 1, "pen": 1})
        self.assert_done("verify")

    def test_a_rebuild_makes_the_same_tables(self):
        rows = "SELECT cart_id, version, status, document FROM carts ORDER BY cart_id;"
        before = self.database.sql(rows)
        self.database.sql("DELETE FROM carts; DELETE FROM cart_items;")
        self.assert_done("rebuild", "carts")
        for row, former in zip(self.database.sql(rows), before, strict=True):
            self.assertEqual(row[:3], former[:3])
            now, then = json.loads(row[3]), json.loads(former[3])
            self.assertEqual({name: now[name] for name in then}, then)


if __name__ == "__main__":
    unittest.main()
