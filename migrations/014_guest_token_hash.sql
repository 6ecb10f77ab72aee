-- Whose a cart is that has no customer: the SHA-256 of its guest's token, in hexadecimal digits.
-- Read tables are told by the log, in which no cart of before has one.
ALTER TABLE carts ADD COLUMN guest_token_hash text COLLATE "C";
