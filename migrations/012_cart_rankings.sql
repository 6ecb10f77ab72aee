-- What lists of carts are ordered and searched by, of what changes with a line: a row for each cart, as
-- it was at `version`. It follows the log, so that an add does not pay for its indexes. A cart's
-- document is in `carts`.
CREATE TABLE cart_rankings (
    cart_id    uuid             NOT NULL PRIMARY KEY,
    version    integer          NOT NULL,
    status     text COLLATE "C" NOT NULL,
    currency   text COLLATE "C" NOT NULL,
    total      bigint           NOT NULL,
    created_at timestamptz      NOT NULL,
    updated_at timestamptz      NOT NULL
);
CREATE INDEX cart_rankings_by_creation ON cart_rankings (created_at, cart_id);
CREATE INDEX cart_rankings_by_update ON cart_rankings (updated_at, cart_id);
CREATE INDEX cart_rankings_of_status_by_update ON cart_rankings (status, updated_at, cart_id);
CREATE INDEX cart_rankings_by_total ON cart_rankings (currency, total, cart_id);
-- A few large totals are what is looked for.
ALTER TABLE cart_rankings ALTER COLUMN total SET STATISTICS 1000;
INSERT INTO projection_checkpoints (name) VALUES ('cart_rankings');

-- It does not change with a line.
CREATE INDEX carts_newest_of_currency ON carts (currency, created_at DESC, cart_id DESC);
