"""PostgreSQL for tests: databases on a given server, and private servers that may be killed."""

import atexit
import glob
import os
import pathlib
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.parse

from .free_port import take_free_port
from .settings import DATABASE_URL, START_TIMEOUT, STOP_TIMEOUT

LOGIN = "cartd_test_app"
READER = "cartd_test_reader"
RELAY = "cartd_test_relay"
PASSWORD = "cartd-test-only"


def change_url(url, database=None, user=None, password=None):
    """The connection string with another database or user, in whichever form it came."""
    if not url.startswith(("postgresql://", "postgres://")):
        changes = {"dbname": database, "user": user, "password": password}
        return url + "".join(f" {name}={text}" for name, text in changes.items() if text)
    parts = urllib.parse.urlsplit(url)
    host_and_port = parts.netloc.rpartition("@")[2]
    login = parts.netloc.rpartition("@")[0]
    if user:
        login = user + (f":{password}" if password else "")
    return urllib.parse.urlunsplit(
        (
            parts.scheme,
            f"{login}@{host_and_port}" if login else host_and_port,
            f"/{database}" if database else parts.path,
            parts.query,
            "",
        )
    )


def run_sql(url, script, timeout=120):
    """Runs a script in one session; returns its last output as rows of texts."""
    done = subprocess.run(
        ["psql", "-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-d", url, "-f", "-"],
        input=script.encode(),
        capture_output=True,
        timeout=timeout,
        check=False,
    )
    if done.returncode != 0:
        raise SqlError(done.stderr.decode())
    return [line.split("\t") for line in done.stdout.decode().splitlines()]


class SqlError(Exception):
    """What psql said."""


class Database:
    """A database of its own on a server; dropped at the end. `owner_url` is for migrations and
    checks, `app_url` for the service: a login that is a member of cartd_app and no more.
    `reader_url` is the same for cartd_reader."""

    def __init__(self, server_url=None):
        self.server_url = server_url or DATABASE_URL
        if not self.server_url:
            raise RuntimeError("CARTD_TEST_DATABASE_URL must be set")
        self.name = f"cartd_test_{secrets.token_hex(6)}"
        self.owner_url = change_url(self.server_url, database=self.name)
        self.app_url = change_url(self.owner_url, user=LOGIN, password=PASSWORD)
        self.reader_url = change_url(self.owner_url, user=READER, password=PASSWORD)
        run_sql(self.server_url, f"CREATE DATABASE {self.name};")
        atexit.register(self.drop)

    def migrated_by(self, migrate):
        """Migrates with the given function of a URL, then makes the service's login."""
        migrate(self.owner_url)
        self.make_login(LOGIN, "cartd_app")
        self.make_login(READER, "cartd_reader")
        return self

    def make_relay_url(self):
        """For a login that is a member of cartd_relay."""
        self.make_login(RELAY, "cartd_relay")
        return change_url(self.owner_url, user=RELAY, password=PASSWORD)

    def make_login(self, login, role):
        """A login is the whole server's, so several runs may make it at the same time."""
        self.sql(f"""
            DO $$ BEGIN
                PERFORM pg_advisory_xact_lock(1, 20261123);
                IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{login}') THEN
                    CREATE ROLE {login} LOGIN PASSWORD '{PASSWORD}' IN ROLE {role};
                END IF;
            EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
            END $$;
        """)

    def sql(self, script, timeout=120):
        return run_sql(self.owner_url, script, timeout)

    def value(self, query):
        """The one value of a query, as text."""
        return self.sql(query)[0][0]

    def n_waiting(self):
        """How many of its sessions wait for a lock."""
        return int(
            self.value(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock';"
            )
        )

    def open_session(self):
        return Session(self.owner_url)

    def drop(self):
        atexit.unregister(self.drop)
        try:
            run_sql(self.server_url, f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE);")
        except (SqlError, OSError, subprocess.SubprocessError):
            pass  # Its server may be gone, and the database with it.


class Session:
    """A psql that stays, so that locks can be held."""

    def __init__(self, url):
        self.process = subprocess.Popen(
            ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, script):
        """Runs a script and returns when it is done."""
        self.process.stdin.write(f"{script}\n\\echo done\n")
        self.process.stdin.flush()
        lines = []
        for line in self.process.stdout:
            if line.strip() == "done":
                return lines
            lines.append(line.rstrip("\n"))
        raise SqlError("\n".join(lines))

    def close(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            self.process.wait(START_TIMEOUT)
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def find_server_programs():
    """The folder that has initdb and pg_ctl; None when PostgreSQL's server is not installed."""
    folders = []
    if shutil.which("pg_config"):
        told = subprocess.run(
            ["pg_config", "--bindir"], capture_output=True, text=True, check=False
        )
        folders.append(told.stdout.strip())
    versions = glob.glob("/usr/lib/postgresql/*/bin")
    folders += sorted(versions, key=lambda folder: -int(pathlib.Path(folder).parent.name))
    for folder in folders:
        if folder and os.access(f"{folder}/initdb", os.X_OK):
            return folder
    return None


class Cluster:
    """A PostgreSQL server of one test, durable as in production, that may be killed. `environment`
    is added to the server's."""

    def __init__(self, environment=None):
        self.environment = environment or {}
        self.programs = find_server_programs()
        self.folder = tempfile.mkdtemp(prefix="cartd-test-pg-")
        self.data = f"{self.folder}/data"
        self.port = take_free_port()
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"
        if os.geteuid() == 0:
            account = pwd.getpwnam("postgres")
            os.chown(self.folder, account.pw_uid, account.pw_gid)
        self.call(
            "initdb",
            "-D",
            self.data,
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
        )
        self.is_running = False
        atexit.register(self.destroy)

    def call(self, program, *arguments, is_checked=True):
        # PostgreSQL refuses to run as root.
        command = [f"{self.programs}/{program}", *arguments]
        if os.geteuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        with open(f"{self.folder}/{program}.out", "ab") as output:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.folder,
                env={**os.environ, **(self.environment if program == "pg_ctl" else {})},
                timeout=180,
                check=False,
            )
        if is_checked and done.returncode != 0:
            told = pathlib.Path(f"{self.folder}/{program}.out").read_text(errors="replace")
            raise RuntimeError(f"{program} failed:\n{told[-4000:]}")

    def start(self):
        options = (
            f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= "
            "-c fsync=on -c synchronous_commit=on -c full_page_writes=on "
            "-c max_connections=60 -c shared_buffers=32MB"
        )
        self.call(
            "pg_ctl",
            "start",
            "-w",
            "-t",
            "120",
            "-D",
            self.data,
            "-o",
            options,
            "-l",
            f"{self.folder}/server.log",
        )
        self.is_running = True
        return self

    def stop(self, mode="fast"):
        if self.is_running:
            self.call("pg_ctl", "stop", "-w", "-t", "120", "-D", self.data, "-m", mode)
            self.is_running = False

    def recover(self):
        """Starts it again after a panic, of which it may or may not have come back by itself."""
        self.call("pg_ctl", "stop", "-w", "-D", self.data, "-m", "immediate", is_checked=False)
        self.start()

    def kill(self):
        """Kills the postmaster, and waits for its children, of which nobody tells us the end."""
        with open(f"{self.data}/postmaster.pid", encoding="ascii") as file:
            pid = int(file.readline())
        children = list(self.processes_of(pid))
        os.kill(pid, signal.SIGKILL)
        end = time.monotonic() + STOP_TIMEOUT
        while any(os.path.exists(f"/proc/{child}/cwd") for child in [pid, *children]):
            if time.monotonic() > end:
                raise RuntimeError("PostgreSQL's processes outlive their postmaster")
            time.sleep(0.02)
        # Its number may be kept by nobody having asked for its status, and then looks alive.
        os.unlink(f"{self.data}/postmaster.pid")
        self.is_running = False

    @staticmethod
    def processes_of(pid):
        for name in os.listdir("/proc"):
            try:
                with open(f"/proc/{name}/stat", encoding="ascii") as file:
                    if int(file.read().rpartition(")")[2].split()[1]) == pid:
                        yield int(name)
            except (OSError, ValueError):
                pass  # No process, or none any more.

    def sql(self, script):
        return run_sql(self.url, script)

    def destroy(self):
        atexit.unregister(self.destroy)
        try:
            self.stop("immediate")
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)
