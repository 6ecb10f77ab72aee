"""The command line: help, settings, migrate, catalog import, healthcheck."""

import os
import subprocess
import unittest

from support import (
    BINARY,
    Database,
    ImportCase,
    Service,
    ServiceCase,
    complain_of_sanitizers,
    make_sku,
    migrate,
    needs_binary,
    run_cartd,
    take_free_port,
)
from support.service import clean_environment, lean_settings

NOWHERE = "postgresql://nobody@127.0.0.1:1/none"


@needs_binary
class Words(unittest.TestCase):
    def test_help_tells_the_subcommands_and_the_settings(self):
        for arguments in (["--help"], ["help"]):
            done = run_cartd(*arguments)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            for word in (
                "serve",
                "migrate",
                "catalog",
                "healthcheck",
                "version",
                "CARTD_LISTEN",
                "DATABASE_URL",
                "CARTD_MIGRATE_URL",
                "--listen",
                "127.0.0.1:8080",
            ):
                self.assertIn(word, done.stdout)

    def test_each_subcommand_has_a_help_of_its_own(self):
        for name in ("serve", "migrate", "catalog", "healthcheck"):
            done = run_cartd(name, "--help")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(f"cartd {name}", done.stdout)

    def test_the_version_is_a_version(self):
        for arguments in (["version"], ["--version"]):
            done = run_cartd(*arguments)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertRegex(done.stdout, r"\d+\.\d+\.\d+")

    def test_what_is_not_a_subcommand_is_refused(self):
        for arguments in (
            ["sevre"],
            [],
            ["serve", "extra"],
            ["migrate", "up"],
            ["catalog"],
            ["catalog", "export"],
            ["catalog", "import"],
            ["serve", "--nothing"],
            ["serve", "--listen"],
        ):
            done = run_cartd(*arguments, url=NOWHERE)
            self.assertEqual(done.returncode, 2, (arguments, done))
            self.assertNotEqual(done.stderr, "")

    def test_a_misspelt_subcommand_is_told_the_nearest(self):
        self.assertIn("serve", run_cartd("sevre").stderr)

    def test_an_unknown_variable_is_an_error(self):
        done = run_cartd("serve", url=NOWHERE, CARTD_LISTENN="127.0.0.1:0")
        self.assertEqual(done.returncode, 2, done)
        self.assertIn("CARTD_LISTENN", done.stderr)

    def test_a_setting_has_bounds(self):
        for name, text in (
            ("CARTD_WAIT_MS", "0"),
            ("CARTD_WAIT_MS", "soon"),
            ("CARTD_LOG_LEVEL", "loud"),
            ("CARTD_DEFAULT_CURRENCY", "euro"),
            ("CARTD_DEFAULT_CURRENCY", "XTS"),
            ("CARTD_CURRENCIES", "PTS"),
            ("CARTD_CURRENCIES", "USD:3"),
            ("CARTD_BATCH_COMMANDS", "99999999999999999999"),
        ):
            done = run_cartd("serve", url=NOWHERE, **{name: text})
            self.assertEqual(done.returncode, 2, (name, text, done))

    def test_an_unusable_address_is_said(self):
        for text in ("nowhere", "127.0.0.1", "127.0.0.1:99999", "256.0.0.1:80", ":"):
            done = run_cartd("serve", url=NOWHERE, CARTD_LISTEN=text)
            self.assertIn(done.returncode, (1, 2), (text, done))
            self.assertNotEqual(done.stderr, "")

    def test_a_health_check_of_nothing_fails(self):
        done = run_cartd("healthcheck", CARTD_LISTEN=f"127.0.0.1:{take_free_port()}")
        self.assertEqual(done.returncode, 1, done)


@needs_binary
class Migrating(unittest.TestCase):
    def setUp(self):
        self.database = Database()
        self.addCleanup(self.database.drop)

    def test_migrating_twice_does_no_harm(self):
        self.assertEqual(run_cartd("migrate", url=self.database.owner_url).returncode, 0)
        before = self.database.sql("SELECT * FROM schema_migrations;")
        self.assertTrue(before)
        done = run_cartd("migrate", url=self.database.owner_url)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.database.sql("SELECT * FROM schema_migrations;"), before)

    def test_migrating_at_once_does_no_harm(self):
        environment = clean_environment(DATABASE_URL=self.database.owner_url)
        running = [
            subprocess.Popen(
                [BINARY, "migrate"],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
            for _ in range(5)
        ]
        for process in running:
            output = process.communicate(timeout=120)[0].decode()
            complain_of_sanitizers(output)
            self.assertEqual(process.returncode, 0, output)

    def test_a_migration_url_of_its_own_is_used(self):
        done = run_cartd("migrate", url=NOWHERE, CARTD_MIGRATE_URL=self.database.owner_url)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotEqual(self.database.value("SELECT count(*) FROM schema_migrations;"), "0")

    def test_a_script_that_was_changed_afterwards_is_refused(self):
        migrate(self.database.owner_url)
        column = self.database.value(
            "SELECT data_type FROM information_schema.columns"
            " WHERE table_name = 'schema_migrations' AND column_name = 'checksum';"
        )
        other = "'\\x00'" if column == "bytea" else "'0'"
        self.database.sql(f"UPDATE schema_migrations SET checksum = {other} WHERE version = 1;")
        done = run_cartd("migrate", url=self.database.owner_url)
        self.assertEqual(done.returncode, 1, done)

    def test_a_service_on_an_empty_database_says_once_what_to_do(self):
        database = Database()
        self.addCleanup(database.drop)
        service = Service(database.owner_url, waits_until_ready=False, CARTD_WAIT_MS="1000")
        self.addCleanup(service.stop)
        reason = service.wait_for_event("database_not_ready")["reason"]
        self.assertTrue(reason.startswith("run `cartd migrate`: "), reason)
        with service.client() as client:
            for path in ("/readyz", "/carts", "/reports/demand", "/events"):
                self.assertEqual(client.get(path).status, 503)
        self.assertEqual(len(service.events("database_not_ready")), 1, service.output())

    def test_a_name_is_only_guessed_if_it_is_near(self):
        for word, guess in (("serv", "serve"), ("verfy", "verify"), ("import", None), ("x", None)):
            told = run_cartd(word).stderr
            self.assertIn(f'unknown subcommand "{word}"', told)
            self.assertEqual("did you mean" in told, guess is not None, told)
            self.assertIn(guess or "see `cartd --help`", told)

    def test_a_database_that_is_not_there_is_said(self):
        done = run_cartd("migrate", url=NOWHERE)
        self.assertEqual(done.returncode, 1, done)
        self.assertNotEqual(done.stderr, "")


@needs_binary
class Importing(ImportCase):
    def test_products_are_imported(self):
        tea, mug = make_sku("tea"), make_sku("mug")
        content = f"sku,name,currency,price,active\n{tea},Tea,EUR,499,true\n{tea},Tea,USD,549,\n{mug},Mug,EUR,0,false\n"
        done = self.run_import(content)
        self.assertEqual(done.stderr, "")
        self.assertEqual(self.product(tea)["prices"], {"EUR": 499, "USD": 549})
        self.assertEqual((self.product(tea)["active"], self.product(mug)["active"]), (True, False))
        version = self.product(tea)["version"]
        self.run_import(content)
        self.assertEqual(self.product(tea)["version"], version, "the same again records nothing")

    def test_other_prices_stay(self):
        sku = self.make_product(100, currency="CHF", name="Old")
        self.run_import(f"sku,name,currency,price\n{sku},New,EUR,5\n")
        product = self.product(sku)
        self.assertEqual((product["name"], product["prices"]), ("New", {"CHF": 100, "EUR": 5}))

    def test_a_running_service_sells_at_the_imported_price(self):
        sku = self.make_product(100)
        cart_id = self.make_cart((sku, 1))["id"]
        self.run_import(f"sku,name,currency,price\n{sku},Tea,EUR,70\n")
        self.assertEqual(self.assert_cart(self.add(cart_id, sku))["total"], 140)

    def test_columns_may_be_quoted_and_lines_end_in_any_way(self):
        one, two, three = make_sku(), make_sku(), make_sku()
        self.run_import(
            b"\xef\xbb\xbfprice,name,sku,currency\r\n"
            + f'1,"Tea, ""green""\nand good",{one},EUR\r\n'.encode().replace(
                b"\nand good", b" and good"
            )
            + f'"2","Grüner Tee","{two}","EUR"\r\n'.encode()
            + f"3,Tee,{three},EUR".encode()
        )
        self.assertEqual(self.product(one)["name"], 'Tea, "green" and good')
        self.assertEqual(self.product(two)["name"], "Grüner Tee")
        self.assertEqual(self.product(three)["prices"], {"EUR": 3})

    def bad_file(self):
        good = [make_sku(), make_sku()]
        lines = [
            "sku,name,currency,price,active",
            f"{good[0]},Tea,EUR,1,true",  # 2
            "b/../ad,Tea,EUR,1,true",
            f"{make_sku()},,EUR,1,true",
            f"{make_sku()},Tea,euro,1,true",
            f"{make_sku()},Tea,EUR,1.5,true",
            f"{make_sku()},Tea,EUR,-1,true",
            f"{make_sku()},Tea,EUR,9007199254740992,true",
            f"{make_sku()},Tea,EUR,1,perhaps",
            f"{make_sku()},Tea,EUR",
            f"{make_sku()},Tea,EUR,1,true,more",
            f"{good[1]},Tea,EUR,2,true",  # 12
        ]
        return good, "\n".join(lines) + "\n", range(3, 12)

    def test_bad_lines_are_told_by_number_and_the_others_imported(self):
        good, content, bad_lines = self.bad_file()
        done = self.run_import(content, expected=1)
        for number in bad_lines:
            self.assertRegex(done.stderr, rf"\b{number}\b")
        for number in (2, 12):
            self.assertNotRegex(done.stderr, rf"(line |:){number}\b")
        for sku, price in zip(good, (1, 2)):
            self.assertEqual(self.product(sku)["prices"], {"EUR": price})

    def test_strict_imports_nothing_when_a_line_is_bad(self):
        good, content, bad_lines = self.bad_file()
        done = self.run_import(content, "--strict", expected=1)
        for number in bad_lines:
            self.assertRegex(done.stderr, rf"\b{number}\b")
        for sku in good:
            self.assert_problem(self.client.get(f"/products/{sku}"), 404, "product-not-found")

    def test_strict_imports_everything_when_all_is_good(self):
        sku = make_sku()
        self.run_import(f"sku,name,currency,price\n{sku},Tea,EUR,5\n", "--strict")
        self.assertEqual(self.product(sku)["prices"], {"EUR": 5})

    def test_a_file_that_is_no_catalogue_is_refused(self):
        for content in (
            "",
            "sku,name\n",
            "name,currency,price\nx,EUR,1\n",
            "sku,name,currency,colour\n",
            "sku,sku,name,currency,price\n",
            b"\x00\x01\x02",
            b"PK\x03\x04" * 100,
        ):
            self.run_import(content, expected=1)
        done = run_cartd(
            "catalog", "import", f"{self.folder}/none.csv", url=self.database.app_url
        )
        self.assertEqual(done.returncode, 1, done)
        done = run_cartd("catalog", "import", str(self.folder), url=self.database.app_url)
        self.assertEqual(done.returncode, 1, done)

    def test_standard_input_can_be_imported(self):
        sku = make_sku()
        for switches in ([], ["--strict"]):
            done = subprocess.run(
                [BINARY, "catalog", "import", "-", *switches],
                env=clean_environment(DATABASE_URL=self.database.app_url),
                input=f"sku,name,currency,price\n{sku},Tea,EUR,{5 + len(switches)}\n".encode(),
                capture_output=True,
                timeout=120,
                check=False,
            )
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(self.product(sku)["prices"], {"EUR": 5 + len(switches)})

    def test_a_long_file_takes_bounded_memory(self):
        path = self.folder / "long.csv"
        n = 100_000
        with open(path, "w", encoding="ascii") as lines:
            lines.write("sku,name,currency,price\n")
            for i in range(n):
                lines.write(f"long-{i},Thing {i},EUR,{i}\n")
        short = self.measure_import(self.write_short())
        long = self.measure_import(path)
        count = self.database.value("SELECT count(*) FROM products WHERE sku LIKE 'long-%';")
        self.assertEqual(count, str(n))
        # A hundred bytes left behind by each line would be seen.
        self.assertLess(long - short, 10 * 1024, f"{short} KiB for few lines, {long} KiB for many")

    def write_short(self):
        path = self.folder / "short.csv"
        # More lines than are ever under way at the same time.
        lines = [f"{make_sku('short')},Thing,EUR,1\n" for _ in range(20_000)]
        path.write_text("sku,name,currency,price\n" + "".join(lines), encoding="ascii")
        return path

    def measure_import(self, path):
        """Imports a file; the most memory that the process ever had, in KiB."""
        process = subprocess.Popen(
            [BINARY, "catalog", "import", str(path)],
            env=clean_environment(DATABASE_URL=self.database.app_url, **lean_settings()),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, 0)
        return usage.ru_maxrss

    def test_an_import_without_a_database_says_so(self):
        path = self.folder / "some.csv"
        path.write_text("sku,name,currency,price\na,Tea,EUR,5\n", encoding="ascii")
        done = run_cartd("catalog", "import", str(path), url=NOWHERE, CARTD_WAIT_MS="300")
        self.assertEqual(done.returncode, 1, done)
        self.assertIn("again", done.stderr)


@needs_binary
class Serving(ServiceCase):
    def test_a_health_check_asks_the_service(self):
        done = run_cartd("healthcheck", CARTD_LISTEN=f"127.0.0.1:{self.service.port}")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_the_log_is_json_lines_that_say_what_they_are(self):
        events = self.service.events()
        self.assertEqual(
            len(events), len(self.service.output().splitlines()), self.service.output()
        )
        for event in events:
            self.assertLessEqual({"time", "level", "event", "message"}, set(event), event)
        self.assertEqual(
            self.service.wait_for_event("started")["listen"], f"127.0.0.1:{self.service.port}"
        )

    def test_secrets_are_not_logged(self):
        self.assertNotIn("cartd-test-only", self.service.output())

    def test_flags_win_over_the_environment(self):
        port = take_free_port()
        process = subprocess.Popen(
            [
                BINARY,
                "serve",
                "--listen",
                f"127.0.0.1:{port}",
                f"--database-url={self.database.app_url}",
            ],
            env=clean_environment(DATABASE_URL=NOWHERE, CARTD_LISTEN="127.0.0.1:1"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        try:
            line = process.stdout.readline().decode()
            self.assertIn(f"127.0.0.1:{port}", line)
        finally:
            process.terminate()
            complain_of_sanitizers(process.communicate(timeout=60)[0].decode())
        self.assertEqual(process.returncode, 0)

    def serve(self, **settings):
        service = Service(self.database.app_url, **settings)
        self.addCleanup(service.stop)
        client = service.client()
        self.addCleanup(client.close)
        return client

    def test_a_service_may_have_currencies_of_its_own(self):
        sku = make_sku()
        body = {"name": "Tea", "prices": {"EUR": 499, "PTS": 70}}
        client = self.serve(CARTD_CURRENCIES="PTS:0,XBT:8", CARTD_DEFAULT_CURRENCY="PTS")
        made = client.put(f"/products/{sku}", body)
        self.assertEqual(made.json()["minor_units"], {"EUR": 2, "PTS": 0}, made)
        cart = client.post("/carts", {"items": [{"sku": sku}]}).json()
        self.assertEqual((cart["currency"], cart["total"]), ("PTS", 70))
        self.assertEqual(client.post("/carts", {"currency": "XAU"}).status, 422)

        without = self.serve()
        self.assertEqual(
            without.get(f"/products/{sku}").json(),
            {**made.json(), "minor_units": {"EUR": 2, "PTS": None}},
        )
        added = without.post(f"/carts/{cart['id']}/items", {"sku": sku})
        self.assertEqual(added.json()["total"], 140, added)
        self.assertEqual(without.post("/carts", {"currency": "PTS"}).status, 422)
        self.assertEqual(without.put(f"/products/{sku}", body).status, 422)
        done = run_cartd("verify", url=self.database.app_url)
        self.assertEqual(done.returncode, 0, done)

    def test_the_default_currency_can_be_set(self):
        service = Service(self.database.app_url, CARTD_DEFAULT_CURRENCY="CHF")
        try:
            with service.client() as client:
                self.assertEqual(client.post("/carts").json()["currency"], "CHF")
        finally:
            service.stop()

    def test_a_fault_is_logged_under_the_id_of_its_request_and_told_to_nobody_else(self):
        sku = self.make_product()
        self.database.sql("REVOKE INSERT ON events FROM cartd_app;")
        try:
            cart = self.client.post(
                "/carts", {"items": [{"sku": sku}]}, headers={"X-Request-Id": "fault-7"}
            )
        finally:
            self.database.sql("GRANT INSERT ON events TO cartd_app;")
        self.assert_problem(cart, 500, "internal-error", request_id="fault-7")
        self.assertNotIn("events", cart.body.decode())
        self.assertIn("fault-7", self.service.output())

    def test_metrics_count_what_happens(self):
        before = self.client.metrics()
        sku = self.make_product()
        cart_id = self.make_cart((sku, 1))["id"]
        self.add(cart_id, make_sku("no"))
        self.get_cart(cart_id)
        after = self.client.metrics()
        self.assertEqual(
            after["cartd_events_appended_total"] - before["cartd_events_appended_total"], 3
        )
        for name, more in (
            ('cartd_commands_total{outcome="recorded"}', 2),
            ('cartd_commands_total{outcome="refused"}', 1),
            ("cartd_reads_total", 1),
        ):
            self.assertEqual(after[name] - before[name], more, name)
        self.assertEqual(after["cartd_database_ready"], 1)


if __name__ == "__main__":
    unittest.main()
