-- Revision 0002 knows no reviews in spaces: those that have them go, with their vectors.
DO $$
DECLARE
    space record;
BEGIN
    FOR space IN SELECT s.id, s.state FROM shelfmate.embedding_spaces s WHERE s.reviews_dimensions > 0 LOOP
        IF space.state = 'active' THEN
            DROP VIEW shelfmate.active_embeddings;
            CREATE VIEW shelfmate.active_embeddings AS
                SELECT NULL::bigint AS product_id, NULL::text AS sku, NULL::halfvec AS text, NULL::halfvec AS image,
                       NULL::halfvec AS reviews, NULL::halfvec AS fused WHERE false;
            GRANT SELECT ON shelfmate.active_embeddings TO analyst;
            PERFORM shelfmate.comment_active_embeddings();
        END IF;
        EXECUTE format('DROP TABLE shelfmate.product_embeddings_%1$s, shelfmate.review_embeddings_%1$s', space.id);
        DELETE FROM shelfmate.embedding_spaces s WHERE s.id = space.id;
    END LOOP;
END $$;

DROP TRIGGER requeue_inserted ON reviews;
DROP TRIGGER requeue_edited ON reviews;
DROP TRIGGER requeue_deleted ON reviews;
DROP TRIGGER requeue_truncated ON reviews;
DROP FUNCTION queue_reviewed_products();
DROP FUNCTION queue_reviews(bigint[]);
DROP FUNCTION create_space(text, text, text, text[], integer, double precision, text, text, integer, double precision, text, text, text, text, text, text, integer, double precision, text);
DROP FUNCTION create_review_partition(embedding_spaces);
DROP TABLE review_embeddings;
DROP FUNCTION review_weight(integer, timestamptz, timestamptz);
DROP FUNCTION review_hash(text, text);
DROP FUNCTION review_text(text, text);
ALTER TABLE embedding_spaces
    DROP CONSTRAINT embedding_spaces_reviews_check,
    DROP COLUMN reviews_encoder, DROP COLUMN reviews_version, DROP COLUMN reviews_projection;
ALTER TABLE space_models
    DROP CONSTRAINT space_models_modality_check,
    ADD CONSTRAINT space_models_modality_check CHECK (modality IN ('text', 'image'));
COMMENT ON COLUMN space_models.modality IS 'text or image.';

CREATE FUNCTION create_space(
    name text,
    text_encoder text, text_version text, text_inputs text[], text_dimensions integer, text_weight double precision,
    image_encoder text, image_version text, image_dimensions integer, image_weight double precision,
    recipe text DEFAULT NULL, kernel text DEFAULT 'cosine', text_projection text DEFAULT NULL, image_projection text DEFAULT NULL
) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    space shelfmate.embedding_spaces;
    block record;
    checks text := '';
BEGIN
    INSERT INTO shelfmate.embedding_spaces AS s
           (name, text_encoder, text_version, text_inputs, text_dimensions, text_weight, text_projection,
            image_encoder, image_version, image_dimensions, image_weight, image_projection, recipe, kernel)
    VALUES (create_space.name, create_space.text_encoder, create_space.text_version, create_space.text_inputs,
            create_space.text_dimensions, create_space.text_weight, create_space.text_projection,
            create_space.image_encoder, create_space.image_version, create_space.image_dimensions, create_space.image_weight,
            create_space.image_projection, create_space.recipe, create_space.kernel)
    RETURNING s.* INTO space;
    FOR block IN SELECT * FROM (VALUES ('text', text_dimensions), ('image', image_dimensions), ('reviews', 0),
                                       ('fused', text_dimensions + image_dimensions)) AS blocks (name, dimensions) LOOP
        checks := checks || CASE WHEN block.dimensions > 0
            THEN format(', CHECK (vector_dims(%I) = %s)', block.name, block.dimensions)
            ELSE format(', CHECK (%I IS NULL)', block.name) END;
    END LOOP;
    -- Attached, which readers and writers of the other partitions do not wait for, as they would for PARTITION OF.
    EXECUTE format('CREATE TABLE shelfmate.product_embeddings_%1$s (LIKE shelfmate.product_embeddings INCLUDING DEFAULTS, %2$s)',
                   space.id, substr(checks, 3));
    -- An exact scan reads fused alone: it stays in the row, its parts move out of the way.
    EXECUTE format('ALTER TABLE shelfmate.product_embeddings_%s ALTER COLUMN fused SET STORAGE MAIN', space.id);
    EXECUTE format('COMMENT ON TABLE shelfmate.product_embeddings_%s IS %L', space.id,
                   'The vectors of the embedding space ' || create_space.name || '.');
    EXECUTE format('GRANT SELECT ON shelfmate.product_embeddings_%s TO analyst', space.id);
    EXECUTE format('ALTER TABLE shelfmate.product_embeddings ATTACH PARTITION shelfmate.product_embeddings_%1$s FOR VALUES IN (%1$s)',
                   space.id);
    IF NOT EXISTS (SELECT FROM shelfmate.embedding_spaces s WHERE s.state = 'active') THEN
        PERFORM shelfmate.answer_from(space.id);
    END IF;
    PERFORM pg_notify('shelfmate_jobs', '');
    RETURN space.id;
END $$;
COMMENT ON FUNCTION create_space(text, text, text, text[], integer, double precision, text, text, integer, double precision, text, text, text, text) IS
    'Creates an embedding space with its partition; what is inserted and edited from then on is queued for it. The first space becomes active.';
COMMENT ON COLUMN product_embeddings.reviews IS 'Unit vector of the reviews; null without any.';
