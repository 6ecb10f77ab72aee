"""CARTD_OPEN_CARTS=one: of each customer one cart is open at the most, whoever races for it."""

import unittest
import urllib.parse

from support import (
    AuthCase,
    Service,
    ServiceCase,
    how_many,
    make_id,
    make_key,
    needs_binary,
    run_at_once,
)

RACERS = how_many(200, quick=60, long=1000)


@needs_binary
class OneOpenCart(ServiceCase):
    settings = {"CARTD_OPEN_CARTS": "one", "CARTD_REOPEN_HOURS": "24"}

    def create(self, customer, client=None, **options):
        return (client or self.client).post("/carts", {"customer_id": customer}, **options)

    def assert_exists(self, answer, cart):
        self.assert_problem(answer, 409, "open-cart-exists", cart_id=cart["id"])
        self.assertEqual(answer.headers["location"], f"/carts/{cart['id']}")

    def carts_of(self, customer):
        return self.client.get(f"/carts?customer_id={customer}&limit=100").json()["carts"]

    def test_a_second_cart_is_refused_and_says_which_is_open(self):
        customer = make_id()
        cart = self.create(customer).json()
        self.assert_exists(self.create(customer), cart)
        self.assertEqual(len(self.carts_of(customer)), 1)
        answer = self.client.get(f"/customers/{customer}/cart")
        self.assertEqual((answer.status, answer.json()), (200, cart))
        self.assertEqual(answer.headers["etag"], '"1"')

    def test_guests_and_other_customers_are_not_concerned(self):
        for customer in (None, None, make_id(), make_id()):
            self.assertEqual(self.create(customer).status, 201)

    def test_a_repeated_creation_is_answered_as_before(self):
        customer, key = make_id(), make_key()
        first = self.create(customer, headers={"Idempotency-Key": key})
        again = self.create(customer, headers={"Idempotency-Key": key})
        self.assertEqual((again.status, again.body), (first.status, first.body))

    def test_whatever_ends_a_cart_makes_room_for_another(self):
        sku = self.make_product()
        for end, body in (("checkout", None), ("cancel", None)):
            with self.subTest(end):
                customer = make_id()
                cart = self.create(customer).json()
                self.add(cart["id"], sku)
                self.assertEqual(self.client.post(f"/carts/{cart['id']}/{end}", body).status, 200)
                self.assert_problem(
                    self.client.get(f"/customers/{customer}/cart"), 404, "cart-not-found"
                )
                other = self.create(customer)
                self.assertEqual(other.status, 201)
                self.assert_exists(
                    self.client.post(f"/carts/{cart['id']}/reopen"), other.json()
                )
                self.client.post(f"/carts/{other.json()['id']}/cancel")
                self.assertEqual(self.client.post(f"/carts/{cart['id']}/reopen").status, 200)
                self.assert_exists(self.create(customer), cart)

    def test_a_claim_is_refused_while_another_cart_is_open(self):
        customer, guests = make_id(), self.make_cart()
        cart = self.create(customer).json()
        claim = {"customer_id": customer}
        self.assert_exists(self.client.post(f"/carts/{guests['id']}/claim", claim), cart)
        self.assertIsNone(self.get_cart(guests["id"])["customer_id"])
        self.client.post(f"/carts/{cart['id']}/cancel")
        self.assertEqual(self.client.post(f"/carts/{guests['id']}/claim", claim).status, 200)
        again = self.client.post(f"/carts/{guests['id']}/claim", claim)
        self.assertEqual(again.status, 200, "it is the customer's already")
        self.assert_exists(self.create(customer), guests)

    def test_a_copy_counts_too(self):
        customer = make_id()
        cart = self.create(customer).json()
        copy = {"copy_of": cart["id"], "customer_id": customer}
        self.assert_exists(self.client.post("/carts", copy), cart)

    def test_the_customers_stream_says_it_all(self):
        customer = make_id()
        cart = self.create(customer).json()
        self.client.post(f"/carts/{cart['id']}/cancel")
        said = self.database.value(
            "SELECT string_agg(concat_ws(' ', version, type, data ->> 'cart_id'), ', '"
            " ORDER BY position) FROM events"
            f" WHERE stream_type = 'customer' AND data ->> 'customer_id' = '{customer}';"
        )
        self.assertEqual(
            said, f"1 CustomerCartOpened {cart['id']}, 2 CustomerCartClosed {cart['id']}"
        )

    def test_a_customers_id_may_be_any_text(self):
        for customer in ("a/b", "ä ö", '"; DROP TABLE carts; --', "x" * 128):
            cart = self.create(customer).json()
            quoted = urllib.parse.quote(customer, safe="")
            answer = self.client.get(f"/customers/{quoted}/cart")
            self.assertEqual((answer.status, answer.json()["id"]), (200, cart["id"]), customer)
        self.assert_problem(self.client.get("/customers/%FF/cart"), 404, "cart-not-found")
        self.assert_problem(self.client.get("/customers/a%0Ab/cart"), 404, "cart-not-found")

    def test_of_many_racers_on_two_processes_one_wins(self):
        other = Service(self.database.app_url, **self.settings)
        self.addCleanup(other.stop)
        customer = make_id()
        guests = [self.make_cart()["id"] for _ in range(RACERS // 4)]

        def race(number):
            service = (self.service, other)[number % 2]
            with service.client() as client:
                if number % 4 == 3:
                    path = f"/carts/{guests[number // 4]}/claim"
                    return client.post(path, {"customer_id": customer})
                return self.create(customer, client)

        answers = run_at_once(RACERS, race)
        won = [answer for answer in answers if answer.status in (200, 201)]
        self.assertEqual(len(won), 1, [answer.status for answer in answers])
        for answer in answers:
            if answer is not won[0]:
                self.assert_exists(answer, won[0].json())
        self.assertEqual(len(self.carts_of(customer)), 1)


class ManyOpenCarts(ServiceCase):
    """The default. What is closed is let go of in any case, so that the setting may change."""

    def test_the_newest_open_cart_is_the_customers(self):
        customer = make_id()
        path = f"/customers/{customer}/cart"
        self.assert_problem(self.client.get(path), 404, "cart-not-found")
        carts = [self.client.post("/carts", {"customer_id": customer}).json() for _ in range(3)]
        self.assertEqual(self.client.get(path).json(), carts[2])
        self.client.post(f"/carts/{carts[2]['id']}/cancel")
        self.assertEqual(self.client.get(path).json(), carts[1])

    @needs_binary
    def test_the_setting_may_change(self):
        strict = Service(self.database.app_url, CARTD_OPEN_CARTS="one")
        self.addCleanup(strict.stop)
        customer = make_id()
        body = {"customer_id": customer}
        with strict.client() as client:
            cart = client.post("/carts", body).json()
            other = self.client.post("/carts", body)
            self.assertEqual(other.status, 201)
            path = f"/customers/{customer}/cart"
            self.assertEqual(client.get(path).json(), other.json(), "though it does not count")
            self.client.post(f"/carts/{cart['id']}/cancel")
            newest = client.post("/carts", body)
            self.assertEqual(newest.status, 201)
            self.assertEqual(client.get(path).json(), newest.json())


@needs_binary
class WhoMay(AuthCase):
    def test_a_customer_sees_the_own_cart_and_the_back_office_any(self):
        cart = self.customer("ada").post("/carts").json()
        path = "/customers/ada/cart"
        self.assertEqual(self.customer("ada").get(path).json(), cart)
        self.assertEqual(self.service_of("carts:all").get(path).json(), cart)
        self.assert_problem(self.customer("bob").get(path), 403, "forbidden")
        self.assert_problem(self.service_of("catalog").get(path), 403, "forbidden")
        with self.service.client() as guest:
            self.assert_problem(guest.get(path), 401, "unauthorized")


if __name__ == "__main__":
    unittest.main()
