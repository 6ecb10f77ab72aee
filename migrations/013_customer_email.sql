-- Whom the shop may write to about a cart; support finds carts by it. It does not change with a line.
ALTER TABLE carts ADD COLUMN customer_email text COLLATE "C";
ALTER TABLE carts ALTER COLUMN customer_email SET STATISTICS 10;
CREATE INDEX carts_of_email ON carts (lower(customer_email), created_at DESC, cart_id DESC)
    WHERE customer_email IS NOT NULL;
