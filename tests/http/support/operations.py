"""One request of each operation of openapi.yaml, by its id."""

from .case import make_id, make_sku
from .client import encode_json

ABSENT = "01936f6e-6f0a-7c3e-9a57-5f0c8a4f1b2d"


class Requests:
    """One request of each operation that succeeds, and ways to spoil it."""

    def __init__(self, case, client=None):
        self.case = case
        self.client = client or case.client
        self.sku = case.make_product(100)

    def make(self, operation):
        """(method, target, body as bytes or None) of a request that succeeds now."""
        other = self.case.make_cart()["id"] if "/merge" in operation.path else ABSENT
        path = operation.path.replace("{from}", other)
        if "{cart_id}" in path:
            cart = self.make_cart(operation)
            path = path.replace("{cart_id}", cart["id"]).replace("{item_id}", self.sku)
        if operation.id == "revertMerge":
            self.case.client.post(path.split("/merge/")[0] + "/merge", {"from": other})
        if "{customer_id}" in path:
            customer = make_id()
            self.case.make_cart(customer_id=customer)
            path = path.replace("{customer_id}", customer)
        if "{token}" in path:
            path = path.replace("{token}", self.case.make_resume_token(self.case.make_cart()["id"]))
        path = path.replace("{sku}", make_sku("put") if operation.id == "putProduct" else self.sku)
        path = path.replace("{slug}", "cart-closed").replace("{name}", "tax")
        path = path.replace("{file}", "cartd.css")
        code = self.make_coupon(operation) if "oupon" in operation.id else ""
        path = path.replace("{code}", code)
        if operation.id == "removeCoupon":
            self.case.client.post(path.rpartition("/")[0], {"code": code})
        value = {
            "createCart": {},
            "addItem": {"sku": self.sku},
            "changeItem": {"quantity": 2},
            "changeDetails": {"note": "Please ring twice."},
            "restoreCart": {"version": 1},
            "changeCurrency": {"currency": "USD"},
            "setTotal": {"amount": 19},
            "applyCoupon": {"code": code},
            "claimCart": {"customer_id": "ada"},
            "mergeCart": {"from": other},
            "checkOutCart": {"expected_total": 100},
            "executeCommands": {"commands": [{"type": "add_item", "sku": self.sku}]},
            "putProduct": {"name": "Tea", "prices": {"EUR": 1}},
            "putCoupon": {"percent": 1250},
        }.get(operation.id)
        return operation.method, path, None if value is None else encode_json(value)

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
