"""Words that group products: through the whole service."""

import json

from support import ImportCase, ServiceCase, make_sku, run_cartd


class Products(ServiceCase):
    def put(self, sku, **members):
        content = {"name": "Nuts", "prices": {"EUR": 35}, **members}
        return self.client.put(f"/products/{sku}", content)

    def test_a_product_shows_its_tags(self):
        sku = make_sku()
        twenty = sorted(f"t{i:02}" + "x" * 61 for i in range(20))
        for given, shown, status in (
            ({}, [], 201),
            ({"tags": None}, [], 200),
            ({"tags": []}, [], 200),
            ({"tags": ["organic", "nuts", "organic"]}, ["nuts", "organic"], 200),
            ({"tags": ["nuts", "organic"]}, ["nuts", "organic"], 200),
            ({"tags": list(reversed(twenty))}, twenty, 200),
            ({"tags": ["Nuts", "nuts"], "quantity": {"unit": "kg"}}, ["Nuts", "nuts"], 200),
            ({}, [], 200),
        ):
            answer = self.put(sku, **given)
            self.assertEqual(answer.status, status, answer)
            self.assertEqual(answer.json()["tags"], shown)
            self.assertEqual(self.client.get(f"/products/{sku}").body, answer.body)
        self.assertEqual(answer.json()["version"], 5, "the same tags are no change")
        recorded = self.database.sql(
            "SELECT data->'tags', schema_version FROM events"
            f" WHERE data->>'sku' = '{sku}' ORDER BY position;"
        )
        self.assertEqual(
            [(json.loads(tags or "null"), version) for tags, version in recorded],
            [
                (tags, "3")
                for tags in (None, ["nuts", "organic"], twenty, ["Nuts", "nuts"], None)
            ],
        )
        verified = run_cartd("verify", url=self.database.app_url)
        self.assertEqual(verified.returncode, 0, verified.stderr + verified.stdout)


class Imports(ImportCase):
    def test_a_column_says_the_tags(self):
        sku = make_sku()
        content = "sku,name,currency,price,tags\n{},Nuts,EUR,35,{}\n"
        for given, shown in (
            ("organic|nuts", ["nuts", "organic"]),
            ("", ["nuts", "organic"]),
            (" new ", ["new"]),
            ("|", []),
        ):
            self.run_import(content.format(sku, given))
            self.assertEqual(self.product(sku)["tags"], shown)
        done = self.run_import(content.format(sku, "a b"), expected=1)
        self.assertIn(":2: tags: it must be at most 20 words", done.stderr)

    def test_lines_that_contradict_each_other_are_refused(self):
        sku = make_sku()
        content = f"sku,name,currency,price,tags\n{sku},Nuts,EUR,35,a\n{sku},Nuts,USD,35,\n{sku},Nuts,CHF,35,b\n"
        done = self.run_import(content, "--strict", expected=1)
        self.assertIn(":4: it contradicts line 2", done.stderr)
