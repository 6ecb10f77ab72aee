"""What the environment says about this run."""

import os
import pathlib
import unittest

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
OPENAPI = REPOSITORY / "openapi.yaml"

EXTERNAL_URL = os.environ.get("CARTD_TEST_URL", "")
DATABASE_URL = os.environ.get("CARTD_TEST_DATABASE_URL", "")
BINARY = os.environ.get("CARTD_TEST_BINARY", str(REPOSITORY / "build" / "cartd"))


def is_set(name):
    return os.environ.get(name, "0") not in ("", "0")


# How much is tried; see how_many() and slow().
IS_QUICK = is_set("CARTD_TEST_QUICK")
IS_LONG = is_set("CARTD_TEST_LONG")

# No test asserts how fast anything is; these only end what hangs.
ANSWER_TIMEOUT = 60.0
START_TIMEOUT = 60.0
STOP_TIMEOUT = 60.0
LOAD_TIMEOUT = 600.0


def needs_binary(test):
    """Skips a class or a method when the service under test is not ours to start, and its database
    not ours to look into."""
    return unittest.skipIf(EXTERNAL_URL, "needs a service of its own; CARTD_TEST_URL is set")(test)


def needs_bare_process(reason):
    """Skips what can't be seen of a process that runs inside valgrind; reason says why."""
    return unittest.skipIf(os.environ.get("CARTD_TEST_VALGRIND"), f"valgrind: {reason}")


# The same condition under the name of what a test is about.
needs_database = needs_binary


def how_many(usual, quick=None, long=None):
    """Of what is repeated or drawn at random: the number for this run."""
    if IS_LONG:
        return long or usual
    return quick or usual if IS_QUICK else usual


def slow(reason):
    """Skips in the quick form what takes long, and whose subject has ordinary tests besides; reason
    says what takes long."""
    return unittest.skipIf(IS_QUICK, f"slow: {reason}; scripts/test all runs it")
