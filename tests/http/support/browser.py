"""A real browser: Debian's chromium, headless, driven by selenium. Whatever a page complains of in its
console fails the test, a refused script for one."""

import contextlib
import os
import pathlib
import shutil
import tempfile
import unittest

try:
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service as Driver
    from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.ui import WebDriverWait
except ImportError:
    webdriver = Keys = None

from .case import ServiceCase
CHROMEDRIVER = shutil.which("chromedriver")
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars")
DESKTOP, PHONE = (1280, 900), (390, 844)
PATIENCE = 60
RUN_AXE = """
    const done = arguments[0];
    const tell = ({ id, nodes }) => nodes.map(({ target, failureSummary }) => [id, String(target), failureSummary]);
    axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) => done(violations.flatMap(tell)));
"""
# A name of the service that no browser trusts over plain HTTP, as it trusts 127.0.0.1: there is no
# clipboard, no lock between tabs and no crypto.randomUUID, and some headers are complained of.
ELSEWHERE = "shop.example"


@unittest.skipUnless(webdriver and CHROMEDRIVER, "chromium-driver or python3-selenium is not installed")
class BrowserCase(ServiceCase):
    """Each test has windows of its own; `self.browser` is the first."""

    host = None  # ELSEWHERE: by that name; the default is the address that the service listens on

    def setUp(self):
        super().setUp()
        self.expected_complaints = ()
        self.browser = self.open_browser()

    def open_browser(self, size=DESKTOP):
        profile = tempfile.mkdtemp(prefix="cartd-browser-")
        self.addCleanup(shutil.rmtree, profile, ignore_errors=True)
        options = Options()
        names = f"--host-resolver-rules=MAP {ELSEWHERE} {self.client.host}"
        for flag in (*FLAGS, names, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        browser = webdriver.Chrome(service=Driver(CHROMEDRIVER), options=options)
        self.addCleanup(self.close_browser, browser)
        self.resize(size, browser)
        return browser

    def close_browser(self, browser):
        complaints = [
            line["message"]
            for line in browser.get_log("browser")
            if line["level"] == "SEVERE"
            and not any(expected in line["message"] for expected in self.expected_complaints)
        ]
        browser.quit()
        self.assertEqual(complaints, [])

    @property
    def origin(self):
        return f"http://{self.host or self.client.host}:{self.client.port}"

    def visit(self, path, browser=None):
        (browser or self.browser).get(self.origin + path)

    def wait(self, condition, what, browser=None):
        """Waits until condition(browser) is true; what is missing then is told."""
        drawn_anew = (NoSuchElementException, StaleElementReferenceException)
        wait = WebDriverWait(browser or self.browser, PATIENCE, ignored_exceptions=drawn_anew)
        return wait.until(condition, what)

    def find(self, selector, browser=None):
        """Waits for an element that is shown."""

        def shown(one):
            found = [part for part in one.find_elements("css selector", selector) if part.is_displayed()]
            return found[0] if found else None

        return self.wait(shown, f"there is no {selector}", browser)

    def wait_for_text(self, selector, text, browser=None):
        def says(one):
            with contextlib.suppress(Exception):  # it may be drawn anew while it is read
                return any(
                    text in part.text for part in one.find_elements("css selector", selector)
                )
            return False

        self.wait(says, f"{selector} does not say {text!r}", browser)

    # ---- what the browser pretends ----

    def resize(self, size, browser=None):
        width, height = size
        (browser or self.browser).execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == PHONE},
        )

    def prefer(self, scheme, browser=None):
        """light or dark."""
        (browser or self.browser).execute_cdp_cmd(
            "Emulation.setEmulatedMedia",
            {"features": [{"name": "prefers-color-scheme", "value": scheme}]},
        )

    def go_offline(self, is_offline=True, browser=None):
        conditions = {"offline": is_offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        browser = browser or self.browser
        browser.execute_cdp_cmd("Network.enable", {})
        browser.execute_cdp_cmd("Network.emulateNetworkConditions", conditions)

    # ---- what it looks like ----

    def assert_fits(self, browser=None):
        """Nothing is wider than the window."""
        script = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
        self.assertLessEqual((browser or self.browser).execute_script(script), 0)

    def assert_accessible(self, browser=None):
        """Nothing that axe-core, the file that CARTD_TEST_AXE names, sees as a violation."""
        path = os.environ.get("CARTD_TEST_AXE")
        if not path:
            return
        browser = browser or self.browser
        # Not as a script of the page, which its policy would refuse.
        browser.execute_cdp_cmd("Runtime.evaluate", {"expression": pathlib.Path(path).read_text()})
        found = browser.execute_async_script(RUN_AXE)
        self.assertEqual(found, [])

    def show(self, name, browser=None):
        """Looks at the page in light and dark, on a desktop and a phone: whether it fits, whether it is
        accessible, and pictures in the folder that CARTD_TEST_PICTURES names, if it does."""
        folder = os.environ.get("CARTD_TEST_PICTURES")
        for size, device in ((DESKTOP, "desktop"), (PHONE, "phone")):
            self.resize(size, browser)
            self.assert_fits(browser)
            for scheme in ("light", "dark"):
                self.prefer(scheme, browser)
                self.assert_accessible(browser)
                if folder:
                    path = pathlib.Path(folder, f"{name}-{device}-{scheme}.png")
                    path.parent.mkdir(parents=True, exist_ok=True)
                    (browser or self.browser).save_screenshot(str(path))
        self.resize(DESKTOP, browser)
        self.prefer("light", browser)
