\set cart random(100000000000, 100000000000 + :carts - 1)
\set line random(0, 3)
\set sku (:cart + :line) % 1000
BEGIN;
SELECT version, type, schema_version, data FROM baseline.events WHERE stream_id = ('01936f6e-0000-7000-8000-' || :cart::text)::uuid ORDER BY version;
UPDATE baseline.carts SET version = version + 1, item_count = item_count + 1, total = total + 100, document = left(document, -1) || '}', updated_at = now() WHERE cart_id = ('01936f6e-0000-7000-8000-' || :cart::text)::uuid RETURNING version AS version \gset
UPDATE baseline.cart_items SET quantity = quantity + 1 WHERE cart_id = ('01936f6e-0000-7000-8000-' || :cart::text)::uuid AND item_id = 'p' || :sku::text;
INSERT INTO baseline.events (position, stream_type, stream_id, version, type, schema_version, data, metadata, command_id, recorded_at) VALUES (nextval('baseline.position'), 'cart', ('01936f6e-0000-7000-8000-' || :cart::text)::uuid, :version, 'ItemAdded', 1, '{"sku": "p1", "name": "Product number 1", "item_id": "p1", "quantity": 1, "unit_price": 100}', '{"actor": "anonymous", "command_id": "01a2074b-38bf-7266-9dc2-c24602270d6b"}', gen_random_uuid(), now());
COMMIT;
