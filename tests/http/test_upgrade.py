"""`cartd events upgrade`: a copy of the log in which every event is of the newest shape."""

import collections
import json
import os
import signal
import subprocess
import tempfile
import unittest

from support import (
    BINARY,
    Database,
    Service,
    fixtures,
    migrate,
    needs_binary,
    needs_database,
    run_cartd,
    wait_until,
)
from support.service import clean_environment

# Of the events that were ever changed.
NEWEST = {
    "CartCreated": 2,
    "CartCheckedOut": 2,
    "CartTotalRemoved": 2,
    "CartTotalSet": 2,
    "ItemAdded": 4,
    "ItemPriceChanged": 2,
    "ItemRestored": 3,
    "ProductChanged": 3,
}


def count_former(name):
    """How many events of a fixture are of each type and version that is not the newest."""
    shapes = ((event["type"], event["schema_version"]) for event in fixtures.read(name, "events"))
    return collections.Counter(
        (kind, version) for kind, version in shapes if version < NEWEST.get(kind, 1)
    )


def upcast(event):
    """The event as the copy must have it, written from what the shapes are said to be."""
    event = json.loads(json.dumps(event))
    if (event["type"], event["schema_version"]) == ("ItemAdded", 1):
        event["data"]["properties"] = {}
        event["schema_version"] = 2
    if (event["type"], event["schema_version"]) in (
        ("ItemAdded", 2),
        ("ItemRestored", 1),
        ("ItemPriceChanged", 1),
        ("CartTotalSet", 1),
        ("CartTotalRemoved", 1),
    ):
        event["schema_version"] += 1  # what came is left out where there is none
    if (event["type"], event["schema_version"]) in (("ItemAdded", 3), ("ItemRestored", 2)):
        event["schema_version"] += 1  # likewise
    if (event["type"], event["schema_version"]) == ("ProductChanged", 1):
        event["data"]["quantity"] = None
        event["schema_version"] = 2
    if (event["type"], event["schema_version"]) == ("ProductChanged", 2):
        event["schema_version"] = 3  # likewise
    if (event["type"], event["schema_version"]) == ("CartCreated", 1):
        event["data"]["guest_token_hash"] = None
        event["schema_version"] = 2
    if (event["type"], event["schema_version"]) == ("CartCheckedOut", 1):
        event["data"]["order_reference"] = None
        event["schema_version"] = 2
    event["recorded_at"] = None
    return event


ROWS = (
    "SELECT position, stream_type, stream_id, version, type, schema_version, data, metadata,"
    " command_id, recorded_at FROM events ORDER BY position;"
)


@needs_binary
@needs_database
class Upgrade(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = f"{folder.name}/log.jsonl"

    def make_database(self, fixture=None):
        database = Database().migrated_by(migrate)
        self.addCleanup(database.drop)
        if fixture:
            fixtures.load(database, fixture)
        return database

    def upgrade(self, database, into=None):
        return run_cartd("events", "upgrade", "--into", into or self.path, url=database.app_url)

    def assert_done(self, done, *sentences):
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        for sentence in sentences:
            self.assertIn(sentence, done.stdout)

    def assert_failed(self, done, *sentences, code=1):
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        for sentence in sentences:
            self.assertIn(sentence, done.stderr)

    def read_copy(self):
        with open(self.path, encoding="utf-8") as lines:
            return [json.loads(line) for line in lines]

    def test_a_file_has_every_event_in_its_newest_shape(self):
        for source in ("v1", "mixed", "whole", "weights", "merged", "coupons"):
            with self.subTest(source):
                database = self.make_database(source)
                former = count_former(source)
                n_all = len(fixtures.read(source, "events"))
                if os.path.exists(self.path):
                    os.unlink(self.path)
                self.assert_done(
                    self.upgrade(database),
                    f"events: {n_all} written; {self.path} goes up to position {n_all}\n",
                    *(
                        f"{kind}: {n} from schema_version {version} to {NEWEST[kind]}; brought back,"
                        " each is what it was"
                        for (kind, version), n in former.items()
                    ),
                    f"already of the newest shape: {n_all - former.total()}\n",
                )
                copied = self.read_copy()
                for event, before in zip(copied, fixtures.read(source, "events"), strict=True):
                    self.assertEqual(
                        event["recorded_at"].rstrip("0Z"),
                        before["recorded_at"].removesuffix("+00:00").rstrip("0"),
                    )
                    self.assertEqual(upcast(event), upcast(before))
                self.assertEqual(
                    {event["schema_version"] for event in copied if event["type"] == "ItemAdded"},
                    {4},
                )

    def test_a_database_gets_the_same_and_serves_it(self):
        database = self.make_database("mixed")
        target = self.make_database()
        self.assert_done(
            self.upgrade(database, target.app_url),
            "events: 36 imported, 0 were there already\n",
            "ItemAdded: 9 from schema_version 1 to 4",
            "ItemAdded: 7 from schema_version 2 to 4",
        )
        stored = target.sql(ROWS)
        for row, before in zip(stored, database.sql(ROWS), strict=True):
            after = upcast(
                {
                    "type": before[4],
                    "schema_version": int(before[5]),
                    "data": json.loads(before[6]),
                }
            )
            self.assertEqual(row[:4] + row[7:], before[:4] + before[7:])
            self.assertEqual(
                (row[4], int(row[5]), json.loads(row[6])),
                (after["type"], after["schema_version"], after["data"]),
            )
        # Once more: everything is there.
        self.assert_done(
            self.upgrade(database, target.app_url), "events: 0 imported, 36 were there already\n"
        )
        self.assertEqual(target.sql(ROWS), stored)

        service = Service(target.app_url)
        self.addCleanup(service.stop)
        with service.client() as client:
            path = "/carts/01936f6e-0000-7000-8000-000000000003"
            served = json.loads(client.get(path).body)
            self.assertEqual((served["version"], len(served["items"])), (12, 4))
            answer = client.post(f"{path}/items", {"sku": "mug"})
            self.assertEqual((answer.status, answer.version), (200, 13), answer)
        self.assertEqual(run_cartd("verify", url=target.app_url).returncode, 0)

    def test_a_copy_that_was_cut_short_is_gone_on_with(self):
        database = self.make_database("mixed")
        self.assert_done(self.upgrade(database))
        with open(self.path, "rb") as file:
            whole = file.read()
        lines = whole.splitlines(keepends=True)
        for left in (b"", lines[0][:10], lines[0], b"".join(lines[:7]) + lines[7][:50], whole):
            with open(self.path, "wb") as file:
                file.write(left)
            self.assert_done(self.upgrade(database))
            with open(self.path, "rb") as file:
                self.assertEqual(file.read(), whole)

    def test_it_goes_on_counting_only_what_it_writes(self):
        database = self.make_database("v1")
        self.assert_done(self.upgrade(database))
        done = self.upgrade(database)
        self.assert_done(done, "events: 0 written", "already of the newest shape: 0\n")
        self.assertNotIn("from schema_version", done.stdout)
        with open(self.path, "rb") as file:
            lines = file.readlines()
        self.assertIn(b'"ItemAdded"', lines[17], "the last one that is left, and only compared")
        with open(self.path, "wb") as file:
            file.writelines(lines[:18])
        self.assert_done(
            self.upgrade(database), "events: 6 written", "ItemAdded: 3 from schema_version 1 to 4"
        )

    def test_the_standard_output_gets_nothing_but_events(self):
        database = self.make_database("v1")
        done = self.upgrade(database, "-")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len([json.loads(line) for line in done.stdout.splitlines()]), 24)
        self.assertIn("ItemAdded: 9 from schema_version 1 to 4", done.stderr)

    def test_an_event_that_is_not_of_its_shape_ends_it(self):
        for data, reason in (
            ("'{\"properties\": {}}'", "its data does not have the shape of its schema_version"),
            ("'{\"quantity\": 1e-300}'", "its data has a number that can't be stored exactly"),
        ):
            with self.subTest(reason):
                database = self.make_database("v1")
                target = self.make_database()
                self.spoil(database, f"data = data || {data}", 20)
                for into in (self.path, target.app_url):
                    self.assert_failed(
                        self.upgrade(database, into),
                        f"event 20, ItemAdded with schema_version 1, can't be upgraded: {reason}",
                    )
                self.assertLess(len(self.read_copy()), 20)
                self.assertLess(int(target.value("SELECT count(*) FROM events;")), 20)
                os.unlink(self.path)

    def test_an_event_of_a_later_cartd_ends_it(self):
        database = self.make_database("v1")
        self.spoil(database, "schema_version = 99", 20)
        self.assert_failed(self.upgrade(database), "event 20", "schema_version is unknown")
        self.spoil(database, "schema_version = 1, type = 'ItemLent'", 20)
        self.assert_failed(self.upgrade(database), "event 20, ItemLent", "type is unknown")

    def spoil(self, database, change, position):
        database.sql(
            "ALTER TABLE events DISABLE TRIGGER events_stay;"
            f"UPDATE events SET {change} WHERE position = {position};"
            "ALTER TABLE events ENABLE TRIGGER events_stay;"
        )

    def test_a_database_with_another_log_is_left_as_it_is(self):
        database = self.make_database("v1")
        for target in (self.make_database("mixed"), database):
            before = target.sql(ROWS)
            self.assert_failed(
                self.upgrade(database, target.app_url), "the log has another event at this position"
            )
            self.assertEqual(target.sql(ROWS), before)

    def test_what_it_can_not_write_to_is_said(self):
        database = self.make_database("v1")
        unmigrated = Database()
        self.addCleanup(unmigrated.drop)
        self.assert_failed(self.upgrade(database, unmigrated.owner_url), "cartd migrate")
        self.assert_failed(
            self.upgrade(database, "postgresql://nobody@127.0.0.1:1/nowhere"), "cartd:"
        )
        self.assert_failed(self.upgrade(database, "/nowhere/log.jsonl"), "No such file")
        self.assert_failed(run_cartd("events", "upgrade", "--into", "", url=database.app_url), "requires --into", code=2)
        self.assert_failed(
            run_cartd("events", "upgrade", url=database.app_url), "requires --into", code=2
        )
        self.assert_failed(
            run_cartd("events", "--into", "x", url=database.app_url), "takes no --into", code=2
        )

    def test_an_empty_log_is_an_empty_copy(self):
        database = self.make_database()
        self.assert_done(self.upgrade(database), "already of the newest shape: 0\n")
        self.assertEqual(self.read_copy(), [])
        target = self.make_database()
        self.assert_done(self.upgrade(database, target.app_url), "events: 0 imported")

    def test_a_kill_in_the_middle_loses_nothing(self):
        database = self.make_database("v1")
        grow(database, 2000)
        n_events = int(database.value("SELECT count(*) FROM events;"))
        target = self.make_database()
        count = "SELECT count(*) FROM events;"
        for number in (signal.SIGKILL, signal.SIGINT):
            before = int(target.value(count))
            process = subprocess.Popen(
                [BINARY, "events", "upgrade", "--into", target.app_url],
                env=clean_environment(DATABASE_URL=database.app_url),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            wait_until(
                lambda: process.poll() is not None or int(target.value(count)) > before,
                "the copy never began",
            )
            process.send_signal(number)
            process.wait()
        # The importer may still be busy with what it was given.
        done = self.upgrade(database, target.app_url)
        while "another process appended" in done.stderr:
            done = self.upgrade(database, target.app_url)
        self.assert_done(done)
        self.assertEqual(int(target.value(count)), n_events)
        old = "SELECT count(*) FROM events WHERE type = 'ItemAdded' AND schema_version = 1;"
        self.assertEqual(target.value(old), "0")


def grow(database, copies):
    """Gives the log so many more carts like one of its own."""
    database.sql(f"""
        INSERT INTO events
        SELECT (SELECT position FROM log_head) + (n - 1) * 6 + e.version, stream_type,
            ('01936f6e-0000-7000-9000-' || lpad(n::text, 12, '0'))::uuid, version, type,
            schema_version, data, metadata, command_id, (SELECT recorded_at FROM log_head)
        FROM generate_series(1, {copies}) n,
            (SELECT * FROM events WHERE stream_id = '01936f6e-0000-7000-8000-000000000003') e;
        INSERT INTO streams SELECT DISTINCT stream_id, stream_type FROM events
        WHERE stream_id::text LIKE '01936f6e-0000-7000-9000-%';
        UPDATE log_head SET position = (SELECT max(position) FROM events);""")


if __name__ == "__main__":
    unittest.main()
