"""Bearer tokens, good and bad, the keys for them, and services that ask for them."""

import base64
import functools
import hashlib
import hmac
import json
import pathlib
import secrets
import tempfile
import time

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from .case import ServiceCase

ISSUER = "https://issuer.example"
AUDIENCE = "cartd"


def make_cart_token():
    return secrets.token_urlsafe(32)


def encode(part):
    text = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


class Key:
    """One key of an issuer: what it signs with, and what a service is told of it."""

    def __init__(self, algorithm, curve=ec.SECP256R1, bits=2048):
        self.algorithm = algorithm
        if algorithm == "HS256":
            self.private = self.public = secrets.token_urlsafe(48)
        else:
            made = (
                rsa.generate_private_key(65537, bits)
                if algorithm == "RS256"
                else ec.generate_private_key(curve())
            )
            self.private = made.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ).decode()
            self.public = (
                made.public_key()
                .public_bytes(
                    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
                )
                .decode()
                .strip()
            )

    def token(self, sub="ada", scope="carts", header=None, **changes):
        """A good token; `changes` change its claims, or take one away with None."""
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": sub,
            "scope": scope,
            "iat": now,
            "exp": now + 3600,
            **changes,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(claims, self.private, algorithm=self.algorithm, headers=header)


@functools.cache
def key_of(algorithm, number=0):
    """The same key each time, as some take long to make."""
    return Key(algorithm) if number >= 0 else None


def forge(header, claims, secret=None):
    """A token as no library would make it: signed by HMAC with any secret, or not at all."""
    signed = f"{encode(header)}.{encode(claims)}"
    signature = b"" if secret is None else hmac.digest(secret, signed.encode(), hashlib.sha256)
    return f"{signed}.{encode(signature)}"


class AuthCase(ServiceCase):
    """A service that asks who somebody is."""

    algorithm = "ES256"

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.keys_path = pathlib.Path(folder.name) / "keys"
        cls.key = key_of(cls.algorithm)
        cls.write_keys(cls.key.public)
        cls.settings = {**cls.settings, **cls.auth_settings()}
        super().setUpClass()

    @classmethod
    def auth_settings(cls):
        return {
            "CARTD_AUTH": "token",
            "CARTD_AUTH_ALGORITHM": cls.algorithm,
            "CARTD_AUTH_KEYS": str(cls.keys_path),
            "CARTD_AUTH_ISSUER": ISSUER,
            "CARTD_AUTH_AUDIENCE": AUDIENCE,
        }

    @classmethod
    def write_keys(cls, *keys):
        cls.keys_path.write_text("\n".join(keys) + "\n", encoding="utf-8")
        cls.keys_path.chmod(0o600)

    def bearing(self, token=None, cart_token=None, **changes):
        """A client whose every request brings these."""
        headers = {}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        if cart_token is not None:
            headers["Cart-Token"] = cart_token
        client = self.service.client(headers=headers, **changes)
        self.addCleanup(client.close)
        return client

    def customer(self, sub="ada", cart_token=None, **claims):
        return self.bearing(self.key.token(sub, **claims), cart_token)

    def service_of(self, scope):
        return self.bearing(self.key.token("a-service", scope))

    def make_product(self, *arguments, **options):
        return super().make_product(*arguments, client=self.service_of("catalog"), **options)

    def make_guest_cart(self, *items, **members):
        """A guest's new cart, and a client that has its token."""
        if items:
            members["items"] = [{"sku": sku, "quantity": quantity} for sku, quantity in items]
        answer = self.client.post("/carts", members)
        self.assertEqual(answer.status, 201, answer)
        return answer.json(), self.bearing(cart_token=answer.headers["cart-token"])
