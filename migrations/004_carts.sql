-- The read tables of carts, written with every append. They can be rebuilt from the log.
-- document is the JSON that is served, without its times: those are the columns. What stands after the
-- lines of a long cart is document_end, null where document is whole.
CREATE TABLE carts (
    cart_id          uuid             NOT NULL PRIMARY KEY,
    version          integer          NOT NULL,
    status           text COLLATE "C" NOT NULL,
    currency         text COLLATE "C" NOT NULL,
    customer_id      text COLLATE "C",
    guest_token_hash text COLLATE "C", -- the SHA-256 of the guest's token, in hexadecimal digits
    item_count       integer          NOT NULL,
    total            bigint           NOT NULL,
    document         text             NOT NULL,
    document_end     text,
    created_at       timestamptz      NOT NULL,
    updated_at       timestamptz      NOT NULL,
    closed_at        timestamptz
);
-- What lists filter by does not change with a line, so most updates stay within their page.
CREATE INDEX carts_newest ON carts (created_at DESC, cart_id DESC);
CREATE INDEX carts_newest_of_status ON carts (status, created_at DESC, cart_id DESC);
CREATE INDEX carts_newest_of_customer ON carts (customer_id, created_at DESC, cart_id DESC)
    WHERE customer_id IS NOT NULL;

-- As for events.
ALTER TABLE carts
    ALTER COLUMN cart_id SET STATISTICS 10,
    ALTER COLUMN version SET STATISTICS 10,
    ALTER COLUMN status SET STATISTICS 10,
    ALTER COLUMN currency SET STATISTICS 10,
    ALTER COLUMN customer_id SET STATISTICS 10,
    ALTER COLUMN guest_token_hash SET STATISTICS 0,
    ALTER COLUMN item_count SET STATISTICS 10,
    ALTER COLUMN total SET STATISTICS 10,
    ALTER COLUMN document SET STATISTICS 0,
    ALTER COLUMN document_end SET STATISTICS 0,
    ALTER COLUMN created_at SET STATISTICS 10,
    ALTER COLUMN updated_at SET STATISTICS 10,
    ALTER COLUMN closed_at SET STATISTICS 10;

-- The lines in the document of a cart with more than 16 lines, 16 to a row, so that an add to 250 lines
-- writes one row and not 24 KB (bench/NOTES.md). They belong between document and document_end.
CREATE TABLE cart_chunks (
    cart_id uuid    NOT NULL,
    chunk   integer NOT NULL,
    lines   text    NOT NULL,
    PRIMARY KEY (cart_id, chunk)
);

-- A long document is stored compressed; lz4 takes a fraction of the time where it is built in.
DO $$
BEGIN
    ALTER TABLE carts ALTER COLUMN document SET COMPRESSION lz4;
    ALTER TABLE cart_chunks ALTER COLUMN lines SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN NULL;
END
$$;

-- Which skus are in which carts, for lists by sku: a row comes and goes with its line and is not written
-- when only a quantity or a price changes. How many and for how much is in the cart's document. An add
-- to a line that exists costs PostgreSQL a quarter less for it (bench/NOTES.md).
CREATE TABLE cart_items (
    cart_id uuid             NOT NULL,
    item_id text COLLATE "C" NOT NULL,
    sku     text COLLATE "C" NOT NULL,
    PRIMARY KEY (cart_id, item_id)
);
CREATE INDEX cart_items_by_sku ON cart_items (sku, cart_id);
