"""Bearer tokens: what is taken, from which keys, and what a service says when it can't begin."""

import os
import signal
import time
import unittest

from cryptography.hazmat.primitives.asymmetric import ec

from support import AuthCase, Client, Service, make_key, needs_binary, run_cartd, wait_until
from support.tokens import AUDIENCE, ISSUER, Key, forge, key_of
from test_access import bad_tokens

NOWHERE = "postgresql://nobody@127.0.0.1:1/nowhere"


class Tokens:
    """The same for each algorithm."""

    def status(self, token):
        return self.bearing(token).get("/carts").status

    def test_good_tokens_are_taken(self):
        now = int(time.time())
        for name, token in (
            ("plain", self.key.token()),
            ("expired within the leeway", self.key.token(exp=now - 5)),
            ("valid in a moment", self.key.token(nbf=now + 5)),
            ("several audiences", self.key.token(aud=["else", AUDIENCE])),
            ("times with fractions", self.key.token(exp=now + 60.5, nbf=now - 0.5)),
            ("a long subject", self.key.token("ä" * 128)),
            ("any characters", self.key.token('auth0|"5\\7", <x>')),
            ("other claims", self.key.token(roles=["a"], nested={"a": {"b": None}})),
            ("a type in lower case", self.key.token(header={"typ": "jwt"})),
            ("a key's name", self.key.token(header={"kid": "2026-11"})),
        ):
            with self.subTest(name):
                self.assertEqual(self.status(token), 200)

    def test_bad_tokens_are_not(self):
        for name, token in bad_tokens(self.key):
            with self.subTest(name):
                answer = self.bearing(token).get("/carts")
                problem = self.assert_problem(answer, 401, "unauthorized")
                self.assertIn(problem["detail"], answer.headers["www-authenticate"])

    def test_a_signature_is_looked_at_once(self):
        token = self.key.token("once")
        before = self.counts()
        for _ in range(50):
            self.assertEqual(self.status(token), 200)
        after = self.counts()
        self.assertEqual(after["verified"] - before["verified"], 1)
        self.assertEqual(after["remembered"] - before["remembered"], 49)

    def counts(self):
        lines = self.client.get("/metrics").body.decode().splitlines()
        found = [line for line in lines if line.startswith("cartd_bearer_tokens_total{")]
        return {line.split('"')[1]: int(line.split()[-1]) for line in found}

    def test_who_it_was_is_in_the_log(self):
        subject = f'auth0|{make_key()} "x"'
        answer = self.bearing(self.key.token(subject)).post("/carts")
        self.assertEqual((answer.status, answer.json()["customer_id"]), (201, subject), answer)
        actor = self.database.value(
            f"SELECT metadata->>'actor' FROM events WHERE stream_id = '{answer.json()['id']}';"
        )
        self.assertEqual(actor, f"sub:{subject}")


@needs_binary
class Hs256(Tokens, AuthCase):
    algorithm = "HS256"


@needs_binary
class Rs256(Tokens, AuthCase):
    algorithm = "RS256"


@needs_binary
class Es256(Tokens, AuthCase):
    algorithm = "ES256"

    def test_a_token_of_another_curve_is_not_taken(self):
        self.assertEqual(self.status(Key("ES256", curve=ec.SECP256K1).token()), 401)


@needs_binary
class Rotation(AuthCase):
    """Keys change while the service goes on."""

    algorithm = "RS256"

    def setUp(self):
        self.addCleanup(self.reload, self.key.public)

    def reload(self, *keys, event="keys_read"):
        n_before = len(self.service.events(event))
        self.write_keys(*keys)
        self.hang_up(event, n_before)

    def hang_up(self, event, n_before):
        self.service.signal(signal.SIGHUP)
        wait_until(lambda: len(self.service.events(event)) > n_before, f"it said {event}")

    def status(self, key):
        return self.bearing(key.token()).get("/carts").status

    def test_two_keys_are_good_until_the_old_one_goes(self):
        old, new = self.key, Key("RS256")
        token = old.token()
        self.assertEqual(self.bearing(token).get("/carts").status, 200)
        self.assertEqual(self.status(new), 401)
        self.reload(new.public, old.public)
        self.assertEqual((self.status(old), self.status(new)), (200, 200))
        self.assertEqual(self.bearing(token).get("/carts").status, 200)
        self.reload(new.public)
        self.assertEqual((self.status(old), self.status(new)), (401, 200))
        self.assertEqual(self.bearing(token).get("/carts").status, 401, "nothing is cached")
        self.assertEqual(self.service.events("keys_read")[-1]["keys"], 1)

    def test_a_bad_file_leaves_the_keys_as_they_are(self):
        token = self.key.token()
        for text in (
            "",
            "nonsense",
            self.key.public[:100],
            self.key.private,
            key_of("ES256").public,
            "\n".join([self.key.public] * 3),
            self.key.public.replace("A", "B"),
            "\0" + self.key.public,
            "x" * 70_000,
        ):
            with self.subTest(text[:30]):
                self.reload(text, event="keys_refused")
                self.assertEqual(self.bearing(token).get("/carts").status, 200)
                self.assertEqual(self.status(self.key), 200)
        n_before = len(self.service.events("keys_refused"))
        self.keys_path.unlink()
        self.hang_up("keys_refused", n_before)
        os.mkfifo(self.keys_path)
        self.hang_up("keys_refused", n_before + 1)
        self.keys_path.unlink()
        self.assertEqual(self.status(self.key), 200)
        for line in self.service.events("keys_refused"):
            self.assertNotIn("PRIVATE", line["reason"])

    def test_a_stop_is_still_a_stop(self):
        service = Service(self.database.app_url, **self.settings)
        service.signal(signal.SIGHUP)
        service.signal(signal.SIGTERM)
        self.assertEqual(service.wait(), 0)


@needs_binary
class Beginning(AuthCase):
    """What `cartd serve` says instead of serving."""

    algorithm = "HS256"

    def refuse(self, *sentences, **changes):
        settings = {**self.auth_settings(), "CARTD_LISTEN": "127.0.0.1:0", **changes}
        done = run_cartd("serve", url=NOWHERE, **settings)
        self.assertIn(done.returncode, (1, 2), done)
        for sentence in sentences:
            self.assertIn(sentence, done.stderr)
        self.assertNotIn(self.key.private, done.stdout + done.stderr)

    def test_open_is_for_this_machine_unless_it_is_said_twice(self):
        for listen in ("0.0.0.0:0", "[::]:0", "*:0", "192.0.2.1:0"):
            self.refuse("CARTD_AUTH_OPEN_ANYWHERE=on", CARTD_AUTH="open", CARTD_LISTEN=listen)
        service = None
        for settings in (
            {"CARTD_AUTH": "open", "CARTD_AUTH_OPEN_ANYWHERE": "on"},
            self.auth_settings(),
        ):
            service = Service(self.database.app_url, waits_until_ready=False, **settings)
            service.stop()

    def test_a_star_is_every_address_of_both_kinds(self):
        """Who calls from this machine is known to, however the socket shows the address."""
        for listen in ("*:0", "[::]:0"):
            settings = {**self.auth_settings(), "CARTD_LISTEN": listen}
            service = Service(self.database.app_url, waits_until_ready=False, **settings)
            self.addCleanup(service.stop)
            for host in ("127.0.0.1", "::1"):
                with Client(host, service.port) as client:
                    self.assertEqual(client.get("/livez").status, 200)
                    self.assertEqual(client.get("/metrics").status, 200, (listen, host))
            done = run_cartd("healthcheck", CARTD_LISTEN=f"{listen[:-1]}{service.port}")
            self.assertNotIn("no answer", done.stderr)
            self.assertNotIn("refused", done.stderr)

    def test_a_name_is_refused_for_what_it_is(self):
        for auth in ("open", "token"):
            settings = {**self.auth_settings(), "CARTD_AUTH": auth}
            done = run_cartd("serve", url=self.database.app_url, CARTD_LISTEN="localhost:0", **settings)
            self.assertEqual(done.returncode, 1, done)
            self.assertIn("127.0.0.1 or [::1]", done.stderr)
            self.assertNotIn("CARTD_AUTH", done.stderr)

    def test_token_needs_what_belongs_to_it(self):
        for name in ("CARTD_AUTH_KEYS", "CARTD_AUTH_ISSUER", "CARTD_AUTH_AUDIENCE"):
            self.refuse(name, **{name: ""})
        self.refuse("No such file", CARTD_AUTH_KEYS="/nowhere/keys")
        self.refuse("not a regular file", CARTD_AUTH_KEYS="/")
        self.refuse("must be one of", CARTD_AUTH_ALGORITHM="none")

    def test_a_weak_or_wrong_key_is_not_used(self):
        weak = Key("RS256", bits=1024)
        for algorithm, keys, sentence in (
            ("HS256", ["x" * 31], "fewer than 32 bytes"),
            ("HS256", [key_of("RS256").public], "PEM"),
            ("HS256", ["x" * 40, "y" * 40, "z" * 40], "more than two"),
            ("HS256", ["", ""], "no key"),
            ("RS256", [weak.public], "2048"),
            ("RS256", [key_of("ES256").public], "RSA"),
            ("RS256", [key_of("RS256").private], "private"),
            ("RS256", ["x" * 40], "no key"),
            ("ES256", [key_of("RS256").public], "P-256"),
            ("ES256", [Key("ES256", curve=ec.SECP384R1).public], "P-256"),
        ):
            with self.subTest(f"{algorithm}, {sentence}"):
                self.write_keys(*keys)
                self.refuse(sentence, CARTD_AUTH_ALGORITHM=algorithm)
        self.write_keys(self.key.public)

    def test_a_secret_that_all_may_read_is_warned_of(self):
        self.assertEqual(self.service.events("keys_exposed"), [])
        self.keys_path.chmod(0o644)
        service = Service(self.database.app_url, **self.settings)
        self.addCleanup(service.stop)
        self.addCleanup(self.keys_path.chmod, 0o600)
        service.wait_for_event("keys_exposed")
        self.assertEqual(len(service.events("keys_exposed")), 1)

    def test_a_token_that_nobody_signed_is_not_taken(self):
        now = int(time.time())
        claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "scope": "carts", "exp": now + 99}
        for secret in (b"", b"secret", self.key.private.encode()[:-1]):
            token = forge({"alg": "HS256"}, claims, secret)
            self.assertEqual(self.bearing(token).get("/carts").status, 401)
        token = forge({"alg": "HS256"}, claims, self.key.private.encode())
        self.assertEqual(self.bearing(token).get("/carts").status, 200, "the control")


if __name__ == "__main__":
    unittest.main()
