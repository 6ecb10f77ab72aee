"""Databases as they were left by an earlier cartd: real rows, as JSON lines in tests/fixtures."""

import json
import pathlib

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "fixtures"
# Those that the tables have today; a fixture's rows may have more.
COLUMNS = {
    "events": "position bigint, stream_type text, stream_id uuid, version integer, type text,"
    " schema_version integer, recorded_at timestamptz, data jsonb, metadata jsonb, command_id uuid",
    "carts": "cart_id uuid, version integer, status text, currency text, customer_id text,"
    " item_count integer, total bigint, document text, created_at timestamptz,"
    " updated_at timestamptz, closed_at timestamptz, order_reference text, customer_email text,"
    " abandoned_at timestamptz, resume_token_hash text, coupons text[]",
    "cart_items": "cart_id uuid, item_id text, sku text",
    "products": "sku text, version integer, name text, prices text, is_active boolean,"
    " document text, updated_at timestamptz, quantity text, tags text",
    "coupons": "coupon_id uuid, folded_code text, version integer, document text,"
    " updated_at timestamptz",
}


def read(name, table):
    """The rows of a table of a fixture, which may be older than the table."""
    path = FOLDER / name / f"{table}.jsonl"
    if not path.exists():
        return []
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def load(database, name):
    """Puts a fixture into a migrated, empty database."""
    for table, columns in COLUMNS.items():
        names = ", ".join(column.split()[0] for column in columns.split(", "))
        rows = "[" + ",".join(json.dumps(row) for row in read(name, table)) + "]"
        database.sql(
            f"INSERT INTO {table} ({names}) SELECT {names}"
            f" FROM jsonb_to_recordset($json${rows}$json$) AS rows ({columns});"
        )
    database.sql(
        "INSERT INTO streams (stream_id, stream_type)"
        " SELECT DISTINCT stream_id, stream_type FROM events;"
        # Any shared position from the last event of a product on is right.
        "UPDATE log_head SET (position, shared_position, recorded_at)"
        " = (SELECT max(position), max(position), max(recorded_at) FROM events);"
    )
