-- What cursors are signed with. All who serve from this database sign with the same key, and a restored
-- one still knows its own. Whoever changes it makes the cursors that clients hold worthless, no more.
CREATE TABLE cursor_key (
    is_only boolean NOT NULL PRIMARY KEY DEFAULT true CHECK (is_only),
    key     bytea   NOT NULL CHECK (length(key) = 32)
);
-- PostgreSQL's one source of strong randomness that needs no extension has 122 bits at a time.
INSERT INTO cursor_key (key)
SELECT sha256(string_agg(uuid_send(gen_random_uuid()), ''::bytea))
FROM generate_series(1, 4);

GRANT SELECT ON cursor_key TO cartd_app;
