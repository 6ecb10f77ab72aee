-- The group roles and all that they may do. Login users are made members of them: GRANT cartd_app TO shop;
--
-- This is no migration: each `cartd migrate` makes the roles that do not exist and grants what is missing
-- of these rights, as after a restore from a dump, which may have none of them (docs/RESTORE.md).

-- The service, and the commands that write.
GRANT SELECT ON schema_migrations TO cartd_app;
GRANT SELECT, INSERT ON events, streams TO cartd_app;
GRANT SELECT, UPDATE ON log_head, read_lease TO cartd_app;
GRANT SELECT, INSERT, DELETE ON idempotency_keys TO cartd_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON snapshots TO cartd_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON carts, cart_chunks, cart_items, products, coupons TO cartd_app;
GRANT SELECT, UPDATE ON projection_checkpoints, projection_runner TO cartd_app;
GRANT SELECT, UPDATE ON reaction_checkpoints, reaction_runner TO cartd_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON reaction_due TO cartd_app;
GRANT SELECT, INSERT, DELETE ON demand_changes, funnel_steps TO cartd_app;
GRANT SELECT, INSERT, DELETE ON removals, removals_bought, reopenings, abandonments TO cartd_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON cart_rankings TO cartd_app;

-- Whoever only reads: people, `cartd events`, `cartd verify`, which proves the stored answers too.
GRANT SELECT ON schema_migrations TO cartd_reader;
GRANT SELECT ON events, streams, log_head, idempotency_keys, snapshots TO cartd_reader;
GRANT SELECT ON carts, cart_chunks, cart_items, products, coupons TO cartd_reader;
GRANT SELECT ON projection_checkpoints, projection_runner TO cartd_reader;
GRANT SELECT ON reaction_checkpoints, reaction_runner, reaction_due TO cartd_reader;
GRANT SELECT ON demand_changes, funnel_steps TO cartd_reader;
GRANT SELECT ON removals, removals_bought, reopenings, abandonments TO cartd_reader;
GRANT SELECT ON cart_rankings TO cartd_reader;
GRANT SELECT ON relays TO cartd_reader;

-- cartd-relay, which reads the log and nothing else, and remembers how far it is.
GRANT SELECT ON schema_migrations, events, log_head TO cartd_relay;
GRANT SELECT, INSERT, UPDATE, DELETE ON relays TO cartd_relay;
