"""Rows of the log's own that are not as they should be: a read lease of which the end says nothing,
and a log without its head."""

from support import AuditCase, Service, Session, SqlError, make_key, needs_binary, wait_until

ENDS = (
    "clock_timestamp() + interval '1 hour'",  # the server's clock was set back
    "'infinity'",
    "'-infinity'",
)


class LeaseCase(AuditCase):
    def leave_lease(self, end):
        self.database.sql(f"UPDATE read_lease SET holder = gen_random_uuid(), ends_at = {end};")

    def assert_takes_commands(self, cart_id, sku, version):
        service = Service(self.database.app_url)
        self.addCleanup(service.stop)
        with service.client() as client:
            answer = self.add(cart_id, sku, client=client)
            self.assertEqual((answer.status, answer.version), (200, version), answer)
            self.assertEqual(client.get(f"/carts/{cart_id}").body, answer.body)
        service.stop()


@needs_binary
class Alone(LeaseCase):
    def test_a_process_becomes_ready_whatever_the_lease_says_of_its_end(self):
        sku = self.make_product(1)
        cart_id = self.make_cart()["id"]
        self.service.stop()
        for version, end in enumerate(ENDS, 2):
            self.leave_lease(end)
            self.assert_takes_commands(cart_id, sku, version)
        self.assert_clean()


@needs_binary
class BesideAnother(LeaseCase):
    def test_a_process_becomes_ready_whatever_the_lease_says_of_its_end(self):
        sku = self.make_product(1)
        cart_id = self.make_cart()["id"]
        for version, end in enumerate(ENDS, 2):
            self.leave_lease(end)
            self.assert_takes_commands(cart_id, sku, version)
        self.assertEqual(self.client.get(f"/carts/{cart_id}").version, 1 + len(ENDS))
        self.assert_clean()


@needs_binary
class SilentHolder(LeaseCase):
    def test_a_client_that_fell_silent_with_the_lease_keeps_nobody_out(self):
        """It has done all that the statement of the lease does, and does not commit."""
        sku = self.make_product(1)
        cart_id = self.make_cart()["id"]
        self.service.stop()
        with Session(self.database.app_url) as holder:
            holder.run("""
                BEGIN;
                UPDATE read_lease SET holder = gen_random_uuid(),
                    ends_at = clock_timestamp() + interval '2 seconds'
                    WHERE pg_try_advisory_xact_lock(427015070, 'log_head'::regclass::oid::integer)
                    RETURNING writers;""")
            self.assertEqual(
                self.database.value("""
                    SELECT count(*) FROM pg_locks
                    WHERE locktype = 'advisory' AND mode = 'ExclusiveLock' AND database =
                        (SELECT oid FROM pg_database WHERE datname = current_database());"""),
                "1",
            )
            self.assert_takes_commands(cart_id, sku, 2)
            with self.assertRaises((SqlError, BrokenPipeError)):
                holder.run("COMMIT;")
        self.assert_clean()


@needs_binary
class NoHead(AuditCase):
    def test_a_log_that_has_lost_its_head_fails_commands_and_no_process(self):
        sku = self.make_product(1)
        cart_id = self.make_cart((sku, 1))["id"]
        self.database.sql("CREATE TABLE kept_head AS TABLE log_head; DELETE FROM log_head;")
        for ask in (
            lambda client: self.add(cart_id, sku, client=client),
            lambda client: self.add(cart_id, sku, client=client, **{"Idempotency-Key": make_key()}),
            lambda client: client.post(f"/carts/{cart_id}/checkout"),
            lambda client: client.post("/carts", {}),
            lambda client: client.put("/products/tea", {"name": "Tea", "prices": {"EUR": 7}}),
        ):
            self.assert_problem(ask(self.client), 500, "internal-error")
            self.assertEqual(self.client.get("/livez").status, 200)
        log = self.service.output()
        self.assertIn("lock_head", log)
        self.assertTrue(self.service.is_running())

        self.database.sql("INSERT INTO log_head SELECT * FROM kept_head; DROP TABLE kept_head;")
        wait_until(lambda: self.client.get("/readyz").status == 200, "it is ready")
        answer = self.add(cart_id, sku)
        self.assertEqual((answer.status, answer.version), (200, 3), answer)
        self.assertEqual(self.client.get(f"/carts/{cart_id}").body, answer.body)
        self.assert_log_is_dense()
        self.assert_clean()
