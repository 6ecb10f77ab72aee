"""Projections that follow the log: each event once, whoever dies; a bad event pauses its projection
and no other; `cartd projections`."""

import random
import signal
import threading
import unittest

from support import (
    Background,
    Database,
    NoAnswer,
    Service,
    ServiceCase,
    history,
    how_many,
    migrate,
    needs_binary,
    needs_database,
    run_cartd,
    wait_until,
)
from test_reports import ReportCase, as_text

NAMES = ["abandoned_carts", "cart_rankings", "demand", "funnel", "removed_then_bought"]
RUSH = 300  # carts that a client makes while a rebuild goes on, at most


class FollowCase(ReportCase):
    def cartd(self, *arguments, expected=0):
        done = run_cartd("projections", *arguments, url=self.database.app_url)
        self.assertEqual(done.returncode, expected, (done.stdout, done.stderr))
        return done.stdout if expected == 0 else done.stderr

    def listed(self):
        """{name: [position, lag, seconds, state]} of `cartd projections`."""
        header, *lines = self.cartd().splitlines()
        self.assertEqual(header.split(), ["projection", "position", "lag", "seconds", "state"])
        return {line.split()[0]: line.split(None, 4)[1:] for line in lines}

    def wait_until_paused(self, name):
        return wait_until(
            lambda: self.database.sql(
                "SELECT paused_position, paused_reason FROM projection_checkpoints"
                f" WHERE name = '{name}' AND paused_position IS NOT NULL;"
            ),
            f"{name} paused",
        )[0]

    def named_in(self, event):
        """The projections that the log's lines of that event name, in order of name."""
        return sorted(line["projection"] for line in self.service.events(event))

    def metric(self, name, client=None):
        return (client or self.client).metrics()[name]

    def tables(self):
        """Everything in the tables of the projections, in an order that means nothing."""
        return [
            self.database.sql(f"SELECT * FROM {table} AS t ORDER BY t;")
            for table in (
                "demand_changes",
                "funnel_steps",
                "removals",
                "removals_bought",
                "reopenings",
                "abandonments",
                "cart_rankings",
            )
        ]

    def head(self):
        return int(self.database.value("SELECT position FROM log_head;"))


@needs_binary
class Following(FollowCase):
    def setUp(self):
        # A bad event stays in the log, so each test has a log of its own.
        self.database = Database()
        self.addCleanup(self.database.drop)
        self.database.migrated_by(migrate)
        self.service = Service(self.database.app_url)
        self.addCleanup(self.service.stop)
        self.client = self.service.client()
        self.addCleanup(self.client.close)
        self.writer = history.Writer(seed=7)

    def test_an_event_that_can_not_be_read_pauses_until_it_can(self):
        cart = self.writer.create()
        self.writer.add(cart, "tea", 2)
        self.writer.store(self.database)
        self.wait_until_known()
        # The bad one is of the same moment as the one before it, so that moment is not known whole.
        self.writer.tick(1_000_000)
        self.writer.add(cart, "tea", 3)
        self.writer.write(cart, "ItemTeleported", {"item_id": "tea"})
        bad = self.head() + 2
        self.writer.tick(1_000_000)
        other = self.writer.create()
        self.writer.add(other, "mug", 5)
        self.writer.store(self.database)

        for name in NAMES:
            position, reason = self.wait_until_paused(name)
            self.assertEqual(int(position), bad)
            self.assertEqual(reason, "it can't be read as ItemTeleported of schema version 1")
        events = history.read_events(self.database)
        before = [event for event in events if event.at < events[bad - 1].at]
        self.assert_reports(before)
        listed = self.listed()
        for name in NAMES:
            self.assertEqual(listed[name][:2], [str(bad - 1), str(self.head() - bad + 1)])
            self.assertIn(f"paused at position {bad} since 20", listed[name][3])
            self.assertIn("ItemTeleported", listed[name][3])
            self.assertEqual(self.metric(f'cartd_projection_paused{{projection="{name}"}}'), 1)
            lag = self.metric(f'cartd_projection_lag_events{{projection="{name}"}}')
            self.assertEqual(lag, self.head() - bad + 1)
        # What the database shows may be there before its line of the log.
        wait_until(lambda: len(self.named_in("projection_paused")) >= len(NAMES), "it is said")
        self.assertEqual(self.named_in("projection_paused"), sorted(NAMES), "it is said once")
        for line in self.service.events("projection_paused"):
            self.assertEqual(line["position"], bad)

        # Trying again without a remedy pauses it again.
        self.assertIn("goes on", self.cartd("resume", "demand"))
        wait_until(
            lambda: len(self.service.events("projection_paused")) == len(NAMES) + 1, "demand paused again"
        )
        self.wait_until_paused("demand")
        self.database.sql(
            "ALTER TABLE events DISABLE TRIGGER events_stay;"
            f"UPDATE events SET type = 'CartCleared', data = '{{}}' WHERE position = {bad};"
            "ALTER TABLE events ENABLE TRIGGER events_stay;"
        )
        for name in NAMES:
            self.cartd("resume", name)
        self.wait_until_known()
        self.assert_reports(history.read_events(self.database))
        self.assertEqual({state[3] for state in self.listed().values()}, {"up to date"})
        self.assertIn("was not paused", self.cartd("resume", "demand"))

    def test_an_event_that_only_one_table_refuses_pauses_only_that(self):
        self.database.sql(
            "ALTER TABLE demand_changes ADD CONSTRAINT few CHECK (units <> 777) NOT VALID;"
        )
        cart = self.writer.create()
        for number in range(400):
            self.writer.add(cart, f"sku-{number % 20}", 1)
        self.writer.add(cart, "many", 777)
        bad = self.head() + 402
        for number in range(400):
            self.writer.add(cart, f"sku-{number % 20}", 1)
        self.writer.store(self.database)
        position, reason = self.wait_until_paused("demand")
        self.assertEqual(int(position), bad)
        self.assertIn("PostgreSQL rejected", reason)
        self.wait_until_known(of=("funnel", "removed_then_bought"))
        listed = self.listed()
        self.assertEqual(listed["demand"][0], str(bad - 1))
        self.assertEqual(listed["funnel"][3], "up to date")
        self.database.sql("ALTER TABLE demand_changes DROP CONSTRAINT few;")
        self.cartd("resume", "demand")
        self.wait_until_known()
        self.assert_reports(history.read_events(self.database))

    def test_a_cart_with_a_gap_pauses(self):
        cart = self.writer.create()
        self.writer.versions[cart] += 1
        self.writer.add(cart, "tea")
        self.writer.store(self.database)
        _, reason = self.wait_until_paused("funnel")
        self.assertIn("the previous version is missing", reason)

    def test_the_command_line_says_what_it_does_not_know(self):
        for arguments in (["resume"], ["pause", "demand"], ["resume", "demand", "funnel"]):
            self.assertIn("rebuild NAME", self.cartd(*arguments, expected=2))
        complaint = self.cartd("rebuild", "nothing", expected=2)
        self.assertIn(", ".join(NAMES), complaint)
        done = run_cartd("projections", url="postgresql://127.0.0.1:1/none")
        self.assertEqual(done.returncode, 1, done)


@needs_binary
class Rebuilding(FollowCase):
    def test_a_rebuild_goes_on_beside_commands_and_reports(self):
        writer = history.Writer(seed=11, begins_at=1_700_000_000_000_000)
        for _ in range(4000):
            writer.step()
            writer.tick(1_000_000)
        writer.store(self.database)
        sku = self.make_product()
        self.wait_until_known()
        events = history.read_events(self.database)
        # What no event ever said goes, what is missing comes.
        self.database.sql(
            "INSERT INTO demand_changes VALUES (1000, 99, 1, 'ghost');"
            "DELETE FROM removals_bought; DELETE FROM removals WHERE position < 2000;"
        )
        adding = Background(2, lambda i, is_over: self.add_until(is_over, sku))
        middle = events[2500].at
        said = self.client.get(f"/reports/funnel?as_of={as_text(middle)}").body
        for name in NAMES:
            self.assertIn("is being rebuilt", self.cartd("rebuild", name))
        while self.database.value(
            "SELECT count(*) FROM projection_checkpoints WHERE rebuilt_position IS NOT NULL;"
        ) != "0":
            # There is no gap: a report knows all that it knew.
            answer = self.client.get(f"/reports/funnel?as_of={as_text(middle)}")
            self.assertEqual(answer.body, said)
            self.listed()
        adding.finish()
        wait_until(lambda: self.named_in("projection_rebuilt") == sorted(NAMES), "all are rebuilt")
        self.wait_until_known()
        self.assert_reports(history.read_events(self.database))

    def add_until(self, is_over, sku):
        with self.service.client() as client:
            # An end, as a rebuild has the lowest priority of all: it may wait for the end of a rush.
            for _ in range(RUSH):
                if is_over.is_set():
                    return
                cart = self.make_cart((sku, 1), client=client)
                client.delete(f"/carts/{cart['id']}/items/{sku}")
                self.add(cart["id"], sku, client=client)
                client.post(f"/carts/{cart['id']}/checkout")

    def test_an_empty_log_has_nothing_to_rebuild(self):
        database = Database()
        self.addCleanup(database.drop)
        database.migrated_by(migrate)
        done = run_cartd("projections", "rebuild", "demand", url=database.app_url)
        self.assertEqual(done.returncode, 0, done.stderr)
        done = run_cartd("projections", url=database.app_url)
        self.assertEqual(done.stdout.count("up to date"), len(NAMES), done.stdout)


@needs_binary
class Off(FollowCase):
    settings = {"CARTD_PROJECTIONS": "off"}

    def test_a_process_may_leave_it_to_others(self):
        self.make_cart((self.make_product(), 1))
        self.assertEqual(self.client.get("/reports/demand").json()["as_of"], None)
        self.assertEqual({state[3] for state in self.listed().values()}, {"catching up"})
        other = Service(self.database.app_url)
        self.addCleanup(other.stop)
        self.wait_until_known()
        self.assert_reports(history.read_events(self.database))


@needs_binary
@needs_database
class WithKills(FollowCase):
    """Several processes, of which some die at any moment, on one database."""

    def start(self):
        return Service(self.database.app_url, CARTD_WAIT_MS="2000")

    def shop(self, choose, skus):
        with random.Random(choose.random()).choice(self.services).client() as client:
            for _ in range(30):
                customer = choose.choice([None, "ann", "bob"])
                body = {"customer_id": customer, "items": [{"sku": choose.choice(skus)}]}
                cart = client.post("/carts", body)
                if cart.status != 201:
                    return
                path = f"/carts/{cart.json()['id']}"
                client.delete(f"{path}/items")
                for sku in choose.sample(skus, 3):
                    client.post(f"{path}/items", {"sku": sku, "quantity": 2})
                if choose.random() < 0.5:
                    client.post(f"{path}/checkout")

    def work(self, i, is_over):
        choose = random.Random(i)
        while not is_over.is_set():
            try:
                self.shop(choose, self.skus)
            except NoAnswer:
                is_over.wait(0.05)

    def confuse(self, _, is_over):
        with self.database.open_session() as session:
            while not is_over.wait(0.02):
                session.run("UPDATE projection_runner SET renewed_at = '-infinity';")

    def test_each_event_has_its_effect_once(self):
        self.skus = [self.make_product(100 + n) for n in range(5)]
        self.services = [self.start(), self.start(), self.service]
        self.addCleanup(lambda: [service.kill() for service in self.services[:2]])
        background = Background(4, self.work)
        # Several believe at once that they are the one who runs the projections.
        confusion = Background(1, self.confuse)
        choose = random.Random(3)
        waiting = threading.Event()
        for round_number in range(how_many(14, quick=5)):
            waiting.wait(choose.random() * 0.6)
            kind = round_number % 3
            if kind == 0:
                # The server ends whoever follows, in the middle of whatever it does.
                self.database.sql(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    f" WHERE datname = '{self.database.name}' AND application_name LIKE '%follow%';"
                )
            elif kind == 1:
                victim = choose.randrange(2)
                self.services[victim].kill()
                self.services[victim] = self.start()
            else:
                # One that seems dead and wakes up when another has taken over.
                sleeper = self.services[choose.randrange(2)]
                sleeper.signal(signal.SIGSTOP)
                waiting.wait(1.5)
                sleeper.signal(signal.SIGCONT)
        wait_until(
            lambda: int(self.database.value("SELECT position FROM log_head;")) > 500, "many events"
        )
        background.finish()
        self.wait_until_known()
        confusion.finish()
        self.assert_log_is_dense()
        events = history.read_events(self.database)
        self.assertGreater(len(events), 500)
        self.assert_reports(events)
        for event in events[:: len(events) // 5]:
            self.assert_reports(history.until(events, event.at), as_of=as_text(event.at))
        before = self.tables()
        for name in NAMES:
            self.cartd("rebuild", name)
        wait_until(
            lambda: self.database.value(
                "SELECT count(*) FROM projection_checkpoints WHERE rebuilt_position IS NOT NULL;"
            )
            == "0",
            "the rebuilds",
            timeout=120,
        )
        self.assertEqual(self.tables(), before)


@needs_binary
class HandingOver(FollowCase):
    settings = {"CARTD_PROJECTIONS": "off"}

    def test_when_the_runner_dies_another_goes_on(self):
        services = [Service(self.database.app_url) for _ in range(3)]
        self.addCleanup(lambda: [service.kill() for service in services])
        for number in range(3):
            self.make_cart((self.make_product(), number + 1))
            self.wait_until_known()
            runners = []
            for service in services:
                with service.client() as client:
                    if self.metric("cartd_projection_runner", client) == 1:
                        runners.append(service)
            self.assertEqual(len(runners), 1)
            runners[0].kill()
            services.remove(runners[0])
        self.make_cart((self.make_product(), 1))
        self.assertEqual(self.listed()["demand"][3], "catching up")


del ReportCase, ServiceCase

if __name__ == "__main__":
    unittest.main()
