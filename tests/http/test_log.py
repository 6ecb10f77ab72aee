"""What must hold in the database: events stay, rights are least, read tables say what the log says."""

import json
import subprocess
import unittest

from support import Database, Service, ServiceCase, SqlError, make_sku, migrate, needs_binary


@needs_binary
class EventsStay(ServiceCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        client = cls.service.client()
        client.put("/products/tea", {"name": "Tea", "prices": {"EUR": 1}})
        client.post("/carts", {"items": [{"sku": "tea"}]})
        client.close()

    CHANGES = (
        "UPDATE events SET type = type",
        "UPDATE events SET data = '{}' WHERE position = 1",
        "DELETE FROM events",
        "DELETE FROM events WHERE false",
        "TRUNCATE events",
        "TRUNCATE events CASCADE",
        "MERGE INTO events USING (SELECT 1) AS one ON true WHEN MATCHED THEN DELETE",
    )

    def assert_refused(self, script, *reasons):
        before = self.database.sql("SELECT * FROM events ORDER BY position;")
        with self.assertRaises(SqlError) as refused:
            self.database.sql(script)
        self.assertTrue(
            any(reason in str(refused.exception) for reason in reasons),
            f"{script}: {refused.exception}",
        )
        self.assertEqual(self.database.sql("SELECT * FROM events ORDER BY position;"), before)

    def test_events_cannot_be_changed_by_their_owner(self):
        for change in self.CHANGES:
            self.assert_refused(f"{change};", "never changed or deleted")

    def test_events_cannot_be_changed_by_the_service(self):
        for role in ("cartd_app", "cartd_reader", "cartd_test_app"):
            for change in self.CHANGES:
                self.assert_refused(f"SET ROLE {role}; {change};", "permission denied")

    def test_the_service_may_not_change_the_schema(self):
        for script in (
            "ALTER TABLE events DISABLE TRIGGER ALL",
            "DROP TABLE events",
            "CREATE TABLE mine ()",
            "DROP TRIGGER events_stay ON events",
            "DELETE FROM schema_migrations",
            "SET session_replication_role = replica",
            "DELETE FROM streams",
            "DELETE FROM log_head",
            "INSERT INTO log_head (is_only, position, recorded_at) VALUES (false, 0, now())",
        ):
            self.assert_refused(
                f"SET ROLE cartd_app; {script};",
                "permission denied",
                "must be owner",
                "check constraint",
            )

    def test_a_reader_only_reads(self):
        for table in ("events", "streams", "log_head", "carts", "cart_chunks", "cart_items", "products"):
            self.database.sql(f"SET ROLE cartd_reader; SELECT count(*) FROM {table};")
        for script in (
            "INSERT INTO carts DEFAULT VALUES",
            "DELETE FROM carts",
            "UPDATE products SET name = ''",
            "UPDATE log_head SET position = 0",
            "DELETE FROM idempotency_keys",
        ):
            self.assert_refused(f"SET ROLE cartd_reader; {script};", "permission denied")

    def test_the_service_runs_with_no_more_than_those_rights(self):
        users = self.database.sql(
            "SELECT DISTINCT usename FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name LIKE 'cartd%';"
        )
        self.assertEqual(users, [["cartd_test_app"]])
        rights = self.database.sql(
            "SELECT rolsuper, rolcreatedb, rolcreaterole, rolbypassrls FROM pg_roles"
            " WHERE rolname IN ('cartd_test_app', 'cartd_app', 'cartd_reader');"
        )
        self.assertEqual(rights, [["f"] * 4] * 3)


@needs_binary
class ReadTables(ServiceCase):
    def test_what_a_cart_went_through_is_in_the_log(self):
        sku = self.make_product(499, name="Grüner Tee")
        cart = self.make_cart((sku, 2), customer_id="c", metadata={"gift": True})
        path = f"/carts/{cart['id']}"
        self.client.patch(f"{path}/items/{sku}", {"quantity": 5})
        self.client.delete(f"{path}/items/{sku}")
        self.add(cart["id"], sku)
        self.client.delete(f"{path}/items")
        self.client.post(f"{path}/cancel", headers={"X-Request-Id": "r-1"})
        rows = self.database.sql(
            "SELECT version, type, schema_version, data FROM events"
            f" WHERE stream_id = '{cart['id']}' ORDER BY version;"
        )
        line = {"item_id": sku, "sku": sku, "name": "Grüner Tee", "unit_price": 499}
        line["properties"] = {}
        self.assertEqual(
            [(row[0], row[1], row[2], json.loads(row[3])) for row in rows],
            [
                (
                    "1",
                    "CartCreated",
                    "2",
                    {
                        "currency": "EUR",
                        "customer_id": "c",
                        "metadata": {"gift": True},
                        "guest_token_hash": None,
                    },
                ),
                ("2", "ItemAdded", "4", {**line, "quantity": 2}),
                ("3", "ItemQuantityChanged", "1", {"item_id": sku, "quantity": 5}),
                ("4", "ItemRemoved", "1", {"item_id": sku, "quantity": 5}),
                ("5", "ItemAdded", "4", {**line, "quantity": 1}),
                ("6", "CartCleared", "1", {}),
                ("7", "CartCancelled", "1", {}),
            ],
        )
        command_ids = self.database.value(
            "SELECT count(DISTINCT command_id) || ' ' || bool_and(metadata->>'command_id' = command_id::text)"
            f" FROM events WHERE stream_id = '{cart['id']}';"
        )
        self.assertEqual(command_ids, "6 true", "the creation and its item are one command")

    def test_the_tables_agree_with_what_is_served(self):
        skus = [self.make_product(10 + i) for i in range(3)]
        cart = self.make_cart(*((sku, 2) for sku in skus), customer_id="agree")
        self.client.delete(f"/carts/{cart['id']}/items/{skus[1]}")
        self.client.post(f"/carts/{cart['id']}/checkout")
        served = self.get_cart(cart["id"])
        row = self.database.sql(
            "SELECT version, status, currency, customer_id, item_count, total,"
            f" created_at < closed_at, updated_at = closed_at FROM carts WHERE cart_id = '{cart['id']}';"
        )[0]
        self.assertEqual(
            row,
            [
                str(served["version"]),
                "checked_out",
                "EUR",
                "agree",
                "4",
                str(served["total"]),
                "t",
                "t",
            ],
        )
        items = self.database.sql(
            f"SELECT item_id, sku FROM cart_items WHERE cart_id = '{cart['id']}' ORDER BY item_id;"
        )
        self.assertEqual(
            items,
            sorted([line["id"], line["sku"]] for line in served["items"]),
        )

    def test_a_refusal_leaves_no_trace(self):
        cart = self.make_cart()
        before = self.database.sql("SELECT position FROM log_head;")
        for _ in range(3):
            self.add(cart["id"], make_sku("no"))
            self.client.post(
                f"/carts/{cart['id']}/checkout", headers={"Idempotency-Key": "refused"}
            )
            self.client.delete(f"/carts/{cart['id']}/items")
        self.assertEqual(self.database.sql("SELECT position FROM log_head;"), before)
        n_stored = self.database.value("SELECT count(*) FROM idempotency_keys WHERE key = 'refused';")
        self.assertEqual(n_stored, "0")


@needs_binary
class AnotherProcess(ServiceCase):
    def test_carts_outlive_the_process(self):
        sku = self.make_product()
        cart = self.make_cart((sku, 2))
        key = {"Idempotency-Key": "over-the-restart"}
        first = self.add(cart["id"], sku, **key)
        service = Service(self.database.app_url)
        try:
            with service.client() as client:
                self.assertEqual(client.get(f"/carts/{cart['id']}").body, first.body)
                again = self.add(cart["id"], sku, client=client, **key)
                self.assertEqual((again.status, again.body), (first.status, first.body))
                self.assertEqual(
                    self.assert_cart(self.add(cart["id"], sku, client=client))["version"], 4
                )
                # And back: what this process has cached of the cart is old now.
                self.assertEqual(self.assert_cart(self.add(cart["id"], sku))["version"], 5)
                self.assertEqual(
                    self.assert_cart(self.add(cart["id"], sku, client=client))["version"], 6
                )
        finally:
            service.stop()

    def test_positions_outlive_dump_and_restore(self):
        self.make_cart((self.make_product(), 1))
        dump = subprocess.run(
            ["pg_dump", "-d", self.database.owner_url], capture_output=True, check=False
        )
        if dump.returncode != 0:
            self.skipTest(f"no pg_dump for this server: {dump.stderr.decode()[:200]}")
        query = "SELECT position, stream_id, version, type, data, recorded_at FROM events ORDER BY position;"
        restored = Database()
        try:
            restored.sql(dump.stdout.decode())
            migrate(restored.owner_url)
            self.assertEqual(restored.sql(query), self.database.sql(query))
            service = Service(restored.app_url)
            with service.client() as client:
                self.assertEqual(client.post("/carts").status, 201)
            service.stop()
            self.assertEqual(restored.value("SELECT max(position) = count(*) FROM events;"), "t")
        finally:
            restored.drop()


if __name__ == "__main__":
    unittest.main()
