"""Who may do what: every operation of openapi.yaml with every kind of caller. That the document has
every route, and no other, is for test_contract."""

import time
import unittest

from support import AuthCase, contract, make_cart_token, make_id, make_key, make_sku
from support import needs_binary
from support.operations import body_of, fill
from support.tokens import AUDIENCE, ISSUER, encode, forge, key_of

# What each operation is, by what it needs; see src/http/routes.h. An operation that is not here
# makes the tests fail.
ACCESS = {
    "createCart": "new cart",
    "listCarts": "cart list",
    "getCustomerCart": "cart list",
    "getCart": "cart",
    "addItem": "cart",
    "clearItems": "cart",
    "changeItem": "cart",
    "changeDetails": "cart",
    "reopenCart": "cart",
    "undoChange": "cart",
    "restoreCart": "cart",
    "repriceCart": "cart",
    "changeCurrency": "cart",
    "removeItem": "cart",
    "checkOutCart": "cart",
    "cancelCart": "cart",
    "executeCommands": "cart",
    "applyCoupon": "cart",
    "removeCoupon": "cart",
    "setTotal": "totals",
    "removeTotal": "totals",
    "claimCart": "claim",
    "mergeCart": "cart",
    "revertMerge": "cart",
    "makeResumeToken": "cart",
    "endResumeToken": "cart",
    "getResumedCart": "anyone",
    "listCartEvents": "cart",
    "listEvents": "events",
    "putProduct": "catalog",
    "getProduct": "anyone",
    "listProducts": "anyone",
    "putCoupon": "coupons",
    "getCoupon": "coupons",
    "withdrawCoupon": "coupons",
    "listCoupons": "coupons",
    "getAbandonedCartsReport": "reports",
    "getDemandReport": "reports",
    "getFunnelReport": "reports",
    "getRemovedThenBoughtReport": "reports",
    "getLivez": "anyone",
    "getReadyz": "anyone",
    "getMetrics": "operations",
    "getOpenapi": "anyone",
    "getProblem": "anyone",
    "getStart": "anyone",
    "getPageFile": "anyone",
    "getShop": "anyone",
    "getExplorer": "anyone",
    "getDocs": "anyone",
}
OF_CARTS = ("cart", "claim")  # what is for whom the cart belongs to
SCOPES = {
    "cart list": {"carts", "carts:all"},
    "new cart": {"carts", "carts:all"},
    "cart": {"carts", "carts:all"},
    "claim": {"carts", "carts:all"},
    "events": {"events"},
    "totals": {"totals"},
    "catalog": {"catalog"},
    "coupons": {"coupons"},
    "reports": {"reports"},
    "operations": {"reports"},
}
SOMEWHERE_ELSE = {"X-Forwarded-For": "192.0.2.1"}  # so that nobody counts as this machine


def bad_tokens(key):
    """What is wrong with it, and a token of which nothing else is."""
    now = int(time.time())
    good = key.token()
    head, claims, signature = good.split(".")
    fields = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "scope": "carts", "exp": now + 3600}
    pem = (key if key.algorithm != "HS256" else key_of("RS256")).public.encode()
    flipped = ("A" if signature[9] != "A" else "B").join((signature[:9], signature[10:]))
    yield "expired", key.token(exp=now - 31)
    yield "not valid yet", key.token(nbf=now + 120)
    yield "no expiry", key.token(exp=None)
    yield "expiry as text", forge({"alg": key.algorithm}, {**fields, "exp": "9999999999"}, b"x")
    yield "another issuer", key.token(iss="https://else.example")
    yield "no issuer", key.token(iss=None)
    yield "another audience", key.token(aud="else")
    yield "other audiences", key.token(aud=["else", "cartd2"])
    yield "no audience", key.token(aud=None)
    yield "no subject", key.token(sub=None)
    yield "an empty subject", key.token(sub="")
    yield "a long subject", key.token(sub="a" * 129)
    yield "a subject with a line break", key.token(sub="ada\nbob")
    yield "another key", type(key)(key.algorithm).token()
    for other in {"HS256", "RS256", "ES256"} - {key.algorithm}:
        yield f"the algorithm {other}", key_of(other).token()
    yield "none", forge({"alg": "none"}, fields)
    yield "None, with a signature", forge({"alg": "None"}, fields, b"x")
    yield "no algorithm", forge({"typ": "JWT"}, fields, b"x")
    yield "the public key as a secret", forge({"alg": "HS256"}, fields, pem)
    yield "the same with its line break", forge({"alg": "HS256"}, fields, pem + b"\n")
    yield "that, and a lie about it", forge({"alg": key.algorithm}, fields, pem)
    yield "another signature", f"{head}.{claims}.{flipped}"
    yield "no signature", f"{head}.{claims}."
    yield "no third part", f"{head}.{claims}"
    yield "a fourth part", f"{good}.{signature}"
    yield "claims of another token", f"{head}.{encode({**fields, 'scope': 'carts:all'})}.{signature}"
    yield "padding", f"{good}="
    yield "a critical extension", key.token(header={"crit": ["exp"]})
    yield "another type", key.token(header={"typ": "at+jwt"})
    yield "claims that come twice", ".".join(
        (head, encode(b'{"sub":"ada","sub":"bob"}'), signature)
    )
    yield "scopes as a list", key.token(scope=["carts"])
    yield "no JSON", f"{encode(b'{')}.{encode(b'{')}.{signature}"
    yield "nothing", ""
    yield "dots", ".."
    yield "nonsense", "x" * 200
    yield "too long", key.token(more="x" * 9000)


class Targets:
    """One request of each operation, for a cart of one's choice."""

    def __init__(self, case):
        self.case = case
        self.sku = case.make_product(100)
        self.code = make_sku("code")
        case.service_of("coupons").put(f"/coupons/{self.code}", {"percent": 1})
        zoe = case.customer("zoe")
        self.token = case.make_resume_token(case.make_cart(client=zoe)["id"], zoe)

    def make(self, operation, cart_id=None):
        other = {}  # a cart to merge, with the token that makes it the caller's
        if "/merge" in operation.path:
            cart, guest = self.case.make_guest_cart((self.sku, 1))
            other = {"from": cart["id"], "from_token": guest.headers["Cart-Token"]}
        names = {
            "cart_id": cart_id or make_id(),
            "item_id": self.sku,
            "sku": make_sku("put") if operation.id == "putProduct" else self.sku,
            "code": self.code,
            "token": self.token,
            "customer_id": "zoe",
            "from": other.get("from"),
        }
        body = body_of(
            operation, self.sku, self.code,
            changeCurrency={"currency": "EUR"},
            mergeCart=other,
            revertMerge={"from_token": other.get("from_token")},
        )  # fmt: skip
        return operation.method, fill(operation.path, **names), body

    def send(self, client, operation, cart_id=None, headers=None):
        method, path, body = self.make(operation, cart_id)
        return client.request(
            method, path, body=body, headers={**SOMEWHERE_ELSE, **(headers or {})}
        )


def operations():
    return contract.contract().operations.values()


@needs_binary
class EveryRoute(AuthCase):
    """Every operation, with every kind of caller."""

    def setUp(self):
        self.targets = Targets(self)

    def test_each_operation_has_a_row(self):
        self.assertEqual({operation.id for operation in operations()}, set(ACCESS))

    def send(self, client, operation, cart_id=None):
        return self.targets.send(client, operation, cart_id)

    def make_carts(self):
        """A guest's cart, one of ada's, and one that a guest had and ada has claimed: with the
        token of the first and the last."""
        guests, guest = self.make_guest_cart((self.targets.sku, 1))
        adas = self.customer("ada").post("/carts", {"items": [{"sku": self.targets.sku}]})
        self.assertEqual(adas.status, 201, adas)
        claimed, former = self.make_guest_cart((self.targets.sku, 1))
        token = former.headers["Cart-Token"]
        done = self.customer("ada", cart_token=token).post(f"/carts/{claimed['id']}/claim")
        self.assertEqual(done.status, 200, done)
        for cart in (guests, adas.json(), claimed):  # a change, so that there is one to undo
            answer = self.service_of("carts:all").patch(f"/carts/{cart['id']}", {"note": "First."})
            self.assertEqual(answer.status, 200, answer)
        return {
            "guest's": (guests["id"], guest.headers["Cart-Token"]),
            "ada's": (adas.json()["id"], None),
            "claimed": (claimed["id"], token),
        }

    def assert_unauthorized(self, answer, is_invalid):
        problem = self.assert_problem(answer, 401, "unauthorized")
        challenge = answer.headers["www-authenticate"]
        self.assertTrue(challenge.startswith('Bearer realm="cartd"'), answer)
        self.assertEqual('error="invalid_token"' in challenge, is_invalid, answer)
        self.assertNotIn("cartd2", problem["detail"])

    def test_nobody(self):
        """No token at all: whoever needs one is told so, before anything is looked at."""
        carts = self.make_carts()
        for operation in operations():
            access = ACCESS[operation.id]
            for cart_id in [cart_id for cart_id, _ in carts.values()] + [make_id(), "x"]:
                with self.subTest(operation=operation.id, cart=cart_id):
                    answer = self.send(self.client, operation, cart_id)
                    if access in ("anyone", "new cart"):
                        self.assertIn(answer.status, (200, 201), answer)
                    else:
                        self.assert_unauthorized(answer, is_invalid=False)
                if "{cart_id}" not in operation.path:
                    break

    def test_a_bad_token_is_refused_everywhere(self):
        """Also where no authentication is required, and with a good Cart-Token beside it."""
        cart_id, cart_token = self.make_carts()["guest's"]
        bad = dict(bad_tokens(self.key))
        for name, token in bad.items():
            with self.subTest(name):
                client = self.bearing(token, cart_token)
                for operation in operations():
                    self.assert_unauthorized(self.send(client, operation, cart_id), is_invalid=True)
        for value in ("Basic YTpi", "Bearer", "Token x", self.key.token(), "bearer  "):
            answer = self.client.get("/livez", headers={"Authorization": value})
            self.assert_unauthorized(answer, is_invalid=True)

    def test_two_authorizations_are_ambiguous(self):
        for value in (self.key.token(), "x"):
            message = self.client.compose(
                "GET", "/livez", {"Authorization": f"Bearer {self.key.token()}"}, None
            ).replace(b"\r\n\r\n", f"\r\nAuthorization: Bearer {value}\r\n\r\n".encode())
            with self.service.client() as client:
                client.send(message)
                self.assertEqual(client.receive("GET", "/livez").status, 400)

    def test_each_scope_is_good_for_what_it_is_for(self):
        for scope in ("carts", "carts:all", "catalog", "coupons", "events", "reports", "totals", "prices", "", "other cartsx"):
            client = self.bearing(self.key.token("zoe", scope))
            for operation in operations():
                access = ACCESS[operation.id]
                with self.subTest(scope=scope, operation=operation.id):
                    answer = self.send(client, operation)
                    if access == "anyone":
                        self.assertEqual(answer.status, 200, answer)
                    elif scope not in SCOPES[access]:
                        self.assert_problem(answer, 403, "forbidden")
                        challenge = answer.headers["www-authenticate"]
                        self.assertIn('error="insufficient_scope"', challenge)
                        wanted = challenge.split('scope="')[1].rstrip('"').split()
                        self.assertEqual(set(wanted), SCOPES[access])
                    elif "{cart_id}" in operation.path:
                        self.assert_problem(answer, 404, "cart-not-found")
                    else:
                        self.assertIn(answer.status, (200, 201), answer)

    def test_scopes_add_up(self):
        client = self.bearing(self.key.token("zoe", "reports catalog  unknown events"))
        statuses = {
            operation.id: self.send(client, operation).status
            for operation in operations()
            if ACCESS[operation.id] in ("reports", "catalog", "events")
        }
        self.assertEqual(set(statuses.values()) - {200, 201}, set(), statuses)

    def callers(self, carts):
        """Each with whether the carts belong to them."""
        everything = {name: True for name in carts}
        nothing = {name: False for name in carts}
        guests = {**nothing, "guest's": True}
        adas = {"guest's": False, "ada's": True, "claimed": True}
        token = carts["guest's"][1]
        return {
            "the guest": (self.bearing(cart_token=token), guests),
            "a wrong token": (self.bearing(cart_token=make_cart_token()), nothing),
            "an ended token": (self.bearing(cart_token=carts["claimed"][1]), nothing),
            "no token's form": (self.bearing(cart_token="short"), nothing),
            "an empty token": (self.bearing(cart_token=""), nothing),
            "a token in another case": (self.bearing(cart_token=token.swapcase()), nothing),
            "ada": (self.customer("ada"), adas),
            "another customer": (self.customer("bob"), nothing),
            "a customer called nearly so": (self.customer("Ada"), nothing),
            "a customer with the token": (self.customer("bob", token), guests),
            "back office": (self.service_of("carts:all"), everything),
        }

    def test_each_cart_is_for_whom_it_is(self):
        """And to everybody else it is, byte for byte, a cart that does not exist."""
        of_carts = [operation for operation in operations() if ACCESS[operation.id] in OF_CARTS]
        for operation in of_carts:
            for name in self.callers(self.make_carts()):
                carts = self.make_carts()
                client, rights = self.callers(carts)[name]
                is_guest = "Authorization" not in client.headers
                for cart, is_his in rights.items():
                    with self.subTest(operation=operation.id, caller=name, cart=cart):
                        if is_guest and operation.id == "claimCart":
                            answer = self.send(client, operation, carts[cart][0])
                            self.assert_unauthorized(answer, is_invalid=False)
                        elif is_his:
                            answer = self.send(client, operation, carts[cart][0])
                            wanted = (200, 409) if operation.id == "claimCart" else (200,)
                            self.assertIn(answer.status, wanted, answer)
                        else:
                            self.assert_absent(client, operation, carts[cart][0])

    def assert_absent(self, client, operation, cart_id, headers=None):
        absent_id = make_id()
        headers = {"X-Request-Id": "same", **(headers or {})}
        answers = []
        for one_id in (cart_id, absent_id):
            answer = self.targets.send(client, operation, one_id, headers)
            kept = {name: text for name, text in answer.headers.items() if name != "date"}
            body = answer.body.replace(one_id.encode(), b"ID")
            answers.append((answer.status, kept, body))
        self.assertEqual(answers[0], answers[1])
        return answers[0][0]

    def test_nothing_comes_before_that_somebody_elses_cart_is_none(self):
        """Neither what it has answered before, nor its version, nor its rules, nor its history."""
        key = make_key()
        adas = self.customer("ada")
        made = adas.post("/carts", {"items": [{"sku": self.targets.sku}]}).json()
        self.assertEqual(self.add(made["id"], self.targets.sku, 1, adas, **{"Idempotency-Key": key}).status, 200)
        closed = adas.post("/carts", {}).json()
        self.assertEqual(adas.post(f"/carts/{closed['id']}/cancel").status, 200)
        variants = (
            {"If-Match": '"1"'},
            {"If-Match": '"3"'},
            {"If-Match": "*"},
            {"Idempotency-Key": key},
            {"Idempotency-Key": make_key()},
            {"Idempotency-Key": key, "If-Match": '"77"', "Prefer": "return=minimal"},
            {"Prefer": "return=minimal"},
            {"If-None-Match": "*"},
            {"Accept": "text/event-stream"},
            {"Accept": "text/event-stream", "Last-Event-ID": "1"},
            {"Content-Type": "text/plain"},
        )
        of_carts = [operation for operation in operations() if ACCESS[operation.id] in OF_CARTS]
        stranger = self.bearing(self.key.token("bob"), make_cart_token())
        for operation in of_carts:
            for headers in variants:
                for cart in (made, closed):
                    with self.subTest(operation=operation.id, headers=headers):
                        status = self.assert_absent(stranger, operation, cart["id"], headers)
                        is_command = operation.method != "GET"
                        if "If-None-Match" in headers and is_command:
                            self.assertEqual(status, 400)
                        elif "Content-Type" in headers and operation.has_body:
                            self.assertIn(status, (404, 415))
                        elif "Accept" in headers and operation.id != "listCartEvents":
                            self.assertEqual(status, 406)
                        else:
                            self.assertEqual(status, 404)
        get = contract.contract().operations["getCart"]
        for query in ("version=1", "version=999", "at=2026-01-01T00:00:00Z", "at=2999-01-01T00:00:00Z"):
            bodies = []
            for cart_id in (made["id"], make_id()):
                answer = stranger.get(f"/carts/{cart_id}?{query}", headers={"X-Request-Id": "r"})
                self.assertEqual(answer.status, 404, answer)
                bodies.append(answer.body.replace(cart_id.encode(), b"ID"))
            self.assertEqual(bodies[0], bodies[1], get.id)
        for query in ("after=1", "after=0&limit=1", "after=99"):
            for cart_id in (made["id"], make_id()):
                answer = stranger.get(f"/carts/{cart_id}/events?{query}")
                self.assert_problem(answer, 404, "cart-not-found")

    def test_a_head_says_no_more_than_a_get(self):
        cart_id = self.make_carts()["ada's"][0]
        stranger = self.customer("bob")
        for path in (f"/carts/{cart_id}", f"/carts/{make_id()}"):
            answer = stranger.head(path)
            self.assertEqual((answer.status, answer.etag), (404, None), answer)

    def test_operations_are_for_this_machine_and_for_reports(self):
        for path in ("/metrics", "/readyz?verbose"):
            self.assertEqual(self.client.get(path).status, 200)
            for headers in (SOMEWHERE_ELSE, {"Forwarded": "for=192.0.2.1"}):
                self.assert_unauthorized(self.client.get(path, headers=headers), is_invalid=False)
                reports = self.service_of("reports")
                self.assertEqual(reports.get(path, headers=headers).status, 200)
                self.assert_problem(
                    self.customer().get(path, headers=headers), 403, "forbidden"
                )
        self.assertEqual(self.client.get("/readyz", headers=SOMEWHERE_ELSE).status, 200)


if __name__ == "__main__":
    unittest.main()
