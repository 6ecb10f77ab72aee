"""Which room may use what: the table of docs/design.md in full.

A room's own headers are always its own. Of another room only the public header (the one with the
room's name) may be included, and only if the room is listed here. Of the system, a room of the core
may include what CORE_HEADERS lists; elsewhere a library's headers belong to the rooms that
LIBRARIES names.
"""

BELOW_STORE = {"base", "loop", "postgres", "metrics"}
CORE = {"cart", "catalog", "customer", "coupon"}

ROOMS = {
    # The core: values in, values out.
    "cart": {"coupon"},
    "catalog": set(),
    "customer": set(),
    "coupon": set(),
    # The edges.
    "base": set(),
    "currency": set(),
    "table": {"base"},
    "loop": {"base"},
    "metrics": {"base"},
    "config": {"base", "currency"},
    "codec": {"base", "currency"} | CORE,
    "auth": {"base", "metrics", "codec", "cart", "table"},
    "postgres": {"base", "loop", "metrics"},
    "queue": {"base", "loop", "metrics", "postgres"},
    "migrate": {"base", "loop", "postgres"},
    # The shell. The event store knows types and text, no carts.
    "eventstore": BELOW_STORE,
    "runner": BELOW_STORE | {"eventstore"},
    "aggregate": {"base", "codec", "eventstore", "postgres"} | CORE,
    "replay": BELOW_STORE | {"aggregate", "eventstore", "table"},
    "projections": BELOW_STORE | CORE | {"aggregate", "codec", "eventstore", "queue"},
    "service": BELOW_STORE
    | CORE
    | {"aggregate", "codec", "eventstore", "projections", "queue", "replay", "table"},
    "follow": BELOW_STORE
    | CORE
    | {"aggregate", "eventstore", "projections", "replay", "runner"},
    "reactions": BELOW_STORE
    | CORE
    | {"aggregate", "codec", "eventstore", "replay", "runner", "service"},
    "feed": BELOW_STORE
    | {"aggregate", "cart", "codec", "eventstore", "projections", "queue", "table"},
    "audit": BELOW_STORE
    | CORE
    | {"aggregate", "codec", "eventstore", "projections", "replay"},
    "pages": set(),
    "http": {"base", "loop", "metrics", "codec", "auth", "service", "projections", "feed", "pages"}
    | CORE
    | {"aggregate", "table"},
    # The subcommands open the rooms and hand them their settings.
    "cli": BELOW_STORE
    | CORE
    | {"codec", "config", "currency", "eventstore", "projections", "service", "feed", "follow", "http"}
    | {"reactions", "runner"}
    | {"aggregate", "audit", "auth", "migrate"},
    # A program of its own.
    "relay": {"aggregate", "base", "loop", "postgres", "codec", "config", "eventstore", "migrate"},
    # main.c, relay_main.c
    "": {"base", "cli", "relay"},
}

# How many files of a room may call each other in a circle; and the rooms where more do, how many: to
# be lowered, never raised.
MOST_IN_CIRCLE = 2
LARGER_CIRCLES = {"postgres": 4}

CORE_HEADERS = {"assert.h", "limits.h", "stdbool.h", "stddef.h", "stdint.h", "string.h"}

# A header's beginning, and the only rooms that may include what begins so.
LIBRARIES = {
    "libpq-fe.h": {"postgres"},
    "libpq/": {"postgres"},
    "pg_config": {"postgres"},
    "microhttpd.h": {"http", "relay"},
    "curl/": {"relay"},
    "hiredis/": {"relay"},
    "nats/": {"relay"},
    "jansson.h": {"codec"},
    "nettle/": {"base"},
    "jwt.h": {"auth"},
    "uthash.h": {"table"},
    "openssl/": {"auth"},
    "check.h": set(),
    # One thread serves. A relay's other one waits for its sink.
    "pthread.h": {"relay"},
    "threads.h": set(),
}

# What the core's object files may leave to the C library: no I/O, no clock, no memory.
CORE_SYMBOLS = {
    "memcpy", "memset", "memmove", "memcmp", "strcmp", "strncmp", "strlen", "strnlen", "memchr",
    "__stack_chk_fail", "__assert_fail", "_GLOBAL_OFFSET_TABLE_",
    "__udivti3", "__umodti3", "__udivmodti4",  # the compiler's own: divisions of 128 bits
}  # fmt: skip

# Headers that the build makes, by the room that includes them.
GENERATED = {"migrate": {"embedded_scripts.h"}}

# A pattern over the code without its comments, the files of src/ that may have it, and why.
WORDS = [
    (r"\bPQ[a-z]\w*\s*\(", r"postgres/", "only postgres/ calls libpq"),
    (r"SQLSTATE|\bPG_DIAG_", r"postgres/", "only postgres/ reads SQLSTATE"),
    (r"\bMHD_\w+", r"http/|relay/page\.c", "only http/ calls libmicrohttpd, and the page of a relay"),
    (r"\bjson_(t\b|[a-z_]+\s*\()", r"codec/", "only codec/ calls jansson"),
    (
        r"\bMHD_HTTP_(?!OK\b|CREATED\b|NO_CONTENT\b|NOT_MODIFIED\b|HEADER_|METHOD_|VERSION_)[A-Z]",
        r"http/problems\.c|relay/page\.c",
        "only http/problems.c knows the statuses of errors",
    ),
    (
        r"\b(CREATE|ALTER|DROP|TRUNCATE)\s+(OR\s+REPLACE\s+|UNIQUE\s+|TEMP\w*\s+|UNLOGGED\s+)*"
        r"(TABLE|INDEX|FUNCTION|PROCEDURE|TRIGGER|ROLE|USER|TYPE|VIEW|SCHEMA|SEQUENCE|EXTENSION)\b",
        r"migrate/",
        "DDL lives in migrations/",
    ),
    (r"\b(gets|strcpy|strcat|sprintf|vsprintf|strtok|alloca)\s*\(", r"$^", "no call without a bound"),
]

# Kept in halves, as this file is looked at too. In quotes it may be a value: a currency that is none
# is called so.
UNFINISHED = r"(?<!['\"])\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b(?!['\"])"

# A client is "the client" or "they", as is a caller or an operator.
GENDERED = r"(?i)\bh(e|is|im|imself)\b"

MOST_LINES = 600

# One version's opinion on layout, or it would be another on every machine: Debian 12's.
CLANG_FORMAT_VERSION = "14"
