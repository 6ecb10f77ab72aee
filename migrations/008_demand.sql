-- What the open carts hold, as changes: one row for each event and sku. The sums up to a position are
-- what they held there. Rows are only added, but for a rebuild.
CREATE TABLE demand_changes (
    position bigint           NOT NULL, -- of the event
    units    integer          NOT NULL,
    carts    smallint         NOT NULL, -- 1: a cart began to hold the sku; -1: it no longer does
    sku      text COLLATE "C" NOT NULL,
    PRIMARY KEY (position, sku)
);
INSERT INTO projection_checkpoints (name) VALUES ('demand');
