"""Reactions: each event is answered once, whoever dies; what can't be answered pauses its reaction
and no other; timers are due by the clock that is given, and move on with what they are about."""

import random
import subprocess
import time
import unittest
import uuid

from bank import Bank, ask_until_decided
from support import Database, Service, migrate, run_cartd, wait_until
from support.settings import BINARY, how_many

TREASURY = "7ea50000-0000-4000-8000-000000000000"
EPOCH = 4_000_000_000  # seconds; tellers.c
KILLS = how_many(20, quick=10, long=200)
OPENED_EACH = how_many(20, quick=10, long=5)  # accounts for each kill
TIMERS = how_many(2_000, quick=700, long=100_000)

# Payments that were not recorded just once in each of their two accounts.
TORN = """
    SELECT data ->> 'transfer', count(*)
    FROM events WHERE type <> 'AccountOpened'
    GROUP BY 1 HAVING array_agg(type ORDER BY position) <> '{AccountPaid,AccountReceived}';
"""
# Accounts that were opened, and that the treasury has not paid once.
UNWELCOME = f"""
    SELECT o.stream_id, count(p.position)
    FROM events o LEFT JOIN events p ON p.stream_id = o.stream_id AND p.type = 'AccountReceived'
        AND p.data ->> 'transfer' = 'welcome-' || o.stream_id
    WHERE o.type = 'AccountOpened' AND o.stream_id <> '{TREASURY}'
    GROUP BY 1 HAVING count(p.position) <> 1;
"""


class Reactor:
    """A process that runs the reactions by a clock that is given."""

    def __init__(self, url, clock=0):
        self.process = subprocess.Popen(
            [BINARY, "react", url, str((EPOCH + clock) * 1_000_000)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def set_clock(self, clock):
        self.process.stdin.write(f"{(EPOCH + clock) * 1_000_000}\n")
        self.process.stdin.flush()

    def kill(self):
        self.process.kill()
        self.process.communicate()

    def stop(self):
        """Its metrics, and what it logged."""
        out, logged = self.process.communicate(timeout=60)
        if self.process.returncode != 0:
            raise AssertionError(logged)
        samples = (line.rpartition(" ") for line in out.splitlines() if line[0] != "#")
        return {name: float(value) for name, _, value in samples}, logged


class ReactionCase(unittest.TestCase):
    names = ("welcome",)

    def setUp(self):
        self.database = Database()
        self.addCleanup(self.database.drop)
        self.database.migrated_by(migrate)
        for name in self.names:
            self.database.sql(f"INSERT INTO reaction_checkpoints (name) VALUES ('{name}');")
        self.bank = Bank(self.database.app_url)
        self.addCleanup(self.bank.stop)
        self.n_transfers = 0
        self.open(TREASURY, 1_000_000)

    # ---- the bank

    def transfer(self, account, to, amount, name="transfer"):
        self.n_transfers += 1
        line = f"{name}-{self.n_transfers} {account} {to} {amount}"
        self.assertEqual(ask_until_decided([self.bank], line), ("done", 0))

    def open(self, account=None, money=10):
        account = account or str(uuid.uuid4())
        self.transfer(account, "-", money)
        return account

    def count(self, like, kind="AccountPaid"):
        return int(
            self.database.value(
                f"SELECT count(*) FROM events WHERE type = '{kind}'"
                f" AND data ->> 'transfer' LIKE '{like}';"
            )
        )

    def balances(self):
        rows = self.database.sql(
            "SELECT stream_id, sum(CASE type WHEN 'AccountPaid' THEN -1 ELSE 1 END"
            " * (data ->> 'amount')::bigint) FROM events GROUP BY 1;"
        )
        return {account: int(balance) for account, balance in rows}

    # ---- the reactions

    def react(self, clock=0):
        reactor = Reactor(self.database.app_url, clock)
        self.addCleanup(reactor.kill)
        return reactor

    def end_claim(self):
        """Nobody waits five seconds for a process that was killed."""
        self.database.sql("UPDATE reaction_runner SET renewed_at = '-infinity';")

    def cartd(self, *arguments):
        done = run_cartd("reactions", *arguments, url=self.database.app_url)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def listed(self):
        rows = (line.split(maxsplit=6) for line in self.cartd().splitlines()[1:])
        return {row[0]: row[1:] for row in rows}

    def wait_until_answered(self, *names):
        wait_until(
            lambda: all(self.listed()[name][5] == "up to date" for name in names or self.names),
            "all events are answered",
        )

    def wait_until_paused(self, name):
        wait_until(lambda: self.listed()[name][5].startswith("paused"), f"{name} is paused")
        return self.listed()[name][5]

    def timers(self, name="fee"):
        return int(
            self.database.value(f"SELECT count(*) FROM reaction_due WHERE reaction = '{name}';")
        )

    def run_until_answered(self, clock=0):
        self.end_claim()
        reactor = self.react(clock)
        self.wait_until_answered()
        return reactor.stop()

    def assert_sound(self):
        self.assertEqual(self.database.sql(TORN), [])
        self.assertEqual(self.database.sql(UNWELCOME), [])
        verified = run_cartd("verify", url=self.database.app_url)
        self.assertEqual((verified.returncode, verified.stderr), (0, ""), verified.stdout)


class OnceTest(ReactionCase):
    def kill_in_the_middle(self, choose):
        """Kills a process at some moment after it has sent the first of its commands."""
        paid = self.count("welcome-%")
        for _ in range(OPENED_EACH):
            self.open()
        self.end_claim()
        reactor = self.react()
        wait_until(lambda: self.count("welcome-%") > paid, "something is done")
        time.sleep(choose.random() * 0.01)
        reactor.kill()

    def test_each_command_takes_effect_once_whoever_is_killed(self):
        choose = random.Random(5)
        for _ in range(KILLS):
            self.kill_in_the_middle(choose)
        self.run_until_answered()
        self.assertEqual(self.count("welcome-%"), KILLS * OPENED_EACH)
        self.assert_sound()
        print(f"{KILLS * OPENED_EACH} commands, {KILLS} kills")

    def test_what_fails_for_a_while_is_tried_again(self):
        """The server ends a session of the process, in the middle of whatever it does."""
        reactor = self.react()
        for number in range(how_many(6, quick=4)):
            paid = self.count("welcome-%")
            for _ in range(10):
                self.open()
            wait_until(lambda: self.count("welcome-%") > paid, "something is done")
            self.database.sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database()"
                f" AND application_name = 'cartd {('react', 'write')[number % 2]}';"
            )
        self.wait_until_answered()
        reactor.stop()
        self.assert_sound()

    def test_run_again_it_does_nothing_twice(self):
        accounts = [self.open() for _ in range(20)]
        self.run_until_answered()
        before = self.balances()
        self.assertEqual([before[account] for account in accounts], [11] * 20)
        for is_forgotten in (False, True):
            if is_forgotten:
                self.database.sql("DELETE FROM idempotency_keys;")
            said = self.cartd("rerun", "welcome", "--from", "1")
            self.assertIn("from position 1 on", said)
            metrics, _ = self.run_until_answered()
            self.assertEqual(metrics['cartd_reaction_commands_total{outcome="done"}'], 20)
            self.assertEqual(metrics['cartd_commands_total{outcome="replayed"}'], 20)
            self.assertEqual(self.balances(), before)
        done = run_cartd("reactions", "rerun", "welcome", "--from", "1000", url=self.database.app_url)
        self.assertEqual((done.returncode, done.stdout), (1, ""), done)
        self.assertRegex(done.stderr, r"the log ends at position \d+; nothing was done")
        self.assert_sound()
        self.cartd("rerun", "welcome", "--from", "1")
        self.assertIn("has not come to position 2 yet", self.cartd("rerun", "welcome", "--from", "2"))


class CauseTest(ReactionCase):
    names = ("welcome", "echo")

    def test_what_came_of_a_request_says_so(self):
        account = self.open()
        for amount in (5, 7):
            self.transfer(TREASURY, account, amount, name="echo")
        self.run_until_answered()
        self.assertEqual(self.count("dues-%"), 2)
        # Echoes have the balance that each payment left, with or without what came in between.
        opened = self.database.sql(
            "SELECT (data ->> 'amount')::int, metadata ->> 'actor', metadata ->> 'causation_id',"
            " metadata ->> 'correlation_id', stream_id, metadata ->> 'command_id'"
            " FROM events WHERE data ->> 'transfer' LIKE 'opened-%' ORDER BY position;"
        )
        payments = self.database.sql(
            "SELECT command_id FROM events WHERE type = 'AccountReceived'"
            " AND data ->> 'transfer' LIKE 'echo-%' ORDER BY position;"
        )
        self.assertEqual([row[0] for row in opened], ["15", "22"])
        self.assertEqual({row[1] for row in opened}, {"reaction:echo"})
        for row, (payment,) in zip(opened, payments):
            self.assertEqual(row[2:4], [payment, payment])
            # The account that was opened so was welcomed in its turn.
            welcomed = self.database.sql(
                "SELECT metadata ->> 'actor', metadata ->> 'causation_id',"
                " metadata ->> 'correlation_id' FROM events"
                f" WHERE stream_id = '{row[4]}' AND type = 'AccountReceived';"
            )
            self.assertEqual(welcomed, [["reaction:welcome", row[5], payment]])
        self.assert_sound()


class PausedTest(ReactionCase):
    names = ("welcome", "fee", "echo")

    def assert_pauses(self, reactor, name, reason):
        activity = self.wait_until_paused(name)
        self.assertIn(reason, activity)
        self.wait_until_answered(*(other for other in self.names if other != name))
        metrics, logged = reactor.stop()
        lines = [line for line in logged.splitlines() if "reaction is paused" in line]
        self.assertEqual(len(lines), 1, logged)
        self.assertIn(name, lines[0])
        self.assertEqual(metrics["cartd_reactions_paused"], 1)
        self.assertGreater(metrics["cartd_reaction_lag_events"], 0)
        return metrics

    def test_a_command_that_is_refused_pauses_its_reaction_until_it_is_resumed(self):
        self.open()
        self.transfer(TREASURY, self.open(), 999_999)
        reactor = self.react()
        account = self.open()
        metrics = self.assert_pauses(reactor, "welcome", f"its command 1 to account {TREASURY}")
        self.assertEqual(metrics['cartd_reaction_commands_total{outcome="failed"}'], 1)
        self.assertEqual(self.timers(), 3)
        # Trying again without a remedy pauses it again.
        self.assertIn("goes on", self.cartd("resume", "welcome"))
        self.end_claim()
        reactor = self.react()
        self.assertIn("paused", self.wait_until_paused("welcome"))
        reactor.stop()
        self.transfer(self.open(money=100), TREASURY, 100)
        self.assertIn("goes on", self.cartd("resume", "welcome"))
        self.assertIn("was not paused", self.cartd("resume", "welcome"))
        self.run_until_answered()
        self.assertEqual(self.balances()[account], 11)
        self.assert_sound()

    def write_badly(self, account):
        self.change_event(
            f"data = '{{\"broken\": true}}' WHERE stream_id = '{account}' AND version = 1"
        )

    def change_event(self, change):
        self.database.sql(
            "ALTER TABLE events DISABLE TRIGGER events_stay;"
            f"UPDATE events SET {change};"
            "ALTER TABLE events ENABLE TRIGGER events_stay;"
        )

    def test_an_event_that_cannot_be_read_pauses_those_who_want_it(self):
        first, bad, last = (self.open() for _ in range(3))
        data = self.database.value(f"SELECT data FROM events WHERE stream_id = '{bad}';")
        self.write_badly(bad)
        reactor = self.react()
        for name in ("welcome", "fee"):
            activity = self.wait_until_paused(name)
            self.assertIn("paused at position 3 since 20", activity)
            self.assertIn("it can't be read as AccountOpened of schema version 1", activity)
            self.assertEqual(self.listed()[name][0], "2")
        self.wait_until_answered("echo")
        _, logged = reactor.stop()
        self.assertEqual(logged.count("reaction is paused"), 2)
        self.assertEqual(self.count("welcome-%"), 1)
        self.change_event(f"data = '{data}' WHERE stream_id = '{bad}'")
        for name in ("welcome", "fee"):
            self.cartd("resume", name)
        self.run_until_answered()
        balances = self.balances()
        self.assertEqual([balances[account] for account in (first, bad, last)], [11] * 3)
        self.assert_sound()

    def test_a_stream_that_cannot_be_read_pauses_those_who_look_at_it(self):
        account, other = self.open(money=5), self.open(money=50)
        self.run_until_answered()
        data = self.database.value(
            f"SELECT data FROM events WHERE stream_id = '{account}' AND version = 1;"
        )
        self.transfer(TREASURY, account, 1, name="echo")
        paid = int(self.database.value("SELECT position FROM log_head;"))
        self.write_badly(account)
        self.end_claim()
        reactor = self.react(clock=51)
        for name in ("fee", "echo"):
            self.assertIn(f"the events of account {account} can't be read", self.wait_until_paused(name))
        self.assertIn(f"paused at position {paid} since", self.wait_until_paused("echo"))
        self.wait_until_answered("welcome")
        reactor.stop()
        self.change_event(f"data = '{data}' WHERE stream_id = '{account}' AND version = 1")
        for name in ("fee", "echo"):
            self.cartd("resume", name)
        self.end_claim()
        reactor = self.react(clock=51)
        self.wait_until_answered()
        wait_until(lambda: self.timers() == 0, "all timers are over")
        reactor.stop()
        self.assertEqual(self.count("opened-%", "AccountOpened"), 1)
        self.assertEqual(self.count("fee-%"), 3)
        self.assertEqual(self.balances()[other], 50)
        self.assert_sound()

    def test_an_operator_may_pause_it(self):
        self.assertIn("is paused", self.cartd("pause", "welcome"))
        self.assertIn("was paused already", self.cartd("pause", "welcome"))
        self.open()
        reactor = self.react()
        self.wait_until_answered("fee")
        self.assertIn("by an operator", self.listed()["welcome"][5])
        self.assertEqual(self.count("welcome-%"), 0)
        self.assertIn("goes on", self.cartd("resume", "welcome"))
        self.wait_until_answered()
        reactor.stop()
        self.assert_sound()


class CommandLineTest(ReactionCase):
    def test_what_is_not_understood_is_said(self):
        cases = (
            (("resume", "nothing"), 'unknown reaction "nothing"; the reactions are: ends, welcome'),
            (("rerun", "welcome"), "reactions ["),
            (("pause", "welcome", "--from", "1"), "reactions ["),
            (("rerun", "welcome", "--from", "0"), "--from must be a position"),
            (("rerun", "welcome", "--from", "x"), "--from must be a position"),
            (("start", "welcome"), "reactions ["),
        )
        for arguments, complaint in cases:
            done = run_cartd("reactions", *arguments, url=self.database.app_url)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertIn(complaint, done.stderr, arguments)


class TimerTest(ReactionCase):
    names = ("fee",)

    def test_a_timer_is_due_by_the_clock_and_moves_on_with_its_stream(self):
        account, other = self.open(money=10), self.open(money=30)
        reactor = self.react(clock=9)
        self.wait_until_answered()
        self.assertEqual(self.listed()["fee"][3], "2")
        self.assertEqual(self.count("fee-%"), 0)
        # It has 15 by the time that it is due.
        self.transfer(other, account, 5)
        reactor.set_clock(10)
        wait_until(
            lambda: int(
                self.database.value(
                    "SELECT extract(epoch FROM due_at)::bigint FROM reaction_due"
                    f" WHERE stream_id = '{account}';"
                )
            )
            == EPOCH + 15,
            "it is moved on",
        )
        self.assertEqual(self.count("fee-%"), 0)
        reactor.set_clock(15)
        wait_until(lambda: self.timers() == 1, "the timer is over")
        self.wait_until_answered()  # the fee, before which the timers are counted again
        metrics, _ = reactor.stop()
        self.assertEqual(metrics["cartd_reaction_timers_due"], 0)
        self.assertEqual(self.balances()[account], 14)
        self.assertEqual(self.balances()[other], 25)

    def test_a_timer_that_is_set_again_does_nothing_twice(self):
        account = self.open(money=10)
        for _ in range(2):
            self.end_claim()
            reactor = self.react(clock=10)
            self.wait_until_answered()
            wait_until(lambda: self.timers() == 0, "the timer is over")
            reactor.stop()
            self.assertEqual(self.count("fee-%"), 1)
            self.assertEqual(self.balances()[account], 9)
            self.database.sql("DELETE FROM idempotency_keys;")
            self.cartd("rerun", "fee", "--from", "1")

    def test_a_refusal_that_is_expected_ends_the_timer(self):
        self.open(money=0)
        reactor = self.react(clock=10)
        self.wait_until_answered()
        wait_until(lambda: self.timers() == 0, "the timer is over")
        metrics, _ = reactor.stop()
        self.assertEqual(metrics['cartd_reaction_commands_total{outcome="refused"}'], 1)
        self.assertEqual(self.listed()["fee"][5], "up to date")

    def test_many_are_taken_in_chunks(self):
        """Of streams that are not there, and of a few that are."""
        accounts = [self.open(money=10) for _ in range(20)]
        self.database.sql(
            "INSERT INTO reaction_due SELECT 'fee', gen_random_uuid(),"
            f" to_timestamp({EPOCH} + i % 7) FROM generate_series(1, {TIMERS}) i;"
        )
        began = time.monotonic()
        reactor = self.react(clock=10)
        self.wait_until_answered()
        wait_until(lambda: self.timers() == 0, "all timers are over", timeout=500)
        print(f"{TIMERS} timers in {time.monotonic() - began:.1f} s")
        reactor.stop()
        self.assertEqual([self.balances()[account] for account in accounts], [9] * 20)


class HandingOverTest(ReactionCase):
    def runs(self, service):
        with service.client() as client:
            text = client.get("/metrics").body.decode()
        return "\ncartd_reaction_runner 1\n" in text

    def test_when_the_runner_dies_another_goes_on(self):
        services = [Service(self.database.app_url) for _ in range(2)]
        self.addCleanup(lambda: [service.kill() for service in services])
        self.open()
        self.wait_until_answered()
        wait_until(lambda: any(map(self.runs, services)), "one runs them")
        runners = [service for service in services if self.runs(service)]
        self.assertEqual(len(runners), 1)
        runners[0].kill()
        self.open()
        self.wait_until_answered()
        self.assertEqual(self.count("welcome-%"), 2)
        self.assert_sound()

    def test_a_process_may_leave_it_to_others(self):
        service = Service(self.database.app_url, CARTD_REACTIONS="off")
        self.addCleanup(service.kill)
        self.open()
        self.assertEqual(self.listed()["welcome"][5], "catching up")
        self.assertFalse(self.runs(service))


del ReactionCase

if __name__ == "__main__":
    unittest.main(verbosity=2)
