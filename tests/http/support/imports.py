"""What the tests of `cartd catalog import` and `cartd coupons import` share."""

import pathlib
import signal
import subprocess
import tempfile

from .case import ServiceCase
from .service import BINARY, clean_environment, run_cartd


class ImportCase(ServiceCase):
    SUBCOMMAND = "catalog"

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="cartd-test-import-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.path = self.folder / "products of today.csv"

    def run_import(self, content, *switches, expected=0, path=None):
        path = path or self.path
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        done = run_cartd(self.SUBCOMMAND, "import", str(path), *switches, url=self.database.app_url)
        self.assertEqual(done.returncode, expected, (done.stdout, done.stderr))
        return done

    def start_import(self, *switches):
        """Of standard input, which goes on. It can be interrupted, also where these tests can't be, as a
        shell without job control has what it starts in the background ignore SIGINT."""
        process = subprocess.Popen(
            [BINARY, self.SUBCOMMAND, "import", "-", *switches],
            env=clean_environment(DATABASE_URL=self.database.app_url),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        self.addCleanup(process.kill)
        return process

    def product(self, sku):
        answer = self.client.get(f"/products/{sku}")
        self.assertEqual(answer.status, 200, answer)
        return answer.json()

    def n_events(self):
        return int(self.database.value("SELECT count(*) FROM events;"))
