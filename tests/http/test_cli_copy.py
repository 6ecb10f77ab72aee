"""Copies of the log: cartd events export and cartd events import."""

import fcntl
import json
import os
import pathlib
import random
import signal
import subprocess
import tempfile
import unittest
import uuid

from support import (
    BINARY,
    Database,
    Service,
    ServiceCase,
    complain_of_sanitizers,
    migrate,
    needs_binary,
    run_cartd,
    slow,
    wait_until,
)
from support.copies import compose, make_log
from support.service import clean_environment, lean_settings


class CopyCase(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="cartd-test-copy-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.database = self.make_database()

    def make_database(self):
        database = Database()
        self.addCleanup(database.drop)
        return database.migrated_by(migrate)

    def path(self, content=None, name="log of today.jsonl"):
        path = self.folder / name
        if content is not None:
            path.write_bytes(b"".join(content) if isinstance(content, list) else content)
        return path

    def do(self, action, path, *arguments, database=None, expected=0):
        database = database or self.database
        url = database.reader_url if action == "export" else database.app_url
        done = run_cartd("events", action, str(path), *arguments, url=url)
        self.assertEqual(done.returncode, expected, (done.stdout[-3000:], done.stderr))
        self.assertEqual(done.stderr == "", expected == 0, done.stderr)
        return done

    def exported(self, database=None):
        done = subprocess.run(
            [BINARY, "events", "export"],
            env=clean_environment(DATABASE_URL=(database or self.database).reader_url),
            capture_output=True,
            timeout=300,
            check=True,
        )
        complain_of_sanitizers(done.stderr.decode())
        return done.stdout

    def head(self, database=None):
        return int((database or self.database).value("SELECT position FROM log_head;"))

    def assert_tables_agree(self, database=None):
        """streams and log_head say what the events say."""
        database = database or self.database
        wrong = database.value(
            "SELECT count(*) FROM (SELECT DISTINCT stream_id, stream_type FROM events) e"
            " FULL JOIN streams s USING (stream_id)"
            " WHERE e.stream_type IS DISTINCT FROM s.stream_type;"
        )
        self.assertEqual(wrong, "0")
        same = database.value(
            "SELECT (position, recorded_at) IS NOT DISTINCT FROM"
            " (SELECT (position, recorded_at) FROM events ORDER BY position DESC LIMIT 1)"
            " FROM log_head;"
        )
        self.assertEqual(same, "t" if self.head(database) > 0 else "f")
        # Else a service that ran meanwhile would go on with what the catalogue said before.
        is_moved = database.value(
            "SELECT shared_position >= (SELECT coalesce(max(position), 0) FROM events"
            " WHERE stream_type = 'product') FROM log_head;"
        )
        self.assertEqual(is_moved, "t")


@needs_binary
class RoundTrip(ServiceCase, CopyCase):
    def setUp(self):
        CopyCase.setUp(self)
        self.database = type(self).database

    def test_a_copy_of_a_copy_is_the_same_log(self):
        skus = [self.make_product(name='Tea "ü" \\ \u2028') for _ in range(3)]
        cart = self.make_cart(
            *((sku, 2) for sku in skus), metadata={"z": 1e-7, "a": {"b": [1, "\u007f"]}}
        )
        self.client.post(f"/carts/{cart['id']}/checkout")
        self.make_cart(customer_id="Zoë")
        whole = self.exported()
        self.assertEqual(whole.count(b"\n"), self.head())
        path = self.path(whole)
        other = self.make_database()
        done = self.do("import", path, database=other)
        self.assertIn(f"{self.head()} imported, 0 were there", done.stdout)
        self.assertEqual(self.exported(other), whole)
        columns = (
            "position, stream_type, stream_id, version, type, schema_version, data::text,"
            " metadata::text, command_id, recorded_at"
        )
        query = f"SELECT {columns} FROM events ORDER BY position;"
        self.assertEqual(other.sql(query), self.database.sql(query))
        self.assert_tables_agree(other)
        for table in ("carts", "cart_chunks", "cart_items", "products"):
            query = f"SELECT t::text FROM {table} t ORDER BY t::text;"
            self.assertEqual(other.sql(query), self.database.sql(query))
        done = run_cartd("verify", url=other.owner_url)
        self.assertEqual(done.returncode, 0, done.stdout)
        done = self.do("import", path, database=other)
        self.assertIn(f"0 imported, {self.head()} were there", done.stdout)
        self.assertEqual(self.exported(other), whole)
        self.assert_log_goes_on(other, skus[0], cart["id"])

    def assert_log_goes_on(self, database, sku, cart_id):
        service = Service(database.app_url)
        try:
            with service.client() as client:
                then = self.client.get(f"/carts/{cart_id}")
                self.assertEqual(client.get(f"/carts/{cart_id}").body, then.body)
                self.assertEqual(client.get(f"/carts/{cart_id}?version=2").status, 200)
                head = self.head(database)
                answer = client.post("/carts", {"items": [{"sku": sku}]})
                self.assertEqual(answer.status, 201, answer)
                self.assertEqual(self.head(database), head + 2)
        finally:
            service.stop()


@needs_binary
class Exporting(CopyCase):
    def setUp(self):
        super().setUp()
        self.lines = make_log(2300)
        self.whole = b"".join(self.lines)
        self.do("import", self.path(self.whole, "whole"))

    def test_an_empty_log_is_an_empty_copy(self):
        empty = self.make_database()
        path = self.path()
        self.do("export", path, database=empty)
        self.assertEqual(path.read_bytes(), b"")
        self.do("import", path, database=empty)
        self.assertEqual(self.head(empty), 0)

    def test_an_export_goes_on_behind_the_last_whole_line(self):
        path = self.path()
        lengths = [0, 1, 13, 14, 100, len(self.lines[0]) - 1, len(self.lines[0])]
        lengths += [len(self.lines[0]) + 1, len(self.whole) - 1, len(self.whole)]
        lengths += random.Random(1).sample(range(len(self.whole)), 8)
        for length in lengths:
            path.write_bytes(self.whole[:length])
            done = self.do("export", path)
            self.assertEqual(path.read_bytes(), self.whole, length)
            n_new = len(self.lines) - self.whole[:length].count(b"\n")
            self.assertIn(f"events: {n_new} written", done.stdout)
        path.write_bytes(self.whole + self.lines[0][:-1])
        self.do("export", path)
        self.assertEqual(path.read_bytes(), self.whole)

    def test_an_export_may_begin_anywhere(self):
        path = self.path()
        self.do("export", path, "--after", "2000")
        part = b"".join(self.lines[2000:])
        self.assertEqual(path.read_bytes(), part)
        path.write_bytes(part[: len(part) // 2])
        self.do("export", path, "--after", "2000")
        self.assertEqual(path.read_bytes(), part)
        self.do("export", path)
        self.assertEqual(path.read_bytes(), part)
        self.do("export", path, "--after", "1999", expected=1)
        self.assertEqual(path.read_bytes(), part)
        self.do("export", self.path(name="none"), "--after", "2300")
        self.assertEqual(self.path(name="none").read_bytes(), b"")

    def test_what_is_no_copy_of_this_log_is_left_as_it_is(self):
        other = make_log(50, seed=2)
        longer = self.lines + [
            compose(**{**json.loads(self.lines[-1]), "position": len(self.lines) + 1})
        ]
        for content in (
            b"dear diary",
            b"dear diary\n" * 100,
            b"{}\n",
            b'{"position":1}\n',
            self.lines[0] + b"torn\n",
            b"\n",
            b"\0" * 100,
            b'{"position":1' + b" " * 1_200_000,
            b"".join(other),
            b"".join(longer),
        ):
            path = self.path(content)
            self.do("export", path, expected=1)
            self.assertEqual(path.read_bytes(), content)

    def test_two_exports_do_not_write_one_file(self):
        path = self.path(b"")
        with open(path, "ab") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            done = self.do("export", path, expected=1)
            self.assertIn("another export", done.stderr)
        self.do("export", path)

    def test_a_pipe_that_breaks_is_a_failure(self):
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", f'"{BINARY}" events export - | head -n 1'],
            env=clean_environment(DATABASE_URL=self.database.reader_url),
            capture_output=True,
            timeout=60,
            check=False,
        )
        self.assertEqual((done.returncode, done.stdout), (1, self.lines[0]), done.stderr)

    def test_what_can_not_be_written_is_said(self):
        for path in (self.folder, self.folder / "none" / "file", "/dev/full"):
            self.do("export", path, expected=1)

    def test_an_export_that_is_interrupted_can_go_on(self):
        fifo = self.folder / "fifo"
        os.mkfifo(fifo)
        process = subprocess.Popen(
            [BINARY, "events", "export", str(fifo)],
            env=clean_environment(DATABASE_URL=self.database.reader_url),
            stderr=subprocess.PIPE,
        )
        with open(fifo, "rb") as pipe:
            beginning = pipe.readline()
            process.send_signal(signal.SIGINT)
            rest = pipe.read()
        self.assertEqual(process.wait(60), 1)
        self.assertIn(b"interrupted", process.stderr.read())
        process.stderr.close()
        exported = beginning + rest
        self.assertTrue(exported.endswith(b"\n"))
        self.assertTrue(self.whole.startswith(exported))


@needs_binary
class Importing(CopyCase):
    def test_an_import_that_is_killed_goes_on(self):
        lines = make_log(20000)
        path = self.path(lines)
        n_before = 0
        for part in (1500, 6000, 12500):
            # A chunk of the copy that stays open: the import waits for more, and is killed.
            process = subprocess.Popen(
                [BINARY, "events", "import", "-"],
                env=clean_environment(DATABASE_URL=self.database.app_url),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            process.stdin.write(b"".join(lines[:part]))
            process.stdin.flush()
            wait_until(lambda: self.head() > n_before, "it has begun", timeout=120)
            process.kill()
            process.wait(60)
            process.stdin.close()
            n_before = self.head()
            self.assert_tables_agree()
        done = self.do("import", path)
        self.assertIn(f"{20000 - n_before} imported, {n_before} were there", done.stdout)
        done = run_cartd("verify", url=self.database.owner_url)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertEqual(self.exported(), path.read_bytes())
        self.assert_tables_agree()

    def test_an_import_that_is_interrupted_says_that_it_can_go_on(self):
        lines = make_log(5000)
        process = subprocess.Popen(
            [BINARY, "events", "import", "-"],
            env=clean_environment(DATABASE_URL=self.database.app_url),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        process.stdin.write(b"".join(lines[:2500]))
        process.stdin.flush()
        wait_until(lambda: self.head() == 2000, "two chunks are there", timeout=120)
        process.send_signal(signal.SIGINT)
        said, complaints = process.communicate(timeout=60)
        complain_of_sanitizers(complaints.decode())
        self.assertEqual(process.returncode, 1)
        self.assertIn(b"2000 imported", said)
        self.assertIn(b"import it again to continue", complaints)
        self.do("import", self.path(lines))
        self.assertEqual(self.exported(), b"".join(lines))

    def test_the_order_of_members_and_blanks_do_not_matter(self):
        lines = make_log(20)
        other = [
            (json.dumps(dict(reversed(json.loads(line).items())), indent=None) + " \r\n").encode()
            for line in lines
        ]
        other[-1] = other[-1].strip()
        self.do("import", self.path(other))
        self.assertEqual(self.exported(), b"".join(lines))
        done = self.do("import", self.path(lines))
        self.assertIn("0 imported", done.stdout)

    def damage(self, number, **changes):
        """The log with members of one line changed; None takes a member away."""
        lines = make_log(1200)
        event = {**json.loads(lines[number - 1]), **changes}
        lines[number - 1] = compose(
            **{name: value for name, value in event.items() if value is not None}
        )
        return lines

    def assert_refused_at(self, number, lines, word):
        done = self.do("import", self.path(lines), expected=1)
        self.assertRegex(done.stderr, rf"(?m)^.*:{number}: .*{word}", done.stderr)
        self.assertEqual(done.stderr.count("jsonl:"), 1, done.stderr)
        # Nothing of the line, or of the chunk that it was in.
        self.assertEqual(self.head(), 1000 if number > 1000 else 0)
        self.assert_tables_agree()

    def test_damaged_lines_are_refused_with_their_numbers(self):
        created = next(
            number
            for number, line in enumerate(make_log(1200), 1)
            if number > 5 and b"CartCreated" in line
        )
        added = next(
            number
            for number, line in enumerate(make_log(1200), 1)
            if number > created and b"ItemAdded" in line
        )
        event = json.loads(make_log(1200)[added - 1])
        item = event["data"]
        for changes, word in (
            ({"position": added + 1}, "position"),
            ({"position": 0}, "position"),
            ({"position": "5"}, "position"),
            ({"position": None}, "position"),
            ({"position": 2**70}, "JSON"),
            ({"version": event["version"] + 1}, "version"),
            ({"version": 2**31}, "version"),
            ({"version": 1}, "CartCreated"),
            ({"stream_id": "no-uuid"}, "stream_id"),
            ({"stream_id": 7}, "stream_id"),
            ({"stream_type": "order"}, "stream_type"),
            ({"stream_type": "product"}, "data"),
            ({"type": "ItemSold"}, "ItemSold"),
            ({"type": "CartCreated"}, "CartCreated"),
            ({"schema_version": 99}, "schema_version 99"),
            ({"recorded_at": "2001-01-01T00:00:00Z"}, "before"),
            ({"recorded_at": "yesterday"}, "recorded_at"),
            ({"command_id": str(uuid.UUID(int=7))}, "command_id"),
            ({"command_id": None}, "command_id"),
            ({"metadata": {}}, "command_id"),
            ({"metadata": [], "command_id": event["command_id"]}, "metadata"),
            ({"data": {**item, "quantity": 0}}, "data"),
            ({"data": {**item, "surprise": 0}}, "data"),
            ({"data": "text"}, "data"),
            ({"data": None}, "data"),
        ):
            with self.subTest(changes=changes):
                self.assert_refused_at(added, self.damage(added, **changes), word)
        with self.subTest("a cart that begins with something else"):
            lines = self.damage(created, type="CartCleared", data={})
            self.assert_refused_at(created, lines, "CartCreated")
        with self.subTest("a product under a stream id of its own"):
            lines = self.damage(2, stream_id=str(uuid.UUID(int=7)))
            self.assert_refused_at(2, lines, "stream_id")

    def test_lines_that_are_none_are_refused_with_their_numbers(self):
        for line, word in (
            (b"\n", "JSON"),
            (b"{\n", "JSON"),
            (b"[]\n", "object"),
            (b"\xff\n", "JSON"),
            (b'{"position":700}\n', "missing"),
            (b"{}{}\n", "JSON"),
            (b'"' + b"x" * 1_100_000 + b'"\n', "long"),
        ):
            with self.subTest(line=line[:20]):
                lines = make_log(1200)
                lines[699] = line
                self.assert_refused_at(700, lines, word)
        for change in (
            lambda line: line.replace(b'"version":', b'"version":1,"version":'),
            lambda line: line.replace(b'{"position"', b'{"more":1,"position"'),
            lambda line: line[:-2] + b"\n",
            lambda line: line.replace(b'"data"', b'"dat\\u0061"'),
        ):
            lines = make_log(1200)
            lines[699] = change(lines[699])
            self.assert_refused_at(700, lines, "")
        for change in (
            lambda lines: lines.pop(699),
            lambda lines: lines.insert(699, lines[698]),
        ):
            lines = make_log(1200)
            change(lines)
            self.assert_refused_at(700, lines, "position")

    def test_a_version_that_does_not_follow_an_earlier_chunk_is_refused(self):
        lines = make_log(2100)
        number = next(
            number
            for number, line in enumerate(lines, 1)
            if number > 1001 and json.loads(line)["version"] > 2
        )
        event = json.loads(lines[number - 1])
        for later in range(number - 1, len(lines)):  # the stream is without one event from here on
            other = json.loads(lines[later])
            if other["stream_id"] == event["stream_id"]:
                lines[later] = compose(**{**other, "version": other["version"] + 1})
        self.assert_refused_at(number, lines, "version")

    def test_only_the_same_log_is_gone_on_with(self):
        lines = make_log(2500)
        self.do("import", self.path(lines[:1500]))
        other = make_log(2500, seed=2)
        done = self.do("import", self.path(other), expected=1)
        self.assertIn(":1: the log has another event", done.stderr)
        self.assertEqual(self.head(), 1500)
        changed = list(lines)
        event = json.loads(lines[1203])
        changed[1203] = compose(**{**event, "metadata": {**event["metadata"], "actor": "eve"}})
        done = self.do("import", self.path(changed), expected=1)
        self.assertIn(":1204: the log has another event", done.stderr)
        done = self.do("import", self.path(lines[:1400]), expected=1)
        self.assertIn("more than the 1400", done.stderr)
        self.do("import", self.path(lines[1500:]), expected=1)
        self.assertEqual(self.head(), 1500)
        self.do("import", self.path(lines))
        self.assertEqual(self.exported(), b"".join(lines))

    def test_a_log_that_somebody_else_appends_to_is_left_alone(self):
        lines = make_log(3000)
        process = subprocess.Popen(
            [BINARY, "events", "import", "-"],
            env=clean_environment(DATABASE_URL=self.database.app_url),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        process.stdin.write(b"".join(lines[:1000]))
        process.stdin.flush()
        wait_until(lambda: self.head() == 1000, "a chunk is there", timeout=120)
        stream_id = str(uuid.UUID(int=9))
        self.database.sql(
            "UPDATE log_head SET position = position + 1;"
            f"INSERT INTO streams VALUES ('{stream_id}', 'cart');"
            f"INSERT INTO events SELECT position, 'cart', '{stream_id}', 1, 'CartCreated', 1, '{{}}',"
            f" '{{}}', '{stream_id}', recorded_at FROM log_head;"
        )
        _, complaints = process.communicate(b"".join(lines[1000:]), timeout=120)
        complain_of_sanitizers(complaints.decode())
        self.assertEqual(process.returncode, 1)
        self.assertIn(b"another process appended", complaints)
        self.assertEqual(complaints.count(b"standard input:"), 1, complaints)
        self.assertEqual(self.head(), 1001)

    def test_a_reader_may_not_import(self):
        path = self.path(make_log(10))
        done = run_cartd("events", "import", str(path), url=self.database.reader_url)
        self.assertEqual(done.returncode, 1)
        self.assertIn("permission denied", done.stderr)
        self.assertIn('"hint":"a right is missing: run `cartd migrate`', done.stderr)
        self.assertEqual(self.head(), 0)

    def test_a_file_that_can_not_be_read_is_said(self):
        self.do("import", self.folder, expected=1)
        self.do("import", self.folder / "none", expected=1)

    @slow("copies of 60,000 events")
    def test_copies_take_bounded_memory(self):
        short, long = self.path(make_log(5000), "short"), self.path(make_log(60000), "long")
        sizes = {}
        for path in (short, long):
            database = self.make_database()
            for action in ("import", "export"):
                target = path if action == "import" else f"{path}.again"
                sizes[action, path] = self.measure(database, action, target)
            self.assertEqual(pathlib.Path(f"{path}.again").read_bytes(), path.read_bytes())
        for action in ("import", "export"):
            more = sizes[action, long] - sizes[action, short]
            self.assertLess(more, 10 * 1024, f"{action}: {sizes} KiB")

    def measure(self, database, action, path):
        """The most memory that the process ever had, in KiB."""
        process = subprocess.Popen(
            [BINARY, "events", action, str(path)],
            env=clean_environment(DATABASE_URL=database.app_url, **lean_settings()),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, 0)
        return usage.ru_maxrss


if __name__ == "__main__":
    unittest.main()
