"""A process that transfers, started again when it was killed."""

import queue
import random
import subprocess
import threading
import time

from support.settings import BINARY

# What says that nothing was decided for good: the same line is sent again.
AGAIN = {"unavailable", "unknown", "overloaded", "shutting-down"}


class Bank:
    """A process that transfers, started again when it was killed."""

    def __init__(self, url):
        self.url = url
        self.waiting = {}
        self.lock = threading.Lock()
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [BINARY, "transfer", self.url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.reader = threading.Thread(target=self.read, args=[self.process])
        self.reader.start()

    def read(self, process):
        for line in process.stdout:
            name, outcome, refusal = line.split()
            with self.lock:
                self.waiting.pop(name).put((outcome, int(refusal)))
        with self.lock:
            self.give_up()

    def ask(self, line):
        answer = queue.SimpleQueue()
        with self.lock:
            self.waiting[line.split()[0]] = answer
            try:
                self.process.stdin.write(line + "\n")
                self.process.stdin.flush()
            except OSError:
                self.waiting.pop(line.split()[0], None)
                return "unknown", 0
        return answer.get(timeout=120)

    def kill(self):
        self.process.kill()
        self.reader.join()
        self.process.wait()
        self.process.stdout.close()
        with self.lock:
            try:
                self.process.stdin.close()
            except OSError:
                pass  # what was not sent is not answered
            # The end of its output may be seen before its input is closed: what was asked in between
            # went into a pipe that nobody reads.
            self.give_up()
            self.start()

    def give_up(self):
        lost, self.waiting = self.waiting, {}
        for answer in lost.values():
            answer.put(("unknown", 0))

    def stop(self):
        self.process.stdin.close()
        self.reader.join()
        self.process.stdout.close()
        return self.process.wait()


def ask_until_decided(banks, line):
    while True:
        outcome, refusal = random.choice(banks).ask(line)
        if outcome not in AGAIN:
            return outcome, refusal
        time.sleep(0.01)
