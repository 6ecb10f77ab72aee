-- The SHA-256 of the token by which somebody may go on with a cart, in hexadecimal digits.
ALTER TABLE carts ADD COLUMN resume_token_hash text COLLATE "C";
ALTER TABLE carts ALTER COLUMN resume_token_hash SET STATISTICS 0;
