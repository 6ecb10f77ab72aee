"""Many clients at once."""

import threading
import time

from .settings import LOAD_TIMEOUT


def run_at_once(n, work, timeout=LOAD_TIMEOUT):
    """Calls work(i) for i in 0..n-1, each in a thread of its own, all from the same moment on.
    Returns what they returned, in order; the first failure is raised here."""
    barrier = threading.Barrier(n)
    results = [None] * n
    failures = []

    def run(i):
        try:
            barrier.wait(60)
            results[i] = work(i)
        except BaseException as error:  # Raised again below, in the test's own thread.
            failures.append(error)

    threads = [threading.Thread(target=run, args=(i,), daemon=True) for i in range(n)]
    for thread in threads:
        thread.start()
    end = time.monotonic() + timeout
    for thread in threads:
        thread.join(max(0.1, end - time.monotonic()))
    if failures:
        raise failures[0]
    if any(thread.is_alive() for thread in threads):
        raise AssertionError(f"not finished after {timeout} seconds")
    return results


class Background:
    """Work that goes on in threads until the test has seen enough."""

    def __init__(self, n, work):
        self.is_over = threading.Event()
        self.failures = []
        self.threads = [
            threading.Thread(target=self.run, args=(work, i), daemon=True) for i in range(n)
        ]
        for thread in self.threads:
            thread.start()

    def run(self, work, i):
        try:
            work(i, self.is_over)
        except BaseException as error:  # Raised again by finish().
            self.failures.append(error)

    def finish(self, timeout=LOAD_TIMEOUT):
        self.is_over.set()
        end = time.monotonic() + timeout
        for thread in self.threads:
            thread.join(max(0.1, end - time.monotonic()))
        if self.failures:
            raise self.failures[0]
        if any(thread.is_alive() for thread in self.threads):
            raise AssertionError(f"not finished after {timeout} seconds")


def wait_until(condition, what, timeout=60.0):
    """Polls until the condition gives something true, and returns that."""
    end = time.monotonic() + timeout
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"not within {timeout} seconds: {what}")
        time.sleep(0.02)
