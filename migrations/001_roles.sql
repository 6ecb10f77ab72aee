-- The group roles. Login users are made members of them: GRANT cartd_app TO shop;
-- Roles belong to the whole cluster, so another database's migration may have made them already or
-- may be making them now.
DO $$
BEGIN
    BEGIN
        CREATE ROLE cartd_app NOLOGIN;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
    END;
    BEGIN
        CREATE ROLE cartd_reader NOLOGIN;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
    END;
END
$$;
