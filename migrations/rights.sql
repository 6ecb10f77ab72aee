-- Rights beyond those that the scripts grant to what they make. This is no migration: each `cartd migrate`
-- grants what is missing of all of them, as a restored dump may have none (docs/RESTORE.md).

-- `cartd verify` proves the stored answers too.
GRANT SELECT ON idempotency_keys TO cartd_reader;
