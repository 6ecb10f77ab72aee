"""What is broken under the load: processes of cartd, their wires to PostgreSQL, and PostgreSQL.

Stage is all that there is to break; each fault breaks something of it and has it whole again when
it returns. How long a pause is decides nothing: the judgement looks at no clock.
"""

import random
import signal
import time

from support import (
    ANSWER,
    RESET,
    Cluster,
    Database,
    Proxy,
    Service,
    migrate,
    take_free_port,
    wait_until,
)

SETTINGS = {"CARTD_OPEN_CARTS": "one", "CARTD_REOPEN_HOURS": "24", "CARTD_WAIT_MS": "1000"}


class Process:
    """One cartd behind a wire of its own to PostgreSQL."""

    def __init__(self, database):
        self.proxy, self.url = Proxy.of_database(database.app_url)
        self.port = take_free_port()
        self.start()

    def start(self):
        self.service = Service(self.url, port=self.port, **SETTINGS)

    def stop(self):
        self.service.stop()
        self.proxy.close()


class Stage:
    def __init__(self, n_processes):
        self.cluster = Cluster().start()
        self.database = Database(self.cluster.url).migrated_by(migrate)
        self.processes = [Process(self.database) for _ in range(n_processes)]

    @property
    def ports(self):
        return [process.port for process in self.processes]

    def wait_until_ready(self):
        for process in self.processes:
            process.service.wait_until_ready()

    def close(self):
        for process in self.processes:
            process.stop()
        self.cluster.destroy()


# ---- the faults ---------------------------------------------------------------------------------


def kill(stage, chance):
    """kill -9, and another in its place."""
    process = chance.choice(stage.processes)
    process.service.kill()
    process.start()


def kill_unheard(stage, chance):
    """What it has just recorded it never hears of, and answers nobody."""
    process = chance.choice(stage.processes)
    process.proxy.swallow_answers()
    time.sleep(0.2)
    process.service.kill()
    process.proxy.cut(RESET)
    process.start()


def pause(stage, chance):
    """Its clients give up and go to another; what it had received it does when it wakes up."""
    process = chance.choice(stage.processes)
    process.service.signal(signal.SIGSTOP)
    time.sleep(chance.choice((0.2, 1.0, 2.5)))
    process.service.signal(signal.SIGCONT)


def cut(stage, chance):
    chance.choice(stage.processes).proxy.cut(RESET)


def half_cut(stage, chance):
    """What is asked arrives, what is answered does not."""
    proxy = chance.choice(stage.processes).proxy
    proxy.swallow_answers()
    time.sleep(chance.choice((0.1, 0.5)))
    proxy.cut(RESET)


def strike(stage, chance):
    """Ends a connection in the middle of an answer of PostgreSQL, as after a commit."""
    proxy = chance.choice(stage.processes).proxy
    before = proxy.n_mishaps
    proxy.strike(ANSWER, chance.randint(1, 4000), RESET)
    wait_until(lambda: proxy.n_mishaps > before, "something was answered")


def freeze(stage, chance):
    proxy = chance.choice(stage.processes).proxy
    proxy.freeze()
    time.sleep(chance.choice((0.3, 1.5)))
    proxy.thaw()


def stop(stage, _):
    """PostgreSQL, at once, as a power cut would; and it recovers."""
    stage.cluster.stop("immediate")
    stage.cluster.start()


def backends(stage, _):
    stage.database.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid();"
    )


FAULTS = {
    function.__name__: function
    for function in (kill, kill_unheard, pause, cut, half_cut, strike, freeze, stop, backends)
}


def choose(names, seed):
    """Without end, each as often as the others: in rounds."""
    chance = random.Random(f"{seed}-faults")
    while names:
        for name in chance.sample(names, len(names)):
            yield name, lambda stage, fault=FAULTS[name]: fault(stage, chance)
