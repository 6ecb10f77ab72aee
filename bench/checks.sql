-- What must be true of a log and its read tables whatever was done to them. Each statement answers
-- one row: the claim, whether it holds, and what was seen.
SET work_mem = '256MB';

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

SELECT 'versions are dense and end at the guard',
    count(*) FILTER (WHERE NOT coalesce(is_dense, false)) = 0,
    format('%s streams, %s wrong', count(*), count(*) FILTER (WHERE NOT coalesce(is_dense, false)))
FROM (
    SELECT e.n = e.newest AND e.oldest = 1 AND e.newest = s.version AS is_dense
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
    FROM (SELECT stream_id, version FROM streams WHERE stream_type = 'cart') s
    FULL JOIN carts c ON c.cart_id = s.stream_id
) both_sides;

SELECT 'each cart''s sums are those of its lines',
    count(*) FILTER (WHERE NOT coalesce(is_same, false)) = 0,
    format('%s carts, %s wrong', count(*), count(*) FILTER (WHERE NOT coalesce(is_same, false)))
FROM (
    SELECT i.item_count = c.item_count AND i.total = c.total AS is_same
    FROM (
        SELECT cart_id, sum(quantity) AS item_count, sum(quantity * unit_price) AS total
        FROM cart_items
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
    FULL JOIN cart_items i ON i.cart_id = l.stream_id AND i.item_id = l.item_id
) both_sides;
