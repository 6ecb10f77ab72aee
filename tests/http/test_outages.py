"""A PostgreSQL that answers and can't do what it is asked: its disk is full, it is out of memory, its
disk fails, it is read-only."""

import contextlib
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import unittest

from support import (
    Background,
    Cluster,
    Service,
    ServiceCase,
    find_server_programs,
    make_id,
    make_key,
    migrate,
    needs_binary,
    wait_until,
)

REFUSE = """
    CREATE FUNCTION refuse_events() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'no room left' USING ERRCODE = '{sqlstate}'; END $$;
    CREATE TRIGGER refuse_events BEFORE INSERT ON events
        FOR EACH ROW {when} EXECUTE FUNCTION refuse_events();
"""
ALLOW = "DROP FUNCTION IF EXISTS refuse_events() CASCADE;"


BREAK_COMMITS = """
    CREATE SEQUENCE commits;
    GRANT USAGE ON SEQUENCE commits TO cartd_app;
    CREATE FUNCTION refuse_events() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF nextval('commits') <= {n} THEN
            RAISE EXCEPTION 'broken off' USING ERRCODE = '{sqlstate}';
        END IF;
        RETURN NULL;
    END $$;
    CREATE CONSTRAINT TRIGGER refuse_events AFTER INSERT ON events
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse_events();
"""


class OutageCase(ServiceCase):
    def refuse(self, sqlstate="53100", when=""):
        self.database.sql(ALLOW + REFUSE.format(sqlstate=sqlstate, when=when))
        self.addCleanup(self.allow)

    def allow(self):
        self.database.sql(ALLOW)

    def serve(self, **settings):
        service = Service(self.database.app_url, **settings)
        self.addCleanup(service.stop)
        return service

    def is_ready(self, client):
        return client.get("/readyz").status == 200

    def assert_unavailable(self, answer):
        problem = self.assert_problem(answer, 503, "database-unavailable")
        self.assertIn("Nothing was recorded", problem["detail"])


@needs_binary
class CommandsCanNotBeRecorded(OutageCase):
    def test_it_is_said_and_waited_for_whatever_the_reason(self):
        for sqlstate in ("53100", "53200", "53400", "58030", "25006", "57P03", "08006"):
            with self.subTest(sqlstate=sqlstate):
                self.check(sqlstate)

    def check(self, sqlstate):
        service = self.serve(CARTD_WAIT_MS="600")
        client = service.client()
        self.addCleanup(client.close)
        cart_id = self.make_cart(client=client)["id"]
        sku = self.make_product(client=client)
        self.refuse(sqlstate)
        n_before = len(service.output())
        began = time.monotonic()
        for _ in range(4):
            self.assert_unavailable(self.add(cart_id, sku, client=client))
            self.assertFalse(self.is_ready(client), "it is not ready meanwhile")
        self.assertEqual(client.metrics()["cartd_database_ready"], 0)
        seconds = time.monotonic() - began
        told = service.output()[n_before:]
        self.assertLess(len(told), 2000 + 1500 * seconds, told)
        self.assertIn(sqlstate, told)
        checks = client.get("/readyz?verbose").json()["checks"]
        self.assertRegex(checks["commands"], "no room left|read-only")

        # One that waits when there is room again is recorded, once. However long that takes here.
        key = {"Idempotency-Key": make_key()}
        patient = self.serve(CARTD_WAIT_MS="60000")
        client = patient.client(timeout=60)
        self.addCleanup(client.close)
        waiting = Background(1, lambda i, _: self.add(cart_id, sku, client=client, **key))
        wait_until(lambda: patient.events("recording_paused"), "it waits")
        self.allow()
        waiting.finish()
        answer = self.add(cart_id, sku, client=client, **key)
        self.assertEqual((answer.status, answer.headers.get("idempotent-replayed")), (200, "true"))
        self.assertEqual(self.event_types(cart_id), ["CartCreated", "ItemAdded"])
        self.assertTrue(self.is_ready(client))
        self.assertEqual(client.metrics()["cartd_database_ready"], 1)

    def test_a_commit_of_which_nobody_knows_is_looked_up(self):
        """Also when PostgreSQL itself says that it does not know."""
        sku = self.make_product(1)
        for version, sqlstate in enumerate(("08007", "XX000", "XX001"), 2):
            with self.subTest(sqlstate=sqlstate):
                cart_id = self.make_cart()["id"]
                self.database.sql(
                    ALLOW
                    + "DROP SEQUENCE IF EXISTS commits;"
                    + BREAK_COMMITS.format(n=1, sqlstate=sqlstate)
                )
                self.addCleanup(self.allow)
                key = {"Idempotency-Key": make_key()}
                answer = self.add(cart_id, sku, **key)
                self.assertIn(sqlstate, self.service.output())
                self.assertIn(answer.status, (200, 503), answer)
                if answer.status == 503:
                    self.assert_problem(answer, 503, "outcome-unknown")
                self.assertEqual(self.add(cart_id, sku, **key).status, 200)
                self.assertEqual(self.event_types(cart_id), ["CartCreated", "ItemAdded"])
        self.assert_log_is_dense()

    def test_it_is_ready_again_without_any_command(self):
        service = self.serve(CARTD_WAIT_MS="300")
        with service.client() as client:
            self.refuse()
            self.assert_unavailable(client.post("/carts"))
            self.allow()
            self.assertFalse(self.is_ready(client))
            wait_until(lambda: self.is_ready(client), "a balancer would send commands again", 30)
            self.make_cart(client=client)

    def test_many_who_wait_are_not_tried_one_after_the_other(self):
        service = self.serve(CARTD_WAIT_MS="3000")
        self.refuse()
        n_before = len(service.output())
        clients = [service.client() for _ in range(40)]
        statuses = []

        def create(i, is_over):
            answer = clients[i].post("/carts", {"id": make_id()})
            statuses.append(answer.status)

        creating = Background(len(clients), create)
        time.sleep(1.5)
        told = service.output()[n_before:]
        self.assertLess(len(told), 10_000, told)
        self.allow()
        creating.finish()
        self.assertEqual(statuses, [201] * len(clients))
        for client in clients:
            client.close()
        self.assert_log_is_dense()

    def test_one_that_can_not_be_recorded_does_not_stop_the_others(self):
        service = self.serve(CARTD_WAIT_MS="4000")
        poison = make_id()
        self.refuse("53200", f"WHEN (NEW.stream_id = '{poison}')")
        clients = [service.client() for _ in range(24)]
        statuses = {}

        def create(i, is_over):
            name = poison if i == 7 else make_id()
            statuses[i] = clients[i].post("/carts", {"id": name}).status

        Background(len(clients), create).finish()
        self.assertEqual(statuses.pop(7), 503)
        self.assertEqual(set(statuses.values()), {201})
        for client in clients:
            client.close()

    def test_an_error_that_is_not_the_servers_fails_only_its_command(self):
        service = self.serve()
        with service.client() as client:
            self.refuse("XX000")
            self.assert_problem(client.post("/carts"), 500, "internal-error")
            self.assertTrue(self.is_ready(client))
            for _ in range(50):
                client.post("/carts")
            failures = service.events("statement_failed")
            self.assertLessEqual(len(failures), 8, "about one line a second")
            time.sleep(1.1)
            client.post("/carts")
            wait_until(
                lambda: service.events("statement_failed")[-1].get("left_out", 0) > 0,
                "the next line says how many were left out",
            )


@needs_binary
@unittest.skipUnless(find_server_programs(), "PostgreSQL's server programs are not installed")
@unittest.skipUnless(os.geteuid() == 0, "only root can mount a small disk")
class DiskIsFull(OutageCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="cartd-test-disk-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", cls.folder],
            capture_output=True,
            check=False,
        )
        if mounted.returncode != 0:
            raise unittest.SkipTest("no small disk can be mounted here")
        cls.addClassCleanup(subprocess.run, ["umount", "-l", cls.folder], check=False)
        tablespace = cls.folder / "events"
        tablespace.mkdir()
        shutil.chown(tablespace, "postgres")
        cls.folder.chmod(0o755)
        cls.cluster = Cluster()
        cls.addClassCleanup(cls.cluster.destroy)
        cls.cluster.start()
        migrate(cls.cluster.url)
        cls.cluster.sql(f"CREATE TABLESPACE small LOCATION '{tablespace}';")
        cls.cluster.sql("ALTER TABLE events SET TABLESPACE small;")

    def test_commands_go_on_when_there_is_room_again(self):
        service = Service(self.cluster.url, CARTD_WAIT_MS="1000")
        self.addCleanup(service.stop)
        filler = self.folder / "filler"
        with service.client() as client:
            self.make_cart(client=client)
            with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
                while file.write(b"x" * 4096):
                    pass
            answered = []
            metadata = {"note": "x" * 200, "more": "y" * 200}

            def create():
                answer = client.post("/carts", {"id": make_id(), "metadata": metadata})
                if answer.status == 201:
                    answered.append(answer.json()["id"])
                return answer

            answer = create()
            while answer.status == 201:
                answer = create()
            self.assert_unavailable(answer)
            self.assertFalse(self.is_ready(client))
            self.assertIn("53100", service.output())
            filler.unlink()
            for _ in range(3):
                self.assertEqual(create().status, 201)
            self.assertTrue(self.is_ready(client))
        recorded = self.cluster.sql("SELECT count(*) FROM events;")[0][0]
        self.assertEqual(int(recorded), len(answered) + 1)


if __name__ == "__main__":
    unittest.main()
