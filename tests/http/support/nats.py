"""A nats-server of ours, and as much of a client as tests need."""

import atexit
import base64
import json
import os
import shutil
import socket
import subprocess
import unittest

from .free_port import take_free_port
from .load import wait_until

NATS = shutil.which("nats-server") or shutil.which("nats-server", path="/usr/sbin")


def needs_nats(test):
    return unittest.skipUnless(NATS, "nats-server is not installed (scripts/install test)")(test)


class Nats:
    """With JetStream, which keeps its streams in a directory."""

    def __init__(self, directory):
        self.directory = directory
        self.port = take_free_port()
        self.configuration = os.path.join(directory, "nats.conf")
        with open(self.configuration, "w", encoding="utf-8") as file:
            file.write(f'listen: "127.0.0.1:{self.port}"\njetstream {{ store_dir: "{directory}" }}\n')
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [NATS, "-c", self.configuration],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        atexit.register(self.process.kill)
        wait_until(self.is_ready, "nats-server answers")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def is_ready(self):
        try:
            return "error" not in self.ask("INFO")
        except OSError:
            return False

    def ask(self, subject, body=None):
        return self.ask_all([(subject, body)])[0]

    def ask_all(self, requests):
        """Requests of JetStream's API; their answers in the same order."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as connection:
            lines = connection.makefile("rb")
            lines.readline()
            connection.sendall(b'CONNECT {"verbose":false}\r\nSUB answers.* 1\r\n')
            return [self.exchange(connection, lines, *request) for request in requests]

    def exchange(self, connection, lines, subject, body):
        content = json.dumps(body).encode() if body is not None else b""
        connection.sendall(
            f"PUB $JS.API.{subject} answers.a {len(content)}\r\n".encode() + content + b"\r\n"
        )
        while True:
            line = lines.readline()
            if not line:
                raise ConnectionError("nats-server hung up")
            if line.startswith(b"PING"):
                connection.sendall(b"PONG\r\n")
            elif line.startswith(b"MSG"):
                answer = lines.read(int(line.split()[-1]))
                lines.readline()
                return json.loads(answer)

    def make_stream(self, name, subjects, **settings):
        answer = self.ask(
            f"STREAM.CREATE.{name}",
            {"name": name, "subjects": [subjects], "storage": "file", **settings},
        )
        if "error" in answer:
            raise AssertionError(answer)

    def messages(self, stream):
        """Each as (its subject, its content)."""
        last = self.ask(f"STREAM.INFO.{stream}")["state"]["last_seq"]
        answers = self.ask_all(
            [(f"STREAM.MSG.GET.{stream}", {"seq": number}) for number in range(1, last + 1)]
        )
        return [
            (answer["message"]["subject"], json.loads(base64.b64decode(answer["message"]["data"])))
            for answer in answers
        ]
