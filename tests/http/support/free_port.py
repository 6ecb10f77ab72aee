"""Finds a TCP port of 127.0.0.1 that nobody listens on; as a program, prints it."""

import random
import socket

# Below the range that the kernel takes clients' ports from: there it may be one of those by the time
# that somebody listens on it, or while a server is down that listens on it again later.
PORTS = range(15000, 30000)


def take_free_port():
    """At random, as others may look for one at the same time."""
    while True:
        port = random.SystemRandom().choice(PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


if __name__ == "__main__":
    print(take_free_port())
