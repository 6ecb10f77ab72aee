-- Answers that are stored for retries of the same request, written in the transaction of its events.
-- scope_id is the cart or product or, for the creation of a cart, the UUIDv5 of caller and key.
CREATE TABLE idempotency_keys (
    scope_id    uuid             NOT NULL,
    key         text COLLATE "C" NOT NULL,
    stream_id   uuid             NOT NULL,
    fingerprint bytea            NOT NULL,
    status      integer          NOT NULL,
    version     integer          NOT NULL,
    created_at  timestamptz      NOT NULL,
    PRIMARY KEY (scope_id, key)
);
-- For deleting the old ones.
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);
