"""Connection strings that are wrong: they end the start with what is wrong and without any of their
words, of which one may be the password. What may come right by itself is waited for."""

import pathlib
import tempfile
import time
import unittest

from support import (
    Cluster,
    Service,
    ServiceCase,
    find_server_programs,
    make_id,
    migrate,
    needs_binary,
    run_cartd,
)

SECRET = "xyzzy-secret"
# No password, host or option may be repeated.
NEVER = {
    "two at signs": f"postgresql://shop:{SECRET}@@db.internal/shop",
    "an at sign in the password": f"postgresql://shop:p@{SECRET}@db.internal/shop",
    "a slash in the password": f"postgresql://shop:5/{SECRET}@db.internal/shop",
    "a slash and no port": f"postgresql://shop:a/{SECRET}@db.internal/shop",
    "a percent sign": f"postgresql://shop:{SECRET}%zz@db.internal/shop",
    "a zero byte": f"postgresql://shop:{SECRET}%00@db.internal/shop",
    "no colon": f"postgresql//shop:{SECRET}@db.internal/shop",
    "another scheme": f"mysql://shop:{SECRET}@db.internal/shop",
    "no words": SECRET,
    "a space in the password": f"host=db.internal password=p {SECRET}",
    "a pair in the password": f"host=db.internal password=p {SECRET}=1",
    "an open quote": f"host=db.internal password='{SECRET}",
    "an open bracket": f"postgresql://shop:{SECRET}@[::1/shop",
    "no bracket": f"postgresql://shop:{SECRET}@[]/shop",
    "an unknown option": f"postgresql://shop:{SECRET}@db.internal/shop?sslmod=require",
    "an option of no value": f"postgresql://shop:{SECRET}@db.internal/shop?{SECRET}",
    "sslmode": f"postgresql://shop:{SECRET}@db.internal/shop?sslmode=requre",
    "sslmode of words": f"host=db.internal password={SECRET} sslmode={SECRET}",
    "a port of letters": f"postgresql://shop:{SECRET}@db.internal:{SECRET}/shop",
    "a port too large": f"postgresql://shop:{SECRET}@db.internal:70000/shop",
    "more ports than hosts": f"host=db.internal port=1,2 password={SECRET}",
    "an address that is none": f"hostaddr={SECRET} password={SECRET}",
    "more addresses than hosts": f"host=a,b hostaddr=127.0.0.1 password={SECRET}",
    "keepalives": f"host=db.internal keepalives_idle={SECRET}",
    "connect_timeout": f"host=db.internal connect_timeout={SECRET}",
    "target_session_attrs": f"host=db.internal target_session_attrs={SECRET}",
    "channel_binding": f"host=db.internal channel_binding={SECRET}",
    "gssencmode": f"host=db.internal gssencmode={SECRET}",
    "protocol version": f"host=db.internal ssl_min_protocol_version={SECRET}",
    "no root certificate": f"host=db.internal sslmode=verify-full sslrootcert=/{SECRET}",
    "no such service": f"service={SECRET}",
}
WORDS = (SECRET, "db.internal", "mysql", "requre", "sslmod ")

# Settings that are no connection strings, of every kind.
SETTINGS = (
    "CARTD_LISTEN",
    "CARTD_AUTH",
    "CARTD_AUTH_ALGORITHM",
    "CARTD_AUTH_AUDIENCE",
    "CARTD_AUTH_ISSUER",
    "CARTD_AUTH_KEYS",
    "CARTD_CACHE_CARTS",
    "CARTD_CORS_ORIGINS",
    "CARTD_CURRENCIES",
    "CARTD_DEFAULT_CURRENCY",
    "CARTD_LOG_LEVEL",
    "CARTD_PROXIES",
    "CARTD_WAIT_MS",
)


@needs_binary
class ConnectionStrings(unittest.TestCase):
    def assert_refused(self, done, name):
        told = done.stdout + done.stderr
        self.assertEqual(done.returncode, 2, told)
        self.assertIn(f"cartd: {name} is not a valid connection string: ", told)
        for word in WORDS:
            self.assertNotIn(word, told)
        self.assertEqual(told.count("\n"), 1, told)

    def test_one_at_the_wrong_place_is_not_repeated(self):
        """A swapped variable in a compose file, a flag that was forgotten."""
        url = "postgresql:///nobody"
        for text in (
            f"postgresql://shop:{SECRET}@db.internal/shop",
            f"host=db.internal user=shop password={SECRET}",
        ):
            for setting in SETTINGS:
                with self.subTest(setting=setting, text=text):
                    done = run_cartd("serve", url=url, timeout=20, **{setting: text})
                    self.assert_kept(done)
            for call in (
                ("serve", "--listen", text),
                ("serve", f"--log-level={text}"),
                ("serve", f"--{text}"),
                ("serve", text),
                ("show", make_id(), "--at", text),
                ("show", make_id(), f"--version={text}"),
                ("events", "--cart", text),
                ("events", "--after", text),
                ("events", "--type", text),
                ("rebuild", "carts", "--from", text),
                ("healthcheck", "--listen", text),
                (text,),
            ):
                with self.subTest(call=call):
                    self.assert_kept(run_cartd(*call, url=url, timeout=20))

    def assert_kept(self, done):
        told = done.stdout + done.stderr
        self.assertEqual(done.returncode, 2, told)
        for word in WORDS:
            self.assertNotIn(word, told)
        self.assertEqual(told.count("\n"), 1, told)

    def test_one_that_can_never_work_ends_the_start_and_is_not_repeated(self):
        cart = make_id()
        for why, url in NEVER.items():
            with self.subTest(why=why):
                done = run_cartd("serve", "--listen", "127.0.0.1:0", url=url, timeout=20)
                self.assert_refused(done, "DATABASE_URL")
                self.assert_refused(run_cartd("show", cart, "--database-url", url), "DATABASE_URL")

    def test_so_does_each_subcommand_and_each_setting(self):
        url = NEVER["a percent sign"]
        for words in (
            ("verify",),
            ("rebuild", "all"),
            ("events",),
            ("events", "export"),
            ("events", "import", "-"),
            ("events", "upgrade", "--into", "-"),
            ("catalog", "import", "-"),
            ("projections",),
            ("migrate",),
        ):
            with self.subTest(words=words):
                self.assert_refused(run_cartd(*words, url=url), "DATABASE_URL")
        self.assert_refused(run_cartd("migrate", CARTD_MIGRATE_URL=url), "CARTD_MIGRATE_URL")
        for into in (url, NEVER["no colon"], NEVER["another scheme"]):
            done = run_cartd("events", "upgrade", "--into", into, url="postgresql://127.0.0.1:1/x")
            self.assert_refused(done, "--into")

    def test_one_of_the_environment_or_a_service_file_is_checked_too(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "services")
            file.write_text(f"[shop]\nhost=db.internal\npassword={SECRET}\nsslmode=requre\n")
            done = run_cartd("serve", url="service=shop", PGSERVICEFILE=str(file))
            self.assert_refused(done, "DATABASE_URL")
            file.write_text(f"[shop]\n{SECRET}\n")
            done = run_cartd("serve", url="service=shop", PGSERVICEFILE=str(file))
            self.assert_refused(done, "DATABASE_URL")
        done = run_cartd("serve", url="host=db.internal", PGSSLMODE="requre")
        self.assert_refused(done, "DATABASE_URL")

    def test_one_that_is_given_at_the_wrong_place_is_not_repeated(self):
        url = f"postgresql://shop:{SECRET}@127.0.0.1:1/shop"
        pair = f"host=127.0.0.1 password={SECRET}"
        for text in (url, pair, url.replace("://", "//")):
            for words in (
                ("serve", text),
                ("migrate", text),
                ("verify", text),
                ("show", text),
                ("events", text),
                ("events", "export", text),
                ("events", "import", text),
                ("catalog", "import", text),
                ("healthcheck", text),
                (text,),
                (text, "serve"),
            ):
                with self.subTest(words=words):
                    done = run_cartd(*words, url="postgresql://127.0.0.1:1/x")
                    self.assertNotEqual(done.returncode, 0)
                    self.assertNotIn(SECRET, done.stdout + done.stderr)

    def test_a_secret_of_tokens_that_is_given_as_its_file_is_not_repeated(self):
        done = run_cartd(
            "serve",
            url="postgresql://127.0.0.1:1/x",
            CARTD_AUTH="token",
            CARTD_AUTH_ALGORITHM="HS256",
            CARTD_AUTH_KEYS=SECRET * 4,
            CARTD_AUTH_ISSUER="i",
            CARTD_AUTH_AUDIENCE="a",
        )
        self.assertEqual(done.returncode, 1)
        self.assertIn("CARTD_AUTH_KEYS", done.stderr)
        self.assertNotIn(SECRET, done.stdout + done.stderr)

    def test_what_is_rare_and_right_is_taken(self):
        here = "127.0.0.1:1"
        for url in (
            f"postgresql://shop:p%40p%2Fp@{here}/a%40b?application_name=a@b",
            f"postgres://{here},{here}/x?target_session_attrs=any&connect_timeout=2",
            "host=127.0.0.1,::1 port=1 dbname='a b' user='it\\'s' sslmode=disable",
            "host=127.0.0.1,127.0.0.1 hostaddr=127.0.0.1,::1 port=1,2",
            "host=@abstract",
            f"postgresql://{here}/?sslmode=require&sslrootcert=/none",
        ):
            with self.subTest(url=url):
                done = run_cartd("show", make_id(), url=url)
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertNotIn("connection string", done.stderr)


@needs_binary
@unittest.skipUnless(find_server_programs(), "PostgreSQL's server programs are not installed")
class WhatMayComeRight(ServiceCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster()
        cls.addClassCleanup(cls.cluster.destroy)
        rules = pathlib.Path(cls.cluster.data, "pg_hba.conf")
        rules.write_text(
            "host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
        )
        cls.cluster.start()
        migrate(cls.cluster.url)

    def test_a_login_and_a_password_that_come_later_are_waited_for(self):
        url = f"postgresql://later:{SECRET}@127.0.0.1:{self.cluster.port}/postgres"
        service = Service(url, waits_until_ready=False, CARTD_WAIT_MS="200")
        self.addCleanup(service.stop)
        with service.client() as client:
            for sql in (
                "SELECT 1;",
                "CREATE USER later PASSWORD 'another' IN ROLE cartd_app;",
                f"ALTER USER later PASSWORD '{SECRET}';",
            ):
                self.assertEqual(client.get("/readyz").status, 503)
                self.cluster.sql(sql)
                time.sleep(1.2)
            service.wait_until_ready()
            told = client.get("/readyz?verbose").body.decode() + service.output()
        self.assertIn("password authentication failed", service.output())
        self.assertNotIn(SECRET, told)


if __name__ == "__main__":
    unittest.main()
