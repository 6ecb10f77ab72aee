-- Gives a log a history: :copies times all carts that there are, as other carts, event by event, with
-- the rows of streams and read tables that belong to them. What the service relies on stays true: dense
-- positions, dense versions, a head that is the last position, times that never decrease.
SET client_min_messages = warning;
SET synchronous_commit = off;
SET work_mem = '256MB';
BEGIN;
CREATE TEMP TABLE pattern ON COMMIT DROP AS
    SELECT row_number() OVER (ORDER BY position) AS number, substr(stream_id::text, 9) AS rest,
        version, type, schema_version, data, metadata
    FROM events
    WHERE stream_type = 'cart';
CREATE INDEX ON pattern (number);
ANALYZE pattern;

INSERT INTO streams (stream_id, stream_type)
SELECT (lpad(to_hex(c.n), 8, '0') || substr(s.stream_id::text, 9))::uuid, s.stream_type
FROM generate_series(1, :copies) AS c (n), streams s
WHERE s.stream_type = 'cart';

INSERT INTO events
    (position, stream_type, stream_id, version, type, schema_version, data, metadata, command_id,
     recorded_at)
SELECT h.position + (c.n - 1) * (SELECT count(*) FROM pattern) + p.number, 'cart',
    (lpad(to_hex(c.n), 8, '0') || p.rest)::uuid, p.version, p.type, p.schema_version, p.data,
    p.metadata, gen_random_uuid(), h.recorded_at
FROM log_head h, generate_series(1, :copies) AS c (n),
    LATERAL (SELECT * FROM pattern ORDER BY number OFFSET 0 * c.n) p;

INSERT INTO carts
    (cart_id, version, status, currency, customer_id, item_count, total, document, created_at,
     updated_at, closed_at)
SELECT (lpad(to_hex(c.n), 8, '0') || substr(k.cart_id::text, 9))::uuid, k.version, k.status,
    k.currency, k.customer_id, k.item_count, k.total,
    replace(k.document, k.cart_id::text, lpad(to_hex(c.n), 8, '0') || substr(k.cart_id::text, 9)),
    h.recorded_at, h.recorded_at, k.closed_at
FROM log_head h, generate_series(1, :copies) AS c (n), carts k;

INSERT INTO cart_items (cart_id, item_id, sku)
SELECT (lpad(to_hex(c.n), 8, '0') || substr(i.cart_id::text, 9))::uuid, i.item_id, i.sku
FROM generate_series(1, :copies) AS c (n), cart_items i;

UPDATE log_head SET position = (SELECT max(position) FROM events);
COMMIT;
