"""A dump that is restored under a running service: the log goes back, and what the service has cached
is of a log that is no more. And snapshots that are ahead of what was restored."""

import pathlib
import subprocess
import tempfile

from support import AuditCase, Service, make_id, make_key, needs_binary, wait_until

CARTS = 6


def run_program(*words):
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{words}: {done.stdout}{done.stderr}")


class RestoreCase(AuditCase):
    def add_at_last(self, cart_id, sku):
        """What was prepared for the tables of before may fail first; the key makes it once."""
        key = {"Idempotency-Key": make_key()}

        def add():
            answer = self.add(cart_id, sku, **key)
            return answer if answer.status == 200 else None

        return wait_until(add, "the add is taken")

    def assert_goes_on(self, cart_id, sku, version):
        """With versions that are dense from that one on, each of which is served."""
        self.assertEqual(self.add_at_last(cart_id, sku).version, version + 1)
        for following in range(version + 2, version + 5):
            answer = self.add(cart_id, sku)
            self.assertEqual((answer.status, answer.version), (200, following), answer)
            seen = self.client.get(f"/carts/{cart_id}")
            self.assertEqual((seen.etag, seen.body), (answer.etag, answer.body))
            last = self.database.value(
                f"SELECT max(version) FROM events WHERE stream_id = '{cart_id}';"
            )
            self.assertEqual(last, str(following))


@needs_binary
class UnderARunningService(RestoreCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.dump = str(pathlib.Path(folder.name) / "dump")

    def back_up(self):
        run_program("pg_dump", "-Fc", "-d", self.database.owner_url, "-f", self.dump)

    def restore(self):
        run_program(
            "pg_restore", "--clean", "--if-exists", "-d", self.database.owner_url, self.dump
        )

    def test_carts_go_on_from_what_was_restored(self):
        sku = self.make_product(5)
        carts = [self.make_cart()["id"] for _ in range(CARTS)]
        for cart_id in carts:
            for _ in range(3):
                self.add(cart_id, sku)
        self.back_up()
        for number, cart_id in enumerate(carts):
            for _ in range(number + 1):
                self.assertEqual(self.add(cart_id, sku).status, 200)
        lost = self.make_cart((sku, 1))["id"]
        self.restore()

        for cart_id in carts:
            self.assert_goes_on(cart_id, sku, version=4)
        self.assert_problem(self.client.get(f"/carts/{lost}"), 404, "cart-not-found")
        self.assert_clean()
        self.assert_log_is_dense()

        service = Service(self.database.app_url)
        self.addCleanup(service.stop)
        with service.client() as client:
            for cart_id in carts:
                seen = client.get(f"/carts/{cart_id}")
                self.assertEqual(seen.body, self.client.get(f"/carts/{cart_id}").body)
                self.assertEqual(self.add(cart_id, sku, client=client).version, 9)
        self.assert_clean()

    def test_prices_that_were_cached_at_a_position_are_not_those_of_the_new_log_there(self):
        sku = self.make_product(5)
        cart_id = self.make_cart()["id"]
        self.back_up()
        self.make_product(6, sku=sku)
        self.assertEqual(self.add_at_last(cart_id, sku).json()["total"], 6)
        position = self.database.value("SELECT shared_position FROM log_head;")
        self.restore()
        wait_until(
            lambda: self.client.put(
                f"/products/{sku}", {"name": "Tea", "prices": {"EUR": 7}}
            ).status
            == 200,
            "the price is taken",
        )
        self.assertEqual(self.database.value("SELECT shared_position FROM log_head;"), position)
        self.assertEqual(self.add_at_last(cart_id, sku).json()["total"], 7)
        self.assert_clean()


@needs_binary
class SnapshotAhead(RestoreCase):
    def make_long_cart(self, sku):
        cart_id = self.make_cart(id=make_id())["id"]
        for _ in range(60):
            self.add(cart_id, sku)
            self.client.delete(f"/carts/{cart_id}/items")
        wait_until(
            lambda: self.database.value(
                f"SELECT count(*) FROM snapshots WHERE stream_id = '{cart_id}';"
            )
            == "1",
            "a snapshot",
        )
        return cart_id

    def restart(self):
        type(self).service.stop()
        type(self).service = Service(self.database.app_url)
        self.addClassCleanup(self.service.stop)
        type(self).client = self.service.client()
        self.addClassCleanup(self.client.close)

    def test_a_cart_whose_snapshot_is_ahead_of_its_events_is_served_and_changed(self):
        sku = self.make_product(5)
        for n_ahead in (1, 2, 500):
            cart_id = self.make_long_cart(sku)
            version = self.client.get(f"/carts/{cart_id}").version
            self.assertTrue(self.database.sql(
                f"UPDATE snapshots SET version = {version + n_ahead},"
                f" state = jsonb_set(state, '{{version}}', '{version + n_ahead}')"
                f" WHERE stream_id = '{cart_id}' AND state ? 'version' RETURNING version;"
            ))
            self.restart()
            self.assertEqual(self.client.get(f"/carts/{cart_id}").version, version)
            self.assert_goes_on(cart_id, sku, version)
            self.restart()
            self.assert_goes_on(cart_id, sku, version + 4)
        self.assert_log_is_dense()

    def test_a_snapshot_of_a_cart_that_was_not_restored_creates_nothing(self):
        sku = self.make_product(5)
        cart_id, absent = self.make_long_cart(sku), make_id()
        self.database.sql(
            f"INSERT INTO snapshots SELECT '{absent}', version, shape, state FROM snapshots"
            f" WHERE stream_id = '{cart_id}';"
        )
        self.restart()
        self.assert_problem(self.client.get(f"/carts/{absent}"), 404, "cart-not-found")
        self.assert_problem(self.add(absent, sku), 404, "cart-not-found")
        self.assertEqual(self.make_cart(id=absent)["version"], 1)
        self.assert_goes_on(absent, sku, version=1)
