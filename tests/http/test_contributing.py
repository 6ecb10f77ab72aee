"""The change that CONTRIBUTING.md shows, applied to a copy of the tree, built and used."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest
from unittest import mock

from support import Database, Service, migrate, needs_binary, needs_database, run_cartd, slow
from support.settings import REPOSITORY

SOURCES = ("meson.build", "meson_options.txt", "openapi.yaml", "migrations", "src", "tests")


def diffs():
    text = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
    return "".join(re.findall(r"^```diff\n(.*?)^```$", text, re.M | re.S))


def run(*command, cwd):
    done = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, timeout=900, check=False,
        env={**os.environ, "CC": os.environ.get("CC", "gcc")},
    )
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}:\n{(done.stdout + done.stderr)[-8000:]}")
    return done.stdout


@needs_binary
@needs_database
@slow("builds cartd anew")
class Contributing(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.tree = pathlib.Path(folder.name)
        for name in SOURCES:
            copy = shutil.copytree if (REPOSITORY / name).is_dir() else shutil.copy
            copy(REPOSITORY / name, cls.tree / name)
        (cls.tree / "change.diff").write_text(diffs(), encoding="utf-8")
        run("git", "apply", "change.diff", cwd=cls.tree)
        run("meson", "setup", "build", "-Doptimization=0", cwd=cls.tree)
        run("ninja", "-C", "build", "cartd", "tests/unit/cart_test", cwd=cls.tree)

    def test_its_rules_hold(self):
        out = run("build/tests/unit/cart_test", cwd=self.tree)
        self.assertRegex(out, r"100%: Checks: \d+, Failures: 0, Errors: 0")

    def test_it_works_over_http(self):
        binary = mock.patch("support.service.BINARY", str(self.tree / "build" / "cartd"))
        binary.start()
        self.addCleanup(binary.stop)
        database = Database().migrated_by(migrate)
        self.addCleanup(database.drop)
        service = Service(database.app_url)
        self.addCleanup(service.stop)
        with service.client() as client:
            client.is_checked = False  # openapi.yaml does not know of it
            client.put("/products/tea", {"name": "Tea", "prices": {"EUR": 499}})
            cart = client.post("/carts", {"items": [{"sku": "tea"}]}).json()["id"]
            key = {"Idempotency-Key": "reminder-1"}
            for _ in range(2):
                answer = client.post(f"/carts/{cart}/reminders", {"channel": "email"}, headers=key)
                self.assertEqual((answer.status, answer.json()["version"]), (200, 3), answer)
            batch = {"commands": [{"type": "clear_items"}, {"type": "remind", "channel": "sms"}]}
            answer = client.post(f"/carts/{cart}/commands", batch)
            self.assertEqual((answer.status, answer.json()["type"]), (409, "/problems/cart-empty"))
            answer = client.post(f"/carts/{cart}/reminders", {"channel": 7})
            self.assertEqual(answer.json()["errors"][0]["pointer"], "/channel")
            events = client.get(f"/carts/{cart}/events").json()["events"]
            self.assertEqual(
                [(event["type"], event["data"]) for event in events[2:]],
                [("CartReminded", {"channel": "email"})],
            )
        done = run_cartd("verify", url=database.app_url)
        self.assertEqual(done.returncode, 0, done.stdout)


if __name__ == "__main__":
    unittest.main()
