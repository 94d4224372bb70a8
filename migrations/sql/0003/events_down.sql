ALTER TABLE events DROP CONSTRAINT events_user_id_check, DROP CONSTRAINT events_value_check;
DROP INDEX events_source_id_idx;
ALTER TABLE events DROP COLUMN source_id;
