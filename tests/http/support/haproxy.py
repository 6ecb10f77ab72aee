"""HAProxy in front of a service, with deploy/haproxy.cfg as it is."""

import atexit
import os
import shutil
import subprocess
import tempfile
import unittest

from .client import Client, NoAnswer
from .free_port import take_free_port
from .load import wait_until
from .settings import REPOSITORY

CONFIGURATION = REPOSITORY / "deploy" / "haproxy.cfg"
PROGRAM = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin")
MANY = 1000000


def needs_haproxy(test):
    return unittest.skipUnless(PROGRAM, "haproxy is not installed (scripts/install test)")(test)


class HaProxy:
    """Listens on a free port of 127.0.0.1; limits by address are off unless they are set."""

    def __init__(self, target, **settings):
        self.port = take_free_port()
        self.address = ("127.0.0.1", self.port)
        self.output = tempfile.TemporaryFile()
        limits = ("CONNECTIONS", "CONNECTIONS_IN_10S", "REQUESTS_IN_10S", "ERRORS_IN_10S")
        self.process = subprocess.Popen(
            [PROGRAM, "-db", "-f", str(CONFIGURATION)],
            env={
                **os.environ,
                "CARTD_SERVER": f"{target[0]}:{target[1]}",
                "PROXY_LISTEN": f"127.0.0.1:{self.port}",
                **{f"PROXY_{name}": str(MANY) for name in limits},
                **{name: str(text) for name, text in settings.items()},
            },
            stdin=subprocess.DEVNULL,
            stdout=self.output,
            stderr=subprocess.STDOUT,
        )
        atexit.register(self.kill)
        wait_until(self.is_ready, f"haproxy answers: {self.log()}")

    def client(self, **changes):
        return Client("127.0.0.1", self.port).another(**{"is_checked": False, **changes})

    def is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"haproxy ended: {self.log()}")
        try:
            with self.client() as client:
                return client.get("/livez").status == 200
        except NoAnswer:
            return False

    def log(self):
        self.output.seek(0)
        return self.output.read().decode("utf-8", "replace")[-8000:]

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def stop(self):
        self.kill()
        atexit.unregister(self.kill)
        self.output.close()
