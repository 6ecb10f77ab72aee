"""cartd-relay, the program beside the service, and what it carries events to."""

import atexit
import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import threading
import unittest
import urllib.request

from .case import ServiceCase
from .free_port import take_free_port
from .load import wait_until
from .service import clean_environment, complain_of_sanitizers
from .settings import BINARY, STOP_TIMEOUT, how_many, needs_binary

RELAY = os.path.join(os.path.dirname(BINARY), "cartd-relay")
REDIS = shutil.which("redis-server")


def needs_redis(test):
    return unittest.skipUnless(REDIS, "redis-server is not installed (scripts/install test)")(test)


class Relay:
    """A `cartd-relay run` of ours."""

    def __init__(self, name, sink, url, *arguments):
        self.port = take_free_port()
        self.process = subprocess.Popen(
            [RELAY, "run", name, sink, "--metrics", f"127.0.0.1:{self.port}", *arguments],
            env=clean_environment(DATABASE_URL=url, CARTD_LOG_FORM="json"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        atexit.register(self.process.kill)

    def metric(self, name):
        """None: it does not listen yet."""
        if self.process.poll() is not None:
            raise AssertionError(f"it ended: {self.process.communicate()[0][-4000:]}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=10) as answer:
                lines = answer.read().decode().splitlines()
        except OSError:
            return None
        return int(next(line for line in lines if line.startswith(name + "{")).rsplit(" ", 1)[1])

    def wait_for(self, name, number):
        wait_until(lambda: self.metric(name) == number, f"{name} is {number}")

    def end(self, how):
        """Returns what it has logged."""
        how()
        output, _ = self.process.communicate(timeout=STOP_TIMEOUT)
        complain_of_sanitizers(output)
        return [json.loads(line) for line in output.splitlines() if line.startswith("{")]

    def stop(self):
        return self.end(self.process.terminate)

    def kill(self):
        return self.end(self.process.kill)


@needs_binary
class RelayCase(ServiceCase):
    """A service whose log is carried on."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if not os.path.exists(RELAY):
            raise unittest.SkipTest("cartd-relay was not built: libcurl is missing")
        cls.relay_url = cls.database.make_relay_url()

    def setUp(self):
        super().setUp()
        self.client = self.service.client()  # the one before may have been idle for too long
        self.addCleanup(self.client.close)
        self.directory = tempfile.mkdtemp(prefix="cartd-relay-")
        self.addCleanup(shutil.rmtree, self.directory, True)

    def start(self, name, sink, *arguments):
        relay = Relay(name, sink, self.relay_url, *arguments)
        self.addCleanup(relay.process.kill)
        return relay

    def run_relay(self, *arguments, **changes):
        """Runs it to its end; returns the finished process with its output as text."""
        done = subprocess.run(
            [RELAY, *arguments],
            env=clean_environment(**{"DATABASE_URL": self.relay_url, **changes}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=300,
            check=False,
            text=True,
        )
        complain_of_sanitizers(done.stdout + done.stderr)
        return done

    @contextlib.contextmanager
    def shopping(self):
        """Events come all the time."""
        sku = self.make_product()
        is_over = threading.Event()

        def shop():
            with self.service.client() as client:
                while not is_over.is_set():
                    cart = client.post("/carts", {"currency": "EUR"}).json()
                    for _ in range(20):
                        client.post(f"/carts/{cart['id']}/items", {"sku": sku})

        shopper = threading.Thread(target=shop)
        shopper.start()
        try:
            yield
        finally:
            is_over.set()
            shopper.join()

    def carry_while_killed(self, name, sink, broker):
        """Carries what is shopped meanwhile to its end, while the relay is killed, and at times what
        takes the events."""
        with self.shopping():
            for turn in range(how_many(6, quick=3, long=20)):
                relay = self.start(name, sink)
                wait_until(lambda: (relay.metric("cartd_relay_events_sent_total") or 0) > 20, "it sends")
                if turn % 3 == 2:
                    broker.kill()
                    broker.start()
                    sent = relay.metric("cartd_relay_events_sent_total")
                    wait_until(lambda: relay.metric("cartd_relay_events_sent_total") > sent, "it goes on")
                relay.kill()
        relay = self.start(name, sink)
        relay.wait_for("cartd_relay_position", self.head())
        relay.stop()

    def head(self):
        return int(self.database.value("SELECT position FROM log_head"))

    def status_of(self, name):
        """Its columns; empty ones before it is there."""
        lines = self.run_relay("status").stdout.splitlines()
        found = [line.split(None, 5) for line in lines if line.split()[0] == name]
        return found[0] if found else [""] * 6


class Redis:
    """A redis-server of ours that keeps what it has answered."""

    def __init__(self, directory):
        self.directory = directory
        self.port = take_free_port()
        self.start()

    def start(self, *settings):
        self.process = subprocess.Popen(
            [REDIS, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", self.directory]
            + ["--appendonly", "yes", "--appendfsync", "always", "--save", "", *settings],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        atexit.register(self.process.kill)
        wait_until(lambda: self.ask("PING", is_patient=True) == "PONG", "redis answers")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def ask(self, *words, is_patient=False):
        done = subprocess.run(
            ["redis-cli", "-p", str(self.port), "--json", *words],
            capture_output=True,
            timeout=60,
            check=False,
            text=True,
        )
        if done.returncode != 0 or not done.stdout.startswith(('"', "[", "{", "n")) and not (
            done.stdout[:1].isdigit()
        ):
            if is_patient:
                return None
            raise AssertionError(f"redis-cli {words}: {done.stdout}{done.stderr}")
        return json.loads(done.stdout)

    def entries(self, stream):
        """Each as (its id, its fields)."""
        return [
            (entry, dict(zip(fields[::2], fields[1::2])))
            for entry, fields in self.ask("XRANGE", stream, "-", "+")
        ]
