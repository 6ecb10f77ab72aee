"""`cartd coupons import` of JSON lines and of tables."""

import json
import re
import signal
import unittest
import urllib.parse

from support import ImportCase, make_id, needs_binary, run_cartd, wait_until


def make_code():
    return f"C{make_id()}"


class Coupons(ImportCase):
    SUBCOMMAND = "coupons"

    def coupon(self, code):
        answer = self.client.get(f"/coupons/{urllib.parse.quote(code, safe='')}")
        self.assertEqual(answer.status, 200, answer)
        return answer.json()

    def assert_summary(self, done, *numbers):
        self.assertIn(
            "lines: {} read, {} changed a coupon, {} said nothing new, {} bad\n".format(*numbers),
            done.stdout,
        )


@needs_binary
class Lines(Coupons):
    def test_a_line_is_what_a_put_takes_and_is_recorded_once(self):
        code, by_put = f"Straße {make_id()}", make_code()
        body = {
            "amount": {"EUR": 500, "USD": 550},
            "minimum": {"EUR": 2000},
            "skus": ["tea|green", "mug"],
            "tags": ["organic"],
            "starts_at": "2026-01-01T00:00:00+01:00",
            "ends_at": "2027-01-01T00:00:00Z",
            "limit": 1000,
            "limit_per_customer": 1,
            "combinable": True,
        }
        self.client.put(f"/coupons/{by_put}", body)
        content = json.dumps({"code": code, **body}) + "\n"
        done = self.run_import(content)
        self.assertEqual(done.stderr, "")
        self.assert_summary(done, 1, 1, 0, 0)
        imported, put = self.coupon(code), self.coupon(by_put)
        for member in imported.keys() - {"code", "updated_at"}:
            self.assertEqual(imported[member], put[member], member)
        n_events = self.n_events()
        self.assert_summary(self.run_import(content), 1, 0, 1, 0)
        self.assertEqual(self.n_events(), n_events)
        event = self.database.value(
            "SELECT metadata ->> 'actor' FROM events ORDER BY position DESC LIMIT 1;"
        )
        self.assertEqual(event, "coupons-import")

    def test_blank_lines_a_mark_and_other_line_ends_do_not_matter(self):
        codes = [make_code() for _ in range(3)]
        lines = [json.dumps({"code": code, "percent": 1}) for code in codes]
        content = b"\xef\xbb\xbf" + "\r\n \n\n".join(lines).encode()
        done = self.run_import(content)
        self.assert_summary(done, 3, 3, 0, 0)
        for code in codes:
            self.assertEqual(self.coupon(code)["percent"], 1)

    def test_each_bad_line_costs_itself(self):
        bad = (
            (b"{", "it must be a JSON object; column 1: "),
            (b'{"code":"a","percent":5', "column 23: the text ends before its JSON does."),
            (b"[]", "it must be a JSON object, not an array."),
            (b"x", "it must be a JSON object; column 1: "),
            (b"\x00\x00", "JSON"),
            (b"\x1b[2J", "JSON"),
            (b'{"code":"a","code":"b","percent":1}', "code"),
            (b'{"percent":1}', "code"),
            (b'{"code":"a/b","percent":1}', "code"),
            (b'{"code":"a"}', "percent or amount"),
            (b'{"code":"a","percent":1,"amount":{"EUR":1}}', "percent or amount"),
            (b'{"code":"a","percent":0}', "percent"),
            (b'{"code":"a","percent":1,"limit":0}', "limit"),
            (b'{"code":"a","percent":1,"used":0}', "used"),
            (b'{"code":"a","percnt":1}', "percnt: This member is unknown"),
            (b'{"code":"a\\u001b[2J","percent":1}', "code"),
            (b'{"code":"\xff","percent":1}', "unable to decode byte 0xff"),
            (b'{"code":"' + b"x" * 200000 + b'","percent":1}', "longer than 64 KiB"),
            (b"[" * 5000, "JSON"),
        )
        for line, said in bad:
            with self.subTest(line=line[:40]):
                codes = [make_code(), make_code()]
                good = [b'{"code":"%s","percent":5}' % code.encode() for code in codes]
                done = self.run_import(b"\n".join((good[0], line, good[1])), expected=1)
                self.assert_summary(done, 3, 2, 0, 1)
                self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
                self.assertIn(":2: ", done.stderr)
                self.assertIn(said, done.stderr)
                self.assertTrue(done.stderr[:-1].isprintable(), done.stderr)
                for code in codes:
                    self.assertEqual(self.coupon(code)["percent"], 5)

    def test_lines_that_contradict_each_other_are_refused(self):
        code = make_code()
        lines = [
            {"code": code, "percent": 5},
            {"percent": 5, "code": code},
            {"code": code, "percent": 6},
            {"code": code, "percent": 5, "limit": 1, "combinable": True},
            {"code": code.lower(), "percent": 5},
        ]
        done = self.run_import("\n".join(map(json.dumps, lines)), expected=1)
        self.assert_summary(done, 5, 1, 1, 3)
        for number, member in ((3, "percent"), (4, "limit"), (5, "code")):
            said = rf':{number}: it contradicts line 2 in {member} \(code "{code}"\)'
            self.assertRegex(done.stderr, re.compile(said, re.IGNORECASE))
        coupon = self.coupon(code)
        self.assertEqual((coupon["percent"], coupon["version"]), (5, 1))

    def test_a_strict_import_records_all_or_nothing(self):
        code, n_events = make_code(), self.n_events()
        good = json.dumps({"code": code, "percent": 5})
        for switches in (("--strict",), ("--strict", "--dry-run")):
            done = self.run_import(f"{good}\n{{}}\n", *switches, expected=1)
            self.assertEqual(done.stdout, "lines: 2 read, 1 bad\n")
            self.assertIn("nothing was imported, because of --strict", done.stderr)
        self.assertEqual(self.n_events(), n_events)
        self.assert_summary(self.run_import(good, "--strict"), 1, 1, 0, 0)

    def test_a_dry_run_says_what_would_change(self):
        same, other, withdrawn, new = (make_code() for _ in range(4))
        for code in (same, other, withdrawn):
            self.client.put(f"/coupons/{code}", {"percent": 5, "tags": ["b", "a"], "limit": 3})
        self.client.delete(f"/coupons/{withdrawn}")
        n_events = self.n_events()
        lines = [
            {"code": code, "percent": percent, "tags": ["a", "b"], "limit": 3}
            for code, percent in ((same, 5), (other, 6), (withdrawn, 5), (new, 5))
        ]
        content = "\n".join(map(json.dumps, lines))
        end = "dry run: every line is right; nothing was imported\n"
        stays = "coupons of the file that are withdrawn: 1; --revive brings them back\n"
        done = self.run_import(content, "--dry-run")
        self.assertEqual(done.stdout, f"coupons: 1 would be new, 1 changed\n{stays}{end}")
        done = self.run_import(content, "--dry-run", "--revive")
        self.assertEqual(done.stdout, f"coupons: 1 would be new, 1 changed, 1 revived\n{end}")
        contradiction = json.dumps({"code": make_code(), "percent": 5, "limit": 0})
        again = json.dumps({"code": new, "percent": 7})
        done = self.run_import(f"{contradiction}\n{content}\n{again}\n", "--dry-run", expected=1)
        self.assertEqual(
            done.stdout,
            f"coupons: 1 would be new, 1 changed\n{stays}"
            "dry run: bad lines that would be left out: 2 of 6; nothing was imported\n",
        )
        self.assertIn(":1: limit must be ", done.stderr)
        self.assertIn(":6: it contradicts line 5 in percent", done.stderr)
        self.assertEqual(self.n_events(), n_events)
        done = self.run_import(content)
        self.assert_summary(done, 4, 2, 2, 0)
        self.assertIn(stays, done.stdout)

    def test_a_withdrawn_coupon_comes_back_only_if_it_is_said(self):
        code = make_code()
        self.run_import(json.dumps({"code": code, "percent": 5}))
        self.client.delete(f"/coupons/{code}")
        for content in ({"code": code, "percent": 5}, {"code": code, "percent": 6}):
            done = self.run_import(json.dumps(content))
            self.assert_summary(done, 1, 0, 1, 0)
            self.assertIn("that are withdrawn: 1;", done.stdout)
            self.assertTrue(self.coupon(code)["withdrawn"])
        done = self.run_import(json.dumps({"code": code, "percent": 5}), "--revive")
        self.assert_summary(done, 1, 1, 0, 0)
        self.assertNotIn("withdrawn", done.stdout)
        self.assertFalse(self.coupon(code)["withdrawn"])

    def test_an_interrupted_import_says_how_far_it_came(self):
        code = make_code()
        process = self.start_import()
        process.stdin.write(json.dumps({"code": code, "percent": 5}).encode() + b'\n{"co')
        process.stdin.flush()
        wait_until(lambda: self.client.get(f"/coupons/{code}").status == 200, "the first line")
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 1, told)
        self.assertIn(b"interrupted: standard input is recorded up to line 1;", told)

    def test_ten_thousand_codes_are_imported(self):
        prefix = make_id()
        content = "".join(
            f'{{"code":"{prefix}-{number}","percent":1500,"limit":1}}\n' for number in range(10000)
        )
        self.assert_summary(self.run_import(content), 10000, 10000, 0, 0)
        n = self.database.value(
            f"SELECT count(*) FROM coupons WHERE folded_code LIKE '{prefix.lower()}-%';"
        )
        self.assertEqual(n, "10000")
        done = run_cartd("verify", url=self.database.reader_url)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


@needs_binary
class Tables(Coupons):
    HEADER = "Code;Percent;amount;minimum;skus;tags;starts_at;ends_at;limit;limit_per_customer;Combinable\n"

    def test_a_record_is_the_same_as_its_json(self):
        by_json, by_record = make_code(), make_code()
        body = {
            "amount": {"EUR": 500, "USD": 550},
            "minimum": {"EUR": 0},
            "skus": ["Grüner Tee", "mug"],
            "tags": ["organic"],
            "starts_at": "2026-01-01T00:00:00Z",
            "limit": 3,
            "combinable": True,
        }
        self.run_import(json.dumps({"code": by_json, **body}))
        record = f" {by_record};;EUR 500 | USD  550;EUR 0;Grüner Tee|mug;organic;2026-01-01T00:00:00Z;;3;;Yes\n"
        for encoding in ("utf-8", "utf-16"):
            done = self.run_import((self.HEADER + record).encode(encoding))
            self.assertEqual(done.stderr, "")
        table, lines = self.coupon(by_record), self.coupon(by_json)
        for member in table.keys() - {"code", "updated_at"}:
            self.assertEqual(table[member], lines[member], member)

    def test_a_column_of_codes_and_one_of_percentages_is_enough(self):
        code = make_code()
        done = self.run_import(f"note,code,percent\nspring,{code},1250\n,,\n")
        self.assertIn(':1: "note": unknown columns, which are ignored', done.stderr)
        self.assertEqual(self.coupon(code)["percent"], 1250)
        self.run_import(f"code|percent\n{code}|5\n", "--delimiter", "|")
        self.assertEqual(self.coupon(code)["percent"], 5)
        done = self.run_import("code;percent\n", "--delimiter=a", expected=2)
        self.assertIn("--delimiter must be", done.stderr)

    def test_each_bad_record_costs_itself(self):
        for record, said in (
            (b"a;5", "fewer fields"),
            (b"a/b;5;;;;;;;;;", "code"),
            (b";5;;;;;;;;;", "code"),
            (b"a;;;;;;;;;;", "percent or amount"),
            (b"a;12.5;;;;;;;;;", "percent"),
            (b"a;10 %;;;;;;;;;", "percent"),
            (b"a;;500;;;;;;;;", "amount"),
            (b"a;;EUR 5.00;;;;;;;;", "amount"),
            (b"a;;EUR 5|EUR 6;;;;;;;;", "EUR"),
            (b"a;;eur 5;;;;;;;;", "amount"),
            (b"a;5;;;../x;;;;;;", "skus"),
            (b"a;5;;;;two words;;;;;", "tags"),
            (b"a;5;;;;;1.1.2026;;;;", "starts_at"),
            (b"a;5;;;;;;;many;;", "limit"),
            (b"a;5;;;;;;;;;maybe", "combinable"),
            (b"\xff;5;;;;;;;;;", "UTF-8"),
            (b"\x1b[2J;5;;;;;;;;;", "code"),
            (b"a;" + b"x" * 70000 + b";;;;;;;;;", "longer than 64 KiB"),
        ):
            with self.subTest(record=record[:40]):
                codes = [make_code(), make_code()]
                good = [b"%s;5;;;;;;;;;" % code.encode() for code in codes]
                content = self.HEADER.encode() + b"\n".join((good[0], record, good[1]))
                done = self.run_import(content, expected=1)
                self.assert_summary(done, 3, 2, 0, 1)
                self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
                self.assertIn(":3: ", done.stderr)
                self.assertIn(said, done.stderr)
                self.assertTrue(done.stderr[:-1].isprintable(), done.stderr)

    def test_a_file_that_has_no_coupons_is_refused_at_once(self):
        for content, said in (
            (b"", "the file is empty"),
            (b"\xef\xbb\xbf", "the file is empty"),
            (b"sku,name,currency,price\n", 'missing column "code"'),
            (b"code,code\n", "duplicate column"),
            (b"PK\x03\x04\x14\x00\x06\x00", 'save the sheet as "CSV UTF-8"'),
        ):
            with self.subTest(content=content):
                n_events = self.n_events()
                done = self.run_import(content, expected=1)
                self.assertIn(said, done.stderr)
                self.assertEqual(self.n_events(), n_events)


if __name__ == "__main__":
    unittest.main()
