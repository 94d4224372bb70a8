DROP INDEX reviews_user_id_idx;
ALTER TABLE reviews DROP COLUMN user_id;
