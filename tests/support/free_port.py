"""Prints a TCP port of 127.0.0.1 that nobody listens on, from below the range that the kernel takes
clients' ports from."""

import random
import socket

while True:
    port = random.randrange(15000, 30000)
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            continue
    print(port)
    break
