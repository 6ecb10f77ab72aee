"""The benchmark's measures; bench/run sets the stage. One function a measure, in the order of MEASURES.

What is compared is measured in turns (A B A B), for the machine's mood changes with the minutes. Of a
setting's rounds the median counts; of the settings of a series (1..64 clients, 16..256 connections)
the best.
"""

import contextlib
import os
import signal
import statistics
import sys
import time

import checks
import table
from table import Row
from world import (
    WORKPLACE, Database, Idle, Service, Trouble, create_carts, import_catalogue, lengthen_carts,
    load, pgbench, run_sql, say, touch_shared_memory, wrk, write_ahead,
)

SEED_CARTS = 20_000  # 100,000 events
WIDE_CARTS = 200
# Where the carts of the special measures begin; the usual ones are 0, 1, 2, …
LONG, SHORT, WIDE, NARROW, HOT = 1_000_000, 1_100_000, 2_000_000, 2_100_000, 3_000_000
# Adds to few lines would reach a line's limit of 999, so one request in 50 sets a line back to 1.
ADDS_AND_RESETS = {"add": 49, "change": 1}


class Bench:
    def __init__(self, is_quick, only):
        self.is_quick = is_quick
        self.only = only
        self.seconds = 1 if is_quick else 5
        self.rounds = 1 if is_quick else 3
        self.carts = SEED_CARTS if is_quick else 100_000
        self.long_carts = 3 if is_quick else 8
        self.copies = 2 if is_quick else 99  # of 100,000 events each
        self.write_ahead_mib = 1500 if is_quick else 6500
        self.touched_mib = 600 if is_quick else 8000  # what a run grows by, or what there is
        self.products = 50_000 if is_quick else 1_000_000
        self.databases = []
        self.main = self.log_small = self.log_big = None
        self.replays = []  # one a round
        self.followed = self.unfollowed = None
        self.service = None
        self.samples = {}
        self.rows = []
        self.claims = []

    def wants(self, *names):
        return not self.only or any(name in self.only for name in names)

    def database(self, name, template=None):
        self.databases.append(Database.create(name, template))
        return self.databases[-1]

    def record(self, name, figure):
        self.samples.setdefault(name, []).append(round(figure, 4))
        return figure

    def median(self, name):
        return statistics.median(self.samples[name])

    def best(self, series):
        """(figure, setting) of the best setting of a series."""
        settings = [name for name in self.samples if name.startswith(series + " at ")]
        best = max(settings, key=self.median)
        return self.median(best), best.rsplit(" ", 1)[1]

    def row(self, *arguments, **names):
        self.rows.append(Row(*arguments, **names))
        say("  " + "  ".join(cell for cell in self.rows[-1].cells() if cell))

    def rate(self, name, service, kind, connections, carts=None, **how):
        done = load(
            service, connections=connections, seconds=self.seconds, carts=carts or self.carts,
            **{kind: 1}, **how)
        return self.record(name, done[kind]["rate"])

    def adds(self, service, name, connections, carts=None):
        return self.rate(name, service, "add", connections, carts)

    def reads(self, kind, connections):
        """Of what takes no PostgreSQL, so that the load may have the other core for itself."""
        return self.rate(f"{kind} at {connections}", self.service, kind, connections, spin=1)

    def each(self, service, kind, carts=None):
        """Asks for each cart once; the rate."""
        carts = carts or self.carts
        done = load(
            service, connections=64, in_order=1, requests=carts, carts=carts, seconds=600, **{kind: 1})
        return done[kind]["rate"]

    def warm(self, service, carts=None):
        """Each cart gets one add: pages are touched the first time since the checkpoint, carts cached."""
        self.each(service, "add", carts)


# ---- the stage ------------------------------------------------------------------------------------


def set_up(bench):
    say("Touching shared memory.")
    touch_shared_memory(bench.touched_mib)
    say(f"Loading a catalogue and {bench.carts:,} carts of 4 lines through the API.")
    seed = bench.database("seed")
    seed.migrate()
    import_catalogue(seed, 1000)
    with Service(seed) as service:
        create_carts(service, 0, SEED_CARTS)
    if bench.wants("follow"):
        bench.followed = bench.database("followed", seed)
        bench.unfollowed = bench.database("unfollowed", seed)
    if bench.wants("log"):
        bench.log_small = bench.database("log_small", seed)
        bench.log_big = bench.database("log_big", seed)
        say(f"Giving one log {bench.copies * SEED_CARTS * 5:,} events of history.")
        bench.log_big.script("history.sql", copies=bench.copies)
        bench.log_big.note_adds(bench.copies * SEED_CARTS * 4)
    bench.main = seed
    if bench.carts > SEED_CARTS:
        with Service(seed) as service:
            create_carts(service, SEED_CARTS, bench.carts - SEED_CARTS)
    if bench.wants("replay"):
        bench.replays = [bench.database(f"replay_{n + 1}", seed) for n in range(bench.rounds)]
    say("Making the baseline's tables.")
    seed.script("baseline.sql")
    set_up_special_carts(bench)
    say("VACUUM ANALYZE, CHECKPOINT.")
    write_ahead(bench.write_ahead_mib)
    for database in bench.databases:
        database.settle()
    bench.service = Service(bench.main)
    warm_up(bench)


def set_up_special_carts(bench):
    say("Making the special carts.")
    with Service(bench.main) as service:
        create_carts(service, HOT, 1)
        if bench.wants("long"):
            create_carts(service, LONG, bench.long_carts)
            lengthen_carts(service, LONG, bench.long_carts, 10_000 - 5)
            create_carts(service, SHORT, bench.long_carts)
            lengthen_carts(service, SHORT, bench.long_carts, 10 - 5)
        if bench.wants("wide"):
            create_carts(service, WIDE, WIDE_CARTS, 250)
            create_carts(service, NARROW, WIDE_CARTS, 5)


def warm_up(bench):
    if bench.only and bench.only <= {"import", "log", "follow"}:
        return
    say("Warming up.")
    bench.warm(bench.service)
    pgbench(bench.main, "baseline_add.sql", 16, bench.seconds, bench.carts)


def go_on_from_checkpoint(bench):
    """After some gigabytes of the write-ahead log: a checkpoint here, so that none falls into a measure."""
    say("CHECKPOINT.")
    run_sql("postgres", "CHECKPOINT")
    warm_up(bench)


# ---- rates ----------------------------------------------------------------------------------------


@contextlib.contextmanager
def service_that_replays(bench, turn):
    """A cartd without the cache, on carts whose streams are as short as they were before the first round."""
    if not bench.replays:
        yield None
        return
    with Service(bench.replays[turn], CARTD_CACHE_CARTS="0") as service:
        bench.warm(service)
        yield service


def measure_rates(bench):
    """The series that take turns: baselines and what stands beside them."""
    def baseline(script, name):
        return lambda n: bench.record(
            f"{name} at {n}", pgbench(bench.main, script, n, bench.seconds, bench.carts))

    def wrk_asks(kind, name):
        return lambda n: bench.record(
            f"{name} at {n}", wrk(bench.service, kind, n, bench.seconds, bench.carts)["rate"])

    def gets(n):
        # What was changed while nobody read is in PostgreSQL's memory only.
        bench.record("first get at 64", bench.each(bench.service, "get"))
        bench.reads("get", n)

    clients, connections = [1, 4, 16, 64], [16, 64, 256]
    series = []
    if bench.wants("adds", "replay"):
        series.append((baseline("baseline_add.sql", "baseline (a)"), clients))
    if bench.wants("adds"):
        series.append((lambda n: bench.adds(bench.service, f"adds at {n}", n), connections))
        series.append((wrk_asks("add", "adds by wrk"), connections))
    if bench.wants("replay"):
        series.append((lambda n: bench.adds(replaying, f"replays at {n}", n), connections))
    if bench.wants("gets"):
        series.append((baseline("baseline_get.sql", "baseline (b)"), clients))
        series.append((gets, connections))
        series.append((wrk_asks("get", "get by wrk"), connections))
    if bench.wants("livez"):
        series.append((lambda n: bench.reads("livez", n), connections))
    for turn in range(bench.rounds):
        with service_that_replays(bench, turn) as replaying:
            for i in range(len(clients)):
                for sample, settings in series:
                    if i < len(settings):
                        sample(settings[i])
    rate_rows(bench)


def rate_rows(bench):
    def versus(name, series, baseline, target, aim):
        rate, connections = bench.best(series)
        base, clients = bench.best(baseline)
        bench.row(
            f"{name}{aim}", f"{rate:,.0f}/s at {connections}",
            f"{base:,.0f}/s {baseline} at {clients}", rate / base, target)

    if bench.wants("adds"):
        versus("durable adds, carts at random", "adds", "baseline (a)", 5, " (aim: 7x)")
        versus("durable adds, asked by wrk", "adds by wrk", "baseline (a)", None, "")
    if bench.wants("replay"):
        versus("the same without the cache of carts", "replays", "baseline (a)", 3, "")
    if bench.wants("gets"):
        versus("GET a cart", "get", "baseline (b)", 1.2, " (aim: 1.6x)")
        versus("GET a cart, asked by wrk", "get by wrk", "baseline (b)", None, "")
        if bench.wants("adds"):
            versus("the first GET of each cart after adds", "first get", "baseline (b)", None, "")
    if bench.wants("livez"):
        for series, name in (("adds", "adds beside /livez"), ("get", "gets beside /livez")):
            if any(sample.startswith(series + " at ") for sample in bench.samples):
                versus(name, series, "livez", None, "")


def measure_hot(bench):
    for _ in range(bench.rounds):
        for name, first, carts in (("hot", HOT, 1), ("random", 0, bench.carts)):
            done = load(
                bench.service, connections=64, seconds=bench.seconds, first=first, carts=carts,
                **ADDS_AND_RESETS)
            bench.record(f"{name} adds at 64", done["add"]["rate"])
            if name == "hot":
                bench.record("hot adds answered", done["add"]["ok"])
    bench.row(
        "all adds to one cart, 64 connections", f"{bench.median('hot adds at 64'):,.0f}/s",
        f"{bench.median('random adds at 64'):,.0f}/s at random",
        bench.median("hot adds at 64") / bench.median("random adds at 64"), 1)
    bench.claims.append(checks.nothing_lost_of_one_cart(
        bench.main, HOT, 4 + sum(bench.samples["hot adds answered"])))


def measure_mixed(bench):
    for _ in range(bench.rounds):
        for name, weights in (
                ("alone", {"add": 1}), ("alone", {"get": 1}), ("mixed", {"add": 1, "get": 9})):
            done = load(
                bench.service, connections=256, seconds=bench.seconds, carts=bench.carts, **weights)
            for kind in weights:
                bench.record(f"{name} {kind}s rate", done[kind]["rate"])
                bench.record(f"{name} {kind}s p99", done[kind]["p99_ms"])
    shares = 0
    for kind in ("add", "get"):
        rate, p99 = bench.median(f"mixed {kind}s rate"), bench.median(f"mixed {kind}s p99")
        alone = bench.median(f"alone {kind}s p99")
        shares += rate / bench.median(f"alone {kind}s rate")
        bench.row(
            f"mixed 1:9 at 256: p99 of {kind}s", f"{p99:.1f} ms ({rate:,.0f}/s)",
            f"{alone:.1f} ms alone", p99 / alone, 3, True)
    bench.row(
        "mixed 1:9 at 256: shares of the rates alone", f"{shares * 100:.0f} %", "", shares)


def measure_single(bench):
    for _ in range(bench.rounds):
        rate = bench.adds(bench.service, "single adds", 1)
        base = pgbench(bench.main, "baseline_add.sql", 1, bench.seconds, bench.carts)
        bench.record("single ms", 1000 / rate)
        bench.record("single baseline ms", 1000 / base)
    figure, base = bench.median("single ms"), bench.median("single baseline ms")
    bench.row(
        "one connection, one add at a time", f"{figure:.3f} ms", f"{base:.3f} ms (a), 1 client",
        figure / base, 1, True)


def measure_open(bench):
    if not any(name.startswith("adds at ") for name in bench.samples):
        bench.adds(bench.service, "adds at 64", 64)
    rate = bench.best("adds")[0] / 2
    names = ("p50_ms", "p99_ms", "p999_ms", "max_ms")
    for _ in range(bench.rounds):
        os.sync()  # the measures before wrote more a second than this one does
        done = load(
            bench.service, add=1, rate=rate, connections=512, carts=bench.carts,
            seconds=bench.seconds * 2)["add"]
        for name in names:
            bench.record(f"open {name}", done[name])
        bench.record("open rate", done["rate"])
    p50, p99, p999, most = (bench.median(f"open {name}") for name in names)
    bench.row(
        "p99 of adds at half the best rate, open loop",
        f"p50 {p50:.2f}, p99 {p99:.2f}, p99.9 {p999:.2f} ms",
        f"{bench.median('open rate'):,.0f}/s offered and answered; longest {most:.0f} ms",
        p99, 10, True, " ms")


# ---- shapes of carts, of connections and of the log -----------------------------------------------


def measure_long(bench):
    both = (("long", LONG), ("short", SHORT))
    for _ in range(bench.rounds):
        bench.service.restart()
        load(bench.service, add=1, carts=bench.carts, requests=500, seconds=60)
        for i in range(bench.long_carts):
            for name, first in both:
                done = load(bench.service, add=1, first=first + i, requests=1, seconds=60)
                bench.record(f"{name} after restart ms", done["add"]["mean_ms"])
        for _ in range(3):
            for name, first in both:
                done = load(
                    bench.service, seconds=60, first=first, carts=bench.long_carts,
                    requests=200 * bench.long_carts, **ADDS_AND_RESETS)
                bench.record(f"{name} warm ms", done["add"]["p50_ms"])
    for when in ("warm", "after restart"):
        figure, base = bench.median(f"long {when} ms"), bench.median(f"short {when} ms")
        bench.row(
            f"a command on a cart with 10,000 events, {when}", f"{figure:.3f} ms",
            f"{base:.3f} ms with 10 events", figure / base, 1.5, True)


def measure_wide(bench):
    for _ in range(bench.rounds):
        for lines, first in ((5, NARROW), (250, WIDE)):
            done = load(
                bench.service, connections=64, seconds=bench.seconds, first=first,
                carts=WIDE_CARTS, lines=lines, **ADDS_AND_RESETS)
            bench.record(f"adds with {lines} lines", done["add"]["rate"])
    narrow, wide = bench.median("adds with 5 lines"), bench.median("adds with 250 lines")
    bench.row(
        "adds to carts of 5 lines against 250", f"{wide:,.0f}/s with 250", f"{narrow:,.0f}/s with 5",
        narrow / wide, 3, True)


def measure_idle(bench):
    service = bench.service
    service.restart()
    empty = service.memory_mib()
    for connections, most in ((1000, 48), (10000, 192)):
        with Idle(service, connections, bench.carts):
            memory = bench.record(f"MiB at {connections}", service.memory_mib())
        bench.row(
            f"memory with {connections:,} idle connections", f"{memory:.1f} MiB",
            f"{empty:.1f} MiB without", memory, most, True, " MiB")
    bench.warm(service)
    for _ in range(bench.rounds):
        with Idle(service, 10000, bench.carts):
            bench.adds(service, "adds beside 10,000 idle", 64)
            bench.record("MiB with carts and 10000", service.memory_mib())
        bench.adds(service, "adds beside none", 64)
    busy, alone = bench.median("adds beside 10,000 idle"), bench.median("adds beside none")
    bench.row(
        "adds beside 10,000 idle connections", f"{busy:,.0f}/s", f"{alone:,.0f}/s without",
        busy / alone, 0.9)
    memory = bench.median("MiB with carts and 10000")
    bench.row(f"memory with them and {bench.carts:,} carts in the cache", f"{memory:.1f} MiB")


def measure_log(bench):
    with Service(bench.log_small) as small, Service(bench.log_big) as big:
        for service in (small, big):
            bench.warm(service, SEED_CARTS)
        for _ in range(bench.rounds):
            bench.adds(small, "adds to the small log", 64, carts=SEED_CARTS)
            bench.adds(big, "adds to the big log", 64, carts=SEED_CARTS)
    small, big = bench.median("adds to the small log"), bench.median("adds to the big log")
    millions = (bench.copies + 1) * SEED_CARTS * 5 / 1e6
    bench.row(
        f"adds to a log of {millions:g} million events", f"{big:,.0f}/s", f"{small:,.0f}/s with 100,000",
        big / small, 0.8)


def measure_follow(bench):
    with Service(bench.unfollowed) as alone, \
            Service(bench.followed, CARTD_PROJECTIONS="on") as followed:
        for service in (alone, followed):
            bench.warm(service, SEED_CARTS)
        for _ in range(bench.rounds):
            followed.wait_for_projections()
            bench.adds(alone, "adds without projections", 64, carts=SEED_CARTS)
            bench.adds(followed, "adds with projections", 64, carts=SEED_CARTS)
    figure, base = bench.median("adds with projections"), bench.median("adds without projections")
    bench.row(
        "adds while the reports' projections follow", f"{figure:,.0f}/s", f"{base:,.0f}/s without",
        figure / base)


def measure_import(bench):
    database = bench.database("catalogue")
    database.migrate()
    took = bench.record("import s", import_catalogue(database, bench.products))
    whole = took * 1e6 / bench.products
    bench.row(
        "catalogue import, a million lines", f"{took:.1f} s for {bench.products:,}",
        f"{bench.products / took:,.0f}/s", whole, 60, True, " s")


RATES = ("adds", "replay", "gets", "livez")
MEASURES = {
    "hot": measure_hot, "mixed": measure_mixed, "single": measure_single, "open": measure_open,
    "wide": measure_wide, "long": measure_long, "idle": measure_idle, "log": measure_log,
    "follow": measure_follow, "import": measure_import,
}


def measure(bench):
    if bench.wants(*RATES):
        say("Measuring rates.")
        measure_rates(bench)
        if any(bench.wants(name) for name in MEASURES):
            go_on_from_checkpoint(bench)
    for name, function in MEASURES.items():
        if bench.wants(name):
            say(f"Measuring {name}.")
            function(bench)


def serve(bench):
    """The stage alone, to profile on: bench/NOTES.md says how."""
    say(f"cartd, process {bench.service.process.pid}, serves on port {bench.service.port}.")
    say(f"Its log and PostgreSQL's are in {WORKPLACE}; the tables are in {bench.main.url()}")
    say(f"For a cartd of your own: DATABASE_URL='{bench.main.url('cartd_service')}'")
    signal.pause()


def ended(*_):
    sys.exit(143)


def main():
    signal.signal(signal.SIGTERM, ended)
    is_quick = is_serving = False
    only = set()
    for argument in sys.argv[1:]:
        if argument == "--quick":
            is_quick = True
        elif argument == "--serve":
            is_serving = True
        elif argument.startswith("--only="):
            only = set(argument.removeprefix("--only=").split(","))
            if not only <= {*RATES, *MEASURES}:
                sys.exit(f"bench: the measures are {', '.join((*RATES, *MEASURES))}")
    bench = Bench(is_quick, only or ({"adds"} if is_serving else set()))
    begins = time.monotonic()
    about = table.machine()
    try:
        set_up(bench)
        if is_serving:
            serve(bench)
        measure(bench)
    except Trouble as trouble:
        sys.exit(f"bench: {trouble}")
    finally:
        for service in list(Service.running):
            service.stop()
    say("Checking that nothing was lost.")
    claims = bench.claims + [claim for database in bench.databases for claim in checks.check(database)]
    mode = "quick" if is_quick else "full"
    table.write(os.environ["BENCH_RESULTS"], mode, about, bench.rows, claims, bench.samples)
    print(f"\n{table.machine_line(about)}; {mode}, {time.monotonic() - begins:.0f} s\n")
    print(table.as_text(bench.rows) + "\n")
    sys.exit(checks.report(claims))


if __name__ == "__main__":
    main()
