"""What tests of faults share: a load under which something breaks, and what must be true after."""

import contextlib
import os
import random
import time

from .case import ServiceCase
from .client import Client
from .ledger import FORGETFUL, HASTY, Load
from .load import wait_until
from .service import Service, lean_settings, run_cartd

# What a process may have grown by when a fault is over: buffers that have grown to their size, and
# pieces between. What is lost for good the sanitizers report when it ends.
MEMORY_SLACK_KIB = 24 * 1024
COMPLAINTS_SHOWN = 5


class Footprint:
    """What a process holds: descriptors, and memory in KiB."""

    def __init__(self, pid):
        self.descriptors = sorted(self.read_descriptors(pid))
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            fields = dict(line.split(":", 1) for line in status)
        self.memory_kib = int(fields["VmRSS"].split()[0])

    @staticmethod
    def read_descriptors(pid):
        """By kind: sockets have numbers of their own, which change with each connection."""
        for name in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                yield os.readlink(f"/proc/{pid}/fd/{name}").split(":")[0]

    def has_come_back(self, before):
        return (
            self.descriptors == before.descriptors
            and self.memory_kib <= before.memory_kib + MEMORY_SLACK_KIB
        )

    def __repr__(self):
        return f"{self.descriptors}, {self.memory_kib} KiB"


class FaultCase(ServiceCase):
    def start_load(self, *services, timeout=20, **numbers):
        """Clients of these services (or proxies), who come back to any of them."""

        def make_client():
            return Client("127.0.0.1", random.choice(services).port, timeout=timeout)

        with make_client() as client:
            load = Load(make_client, self.make_product(1, client=client), **numbers)
        self.addCleanup(load.shopping.is_over.set)
        return load

    def break_until_refuted(
        self, load, fault, least, flaws=frozenset({HASTY, FORGETFUL}), n_between=60
    ):
        """Has the fault happen under the load, at least so often, and until these flawed clients are
        caught: until then it was no danger to anybody. Returns how often it happened."""
        caught = set()
        for number in range(1, least + 61):
            load.wait_for(n_between)
            fault(number)
            if not caught >= flaws:
                caught |= load.refuted(self.database)
            if number >= least and caught >= flaws:
                return number
        raise AssertionError(f"of {flaws} only {caught} were caught")

    def assert_kept(self, load):
        """Ends the load. Nothing that was answered is lost, nothing is there twice, answers can be
        had again, and cartd itself has nothing to say against its database."""
        load.finish()
        self.assert_balanced(load)
        self.assert_replayed(load)
        self.assert_log_is_dense()
        done = run_cartd("verify", url=self.database.app_url)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        self.assertRegex(done.stdout, r"\Aclean: ")

    def assert_balanced(self, load):
        complaints = load.complaints(self.database)
        self.assertEqual(complaints[:COMPLAINTS_SHOWN], [], f"{len(complaints)} complaints")

    def assert_replayed(self, load):
        with load.make_client() as client:
            for request in load.replayable():
                answer = wait_until(
                    lambda asked=request: self.ask_again(client, asked), "the database is back"
                )
                is_replayed = answer.headers.get("idempotent-replayed")
                self.assertEqual(is_replayed, "true", (answer, request))
                self.assertEqual(answer.etag, request.answer.etag, request)
                if request.answer.body:
                    self.assertEqual(answer.body, request.answer.body, request)

    def ask_again(self, client, request):
        """None: not now, says the service, which is just back from a fault."""
        headers = {"Idempotency-Key": request.key}
        answer = client.request(request.method, request.target, request.value, headers=headers)
        return None if answer.status == 503 else answer

    def serve_lean(self, url, **settings):
        """A service of which the memory can be measured, and that keeps no clients that say nothing,
        or half of something."""
        service = Service(
            url,
            **{f"CARTD_{phase}_SECONDS": 2 for phase in ("IDLE", "HEADERS", "BODY", "ANSWER")},
            **lean_settings(),
            **settings,
        )
        self.addCleanup(service.stop)
        return service

    def warm_up(self, service, *places):
        """Has it grown to the size of its usual work; returns what it then holds without clients."""
        load = self.start_load(*places or (service,))
        load.wait_for(200)
        load.finish()
        return self.settled(service)

    @staticmethod
    def settled(service):
        """What it holds once that has not changed for a while."""
        before = Footprint(service.pid)
        while True:
            time.sleep(0.4)
            after = Footprint(service.pid)
            if after.descriptors == before.descriptors:
                return after
            before = after

    def assert_footprint_is_back(self, service, before):
        """Descriptors exactly, memory within MEMORY_SLACK_KIB."""
        with contextlib.suppress(AssertionError):
            wait_until(lambda: Footprint(service.pid).has_come_back(before), "it is back", 20)
        after = Footprint(service.pid)
        self.assertTrue(after.has_come_back(before), f"before {before}, after {after}")

    @staticmethod
    def time_until_ready(service, timeout=60):
        """Seconds from now until /readyz says 200."""
        start = time.monotonic()
        service.wait_until_ready(timeout)
        return time.monotonic() - start
