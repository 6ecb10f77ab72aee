"""What must hold after the load: the only thing that a run of the benchmark can fail by."""

from world import cart_id, say


def check(database):
    """The claims of checks.sql about a database, and that of its ledger."""
    claims = []
    for line in database.script("checks.sql").splitlines():
        claim, holds, seen = line.split("|")
        claims.append({"database": database.name, "claim": claim, "holds": holds == "t", "seen": seen})
    found = database.count_adds()
    least, most = database.adds_least, database.adds_most
    claims.append({
        "database": database.name, "claim": "every add that was answered is in the log, and no other",
        "holds": least <= found <= most,
        "seen": f"{found} found, {least} answered, {most - least} asked without waiting",
    })
    return claims


def nothing_lost_of_one_cart(database, number, expected):
    found = int(database.sql(
        f"SELECT count(*) FROM events WHERE stream_id = '{cart_id(number)}' AND type = 'ItemAdded'"))
    return {
        "database": database.name, "claim": "of the adds to one cart none is lost and none is double",
        "holds": found == expected, "seen": f"{found} found, {expected} answered",
    }


def report(claims):
    """Prints what fails, or that nothing does; returns the status to exit with."""
    for claim in claims:
        if not claim["holds"]:
            say(f"FAILED in {claim['database']}: {claim['claim']}: {claim['seen']}")
    n_failed = sum(not claim["holds"] for claim in claims)
    print(f"{len(claims) - n_failed} passed, {n_failed} failed")
    return 1 if n_failed or not claims else 0
