"""What the tests of the feed begin with."""

from .case import ServiceCase
from .stream import EventStream


class FeedCase(ServiceCase):
    def head(self):
        return self.client.get("/events?limit=1").json()["head"]

    def read_pages(self, target, limit=100, client=None):
        """All events, page by page."""
        events, after = [], 0
        separator = "&" if "?" in target else "?"
        while True:
            page = (client or self.client).get(f"{target}{separator}limit={limit}&after={after}").json()
            self.assertLessEqual(len(page["events"]), limit)
            events += page["events"]
            if page["next_after"] is None or page["next_after"] == page.get("head"):
                return events
            self.assertGreater(page["next_after"], after)
            after = page["next_after"]

    def assert_empty(self, page, head):
        """That the page says: there is nothing more."""
        log_id = self.client.get("/events?limit=1").json()["log_id"]
        expected = {"events": [], "next_after": head, "head": head, "log_id": log_id}
        self.assertEqual(page, expected)

    def stream(self, target, last_id=None, service=None, **options):
        stream = EventStream((service or self.service).address, target, last_id, **options)
        self.addCleanup(stream.close)
        return stream

    def metric(self, name, service=None):
        with (service or self.service).client() as client:
            for line in client.get("/metrics").body.decode().splitlines():
                if line.startswith(f"{name} "):
                    return int(line.split()[1])
        raise AssertionError(f"there is no {name}")

    def fill_log(self, n):
        """That many events of carts, some at once."""
        sku = self.make_product()
        commands = {"commands": [{"type": "add_item", "sku": sku}] * 99}
        for _ in range(n // 100 + 1):
            answer = self.client.post(f"/carts/{self.make_cart()['id']}/commands", commands)
            self.assertEqual(answer.status, 200, answer)
