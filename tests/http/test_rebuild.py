"""Rebuilding and verifying while commands go on, with kills in between: nobody notices."""

import random
import re
import signal
import subprocess
import threading
import time

from support import (
    BINARY,
    AuditCase,
    Background,
    Service,
    how_many,
    make_sku,
    needs_binary,
    wait_until,
)
from support.service import clean_environment

WRITERS = 6
ROUNDS = how_many(12, quick=4)  # of rebuilding, every other one killed


def start_cartd(url, *arguments, **settings):
    return subprocess.Popen(
        [BINARY, *arguments],
        env=clean_environment(DATABASE_URL=url, **settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


class LoadCase(AuditCase):
    settings = {"CARTD_VERIFY_MS": "5"}

    def setUp(self):
        self.other = Service(self.database.app_url, **self.settings)
        self.addCleanup(self.other.stop)
        self.skus = [self.make_product(100 + i) for i in range(8)]
        self.hot = self.make_cart()["id"]
        self.n_answers = 0
        self.lock = threading.Lock()

    def write(self, number, is_over):
        """A shopper with carts and a sku of its own, who looks at the other process what became of
        each command. Everybody also adds to one cart, so that it moves on all the time."""
        chance = random.Random(number)
        services = [self.service, self.other]
        own = make_sku("own")
        with services[number % 2].client() as here, services[1 - number % 2].client() as there:
            self.make_product(7, sku=own, client=here)
            while not is_over.is_set():
                cart = self.make_cart((own, 1), client=here)
                for _ in range(chance.randrange(1, 6)):
                    self.shop(chance, here, there, cart["id"], own)
                    added = self.add(self.hot, chance.choice(self.skus), client=here)
                    self.assertIn(
                        (added.status, added.slug), ((200, None), (422, "quantity-out-of-range"))
                    )

    def shop(self, chance, here, there, cart_id, own):
        sku = chance.choice(self.skus)
        path = f"/carts/{cart_id}/items"
        answer = (
            self.add(cart_id, sku, client=here)
            if chance.random() < 0.7
            else here.delete(f"{path}/{sku}")
            if chance.random() < 0.5
            else here.patch(f"{path}/{sku}", {"quantity": chance.randrange(1, 9)})
        )
        self.assertIn((answer.status, answer.slug), ((200, None), (404, "item-not-in-cart")))
        seen = there.get(f"/carts/{cart_id}")
        self.assertEqual(seen.status, 200, seen)
        if answer.status == 200:
            self.assertEqual(seen.body, answer.body)
        mine = there.get(f"/carts?sku={own}&limit=1").json()["carts"]
        self.assertEqual([cart["id"] for cart in mine], [cart_id])
        with self.lock:
            self.n_answers += 3


@needs_binary
class UnderLoad(LoadCase):
    # What no client sees, as each is a column or a row that nobody asks for here.
    DAMAGES = (
        "UPDATE carts SET item_count = -1 WHERE cart_id = {id}",
        "UPDATE carts SET currency = 'XXX' WHERE cart_id = {id}",
        "DELETE FROM cart_items WHERE item_id = 'none' AND cart_id = {id}",
        "INSERT INTO cart_items VALUES ({id}, 'none', 'none') ON CONFLICT DO NOTHING",
        "INSERT INTO cart_items VALUES (gen_random_uuid(), 'none', 'none')",
        "UPDATE products SET document = '{{}}' WHERE sku = (SELECT sku FROM products"
        " ORDER BY random() LIMIT 1)",
    )

    def damage(self, _, is_over):
        some = "(SELECT cart_id FROM carts ORDER BY random() LIMIT 1)"
        while not is_over.is_set():
            self.database.sql(
                ";\n".join(
                    random.choice(self.DAMAGES).format(id=some) for _ in range(20)
                )
                + ";"
            )

    def test_nobody_notices_a_rebuild(self):
        self.make_log(4000)
        load = Background(WRITERS, self.write)
        damage = Background(1, self.damage)
        try:
            for number in range(ROUNDS):
                running = start_cartd(self.database.app_url, "rebuild", "all")
                if number % 2 == 0:
                    time.sleep(random.random())
                    running.kill()
                    running.communicate()
                    continue
                output, complaints = running.communicate(timeout=300)
                self.assertEqual((running.returncode, complaints), (0, ""), output)
                self.assertRegex(output, r"\Arebuilt all: [\d,]+ streams replayed")
        finally:
            damage.finish()
            load.finish()
        self.assertGreater(self.n_answers, 100)
        done = self.rebuild("all")
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        self.assert_clean()
        self.assert_log_is_dense()


@needs_binary
class NoFalseAlarm(LoadCase):
    def test_there_is_no_false_alarm_beside_others(self):
        load = Background(WRITERS, self.write)
        try:
            for _ in range(how_many(15, quick=5)):
                self.assert_clean()
        finally:
            load.finish()
        self.assert_clean()
        for service in (self.service, self.other):
            self.assertEqual(service.events("discrepancy"), [])


@needs_binary
class Interrupted(AuditCase):
    n_carts = 3000

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls().make_log(cls.n_carts)

    def setUp(self):
        self.database.sql("TRUNCATE carts, cart_items;")

    def stop_in_the_middle(self, number):
        """A rebuild that is stopped while it waits for a cart in the middle; what it says."""
        with self.database.open_session() as other:
            other.run(
                "BEGIN; INSERT INTO carts (cart_id, version, status, currency, item_count, total,"
                " document, created_at, updated_at) SELECT stream_id, 1, 'open', 'EUR', 0, 0, '{}',"
                " now(), now() FROM streams ORDER BY stream_id OFFSET 1500 LIMIT 1;"
            )
            running = start_cartd(self.database.app_url, "rebuild", "carts")
            wait_until(
                lambda: self.database.value(
                    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                    " AND application_name LIKE '%rebuild' AND datname = current_database();"
                )
                != "0",
                "it waits",
            )
            running.send_signal(number)
            if number == signal.SIGKILL:
                running.wait(60)
            other.run("ROLLBACK;")
            output, complaints = running.communicate(timeout=60)
            return running.returncode, output, complaints

    def test_it_says_where_it_was_and_goes_on_from_there(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            self.setUp()
            code, output, complaints = self.stop_in_the_middle(number)
            self.assertEqual((code, output), (1, ""), complaints)
            match = re.search(
                r"interrupted after 1,\d\d\d of 3,000 streams; `cartd (rebuild carts --from \S+)`",
                complaints,
            )
            self.assertTrue(match, complaints)
            n_before = int(self.database.value("SELECT count(*) FROM carts;"))
            self.assertLess(n_before, self.n_carts)
            done = self.rebuild(*match[1].split()[1:])
            self.assertRegex(
                done.stdout, rf"{self.n_carts - n_before:,} streams replayed, .* rewritten"
            )
            self.assert_clean()

    def test_one_that_was_killed_leaves_nothing_half_done(self):
        self.stop_in_the_middle(signal.SIGKILL)
        halves = self.database.value(
            "SELECT count(*) FROM carts c FULL JOIN cart_items i USING (cart_id)"
            " WHERE c.cart_id IS NULL OR i.cart_id IS NULL;"
        )
        self.assertEqual(halves, "0")
        self.assertEqual(self.rebuild("carts").returncode, 0)
        self.assert_clean()
