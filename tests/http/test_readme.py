"""The tour of the README, played as it stands there: its output is real.

`/usr/bin/python3 tests/http/test_readme.py --write` (with the environment that the tests need) plays
it and writes what it prints into the README.
"""

import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

from support import Database, Service, migrate, needs_database, run_cartd

ROOT = pathlib.Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
BLOCK = re.compile(r"(?<=```console\n)(.*?)(?=```)", re.DOTALL)

# What differs from one run to the next, and how it is compared.
CHANGING = [
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"), "TIME"),
    (re.compile(r'("(?:request_id|command_id)": ?)"[0-9a-f-]{36}"'), r'\1"ID"'),
    (re.compile(r'("next_cursor": ?)"[^"]+"'), r'\1"CURSOR"'),
]


def normalised(text):
    for pattern, word in CHANGING:
        text = pattern.sub(word, text)
    return text


def play(block, address, variables):
    """The block's commands, each followed by what it prints; `variables` go on to the next."""
    played = []
    for line in block.splitlines():
        if not line.startswith("$ "):
            continue
        command = line[2:].replace("localhost:8080", address)
        if re.fullmatch(r"\w+=\S+", command):
            variables.append(command)
            played.append(line + "\n")
            continue
        script = "\n".join(variables + [command])
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60)
        if done.stderr:
            raise AssertionError(f"{line}: {done.stderr}")
        output = done.stdout.replace("\r", "").replace(address, "localhost:8080")
        played.append(line + "\n" + output + ("" if output.endswith("\n") else "\n"))
    return "".join(played)


def play_all(text, address):
    variables = []
    return BLOCK.sub(lambda match: play(match.group(1), address, variables), text)


class Tour:
    """A service as scripts/run leaves it: the sample catalogue and no carts."""

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
        return f"127.0.0.1:{self.service.port}"

    def __exit__(self, *exception):
        self.service.stop()
        self.database.drop()


@needs_database
class Readme(unittest.TestCase):
    maxDiff = None

    def test_the_tour_prints_what_the_readme_says(self):
        text = README.read_text()
        self.assertGreater(len(BLOCK.findall(text)), 5)
        with Tour() as address:
            self.assertEqual(normalised(play_all(text, address)), normalised(text))

    def test_the_way_from_a_guest_to_a_customer_is_one(self):
        script = re.search(r"```sh\n(b64\(\).*?)```", README.read_text(), re.DOTALL).group(1)
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
            with Tour(**settings) as address:
                done = subprocess.run(
                    ["bash", "-ec", script.replace("localhost:8080", address)],
                    cwd=folder,
                    capture_output=True,
                    text=True,
                    timeout=60,
                    check=False,
                )
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout.count("/problems/unauthorized"), 1, done.stdout)
        self.assertEqual(done.stdout.count('"customer_id":"ada"'), 2, done.stdout)
        self.assertEqual(done.stdout.count("/problems/cart-not-found"), 2, done.stdout)

    def test_every_setting_is_in_the_readme(self):
        help_text = run_cartd("--help").stdout
        settings = set(re.findall(r"\b(?:CARTD_[A-Z_]+|DATABASE_URL)\b", help_text))
        self.assertGreater(len(settings), 10)
        self.assertEqual(settings - set(re.findall(r"\b[A-Z_]+\b", README.read_text())), set())


if __name__ == "__main__" and "--write" in sys.argv:
    with Tour() as address:
        README.write_text(play_all(README.read_text(), address))
elif __name__ == "__main__":
    unittest.main()
