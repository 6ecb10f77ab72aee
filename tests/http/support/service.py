"""The service under test: a process of ours, or one that runs already (CARTD_TEST_URL)."""

import atexit
import json
import os
import signal
import subprocess
import threading
import time
import urllib.parse

from .client import Client, NoAnswer
from .settings import BINARY, EXTERNAL_URL, START_TIMEOUT, STOP_TIMEOUT

SANITIZER_SIGNS = (
    "ERROR: AddressSanitizer",
    "ERROR: LeakSanitizer",
    "AddressSanitizer:DEADLYSIGNAL",
    "runtime error:",
    "Assertion `",
)


def clean_environment(**changes):
    """Our environment without anything that would configure cartd, then the changes."""
    kept = {
        name: text
        for name, text in os.environ.items()
        if not name.startswith("CARTD_") and name not in ("DATABASE_URL", "PGHOST", "PGDATABASE")
    }
    kept.setdefault("UBSAN_OPTIONS", "print_stacktrace=1")
    kept.update({name: str(text) for name, text in changes.items()})
    return kept


def asan_options(*options):
    """The environment's options for the address sanitizer, and these."""
    given = os.environ.get("ASAN_OPTIONS")
    return ":".join([given, *options] if given else options)


def lean_settings():
    """For a service of which the memory can be measured: the address sanitizer and valgrind keep
    what was freed, and are asked to keep little of it."""
    return {
        "ASAN_OPTIONS": asan_options("quarantine_size_mb=1"),
        "VALGRIND_OPTS": "--freelist-vol=1000000",
    }


# Carts last for ever, unless a test says otherwise: those of fixtures are of long ago.
LASTING = {
    "CARTD_ABANDONED_AFTER": "0",
    "CARTD_EXPIRES_GUEST": "0",
    "CARTD_EXPIRES_CUSTOMER": "0",
    "CARTD_EXPIRES_EMPTY": "0",
}


def run_cartd(*arguments, url=None, timeout=300, **changes):
    """Runs a subcommand to its end; returns the finished process with its output as text."""
    if url:
        changes["DATABASE_URL"] = url
    done = subprocess.run(
        [BINARY, *arguments],
        env=clean_environment(**{**LASTING, **changes}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=timeout,
        check=False,
    )
    done.stdout = done.stdout.decode("utf-8", "replace")
    done.stderr = done.stderr.decode("utf-8", "replace")
    complain_of_sanitizers(done.stdout + done.stderr)
    return done


def migrate(url):
    done = run_cartd("migrate", url=url)
    if done.returncode != 0:
        raise RuntimeError(f"cartd migrate failed:\n{done.stdout}{done.stderr}")


def complain_of_sanitizers(text):
    for sign in SANITIZER_SIGNS:
        if sign in text:
            raise AssertionError(f"the binary reported a fault:\n{text[-8000:]}")


class External:
    """The service that runs already; whoever started it ends it."""

    def __init__(self):
        self.url = EXTERNAL_URL
        parts = urllib.parse.urlsplit(EXTERNAL_URL)
        self.address = (parts.hostname, parts.port or 80)

    def client(self, **changes):
        return Client.of_url(self.url).another(**changes)

    def stop(self):
        pass


class Service:
    """A `cartd serve` of ours on a free port of 127.0.0.1."""

    def __init__(self, database_url, port=0, waits_until_ready=True, **settings):
        self.lines = []
        self.changed = threading.Condition()
        self.is_output_over = False
        self.process = subprocess.Popen(
            [BINARY, "serve"],
            env=clean_environment(
                DATABASE_URL=database_url,
                CARTD_LOG_FORM="json",
                **{"CARTD_LISTEN": f"127.0.0.1:{port}", **LASTING, **settings},
            ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        atexit.register(self.kill)
        self.reader = threading.Thread(target=self.read_output, daemon=True)
        self.reader.start()
        self.port = int(self.wait_for_event("started")["listen"].rpartition(":")[2])
        self.address = ("127.0.0.1", self.port)
        if waits_until_ready:
            self.wait_until_ready()

    @property
    def pid(self):
        return self.process.pid

    def read_output(self):
        for line in self.process.stdout:
            with self.changed:
                self.lines.append(line.decode("utf-8", "replace").rstrip("\n"))
                self.changed.notify_all()
        with self.changed:
            self.is_output_over = True
            self.changed.notify_all()

    def output(self):
        with self.changed:
            return "\n".join(self.lines)

    def events(self, name=None):
        """The log's lines as objects, all or those of one event."""
        with self.changed:
            lines = list(self.lines)
        found = []
        for line in lines:
            try:
                value = json.loads(line)
            except ValueError:
                continue
            if isinstance(value, dict) and name in (None, value.get("event")):
                found.append(value)
        return found

    def wait_for_event(self, name, timeout=START_TIMEOUT):
        """The first line of that event, now or when it comes."""
        end = time.monotonic() + timeout
        while True:
            found = self.events(name)
            if found:
                return found[0]
            with self.changed:
                if self.is_output_over or time.monotonic() > end:
                    break
                self.changed.wait(0.2)
        raise AssertionError(f"the log never said {name!r}:\n{self.output()[-4000:]}")

    def client(self, **changes):
        return Client("127.0.0.1", self.port).another(**changes)

    def metric(self, name):
        """A number of /metrics, by its name and labels."""
        with self.client() as client:
            return client.metrics()[name]

    def wait_until_ready(self, timeout=START_TIMEOUT):
        end = time.monotonic() + timeout
        while True:
            try:
                with self.client() as client:
                    answer = client.get("/readyz")
                if answer.status == 200:
                    return
            except NoAnswer as error:
                answer = error
            if time.monotonic() > end or not self.is_running():
                raise AssertionError(f"never ready: {answer}\n{self.output()[-4000:]}")
            time.sleep(0.05)

    def is_running(self):
        return self.process.poll() is None

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, timeout=STOP_TIMEOUT):
        code = self.process.wait(timeout)
        self.reader.join(timeout)
        self.process.stdout.close()
        atexit.unregister(self.kill)
        return code

    def stop(self):
        """Asks it to stop; it must do so cleanly, and must never have reported a fault."""
        if self.is_running():
            self.signal(signal.SIGTERM)
        try:
            code = self.wait()
        except subprocess.TimeoutExpired as error:
            self.kill()
            raise AssertionError(f"it did not stop:\n{self.output()[-8000:]}") from error
        complain_of_sanitizers(self.output())
        if code != 0:
            raise AssertionError(f"it ended with {code}:\n{self.output()[-8000:]}")

    def kill(self):
        """Ends it as a power cut would."""
        if self.is_running():
            self.process.kill()
        self.wait()
