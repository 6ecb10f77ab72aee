"""A cart as it was: GET /carts/{cart_id}?version= and ?at=."""

import datetime
import random
import select
import unittest
import urllib.parse

from support import Service, ServiceCase, make_id, make_key, needs_database, wait_until

FOREVER = "private, max-age=31536000, immutable"
FOR_NOW = "private, no-cache"


def moved(time, microseconds):
    """The time that many microseconds later."""
    moment = datetime.datetime.fromisoformat(time.replace("Z", "+00:00"))
    moment += datetime.timedelta(microseconds=microseconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class HistoryCase(ServiceCase):
    def as_of(self, cart_id, **headers):
        return lambda **question: self.client.get(
            f"/carts/{cart_id}?{urllib.parse.urlencode(question)}", headers=headers
        )

    def assert_was(self, answer, then, cache=FOREVER):
        """The answer is, byte for byte, what `then` was answered."""
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(answer.body, then.body)
        self.assertEqual(answer.etag, then.etag)
        self.assertEqual(answer.headers["cache-control"], cache, answer)

    def change_at_random(self, path, skus, dice):
        """One command that may do something; returns its answer."""
        sku = dice.choice(skus)
        kind = dice.random()
        if kind < 0.5:
            return self.client.post(f"{path}/items", {"sku": sku, "quantity": dice.randint(1, 3)})
        if kind < 0.6:
            item = {"sku": sku, "properties": {"engraving": dice.choice(("A", "Zoë"))}}
            return self.client.post(f"{path}/items", item)
        if kind < 0.8:
            return self.client.patch(f"{path}/items/{sku}", {"quantity": dice.randint(1, 9)})
        if kind < 0.98:
            return self.client.delete(f"{path}/items/{sku}")
        return self.client.delete(f"{path}/items")

    def make_history(self, n_versions, seed):
        """A cart of that many versions and more: its id and what GET answered at each, with the
        events' names and numbers in many different combinations."""
        dice = random.Random(seed)
        skus = [self.make_product(dice.randint(0, 999), name=f"Tee „{n}“ \\ ü") for n in range(5)]
        cart_id = self.make_cart(
            customer_id="Zoë \"7\"", metadata={"b": [1, 2.5, None], "a": {"ü": "\u2028"}}
        )["id"]
        path = f"/carts/{cart_id}"
        answers = {1: self.client.get(path)}
        while max(answers) < n_versions:
            self.change_at_random(path, skus, dice)
            if dice.random() < 0.05:
                self.make_product(dice.randint(0, 999), sku=dice.choice(skus))
            answer = self.client.get(path)
            answers.setdefault(answer.version, answer)
        self.client.post(f"{path}/items", {"sku": skus[0]})
        answers[self.client.get(path).version] = self.client.get(path)
        self.client.post(f"{path}/checkout")
        answers[self.client.get(path).version] = self.client.get(path)
        return cart_id, answers


class Versions(HistoryCase):
    def test_every_version_is_as_it_was_answered_then(self):
        cart_id, answers = self.make_history(230, 1)
        as_of = self.as_of(cart_id)
        self.assertEqual(sorted(answers), list(range(1, max(answers) + 1)))
        for version, then in answers.items():
            self.assert_was(as_of(version=version), then)
        if self.database:
            self.assertEqual(
                self.database.value(
                    f"SELECT count(*) FROM snapshots WHERE stream_id = '{cart_id}';"
                ),
                "1",
                "a snapshot could help",
            )

    def test_a_version_that_is_not_there_yet_is_not_found(self):
        cart_id = self.make_cart()["id"]
        as_of = self.as_of(cart_id)
        for version in (2, 1000, 2147483647):
            problem = self.assert_problem(
                as_of(version=version), 404, "no-such-version", current_version=1
            )
            self.assertIn(str(version), problem["detail"])

    def test_a_cart_that_is_not_there_has_no_history(self):
        for cart_id in (make_id(), "no-uuid"):
            for question in ({"version": 1}, {"at": "2026-11-23T04:38:00Z"}):
                self.assert_problem(self.as_of(cart_id)(**question), 404, "cart-not-found")

    def test_what_is_no_version_is_refused(self):
        as_of = self.as_of(self.make_cart()["id"])
        for version in ("", "0", "-1", "1.0", "x", " 1", "2147483648", "9" * 30):
            problem = self.assert_problem(as_of(version=version), 400, "invalid-parameter")
            self.assertIn("version", problem["detail"])

    def test_version_and_time_together_are_refused(self):
        as_of = self.as_of(self.make_cart()["id"])
        answer = as_of(version=1, at="2026-11-23T04:38:00Z")
        self.assert_problem(answer, 400, "invalid-parameter")

    def test_a_version_that_the_client_has_is_not_sent_again(self):
        sku = self.make_product()
        cart_id = self.make_cart((sku, 1))["id"]
        for tag, version, status in (('"1"', 1, 304), ('W/"1"', 1, 304), ("*", 2, 304),
                                     ('"2"', 1, 200)):  # fmt: skip
            answer = self.as_of(cart_id, **{"If-None-Match": tag})(version=version)
            self.assertEqual(answer.status, status, answer)
            self.assertEqual(answer.version, version)
            self.assertEqual(answer.headers["cache-control"], FOREVER)
        answer = self.as_of(cart_id, **{"If-None-Match": "1"})(version=1)
        self.assert_problem(answer, 400, "invalid-parameter")

    def test_a_head_of_a_point_in_time_is_that_of_the_get(self):
        cart_id = self.make_cart()["id"]
        head = self.client.head(f"/carts/{cart_id}?version=1")
        get = self.client.get(f"/carts/{cart_id}?version=1")
        for name in ("etag", "cache-control", "content-length", "content-type"):
            self.assertEqual(head.headers[name], get.headers[name])

    def test_other_lists_have_no_history(self):
        for target in ("/carts?version=1", "/products?at=2026-11-23T04:38:00Z"):
            self.assert_problem(self.client.get(target), 400, "invalid-parameter")


class Moments(HistoryCase):
    def test_the_moment_of_an_event_counts_and_the_microsecond_before_does_not(self):
        cart_id, answers = self.make_history(120, 2)
        self.make_cart()  # the log goes on
        as_of = self.as_of(cart_id)
        # Of versions with the same time only the last was ever the cart at that moment.
        newest = {then.json()["updated_at"]: then for then in answers.values()}
        times = sorted(newest)
        for time, following in zip(times, times[1:] + [None]):
            self.assert_was(as_of(at=time), newest[time])
            if following:
                self.assert_was(as_of(at=moved(following, -1)), newest[time])

    def test_before_its_creation_there_is_no_cart(self):
        cart = self.make_cart()
        as_of = self.as_of(cart["id"])
        for time in (moved(cart["created_at"], -1), "0000-01-01T00:00:00Z"):
            self.assert_problem(as_of(at=time), 404, "cart-not-found")
        self.assertEqual(as_of(at=cart["created_at"]).status, 200)

    def test_the_future_is_now(self):
        cart_id = self.make_cart((self.make_product(), 1))["id"]
        now = self.client.get(f"/carts/{cart_id}")
        for time in ("9999-12-31T23:59:59Z", "2099-01-01T00:00:00+05:00"):
            self.assert_was(self.as_of(cart_id)(at=time), now, cache=FOR_NOW)

    def test_a_moment_may_be_cached_once_the_log_has_gone_past_it(self):
        cart = self.make_cart()
        as_of = self.as_of(cart["id"])
        then = self.client.get(f"/carts/{cart['id']}")
        if self.database:  # nobody else appends
            self.assert_was(as_of(at=cart["created_at"]), then, cache=FOR_NOW)
        self.make_cart()
        self.assert_was(as_of(at=cart["created_at"]), then, cache=FOREVER)

    def test_a_moment_may_be_told_in_any_offset_and_precision(self):
        cart = self.make_cart()
        as_of = self.as_of(cart["id"])
        time = cart["created_at"]
        local = moved(time, 5400 * 1000000).replace("Z", "+01:30")
        for written in (local, time.replace("Z", "999z").replace("T", "t"), time.replace("T", " ")):
            self.assertEqual(as_of(at=written).status, 200, written)
        self.assert_problem(
            as_of(at=moved(time, 5400 * 1000000 - 1).replace("Z", "+01:30")), 404, "cart-not-found"
        )

    def test_what_is_no_time_is_refused(self):
        cart_id = self.make_cart()["id"]
        for time in ("", "now", "yesterday", "2026-11-23", "2026-11-23T04:38:00", "1763872680",
                     "2026-02-30T00:00:00Z", "2026-11-23T25:00:00Z", "infinity"):  # fmt: skip
            problem = self.assert_problem(self.as_of(cart_id)(at=time), 400, "invalid-parameter")
            self.assertIn('"at"', problem["detail"])
        # A + that was not encoded has become a space.
        answer = self.client.get(f"/carts/{cart_id}?at=2026-11-23T05:38:00+01:00")
        self.assertIn("%2B", self.assert_problem(answer, 400, "invalid-parameter")["detail"])


@needs_database
class LongCarts(HistoryCase):
    def make_long(self, n_hundreds):
        """A cart of very many events and what it was after each hundred of them."""
        skus = [self.make_product(7) for _ in range(3)]
        cart_id = self.make_cart()["id"]
        answers = {1: self.client.get(f"/carts/{cart_id}")}
        for i in range(n_hundreds):
            commands = [
                {"type": "change_item_quantity", "item_id": skus[i % 3], "quantity": n % 9 + 1}
                for n in range(97)
            ]
            added = [{"type": "add_item", "sku": sku} for sku in skus]
            answer = self.client.post(
                f"/carts/{cart_id}/commands",
                {"commands": [{"type": "clear_items"}, *added, *commands][:100]},
            )
            self.assertEqual(answer.status, 200, answer)
            answers[answer.version] = self.client.get(f"/carts/{cart_id}")
        return cart_id, answers

    def test_a_cart_longer_than_what_is_read_at_once(self):
        cart_id, answers = self.make_long(16)
        as_of = self.as_of(cart_id)
        self.assertGreater(max(answers), 1500)
        for has_snapshot in (True, False):
            for version, then in answers.items():
                self.assert_was(as_of(version=version), then)
                self.assertEqual(as_of(at=then.json()["updated_at"]).body, then.body)
            self.assert_problem(
                as_of(version=max(answers) + 1),
                404,
                "no-such-version",
                current_version=max(answers),
            )
            if has_snapshot:
                self.database.sql("DELETE FROM snapshots;")

    def test_a_snapshot_that_can_not_be_read_is_done_without(self):
        cart_id, answers = self.make_long(3)
        newest = max(answers)
        self.make_cart()
        wait_until(
            lambda: self.database.value(
                f"SELECT count(*) FROM snapshots WHERE stream_id = '{cart_id}';"
            )
            == "1",
            "there is a snapshot",
        )
        for state in ("'{}'", "jsonb_set(state, '{version}', '1')"):
            self.database.sql(f"UPDATE snapshots SET state = {state};")
            self.assert_was(self.as_of(cart_id)(version=newest), answers[newest])
            self.assert_was(
                self.as_of(cart_id)(at=answers[newest].json()["updated_at"]), answers[newest]
            )

    def test_an_answer_that_is_given_again_is_as_it_was(self):
        cart_id, _ = self.make_long(12)
        sku = self.make_product(5)
        headers = {"Idempotency-Key": make_key()}
        path = f"/carts/{cart_id}/items"
        first = self.client.post(path, {"sku": sku}, headers=headers)
        self.add(cart_id, sku)
        again = self.client.post(path, {"sku": sku}, headers=headers)
        self.assertEqual((again.status, again.body), (200, first.body))
        self.assertEqual(again.headers["idempotent-replayed"], "true")


@needs_database
class Trouble(HistoryCase):
    def test_a_product_is_no_cart(self):
        self.make_product()
        stream_id = self.database.value(
            "SELECT stream_id FROM events WHERE stream_type = 'product' LIMIT 1;"
        )
        self.assert_problem(self.as_of(stream_id)(version=1), 404, "cart-not-found")

    def test_an_event_that_can_not_be_read_is_a_fault_of_ours(self):
        cart_id = make_id()
        self.database.sql(
            "UPDATE log_head SET position = position + 1, recorded_at = now();"
            "INSERT INTO streams VALUES ('%s', 'cart');" % cart_id
            + "INSERT INTO events SELECT position, 'cart', '%s', 1, 'CartSold', 1, '{}', '{}', '%s',"
            " recorded_at FROM log_head;" % (cart_id, cart_id)
        )
        self.assert_problem(self.as_of(cart_id)(version=1), 500, "internal-error")
        self.service.wait_for_event("event_unreadable")

    def test_more_looks_than_may_be_under_way_are_refused(self):
        cart_id = self.make_cart()["id"]
        service = Service(self.database.app_url, CARTD_WAIT_MS="60000")
        n = 80
        clients = [service.client() for _ in range(n)]
        target = f"/carts/{cart_id}?version=1"
        try:
            with self.database.open_session() as session:
                session.run("BEGIN; LOCK TABLE events IN ACCESS EXCLUSIVE MODE;")
                for client in clients:
                    client.send(client.compose("GET", target, {}, None))
                # Whoever comes after the first 64 is answered though nobody reads.
                waiting = list(clients)
                while len(waiting) > 64:
                    ready, _, _ = select.select([c.socket for c in waiting], [], [], 60)
                    self.assertTrue(ready, f"{len(waiting)} still wait")
                    for refused in [c for c in waiting if c.socket in ready]:
                        answer = refused.receive("GET", target)
                        self.assert_problem(answer, 503, "overloaded")
                        self.assertIn("retry-after", answer.headers)
                        waiting.remove(refused)
                session.run("ROLLBACK;")
            statuses = [client.receive("GET", target).status for client in waiting]
            self.assertEqual(statuses, [200] * 64)
            self.assertEqual(clients[0].get(target).status, 200)
        finally:
            for client in clients:
                client.close()
            service.stop()


if __name__ == "__main__":
    unittest.main()
