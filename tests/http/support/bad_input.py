"""Values that are wrong: for each query parameter, each header and each field of a body.

The tests that use these tables hold them to be complete, by openapi.yaml.
"""

import json

from .case import make_id

LONG = "x" * 7000

# ---- query parameters: values as they are in the target ------------------------------------------

NUMBERS = ("", "x", "-1", "1.0", "1e2", "+1", "%201", "1%20", "0x1", "9" * 30, "١", "1,2", "--1")
TIMES = (
    "",
    "x",
    "now",
    "0",
    "2026-11-23",
    "2026-11-23T04:38:00",
    "2026-11-23T04:38:00+01:00",  # a plus is a space
    "2026-02-30T00:00:00Z",
    "2026-11-23T24:00:00Z",
    "2026-11-23T04:38:00.Z",
    "2026-11-23T04:38:00Z%0A",
    "0000-01-01T00:00:00%2B00:01",
    "10000-01-01T00:00:00Z",
    LONG,
)
CURSORS = ("", "x", "AA", "Yw", "Y2M=", "%20", "'", "A" * 55, "é", LONG)
PARAMETERS = {
    "status": ("", "closed", "OPEN", "open%20", "open,cancelled", "'", LONG),
    "customer_id": ("", "%0A", "a%0D%0Ab", "%7F", "%C2%85", "x" * 129, "%C3%A9" * 129, LONG),
    "sku": (
        *("", "%20", "a%0Ab", "%7F", "%C2%85", "..", "a/../b", "a%5C.", "x" * 129, "%C3%A9" * 129),
        LONG,
    ),
    "limit": ("0", *NUMBERS, "5001", "-0"),
    "cursor": CURSORS,
    "version": ("0", *NUMBERS, "2147483648"),
    "at": TIMES,
    "as_of": TIMES,
    "from": TIMES,
    "to": TIMES,
    "after": (*NUMBERS, "9007199254740992"),
    "type": (
        "",
        ",",
        "itemadded",
        "ItemAdded,",
        "ItemAdded%20",
        ",".join(["ItemAdded"] * 33),
        LONG,
    ),
    "log_id": ("", "x", "0-0-0"),
    "wait": (*NUMBERS, "31"),
    "within_days": ("0", *NUMBERS, "3651"),
    "verbose": (),  # whatever it says
}
# What is no text, wherever it comes.
NO_TEXT = ("%FF", "%C0%AF", "%ED%A0%80", "%F4%90%80%80", "a%C3")
REPEATABLE = {"type"}

# ---- headers -------------------------------------------------------------------------------------

ETAGS = (
    "7",
    '"7',
    '"7" "8"',
    '*, "7"',
    'w/"7"',
    "",
    ",",
    '"a b"',
    ", ".join(f'"{i}"' for i in range(1, 99)),
)
HEADERS = {
    "If-Match": ETAGS,
    "If-None-Match": ETAGS,
    "Idempotency-Key": (
        "",
        '""',
        "x" * 256,
        '"' + "x" * 256 + '"',
        "a\tb",
        "é",
        '"a',
        '"a"b',
        '"\\x"',
    ),
    "Last-Event-ID": ("x", "-1", "1.0", "9" * 30, "1, 2"),
    "Prefer": (),  # what is not understood is let be
}
# Those that have tests of their own.
SEEN_ELSEWHERE = {"Authorization", "Cart-Token", "Origin"}

# ---- JSON fields ---------------------------------------------------------------------------------

NOT_JSON = (
    "",
    "nul",
    "01",
    "-01",
    "+1",
    ".5",
    "1.",
    "1e",
    "--1",
    "0x1",
    "1_0",
    "NaN",
    "Infinity",
    "1e999 1",
    "[1e999,]",
    "'a'",
    '"a',
    '"\\u0000"',
    '"\\ud800"',
    '"\\udc00\\ud800"',
    '"\\ud800x"',
    '"\\x41"',
    '"\\u12"',
    '"a\tb"',
    '"a\x00b"',
    "1\x00",
    "[",
    "[1,]",
    "{1:2}",
    '{"a":1,"a":2}',
    '[[[{"a":1,"\\u0061":2}]]]',
    "[" * 16 + "]" * 16,
    '{"a":' * 16 + "1" + "}" * 16,
)
NOT_UTF_8 = (
    b'"\xff"',
    b'"\xc0\xaf"',
    b'"\xed\xa0\x80"',
    b'"\xf4\x90\x80\x80"',
    b'"\xc3"',
    b"\xef\xbb\xbf1",
)
TOO_LARGE = ("99999999999999999999", "-9223372036854775809", "1e999", "-1e400")
NO_INTEGER = (
    "0.5",
    "1e-1",
    "1e300",
    "-1",
    "9007199254740992",
    '"1"',
    "true",
    "null",
    "[1]",
    "{}",
    '""',
)
NO_TEXT_VALUE = ("1", "1.5", "true", "[]", "{}", '["a"]')
NO_LABEL = ('""', '"\\n"', '"a\\u0001b"', '"\\u007f"', '"\\u0085"')
NO_SKU = (
    "null",
    '""',
    '" "',
    '"a\\nb"',
    '"\\u0085"',
    '".."',
    '"a/./b"',
    f'"{"a" * 129}"',
    f'"{"ä" * 129}"',
    f'"{"a" * 60000}"',
)
NO_ARRAY = ("null", "1", '"a"', "{}", "true")
NO_OBJECT = ("null", "1", '"a"', "[]", "true")

SKU = (*NO_TEXT_VALUE, *NO_SKU)
QUANTITY = (*NO_INTEGER, "0", "-0", "1000")
TOTAL = NO_INTEGER
ITEMS = (*NO_ARRAY, json.dumps([{"sku": "x"}] * 251))
PROPERTY = (*NO_TEXT_VALUE, "null", *NO_LABEL, f'"{"x" * 257}"')

# By operation: the field's pointer, the body with % in the field's place, what it can't be.
FIELDS = {
    "createCart": (
        (
            "/id",
            '{"id":%}',
            ("null", *NO_TEXT_VALUE, '""', '"x"', f'"{make_id()} "', f'"{{{make_id()}}}"'),
        ),
        ("/currency", '{"currency":%}', ("null", *NO_TEXT_VALUE, '"eur"', '"EURO"', '""', '"EÜR"')),
        (
            "/customer_id",
            '{"customer_id":%}',
            (*NO_TEXT_VALUE, *NO_LABEL, f'"{"x" * 129}"', f'"{"é" * 129}"'),
        ),
        ("/metadata", '{"metadata":%}', (*NO_OBJECT, json.dumps({"a": "x" * 4090}))),
        (
            "/metadata/a",
            '{"metadata":{"a":%}}',
            ("9007199254740992", "-9007199254740992", "1e16", "1e-16"),
        ),
        ("/metadata/a/b/c", '{"metadata":{"a":{"b":{"c":%}}}}', ("{}", "[]", '{"d":1}')),
        ("/items", '{"items":%}', ITEMS),
        ("/items/1", '{"items":[{"sku":"x"},%]}', NO_OBJECT),
        ("/items/0/sku", '{"items":[{"sku":%}]}', SKU),
        ("/items/0/quantity", '{"items":[{"sku":"x","quantity":%}]}', QUANTITY),
        ("/items/0/properties", '{"items":[{"sku":"x","properties":%}]}', NO_OBJECT),
        ("/items/0/properties/a", '{"items":[{"sku":"x","properties":{"a":%}}]}', PROPERTY),
    ),
    "addItem": (
        ("/sku", '{"sku":%}', SKU),
        ("/quantity", '{"sku":"x","quantity":%}', QUANTITY),
        ("/properties", '{"sku":"x","properties":%}', NO_OBJECT),
        ("/properties/a", '{"sku":"x","properties":{"a":%}}', PROPERTY),
    ),
    "changeItemQuantity": (("/quantity", '{"quantity":%}', (*NO_INTEGER, "1000")),),
    "claimCart": (
        (
            "/customer_id",
            '{"customer_id":%}',
            (*NO_TEXT_VALUE, *NO_LABEL, f'"{"x" * 129}"', f'"{"é" * 129}"'),
        ),
    ),
    "checkOutCart": (("/expected_total", '{"expected_total":%}', TOTAL),),
    "executeCommands": (
        ("/commands", '{"commands":%}', (*NO_ARRAY, "[]", json.dumps([{"type": "cancel"}] * 101))),
        ("/commands/1", '{"commands":[{"type":"cancel"},%]}', NO_OBJECT),
        (
            "/commands/0/type",
            '{"commands":[{"type":%}]}',
            ("null", *NO_TEXT_VALUE, '"create"', '"Cancel"', '""'),
        ),
        ("/commands/0/sku", '{"commands":[{"type":"add_item","sku":%}]}', SKU),
        (
            "/commands/0/quantity",
            '{"commands":[{"type":"add_item","sku":"x","quantity":%}]}',
            QUANTITY,
        ),
        ("/commands/0/item_id", '{"commands":[{"type":"remove_item","item_id":%}]}', SKU),
        (
            "/commands/0/quantity",
            '{"commands":[{"type":"change_item_quantity","item_id":"x","quantity":%}]}',
            (*NO_INTEGER, "1000"),
        ),
        (
            "/commands/0/expected_total",
            '{"commands":[{"type":"check_out","expected_total":%}]}',
            TOTAL,
        ),
    ),
    "putProduct": (
        ("/name", '{"name":%,"prices":{}}', ("null", *NO_TEXT_VALUE, *NO_LABEL, f'"{"x" * 201}"')),
        ("/prices", '{"name":"x","prices":%}', NO_OBJECT),
        ("/prices/EUR", '{"name":"x","prices":{"EUR":%}}', NO_INTEGER),
        ("/prices/eur", '{"name":"x","prices":{"eur":%}}', ("1",)),
        (
            "/active",
            '{"name":"x","prices":{},"active":%}',
            ("null", "0", "1", '"true"', "[]", "{}"),
        ),
    ),
}
# What any of them can be followed by, or be instead.
GOOD = {
    "createCart": "{}",
    "claimCart": '{"customer_id":"x"}',
    "addItem": '{"sku":"x"}',
    "changeItemQuantity": '{"quantity":2}',
    "checkOutCart": "{}",
    "executeCommands": '{"commands":[{"type":"cancel"}]}',
    "putProduct": '{"name":"x","prices":{}}',
    "clearItems": "{}",
    "removeItem": "{}",
    "cancelCart": "{}",
}
# Where no body is none at all, and is fine.
MAY_BE_EMPTY = {"createCart", "claimCart", "checkOutCart", "clearItems", "removeItem", "cancelCart"}
