"""A real browser: a page of another origin that makes a cart, adds to it with the ETag that it was
given, and hears of it. Skipped where there is no chromium."""

import functools
import http.server
import os
import queue
import shutil
import subprocess
import tempfile
import threading
import unittest

from support import Service, ServiceCase, needs_binary, take_free_port

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

# Needs no leave of the service to be sent, and its answer can't be read.
FORGERY = """<!doctype html>
<script>
const send = path => fetch(path, {{method: "POST", mode: "no-cors"}});
send("{service}/carts").then(() => "sent", error => "failed: " + error)
  .then(told => fetch("/told", {{method: "POST", body: told}}));
</script>
"""

PAGE = """<!doctype html>
<script>
const base = "{service}", sku = "{sku}";
async function shop() {{
  const told = {{}};
  const made = await fetch(base + "/carts", {{
    method: "POST", body: "{{}}",
    headers: {{"Content-Type": "application/json", "Idempotency-Key": "{key}"}}}});
  told.created = [made.status, made.headers.get("ETag"), made.headers.get("Location"),
                  made.headers.get("X-Request-Id") !== null];
  const cart = await made.json();
  const path = base + "/carts/" + cart.id;
  const events = new EventSource(path + "/events");
  const heard = new Promise((resolve, reject) => {{
    events.addEventListener("ItemAdded", event => resolve(JSON.parse(event.data).data.sku));
    events.onerror = () => events.readyState === 2 && reject(new Error("no stream"));
  }});
  const added = await fetch(path + "/items", {{
    method: "POST", body: JSON.stringify({{sku: sku}}),
    headers: {{"Content-Type": "application/json", "If-Match": made.headers.get("ETag")}}}});
  told.added = [added.status, added.headers.get("ETag")];
  told.heard = await heard;
  events.close();
  const late = await fetch(path + "/items", {{
    method: "DELETE", headers: {{"If-Match": made.headers.get("ETag")}}}});
  told.late = [late.status, (await late.json()).current_version];
  return told;
}}
shop().catch(error => ({{failed: String(error)}}))
  .then(told => fetch("/told", {{method: "POST", body: JSON.stringify(told)}}));
</script>
"""


class Pages(http.server.BaseHTTPRequestHandler):
    """The shop's own server: one page, and a place to report to."""

    def __init__(self, page, reports, *arguments):
        self.page = page
        self.reports = reports
        super().__init__(*arguments)

    def do_GET(self):
        self.answer(200 if self.path == "/" else 404, self.page.encode())

    def do_POST(self):
        self.reports.put(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.answer(200, b"")

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@needs_binary
@unittest.skipUnless(CHROMIUM, "chromium is not installed")
class Browser(ServiceCase):
    def browse(self, is_allowed, page=PAGE):
        """What the page tells."""
        port = take_free_port()
        origin = f"http://127.0.0.1:{port}"
        service = Service(
            self.database.app_url,
            CARTD_CORS_ORIGINS=origin if is_allowed else "https://another.example",
        )
        self.addCleanup(service.stop)
        sku = self.make_product()
        page = page.format(service=f"http://127.0.0.1:{service.port}", sku=sku, key=f"page-{port}")
        reports = queue.Queue()
        server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", port), functools.partial(Pages, page, reports)
        )
        self.addCleanup(server.server_close)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.shutdown)
        home = tempfile.mkdtemp(prefix="cartd-browser-")
        self.addCleanup(shutil.rmtree, home, ignore_errors=True)
        browser = subprocess.Popen(
            [
                CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                "--no-first-run", "--disable-background-networking", f"--user-data-dir={home}", origin,
            ],  # fmt: skip
            env={**os.environ, "HOME": home},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            return sku, reports.get(timeout=120)
        finally:
            browser.terminate()
            browser.wait(30)

    def test_a_page_of_an_allowed_origin_can_shop(self):
        sku, told = self.browse(is_allowed=True)
        self.assertRegex(told, r'"created":\[201,"\\"1\\"","/carts/[0-9a-f-]{36}",true\]')
        self.assertIn('"added":[200,"\\"2\\""]', told)
        self.assertIn(f'"heard":"{sku}"', told)
        self.assertIn('"late":[412,2]', told)

    def test_a_page_of_another_origin_can_not(self):
        before = self.database.value("SELECT count(*) FROM carts;")
        _, told = self.browse(is_allowed=False)
        self.assertIn("failed", told)
        self.assertEqual(self.database.value("SELECT count(*) FROM carts;"), before)

    def test_a_page_can_not_send_commands_without_leave(self):
        before = self.database.value("SELECT count(*) FROM carts;")
        _, told = self.browse(is_allowed=False, page=FORGERY)
        self.assertEqual(told, "sent")
        self.assertEqual(self.database.value("SELECT count(*) FROM carts;"), before)


if __name__ == "__main__":
    unittest.main()
