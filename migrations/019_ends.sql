-- Since when nobody has touched an open cart for so long that it counts as abandoned. An ordinary add
-- does not change it, and of the index only abandoned carts are a part.
ALTER TABLE carts ADD COLUMN abandoned_at timestamptz;
ALTER TABLE carts ALTER COLUMN abandoned_at SET STATISTICS 10;
CREATE INDEX carts_abandoned ON carts (created_at DESC, cart_id DESC)
    WHERE abandoned_at IS NOT NULL;

-- Carts of before end too.
INSERT INTO reaction_checkpoints (name) VALUES ('ends');
