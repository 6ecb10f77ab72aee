-- The steps of carts towards their checkout: one row for each event that is a step or changes the
-- cart's total. Rows are only added, but for a rebuild.
CREATE TABLE funnel_steps (
    position         bigint   NOT NULL, -- of the event
    created_position bigint   NOT NULL, -- of the cart's first event
    value            bigint   NOT NULL, -- by how much the total changed; of a closed cart: its total
    step             smallint NOT NULL, -- 0 none, 1 created, 2 first item, 3 checked out, 4 cancelled
    currency         text COLLATE "C" NOT NULL
);
CREATE INDEX funnel_steps_position ON funnel_steps (position);
INSERT INTO projection_checkpoints (name) VALUES ('funnel');

GRANT SELECT, INSERT, DELETE ON funnel_steps TO cartd_app;
GRANT SELECT ON funnel_steps TO cartd_reader;
