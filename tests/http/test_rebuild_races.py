"""Rebuilding beside appends to the same carts: what an append waits for may replace the rows that it
then changes, and it must change the new ones."""

import itertools
import pathlib
import random
import tempfile
import threading

from support import (
    AuditCase,
    Background,
    Service,
    how_many,
    make_id,
    needs_binary,
    run_cartd,
    wait_until,
)

WRITERS = 6
ROUNDS = how_many(8, quick=2)
SKUS = [f"p{number}" for number in range(40)]
MANY_LINES = 30  # stored in chunks
OTHERS = 1000  # carts that a rebuild has to write too, so that appends wait for it


class RaceCase(AuditCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for number, sku in enumerate(SKUS):
            cls().make_product(100 + number, sku=sku)

    def make_carts(self, n_small, n_large):
        lines = [(sku, 1) for sku in SKUS[:MANY_LINES]]
        small = [self.make_cart(("p0", 1), id=make_id())["id"] for _ in range(n_small)]
        return small + [self.make_cart(*lines, id=make_id())["id"] for _ in range(n_large)]


@needs_binary
class WhileAnAppendWaits(RaceCase):
    COLUMNS = {
        "carts": "cart_id, version, status, currency, customer_id, item_count, total, document,"
        " created_at, updated_at, closed_at, guest_token_hash, document_end",
        "cart_chunks": "cart_id, chunk, lines",
        "cart_items": "cart_id, item_id, sku",
    }

    def replace_rows(self, session, cart_id):
        """As a rebuild does it, which finds the rows wrong: with the same version."""
        for table, columns in self.COLUMNS.items():
            session.run(
                f"CREATE TEMP TABLE same_{table} AS SELECT {columns} FROM {table}"
                f" WHERE cart_id = '{cart_id}';"
                f" DELETE FROM {table} WHERE cart_id = '{cart_id}';"
                f" INSERT INTO {table} ({columns}) SELECT {columns} FROM same_{table};"
                f" DROP TABLE same_{table};"
            )

    def ask_while_rows_are_replaced(self, cart_id, ask):
        answers = []

        def ask_once(_, __):
            with self.service.client() as client:
                answers.append(ask(client))

        with self.database.open_session() as session:
            session.run("BEGIN; SELECT position FROM log_head FOR UPDATE;")
            asking = Background(1, ask_once)
            wait_until(
                lambda: self.database.value(
                    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                    " AND datname = current_database();"
                )
                != "0",
                "the append waits for the head",
            )
            self.replace_rows(session, cart_id)
            session.run("COMMIT;")
        asking.finish()
        return answers[0]

    def test_it_changes_the_rows_that_replaced_those_of_before(self):
        for cart_id in self.make_carts(1, 1):
            path = f"/carts/{cart_id}"
            for ask in (
                lambda client, to=cart_id: self.add(to, "p0", client=client),
                lambda client, to=cart_id: self.add(to, "p1", client=client),
                lambda client, to=cart_id: self.add(to, SKUS[-1], client=client),
                lambda client, to=path: client.delete(f"{to}/items/p0"),
                lambda client, to=path: client.post(f"{to}/claim", {"customer_id": "ada"}),
                lambda client, to=path: client.post(f"{to}/checkout"),
            ):
                answer = self.ask_while_rows_are_replaced(cart_id, ask)
                self.assertEqual(answer.status, 200, answer)
                seen = self.client.get(path)
                self.assertEqual((seen.etag, seen.body), (answer.etag, answer.body))
        self.assert_clean()


class BesideAppends(RaceCase):
    services = 1

    def setUp(self):
        self.lock = threading.Lock()
        self.answers = {}  # the newest of each cart
        self.n_answers = 0
        self.processes = [self.service]
        for _ in range(1, self.services):
            self.processes.append(Service(self.database.app_url, **self.settings))
            self.addCleanup(self.processes[-1].stop)
        self.make_log(OTHERS)
        self.hot = self.make_carts(12, 12)
        self.whole = set(self.hot[::2])
        for cart_id in self.hot:
            self.note(cart_id, self.client.get(f"/carts/{cart_id}"))

    def note(self, cart_id, answer):
        if answer.slug in ("quantity-out-of-range", "item-not-in-cart"):
            return
        self.assertEqual(answer.status, 200, answer)
        with self.lock:
            self.n_answers += 1
            newest = self.answers.get(cart_id)
            if newest is None or newest.version < answer.version:
                self.answers[cart_id] = answer

    def write(self, number, is_over):
        chance = random.Random(number)
        with self.processes[number % self.services].client() as client:
            while not is_over.is_set():
                for cart_id in chance.sample(self.hot, 12):
                    self.shop(chance, client, cart_id)
                own = self.make_cart((chance.choice(SKUS), 1), client=client)["id"]
                path = f"/carts/{own}"
                self.note(own, self.add(own, chance.choice(SKUS), client=client))
                self.note(own, client.post(f"{path}/claim", {"customer_id": make_id()}))
                self.note(own, client.post(f"{path}/checkout"))

    def shop(self, chance, client, cart_id):
        path = f"/carts/{cart_id}"
        if chance.random() < 0.2:
            answer = self.add(cart_id, chance.choice(SKUS[1:]), client=client)
        elif chance.random() < 0.2:
            answer = client.delete(f"{path}/items/{chance.choice(SKUS[1:])}")
        else:
            answer = client.patch(f"{path}/items/p0", {"quantity": chance.randrange(1, 900)})
        self.note(cart_id, answer)
        if answer.status == 200 and cart_id in self.whole:
            self.assertGreaterEqual(client.get(path).version, answer.version)

    def damage(self):
        """Rows of some hot carts are lost, and are not put back by adds; of the others a client
        sees nothing. A row too many is nothing that an append repairs before the rebuild does."""
        some = "SELECT cart_id FROM carts WHERE customer_id = 'old' ORDER BY random() LIMIT 20"
        lost = ", ".join(f"'{cart_id}'" for cart_id in self.hot if cart_id not in self.whole)
        whole = ", ".join(f"'{cart_id}'" for cart_id in self.whole)
        self.database.sql(f"""
            UPDATE carts SET item_count = -1 WHERE customer_id = 'old' OR cart_id IN ({whole});
            INSERT INTO cart_items SELECT cart_id, 'none', 'none' FROM carts
                WHERE cart_id IN ({whole});
            DELETE FROM carts WHERE cart_id IN ({some});
            DELETE FROM cart_items WHERE cart_id IN ({some}) OR cart_id IN ({lost});
            DELETE FROM carts WHERE cart_id IN ({lost}) AND random() < 0.5;
            DELETE FROM cart_chunks WHERE cart_id IN ({lost}) AND chunk = 1;
        """)

    def rebuild_beside(self):
        self.damage()
        done = self.rebuild("carts")
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        self.assertRegex(done.stdout, r" [1-9][\d,]* rewritten, ", done)

    def assert_what_was_answered(self):
        for cart_id, answer in self.answers.items():
            seen = self.client.get(f"/carts/{cart_id}")
            self.assertEqual((seen.etag, seen.body), (answer.etag, answer.body))
        self.assert_clean()
        self.answers = {cart_id: self.answers[cart_id] for cart_id in self.hot}

    def run_rounds(self, *beside):
        for _ in range(ROUNDS):
            before = self.n_answers
            load = Background(WRITERS, self.write)
            others = [Background(1, work) for work in beside]
            try:
                wait_until(lambda n=before: self.n_answers > n + 2 * WRITERS, "there are appends")
                self.rebuild_beside()
            finally:
                for other in others:
                    other.finish()
                load.finish()
            self.assert_what_was_answered()
        self.assert_log_is_dense()


@needs_binary
class OneProcess(BesideAppends):
    settings = {"CARTD_VERIFY_MS": "5", "CARTD_CACHE_READ_MIB": "0"}

    def import_prices(self, _, is_over):
        for price in itertools.count(1):
            lines = [f"{sku},Tea,EUR,{price},true" for sku in SKUS]
            with tempfile.TemporaryDirectory() as folder:
                path = pathlib.Path(folder) / "prices.csv"
                path.write_text("\n".join(["sku,name,currency,price,active", *lines, ""]))
                done = run_cartd("catalog", "import", str(path), url=self.database.app_url)
            self.assertEqual(done.returncode, 0, done)
            if is_over.is_set():
                return

    def test_a_rebuild_beside_appends_and_an_import_leaves_right_tables(self):
        self.run_rounds(self.import_prices)


@needs_binary
class TwoProcesses(BesideAppends):
    services = 2

    def test_a_rebuild_beside_appends_leaves_right_tables(self):
        self.run_rounds()
