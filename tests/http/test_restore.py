"""docs/RESTORE.md, run as it stands there; and roles and rights that are missing."""

import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from support import (
    Cluster,
    Database,
    Service,
    ServiceCase,
    find_server_programs,
    migrate,
    needs_binary,
    run_cartd,
)
from support.database import change_url, run_sql
from support.settings import BINARY

ROOT = pathlib.Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)
RIGHTS = """
    SELECT relname, a.grantee::regrole::text, a.privilege_type
    FROM pg_class CROSS JOIN LATERAL aclexplode(relacl) a
    WHERE relnamespace = 'public'::regnamespace AND a.grantee <> relowner
    ORDER BY 1, 2, 3;
"""


@needs_binary
@unittest.skipUnless(find_server_programs(), "PostgreSQL's server programs are not installed")
class Restore(ServiceCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cluster = Cluster()
        cls.addClassCleanup(cls.cluster.destroy)
        cls.cluster.start()
        cls.target = change_url(cls.cluster.url, database="shop")
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = folder.name
        os.symlink(BINARY, f"{cls.folder}/cartd")

    def run_block(self, script):
        variables = {
            "SOURCE": self.database.owner_url,
            "SERVER": self.cluster.url,
            "TARGET": self.target,
            "PATH": f"{self.folder}:{find_server_programs()}:{os.environ['PATH']}",
        }
        environment = {
            name: text for name, text in os.environ.items() if not name.startswith("CARTD_")
        }
        done = subprocess.run(
            ["sh", "-exc", script],
            cwd=self.folder,
            env={**environment, **variables},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def serve(self):
        url = change_url(self.target, user="shop_app", password="change-me")
        service = Service(url)
        self.addCleanup(service.stop)
        return service

    def test_what_is_restored_is_served(self):
        sku = self.make_product(499)
        cart_ids = [self.make_cart((sku, n + 1))["id"] for n in range(5)]
        carts = [self.get_cart(cart_id) for cart_id in cart_ids]
        rights = self.database.sql(RIGHTS)
        backup, anew, in_place = BLOCK.findall((ROOT / "docs" / "RESTORE.md").read_text())
        self.run_block(backup)

        self.assertIn("clean: ", self.run_block(anew))
        self.assertEqual(run_sql(self.target, RIGHTS), rights)
        service = self.serve()
        with service.client() as client:
            for cart in carts:
                self.assertEqual(client.get(f"/carts/{cart['id']}").json(), cart)
            sold = client.post(f"/carts/{cart_ids[0]}/checkout")
            self.assertEqual(sold.status, 200, sold)
        service.stop()

        self.assertIn("clean: ", self.run_block(in_place))
        service = self.serve()
        with service.client() as client:
            for cart in carts:
                self.assertEqual(client.get(f"/carts/{cart['id']}").json(), cart)
            self.assertEqual(client.post(f"/carts/{cart_ids[0]}/cancel").status, 200)


@needs_binary
@unittest.skipUnless(find_server_programs(), "PostgreSQL's server programs are not installed")
class RolesAndRights(unittest.TestCase):
    """In a cluster of its own, as roles belong to the whole."""

    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster()
        cls.addClassCleanup(cls.cluster.destroy)
        cls.cluster.start()

    def setUp(self):
        self.database = Database(self.cluster.url)
        self.addCleanup(self.database.drop)
        migrate(self.database.owner_url)
        self.rights = self.database.sql(RIGHTS)
        self.assertIn(["events", "cartd_app", "INSERT"], self.rights)

    def lose(self, role):
        self.database.sql(f"DROP OWNED BY {role}; DROP ROLE {role};")

    def test_each_role_that_is_missing_is_made_with_its_rights(self):
        for roles in (("cartd_app", "cartd_reader"), ("cartd_app",), ("cartd_reader",)):
            for role in roles:
                self.lose(role)
            done = run_cartd("migrate", url=self.database.owner_url)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("rights_granted", done.stderr)
            self.assertEqual(self.database.sql(RIGHTS), self.rights)
            done = run_cartd("migrate", url=self.database.owner_url)
            self.assertNotIn("rights_granted", done.stderr, "nothing is missing any more")

    def test_each_right_that_is_missing_is_granted(self):
        self.database.sql("REVOKE INSERT ON events FROM cartd_app;")
        self.database.sql("REVOKE ALL ON carts, log_head FROM cartd_app, cartd_reader;")
        migrate(self.database.owner_url)
        self.assertEqual(self.database.sql(RIGHTS), self.rights)

    def test_one_who_may_not_make_roles_is_told_what_must_be_done(self):
        self.lose("cartd_app")
        self.lose("cartd_reader")
        self.database.sql(f"""
            CREATE ROLE modest LOGIN;
            ALTER DATABASE {self.database.name} OWNER TO modest;
            GRANT ALL ON SCHEMA public TO modest;
            DO $$ DECLARE name text; BEGIN
                FOR name IN SELECT relname FROM pg_class
                    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' LOOP
                    EXECUTE format('ALTER TABLE %I OWNER TO modest', name);
                END LOOP;
            END $$;
        """)
        url = change_url(self.database.owner_url, user="modest")
        done = run_cartd("migrate", url=url)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("permission denied to create role", done.stderr)
        script = done.stderr[done.stderr.index("CREATE ROLE cartd_app NOLOGIN;") :]
        self.assertIn("GRANT INSERT, SELECT ON events TO cartd_app;", script)
        self.database.sql(script)
        done = run_cartd("migrate", url=url)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.database.sql(RIGHTS), self.rights)

    def test_one_who_may_not_make_roles_is_told_so_in_a_new_database_too(self):
        self.lose("cartd_app")
        self.lose("cartd_reader")
        self.database.sql("CREATE ROLE newcomer LOGIN;")
        self.addCleanup(self.cluster.sql, "DROP ROLE newcomer;")
        new = Database(self.cluster.url)
        self.addCleanup(new.drop)
        new.sql(f"ALTER DATABASE {new.name} OWNER TO newcomer; GRANT ALL ON SCHEMA public TO newcomer;")
        url = change_url(new.owner_url, user="newcomer")
        done = run_cartd("migrate", url=url)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("permission denied to create role", done.stderr)
        new.sql(done.stderr[done.stderr.index("CREATE ROLE cartd_app NOLOGIN;") :])
        done = run_cartd("migrate", url=url)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(new.sql(RIGHTS), self.rights)

    def test_one_who_may_not_make_roles_may_migrate_when_none_is_missing(self):
        self.database.sql("CREATE ROLE owner LOGIN;")
        self.database.sql("GRANT ALL ON SCHEMA public TO owner;")
        self.database.sql("GRANT ALL ON ALL TABLES IN SCHEMA public TO owner;")
        done = run_cartd("migrate", url=change_url(self.database.owner_url, user="owner"))
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_reader_may_verify(self):
        self.database.sql("CREATE ROLE analyst LOGIN IN ROLE cartd_reader;")
        self.addCleanup(self.cluster.sql, "DROP ROLE analyst;")
        url = change_url(self.database.owner_url, user="analyst")
        done = run_cartd("verify", url=url)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        self.assertIn("clean: ", done.stdout)
        for words in (("events",), ("projections",)):
            self.assertEqual(run_cartd(*words, url=url).returncode, 0)


if __name__ == "__main__":
    unittest.main()
