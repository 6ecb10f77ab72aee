-- Words that group products, a JSON array; null: none.
ALTER TABLE products ADD COLUMN tags text;
