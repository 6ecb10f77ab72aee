"""What browsers get: pages and what they load, over HTTP."""

import gzip
import html
import html.parser
import re
import unittest

from support import ServiceCase, needs_binary

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
PAGES = ("/", "/shop", "/explorer", "/docs")
WITH_DOCUMENTS = ("/", "/problems/cart-full")  # where a program gets JSON


class References(html.parser.HTMLParser):
    """What a page loads or leads to, and what a strict policy would not run."""

    def __init__(self, text):
        super().__init__()
        self.paths, self.inline = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        names = dict(attributes)
        self.paths += [names[name] for name in ("href", "src") if name in names]
        self.inline += [name for name in names if name == "style" or name.startswith("on")]
        if tag in ("style", "base", "form", "iframe") or (tag == "script" and "src" not in names):
            self.inline.append(tag)


class Pages(ServiceCase):
    def get_page(self, path, **headers):
        answer = self.client.get(path, headers={"Accept": BROWSER, **headers})
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(answer.headers["content-type"], "text/html; charset=utf-8")
        return answer

    def test_a_page_loads_nothing_that_is_not_here(self):
        for path in PAGES:
            with self.subTest(path):
                found = References(self.get_page(path).body.decode())
                self.assertEqual(found.inline, [])
                self.assertIn("/pages/cartd.css", found.paths)
                for reference in found.paths:
                    name = reference.partition("#")[0] or path
                    self.assertTrue(name.startswith("/"), reference)
                    self.assertEqual(self.client.get(name).status, 200, reference)

    def test_a_page_may_do_nothing_else(self):
        for path in PAGES:
            headers = self.get_page(path).headers
            policy = headers["content-security-policy"].split("; ")
            self.assertIn("default-src 'none'", policy)
            self.assertIn("frame-ancestors 'none'", policy)
            self.assertNotIn("unsafe", headers["content-security-policy"])
            self.assertEqual(headers["x-content-type-options"], "nosniff")
            self.assertEqual(headers["x-frame-options"], "DENY")
            self.assertEqual(headers["referrer-policy"], "no-referrer")

    def test_windows_of_others_are_cut_off_where_a_browser_can(self):
        """Over plain HTTP of another host it sends no Fetch Metadata, and complains of that header."""
        for path in PAGES:
            headers = self.get_page(path).headers
            self.assertNotIn("cross-origin-opener-policy", headers)
            self.assertIn("Sec-Fetch-Mode", headers["vary"])
            headers = self.get_page(path, **{"Sec-Fetch-Mode": "navigate"}).headers
            self.assertEqual(headers["cross-origin-opener-policy"], "same-origin")

    def test_compressed_it_is_the_same(self):
        for path in (*PAGES, "/pages/cartd.css", "/pages/index.js", "/openapi.yaml"):
            plain = self.client.get(path, headers={"Accept": "*/*;q=0.1, text/html"})
            for accepted in ("gzip", "br;q=1, gzip;q=0.1", "deflate, GZIP"):
                headers = {"Accept": "*/*;q=0.1, text/html", "Accept-Encoding": accepted}
                answer = self.client.get(path, headers=headers)
                self.assertEqual(answer.headers["content-encoding"], "gzip", answer)
                self.assertEqual(gzip.decompress(answer.body), plain.body)
                self.assertEqual(answer.headers["etag"], plain.headers["etag"])
                self.assertLess(len(answer.body), len(plain.body))
            for accepted in ("identity", "gzip;q=0", "br", "*"):
                answer = self.client.get(path, headers={**headers, "Accept-Encoding": accepted})
                self.assertNotIn("content-encoding", answer.headers)
                self.assertEqual(answer.body, plain.body)

    def test_what_a_browser_has_is_not_sent_again(self):
        for path in ("/", "/pages/index.js", "/openapi.yaml"):
            headers = {"Accept": BROWSER, "Accept-Encoding": "gzip"}
            etag = self.client.get(path, headers=headers).headers["etag"]
            for known in (etag, etag.removeprefix("W/"), f'"x", {etag}', "*"):
                answer = self.client.get(path, headers={**headers, "If-None-Match": known})
                self.assertEqual((answer.status, answer.body), (304, b""), answer)
                self.assertEqual(answer.headers["etag"], etag)
            answer = self.client.get(path, headers={**headers, "If-None-Match": '"3"'})
            self.assertEqual(answer.status, 200)

    def test_a_program_gets_links(self):
        for accept in (None, "*/*", "application/json", "text/html;q=0.5, application/json"):
            answer = self.client.get("/", headers={"Accept": accept} if accept else {})
            self.assertEqual(answer.headers["content-type"], "application/json")
        links = answer.json()["links"]
        self.assertEqual((links["carts"], links["openapi"]), ("/carts", "/openapi.yaml"))
        for path in links.values():
            self.assertNotEqual(self.client.get(path).status, 404, path)

    def test_a_problem_is_explained_to_both(self):
        for accept in (None, "*/*", "application/json", "application/problem+json"):
            answer = self.client.get("/problems/cart-full", headers={"Accept": accept} if accept else {})
            self.assertEqual(answer.headers["content-type"], "application/json")
            self.assertEqual(answer.json()["title"], "The cart is full")
            self.assertIn("Accept", answer.headers["vary"])
        page = self.get_page("/problems/cart-full").body.decode()
        self.assertIn("<h1>The cart is full</h1>", page)
        self.assertIn(answer.json()["detail"], page)
        self.assertIn("/docs#addItem", page)
        missing = self.client.get("/problems/cart-fuller", headers={"Accept": BROWSER})
        self.assert_problem(missing, 404, "not-found")

    def test_each_problem_has_a_page(self):
        slugs = re.findall(r'id="problem-([a-z-]+)"', self.get_page("/docs").body.decode())
        self.assertGreater(len(slugs), 50)
        for slug in slugs:
            told = self.client.get(f"/problems/{slug}").json()
            page = html.unescape(self.get_page(f"/problems/{slug}").body.decode())
            self.assertIn(told["title"], page)

    def test_the_first_load_is_small(self):
        for path in PAGES:
            headers = {"Accept": BROWSER, "Accept-Encoding": "gzip"}
            loaded, waiting = {}, [path]
            while waiting:
                name = waiting.pop()
                answer = self.client.get(name, headers={**headers, "Accept": "text/html, */*;q=0.1"})
                loaded[name] = len(answer.body)
                text = gzip.decompress(answer.body).decode()
                found = re.findall(r'(?:src=|rel="[^"]*" href=|from )"(?:/pages|[.])(/[^"]+)"', text)
                waiting += [f"/pages{other}" for other in found if f"/pages{other}" not in loaded]
            self.assertIn("/pages/cartd.css", loaded)
            self.assertLess(sum(loaded.values()), 100_000, path)

    def test_what_is_not_there(self):
        for name in ("none.js", "..", "cartd.css.gz", "%2e%2e"):
            self.assertIn(self.client.get(f"/pages/{name}").status, (400, 404), name)
        answer = self.client.get("/pages/cartd.css", headers={"Accept": "application/json"})
        self.assert_problem(answer, 406, "not-acceptable")
        answer = self.client.get("/", headers={"Accept": "text/csv"})
        self.assert_problem(answer, 406, "not-acceptable")
        self.assert_problem(self.client.post("/"), 405, "method-not-allowed")

    def test_head_says_what_get_would(self):
        headers = {"Accept": BROWSER, "Accept-Encoding": "gzip"}
        for path in PAGES:
            told = self.client.head(path, headers=headers).headers
            length = len(self.client.get(path, headers=headers).body)
            self.assertEqual(int(told["content-length"]), length)


@needs_binary
class WithoutPages(ServiceCase):
    settings = {"CARTD_PAGES": "off"}

    def test_there_is_the_api_alone(self):
        for path in reversed(WITH_DOCUMENTS):
            answer = self.client.get(path, headers={"Accept": BROWSER})
            self.assertEqual(answer.headers["content-type"], "application/json")
        self.assertEqual(self.client.get("/openapi.yaml").status, 200)
        for path in ("/pages/cartd.css", *PAGES[1:]):
            self.assert_problem(self.client.get(path), 404, "not-found")
        for path in answer.json()["links"].values():
            self.assertNotEqual(self.client.get(path).status, 404, path)


if __name__ == "__main__":
    unittest.main()
