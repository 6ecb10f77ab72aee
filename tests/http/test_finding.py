"""Finding carts: each filter and order against a plain computation, counts, what is contradictory,
and cart_rankings, which follows the log."""

import datetime
import itertools
import random
import unittest
import urllib.parse

from support import (
    AuthCase,
    Background,
    Database,
    Service,
    ServiceCase,
    make_id,
    make_sku,
    migrate,
    needs_binary,
    needs_database,
    run_cartd,
    wait_until,
)

KEYS = {"created": "created_at", "updated": "updated_at", "total": "total"}
SORTS = [sign + name for name in KEYS for sign in ("", "-")]
N_CARTS = 60
# The second takes nothing off any cart.
COUPONS = {"Straße": {"percent": 1000}, "IDLE": {"amount": {"EUR": 1}, "minimum": {"EUR": 10**9}}}


def expected(carts, sort="-created", **filters):
    """The ids of the carts that the filters admit, in that order."""
    tests = {
        "sku": lambda cart, value: value in [line["sku"] for line in cart["items"]],
        "created_from": lambda cart, value: cart["created_at"] >= value,
        "created_to": lambda cart, value: cart["created_at"] < value,
        "updated_from": lambda cart, value: cart["updated_at"] >= value,
        "updated_to": lambda cart, value: cart["updated_at"] < value,
        "total_from": lambda cart, value: cart["total"] >= int(value),
        "total_to": lambda cart, value: cart["total"] < int(value),
        "coupon": lambda cart, value: value.casefold()
        in [coupon["code"].casefold() for coupon in cart["coupons"]],
        "customer_email": lambda cart, value: (cart["customer_email"] or "").lower()
        == value.lower(),
    }
    found = [
        cart
        for cart in carts
        if all(
            tests[name](cart, value) if name in tests else cart[name] == value
            for name, value in filters.items()
        )
    ]
    key = KEYS[sort.lstrip("-")]
    found.sort(key=lambda cart: (cart[key], cart["id"]), reverse=sort.startswith("-"))
    return [cart["id"] for cart in found]


class FindingCase(ServiceCase):
    def wait_until_known(self):
        head = int(self.database.value("SELECT position FROM log_head;"))
        wait_until(
            lambda: int(
                self.database.value(
                    "SELECT position FROM projection_checkpoints WHERE name = 'cart_rankings';"
                )
            )
            >= head,
            f"cart_rankings at {head}",
        )

    def page(self, client=None, **parameters):
        answer = (client or self.client).get(f"/carts?{urllib.parse.urlencode(parameters)}")
        self.assertEqual(answer.status, 200, answer)
        return answer.json()

    def find(self, client=None, **parameters):
        """The ids of the carts on all pages."""
        ids = []
        while True:
            page = self.page(client, **parameters)
            ids += [cart["id"] for cart in page["carts"]]
            if page["next_cursor"] is None:
                return ids
            parameters["cursor"] = page["next_cursor"]

    def refuse(self, detail, **parameters):
        answer = self.client.get(f"/carts?{urllib.parse.urlencode(parameters)}")
        self.assert_problem(answer, 400, "invalid-parameter")
        self.assertIn(detail, answer.json()["detail"])


@needs_binary
@needs_database
class Found(FindingCase):
    """A database of its own: lists of all carts are compared."""

    @classmethod
    def setUpClass(cls):
        cls.database = Database()
        cls.addClassCleanup(cls.database.drop)
        cls.database.migrated_by(migrate)
        cls.service = Service(cls.database.app_url)
        cls.addClassCleanup(cls.service.stop)
        cls.client = cls.service.client()
        cls.addClassCleanup(cls.client.close)
        cls.random = random.Random(7)
        cls.skus = [make_sku(word) for word in ("tea", "cup", "pot")]
        for number, sku in enumerate(cls.skus):
            prices = {"EUR": 10 + number, "USD": 11}
            cls.client.put(f"/products/{sku}", {"name": sku, "prices": prices})
        for code, coupon in COUPONS.items():
            cls.client.put(f"/coupons/{urllib.parse.quote(code)}", {"combinable": True, **coupon})
        cls.ids = [cls.make(number) for number in range(N_CARTS)]
        for _ in range(2 * N_CARTS):
            cls.change(cls.random.choice(cls.ids))

    @classmethod
    def make(cls, number):
        body = {
            "currency": cls.random.choice(("EUR", "EUR", "USD")),
            "items": [{"sku": sku} for sku in cls.skus if cls.random.random() < 0.4],
        }
        if cls.random.random() < 0.6:
            body["customer_id"] = f"customer-{number % 3}"
        return cls.client.post("/carts", body).json()["id"]

    @classmethod
    def change(cls, cart_id):
        dice = cls.random.random()
        if dice < 0.3:
            code = cls.random.choice(("straSSe", "idle"))
            cls.client.post(f"/carts/{cart_id}/coupons", {"code": code})
        elif dice < 0.4:
            cls.client.delete(f"/carts/{cart_id}/coupons/idle")
        elif dice < 0.8:
            sku = cls.random.choice(cls.skus)
            cls.client.post(f"/carts/{cart_id}/items", {"sku": sku, "quantity": 2})
        elif dice < 0.87:
            email = cls.random.choice(("Ada@example.com", "ada@Example.com", "bob@example.com", None))
            cls.client.patch(f"/carts/{cart_id}", {"customer_email": email})
        elif dice < 0.93:
            body = {"order_reference": f"order-{cls.random.randrange(3)}"}
            cls.client.post(f"/carts/{cart_id}/checkout", body)
        else:
            cls.client.post(f"/carts/{cart_id}/cancel")

    def setUp(self):
        self.carts = [self.get_cart(cart_id) for cart_id in self.ids]
        for code in COUPONS:
            self.assertGreater(len(expected(self.carts, coupon=code)), 5, code)
        self.wait_until_known()

    def filters(self):
        """Each filter, with a value that some carts have and others do not."""
        ordered = {
            name: sorted(cart[name] for cart in self.carts)
            for name in ("created_at", "updated_at", "total")
        }
        return {
            "status": self.random.choice(("open", "checked_out", "cancelled")),
            "customer_id": f"customer-{self.random.randrange(3)}",
            "sku": self.random.choice(self.skus),
            "order_reference": f"order-{self.random.randrange(3)}",
            "currency": self.random.choice(("EUR", "USD")),
            "coupon": self.random.choice(("STRASSE", "Idle")),
            "customer_email": self.random.choice(("ada@example.com", "BOB@example.com")),
            "created_from": ordered["created_at"][self.random.randrange(30)],
            "created_to": ordered["created_at"][self.random.randrange(30, 60)],
            "updated_from": ordered["updated_at"][self.random.randrange(30)],
            "updated_to": ordered["updated_at"][self.random.randrange(30, 60)],
            "total_from": str(ordered["total"][self.random.randrange(30)]),
            "total_to": str(ordered["total"][59] - self.random.randrange(3)),
        }

    def assert_found(self, filters, sort):
        if sort.endswith("total") or any(name.startswith("total") for name in filters):
            filters = {"currency": "EUR", **filters}
        wanted = expected(self.carts, sort, **filters)
        limit = self.random.choice((2, 7, 100))
        found = self.find(sort=sort, limit=limit, **filters)
        self.assertEqual(found, wanted, (sort, filters))
        counted = self.page(sort=sort, count="true", limit=1, **filters)
        self.assertEqual((counted["count"], counted["count_is_exact"]), (len(wanted), True))

    def test_each_filter_with_each_order(self):
        for name, sort in itertools.product([None, *self.filters()], SORTS):
            self.assert_found({name: self.filters()[name]} if name else {}, sort)

    def test_filters_are_combined(self):
        for _ in range(60):
            filters = self.filters()
            names = self.random.sample(sorted(filters), self.random.randrange(2, 5))
            self.assert_found(
                {name: filters[name] for name in names}, self.random.choice(SORTS)
            )

    def test_the_newest_come_first_when_nothing_is_said(self):
        self.assertEqual(self.find(limit=100), expected(self.carts))

    def test_a_time_may_have_any_offset(self):
        moment = datetime.datetime.fromisoformat(self.carts[20]["created_at"])
        text = moment.astimezone(datetime.timezone(datetime.timedelta(hours=5))).isoformat()
        self.assertEqual(
            self.find(created_from=text, limit=100),
            expected(self.carts, created_from=self.carts[20]["created_at"]),
        )

    def test_a_list_says_as_of_when_it_is(self):
        newest = max(cart["updated_at"] for cart in self.carts)
        self.assertIsNone(self.page()["as_of"])
        self.assertIsNone(self.page(status="open", currency="EUR")["as_of"])
        for parameters in (
            {"sort": "updated"},
            {"sort": "-total", "currency": "EUR"},
            {"updated_to": "2020-01-01T00:00:00Z"},
        ):
            self.assertEqual(self.page(**parameters)["as_of"], newest)

    def test_a_count_is_only_there_when_it_is_asked_for(self):
        self.assertNotIn("count", self.page())
        self.assertNotIn("count", self.page(count="false"))
        page = self.page(count="true", limit=1)
        self.assertEqual((page["count"], page["count_is_exact"]), (N_CARTS, True))
        page = self.page(count="true", limit=1, cursor=page["next_cursor"])
        self.assertEqual(page["count"], N_CARTS, "of all pages")

    def test_what_can_not_be_is_refused(self):
        day, later = "2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z"
        for detail, parameters in (
            ('"sort" must be', {"sort": "name"}),
            ('"sort" must be', {"sort": ""}),
            ('"sort" must be', {"sort": "--created"}),
            ('"sort" must be', {"sort": "+created"}),
            ('"count" must be', {"count": "1"}),
            ('"currency" must be', {"currency": "eur"}),
            ('"created_from" must be', {"created_from": "yesterday"}),
            ('"created_to" must be greater than "created_from"',
             {"created_from": later, "created_to": day}),
            ('"created_to" must be greater than "created_from"',
             {"created_from": day, "created_to": day}),
            ('"updated_to" must be greater than "updated_from"',
             {"updated_from": later, "updated_to": day}),
            ('"total_to" must be greater than "total_from"',
             {"currency": "EUR", "total_from": 5, "total_to": 5}),
            ('"total_from" must be', {"currency": "EUR", "total_from": -1}),
            ('"total_from" must be', {"currency": "EUR", "total_from": "1.5"}),
            ('"total_to" must be', {"currency": "EUR", "total_to": 2**53}),
            ('"currency" is missing', {"total_from": 5}),
            ('"currency" is missing', {"total_to": 5}),
            ('"currency" is missing', {"sort": "-total"}),
            ('"order_reference" must be', {"order_reference": ""}),
            ('"customer_email" must be', {"customer_email": "ada"}),
            ('"coupon" must be the code of a coupon', {"coupon": ""}),
            ('"coupon" must be the code of a coupon', {"coupon": "a/b"}),
            ('"coupon" must be the code of a coupon', {"coupon": "a\tb"}),
            ('"coupon" must be the code of a coupon', {"coupon": "x" * 65}),
            ('no query parameter "updated"', {"updated": day}),
        ):
            self.refuse(detail, **parameters)

    def test_a_cursor_is_good_for_its_order_and_filters_only(self):
        first = {"sort": "updated", "limit": 1, "currency": "EUR"}
        cursor = self.page(**first)["next_cursor"]
        self.page(**first, cursor=cursor)
        for other in (
            {**first, "sort": "-updated"},
            {**first, "sort": "created"},
            {**first, "sort": "total"},
            {**first, "currency": "USD"},
            {**first, "total_from": 0},
            {"limit": 1, "currency": "EUR"},
        ):
            self.refuse("next_cursor", **other, cursor=cursor)

    def test_more_than_ten_thousand_are_not_counted(self):
        count = {"count": "true", "limit": 1, "customer_id": "many"}
        for n_made, wanted in ((10000, (10000, True)), (1, (10000, False))):
            self.database.sql(f"""
                INSERT INTO carts (cart_id, version, status, currency, customer_id, item_count,
                    total, document, created_at, updated_at)
                SELECT gen_random_uuid(), 1, 'open', 'CHF', 'many', 0, 0, '{{"metadata":{{}}}}',
                    now(), now() FROM generate_series(1, {n_made});""")
            self.client.is_checked = False  # no documents
            page = self.page(**count)
            self.client.is_checked = True
            self.assertEqual((page["count"], page["count_is_exact"]), wanted)
        self.database.sql("DELETE FROM carts WHERE customer_id = 'many';")


@needs_binary
class Following(FindingCase):
    def test_an_add_touches_no_index_of_carts(self):
        columns = self.database.sql(
            "SELECT DISTINCT a.attname FROM pg_index i JOIN pg_attribute a"
            " ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)"
            " WHERE i.indrelid = 'carts'::regclass;"
        )
        self.assertEqual(
            {column for (column,) in columns},
            {
                "cart_id",
                "status",
                "currency",
                "customer_id",
                "order_reference",
                "created_at",
                "coupons",
            },
        )
        self.assertEqual(
            self.database.value(
                "SELECT pg_get_expr(indpred, indrelid) FROM pg_index"
                " WHERE indexrelid = 'carts_coupons'::regclass;"
            ),
            "(coupons IS NOT NULL)",
            "carts without coupons are no part of it",
        )
        self.assertEqual(
            self.database.sql(
                "SELECT pg_get_expr(indexprs, indrelid) FROM pg_index"
                " WHERE indrelid = 'carts'::regclass AND indexprs IS NOT NULL;"
            ),
            [["lower(customer_email)"]],
        )

    def test_lists_follow_while_carts_change(self):
        sku, customer = self.make_product(7), make_id()
        made = [self.make_cart((sku, 1), customer_id=customer)["id"] for _ in range(20)]

        def add(index, is_over):
            with self.service.client() as client:
                choose = random.Random(index)
                while not is_over.is_set():
                    self.add(choose.choice(made), sku, 1, client=client)

        adding = Background(3, add)
        for _ in range(30):
            for sort in ("-updated", "updated"):
                page = self.page(sort=sort, customer_id=customer, limit=100)
                self.assertLessEqual({cart["id"] for cart in page["carts"]}, set(made))
                ids = [cart["id"] for cart in page["carts"]]
                self.assertEqual(len(ids), len(set(ids)), "a page is of one moment")
        adding.finish()
        self.wait_until_known()
        carts = [self.get_cart(cart_id) for cart_id in made]
        for sort in ("-updated", "updated", "-total", "total"):
            parameters = {"customer_id": customer, "currency": "EUR"}
            found = self.find(sort=sort, limit=3, **parameters)
            self.assertEqual(found, expected(carts, sort, **parameters))
            self.assertEqual(self.page(sort=sort, limit=100, **parameters)["carts"][0]["id"], found[0])

    def test_a_cart_is_found_by_a_coupon_as_long_as_it_is_in_it(self):
        code = f"Kupón {make_id()}"
        path = f"/coupons/{urllib.parse.quote(code)}"
        self.assertEqual(self.client.put(path, {"percent": 10}).status, 201)
        cart = self.make_cart((self.make_product(7), 1))["id"]

        def then(is_found, answer):
            self.assertEqual(answer.status, 200, answer)
            self.assertEqual(self.find(coupon=code.upper()), [cart] if is_found else [])

        def post(action, body=None):
            return self.client.post(f"/carts/{cart}/{action}", body)

        then(True, post("coupons", {"code": code}))
        then(True, self.client.delete(path))
        then(True, self.add(cart, self.make_product(8)))
        then(False, self.client.delete(f"/carts/{cart}{path}"))
        then(True, post("undo"))
        then(True, post("reprice"))
        then(True, post("cancel"))

    def test_what_is_damaged_is_told_and_written_anew(self):
        cart, other = (self.make_cart((self.make_product(7), 1))["id"] for _ in range(2))
        self.wait_until_known()
        self.assert_verified()
        ghost = make_id()
        for damage, damaged in (
            (f"UPDATE cart_rankings SET total = 8 WHERE cart_id = '{cart}'", cart),
            (f"UPDATE cart_rankings SET version = 9 WHERE cart_id = '{cart}'", cart),
            (f"UPDATE cart_rankings SET version = 1 WHERE cart_id = '{cart}'", cart),
            (f"DELETE FROM cart_rankings WHERE cart_id = '{other}'", other),
            ("INSERT INTO cart_rankings"
             f" SELECT '{ghost}', 1, 'open', 'EUR', 0, now(), now()", ghost),
        ):
            with self.subTest(damage):
                self.database.sql(damage)
                done = run_cartd("verify", url=self.database.reader_url)
                self.assertEqual(done.returncode, 1, done)
                self.assertIn("cart_rankings differs from carts", done.stdout + done.stderr)
                self.assertIn(damaged, done.stdout + done.stderr)
                done = run_cartd("projections", "rebuild", "cart_rankings", url=self.database.app_url)
                self.assertEqual(done.returncode, 0, done)
                wait_until(
                    lambda: self.database.value(
                        "SELECT rebuilt_position IS NULL FROM projection_checkpoints"
                        " WHERE name = 'cart_rankings';"
                    )
                    == "t",
                    "it is rebuilt",
                )
                self.assert_verified()

    def assert_verified(self):
        done = run_cartd("verify", url=self.database.reader_url)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


@needs_binary
class Owners(AuthCase):
    def test_a_customer_finds_the_own_carts_only(self):
        ada, bob = (self.bearing(self.key.token(sub=name)) for name in ("ada", "bob"))
        mine = [ada.post("/carts").json()["id"] for _ in range(3)]
        bob.post("/carts")
        wait_until(
            lambda: [cart["id"] for cart in ada.get("/carts?sort=updated").json()["carts"]] == mine,
            "all are there, and no other",
        )
        for query in ("sort=-updated", "sort=total&currency=EUR", "updated_from=2020-01-01T00:00:00Z"):
            carts = ada.get(f"/carts?{query}&count=true").json()
            self.assertEqual({cart["id"] for cart in carts["carts"]}, set(mine))
            self.assertEqual(carts["count"], 3)
        cursor = ada.get("/carts?sort=updated&limit=1").json()["next_cursor"]
        answer = bob.get(f"/carts?sort=updated&limit=1&cursor={cursor}")
        self.assert_problem(answer, 400, "invalid-parameter")
        answer = bob.get("/carts?sort=updated&customer_id=ada")
        self.assert_problem(answer, 403, "forbidden")


if __name__ == "__main__":
    unittest.main()
