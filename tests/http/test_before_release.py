"""Databases that were made before 0.1.0: refused, and carried over by their log."""

import json
import pathlib
import re
import subprocess
import tempfile
import unittest

from support import (
    Database,
    Service,
    fixtures,
    migrate,
    needs_binary,
    needs_database,
    run_cartd,
    wait_until,
)

DUMP = fixtures.FOLDER / "before-0.1.0.sql"
CART = "b038c9e4-4cd1-5e5b-a3ce-3486ad3200bf"
# All that the rows of a table say, whatever the order of its columns is.
ROWS = "SELECT to_jsonb(t) FROM {} t ORDER BY to_jsonb(t)::text;"


def as_today(table, text):
    """The row as it is written now."""
    row = json.loads(text)
    if table == "carts":
        row["order_reference"] = row["customer_email"] = None
        row["abandoned_at"] = row["resume_token_hash"] = row["coupons"] = None
        for name in ("document", "document_end"):
            row[name] = row[name] and document_of_today(row[name])
        end = "document" if row["document_end"] is None else "document_end"
        row[end] = row[end][:-1] + ',"order_reference":null}'
    if table == "products":
        row["quantity"] = row["tags"] = None
    return row


def document_of_today(text):
    """A document, or a piece of one, with the members that came since."""
    for pattern, replacement in (
        (
            r'("unit_price":\d+,)"total":(\d+)',
            r'\1"price_source":"catalog","subtotal":\2,"discount":0,"total":\2',
        ),
        (
            r'("item_count":\d+,)"total":(\d+)',
            r'\1"coupons":[],"subtotal":\2,"discount":0,"totals":[],"total":\2,"notes":[]',
        ),
        (r'("currency":"[A-Z]{3}",)"customer_id"', r'\1"minor_unit":2,"customer_id"'),
        (r',"items":\[', ',"customer_email":null,"note":null,"items":['),
    ):
        text = re.sub(pattern, replacement, text)
    return text


@needs_binary
@needs_database
class BeforeRelease(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.old = Database()
        self.addCleanup(self.old.drop)
        self.old.sql(DUMP.read_text(encoding="utf-8"))

    def dump(self):
        done = subprocess.run(
            ["pg_dump", "--dbname", self.old.owner_url], capture_output=True, text=True, check=True
        )
        return re.sub(r"^\\(un)?restrict .*$", "", done.stdout, flags=re.MULTILINE)

    def assert_explained(self, text):
        for part in ("before 0.1.0", "can't be migrated", "`cartd events export`", "events import`"):
            self.assertIn(part, text)

    def test_migrate_refuses_and_changes_nothing(self):
        before = self.dump()
        for _ in range(2):
            done = run_cartd("migrate", url=self.old.owner_url)
            self.assertEqual((done.returncode, done.stdout), (1, ""), done.stderr)
            self.assert_explained(done.stderr)
        self.assertEqual(self.dump(), before)

    def test_so_it_is_however_far_it_was_migrated(self):
        other_wording = "ac3698a637c56e48455091050d13a518b5a9412132fffb6061a8d50f23b0e451"
        for change in (
            "DELETE FROM schema_migrations WHERE version > 12",
            f"UPDATE schema_migrations SET checksum = '{other_wording}' WHERE version = 1",
            "DELETE FROM schema_migrations WHERE version > 1",
        ):
            with self.subTest(change):
                self.old.sql(change + ";")
                done = run_cartd("migrate", url=self.old.owner_url)
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assert_explained(done.stderr)

    def test_no_other_command_takes_it(self):
        before = self.dump()
        with tempfile.NamedTemporaryFile("w", suffix=".csv") as catalogue:
            catalogue.write("sku,name,currency,price,code,percent\nx,x,EUR,1,x,1\n")
            catalogue.flush()
            for words in (
                ("verify",),
                ("rebuild", "all"),
                ("show", CART),
                ("projections",),
                ("projections", "rebuild", "demand"),
                ("events", "import", "/dev/null"),
                ("catalog", "import", catalogue.name),
                ("coupons", "import", catalogue.name),
            ):
                with self.subTest(words):
                    done = run_cartd(*words, url=self.old.owner_url, CARTD_WAIT_MS="1000")
                    self.assertEqual(done.returncode, 1, done)
                    self.assert_explained(done.stdout + done.stderr)
        self.assertEqual(self.dump(), before)

    def test_a_service_says_why_it_is_not_ready(self):
        service = Service(self.old.owner_url, waits_until_ready=False, CARTD_WAIT_MS="1000")
        self.addCleanup(service.stop)
        self.assert_explained(service.wait_for_event("database_not_ready")["reason"])
        with service.client() as client:
            self.assertEqual(client.get("/readyz").status, 503)
            self.assertEqual(client.get(f"/carts/{CART}").status, 503)
            self.assertEqual(client.post("/carts").status, 503)

    def test_its_log_makes_the_same_database_anew(self):
        new = Database().migrated_by(migrate)
        self.addCleanup(new.drop)
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "log.jsonl")
            done = run_cartd("events", "export", str(path), url=self.old.owner_url)
            self.assertEqual((done.returncode, done.stderr), (0, ""), done)
            self.assertEqual(len(path.read_text(encoding="utf-8").splitlines()), 31)
            done = run_cartd("events", "import", str(path), url=new.app_url)
            self.assertEqual((done.returncode, done.stderr), (0, ""), done)
            self.assertIn("events: 31 imported, 0 were there already", done.stdout)
        self.assert_same_rows(new, "events", "streams", "carts", "cart_items", "products")
        # Its chunks of long documents were called parts.
        old_chunks = "SELECT cart_id, part, lines FROM cart_parts ORDER BY 1, 2;"
        chunks = self.old.sql(old_chunks)
        self.assertNotEqual(chunks, [])
        self.assertEqual(
            new.sql("SELECT cart_id, chunk, lines FROM cart_chunks ORDER BY 1, 2;"),
            [[cart_id, part, document_of_today(lines)] for cart_id, part, lines in chunks],
        )
        done = run_cartd("verify", url=new.reader_url)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        self.assertIn("clean: ", done.stdout)
        self.assert_served(new)

    def assert_same_rows(self, new, *tables):
        for table in tables:
            rows = [as_today(table, row) for (row,) in self.old.sql(ROWS.format(table))]
            self.assertNotEqual(rows, [], table)
            is_there = [json.loads(row) for (row,) in new.sql(ROWS.format(table))]
            self.assertCountEqual(is_there, rows, table)

    def assert_served(self, new):
        service = Service(new.app_url)
        self.addCleanup(service.stop)
        least = "SELECT min(position) FROM projection_checkpoints;"
        wait_until(lambda: new.value(least) == "31", "the reports know the whole log")
        self.assert_same_rows(new, "demand_changes", "funnel_steps", "removals")
        with service.client() as client:
            self.assertEqual(client.get(f"/carts/{CART}").json()["status"], "checked_out")
            for cart in client.get("/carts?status=open").json()["carts"]:
                answer = client.post(f"/carts/{cart['id']}/checkout")
                self.assertEqual((answer.status, answer.version), (200, cart["version"] + 1), answer)


if __name__ == "__main__":
    unittest.main()
