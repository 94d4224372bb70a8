-- What people did, sent by a shop that may have to send it again: its own key of an event makes a repetition known.

ALTER TABLE events ADD COLUMN source_id text CONSTRAINT events_source_id_check CHECK (source_id <> '' AND length(source_id) <= 200);
CREATE UNIQUE INDEX events_source_id_idx ON events (product_id, source_id) WHERE source_id IS NOT NULL;

-- Rows of before are left as they are: whoever reads them takes a value that does not fit for none.
ALTER TABLE events
    ADD CONSTRAINT events_user_id_check CHECK (user_id <> '' AND length(user_id) <= 200) NOT VALID,
    ADD CONSTRAINT events_value_check CHECK (CASE kind WHEN 'rating' THEN value IS NOT NULL AND value BETWEEN 1 AND 5
                                                       ELSE value > 0 AND value < 'Infinity' END) NOT VALID;

COMMENT ON COLUMN events.source_id IS 'The shop''s own key of the event: with the same one an event of a product is stored once. Null where it has none.';
