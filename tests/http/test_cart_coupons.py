"""Coupons in carts: applied, recomputed with each change, redeemed at checkout, given back."""

import itertools
import time
import uuid

from support import (
    AuditCase,
    AuthCase,
    Background,
    NoAnswer,
    Service,
    how_many,
    make_key,
    needs_binary,
    run_at_once,
    take_free_port,
    wait_until,
)


def make_code():
    return f"C-{uuid.uuid4().hex[:12]}"


def coupon(code, amount=0, state="applied"):
    return {"code": code, "amount": amount, "state": state}


class CouponCase(AuditCase):
    def define(self, client=None, code=None, **members):
        code = code or make_code()
        answer = (client or self.client).put(f"/coupons/{code}", members)
        self.assertIn(answer.status, (200, 201), answer)
        return code

    def withdraw(self, code):
        self.assertLess(self.client.delete(f"/coupons/{code}").status, 300)

    def apply(self, cart_id, code, client=None, **headers):
        return (client or self.client).post(
            f"/carts/{cart_id}/coupons", {"code": code}, headers=headers
        )

    def remove(self, cart_id, code):
        return self.client.delete(f"/carts/{cart_id}/coupons/{code}")

    def post(self, cart_id, what, value=None, client=None, **headers):
        return (client or self.client).post(f"/carts/{cart_id}/{what}", value, headers=headers)

    def execute(self, cart_id, *commands):
        return self.post(cart_id, "commands", {"commands": commands})

    def used(self, code):
        return self.client.get(f"/coupons/{code}").json()["used"]


class Applying(CouponCase):
    def setUp(self):
        self.sku = self.make_product(500)
        self.cart_id = self.make_cart((self.sku, 2))["id"]

    def test_a_coupon_takes_off_until_it_is_removed(self):
        code = self.define(percent=1000)
        cart = self.assert_cart(self.apply(self.cart_id, code.lower()))
        self.assertEqual(cart["coupons"], [coupon(code, 100)])
        self.assertEqual((cart["subtotal"], cart["discount"], cart["total"]), (1000, 100, 900))
        self.assertEqual(self.get_cart(self.cart_id), cart)
        self.assertEqual(self.assert_cart(self.apply(self.cart_id, code)), cart)
        cart = self.assert_cart(self.add(self.cart_id, self.sku))
        self.assertEqual(cart["discount"], 150)
        cart = self.assert_cart(self.remove(self.cart_id, code.lower()))
        self.assertEqual((cart["coupons"], cart["discount"]), ([], 0))
        self.assertEqual(self.assert_cart(self.remove(self.cart_id, code)), cart)
        self.assert_cart(self.apply(self.cart_id, f" {code}"))
        self.assertEqual(self.assert_cart(self.remove(self.cart_id, f"%20{code}%20"))["coupons"], [])
        self.assertEqual(
            self.event_types(self.cart_id)[2:],
            ["CartCouponApplied", "ItemAdded", "CartCouponRemoved"]
            + ["CartCouponApplied", "CartCouponRemoved"],
        )
        self.assertEqual(self.used(code), 0)

    def test_a_coupon_whose_minimum_is_not_met_waits_for_it(self):
        code = self.define(amount={"EUR": 300}, minimum={"EUR": 1500})
        cart = self.assert_cart(self.apply(self.cart_id, code))
        self.assertEqual(cart["coupons"], [coupon(code, state="minimum-not-met")])
        cart = self.assert_cart(self.add(self.cart_id, self.sku))
        self.assertEqual((cart["coupons"], cart["total"]), ([coupon(code, 300)], 1200))

    def test_skus_and_tags_say_which_lines(self):
        tagged = self.make_product(1000, tags=["sale", "new"])
        code = self.define(percent=5000, tags=["sale"])
        self.assert_cart(self.apply(self.cart_id, code))
        self.assertEqual(
            self.get_cart(self.cart_id)["coupons"], [coupon(code, state="not-for-these-items")]
        )
        cart = self.assert_cart(self.add(self.cart_id, tagged))
        self.assertEqual([line["discount"] for line in cart["items"]], [0, 500])
        event = self.client.get(f"/carts/{self.cart_id}/events").json()["events"][-1]
        self.assertEqual((event["schema_version"], event["data"]["tags"]), (4, ["new", "sale"]))

    def test_what_becomes_of_the_coupon_does_not_change_the_cart(self):
        code = self.define(percent=1000)
        cart = self.assert_cart(self.apply(self.cart_id, code))
        self.define(code=code, percent=9000)
        self.assertEqual(self.get_cart(self.cart_id), cart)
        self.assertEqual(self.assert_cart(self.add(self.cart_id, self.sku))["discount"], 150)

    def test_what_can_not_be_used_is_told_to_who_may_know(self):
        ended, coming, gone = (self.define(percent=100) for _ in range(3))
        self.define(code=ended, percent=100, ends_at="2020-01-01T00:00:00Z")
        self.define(code=coming, percent=100, starts_at="2100-01-01T00:00:00Z")
        self.withdraw(gone)
        for code, reason in (
            (make_code(), "unknown"),
            (ended, "expired"),
            (coming, "not-started"),
            (gone, "withdrawn"),
        ):
            answer = self.apply(self.cart_id, code)
            self.assert_problem(answer, 422, "coupon-not-applicable", reason=reason)

    def test_what_does_not_combine_is_alone(self):
        one, two = self.define(percent=100, combinable=True), self.define(percent=100)
        self.assert_cart(self.apply(self.cart_id, one))
        self.assert_problem(self.apply(self.cart_id, two), 409, "coupons-not-combinable")
        self.assert_cart(self.remove(self.cart_id, one))
        self.assert_cart(self.apply(self.cart_id, two))
        self.assert_problem(self.apply(self.cart_id, one), 409, "coupons-not-combinable")

    def test_a_cart_has_at_most_8(self):
        codes = [self.define(percent=100, combinable=True) for _ in range(9)]
        for code in codes[:8]:
            self.assert_cart(self.apply(self.cart_id, code))
        self.assert_problem(self.apply(self.cart_id, codes[8]), 409, "too-many-coupons")
        swap = (
            {"type": "remove_coupon", "code": codes[0]},
            {"type": "apply_coupon", "code": codes[8]},
        )
        cart = self.assert_cart(self.execute(self.cart_id, *swap))
        self.assertEqual([one["code"] for one in cart["coupons"]], codes[1:])

    def test_bad_codes_are_refused(self):
        for code in ("", "x" * 65, "a\nb", 1, None):
            self.assert_invalid(self.apply(self.cart_id, code), "/code")
        self.assert_invalid(self.post(self.cart_id, "coupons", {}), "/code")
        answer = self.execute(self.cart_id, {"type": "apply_coupon", "code": "x" * 65})
        self.assert_invalid(answer, "/commands/0/code")
        self.assert_cart(self.remove(self.cart_id, "nothing"))

    def test_an_undo_takes_it_away_and_a_redo_brings_it_back(self):
        code = self.define(percent=1000)
        self.assert_cart(self.apply(self.cart_id, code))
        cart = self.assert_cart(self.post(self.cart_id, "undo"))
        self.assertEqual((cart["coupons"], cart["discount"]), ([], 0))
        cart = self.assert_cart(self.post(self.cart_id, "restore", {"version": 3}))
        self.assertEqual(cart["coupons"], [coupon(code, 100)])
        then = self.client.get(f"/carts/{self.cart_id}?version=3").json()
        self.assertEqual(then["coupons"], cart["coupons"])
        self.assertEqual(self.make_cart(copy_of=self.cart_id)["coupons"], [])

    def test_in_another_currency_an_amount_is_for_nothing(self):
        self.client.put(
            f"/products/{self.sku}", {"name": "Tea", "prices": {"EUR": 500, "USD": 600}}
        )
        code = self.define(amount={"EUR": 300})
        self.assert_cart(self.apply(self.cart_id, code))
        cart = self.assert_cart(self.post(self.cart_id, "currency", {"currency": "USD"}))
        self.assertEqual(cart["coupons"], [coupon(code, state="not-for-these-items")])
        self.assertEqual(cart["total"], 1200)
        self.assert_clean()


class CheckingOut(CouponCase):
    def setUp(self):
        self.sku = self.make_product(500)
        self.cart_id = self.make_cart((self.sku, 2))["id"]

    def make_cart_with(self, code, **members):
        cart_id = self.make_cart((self.sku, 2), **members)["id"]
        self.assert_cart(self.apply(cart_id, code))
        return cart_id

    def test_it_is_redeemed_and_given_back(self):
        code = self.define(percent=1000, limit=1)
        cart_id = self.make_cart_with(code)
        self.assert_problem(
            self.post(cart_id, "checkout", {"expected_total": 1000}), 409, "total-changed"
        )
        self.assert_cart(self.post(cart_id, "checkout", {"expected_total": 900}))
        self.assertEqual(self.used(code), 1)
        self.assert_cart(self.post(cart_id, "checkout"))
        self.assertEqual(self.used(code), 1)
        self.assert_problem(
            self.apply(self.cart_id, code), 422, "coupon-not-applicable", reason="exhausted"
        )
        for _ in range(2):
            self.assert_cart(self.post(cart_id, "reopen"))
            self.assertEqual(self.used(code), 0)
        self.assert_cart(self.apply(self.cart_id, code))
        self.assert_cart(self.post(self.cart_id, "checkout"))
        changed = {"code": code, "state": "exhausted", "amount": 0, "former_amount": 100}
        answer = self.post(cart_id, "checkout")
        self.assert_problem(answer, 409, "coupons-changed", coupons=[changed])
        cart = self.assert_cart(self.post(cart_id, "reprice"))
        self.assertEqual((cart["coupons"], cart["total"]), ([coupon(code, 0, "exhausted")], 1000))
        self.assert_cart(self.post(cart_id, "checkout", {"expected_total": 1000}))
        self.assertEqual(self.used(code), 1)
        self.assert_clean()

    def test_all_or_nothing_is_redeemed(self):
        one, two = (self.define(percent=1000, combinable=True) for _ in range(2))
        self.assert_cart(self.apply(self.cart_id, one))
        self.assert_cart(self.apply(self.cart_id, two))
        self.withdraw(two)
        version = self.get_cart(self.cart_id)["version"]
        problem = self.assert_problem(self.post(self.cart_id, "checkout"), 409, "coupons-changed")
        self.assertEqual([(c["code"], c["state"]) for c in problem["coupons"]], [(two, "expired")])
        self.assertEqual((self.used(one), self.used(two)), (0, 0))
        self.assertEqual(self.get_cart(self.cart_id)["version"], version)
        self.assert_cart(self.remove(self.cart_id, two))
        self.assert_cart(self.post(self.cart_id, "checkout", {"expected_total": 900}))
        self.assertEqual((self.used(one), self.used(two)), (1, 0))

    def test_applying_what_has_lapsed_asks_for_it_anew(self):
        code = self.define(percent=1000)
        self.assert_cart(self.apply(self.cart_id, code))
        self.withdraw(code)
        lapsed = self.assert_cart(self.post(self.cart_id, "reprice"))
        self.assertEqual(lapsed["coupons"], [coupon(code, 0, "expired")])
        self.assert_problem(self.apply(self.cart_id, code), 422, "coupon-not-applicable")
        self.assertEqual(self.get_cart(self.cart_id), lapsed)
        self.define(code=code, percent=2000)
        cart = self.assert_cart(self.apply(self.cart_id, code))
        self.assertEqual(cart["coupons"], [coupon(code, 200)])
        self.assertEqual(self.assert_cart(self.apply(self.cart_id, code)), cart, "it is there")

    def test_a_reprice_that_lapses_a_coupon_is_undone_as_a_whole(self):
        code = self.define(percent=1000)
        before = self.assert_cart(self.apply(self.cart_id, code))
        self.withdraw(code)
        self.make_product(600, sku=self.sku)
        lapsed = self.assert_cart(self.post(self.cart_id, "reprice"))
        self.assertEqual((lapsed["coupons"], lapsed["total"]), ([coupon(code, 0, "expired")], 1200))
        undone = self.assert_cart(self.post(self.cart_id, "undo"))
        self.assertEqual((undone["coupons"], undone["total"]), (before["coupons"], 900))
        self.assert_problem(self.post(self.cart_id, "checkout"), 409, "coupons-changed")
        version = {"version": lapsed["version"]}
        redone = self.assert_cart(self.post(self.cart_id, "restore", version))
        self.assertEqual((redone["coupons"], redone["total"]), (lapsed["coupons"], 1200))
        version = {"version": before["version"]}
        restored = self.assert_cart(self.post(self.cart_id, "restore", version))
        self.assertEqual((restored["coupons"], restored["total"]), (before["coupons"], 900))
        self.assert_clean()

    def test_that_a_coupon_lapsed_is_a_change_by_itself(self):
        code = self.define(percent=1000)
        before = self.assert_cart(self.apply(self.cart_id, code))
        self.withdraw(code)
        self.assert_cart(self.post(self.cart_id, "reprice"))
        undone = self.assert_cart(self.post(self.cart_id, "undo"))
        self.assertEqual(undone["coupons"], before["coupons"])
        undone = self.assert_cart(self.post(self.cart_id, "undo"))
        self.assertEqual(undone["coupons"], [], "the change before was that it was applied")

    def test_what_takes_nothing_off_is_not_used_up(self):
        code = self.define(percent=1000, minimum={"EUR": 5000}, limit=1)
        self.assert_cart(self.apply(self.cart_id, code))
        self.assert_cart(self.post(self.cart_id, "checkout", {"expected_total": 1000}))
        self.assertEqual(self.used(code), 0)

    def test_one_request_applies_and_checks_out(self):
        code = self.define(percent=1000, limit=1)
        both = ({"type": "apply_coupon", "code": code}, {"type": "check_out"})
        cart = self.assert_cart(self.execute(self.cart_id, *both))
        self.assertEqual((cart["status"], cart["total"]), ("checked_out", 900))
        self.assertEqual(self.used(code), 1)
        again = ({"type": "reopen"}, {"type": "check_out"})
        self.assert_cart(self.execute(self.cart_id, *again))
        self.assertEqual(self.used(code), 1)
        without = ({"type": "reopen"}, {"type": "remove_coupon", "code": code}, {"type": "check_out"})
        self.assertEqual(self.assert_cart(self.execute(self.cart_id, *without))["total"], 1000)
        self.assertEqual(self.used(code), 0)

    def test_one_request_brings_a_coupon_back_and_settles_it(self):
        """When the request comes only the past of the cart names that coupon."""
        for command in ({"type": "undo"}, {"type": "restore", "version": 3}):
            for members in ({"limit": 1}, {"limit_per_customer": 1}):
                code = self.define(percent=1000, **members)
                cart_id = self.make_cart((self.sku, 2), customer_id=f"ada-{make_code()}")["id"]
                self.assert_cart(self.apply(cart_id, code))
                self.assert_cart(self.remove(cart_id, code))
                cart = self.assert_cart(self.execute(cart_id, command, {"type": "reprice"}))
                self.assertEqual(cart["coupons"], [coupon(code, 100)])
                self.assert_cart(self.remove(cart_id, code))
                cart = self.assert_cart(self.execute(cart_id, command, {"type": "check_out"}))
                self.assertEqual((cart["status"], cart["total"]), ("checked_out", 900))
                self.assertEqual(self.used(code), 1)
        self.assert_clean()

    def test_what_is_brought_back_may_be_used_up(self):
        code = self.define(percent=1000, limit=1)
        cart_id, other = (self.make_cart((self.sku, 2))["id"] for _ in range(2))
        for each in (cart_id, other):
            self.assert_cart(self.apply(each, code))
        self.assert_cart(self.remove(cart_id, code))
        self.assert_cart(self.post(other, "checkout"))
        answer = self.execute(cart_id, {"type": "undo"}, {"type": "check_out"})
        problem = self.assert_problem(answer, 409, "coupons-changed")
        self.assertEqual(problem["coupons"][0]["state"], "exhausted")

    def test_a_retry_redeems_once(self):
        code = self.define(percent=1000)
        self.assert_cart(self.apply(self.cart_id, code))
        key = {"Idempotency-Key": make_key()}
        first = self.post(self.cart_id, "checkout", {}, **key)
        again = self.post(self.cart_id, "checkout", {}, **key)
        self.assertEqual(again.headers["idempotent-replayed"], "true")
        self.assertEqual(again.json(), first.json())
        self.assertEqual(self.used(code), 1)

    def test_once_for_each_customer(self):
        code = self.define(percent=1000, limit_per_customer=1)
        guest = self.make_cart_with(code)
        self.assertEqual(self.get_cart(guest)["coupons"], [coupon(code, 0, "needs-customer")])
        ada = f"ada-{make_code()}"
        first = self.make_cart_with(code, customer_id=ada)
        second = self.make_cart_with(code, customer_id=ada)
        self.assert_cart(self.post(first, "checkout", {"expected_total": 900}))
        problem = self.assert_problem(self.post(second, "checkout"), 409, "coupons-changed")
        self.assertEqual(problem["coupons"][0]["state"], "exhausted")
        third = self.make_cart((self.sku, 1), customer_id=ada)["id"]
        self.assert_problem(
            self.apply(third, code), 422, "coupon-not-applicable", reason="exhausted"
        )
        self.assert_cart(self.post(first, "reopen"))
        self.assert_cart(self.post(second, "checkout"))
        self.assert_problem(self.post(first, "checkout"), 409, "coupons-changed")
        cart = self.assert_cart(self.post(guest, "claim", {"customer_id": f"bob-{make_code()}"}))
        self.assertEqual(cart["coupons"], [coupon(code, 100)])
        self.assert_cart(self.post(guest, "checkout"))
        self.assertEqual(self.used(code), 2)
        self.assert_clean()

    def apply_again(self, cart_id, code):
        """And check out, in one request: the coupon is used all the time."""
        commands = (
            {"type": "reopen"},
            {"type": "remove_coupon", "code": code},
            {"type": "apply_coupon", "code": code},
            {"type": "check_out"},
        )
        return self.assert_cart(self.execute(cart_id, *commands))

    def test_a_use_counts_for_a_customer_as_the_coupon_says_that_the_cart_has(self):
        """Also if it was applied again since it said otherwise."""
        ada = f"ada-{make_code()}"
        code = self.define(percent=1000, limit_per_customer=2)
        first = self.make_cart_with(code, customer_id=ada)
        self.assert_cart(self.post(first, "checkout"))
        self.define(code=code, percent=1000)
        self.apply_again(first, code)
        second = self.make_cart_with(code, customer_id=ada)
        self.assert_cart(self.post(second, "checkout"))
        self.define(code=code, percent=1000, limit_per_customer=1)
        third = self.make_cart_with(code, customer_id=ada)  # neither counts
        self.apply_again(second, code)
        problem = self.assert_problem(self.post(third, "checkout"), 409, "coupons-changed")
        self.assertEqual(problem["coupons"][0]["state"], "exhausted")
        self.assert_cart(self.post(second, "reopen"))
        self.assert_cart(self.post(third, "checkout"))
        self.assertEqual(self.used(code), 2)
        self.assert_clean()


@needs_binary
class Racing(CouponCase):
    """Many carts, one coupon: as many get it as may, and the others are told so."""

    def test_ten_of_many_get_it(self):
        n_racers, n_uses = how_many(1000, quick=200), 10
        sku = self.make_product(500)
        code = self.define(percent=1000, limit=n_uses)
        other = Service(self.database.app_url, **self.settings)
        self.addCleanup(other.stop)
        services = [self.service, other]

        def race(number):
            answers = []
            with services[number % 2].client() as client:
                for _ in range(n_racers // 20):
                    cart_id = self.make_cart((sku, 2), client=client)["id"]
                    applied = self.apply(cart_id, code, client=client)
                    if applied.status == 422:
                        answers.append((applied.status, applied.slug))
                        continue
                    self.assertEqual(applied.status, 200, applied)
                    answer = self.post(cart_id, "checkout", client=client)
                    answers.append((answer.status, answer.slug))
            return answers

        answers = [one for some in run_at_once(20, race) for one in some]
        done = answers.count((200, None))
        refused = answers.count((409, "coupons-changed")) + answers.count(
            (422, "coupon-not-applicable")
        )
        self.assertEqual((done, refused, len(answers)), (n_uses, n_racers - n_uses, n_racers))
        self.assertEqual(self.used(code), n_uses)
        self.assert_clean()


@needs_binary
class RacingWithKills(CouponCase):
    """Each has applied the coupon before any is used, and checks out until it is answered, while one
    of two processes is killed again and again."""

    N_USES, N_CLIENTS = 10, 20

    def setUp(self):
        self.victim = Service(self.database.app_url, port=take_free_port(), **self.settings)
        self.addCleanup(lambda: self.victim.stop())
        self.n_lost = 0
        self.answers = []

    def make_carts(self, code, n):
        sku = self.make_product(500)

        def make(_):
            with self.service.client() as client:
                carts = [self.make_cart((sku, 2), client=client)["id"] for _ in range(n)]
                for cart_id in carts:
                    self.assertEqual(self.apply(cart_id, code, client=client).status, 200)
            return carts

        return run_at_once(self.N_CLIENTS, make)

    def check_out(self, cart_id, clients):
        """The answer of whichever process gives one."""
        key = make_key()
        while True:
            client = next(clients)
            try:
                headers = {"Idempotency-Key": key}
                answer = client.post(f"/carts/{cart_id}/checkout", headers=headers)
                if answer.status != 503:
                    return answer
                self.assertIn("retry-after", answer.headers)
            except NoAnswer:
                client.close()
            self.n_lost += 1
            time.sleep(0.02)

    def race(self, carts):
        with self.service.client() as one, self.victim.client() as other:
            clients = itertools.cycle((other, one))
            for cart_id in carts:
                answer = self.check_out(cart_id, clients)
                self.answers.append((answer.status, answer.slug))

    def kill(self):
        self.victim.kill()
        self.victim = Service(self.database.app_url, port=self.victim.port, **self.settings)

    def test_ten_of_many_get_it(self):
        n_each = how_many(1000, quick=100) // self.N_CLIENTS
        n_racers = n_each * self.N_CLIENTS
        code = self.define(percent=1000, limit=self.N_USES)
        carts = self.make_carts(code, n_each)
        racing = Background(self.N_CLIENTS, lambda i, _: self.race(carts[i]))
        for n_before in (1, n_racers // 5, n_racers // 2):
            wait_until(lambda: len(self.answers) >= n_before or racing.failures, "some have raced")
            self.kill()
        racing.finish()
        done = self.answers.count((200, None))
        refused = self.answers.count((409, "coupons-changed"))
        self.assertEqual((done, refused), (self.N_USES, n_racers - self.N_USES), set(self.answers))
        self.assertEqual(len(self.answers), n_racers)
        self.assertGreater(self.n_lost, 0, "the control: the kills were felt")
        self.assertEqual(self.used(code), self.N_USES)
        self.assert_clean()


@needs_binary
class Guessing(CouponCase, AuthCase):
    settings = {"CARTD_COUPON_ATTEMPTS": "5"}

    def setUp(self):
        self.sku = self.make_product(500)
        self.back_office = self.service_of("coupons")
        self.cart, self.guest = self.make_guest_cart((self.sku, 2))

    def define(self, **members):
        return super().define(client=self.back_office, **members)

    def test_one_answer_for_all_that_can_not_be_used(self):
        ended = self.define(percent=100, ends_at="2020-01-01T00:00:00Z")
        coming = self.define(percent=100, starts_at="2100-01-01T00:00:00Z")
        gone = self.define(percent=100)
        self.assertLess(self.back_office.delete(f"/coupons/{gone}").status, 300)
        told = []
        for code in (make_code(), ended, coming, gone):
            answer = self.apply(self.cart["id"], code, client=self.guest)
            problem = self.assert_problem(answer, 422, "coupon-not-applicable")
            del problem["request_id"]
            told.append(str(problem).replace(code.lower(), "CODE"))
        self.assertEqual(set(told), {told[0]})
        self.assertNotIn("reason", told[0])

    def test_the_id_of_a_coupons_stream_tells_nothing(self):
        """It is made of the code, so anybody can compute it."""
        self.define(percent=100)
        taken = self.database.value("SELECT stream_id FROM streams WHERE stream_type = 'coupon';")
        path, told = f"/carts/{self.cart['id']}", []
        for name in (taken, "6c0f6a9e-9d3c-5f0e-8a51-0123456789ab"):
            answers = (
                self.guest.post(f"/carts/{name}/cancel"),
                self.guest.post(f"/carts/{name}/merge", {"from": self.cart["id"]}),
                self.guest.post(f"{path}/merge", {"from": name}),
                self.guest.post(f"{path}/merge/{name}/revert"),
                self.guest.post("/carts", {"copy_of": name}),
                self.guest.get(f"/carts/{name}"),
            )
            told.append([])
            for answer in answers:
                problem = answer.json()
                del problem["request_id"]
                told[-1].append(str(problem).replace(name, "ID"))
        self.assertEqual(told[0], told[1])

    def test_failures_are_limited_for_each_caller(self):
        ada = self.customer(f"ada-{make_code()}")
        good = self.define(percent=100)
        carts = [self.make_cart((self.sku, 1), client=ada)["id"] for _ in range(7)]
        for cart_id in carts[:3] * 3:
            self.assertEqual(self.apply(cart_id, good, client=ada).status, 200)
        for cart_id in carts[:5]:
            answer = self.apply(cart_id, make_code(), client=ada)
            self.assert_problem(answer, 422, "coupon-not-applicable")
        answer = self.apply(carts[6], good, client=ada)
        self.assert_problem(answer, 429, "too-many-attempts")
        self.assertGreater(int(answer.headers["retry-after"]), 1)
        self.assertEqual(self.add(carts[6], self.sku, client=ada).status, 200)

    def test_failures_are_limited_for_each_cart(self):
        for number in range(6):
            # Whoever has the cart's token, from wherever.
            client = self.customer(f"c{number}-{make_code()}", self.guest.headers["Cart-Token"])
            answer = self.apply(self.cart["id"], make_code(), client=client)
        self.assert_problem(answer, 429, "too-many-attempts")

    def test_the_back_office_may_fail_and_know(self):
        office = self.service_of("carts:all")
        for _ in range(8):
            answer = self.apply(self.cart["id"], make_code(), client=office)
            self.assert_problem(answer, 422, "coupon-not-applicable", reason="unknown")
