"""Carts of many lines, whose documents are stored in chunks."""

import random
import unittest

from support import AuditCase, how_many, make_id, needs_binary

CHUNK_LINES = 16


@needs_binary
class WideCarts(AuditCase):
    """The catalogue has 250 skus."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for number in range(250):
            answer = cls.client.put(
                f"/products/p{number}", {"name": f"Produkt „{number}“ \\", "prices": {"EUR": number}})
            assert answer.status == 201, answer

    def create(self, n_lines, **fields):
        items = [{"sku": f"p{number}", "quantity": 1} for number in range(n_lines)]
        answer = self.client.post("/carts", {"items": items, **fields})
        self.assertEqual(answer.status, 201, answer)
        return f"/carts/{answer.json()['id']}"

    def chunks(self, path):
        cart_id = path.rsplit("/", 1)[1]
        return [
            int(number) for (number,) in self.database.sql(
                f"SELECT chunk FROM cart_chunks WHERE cart_id = '{cart_id}' ORDER BY chunk;")]

    def assert_everywhere_the_same(self, path, answer):
        """What the command answered is what reads show, and what the log says."""
        self.assertEqual(answer.status, 200, answer)
        cart = answer.json()
        self.assertEqual(self.client.get(path).body, answer.body)
        replayed = self.client.get(f"{path}?version={cart['version']}")
        self.assertEqual(replayed.body, answer.body)
        listed = self.client.get("/carts?limit=100").json()["carts"]
        self.assertEqual([c for c in listed if c["id"] == cart["id"]], [cart])
        n_lines = len(cart["items"])
        n_chunks = -(-n_lines // CHUNK_LINES) if n_lines > CHUNK_LINES else 0
        self.assertEqual(self.chunks(path), list(range(n_chunks)))

    def test_a_request_records_at_most_a_thousand_events(self):
        path = self.create(250)
        back = [{"type": "clear_items"}, {"type": "restore", "version": 251}]  # 252 events
        answer = self.client.post(f"{path}/commands", {"commands": back * 50})
        self.assert_problem(answer, 422, "too-many-events", pointer="/commands/7")
        self.assertEqual(self.client.get(path).version, 251)
        self.assert_everywhere_the_same(
            path, self.client.post(f"{path}/commands", {"commands": back * 3}))
        again = self.client.post(f"{path}/restore", {"version": 251})
        self.assertEqual(again.version, 251 + 3 * 252)  # it is as it was then

    def test_a_cart_grows_and_shrinks_over_every_border(self):
        path = self.create(CHUNK_LINES - 1)
        for n_lines in (16, 17, 18, 32, 33, 249, 250, 249, 33, 32, 17, 16, 15):
            items = self.client.get(path).json()["items"]
            commands = [{"type": "add_item", "sku": f"p{n}"} for n in range(len(items), n_lines)]
            commands += [
                {"type": "remove_item", "item_id": line["id"]} for line in items[n_lines:][::-1]]
            for begin in range(0, len(commands), 100):
                answer = self.client.post(f"{path}/commands", {"commands": commands[begin:begin + 100]})
            self.assertEqual(len(answer.json()["items"]), n_lines)
            self.assert_everywhere_the_same(path, answer)
        self.assert_clean()

    def test_any_line_may_change_or_go(self):
        path = self.create(100, customer_id='a,"items":[', metadata={"note": ',"items":[{}]'})
        for number in (0, 15, 16, 50, 96, 99):
            self.assert_everywhere_the_same(
                path, self.client.patch(f"{path}/items/p{number}", {"quantity": 7}))
            self.assert_everywhere_the_same(
                path, self.client.post(f"{path}/items", {"sku": f"p{number}", "quantity": 2}))
        for number in (99, 0, 16, 15, 50):
            self.assert_everywhere_the_same(path, self.client.delete(f"{path}/items/p{number}"))
        self.assert_clean()
        self.assert_everywhere_the_same(path, self.client.delete(f"{path}/items"))
        self.assert_everywhere_the_same(path, self.client.post(f"{path}/items", {"sku": "p3"}))
        self.assert_clean()

    def test_a_cleared_cart_is_filled_again_in_the_same_request(self):
        path = self.create(60)
        commands = [{"type": "clear_items"}]
        commands += [{"type": "add_item", "sku": f"p{number}"} for number in range(200, 240)]
        answer = self.client.post(f"{path}/commands", {"commands": commands})
        self.assert_everywhere_the_same(path, answer)
        self.assert_everywhere_the_same(path, self.client.post(f"{path}/checkout", {}))
        self.assert_clean()

    def test_whatever_is_done_to_it(self):
        draw = random.Random(20)
        path = self.create(40)
        for _ in range(how_many(60, quick=20)):
            lines = [line["id"] for line in self.client.get(path).json()["items"]]
            commands = []
            for _ in range(draw.randint(1, 30)):
                line = draw.choice(lines) if lines else "p0"
                kind = draw.choice(("add", "add", "remove", "change"))
                if kind == "add":
                    commands.append({"type": "add_item", "sku": f"p{draw.randrange(250)}"})
                elif kind == "change":
                    commands.append({
                        "type": "change_item_quantity", "item_id": line,
                        "quantity": draw.randint(1, 99)})
                elif line in lines:
                    lines.remove(line)
                    commands.append({"type": "remove_item", "item_id": line})
            answer = self.client.post(f"{path}/commands", {"commands": commands})
            if answer.status == 200:
                self.assert_everywhere_the_same(path, answer)
            else:
                self.assertEqual(answer.slug, "item-not-in-cart")
        self.assert_clean()

    def test_verify_sees_and_rebuild_repairs_each_part(self):
        path = self.create(50)
        of_cart = f"WHERE cart_id = '{path.rsplit('/', 1)[1]}'"
        new_id = make_id()
        for damage, finding in (
            (f"UPDATE cart_chunks SET lines = replace(lines, 'p20', 'P20') {of_cart}",
             r"cart_chunks\.lines of chunk 1 is .*P20.* and should be .*p20"),
            (f"DELETE FROM cart_chunks {of_cart} AND chunk = 2", r"cart_chunks has no chunk 2"),
            (f"INSERT INTO cart_chunks SELECT cart_id, 4, lines FROM cart_chunks {of_cart} AND chunk = 3",
             r"cart_chunks has a chunk 4 that is not in the document"),
            (f"UPDATE cart_chunks SET chunk = -1 {of_cart} AND chunk = 0", r"has a chunk -1 that"),
            (f"INSERT INTO cart_chunks VALUES ('{new_id}', 0, '{{}}')",
             rf"cart {new_id}: cart_chunks has rows for it, but it does not exist"),
            (f"UPDATE carts SET document_end = NULL {of_cart}", r"carts\.document_end is null"),
            (f"UPDATE carts SET document = '' {of_cart}", r"carts\.document is \"\" "),
            ("TRUNCATE cart_chunks", r"cart_chunks has no chunk 0"),
        ):
            with self.subTest(damage):
                before = self.client.get(path).body
                self.database.sql(damage)
                self.assertRegex(self.verify().stdout, finding)
                self.assertEqual(self.rebuild("all").returncode, 0)
                self.assertEqual(self.client.get(path).body, before)
                self.assert_clean()


if __name__ == "__main__":
    unittest.main()
