#!/usr/bin/python3
"""Breaks cartd and its PostgreSQL under load and checks the rules that hold over several streams.

    PYTHONPATH=tests/http tests/rules/rules.py --cartd build/cartd --duration 300 --processes 2

Some processes of cartd work on one database, each behind a wire that can be cut. Clients race for a
few customers, coupons and carts, and write down what was answered. Then this is judged:

 * one open cart a customer: at no position of the log two, and the customer's stream says the same;
 * coupons: `limit` and `limit_per_customer` at each position; each checkout redeems what it must, each
   reopening gives it back, in one transaction, and nothing else does either;
 * merges: both carts or neither; what the two held is what one holds and the notes say; a revert
   takes back what came;
 * answers: done is in the log once, whole, and as it was answered; refused is not; each refusal and
   each read was true at a position that the request can have seen; a key has one effect; no 500;
 * the order of the log, `cartd verify`, and what is served at the end.

Then falsified histories are judged (controls.py), each of which must be refuted. The last line has the
figures; the status is 0 if nothing was found and each control was refuted, 77 without PostgreSQL's
programs.
"""

import argparse
import collections
import json
import random
import sys
import time

import controls
import faults
from judge import Served, judge
from load import CUSTOMERS, Load
from log import COLUMNS, Event
from support import find_server_programs, run_cartd, service

SHOWN = 10
BETWEEN_FAULTS = 30  # requests


def read_options():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", default="1")
    parser.add_argument("--duration", type=float, help="seconds of load")
    parser.add_argument("--requests", type=int, default=2000, help="instead, at the least so many")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--clients", type=int, default=12)
    parser.add_argument("--timeout", type=float, default=1.5, help="seconds a client waits")
    parser.add_argument("--cartd", default=service.BINARY, help="the binary")
    parser.add_argument(
        "--nemesis", default=",".join(faults.FAULTS), help="faults; none of them: ''"
    )
    parser.add_argument("--no-controls", action="store_true")
    return parser.parse_args()


def play(stage, options):
    """The load with faults in between. Returns the requests and how often each fault happened."""
    load = Load(stage.ports, options.seed, options.clients, options.timeout)
    happened = collections.Counter()
    end = time.monotonic() + (options.duration or 0)
    names = [name for name in options.nemesis.split(",") if name]
    plan = faults.choose(names, options.seed)

    def goes_on():
        if options.duration:
            return time.monotonic() < end
        return load.n_settled < options.requests or len(happened) < len(names)

    while goes_on() and not load.work.failures:
        load.wait_for(BETWEEN_FAULTS)
        if names:
            name, fault = next(plan)
            fault(stage)
            happened[name] += 1
    stage.wait_until_ready()
    load.finish()
    return load.requests, happened


def read_log(database):
    events = []
    for position, kind, stream_id, version, *rest in database.sql(COLUMNS, timeout=600):
        name, command_id, recorded_at_us, trace, attempt, data = rest
        tail = int(recorded_at_us), trace, int(attempt, 16), json.loads(data)
        events.append(Event(int(position), kind, stream_id, int(version), name, command_id, *tail))
    return events


def read_served(stage, events):
    with stage.processes[0].service.client(is_checked=False) as client:
        open_carts = {
            name: client.get(f"/customers/{name}/cart").json().get("id") for name in CUSTOMERS
        }
        codes = {event.data["code"] for event in events if event.type == "CouponDefined"}
        n_used = {code: client.get(f"/coupons/{code}").json()["used"] for code in codes}
    done = run_cartd("verify", url=stage.database.app_url)
    return Served(open_carts, n_used, "" if done.returncode == 0 else done.stdout + done.stderr)


def show(complaints):
    shown = collections.Counter()
    for complaint in complaints:
        shown[complaint.kind] += 1
        if shown[complaint.kind] <= SHOWN:
            print(f"VIOLATION {complaint.kind}: {complaint.text[:3000]}")
    return shown


def try_controls(history, complaints):
    """Prints what became of each; returns how many of each outcome."""
    outcomes = collections.Counter()
    for name, outcome in controls.run(history, complaints):
        outcomes[outcome] += 1
        print(f"control {name}: {outcome}", flush=True)
    return outcomes


def main():
    options = read_options()
    service.BINARY = options.cartd
    if not find_server_programs():
        print("PostgreSQL's server programs are not installed")
        return 77
    stage = faults.Stage(options.processes)
    try:
        requests, happened = play(stage, options)
        events = read_log(stage.database)
        served = read_served(stage, events)
    finally:
        stage.close()
    complaints = judge(requests, events, served)
    found = show(complaints)
    outcomes = collections.Counter()
    if not options.no_controls:
        chance = random.Random(f"{options.seed}-controls")
        outcomes = try_controls(controls.History(requests, events, served, chance), complaints)
    slugs = collections.Counter(request.slug or request.outcome for request in requests)
    kinds = collections.Counter(event.type for event in events)
    print(f"events: {dict(kinds)}")
    print(f"answers: {dict(slugs)}")
    print(f"faults: {dict(happened)}")
    print(f"violations by kind: {dict(found)}")
    print(
        f"seed={options.seed} processes={options.processes} requests={len(requests)}"
        f" events={len(events)} faults={happened.total()}"
        f" controls={outcomes['refuted']}/{outcomes.total()}"
        f" violations={len(complaints)}"
    )
    return 1 if complaints or outcomes["refuted"] < outcomes.total() else 0


if __name__ == "__main__":
    sys.exit(main())
