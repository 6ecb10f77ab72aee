-- The read table of the catalogue, written with every append. It can be rebuilt from the log.
CREATE TABLE products (
    sku        text COLLATE "C" NOT NULL PRIMARY KEY,
    version    integer          NOT NULL,
    name       text             NOT NULL,
    prices     text             NOT NULL,
    is_active  boolean          NOT NULL,
    document   text             NOT NULL,
    updated_at timestamptz      NOT NULL
);
