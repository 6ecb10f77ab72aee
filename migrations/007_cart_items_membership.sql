-- cart_items says which skus are in which carts, for lists by sku: a row comes and goes with its
-- line and is not written when only a quantity or a price changes. How many and for how much is in
-- the cart's document. An add to a line that is there costs PostgreSQL a quarter less
-- (bench/NOTES.md).
ALTER TABLE cart_items DROP COLUMN quantity, DROP COLUMN unit_price;
