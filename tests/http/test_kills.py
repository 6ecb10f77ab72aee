"""kill -9 of the service and of PostgreSQL under load, and processes that stop and go on: nothing
that was answered is lost, nothing is there twice.

With CARTD_TEST_LONG=1 there are 200 kills of the service and 50 immediate stops of PostgreSQL, and
it is ready again within one second of its start, and within five of PostgreSQL's. The counts and
times are printed."""

import contextlib
import os
import signal
import statistics
import threading
import time
import unittest

from support import (
    FORGETFUL,
    HASTY,
    IS_LONG,
    Cluster,
    Database,
    FaultCase,
    Footprint,
    Service,
    find_server_programs,
    how_many,
    migrate,
    needs_binary,
    run_cartd,
    slow,
    take_free_port,
    wait_until,
)

SERVICE_KILLS = how_many(4, long=200)
DATABASE_STOPS = how_many(2, long=50)
NAPS = how_many(5, quick=2, long=40)


def tell_times(what, times, load):
    print(
        f"{len(times)} {what}; ready after {max(times):.2f} s at most,"
        f" {statistics.median(times):.2f} s in the middle;"
        f" {load.n_done} commands done, {load.n_failed} failed",
        end=" ",
        flush=True,
    )


@needs_binary
@unittest.skipUnless(find_server_programs(), "PostgreSQL's server programs are not installed")
class Kills(FaultCase):
    """On a PostgreSQL of their own, durable as in production."""

    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster().start()
        cls.addClassCleanup(cls.cluster.destroy)
        cls.database = cls.make_database()
        cls.service = Service(cls.database.app_url, port=take_free_port(), CARTD_WAIT_MS="300")
        cls.addClassCleanup(lambda: cls.service.stop())
        cls.client = cls.service.client()
        cls.addClassCleanup(cls.client.close)

    @classmethod
    def make_database(cls):
        database = Database(cls.cluster.url)
        cls.addClassCleanup(database.drop)
        return database.migrated_by(migrate)

    def setUp(self):
        self.service.wait_until_ready()  # the test before may have restarted PostgreSQL

    def test_the_service_is_killed(self):
        load = self.start_load(self.service)
        times = []

        def kill(_):
            self.service.kill()
            started = time.monotonic()
            type(self).service = Service(
                self.database.app_url, port=self.service.port, CARTD_WAIT_MS="300"
            )
            times.append(time.monotonic() - started)

        self.break_until_refuted(load, kill, SERVICE_KILLS)
        self.assert_kept(load)
        tell_times("kills", times, load)
        if IS_LONG:
            self.assertLess(max(times), 1)

    def test_postgresql_is_stopped_at_once(self):
        load = self.start_load(self.service)
        times = []
        recoveries = []  # PostgreSQL's own part of them, on whatever disk

        def stop(_):
            self.cluster.stop("immediate")
            self.assertEqual(self.client.get("/livez").status, 200)
            # Long enough for commands under way to be answered that nobody knows.
            wait_until(lambda: self.client.get("/readyz").status == 503, "it is not ready")
            failed = load.n_failed
            wait_until(lambda: load.n_failed > failed + 20, "commands fail")
            started = time.monotonic()
            self.cluster.start()
            recoveries.append(time.monotonic() - started)
            self.service.wait_until_ready()
            times.append(time.monotonic() - started)

        self.break_until_refuted(load, stop, DATABASE_STOPS, flaws={HASTY})
        self.assert_kept(load)
        tell_times("immediate stops", times, load)
        print(f"(PostgreSQL {max(recoveries):.2f} s, {statistics.median(recoveries):.2f} s)", end=" ")
        if IS_LONG:
            self.assertLess(max(map(float.__sub__, times, recoveries)), 5)

    @slow("four restarts")
    def test_postgresql_dies_in_other_ways(self):
        load = self.start_load(self.service)
        load.wait_for(60)
        pid = self.service.pid
        ways = [self.restart, self.end_backends, self.kill_backend, self.kill_postmaster]
        for die in ways * (4 if IS_LONG else 1):
            die()
            self.service.wait_until_ready()
            load.wait_for(60)
        self.assert_kept(load)
        self.assertEqual(self.service.pid, pid)

    def restart(self):
        self.cluster.stop("fast")
        self.cluster.start()

    def end_backends(self):
        self.database.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid();"
        )

    def kill_backend(self):
        """One that writes. The postmaster then ends all others and recovers."""
        pid = self.database.value(
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'cartd write'"
            " AND datname = current_database();"
        )
        os.kill(int(pid), signal.SIGKILL)
        wait_until(lambda: not os.path.exists(f"/proc/{pid}"), "the backend is gone")

    def kill_postmaster(self):
        """Its children notice by themselves, some only after they have answered."""
        self.cluster.kill()
        self.cluster.start()

    @slow("three restarts")
    def test_descriptors_and_memory_come_back(self):
        service = self.serve_lean(self.database.app_url)
        before = self.warm_up(service)
        load = self.start_load(service)
        for _ in range(3):
            load.wait_for(60)
            self.restart()
        load.wait_for(60)
        self.assert_kept(load)
        self.assert_footprint_is_back(service, before)
        # The control: one client more is seen.
        with service.client() as client:
            client.get("/livez")
            self.assertFalse(Footprint(service.pid).has_come_back(before))

    def serve_forgetful(self):
        """A service on a PostgreSQL that says that it has committed and hasn't: what it loses when
        it is stopped at once, a failover to an asynchronous standby would lose as well."""
        self.cluster.sql("ALTER SYSTEM SET wal_writer_delay = '10s';")
        self.cluster.sql("SELECT pg_reload_conf();")
        self.addCleanup(self.cluster.sql, "ALTER SYSTEM RESET wal_writer_delay;")
        database = self.make_database()
        database.sql(f"ALTER DATABASE {database.name} SET synchronous_commit = off;")
        service = Service(database.app_url)
        self.addCleanup(service.stop)
        return database, service

    def fail_over(self, service):
        self.cluster.stop("immediate")
        self.cluster.start()
        service.wait_until_ready()

    def test_what_was_not_flushed_is_missed(self):
        """The control of all of these: the books don't balance."""
        database, service = self.serve_forgetful()
        load = self.start_load(service)

        def is_missed():
            load.wait_for(60)
            self.fail_over(service)
            return any(text.startswith("lost") for text in load.complaints(database))

        wait_until(is_missed, "a command that was answered is lost")
        with contextlib.suppress(AssertionError):  # a client may have noticed that its cart is gone
            load.finish()

    def test_what_was_kept_of_lost_commits_is_forgotten(self):
        """The service goes on with what the log says, not with the carts that it has cached: neither
        while they are ahead of the log, nor when others have given the same versions again."""
        database, service = self.serve_forgetful()
        # Who would flush by itself what nobody waits for.
        flusher = int(
            self.cluster.sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter';")[0][0]
        )
        with service.client() as client:
            sku = self.make_product(1, client=client)
            carts = [self.make_cart((sku, 1), client=client)["id"] for _ in range(2)]
            self.cluster.sql("SET synchronous_commit = on; CREATE TABLE flushed (); DROP TABLE flushed;")
            os.kill(flusher, signal.SIGSTOP)
            for cart_id in carts:
                for _ in range(3):
                    self.assertEqual(self.add(cart_id, sku, 10, client=client).status, 200)
            # When it goes on, it has been told to end.
            threading.Timer(1, os.kill, (flusher, signal.SIGCONT)).start()
            self.fail_over(service)
            n_events = database.value(f"SELECT count(*) FROM events WHERE stream_id = '{carts[0]}';")
            self.assertEqual(n_events, "2", "the control: the adds are lost")
            another = Service(database.app_url)
            self.addCleanup(another.stop)
            with another.client() as other:
                for _ in range(3):
                    self.assertEqual(self.add(carts[1], sku, 1, client=other).status, 200)
            for cart_id, version, count in ((carts[0], 3, 2), (carts[1], 6, 5)):
                answer = self.add(cart_id, sku, 1, client=client)
                cart = self.assert_cart(answer)
                self.assertEqual((cart["version"], cart["item_count"]), (version, count))
        done = run_cartd("verify", url=database.app_url)
        self.assertEqual(done.returncode, 0, done)


@needs_binary
class Sleepers(FaultCase):
    """SIGSTOP of one of two processes, and SIGCONT when the world has gone on."""

    def setUp(self):
        self.sleeper = Service(self.database.app_url, CARTD_WAIT_MS="1000")
        self.addCleanup(self.sleeper.stop)
        self.addCleanup(self.sleeper.signal, signal.SIGCONT)
        self.sku = self.make_product(1)

    def sleep_in_an_append(self, seconds):
        """An append of the sleeper's is committed while it sleeps, and another process goes on from
        there. Returns what the sleeper answers at last."""
        cart_id = self.make_cart()["id"]
        with self.sleeper.client() as client, self.database.open_session() as session:
            session.run("BEGIN; SELECT position FROM log_head FOR UPDATE;")
            body = b'{"sku":"%s"}' % self.sku.encode()
            client.send(client.compose("POST", f"/carts/{cart_id}/items", {}, body))
            wait_until(self.database.n_waiting, "the append waits for the lock")
            self.sleeper.signal(signal.SIGSTOP)
            session.run("ROLLBACK;")
            wait_until(lambda: len(self.event_types(cart_id)) == 2, "the append is committed")
            self.assertEqual(self.assert_cart(self.add(cart_id, self.sku))["version"], 3)
            time.sleep(seconds)
            self.sleeper.signal(signal.SIGCONT)
            answer = client.receive("POST", f"/carts/{cart_id}/items")
            after = self.add(cart_id, self.sku, client=client)
        self.assertEqual(self.assert_cart(after)["version"], 4)
        self.assertEqual(self.get_cart(cart_id)["item_count"], 3)
        return answer

    def test_one_that_slept_in_an_append_answers_what_became_of_it(self):
        answer = self.sleep_in_an_append(0)
        self.assertEqual(self.assert_cart(answer)["version"], 2)

    def test_one_that_slept_longer_than_it_waits_looks_it_up(self):
        answer = self.sleep_in_an_append(1.5)
        if answer.status != 200:
            self.assert_problem(answer, 503, "database-unavailable")
            self.assertIn("may or may not", answer.json()["detail"])
        else:
            self.assertEqual(self.assert_cart(answer)["version"], 2)

    def test_naps_under_load(self):
        """What a sleeper had received it does when it wakes up, though its clients have gone to the
        other one: that is what catches the forgetful."""
        load = self.start_load(self.sleeper, self.service, timeout=0.5)

        def nap(number):
            self.sleeper.signal(signal.SIGSTOP)
            time.sleep(1.5 if number % 3 == 0 else 0.7)
            self.sleeper.signal(signal.SIGCONT)

        self.break_until_refuted(load, nap, NAPS, flaws={FORGETFUL})
        load.finish()
        self.sleeper.wait_until_ready()
        self.assert_kept(load)


if __name__ == "__main__":
    unittest.main()
