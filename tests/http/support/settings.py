"""What the environment says about this run."""

import os
import pathlib
import unittest

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
OPENAPI = REPOSITORY / "openapi.yaml"

EXTERNAL_URL = os.environ.get("CARTD_TEST_URL", "")
DATABASE_URL = os.environ.get("CARTD_TEST_DATABASE_URL", "")
BINARY = os.environ.get("CARTD_TEST_BINARY", str(REPOSITORY / "build" / "cartd"))

# No test asserts how fast anything is; these only end what hangs.
ANSWER_TIMEOUT = 60.0
START_TIMEOUT = 60.0
STOP_TIMEOUT = 60.0
LOAD_TIMEOUT = 600.0


def needs_binary(test):
    """Skips a class or a method when the service under test is not ours to start."""
    return unittest.skipIf(EXTERNAL_URL, "needs a binary of its own; CARTD_TEST_URL is set")(test)


def needs_database(test):
    """Skips when there is no PostgreSQL to make databases in."""
    return unittest.skipIf(
        EXTERNAL_URL or not DATABASE_URL,
        "needs CARTD_TEST_DATABASE_URL, and CARTD_TEST_URL must be unset",
    )(test)
