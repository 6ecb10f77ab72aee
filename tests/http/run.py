#!/usr/bin/python3
"""Runs the tests over HTTP, each module as a process of its own and some of them side by side.

    tests/http/run.py                       all modules
    tests/http/run.py test_carts test_cors.Origins test_feed.LongPolls.test_who_waits_is_told

What they need is said in __init__.py. One line tells how each module ended; the whole output of one
that failed comes before its line. The last line is "N passed, N failed", and the status is 0 only if
some passed and none failed.
"""

import argparse
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "support"))
import count  # noqa: E402

# Most of their time they wait: for a timeout, for PostgreSQL, for a process to end.
JOBS = (os.cpu_count() or 1) + 2
TIMEOUT_SECONDS = 3600
# They begin first, the longest before the others, so that none is left over at the end.
LONG_MODULES = [
    f"test_{name}"
    for name in """
        contributing verify failover rebuild wide_carts feed_chaos projections kills history streams leases wire
        rebuild_races outages upgrade cli_copy races guard_clients guests model files guard_proxy
        cli_log restore properties contract machine feed guard faults
    """.split()
]


class Run:
    """A module, class or test that is running."""

    def __init__(self, name):
        self.name = name
        self.output = tempfile.TemporaryFile()
        self.start = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-B", "-m", "unittest", "-v", name],
            cwd=HERE,
            stdin=subprocess.DEVNULL,
            stdout=self.output,
            stderr=subprocess.STDOUT,
        )

    def seconds(self):
        return time.monotonic() - self.start

    def is_over(self):
        if self.seconds() > TIMEOUT_SECONDS:
            self.stop()
        return self.process.poll() is not None

    def stop(self):
        """As SIGTERM lets it stop what it has started."""
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def report(self):
        """Prints how it ended; returns how many passed and failed."""
        self.output.seek(0)
        text = self.output.read().decode("utf-8", "replace")
        passed, failed = count.of_unittest(text)
        if self.process.wait() != 0 and failed == 0:
            failed = 1
        skipped = len(re.findall(r" \.\.\. skipped ", text))
        if failed:
            print(text)
        counts = [f"{passed} passed"]
        counts += [f"{skipped} skipped"] if skipped else []
        counts += [f"{failed} FAILED"] if failed else []
        print(f"  {self.name}: {', '.join(counts)} in {self.seconds():.0f} s", flush=True)
        return passed, failed


def all_modules():
    names = sorted(path.stem for path in HERE.glob("test_*.py"))
    return [*LONG_MODULES, *(name for name in names if name not in LONG_MODULES)]


def run_all(names, jobs):
    waiting, running = list(names), []
    passed = failed = 0
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                running.append(Run(waiting.pop(0)))
            time.sleep(0.05)
            for run in [run for run in running if run.is_over()]:
                running.remove(run)
                more_passed, more_failed = run.report()
                passed, failed = passed + more_passed, failed + more_failed
    finally:
        for run in running:
            run.process.terminate()
        for run in running:
            run.stop()
    return passed, failed


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jobs", type=int, default=JOBS, help=f"how many at once ({JOBS})")
    parser.add_argument("names", nargs="*", metavar="MODULE[.CLASS[.TEST]]")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        passed, failed = run_all(arguments.names or all_modules(), arguments.jobs)
    except KeyboardInterrupt:
        return 130
    print(f"{passed} passed, {failed} failed")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
