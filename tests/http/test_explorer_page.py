"""The explorer in a real browser: the log live, carts in time, reports, coupons and lag."""

import json
import unittest

import yaml

from support import make_sku, needs_binary, wait_until
from support.browser import ActionChains, BrowserCase, Keys
from support.tokens import AuthCase

HOSTILE = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"


class ExplorerCase(BrowserCase):
    def explore(self, section, browser=None):
        """The page at a section, loaded anew."""
        self.visit("/", browser)
        self.visit(f"/explorer#{section}", browser)

    def make_history(self, name="Green tea"):
        """A cart with two of a line, then another line, then without the first."""
        tea, mug = self.make_product(name=name), self.make_product(1290, name="Blue mug")
        cart_id = self.make_cart()["id"]
        self.assertEqual(self.add(cart_id, tea, 2).status, 200)
        self.assertEqual(self.add(cart_id, mug).status, 200)
        answer = self.client.delete(f"/carts/{cart_id}/items/{tea}")
        self.assertEqual(answer.status, 200, answer)
        return cart_id, tea, mug

    def texts(self, selector):
        return self.browser.execute_script(
            "return [...document.querySelectorAll(arguments[0])].map((part) => part.innerText)", selector
        )

    def count(self, selector):
        return len(self.browser.find_elements("css selector", selector))

    def wait_for_texts(self, selector, texts):
        self.wait(lambda _: self.texts(selector) == texts, f"{selector} does not say {texts}")

    def choose(self, selector, value):
        self.find(f'{selector} option[value="{value}"]').click()

    def press(self, *keys):
        ActionChains(self.browser).send_keys(*keys).perform()

    def press_until(self, key, selector):
        """Presses a key until an element that matches has the focus."""
        script = "return document.activeElement.matches(arguments[0])"
        for _ in range(60):
            if self.browser.execute_script(script, selector):
                return
            self.press(key)
        self.fail(f"{selector} is not reached by keys")


class Log(ExplorerCase):
    def test_a_new_event_comes_live(self):
        self.explore("log")
        self.wait_for_text("#log-state", "Live")
        cart_id = self.make_cart()["id"]
        self.wait_for_text("#log-rows tr:first-child", "CartCreated")
        self.assertIn(cart_id[-8:], self.find("#log-rows tr:first-child a").text)
        self.find("#log-rows tr:first-child button").click()
        self.wait_for_text("#log-rows .raw pre", f'"stream_id": "{cart_id}"')
        for _ in range(3):
            self.make_history()
        self.show("log")

    def test_paused_it_waits(self):
        self.explore("log")
        self.wait_for_text("#log-state", "Live")
        self.find("#log-pause").click()
        sku = self.make_product()
        self.wait_for_text("#log-state", "Paused, 1 new")
        self.assertNotIn(sku, " ".join(self.texts("#log-rows td")))
        self.find("#log-pause").click()
        self.wait_for_text("#log-rows tr:first-child", sku)

    def test_filters_by_stream_and_type(self):
        cart_id, tea, mug = self.make_history()
        self.explore("log")
        self.choose("#log-stream", "product")
        self.wait_for_text("#log-rows tr:first-child", mug)
        self.assertEqual(set(self.texts("#log-rows .type")), {"ProductChanged"})
        self.choose("#log-stream", "cart")
        self.wait_for_text("#log-rows tr:first-child", "ItemRemoved")
        self.assertNotIn("ProductChanged", self.texts("#log-rows .type"))
        self.choose("#log-type", "ItemAdded")
        self.wait(lambda _: set(self.texts("#log-rows .type")) == {"ItemAdded"}, "other types are there")
        self.wait_for_text("#log-state", "Live")
        self.make_product()
        self.add(cart_id, tea, 7)
        self.wait_for_text("#log-rows tr:first-child", f"7 \u00d7 {tea}")
        self.assertEqual(set(self.texts("#log-rows .type")), {"ItemAdded"})

    def test_the_events_up_to_a_position(self):
        self.make_history()
        events = self.client.get("/events?limit=4").json()["events"]
        self.explore("log&upto=3")
        expected = [event["type"] for event in reversed(events[:3])]
        self.wait_for_texts("#log-rows .type", expected)
        self.assertIn("Up to 3 of", self.find("#log-state").text)

    def test_it_knows_each_type_of_event(self):
        contract = yaml.safe_load(self.client.get("/openapi.yaml").body)
        types = contract["components"]["schemas"]["EventType"]["enum"]
        self.explore("log")
        options = "#log-type option:not([value=''])"
        self.wait(lambda _: self.count(options) > 0, "there are no types")
        self.assertEqual(sorted(self.texts(options)), sorted(types))

    def test_it_goes_on_after_an_outage(self):
        self.expected_complaints = ("ERR_INTERNET_DISCONNECTED",)
        self.explore("log")
        self.wait_for_text("#log-state", "Live")
        first = self.make_product()
        self.wait_for_text("#log-rows tr:first-child", first)
        self.go_offline()
        second, third = self.make_product(), self.make_product()
        self.go_offline(False)
        self.wait_for_text("#log-rows tr:first-child", third)
        shown = " ".join(self.texts("#log-rows td"))
        for sku in (first, second, third):
            self.assertIn(sku, shown)

    def test_it_stays_small(self):
        sku = self.make_product()
        cart_id = self.make_cart((sku, 1))["id"]
        self.explore("log")
        self.wait_for_text("#log-state", "Live")
        for start in range(2, 702, 100):
            self.change_often(cart_id, sku, range(start, start + 100))
        self.wait_for_text("#log-rows tr:first-child", f"{sku}: now 701")
        self.assertEqual(self.count("#log-rows tr"), 500)
        self.explore(f"cart={cart_id}&version=450")
        self.wait_for_text("#cart-heading", "Version 450")
        self.assertEqual(self.count("#cart-events li"), 100)
        self.wait_for_text("#cart-range", "401 to 500")
        self.find("#cart-older").click()
        self.wait_for_text("#cart-heading", "Version 400")
        self.wait_for_text("#cart-range", "301 to 400")

    def change_often(self, cart_id, sku, quantities):
        commands = [
            {"type": "change_item_quantity", "item_id": sku, "quantity": quantity} for quantity in quantities
        ]
        answer = self.client.post(f"/carts/{cart_id}/commands", {"commands": commands})
        self.assertEqual(answer.status, 200, answer)


class Cart(ExplorerCase):
    def test_the_slider_shows_a_version_as_the_api_does(self):
        cart_id, tea, mug = self.make_history()
        self.explore(f"cart={cart_id}")
        self.wait_for_text("#cart-heading", "Version 4: ItemRemoved")
        slider = self.find("#cart-slider")
        slider.send_keys(Keys.ARROW_LEFT, Keys.ARROW_LEFT)
        self.wait_for_text("#cart-heading", "Version 2: ItemAdded")
        document = json.loads(self.browser.execute_script("return document.getElementById('cart-raw-document').textContent"))
        self.assertEqual(document, self.client.get(f"/carts/{cart_id}?version=2").json())
        self.wait_for_text("#cart-document .new", tea)
        self.wait_for_text("#cart-document .new .mark", "added")
        self.wait_for_text("#cart-document .sums", "9.98 EUR")
        self.assertIn(f"#cart={cart_id}&version=2", self.browser.current_url)
        slider.send_keys(Keys.END)
        self.wait_for_text("#cart-heading", "Version 4")
        self.wait_for_text("#cart-document .gone", tea)
        self.wait_for_text("#cart-document .sums", "12.90 EUR")
        self.wait_for_text("#cart-document .lines", mug)
        self.show("cart")

    def test_a_changed_quantity_shows_what_it_was(self):
        cart_id, _, mug = self.make_history()
        self.client.patch(f"/carts/{cart_id}/items/{mug}", {"quantity": 5})
        self.explore(f"cart={cart_id}")
        self.wait_for_text("#cart-document .lines ins", "5")
        self.wait_for_text("#cart-document .lines del", "1")
        self.wait_for_text("#cart-document .lines .mark", "changed")

    def test_a_link_to_a_version_lasts(self):
        cart_id, *_ = self.make_history()
        self.explore(f"cart={cart_id}&version=3")
        self.wait_for_text("#cart-heading", "Version 3")
        self.wait_for_text("#cart-state", "1 newer")
        self.find('#cart-events li:first-child a').click()
        self.wait_for_text("#cart-heading", "Version 1: CartCreated")
        self.browser.refresh()
        self.wait_for_text("#cart-heading", "Version 1: CartCreated")

    def test_new_events_come_live(self):
        cart_id, tea, _ = self.make_history()
        self.explore(f"cart={cart_id}")
        self.wait_for_text("#cart-state", "Version 4 of 4, live")
        self.add(cart_id, tea)
        self.wait_for_text("#cart-heading", "Version 5: ItemAdded")
        self.find("#cart-before").click()
        self.wait_for_text("#cart-heading", "Version 4")
        self.add(cart_id, tea)
        self.wait_for_text("#cart-state", "Version 4 of 6, 2 newer")
        self.find("#cart-newest").click()
        self.wait_for_text("#cart-heading", "Version 6")

    def test_it_plays(self):
        cart_id, *_ = self.make_history()
        self.explore(f"cart={cart_id}&version=1")
        self.wait_for_text("#cart-heading", "Version 1")
        self.find("#cart-play").click()
        self.wait_for_text("#cart-heading", "Version 4")
        self.wait_for_text("#cart-play", "Play")

    def test_a_version_is_restored_once_that_is_confirmed(self):
        cart_id, tea, _ = self.make_history()
        self.explore(f"cart={cart_id}&version=2")
        self.find("#cart-restore").click()
        self.wait_for_text("#restore-text", "version 2")
        self.show("restore")
        self.press(Keys.ESCAPE)
        self.assertEqual(self.get_cart(cart_id)["version"], 4)
        self.find("#cart-restore").click()
        self.find("#restore-yes").click()
        self.wait_for_text("#cart-heading", "CartRestored")
        cart = self.get_cart(cart_id)
        self.assertEqual([(line["sku"], line["quantity"]) for line in cart["items"]], [(tea, 2)])
        self.wait_for_text("#cart-heading", f"Version {cart['version']}")

    def test_what_can_not_be_restored_is_said(self):
        self.expected_complaints = ("409",)
        cart_id, *_ = self.make_history()
        self.assertEqual(self.client.post(f"/carts/{cart_id}/checkout").status, 200)
        self.explore(f"cart={cart_id}&version=2")
        self.find("#cart-restore").click()
        self.find("#restore-yes").click()
        self.wait_for_text("#cart-section .problem", "closed")
        self.assertEqual(self.get_cart(cart_id)["version"], 5)

    def test_a_cart_that_is_not_there(self):
        self.expected_complaints = ("404", "400")
        for name in ("01936f6e-6f0a-7c3e-9a57-5f0c8a4f1b2d", "x", "../metrics"):
            self.explore(f"cart={name}")
            self.find("#cart-section .problem")
            self.assertFalse(self.browser.find_element("id", "cart-whole").is_displayed())

    def test_hostile_texts_are_texts(self):
        sku, customer = make_sku(HOSTILE[:60]), "javascript:alert(1)"
        encoded = "".join(f"%{byte:02X}" for byte in sku.encode())
        product = {"name": HOSTILE, "prices": {"EUR": 100}, "active": True}
        self.assertEqual(self.client.put(f"/products/{encoded}", product).status, 201)
        item = {"sku": sku, "quantity": 1, "properties": {"text": HOSTILE, "x": "\u202egpj"}}
        answer = self.client.post("/carts", {"items": [item], "customer_id": customer, "metadata": {"<i>": HOSTILE}})
        self.assertEqual(answer.status, 201, answer)
        cart_id = answer.json()["id"]
        self.client.patch(f"/carts/{cart_id}", {"note": HOSTILE, "customer_email": "<b>@x.example"})
        for section, selector in (("log", "#log-rows"), (f"cart={cart_id}", "#cart-document"), ("search", "#search-rows")):
            self.explore(section)
            self.wait_for_text(selector, customer)
            self.assertEqual(self.count("main script, main img, #taken, main i, a[href^=javascript]"), 0)
            self.assertNotEqual(self.browser.title, "taken")
            self.assert_fits()
        self.explore(f"cart={cart_id}")
        self.wait_for_text("#cart-document .lines", HOSTILE)
        self.show("hostile")


class Search(ExplorerCase):
    def test_carts_are_found_by_each(self):
        sku = self.make_product()
        code = make_sku("summer")
        self.assertEqual(self.client.put(f"/coupons/{code}", {"percent": 1000}).status, 201)
        others = [self.make_cart()["id"] for _ in range(2)]
        cart_id = self.make_cart((sku, 2), customer_id=f"ada-{sku}")["id"]
        self.client.patch(f"/carts/{cart_id}", {"customer_email": f"{sku}@example.com"})
        self.assertEqual(self.client.post(f"/carts/{cart_id}/coupons", {"code": code}).status, 200)
        answer = self.client.post(f"/carts/{cart_id}/checkout", {"order_reference": f"order-{sku}"})
        self.assertEqual(answer.status, 200, answer)
        self.explore("search")
        self.wait_for_text("#search-rows", others[0][-8:])
        self.show("search")
        for by, value in (
            ("customer_id", f"ada-{sku}"),
            ("sku", sku),
            ("coupon", code.upper()),
            ("order_reference", f"order-{sku}"),
            ("customer_email", f"{sku}@example.com"),
        ):
            with self.subTest(by):
                self.explore("search")
                self.choose("#search-by", by)
                self.find("#search-value").send_keys(value, Keys.ENTER)
                self.wait_for_text("#search-state", "1 cart.")
                self.assertEqual(self.find("#search-rows a").get_attribute("title"), cart_id)
        self.find("#search-rows a").click()
        self.wait_for_text("#cart-heading", "CartCheckedOut")
        self.explore("search")
        self.choose("#search-by", "cart")
        self.find("#search-value").send_keys(others[1])
        self.find("#search-go").click()
        self.wait_for_text("#cart-heading", "Version 1: CartCreated")

    def test_page_by_page(self):
        customer = make_sku("customer")
        made = [self.make_cart(customer_id=customer)["id"] for _ in range(51)]
        self.explore(f"search&by=customer_id&value={customer}")
        self.wait_for_text("#search-state", "50 carts, and there are more")
        self.find("#search-next").click()
        self.wait_for_text("#search-state", "1 cart.")
        self.assertEqual(self.find("#search-rows a").get_attribute("title"), made[0])
        self.browser.back()
        self.wait_for_text("#search-state", "50 carts")

    def test_what_can_not_be_looked_for_is_said(self):
        self.expected_complaints = ("400",)
        self.explore("search&by=customer_email&value=nobody")
        self.wait_for_text("#search-section .problem", "customer_email")


@needs_binary  # whose log is short enough for the key Tab
class Keyboard(ExplorerCase):
    def test_all_can_be_done_with_keys_alone(self):
        cart_id, tea, mug = self.make_history()
        self.explore("log")
        self.wait_for_text("#log-state", "Live")
        self.press_until(Keys.TAB, "#log-rows tr:first-child button")
        self.press(Keys.ENTER)
        self.wait_for_text("#log-rows .raw pre", cart_id)
        self.press_until(Keys.SHIFT + Keys.TAB + Keys.NULL, ".tabs a[href='#search']")
        self.press(Keys.ENTER)
        self.press_until(Keys.TAB, "#search-by")
        self.press("sku")
        self.press_until(Keys.TAB, "#search-value")
        self.press(mug, Keys.ENTER)
        self.wait_for_text("#search-state", "1 cart.")
        self.press_until(Keys.TAB, "#search-rows a[title]")
        self.press(Keys.ENTER)
        self.wait_for_text("#cart-heading", "Version 4")
        self.press(Keys.ARROW_LEFT)
        self.wait_for_text("#cart-heading", "Version 3")
        self.press(Keys.ARROW_LEFT)
        self.wait_for_text("#cart-heading", "Version 2")
        self.press_until(Keys.TAB, "#cart-restore")
        self.press(Keys.ENTER)
        self.find("#restore-yes")
        self.press_until(Keys.TAB, "#restore-yes")
        self.press(Keys.ENTER)
        self.wait_for_text("#cart-heading", "CartRestored")

    def test_the_skip_link_leads_to_the_content(self):
        self.explore("coupons")
        self.find("#coupons-section")
        self.press_until(Keys.TAB, ".skip")
        self.press(Keys.ENTER)
        self.assertTrue(self.find("#coupons-section").is_displayed())
        self.assertFalse(self.browser.find_element("id", "log-section").is_displayed())


@needs_binary  # which has few of them
class Reports(ExplorerCase):
    def report(self, path, is_there):
        def is_known():
            answer = self.client.get(path)
            self.assertEqual(answer.status, 200, answer)
            return answer.json() if is_there(answer.json()) else None

        return wait_until(is_known, path)

    def test_the_funnel_as_of_then_and_now(self):
        def created(report):
            return sum(row["carts"] for row in report["stages"] if row["stage"] == "created")

        before = created(self.client.get("/reports/funnel").json())
        self.make_history()
        then = self.report("/reports/funnel", lambda report: created(report) == before + 1)
        cart_id, *_ = self.make_history()
        self.client.post(f"/carts/{cart_id}/checkout")
        now = self.report("/reports/funnel", lambda report: created(report) == before + 2)
        self.explore(f"reports&report=funnel&as_of={then['as_of']}")
        first = "#reports-table tbody tr:first-child td:nth-child(3)"
        self.wait_for_texts(first, [str(created(then))])
        self.assertEqual(self.count("#reports-charts rect.bar"), 7)
        self.find("#reports-as-of").send_keys(Keys.END)
        self.wait_for_texts(first, [str(created(now))])
        self.assertNotIn("as_of", self.browser.current_url)
        self.show("funnel")
        self.find("#reports-as-of").send_keys(Keys.HOME)
        self.wait(lambda one: "as_of=" in one.current_url, "as_of is not in the address")
        self.wait_for_text("#reports-moment", "UTC")

    def test_each_report_has_bars_and_a_table(self):
        cart_id, tea, mug = self.make_history()
        self.add(cart_id, tea, 3)
        path = "/reports/demand?limit=5000"
        self.report(path, lambda report: tea in [row["sku"] for row in report["skus"]])
        self.explore("reports")
        self.choose("#reports-which", "demand")
        self.wait_for_text("#reports-table", tea)
        self.wait_for_text("#reports-charts svg", tea)
        self.assertEqual(self.client.post(f"/carts/{cart_id}/checkout").status, 200)
        path = "/reports/removed-then-bought?limit=5000"
        self.report(path, lambda report: tea in [row["sku"] for row in report["skus"]])
        self.choose("#reports-which", "removed-then-bought")
        self.wait_for_text("#reports-table", "Median time")
        self.wait_for_text("#reports-table", tea)
        self.find("#reports-days")
        self.show("removed-then-bought")
        self.choose("#reports-which", "abandoned-carts")
        self.wait_for_text("#reports-state", "nothing")

    def test_csv_has_the_whole_report(self):
        self.expected_complaints = ("over an insecure connection",)  # of any download from elsewhere
        _, _, mug = self.make_history()
        path = "/reports/demand?limit=5000"
        self.report(path, lambda report: mug in [row["sku"] for row in report["skus"]])
        self.explore("reports&report=demand")
        self.wait_for_text("#reports-table", mug)
        self.browser.execute_script(
            "URL.createObjectURL = (blob) => { blob.text().then((text) => { window.csv = text }); return '#reports' }"
        )
        self.find("#reports-csv").click()
        text = self.wait(lambda one: one.execute_script("return window.csv"), "there is no CSV")
        self.assertTrue(text.startswith("as_of,sku,units,carts\r\n"), text)
        self.assertIn(mug, text)


@needs_binary  # which has few of them
class CouponsAndLag(ExplorerCase):
    def test_coupons_and_their_use(self):
        code = make_sku("summer")
        coupon = {"percent": 1250, "limit": 10, "minimum": {"EUR": 500}, "tags": ["organic"]}
        self.assertEqual(self.client.put(f"/coupons/{code}", coupon).status, 201)
        plain = make_sku("five")
        self.client.put(f"/coupons/{plain}", {"amount": {"EUR": 500}})
        cart_id = self.make_cart((self.make_product(), 3))["id"]
        self.client.post(f"/carts/{cart_id}/coupons", {"code": plain})
        self.assertEqual(self.client.post(f"/carts/{cart_id}/checkout").status, 200)
        self.explore("coupons")
        self.wait_for_text("#coupons-rows", code)
        for text in ("12.5 %", "0 of 10", "from 500 EUR", "tags organic", "valid"):
            self.wait_for_text("#coupons-rows", text)
        self.show("coupons")
        self.find("#coupons-code").send_keys(plain, Keys.ENTER)
        self.wait_for_texts("#coupons-rows td.number", ["1"])
        self.find("#coupons-rows a").click()
        self.wait_for_text("#search-state", "1 cart.")

    def test_lag(self):
        self.explore("lag")
        self.wait_for_text("#lag-rows", "removed then bought")
        self.wait_for_text("#lag-rows", "up to date")
        self.wait_for_text("#lag-reactions", "Events behind")
        self.show("lag")


@needs_binary
class WithTokens(AuthCase, ExplorerCase):
    def setUp(self):
        super().setUp()
        self.expected_complaints = ("401", "403")

    def bear(self, scope):
        self.find("#token").send_keys(self.key.token("support", scope), Keys.ENTER)

    def test_it_asks_for_a_token(self):
        sku = self.make_product()
        self.explore("log")
        self.wait_for_text("#access", "asks for a bearer token")
        self.find("#log-section .problem")
        self.show("token")
        self.bear("events carts:all")
        self.wait_for_text("#log-rows", sku)
        self.wait_for_text("#log-state", "Live")
        self.assertEqual(self.texts("#log-section .problem"), [""])
        stored = "return localStorage.length + sessionStorage.length + document.cookie.length"
        self.assertEqual(self.browser.execute_script(stored), 0)
        self.find(".tabs a[href='#reports']").click()
        self.wait_for_text("#reports-section .problem", "The token may not see this")
        self.wait_for_text("#reports-section .problem", "reports")
        self.find(".tabs a[href='#log']").click()
        self.wait_for_text("#log-rows", sku)
        self.find("#forget-token").click()
        self.wait_for_text("#log-section .problem", "Authentication required")
        self.assertNotIn(sku, " ".join(self.texts("#log-rows")))

    def test_a_token_that_is_none(self):
        self.explore("search")
        self.find("#token").send_keys("nonsense", Keys.ENTER)
        self.wait_for_text("#access-problem", "token")

    def test_a_customers_token_sees_the_customers_carts(self):
        ada = self.customer("ada")
        mine = ada.post("/carts", {"customer_id": "ada"}).json()["id"]
        other = self.make_guest_cart()[0]["id"]
        self.explore("search")
        self.find("#token").send_keys(self.key.token("ada", "carts"), Keys.ENTER)
        self.wait_for_text("#search-rows", mine[-8:])
        self.assertNotIn(other[-8:], " ".join(self.texts("#search-rows")))
        self.find("#search-rows a").click()
        self.wait_for_text("#cart-state", "Version 1 of 1, live")


if __name__ == "__main__":
    unittest.main()
