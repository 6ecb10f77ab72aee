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
LABELS = ("", "%0A", "a%0D%0Ab", "%7F", "%C2%85", "x" * 129, "%C3%A9" * 129, LONG)
TOTALS = (*NUMBERS, "9007199254740992")
CURSORS = ("", "x", "AA", "Yw", "Y2M=", "%20", "'", "A" * 55, "é", LONG)
PARAMETERS = {
    "abandoned": ("", "yes", "1", "TRUE", "null", LONG),
    "status": ("", "closed", "OPEN", "open%20", "open,cancelled", "'", LONG),
    "customer_id": LABELS,
    "sku": (
        *("", "%20", "a%0Ab", "%7F", "%C2%85", "..", "a/../b", "a%5C.", "x" * 129, "%C3%A9" * 129),
        LONG,
    ),
    "order_reference": LABELS,
    "coupon": (*LABELS, "a%2Fb"),
    "currency": ("", "eur", "EU", "EURO", "EU1", "EUR%20", "EUR,USD", "%C3%89UR", "'", LONG),
    "customer_email": (
        *("", "x", "@", "a@", "@b", "a@b@c", "a b@c", "a@b%20c", "a@b%0Ac", "a@b%C2%85"),
        *("<a@b>", "a@b,c@d", "a@b;", '"a"@b', "x" * 253 + "@b", LONG),
    ),
    "created_from": TIMES,
    "created_to": TIMES,
    "updated_from": TIMES,
    "updated_to": TIMES,
    "total_from": TOTALS,
    "total_to": TOTALS,
    "sort": (
        *("", "-", "x", "-x", "Created", "--created", "+created", "created-", "created%20"),
        *("created,total", "version", "'", LONG),
    ),
    "count": ("", "0", "1", "True", "TRUE", "yes", "true%20", "true,false", "null", LONG),
    "prices": ("", "x", "Current", "current%20", "current,current", "now", "true", LONG),
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

NO_PATCH = tuple(value for value in NO_OBJECT if value != "null")  # null removes all
NO_BOOLEAN_OR_NULL = ("0", "1", '"true"', "[]", "{}")
NO_BOOLEAN = ("null", *NO_BOOLEAN_OR_NULL)
NO_UUID = ("null", *NO_TEXT_VALUE, '""', '"x"', f'"{make_id()} "', f'"{{{make_id()}}}"')

SKU = (*NO_TEXT_VALUE, *NO_SKU)
QUANTITY = (*NO_INTEGER, "0", "-0", "1000001")
NEW_QUANTITY = (*NO_INTEGER, "1000001")  # 0 removes the line
AMOUNT = NO_INTEGER
VERSION = (*NO_INTEGER, "0", "2147483648")
CURRENCY = (
    *("null", *NO_TEXT_VALUE, '""', '"eur"', '"EURO"', '"EÜR"', '"EUR "'),
    *('"XAU"', '"XXX"', '"ZZZ"'),  # no currency in use
)
LABEL = (*NO_TEXT_VALUE, *NO_LABEL, f'"{"x" * 129}"', f'"{"é" * 129}"')
NO_RULE = ("null", *NO_TEXT_VALUE, '""', '"all"', '"Sum"')
CODE = ("null", *NO_TEXT_VALUE, *NO_LABEL, f'"{"x" * 65}"', f'"{"é" * 65}"')
TOKEN = ("null", *NO_TEXT_VALUE, *NO_LABEL, f'"{"x" * 65}"')
REASON = (*NO_TEXT_VALUE, *NO_LABEL, f'"{"x" * 257}"', f'"{"é" * 257}"')
NOTE = (*NO_TEXT_VALUE, *NO_LABEL, f'"{"x" * 2001}"', f'"{"é" * 2001}"')
EMAIL = (
    *(*NO_TEXT_VALUE, *NO_LABEL, '"x"', '"@"', '"a@"', '"@b"', '"a@b@c"', '"a b@c"', '"a@b c"'),
    *('"a@b\\nc"', '"<a@b>"', '"a@b,c@d"', '"a@b;"', '"\\"a\\"@b"', f'"{"x" * 253}@b"'),
)
METADATA = (*NO_OBJECT, json.dumps({"a": "x" * 4090}))
METADATA_PATCH = (*NO_PATCH, json.dumps({"a": "x" * 4090}))
METADATA_NUMBER = ("9007199254740992", "-9007199254740992", "1e16", "1e-16")
METADATA_TOO_DEEP = ("{}", "[]", '{"d":1}')
ITEMS = (*NO_ARRAY, json.dumps([{"sku": "x"}] * 251))
NEW_PROPERTY = (*NO_TEXT_VALUE, *NO_LABEL, f'"{"x" * 257}"')  # null removes it
PROPERTY = ("null", *NEW_PROPERTY)
TOO_MANY_PROPERTIES = json.dumps({f"a{i}": "x" for i in range(17)})
TOO_LARGE_PROPERTIES = json.dumps({f"a{i}": "x" * 250 for i in range(5)})
PROPERTIES = (*NO_OBJECT, TOO_MANY_PROPERTIES, TOO_LARGE_PROPERTIES)
PROPERTIES_PATCH = (*NO_PATCH, TOO_LARGE_PROPERTIES)
NO_INTEGER_OR_NULL = tuple(value for value in NO_INTEGER if value != "null")
NO_TIME = ('""', '"2026"', '"2026-02-30T00:00:00Z"', '"2026-11-23T04:38:00"', "1", "[]", "{}", "true")
NO_TAG = ("null", *NO_TEXT_VALUE, *NO_LABEL, '"-a"', '"a b"', '"é"', f'"{"x" * 65}"')
TAGS = ("1", '"a"', "{}", "true", json.dumps([f"t{i}" for i in range(21)]))
PRODUCT_QUANTITY = (
    *NO_PATCH,
    '{"minimum":1000}',
    '{"minimum":2,"maximum":1}',
    '{"minimum":6,"maximum":9,"multiple_of":5}',
)

# By operation: the field's pointer, the body with % in the field's place, what it can't be.
FIELDS = {
    "createCart": (
        ("/id", '{"id":%}', NO_UUID),
        ("/currency", '{"currency":%}', CURRENCY),
        ("/customer_id", '{"customer_id":%}', LABEL),
        ("/metadata", '{"metadata":%}', METADATA),
        ("/metadata/a", '{"metadata":{"a":%}}', METADATA_NUMBER),
        ("/metadata/a/b/c", '{"metadata":{"a":{"b":{"c":%}}}}', METADATA_TOO_DEEP),
        ("/copy_of", '{"copy_of":%}', NO_UUID),
        ("/at_version", f'{{"copy_of":"{make_id()}","at_version":%}}', VERSION),
        ("/at_version", '{"at_version":%}', (*VERSION, "1")),
        ("/items", '{"items":%}', ITEMS),
        ("/items/1", '{"items":[{"sku":"x"},%]}', NO_OBJECT),
        ("/items/0/sku", '{"items":[{"sku":%}]}', SKU),
        ("/items/0/quantity", '{"items":[{"sku":"x","quantity":%}]}', QUANTITY),
        ("/items/0/properties", '{"items":[{"sku":"x","properties":%}]}', PROPERTIES),
        ("/items/0/properties/a", '{"items":[{"sku":"x","properties":{"a":%}}]}', PROPERTY),
        ("/items/0/unit_price", '{"items":[{"sku":"x","unit_price":%}]}', AMOUNT),
    ),
    "changeDetails": (
        ("/metadata", '{"metadata":%}', METADATA_PATCH),
        ("/metadata/a", '{"metadata":{"a":%}}', METADATA_NUMBER),
        ("/metadata/a/b/c", '{"metadata":{"a":{"b":{"c":%}}}}', METADATA_TOO_DEEP),
        ("/customer_email", '{"customer_email":%}', EMAIL),
        ("/note", '{"note":%}', NOTE),
    ),
    "addItem": (
        ("/sku", '{"sku":%}', SKU),
        ("/quantity", '{"sku":"x","quantity":%}', QUANTITY),
        ("/properties", '{"sku":"x","properties":%}', PROPERTIES),
        ("/properties/a", '{"sku":"x","properties":{"a":%}}', PROPERTY),
        ("/properties/-a", '{"sku":"x","properties":{"-a":%}}', ('"x"',)),
        ("/unit_price", '{"sku":"x","unit_price":%}', AMOUNT),
    ),
    "changeItem": (
        ("/quantity", '{"quantity":%}', NEW_QUANTITY),
        ("/properties", '{"properties":%}', PROPERTIES_PATCH),
        ("/properties/a", '{"properties":{"a":%}}', NEW_PROPERTY),
        ("/properties/-a", '{"properties":{"-a":%}}', ('"x"',)),
        ("/unit_price", '{"unit_price":%}', NO_INTEGER_OR_NULL),  # null: the catalogue's again
    ),
    "applyCoupon": (("/code", '{"code":%}', CODE),),
    "setTotal": (("/amount", '{"amount":%}', AMOUNT),),
    "claimCart": (
        ("/customer_id", '{"customer_id":%}', LABEL),
        ("/merge", '{"merge":%}', NO_RULE),
    ),
    "checkOutCart": (
        ("/expected_total", '{"expected_total":%}', AMOUNT),
        ("/check_prices", '{"check_prices":%}', NO_BOOLEAN),
        ("/order_reference", '{"order_reference":%}', LABEL),
    ),
    "reopenCart": (("/reason", '{"reason":%}', REASON),),
    "mergeCart": (
        ("/from", '{"from":%}', NO_UUID),
        ("/quantities", f'{{"from":"{make_id()}","quantities":%}}', NO_RULE),
        ("/from_token", f'{{"from":"{make_id()}","from_token":%}}', TOKEN),
    ),
    "revertMerge": (("/from_token", '{"from_token":%}', TOKEN),),
    "restoreCart": (("/version", '{"version":%}', VERSION),),
    "changeCurrency": (("/currency", '{"currency":%}', CURRENCY),),
    "putCoupon": (
        ("/percent", '{"percent":%}', (*NO_INTEGER_OR_NULL, "0", "10001")),
        ("/amount", '{"amount":%}', NO_PATCH),
        ("/amount/EUR", '{"amount":{"EUR":%}}', (*AMOUNT, "0")),
        ("/amount/eur", '{"amount":{"eur":%}}', ("1",)),
        ("/minimum", '{"percent":1,"minimum":%}', NO_PATCH),
        ("/minimum/EUR", '{"percent":1,"minimum":{"EUR":%}}', AMOUNT),
        ("/skus", '{"percent":1,"skus":%}', ("1", '"a"', "{}", "true")),
        ("/skus/1", '{"percent":1,"skus":["a",%]}', SKU),
        ("/tags", '{"percent":1,"tags":%}', ("1", '"a"', "{}", "true")),
        ("/tags/1", '{"percent":1,"tags":["a",%]}', NO_TAG),
        ("/starts_at", '{"percent":1,"starts_at":%}', NO_TIME),
        ("/ends_at", '{"percent":1,"ends_at":%}', NO_TIME),
        ("/limit", '{"percent":1,"limit":%}', (*NO_INTEGER_OR_NULL, "0", "1000000001")),
        ("/limit_per_customer", '{"percent":1,"limit_per_customer":%}', (*NO_INTEGER_OR_NULL, "0")),
        ("/combinable", '{"percent":1,"combinable":%}', NO_BOOLEAN_OR_NULL),
    ),
    "putProduct": (
        ("/name", '{"name":%,"prices":{}}', ("null", *NO_TEXT_VALUE, *NO_LABEL, f'"{"x" * 201}"')),
        ("/prices", '{"name":"x","prices":%}', NO_OBJECT),
        ("/prices/EUR", '{"name":"x","prices":{"EUR":%}}', AMOUNT),
        ("/prices/eur", '{"name":"x","prices":{"eur":%}}', ("1",)),
        ("/prices/XAU", '{"name":"x","prices":{"XAU":%}}', ("1",)),
        ("/active", '{"name":"x","prices":{},"active":%}', NO_BOOLEAN),
        ("/quantity", '{"name":"x","prices":{},"quantity":%}', PRODUCT_QUANTITY),
        ("/tags", '{"name":"x","prices":{},"tags":%}', TAGS),
        ("/tags/1", '{"name":"x","prices":{},"tags":["a",%]}', NO_TAG),
        *(
            (f"/quantity/{name}", f'{{"name":"x","prices":{{}},"quantity":{{"{name}":%}}}}', wrong)
            for name, wrong in (
                ("minimum", QUANTITY),
                ("maximum", QUANTITY),
                ("multiple_of", QUANTITY),
                ("unit", (*NO_TEXT_VALUE, *NO_LABEL, f'"{"x" * 17}"', f'"{"é" * 17}"')),
                ("scale", (*NO_INTEGER, "7")),
            )
        ),
    ),
}


def in_list(operation, members):
    """The fields of an operation as those of a command in a list, which has these members too."""
    for pointer, body, wrong in FIELDS[operation]:
        yield f"/commands/0{pointer}", f'{{"commands":[{{{members},{body[1:]}]}}', wrong


FIELDS["executeCommands"] = (
    ("/commands", '{"commands":%}', (*NO_ARRAY, "[]", json.dumps([{"type": "cancel"}] * 101))),
    ("/commands/1", '{"commands":[{"type":"cancel"},%]}', NO_OBJECT),
    (
        "/commands/0/type",
        '{"commands":[{"type":%}]}',
        ("null", *NO_TEXT_VALUE, '"create"', '"claim"', '"Cancel"', '""'),
    ),
    *in_list("addItem", '"type":"add_item"'),
    ("/commands/0/item_id", '{"commands":[{"type":"remove_item","item_id":%}]}', SKU),
    (
        "/commands/0/item_id",
        '{"commands":[{"type":"change_item_quantity","item_id":%,"quantity":1}]}',
        SKU,
    ),
    (
        "/commands/0/quantity",
        '{"commands":[{"type":"change_item_quantity","item_id":"x","quantity":%}]}',
        NEW_QUANTITY,
    ),
    (
        "/commands/0/item_id",
        '{"commands":[{"type":"change_item","item_id":%,"quantity":1}]}',
        SKU,
    ),
    *in_list("changeItem", '"type":"change_item","item_id":"x"'),
    *in_list("checkOutCart", '"type":"check_out"'),
    *in_list("changeDetails", '"type":"change_details"'),
    *in_list("changeCurrency", '"type":"change_currency"'),
    *in_list("restoreCart", '"type":"restore"'),
    *in_list("reopenCart", '"type":"reopen"'),
    ("/commands/0/name", '{"commands":[{"type":"set_total","name":%,"amount":1}]}', SKU),
    *in_list("setTotal", '"type":"set_total","name":"x"'),
    ("/commands/0/name", '{"commands":[{"type":"remove_total","name":%}]}', SKU),
    *in_list("applyCoupon", '"type":"apply_coupon"'),
    *in_list("applyCoupon", '"type":"remove_coupon"'),
)
# What any of them can be followed by, or be instead.
GOOD = {
    "createCart": "{}",
    "changeDetails": "{}",
    "claimCart": '{"customer_id":"x"}',
    "addItem": '{"sku":"x"}',
    "putCoupon": '{"percent":1}',
    "changeItem": '{"quantity":2}',
    "setTotal": '{"amount":1}',
    "removeTotal": "{}",
    "applyCoupon": '{"code":"x"}',
    "removeCoupon": "{}",
    "makeResumeToken": "{}",
    "endResumeToken": "{}",
    "mergeCart": f'{{"from":"{make_id()}"}}',
    "revertMerge": "{}",
    "checkOutCart": "{}",
    "reopenCart": "{}",
    "undoChange": "{}",
    "restoreCart": '{"version":1}',
    "repriceCart": "{}",
    "changeCurrency": '{"currency":"USD"}',
    "executeCommands": '{"commands":[{"type":"cancel"}]}',
    "putProduct": '{"name":"x","prices":{}}',
    "clearItems": "{}",
    "removeItem": "{}",
    "cancelCart": "{}",
    "withdrawCoupon": "{}",
}
# Where no body is none at all, and is fine.
MAY_BE_EMPTY = {
    "createCart",
    "changeDetails",
    "claimCart",
    "removeTotal",
    "removeCoupon",
    "makeResumeToken",
    "endResumeToken",
    "revertMerge",
    "checkOutCart",
    "reopenCart",
    "undoChange",
    "repriceCart",
    "clearItems",
    "removeItem",
    "cancelCart",
    "withdrawCoupon",
}
# What is wrong with a body as a whole: all of its members may be left out, but not at once.
WRONG_AS_A_WHOLE = {
    "changeItem": ("", "{}"),
    "putCoupon": ("", "{}", '{"percent":null}', '{"percent":1,"amount":{"EUR":1}}'),
}
