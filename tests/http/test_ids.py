"""Ids: which ones a client may choose, and what an id that is something else's gets."""

import pathlib
import tempfile
import uuid

from support import (
    AuditCase,
    Database,
    make_id,
    make_key,
    make_sku,
    migrate,
    needs_binary,
    needs_database,
    product_stream_id,
    run_at_once,
    run_cartd,
)
from support.copies import Writer, compose

NIL, MAX = "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"


class Choosing(AuditCase):
    def test_the_id_of_a_product_can_not_be_taken(self):
        """It would end every command to that product."""
        sku = make_sku()
        answer = self.client.post("/carts", {"id": product_stream_id(sku)})
        self.assert_invalid(answer, "/id")
        self.make_product(5, sku=sku)
        self.assertEqual(self.client.get(f"/products/{sku}").status, 200)

    def test_ids_that_mean_something_else_are_refused(self):
        for text in (NIL, MAX, str(uuid.uuid5(uuid.NAMESPACE_DNS, "shop.example")).upper()):
            self.assert_invalid(self.client.post("/carts", {"id": text}), "/id")
        for text in (str(uuid.uuid4()), str(uuid.uuid1()), make_id()):
            self.assertEqual(self.client.post("/carts", {"id": text}).status, 201)

    def test_a_cart_whose_id_came_from_a_key_takes_commands(self):
        cart = self.client.post("/carts", {}, headers={"Idempotency-Key": make_key()}).json()
        self.assertEqual(uuid.UUID(cart["id"]).version, 5)
        sku = self.make_product(5)
        self.assertEqual(self.add(cart["id"], sku).version, 2)

    @needs_database
    def test_a_product_is_no_cart(self):
        sku = self.make_product(5)
        path = f"/carts/{product_stream_id(sku)}"
        self.assert_problem(self.client.get(path), 404, "cart-not-found")
        for method, target, body in (
            ("POST", "/items", {"sku": sku}),
            ("POST", "/cancel", None),
            ("POST", "/commands", {"commands": [{"type": "cancel"}]}),
            ("PATCH", f"/items/{sku}", {"quantity": 2}),
            ("DELETE", "/items", None),
        ):
            answer = self.client.request(method, path + target, body)
            self.assert_problem(answer, 409, "id-taken")
        self.assertEqual(self.client.get(f"/products/{sku}").version, 1)
        self.make_product(6, sku=sku)
        self.assert_clean()

    @needs_database
    def test_both_at_once(self):
        """Commands of both kinds wait for one id at the same time."""
        skus = [self.make_product(5) for _ in range(4)]

        def ask(i):
            sku = skus[i % 4]
            with self.service.client() as client:
                for _ in range(30):
                    if i % 2:
                        path = f"/carts/{product_stream_id(sku)}/items"
                        self.assert_problem(client.post(path, {"sku": sku}), 409, "id-taken")
                    else:
                        self.make_product(i + 1, sku=sku, client=client)

        run_at_once(16, ask)
        self.assert_clean()


@needs_binary
class Stored(AuditCase):
    """What a log has that was written to before ids were looked at."""

    def mix(self, stream_type, version):
        sku, cart_id = make_sku(), self.make_cart()["id"]
        if version > 1:
            self.make_product(5, sku=sku)
        else:
            self.database.sql(f"INSERT INTO streams VALUES ('{product_stream_id(sku)}', 'cart')")
        self.database.sql(
            "UPDATE log_head SET position = position + 1;"
            f" INSERT INTO events SELECT h.position, '{stream_type}', '{product_stream_id(sku)}',"
            f" {version}, e.type, e.schema_version, e.data, e.metadata, gen_random_uuid(),"
            f" h.recorded_at FROM log_head h, events e"
            f" WHERE e.stream_id = '{cart_id}' AND e.version = 1;"
        )
        return sku

    def put(self, sku):
        return self.client.put(f"/products/{sku}", {"name": "Tea", "prices": {"EUR": 1}})

    def test_a_product_of_which_a_cart_has_the_id(self):
        sku = self.mix("cart", 1)
        for _ in range(3):
            self.assert_problem(self.put(sku), 409, "id-taken")
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "products.csv"
            file.write_text(f"sku,name,currency,price\n{sku},Tea,EUR,1\n", encoding="utf-8")
            done = run_cartd("catalog", "import", str(file), url=self.database.app_url)
        self.assertEqual(done.returncode, 1, done)
        self.assertIn("the id that belongs to this sku is taken by a cart", done.stderr)

    def test_a_stream_of_two_types_takes_nothing_more_and_is_found(self):
        sku = self.mix("cart", 2)
        self.assert_problem(self.put(sku), 409, "id-taken")
        path = f"/carts/{product_stream_id(sku)}/items"
        self.assert_problem(self.client.post(path, {"sku": sku}), 409, "id-taken")
        done = run_cartd("verify", url=self.database.owner_url)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn('is of a stream of another type, "cart"', done.stdout)
        self.assertEqual(self.client.get("/livez").status, 200)


@needs_binary
class Imported(AuditCase):
    def test_an_import_of_a_stream_of_two_types_is_refused(self):
        writer = Writer(7)
        sku = make_sku()
        stream_id = product_stream_id(sku)
        cart = {"currency": "EUR", "customer_id": None, "metadata": {}}
        product = {"sku": sku, "name": "Tea", "prices": {"EUR": 5}, "active": True}
        orders = (
            [("cart", "CartCreated", cart), ("product", "ProductChanged", product)],
            [("product", "ProductChanged", product), ("cart", "CartCancelled", {})],
        )
        database = Database()
        self.addCleanup(database.drop)
        database.migrated_by(migrate)
        for order in orders:
            writer.position = 0
            with tempfile.NamedTemporaryFile() as file:
                for version, (stream_type, kind, data) in enumerate(order, 1):
                    event = writer.event(stream_type, stream_id, version, kind, data)
                    event.setdefault("command_id", writer.id())
                    event.setdefault("metadata", {})
                    file.write(compose(**event))
                file.flush()
                done = run_cartd("events", "import", file.name, url=database.owner_url)
            self.assertNotEqual(done.returncode, 0, done)
            self.assertIn("its stream_type is", done.stderr)
            self.assertEqual(database.value("SELECT count(*) FROM events;"), "0")
