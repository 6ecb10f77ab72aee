"""Tests of the whole binary over HTTP and SQL.

How to run them, from the top of the repository:

    scripts/test http                               # everything, quickly, with a build and a PostgreSQL
    scripts/test http test_carts test_cors.Origins  # a module and a class
    /usr/bin/python3 tests/http/run.py              # with what the environment names, see below
    cd tests/http && /usr/bin/python3 -m unittest -v test_carts      # one module, as it goes on

Modules are run side by side, so a test must bear others beside it: on the same PostgreSQL, in
other databases. Needed are Debian's python3-yaml and python3-jsonschema, psql, and for the tests
that stop PostgreSQL the server's own programs (initdb, pg_ctl); haproxy for test_guard_proxy,
which is skipped without it.

What they are told, by the environment:

CARTD_TEST_DATABASE_URL  A PostgreSQL whose user may create databases and roles. Each test class
                         gets a fresh database in it, migrated by `cartd migrate`. The service is
                         connected as a member of cartd_app, so its rights are tested too.
CARTD_TEST_BINARY        The binary; build/cartd when unset.
CARTD_TEST_SEED          The seed of the test_model… and test_input_random; random when
                         unset, and printed.
CARTD_TEST_SEQUENCE      The number of one sequence of test_model_whole or test_model_shop, to play it
                         alone.
CARTD_TEST_QUICK         When set, tests that take long (`slow` says which) are skipped, and what is
                         random is shorter (`how_many`); `scripts/test` sets it.
CARTD_TEST_LONG          When set, test_input_random sends 20,000 requests instead of 600, and
                         test_guard_clients measures a client beside 10,000 slow connections;
                         test_kills, test_wire and test_machine have 200 kills and 50 stops, cut at
                         every byte, and find no memory at hundreds of places.
CARTD_TEST_SEQUENCES     How many sequences the test_model… play.
CARTD_TEST_LIBMICROHTTPD The version of libmicrohttpd that the service of CARTD_TEST_URL has, for what
                         is expected of bad requests; 1.0.1 when unset, as in the image.
CARTD_TEST_PICTURES      A folder for pictures of the pages as browsers show them.
CARTD_TEST_AXE           axe.min.js of the npm package axe-core, which then judges each page that is shown.
CARTD_TEST_VALGRIND      When set, CARTD_TEST_BINARY runs the service inside valgrind, and the few tests
                         that need the process itself are skipped (`needs_bare_process` says which).
CARTD_TEST_URL           A service that runs already, as in docker compose: http://host:port. Then
                         only tests that need nothing but HTTP run (nearly all but test_cli,
                         test_faults and test_log); the others are skipped, and neither a binary
                         nor a database of ours is needed. Skus and ids are made anew for each run,
                         so the service may hold data already.

Every answer that any test gets goes through support/contract.py, which checks it against
openapi.yaml: status, headers, media type, body. test_contract also demands that each operation
was answered with each of its documented statuses.
"""
