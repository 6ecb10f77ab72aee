"""Resume tokens: a link by which whoever has it may go on with a cart."""

import base64
import uuid

from support import AuthCase, Service, ServiceCase, make_id, needs_binary, run_cartd, wait_until


class Tokens(ServiceCase):
    def assert_is_none(self, token):
        answer = self.client.get(f"/carts/resume/{token}")
        self.assert_problem(answer, 404, "cart-not-found")
        self.assertNotIn(token.encode(), answer.body)
        self.assertEqual(answer.headers["referrer-policy"], "no-referrer")

    def test_a_token_shows_its_cart(self):
        cart = self.make_cart((self.make_product(), 2))
        token = self.make_resume_token(cart["id"])
        answer = self.client.get(f"/carts/resume/{token}")
        self.assertEqual(answer.json(), self.get_cart(cart["id"]))
        self.assertEqual(answer.headers["cache-control"], "no-store")
        self.assertEqual(answer.headers["referrer-policy"], "no-referrer")
        self.assertEqual(answer.json()["updated_at"], cart["updated_at"], "it is no change")

    def test_making_another_ends_it_and_so_does_delete(self):
        cart_id = self.make_cart()["id"]
        first = self.make_resume_token(cart_id)
        second = self.make_resume_token(cart_id)
        self.assert_is_none(first)
        self.assertEqual(self.client.get(f"/carts/resume/{second}").status, 200)
        ended = self.client.delete(f"/carts/{cart_id}/resume-token").json()
        self.assert_is_none(second)
        again = self.client.delete(f"/carts/{cart_id}/resume-token").json()
        self.assertEqual(again, ended, "there is nothing to end")

    def test_it_ends_with_the_cart_and_with_its_claim(self):
        for path, body in (
            ("checkout", None),
            ("cancel", None),
            ("claim", {"customer_id": make_id()}),
        ):
            with self.subTest(path):
                cart_id = self.make_cart((self.make_product(), 1))["id"]
                token = self.make_resume_token(cart_id)
                self.client.post(f"/carts/{cart_id}/{path}", body)
                self.assert_is_none(token)
                self.client.post(f"/carts/{cart_id}/reopen")
                self.assert_is_none(token)

    def test_what_is_no_token_is_answered_like_no_cart(self):
        cart = self.make_cart()
        token = self.make_resume_token(cart["id"])
        raw = base64.urlsafe_b64decode(token)
        self.assertEqual(raw[:16], uuid.UUID(cart["id"]).bytes)
        other = uuid.UUID(self.make_cart()["id"]).bytes
        for wrong in (
            raw[:-1] + bytes([raw[-1] ^ 1]),
            raw[:16] + bytes(32),
            other + raw[16:],
            uuid.uuid4().bytes + raw[16:],
            raw[:-3],
            raw + b"abc",
        ):
            self.assert_is_none(base64.urlsafe_b64encode(wrong).decode())
        for wrong in ("x", cart["id"], token.swapcase(), token + "x"):
            self.assert_problem(self.client.get(f"/carts/resume/{wrong}"), 404, "cart-not-found")

    def test_a_replayed_answer_does_not_have_it(self):
        cart_id = self.make_cart()["id"]
        headers = {"Idempotency-Key": make_id()}
        path = f"/carts/{cart_id}/resume-token"
        token = self.client.post(path, headers=headers).headers["resume-token"]
        again = self.client.post(path, headers=headers)
        self.assertEqual(again.status, 200)
        self.assertNotIn("resume-token", again.headers)
        self.assertEqual(self.client.get(f"/carts/resume/{token}").status, 200)

    def test_a_closed_cart_gets_none(self):
        cart_id = self.make_cart()["id"]
        self.client.post(f"/carts/{cart_id}/cancel")
        answer = self.client.post(f"/carts/{cart_id}/resume-token")
        self.assert_problem(answer, 409, "cart-closed")
        self.assertNotIn("resume-token", answer.headers)

    def test_its_hash_is_shown_to_nobody_and_the_tables_know_it(self):
        cart_id = self.make_cart((self.make_product(), 1))["id"]
        self.make_resume_token(cart_id)
        stored = self.database.sql(f"SELECT resume_token_hash FROM carts WHERE cart_id = '{cart_id}'")
        self.assertRegex(stored[0][0], r"\A[0-9a-f]{64}\Z")
        events = self.client.get(f"/carts/{cart_id}/events")
        self.assertEqual(events.json()["events"][-1]["type"], "CartResumeTokenMade")
        self.assertNotIn(stored[0][0].encode(), events.body)
        self.assertEqual(events.json()["events"][-1]["data"], {})
        done = run_cartd("verify", url=self.database.app_url)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)

    def test_the_log_does_not_have_it(self):
        service = Service(self.database.app_url, CARTD_LOG_LEVEL="debug")
        try:
            with service.client() as client:
                token = self.make_resume_token(self.make_cart()["id"], client)
                client.get(f"/carts/resume/{token}")
                client.post(f"/carts/resume/{token}")
            wait_until(lambda: "/carts/resume/" in service.output(), "the requests are logged")
        finally:
            service.stop()
        self.assertNotIn(token, service.output())


@needs_binary
class Abandoned(ServiceCase):
    settings = {"CARTD_ABANDONED_AFTER": "1s"}

    def test_a_token_for_an_abandoned_cart_leaves_it_abandoned(self):
        cart = self.make_cart((self.make_product(), 1))
        left = wait_until(
            lambda: self.get_cart(cart["id"])["abandoned_at"], "the cart is abandoned"
        )
        token = self.make_resume_token(cart["id"])
        self.assertEqual(self.client.get(f"/carts/resume/{token}").json()["abandoned_at"], left)


@needs_binary
class Holders(AuthCase):
    """What somebody may who has nothing but a resume token."""

    def setUp(self):
        self.sku = self.make_product()

    def test_the_holder_goes_on_with_the_cart(self):
        guests, guest = self.make_guest_cart((self.sku, 1))
        ada = self.customer("ada")
        adas = ada.post("/carts", {"items": [{"sku": self.sku}]}).json()
        for cart, owner in ((guests, guest), (adas, ada)):
            with self.subTest(cart["id"]):
                token = self.make_resume_token(cart["id"], owner)
                holder = self.bearing(cart_token=token)
                path = f"/carts/{cart['id']}"
                self.assertEqual(holder.get(path).status, 200)
                self.assertEqual(holder.get(f"{path}?prices=current").status, 200)
                self.assertEqual(holder.post(f"{path}/items", {"sku": self.sku}).status, 200)
                for answer in (
                    holder.get(f"{path}/events"),
                    holder.get(f"{path}?version=1"),
                    holder.post(f"{path}/resume-token"),
                    holder.delete(f"{path}/resume-token"),
                    holder.get(f"/carts/{guests['id'] if cart is adas else adas['id']}"),
                ):
                    self.assert_problem(answer, 404, "cart-not-found")
                self.assertEqual(holder.post(f"{path}/checkout").status, 200)
                self.assert_problem(holder.get(path), 404, "cart-not-found")
                self.assertEqual(owner.get(path).status, 200)

    def test_the_holder_takes_no_cart_over(self):
        for body in (None, {"merge": "sum"}):
            with self.subTest(body):
                cart, guest = self.make_guest_cart((self.sku, 1))
                path = f"/carts/{cart['id']}"
                token = self.make_resume_token(cart["id"], guest)
                holder = self.customer("eve", cart_token=token)
                self.assert_problem(holder.post(f"{path}/claim", body), 404, "cart-not-found")
                self.assertIsNone(guest.get(path).json()["customer_id"])
                self.assertEqual(holder.get(path).status, 200, "the token is still good")
                owner = self.customer("ada", cart_token=guest.headers["Cart-Token"])
                self.assertEqual(owner.post(f"{path}/claim", body).json()["customer_id"], "ada")

    def test_the_holder_does_not_merge_it_away(self):
        cart, guest = self.make_guest_cart((self.sku, 1))
        token = self.make_resume_token(cart["id"], guest)
        holder = self.customer("eve", cart_token=token)
        own = self.customer("eve").post("/carts", {}).json()
        merge = f"/carts/{own['id']}/merge"
        for body in ({"from": cart["id"]}, {"from": cart["id"], "from_token": token}):
            answer = holder.post(merge, body)
            self.assert_problem(answer, 422, "source-cart-not-found")
        self.assertEqual(guest.get(f"/carts/{cart['id']}").json()["status"], "open")

    def test_the_holder_does_not_learn_what_was(self):
        cart, guest = self.make_guest_cart((self.sku, 1))
        path = f"/carts/{cart['id']}"
        guest.patch(path, {"note": "The key is under the mat."})
        now = guest.patch(path, {"note": None}).json()
        holder = self.bearing(cart_token=self.make_resume_token(cart["id"], guest))
        for target, body in (("undo", None), ("restore", {"version": now["version"] - 1})):
            answer = holder.post(f"{path}/{target}", body)
            self.assert_problem(answer, 404, "cart-not-found")
        old = {"If-Match": f'"{now["version"] - 2}"'}
        answer = holder.post(f"{path}/items", {"sku": self.sku}, headers=old)
        problem = self.assert_problem(answer, 412, "version-mismatch")
        self.assertEqual(problem["missed_events"], [])
        answer = guest.post(f"{path}/items", {"sku": self.sku}, headers=old)
        self.assertNotEqual(answer.json()["missed_events"], [], "its guest does")
        self.assertIsNone(guest.get(path).json()["note"])
        undone = guest.post(f"{path}/undo")
        self.assertEqual(undone.json()["note"], "The key is under the mat.")

    def test_it_makes_no_cart(self):
        cart, guest = self.make_guest_cart()
        token = self.make_resume_token(cart["id"], guest)
        answer = self.bearing(cart_token=token).post("/carts", {})
        self.assert_problem(answer, 400, "invalid-parameter")
