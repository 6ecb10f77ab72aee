"""Coupons of a cart that is merged into another."""

from support import make_key, needs_binary
from test_cart_coupons import CouponCase, coupon


class Merging(CouponCase):
    def setUp(self):
        self.sku = self.make_product(500)
        self.cart_id = self.make_cart((self.sku, 2))["id"]
        self.other_id = self.make_cart((self.sku, 1))["id"]

    def merge(self):
        return self.assert_cart(self.post(self.cart_id, "merge", {"from": self.other_id}))

    def revert(self):
        return self.assert_cart(self.post(self.cart_id, f"merge/{self.other_id}/revert"))

    def test_coupons_come_and_go_back(self):
        both, theirs = (self.define(percent=1000, combinable=True) for _ in range(2))
        before = self.assert_cart(self.apply(self.cart_id, both))
        self.assert_cart(self.apply(self.other_id, both))
        other = self.assert_cart(self.apply(self.other_id, theirs))
        self.define(code=theirs, percent=5000, combinable=True)
        merged = self.merge()
        self.assertEqual(merged["coupons"], [coupon(both, 150), coupon(theirs, 675)])
        self.assertEqual((merged["total"], merged["notes"]), (675, []))
        self.assertEqual(self.get_cart(self.other_id)["coupons"], other["coupons"])
        self.assertEqual(self.revert()["coupons"], before["coupons"])
        self.assertEqual(self.get_cart(self.other_id)["coupons"], other["coupons"])
        merged = self.merge()
        self.assert_cart(self.post(self.cart_id, "checkout", {"expected_total": 675}))
        self.assertEqual((self.used(both), self.used(theirs)), (1, 1))
        self.assert_clean()

    def test_what_does_not_come_is_in_the_notes(self):
        gone, alone = self.define(percent=1000, combinable=True), self.define(percent=100)
        self.assert_cart(self.apply(self.cart_id, alone))
        self.assert_cart(self.apply(self.other_id, gone))
        merged = self.merge()
        self.assertEqual(merged["notes"], [{"code": "coupons-not-combinable", "coupon": gone}])
        self.assertEqual(merged["coupons"], [coupon(alone, 15)])
        self.revert()
        self.withdraw(gone)
        merged = self.merge()
        self.assertEqual(merged["notes"], [{"code": "coupon-not-applicable", "coupon": gone}])
        self.assertEqual(self.get_cart(self.cart_id)["notes"], merged["notes"])
        self.revert()
        self.assert_cart(self.remove(self.cart_id, alone))
        for _ in range(8):
            code = self.define(percent=100, combinable=True)
            self.assert_cart(self.apply(self.cart_id, code))
        merged = self.merge()
        self.assertEqual(merged["notes"], [{"code": "too-many-coupons", "coupon": gone}])
        self.assert_clean()


@needs_binary
class Claiming(CouponCase):
    settings = {"CARTD_OPEN_CARTS": "one"}

    def test_a_claim_that_merges_brings_what_the_customer_may_still_use(self):
        sku, customer_id = self.make_product(500), make_key()
        once = self.define(percent=1000, combinable=True, limit_per_customer=1)
        free = self.define(percent=1000, combinable=True)
        claim = {"customer_id": customer_id, "merge": "sum"}

        def come_again():
            guests = self.make_cart((sku, 1))["id"]
            for code in (once, free):
                self.assert_cart(self.apply(guests, code))
            self.assert_cart(self.post(guests, "claim", claim))
            return self.assert_cart(self.post(self.make_cart((sku, 1))["id"], "claim", claim))

        cart = come_again()
        self.assertEqual([each["code"] for each in cart["coupons"]], [once, free])
        self.assertEqual(cart["notes"], [])
        self.assert_cart(self.post(cart["id"], "checkout"))
        cart = come_again()
        self.assertEqual([each["code"] for each in cart["coupons"]], [free])
        self.assertEqual(cart["notes"], [{"code": "coupon-not-applicable", "coupon": once}])
        self.assert_clean()
