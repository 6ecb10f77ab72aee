\set cart random(100000000000, 100000000000 + :carts - 1)
SELECT document FROM baseline.carts WHERE cart_id = ('01936f6e-0000-7000-8000-' || :cart::text)::uuid;
