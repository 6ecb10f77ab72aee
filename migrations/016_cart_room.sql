-- A page of carts is tidied when it has less room than this leaves free (10 % at the least). With
-- 10 % a cart of 820 to 2,000 bytes finds no room in many a page that is not tidied yet, goes to
-- another one, and is written into every index. What is longer than 2,000 bytes is compressed.
ALTER TABLE carts SET (fillfactor = 75);
