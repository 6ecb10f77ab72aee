"""cartd-relay, the program beside the service."""

import json
import os
import subprocess
import unittest
import urllib.request

from .free_port import free_port
from .service import clean_environment, complain_of_sanitizers
from .settings import BINARY, STOP_TIMEOUT

RELAY = os.path.join(os.path.dirname(BINARY), "cartd-relay")


def needs_relay(test):
    return unittest.skipUnless(os.path.exists(RELAY), "cartd-relay was not built: libcurl is missing")(
        test
    )


def run_relay(*arguments, url, **changes):
    """Runs it to its end; returns the finished process with its output as text."""
    done = subprocess.run(
        [RELAY, *arguments],
        env=clean_environment(DATABASE_URL=url, **changes),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=300,
        check=False,
        text=True,
    )
    complain_of_sanitizers(done.stdout + done.stderr)
    return done


class Relay:
    """A `cartd-relay run` of ours."""

    def __init__(self, name, sink, url, *arguments):
        self.port = free_port()
        self.process = subprocess.Popen(
            [RELAY, "run", name, sink, "--metrics", f"127.0.0.1:{self.port}", *arguments],
            env=clean_environment(DATABASE_URL=url, CARTD_LOG_FORM="json"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def metric(self, name):
        """None: it does not listen yet."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=10) as answer:
                lines = answer.read().decode().splitlines()
        except OSError:
            return None
        found = [line.rsplit(" ", 1)[1] for line in lines if line.startswith(name + "{")]
        return int(found[0])

    def end(self, how):
        """Returns what it has logged."""
        how()
        output, _ = self.process.communicate(timeout=STOP_TIMEOUT)
        complain_of_sanitizers(output)
        return [json.loads(line) for line in output.splitlines()]

    def stop(self):
        return self.end(self.process.terminate)

    def kill(self):
        return self.end(self.process.kill)
