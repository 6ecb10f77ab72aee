"""`cartd catalog import` of what spreadsheets make, and of the whole catalogue with --replace."""

import signal
import threading
import unittest
import urllib.parse

from support import ImportCase, make_sku, needs_binary, run_cartd, wait_until

# One more than a product may have prices in.
CURRENCIES = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF
CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ
GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES
"""


@needs_binary
class Spreadsheets(ImportCase):
    def test_each_way_to_write_a_table_is_read(self):
        text = 'SKU{0} Name {0}currency{0}Price{0}Active\r\n{1}{0}"Grüner, süßer; Tee 🍵"{0}EUR{0}499{0}\r\n{0}{0} {0}{0}\r\n'
        for delimiter in (",", ";", "\t"):
            for encoding, mark in (
                ("utf-8", b""),
                ("utf-8", b"\xef\xbb\xbf"),
                ("utf-16-le", b"\xff\xfe"),
                ("utf-16-be", b"\xfe\xff"),
            ):
                for switches in ((), ("--strict",)):
                    with self.subTest(delimiter=delimiter, mark=mark, switches=switches):
                        sku = make_sku()
                        content = mark + text.format(delimiter, sku).encode(encoding)
                        done = self.run_import(content, *switches)
                        self.assertEqual(done.stderr, "")
                        self.assertIn("lines: 1 read, 1 changed", done.stdout)
                        product = self.product(sku)
                        self.assertEqual(product["name"], "Grüner, süßer; Tee 🍵")
                        self.assertEqual(product["prices"], {"EUR": 499})

    def test_a_delimiter_can_be_said(self):
        for word, delimiter in (("|", "|"), (";", ";"), ("tab", "\t"), (",", ",")):
            sku = make_sku()
            lines = (("sku", "a;b,c;d,e;f", "name", "currency", "price"), (sku, "", "Tea", "EUR", "1"))
            lines = (map('"{}"'.format, line) for line in lines)
            content = "\n".join(delimiter.join(line) for line in lines)
            self.run_import(content, "--delimiter", word)
            self.assertEqual(self.product(sku)["prices"], {"EUR": 1})
        self.run_import("sku;name;currency;price\n", "--delimiter", ",", expected=1)
        for word in ("", "a", ";;", "semicolon", '"'):
            done = self.run_import("sku;name;currency;price\n", f"--delimiter={word}", expected=2)
            self.assertIn("--delimiter must be", done.stderr)

    def test_prices_may_be_decimal(self):
        sku = make_sku()
        content = f"sku;name;currency;price\n{sku};Tea;EUR;4,99\n{sku};Tea;USD;5.5\n{sku};Tea;JPY;800\n{sku};Tea;KWD;1,234\n"
        self.run_import(content, "--prices", "decimal")
        self.assertEqual(
            self.product(sku)["prices"], {"EUR": 499, "USD": 550, "JPY": 800, "KWD": 1234}
        )
        self.run_import(content, "--prices=minor", expected=1)
        self.assertIn(
            "--prices must be", self.run_import(content, "--prices=cents", expected=2).stderr
        )

    def test_a_decimal_price_that_is_not_clear_is_refused(self):
        lines = (
            ("EUR", "1.234,56"),
            ("EUR", "1.234"),
            ("EUR", "4.990"),
            ("JPY", "800.0"),
            ("EUR", "-1"),
            ("EUR", "4.99 €"),
            ("EUR", "90071992547409.92"),
        )
        content = "sku;name;currency;price\n" + "".join(
            f"{make_sku()};Tea;{currency};{price}\n" for currency, price in lines
        )
        done = self.run_import(content, "--prices", "decimal", expected=1)
        told = done.stderr.splitlines()
        self.assertEqual(len(told), len(lines), told)
        for number, ((_, price), line) in enumerate(zip(lines, told), 2):
            self.assertIn(f":{number}: price: ", line)
            self.assertIn(f'not "{price}" (sku "', line)

    def test_unknown_columns_are_ignored_and_named_once(self):
        sku = make_sku()
        content = f"sku,Weight (kg),name,,currency,price\n{sku},1,Tea,,EUR,5\n"
        for switches in ((), ("--strict",), ("--replace", "--dry-run")):
            done = self.run_import(content, *switches)
            self.assertEqual(done.stderr.count('"Weight (kg)", ""'), 1, done.stderr)
        self.assertEqual(self.product(sku)["prices"], {"EUR": 5})

    def test_what_excel_writes_first_and_a_file_that_is_none_are_recognised(self):
        sku = make_sku()
        self.run_import(f"sep=;\nsku;name;currency;price\n{sku};Tea; EUR;5 \n")
        self.assertEqual(self.product(sku)["prices"], {"EUR": 5})
        done = self.run_import(f"sku,name,currency,price\r{sku},Tea,EUR,6\r", expected=1)
        self.assertIn(":1: its lines end with CR alone", done.stderr)
        done = self.run_import('{"sku":"tea","name":"Tea"}\n', expected=1)
        self.assertIn(":1: it looks like JSON; JSON lines are not supported", done.stderr)

    def test_an_empty_price_takes_the_price_away(self):
        sku = make_sku()
        self.client.put(f"/products/{sku}", {"name": "Tea", "prices": {"EUR": 1, "USD": 2}})
        header = "sku,name,currency,price\n"
        self.run_import(f"{header}{sku},Tea,EUR,\n")
        self.assertEqual(self.product(sku)["prices"], {"USD": 2})
        self.run_import(f"{header}{sku},Tea,EUR,\n{sku},Tea,GBP,\n")
        self.assertEqual(self.product(sku)["version"], 2, "nothing new")

    def test_a_line_that_the_catalogue_refuses_is_named(self):
        sku = make_sku()
        content = "sku,name,currency,price\n" + "".join(f"{sku},Tea,{code},1\n" for code in CURRENCIES.split())
        done = self.run_import(content, expected=1)
        self.assertIn(f':66: the product already has prices in 64 currencies (sku "{sku}")', done.stderr)

    def test_an_interrupted_import_says_how_far_it_came(self):
        sku = make_sku()
        process = self.start_import()
        process.stdin.write(f"sku;name;currency;price\n{sku};Tea;EUR;1\n{make_sku()};T".encode())
        process.stdin.flush()
        wait_until(lambda: self.client.get(f"/products/{sku}").status == 200, "the first line")
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 1, told)
        self.assertIn(b"interrupted: standard input is recorded up to line 2", told)

    def test_a_check_that_is_interrupted_imports_nothing(self):
        before = self.n_events()
        for switches in (("--strict",), ("--replace",)):
            process = self.start_import(*switches)
            process.stdin.write(f"sku;name;currency;price\n{make_sku()};Tea;EUR;1\n".encode())
            process.stdin.flush()
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)
            self.assertNotEqual(process.returncode, 0)
        self.assertEqual(self.n_events(), before)

    def test_half_a_character_costs_its_line(self):
        sku, other = make_sku(), make_sku()
        lines = f"sku,name,currency,price\n{sku},Tea \ud83c!,EUR,1\n{other},Tea,EUR,1\n"
        content = b"\xff\xfe" + lines.encode("utf-16-le", "surrogatepass")
        done = self.run_import(content, expected=1)
        self.assertIn(":2: name: it must be text in UTF-8", done.stderr)
        self.assertEqual(self.product(other)["prices"], {"EUR": 1})
        done = self.run_import(content + b"x", expected=1)
        self.assertIn(":4: ", done.stderr)
        latin = f"sku,name,currency,price\n{sku},Grüner Tee,EUR,1\n".encode("latin-1")
        self.assertIn('"CSV UTF-8"', self.run_import(latin, expected=1).stderr)

    def test_lines_that_contradict_each_other_are_refused(self):
        one, two = make_sku(), make_sku()
        content = (
            "sku,name,currency,price,active\n"
            f"{one},Tea,EUR,1,\n{one},Tea,USD,2,true\n{one},Tea,EUR,1,true\n"  # the same again
            f"{one},Tea,EUR,3,\n{two},Cup,EUR,1,\n{two},Mug,USD,1,\n{one},Tea,USD,2,no\n"
        )
        before = self.n_events()
        for switches in (("--strict",), (), ()):
            done = self.run_import(content, *switches, expected=1)
            for line, earlier, member, sku in (
                (5, 4, "price", one),
                (7, 6, "name", two),
                (8, 4, "active", one),
            ):
                said = rf':{line}: it contradicts line {earlier} in {member} \(sku "{sku}"\)'
                self.assertRegex(done.stderr, said)
            self.assertEqual(done.stderr.count("contradicts"), 3, done.stderr)
            if switches:
                self.assertEqual(self.n_events(), before)
        self.assertIn(" 0 changed a product, 4 said nothing new, 3 bad", done.stdout)
        self.assertEqual(self.product(one)["prices"], {"EUR": 1, "USD": 2})
        self.assertTrue(self.product(one)["active"])
        self.assertEqual((self.product(two)["name"], self.product(two)["prices"]), ("Cup", {"EUR": 1}))


    def test_a_line_that_is_refused_contradicts_no_other(self):
        sku = make_sku()
        content = f"sku,name,currency,price\n{sku},Tea,EUR,1\n{sku},Cup,USD,1\n{sku},Tea,USD,2\n"
        done = self.run_import(content, expected=1)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertEqual(self.product(sku)["prices"], {"EUR": 1, "USD": 2})

    def test_a_dry_run_says_what_the_good_lines_would_do(self):
        same, other, new = (make_sku() for _ in range(3))
        header = "sku,name,currency,price\n"
        lines = f"{same},Tea,EUR,1\n{other},Tea,EUR,1\n"
        self.run_import(header + lines)
        before = self.n_events()
        content = f"{header}{same},Tea,EUR,1\n{other},Tea,EUR,2\n{new},Tea,EUR,1\n"
        bad = f"{new},Cup,USD,1\n{make_sku()},Tea,EUR,x\n"
        done = self.run_import(content + bad, "--dry-run", expected=1)
        self.assertEqual(
            done.stdout,
            "products: 1 would be new, 1 changed, 0 made inactive\n"
            "dry run: bad lines that would be left out: 2 of 5; nothing was imported\n",
        )
        self.assertIn(":5: it contradicts line 4 in name", done.stderr)
        self.assertIn(":6: price: ", done.stderr)
        self.assertEqual(self.n_events(), before)
        for switches in (("--strict", "--dry-run"), ("--replace", "--dry-run"), ("--strict",)):
            done = self.run_import(content + bad, *switches, expected=1)
            self.assertEqual(done.stdout, "lines: 5 read, 2 bad\n")
            self.assertIn(f"nothing was imported, because of {switches[0]}", done.stderr)


@needs_binary
class Replacing(ImportCase):
    """The whole catalogue is the file's, so each test has all of it."""

    HEADER = "sku,name,currency,price\n"

    def make(self, *skus):
        for sku in skus:
            body = {"name": "Tea", "prices": {"EUR": 1}, "active": True}
            self.assertIn(self.client.put(f"/products/{sku}", body).status, (200, 201))

    def is_active(self, *skus):
        return [self.product(sku)["active"] for sku in skus]

    def test_what_the_file_does_not_have_becomes_inactive(self):
        old, kept, new = make_sku("old"), make_sku("kept"), make_sku("new")
        self.make(old, kept)
        content = f"{self.HEADER}{kept},Tea,EUR,5\n{new},Tea,EUR,5\n"
        done = self.run_import(content, "--replace", "--dry-run")
        self.assertIn(f"would be made inactive: {old}\n", done.stdout)
        self.assertNotIn(kept, done.stdout)
        self.assertEqual(self.is_active(old, kept), [True, True])
        self.assertEqual(self.client.get(f"/products/{new}").status, 404)
        self.run_import(content, "--replace")
        self.assertEqual(self.is_active(old, kept, new), [False, True, True])
        gone = self.product(old)
        self.assertEqual((gone["name"], gone["prices"]), ("Tea", {"EUR": 1}))
        done = self.run_import(content, "--replace")
        self.assertIn("does not have: 0 made inactive", done.stdout)
        self.assertEqual(self.product(old)["version"], gone["version"])

    def test_a_bad_or_empty_file_replaces_nothing(self):
        sku = make_sku()
        self.make(sku)
        before = self.n_events()
        for content in (
            "",
            self.HEADER,
            f"{self.HEADER}\n,,,\n",
            f"{self.HEADER}a/../b,Tea,EUR,1\n",
            f"{self.HEADER}{make_sku()},Tea,EUR,1\n{sku},Tea,EUR,x\n",
            f"{self.HEADER}{make_sku()},Tea,EUR,1\n{sku},Tea,EUR,1\n{sku},Cup,EUR,1\n",
        ):
            for switches in (("--replace",), ("--replace", "--dry-run")):
                with self.subTest(content=content):
                    done = self.run_import(content, *switches, expected=1)
                    self.assertNotEqual(done.stderr, "")
                    self.assertEqual(self.n_events(), before)
        done = self.run_import(self.HEADER, "--replace", expected=1)
        self.assertIn("has no products", done.stderr)

    def test_what_somebody_changed_meanwhile_stays(self):
        """The list that was found has an older version, as if a PUT had come right after."""
        changed, old, kept = make_sku("changed"), make_sku("old"), make_sku("kept")
        self.make(changed, old, kept)
        self.client.put(f"/products/{changed}", {"name": "Other tea", "prices": {"EUR": 7}})
        self.database.sql(f"UPDATE products SET version = 1 WHERE sku = '{changed}';")
        done = self.run_import(f"{self.HEADER}{kept},Tea,EUR,5\n", "--replace")
        self.database.sql(f"UPDATE products SET version = 2 WHERE sku = '{changed}';")
        self.assertIn("1 left as somebody changed them meanwhile", done.stdout)
        self.assertEqual(self.is_active(changed, old, kept), [True, False, True])

    def test_a_product_that_is_in_the_file_again_is_for_sale_again(self):
        one, two = make_sku(), make_sku()
        day_1 = f"{self.HEADER}{one},Tea,EUR,1\n{two},Tea,EUR,1\n"
        self.run_import(day_1, "--replace")
        self.run_import(f"{self.HEADER}{one},Tea,EUR,1\n", "--replace")
        self.assertEqual(self.is_active(one, two), [True, False])
        self.assertIn(": 0 would be new, 0 changed, 0 made", self.run_import(day_1, "--dry-run").stdout)
        done = self.run_import(day_1)
        self.assertEqual(self.is_active(one, two), [True, False], "without --replace it stays")
        self.assertIn("that are inactive in the catalogue: 1;", done.stdout)
        done = self.run_import(day_1, "--replace", "--dry-run")
        self.assertIn("products: 0 would be new, 1 changed, 0 made inactive", done.stdout)
        self.run_import(day_1, "--replace")
        self.assertEqual(self.is_active(one, two), [True, True])
        for switches in (("--replace",), ()):
            done = self.run_import(day_1, *switches)
            self.assertIn(" 0 changed a product, 2 said nothing new", done.stdout)
            self.assertNotIn("that are inactive", done.stdout)

    def test_one_line_of_a_product_says_that_it_is_not_for_sale(self):
        sku = make_sku()
        header = "sku,name,currency,price,active\n"
        for lines in (f"{sku},Tea,EUR,1,no\n{sku},Tea,USD,1,\n", f"{sku},Tea,EUR,2,\n{sku},Tea,USD,2,no\n"):
            done = self.run_import(header + lines, "--replace")
            self.assertEqual(self.is_active(sku), [False])
            done = self.run_import(header + lines, "--replace")
            self.assertIn(" 0 changed a product, 2 said nothing new", done.stdout)
            self.assertNotIn("that are inactive", self.run_import(header + lines).stdout)

    def test_the_prices_of_the_file_are_all_prices_of_its_products(self):
        one, two = make_sku(), make_sku()
        for sku in (one, two):
            self.client.put(f"/products/{sku}", {"name": "Tea", "prices": {"EUR": 1, "USD": 2, "GBP": 3}})
        content = f"{self.HEADER}{one},Tea,EUR,1\n{one},Tea,JPY,5\n{one},Tea,GBP,\n{two},Tea,USD,2\n"
        self.assertIn(": 0 would be new, 1 changed,", self.run_import(content, "--dry-run").stdout)
        self.assertIn(": 0 would be new, 2 changed,", self.run_import(content, "--dry-run", "--replace").stdout)
        self.run_import(content)
        self.assertEqual(self.product(one)["prices"], {"EUR": 1, "JPY": 5, "USD": 2})
        self.run_import(content, "--replace")
        self.assertEqual(self.product(one)["prices"], {"EUR": 1, "JPY": 5})
        self.assertEqual(self.product(two)["prices"], {"USD": 2})
        done = self.run_import(content, "--replace")
        self.assertIn(" 0 changed a product, 4 said nothing new", done.stdout)

    def test_a_product_with_all_its_prices_gets_as_many_others(self):
        sku, codes = make_sku(), CURRENCIES.split()
        lines = [f"{sku},Tea,{code},1\n" for code in codes]
        self.run_import(self.HEADER + "".join(lines[:64]), "--replace")
        self.run_import(self.HEADER + "".join(lines[1:]), "--replace")
        self.assertEqual(sorted(self.product(sku)["prices"]), codes[1:])

    def test_an_empty_cell_of_the_whole_catalogue_is_the_default(self):
        sku, other = make_sku(), make_sku()
        header = "sku,name,currency,price,unit,scale,tags\n"
        self.run_import(f"{header}{sku},Tea,EUR,1,kg,3,green\n{sku},Tea,USD,1,,,\n", "--replace")
        product = self.product(sku)
        self.assertEqual((product["quantity"]["unit"], product["tags"]), ("kg", ["green"]))
        self.run_import(f"{self.HEADER}{sku},Tea,EUR,1\n{sku},Tea,USD,1\n", "--replace")
        self.assertEqual(self.product(sku)["version"], product["version"], "the file has no such columns")
        content = f"{header}{sku},Tea,EUR,1,,,\n{sku},Tea,USD,1,,,\n{other},Tea,EUR,1,lb,,\n"
        self.assertIn(": 1 would be new, 0 changed,", self.run_import(content, "--dry-run").stdout)
        self.assertIn(": 1 would be new, 1 changed,", self.run_import(content, "--dry-run", "--replace").stdout)
        self.run_import(content, "--replace")
        self.assertEqual((self.product(sku)["quantity"]["unit"], self.product(sku)["tags"]), (None, []))

    def test_a_dry_run_says_how_many_products_would_change(self):
        same, renamed, priced, gone = (make_sku() for _ in range(4))
        self.make(same, renamed, priced, gone)
        content = (
            f"{self.HEADER}{same},Tea,EUR,1\n{renamed},Cup,EUR,1\n"
            f"{priced},Tea,EUR,1\n{priced},Tea,USD,1\n{make_sku()},Tea,EUR,1\n{make_sku()},Tea,EUR,1\n"
        )
        done = self.run_import(content, "--dry-run")
        self.assertIn("products: 2 would be new, 2 changed, 0 made inactive\n", done.stdout)
        done = self.run_import(content, "--dry-run", "--replace")
        n_gone = int(self.database.value("SELECT count(*) FROM products WHERE is_active;")) - 3
        self.assertEqual(done.stdout.count("would be made inactive: "), n_gone)
        self.assertIn(f"products: 2 would be new, 2 changed, {n_gone} made inactive\n", done.stdout)

    def test_what_a_terminal_would_obey_or_hide_is_escaped(self):
        prefix = make_sku("hidden")
        for point in (0x202E, 0x200B):
            path = urllib.parse.quote(f"/products/{prefix}{chr(point)}x")
            answer = self.client.put(path, {"name": "Tea", "prices": {"EUR": 1}})
            self.assertEqual(answer.status, 201, answer)
        kept = f"{self.HEADER}{make_sku()},Tea,EUR,1\n"
        done = self.run_import(kept, "--replace", "--dry-run")
        for escaped in ("\\u202e", "\\u200b"):
            self.assertIn(f"would be made inactive: {prefix}{escaped}x\n", done.stdout)
        self.assertNotRegex(done.stdout, "[\u202e\u200b]")
        done = run_cartd("\u202eserve", url=self.database.app_url)
        self.assertIn('unknown subcommand "\\u202eserve"', done.stderr)

    def test_many_products_are_replaced(self):
        n = 12_000  # more than a page
        names = [make_sku("many") for _ in range(3)]
        lines = "".join(f"{names[0]}-{i},Tea,EUR,1\n" for i in range(n))
        self.run_import(self.HEADER + lines)
        self.run_import(f"{self.HEADER}{names[1]},Tea,EUR,1\n", "--replace")
        count = self.database.value("SELECT count(*) FROM products WHERE is_active;")
        self.assertEqual(count, "1")

    def test_imports_and_puts_at_the_same_time_agree_with_the_log(self):
        skus = [make_sku("both") for _ in range(60)]
        self.make(*skus)
        halves = (skus[:40], skus[20:])
        paths = [self.path.with_suffix(f".{i}") for i in range(2)]

        def replace(half, path):
            content = self.HEADER + "".join(f"{sku},Tea,EUR,{len(path.name)}\n" for sku in half)
            self.run_import(content, "--replace", path=path)

        threads = [threading.Thread(target=replace, args=pair) for pair in zip(halves, paths)]
        for thread in threads:
            thread.start()
        new = [make_sku("put") for _ in range(40)]
        self.make(*new)
        for thread in threads:
            thread.join()
        self.assertEqual(self.is_active(*skus[20:40]), [True] * 20, "which both files have")
        done = run_cartd("verify", url=self.database.app_url)
        self.assertEqual(done.returncode, 0, done)


if __name__ == "__main__":
    unittest.main()
