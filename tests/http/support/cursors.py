"""Cursors that nobody was given: of any list, with any position, and with a right checksum."""

import base64
import hashlib
import struct
import uuid


# What a list of carts may have, in the order in which a cursor has it.
FILTERS = """sku status customer_id order_reference currency customer_email created_from created_to
    abandoned coupon updated_from updated_to total_from total_to sort""".split()


def forge(kind, position, *filters):
    """A cursor of the list of this kind and with these filters, in their order."""
    parts = [kind.encode(), position, *(text.encode() for text in filters)]
    parts += [b""] * (2 + len(FILTERS) - len(parts))
    digest = hashlib.sha256(b"".join(struct.pack(">Q", len(part)) + part for part in parts))
    return base64.urlsafe_b64encode(parts[0] + position + digest.digest()[:8]).decode().rstrip("=")


def forge_carts(position, sort="-created", **filters):
    """The same of a list of carts."""
    filters = {"sort": sort, **filters}
    return forge("c", position, *(filters.get(name, "") for name in FILTERS))


def cart_position(key, cart_id="ff" * 16):
    return struct.pack(">q", key) + uuid.UUID(cart_id).bytes


def report_position(log_position, number, sku):
    return struct.pack(">qq", log_position, number) + (sku if isinstance(sku, bytes) else sku.encode())
