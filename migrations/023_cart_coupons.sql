-- The folded codes of the coupons in a cart, for lists by coupon; null: none. An ordinary add does not
-- change them, and of the index only carts with coupons are a part. It has no pending list, for which
-- whoever fills it up would wait. Carts of before have theirs after `cartd rebuild carts`.
ALTER TABLE carts ADD COLUMN coupons text[] COLLATE "C";
ALTER TABLE carts ALTER COLUMN coupons SET STATISTICS 10;
CREATE INDEX carts_coupons ON carts USING gin (coupons) WITH (fastupdate = off)
    WHERE coupons IS NOT NULL;
