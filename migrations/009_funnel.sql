-- The steps of carts towards their checkout: one row for each event that is a step or changes the
-- cart's total. Rows are only added, but for a rebuild.
CREATE TABLE funnel_steps (
    position         bigint           NOT NULL PRIMARY KEY, -- of the event
    created_position bigint           NOT NULL, -- of the cart's first event
    value            bigint           NOT NULL, -- how much the total changed; of a closed cart: its total
    step             smallint         NOT NULL, -- none, created, first item, checked out, cancelled: 0 to 4
    currency         text COLLATE "C" NOT NULL
);
INSERT INTO projection_checkpoints (name) VALUES ('funnel');
