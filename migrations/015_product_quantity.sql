-- How much of a product a line may hold and what a quantity counts, as JSON; null: the default.
ALTER TABLE products ADD COLUMN quantity text;
