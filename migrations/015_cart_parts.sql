-- The document of a cart with more than 16 lines is stored in parts of 16, so that an add to 250
-- lines writes one of them and not 24 KB (bench/NOTES.md): what stands before the lines remains in
-- document, what stands after them is document_end, null where document is whole.
CREATE TABLE cart_parts (
    cart_id uuid    NOT NULL,
    part    integer NOT NULL,
    lines   text    NOT NULL,
    PRIMARY KEY (cart_id, part)
);
DO $$
BEGIN
    ALTER TABLE cart_parts ALTER COLUMN lines SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN NULL;
END
$$;
GRANT SELECT, INSERT, UPDATE, DELETE ON cart_parts TO cartd_app;
GRANT SELECT ON cart_parts TO cartd_reader;

ALTER TABLE carts ADD COLUMN document_end text;

-- The type json keeps every byte of a value. A line of before there were properties gets its own;
-- only such a line ends with a number.
INSERT INTO cart_parts (cart_id, part, lines)
SELECT c.cart_id, (i.place - 1) / 16,
    string_agg(
        regexp_replace(i.line::text, '("total":[0-9]+)\}$', '\1,"properties":{}}'),
        ',' ORDER BY i.place)
FROM carts c
CROSS JOIN json_array_elements(c.document::json -> 'items') WITH ORDINALITY AS i (line, place)
WHERE json_array_length(c.document::json -> 'items') > 16
GROUP BY c.cart_id, (i.place - 1) / 16;

UPDATE carts c
SET document = left(c.document, w.before),
    document_end = substr(c.document, w.before + length(c.document::json ->> 'items') - 1)
FROM (
    SELECT p.cart_id, position(',"items":[' IN k.document) + length(',"items":[') - 1 AS before
    FROM (SELECT DISTINCT cart_id FROM cart_parts) p
    JOIN carts k ON k.cart_id = p.cart_id
) w
WHERE w.cart_id = c.cart_id;
