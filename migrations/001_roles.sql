-- Former checksum: ac3698a637c56e48455091050d13a518b5a9412132fffb6061a8d50f23b0e451
-- The group roles. Login users are made members of them: GRANT cartd_app TO shop;
-- Roles belong to the whole cluster, so another database's migration may have made them already or
-- may be making them now. Where they are, this needs no right to make roles.
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['cartd_app', 'cartd_reader'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
            END;
        END IF;
    END LOOP;
END
$$;
