"""A machine that fails: no memory, calls that are interrupted or cut short, a clock that is set, a
disk that is full (support/preload.c does it).

With CARTD_TEST_LONG=1 memory fails at hundreds of places, and everything else takes longer."""

import os
import random
import signal
import subprocess
import tempfile
import time
import unittest

from support import (
    BINARY,
    HASTY,
    Client,
    Cluster,
    Database,
    FaultCase,
    Machine,
    NoAnswer,
    Service,
    complain_of_sanitizers,
    find_server_programs,
    how_many,
    migrate,
    needs_bare_process,
    needs_binary,
    take_free_port,
    wait_until,
)
from support.service import clean_environment

# Places where memory fails: while the service starts, and while it serves.
STARTS = how_many(4, long=120)
FAILURES = how_many(16, quick=8, long=600)
SECONDS = how_many(2, quick=1, long=60)

LAST_WORDS = "cartd: out of memory"

# Kerberos's library and the C library's look-up of the user's name read from where they found no
# memory, and libpq asks them for a ticket and a name unless told not to. That ends the process too,
# but not with words of ours.
WITHOUT_LOOKING_UP = {"PGGSSENCMODE": "disable", "PGUSER": "cartd"}


@needs_binary
@needs_bare_process("it brings an allocator of its own")
class Memory(FaultCase):
    """Where cartd itself finds no memory it ends at once and says so: nothing that was answered is
    lost by that. Where a library finds none, a connection or an answer is lost, or a sentence in
    the log. Nothing else may happen."""

    def setUp(self):
        self.machine = Machine()
        self.port = take_free_port()
        self.running = None
        self.deaths = 0
        self.addCleanup(self.stop)

    def stop(self):
        self.machine.failing_allocation = 0
        if self.running:
            self.running.kill()

    def start(self):
        self.machine.failing_allocation = 0
        self.running = Service(
            self.database.app_url,
            self.port,
            CARTD_WAIT_MS="1000",
            **self.machine.environment(),
            **WITHOUT_LOOKING_UP,
        )

    def fail_after(self, n):
        self.machine.failing_allocation = self.machine.n_allocations + n

    def judge_death(self):
        """Of a service that is no more."""
        code = self.running.wait()
        output = self.running.output()
        self.assertEqual(code, -signal.SIGABRT, output[-4000:])
        self.assertEqual(output.splitlines()[-1], LAST_WORDS, output[-4000:])
        self.deaths += 1

    def test_it_serves_or_dies_cleanly(self):
        self.start()
        load = self.start_load(self.running)
        chance = random.Random()
        n_failed = self.machine.n_failed_allocations

        def fail(_):
            before = self.machine.n_failed_allocations
            n = chance.choice((1, 2, 3, 5, 10, 50, 200)) + chance.randrange(40)

            def has_failed():
                if not self.running.is_running() or self.machine.n_failed_allocations > before:
                    return True
                if self.machine.n_allocations >= self.machine.failing_allocation:
                    self.fail_after(n)  # it was faster than we
                return False

            wait_until(has_failed, "memory is asked for")
            done = load.n_done
            wait_until(
                lambda: not self.running.is_running() or load.n_done > done + 5,
                "it goes on or has died",
            )
            if not self.running.is_running():
                self.judge_death()
                self.start()

        self.break_until_refuted(load, fail, FAILURES, flaws={HASTY}, n_between=0)
        if not self.running.is_running():
            self.judge_death()
            self.start()
        self.machine.failing_allocation = 0
        self.assert_kept(load)
        self.running.stop()
        n_failed = self.machine.n_failed_allocations - n_failed
        self.assertGreater(self.deaths, 0)
        print(f"{n_failed} allocations failed, {self.deaths} deaths", end=" ", flush=True)

    def test_it_starts_or_dies_cleanly(self):
        chance = random.Random()
        ends = [
            self.start_without(1 + chance.randrange(50) if i % 2 else chance.randrange(50, 3000))
            for i in range(STARTS)
        ]
        self.assertIn(-signal.SIGABRT, ends, "the control: it did need that memory")

    def start_without(self, allocation):
        """Starts a service that finds no memory at one place; returns how it ended: by itself, or
        when it was ready and asked to."""
        self.machine.n_allocations = 0
        self.machine.failing_allocation = allocation
        with tempfile.TemporaryFile() as output:
            process = subprocess.Popen(
                [BINARY, "serve"],
                env=clean_environment(
                    DATABASE_URL=self.database.app_url,
                    CARTD_LISTEN=f"127.0.0.1:{self.port}",
                    **self.machine.environment(),
                    **WITHOUT_LOOKING_UP,
                ),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
            self.addCleanup(process.kill)

            def told():
                return os.pread(output.fileno(), 1 << 20, 0).decode()

            wait_until(
                lambda: process.poll() is not None or self.is_ready(), "it is ready or ended"
            )
            self.machine.failing_allocation = 0
            if process.poll() is None:
                process.terminate()
            code = process.wait(60)
            self.assertIn(code, (0, 1, -signal.SIGABRT), f"allocation {allocation}: {told()}")
            complain_of_sanitizers(told())
            if code == -signal.SIGABRT:
                self.assertEqual(told().splitlines()[-1], LAST_WORDS, f"allocation {allocation}")
            return code

    def is_ready(self):
        try:
            with Client("127.0.0.1", self.port) as client:
                return client.get("/readyz").status == 200
        except NoAnswer:
            return False


@needs_binary
class Calls(FaultCase):
    """Everything that reads, writes or waits is interrupted or does less than it was asked for."""

    def test_nothing_comes_of_it(self):
        machine = Machine(interrupted_one_in=5, short_one_in=3, seed=random.randrange(1 << 30))
        service = Service(self.database.app_url, CARTD_IDLE_SECONDS=2, **machine.environment())
        self.addCleanup(service.stop)
        before = self.warm_up(service)
        load = self.start_load(service)
        load.wait_for(150 * SECONDS)
        self.assert_kept(load)
        self.assertEqual(load.n_failed, 0, f"seed {machine.seed}")
        self.assert_footprint_is_back(service, before)
        # The control: there were hundreds.
        self.assertGreater(machine.n_interrupted, 200)
        self.assertGreater(machine.n_short, 200)
        for line in service.output().splitlines():
            self.assertRegex(line, r"\A\{.*\}\Z", "each line of the log is whole")


@needs_binary
@unittest.skipUnless(find_server_programs(), "PostgreSQL's server programs are not installed")
class Elsewhere(FaultCase):
    """On a PostgreSQL of its own, whose machine fails as well."""

    @classmethod
    def setUpClass(cls):
        cls.machine = Machine()
        cls.cluster = Cluster(cls.machine.environment()).start()
        cls.addClassCleanup(cls.cluster.destroy)
        cls.database = Database(cls.cluster.url)
        cls.addClassCleanup(cls.database.drop)
        cls.database.migrated_by(migrate)
        cls.here = Machine()
        cls.service = cls.start_service()
        cls.addClassCleanup(lambda: cls.service.stop())

    @classmethod
    def start_service(cls):
        return Service(cls.database.app_url, CARTD_WAIT_MS="1000", **cls.here.environment())

    def setUp(self):
        self.client = self.service.client()
        self.addCleanup(self.client.close)

    # ---- the disk ----

    def fail_writes(self, path_part):
        """Until a write was refused, and then some."""
        before = self.machine.n_refused_writes
        self.machine.fill_disk(path_part)
        wait_until(lambda: self.machine.n_refused_writes > before, "a write is refused", 120)
        time.sleep(0.5)
        self.machine.is_disk_full = 0
        wait_until(lambda: self.client.get("/readyz").status == 200, "it is ready", 120)

    def test_a_full_disk_refuses_and_loses_nothing(self):
        """Tables can't grow: PostgreSQL says 53100, and cartd that nothing was recorded."""
        load = self.start_load(self.service)
        for _ in range(SECONDS):
            load.wait_for(40)
            self.fail_writes("/base/")
        load.wait_for(40)
        self.assert_kept(load)
        wait_until(
            lambda: "53100" in [e["sqlstate"] for e in self.service.events("statement_failed")],
            "the log says that the disk was full",
        )

    def test_a_full_disk_for_the_log_ends_postgresql(self):
        """It can't write what it has promised, so it panics and recovers."""
        load = self.start_load(self.service)
        load.wait_for(40)
        before = self.machine.n_refused_writes
        self.machine.fill_disk("/pg_wal/")
        wait_until(lambda: self.machine.n_refused_writes > before, "a write is refused", 120)
        wait_until(lambda: self.client.get("/readyz").status == 503, "it is not ready")
        self.machine.is_disk_full = 0
        self.cluster.recover()
        wait_until(lambda: self.client.get("/readyz").status == 200, "it is ready", 120)
        load.wait_for(40)
        self.assert_kept(load)

    # ---- the clock ----

    def shift_clocks(self, seconds):
        self.machine.clock_offset_us = self.here.clock_offset_us = int(seconds * 1_000_000)

    def test_clocks_are_set_back_and_forward(self):
        """Times in the log never decrease, whatever the clock does; and nobody waits for a clock to
        come back to where it was."""
        self.addCleanup(self.shift_clocks, 0)
        load = self.start_load(self.service)
        for seconds in (3600, -3600, -86400, 86400, 0, -7, 7, 0):
            self.shift_clocks(seconds)
            load.wait_for(40)
            self.assert_reports_follow()
        self.assert_kept(load)
        self.assertLess(load.n_failed, load.n_done)
        # The control: the clock itself, which keys are stamped with, did go back.
        self.assertNotEqual(
            self.database.value(
                "SELECT count(*) FROM (SELECT k.created_at < lag(k.created_at) OVER (ORDER BY e.position)"
                " AS is_back FROM idempotency_keys k JOIN events e USING (stream_id, version)) AS steps"
                " WHERE is_back;"
            ),
            "0",
        )

    def assert_reports_follow(self):
        """The projections go on within seconds."""
        head = int(self.database.value("SELECT position FROM log_head;"))
        wait_until(
            lambda: int(self.database.value("SELECT min(position) FROM projection_checkpoints;")) >= head,
            "the projections follow",
        )

    def test_a_runner_that_died_before_the_clock_went_back_is_replaced(self):
        """It said when it was last seen: in what is now the future."""
        self.addCleanup(self.shift_clocks, 0)
        self.shift_clocks(86400)
        runner = Service(self.database.app_url)
        self.addCleanup(runner.kill)
        self.service.stop()
        try:
            wait_until(lambda: self.is_runner(runner), "the other one runs the projections")
        finally:
            runner.kill()
            type(self).service = self.start_service()
        self.shift_clocks(0)
        load = self.start_load(self.service)
        load.wait_for(40)
        load.finish()
        self.assert_reports_follow()

    def is_runner(self, service):
        return service.metric("cartd_projection_runner") == 1


if __name__ == "__main__":
    unittest.main()
