"""The shop in a real browser: from the shelf to the order, and everything between."""

import json
import unittest

from support import AuthCase, needs_binary
from support.browser import PHONE, BrowserCase

WEIGHT = {"minimum": 50, "maximum": 20000, "multiple_of": 50, "unit": "kg", "scale": 3}
OFFLINE = "net::ERR_INTERNET_DISCONNECTED"
REFUSED = "the server responded with a status of"
ENTER, TAB = "\ue007", "\ue004"

IS_SENT = """
    return Object.keys(localStorage).every((name) => !name.startsWith("cartd.shop.command."));
"""
LINE_NAMES = "return [...document.querySelectorAll('.line h3')].map((name) => name.textContent)"
STORED = "return localStorage.getItem('cartd.shop.cart')"
# The next command reaches the service each time, but so many answers do not come back: more than
# the client repeats by itself, so that the queue sends it again.
LOSE_ANSWERS = """
    const send = window.fetch;
    let left = 3;
    window.fetch = async (request, ...more) => {
        const answer = await send(request, ...more);
        if (request.method !== "POST" || !request.url.endsWith("/commands")) return answer;
        if (--left === 0) {
            window.fetch = send;
            window.isLost = true;
        }
        throw new TypeError("the answer was lost");
    };
"""


@needs_binary  # whose products are alone on the shelf
class ShopCase(BrowserCase):
    """Products of its own, which are off the shelf after the test, and hands for the page."""

    def setUp(self):
        super().setUp()
        self.tea = self.stock(499, name="Green tea", tags=["organic", "tea"])
        self.cup = self.stock(1290, name="Blue cup", tags=["engraving"])
        self.nuts = self.stock(1290, name="Walnuts", quantity=WEIGHT, tags=["nuts", "organic"])

    def stock(self, price, **members):
        sku = self.make_product(price, **members)
        self.addCleanup(self.make_product, price, sku=sku, **{**members, "active": False})
        return sku

    def open_shop(self, browser=None):
        self.visit("/shop", browser)
        self.find(".product", browser)

    # ---- hands ----

    def press(self, selector, browser=None):
        """Presses a button when it is shown and not disabled."""
        browser = browser or self.browser

        def ready(one):
            found = one.find_elements("css selector", selector)
            return next((part for part in found if part.is_displayed() and part.is_enabled()), None)

        part = self.wait(ready, f"nothing to press at {selector}", browser)
        browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", part)
        part.click()

    def press_named(self, text, browser=None):
        """A button without another name than its text."""

        def pressed(one):
            for part in one.find_elements("css selector", "button"):
                if part.text == text and part.is_displayed() and part.is_enabled():
                    one.execute_script("arguments[0].scrollIntoView({block: 'center'})", part)
                    part.click()
                    return True
            return False

        self.wait(pressed, f"there is no button {text!r}", browser)

    def put(self, name, browser=None):
        """Puts a product into the cart."""
        self.press(f'[aria-label="Add {name}"]', browser)

    def type(self, selector, text, browser=None):
        """Types into a field instead of what it has, and Enter."""
        field = self.find(selector, browser)
        field.clear()
        field.send_keys(text + ENTER)

    # ---- eyes ----

    def wait_until_sent(self, browser=None):
        self.wait(lambda one: one.execute_script(IS_SENT), "something waits to be sent", browser)

    def record(self, browser=None):
        self.wait_until_sent(browser)
        return json.loads((browser or self.browser).execute_script(STORED))

    def held(self, browser=None):
        """The cart of the browser, as the service has it."""
        return self.get_cart(self.record(browser)["id"])

    def lines(self, browser=None):
        return [(line["sku"], line["quantity"]) for line in self.held(browser)["items"]]

    def wait_for_lines(self, *names):
        self.wait(
            lambda one: one.execute_script(LINE_NAMES) == list(names), f"the cart does not have {names}"
        )

    def types(self, browser=None):
        return self.event_types(self.record(browser)["id"])


class Shopping(ShopCase):
    def test_from_the_shelf_to_the_order(self):
        self.client.put(f"/coupons/LESS-{self.tea}", {"percent": 1000, "tags": ["tea"]})
        self.open_shop()
        self.show("shop-begin")
        self.put("Green tea")
        self.wait_for_text(".sums", "€4.99")
        self.type('[aria-label="Engraving of Blue cup"]', "For Ada")
        self.put("Blue cup")
        self.wait_for_text(".properties", "For Ada")
        self.press('[aria-label="Quantity of Green tea in the cart: more"]')
        self.wait_for_text(".sums", "€22.88")
        self.type("#coupon", f"less-{self.tea}")
        self.wait_for_text(".coupons", f"LESS-{self.tea}")
        self.type("#coupon", f"Less-{self.tea}")  # which it has
        self.wait_until_sent()
        self.assertEqual(len(self.browser.find_elements("css selector", ".coupons li")), 1)
        self.wait_for_text(".sums", "€21.88")
        self.show("shop-cart")
        self.press("#check-out")
        self.wait_for_text(".end", "the order is placed")
        self.show("shop-ordered")
        cart = self.held()
        self.assertEqual((cart["status"], cart["total"]), ("checked_out", 2188))
        self.press_named("Start a new cart")
        self.wait_for_lines()
        self.put("Green tea")
        self.wait_for_lines("Green tea")
        self.assertNotEqual(self.held()["id"], cart["id"])

    def test_the_shelf_is_searched(self):
        self.open_shop()
        self.type("#search", "WALN")
        self.wait_for_text("#found", "1 of 3 products")
        self.assertTrue(self.find(".product").text.startswith("W"))
        self.type("#search", self.cup)
        self.wait_for_text("#found", "1 of 3 products")
        self.type("#search", " ")
        self.press_named("organic")
        self.wait_for_text("#found", "2 of 3 products")
        self.press_named("organic")
        self.wait_for_text("#found", "3 products")

    def test_more_products_are_loaded(self):
        for number in range(100):
            self.stock(100, name=f"Thing {number}")
        self.open_shop()
        while self.browser.find_element("id", "more").is_displayed():
            self.press("#more")
            self.wait(lambda one: one.find_element("id", "more").is_enabled(), "it still loads")
        self.wait_for_text("#found", "103 products")

    def test_goods_by_weight(self):
        self.open_shop()
        self.type('[aria-label="Quantity of Walnuts"]', "1.5")
        self.wait_for_text(".line", "1.5 kg × €12.90")
        self.assertEqual(self.lines(), [(self.nuts, 1500)])
        self.type('[aria-label="Quantity of Walnuts in the cart"]', "0.07")
        self.type('[aria-label="Quantity of Walnuts in the cart"]', "21")
        self.assertEqual(self.lines(), [(self.nuts, 1500)])
        self.type('[aria-label="Quantity of Walnuts in the cart"]', "0.85")
        self.wait_for_text(".line", "0.85 kg × €12.90")
        self.assertEqual(self.lines(), [(self.nuts, 850)])

    def test_what_was_done_is_taken_back(self):
        self.open_shop()
        self.put("Green tea")
        self.put("Blue cup")
        self.wait_for_lines("Green tea", "Blue cup")
        self.press('[aria-label="Remove Green tea"]')
        self.wait_for_lines("Blue cup")
        self.wait_until_sent()
        self.press_named("Undo")
        self.wait_for_lines("Green tea", "Blue cup")
        self.wait_until_sent()
        self.press_named("Redo")
        self.wait_for_lines("Blue cup")
        self.press_named("Empty the cart")
        self.wait_for_lines()
        self.wait_until_sent()
        self.press_named("Undo")
        self.wait_for_lines("Blue cup")

    def test_an_undo_takes_back_nothing_else(self):
        self.open_shop()
        self.put("Green tea")
        cart = self.held()
        self.assertEqual(self.add(cart["id"], self.cup).status, 200)
        self.wait_for_lines("Green tea", "Blue cup")
        self.press_named("Undo")
        self.wait_for_text("#toast", "has changed since")
        self.assertEqual(self.lines(), [(self.tea, 1), (self.cup, 1)])

    def test_what_does_not_come_back_is_said(self):
        self.open_shop()
        self.put("Blue cup")
        self.press('[aria-label="Remove Blue cup"]')
        self.wait_for_lines()
        self.wait_until_sent()
        self.make_product(1290, sku=self.cup, name="Blue cup", active=False)
        self.press_named("Undo")
        self.wait_for_text(".notes", "Blue cup (1) is not for sale any more.")

    def test_an_engraving_is_changed(self):
        self.open_shop()
        self.put("Blue cup")
        self.press_named("Engraving")
        self.type('.line [aria-label="Engraving of Blue cup"]', "For Bob")
        self.wait_for_text(".properties", "For Bob")
        self.assertEqual(self.held()["items"][0]["properties"], {"engraving": "For Bob"})

    def test_a_search_without_hits_says_so(self):
        self.open_shop()
        self.find("#search").send_keys("zzzqq")
        self.wait_for_text("#found", "No product matches, of")

    def test_a_coupon_that_is_none(self):
        self.expected_complaints = (REFUSED,)
        self.open_shop()
        self.put("Green tea")
        self.type("#coupon", "no-such-code")
        self.wait_for_text("#toast", "refused")
        self.wait_until_sent()
        self.assertEqual(self.browser.find_elements("css selector", ".coupons li"), [])

    def test_new_prices_are_shown_before_they_are_taken(self):
        self.expected_complaints = (REFUSED,)
        self.open_shop()
        self.put("Green tea")
        self.put("Blue cup")
        self.wait_until_sent()
        self.make_product(599, sku=self.tea, name="Green tea", tags=["organic", "tea"])
        self.make_product(1290, sku=self.cup, name="Blue cup", active=False)
        self.press("#check-out")
        for text in ("€4.99", "€5.99", "not for sale"):
            self.wait_for_text("#dialog table", text)
        self.show("shop-prices")
        self.assertEqual(self.held()["status"], "open")
        self.press_named("Take the new prices, without what is not for sale")
        self.wait_for_text(".sums", "€5.99")
        self.assertEqual(self.lines(), [(self.tea, 1)])
        self.press("#check-out")
        self.wait_for_text(".end", "the order is placed")

    def test_text_of_others_is_text(self):
        markup = '<img src=x onerror="window.isRun = true">'
        sku = self.stock(100, name=markup, tags=["engraving"])
        self.open_shop()
        self.type("#search", sku)
        self.type(".product:not([hidden]) input:not([type])", markup)
        self.press(".product:not([hidden]) .main")
        self.wait_for_text(".line h3", markup)
        self.wait_for_text(".properties", markup)
        self.show("shop-hostile")
        self.assertIsNone(self.browser.execute_script("return window.isRun ?? null"))
        self.assertEqual(self.browser.find_elements("css selector", "main img"), [])

    def test_with_the_keyboard_alone(self):
        self.open_shop()
        body = self.browser.switch_to.active_element

        def go_to(name):
            nonlocal body
            for _ in range(60):
                body.send_keys(TAB)
                body = self.browser.switch_to.active_element
                if name in (body.get_attribute("aria-label"), body.text):
                    return body
            return self.fail(f"no way to {name}")

        go_to("Add Green tea").send_keys(ENTER)
        self.wait_for_lines("Green tea")
        self.wait_until_sent()
        go_to("Quantity of Green tea in the cart").send_keys("\b3" + ENTER)
        self.wait_for_text(".sums", "€14.97")
        go_to("Check out").send_keys(ENTER)
        self.wait_for_text(".end", "the order is placed")

    def test_on_a_phone_the_cart_is_a_tap_away(self):
        self.resize(PHONE)
        self.open_shop()
        self.put("Green tea")
        self.wait_for_text(".to-cart", "Cart 1")
        self.press(".to-cart")
        self.wait(
            lambda one: one.execute_script(
                "const { top } = document.getElementById('cart').getBoundingClientRect();"
                "return top >= 0 && top < innerHeight / 2"
            ),
            "the cart is not in sight",
        )
        self.assert_fits()


class Together(ShopCase):
    """Two tabs of one browser, and others who change the cart."""

    def setUp(self):
        super().setUp()
        self.open_shop()
        self.first = self.browser.current_window_handle
        self.browser.switch_to.new_window("window")
        self.second = self.browser.current_window_handle
        self.open_shop()

    def look_at(self, window):
        self.browser.switch_to.window(window)

    def test_each_tab_shows_what_the_other_does(self):
        self.put("Green tea")
        self.wait_for_lines("Green tea")
        self.look_at(self.first)
        self.wait_for_lines("Green tea")
        self.put("Blue cup")
        self.wait_for_lines("Green tea", "Blue cup")
        self.look_at(self.second)
        self.wait_for_lines("Green tea", "Blue cup")
        self.assertEqual(self.add(self.held()["id"], self.nuts, 50).status, 200)
        for window in (self.first, self.second):
            self.look_at(window)
            self.wait_for_lines("Green tea", "Blue cup", "Walnuts")
        self.press("#check-out")
        self.look_at(self.first)
        self.wait_for_text(".end", "the order is placed")
        self.press_named("Start a new cart")
        self.look_at(self.second)
        self.wait_for_lines()

    def test_what_one_tab_left_another_sends(self):
        self.expected_complaints = (OFFLINE,)
        self.put("Green tea")
        self.wait_for_lines("Green tea")
        self.wait_until_sent()
        self.go_offline()
        self.put("Blue cup")
        self.browser.close()
        self.look_at(self.first)
        self.wait_for_lines("Green tea", "Blue cup")
        self.browser.refresh()
        self.wait_for_lines("Green tea", "Blue cup")
        self.assertEqual(self.lines(), [(self.tea, 1), (self.cup, 1)])


class WithoutAConnection(ShopCase):
    def setUp(self):
        super().setUp()
        self.expected_complaints = (REFUSED, OFFLINE)
        self.open_shop()

    def test_what_is_done_meanwhile_is_sent_later_and_once(self):
        self.put("Green tea")
        self.wait_for_text(".sums", "€4.99")
        self.wait_until_sent()
        before = self.types()
        cart_id = self.record()["id"]
        self.go_offline()
        self.wait_for_text(".state", "No connection")
        self.put("Blue cup")
        self.press('[aria-label="Quantity of Green tea in the cart: more"]')
        self.press('[aria-label="Quantity of Green tea in the cart: more"]')
        self.wait_for_lines("Green tea", "Blue cup")
        self.wait_for_text(".line", "waiting")
        self.wait_for_text(".state", "2 changes wait")
        self.assertFalse(self.find("#check-out").is_enabled())
        self.show("shop-offline")
        self.assertEqual(self.event_types(cart_id), before)
        self.go_offline(False)
        self.wait_for_text(".state", "Live")
        self.wait_for_text(".sums", "€27.87")
        self.assertEqual(self.lines(), [(self.tea, 3), (self.cup, 1)])
        self.assertEqual(self.types(), [*before, "ItemAdded", "ItemQuantityChanged"])

    def test_a_cart_may_begin_without_one(self):
        self.go_offline()
        self.put("Green tea")
        self.put("Blue cup")
        self.press_named("Undo")
        self.wait_for_lines("Green tea")
        self.go_offline(False)
        self.wait_for_text(".sums", "€4.99")
        self.assertEqual(self.types(), ["CartCreated", "ItemAdded"])

    def test_a_change_of_which_the_answer_is_lost_is_not_made_twice(self):
        self.put("Green tea")
        self.wait_until_sent()
        self.browser.execute_script(LOSE_ANSWERS)
        self.put("Blue cup")
        self.wait(lambda one: one.execute_script("return window.isLost ?? false"), "nothing was lost")
        self.put("Green tea")
        self.wait_for_text(".sums", "€22.88")
        self.assertEqual(self.types(), ["CartCreated", "ItemAdded", "ItemAdded", "ItemAdded"])

    def test_what_is_refused_then_is_said_and_dropped(self):
        self.put("Green tea")
        self.wait_until_sent()
        self.go_offline()
        self.put("Blue cup")
        self.put("Walnuts")
        self.wait_for_lines("Green tea", "Blue cup", "Walnuts")
        self.make_product(1290, sku=self.cup, name="Blue cup", active=False)
        self.go_offline(False)
        self.wait_for_text("#toast", "refused")
        self.wait_for_lines("Green tea", "Walnuts")
        self.assertEqual(self.lines(), [(self.tea, 1), (self.nuts, 50)])


class LoggingIn(ShopCase):
    """With CARTD_AUTH=open, a name will do."""

    def log_in(self, name):
        self.press("#log-in")
        self.show("shop-login")
        self.type("#who", name)
        self.wait_for_text("#customer", name)

    def test_a_guests_cart_becomes_the_customers(self):
        name = f"ada-{self.tea}"
        self.open_shop()
        self.put("Green tea")
        cart = self.held()
        self.log_in(name)
        self.wait_for_text("#toast", "Hello")
        self.assertEqual(self.held()["customer_id"], name)
        self.assertEqual(self.held()["id"], cart["id"])

    def test_what_the_customer_has_in_another_cart_comes_into_it(self):
        name = f"bob-{self.tea}"
        other = self.make_cart((self.tea, 2), (self.cup, 1), customer_id=name)
        self.open_shop()
        self.put("Green tea")
        self.wait_until_sent()
        self.log_in(name)
        self.wait_for_lines("Green tea", "Blue cup")
        self.assertEqual(self.lines(), [(self.tea, 3), (self.cup, 1)])
        self.assertEqual(self.get_cart(other["id"])["status"], "merged")

    def test_a_coupon_that_does_not_come_into_it_is_said(self):
        name, had, has = f"zoe-{self.tea}", f"HAD-{self.tea}", f"HAS-{self.tea}"
        for code in (had, has):
            self.client.put(f"/coupons/{code}", {"percent": 1000})
        other = self.make_cart((self.cup, 1), customer_id=name)
        self.assertEqual(self.client.post(f"/carts/{other['id']}/coupons", {"code": had}).status, 200)
        self.open_shop()
        self.put("Green tea")
        self.type("#coupon", has)
        self.wait_for_text(".coupons", has)
        self.log_in(name)
        self.wait_for_text(".notes", f"Coupon {had} can't be used with another coupon.")

    def test_another_device_goes_on_with_the_merged_cart(self):
        name = f"kay-{self.tea}"
        self.make_cart((self.cup, 1), customer_id=name)
        other = self.open_browser()
        self.open_shop(other)
        self.press("#log-in", other)
        self.find("#who", other).send_keys(name + ENTER)
        self.wait_for_text(".line h3", "Blue cup", other)
        self.open_shop()
        self.put("Green tea")
        self.wait_until_sent()
        self.log_in(name)
        self.wait_for_lines("Green tea", "Blue cup")
        self.wait_for_text(".line h3", "Green tea", other)
        self.assertEqual(self.record(other)["id"], self.record()["id"])

    def test_without_a_cart_the_customer_goes_on_with_the_open_one(self):
        name = f"eve-{self.tea}"
        other = self.make_cart((self.cup, 1), customer_id=name)
        self.open_shop()
        self.log_in(name)
        self.wait_for_lines("Blue cup")
        self.assertEqual(self.record()["id"], other["id"])
        self.press("#log-out")
        self.wait_for_lines()
        self.assertEqual(self.get_cart(other["id"])["status"], "open")


@needs_binary
class LoggingInToOneOpenCart(LoggingIn):
    settings = {"CARTD_OPEN_CARTS": "one"}

    def test_a_cart_that_was_opened_elsewhere_is_gone_on_with(self):
        self.expected_complaints = (REFUSED,)
        name = f"kim-{self.tea}"
        self.open_shop()
        self.log_in(name)
        other = self.make_cart((self.cup, 1), customer_id=name)
        self.put("Green tea")
        self.wait_for_lines("Blue cup", "Green tea")
        self.assertEqual(self.record()["id"], other["id"])


@needs_binary
class LoggingInWithAToken(AuthCase, ShopCase):
    settings = {"CARTD_OPEN_CARTS": "one"}

    def setUp(self):
        super().setUp()
        self.expected_complaints = (REFUSED,)

    def held(self, browser=None):
        answer = self.customer("ada").get(f"/carts/{self.record(browser)['id']}")
        return self.assert_cart(answer)

    def test_the_guests_cart_takes_what_the_customer_had(self):
        other = self.customer("ada").post("/carts", {"items": [{"sku": self.cup}]}).json()
        self.open_shop()
        self.put("Green tea")
        self.wait_until_sent()
        self.assertIsNotNone(self.record()["token"])
        self.press("#log-in")
        self.type("#who", "no.token.atall")
        self.wait_for_text("#dialog [role=alert]", "no subject")
        self.type("#who", self.key.token("ada", exp=1))
        self.wait_for_text("#dialog [role=alert]", "token")
        self.type("#who", self.key.token("ada"))
        self.wait_for_lines("Green tea", "Blue cup")
        self.assertIsNone(self.record()["token"])
        self.assertEqual(self.lines(), [(self.tea, 1), (self.cup, 1)])
        ended = self.customer("ada").get(f"/carts/{other['id']}").json()
        self.assertEqual(ended["status"], "merged")
        self.put("Walnuts")
        self.wait_for_lines("Green tea", "Blue cup", "Walnuts")
        self.assertEqual(self.held()["customer_id"], "ada")


    def test_what_is_done_with_an_old_token_waits_for_a_new_one(self):
        self.open_shop()
        self.press("#log-in")
        self.type("#who", self.key.token("eve"))
        self.put("Green tea")
        self.wait_for_text(".sums", "€4.99")
        old = {"id": "eve", "bearer": self.key.token("eve", exp=1)}
        self.browser.execute_script(
            "localStorage.setItem('cartd.shop.customer', arguments[0])", json.dumps(old)
        )
        self.put("Blue cup")
        self.wait_for_text("#toast", "Your login has ended")
        self.press("#toast button")
        self.type("#who", self.key.token("eve"))
        self.wait_for_text(".sums", "€17.89")
        answer = self.customer("eve").get(f"/carts/{self.record()['id']}")
        self.assertEqual(self.assert_cart(answer)["total"], 1789)


@needs_binary
class AnEmptyShop(BrowserCase):
    def test_it_says_how_to_fill_it(self):
        self.visit("/shop")
        self.wait_for_text("#empty", "cartd catalog import")
        self.show("shop-empty")
        self.find("#add-demo").click()
        self.wait_for_text("#found", "5 products")
        self.show("shop-demo")


@needs_binary
class AnEmptyShopOfOthers(AuthCase, BrowserCase):
    def test_it_offers_nothing_that_would_be_refused(self):
        self.expected_complaints = (REFUSED,)
        self.visit("/shop")
        self.wait_for_text("#empty", "catalog")
        self.wait_for_text("#no-demo", "bearer token")
        self.assertFalse(self.browser.find_element("id", "add-demo").is_displayed())


if __name__ == "__main__":
    unittest.main()
