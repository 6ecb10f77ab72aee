-- An append locks the head by a statement of its own, before the one that appends (src/eventstore/append.c):
-- that one's snapshot is taken behind the lock, so it reads the streams' versions itself, and nothing needs
-- to be left in the head to spare it that.
DROP FUNCTION streams_are_at(uuid[], integer[], bigint);
ALTER TABLE log_head DROP COLUMN fence, DROP COLUMN fenced_position;

-- Each table has a primary key: replication and tools that compare databases need one.
ALTER TABLE demand_changes ADD PRIMARY KEY (position, sku);
ALTER TABLE funnel_steps ADD PRIMARY KEY (position);
ALTER TABLE removals ADD PRIMARY KEY (position, sku);
ALTER TABLE removals_bought ADD PRIMARY KEY (position, sku);
DROP INDEX demand_changes_position, funnel_steps_position, removals_position, removals_bought_position;
