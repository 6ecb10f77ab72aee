"""One request of each operation of openapi.yaml, by its id."""

from .case import make_id, make_sku
from .client import encode_json

ABSENT = "01936f6e-6f0a-7c3e-9a57-5f0c8a4f1b2d"


def fill(path, **names):
    """The path with these in their places, and with what is good for any caller."""
    return path.format_map({"slug": "cart-closed", "file": "cartd.css", "name": "tax", **names})


def body_of(operation, sku, code, **others):
    """The body with which it succeeds, as bytes or None; others are bodies by operation."""
    value = {
        "createCart": {},
        "addItem": {"sku": sku},
        "changeItem": {"quantity": 2},
        "changeDetails": {"note": "Please ring twice."},
        "restoreCart": {"version": 1},
        "setTotal": {"amount": 19},
        "applyCoupon": {"code": code},
        "executeCommands": {"commands": [{"type": "add_item", "sku": sku}]},
        "putProduct": {"name": "Tea", "prices": {"EUR": 1}},
        "putCoupon": {"percent": 1250},
        **others,
    }.get(operation.id)
    return None if value is None else encode_json(value)


class Requests:
    """One request of each operation that succeeds, and ways to spoil it."""

    def __init__(self, case, client=None):
        self.case = case
        self.client = client or case.client
        self.sku = case.make_product(100)

    def make(self, operation):
        """(method, target, body as bytes or None) of a request that succeeds now."""
        names = {}
        if "{cart_id}" in operation.path:
            names.update(cart_id=self.make_cart(operation)["id"], item_id=self.sku)
        if "/merge" in operation.path:
            names["from"] = self.case.make_cart()["id"]
        if operation.id == "revertMerge":
            self.case.client.post(f"/carts/{names['cart_id']}/merge", {"from": names["from"]})
        if "{customer_id}" in operation.path:
            names["customer_id"] = make_id()
            self.case.make_cart(customer_id=names["customer_id"])
        if "{token}" in operation.path:
            names["token"] = self.case.make_resume_token(self.case.make_cart()["id"])
        code = self.make_coupon(operation) if "oupon" in operation.id else ""
        sku = make_sku("put") if operation.id == "putProduct" else self.sku
        path = fill(operation.path, sku=sku, code=code, **names)
        if operation.id == "removeCoupon":
            self.case.client.post(path.rpartition("/")[0], {"code": code})
        body = body_of(
            operation, self.sku, code,
            changeCurrency={"currency": "USD"},
            claimCart={"customer_id": "ada"},
            mergeCart={"from": names.get("from")},
            checkOutCart={"expected_total": 100},
        )  # fmt: skip
        return operation.method, path, body

    def make_coupon(self, operation):
        code = make_sku("code")
        if operation.id != "putCoupon":
            self.case.client.put(f"/coupons/{code}", {"percent": 1000})
        return code

    def make_cart(self, operation):
        """One that the operation changes."""
        sku = self.sku
        if operation.id in ("repriceCart", "changeCurrency"):
            sku = self.case.make_product(100)
        cart = self.case.make_cart((sku, 1))
        if operation.id == "repriceCart":
            self.case.make_product(101, sku=sku)
        elif operation.id == "changeCurrency":
            self.case.make_product(101, currency="USD", sku=sku)
        elif operation.id == "undoChange":
            self.case.add(cart["id"], sku)
        elif operation.id == "reopenCart":
            self.case.client.post(f"/carts/{cart['id']}/cancel")
        elif operation.id == "removeTotal":
            self.case.client.put(f"/carts/{cart['id']}/totals/tax", {"amount": 19})
        elif operation.id == "endResumeToken":
            self.case.make_resume_token(cart["id"])
        return cart

    def send(self, operation, body=None, query="", client=None, **headers):
        method, target, good = self.make(operation)
        names = {name.replace("_", "-"): text for name, text in headers.items()}
        return (client or self.client).request(
            method, target + query, body=good if body is None else body, headers=names
        )
