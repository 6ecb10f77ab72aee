"""What a whole cart of the model holds, at one of its versions."""

import copy
import json


def merge_patch(target, patch):
    """RFC 7396, section 2."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged


def count_bytes(value):
    return len(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode())


def count_levels(value):
    if isinstance(value, dict):
        return 1 + max(map(count_levels, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(count_levels, value), default=0)
    return 0


class Content:
    """What restoring brings back: the lines, the currency and the details."""

    def __init__(self, currency, metadata):
        self.currency = currency
        self.metadata = metadata
        self.customer_email = None
        self.note = None
        self.lines = []

    @property
    def subtotal(self):
        return sum(line["quantity"] * line["unit_price"] for line in self.lines)

    def find(self, item_id):
        return next((line for line in self.lines if line["id"] == item_id), None)

    def find_same(self, sku, properties):
        wanted = (sku, properties)
        found = [line for line in self.lines if (line["sku"], line["properties"]) == wanted]
        return found[0] if found else None


class Moment:
    """A version of a cart: its content, and the versions that undoing leads to, the next one last."""

    def __init__(self, version, content, undoable):
        self.version = version
        self.content = copy.deepcopy(content)
        self.undoable = undoable


def make_note(code, line, quantity=None, **prices):
    return {
        "code": code,
        "item_id": line["id"],
        "sku": line["sku"],
        "quantity": line["quantity"] if quantity is None else quantity,
        **prices,
    }
