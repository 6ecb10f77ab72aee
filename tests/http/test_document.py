"""openapi.yaml by itself: it is sound, and its examples are examples of what it says."""

import unittest

from support import contract


class Document(unittest.TestCase):
    """The document by itself."""

    def test_it_is_openapi_3_1_and_every_reference_leads_somewhere(self):
        self.assertRegex(contract.document()["openapi"], r"^3\.1\.")
        contract.contract()

    def test_each_operation_has_a_name_of_its_own(self):
        names = []
        for item in contract.document()["paths"].values():
            for method, operation in item.items():
                if method in contract.Contract.METHODS:
                    names.append(operation["operationId"])
                    self.assertRegex(operation["operationId"], r"^[a-z]+([A-Z][a-z]+)*$")
                    self.assertTrue(operation["summary"])
        self.assertEqual(len(names), len(set(names)))

    def test_the_parameters_of_each_path_are_described(self):
        for operation in contract.contract().operations.values():
            described = {p["name"] for p in operation.parameters if p["in"] == "path"}
            in_path = {part[1:-1] for part in operation.path.split("/") if part.startswith("{")}
            self.assertEqual(described, in_path, operation.id)

    def test_every_schema_is_one_and_every_example_fits_its_own(self):
        n_examples = 0
        unfit = []

        def walk(node, place):
            nonlocal n_examples
            if isinstance(node, list):
                for index, item in enumerate(node):
                    walk(item, f"{place}/{index}")
            if not isinstance(node, dict):
                return
            if "schema" in node:
                schema = contract.validator(node["schema"])
                schema.check_schema(node["schema"])
                examples = {
                    name: example["value"] for name, example in node.get("examples", {}).items()
                }
                if "example" in node:
                    examples[""] = node["example"]
                self.assertTrue(examples, f"{place} has no example")
                for name, value in examples.items():
                    n_examples += 1
                    unfit.extend(f"{place}, {name}: {e.message}" for e in schema.iter_errors(value))
            for name, value in node.items():
                if name not in ("example", "examples", "schema"):
                    walk(value, f"{place}/{name}")

        walk(contract.expand(contract.document()), "")
        self.assertEqual(unfit, [])
        self.assertGreater(n_examples, 100)

    def test_problems_come_where_their_status_says(self):
        for operation in contract.contract().operations.values():
            for status, response in operation.responses.items():
                if status >= 400:
                    self.assertTrue(response.slugs, (operation.id, status))
                for slug in response.slugs:
                    example = contract.document()["components"]["examples"][slug]["value"]
                    self.assertEqual(example["status"], status, (operation.id, slug))
                    self.assertEqual(example["type"], f"/problems/{slug}")


if __name__ == "__main__":
    unittest.main()
