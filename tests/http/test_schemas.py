"""Several logs in one database, each in a schema of its own."""

import unittest

from support import (
    Database,
    Service,
    ServiceCase,
    migrate,
    needs_binary,
    run_at_once,
    run_cartd,
    wait_until,
)
from support.database import change_url


def in_schemas(url, *schemas):
    """The connection string with another search path."""
    path = "%2C".join(schemas)
    return f"{url}{'&' if '?' in url else '?'}options=-csearch_path%3D{path}"


@needs_binary
class Schemas(ServiceCase):
    def make_schema(self, name):
        self.database.sql(f"CREATE SCHEMA {name};")
        migrate(in_schemas(self.database.owner_url, name))
        return in_schemas(self.database.app_url, name)

    def start(self, url, **settings):
        service = Service(url, **settings)
        self.addCleanup(service.stop)
        return service

    def test_two_logs_know_nothing_of_each_other(self):
        services = [self.start(self.make_schema(f"shop_{name}")) for name in "ab"]

        def shop(i):
            with services[i].client() as client:
                sku = self.make_product(5, client=client)
                cart = self.make_cart(client=client)["id"]
                for version in range(2, 30):
                    self.assertEqual(self.add(cart, sku, client=client).version, version)
                    self.assertEqual(client.get(f"/carts/{cart}").version, version)
                # Each is the only writer of its log, so each answers reads from memory.
                wait_until(
                    lambda: client.get(f"/carts/{cart}").status == 200
                    and b"cartd_reads_from_memory_total 0\n" not in client.get("/metrics").body,
                    "reads come from memory",
                )
                self.assertEqual(client.get("/events?limit=1").json()["head"], 30)

        run_at_once(2, shop)
        for name in "ab":
            done = run_cartd("verify", url=in_schemas(self.database.owner_url, f"shop_{name}"))
            self.assertEqual(done.returncode, 0, done)

    def test_a_search_path_that_mixes_two_is_refused(self):
        self.make_schema("shop_c")
        self.make_schema("shop_d")
        self.database.sql("DROP TABLE shop_c.cart_items;")
        url = in_schemas(self.database.app_url, "shop_c", "shop_d")
        done = run_cartd("verify", url=url, CARTD_WAIT_MS="1000")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("several schemas", done.stdout + done.stderr)

    def test_a_migration_needs_no_right_to_make_roles_that_are_there(self):
        self.database.sql("""
            DROP ROLE IF EXISTS cartd_test_owner;
            CREATE ROLE cartd_test_owner LOGIN PASSWORD 'owner';
        """)
        database = Database()
        self.addCleanup(self.database.sql, "DROP ROLE cartd_test_owner;")
        self.addCleanup(database.drop)
        database.sql(f"ALTER DATABASE {database.name} OWNER TO cartd_test_owner;")
        migrate(change_url(database.owner_url, user="cartd_test_owner", password="owner"))


if __name__ == "__main__":
    unittest.main()
