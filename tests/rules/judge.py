"""The judgement: what is wrong with a log, and with what was answered, by the rules.

Pure functions of (requests, events, what was served at the end). A complaint has a kind, by which
the controls know that it is the falsified history's own.
"""

import collections
import dataclasses

from answers import judge_answers
from log import CHECKED_OUT, MERGED, OPEN, World, group_by_command

QUANTITY_MAX = 999


@dataclasses.dataclass(frozen=True)
class Complaint:
    kind: str
    text: str


@dataclasses.dataclass
class Served:
    """What the read tables say when all is quiet."""

    open_carts: dict  # customer: id of the open cart, or None
    n_used: dict  # code: uses
    verify: str  # what `cartd verify` has against its database


def judge(requests, events, served):
    """All complaints; none, if nothing is wrong."""
    try:
        world = World(events)
    except (KeyError, ValueError) as error:
        return [Complaint("unreadable", repr(error))]
    found = [
        *judge_order(events),
        *judge_rules(world),
        *judge_answers(requests, events, world),
        *judge_served(served, world),
    ]
    return [Complaint(kind, text) for kind, text in found]


# ---- the order of the log -----------------------------------------------------------------------


def judge_order(events):
    versions = collections.Counter()
    for position, event in enumerate(events, start=1):
        versions[event.stream_id] += 1
        if event.position != position or event.version != versions[event.stream_id]:
            yield "gap", f"at {position}: {event}"
    for former, event in zip(events, events[1:]):
        if event.recorded_at_us < former.recorded_at_us:
            yield "backwards", f"{event} after {former}"
    groups = group_by_command(events)
    seen = set()
    for group in groups:
        if group[0].command_id in seen or len({event.recorded_at_us for event in group}) > 1:
            yield "torn", f"not one transaction: {group}"
        seen.add(group[0].command_id)


# ---- the rules over several streams -------------------------------------------------------------


class Tally:
    """What the carts alone say of customers and coupons, kept up to date step by step."""

    def __init__(self):
        self.open_carts = collections.defaultdict(set)  # customer: ids
        self.uses = collections.defaultdict(set)  # code: ids of carts
        self.uses_by = collections.defaultdict(set)  # (customer, code): ids of carts
        self.limited = set()  # codes with a limit for each customer

    def take(self, step):
        """Returns the customers and the codes that it is about."""
        customers, codes = set(), set()
        for cart_id, pair in step.carts.items():
            for cart in pair:
                customers.add(cart.customer)
                codes |= cart.redeemed
            self.move(cart_id, *pair)
        for event in step.events:
            if event.stream_type == "customer":
                customers.add(event.data["customer_id"])
        return customers - {None}, codes

    def move(self, cart_id, before, after):
        self.open_carts[before.owner].discard(cart_id)
        for code in before.redeemed:
            self.uses[code].discard(cart_id)
            self.uses_by[before.customer, code].discard(cart_id)
        if after.owner is not None:
            self.open_carts[after.owner].add(cart_id)
        for code in after.redeemed:
            self.uses[code].add(cart_id)
            if after.coupons[code].limit_per_customer:
                self.limited.add(code)
                self.uses_by[after.customer, code].add(cart_id)


def judge_rules(world):
    tally = Tally()
    for step in world.steps:
        customers, codes = tally.take(step)
        codes |= {
            world.codes[event.stream_id] for event in step.events if event.stream_type == "coupon"
        }
        yield from judge_effects(step, world)
        yield from judge_merges(step)
        yield from judge_checkouts(step)
        position = step.events[-1].position
        for name in customers:
            yield from judge_customer(name, position, world, tally)
        for code in codes:
            yield from judge_coupon(code, customers, position, world, tally)


def judge_customer(name, position, world, tally):
    open_carts = tally.open_carts[name]
    said = world.customer(name).at(position).open_cart
    if len(open_carts) > 1:
        yield "two-open-carts", f"at {position} {name} has {open_carts}"
    if open_carts != ({said} - {None}):
        yield "other-open-cart", f"at {position} {name}: {said}, of the carts {open_carts}"


def judge_coupon(code, customers, position, world, tally):
    coupon = world.coupon(code).at(position)
    n_used = len(tally.uses[code])
    if coupon.n_used != n_used:
        yield "other-uses", f"at {position} {code}: {coupon.n_used}, in carts {n_used}"
    if coupon.limit and max(n_used, coupon.n_used) > coupon.limit:
        yield "limit", f"at {position} {code} is used {n_used} times, limit {coupon.limit}"
    for name in customers if code in tally.limited else ():
        n_used = len(tally.uses_by[name, code])
        said = world.customer(name).at(position).uses.get(code, 0)
        if said != n_used:
            yield "other-uses", f"at {position} {code}, {name}: {said}, in carts {n_used}"
        if max(said, n_used) > coupon.limit_per_customer:
            yield "limit-per-customer", f"at {position} {name} uses {code} {n_used} times"


def expected_effects(step):
    """What the change of its carts must have recorded in other streams, in the same transaction."""
    for cart_id, (before, after) in step.carts.items():
        if before.owner != after.owner:
            if before.owner is not None:
                yield "CustomerCartClosed", before.owner, cart_id
            if after.owner is not None:
                yield "CustomerCartOpened", after.owner, cart_id
        for one, other, cart, words in (
            (after, before, after, ("CouponRedeemed", "CustomerCouponUsed")),
            (before, after, before, ("CouponReleased", "CustomerCouponReleased")),
        ):
            for code in one.redeemed - other.redeemed:
                yield words[0], code, cart_id, cart.customer
                if cart.customer is not None and cart.coupons[code].limit_per_customer:
                    yield words[1], cart.customer, code, cart_id


def actual_effects(step, world):
    for event in step.events:
        data = event.data
        if event.type.startswith("CustomerCart"):
            yield event.type, data["customer_id"], data["cart_id"]
        elif event.stream_type == "customer":
            yield event.type, data["customer_id"], data["code"], data["cart_id"]
        elif event.type in ("CouponRedeemed", "CouponReleased"):
            code = world.codes[event.stream_id]
            yield event.type, code, data["cart_id"], data["customer_id"]


def judge_effects(step, world):
    expected = collections.Counter(expected_effects(step))
    actual = collections.Counter(actual_effects(step, world))
    for effect in expected - actual:
        yield f"without-{effect[0]}", f"{effect} is not among {step.events}"
    for effect in actual - expected:
        yield f"groundless-{effect[0]}", f"{effect} has no cause in {step.events}"


def judge_checkouts(step):
    for event in step.of("CartCheckedOut"):
        cart = step.carts[event.stream_id][1]
        if cart.status == CHECKED_OUT and event.data["total"] != cart.total(cart.redeemed):
            yield "total", f"with {set(cart.redeemed)} not {event.data['total']}: {step.events}"


# ---- merges -------------------------------------------------------------------------------------


def judge_merges(step):
    merged = {(event.stream_id, event.data["from"]) for event in step.of("CartMerged")}
    ended = {(event.data["into"], event.stream_id) for event in step.of("CartMergedInto")}
    reverted = {(event.stream_id, event.data["cart_id"]) for event in step.of("CartMergeReverted")}
    if merged != ended:
        yield "half-merge", f"merged {merged}, ended {ended}: {step.events}"
    if reverted != {(other, cart) for cart, other in reverted}:
        yield "half-revert", f"{reverted}: {step.events}"
    for event in step.of("CartMerged"):
        if event.data["from"] in step.carts:
            yield from judge_merge(step, event)
    for cart_id, other_id in reverted:
        if cart_id in step.carts and other_id in step.carts:
            yield from judge_revert(step, cart_id, other_id)


def revert_notes(step, cart_id):
    for event in step.of("CartMergeReverted"):
        if event.stream_id == cart_id:
            return notes_on_lines(event)
    return {}


def notes_on_lines(event):
    return {note["sku"]: note["quantity"] for note in event.data["notes"] if "sku" in note}


def judge_merge(step, event):
    """With the rule "sum": nothing is lost but what a line can't hold, and the notes say that."""
    (before, after) = step.carts[event.stream_id]
    (other, ended) = step.carts[event.data["from"]]
    sums = collections.Counter(before.lines) + collections.Counter(other.lines)
    expected = {sku: min(quantity, QUANTITY_MAX) for sku, quantity in sums.items()}
    if after.lines != expected:
        yield "merged-quantities", f"{before.lines} and {other.lines} are {after.lines}"
    told = notes_on_lines(event)
    if told != {sku: quantity for sku, quantity in sums.items() if quantity > QUANTITY_MAX}:
        yield "merged-notes", f"{before.lines} and {other.lines}: {event.data['notes']}"
    lines = {line["item_id"]: (line["before"], line["after"]) for line in event.data["lines"]}
    changed = {
        sku: (before.lines.get(sku, 0), quantity)
        for sku, quantity in expected.items()
        if quantity != before.lines.get(sku, 0)
    }
    if lines != changed:
        yield "merged-lines", f"{event.data['lines']}, not {changed}"
    if ended.lines != other.lines or ended.status != MERGED or other.status != OPEN:
        yield "merged-other", f"from {other} to {ended}"
    if event.data["version"] != other.version:
        yield "merged-version", f"{event} of {other}"
    yield from judge_merged_coupons(event, before, other, after)


def judge_merged_coupons(event, before, other, after):
    """What this cart does not have comes, or the notes say that it could not."""
    had, came = set(before.coupons), set(after.coupons) - set(before.coupons)
    told = {note["coupon"] for note in event.data["notes"] if "coupon" in note}
    missing = set(other.coupons) - had
    if not had <= set(after.coupons) or came | told != missing or came & told:
        yield "merged-coupons", f"{had} and {set(other.coupons)} are {set(after.coupons)}: {event}"
    are_combinable = all(coupon.combinable for coupon in after.coupons.values())
    if came and len(after.coupons) > 1 and not are_combinable:
        yield "merged-coupons", f"{came} came to {had} and do not combine: {event}"


def judge_revert(step, cart_id, other_id):
    (before, after), (other, opened) = step.carts[cart_id], step.carts[other_id]
    if other.merged_into != cart_id:
        return  # it is the other one's event
    came = collections.Counter(before.came.get(other_id, {}))
    there = collections.Counter(before.lines)
    if after.lines != there - came:
        yield "reverted-quantities", f"{before} became {after}"
    if revert_notes(step, cart_id) != came - there:
        yield "reverted-notes", f"{before}: {step.events}"
    came_coupons = before.came_coupons.get(other_id, set())
    if set(after.coupons) != set(before.coupons) - came_coupons:
        yield "reverted-coupons", f"{before} became {after}"
    if opened.coupons != other.coupons or opened.lines != other.lines or opened.status != OPEN:
        yield "reverted-other", f"{other} became {opened}"


# ---- the read tables at the end -----------------------------------------------------------------


def judge_served(served, world):
    if served.verify:
        yield "verify", served.verify
    for name, cart_id in served.open_carts.items():
        if world.customer(name).now.open_cart != cart_id:
            yield "served-cart", f"{name}: {cart_id}, not {world.customer(name).now.open_cart}"
    for code, n_used in served.n_used.items():
        if world.coupon(code).now.n_used != n_used:
            yield "served-uses", f"{code}: {n_used}, not {world.coupon(code).now.n_used}"
