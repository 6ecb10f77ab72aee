"""Coupons as streams of their own: defined, changed, withdrawn, found, listed, through the whole service."""

import json
import threading
import urllib.parse

from support import (
    AuthCase,
    ServiceCase,
    coupon_stream_id,
    make_id,
    make_key,
    make_sku,
    needs_binary,
)
from support.audit import AuditCase

NONE = {
    "percent": None,
    "amount": None,
    "minimum": {},
    "skus": [],
    "tags": [],
    "starts_at": None,
    "ends_at": None,
    "limit": None,
    "limit_per_customer": None,
    "combinable": False,
}
# The same code, written otherwise.
SPELLINGS = (
    ("SUMMER", "summer", "Summer", " sUMMER "),
    ("Straße", "STRASSE", "strasse", "Stra\u1e9ee"),
    ("Zoë", "zoe\u0308", "ZOE\u0308"),
    ("ＳＡＬＥ", "sale", "sa\u200ble", "sa\u00adle"),
    ("ΣΊΣΥΦΟΣ", "σίσυφος"),
)
HOSTILE = (
    "' OR 1=1 --",
    '"',
    "<script>",
    "a b",
    "%",
    "_",
    "=1+1",
    "{code}",
    "a+b",
    "a\\b",
    "🍵" * 64,
    "x" * 64,
)
NO_CODES = (
    *("%20", "a%0Ab", "%7F", "%C2%85", "%E2%80%8B", "x" * 65, "%C3%9F" * 33, "%CD%B8", "%EF%B7%BA" * 4),
    *("%E3%8E%A9" * 64, "a%5C..", "x" * 3000),
)


def path_of(code):
    return "/coupons/" + urllib.parse.quote(code, safe="")


class Coupons(ServiceCase):
    def put(self, code, headers=None, **members):
        return self.client.put(path_of(code), members, headers=headers)

    def events_of(self, code):
        rows = self.database.sql(
            f"SELECT type, data FROM events WHERE stream_id = '{coupon_stream_id(code)}'"
            " ORDER BY version;"
        )
        return [(kind, json.loads(data)) for kind, data in rows]

    def test_a_coupon_is_defined_and_changed(self):
        code = make_sku("SUMMER").upper()
        made = self.put(code, percent=1250)
        self.assertEqual((made.status, made.version), (201, 1), made)
        self.assertEqual(made.headers["location"], path_of(code))
        coupon = made.json()
        self.assertEqual(
            coupon,
            {
                **NONE,
                "code": code,
                "percent": 1250,
                "version": 1,
                "used": 0,
                "withdrawn": False,
                "updated_at": coupon["updated_at"],
            },
        )
        self.assertEqual(self.client.get(path_of(code)).body, made.body)
        rich = {
            "amount": {"USD": 350, "EUR": 300},
            "minimum": {"EUR": 2000},
            "skus": ["tea/2", "cup", "cup"],
            "tags": ["organic"],
            "starts_at": "2026-06-21T00:00:00+02:00",
            "ends_at": "2026-09-23T00:00:00.5Z",
            "limit": 1000,
            "limit_per_customer": 1,
            "combinable": True,
        }
        changed = self.put(code, **rich)
        self.assertEqual((changed.status, changed.version), (200, 2), changed)
        wanted = {
            **NONE,
            **rich,
            "skus": ["cup", "tea/2"],
            "starts_at": "2026-06-20T22:00:00.000000Z",
            "ends_at": "2026-09-23T00:00:00.500000Z",
            "code": code,
        }
        self.assertEqual(
            self.events_of(code),
            [
                ("CouponDefined", {**NONE, "code": code, "percent": 1250}),
                ("CouponDefined", wanted),
            ],
        )
        self.assertEqual(self.put(code, **rich).version, 2, "nothing new")
        nulls = {name: value for name, value in NONE.items() if name not in ("combinable", "percent")}
        self.assertEqual(self.put(code, percent=10000, **nulls).version, 3)

    def test_a_coupon_is_withdrawn_and_defined_again(self):
        code = make_sku("code")
        self.assert_problem(self.client.delete(path_of(code)), 404, "coupon-not-found")
        self.put(code, percent=1)
        for _ in range(2):
            gone = self.client.delete(path_of(code))
            self.assertEqual((gone.status, gone.version), (200, 2), gone)
            self.assertTrue(gone.json()["withdrawn"])
            self.assertEqual(self.client.get(path_of(code)).body, gone.body)
        again = self.put(code, percent=1)
        self.assertEqual((again.status, again.version), (200, 3), again)
        self.assertFalse(again.json()["withdrawn"])
        self.assertEqual(
            [kind for kind, _ in self.events_of(code)],
            ["CouponDefined", "CouponWithdrawn", "CouponDefined"],
        )

    @needs_binary  # whose database has no coupons yet
    def test_one_code_in_any_spelling_is_one_coupon(self):
        for spellings in SPELLINGS:
            first = self.put(spellings[0], percent=1)
            self.assertEqual(first.status, 201, first)
            for version, spelling in enumerate(spellings[1:], 2):
                with self.subTest(spelling=spelling):
                    self.assertEqual(self.client.get(path_of(spelling)).version, version - 1)
                    answer = self.put(spelling, percent=version)
                    self.assertEqual((answer.status, answer.version), (200, version), answer)
            shown = self.client.get(path_of(spellings[0])).json()
            self.assertEqual(shown["percent"], len(spellings))
            self.assertEqual(self.client.delete(path_of(spellings[-1])).status, 200)
        self.assertEqual(self.client.get(path_of("straße")).json()["code"], "Stra\u1e9ee")

    @needs_binary
    def test_any_text_may_be_a_code(self):
        for code in HOSTILE:
            with self.subTest(code=code):
                made = self.put(code, percent=1)
                self.assertEqual((made.status, made.json()["code"]), (201, code), made)
                self.assertEqual(self.client.get(made.headers["location"]).body, made.body)

    def test_what_can_be_no_code_is_none(self):
        for code in NO_CODES:
            with self.subTest(code=code):
                target = f"/coupons/{code}"
                answer = self.client.put(target, {"percent": 1})
                self.assert_problem(answer, 400, "invalid-parameter")
                for method in ("GET", "DELETE"):
                    answer = self.client.request(method, target)
                    self.assert_problem(answer, 404, "coupon-not-found")
        for code in ("a%2Fb", "%2e", "..", "a%00"):
            self.assertEqual(self.client.put(f"/coupons/{code}", {"percent": 1}).status, 400)

    def test_a_coupon_can_be_bound_to_a_version(self):
        code = make_sku("code")
        missing = self.put(code, {"If-Match": "*"}, percent=1)
        self.assert_problem(missing, 412, "version-mismatch", current_version=0)
        self.assertIn("requires the coupon to exist", missing.json()["detail"])
        made = self.put(code, percent=1)
        self.assertEqual(self.put(code, {"If-Match": made.headers["etag"]}, percent=2).version, 2)
        stale = self.client.delete(path_of(code), headers={"If-Match": made.headers["etag"]})
        missed = self.assert_problem(stale, 412, "version-mismatch", current_version=2)
        self.assertEqual([event["type"] for event in missed["missed_events"]], ["CouponDefined"])
        known = self.client.get(path_of(code), headers={"If-None-Match": '"2"'})
        self.assertEqual(known.status, 304, known)

    def test_a_command_may_be_repeated(self):
        code = make_sku("code")
        key = {"Idempotency-Key": make_key()}
        first = self.put(code, key, percent=1)
        self.put(code, percent=2)
        again = self.put(code.upper(), key, percent=1)
        self.assert_problem(again, 422, "idempotency-key-reused")
        again = self.put(code, key, percent=1)
        self.assertEqual((again.status, again.version), (201, 1), again)
        self.assertEqual(again.headers["idempotent-replayed"], "true")
        self.assertEqual(again.body, first.body)
        self.assert_problem(self.put(code, key, percent=3), 422, "idempotency-key-reused")
        gone = {"Idempotency-Key": make_key()}
        for _ in range(2):
            self.assertEqual(self.client.delete(path_of(code), headers=gone).version, 3)

    def test_a_body_that_says_something_withdraws_nothing(self):
        code = make_sku("code")
        self.put(code, percent=1)
        for body, status in ((b"", 200), (b"{}", 200), (b'{"a":1}', 422), (b"[]", 422), (b"{", 400)):
            answer = self.client.request("DELETE", path_of(code), body=body)
            self.assertEqual(answer.status, status, answer)

    def test_the_id_of_a_coupon_is_no_cart(self):
        code = make_sku("code")
        self.put(code, percent=1)
        coupon_id = coupon_stream_id(code)
        for target in (f"/carts/{coupon_id}", f"/carts/{coupon_id}/events"):
            self.assert_problem(self.client.get(target), 404, "cart-not-found")
        answer = self.client.post(f"/carts/{coupon_id}/cancel")
        self.assert_problem(answer, 409, "id-taken")
        self.assertEqual(self.client.post("/carts", {"id": coupon_id}).status, 422)

    def test_the_feed_has_coupons(self):
        code = make_sku("code")
        after = self.client.get("/events?limit=1").json()["head"]
        self.put(code, percent=1)
        self.client.delete(path_of(code))
        page = self.client.get(
            f"/events?after={after}&type=CouponDefined,CouponWithdrawn&limit=100"
        ).json()
        mine = [event for event in page["events"] if event["stream_id"] == coupon_stream_id(code)]
        self.assertEqual(
            [(event["stream_type"], event["type"], event["schema_version"]) for event in mine],
            [("coupon", "CouponDefined", 1), ("coupon", "CouponWithdrawn", 1)],
        )

    def test_who_come_at_once_are_all_recorded(self):
        code = make_sku("code")

        def put(number):
            with self.service.client() as client:
                statuses.append(client.put(path_of(code), {"percent": number + 1}).status)

        statuses = []
        threads = [threading.Thread(target=put, args=(number,)) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(statuses), [200] * 15 + [201])
        self.assertEqual(self.client.get(path_of(code)).version, 16)


class Lists(ServiceCase):
    @needs_binary
    def test_a_thousand_coupons_are_listed_by_code(self):
        codes = [f"Code-{number:04}" if number % 2 else f"cODE-{number:04}" for number in range(1000)]
        for code in codes:
            self.assertEqual(self.client.put(path_of(code), {"percent": 1}).status, 201)
        self.client.delete(path_of(codes[7]))
        folded = {code.casefold() for code in codes}
        listed, target = [], "/coupons?limit=100"
        while target:
            answer = self.client.get(target)
            page = answer.json()
            listed += page["coupons"]
            self.assertEqual(page["next_cursor"] is None, "link" not in answer.headers)
            target = page["next_cursor"] and f"/coupons?limit=100&cursor={page['next_cursor']}"
        listed = [coupon for coupon in listed if coupon["code"].casefold() in folded]
        self.assertEqual([coupon["code"] for coupon in listed], codes)
        self.assertTrue(listed[7]["withdrawn"])
        self.assertEqual(listed[8], self.client.get(path_of(codes[8])).json())
        self.assertEqual(len(self.client.get("/coupons").json()["coupons"]), 20)

    def test_a_cursor_is_of_its_list(self):
        for number in range(2):
            self.client.put(path_of(f"z{number}"), {"percent": 1})
            self.make_product(1)
        cursors = {
            path: self.client.get(f"{path}?limit=1").json()["next_cursor"]
            for path in ("/coupons", "/products")
        }
        self.assert_problem(
            self.client.get(f"/coupons?cursor={cursors['/products']}"), 400, "invalid-parameter"
        )
        self.assert_problem(
            self.client.get(f"/products?cursor={cursors['/coupons']}"), 400, "invalid-parameter"
        )


@needs_binary
class Rights(AuthCase):
    def test_nobody_else_learns_which_codes_exist(self):
        there, absent = make_sku("code"), make_sku("code")
        owner = self.service_of("coupons")
        self.assertEqual(owner.put(path_of(there), {"percent": 1}).status, 201)
        cart = self.bearing().post("/carts")
        others = {
            "guest": self.bearing(cart_token=cart.headers["cart-token"]),
            "nobody": self.bearing(),
            "customer": self.customer("ada"),
            "back office": self.service_of("carts:all catalog events reports prices totals"),
        }
        for name, client in others.items():
            for method, body in (("GET", None), ("PUT", {"percent": 1}), ("DELETE", None)):
                with self.subTest(caller=name, method=method):
                    answers = [
                        client.request(
                            method, path_of(code), body=body and json.dumps(body).encode()
                        )
                        for code in (there, absent, "x" * 99)
                    ]
                    status = 403 if name in ("customer", "back office") else 401
                    self.assertEqual([answer.status for answer in answers], [status] * 3)
                    self.assertEqual(len({answer.json()["detail"] for answer in answers}), 1)
            self.assertIn(client.get("/coupons").status, (401, 403))
        self.assertEqual(owner.get(path_of(absent)).status, 404)


class Audited(AuditCase):
    DAMAGES = {
        "UPDATE coupons SET version = version + 1": "coupons.version is",
        "UPDATE coupons SET document = replace(document, '\"used\":2', '\"used\":1')": "coupons.document is",
        "UPDATE coupons SET folded_code = 'other'": "coupons.folded_code is",
        "UPDATE coupons SET updated_at = '2020-01-01'": "coupons.updated_at is",
        "DELETE FROM coupons": "coupons has no row for it",
        f"INSERT INTO coupons VALUES ('{make_id()}', 'lost', 1, '{{}}', now())": "coupons",
        "UPDATE snapshots SET state = jsonb_set(state, '{state,used}', '1')"
        " WHERE stream_id IN (SELECT coupon_id FROM coupons)": "snapshot",
        "UPDATE events SET data = jsonb_set(data, '{code}', '\"other\"') WHERE type = 'CouponDefined'"
        " AND data->>'code' = 'SUMMER'": "is of a coupon whose stream has another id",
        "UPDATE events SET data = data || '{\"more\": 1}' WHERE type = 'CouponWithdrawn'": "CouponWithdrawn",
    }

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for number in range(120):  # enough for a snapshot
            cls.client.put(path_of("SUMMER"), {"percent": number + 1, "skus": ["a", "b"]})
        cls.client.put(path_of("Straße"), {"amount": {"EUR": 1}})
        cls.client.delete(path_of("STRASSE"))
        cls.redeem("SUMMER", 2)

    @classmethod
    def redeem(cls, code, n):
        """As carts will do it, in the log alone; the read table is rebuilt from it."""
        coupon_id = coupon_stream_id(code)
        cls.database.sql(
            "WITH made AS (SELECT h.position + n AS position,"
            f" (SELECT max(version) FROM events WHERE stream_id = '{coupon_id}') + n AS version"
            f" FROM log_head h, generate_series(1, {n}) n)"
            f" INSERT INTO events SELECT m.position, 'coupon', '{coupon_id}', m.version,"
            " 'CouponRedeemed', 1, '{\"cart_id\": \"c\", \"customer_id\": null}', '{}',"
            " gen_random_uuid(), h.recorded_at FROM made m, log_head h;"
            f" UPDATE log_head SET position = position + {n};"
        )

    def test_damage_is_found_and_repaired(self):
        self.wait_for_snapshot()
        self.assertEqual(self.rebuild("coupons").returncode, 0)
        self.assert_clean()
        self.assertEqual(self.client.get(path_of("summer")).json()["used"], 2)
        before = self.rows()
        for script, reason in self.DAMAGES.items():
            with self.subTest(script=script), self.damaged(script):
                done = self.verify()
                self.assertEqual(done.returncode, 1, done)
                self.assertIn(reason, done.stdout)
                if "events" not in script:
                    self.assertEqual(self.rebuild("all").returncode, 0)
                    self.assert_clean()
                    self.assertEqual(self.rows(), before)

    def rows(self):
        return self.database.sql("SELECT * FROM coupons ORDER BY coupon_id;")
