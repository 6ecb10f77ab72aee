"""The report of abandoned carts: what a day's row says, and what becomes of it. test_reports has it
of random histories; here is each case by name, of written histories and of timers that are short."""

import csv
import io
import unittest

from support import Database, Service, history, make_id, migrate, needs_binary, run_cartd, wait_until
from support.history import MICROSECONDS_A_DAY
from test_ends import EndsCase
from test_reports import ReportCase, as_number, as_text

PATH = "/reports/abandoned-carts"
COUNTS = ("recovered", "checked_out", "cancelled", "expired", "still_abandoned")
NOON = 1_790_000_000_000_000 // MICROSECONDS_A_DAY * MICROSECONDS_A_DAY + MICROSECONDS_A_DAY // 2


class AbandonedCase(ReportCase):
    def days(self, **parameters):
        return self.report("abandoned-carts", "days", **parameters)[1]

    def assert_row(self, row, carts, value, **outcomes):
        """Outcomes are (carts, value), none if they are left out."""
        said = {name: (row[f"{name}_carts"], row[f"{name}_value"]) for name in COUNTS}
        self.assertEqual((row["carts"], row["value"]), (carts, value), row)
        self.assertEqual(said, {**dict.fromkeys(COUNTS, (0, 0)), **outcomes}, row)


@needs_binary
class OfWrittenHistories(AbandonedCase):
    """Each test has a log of its own, which begins at noon."""

    def setUp(self):
        self.database = Database()
        self.addCleanup(self.database.drop)
        self.database.migrated_by(migrate)
        self.start()
        self.writer = history.Writer(seed=3, begins_at=NOON)

    def start(self):
        self.service = Service(self.database.app_url)
        self.addCleanup(self.service.stop)
        self.client = self.service.client()
        self.addCleanup(self.client.close)

    def abandon(self, price=100, customer_id=None, currency="EUR"):
        """A cart of one item that was abandoned."""
        cart = self.writer.create(customer_id, currency)
        self.writer.add(cart, "tea", price=price)
        self.writer.abandon(cart)
        return cart

    def pass_time(self, days=0.01):
        """Returns the moment of before."""
        before = self.writer.at
        self.writer.at += int(days * MICROSECONDS_A_DAY)
        return before

    def known(self):
        """The rows once all that was written is known, which are those that the events say."""
        if self.writer.rows:
            self.writer.store(self.database)
        self.wait_until_known(of=("abandoned_carts",))
        events = history.read_events(self.database)
        rows = self.days(limit=5000)
        self.assertEqual(rows, history.abandoned_carts(events))
        return rows

    def check_out(self, cart):
        data = {"total": 1, "currency": "EUR", "item_count": 1}
        self.writer.write(cart, "CartCheckedOut", data)

    def test_a_day_has_a_row_for_each_currency_and_kind_of_owner(self):
        self.abandon(100)
        self.abandon(250)
        self.abandon(1000, customer_id="ada")
        self.abandon(7, currency="JPY")
        self.pass_time(days=1)
        self.abandon(30)
        rows = self.known()
        self.assertEqual(
            [(row["day"], row["currency"], row["owner"]) for row in rows],
            [
                ("2026-09-22", "EUR", "guest"),
                ("2026-09-21", "EUR", "customer"),
                ("2026-09-21", "EUR", "guest"),
                ("2026-09-21", "JPY", "guest"),
            ],
        )
        for row, carts, value in zip(rows, (1, 1, 2, 1), (30, 1000, 350, 7), strict=True):
            self.assert_row(row, carts, value, still_abandoned=(carts, value))

    def test_what_becomes_of_a_cart_is_told_on_the_day_it_was_abandoned(self):
        cart, moments = self.abandon(), []
        for write, outcomes in (
            (lambda: None, {"still_abandoned": (1, 100)}),
            (lambda: self.writer.write(cart, "CartResumed", {}), {"recovered": (1, 100)}),
            (lambda: self.writer.add(cart, "mug", price=900), {"recovered": (1, 100)}),
            (lambda: self.check_out(cart), {"recovered": (1, 100), "checked_out": (1, 100)}),
            (lambda: self.writer.open_again(cart), {"recovered": (1, 100)}),
            (
                lambda: self.writer.write(cart, "CartCancelled", {}),
                {"recovered": (1, 100), "cancelled": (1, 100)},
            ),
            (lambda: self.writer.open_again(cart), {"recovered": (1, 100)}),
            (
                lambda: self.writer.write(cart, "CartExpired", {}),
                {"recovered": (1, 100), "expired": (1, 100)},
            ),
        ):
            write()
            (row,) = self.known()
            self.assertEqual(row["day"], "2026-09-21")
            self.assert_row(row, 1, 100, **outcomes)
            moments.append((self.pass_time(days=1), row))
        for at, row in moments:
            self.assertEqual(self.days(as_of=as_text(at)), [row])
            self.assertEqual(self.days(as_of=as_text(at + 1)), [row])
        self.assertEqual(self.days(as_of=as_text(NOON - 1)), [])

    def test_a_cart_that_nobody_comes_back_to_expires(self):
        cart = self.abandon()
        self.writer.write(cart, "CartExpired", {})
        self.assert_row(self.known()[0], 1, 100, expired=(1, 100))
        self.writer.open_again(cart)
        self.assert_row(self.known()[0], 1, 100, recovered=(1, 100))

    def test_a_cart_that_is_abandoned_again_counts_anew(self):
        cart = self.abandon(100)
        self.pass_time(days=1)
        self.writer.add(cart, "mug", price=900)
        self.pass_time(days=1)
        self.writer.abandon(cart)
        second, first = self.known()
        self.assert_row(first, 1, 100, recovered=(1, 100))
        self.assert_row(second, 1, 1000, still_abandoned=(1, 1000))
        self.pass_time(days=1)
        self.writer.write(cart, "CartResumed", {})
        self.check_out(cart)
        second, unchanged = self.known()
        self.assertEqual(unchanged, first)
        self.assert_row(second, 1, 1000, recovered=(1, 1000), checked_out=(1, 1000))

    def test_a_merged_cart_was_recovered_whatever_becomes_of_the_other(self):
        cart, other = self.abandon(100), self.writer.create("ada")
        self.writer.add(other, "tea", price=5)
        self.writer.merge_into(cart, other)
        self.assert_row(self.known()[0], 1, 100, recovered=(1, 100))
        self.check_out(other)
        self.assert_row(self.known()[0], 1, 100, recovered=(1, 100))
        self.writer.open_again(cart)
        self.assert_row(self.known()[0], 1, 100, recovered=(1, 100))
        self.check_out(cart)
        self.assert_row(self.known()[0], 1, 100, recovered=(1, 100), checked_out=(1, 100))

    def test_a_row_is_about_what_the_cart_was_then(self):
        cart = self.abandon(100)
        self.writer.write(cart, "CartClaimed", {"customer_id": "ada"})
        data = {"currency": "USD", "unit_prices": {"tea": 130}}
        self.writer.write(cart, "CartCurrencyChanged", data)
        (row,) = self.known()
        self.assertEqual((row["currency"], row["owner"]), ("EUR", "guest"))
        self.assert_row(row, 1, 100, recovered=(1, 100))
        self.writer.abandon(cart)
        of_customer, of_guest = sorted(self.known(), key=lambda row: row["owner"])
        self.assertEqual(of_guest, row)
        self.assertEqual(of_customer["currency"], "USD")
        self.assert_row(of_customer, 1, 130, still_abandoned=(1, 130))

    def test_a_period_is_about_when_carts_were_abandoned(self):
        first = self.abandon(1)
        self.pass_time(days=0.1)
        second = self.writer.at
        self.abandon(10)
        self.pass_time(days=2)
        self.writer.write(first, "CartExpired", {})
        self.abandon(100)
        self.known()

        def values(**parameters):
            return [row["value"] for row in self.days(**parameters)]

        self.assertEqual(values(), [100, 11])
        self.assertEqual(values(to=as_text(second)), [1])
        self.assertEqual(values(**{"from": as_text(second)}), [100, 10])
        self.assertEqual(values(**{"from": as_text(second), "to": as_text(second + 1)}), [10])
        self.assertEqual(values(**{"from": as_text(second + 1)}), [100])
        (row,) = self.days(to=as_text(second))
        self.assert_row(row, 1, 1, expired=(1, 1))

    def test_pages_of_json_and_csv(self):
        for day in range(3):
            for currency in ("USD", "EUR"):
                self.abandon(10 + day, currency=currency)
                self.abandon(20 + day, customer_id="ada", currency=currency)
            self.pass_time(days=1)
        whole = self.known()
        self.assertEqual(len(whole), 12)
        pages, target, since = [], f"{PATH}?limit=5", f"&from={as_text(NOON + 1)}"
        while target:
            answer = self.client.get(target)
            pages.append(answer.json()["days"])
            target = answer.headers.get("link", "<").split(">")[0][1:]
        self.assertEqual([len(page) for page in pages], [5, 5, 2])
        self.assertEqual(sum(pages, []), whole)

        lines, target = [], f"{PATH}?limit=5"
        while target:
            answer = self.client.get(target, headers={"Accept": "text/csv"})
            header, *more = csv.reader(io.StringIO(answer.body.decode(), newline=""))
            self.assertEqual(header, ["as_of", *whole[0]])
            lines += more
            target = answer.headers.get("link", "<").split(">")[0][1:]
        self.assertEqual(
            [line[1:] for line in lines], [[str(cell) for cell in row.values()] for row in whole]
        )

        cursor = self.client.get(f"{PATH}?limit=5").json()["next_cursor"]
        self.assert_problem(
            self.client.get(f"{PATH}?cursor={cursor}{since}"), 400, "invalid-parameter"
        )
        page = self.client.get(f"{PATH}?limit=1{since}").json()
        answer = self.client.get(f"{PATH}?cursor={page['next_cursor']}{since}")
        self.assertEqual([*page["days"], *answer.json()["days"]], whole[:8])

    def test_a_sum_may_be_more_than_a_number_of_javascript(self):
        for _ in range(3):
            self.abandon(2**53 - 1)
        (row,) = self.known()
        self.assert_row(row, 3, 3 * (2**53 - 1), still_abandoned=(3, 3 * (2**53 - 1)))

    def test_a_rebuild_writes_the_same(self):
        for _ in range(600):
            self.writer.step()
            self.writer.tick(MICROSECONDS_A_DAY)
        self.known()
        query = "SELECT * FROM abandonments a ORDER BY a;"
        before = self.database.sql(query)
        self.database.sql(
            "DELETE FROM abandonments WHERE position % 2 = 0;"
            "UPDATE abandonments SET value = value + 1;"
        )
        done = run_cartd("projections", "rebuild", "abandoned_carts", url=self.database.app_url)
        self.assertEqual(done.returncode, 0, done.stderr)
        wait_until(lambda: self.database.sql(query) == before, "it is rebuilt")
        self.known()

    def test_a_log_of_before_the_projection_is_taken_in_from_the_first_event_on(self):
        for _ in range(600):
            self.writer.step()
            self.writer.tick(MICROSECONDS_A_DAY)
        self.assertNotEqual(self.known(), [])
        self.service.stop()
        self.database.sql(
            "TRUNCATE abandonments;"
            "DELETE FROM projection_checkpoints WHERE name = 'abandoned_carts';"
            "INSERT INTO projection_checkpoints (name) VALUES ('abandoned_carts');"
        )
        self.start()
        self.assertNotEqual(self.known(), [])

    def test_parameters_are_checked(self):
        for query, name in (
            ("as_of=yesterday", "as_of"),
            ("limit=5001", "limit"),
            ("within_days=3", "within_days"),
            ("from=2026-11-23T00:00:00Z&to=2026-11-23T00:00:00Z", "to"),
            ("cursor=AZNvbm8KfD6aV18MikEbLQ", "cursor"),
        ):
            answer = self.client.get(f"{PATH}?{query}")
            self.assert_problem(answer, 400, "invalid-parameter")
            self.assertIn(f'"{name}"', answer.json()["detail"])


class LivingCase(AbandonedCase, EndsCase):
    """Each cart is closed in the end, or abandoned again; so what is said of it stays so."""

    def totals(self, since):
        """{(currency, owner): the row of all days}; a test may run past midnight."""
        self.wait_until_known(of=("abandoned_carts",))
        events = history.read_events(self.database)
        as_of, rows = self.report("abandoned-carts", "days", **{"from": since})
        known = history.until(events, as_number(as_of))
        self.assertEqual(rows, history.abandoned_carts(known, as_number(since)))
        found = {}
        for row in rows:
            total = found.setdefault((row["currency"], row["owner"]), {})
            for name, number in row.items():
                if name not in ("day", "currency", "owner"):
                    total[name] = total.get(name, 0) + number
        return found

    def n_abandoned(self, cart_id):
        return self.types_of(cart_id).count("CartAbandoned")

    def wait_until_abandoned(self, *cart_ids, times=1):
        for cart_id in cart_ids:
            wait_until(lambda cart_id=cart_id: self.n_abandoned(cart_id) >= times, "abandoned")


class OfLivingCarts(LivingCase):
    settings = {"CARTD_ABANDONED_AFTER": "1s"}

    def test_what_becomes_of_them(self):
        sku = self.make_product(100)
        dear = self.make_product(300, currency="USD")
        bought = self.make_cart((sku, 1))
        since = bought["created_at"]
        cancelled = self.make_cart((sku, 2))
        merged = self.make_cart((sku, 4))
        left = self.make_cart((sku, 8))
        returned = self.make_cart((sku, 16))
        customers = self.make_cart((dear, 1), customer_id=make_id(), currency="USD")
        carts = [bought, cancelled, merged, left, returned, customers]
        self.wait_until_abandoned(*(cart["id"] for cart in carts))
        target = self.make_cart()["id"]
        for path, value in (
            (f"{bought['id']}/checkout", None),
            (f"{cancelled['id']}/cancel", None),
            (f"{target}/merge", {"from": merged["id"]}),
            (f"{target}/cancel", None),
            (f"{left['id']}/resume-token", None),
            (f"{returned['id']}/items", {"sku": sku, "quantity": 16}),
        ):
            answer = self.client.post(f"/carts/{path}", value)
            self.assertIn(answer.status, (200, 201), answer)
        self.wait_until_abandoned(returned["id"], times=2)
        found = self.totals(since)
        self.assert_row(
            found["EUR", "guest"],
            6,
            100 * (31 + 32),
            recovered=(4, 100 * (1 + 2 + 4 + 16)),
            checked_out=(1, 100),
            cancelled=(1, 200),
            still_abandoned=(2, 100 * (8 + 32)),
        )
        self.assert_row(found["USD", "customer"], 1, 300, still_abandoned=(1, 300))
        self.assert_clean()


class OfCartsThatExpire(LivingCase):
    settings = {"CARTD_REACTIONS": "off"}

    def test_they_expire_and_may_be_recovered_until_they_expire_again(self):
        cart = self.make_cart((self.make_product(100), 3))
        for times in (1, 2):
            # One timer at a time, so that neither can be late.
            service = Service(self.database.app_url, CARTD_ABANDONED_AFTER="1s")
            self.wait_until_abandoned(cart["id"], times=times)
            service.stop()
            service = Service(self.database.app_url, CARTD_EXPIRES_GUEST="1s")
            self.wait_for(cart["id"], lambda now: now["status"] == "expired", "it expires")
            service.stop()
            (row,) = self.totals(cart["created_at"]).values()
            before = times - 1
            self.assert_row(
                row, times, 300 * times, recovered=(before, 300 * before), expired=(1, 300)
            )
            self.assertEqual(self.client.post(f"/carts/{cart['id']}/reopen").status, 200)


if __name__ == "__main__":
    unittest.main()
