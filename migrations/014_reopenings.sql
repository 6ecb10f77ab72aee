-- A cart that is reopened is no longer bought: what a checkout of it counted for ends there.
CREATE TABLE reopenings (
    position        bigint NOT NULL PRIMARY KEY, -- of the event that reopened a cart
    closed_position bigint NOT NULL -- of the one that had closed it
);
CREATE INDEX reopenings_of ON reopenings (closed_position);

-- An event that takes a cart from one currency to another is a step in both. The steps after 4 are
-- reopened after a checkout (5) or a cancellation (6), and a cart that leaves a currency or comes to
-- it, never having held anything (7, 8) or having done so (9, 10).
ALTER TABLE funnel_steps
    DROP CONSTRAINT funnel_steps_pkey,
    ADD PRIMARY KEY (position, currency);
