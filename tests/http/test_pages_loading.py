"""What the pages cost whoever opens them, as a real browser measures it: bytes, requests to elsewhere,
and what moves while it loads."""

import unittest

from support.browser import DESKTOP, PHONE, BrowserCase

# Each page with something that is there when it has loaded.
PAGES = {
    "/": "[data-figure='rate']",
    "/shop": ".product",
    "/explorer#log": "#log-rows tr",
    "/explorer#search": "#search-rows tr",
    "/docs": ".curl",
    "/problems/cart-full": "h1",
}
MOST_BYTES = 100_000
MEASURE = """
    const done = arguments[0];
    const shifts = [];
    const keep = (entries) => {
        for (const { sources, value } of entries) {
            if (value < 0.0001) continue; // nobody sees it: a pixel or so of one small element
            shifts.push([value, ...sources.map(({ node }) => node?.id || node?.className || node?.nodeName)]);
        }
    };
    const observer = new PerformanceObserver((list) => keep(list.getEntries()));
    observer.observe({ type: "layout-shift", buffered: true });
    const measure = () => {
        keep(observer.takeRecords());
        const loads = ["navigation", "resource"].flatMap((type) => performance.getEntriesByType(type));
        const bytes = loads.reduce((sum, { transferSize }) => sum + transferSize, 0);
        done({ bytes, shifts, names: loads.map(({ name }) => name) });
    };
    setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(measure)), 300);
"""


class Loading(BrowserCase):
    def measure(self, path, selector, size):
        browser = self.open_browser(size)
        self.visit(path, browser)
        self.find(selector, browser)
        return browser.execute_async_script(MEASURE)

    def test_a_first_load_is_small_and_still(self):
        self.make_cart((self.make_product(tags=["tea"]), 2))
        for size in (DESKTOP, PHONE):
            for path, selector in PAGES.items():
                with self.subTest(path, size=size):
                    loaded = self.measure(path, selector, size)
                    self.assertGreater(loaded["bytes"], 1000)
                    self.assertLess(loaded["bytes"], MOST_BYTES)
                    others = [name for name in loaded["names"] if not name.startswith(f"{self.origin}/")]
                    self.assertEqual(others, [], "from elsewhere")
                    self.assertEqual(loaded["shifts"], [], "what moved")


if __name__ == "__main__":
    unittest.main()
