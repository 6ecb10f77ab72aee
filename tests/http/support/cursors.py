"""Cursors that nobody was given: of any list, with any position, and with a right checksum."""

import base64
import hashlib
import struct
import uuid


def forge(kind, position, *filters):
    """A cursor of the list of this kind and with these filters: at most three, in their order."""
    parts = [kind.encode(), position, *(text.encode() for text in filters)]
    parts += [b""] * (5 - len(parts))
    digest = hashlib.sha256(b"".join(struct.pack(">Q", len(part)) + part for part in parts))
    return base64.urlsafe_b64encode(parts[0] + position + digest.digest()[:8]).decode().rstrip("=")


def cart_position(created_at_us, cart_id="ff" * 16):
    return struct.pack(">q", created_at_us) + uuid.UUID(cart_id).bytes


def report_position(log_position, number, sku):
    return struct.pack(">qq", log_position, number) + (sku if isinstance(sku, bytes) else sku.encode())
