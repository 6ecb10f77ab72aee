-- What the shop calls the order that a cart became. It does not change with a line.
ALTER TABLE carts ADD COLUMN order_reference text COLLATE "C";
ALTER TABLE carts ALTER COLUMN order_reference SET STATISTICS 10;
CREATE INDEX carts_of_order ON carts (order_reference, created_at DESC, cart_id DESC)
    WHERE order_reference IS NOT NULL;
