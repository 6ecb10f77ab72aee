-- The read table of the coupons, written with every append. It can be rebuilt from the log. Two codes
-- with the same folded code are one coupon.
CREATE TABLE coupons (
    coupon_id   uuid             NOT NULL PRIMARY KEY,
    folded_code text COLLATE "C" NOT NULL,
    version     integer          NOT NULL,
    document    text             NOT NULL,
    updated_at  timestamptz      NOT NULL
);
CREATE INDEX coupons_by_code ON coupons (folded_code);
