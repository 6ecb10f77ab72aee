"""Bad input in every field of each operation's body: the right problem with the right pointer."""

import json
import unittest

from support.bad_input import (
    FIELDS,
    GOOD,
    MAY_BE_EMPTY,
    NOT_JSON,
    NOT_UTF_8,
    TOO_LARGE,
    WRONG_AS_A_WHOLE,
)
from test_input import InputCase

BODY_MAX = 64 * 1024


class Bodies(InputCase):
    def test_the_table_has_every_field(self):
        for operation in self.operations.values():
            if operation.body is None:
                continue
            fields = set(operation.body.schema.get("properties", {}))
            told = {pointer.split("/")[1] for pointer, _, _ in FIELDS.get(operation.id, ())}
            self.assertLessEqual(fields, told, operation.id)
            self.assertIn(operation.id, GOOD)

    def each(self):
        for name, fields in FIELDS.items():
            for pointer, body, wrong in fields:
                yield self.operations[name], pointer, body, wrong

    def test_each_wrong_value_is_refused_with_its_pointer(self):
        for operation, pointer, body, wrong in self.each():
            for value in wrong:
                with self.subTest(operation=operation.id, pointer=pointer, value=value[:60]):
                    self.assert_invalid(
                        self.send(operation, body=body.replace("%", value)), pointer
                    )

    def test_numbers_that_nothing_holds_are_refused_with_their_pointer(self):
        for operation, pointer, body, _ in self.each():
            for value in TOO_LARGE:
                with self.subTest(operation=operation.id, pointer=pointer, value=value):
                    self.assert_invalid(
                        self.send(operation, body=body.replace("%", value)), pointer
                    )

    def test_in_no_field_is_anything_but_json(self):
        for operation, pointer, body, _ in self.each():
            for value in NOT_JSON:
                with self.subTest(operation=operation.id, pointer=pointer, value=value[:60]):
                    answer = self.send(operation, body=body.replace("%", value))
                    self.assert_problem(answer, 400, "malformed-json")

    def test_in_no_field_is_anything_but_utf_8(self):
        for operation, pointer, body, _ in self.each():
            for value in NOT_UTF_8:
                with self.subTest(operation=operation.id, pointer=pointer, value=value):
                    answer = self.send(operation, body=body.encode().replace(b"%", value))
                    self.assert_problem(answer, 400, "malformed-json")

    def test_a_body_is_one_object_and_nothing_else(self):
        for operation, good in self.with_body():
            for body in (
                good + "x",
                good + good,
                good + ",",
                good + "\x00",
                "\ufeff\ufeff" + good,
                good + "\ufeff",
                "/**/" + good,
                good + "//",
                " ",
                "\n\t\r ",
                good[:-1],
                good[1:],
                "[" * 60000,
                '{"a":' * 17 + "1" + "}" * 17,
            ):
                with self.subTest(operation=operation.id, body=body[:60]):
                    self.assert_problem(self.send(operation, body=body), 400, "malformed-json")
            for body in ("[]", f"[{good}]", '"x"', "1", "null", "true", " -0.5 "):
                with self.subTest(operation=operation.id, body=body):
                    self.assert_invalid(self.send(operation, body=body), "")
            for body in WRONG_AS_A_WHOLE.get(operation.id, ()):
                with self.subTest(operation=operation.id, body=body):
                    self.assert_invalid(self.send(operation, body=body), "")
            if operation.id not in {*MAY_BE_EMPTY, *WRONG_AS_A_WHOLE}:
                self.assert_problem(self.send(operation, body=b""), 400, "malformed-json")

    def test_unknown_members_are_refused_whatever_they_are(self):
        for operation, good in self.with_body():
            for name, value in (
                ("zz", "1"),
                ("", "1"),
                ("a/b~c", "null"),
                ("__proto__", "{}"),
                ("é\U0001f600", "1"),
                ("n" * 60000, "1"),
                ("deep", "[" * 15 + "]" * 15),
                ("a\r\nX-Injected: 1", "1"),
                ('{"event":"forged"}', '"\\n{\\"event\\":\\"forged\\"}"'),
            ):
                with self.subTest(operation=operation.id, name=name[:60]):
                    comma = "" if good == "{}" else ","
                    body = f"{good[:-1]}{comma}{json.dumps(name)}:{value}}}"
                    answer = self.send(operation, body=body)
                    pointer = "/" + name.replace("~", "~0").replace("/", "~1")
                    self.assert_invalid(answer, pointer)
                    self.assertNotIn("x-injected", answer.headers)

    def test_64_KiB_are_read_and_one_more_is_not(self):
        for operation, _ in self.with_body():
            wrong = '{"zz":1}'
            padded = wrong + " " * (BODY_MAX - len(wrong))
            with self.subTest(operation=operation.id):
                self.assertEqual(self.send(operation, body=padded).status, 422)
                with self.service.client() as client:
                    answer = self.send(operation, body=padded + " ", client=client)
                    self.assert_problem(answer, 413, "body-too-large")


if __name__ == "__main__":
    unittest.main()
