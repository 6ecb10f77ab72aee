"""What tests of `cartd verify` and `cartd rebuild` share."""

import contextlib

from .case import ServiceCase, make_id, make_key
from .load import wait_until
from .service import run_cartd

TABLES = (
    "events",
    "streams",
    "log_head",
    "idempotency_keys",
    "carts",
    "cart_chunks",
    "cart_items",
    "products",
    "coupons",
    "snapshots",
)


class AuditCase(ServiceCase):
    def verify(self):
        return run_cartd("verify", url=self.database.app_url)

    def rebuild(self, *arguments):
        return run_cartd("rebuild", *arguments, url=self.database.app_url)

    def assert_clean(self):
        done = self.verify()
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        self.assertRegex(done.stdout, r"\Aclean: [\d,]+ events? of [\d,]+ streams?, head .*\n\Z")
        return done

    def fill(self):
        """Carts and products of every kind, one of them long enough for a snapshot."""
        for sku, price in (("tea", 499), ("mug", 900)):
            self.make_product(price, sku=sku, name="Grüner \"Tee\"")
        self.make_product(450, sku="tea", name="Grüner \"Tee\"")
        rich = self.client.post(
            "/carts",
            {"customer_id": "rich", "items": [{"sku": "tea", "quantity": 2}, {"sku": "mug"}]},
            headers={"Idempotency-Key": make_key()},
        ).json()
        self.client.patch(f"/carts/{rich['id']}/items/mug", {"quantity": 3})
        closed = self.make_cart(("tea", 1), metadata={"b": [1, 2.5, {"c": None}], "a": "ü"})
        self.client.post(f"/carts/{closed['id']}/checkout")
        self.make_cart()
        self.client.post(f"/carts/{self.make_cart()['id']}/cancel")
        long = self.make_cart(id=make_id())
        for _ in range(60):
            self.add(long["id"], "mug")
            self.client.delete(f"/carts/{long['id']}/items")
        self.add(long["id"], "tea")
        return rich["id"]

    @contextlib.contextmanager
    def damaged(self, script):
        """The damage done by whoever may do everything; undone at the end."""
        keep = "".join(f"CREATE TABLE kept.{name} AS TABLE {name};" for name in TABLES)
        self.database.sql(f"CREATE SCHEMA kept; {keep}")
        try:
            self.database.sql(f"SET session_replication_role = replica; {script};")
            yield
        finally:
            # No TRUNCATE: its lock and those of the service's own readers could wait for each other.
            back = "".join(
                f"DELETE FROM {name}; INSERT INTO {name} SELECT * FROM kept.{name};" for name in TABLES
            )
            self.database.sql(
                "SET session_replication_role = replica;"
                f"BEGIN; {back} DROP SCHEMA kept CASCADE; COMMIT;"
            )

    def wait_for_snapshot(self):
        wait_until(
            lambda: self.database.value("SELECT count(*) FROM snapshots;") != "0", "a snapshot"
        )

    def make_log(self, n_carts):
        """Old carts of three events each that no read table knows of, appended to the log."""
        self.database.sql(f"""
            WITH made AS (
                SELECT c, v, md5('cart' || c)::uuid AS id, h.position AS before, h.recorded_at
                FROM log_head h, generate_series(1, {n_carts}) c, generate_series(1, 3) v
            )
            INSERT INTO events SELECT before + row_number() OVER (ORDER BY v, c), 'cart', id, v,
                CASE v WHEN 1 THEN 'CartCreated' ELSE 'ItemAdded' END, 1,
                CASE v WHEN 1 THEN '{{"currency": "EUR", "customer_id": "old", "metadata": {{}}}}'
                    ELSE '{{"item_id": "old", "sku": "old", "name": "Old", "quantity": 1,
                          "unit_price": 5}}' END::jsonb,
                '{{}}', id, greatest(recorded_at, '2026-01-01') + v * interval '1 microsecond'
            FROM made;
            INSERT INTO streams SELECT DISTINCT stream_id, 'cart' FROM events e
                WHERE NOT EXISTS (SELECT 1 FROM streams s WHERE s.stream_id = e.stream_id);
            UPDATE log_head SET (position, recorded_at) =
                (SELECT max(position), max(recorded_at) FROM events);
        """)
