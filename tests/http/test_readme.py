"""The documents' examples, played as they stand there: their output is real.

`/usr/bin/python3 tests/http/test_readme.py --write` (with the environment that the tests need) plays
them and writes what they print into the documents.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

from support import Database, Service, migrate, needs_database, run_cartd
from support.settings import BINARY

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONSOLE = re.compile(r"(?<=```console\n)(.*?)(?=```)", re.DOTALL)
BLOCK = re.compile(r"^```(\S.*?)\n(.*?)^```", re.DOTALL | re.MULTILINE)
SCRIPT = "docs/access.md"  # its only block of sh is played by a test of its own

# The documents with consoles, and those that are played before, on the same service.
PLAYED = {
    "README.md": [],
    "docs/http.md": [],
    "docs/feed.md": ["README.md"],
    "docs/production.md": ["README.md"],
}

# What differs from one run to the next, and how it is compared.
CHANGING = [
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"), "TIME"),
    (re.compile(r'("(?:request_id|command_id)": ?)"[0-9a-f-]{36}"'), r'\1"ID"'),
    (re.compile(r'("next_cursor": ?)"[^"]+"'), r'\1"CURSOR"'),
    (re.compile(r'("log_id": ?)"[^"]+"'), r'\1"LOG"'),
    (re.compile(r"\bin \d+ s\b"), "in SECONDS"),
]


def normalised(text):
    for pattern, word in CHANGING:
        text = pattern.sub(word, text)
    return text


def get_json(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def wait_for_reports(address):
    """Reports are a moment behind the log."""
    head = get_json(f"http://{address}/events")["head"]
    last = get_json(f"http://{address}/events?after={head - 1}")["events"][0]["recorded_at"]
    for name in ("abandoned-carts", "demand", "funnel", "removed-then-bought"):
        for _ in range(200):
            if get_json(f"http://{address}/reports/{name}")["as_of"] == last:
                break
            time.sleep(0.1)


class Tour:
    """A service as scripts/run leaves it: the sample catalogue and no carts. Commands are played in
    a directory of their own, with cartd in their PATH."""

    def __init__(self, **settings):
        self.settings = settings

    def __enter__(self):
        self.database = Database()
        self.database.migrated_by(migrate)
        sample = str(ROOT / "scripts" / "sample-catalogue.csv")
        done = run_cartd("catalog", "import", sample, url=self.database.app_url)
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        self.service = Service(self.database.app_url, **self.settings)
        self.address = f"127.0.0.1:{self.service.port}"
        self.folder = tempfile.TemporaryDirectory()
        os.symlink(BINARY, f"{self.folder.name}/cartd")
        return self

    def __exit__(self, *exception):
        self.service.stop()
        self.folder.cleanup()
        self.database.drop()

    def run(self, script):
        environment = {
            name: text for name, text in os.environ.items() if not name.startswith("CARTD_")
        }
        environment["DATABASE_URL"] = self.database.app_url
        environment["PATH"] = f"{self.folder.name}:{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-ec", script.replace("localhost:8080", self.address)],
            cwd=self.folder.name,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if done.stderr:
            raise AssertionError(f"{script}: {done.stderr}")
        return done.stdout.replace("\r", "").replace(self.address, "localhost:8080")

    def play(self, block, variables):
        """The block's commands, each followed by what it prints; `variables` go on to the next."""
        played = []
        for line in block.splitlines():
            if not line.startswith("$ "):
                continue
            command = line[2:]
            played.append(line + "\n")
            if re.fullmatch(r"\w+=\S+", command):
                variables.append(command)
                continue
            follows_the_log = "/reports/" in command or "sort=" in command
            if follows_the_log or command.startswith("cartd projections"):
                wait_for_reports(self.address)
            # What a stream is cut off with, and what grep finds nothing with, is no failure here.
            output = self.run("\n".join([*variables, f"{command} || true"]))
            played.append(output if output.endswith("\n") or not output else output + "\n")
        return "".join(played)

    def play_document(self, name):
        variables = []
        text = (ROOT / name).read_text()
        return text, CONSOLE.sub(lambda match: self.play(match.group(1), variables), text)


def play_documents():
    """(name, text, the same as it was played) of each."""
    for name, before in PLAYED.items():
        with Tour() as tour:
            for other in before:
                tour.play_document(other)
            yield (name, *tour.play_document(name))


def find_blocks(name):
    """(what is said after ```, text) of each block of a document."""
    return BLOCK.findall((ROOT / name).read_text())


@needs_database
class Documents(unittest.TestCase):
    maxDiff = None

    def test_consoles_print_what_the_documents_say(self):
        for name, text, played in play_documents():
            with self.subTest(name):
                self.assertGreater(len(CONSOLE.findall(text)), 0)
                self.assertEqual(normalised(played), normalised(text))

    def test_the_way_from_a_guest_to_a_customer_is_one(self):
        (script,) = [text for kind, text in find_blocks(SCRIPT) if kind == "sh"]
        with tempfile.TemporaryDirectory() as folder:
            keys = pathlib.Path(folder) / "keys"
            keys.write_text("a secret of more than thirty-two bytes\n")
            settings = {
                "CARTD_AUTH": "token",
                "CARTD_AUTH_ALGORITHM": "HS256",
                "CARTD_AUTH_KEYS": str(keys),
                "CARTD_AUTH_ISSUER": "https://shop.example",
                "CARTD_AUTH_AUDIENCE": "cartd",
            }
            with Tour(**settings) as tour:
                (pathlib.Path(tour.folder.name) / "keys").write_text(keys.read_text())
                output = tour.run(script)
        self.assertEqual(output.count("/problems/unauthorized"), 1, output)
        self.assertEqual(output.count('"customer_id":"ada"'), 2, output)
        self.assertEqual(output.count("/problems/cart-not-found"), 2, output)

    def test_every_setting_is_in_the_documents(self):
        help_text = run_cartd("--help").stdout
        settings = set(re.findall(r"\b(?:CARTD_[A-Z_]+|DATABASE_URL)\b", help_text))
        self.assertGreater(len(settings), 10)
        table = re.search(r"\n## Settings\n(.*?)\n## ", (ROOT / "docs/production.md").read_text(), re.DOTALL)
        self.assertEqual(settings - set(re.findall(r"`([A-Z_]+)`", table.group(1))), set())

    def test_whatever_may_be_pasted_is_played(self):
        """A block with curl is a console, or the script that is played, or says `norun`."""
        for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
            name = str(path.relative_to(ROOT))
            for kind, text in find_blocks(name):
                if "curl" not in text or kind.endswith(" norun"):
                    continue
                is_played = name in PLAYED if kind == "console" else name == SCRIPT
                self.assertTrue(is_played, f"{name}: nothing plays\n{text}")


if __name__ == "__main__" and "--write" in sys.argv:
    for document, _, with_output in play_documents():
        (ROOT / document).write_text(with_output)
elif __name__ == "__main__":
    unittest.main()
