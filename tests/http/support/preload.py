"""Makes a machine fail for one process: preload.c in front of the C library, told what to do
through a file that both map."""

import atexit
import functools
import mmap
import os
import pathlib
import shutil
import struct
import subprocess
import tempfile

from .service import asan_options

SOURCE = pathlib.Path(__file__).with_name("preload.c")

# What preload.c calls by the same names, in the same order.
NUMBERS = (
    "clock_offset_us",
    "n_allocations",
    "failing_allocation",
    "n_failed_allocations",
    "interrupted_one_in",
    "short_one_in",
    "n_interrupted",
    "n_short",
    "seed",
    "is_disk_full",
    "n_refused_writes",
)
PATH_SIZE = 64


@functools.cache
def library():
    """The compiled library, for every process of this run. Others must be able to reach it: a
    PostgreSQL that was started by root runs as somebody else."""
    folder = tempfile.mkdtemp(prefix="cartd-test-preload-")
    os.chmod(folder, 0o755)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = f"{folder}/preload.so"
    compiler = os.environ.get("CC") or shutil.which("cc") or "gcc"
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-O2", "-Wall", "-Werror", str(SOURCE), "-o", path, "-ldl"],
        check=True,
    )
    return path


class Machine:
    """What one process, or one process and its children, lives on. Each number is an attribute that
    takes effect at once."""

    def __init__(self, **numbers):
        descriptor, self.path = tempfile.mkstemp(prefix="cartd-test-machine-")
        os.chmod(self.path, 0o666)
        with os.fdopen(descriptor, "r+b") as file:
            file.truncate(8 * len(NUMBERS) + PATH_SIZE)
            self.map = mmap.mmap(file.fileno(), 0)
        atexit.register(self.forget)
        for name, number in numbers.items():
            setattr(self, name, number)

    def forget(self):
        pathlib.Path(self.path).unlink(missing_ok=True)

    def __getattr__(self, name):
        if name not in NUMBERS:
            raise AttributeError(name)
        return struct.unpack_from("q", self.map, 8 * NUMBERS.index(name))[0]

    def __setattr__(self, name, value):
        if name in NUMBERS:
            struct.pack_into("q", self.map, 8 * NUMBERS.index(name), value)
        else:
            super().__setattr__(name, value)

    def fill_disk(self, path_part):
        """From now on nothing can be written to files with this in their path."""
        offset = 8 * len(NUMBERS)
        self.map[offset : offset + PATH_SIZE] = path_part.encode().ljust(PATH_SIZE, b"\0")
        self.is_disk_full = 1

    def environment(self):
        """What the process must be started with. A binary with sanitizers would refuse to have
        anything loaded before them; what they do is done all the same."""
        return {
            "LD_PRELOAD": library(),
            "PRELOAD_CONTROL": self.path,
            "ASAN_OPTIONS": asan_options("verify_asan_link_order=0", "quarantine_size_mb=1"),
        }
