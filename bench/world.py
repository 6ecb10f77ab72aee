"""What a measure works with: cartd processes, databases, and the three programs that make load."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
CARTD = os.environ.get("BENCH_CARTD", "")
WORKPLACE = os.environ.get("BENCH_WORKPLACE", "")
PROGRAMS = os.environ.get("BENCH_PROGRAMS", "")
LOAD = os.path.join(WORKPLACE, "load")
SKUS = 1000
BEGIN = time.monotonic()


class Trouble(Exception):
    """Something did not work, so there is no figure."""


def say(sentence):
    print(f"{time.monotonic() - BEGIN:6.1f} s  {sentence}", file=sys.stderr, flush=True)


def run(*command, timeout=1800, environment=None, text=None):
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=timeout, check=False, input=text,
        env={**os.environ, **(environment or {})},
    )
    if done.returncode != 0:
        raise Trouble(f"{' '.join(command)[:200]} failed:\n{(done.stdout + done.stderr)[-4000:]}")
    return done.stdout


def cart_id(number):
    """Cart n has this id wherever it is named: here, in load.c, in wrk.lua and in SQL."""
    return f"01936f6e-0000-7000-8000-{100000000000 + number}"


# ---- databases ------------------------------------------------------------------------------------


class Database:
    """One of the cluster's, and the ledger of what was answered from it."""

    def __init__(self, name):
        self.name = name
        self.adds_least = 0  # answered with success: these must be in the log
        self.adds_most = 0  # and these may be, as whoever asked did not wait for the answer

    @classmethod
    def create(cls, name, template=None):
        run_sql("postgres", f"CREATE DATABASE {name}" + (f" TEMPLATE {template.name}" if template else ""))
        database = cls(name)
        if template:
            database.adds_least = template.adds_least
            database.adds_most = template.adds_most
        return database

    def url(self, user="postgres"):
        sockets, port = os.environ["PGHOST"], os.environ["PGPORT"]
        return f"postgresql://{user}@/{self.name}?host={sockets}&port={port}"

    def migrate(self):
        cartd(self, "migrate")
        self.sql("""
            DO $$ BEGIN CREATE ROLE cartd_service LOGIN IN ROLE cartd_app;
            EXCEPTION WHEN duplicate_object THEN NULL; END $$""")

    def sql(self, statements):
        return run_sql(self.name, statements)

    def script(self, name, **variables):
        arguments = [f"--set={key}={value}" for key, value in variables.items()]
        return run(
            os.path.join(PROGRAMS, "psql"), "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1",
            "-d", self.name, *arguments, "-f", os.path.join(HERE, name))

    def settle(self):
        """The state that every measure begins with: statistics, no dead rows, nothing to write."""
        self.sql("VACUUM ANALYZE")
        self.sql("CHECKPOINT")

    def count_adds(self):
        return int(self.sql("SELECT count(*) FROM events WHERE type = 'ItemAdded'"))

    def note_adds(self, answered, unanswered=0):
        self.adds_least += answered
        self.adds_most += answered + unanswered


def run_sql(database, statements):
    return run(
        os.path.join(PROGRAMS, "psql"), "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1",
        "-d", database, "-c", statements).strip()


def touch_shared_memory(mebibytes):
    """Has PostgreSQL fill so many of its shared buffers once, and gives them back to be used first. The kernel finds and
    clears memory when it is touched first, which a server that has run for a while did long ago; else
    every page that a table grows by would cost it during the measures."""
    buffers = int(run_sql("postgres", "SELECT setting FROM pg_settings WHERE name = 'shared_buffers'"))
    pages = min(mebibytes * 128, buffers * 19 // 20)
    run_sql("postgres", "CREATE UNLOGGED TABLE filler (page text); ALTER TABLE filler ALTER page SET STORAGE PLAIN")
    run_sql("postgres", f"INSERT INTO filler SELECT repeat('x', 8000) FROM generate_series(1, {pages})")
    run_sql("postgres", "DROP TABLE filler")


def write_ahead(mebibytes):
    """Files of the write-ahead log, which the next checkpoint makes ready to be used again, as in a
    server that has run for a while. Each new one costs 16 MiB of zeros and a flush."""
    run_sql("postgres", "SELECT count(pg_logical_emit_message(false, 'bench', repeat('x', 1048576)))"
            f" FROM generate_series(1, {mebibytes})")


def flushes_a_second():
    """How often the disk makes 8 KiB durable, one after the other: what every commit waits for."""
    path = os.path.join(WORKPLACE, "flushes")
    page = bytes(8192)
    flushes = 0
    with open(path, "wb", buffering=0) as file:
        file.write(page * 1024)
        begins = time.monotonic()
        while time.monotonic() - begins < 0.5:
            os.pwrite(file.fileno(), page, flushes % 1024 * len(page))
            os.fdatasync(file.fileno())
            flushes += 1
    os.unlink(path)
    return flushes * 2


# ---- cartd ----------------------------------------------------------------------------------------


def cartd(database, *arguments):
    return run(CARTD, *arguments, environment={"DATABASE_URL": database.url()})


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Service:
    """A `cartd serve` on a database, with the least rights that it needs. The baselines have no reports,
    so neither has it, unless the settings say otherwise."""

    running = []

    def __init__(self, database, **settings):
        self.database = database
        self.settings = settings
        self.port = free_port()
        self.process = None
        self.start()

    def start(self):
        with open(os.path.join(WORKPLACE, f"cartd-{self.port}.log"), "ab") as log:
            self.process = subprocess.Popen(
                [CARTD, "serve"], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={
                    **os.environ, "CARTD_PROJECTIONS": "off",
                    "GLIBC_TUNABLES": "glibc.malloc.tcache_count=400",  # as the image sets it
                    **self.settings,
                    "DATABASE_URL": self.database.url("cartd_service"),
                    "CARTD_LISTEN": f"127.0.0.1:{self.port}",
                    "CARTD_LOG_LEVEL": "warning",
                })
        Service.running.append(self)
        ends = time.monotonic() + 30
        while not self.is_ready():
            if self.process.poll() is not None or time.monotonic() > ends:
                raise Trouble(f"cartd does not serve:\n{self.log()}")
            time.sleep(0.02)

    def log(self):
        with open(os.path.join(WORKPLACE, f"cartd-{self.port}.log"), encoding="utf-8") as log:
            return log.read()[-4000:]

    def is_ready(self):
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            client.request("GET", "/readyz")
            return client.getresponse().status == 200
        except OSError:
            return False
        finally:
            client.close()

    def stop(self):
        if self in Service.running:
            Service.running.remove(self)
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)

    def restart(self):
        self.stop()
        self.start()

    def metric(self, name):
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        client.request("GET", "/metrics")
        text = client.getresponse().read().decode()
        client.close()
        return sum(float(value) for value in re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.M))

    def wait_for_projections(self):
        ends = time.monotonic() + 600
        while self.metric("cartd_projection_runner") == 0 or self.metric("cartd_projection_lag_events") > 0:
            if time.monotonic() > ends:
                raise Trouble(f"the projections do not catch up:\n{self.log()}")
            time.sleep(0.2)

    def memory_mib(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return int(re.search(r"VmRSS:\s+(\d+) kB", status.read()).group(1)) / 1024

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


# ---- load -----------------------------------------------------------------------------------------


class Seeds:
    """Each sample draws other carts, and each run of the benchmark the same ones."""

    next = 1


def generate(*command):
    """What a load generator prints. None of them, pgbench neither, takes a core from what it measures
    because an answer has woken it (SCHED_BATCH, sched(7)); on a machine of its own none could."""
    return run("chrt", "--batch", "0", *command)


def wrk(service, kind, connections, seconds, carts):
    """Debian's wrk, a closed loop. It leaves at the end without waiting for its last answers."""
    Seeds.next += 1
    out = generate(
        "wrk", "-t", "1", "-c", str(connections), "-d", f"{seconds}s", "--timeout", "10s",
        "-s", os.path.join(HERE, "wrk.lua"), f"http://127.0.0.1:{service.port}", "--",
        kind, str(carts), str(Seeds.next))
    result = json.loads(re.search(r"^RESULT (.*)$", out, re.M).group(1))
    answered = result["requests"] - result["status"]
    result["rate"] = answered / (result["duration_us"] / 1e6)
    if result["status"] or result["socket"] or result["timeout"]:
        say(f"  wrk: {result['status']} refused, {result['socket']} broken, {result['timeout']} late")
    if kind == "add":
        service.database.note_adds(answered, connections)
    return result


def load(service, **options):
    """bench/load: exact counts, latencies of each kind, a closed loop or (rate=) an open one."""
    Seeds.next += 1
    result = json.loads(generate(LOAD, *load_arguments(service, seed=Seeds.next, **options)))
    for kind in ("create", "add", "change", "get", "livez"):
        answers = result.get(kind)
        if answers is None:
            continue
        if answers["wrong"]:
            raise Trouble(f"{answers['wrong']} {kind}s were answered {answers['wrong_status']}")
        lost = answers["sent"] - answers["ok"] - answers["refused"]
        if lost or answers["refused"]:
            say(f"  load: {answers['refused']} refused, {lost} unanswered {kind}s")
        per_answer = {"create": options.get("lines", 4), "add": 1}.get(kind, 0)
        service.database.note_adds(answers["ok"] * per_answer, lost * per_answer)
    return result


def load_arguments(service, **options):
    arguments = ["--port", str(service.port)]
    for name, number in options.items():
        arguments += ["--" + name.replace("_", "-"), str(int(number))]
    return arguments


class Idle:
    """Keep-alive connections that were used once and are then held."""

    def __init__(self, service, connections, carts):
        self.process = subprocess.Popen(
            [LOAD, *load_arguments(service, connections=connections, get=1, carts=carts, idle=1)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "ready\n":
            raise Trouble(f"{connections} idle connections can't be had")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        out, _ = self.process.communicate("")
        result = json.loads(out)
        if result["still_open"] != result["held"]:
            say(f"  of {result['held']} idle connections {result['still_open']} remained open")


def create_carts(service, first, carts, lines=4):
    made = load(
        service, create=1, connections=64, in_order=1, requests=carts, seconds=600,
        first=first, carts=carts, lines=lines)
    if made["create"]["ok"] != carts:
        raise Trouble(f"of {carts} carts {made['create']['ok']} were made")


def lengthen_carts(service, first, carts, n_events):
    """Gives each cart so many events more, by adding one of a line and taking it back."""
    client = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
    for number in range(first, first + carts):
        for begin in range(0, n_events, 100):
            commands = []
            for step in range(begin, min(begin + 100, n_events), 2):
                sku = f"p{(number + step // 2 % 4) % SKUS}"
                commands += [
                    {"type": "add_item", "sku": sku, "quantity": 1},
                    {"type": "change_item_quantity", "item_id": sku, "quantity": 1},
                ]
            client.request(
                "POST", f"/carts/{cart_id(number)}/commands", json.dumps({"commands": commands}),
                {"Content-Type": "application/json"})
            answer = client.getresponse()
            body = answer.read()
            if answer.status != 200:
                raise Trouble(f"a request of {len(commands)} commands was answered {body[:500]}")
            service.database.note_adds(len(commands) // 2)
    client.close()


def pgbench(database, script, clients, seconds, carts):
    out = generate(
        os.path.join(PROGRAMS, "pgbench"), "-n", "-M", "prepared", "-f", os.path.join(HERE, script),
        "-c", str(clients), "-j", str(min(clients, 2)), "-T", str(seconds), "-D", f"carts={carts}",
        database.name)
    return float(re.search(r"^tps = ([0-9.]+)", out, re.M).group(1))


def write_catalogue(path, products):
    with open(path, "w", encoding="ascii") as file:
        file.write("sku,name,currency,price\n")
        for number in range(products):
            file.write(f"p{number},Product number {number},EUR,{100 + number % 900}\n")


def import_catalogue(database, products):
    """Returns how long it took."""
    path = os.path.join(WORKPLACE, "catalogue.csv")
    write_catalogue(path, products)
    begins = time.monotonic()
    cartd(database, "catalog", "import", path)
    took = time.monotonic() - begins
    os.unlink(path)
    found = int(database.sql("SELECT count(*) FROM products"))
    if found != products:
        raise Trouble(f"of {products} products {found} were imported")
    return took
