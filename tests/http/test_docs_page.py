"""The API reference in a real browser, and the pages of problems."""

import html
import re
import shlex
import unittest

from support import ServiceCase
from support.browser import BrowserCase
from support.contract import document

ENTER = "\ue007"
METHODS = ("get", "post", "put", "patch", "delete")


def operation_ids():
    for item in document()["paths"].values():
        yield from (item[method]["operationId"] for method in METHODS if method in item)


def problem_slugs():
    for schema in document()["components"]["schemas"].values():
        kind = schema.get("properties", {}).get("type", {}).get("const", "")
        if kind.startswith("/problems/"):
            yield kind.removeprefix("/problems/")


def request_of(line):
    """(method, target, body) that curl makes of a line."""
    program, *words = shlex.split(line)
    body = words[words.index("--json") + 1].encode() if "--json" in words else None
    method = "GET" if body is None else "POST"
    if "-X" in words:
        method = words[words.index("-X") + 1]
    server, slash, target = words[-1].partition("8080/")
    assert (program, server) == ("curl", "http://localhost:"), line
    return method, "/" + target, body


class CurlLines(ServiceCase):
    def test_each_can_be_pasted(self):
        """The client holds each answer to openapi.yaml."""
        page = self.client.get("/docs", headers={"Accept": "text/html"}).body.decode()
        lines = re.findall(r'<pre[^>]* class="curl"><code>(.*?)</code>', page)
        self.assertEqual(len(lines), len([*operation_ids()]))
        for line in (html.unescape(re.sub(r"<[^>]+>", "", line)) for line in lines):
            method, target, body = request_of(line)
            headers = {"Accept": "application/json", "Content-Type": "application/json"} if body else {}
            answer = self.client.request(method, target, body=body, headers=headers)
            with self.subTest(line):
                self.assertNotIn(answer.status, (400, 405, 406, 415), answer)
                if answer.status >= 400:
                    self.assertNotIn(answer.slug, ("not-found", "invalid-body"), answer)


class DocsCase(BrowserCase):
    def open_form(self, operation):
        """Opens "Try it" of an operation, by keyboard."""
        self.visit_docs(f"#{operation}")
        self.find(f"#{operation} .try > summary").send_keys(ENTER)
        return self.find(f"#{operation} .try form")

    def visit_docs(self, anchor=""):
        if "/docs" in self.browser.current_url:
            self.browser.execute_script("location.hash = arguments[0]", anchor)
        else:
            self.visit(f"/docs{anchor}")

    def send(self, operation, expected):
        self.find(f"#{operation} .send button").send_keys(ENTER)
        self.wait_for_text(f"#{operation} .send [role=status]", expected)


class DocsPage(DocsCase):
    def test_each_operation_and_problem_has_its_anchor(self):
        self.visit("/docs")
        ids = set(self.browser.execute_script("return [...document.querySelectorAll('[id]')].map(e => e.id)"))
        links = self.browser.execute_script("return [...document.querySelectorAll('a')].map(e => e.hash.slice(1))")
        self.assertEqual({*operation_ids()} - ids, set())
        self.assertEqual({f"problem-{slug}" for slug in problem_slugs()} - ids, set())
        self.assertEqual({link for link in links if link} - ids, set(), "links that lead nowhere")
        self.show("docs")
        self.visit_docs("#addItem")
        self.show("docs-operation")

    def test_the_filter(self):
        self.visit("/docs")
        words = self.find("#words")
        self.find("body").send_keys("/")
        self.assertEqual(self.browser.switch_to.active_element, words)
        words.send_keys("post /items")
        self.wait_for_text("#found", "1 of")
        shown = [part.text for part in self.browser.find_elements("css selector", "#index a") if part.is_displayed()]
        self.assertEqual(len(shown), 1, shown)
        self.assertIn("addItem", shown[0])
        self.show("docs-filtered")
        words.send_keys(" nonsense")
        self.wait_for_text("#found", "0 of")
        self.visit_docs("#problem-cart-closed")  # hidden by the filter, until one goes there
        self.find("#problem-cart-closed")
        self.assertEqual(words.get_attribute("value"), "")

    def test_trying_it(self):
        sku = self.make_product(price=250)
        self.open_form("createCart")
        body = self.find("#createCart textarea")
        self.assertEqual(body.get_attribute("value"), "{}")
        self.show("docs-try")
        self.send("createCart", "201 Created")
        self.open_form("addItem")
        cart_id = self.find('#addItem [data-name="cart_id"]').get_attribute("value")
        self.assertEqual(self.client.get(f"/carts/{cart_id}").status, 200)
        self.assertIn(cart_id, self.find("#addItem .curl").text)
        body = self.find("#addItem textarea")
        body.clear()
        body.send_keys(f'{{"sku":"{sku}","quantity":2}}')
        self.send("addItem", "200 OK")
        self.wait_for_text("#addItem .answer", '"total": 500')
        self.show("docs-answer")
        self.assertEqual(self.get_cart(cart_id)["total"], 500)

    def test_a_problem_is_shown_too(self):
        self.expected_complaints = ("404",)
        self.open_form("getCart")
        self.find('#getCart [data-name="cart_id"]').send_keys("nobody", ENTER)
        self.wait_for_text("#getCart .send [role=status]", "404 Not Found")
        self.wait_for_text("#getCart .answer", "/problems/cart-not-found")

    def test_what_is_missing_is_not_sent(self):
        self.open_form("cancelCart")
        field = self.find('#cancelCart [data-name="cart_id"]')
        self.find("#cancelCart .send button").send_keys(ENTER)
        self.assertEqual(self.browser.switch_to.active_element, field)
        self.assertEqual(self.find("#cancelCart .send").text, "Send POST")

    def test_enter_in_a_field_changes_nothing(self):
        cart_id = self.make_cart()["id"]
        self.open_form("cancelCart")
        self.find('#cancelCart [data-name="cart_id"]').send_keys(cart_id, ENTER)
        self.assertEqual(self.find("#cancelCart .send").text, "Send POST")
        self.send("cancelCart", "200 OK")
        self.assertEqual(self.get_cart(cart_id)["status"], "cancelled")

    def test_an_object_is_shown_where_it_is_used(self):
        self.visit("/docs#getCart")
        summary = self.find('#getCart details[data-object="Cart"] summary')
        summary.send_keys(ENTER)
        self.wait_for_text('#getCart details[data-object="Cart"]', "customer_email")
        self.show("docs-object")

    def test_a_problem_page(self):
        self.visit("/problems/cart-closed")
        self.wait_for_text("h1", "The cart is closed")
        self.show("problem")
        self.find('a[href="/docs#addItem"]').send_keys(ENTER)
        self.wait_for_text("#addItem h3", "Add an item")


if __name__ == "__main__":
    unittest.main()
