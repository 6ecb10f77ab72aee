"""Falsified histories: what a checker that shows anything must refute.

Each takes a recorded history and makes one lie of it, as small as it can be; the kind of complaint
that must come of it, and did not before, is beside it. None: the history gave no occasion.
"""

import collections
import copy
import dataclasses
import random

from answers import DONE, REFUSED, UNKNOWN
from judge import judge
from log import World, group_by_command

CONTROLS = []


@dataclasses.dataclass
class History:
    requests: list
    events: list
    served: object
    chance: random.Random

    def copy(self):
        return History(
            copy.copy(self.requests), copy.copy(self.events), copy.copy(self.served), self.chance
        )

    def judge(self):
        return judge(self.requests, self.events, self.served)

    # ---- finding ----

    def steps_with(self, *kinds):
        """Steps with events of all these types, in any order."""
        steps = [
            step
            for step in group_by_command(self.events)
            if set(kinds) <= {event.type for event in step}
        ]
        self.chance.shuffle(steps)
        return steps

    def some_requests(self, *kinds, outcome=DONE):
        found = [r for r in self.requests if r.kind in kinds and r.outcome == outcome]
        self.chance.shuffle(found)
        return found

    def rows_of(self, request):
        return [event for event in self.events if event.trace == request.trace]

    # ---- falsifying ----

    def change(self, event, **members):
        """Puts another event in its place; `data` changes only the members that it has."""
        data = {**event.data, **members.pop("data", {})}
        self.events[event.position - 1] = dataclasses.replace(event, data=data, **members)

    def change_request(self, request, **members):
        self.requests[self.requests.index(request)] = dataclasses.replace(request, **members)

    def set_events(self, events):
        """With positions and versions that are dense again."""
        versions = collections.Counter()
        self.events = []
        for position, event in enumerate(events, start=1):
            versions[event.stream_id] += 1
            version = versions[event.stream_id]
            self.events.append(dataclasses.replace(event, position=position, version=version))

    def remove(self, *events):
        gone = {event.position for event in events}
        self.set_events([event for event in self.events if event.position not in gone])


def control(kind):
    """Of a function that falsifies the history it gets, and says whether it could."""

    def add(function):
        CONTROLS.append((function, kind))
        return function

    return add


def only(step, kind):
    return next(event for event in step if event.type == kind)


def run(history, complaints):
    """Yields (name, what was made of it): "refuted", "NOT REFUTED" or "no occasion"."""
    before = collections.Counter(complaint.kind for complaint in complaints)
    for falsify, kind in CONTROLS:
        false = history.copy()
        if not falsify(false):
            yield falsify.__name__, "no occasion"
            continue
        after = collections.Counter(complaint.kind for complaint in false.judge())
        yield falsify.__name__, "refuted" if after[kind] > before[kind] else "NOT REFUTED"


# ---- one open cart ------------------------------------------------------------------------------


@control("two-open-carts")
def a_customer_has_two_open_carts(history):
    """A cart was created for a customer who has one."""
    world = World(history.events)
    for step in history.steps_with("CartCreated", "CustomerCartOpened"):
        position = step[0].position
        for name, states in world.customers.items():
            if states.at(position - 1).open_cart is not None:
                for event in step:
                    if event.type in ("CartCreated", "CustomerCartOpened"):
                        history.change(event, data={"customer_id": name})
                return True
    return False


@control("without-CustomerCartOpened")
def an_open_cart_is_unknown_to_its_customer(history):
    for step in history.steps_with("CartCreated", "CustomerCartOpened"):
        history.remove(only(step, "CustomerCartOpened"))
        return True
    return False


# ---- coupons ------------------------------------------------------------------------------------


@control("limit")
def a_coupon_is_used_more_often_than_it_may(history):
    """It was defined with one use less than it had at its busiest."""
    world = World(history.events)
    for event in history.events:
        if event.type == "CouponDefined" and event.data["limit"]:
            most = max(state.n_used for state in world.coupon(event.data["code"]).states)
            if most > 1:
                history.change(event, data={"limit": most - 1})
                return True
    return False


@control("limit-per-customer")
def a_customer_uses_a_coupon_more_often_than_allowed(history):
    """Another customer's use is made this one's."""
    world = World(history.events)
    for step in history.steps_with("CartCheckedOut", "CustomerCouponUsed"):
        used = only(step, "CustomerCouponUsed")
        code, position = used.data["code"], step[0].position - 1
        limit = world.coupon(code).at(position).limit_per_customer
        for name, states in world.customers.items():
            if states.at(position).uses.get(code, 0) == limit:
                history.change(used, data={"customer_id": name})
                return True
    return False


@control("without-CouponRedeemed")
def a_redemption_is_lost(history):
    for step in history.steps_with("CartCheckedOut", "CouponRedeemed"):
        history.remove(only(step, "CouponRedeemed"))
        return True
    return False


@control("groundless-CouponRedeemed")
def a_coupon_is_redeemed_without_a_checkout(history):
    for step in history.steps_with("CartCheckedOut", "CouponRedeemed"):
        history.change(only(step, "CartCheckedOut"), type="CartCancelled")
        return True
    return False


@control("groundless-CouponReleased")
def a_coupon_is_given_back_by_a_cart_that_stays_closed(history):
    for step in history.steps_with("CartReopened", "CouponReleased"):
        kinds = ("CartReopened", "CustomerCartOpened")
        history.remove(*(event for event in step if event.type in kinds))
        return True
    return False


@control("without-CouponRedeemed")
def a_redemption_is_a_transaction_of_its_own(history):
    for step in history.steps_with("CartCheckedOut", "CouponRedeemed"):
        event = only(step, "CouponRedeemed")
        history.change(event, command_id=f"{event.command_id}-2")
        return True
    return False


# ---- merges -------------------------------------------------------------------------------------


@control("half-merge")
def half_a_merge(history):
    for step in history.steps_with("CartMerged", "CartMergedInto"):
        history.remove(only(step, "CartMergedInto"))
        return True
    return False


@control("merged-quantities")
def a_merge_loses_three_pieces(history):
    for step in history.steps_with("CartMerged", "ItemQuantityChanged"):
        event, merged = only(step, "ItemQuantityChanged"), only(step, "CartMerged")
        lines = copy.deepcopy(merged.data["lines"])
        for line in lines:
            line["after"] -= 3 * (line["item_id"] == event.data["item_id"])
        history.change(event, data={"quantity": event.data["quantity"] - 3})
        history.change(merged, data={"lines": lines})
        return True
    return False


@control("merged-notes")
def what_did_not_fit_is_not_told(history):
    for step in history.steps_with("CartMerged"):
        merged = only(step, "CartMerged")
        if any("sku" in note for note in merged.data["notes"]):
            history.change(merged, data={"notes": []})
            return True
    return False


@control("merged-coupons")
def a_merge_loses_a_coupon(history):
    for step in history.steps_with("CartMerged", "CartCouponApplied"):
        history.remove(only(step, "CartCouponApplied"))
        return True
    return False


@control("half-revert")
def half_a_revert(history):
    for step in history.steps_with("CartMergeReverted"):
        history.remove(only(step, "CartMergeReverted"))
        return True
    return False


# ---- answers ------------------------------------------------------------------------------------


@control("lost")
def an_answered_command_is_missing(history):
    for request in history.some_requests("add", "checkout", "claim", "merge"):
        rows = history.rows_of(request)
        if rows:
            history.remove(*rows)
            return True
    return False


@control("twice")
def a_key_has_two_effects(history):
    for request in history.some_requests("add"):
        rows = history.rows_of(request)
        if rows and request.key is not None:
            another = {"command_id": f"{rows[0].command_id}-2", "attempt": rows[0].attempt + 1}
            again = [dataclasses.replace(event, **another) for event in rows]
            position = rows[-1].position
            history.set_events([*history.events[:position], *again, *history.events[position:]])
            return True
    return False


@control("by-half")
def a_command_that_nobody_knows_of_is_there_by_half(history):
    for request in history.some_requests("guest"):
        rows = history.rows_of(request)
        if rows:
            attempts = [dataclasses.replace(one, outcome=UNKNOWN) for one in request.attempts]
            history.change_request(request, attempts=attempts, key=None)
            history.remove(only(rows, "ItemAdded"))
            return True
    return False


@control("server-error")
def a_500(history):
    request = history.some_requests("add")[0]
    attempts = [dataclasses.replace(one, is_error=True) for one in request.attempts]
    history.change_request(request, attempts=attempts)
    return True


@control("never-true")
def a_refusal_was_never_true(history):
    """It names a cart that the customer had open, but not then."""
    world = World(history.events)
    for request in history.some_requests("create", outcome=REFUSED):
        if request.slug == "open-cart-exists":
            former = {state.open_cart for state in world.customer(request.customer).states}
            first = next(iter(sorted(former - {None, request.body["cart_id"]})), None)
            if first is not None:
                history.change_request(request, body={**request.body, "cart_id": first})
                return True
    return False


@control("never-true")
def a_coupon_was_said_to_be_used_up(history):
    """The first that was refused a coupon is said to have asked for one that was defined last."""
    last = [event for event in history.events if event.type == "CouponDefined"][-1]
    for request in history.requests:
        if request.kind == "apply" and request.slug == "coupon-not-applicable":
            history.change_request(request, code=last.data["code"])
            return True
    return False


@control("done-though-refused")
def what_was_refused_is_there(history):
    for request in history.some_requests("add", "checkout"):
        if len(request.attempts) == 1 and history.rows_of(request):
            attempt = dataclasses.replace(request.attempts[0], outcome=REFUSED)
            history.change_request(request, attempts=[attempt], status=409, slug="cart-closed")
            return True
    return False


@control("other-content")
def an_answer_shows_another_total(history):
    for request in history.some_requests("add", "apply"):
        if history.rows_of(request):
            total = request.body["total"] + 1
            history.change_request(request, body={**request.body, "total": total})
            return True
    return False


@control("never-true")
def a_read_is_of_another_time(history):
    for request in history.some_requests("read-coupon"):
        used = request.body["used"] + 1000
        history.change_request(request, body={**request.body, "used": used})
        return True
    return False


@control("too-early")
def a_command_is_recorded_before_it_was_asked(history):
    """The first add of a cart that is old by then is said to be asked at the end."""
    last = max(r.attempts[-1].begin for r in history.requests)
    for request in history.some_requests("add"):
        if len(request.attempts) == 1 and history.rows_of(request):
            attempt = dataclasses.replace(request.attempts[0], begin=last + 1, end=last + 2)
            history.change_request(request, attempts=[attempt])
            return True
    return False


# ---- the end ------------------------------------------------------------------------------------


@control("served-uses")
def a_coupon_is_served_with_a_use_more(history):
    for code, n_used in history.served.n_used.items():
        history.served.n_used = {**history.served.n_used, code: n_used + 1}
        return True
    return False


@control("served-cart")
def a_customer_is_served_another_cart(history):
    for name in history.served.open_carts:
        history.served.open_carts = {**history.served.open_carts, name: "another"}
        return True
    return False
