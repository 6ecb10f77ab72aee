"""What most test classes begin with: a service, a client, and words for carts."""

import itertools
import secrets
import unittest
import uuid

from .database import Database
from .service import External, Service, migrate
from .settings import DATABASE_URL, EXTERNAL_URL

RUN = secrets.token_hex(4)
_numbers = itertools.count(1)


def make_sku(word="sku"):
    """A sku that no other test and no earlier run has used."""
    return f"{word}-{RUN}-{next(_numbers)}"


def make_key():
    return secrets.token_hex(16)


def make_id():
    return str(uuid.uuid4())


def round_amount(line):
    """What a line costs: rounded half away from zero, with integers only."""
    divisor = 10 ** line.get("scale", 0)
    return (2 * line["quantity"] * line["unit_price"] + divisor) // (2 * divisor)


class NoDatabase:
    """Of a service that runs elsewhere: a test that needs more than its answers is skipped."""

    def __bool__(self):
        return False

    def __getattr__(self, name):
        raise unittest.SkipTest("it looks into the database, which CARTD_TEST_URL does not give")


class ServiceCase(unittest.TestCase):
    """One service for the class, on a database of its own or as CARTD_TEST_URL says."""

    settings = {}  # CARTD_… of the service
    longMessage = True

    @classmethod
    def setUpClass(cls):
        cls.database = NoDatabase()
        if EXTERNAL_URL:
            cls.service = External()
        elif DATABASE_URL:
            cls.database = Database()
            cls.addClassCleanup(cls.database.drop)
            cls.database.migrated_by(migrate)
            cls.service = Service(cls.database.app_url, **cls.settings)
        else:
            # No reason to skip: a run without its subject would look like success.
            raise RuntimeError("CARTD_TEST_DATABASE_URL (or CARTD_TEST_URL) must be set")
        cls.addClassCleanup(cls.service.stop)
        cls.client = cls.service.client()
        cls.addClassCleanup(cls.client.close)

    # ---- making things ----

    def make_product(
        self,
        price=499,
        currency="EUR",
        sku=None,
        name="Green tea",
        active=True,
        client=None,
        **members,
    ):
        sku = sku or make_sku()
        value = {"name": name, "prices": {currency: price}, "active": active, **members}
        answer = (client or self.client).put(f"/products/{sku}", value)
        self.assertIn(answer.status, (200, 201), answer)
        return sku

    def make_cart(self, *items, client=None, **members):
        """A new cart; items are (sku, quantity)."""
        if items:
            members["items"] = [{"sku": sku, "quantity": quantity} for sku, quantity in items]
        answer = (client or self.client).post("/carts", members)
        self.assertEqual(answer.status, 201, answer)
        return answer.json()

    def add(self, cart_id, sku, quantity=1, client=None, **headers):
        value = {"sku": sku, "quantity": quantity}
        return (client or self.client).post(f"/carts/{cart_id}/items", value, headers=headers)

    def get_cart(self, cart_id):
        answer = self.client.get(f"/carts/{cart_id}")
        self.assertEqual(answer.status, 200, answer)
        return answer.json()

    # ---- judging answers ----

    def assert_problem(self, answer, status, slug, **members):
        self.assertEqual((answer.status, answer.slug), (status, slug), answer)
        problem = answer.json()
        self.assertEqual(problem["status"], status, answer)
        self.assertEqual(problem["request_id"], answer.headers["x-request-id"], answer)
        for name, value in members.items():
            self.assertEqual(problem.get(name), value, answer)
        return problem

    def assert_invalid(self, answer, *pointers):
        """A 422 that complains of exactly these fields."""
        problem = self.assert_problem(answer, 422, "invalid-body")
        told = sorted(error["pointer"] for error in problem["errors"])
        self.assertEqual(told, sorted(pointers), answer)

    def assert_cart(self, answer, status=200):
        """The cart of an answer, after checking what must be true of any."""
        self.assertEqual(answer.status, status, answer)
        cart = answer.json()
        self.assertEqual(answer.etag, f'"{cart["version"]}"', answer)
        self.assert_sums(cart)
        return cart

    def assert_sums(self, cart):
        for line in cart["items"]:
            self.assertEqual(line["subtotal"], round_amount(line), cart)
            self.assertEqual(line["total"], line["subtotal"] - line["discount"], cart)
        for member in ("subtotal", "discount"):
            self.assertEqual(cart[member], sum(line[member] for line in cart["items"]), cart)
        taken_off = sum(coupon["amount"] for coupon in cart["coupons"])
        self.assertEqual(cart["discount"], taken_off, cart)
        others = sum(total["amount"] for total in cart["totals"])
        self.assertEqual(cart["total"], cart["subtotal"] - cart["discount"] + others, cart)
        pieces = (1 if line.get("scale", 0) > 0 else line["quantity"] for line in cart["items"])
        self.assertEqual(cart["item_count"], sum(pieces), cart)
        self.assertEqual(cart["closed_at"] is None, cart["status"] == "open", cart)
        self.assertLessEqual(cart["created_at"], cart["updated_at"], cart)
        self.assertTrue(cart["abandoned_at"] is None or cart["status"] == "open", cart)
        self.assertTrue(cart["expires_at"] is None or cart["status"] == "open", cart)

    def make_resume_token(self, cart_id, client=None):
        answer = (client or self.client).post(f"/carts/{cart_id}/resume-token")
        self.assertEqual(answer.status, 200, answer)
        self.assertRegex(answer.headers["resume-token"], r"\A[A-Za-z0-9_-]{64}\Z")
        return answer.headers["resume-token"]

    def assert_log_is_dense(self):
        """Positions 1..n without a gap over the whole log, times that never decrease by position,
        versions 1..n in each stream, and a head that says n."""
        count, least, most, head = self.database.sql(
            "SELECT count(*), coalesce(min(position), 1), coalesce(max(position), 0),"
            " (SELECT position FROM log_head) FROM events;"
        )[0]
        self.assertEqual((least, most), ("1", count))
        self.assertEqual(head, count)
        backwards = self.database.value(
            "SELECT count(*) FROM (SELECT recorded_at < lag(recorded_at) OVER (ORDER BY position)"
            " AS is_back FROM events) AS steps WHERE is_back;"
        )
        self.assertEqual(backwards, "0", "recorded_at went back somewhere")
        gaps = self.database.value(
            "SELECT count(*) FROM (SELECT stream_id FROM events GROUP BY stream_id"
            " HAVING min(version) <> 1 OR max(version) <> count(*)"
            " OR count(DISTINCT version) <> count(*)) AS gaps;"
        )
        self.assertEqual(gaps, "0", "a stream has a gap")

    def event_types(self, stream_id):
        rows = self.database.sql(
            f"SELECT type FROM events WHERE stream_id = '{stream_id}' ORDER BY version;"
        )
        return [row[0] for row in rows]
