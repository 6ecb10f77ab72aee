"""`cartd verify` finds every kind of damage and names it; `cartd rebuild` repairs the read tables."""

import re
import time

from support import AuditCase, Service, make_id, needs_binary, run_cartd, wait_until

# What stands for a cart, a product, … in the SQL below.
CART = "(SELECT cart_id FROM carts WHERE customer_id = 'rich')"
LONG = "(SELECT stream_id FROM snapshots)"
CLOSED = "(SELECT cart_id FROM carts WHERE status = 'checked_out')"
OF_CART = f"WHERE cart_id = {CART}"
OF_LINE = f"{OF_CART} AND item_id = 'tea'"
OF_PRODUCT = "WHERE sku = 'tea'"
TEA_STREAM = "(SELECT DISTINCT stream_id FROM events WHERE data->>'sku' = 'tea' AND stream_type = 'product')"
NEW_ID = "'11111111-2222-3333-4444-555555555555'"

# SQL that damages a read table, and what verify says of it.
READ_TABLES = (
    (f"UPDATE carts SET version = 99 {OF_CART}", r"carts\.version is 99 and should be \d+"),
    (f"UPDATE carts SET status = 'cancelled' {OF_CART}", r'carts\.status is "cancelled"'),
    (f"UPDATE carts SET currency = 'USD' {OF_CART}", r'carts\.currency is "USD" .* "EUR"'),
    (f"UPDATE carts SET customer_id = NULL {OF_CART}", r'carts\.customer_id is null .* "rich"'),
    (f"UPDATE carts SET item_count = 0 {OF_CART}", r"carts\.item_count is 0"),
    (f"UPDATE carts SET total = total + 1 {OF_CART}", r"carts\.total is "),
    (
        f"UPDATE carts SET document = replace(document, 'Gr', 'gr') {OF_CART}",
        r"carts\.document is .*gr.* and should be .*Gr",
    ),
    (f"UPDATE carts SET document = '' {OF_CART}", r'carts\.document is "" '),
    (f"UPDATE carts SET created_at = 'infinity' {OF_CART}", r"carts\.created_at is after"),
    (f"UPDATE carts SET updated_at = now() {OF_CART}", r"carts\.updated_at is 20"),
    (f"UPDATE carts SET closed_at = now() {OF_CART}", r"carts\.closed_at is .* should be null"),
    (f"UPDATE carts SET closed_at = '-infinity' {OF_CART}", r"carts\.closed_at is .* null"),
    (
        f"UPDATE carts SET closed_at = NULL WHERE cart_id = {CLOSED}",
        r"carts\.closed_at is null and should be 20",
    ),
    (f"UPDATE carts SET coupons = '{{a,b}}' {OF_CART}", r'carts\.coupons is "a\\nb" and should be null'),
    (f"DELETE FROM carts {OF_CART}", r"carts has no row for it"),
    (
        f"UPDATE carts SET cart_id = {NEW_ID} {OF_CART}",
        r"cart 11111111-.*: carts has rows for it, but it does not exist",
    ),
    (f"UPDATE cart_items SET sku = 'mug' {OF_LINE}", r'cart_items\.sku of "tea" is "mug"'),
    (f"DELETE FROM cart_items {OF_LINE}", r'cart_items has no row "tea"'),
    (
        f"UPDATE cart_items SET item_id = 'a\"b' {OF_LINE}",
        r'cart_items has a row "a\\"b" that is not in the cart',
    ),
    (
        f"INSERT INTO cart_items VALUES ({NEW_ID}, 'tea', 'tea')",
        r"cart_items has rows for it, but it does not exist",
    ),
    (f"UPDATE products SET version = 7 {OF_PRODUCT}", r"products\.version is 7"),
    (f"UPDATE products SET name = 'x' {OF_PRODUCT}", r'products\.name is "x"'),
    (f"UPDATE products SET prices = '{{}}' {OF_PRODUCT}", r'products\.prices is "{}"'),
    (f"UPDATE products SET is_active = false {OF_PRODUCT}", r"products\.is_active is 0"),
    (f"UPDATE products SET document = '{{}}' {OF_PRODUCT}", r"products\.document is"),
    (f"UPDATE products SET updated_at = now() {OF_PRODUCT}", r"products\.updated_at is"),
    (f"UPDATE products SET quantity = '{{}}' {OF_PRODUCT}", r'products\.quantity is "{}"'),
    (f"DELETE FROM products {OF_PRODUCT}", r"product .*: products has no row for it"),
    (
        f"UPDATE products SET sku = 'stray' {OF_PRODUCT}",
        r'products has rows for it, but it does not exist: sku "stray"',
    ),
    (
        f"UPDATE snapshots SET state = jsonb_set(state, '{{added,0,quantity}}', '500')",
        r"version 100: its snapshot differs from its events up to that version",
    ),
    ("UPDATE snapshots SET state = '{}'", r"its snapshot differs from its events"),
    ("UPDATE snapshots SET version = 5000", r"version 5000: its snapshot is of a version that"),
    (
        f"UPDATE snapshots SET stream_id = {NEW_ID}",
        r"stream 1111.*, version 100: has a snapshot, but it does not exist",
    ),
    (f"UPDATE snapshots SET stream_id = {TEA_STREAM}", r"has a snapshot, which only carts may have"),
    ("TRUNCATE carts, cart_items, products", r"carts has no row for it"),
)

# SQL that damages the log or what guards it, and what verify says of it.
LOG = (
    ("UPDATE log_head SET position = position + 1", r"log: log_head\.position is \d+ and should"),
    ("UPDATE log_head SET recorded_at = now()", r"log: log_head\.recorded_at is not"),
    ("UPDATE log_head SET shared_position = 1", r"log: log_head\.shared_position is 1, before"),
    (
        "UPDATE events SET position = position + 1 WHERE position = (SELECT max(position) FROM"
        " events); UPDATE log_head SET position = position + 1",
        r"log: position \d+ is missing: the next event is at \d+",
    ),
    (
        "UPDATE events SET position = 0 WHERE position = 1",
        r"log: position 0 is before the first",
    ),
    (
        "UPDATE events SET recorded_at = recorded_at - interval '1 hour' WHERE position = 5",
        r"log: recorded_at goes back at position 5, by \d+ microseconds",
    ),
    (f"DELETE FROM events WHERE stream_id = {CART} AND version = 2", r"version 2: is missing"),
    (f"UPDATE events SET version = 99 WHERE stream_id = {CART} AND version = 1", r"version 1: is"),
    (
        f"UPDATE events SET data = data || '{{\"quantity\": 7}}' WHERE stream_id = {CART}"
        " AND version = 2",
        r"carts\.item_count is 5 and should be 10",
    ),
    (
        f"UPDATE events SET data = data || '{{\"quantity\": 0}}' WHERE stream_id = {CART}"
        " AND version = 2",
        r"version 2: ItemAdded in schema version \d ",
    ),
    (
        f"UPDATE events SET data = data || '{{\"more\": 1}}' WHERE stream_id = {CART}"
        " AND version = 1",
        r"version 1: CartCreated in schema version 2 ",
    ),
    (
        f"UPDATE events SET schema_version = 77 WHERE stream_id = {CART} AND version = 2",
        r"version 2: ItemAdded in schema version 77 ",
    ),
    (
        f"UPDATE events SET type = 'Nothing' WHERE stream_id = {CART} AND version = 2",
        r"version 2: Nothing in schema version \d ",
    ),
    (
        f"UPDATE events SET stream_type = 'product' WHERE stream_id = {CART} AND version = 2",
        r'version 2: is of a stream of another type, "product"',
    ),
    (
        f"UPDATE events SET type = 'CartCleared', schema_version = 1, data = '{{}}'"
        f" WHERE stream_id = {CART} AND version = 1",
        r"has no event that creates the cart",
    ),
    (
        "UPDATE events SET data = jsonb_set(data, '{sku}', '\"other\"')"
        f" WHERE stream_id = {TEA_STREAM}",
        r"is of a product whose stream has another id",
    ),
    (
        f"DELETE FROM streams WHERE stream_id = {CART}",
        r"stream .*: has an event but no row in streams",
    ),
    (
        f"INSERT INTO streams VALUES ({NEW_ID}, 'cart')",
        r"cart 11111111-.*: has a row in streams but no events",
    ),
    (
        f"UPDATE streams SET stream_type = 'basket' WHERE stream_id = {CART}",
        r"basket .*: is of a type that this cartd does not know",
    ),
    (
        "UPDATE idempotency_keys SET version = 77",
        r"version 77: the answer stored for the key \".*\" is impossible: status 201, version 77",
    ),
    (f"UPDATE idempotency_keys SET stream_id = {NEW_ID}", r"stream 1111.*stored for the key"),
    ("UPDATE idempotency_keys SET status = 500", r"is impossible: status 500"),
)


@needs_binary
class Damages(AuditCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls().fill()
        cls().wait_for_snapshot()
        cls.service.stop()  # Nobody else is to act on what is damaged here.

    def test_what_was_not_damaged_is_clean(self):
        done = self.assert_clean()
        n_events = self.database.value("SELECT count(*) FROM events;")
        n_streams = self.database.value("SELECT count(*) FROM streams;")
        self.assertIn(
            f"{n_events} events of {n_streams} streams, head of the log at {n_events},", done.stdout
        )

    def test_a_damaged_read_table_is_named_and_repaired(self):
        for script, sentence in READ_TABLES:
            with self.subTest(script), self.damaged(script):
                done = self.verify()
                self.assertEqual(done.returncode, 1, done)
                self.assertRegex(done.stdout, sentence)
                self.assertRegex(done.stdout.splitlines()[-1], r"\ANOT clean: \d+ discrepanc")
                done = self.rebuild("all")
                self.assertEqual((done.returncode, done.stderr), (0, ""), done)
                self.assert_clean()

    def test_a_damaged_log_is_named_and_never_repaired(self):
        for script, sentence in LOG:
            with self.subTest(script), self.damaged(script):
                done = self.verify()
                self.assertEqual(done.returncode, 1, done)
                self.assertRegex(done.stdout, sentence)
                before = self.database.sql("SELECT * FROM events, log_head ORDER BY 1;")
                entries = self.database.sql("SELECT * FROM streams ORDER BY 1;")
                self.assertIn(self.rebuild("all").returncode, (0, 1))
                after = self.database.sql("SELECT * FROM events, log_head ORDER BY 1;")
                self.assertEqual(before, after)
                self.assertEqual(entries, self.database.sql("SELECT * FROM streams ORDER BY 1;"))
        self.assert_clean()

    def test_a_stream_that_cannot_be_read_is_named_and_the_others_are_rebuilt(self):
        script = (
            "TRUNCATE carts, cart_items;"
            f"UPDATE events SET data = '[]' WHERE stream_id = {LONG} AND version = 3"
        )
        with self.damaged(script):
            done = self.rebuild("carts")
            self.assertEqual(done.returncode, 1, done)
            self.assertRegex(done.stdout, r"version 3: \w+ in schema version \d can't be read")
            self.assertEqual(
                self.database.value("SELECT count(*) FROM carts;"),
                self.database.value("SELECT count(*) - 1 FROM streams WHERE stream_type = 'cart';"),
            )

    def test_many_discrepancies_are_counted(self):
        with self.damaged(
            "INSERT INTO cart_items SELECT gen_random_uuid(), 'x', 'x'"
            " FROM generate_series(1, 2000)"
        ):
            done = self.verify()
            self.assertEqual(len(done.stdout.splitlines()), 52, done)
            self.assertIn("and 1950 more: cart_items 1950\n", done.stdout)
            self.assertIn("NOT clean: 2,000 discrepancies", done.stdout)
            done = self.rebuild("carts")
            self.assertIn(" 0 rewritten, 2,000 orphans removed", done.stdout)
            self.assert_clean()

    def test_only_what_was_asked_for_is_rebuilt(self):
        with self.damaged("UPDATE carts SET total = -1; UPDATE products SET version = -1"):
            self.assertRegex(self.rebuild("products").stdout, r"2 streams replayed, 2 rewritten")
            self.assertNotIn("products", self.verify().stdout)
            self.assertRegex(self.rebuild("carts").stdout, r"[\d,]+ rewritten, 0 orphans removed")
            self.assert_clean()

    def test_a_rebuild_may_begin_in_the_middle(self):
        with self.damaged("TRUNCATE carts, cart_items"):
            ids = [
                row[0]
                for row in self.database.sql(
                    "SELECT stream_id FROM streams WHERE stream_type = 'cart' ORDER BY 1;"
                )
            ]
            middle = ids[len(ids) // 2]
            done = self.rebuild("carts", "--from", middle)
            self.assertEqual(done.returncode, 0, done)
            there = self.database.sql("SELECT cart_id FROM carts ORDER BY 1;")
            self.assertEqual([row[0] for row in there], ids[len(ids) // 2 :])
            self.assertEqual(self.rebuild("carts", "--from", ids[0][:5]).returncode, 0)
            self.assert_clean()

    def test_what_can_not_be_asked_for_is_refused(self):
        for arguments in (
            ["rebuild"],
            ["rebuild", "everything"],
            ["rebuild", "carts", "products"],
            ["rebuild", "carts", "--from", "xyz"],
            ["rebuild", "carts", "--from", ""],
            ["rebuild", "carts", "--from", make_id() + "0"],
            ["verify", "carts"],
        ):
            done = run_cartd(*arguments, url=self.database.app_url)
            self.assertEqual(done.returncode, 2, (arguments, done))
            self.assertNotEqual(done.stderr, "")

    def test_a_database_that_is_not_there_is_trouble_and_no_verdict(self):
        for command in (["verify"], ["rebuild", "all"]):
            done = run_cartd(
                *command, url="postgresql://nobody@127.0.0.1:1/none", CARTD_WAIT_MS=300
            )
            self.assertEqual((done.returncode, done.stdout), (1, ""), done)
            self.assertRegex(done.stderr, re.compile("cartd: .*(connect|refused)", re.I))


@needs_binary
class Offers(AuditCase):
    def test_a_rebuilt_catalogue_counts_for_running_services(self):
        """They cache what the catalogue said as long as no event changes it."""
        sku = self.make_product(499)
        cart = self.make_cart()["id"]

        def price():
            return self.add(cart, sku).json()["items"][0]["unit_price"]

        self.assertEqual(price(), 499)
        for damage in (
            f"UPDATE products SET prices = '{{\"EUR\":1}}' WHERE sku = '{sku}'",
            f"UPDATE products SET prices = '{{\"EUR\":1}}', version = 7 WHERE sku = '{sku}'",
        ):
            # Another product's event, so that the service reads what is wrong, and caches it.
            self.make_product(1)
            self.database.sql(f"{damage};")
            self.make_product(1)
            self.assertEqual(price(), 1)
            time.sleep(0.2)  # It caches nothing for a moment after the catalogue changed.
            self.assertEqual([price() for _ in range(3)], [1, 1, 1])
            self.assertEqual(self.rebuild("products").returncode, 0)
            self.assertEqual([price() for _ in range(3)], [499, 499, 499])


@needs_binary
class Sampler(AuditCase):
    settings = {"CARTD_VERIFY_MS": "2"}

    def count(self, result):
        """How many streams the service has verified by itself."""
        pattern = rf'^cartd_verified_streams_total{{result="{result}"}} (\d+)$'
        return int(re.search(pattern, self.client.get("/metrics").body.decode(), re.M)[1])

    def test_the_service_verifies_itself_all_the_time(self):
        self.fill()
        wait_until(lambda: self.count("same") > 200, "streams were verified")
        self.assertEqual(self.count("different"), 0)
        self.assertEqual(self.service.events("discrepancy"), [])

        with self.damaged(f"UPDATE carts SET total = total + 1 {OF_CART}"):
            wait_until(lambda: self.count("different") > 3, "a difference was found")
            found = self.service.wait_for_event("discrepancy")
            self.assertEqual(
                (found["level"], found["table"], found["stream_type"]), ("error", "carts", "cart")
            )
            self.assertRegex(found["difference"], r"carts\.total is \d+ and should be \d+")

    def test_it_may_be_switched_off(self):
        service = Service(self.database.app_url, CARTD_VERIFY_MS=0)
        self.addCleanup(service.stop)
        roles = self.database.sql(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE '%sample'"
            " AND datname = current_database();"
        )
        self.assertEqual(roles, [["1"]], "the other service's only")
