"""HAProxy with deploy/haproxy.cfg in front of the service: the corpus of bad requests through it, and
what else the file promises. Skipped where haproxy is not installed."""

import unittest

from support import CorpusCase, HaProxy, needs_haproxy


@needs_haproxy
class CorpusBehindHaProxy(CorpusCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.proxy = HaProxy(cls.service.address)
        cls.addClassCleanup(cls.proxy.stop)

    def test_no_bad_request_hides_another(self):
        if self.log:
            self.log.statuses()  # that of waiting until haproxy answers
        self.play_all(self.proxy.address, f"{self.library} behind HAProxy")


if __name__ == "__main__":
    unittest.main()
