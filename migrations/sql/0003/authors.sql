-- Who wrote a review, where the shop knows it: what somebody rated is part of what is known of them.

ALTER TABLE reviews ADD COLUMN user_id text CONSTRAINT reviews_user_id_check CHECK (user_id <> '' AND length(user_id) <= 200);
CREATE INDEX reviews_user_id_idx ON reviews (user_id, written_at) WHERE user_id IS NOT NULL;

COMMENT ON COLUMN reviews.user_id IS 'The shop''s key of who wrote it, the same as events.user_id; null where it is not known.';
