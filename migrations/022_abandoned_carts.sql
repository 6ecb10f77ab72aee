-- The carts that were abandoned and what became of them: one row for each event that abandons a cart
-- or changes what became of one. The sums up to a position are how it stood there. Rows are only
-- added, but for a rebuild.
CREATE TABLE abandonments (
    position           bigint           NOT NULL PRIMARY KEY, -- of the event
    abandoned_position bigint           NOT NULL, -- of the one that abandoned the cart last
    abandoned_at       timestamptz      NOT NULL, -- then, as are the next three
    value              bigint           NOT NULL,
    currency           text COLLATE "C" NOT NULL,
    is_guest           boolean          NOT NULL,
    carts              smallint         NOT NULL, -- 1: this event abandoned it
    recovered          smallint         NOT NULL, -- this and the next: 1: it became so; -1: no longer
    checked_out        smallint         NOT NULL,
    cancelled          smallint         NOT NULL,
    expired            smallint         NOT NULL,
    still_abandoned    smallint         NOT NULL
);
INSERT INTO projection_checkpoints (name) VALUES ('abandoned_carts');
