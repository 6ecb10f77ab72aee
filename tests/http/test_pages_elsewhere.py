"""The pages over plain HTTP of another host than this, such as http://10.0.0.5:8080. A browser denies
them there what needs a secure context, and complains of headers that only such a context may have."""

import unittest

import test_client_module as client
import test_docs_page as docs
import test_explorer_page as explorer
import test_shop_page as shop
import test_start_page as start
from support.browser import ELSEWHERE

NOTE_COPIES = "document.addEventListener('copy', () => { window.copied = String(getSelection()); });"


class Start(start.StartPage):
    host = ELSEWHERE

    def test_the_line_is_copied(self):
        self.visit("/")
        self.assertFalse(self.browser.execute_script("return isSecureContext"))
        self.browser.execute_script(NOTE_COPIES)
        self.wait_for_text("#line", ELSEWHERE)
        self.find("#copy").click()
        self.wait_for_text("#copy", "Copied")
        copied = self.browser.execute_script("return window.copied")
        self.assertEqual(copied, f"curl -X POST {self.origin}/carts")


class Shop(shop.ShopCase):
    host = ELSEWHERE
    test_from_the_shelf_to_the_order = shop.Shopping.test_from_the_shelf_to_the_order
    test_what_was_done_is_taken_back = shop.Shopping.test_what_was_done_is_taken_back


class ShopInTwoTabs(shop.Together):
    host = ELSEWHERE


class Explorer(explorer.ExplorerCase):
    host = ELSEWHERE
    test_a_new_event_comes_live = explorer.Log.test_a_new_event_comes_live
    test_the_slider_shows_a_version_as_the_api_does = explorer.Cart.test_the_slider_shows_a_version_as_the_api_does
    test_a_version_is_restored_once_that_is_confirmed = explorer.Cart.test_a_version_is_restored_once_that_is_confirmed


class Docs(docs.DocsCase):
    host = ELSEWHERE
    test_trying_it = docs.DocsPage.test_trying_it
    test_a_problem_page = docs.DocsPage.test_a_problem_page


class Client(client.ClientModule):
    host = ELSEWHERE


if __name__ == "__main__":
    unittest.main()
