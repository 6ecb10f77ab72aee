#!/usr/bin/python3
"""Runs a command beside two services with the sample catalogue, and returns its status.

    services.py COMMAND…

The command finds in its environment OPEN_URL (CARTD_AUTH=open), GUARDED_URL (CARTD_AUTH=token), and for
the second ADA_TOKEN, a customer's bearer token, and OPERATOR_TOKEN, that of who may do everything.
CARTD_TEST_DATABASE_URL and CARTD_TEST_BINARY are as for the tests over HTTP.
"""

import contextlib
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests" / "http"))
from support import Database, Service, migrate, run_cartd  # noqa: E402
from support.tokens import AUDIENCE, ISSUER, key_of  # noqa: E402

EVERY_SCOPE = "carts:all catalog coupons events reports prices totals"


def guarding_settings(key, folder):
    path = pathlib.Path(folder) / "keys"
    path.write_text(f"{key.public}\n", encoding="utf-8")
    path.chmod(0o600)
    return {
        "CARTD_AUTH": "token",
        "CARTD_AUTH_ALGORITHM": key.algorithm,
        "CARTD_AUTH_KEYS": str(path),
        "CARTD_AUTH_ISSUER": ISSUER,
        "CARTD_AUTH_AUDIENCE": AUDIENCE,
    }


@contextlib.contextmanager
def service(**settings):
    """The address of a service on a database of its own."""
    database = Database()
    try:
        database.migrated_by(migrate)
        sample = str(ROOT / "scripts" / "sample-catalogue.csv")
        done = run_cartd("catalog", "import", sample, url=database.app_url)
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
        running = Service(database.app_url, **settings)
        try:
            yield f"http://127.0.0.1:{running.port}"
        finally:
            running.stop()
    finally:
        database.drop()


def main():
    key = key_of("HS256")
    with (
        tempfile.TemporaryDirectory() as folder,
        service() as open_url,
        service(**guarding_settings(key, folder)) as guarded_url,
    ):
        environment = {
            **os.environ,
            "OPEN_URL": open_url,
            "GUARDED_URL": guarded_url,
            "ADA_TOKEN": key.token("ada"),
            "OPERATOR_TOKEN": key.token("operator", scope=EVERY_SCOPE),
        }
        return subprocess.run(sys.argv[1:], env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
