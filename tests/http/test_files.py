"""`cartd catalog import` and `cartd events import` of files that are no such files."""

import pathlib
import tempfile
import unittest

from support import ServiceCase, make_sku, needs_binary, run_cartd


@needs_binary
class Files(ServiceCase):
    HEADER = b"sku,name,currency,price\n"

    def run_on(self, content, *subcommand):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "file"
            path.write_bytes(content)
            done = run_cartd(*subcommand, str(path), url=self.database.app_url)
        for line in (done.stdout + done.stderr).splitlines():
            self.assertTrue(line.isprintable(), line)
        return done

    def n_events(self):
        return int(self.database.value("SELECT count(*) FROM events;"))

    def test_a_file_that_is_no_catalogue_is_refused_at_once(self):
        for content, said in (
            (b"", "the file is empty"),
            (b"\xef\xbb\xbf", "the file is empty"),
            (b"\n\n\r\n", "the file is empty"),
            (b"\x7fELF\x02\x01\x01\x00\x00", "NUL"),
            (bytes(range(1, 10)), "missing column"),
            (b"\x1b[2J\x9b,\xc2\x9b2J\n", "missing column"),
            (b"sku,name,currency\n", "missing column"),
            (b"sku,sku,name,currency,price\n", "duplicate column"),
            (b"sku|name|currency|price\n", "missing column"),
            (b"sku,name,currency,price,active,Active\n", "duplicate column"),
            (b"\xff\xfes\x00k\x00u\x00", "missing column"),
            (b"s\x00k\x00u\x00", "NUL"),
            (b"\xff\xfe", "the file is empty"),
            (b";;;\n\t\n", "the file is empty"),
            (b"PK\x03\x04\x14\x00\x06\x00", 'save the sheet as "CSV UTF-8"'),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 'save the sheet as "CSV UTF-8"'),
            (b'"sku,name,currency,price\ntea,Tea,EUR,1\n', "a quote is not closed"),
            (b'"' + b"x" * 200000, "longer than 64 KiB"),
            (b"," * 100, "too many fields"),
            (b"[1]\n", "missing column"),
        ):
            with self.subTest(content=content[:40]):
                before = self.n_events()
                done = self.run_on(content, "catalog", "import")
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertIn(said, done.stderr)
                self.assertEqual(self.n_events(), before)

    def test_each_bad_line_costs_itself(self):
        bad = (
            (b"a,Tea,EUR", "fewer fields"),
            (b"a,Tea,EUR,1,2", "more fields"),
            (b"a/../b,Tea,EUR,1", "sku:"),
            (b"\x7f,Tea,EUR,1", "sku:"),
            (b"a,,EUR,1", "name:"),
            (b"a,\xff,EUR,1", "name:"),
            (b"a,\x1b[2J,EUR,1", "name:"),
            (b'a,"two\nlines",EUR,1', "name:"),
            (b"a," + b"x" * 201 + b",EUR,1", "name:"),
            (b"a,Tea,eur,1", "currency:"),
            (b"a,Tea,EUR,1.0", "price:"),
            (b"a,Tea,EUR,-1", "price:"),
            (b"a,Tea,EUR,9007199254740992", "price:"),
            (b"a,Tea,XTS,1", "currency:"),
            (b"a,Tea,EUR,+1", "price:"),
            (b"a,Te\x00a,EUR,1", "NUL"),
            (b'a,T"ea,EUR,1', "it has a quote inside"),
            (b'a,"T"ea,EUR,1', "it has text between"),
            (b"\xef\xbb\xbfa,Tea,EUR,1", "byte order mark"),
            (b"a," + b"x" * 70000 + b",EUR,1", "longer than 64 KiB"),
            (b"a" + b"," * 99, "too many fields"),
        )
        for line, said in bad:
            for end in (b"\n", b"\r\n"):
                with self.subTest(line=line[:40], end=end):
                    skus = [make_sku(), make_sku()]
                    good = [b"%s,Tea,EUR,1" % sku.encode() for sku in skus]
                    content = self.HEADER + end.join((good[0], line, good[1]))
                    done = self.run_on(content, "catalog", "import")
                    self.assertEqual(done.returncode, 1, done.stderr)
                    self.assertIn(":3: ", done.stderr)
                    self.assertIn(said, done.stderr)
                    for sku in skus:
                        self.assertEqual(self.client.get(f"/products/{sku}").status, 200, line)

    def test_a_copied_log_that_is_none_is_refused_at_its_line(self):
        for content, said in (
            (b"x\n", "not JSON"),
            (b"[]\n", "not a JSON object"),
            (b"{}\n", "is missing"),
            (b"\x1b[2J\n", "not JSON"),
            (b'{"\x9b":1}\n', "not JSON"),
            (b"\x00\n", "not JSON"),
            (b"[" * 5000 + b"\n", "not JSON"),
            (b"\n", "not JSON"),
            (b'{"a":1,"a":1}\n', "not JSON"),
        ):
            with self.subTest(content=content[:40]):
                before = self.n_events()
                done = self.run_on(content, "events", "import")
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertIn(":1: ", done.stderr)
                self.assertIn(said, done.stderr)
                self.assertEqual(self.n_events(), before)


if __name__ == "__main__":
    unittest.main()
