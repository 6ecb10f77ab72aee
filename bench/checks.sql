-- What must be true of a log and its read tables whatever was done to them. Each statement answers
-- one row: the claim, whether it holds, and what was seen.
SET work_mem = '256MB';
SET client_min_messages = warning;

-- The lines of the carts, as they are served.
CREATE TEMPORARY TABLE lines AS
SELECT c.cart_id, l.id AS item_id, l.sku, l.quantity, l.total
FROM carts c
CROSS JOIN jsonb_to_recordset(
    concat(
        c.document,
        (SELECT string_agg(p.lines, ',' ORDER BY p.chunk) FROM cart_chunks p WHERE p.cart_id = c.cart_id),
        c.document_end)::jsonb -> 'items')
    AS l (id text, sku text, quantity integer, total bigint);

SELECT 'positions are dense and end at the head',
    count(*) = coalesce(max(position), 0) AND coalesce(min(position), 1) = 1
        AND max(position) = (SELECT h.position FROM log_head h),
    format('%s events, positions %s to %s', count(*), min(position), max(position))
FROM events;

SELECT 'recorded_at never decreases with the position', count(*) = 0, format('%s decrease', count(*))
FROM (
    SELECT recorded_at < lag(recorded_at) OVER (ORDER BY position) AS decreases FROM events
) e
WHERE decreases;

SELECT 'versions are dense, and each stream is entered',
    count(*) FILTER (WHERE NOT coalesce(is_dense, false)) = 0,
    format('%s streams, %s wrong', count(*), count(*) FILTER (WHERE NOT coalesce(is_dense, false)))
FROM (
    SELECT e.n = e.newest AND e.oldest = 1 AND s.stream_id IS NOT NULL AS is_dense
    FROM (
        SELECT stream_id, count(*) AS n, min(version) AS oldest, max(version) AS newest
        FROM events
        GROUP BY stream_id
    ) e
    FULL JOIN streams s ON s.stream_id = e.stream_id
) both_sides;

SELECT 'each cart''s row is at its stream''s version',
    count(*) FILTER (WHERE NOT coalesce(is_same, false)) = 0,
    format('%s carts, %s wrong', count(*), count(*) FILTER (WHERE NOT coalesce(is_same, false)))
FROM (
    SELECT s.version = c.version AND strpos(c.document, format('"version":%s,', c.version)) > 0 AS is_same
    FROM (
        SELECT stream_id, max(version) AS version FROM events WHERE stream_type = 'cart' GROUP BY stream_id
    ) s
    FULL JOIN carts c ON c.cart_id = s.stream_id
) both_sides;

SELECT 'each cart''s sums are those of its lines',
    count(*) FILTER (WHERE NOT coalesce(is_same, false)) = 0,
    format('%s carts, %s wrong', count(*), count(*) FILTER (WHERE NOT coalesce(is_same, false)))
FROM (
    SELECT i.item_count = c.item_count AND i.total = c.total AS is_same
    FROM (
        SELECT cart_id, sum(quantity) AS item_count, sum(total) AS total
        FROM lines
        GROUP BY cart_id
    ) i
    FULL JOIN carts c ON c.cart_id = i.cart_id
) both_sides;

-- A line's quantity is the newest that was set, and what was added since.
SELECT 'each line is what the log''s events add up to',
    count(*) FILTER (WHERE NOT coalesce(is_same, false)) = 0,
    format('%s lines, %s wrong', count(*), count(*) FILTER (WHERE NOT coalesce(is_same, false)))
FROM (
    SELECT l.quantity = i.quantity AS is_same
    FROM (
        SELECT e.stream_id, e.item_id, sum(e.quantity) AS quantity
        FROM (
            SELECT stream_id, version, data ->> 'item_id' AS item_id,
                CASE WHEN type = 'ItemRemoved' THEN 0 ELSE (data ->> 'quantity')::integer END
                    AS quantity
            FROM events
            WHERE type IN ('ItemAdded', 'ItemQuantityChanged', 'ItemRemoved')
        ) e
        LEFT JOIN (
            SELECT stream_id, data ->> 'item_id' AS item_id, max(version) AS version
            FROM events
            WHERE type IN ('ItemQuantityChanged', 'ItemRemoved')
            GROUP BY 1, 2
        ) s ON s.stream_id = e.stream_id AND s.item_id = e.item_id
        WHERE e.version >= coalesce(s.version, 0)
        GROUP BY 1, 2
    ) l
    FULL JOIN lines i ON i.cart_id = l.stream_id AND i.item_id = l.item_id
) both_sides;

SELECT 'cart_items has the lines that the carts have', count(*) = 0, format('%s differ', count(*))
FROM lines l
FULL JOIN cart_items i ON i.cart_id = l.cart_id AND i.item_id = l.item_id AND i.sku = l.sku
WHERE l.cart_id IS NULL OR i.cart_id IS NULL;
