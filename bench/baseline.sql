-- The tables of the baseline: the same shapes, indexes, fillfactors and rows as cartd's own, in a
-- schema beside them, so that pgbench and cartd work on the same amount of data in the same server.
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS baseline CASCADE;
CREATE SCHEMA baseline;
CREATE TABLE baseline.events (LIKE public.events INCLUDING ALL);
CREATE TABLE baseline.carts (LIKE public.carts INCLUDING ALL);
CREATE TABLE baseline.cart_items (LIKE public.cart_items INCLUDING ALL);
-- What a table of lines has when nobody replays events.
ALTER TABLE baseline.cart_items
    ADD COLUMN quantity integer NOT NULL,
    ADD COLUMN unit_price bigint NOT NULL;

-- LIKE leaves out what was said WITH the table.
DO $$
DECLARE
    original record;
BEGIN
    FOR original IN
        SELECT c.relname, array_to_string(c.reloptions, ', ') AS options
        FROM pg_class c
        WHERE c.relnamespace = 'public'::regnamespace AND c.reloptions IS NOT NULL
            AND c.relkind = 'r' AND to_regclass('baseline.' || quote_ident(c.relname)) IS NOT NULL
    LOOP
        EXECUTE format('ALTER TABLE baseline.%I SET (%s)', original.relname, original.options);
    END LOOP;
END
$$;

INSERT INTO baseline.events SELECT * FROM public.events WHERE stream_type = 'cart';
INSERT INTO baseline.carts SELECT * FROM public.carts;
INSERT INTO baseline.cart_items (cart_id, item_id, sku, quantity, unit_price)
SELECT c.cart_id, l.id, l.sku, l.quantity, l.unit_price
FROM public.carts c
CROSS JOIN jsonb_to_recordset(c.document::jsonb -> 'items')
    AS l (id text, sku text, quantity integer, unit_price bigint);
CREATE SEQUENCE baseline.position;
SELECT setval('baseline.position', (SELECT max(position) FROM baseline.events));
