-- The read tables of carts, written with every append. They can be rebuilt from the log.
-- document is the JSON that is served, without its times: those are the columns.
CREATE TABLE carts (
    cart_id     uuid        NOT NULL PRIMARY KEY,
    version     integer     NOT NULL,
    status      text COLLATE "C" NOT NULL,
    currency    text COLLATE "C" NOT NULL,
    customer_id text COLLATE "C",
    item_count  integer     NOT NULL,
    total       bigint      NOT NULL,
    document    text        NOT NULL,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    closed_at   timestamptz
);
-- A cart of many lines is stored compressed; lz4 takes a fraction of the time where it is built in.
DO $$
BEGIN
    ALTER TABLE carts ALTER COLUMN document SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN NULL;
END
$$;
-- What lists filter by does not change with a line, so most updates stay within their page.
CREATE INDEX carts_newest ON carts (created_at DESC, cart_id DESC);
CREATE INDEX carts_newest_of_status ON carts (status, created_at DESC, cart_id DESC);
CREATE INDEX carts_newest_of_customer ON carts (customer_id, created_at DESC, cart_id DESC)
    WHERE customer_id IS NOT NULL;

CREATE TABLE cart_items (
    cart_id    uuid    NOT NULL,
    item_id    text COLLATE "C" NOT NULL,
    sku        text COLLATE "C" NOT NULL,
    quantity   integer NOT NULL,
    unit_price bigint  NOT NULL,
    PRIMARY KEY (cart_id, item_id)
);
CREATE INDEX cart_items_by_sku ON cart_items (sku, cart_id);

GRANT SELECT, INSERT, UPDATE, DELETE ON carts, cart_items TO cartd_app;
GRANT SELECT ON carts, cart_items TO cartd_reader;
