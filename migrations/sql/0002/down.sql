-- Everything but queue.sql and images.sql undone. Revision 0001 knows neither fitted models, projections, several texts nor a
-- linear kernel: spaces that have them go, with their vectors.
DO $$
DECLARE
    space record;
BEGIN
    FOR space IN SELECT s.id, s.state FROM shelfmate.embedding_spaces s
                  WHERE s.kernel <> 'cosine' OR s.text_projection IS NOT NULL OR s.image_projection IS NOT NULL
                     OR cardinality(s.text_inputs) <> 1 OR s.text_inputs[1] ~ ':|price|attributes'
                     OR EXISTS (SELECT FROM shelfmate.space_models m WHERE m.space_id = s.id) LOOP
        IF space.state = 'active' THEN
            DROP VIEW shelfmate.active_embeddings;
            CREATE VIEW shelfmate.active_embeddings AS
                SELECT NULL::bigint AS product_id, NULL::text AS sku, NULL::halfvec AS text, NULL::halfvec AS image,
                       NULL::halfvec AS reviews, NULL::halfvec AS fused WHERE false;
            GRANT SELECT ON shelfmate.active_embeddings TO analyst;
            PERFORM shelfmate.comment_active_embeddings();
        END IF;
        EXECUTE format('DROP TABLE shelfmate.product_embeddings_%s', space.id);
        DELETE FROM shelfmate.embedding_spaces s WHERE s.id = space.id;
    END LOOP;
END $$;

DROP TRIGGER queue_edited_facts ON products;
DROP FUNCTION queue_edited_facts();
DROP FUNCTION read_example(embedding_spaces, jsonb, text, integer, double precision[]);
ALTER FUNCTION read_unit_example(embedding_spaces, jsonb, text, integer, double precision[]) RENAME TO read_example;
DROP FUNCTION at_length(halfvec, jsonb, text);
DROP FUNCTION fuse_search(embedding_spaces, jsonb, jsonb);
ALTER FUNCTION fuse_unit_search(embedding_spaces, jsonb, jsonb) RENAME TO fuse_search;
DROP FUNCTION activate_space(text, boolean, interval);
DROP FUNCTION rollback_space(boolean, interval);
DROP FUNCTION retire_space(text);
DROP FUNCTION resume_space(text);
DROP FUNCTION check_activation(embedding_spaces, boolean, interval);
DROP FUNCTION answer_from(integer);
DROP FUNCTION count_missing(integer, integer, interval);
DROP FUNCTION queue_fill(integer, integer);
DROP FUNCTION fill_blockers(integer);
DROP FUNCTION create_space(text, text, text, text[], integer, double precision, text, text, integer, double precision, text, text, text, text);
DROP TABLE space_plans, space_models;

ALTER TABLE embedding_spaces RENAME COLUMN text_inputs TO text_fields;
ALTER TABLE embedding_spaces DROP CONSTRAINT embedding_spaces_text_inputs_check, ALTER COLUMN text_fields DROP DEFAULT;
UPDATE embedding_spaces SET text_fields = string_to_array(text_fields[1], '+');
ALTER TABLE embedding_spaces
    ALTER COLUMN text_fields SET DEFAULT '{title}',
    ADD CONSTRAINT embedding_spaces_text_fields_check CHECK (text_fields <@ '{title,description,brand}'::text[]),
    DROP COLUMN recipe, DROP COLUMN kernel, DROP COLUMN text_projection, DROP COLUMN image_projection, DROP COLUMN previous_id,
    DROP COLUMN fill_horizon, DROP COLUMN fill_cursor, DROP COLUMN fill_queued_at, DROP COLUMN filled_at;
COMMENT ON COLUMN embedding_spaces.state IS 'building, shadow, active or retired. A retired space is no longer filled.';
COMMENT ON COLUMN embedding_spaces.text_fields IS 'Columns of products that are joined, in this order, into the encoder''s input.';
