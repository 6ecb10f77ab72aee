"""What is said about requests that are not as they should be, and how answers are dressed."""

import gzip
import hashlib
import json
import unittest

from support import ServiceCase, make_key

ABSENT = "01936f6e-6f0a-7c3e-9a57-5f0c8a4f1b2d"
BODY_MAX = 64 * 1024


class Bodies(ServiceCase):
    def setUp(self):
        self.sku = self.make_product()
        self.cart = self.make_cart()
        self.path = f"/carts/{self.cart['id']}"

    def post(self, body, **headers):
        return self.client.post(f"{self.path}/items", body=body, headers=headers)

    def test_what_is_not_json_is_malformed(self):
        for body in (
            b"",
            b" ",
            b"{",
            b"}",
            b"{]",
            b"nul",
            b"{'sku':'x'}",
            b'{"sku":"x",}',
            b'{"sku":"x"} x',
            b'{"sku":"x"}{"sku":"x"}',
            b'{"sku":}',
            b'{sku:"x"}',
            b'{"sku":"x"',
            b"\xff\xfe{\x00}\x00",
            b'{"sku":"\xff"}',
            b'{"sku":"\xc0\xaf"}',
            b'{"sku":"\xed\xa0\x80"}',
            b'{"sku":"\\ud800"}',
            b'{"sku":"\\x41"}',
            b'{"sku":"a\nb"}',
            b'{"sku":"x","quantity":01}',
            b'{"quantity":+1}',
            b'{"quantity":NaN}',
            b'{"quantity":Infinity}',
            b'{"quantity":1.}',
            b'{"quantity":.5}',
            b'{"sku":"x"}\x00',
            b'{"sku":\x00"x"}',
            b"\xef\xbb\xbf\xef\xbb\xbf{}",
            b'// a\n{"sku":"x"}',
            b'{"sku":"\\u0000"}',
            b'{"a":1,"a":1}',
            b'{"sku":"x","sku":"x"}',
            b'{"sku":{"a":1,"a":2}}',
            b'{"sku":"x","s\\u006bu":"y"}',
            b"[" * 17 + b"]" * 17,
            b"[" * 60000,
            b'{"a":' * 16 + b"1" + b"}" * 16 + b"x",
        ):
            with self.subTest(body=body[:60]):
                self.assert_problem(self.post(body), 400, "malformed-json")
        self.assertEqual(self.get_cart(self.cart["id"]), self.cart)

    def test_what_is_json_but_no_object_is_invalid(self):
        for body in (b"[]", b'[{"sku":"x"}]'):
            self.assert_invalid(self.post(body), "")

    def test_a_scalar_is_no_body(self):
        for body in (b"null", b"true", b"1", b'"sku"'):
            answer = self.post(body)
            self.assertIn(
                (answer.status, answer.slug),
                ((400, "malformed-json"), (422, "invalid-body")),
                answer,
            )

    def test_each_wrong_field_of_an_item_is_named(self):
        for value, *pointers in (
            ({}, "/sku"),
            ({"sku": None}, "/sku"),
            ({"sku": 7}, "/sku"),
            ({"sku": ""}, "/sku"),
            ({"sku": " "}, "/sku"),
            ({"sku": "a\nb"}, "/sku"),
            ({"sku": ".."}, "/sku"),
            ({"sku": "ä" * 129}, "/sku"),
            ({"sku": "a\u0001"}, "/sku"),
            ({"sku": ["a"]}, "/sku"),
            ({"sku": "x", "quantity": 0}, "/quantity"),
            ({"sku": "x", "quantity": 1000001}, "/quantity"),
            ({"sku": "x", "quantity": -1}, "/quantity"),
            ({"sku": "x", "quantity": "1"}, "/quantity"),
            ({"sku": "x", "quantity": 1.5}, "/quantity"),
            ({"sku": "x", "quantity": None}, "/quantity"),
            ({"sku": "x", "quantity": True}, "/quantity"),
            ({"sku": "x", "quantity": [1]}, "/quantity"),
            ({"sku": "x", "price": 1}, "/price"),
            ({"sku": "x", "a/b~c": 1}, "/a~1b~0c"),
            ({"sku": "x", "": 1}, "/"),
            ({"sku": "x", "unit_price": -1, "total": 0}, "/unit_price", "/total"),
            ({"sku": 1, "quantity": 0, "é": 1}, "/sku", "/quantity", "/é"),
        ):
            with self.subTest(value=value):
                self.assert_invalid(self.client.post(f"{self.path}/items", value), *pointers)
        self.assertEqual(self.get_cart(self.cart["id"]), self.cart)

    def test_a_number_without_a_fraction_is_an_integer(self):
        sku = self.make_product()
        for quantity, number in enumerate((b"1e0", b"1.0", b"0.1E1", b"1"), 1):
            answer = self.post(b'{"sku":"%s","quantity":%s}' % (sku.encode(), number))
            self.assertEqual(answer.status, 200, answer)
            self.assertEqual(answer.json()["items"][-1]["quantity"], quantity)
        for number in (b"-0", b"1.5", b"1e400", b"99999999999999999999", b"9223372036854775808"):
            answer = self.post(b'{"sku":"x","quantity":%s}' % number)
            self.assert_invalid(answer, "/quantity")

    def test_a_key_stands_for_the_json_however_it_is_written(self):
        sku = self.make_product().encode()
        key = {"Idempotency-Key": "the key"}
        written = (
            b'{"sku":"%s","quantity":2,"properties":{"a":"1","b":"/"}}' % sku,
            b'{"properties":{"b":"\\u002f","a":"1"},\n "quantity": 2.0, "sku": "%s"}' % sku,
            b'\xef\xbb\xbf{"properties":{"a":"1","b":"\\/"},"quantity":2,"sku":"%s"}\n' % sku,
        )
        for i, body in enumerate(written):
            answer = self.post(body, **key)
            self.assertEqual(answer.status, 200, answer)
            self.assertEqual(answer.headers.get("idempotent-replayed"), "true" if i else None)
        for body in (
            written[0].replace(b":2,", b":3,"),
            written[0].replace(b'"/"', b'"/ /"'),
            b'{"sku":"%s"}' % sku,
        ):
            self.assert_problem(self.post(body, **key), 422, "idempotency-key-reused")
        self.assertEqual(self.get_cart(self.cart["id"])["items"][-1]["quantity"], 2)

    def test_a_key_takes_an_empty_body_for_an_empty_object(self):
        key = {"Idempotency-Key": "the key"}
        for i, body in enumerate((b"", b"{}", b" { }")):
            answer = self.client.post(f"{self.path}/cancel", body=body, headers=key)
            self.assertEqual(answer.status, 200, answer)
            self.assertEqual(answer.headers.get("idempotent-replayed"), "true" if i else None)

    def test_a_key_that_was_stored_by_the_bytes_of_its_body_is_recognised(self):
        body = b'{"sku": "%s"}' % self.make_product().encode()
        old = {"Idempotency-Key": "old"}
        answer = self.post(body, **old)
        self.assertEqual(answer.status, 200, answer)
        digest = hashlib.sha256()
        for part in (b"POST", f"{self.path}/items".encode(), body):
            digest.update(len(part).to_bytes(8, "big") + part)
        self.database.sql(
            f"UPDATE idempotency_keys SET fingerprint = '\\x{digest.hexdigest()}'"
            f" WHERE scope_id = '{self.cart['id']}'"
        )
        again = self.post(body, **old)
        self.assertEqual(
            (again.status, again.headers.get("idempotent-replayed")), (200, "true"), again
        )
        other = self.post(body.replace(b" ", b""), **old)
        self.assert_problem(other, 422, "idempotency-key-reused")

    def test_a_key_that_made_a_cart_and_is_forgotten_makes_no_other(self):
        key = {"Idempotency-Key": "forgotten"}
        made = self.client.post("/carts", {}, headers=key)
        self.assertEqual(made.status, 201, made)
        self.database.sql("DELETE FROM idempotency_keys WHERE key = 'forgotten';")
        for body in ({}, {"currency": "USD"}):
            answer = self.client.post("/carts", body, headers=key)
            problem = self.assert_problem(answer, 422, "idempotency-key-reused")
            self.assertIn(made.json()["id"], problem["detail"])
            self.assertIn("Use a new key", problem["detail"])
        named = self.client.post("/carts", {"id": self.cart["id"]}, headers={"Idempotency-Key": "other"})
        self.assert_problem(named, 409, "cart-already-exists")

    def test_a_byte_order_mark_is_passed_over(self):
        sku = self.make_product()
        answer = self.post(b'\xef\xbb\xbf{"sku":"%s"}' % sku.encode())
        self.assertEqual(answer.status, 200, answer)

    def test_u_0000_is_refused_in_words_of_the_api(self):
        for body in (b'{"sku":"a\\u0000b"}', b'{"sku":"a","properties":{"x\\u0000":"y"}}'):
            problem = self.assert_problem(self.post(body), 400, "malformed-json")
            self.assertIn("U+0000 (\\u0000) is not allowed", problem["detail"])
            self.assertNotIn("JSON_", problem["detail"])

    def test_each_wrong_field_of_a_new_cart_is_named(self):
        for value, *pointers in (
            ({"id": "x"}, "/id"),
            ({"id": 1}, "/id"),
            ({"id": f"{{{ABSENT}}}"}, "/id"),
            ({"id": ABSENT.replace("-", "")}, "/id"),
            ({"currency": "eur"}, "/currency"),
            ({"currency": "EURO"}, "/currency"),
            ({"currency": None}, "/currency"),
            ({"currency": "E1R"}, "/currency"),
            ({"customer_id": ""}, "/customer_id"),
            ({"customer_id": "x" * 129}, "/customer_id"),
            ({"customer_id": 5}, "/customer_id"),
            ({"customer_id": "a\nb"}, "/customer_id"),
            ({"metadata": []}, "/metadata"),
            ({"metadata": None}, "/metadata"),
            ({"metadata": "x"}, "/metadata"),
            ({"items": {}}, "/items"),
            ({"items": None}, "/items"),
            ({"items": [1]}, "/items/0"),
            ({"items": [{"sku": "x"}, {"sku": "y", "quantity": 0}]}, "/items/1/quantity"),
            ({"items": [{"sku": "x"}] * 251}, "/items"),
            ({"version": 3}, "/version"),
            ({"status": "open", "total": 1}, "/status", "/total"),
        ):
            with self.subTest(value=value):
                self.assert_invalid(self.client.post("/carts", value), *pointers)

    def test_metadata_has_bounds(self):
        most = {"a": "x" * (4096 - len('{"a":""}'))}
        self.assertEqual(self.make_cart(metadata=most)["metadata"], most)
        answer = self.client.post("/carts", {"metadata": {"a": most["a"] + "x"}})
        self.assert_invalid(answer, "/metadata")
        deepest = {"a": {"b": {"c": 1}}}
        self.assertEqual(self.make_cart(metadata=deepest)["metadata"], deepest)
        answer = self.client.post("/carts", {"metadata": {"a": {"b": {"c": {"d": 1}}}}})
        self.assertEqual((answer.status, answer.slug), (422, "invalid-body"), answer)

    def test_128_characters_are_counted_as_characters(self):
        self.assertEqual(self.make_cart(customer_id="é" * 128)["customer_id"], "é" * 128)
        self.assert_invalid(self.client.post("/carts", {"customer_id": "é" * 129}), "/customer_id")

    def test_other_bodies_are_checked_too(self):
        for method, target, value, *pointers in (
            ("PATCH", "/items/x", {}, ""),
            ("PATCH", "/items/x", {"quantity": -1}, "/quantity"),
            ("PATCH", "/items/x", {"quantity": 1000001}, "/quantity"),
            ("PATCH", "/items/x", {"quantity": 1, "sku": "x"}, "/sku"),
            ("DELETE", "/items/x", {"a": 1}, "/a"),
            ("DELETE", "/items", {"a": 1}, "/a"),
            ("POST", "/checkout", {"expected_total": "1"}, "/expected_total"),
            ("POST", "/checkout", {"expected_total": 2**53}, "/expected_total"),
            ("POST", "/checkout", {"total": 1}, "/total"),
            ("POST", "/cancel", {"why": ""}, "/why"),
            ("POST", "/commands", {}, "/commands"),
            ("POST", "/commands", {"commands": {}}, "/commands"),
        ):
            with self.subTest(target=target, value=value):
                self.assert_invalid(
                    self.client.request(method, self.path + target, value), *pointers
                )

    def test_at_most_20_complaints_are_listed(self):
        value = {"sku": "x", **{f"field{i}": i for i in range(30)}}
        problem = self.assert_problem(
            self.client.post(f"{self.path}/items", value), 422, "invalid-body"
        )
        self.assertEqual(len(problem["errors"]), 20)

    def test_a_body_of_64_KiB_is_read_and_a_larger_one_is_not(self):
        body = b'{"sku":"%s"}' % self.sku.encode()
        self.assertEqual(self.post(body + b" " * (BODY_MAX - len(body))).status, 200)
        for size in (BODY_MAX + 1, 1024 * 1024, 8 * 1024 * 1024):
            with self.service.client() as client:
                answer = client.post(f"{self.path}/items", body=body + b" " * (size - len(body)))
                self.assert_problem(answer, 413, "body-too-large")
        self.assertEqual(self.get_cart(self.cart["id"])["version"], 2)

    def test_a_chunked_body_has_the_same_limit(self):
        body = b'{"sku":"%s"}' % self.sku.encode()
        for padding, status in ((0, 200), (BODY_MAX, 413)):
            padded = body + b" " * padding
            head = (
                f"POST {self.path}/items HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
                "Content-Type: application/json\r\n\r\n"
            ).encode()
            chunks = b"".join(
                b"%x\r\n%s\r\n" % (len(padded[i : i + 9000]), padded[i : i + 9000])
                for i in range(0, len(padded), 9000)
            )
            with self.service.client(is_checked=False) as client:
                client.send(head + chunks + b"0\r\n\r\n")
                self.assertEqual(client.receive("POST", f"{self.path}/items").status, status)

    def test_a_client_that_waits_for_100_continue_gets_it(self):
        body = b'{"sku":"%s"}' % self.sku.encode()
        answer = self.post(body, Expect="100-continue")
        self.assertEqual(answer.status, 200, answer)


class MediaTypes(ServiceCase):
    def test_a_body_must_be_json(self):
        path = f"/carts/{self.make_cart()['id']}/cancel"
        for told in (
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/jsonx",
            "application/problem+json",
            "json",
            "",
            "application/json; charset=latin1",
        ):
            with self.subTest(told=told):
                answer = self.client.post(path, body=b"{}", headers={"Content-Type": told})
                self.assert_problem(answer, 415, "unsupported-media-type")

    def test_json_may_be_said_in_many_ways_or_not_at_all(self):
        for told in (
            "application/json",
            "Application/JSON",
            "application/json;charset=utf-8",
            "application/json; charset=UTF-8",
            'application/json; charset="utf-8"',
            None,
        ):
            with self.subTest(told=told):
                headers = {"Content-Type": told} if told else {}
                self.assertEqual(
                    self.client.post("/carts", body=b"{}", headers=headers).status, 201
                )

    def test_an_answer_that_is_not_accepted_is_not_made(self):
        for told in (
            "text/html",
            "image/*",
            "application/json;q=0",
            "application/xml, text/*;q=0.5",
            "*/*;q=0",
            "application/json;q=0, */*;q=0.0",
        ):
            with self.subTest(told=told):
                answer = self.client.get("/carts", headers={"Accept": told})
                self.assert_problem(answer, 406, "not-acceptable")

    def test_an_answer_may_be_accepted_in_many_ways(self):
        for told in (
            "application/json",
            "*/*",
            "application/*",
            "text/html, */*;q=0.1",
            "APPLICATION/JSON;q=0.001",
            "application/json, application/problem+json",
            "text/html;level=1, application/json;q=0.5",
        ):
            with self.subTest(told=told):
                self.assertEqual(self.client.get("/carts", headers={"Accept": told}).status, 200)
        answer = self.client.get("/carts")
        self.assertEqual(answer.headers["content-type"].split(";")[0], "application/json")


class Parameters(ServiceCase):
    def test_an_unknown_query_parameter_is_refused_everywhere(self):
        path = f"/carts/{self.make_cart()['id']}"
        for answer in (
            self.client.get("/carts?customer=1"),
            self.client.get(f"{path}?x"),
            self.client.post("/carts?id=1"),
            self.client.post(f"{path}/cancel?force=1"),
            self.client.get("/products?offset=1"),
            self.client.get("/livez?verbose"),
            self.client.get("/readyz?quiet"),
            self.client.get("/metrics?x=1"),
        ):
            self.assert_problem(answer, 400, "invalid-parameter")

    def test_an_unusable_value_is_named(self):
        for query, name in (
            ("limit=0", "limit"),
            ("limit=101", "limit"),
            ("limit=x", "limit"),
            ("limit=", "limit"),
            ("limit=1.5", "limit"),
            ("limit=99999999999999999999", "limit"),
            ("status=closed", "status"),
            ("status=", "status"),
            ("cursor=x", "cursor"),
            ("cursor=", "cursor"),
            ("customer_id=", "customer_id"),
            ("sku=%20", "sku"),
            ("sku=a%0Ab", "sku"),
            ("sku=..", "sku"),
            ("limit=1&limit=2", "limit"),
            ("customer_id=" + "x" * 129, "customer_id"),
            ("customer_id=%FF", "customer_id"),
        ):
            with self.subTest(query=query):
                problem = self.assert_problem(
                    self.client.get(f"/carts?{query}"), 400, "invalid-parameter"
                )
                self.assertIn(name, problem["detail"])

    def test_unusable_headers_are_refused(self):
        path = f"/carts/{self.make_cart((self.make_product(), 1))['id']}"
        for name, text in (
            ("If-Match", "7"),
            ("If-Match", ""),
            ("If-Match", '"7'),
            ("If-Match", '"7" "8"'),
            ("If-Match", '*, "7"'),
            ("If-Match", 'w/"7"'),
            ("Idempotency-Key", ""),
            ("Idempotency-Key", '""'),
            ("Idempotency-Key", "x" * 256),
            ("Idempotency-Key", '"' + "x" * 256 + '"'),
            ("Idempotency-Key", "a\tb"),
            ("Idempotency-Key", "é"),
            ("If-None-Match", '"2"'),
        ):
            with self.subTest(name=name, text=text):
                answer = self.client.delete(f"{path}/items", headers={name: text})
                problem = self.assert_problem(answer, 400, "invalid-parameter")
                self.assertIn(name.lower(), problem["detail"].lower())
        answer = self.client.post("/carts", headers={"If-Match": "*"})
        self.assert_problem(answer, 400, "invalid-parameter")

    def test_the_longest_key_is_taken(self):
        key = make_key() + "k" * 223
        self.assertEqual(self.client.post("/carts", headers={"Idempotency-Key": key}).status, 201)

    def test_an_unusable_cursor_of_another_list_is_refused(self):
        for _ in range(2):
            self.make_cart()
            self.make_product()
        cursor = self.client.get("/products?limit=1").json()["next_cursor"]
        answer = self.client.get(f"/carts?cursor={cursor}")
        self.assert_problem(answer, 400, "invalid-parameter")


class Methods(ServiceCase):
    def test_head_answers_as_get_without_the_body(self):
        sku = self.make_product()
        cart_id = self.make_cart()["id"]
        for target in (
            f"/carts/{cart_id}",
            "/carts",
            "/products",
            f"/products/{sku}",
            "/livez",
            "/readyz",
            "/openapi.yaml",
            "/problems/cart-closed",
            f"/carts/{ABSENT}",
            "/nothing",
        ):
            with self.subTest(target=target):
                got, told = self.client.get(target), self.client.head(target)
                self.assertEqual(told.status, got.status)
                for name in ("content-type", "content-length", "etag", "cache-control", "link"):
                    self.assertEqual(told.headers.get(name), got.headers.get(name), name)
        self.assertEqual(self.client.head("/metrics").status, 200)

    def test_other_methods_are_refused_with_those_that_there_are(self):
        for method in ("DELETE", "PUT", "PATCH", "TRACE", "PROPFIND", "get"):
            answer = self.client.request(method, "/carts")
            self.assert_problem(answer, 405, "method-not-allowed")
            self.assertEqual(
                set(answer.headers["allow"].split(", ")), {"GET", "HEAD", "POST", "OPTIONS"}
            )
        answer = self.client.request("OPTIONS", "/carts")
        self.assertEqual((answer.status, answer.body), (204, b""), answer)

    def test_other_paths_lead_nowhere(self):
        for target in (
            "/cart",
            "/carts/",
            "/carts//",
            "//carts",
            "/carts/x/items/",
            "/Carts",
            "/carts/x/items/y/z",
            "/products/",
            "/problems",
            "/problems/",
            "/livez/",
            "/../carts",
            "/carts/x/nothing",
            "/%63arts/x/y",
            "/favicon.ico",
        ):
            with self.subTest(target=target):
                self.assert_problem(self.client.get(target), 404, "not-found")


class RequestIds(ServiceCase):
    def test_a_request_id_is_kept_or_made(self):
        answer = self.client.get("/livez", headers={"X-Request-Id": "Order-7.a_b"})
        self.assertEqual(answer.headers["x-request-id"], "Order-7.a_b")
        made = {self.client.get("/livez").headers["x-request-id"] for _ in range(3)}
        self.assertEqual(len(made), 3)

    def test_an_unusable_request_id_is_replaced(self):
        for told in ("", "x" * 129, "a b", "a\u0001", "<script>", "é"):
            answer = self.client.get("/livez", headers={"X-Request-Id": told})
            self.assertNotEqual(answer.headers["x-request-id"], told)

    def test_a_problem_has_the_request_id(self):
        answer = self.client.get("/nothing", headers={"X-Request-Id": "mine-1"})
        self.assert_problem(answer, 404, "not-found", request_id="mine-1")

    def test_a_traceparent_is_carried_into_the_events(self):
        sku = self.make_product()
        cart_id = self.make_cart()["id"]
        trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        self.add(cart_id, sku, traceparent=trace)
        self.add(cart_id, sku, traceparent="not one")
        answer = self.client.delete(f"/carts/{cart_id}/items", headers={"If-Match": '"1"'})
        events = answer.json()["missed_events"]
        self.assertEqual([event["metadata"].get("traceparent") for event in events], [trace, None])

    def test_so_are_tracestate_and_baggage(self):
        sku = self.make_product()
        cart_id = self.make_cart()["id"]
        parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        state, baggage = "rojo=00f067aa0ba902b7", "userId=Am%C3%A9lie;p=1,node=DF%3A28"
        for headers in (
            {"traceparent": parent, "tracestate": state, "baggage": baggage},
            {"tracestate": state, "baggage": "not one"},
            {"traceparent": parent, "tracestate": "=x", "baggage": "a=" + "b" * 1023},
            {"traceparent": parent, "tracestate": "a=" + "b" * 511, "baggage": "a=" + "b" * 1022},
        ):
            self.assertEqual(self.add(cart_id, sku, **headers).status, 200)
        events = self.client.get(f"/carts/{cart_id}/events").json()["events"][1:]
        names = ("traceparent", "tracestate", "baggage")
        self.assertEqual(
            [tuple(event["metadata"].get(name) for name in names) for event in events],
            [
                (parent, state, baggage),
                (None, None, None),
                (parent, None, None),
                (parent, None, "a=" + "b" * 1022),
            ],
        )

    def test_a_body_with_a_content_encoding_is_refused(self):
        sku = self.make_product()
        path = f"/carts/{self.make_cart()['id']}/items"
        body = gzip.compress(json.dumps({"sku": sku}).encode())
        for encoding in ("gzip", "GZIP", "br", "identity, gzip", "x"):
            headers = {"Content-Type": "application/json", "Content-Encoding": encoding}
            answer = self.client.post(path, body=body, headers=headers)
            problem = self.assert_problem(answer, 415, "unsupported-media-type")
            self.assertIn(f'Content-Encoding "{encoding}"', problem["detail"])
        for encoding in ("identity", "Identity", ""):
            answer = self.client.post(path, {"sku": sku}, headers={"Content-Encoding": encoding})
            self.assertEqual(answer.status, 200, answer)

    def test_a_target_may_be_a_whole_url(self):
        """Its host counts, not the Host."""
        with self.service.client(is_checked=False) as client:
            for target in (
                "http://another.example/livez",
                "https://another.example:8443/livez?_=1",
                "HTTP://[::1]/livez",
            ):
                self.assertEqual(client.get(target).status, 200)
            self.assertEqual(client.get("http://another.example").status, 200)
            own = {"Origin": "http://another.example"}
            answer = client.post("http://another.example/carts", {}, headers=own)
            self.assertEqual((answer.status, answer.headers["location"][:7]), (201, "/carts/"))
            other = {"Origin": f"http://{client.host}:{client.port}"}
            answer = client.post("http://another.example/carts", {}, headers=other)
            self.assertEqual((answer.status, answer.slug), (403, "forbidden"))
            for target in ("http:///livez", "http://a@b/livez", "http://x/%2F", "ftp://x/livez"):
                with client.another() as fresh:
                    answer = fresh.get(target)
                    self.assertEqual((answer.status, answer.slug), (400, "malformed-request"))

    def test_parameters_that_mean_nothing_are_ignored(self):
        for query in ("_=1732350000", "utm_source=mail&utm_term=a%20b", "fbclid=x&limit=1&gclid=y"):
            self.assertEqual(self.client.get(f"/products?{query}").status, 200)
        self.assert_problem(self.client.get("/products?page=2"), 400, "invalid-parameter")

    def test_the_root_is_the_same_for_head_and_get(self):
        got, head = self.client.get("/"), self.client.head("/")
        self.assertEqual((got.status, head.status, head.body), (200, 200, b""))
        self.assertEqual(head.headers["content-length"], str(len(got.body)))


class Problems(ServiceCase):
    def test_a_problem_explains_itself(self):
        answer = self.client.get(f"/carts/{ABSENT}")
        explained = self.client.get(answer.json()["type"])
        self.assertEqual(explained.status, 200, explained)
        for name in ("type", "title", "status"):
            self.assertEqual(explained.json()[name], answer.json()[name])

    def test_an_unknown_problem_is_not_found(self):
        for slug in ("nothing", "cart", "%20", "CART-CLOSED"):
            self.assert_problem(self.client.get(f"/problems/{slug}"), 404, "not-found")


if __name__ == "__main__":
    unittest.main()
