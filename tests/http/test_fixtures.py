"""tests/fixtures have an event of each shape that was ever recorded, and each is read for ever."""

import itertools
import json
import pathlib
import re
import unittest

from support import (
    Database,
    Service,
    fixtures,
    migrate,
    needs_binary,
    needs_database,
    run_cartd,
)

SOURCES = pathlib.Path(__file__).resolve().parents[2] / "src"


def read_shapes():
    """The newest schema_version of each type of event: the rows of CART_EVENTS and its like."""
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(SOURCES.glob("*/*.h")))
    lists = re.findall(r"#define [A-Z]+_EVENTS\(ROW\)((?:.*\\\n)*.*)", text)
    return {
        name: int(version)
        for rows in lists
        for name, version in re.findall(r'ROW\(\w+, "(\w+)", (\d+)\)', rows)
    }


@needs_binary  # where the sources are too
class EachShape(unittest.TestCase):
    def test_each_version_of_each_event_is_in_a_fixture(self):
        newest = read_shapes()
        self.assertGreater(len(newest), 30)
        wanted = {
            (name, version) for name in newest for version in range(1, newest[name] + 1)
        }
        folders = [path.name for path in fixtures.FOLDER.iterdir() if path.is_dir()]
        recorded = {
            (event["type"], event["schema_version"])
            for event in itertools.chain(*(fixtures.read(name, "events") for name in folders))
        }
        self.assertEqual(wanted - recorded, set())
        self.assertEqual(recorded - wanted, set())


@needs_binary
@needs_database
class Coupons(unittest.TestCase):
    """Coupons, customers with one open cart, and what came with them, as they are recorded today."""

    TABLES = ("carts", "cart_items", "coupons")
    OPEN = "01936f6e-0000-7000-8000-000000000201"  # of ada; it was checked out and reopened

    def setUp(self):
        self.database = Database().migrated_by(migrate)
        self.addCleanup(self.database.drop)
        fixtures.load(self.database, "coupons")

    def assert_done(self, *arguments):
        done = run_cartd(*arguments, url=self.database.app_url)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_they_are_served_and_go_on(self):
        self.assert_done("verify")
        service = Service(self.database.app_url, CARTD_OPEN_CARTS="one")
        self.addCleanup(service.stop)
        with service.client() as client:
            for row in fixtures.read("coupons", "carts"):
                stored, now = json.loads(row["document"]), client.get(f"/carts/{row['cart_id']}").json()
                self.assertEqual({name: now[name] for name in stored}, stored)
            for row in fixtures.read("coupons", "coupons"):
                stored, now = json.loads(row["document"]), client.get(f"/coupons/{row['folded_code']}").json()
                self.assertEqual({name: now[name] for name in stored}, stored)
            used = client.get("/coupons/summer").json()["used"]
            found = client.get("/carts?coupon=SUMMER").json()["carts"]
            self.assertIn(self.OPEN, [cart["id"] for cart in found])
            answer = client.post("/carts", {"customer_id": "ada"})
            self.assertEqual((answer.status, answer.slug), (409, "open-cart-exists"))
            answer = client.post(f"/carts/{self.OPEN}/checkout")
            self.assertEqual(answer.status, 200, answer)
            self.assertEqual(client.get("/coupons/summer").json()["used"], used + 1)
            self.assertEqual(client.post("/carts", {"customer_id": "ada"}).status, 201)
        self.assert_done("verify")

    def test_a_rebuild_makes_the_same_tables(self):
        def read():
            return [
                self.database.sql(f"SELECT to_jsonb(t) FROM {table} t ORDER BY to_jsonb(t)::text;")
                for table in self.TABLES
            ]

        before = read()
        self.database.sql("TRUNCATE carts, cart_items, coupons;")
        self.assert_done("rebuild", "all")
        self.assertEqual(read(), before)


if __name__ == "__main__":
    unittest.main()
