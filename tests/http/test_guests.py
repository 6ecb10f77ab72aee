"""Guests and their tokens, and how a guest's cart becomes a customer's."""

import hashlib
import json
import pathlib
import tempfile
import time
import unittest

from support import (
    AuthCase,
    Database,
    EventStream,
    Service,
    make_cart_token,
    make_id,
    make_key,
    migrate,
    needs_binary,
    run_at_once,
    run_cartd,
    wait_until,
)
from support.cursors import cart_position, forge, forge_carts


@needs_binary
class Guests(AuthCase):
    def post(self, client, value=None, **headers):
        return client.post(
            "/carts", value, headers={name.replace("_", "-"): text for name, text in headers.items()}
        )

    def actor_of(self, cart_id):
        return self.database.sql(
            f"SELECT DISTINCT metadata->>'actor' FROM events WHERE stream_id = '{cart_id}';"
        )

    def test_a_token_is_given_once_and_kept_as_a_hash(self):
        answer = self.client.post("/carts", {"items": []})
        self.assertEqual(answer.status, 201, answer)
        token = answer.headers["cart-token"]
        self.assertRegex(token, r"\A[A-Za-z0-9_-]{43}\Z")
        self.assertNotIn(token, answer.body.decode())
        guest = self.bearing(cart_token=token)
        path = f"/carts/{answer.json()['id']}"
        again = guest.get(path)
        self.assertEqual((again.status, again.headers.get("cart-token")), (200, None), again)
        hashed = hashlib.sha256(token.encode()).hexdigest()
        stored = self.database.sql(
            f"SELECT data->>'guest_token_hash' FROM events WHERE stream_id = '{path[7:]}' UNION ALL"
            f" SELECT guest_token_hash FROM carts WHERE cart_id = '{path[7:]}';"
        )
        self.assertEqual(stored, [[hashed], [hashed]])
        self.assertEqual(self.actor_of(path[7:]), [["guest"]])
        dump = self.database.value("SELECT string_agg(e::text, '') FROM events e;")
        self.assertNotIn(token, dump)

    def test_no_two_tokens_are_the_same(self):
        tokens = {self.client.post("/carts").headers["cart-token"] for _ in range(200)}
        self.assertEqual(len(tokens), 200)

    def test_the_hash_is_shown_to_nobody(self):
        sku = self.make_product(100)
        cart, guest = self.make_guest_cart((sku, 1), metadata={"guest_token_hash": "mine"})
        path = f"/carts/{cart['id']}"
        hashed = hashlib.sha256(guest.headers["Cart-Token"].encode()).hexdigest()
        position = self.database.value(
            f"SELECT position FROM events WHERE stream_id = '{cart['id']}' AND version = 1;"
        )
        events = self.service_of("events")
        shown = [
            guest.get(f"{path}/events").body,
            events.get(f"/events?after={int(position) - 1}&limit=1").body,
            events.get(f"/events?after={int(position) - 1}&limit=1&wait=1").body,
            guest.get(path).body,
            guest.get(f"{path}?version=1").body,
            self.service_of("carts:all").get("/carts").body,
            self.add(cart["id"], sku, 1, guest, **{"If-Match": '"0"'}).body,
            self.add(cart["id"], sku, 1, guest, **{"If-Match": '"1"'}).body,
            run_cartd("events", "--cart", cart["id"], url=self.database.app_url).stdout.encode(),
            run_cartd("show", cart["id"], url=self.database.app_url).stdout.encode(),
        ]
        headers = {"Cart-Token": guest.headers["Cart-Token"]}
        for target, given in (
            (f"{path}/events", headers),
            (f"/events?after={int(position) - 1}", events.headers),
        ):
            with EventStream(self.service.address, target, **given) as stream:
                shown.append(json.dumps(stream.read()[2]).encode())
        for text in shown:
            self.assertNotIn(hashed.encode(), text)
        data = guest.get(f"{path}/events").json()["events"][0]["data"]
        self.assertEqual(
            data,
            {"currency": "EUR", "customer_id": None, "metadata": {"guest_token_hash": "mine"}},
        )

    def test_a_guest_names_no_customer(self):
        answer = self.client.post("/carts", {"customer_id": "ada"})
        self.assert_problem(answer, 403, "forbidden")
        self.assertEqual(self.client.post("/carts", {"customer_id": None}).status, 201)

    def test_a_customers_cart_is_the_customers(self):
        ada = self.customer("ada")
        for value in ({}, {"customer_id": "ada"}, {"customer_id": None}):
            answer = ada.post("/carts", value)
            self.assertEqual((answer.status, answer.json()["customer_id"]), (201, "ada"), answer)
            self.assertNotIn("cart-token", answer.headers)
            self.assertEqual(self.actor_of(answer.json()["id"]), [["sub:ada"]])
        self.assert_problem(ada.post("/carts", {"customer_id": "bob"}), 403, "forbidden")
        office = self.service_of("carts:all")
        for customer in ("bob", None):
            answer = office.post("/carts", {"customer_id": customer})
            self.assertEqual((answer.status, answer.json()["customer_id"]), (201, customer))
            self.assertNotIn("cart-token", answer.headers)
            self.assertEqual(self.actor_of(answer.json()["id"]), [["sub:a-service"]])

    def test_the_back_office_can_make_a_guests_cart(self):
        token = make_cart_token()
        answer = self.service_of("carts:all").post("/carts", headers={"Cart-Token": token})
        self.assertEqual((answer.status, answer.headers["cart-token"]), (201, token), answer)
        guest = self.bearing(cart_token=token)
        self.assertEqual(guest.get(f"/carts/{answer.json()['id']}").status, 200)

    def test_a_customer_sees_a_list_of_his_own(self):
        name = f"list-{make_key()}"
        mine = self.customer(name)
        ids = [mine.post("/carts").json()["id"] for _ in range(3)]
        self.make_guest_cart()
        for query in ("", f"?customer_id={name}", "?status=open"):
            listed = mine.get(f"/carts{query}").json()["carts"]
            self.assertEqual([cart["id"] for cart in listed], ids[::-1], query)
        page = mine.get("/carts?limit=2").json()
        rest = mine.get(f"/carts?limit=2&cursor={page['next_cursor']}").json()
        self.assertEqual([cart["id"] for cart in rest["carts"]], ids[:1])
        self.assert_problem(mine.get("/carts?customer_id=bob"), 403, "forbidden")
        other = self.customer(f"other-{name}")
        taken = other.get(f"/carts?cursor={page['next_cursor']}")
        self.assert_problem(taken, 400, "invalid-parameter")
        newest = cart_position(253402300799999999)
        for cursor in (forge_carts(newest, customer_id=name), forge_carts(newest), forge("c", newest)):
            forged = other.get(f"/carts?cursor={cursor}")
            self.assert_problem(forged, 400, "invalid-parameter")
        cursor = forge_carts(newest, customer_id=f"other-{name}")
        forged = other.get(f"/carts?cursor={cursor}")
        self.assertEqual((forged.status, forged.json()["carts"]), (200, []), forged)
        office = self.service_of("carts:all")
        self.assertEqual(len(office.get(f"/carts?customer_id={name}").json()["carts"]), 3)
        self.assertGreater(len(office.get("/carts").json()["carts"]), 3)

    def test_a_token_of_ones_own_makes_a_lost_answer_harmless(self):
        token, key = make_cart_token(), make_key()
        headers = {"Cart-Token": token, "Idempotency-Key": key}
        first = self.client.post("/carts", {"currency": "USD"}, headers=headers)
        self.assertEqual((first.status, first.headers["cart-token"]), (201, token), first)
        again = self.client.post("/carts", {"currency": "USD"}, headers=headers)
        self.assertEqual((again.status, again.body), (201, first.body), again)
        self.assertEqual(again.headers["idempotent-replayed"], "true")
        self.assertNotIn("cart-token", again.headers)
        other = {**headers, "Cart-Token": make_cart_token()}
        another = self.client.post("/carts", {"currency": "USD"}, headers=other)
        self.assertEqual(another.status, 201, another)
        self.assertNotEqual(another.json()["id"], first.json()["id"], "the key is each guest's")
        reused = self.client.post("/carts", {"currency": "EUR"}, headers=headers)
        self.assert_problem(reused, 422, "idempotency-key-reused")

    def test_a_guest_without_a_token_of_his_own_can_not_repeat(self):
        headers = {"Idempotency-Key": make_key()}
        first = self.client.post("/carts", headers=headers)
        self.assertEqual(first.status, 201, first)
        again = self.client.post("/carts", headers=headers)
        self.assert_problem(again, 422, "idempotency-key-reused")
        self.assertNotIn(first.json()["id"], again.body.decode())
        self.assertNotIn("cart-token", again.headers)
        brought = {**headers, "Cart-Token": make_cart_token()}
        self.assertEqual(self.client.post("/carts", headers=brought).status, 201)

    def test_keys_of_customers_are_their_own(self):
        headers = {"Idempotency-Key": make_key()}
        carts = [
            client.post("/carts", headers=headers)
            for client in (self.customer("ada"), self.customer("bob"), self.client)
        ]
        self.assertEqual([answer.status for answer in carts], [201, 201, 201])
        self.assertEqual(len({answer.json()["id"] for answer in carts}), 3)
        again = self.customer("ada").post("/carts", headers=headers)
        self.assertEqual(again.body, carts[0].body)
        self.assertEqual(again.headers["idempotent-replayed"], "true")

    def test_a_token_has_a_form(self):
        for token in ("short", "x" * 42, "x" * 44, "x" * 42 + "=", "x" * 42 + "ü", "", " "):
            answer = self.client.post("/carts", headers={"Cart-Token": token})
            self.assert_problem(answer, 400, "invalid-parameter")

    def test_an_id_that_is_taken_tells_no_more_than_that(self):
        cart = self.customer("ada").post("/carts", {}).json()
        answer = self.client.post("/carts", {"id": cart["id"]})
        self.assert_problem(answer, 409, "cart-already-exists")
        self.assertNotIn("cart-token", answer.headers)


@needs_binary
class Claims(AuthCase):
    def setUp(self):
        self.sku = self.make_product(100)
        self.cart, self.guest = self.make_guest_cart((self.sku, 2))
        self.path = f"/carts/{self.cart['id']}"
        self.token = self.guest.headers["Cart-Token"]

    def claim(self, sub="ada", value=None, token=None, **headers):
        client = self.customer(sub, cart_token=token or self.token)
        return client.post(f"{self.path}/claim", value, headers=headers)

    def test_a_guests_cart_becomes_the_customers_and_the_token_ends(self):
        answer = self.claim()
        cart = self.assert_cart(answer)
        self.assertEqual((cart["customer_id"], cart["version"]), ("ada", 3))
        self.assertEqual(cart["items"], self.cart["items"])
        self.assert_problem(self.guest.get(self.path), 404, "cart-not-found")
        self.assert_problem(self.add(self.cart["id"], self.sku, 1, self.guest), 404, "cart-not-found")
        self.assert_problem(self.guest.get(f"{self.path}?version=1"), 404, "cart-not-found")
        self.assert_problem(self.guest.get(f"{self.path}/events"), 404, "cart-not-found")
        ada = self.customer("ada")
        self.assertEqual(ada.get(self.path).json(), cart)
        self.assertEqual(ada.get(f"{self.path}?version=1").json()["customer_id"], None)
        events = ada.get(f"{self.path}/events").json()["events"]
        self.assertEqual(
            [(event["type"], event["metadata"]["actor"]) for event in events],
            [("CartCreated", "guest"), ("ItemAdded", "guest"), ("CartClaimed", "sub:ada")],
        )
        self.assertEqual(events[2]["data"], {"customer_id": "ada"})
        self.assertIn(self.cart["id"], [c["id"] for c in ada.get("/carts?limit=100").json()["carts"]])

    def test_claiming_again_changes_nothing(self):
        first = self.claim()
        again = self.customer("ada").post(f"{self.path}/claim")
        self.assertEqual((again.status, again.body), (200, first.body), again)
        self.assertEqual(self.claim().body, first.body)

    def test_only_who_has_the_token_claims(self):
        for token in (make_cart_token(), "short", ""):
            answer = self.customer("bob", cart_token=token).post(f"{self.path}/claim")
            self.assert_problem(answer, 404, "cart-not-found")
        self.assert_problem(self.customer("bob").post(f"{self.path}/claim"), 404, "cart-not-found")
        self.assert_problem(self.guest.post(f"{self.path}/claim"), 401, "unauthorized")
        self.assert_problem(self.claim("bob", {"customer_id": "ada"}), 403, "forbidden")
        self.assertEqual(self.claim("ada", {"customer_id": "ada"}).status, 200)
        self.assert_problem(self.claim("bob"), 404, "cart-not-found")

    def test_the_back_office_claims_for_anybody(self):
        office = self.service_of("carts:all")
        answer = office.post(f"{self.path}/claim", {"customer_id": "bob"})
        self.assertEqual(self.assert_cart(answer)["customer_id"], "bob")
        answer = office.post(f"{self.path}/claim", {"customer_id": "ada"})
        self.assert_problem(answer, 409, "cart-already-claimed")
        orphan = office.post("/carts").json()
        answer = office.post(f"/carts/{orphan['id']}/claim", {"customer_id": "ada"})
        self.assertEqual(answer.json()["customer_id"], "ada")

    def test_a_closed_cart_is_not_claimed(self):
        self.assertEqual(self.guest.post(f"{self.path}/cancel").status, 200)
        self.assert_problem(self.claim(), 409, "cart-closed")

    def test_a_claim_can_be_bound_to_a_version_and_repeated(self):
        answer = self.claim(**{"If-Match": '"1"'})
        problem = self.assert_problem(answer, 412, "version-mismatch", current_version=2)
        self.assertEqual(len(problem["missed_events"]), 1)
        key = {"Idempotency-Key": make_key(), "If-Match": '"2"'}
        first = self.claim(**key)
        again = self.claim(**key)
        self.assertEqual((again.status, again.body), (200, first.body), again)
        self.assertEqual(again.headers["idempotent-replayed"], "true")

    def test_what_the_guest_was_answered_is_not_repeated_for_the_token(self):
        """An answer that is stored is for whom the cart admits now, on every instance."""
        key = {"Idempotency-Key": make_key()}
        self.assertEqual(self.add(self.cart["id"], self.sku, 1, self.guest, **key).status, 200)
        token, made = make_cart_token(), {"Idempotency-Key": make_key()}
        own = self.bearing(cart_token=token)
        created = own.post("/carts", headers=made).json()
        other = Service(self.database.app_url, **self.settings)
        self.addCleanup(other.stop)
        with other.client(headers=self.guest.headers) as client:
            self.assertEqual(self.add(self.cart["id"], self.sku, 1, client, **key).status, 200)
        self.assertEqual(self.claim().status, 200)
        mine = self.customer("ada", cart_token=token)
        self.assertEqual(mine.post(f"/carts/{created['id']}/claim").status, 200)
        for service in (self.service, other):
            with service.client(headers=self.guest.headers) as client:
                answer = self.add(self.cart["id"], self.sku, 1, client, **key)
                self.assert_problem(answer, 404, "cart-not-found")
            with service.client(headers=own.headers) as client:
                answer = client.post("/carts", headers=made)
                self.assert_problem(answer, 422, "idempotency-key-reused")
                self.assertNotIn(created["id"], answer.body.decode())

    def test_a_stream_of_the_guest_ends_with_the_token(self):
        token = {"Cart-Token": self.token}
        with EventStream(self.service.address, f"{self.path}/events", **token) as stream:
            self.assertEqual([event[1] for event in stream.read_many(2)], ["CartCreated", "ItemAdded"])
            self.add(self.cart["id"], self.sku, 1, self.guest)
            self.assertEqual(stream.read()[1], "ItemAdded")
            self.assertEqual(self.claim().status, 200)
            self.assertIsNone(stream.read(), "the claim is not the guest's to see")
            self.assertTrue(stream.is_over)
        bearer = {"Authorization": f"Bearer {self.key.token('ada')}"}
        with EventStream(self.service.address, f"{self.path}/events", **bearer) as stream:
            types = [event[1] for event in stream.read_many(4)]
            self.assertEqual(types, ["CartCreated", "ItemAdded", "ItemAdded", "CartClaimed"])
            self.add(self.cart["id"], self.sku, 1, self.customer("ada"))
            self.assertEqual(stream.read()[1], "ItemAdded")

    def test_a_stream_ends_when_its_bearer_token_expires(self):
        """With the leeway that all expiring tokens have; here it is over in two seconds."""
        token = self.key.token("ada", exp=int(time.time()) - 28)
        cart = self.customer("ada").post("/carts").json()
        headers = {"Authorization": f"Bearer {token}"}
        path = f"/carts/{cart['id']}/events"
        stays = {"Authorization": f"Bearer {self.key.token('ada')}"}
        with EventStream(self.service.address, path, **headers) as stream:
            with EventStream(self.service.address, path, **stays) as other:
                ada = self.customer("ada")

                def is_over():
                    self.add(cart["id"], self.sku, 1, ada)
                    stream.read(0.1)
                    return stream.is_over

                wait_until(is_over, "the stream ends although there is always something to say")
                self.assertEqual(len(other.read_many(2)), 2)
                self.assertFalse(other.is_over)

    def test_of_two_claims_at_once_one_wins(self):
        for _ in range(10):
            cart, guest = self.make_guest_cart((self.sku, 1))
            claimers = [
                self.customer(f"racer-{number}", cart_token=guest.headers["Cart-Token"])
                for number in range(4)
            ]
            answers = run_at_once(
                4, lambda number: claimers[number].post(f"/carts/{cart['id']}/claim")
            )
            statuses = sorted(answer.status for answer in answers)
            self.assertEqual(statuses, [200, 404, 404, 404], answers)
            types = self.event_types(cart["id"])
            self.assertEqual(types.count("CartClaimed"), 1)
            winner = next(answer for answer in answers if answer.status == 200)
            self.assertEqual(
                self.service_of("carts:all").get(f"/carts/{cart['id']}").json()["customer_id"],
                winner.json()["customer_id"],
            )

    def test_no_add_of_the_guest_comes_after_the_claim(self):
        other = Service(self.database.app_url, **self.settings)
        self.addCleanup(other.stop)
        for _ in range(8):
            cart, guest = self.make_guest_cart((self.sku, 1))
            token = guest.headers["Cart-Token"]
            claimer = self.customer("ada", cart_token=token)

            def adds(service):
                with service.client(headers={"Cart-Token": token}) as client:
                    return [self.add(cart["id"], self.sku, 1, client).status for _ in range(12)]

            work = [
                lambda: adds(self.service),
                lambda: adds(other),
                lambda: adds(self.service),
                lambda: claimer.post(f"/carts/{cart['id']}/claim"),
            ]
            *added, claimed = run_at_once(len(work), lambda number: work[number]())
            self.assertEqual(claimed.status, 200, claimed)
            for statuses in added:
                self.assertEqual(statuses, sorted(statuses), "404 from the claim on")
                self.assertLessEqual(set(statuses), {200, 404})
            types = self.event_types(cart["id"])
            n_accepted = sum(statuses.count(200) for statuses in added)
            self.assertEqual(types.count("ItemAdded"), n_accepted + 1)
            self.assertEqual(types[-1], "CartClaimed", "nothing of the guest's is after it")

    def test_a_claim_survives_whatever_is_done_with_the_log(self):
        self.assertEqual(self.claim().status, 200)
        long, guest = self.make_guest_cart((self.sku, 1))
        commands = [{"type": "add_item", "sku": self.sku}] * 99
        for _ in range(2):
            self.assertEqual(
                guest.post(f"/carts/{long['id']}/commands", {"commands": commands}).status, 200
            )
        claimed = self.customer("ada", cart_token=guest.headers["Cart-Token"])
        self.assertEqual(claimed.post(f"/carts/{long['id']}/claim").status, 200)
        kept, kept_guest = self.make_guest_cart((self.sku, 1))
        before = self.database.sql("SELECT * FROM carts ORDER BY cart_id;")
        done = run_cartd("verify", url=self.database.app_url)
        self.assertEqual(done.returncode, 0, done.stdout)
        done = run_cartd("rebuild", "all", url=self.database.app_url)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.database.sql("SELECT * FROM carts ORDER BY cart_id;"), before)

        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        file = str(pathlib.Path(folder.name) / "log.jsonl")
        self.assertEqual(run_cartd("events", "export", file, url=self.database.app_url).returncode, 0)
        copy = Database().migrated_by(migrate)
        self.addCleanup(copy.drop)
        done = run_cartd("events", "import", file, url=copy.app_url)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(copy.sql("SELECT * FROM carts ORDER BY cart_id;"), before)
        self.assertEqual(run_cartd("verify", url=copy.app_url).returncode, 0)
        service = Service(copy.app_url, **self.settings)
        self.addCleanup(service.stop)
        with service.client(headers=self.guest.headers) as client:
            self.assert_problem(client.get(self.path), 404, "cart-not-found")
        with service.client(headers=kept_guest.headers) as client:
            self.assertEqual(client.get(f"/carts/{kept['id']}").status, 200)
        with service.client(headers=self.customer("ada").headers) as client:
            for cart_id in (self.cart["id"], long["id"]):
                self.assertEqual(client.get(f"/carts/{cart_id}").json()["customer_id"], "ada")
                self.assertEqual(self.add(cart_id, self.sku, 1, client).status, 200)

    def test_what_a_guest_removed_and_bought_as_a_customer_was_one_customer(self):
        other = self.make_product(100)
        self.add(self.cart["id"], other, 1, self.guest)
        self.assertEqual(self.guest.delete(f"{self.path}/items/{other}").status, 200)
        self.assertEqual(self.claim("reborn").status, 200)
        reborn = self.customer("reborn")
        self.add(self.cart["id"], other, 1, reborn)
        self.assertEqual(reborn.post(f"{self.path}/checkout").status, 200)
        reports = self.service_of("reports")

        def bought():
            said = reports.get("/reports/removed-then-bought?limit=5000").json()
            return {row["sku"]: row["customers"] for row in said["skus"]}.get(other)

        wait_until(bought, "the report knows of it")
        self.assertEqual(bought(), 1)

    def test_verify_finds_a_hash_that_is_not_the_logs(self):
        cart, _ = self.make_guest_cart()
        self.database.sql(f"UPDATE carts SET guest_token_hash = NULL WHERE cart_id = '{cart['id']}';")
        done = run_cartd("verify", url=self.database.app_url)
        self.assertEqual(done.returncode, 1)
        self.assertIn("carts.guest_token_hash", done.stdout)
        self.assertEqual(run_cartd("rebuild", "carts", url=self.database.app_url).returncode, 0)
        self.assertEqual(run_cartd("verify", url=self.database.app_url).returncode, 0)


if __name__ == "__main__":
    unittest.main()
