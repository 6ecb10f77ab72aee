"""What the tests of the corpus of bad requests share."""

import os

from . import bad_requests
from .case import ServiceCase
from .settings import EXTERNAL_URL

# Which libmicrohttpd a service that runs already has; the image has this one.
EXTERNAL_LIBRARY = os.environ.get("CARTD_TEST_LIBMICROHTTPD", "1.0.1")


class CorpusCase(ServiceCase):
    """Plays bad requests against an address, and asks the service itself what came of them."""

    settings = {"CARTD_LOG_LEVEL": "debug"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.log = None if EXTERNAL_URL else bad_requests.RequestLog(cls.service)

    @property
    def library(self):
        if EXTERNAL_URL:
            version = EXTERNAL_LIBRARY
        else:
            version = self.service.wait_for_event("started")["libmicrohttpd"]
        return "0.9.75" if version.startswith("0.") else "1.0.1"

    def play_all(self, address, column, **how):
        for request in bad_requests.load():
            with self.subTest(request=request.name):
                expected = request.expect[bad_requests.COLUMNS.index(column)]
                outcome = bad_requests.play(address, request, expected, **how)
                self.judge(request, expected, outcome)

    def judge(self, request, expected, outcome):
        told = f"{request.why} ({request.source})\n{outcome.received[:2000]!r}"
        if self.log:
            # What reached the service is what was answered: nothing was handled in between.
            ours = [a for a in expected.split() if a.isdigit() and a != "100"]
            self.assertEqual(self.log.statuses(), ours, told)
        self.assertFalse(self.has_cart(outcome.smuggled_id), f"smuggled: {told}")
        self.assertEqual(self.has_cart(outcome.next_id), expected.endswith(" 201"), told)
        if not outcome.is_cut_short_of(expected):
            self.assertEqual(str(outcome), expected, told)

    def has_cart(self, cart_id):
        target = f"/carts/{cart_id}"
        answer = self.log.look(target)[0] if self.log else self.client.get(target)
        self.assertIn(answer.status, (200, 404), answer)
        return answer.status == 200
