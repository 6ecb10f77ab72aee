-- What the open carts hold, as changes: one row for each event and sku. The sums up to a position are
-- what they held there. Rows are only added, but for a rebuild.
CREATE TABLE demand_changes (
    position bigint   NOT NULL, -- of the event
    units    integer  NOT NULL,
    carts    smallint NOT NULL, -- 1: a cart holds the sku that did not before; -1: it no longer does
    sku      text COLLATE "C" NOT NULL
);
CREATE INDEX demand_changes_position ON demand_changes (position);
INSERT INTO projection_checkpoints (name) VALUES ('demand');

GRANT SELECT, INSERT, DELETE ON demand_changes TO cartd_app;
GRANT SELECT ON demand_changes TO cartd_reader;
