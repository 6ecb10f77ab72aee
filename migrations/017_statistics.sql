-- What ANALYZE looks at. The service's plans are generic and ask for nothing finer, and a sample of
-- 30,000 rows with their documents and jsonb, sorted, takes a core for a quarter of a second each time,
-- which the appends beside it feel (bench/NOTES.md). A target of 10 is a sample of 3,000 rows.
ALTER TABLE events
    ALTER COLUMN position SET STATISTICS 10,
    ALTER COLUMN stream_type SET STATISTICS 10,
    ALTER COLUMN stream_id SET STATISTICS 10,
    ALTER COLUMN version SET STATISTICS 10,
    ALTER COLUMN type SET STATISTICS 10,
    ALTER COLUMN schema_version SET STATISTICS 10,
    ALTER COLUMN data SET STATISTICS 0,
    ALTER COLUMN metadata SET STATISTICS 0,
    ALTER COLUMN command_id SET STATISTICS 10,
    ALTER COLUMN recorded_at SET STATISTICS 10;
ALTER TABLE carts
    ALTER COLUMN cart_id SET STATISTICS 10,
    ALTER COLUMN version SET STATISTICS 10,
    ALTER COLUMN status SET STATISTICS 10,
    ALTER COLUMN currency SET STATISTICS 10,
    ALTER COLUMN customer_id SET STATISTICS 10,
    ALTER COLUMN guest_token_hash SET STATISTICS 0,
    ALTER COLUMN item_count SET STATISTICS 10,
    ALTER COLUMN total SET STATISTICS 10,
    ALTER COLUMN document SET STATISTICS 0,
    ALTER COLUMN document_end SET STATISTICS 0,
    ALTER COLUMN created_at SET STATISTICS 10,
    ALTER COLUMN updated_at SET STATISTICS 10,
    ALTER COLUMN closed_at SET STATISTICS 10;
