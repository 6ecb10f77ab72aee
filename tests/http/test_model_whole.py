"""All commands of a cart in random sequences, while the catalogue changes under them: the service must
answer what a model in plain Python says, and the history of each cart must hold together."""

import copy
import os
import random
import secrets
import unittest

from support import ServiceCase, how_many, make_sku, run_at_once, run_cartd
from support.cart_model import WholeCart, copy_cart
from support.model import AMOUNT_MAX, Catalogue, Refused

SEQUENCES = int(os.environ.get("CARTD_TEST_SEQUENCES") or how_many(1000, quick=25))
SEED = os.environ.get("CARTD_TEST_SEED") or secrets.token_hex(8)
ONLY = os.environ.get("CARTD_TEST_SEQUENCE")  # the number of one sequence, to play it alone
CLIENTS = 4
PRODUCTS = 5
RESTORES = 6  # of each cart at its end, at most
STATUS_OF = {
    "cart-closed": 409,
    "order-reference-mismatch": 409,
    "cart-already-claimed": 409,
    "item-not-in-cart": 404,
    "unknown-sku": 422,
    "price-unavailable": 422,
    "quantity-out-of-range": 422,
    "too-many-totals": 409,
    "amount-too-large": 422,
    "cart-empty": 409,
    "total-changed": 409,
    "prices-changed": 409,
    "product-withdrawn": 409,
    "nothing-to-undo": 409,
    "no-such-version": 404,
    "metadata-too-large": 422,
    "properties-too-large": 422,
}
PROPERTIES = ({}, {}, {"size": "L"}, {"size": "M"}, {"color": "red", "size": "L"})
PATCHES = (
    {},
    None,
    {"size": "L"},
    {"size": "M"},
    {"size": None},
    {"color": "red"},
    {"color": None},
    {f"a{i}": "x" for i in range(15)},
    {f"b{i}": "y" for i in range(15)},
    {"long": "ü" * 256},
    {"longer": "ü" * 256},
)
METADATA_PATCHES = (
    None,
    {},
    {"a": 1},
    {"a": None},
    {"a": [1, None, {"x": 2.5}]},
    {"b": {"c": 2}},
    {"b": {"c": None}},
    {"b": {"d": {"e": "für Zoë"}}},
    {"b": "text"},
    {"big": "x" * 2500},
    {"huge": "y" * 2500},
)


class Steps:
    """A random sequence. A step says nothing of what the cart is by then, so that steps can be left
    out: a line is named by its index, a version by how many requests ago it was."""

    def __init__(self, number):
        self.random = random.Random(f"{SEED}/{number}")

    def make(self):
        products = [self.make_product(index) for index in range(PRODUCTS)]
        return [*products, self.make_creation(), *(self.make_step() for _ in range(self.count()))]

    def count(self):
        return self.random.randint(10, 40)

    def make_step(self):
        dice = self.random.random()
        if dice < 0.15:
            return self.make_product(self.random.randrange(PRODUCTS))
        if dice < 0.18:
            return self.make_copy()
        if dice < 0.19:
            names = "stuvwxyz"  # as many as there may be
            return ("commands", [{"type": "set_total", "name": n, "amount": 1} for n in names])
        if dice < 0.33:
            n = self.random.randint(1, 5)
            commands = [self.make_command() for _ in range(n)]
            return ("commands", [each for each in commands if each["type"] != "claim"])
        return ("command", self.make_command())

    def make_product(self, index):
        prices = [0, 1, 499, *(self.random.randrange(10**4) for _ in range(6)), AMOUNT_MAX // 900]
        quantities = ({}, {}, {"maximum": 600}, {"minimum": 2, "multiple_of": 2}, {"maximum": 3000})
        return (
            "product",
            index,
            {
                "quantity": self.random.choice(quantities),
                "name": self.random.choice(("Tea", "Thé vert", "緑茶")),
                "prices": {
                    currency: self.random.choice(prices)
                    for currency in ("EUR", "USD", "JPY")
                    if self.random.random() < 0.93
                },
                "active": self.random.random() < 0.9,
            },
        )

    def make_creation(self):
        items = [self.make_item() for _ in range(self.random.choice((0, 0, 1, 2, 3)))]
        metadata = self.random.choice(({}, {"a": 1}, {"b": {"c": [1, 2.5, None]}}))
        return (
            "create",
            {"currency": self.random.choice(("EUR", "EUR", "USD")), "metadata": metadata},
            items,
        )

    def make_copy(self):
        members = {}
        if self.random.random() < 0.3:
            members["currency"] = self.random.choice(("EUR", "USD", "JPY"))
        if self.random.random() < 0.5:
            members["at_version"] = self.random.choice((0, 1, 2, 5, 1000))
        return ("copy", members)

    def make_item(self):
        item = {"sku": self.random.choice((*range(PRODUCTS), *range(PRODUCTS), *range(PRODUCTS), "no-such-sku"))}
        if self.random.random() < 0.8:
            item["quantity"] = self.random.choice((1, 1, 2, 3, 500, 999))
        if self.random.random() < 0.5:
            item["properties"] = self.random.choice(PROPERTIES)
        return item

    def make_command(self):
        kind = self.random.choices(
            (
                "add_item", "change_item", "change_item_quantity", "remove_item", "clear_items",
                "change_details", "reprice", "change_currency", "undo", "restore", "check_out",
                "cancel", "reopen", "claim", "set_total", "remove_total",
            ),
            (30, 14, 4, 8, 2, 8, 6, 5, 14, 8, 4, 1, 9, 1, 7, 2),
        )[0]  # fmt: skip
        command = {"type": kind}
        command.update(getattr(self, f"make_{kind}", dict)())
        return command

    def make_add_item(self):
        return self.make_item()

    def make_line(self):
        return {"item_id": self.random.choice((*range(PRODUCTS), *range(PRODUCTS), *range(PRODUCTS), "no-such-item"))}

    def make_change_item(self):
        command = self.make_line()
        dice = self.random.random()
        if dice < 0.6:
            command["quantity"] = self.random.choice((0, 1, 2, 5, 998, 999))
        if dice > 0.4:
            command["properties"] = self.random.choice(PATCHES)
        return command

    def make_change_item_quantity(self):
        return {**self.make_line(), "quantity": self.random.choice((0, 1, 2, 5, 998, 999))}

    def make_remove_item(self):
        return self.make_line()

    def make_change_details(self):
        command = {}
        if self.random.random() < 0.7:
            command["metadata"] = self.random.choice(METADATA_PATCHES)
        if self.random.random() < 0.3:
            command["customer_email"] = self.random.choice(("ada@example.com", None))
        if self.random.random() < 0.3:
            command["note"] = self.random.choice(("Please ring.", "Für Zoë", None))
        return command

    def make_change_currency(self):
        return {"currency": self.random.choice(("EUR", "USD", "JPY"))}

    def make_restore(self):
        return {"version": self.random.choice((0, 1, 2, 3, 5, 8, 13, 1000))}

    def make_check_out(self):
        command = {}
        if self.random.random() < 0.3:
            command["expected_total"] = self.random.choice(("total", "total", 1))
        if self.random.random() < 0.5:
            command["check_prices"] = self.random.choice((True, True, False))
        if self.random.random() < 0.5:
            command["order_reference"] = self.random.choice(("order-1", "order-2", None))
        return command

    def make_reopen(self):
        return self.random.choice(({}, {"reason": "payment failed"}, {"reason": None}))

    def make_set_total(self):
        if self.random.random() < 0.1:
            return {"name": self.random.choice("abcdefghijk"), "amount": AMOUNT_MAX}
        amount = self.random.choice((0, 190, self.random.randrange(10**4)))
        return {**self.make_remove_total(), "amount": amount}

    def make_remove_total(self):
        return {"name": self.random.choice(("tax", "tax", "shipping", *"abcdefghijkl"))}

    def make_claim(self):
        return {"customer_id": self.random.choice(("ada", "ada", "bob"))}


class Mismatch(AssertionError):
    """The service did what the model did not say."""


class Play:
    """Steps, carried out on the service and on the model."""

    def __init__(self, client, steps):
        self.client = client
        self.steps = steps
        self.skus = [make_sku("whole") for _ in range(PRODUCTS)]
        self.catalogue = Catalogue()
        self.cart = None
        self.carts = []
        self.answers = {}  # the document of each version that was answered, by cart and version
        self.log = []
        self.slugs = set()

    def expect(self, is_so, what):
        if not is_so:
            raise Mismatch(what)

    def run(self):
        for kind, *step in self.steps:
            getattr(self, f"do_{kind}")(*step)
        for cart in self.carts:
            self.check_history(cart)
        return self

    def send(self, method, target, body):
        answer = self.client.request(method, target, body)
        self.log.append((method, target, body, answer.status, answer.slug, answer.etag))
        return answer

    # ---- steps ----

    def do_product(self, index, content):
        answer = self.send("PUT", f"/products/{self.skus[index]}", content)
        self.expect(answer.status in (200, 201), answer)
        self.catalogue.put(self.skus[index], content)

    def do_create(self, members, items):
        items = [self.resolve(item) for item in items]
        answer = self.send("POST", "/carts", {**members, "items": items})

        def make(items=items):
            cart = WholeCart(self.catalogue, members["currency"], None, members["metadata"])
            cart.begin(items)
            return cart

        cart = self.compare_creation(answer, make, "/items/{index}")
        if cart is None:
            answer = self.send("POST", "/carts", members)
            self.compare_creation(answer, lambda: make([]), None)

    def do_copy(self, members):
        members = dict(members)
        if "at_version" in members:
            members["at_version"] = self.find_version(self.cart, members["at_version"])
        body = {"copy_of": self.cart.id, "customer_id": "ada", **members}
        source = self.cart
        self.compare_creation(
            self.send("POST", "/carts", body),
            lambda: copy_cart(
                source, self.catalogue, members.get("currency"), members.get("at_version"), "ada"
            ),
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
        in_path = ("type", "item_id") + (("name",) if command["type"].endswith("_total") else ())
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
            "set_total": ("PUT", f"{base}/totals/{command.get('name')}"),
            "remove_total": ("DELETE", f"{base}/totals/{command.get('name')}"),
        }[command["type"]]
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

    # ---- what a step leaves open ----

    def resolve(self, command):
        command = copy.deepcopy(command)
        lines = self.cart.content.lines if self.cart else []
        if isinstance(command.get("sku"), int):
            command["sku"] = self.skus[command["sku"]]
        if isinstance(command.get("item_id"), int):
            index = command["item_id"]
            command["item_id"] = lines[index % len(lines)]["id"] if lines else "no-such-item"
        if "version" in command:
            command["version"] = self.find_version(self.cart, command["version"])
        if command.get("expected_total") == "total":
            command["expected_total"] = self.cart.total
        return command

    @staticmethod
    def find_version(cart, n_ago):
        versions = sorted(cart.moments, reverse=True)
        return n_ago + cart.version if n_ago == 1000 else versions[n_ago % len(versions)]

    # ---- comparing ----

    def compare(self, answer):
        document = answer.json()
        self.answers.setdefault((self.cart.id, document["version"]), document)
        expected = self.cart.document()
        served = {name: document[name] for name in expected}
        self.expect(served == expected, f"the model has {expected}\nthe service {served}")
        self.expect(answer.version == self.cart.version, answer)
        is_open = self.cart.status == "open"
        self.expect((document["closed_at"] is None) == is_open, answer)

    def compare_refusal(self, answer, refusal, pointer):
        self.slugs.add(refusal.slug)
        expected = (STATUS_OF[refusal.slug], refusal.slug)
        self.expect((answer.status, answer.slug) == expected, f"{expected}: {answer}")
        problem = answer.json()
        if pointer:
            pointer = pointer.format(index=refusal.index)
        self.expect(problem.get("pointer") == pointer, f"pointer {pointer}: {answer}")
        for name, value in refusal.members.items():
            self.expect(problem.get(name) == value, f"{name} {value}: {answer}")

    # ---- the end of a cart ----

    def check_history(self, cart):
        self.cart = cart
        self.check_versions()
        if cart.status != "open":
            self.do_command({"type": "reopen"})
        for index, sku in enumerate(self.skus):
            self.do_product(index, {**self.catalogue.products[sku], "active": True})
        versions = sorted(cart.moments)
        first = copy.deepcopy(cart.moments[versions[0]].content)
        for version in versions[:: 1 + len(versions) // RESTORES]:
            self.check_restore(version)
        self.check_undo_and_redo()
        if self.undo_all() and not cart.has_lost:
            self.check_lines(first)

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


def shrink(client, steps):
    """Leaves steps out as long as it fails; returns what is left, and how that fails."""
    failure = play = None
    n_dropped = len(steps) // 2
    while n_dropped > 0:
        i = PRODUCTS + 1  # the products and the creation stay
        while i < len(steps):
            fewer = steps[:i] + steps[i + n_dropped :]
            attempt = Play(client, fewer)
            try:
                attempt.run()
                i += n_dropped
            except AssertionError as error:
                steps, failure, play = fewer, error, attempt
        n_dropped //= 2
    return failure, play


class WholeModel(ServiceCase):
    def test_random_sequences_give_what_the_model_gives(self):
        print(f"\ntest_model_whole: CARTD_TEST_SEED={SEED}, {SEQUENCES} sequences", flush=True)
        numbers = [int(ONLY)] if ONLY else range(SEQUENCES)

        def play_share(i):
            slugs = set()
            with self.service.client() as client:
                for number in numbers[i::CLIENTS]:
                    slugs |= self.play(client, number)
            return slugs

        slugs = set().union(*run_at_once(CLIENTS, play_share))
        if len(numbers) >= 500:
            self.assertEqual(slugs, set(STATUS_OF), "each refusal happened")
        if self.database:
            self.assert_log_is_dense()
            done = run_cartd("verify", url=self.database.app_url)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def play(self, client, number):
        steps = Steps(number).make()
        play = Play(client, steps)
        try:
            return play.run().slugs
        except AssertionError as error:
            failure, shortest = shrink(client, steps)
            failure, play = (failure, shortest) if failure else (error, play)
            sent = "\n".join(str(request) for request in play.log)
            raise AssertionError(
                f"CARTD_TEST_SEED={SEED} CARTD_TEST_SEQUENCE={number}: {failure}\n{sent}"
            ) from error


if __name__ == "__main__":
    unittest.main()
