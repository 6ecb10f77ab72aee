"""Carts end by themselves: abandoned, resumed, expired. Timers are short, and nothing here depends on
how short: what is to happen is waited for."""

from support import Service, ServiceCase, make_id, needs_binary, run_cartd, wait_until


@needs_binary
class EndsCase(ServiceCase):
    def cart(self, cart_id):
        return self.get_cart(cart_id)

    def wait_for(self, cart_id, condition, what):
        def check():
            cart = self.cart(cart_id)
            return cart if condition(cart) else None

        return wait_until(check, what)

    def events_of(self, cart_id):
        return self.client.get(f"/carts/{cart_id}/events").json()["events"]

    def types_of(self, cart_id):
        return [event["type"] for event in self.events_of(cart_id)]

    def listed(self, query):
        carts = self.client.get(f"/carts?{query}&limit=100").json()["carts"]
        return [cart["id"] for cart in carts]

    def assert_clean(self):
        done = run_cartd("verify", url=self.database.app_url)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)


class Abandoned(EndsCase):
    settings = {"CARTD_ABANDONED_AFTER": "1s"}

    def leave(self, **members):
        cart = self.make_cart((self.make_product(), 2), **members)
        left = self.wait_for(cart["id"], lambda now: now["abandoned_at"], "it is abandoned")
        return cart, left

    def test_a_cart_that_nobody_touches_is_abandoned_and_stays_as_it_is(self):
        cart, left = self.leave()
        self.assertGreater(left["abandoned_at"], cart["updated_at"])
        self.assertEqual(left, {**cart, "version": 3, "abandoned_at": left["abandoned_at"]})
        event = self.events_of(cart["id"])[-1]
        self.assertEqual(event["type"], "CartAbandoned")
        self.assertEqual(event["recorded_at"], left["abandoned_at"])
        self.assertEqual(event["data"], {"total": 998, "currency": "EUR", "item_count": 2})
        self.assertEqual(event["metadata"]["actor"], "reaction:ends")
        self.assert_clean()

    def test_the_next_command_resumes_it_whatever_it_is(self):
        for path, body in (
            ("items", {"sku": self.make_product()}),
            ("checkout", None),
            ("cancel", None),
            ("commands", {"commands": [{"type": "change_details", "note": "hello"}]}),
        ):
            with self.subTest(path):
                cart, _ = self.leave()
                answer = self.client.post(f"/carts/{cart['id']}/{path}", body)
                self.assertEqual(answer.status, 200, answer)
                self.assertIsNone(answer.json()["abandoned_at"])
                events = self.events_of(cart["id"])
                self.assertEqual(events[2]["type"], "CartAbandoned")
                self.assertEqual(events[3]["type"], "CartResumed")
                self.assertEqual(
                    events[3]["metadata"]["command_id"], events[4]["metadata"]["command_id"]
                )
        self.assert_clean()

    def test_undo_takes_back_what_was_before_and_not_that_it_was_left(self):
        sku = self.make_product()
        cart = self.make_cart((sku, 2))
        self.add(cart["id"], sku)
        self.wait_for(cart["id"], lambda now: now["abandoned_at"], "it is abandoned")
        undone = self.client.post(f"/carts/{cart['id']}/undo").json()
        self.assertEqual(undone["items"], cart["items"])
        self.assertIsNone(undone["abandoned_at"])

    def test_what_is_refused_or_changes_nothing_does_not_resume_it(self):
        cart, left = self.leave()
        answer = self.client.post(f"/carts/{cart['id']}/items", {"sku": "no-such"})
        self.assert_problem(answer, 422, "unknown-sku")
        self.assertEqual(self.client.post(f"/carts/{cart['id']}/reopen").json(), left)
        self.assertEqual(self.cart(cart["id"]), left)

    def test_it_is_abandoned_again(self):
        cart, _ = self.leave()
        self.client.patch(f"/carts/{cart['id']}", {"note": "hello"})
        self.wait_for(cart["id"], lambda now: now["abandoned_at"], "it is abandoned again")
        self.assertEqual(
            self.types_of(cart["id"])[2:],
            ["CartAbandoned", "CartResumed", "CartDetailsChanged", "CartAbandoned"],
        )

    def test_an_empty_cart_is_not_abandoned(self):
        empty = self.make_cart()
        self.leave()
        self.assertEqual(self.cart(empty["id"]), empty)

    def test_lists_find_it(self):
        customer = make_id()
        empty = self.make_cart(customer_id=customer)["id"]
        left, _ = self.leave(customer_id=customer)
        self.assertEqual(self.listed(f"customer_id={customer}&abandoned=true"), [left["id"]])
        self.assertEqual(self.listed(f"customer_id={customer}&abandoned=false"), [empty])
        self.assertIn(left["id"], self.listed("abandoned=true&sort=updated"))
        self.client.post(f"/carts/{left['id']}/cancel")
        self.assertEqual(self.listed(f"customer_id={customer}&abandoned=true"), [])

    def test_it_is_as_it_was_at_each_version(self):
        cart, left = self.leave()
        self.client.post(f"/carts/{cart['id']}/cancel")
        self.assertEqual(self.client.get(f"/carts/{cart['id']}?version=2").json(), cart)
        self.assertEqual(self.client.get(f"/carts/{cart['id']}?version=3").json(), left)
        resumed = self.client.get(f"/carts/{cart['id']}?version=4").json()
        self.assertIsNone(resumed["abandoned_at"])

    def test_no_client_can_ask_for_it(self):
        cart = self.make_cart((self.make_product(), 1))
        for command in ("abandon", "expire"):
            answer = self.client.post(
                f"/carts/{cart['id']}/commands", {"commands": [{"type": command}]}
            )
            self.assert_problem(answer, 422, "invalid-body")
            self.assertNotIn(command, answer.json()["errors"][0]["detail"].partition(", not")[0])


class Expired(EndsCase):
    settings = {
        "CARTD_EXPIRES_GUEST": "1s",
        "CARTD_EXPIRES_CUSTOMER": "2s",
        "CARTD_EXPIRES_EMPTY": "1s",
        "CARTD_OPEN_CARTS": "one",
    }

    def expire(self, *lines, **members):
        cart = self.make_cart(*lines, **members)
        self.assertGreater(cart["expires_at"], cart["updated_at"])
        expired = self.wait_for(cart["id"], lambda now: now["status"] == "expired", "it expires")
        self.assertGreaterEqual(expired["closed_at"], cart["expires_at"])
        return cart, expired

    def test_a_cart_of_each_kind_expires(self):
        sku = self.make_product()
        for lines, members in (
            ([], {}),
            ([(sku, 2)], {}),
            ([], {"customer_id": make_id()}),
            ([(sku, 2)], {"customer_id": make_id()}),
        ):
            with self.subTest(lines=lines, members=members):
                cart, expired = self.expire(*lines, **members)
                self.assertEqual(
                    expired,
                    {
                        **cart,
                        "version": cart["version"] + 1,
                        "status": "expired",
                        "updated_at": expired["closed_at"],
                        "closed_at": expired["closed_at"],
                        "expires_at": None,
                    },
                )
                self.assertEqual(self.types_of(cart["id"])[-1], "CartExpired")
        self.assert_clean()

    def test_it_accepts_no_more_commands(self):
        sku = self.make_product()
        cart, expired = self.expire((sku, 2))
        for path, body in (("items", {"sku": sku}), ("checkout", None), ("cancel", None)):
            self.assert_problem(
                self.client.post(f"/carts/{cart['id']}/{path}", body),
                409,
                "cart-closed",
                cart_status="expired",
                closed_at=expired["closed_at"],
                detail=f"Cart {cart['id']} has expired and accepts no more commands.",
            )
        self.assertIn(cart["id"], self.listed("status=expired"))
        self.assertNotIn(cart["id"], self.listed("status=open"))

    def test_it_can_be_reopened_and_expires_again(self):
        cart, _ = self.expire((self.make_product(), 2))
        answer = self.client.post(f"/carts/{cart['id']}/reopen")
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(answer.json()["items"], cart["items"])
        self.assertGreater(answer.json()["expires_at"], answer.json()["updated_at"])
        self.wait_for(cart["id"], lambda now: now["status"] == "expired", "it expires again")
        self.assertEqual(
            self.types_of(cart["id"])[2:], ["CartExpired", "CartReopened", "CartExpired"]
        )

    def test_it_makes_room_for_another_of_its_customer(self):
        customer = make_id()
        self.expire((self.make_product(), 2), customer_id=customer)
        self.assertEqual(self.client.post("/carts", {"customer_id": customer}).status, 201)
        self.assert_clean()

    def test_the_funnel_counts_it(self):
        currency = "CHF"
        sku = self.make_product(currency=currency)
        cart, _ = self.expire((sku, 2), currency=currency)

        def stages():
            rows = self.client.get("/reports/funnel").json()["stages"]
            return {row["stage"]: row for row in rows if row["currency"] == currency}

        def is_counted():
            found = stages()
            return found if found and found["expired"]["carts"] == 1 else None

        found = wait_until(is_counted, "the report knows that it has expired")
        self.assertEqual(found["expired"]["value"], cart["total"])
        self.assertEqual(found["open"]["carts"], 0)
        self.assertEqual(found["open"]["value"], 0)


class Settings(EndsCase):
    """A cart says when it expires, as the settings are."""

    def test_a_changed_setting_shows_at_once(self):
        guests = self.make_cart((self.make_product(), 1))["id"]
        empty = self.make_cart()["id"]
        for settings, lasting in (
            ({"CARTD_EXPIRES_GUEST": "30d"}, (guests,)),
            ({"CARTD_EXPIRES_EMPTY": "6h"}, (empty,)),
            ({"CARTD_EXPIRES_CUSTOMER": "90d"}, ()),
            ({"CARTD_EXPIRES_EMPTY": "6h", "CARTD_EXPIRES_GUEST": "0"}, (empty,)),
        ):
            with self.subTest(settings):
                service = Service(self.database.app_url, CARTD_REACTIONS="off", **settings)
                try:
                    with service.client() as client:
                        for cart_id in (guests, empty):
                            cart = client.get(f"/carts/{cart_id}").json()
                            is_lasting = cart["expires_at"] is not None
                            self.assertEqual(is_lasting, cart_id in lasting, cart)
                            listed = client.get("/carts?limit=100").json()["carts"]
                            self.assertIn(cart, listed)
                finally:
                    service.stop()


class Processes(EndsCase):
    """What is due is done once, whoever does it and however often it is begun."""

    settings = {"CARTD_REACTIONS": "off"}
    timers = {"CARTD_ABANDONED_AFTER": "1s", "CARTD_EXPIRES_GUEST": "2s"}

    def start(self):
        service = Service(self.database.app_url, **self.timers)
        self.addCleanup(service.stop)
        return service

    def count(self, kind):
        return int(
            self.database.sql(f"SELECT count(*) FROM events WHERE type = '{kind}'")[0][0]
        )

    def test_all_that_is_due_is_done_once_although_processes_come_and_go(self):
        sku = self.make_product()
        carts = [self.make_cart((sku, 1))["id"] for _ in range(60)]
        first = Service(self.database.app_url, **self.timers)
        wait_until(lambda: self.count("CartAbandoned") > 0, "the first begins")
        first.kill()
        self.start()
        self.start()
        wait_until(lambda: self.count("CartExpired") == len(carts), "all have expired")
        for cart_id in carts:
            types = self.types_of(cart_id)
            self.assertEqual(types[:2], ["CartCreated", "ItemAdded"])
            self.assertIn(types[2:], (["CartAbandoned", "CartExpired"], ["CartExpired"]))
        self.assert_clean()

    def test_an_add_writes_no_timer(self):
        service = Service(self.database.app_url, CARTD_EXPIRES_GUEST="30d")
        self.addCleanup(service.stop)
        sku = self.make_product()
        cart = self.make_cart((sku, 1))

        def timer():
            return self.database.sql(
                f"SELECT due_at, xmin FROM reaction_due WHERE stream_id = '{cart['id']}'"
            )

        before = wait_until(timer, "its timer is set")
        self.add(cart["id"], sku)
        other = self.make_cart()
        wait_until(
            lambda: self.database.sql(
                f"SELECT 1 FROM reaction_due WHERE stream_id = '{other['id']}'"
            ),
            "what came later has its timer",
        )
        self.assertEqual(timer(), before)
