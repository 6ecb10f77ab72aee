"""Random sequences of commands, carried out on the service and on a model of it."""

import copy
import os
import secrets

from .cart_content import STATUS_OF, Refused
from .cart_model import Cart, copy_cart
from .cart_steps import PRODUCTS
from .case import ServiceCase, make_sku
from .load import run_at_once
from .service import run_cartd
from .shop_model import Shop

SEED = os.environ.get("CARTD_TEST_SEED") or secrets.token_hex(8)
ONLY = os.environ.get("CARTD_TEST_SEQUENCE")  # the number of one sequence, to play it alone
CLIENTS = 4
RESTORES = 6  # of each cart at its end, at most
CUSTOMERS = ("ada", "bob", "cy")
TIMES = ("created_at", "updated_at", "closed_at", "abandoned_at", "expires_at")


class Mismatch(AssertionError):
    """The service did what the model did not say."""


class Play:
    """Steps, carried out on the service and on the model."""

    def __init__(self, client, steps, has_one_open_cart=False):
        self.client = client
        self.steps = steps
        self.skus = [make_sku("whole") for _ in range(PRODUCTS)]
        self.customers = {name: make_sku(name) for name in CUSTOMERS}
        self.shop = Shop(has_one_open_cart)
        self.cart = None
        self.carts = self.shop.carts
        self.answers = {}  # the document of each version that was answered, by cart and version
        self.log = []
        self.slugs = set()

    def expect(self, is_so, what):
        if not is_so:
            raise Mismatch(what)

    def run(self):
        for kind, *step in self.steps:
            getattr(self, f"do_{kind}")(*step)
            if self.cart:
                self.check_shop()
        for cart in list(self.carts):
            self.check_history(cart)
        return self

    def check_shop(self):
        """After each step: what else there is than the carts."""

    def send(self, method, target, body):
        answer = self.client.request(method, target, body)
        self.log.append((method, target, body, answer.status, answer.slug, answer.etag))
        return answer

    # ---- steps ----

    def do_product(self, index, content):
        answer = self.send("PUT", f"/products/{self.skus[index]}", content)
        self.expect(answer.status in (200, 201), answer)
        self.shop.put_product(self.skus[index], content)

    def do_create(self, members, items):
        items = [self.resolve(item) for item in items]
        guests = {**members, "customer_id": None}
        if not self.create(self.resolve(members), items) and not self.create(guests, items):
            self.create(guests, [])

    def create(self, members, items):
        answer = self.send("POST", "/carts", {**members, "items": items})

        def make():
            names = ("currency", "customer_id", "metadata")
            cart = Cart(self.shop, *(copy.deepcopy(members.get(name)) for name in names))
            cart.begin(items)
            return cart

        return self.compare_creation(answer, make, "/items/{index}")

    def do_copy(self, members):
        members = self.resolve(members)
        source = self.cart
        names = ("currency", "at_version", "customer_id")
        self.compare_creation(
            self.send("POST", "/carts", {"copy_of": source.id, **members}),
            lambda: copy_cart(source, *(members.get(name) for name in names)),
            None,
        )

    def compare_creation(self, answer, make, pointer):
        try:
            cart = make()
        except Refused as refusal:
            self.compare_refusal(answer, refusal, pointer)
            return None
        self.expect(answer.status == 201, answer)
        cart.id = answer.json()["id"]
        self.carts.append(cart)
        self.cart = cart
        self.compare(answer)
        return cart

    def do_command(self, command):
        command = self.resolve(command)
        base = f"/carts/{self.cart.id}"
        kind = command["type"]
        in_path = {
            "set_total": ("name",),
            "remove_total": ("name",),
            "revert_merge": ("from",),
            "remove_coupon": ("code",),
        }.get(kind, ())
        in_path = ("type", "item_id", *in_path)
        fields = {name: value for name, value in command.items() if name not in in_path}
        method, target = {
            "add_item": ("POST", f"{base}/items"),
            "change_item": ("PATCH", f"{base}/items/{command.get('item_id')}"),
            "change_item_quantity": ("PATCH", f"{base}/items/{command.get('item_id')}"),
            "remove_item": ("DELETE", f"{base}/items/{command.get('item_id')}"),
            "clear_items": ("DELETE", f"{base}/items"),
            "change_details": ("PATCH", base),
            "reprice": ("POST", f"{base}/reprice"),
            "change_currency": ("POST", f"{base}/currency"),
            "undo": ("POST", f"{base}/undo"),
            "restore": ("POST", f"{base}/restore"),
            "check_out": ("POST", f"{base}/checkout"),
            "cancel": ("POST", f"{base}/cancel"),
            "reopen": ("POST", f"{base}/reopen"),
            "claim": ("POST", f"{base}/claim"),
            "merge": ("POST", f"{base}/merge"),
            "revert_merge": ("POST", f"{base}/merge/{command.get('from')}/revert"),
            "apply_coupon": ("POST", f"{base}/coupons"),
            "remove_coupon": ("DELETE", f"{base}/coupons/{command.get('code')}"),
            "set_total": ("PUT", f"{base}/totals/{command.get('name')}"),
            "remove_total": ("DELETE", f"{base}/totals/{command.get('name')}"),
        }[kind]
        answer = self.send(method, target, fields or None)
        self.apply(answer, [command], None)

    def do_commands(self, commands):
        commands = [self.resolve(command) for command in commands]
        if commands:
            answer = self.send("POST", f"/carts/{self.cart.id}/commands", {"commands": commands})
            self.apply(answer, commands, "/commands/{index}")

    def apply(self, answer, commands, pointer):
        try:
            self.cart.apply_all(commands)
        except Refused as refusal:
            self.compare_refusal(answer, refusal, pointer)
            return
        self.expect(answer.status == 200, f"instead of {self.cart.document()}: {answer}")
        self.compare(answer)
        self.shop.end_request()
        for cart in self.carts:  # there may be another one that it has changed
            if (cart.id, cart.version) not in self.answers:
                self.compare(self.client.get(f"/carts/{cart.id}"), cart)

    # ---- what a step leaves open ----

    def resolve(self, command):
        command = copy.deepcopy(command)
        lines = self.cart.content.lines if self.cart else []
        if isinstance(command.get("sku"), int):
            command["sku"] = self.skus[command["sku"]]
        if isinstance(command.get("item_id"), int):
            index = command["item_id"]
            command["item_id"] = lines[index % len(lines)]["id"] if lines else "no-such-item"
        for name in ("version", "at_version"):
            if name in command:
                command[name] = self.find_version(self.cart, command[name])
        if command.get("customer_id"):
            command["customer_id"] = self.customers[command["customer_id"]]
        if command.get("expected_total") == "total":
            command["expected_total"] = self.cart.total
        return command

    @staticmethod
    def find_version(cart, n_ago):
        versions = sorted(cart.moments, reverse=True)
        return n_ago + cart.version if n_ago == 1000 else versions[n_ago % len(versions)]

    # ---- comparing ----

    def compare(self, answer, cart=None):
        cart = cart or self.cart
        document = answer.json()
        self.answers.setdefault((cart.id, document["version"]), document)
        expected = cart.document()
        served = {name: value for name, value in document.items() if name not in TIMES}
        self.expect(served == expected, f"the model has {expected}\nthe service {served}")
        self.expect(answer.version == cart.version, answer)
        self.expect((document["closed_at"] is None) == (cart.status == "open"), answer)

    def compare_refusal(self, answer, refusal, pointer):
        self.slugs.add(refusal.slug)
        expected = (STATUS_OF[refusal.slug], refusal.slug)
        self.expect((answer.status, answer.slug) == expected, f"{expected}: {answer}")
        problem = answer.json()
        if pointer:
            is_one = refusal.index is not None
            pointer = pointer.format(index=refusal.index) if is_one else None
        self.expect(problem.get("pointer") == pointer, f"pointer {pointer}: {answer}")
        for name, value in refusal.members.items():
            self.expect(problem.get(name) == value, f"{name} {value}: {answer}")

    # ---- the end of a cart ----

    def check_history(self, cart):
        self.cart = cart
        self.compare(self.client.get(f"/carts/{cart.id}"))
        self.check_versions()
        if cart.status != "open":
            self.do_command({"type": "reopen"})
        if cart.status != "open":
            return
        for index, sku in enumerate(self.skus):
            self.do_product(index, {**self.shop.products[sku], "active": True})
        versions = sorted(cart.moments)
        # Undoing ends there: at the creation, or at the last merge.
        first = [cart.moments[version] for version in versions if not cart.moments[version].undoable][-1]
        for version in versions[:: 1 + len(versions) // RESTORES]:
            self.check_restore(version)
        self.check_undo_and_redo()
        if self.undo_all() and not cart.has_lost:
            self.check_lines(first.content)

    def check_versions(self):
        for version in self.cart.moments:
            answer = self.client.get(f"/carts/{self.cart.id}?version={version}")
            then = self.answers[self.cart.id, version]
            self.expect(answer.json() == then, f"version {version} was {then}: {answer}")

    def apply_literally(self, method, command):
        fields = {name: value for name, value in command.items() if name != "type"}
        answer = self.send("POST", f"/carts/{self.cart.id}/{method}", fields or None)
        self.apply(answer, [command], None)
        return answer

    def check_restore(self, version):
        """What can be had of then is there, in the order of then."""
        then = copy.deepcopy(self.cart.moments[version].content)
        if self.apply_literally("restore", {"type": "restore", "version": version}).status == 200:
            self.check_lines(then)

    def check_lines(self, then):
        def facts(line):
            return (line["id"], line["sku"], line["quantity"], line["properties"])

        lacking = {note["item_id"] for note in self.cart.notes}
        expected = [facts(line) for line in then.lines if line["id"] not in lacking]
        answer = self.client.get(f"/carts/{self.cart.id}").json()
        served = [facts(line) for line in answer["items"] if line["id"] not in lacking]
        self.expect(served == expected, f"{expected} instead of {served}")
        details = (answer["metadata"], answer["customer_email"], answer["note"], answer["currency"])
        self.expect(
            details == (then.metadata, then.customer_email, then.note, then.currency), details
        )

    def check_undo_and_redo(self):
        before = copy.deepcopy(self.cart.recorded)
        if self.apply_literally("undo", {"type": "undo"}).status == 200:
            self.check_restore(before.version)

    def undo_all(self):
        """False: it would be too dear."""
        for _ in range(len(self.cart.moments) + 1):
            if not self.cart.undoable:
                break
            if self.apply_literally("undo", {"type": "undo"}).status != 200:
                return False
        answer = self.apply_literally("undo", {"type": "undo"})
        self.expect(answer.slug == "nothing-to-undo", answer)
        return True


def shrink(make_play, steps):
    """Leaves steps out as long as it fails; returns what is left, and how that fails."""
    failure = play = None
    n_dropped = len(steps) // 2
    while n_dropped > 0:
        i = PRODUCTS + 1  # the products and the creation stay
        while i < len(steps):
            fewer = steps[:i] + steps[i + n_dropped :]
            attempt = make_play(fewer)
            try:
                attempt.run()
                i += n_dropped
            except AssertionError as error:
                steps, failure, play = fewer, error, attempt
        n_dropped //= 2
    return failure, play


class ModelCase(ServiceCase):
    """Plays sequences on several connections at once, each with carts of its own."""

    def play_all(self, n, make_steps, make_play, refusals):
        """Of all of them together each refusal is expected, if there are many."""
        name = type(self).__name__
        print(f"\n{name}: CARTD_TEST_SEED={SEED}, {n} sequences", flush=True)
        numbers = [int(ONLY)] if ONLY else range(n)

        def play_share(i):
            with self.service.client() as client:
                return [
                    self.play(number, make_steps, lambda steps: make_play(client, steps))
                    for number in numbers[i::CLIENTS]
                ]

        plays = [play for share in run_at_once(CLIENTS, play_share) for play in share]
        if n >= 500:
            self.assertEqual(set().union(*(play.slugs for play in plays)), refusals)
        if self.database:
            carts = [cart for play in plays for cart in play.carts]
            self.assert_histories({cart.id: cart.history for cart in carts})
            self.assert_log_is_dense()
            done = run_cartd("verify", url=self.database.app_url)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def play(self, number, make_steps, make_play):
        steps = make_steps(SEED, number).make()
        play = make_play(steps)
        try:
            return play.run()
        except AssertionError as error:
            failure, shortest = shrink(make_play, steps)
            failure, play = (failure, shortest) if failure else (error, play)
            sent = "\n".join(str(request) for request in play.log)
            raise AssertionError(
                f"CARTD_TEST_SEED={SEED} CARTD_TEST_SEQUENCE={number}: {failure}\n{sent}"
            ) from error

    def assert_histories(self, expected):
        """The types of the events of each cart."""
        recorded = {}
        for stream_id, types in self.database.sql(
            "SELECT stream_id, string_agg(type, ' ' ORDER BY version) FROM events"
            " WHERE stream_type = 'cart' GROUP BY stream_id;"
        ):
            recorded[stream_id] = types.split(" ")
        for cart_id, history in expected.items():
            self.assertEqual(recorded[cart_id], history, f"seed {SEED}, cart {cart_id}")
