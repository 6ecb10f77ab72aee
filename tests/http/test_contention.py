"""What /metrics and the log say of streams that commands share, such as a coupon's."""

import unittest
import uuid

from support import Service, ServiceCase, needs_binary, run_at_once, wait_until

RACERS = 40  # enough for a second batch beside the first
HELD_SECONDS = 2


@needs_binary
class SharedStreams(ServiceCase):
    settings = {"CARTD_BATCH_COMMANDS": "1"}

    def setUp(self):
        self.sku = self.make_product(500)
        self.code = f"C-{uuid.uuid4().hex[:12]}"
        self.assertEqual(self.client.put(f"/coupons/{self.code}", {"percent": 1000}).status, 201)

    def metric(self, name, service=None):
        return (service or self.service).metric(f"cartd_shared_{name}")

    def make_discounted(self, client):
        cart_id = self.make_cart((self.sku, 1), client=client)["id"]
        answer = client.post(f"/carts/{cart_id}/coupons", {"code": self.code})
        self.assertEqual(answer.status, 200, answer)
        return cart_id

    def check_out_held(self, cart_ids):
        """Checks out while nothing can be appended; after a while it can. A batch that waits for that
        holds its streams, so nobody else is served of them."""

        def work(number):
            if number == len(cart_ids):
                session.run(f"SELECT pg_sleep({HELD_SECONDS}); ROLLBACK;")
                return
            with self.service.client() as client:
                answer = client.post(f"/carts/{cart_ids[number]}/checkout")
                self.assertEqual(answer.status, 200, answer)

        with self.database.open_session() as session:
            session.run("BEGIN; SELECT position FROM log_head FOR UPDATE;")
            run_at_once(len(cart_ids) + 1, work)

    def test_commands_are_counted_by_what_became_of_them(self):
        recorded, refused = (
            self.metric(f'commands_total{{outcome="{outcome}"}}')
            for outcome in ("recorded", "refused")
        )
        cart_id = self.make_discounted(self.client)
        self.client.post(f"/carts/{cart_id}/checkout")
        cart_id = self.make_discounted(self.client)
        self.assertEqual(self.client.delete(f"/coupons/{self.code}").status, 200)
        self.assertEqual(self.client.post(f"/carts/{cart_id}/checkout").status, 409)
        self.assertEqual(self.metric('commands_total{outcome="recorded"}'), recorded + 3)
        self.assertEqual(self.metric('commands_total{outcome="refused"}'), refused + 1)

    def test_who_waits_for_another_is_counted(self):
        def has_waited():
            self.check_out_held([self.make_discounted(self.client) for _ in range(RACERS)])
            return self.metric("commands_waited_total") > 0

        wait_until(has_waited, "a command waited for another one's coupon")

    def test_who_loses_to_another_process_is_counted(self):
        other = Service(self.database.app_url, **self.settings)
        self.addCleanup(other.stop)

        services = [self.service, other]

        def check_out(number):
            with services[number % 2].client() as client:
                cart_id = self.make_discounted(client)
                self.assertEqual(client.post(f"/carts/{cart_id}/checkout").status, 200)

        def has_lost():
            run_at_once(RACERS, check_out)
            return any(self.metric("commands_lost_total", service) > 0 for service in services)

        wait_until(has_lost, "a command lost a race")

    def test_a_stream_that_is_near_its_limit_is_named(self):
        def is_named():
            self.check_out_held([self.make_discounted(self.client)])
            return self.service.events("stream_busy")

        line = wait_until(is_named, "the log names the stream")[0]
        coupons = self.database.sql("SELECT stream_id FROM streams WHERE stream_type = 'coupon';")
        self.assertEqual(line["stream_type"], "coupon")
        self.assertIn([line["stream_id"]], coupons)
        self.assertGreaterEqual(line["percent"], 50)
        wait_until(lambda: self.metric("stream_busiest_percent") == 0, "it is idle again")


if __name__ == "__main__":
    unittest.main()
