"""Random sequences of commands, played both on the service and on a model of the cart that knows
nothing of the service: the same answers, the same carts."""

import json
import os
import random
import unittest

from support import contract, encode_json, how_many, make_sku, run_at_once
from support.cart_content import AMOUNT_MAX, STATUS_OF, Refused
from support.cart_model import Cart
from support.cart_play import CLIENTS, SEED, TIMES, ModelCase
from support.shop_model import Shop

SEQUENCES = int(os.environ.get("CARTD_TEST_SEQUENCES") or how_many(500, long=1000))
STEPS = 20
PROPERTIES = (
    {},
    {"engraving": "For Ada"},
    {"engraving": 'Für "Zoë" \\ 💍'},
    {"size": "L", "colour": "blue", "Size": "l"},
    {"colour": "blue", "Size": "l", "size": "L"},
)
REFUSALS = {
    "cart-closed",
    "order-reference-mismatch",
    "item-not-in-cart",
    "product-withdrawn",
    "unknown-sku",
    "price-unavailable",
    "quantity-out-of-range",
    "cart-full",
    "amount-too-large",
    "cart-empty",
    "total-changed",
}
ODD = 12  # of the shared products, the first, among which are the odd ones


class Keys:
    """The answers that are stored with idempotency keys, within one scope."""

    def __init__(self):
        self.stored = {}

    def find(self, key, request):
        """The stored answer, None, or "reused" when the key belongs to another request."""
        if key not in self.stored:
            return None
        stored_request, answer = self.stored[key]
        return answer if stored_request == json.dumps(request) else "reused"

    def store(self, key, request, answer):
        self.stored[key] = (json.dumps(request), answer)


class Sequence:
    """One cart of its own, one product of its own whose price moves, and a random walk."""

    def __init__(self, case, client, number, shared):
        self.case = case
        self.client = client
        self.random = random.Random(f"{SEED}/{number}")
        self.number = number
        self.shop = Shop()
        self.shop.products = dict(shared)
        self.own_sku = make_sku("own")
        self.is_wide = number % 50 == 0  # its cart gets full
        # The first of them are those with something odd; they would refuse every wide batch.
        self.skus = (
            list(shared)[ODD:] if self.is_wide else self.random.sample(list(shared)[: 3 * ODD], 8)
        )
        self.keys = Keys()
        self.requests = []  # those sent with a key, to be sent again
        self.steps = []

    def fail(self, what):
        steps = "\n".join(str(step) for step in self.steps)
        raise AssertionError(f"seed {SEED}, sequence {self.number}: {what}\n{steps}")

    def expect(self, is_so, what):
        if not is_so:
            self.fail(what)

    # ---- the walk ----

    def play(self):
        self.change_product()
        self.create()
        for _ in range(self.random.randint(STEPS // 2, STEPS * 3 // 2)):
            dice = self.random.random()
            if dice < 0.07:
                self.change_product()
            elif dice < 0.15 and self.requests:
                self.send_again()
            elif dice < 0.30 or self.is_wide:
                self.send_batch()
            else:
                self.send_one()
        self.compare(self.client.get(f"/carts/{self.cart.id}").json())

    def change_product(self):
        content = {
            "name": self.random.choice(("Tea", "Thé vert", "緑茶")),
            "prices": {
                currency: self.random.choice((0, 1, 499, self.random.randrange(10**6)))
                for currency in ("EUR", "USD")
                if self.random.random() < 0.8
            },
            "active": self.random.random() < 0.85,
        }
        answer = self.client.put(f"/products/{self.own_sku}", content)
        self.steps.append(("PUT", content, answer.status))
        self.expect(answer.status in (200, 201), answer)
        self.shop.put_product(self.own_sku, content)

    def create(self):
        currency = self.random.choice(("EUR", "EUR", "EUR", "USD"))
        items = [self.make_item() for _ in range(self.random.choice((0, 0, 1, 3)))]
        customer_id = self.random.choice((None, "customer-1", "Zoë"))
        metadata = self.random.choice(
            ({}, {"note": 'für Zoë "\\\u0007'}, {"a": {"b": [1, 2.5, None]}})
        )
        body = {"currency": currency, "metadata": metadata, "items": items}
        if customer_id:
            body["customer_id"] = customer_id
        cart = Cart(self.shop, currency, customer_id, metadata)
        answer = self.client.post("/carts", body)
        self.steps.append(("POST /carts", body, answer.status, answer.slug))
        try:
            cart.begin(items)
        except Refused as refusal:
            self.expect_refusal(answer, refusal, f"/items/{refusal.index}")
            body = {"currency": currency, "metadata": metadata, "customer_id": customer_id}
            answer = self.client.post("/carts", body)
            self.steps.append(("POST /carts", body, answer.status))
            cart.begin([])
        self.expect(answer.status == 201, answer)
        cart.id = answer.json()["id"]
        self.cart = cart
        self.compare(answer.json())

    def make_item(self):
        item = {"sku": self.make_sku()}
        if self.random.random() < 0.8:
            item["quantity"] = self.random.choice((1, 1, 2, 3, 400, 999))
        if self.random.random() < 0.3:
            item["properties"] = self.random.choice(PROPERTIES)
        return item

    def make_sku(self):
        return self.random.choice([*self.skus, self.own_sku, self.own_sku, "no-such-sku"])

    def make_item_id(self):
        """Most of the time the line of a withdrawn product, as few carts come to have one."""
        product = self.shop.products.get(self.own_sku)
        is_withdrawn = product is not None and not product["active"]
        item_ids = [line["id"] for line in self.cart.content.lines]
        if is_withdrawn and self.own_sku in item_ids and self.random.random() < 0.7:
            return self.own_sku
        return self.random.choice([*item_ids, self.own_sku, "no-such-item"])

    def make_command(self, may_close=True):
        dice = self.random.random()
        if dice < 0.5:
            return {"type": "add_item", **self.make_item()}
        if dice < 0.7:
            quantity = self.random.choice((0, 1, 2, 5, 998, 999))
            return {
                "type": "change_item_quantity",
                "item_id": self.make_item_id(),
                "quantity": quantity,
            }
        if dice < 0.85:
            return {"type": "remove_item", "item_id": self.make_item_id()}
        if dice < 0.91 or not may_close:
            return {"type": "clear_items"}
        if dice < 0.97:
            command = {"type": "check_out"}
            if self.random.random() < 0.6:
                command["expected_total"] = self.random.choice((self.cart.total, 1))
            if self.random.random() < 0.6:
                command["order_reference"] = self.random.choice(("order-1", "Bestellung 2 💍", None))
            return command
        return {"type": "cancel"}

    def send_one(self):
        command = self.make_command()
        base = f"/carts/{self.cart.id}"
        kind = command["type"]
        fields = {name: value for name, value in command.items() if name not in ("type", "item_id")}
        method, target, body = {
            "add_item": ("POST", f"{base}/items", fields),
            "change_item_quantity": ("PATCH", f"{base}/items/{command.get('item_id')}", fields),
            "remove_item": ("DELETE", f"{base}/items/{command.get('item_id')}", None),
            "clear_items": ("DELETE", f"{base}/items", None),
            "check_out": ("POST", f"{base}/checkout", fields or None),
            "cancel": ("POST", f"{base}/cancel", None),
        }[kind]
        self.send(method, target, body, [command])

    def send_batch(self):
        if self.is_wide:
            commands = [
                {
                    "type": "add_item",
                    "sku": self.random.choice(self.skus),
                    "quantity": 1,
                    "properties": self.random.choice(PROPERTIES[:2]),
                }
                for _ in range(100)
            ]
        else:
            n = self.random.randint(1, 5)
            commands = [self.make_command(may_close=i == n - 1) for i in range(n)]
        self.send("POST", f"/carts/{self.cart.id}/commands", {"commands": commands}, commands)

    def send(self, method, target, body, commands):
        headers = {}
        match = None
        if self.random.random() < 0.25:
            version = self.cart.version
            match = self.random.choice(("*", version, version, max(1, version - 2), version + 3))
            headers["If-Match"] = "*" if match == "*" else f'"{match}"'
        if self.random.random() < 0.35:
            headers["Idempotency-Key"] = self.random.choice(
                (f"key-{self.random.randrange(12)}", f'"key-{self.random.randrange(12)}"')
            )
        if self.random.random() < 0.1:
            headers["Prefer"] = "return=minimal"
        self.exchange((method, target, body, headers, match, commands))

    def send_again(self):
        """A retry: the same request with the same key, whatever has happened since."""
        self.exchange(self.random.choice(self.requests))

    # ---- both sides ----

    def exchange(self, request):
        method, target, body, headers, match, commands = request
        answer = self.client.request(
            method,
            target,
            body=None if body is None else encode_json(body),
            headers={
                **headers,
                **({"Content-Type": "application/json"} if body is not None else {}),
            },
        )
        self.steps.append((method, target, body, headers, answer.status, answer.slug, answer.etag))
        key = headers.get("Idempotency-Key", "").strip('"')
        # The path is part of what must be the same; the headers other than the key are not.
        identity = [method, target, body]
        if key:
            stored = self.keys.find(key, identity)
            if stored == "reused":
                self.expect((answer.status, answer.slug) == (422, "idempotency-key-reused"), answer)
                return
            if stored is not None:
                self.expect_replay(answer, stored, headers)
                return
            self.expect("idempotent-replayed" not in answer.headers, answer)
        if match not in (None, "*", self.cart.version):
            self.expect((answer.status, answer.slug) == (412, "version-mismatch"), answer)
            self.expect_missed(answer.json(), match)
            return
        try:
            self.cart.apply_all(commands)
        except Refused as refusal:
            is_batch = target.endswith("/commands")
            self.expect_refusal(answer, refusal, f"/commands/{refusal.index}" if is_batch else None)
            return
        self.expect(answer.status == (204 if "Prefer" in headers else 200), answer)
        self.expect(answer.version == self.cart.version, f"version {self.cart.version}: {answer}")
        if answer.body:
            self.compare(answer.json())
        if key:
            self.keys.store(key, identity, (answer.status, answer.etag, answer.body))
            self.requests.append((method, target, body, headers, match, commands))

    def expect_replay(self, answer, stored, headers):
        status, etag, body = stored
        self.expect(answer.headers.get("idempotent-replayed") == "true", answer)
        self.expect(answer.etag == etag, f"stored {stored}: {answer}")
        is_same_form = (status == 204) == ("Prefer" in headers)
        if is_same_form:
            self.expect((answer.status, answer.body) == (status, body), f"stored {stored}: {answer}")

    def expect_missed(self, problem, match):
        self.expect(problem["current_version"] == self.cart.version, problem)
        told = [(event["version"], event["type"]) for event in problem["missed_events"]]
        history = list(enumerate(self.cart.history, 1))
        self.expect(told == history[match:][:100], f"{problem} instead of {history[match:]}")

    def expect_refusal(self, answer, refusal, pointer):
        expected = (STATUS_OF[refusal.slug], refusal.slug)
        self.expect((answer.status, answer.slug) == expected, f"{expected}: {answer}")
        problem = answer.json()
        self.expect(problem.get("pointer") == pointer, f"pointer {pointer}: {answer}")
        for name, value in refusal.members.items():
            self.expect(problem.get(name) == value, f"{name} {value}: {answer}")

    def compare(self, document):
        served = {name: value for name, value in document.items() if name not in TIMES}
        expected = self.cart.document()
        self.expect(served == expected, f"the model has {expected}\nthe service {served}")


class Model(ModelCase):
    def test_random_sequences_give_what_the_model_gives(self):
        print(f"\ntest_model: CARTD_TEST_SEED={SEED}, {SEQUENCES} sequences", flush=True)
        shared = self.make_catalogue()

        def play_share(i):
            with self.service.client() as client:
                sequences = []
                for number in range(i, SEQUENCES, CLIENTS):
                    sequence = Sequence(self, client, number, shared)
                    sequence.play()
                    sequences.append((sequence.cart.id, sequence.cart.history))
                return sequences

        played = [pair for share in run_at_once(CLIENTS, play_share) for pair in share]
        self.assertEqual(len(played), SEQUENCES)
        if SEQUENCES >= 500:
            refused = {slug for _, _, slug in contract.slugs_seen()}
            self.assertLessEqual(REFUSALS, refused, "each refusal happened")
        if self.database:
            self.assert_log_is_dense()
            self.assert_histories(dict(played))

    def make_catalogue(self):
        shared = {}
        for i in range(300):
            price = {7: AMOUNT_MAX, 8: AMOUNT_MAX // 999, 9: 0}.get(i, 100 + i)
            content = {"name": f"Thing {i}", "prices": {"EUR": price, "USD": price}, "active": True}
            if i == 10:
                content["prices"] = {"CHF": 5}
            if i == 11:
                content["active"] = False
            sku = make_sku("model")
            self.assertEqual(self.client.put(f"/products/{sku}", content).status, 201)
            shared[sku] = content
        return shared


if __name__ == "__main__":
    unittest.main()
